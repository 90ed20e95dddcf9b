/* SPDX-License-Identifier: ISC */
/**
 * @file libcrypto.h
 * @brief ChaCha20-Poly1305 and X25519 by OpenSSL's libcrypto. A library of its own: link vpn-libcrypto as well.
 *
 * Give what it returns to vpn_wg_config.provider, or let vpn_provider_select compare it with others first.
 * XChaCha20-Poly1305 stays with libsodium. Each scratch, and each X25519 for as long as it takes, uses OpenSSL's allocator.
 */
#ifndef VPN_PROVIDER_LIBCRYPTO_H
#define VPN_PROVIDER_LIBCRYPTO_H

#include <vpn/crypto.h>

VPN_BEGIN

/**
 * @brief The provider "libcrypto".
 * @return a static object, or NULL where OpenSSL is configured without these algorithms. Any thread. Since 0.1.
 */
VPN_API const vpn_provider *vpn_provider_libcrypto(void);

VPN_END

#endif
