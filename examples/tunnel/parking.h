/* SPDX-License-Identifier: ISC */
/* Packets that wait for a session, and whose they are. */
#ifndef TUNNEL_PARKING_H
#define TUNNEL_PARKING_H

#include "platform.h"

typedef struct parking {
    vpn_queue *queue;
    vpn_peer_id *peers; /* that have had packets in the queue since it was last empty */
    size_t count;
    size_t room;
} parking;

/* 0, or -1 without memory. parking_close also after that. */
int parking_open(parking *p);
void parking_close(parking *p);
/* Keeps those of the packets whose verdict is VPN_WAIT. */
void parking_keep(parking *p, const vpn_packet *packets, size_t n);
/* The peer's packets are about to be taken out, or have gone. */
void parking_forget(parking *p, vpn_peer_id peer);
/* Drops the packets of a peer. */
void parking_drop(parking *p, vpn_peer_id peer);
/* Drops the packets of peers that are no longer there. */
void parking_sweep(parking *p, const vpn_wg *wg);

#endif
