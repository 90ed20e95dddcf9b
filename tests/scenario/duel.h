/* SPDX-License-Identifier: ISC */
/* A device against a forger: nothing answers by itself, so each message of the other side comes when the test says so. */
#ifndef SCENARIO_DUEL_H
#define SCENARIO_DUEL_H

#include "scenario/net.h"

struct duel {
    struct net *net;
    struct node *a;
    struct forger f;
    vpn_peer_id id;    /* the forger, as a peer of a */
    uint8_t inner4[4]; /* the forger's, 10.1.0.1 */
    uint64_t wall;     /* seconds of the forger's next time stamp */
    vpn_time born;     /* of the session that was made last */
};

struct duel *duel_new(uint64_t seed, const vpn_wg_config *config);
void duel_free(struct duel *d);
/* Adds a forger as a peer of a node. */
vpn_peer_id duel_add(struct node *a, const struct forger *f, const uint8_t inner4[4]);

/* The forger answers the initiation that a sent last; the outcome of the response. */
vpn_packet duel_respond(struct duel *d);
/* A whole handshake, begun by a: it is the initiator, and has confirmed. */
void duel_from_node(struct duel *d);
/* A whole handshake, begun by the forger and confirmed by an empty message. */
void duel_from_forger(struct duel *d);
/* Only the initiation, with the next time stamp. */
vpn_packet duel_initiate(struct duel *d);

/* An initiation that is no more than its macs; mac2 when the forger holds a cookie. */
void duel_hollow(struct duel *d, uint8_t message[148]);
/* `n` of them without mac2, from as many addresses. */
void duel_flood(struct duel *d, uint32_t n);
/* Brings the device, whose load_rate is given, under load at this moment. */
void duel_overload(struct duel *d, uint32_t load_rate);
/* The forger asks a loaded device with an initiation, and reads the cookie that comes back to `from`. */
void duel_get_cookie(struct duel *d, const vpn_endpoint *from);

/* Messages from the forger. */
vpn_packet duel_keepalive(struct duel *d);
vpn_packet duel_data(struct duel *d);
vpn_packet duel_data_at(struct duel *d, uint64_t counter);
/* Any text under any counter, from any address. */
vpn_packet duel_text(struct duel *d, const vpn_endpoint *from, uint64_t counter, const uint8_t *text, uint32_t length);

/* A packet from a to the forger. */
vpn_packet duel_send(struct duel *d);

/* Runs until the session is `after` old. */
void duel_at(struct duel *d, vpn_time after);

/* Asserts that low <= value <= high. */
void duel_between(uint64_t value, uint64_t low, uint64_t high);

/* Messages of a type that a sent since a time. */
size_t duel_sent(const struct duel *d, uint8_t type, vpn_time since);

#endif
