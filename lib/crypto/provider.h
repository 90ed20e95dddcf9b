/* SPDX-License-Identifier: ISC */
/* What every object that is given a provider asks of it. */
#ifndef VPN_LIB_CRYPTO_PROVIDER_H
#define VPN_LIB_CRYPTO_PROVIDER_H

#include <vpn/crypto.h>

/* Its size, the members that may not be NULL, the bounds of its numbers. */
int vpn__provider_is_sound(const vpn_provider *provider);

#endif
