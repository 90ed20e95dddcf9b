/* SPDX-License-Identifier: ISC */
/* From the tunnel to the host: packets of one flow are handed over together where the host takes that. */
#ifndef TUNNEL_DELIVER_H
#define TUNNEL_DELIVER_H

#include "platform.h"

typedef struct deliver {
    vpn_super *supers;    /* BATCH of them */
    uint16_t *next;       /* BATCH of them */
    struct iovec *pieces; /* of one packet, from the second of BATCH + 1 places on */
    uint8_t *whole;       /* a super-packet that the host did not take, in one piece, and a segment of it */
    uint64_t refused;     /* packets that the host did not take */
} deliver;

/* 0 or -1: no memory. */
int deliver_open(deliver *d);
void deliver_close(deliver *d);
/* Those of at most BATCH packets whose verdict is VPN_TO_TUN; their descriptors change. 0 or TUN_GONE. */
int deliver_packets(deliver *d, tun *t, vpn_packet *packets, size_t n);

#endif
