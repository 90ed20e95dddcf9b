/* SPDX-License-Identifier: ISC */
/* The one thread that does I/O: waits, and hands what is ready to those it concerns. */
#ifndef TUNNEL_LOOP_H
#define TUNNEL_LOOP_H

#include "flow.h"
#include "options.h"
#include "uapi_server.h"

typedef struct loop {
    flow flow;
    waiter *waiter;
    uapi_server *uapi;
    vpn_uapi_host host;
    int signals;   /* readable when a signal said to end */
    int directory; /* of the configuration socket */
    int network;
    uint64_t network_was;
    vpn_time network_due; /* when to look whether the network changed */
    int port_moved;
    unsigned client; /* of the configuration socket, that had the last turn */
    int ended;
} loop;

/* Makes the interface, the sockets and the device. 0, or -1 with the reason in the log; loop_close also after that. */
int loop_open(loop *l, const options *chosen, int signals);
void loop_close(loop *l);
/* Returns when the tunnel has ended: 0 as it should, or -1. */
int loop_run(loop *l);

#endif
