/* SPDX-License-Identifier: ISC */
/* A table of flows with a fixed number of entries, and a fixed amount of work for each call. */
#ifndef VPN_LIB_PACKET_FILTER_FLOWS_H
#define VPN_LIB_PACKET_FILTER_FLOWS_H

#include <vpn/base.h>

#define VPN__FLOW_WAYS      8u
#define VPN__FLOW_KEY_BYTES 48u

enum vpn__flow_state {
    VPN__FLOW_OPENING, /* nobody has answered */
    VPN__FLOW_OPEN,
    VPN__FLOW_CLOSING, /* TCP: closed, late packets may come */
    VPN__FLOW_FRAGMENT /* no flow: a first fragment was allowed */
};

/* What tells flows apart. Both directions of a flow have one key: the peer's end first. */
struct vpn__flow_key {
    uint8_t bytes[VPN__FLOW_KEY_BYTES];
};

struct vpn__flow {
    struct vpn__flow_key key;
    vpn_time seen;       /* the latest packet */
    vpn_time life;       /* how long it may be silent */
    uint32_t generation; /* of the rules that allowed it */
    uint32_t ack[2];     /* TCP: the latest acknowledgement; of who made the flow, of the other */
    uint32_t fin[2];     /* TCP: the number that acknowledges his FIN */
    uint16_t rule;
    uint8_t state;     /* enum vpn__flow_state */
    uint8_t direction; /* of the packet that made it */
    uint16_t flags;    /* TCP flags of that packet, or VPN__NO_FLAGS */
    uint8_t marks;     /* filter_track.c: what is known of the numbers */
    uint8_t reserved;
};

struct vpn__flows {
    const vpn_env *env;
    uint32_t *tags; /* of entries, part of the hash; 0: empty */
    struct vpn__flow *entries;
    uint32_t sets; /* of VPN__FLOW_WAYS entries; 0 or a power of two */
    uint32_t count;
    uint64_t evicted;
    uint8_t hash_key[16];
};

/* At least `entries` entries, or no table for 0; `env` outlives it. 0, VPN_ENOMEM or VPN_ERANDOM; then nothing is to end. */
int vpn__flows_init(struct vpn__flows *f, const vpn_env *env, uint32_t entries);
void vpn__flows_end(struct vpn__flows *f);
/* The flow with this key that is alive, or NULL. Valid until the next add. */
struct vpn__flow *vpn__flows_find(struct vpn__flows *f, const struct vpn__flow_key *key, vpn_time now);
/* A new flow, zero but for key and time, in an empty place or that of the one which matters least. The key is not there; the
   table has entries. */
struct vpn__flow *vpn__flows_add(struct vpn__flows *f, const struct vpn__flow_key *key, vpn_time now);
void vpn__flows_remove(struct vpn__flows *f, const struct vpn__flow *flow);
/* Removes the flows whose key begins with these bytes. */
void vpn__flows_purge(struct vpn__flows *f, const uint8_t *start, size_t bytes);
size_t vpn__flows_memory(const struct vpn__flows *f);

#endif
