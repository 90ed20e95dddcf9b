/* SPDX-License-Identifier: ISC */
/* The messages that a device sends by itself: initiations and keepalives. */
#ifndef VPN_LIB_WIREGUARD_EMIT_H
#define VPN_LIB_WIREGUARD_EMIT_H

#include "wireguard/device.h"

/* Each writes to packet->data + packet->offset, sets the path and the verdict VPN_TO_NET, and returns 0 or a VPN_REASON_*;
   then the descriptor is as it was, and what its memory holds is of no use. */
uint8_t vpn__emit_initiation(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet);
uint8_t vpn__emit_keepalive(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet);
/* Something was sent under current: is it time for new keys? */
void vpn__emit_rekey(vpn_wg *wg, struct vpn__peer *peer);
/* Fills the fields of a packet that goes to a peer's endpoint. */
void vpn__emit_address(const struct vpn__peer *peer, vpn_packet *packet, uint8_t type, uint32_t length, uint8_t tos);

#endif
