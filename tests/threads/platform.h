/* SPDX-License-Identifier: ISC */
/*
 * A platform for vpn-tunnel in memory: two hosts, each with an interface that gives numbered packets for the other one and
 * writes down what it is given, and a wire between them. Descriptors are the numbers of hosts; the clock stands until it
 * is moved. All of it is for the I/O thread.
 */
#ifndef THREADS_PLATFORM_H
#define THREADS_PLATFORM_H

#include "tunnel/flow.h"

#define HOSTS 2

struct datagram {
    uint32_t length;
    uint8_t bytes[1600];
};

struct host {
    uint32_t to_read; /* the interface gives packets until it has given so many */
    uint32_t given;   /* packets that it gave: 0, 1, 2 and so on in their payload */
    uint32_t taken;   /* packets that it was given */
    uint32_t next;    /* the least number that may come next */
    uint32_t disorder, gaps;
    int gone;      /* it was deleted */
    int whole;     /* its packets may not be fragmented */
    uint32_t told; /* errors that said "too big" to it, and the last MTU of them */
    uint32_t told_mtu;
    uint32_t cut;          /* datagrams that came in fragments */
    uint8_t echo[4][1600]; /* replies to echo requests, to be read */
    uint32_t echo_count;
    uint32_t report; /* the socket has an error: a datagram was longer than that */
    uint8_t quote[UDP_QUOTE_BYTES];
    struct datagram **wire; /* what waits at the socket */
    size_t wire_first, wire_count, wire_room;
};

extern struct host hosts[HOSTS];
extern vpn_time platform_now;
extern uint32_t platform_path;   /* bytes of the longest outer packet that the wire carries whole; 0: any */
extern int platform_tells;       /* an error says so when it does not */
extern uint32_t platform_joined; /* datagrams that one message of the socket may hold */

/* As the program starts; also frees what is on the wires. */
void platform_reset(void);

#endif
