/* SPDX-License-Identifier: ISC */
/**
 * @file ipsec_mb.h
 * @brief ChaCha20-Poly1305 by Intel's Multi-Buffer Crypto for IPsec. A library of its own: link vpn-ipsec-mb as well.
 *
 * Give what it returns to vpn_wg_config.provider, or let vpn_provider_select compare it with others first. X25519 and
 * XChaCha20-Poly1305 stay with libsodium. Each scratch takes a manager of some 100 KiB from malloc, not from vpn_env.
 */
#ifndef VPN_PROVIDER_IPSEC_MB_H
#define VPN_PROVIDER_IPSEC_MB_H

#include <vpn/crypto.h>

VPN_BEGIN

/**
 * @brief The provider "ipsec-mb".
 * @return a static object, or NULL where the processor has nothing that the library could use. Any thread. Since 0.1.
 */
VPN_API const vpn_provider *vpn_provider_ipsec_mb(void);

VPN_END

#endif
