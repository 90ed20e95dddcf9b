/* SPDX-License-Identifier: ISC */
/*
 * Everything that can be seen of a device, of its peers and of its host, and what cannot be seen as well: an attack must not
 * move any of it.
 */
#ifndef PITFALLS_SNAPSHOT_H
#define PITFALLS_SNAPSHOT_H

#include "scenario/net.h"
#include "wireguard/device.h"

#define SNAPSHOT_PEERS  8
#define SNAPSHOT_DIGEST 32

struct snapshot_peer {
    vpn_wg_peer settings;
    vpn_wg_peer_stats stats;
    uint8_t prefixes[SNAPSHOT_DIGEST];
    uint8_t inside[SNAPSHOT_DIGEST]; /* timers, key slots, counters, replay windows, handshake, cookie and stamps */
    vpn_peer_id id;
    size_t parked;
};

/* Large: let it be static or on the heap. */
struct snapshot_all {
    vpn_wg_stats stats;
    uint8_t private_key[32], stamp[VPN_TAI64N_BYTES];
    uint8_t inside[SNAPSHOT_DIGEST]; /* cookie secret, table of sources, unknown initiators */
    vpn_time deadline;
    uint64_t delivered, replies, random; /* `random`: what the device drew so far */
    uint32_t events;
    size_t log, flying, allocations;
    size_t count;
    struct snapshot_peer peers[SNAPSHOT_PEERS];
};

void snapshot_take(struct node *node, struct snapshot_all *out);

/* Asserts that since `before` nothing moved but drops: `count` for `reason`. Those from VPN_REASON_PEER_FIRST on are counted
 * by one peer as well. */
void snapshot_unmoved(struct node *node, const struct snapshot_all *before, uint32_t reason, uint64_t count);
/* The same for several reasons. */
void snapshot_unmoved_but(struct node *node, const struct snapshot_all *before, const uint64_t counts[VPN_REASONS]);

/* Asserts that no peer moved, whatever the device itself did. */
void snapshot_peers_unmoved(struct node *node, const struct snapshot_all *before);

/* Feeds a message that has to be dropped for `reason`, and to move nothing. */
void snapshot_attack(struct node *node, const vpn_endpoint *from, const uint8_t *message, uint32_t length,
                     uint32_t reason);

#endif
