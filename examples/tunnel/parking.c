/* SPDX-License-Identifier: ISC */
#include "parking.h"

#include <stdlib.h>

int parking_open(parking *p)
{
    *p = (parking){.queue = NULL};
    return vpn_queue_new(&p->queue, NULL) == VPN_OK ? 0 : -1;
}

void parking_close(parking *p)
{
    vpn_queue_free(p->queue);
    free(p->peers);
    *p = (parking){.queue = NULL};
}

static void keep(parking *p, const vpn_packet *packet)
{
    int first = vpn_queue_count(p->queue, packet->peer) == 0;

    if (first && p->count == p->room) {
        size_t room = p->room == 0 ? 16 : p->room * 2;
        vpn_peer_id *grown = realloc(p->peers, room * sizeof *grown);

        if (grown == NULL)
            return;
        p->peers = grown;
        p->room = room;
    }
    if (vpn_queue_push(p->queue, packet) == 0 && first)
        p->peers[p->count++] = packet->peer;
}

void parking_keep(parking *p, const vpn_packet *packets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (packets[i].verdict == VPN_WAIT)
            keep(p, &packets[i]);
    }
}

void parking_forget(parking *p, vpn_peer_id peer)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->peers[i] == peer) {
            p->peers[i] = p->peers[--p->count];
            return;
        }
    }
}

void parking_drop(parking *p, vpn_peer_id peer)
{
    (void)vpn_queue_purge(p->queue, peer);
    parking_forget(p, peer);
}

void parking_sweep(parking *p, const vpn_wg *wg)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++) {
        vpn_wg_peer_stats stats = {.size = sizeof stats};
        vpn_peer_id peer = p->peers[i];

        if (vpn_wg_peer_get_stats(wg, peer, &stats, 0) != 0)
            (void)vpn_queue_purge(p->queue, peer);
        else if (vpn_queue_count(p->queue, peer) != 0)
            p->peers[kept++] = peer;
    }
    p->count = kept;
}
