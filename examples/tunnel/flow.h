/* SPDX-License-Identifier: ISC */
/* The packets: between the interface, the device and the sockets, in batches. */
#ifndef TUNNEL_FLOW_H
#define TUNNEL_FLOW_H

#include "annex.h"
#include "crew.h"
#include "deliver.h"
#include "history.h"
#include "keylog.h"
#include "options.h"
#include "parking.h"
#include "path.h"
#include "platform.h"
#include "rules.h"

typedef struct flow {
    vpn_wg *wg;
    parking parking;
    annexes annexes;
    paths path;
    rules rules;
    load_history load;
    const char *cipher;
    unsigned threads;
    tun tun;
    udp udp;
    keylog keylog;
    deliver host;
    uint8_t *inbox;       /* a packet or super-packet from the interface */
    uint8_t *slots;       /* a ring of messages from the sockets */
    size_t slot_count;    /* MESSAGES of them, or with a crew twice as many */
    size_t slot_next;     /* where the next message goes */
    size_t slots_used;    /* before it, by batches that are not carried out yet */
    batch *batch;         /* that is being filled, in any direction */
    batch *batches;       /* all that there are: one, or with a crew CREW_BATCHES */
    uint8_t *areas;       /* theirs */
    batch *free;          /* those that are neither being filled nor on their way */
    crew *crew;           /* NULL: this thread does everything */
    vpn_packet *messages; /* MESSAGES of them */
    uint64_t malformed;   /* super-packets from the host that are none */
} flow;

/* 0 or -1, with the reason in the log. flow_close also after a failure. */
int flow_open(flow *f, const options *chosen);
/* What is on its way is still carried out. */
void flow_close(flow *f);
/* Starts the crew, if one was chosen; it has what the caller has now. 0 or -1, as flow_open. */
int flow_start(flow *f);

/* One batch, at most, from the interface or from a socket. 0 or TUN_GONE. */
int flow_from_tun(flow *f, vpn_time now);
int flow_from_net(flow *f, unsigned family, vpn_time now);
/* Carries out the batches that have come back from the crew. 0 or TUN_GONE. */
int flow_settle(flow *f, vpn_time now);
/* What is due, all of it. 0 or TUN_GONE. */
int flow_tick(flow *f, vpn_time now);
/* Readable when flow_settle has something to do; -1 without a crew. */
int flow_bell(const flow *f);
void flow_hush(flow *f);
/* Something is with the crew: before sleep there is flow_idle. */
int flow_is_busy(const flow *f);
/* As crew_idle, while it is. */
int flow_idle(flow *f);

#endif
