/* SPDX-License-Identifier: ISC */
/* Handshake messages that come in. */
#ifndef VPN_LIB_WIREGUARD_RECEIVE_H
#define VPN_LIB_WIREGUARD_RECEIVE_H

#include "wireguard/device.h"

/* An initiation, response or cookie reply of the right length: sets the verdict. `admitted`: mac2 and the budgets are passed
   over. */
void vpn__receive_handshake(vpn_wg *wg, vpn_packet *packet, uint8_t type, int admitted);
/* Under next a first valid message came, or a response: the session carries data now. */
void vpn__receive_up(vpn_wg *wg, struct vpn__peer *peer);
/* The entry of wg->unknown that remembers this datagram; VPN__UNKNOWN_MAX when there is none. */
size_t vpn__receive_recall(const vpn_wg *wg, const vpn_packet *packet);

#endif
