/* SPDX-License-Identifier: ISC */
/* Peers: adding, changing and removing them, their AllowedIPs, their endpoint. */
#ifndef VPN_LIB_WIREGUARD_PEER_H
#define VPN_LIB_WIREGUARD_PEER_H

#include "wireguard/device.h"

/* NULL when the id names no peer. */
static inline struct vpn__peer *vpn__peer_find(const vpn_wg *wg, vpn_peer_id id)
{
    uint32_t slot = (uint32_t)id;
    struct vpn__peer *peer;

    if (id == 0 || slot >= vpn__slab_high(&wg->peers))
        return NULL;
    peer = vpn__wg_peer(wg, slot);
    return peer->id == id ? peer : NULL;
}

/* Computes static-static if that is due. 0 or VPN_EKEY. */
int vpn__peer_agree(vpn_wg *wg, struct vpn__peer *peer);
void vpn__peer_remove(vpn_wg *wg, struct vpn__peer *peer);
/* An authentic packet came along `path`: follow it as the peer's policy says. */
void vpn__peer_roam(vpn_wg *wg, struct vpn__peer *peer, const vpn_path *path);
void vpn__peer_forget_source(struct vpn__peer *peer);

#endif
