/* SPDX-License-Identifier: ISC */
/* Looks through some packets of a batch before they are worked on one by one: asks for the memory that this will touch, and
   searches AllowedIPs for all of them side by side. It changes nothing. Of what it finds, AllowedIPs stay as they are within a
   call; sessions do until a handshake message of the batch, behind which the caller looks again. */
#ifndef VPN_LIB_WIREGUARD_AHEAD_H
#define VPN_LIB_WIREGUARD_AHEAD_H

#include "packet/ip.h"
#include "wireguard/device.h"

#define VPN__AHEAD 32u /* packets that are looked at together */

#define VPN__AHEAD_UNKNOWN (UINT32_MAX - 1) /* no IP packet, or none to look at */

/* What was found of each packet. */
struct vpn__ahead {
    /* The slot of the peer that AllowedIPs give its address to, VPN_ALLOWEDIPS_NONE or VPN__AHEAD_UNKNOWN; and unless it is that,
       its IP header. */
    uint32_t slot[VPN__AHEAD];
    struct vpn__ip ip[VPN__AHEAD];
    /* In the third phase: the packets whose source was searched, and the changes of AllowedIPs until then. */
    uint32_t searched;
    uint64_t changes;
    /* Of datagrams that came: the session of the receiver index of a data message, or NULL. */
    struct vpn_session *session[VPN__AHEAD];
};
_Static_assert(VPN__AHEAD <= 32, "a bit for each packet");

/* `n` <= VPN__AHEAD packets that are to be sent: by destination. Their descriptors may be unsound. */
void vpn__ahead_send(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out);
/* Datagrams that came. */
void vpn__ahead_recv(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out);
/* Packets before the third phase: those that were opened by source. */
void vpn__ahead_end(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out);

#endif
