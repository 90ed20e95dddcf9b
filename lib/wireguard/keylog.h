/* SPDX-License-Identifier: ISC */
/* The secrets of a handshake as lines that Wireshark reads. Without VPN_KEYLOG there is nothing to call. */
#ifndef VPN_LIB_WIREGUARD_KEYLOG_H
#define VPN_LIB_WIREGUARD_KEYLOG_H

#include "wireguard/device.h"

#ifdef VPN_KEYLOG
/* After a handshake has written a message with `peer`, and before its ephemeral key is wiped. */
void vpn__keylog_handshake(const vpn_wg *wg, const struct vpn__peer *peer, const struct vpn__handshake *handshake);
#else
static inline void vpn__keylog_handshake(const vpn_wg *wg, const struct vpn__peer *peer,
                                         const struct vpn__handshake *handshake)
{
    (void)wg;
    (void)peer;
    (void)handshake;
}
#endif

#endif
