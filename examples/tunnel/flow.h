/* SPDX-License-Identifier: ISC */
/* The packets: between the interface, the device and the sockets, in batches. */
#ifndef TUNNEL_FLOW_H
#define TUNNEL_FLOW_H

#include "deliver.h"
#include "keylog.h"
#include "options.h"
#include "platform.h"

typedef struct flow {
    vpn_wg *wg;
    vpn_queue *queue; /* packets that wait for a session */
    tun tun;
    udp udp;
    keylog keylog;
    deliver host;
    uint8_t *area;        /* packets to send, one behind the other; nothing outlives its batch */
    size_t used;          /* bytes of it */
    uint8_t *inbox;       /* a packet or super-packet from the interface */
    uint8_t *slots;       /* MESSAGES of them, from the sockets */
    vpn_packet *packets;  /* BATCH of them: the batch of any direction */
    size_t count;         /* of the batch */
    vpn_packet *messages; /* MESSAGES of them */
    vpn_peer_id *parked;  /* peers that have had packets in the queue since it was last empty */
    size_t parked_count;
    size_t parked_room;
    uint64_t malformed; /* super-packets from the host that are none */
} flow;

/* 0 or -1, with the reason in the log. flow_close also after a failure. */
int flow_open(flow *f, const options *chosen);
void flow_close(flow *f);

/* One batch, at most, from the interface or from a socket. 0 or TUN_GONE. */
int flow_from_tun(flow *f, vpn_time now);
int flow_from_net(flow *f, unsigned family, vpn_time now);
/* What is due, all of it. 0 or TUN_GONE. */
int flow_tick(flow *f, vpn_time now);
/* Forgets the packets that wait for peers that are no longer there. */
void flow_sweep(flow *f);

#endif
