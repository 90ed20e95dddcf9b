/* SPDX-License-Identifier: ISC */
/* The life of sessions and handshakes in the device's pools: index entry, ring, pins, wipe. */
#ifndef VPN_LIB_WIREGUARD_KEYS_H
#define VPN_LIB_WIREGUARD_KEYS_H

#include "wireguard/device.h"

/* Takes a session slot and fills it from a complete handshake, which is wiped; the index entry of the handshake becomes the
   session's. NULL: `*error` is VPN_ENOMEM or what the provider says. */
struct vpn_session *vpn__keys_session(vpn_wg *wg, struct vpn__peer *peer, struct vpn__handshake *handshake, int *error);
/* Draws a receiver index that is not in use and enters it. 0, VPN_ENOMEM or VPN_ERANDOM. */
int vpn__keys_index(vpn_wg *wg, const struct vpn__peer *peer, uint32_t *index);
/* Retires what a move put out of the ring; `wiped`: packets in flight are dropped. */
void vpn__keys_retire(vpn_wg *wg, struct vpn__keyring_out out, int wiped);
/* One packet in flight less; the last one frees a retired session. */
void vpn__keys_unpin(vpn_wg *wg, struct vpn_session *session);
/* Ends our handshake in progress; its index goes unless `keep_index`. */
void vpn__keys_end_handshake(vpn_wg *wg, struct vpn__peer *peer, int keep_index);
/* Wipes the handshake and all keys of a peer. */
void vpn__keys_wipe(vpn_wg *wg, struct vpn__peer *peer);

#endif
