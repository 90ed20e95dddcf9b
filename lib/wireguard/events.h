/* SPDX-License-Identifier: ISC */
/* Events wait in a ring of fixed length. UP and GAVE_UP are never lost: when the ring is full they are latched with their
   peer, the later one in place of the earlier. */
#ifndef VPN_LIB_WIREGUARD_EVENTS_H
#define VPN_LIB_WIREGUARD_EVENTS_H

#include <vpn/wg.h>

/* Part of each peer. */
struct vpn__latch {
    struct vpn__latch *before;
    struct vpn__latch *after;
    vpn_time time;
    uint32_t type; /* 0: not latched */
    uint32_t reserved;
};

struct vpn__events {
    const vpn_env *env;
    vpn_wg_event_info *ring;
    uint32_t room;
    uint32_t first;
    uint32_t count;
    uint32_t reserved;
    uint64_t lost;
    struct vpn__latch latched; /* head of a circular list */
};

/* `events` stays where it is. 0 or VPN_ENOMEM. */
int vpn__events_init(struct vpn__events *events, const vpn_env *env, uint32_t room);
void vpn__events_end(struct vpn__events *events);
/* Adds an event, or counts it as lost. `latch` is where UP and GAVE_UP go when the ring is full; NULL for other types. */
void vpn__events_add(struct vpn__events *events, const vpn_wg_event_info *event, struct vpn__latch *latch);
/* 1 and the oldest event of the ring; 0 when the ring is empty. */
int vpn__events_take(struct vpn__events *events, vpn_wg_event_info *out);
/* The oldest latch, taken from the list with its type and time still set; NULL when there is none. */
struct vpn__latch *vpn__events_latched(struct vpn__events *events);
/* Takes a latch from the list if it is on it. */
void vpn__events_unlatch(struct vpn__latch *latch);

#endif
