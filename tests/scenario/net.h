/* SPDX-License-Identifier: ISC */
/*
 * An in-memory network of whole devices over a virtual clock.
 *
 * Each node is a host as wg.h's opening page describes it: a device, a queue for packets that wait, an address. net_run
 * advances the clock from one delivery or deadline to the next, so nothing happens early or late and hours pass in no time.
 * Checked always, in every test: a deadline lies in the future once tick has nothing left to do (no spin); messages that
 * leave have the form that section 5.4 gives them, to a real address; no counter is used twice under one key; a delivered
 * packet is one that was sent, whole, and no more often than the network duplicated it; memory comes back wiped.
 */
#ifndef SCENARIO_NET_H
#define SCENARIO_NET_H

#include <vpn/vpn.h>

#include "common/test.h"
#include "scenario/forge.h"

#define NET_NODES   8
#define NET_EVENTS  256
#define NET_LARGEST 65600

#define SECONDS(n) ((vpn_time)(n)*VPN_SECOND)
#define MILLIS(n)  ((vpn_time)(n)*VPN_MILLISECOND)

#define NET_SECRETS 8

struct node_block;

/* Refuses the allocations `first` .. `last` of all hosts that share it, counted from 1; `first` 0: none. */
struct node_miser {
    size_t calls, first, last, refused;
};

/* What a node's device sees of its host. */
struct node_env {
    uint64_t seed;
    struct node_block *first;
    size_t bytes, blocks, calls;
    uint8_t secrets[NET_SECRETS][32]; /* that may not be in memory that comes back */
    size_t secret_count, leaks;
    size_t fail_at;           /* number of the allocation that fails, from 1; 0 for none */
    struct node_miser *miser; /* may be NULL */
    int random_status;        /* what `random` returns */
    int wall_status;          /* what `wall` returns */
    int wall_stands;          /* 1: it shows `wall` at all times; 0: it runs from there */
    vpn_wall wall;            /* at time 0 of the network */
    const vpn_time *now;
};

struct net;

struct node {
    struct net *net;
    int number;
    vpn_wg *wg;
    vpn_queue *queue;
    struct node_env env, queue_env;
    uint8_t private_key[32], public_key[32];
    vpn_endpoint at;
    uint8_t inner4[4], inner6[16];
    uint32_t mtu;
    int64_t skew;                         /* this host's clock minus the network's */
    int raw;                              /* 1: made with VPN_WG_RAW */
    vpn_peer_id peers[NET_NODES];         /* by number of the other node; 0 for none */
    vpn_wg_event_info events[NET_EVENTS]; /* the last ones; number i is at i % NET_EVENTS */
    uint32_t event_count, event_types[16];
    uint8_t *held;     /* buffer of the packet that was fed last */
    uint32_t shift;    /* all buffers begin so many bytes behind an aligned address */
    uint32_t tailroom; /* given to vpn_wg_send */
    uint64_t ticks, delivered, replies;
    uint64_t verdicts[VPN_VERDICTS];
    uint64_t drops[VPN_REASONS]; /* of packets to send and received, by reason */
    uint8_t last_inner[NET_LARGEST];
    uint32_t last_length;
    vpn_peer_id last_peer;
};

/* A datagram on its way or in the log. */
struct datagram {
    vpn_time sent, due;
    uint64_t order;
    int source, target; /* numbers of nodes, -1: none; the target is known on arrival */
    vpn_endpoint from;
    vpn_path path; /* as the device gave it */
    uint8_t type, tos;
    uint32_t length;
    uint8_t *bytes;
};

struct datagrams {
    struct datagram *items;
    size_t count, room;
};

struct net {
    vpn_time now;
    uint64_t seed, order, next_id;
    struct node *nodes[NET_NODES];
    int count;
    /* The link, per mille and in units of time; jitter reorders. */
    uint32_t loss, duplicate, corrupt;
    vpn_time delay, jitter;
    int no_log;          /* 1: keep no log (long runs) */
    int sticky;          /* 1: deliver with the local address, as IP_PKTINFO does */
    uint32_t tick_batch; /* packets given to one tick */
    /* Called for each datagram that leaves; 0 loses it. It may change its bytes and when it is due. */
    int (*hook)(struct net *net, struct datagram *datagram);
    void *hook_user;
    struct datagrams flying, log;
    int foreign;      /* 1: inner packets that are not ours may arrive */
    uint8_t *arrived; /* by number of the inner packet */
    size_t id_room;
};

struct net *net_new(uint64_t seed);
void net_free(struct net *net);

/* Adds a node; config may be NULL, its env is set here. Addresses: 192.0.2.N+1:51820, inside 10.0.0.N+1 and fd00::N+1. */
struct node *net_node(struct net *net, const vpn_wg_config *config);
/* The same without a private key. */
struct node *net_node_blank(struct net *net, const vpn_wg_config *config);
void node_set_ipv6(struct node *node);

/* Makes b a peer of a, with its endpoint and its inner addresses; `more` overrides (its size, public_key are set here). */
vpn_peer_id node_add(struct node *a, struct node *b, const vpn_wg_peer *more);
void net_connect(struct node *a, struct node *b);
/* Two connected nodes; the session is made by net_up, which sends one packet. */
struct net *net_pair(uint64_t seed);
void net_up(struct net *net);
void node_allow(struct node *a, vpn_peer_id id, uint8_t family, const uint8_t *addr, uint8_t bits);
void node_set(struct node *a, vpn_peer_id id, vpn_wg_peer *change, uint32_t what);

vpn_time node_now(const struct node *node);
vpn_time node_deadline(const struct node *node); /* on the network's clock */

void net_run_until(struct net *net, vpn_time until);
void net_run(struct net *net, vpn_time span);

/* Ticks a node dry, sends what it wrote and takes its events; what net_run does with each node. */
void node_service(struct node *node);

/* Sends a valid inner packet with `payload` bytes of UDP data (at least 8); the outcome without its buffer. */
vpn_packet node_send(struct node *from, struct node *to, uint32_t payload);
vpn_packet node_send6(struct node *from, struct node *to, uint32_t payload);
vpn_packet node_send_bytes(struct node *from, const uint8_t *inner, uint32_t length);

/* An inner packet of `length` bytes in all that net_run will recognise. */
void net_inner(struct net *net, uint8_t *out, uint8_t family, const uint8_t *from, const uint8_t *to, uint32_t length,
               uint8_t tos);

/* Gives a datagram to a node as if it came from `from`; the node handles the outcome as it always does. The buffer of the
 * packet that is returned lives until the node is fed again. */
vpn_packet node_feed(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length);
vpn_packet node_feed_tos(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length,
                         uint8_t tos);
/* The same, but a reply goes nowhere. */
vpn_packet node_poke(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length);
/* What the node does with a packet after a call of the library. */
void node_outcome(struct node *node, const vpn_packet *packet);
void node_take_events(struct node *node);

/* 1 when a secret of 32 bytes is in memory that the device holds now. */
int node_holds(const struct node *node, const uint8_t secret[32]);
void node_secret(struct node *node, const uint8_t secret[32]);

/* Writes a packet that is to leave to the network; used with verdict VPN_TO_NET. */
void node_transmit(struct node *node, const vpn_packet *packet);

/* The log: how many messages of a type left a node (-1: any) since a time; the n-th of them, or NULL. */
size_t net_logged(const struct net *net, int source, uint8_t type, vpn_time since);
const struct datagram *net_log_at(const struct net *net, int source, uint8_t type, size_t n);
const struct datagram *net_log_last(const struct net *net, int source, uint8_t type);
/* Keepalives: data messages of 32 bytes; data: longer ones. */
#define NET_KEEPALIVE 5
#define NET_DATA      6

size_t node_events(const struct node *node, uint32_t type);
const vpn_wg_event_info *node_event_last(const struct node *node, uint32_t type);

vpn_wg_stats node_stats(const struct node *node);
vpn_wg_peer_stats node_peer_stats(const struct node *node, vpn_peer_id id);
uint32_t node_state(const struct node *node, const struct node *peer);
int net_endpoint_equal(const vpn_endpoint *a, const vpn_endpoint *b);

/* State that an attack must not move. */
struct snapshot {
    vpn_wg_stats device;
    vpn_wg_peer_stats peer;
    vpn_time deadline;
    uint64_t delivered;
    uint32_t events;
    size_t log;
};

struct snapshot node_snapshot(struct node *node, vpn_peer_id id);
/* Asserts that since `before` nothing moved but `count` drops for `reason`. */
void node_unmoved(struct node *node, vpn_peer_id id, const struct snapshot *before, uint32_t reason, uint64_t count);

#endif
