/* SPDX-License-Identifier: ISC */
/* What carries datagrams between hosts, and what it does to them. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "sim/world.h"

/* Nothing is longer under way than this. */
#define LINK_LONGEST SECONDS(3)

struct weather {
    uint32_t loss, duplicate, corrupt, reorder, mark; /* per mille; mark: with congestion experienced */
    vpn_time delay, jitter;
    uint32_t mtu;
};

struct datagram {
    vpn_time due;
    uint64_t order;
    vpn_endpoint from, to;
    uint16_t sender; /* NOBODY: an attacker */
    uint8_t tos;
    uint32_t length;
    uint8_t *bytes;
};

struct link *link_new(void);
void link_free(struct link *link);
struct weather *link_weather(struct link *link);
/* Fine weather, no delay but 10 ms. */
void link_clear(struct link *link);

/* Puts a datagram on its way; the bytes are copied. */
void link_launch(struct world *world, const struct datagram *datagram);
vpn_time link_due(const struct link *link);
/* Hands the datagram that is due to whom it is for. */
void link_arrive(struct world *world);
size_t link_flying(const struct link *link);

/* The host that has an address now, or NULL. */
struct host *link_host_at(struct world *world, const vpn_endpoint *at);
/* Gives a host a new address, or, when `port` is 1, only another port. */
void link_move(struct world *world, struct host *host, int port);
int link_same(const vpn_endpoint *a, const vpn_endpoint *b);

#endif
