/* SPDX-License-Identifier: ISC */
/* Events wait in a ring of fixed length. UP and GAVE_UP are never lost: when the ring is full they are latched with their
   peer, the later one in place of the earlier. Latches are named by the peers' slots and linked by them. */
#ifndef VPN_LIB_WIREGUARD_EVENTS_H
#define VPN_LIB_WIREGUARD_EVENTS_H

#include <vpn/wg.h>

#define VPN__LATCH_NONE 0xffffffu /* no slot */

/* Part of each peer. */
struct vpn__latch {
    vpn_time time;
    uint32_t before; /* VPN__LATCH_NONE: the oldest */
    uint32_t after : 24;
    uint32_t type : 8; /* 0: not latched */
};

/* The latch of a slot. */
typedef struct vpn__latch *(*vpn__latch_of)(void *ctx, uint32_t slot);

struct vpn__events {
    const vpn_env *env;
    vpn_wg_event_info *ring;
    uint32_t room;
    uint32_t first;
    uint32_t count;
    uint32_t oldest; /* slots of the first and the last latch; VPN__LATCH_NONE: there is none */
    uint32_t newest;
    uint64_t lost;
    vpn__latch_of latch_of;
    void *ctx;
};

/* 0 or VPN_ENOMEM. */
int vpn__events_init(struct vpn__events *events, const vpn_env *env, uint32_t room, vpn__latch_of latch_of, void *ctx);
void vpn__events_end(struct vpn__events *events);
/* Adds an event, or counts it as lost. `slot` says where UP and GAVE_UP go when the ring is full; VPN__LATCH_NONE for other
   types. */
void vpn__events_add(struct vpn__events *events, const vpn_wg_event_info *event, uint32_t slot);
/* 1 and the oldest event of the ring; 0 when the ring is empty. */
int vpn__events_take(struct vpn__events *events, vpn_wg_event_info *out);
/* Takes the oldest latch from the list: its slot and in `out` its type and time. VPN__LATCH_NONE when there is none. */
uint32_t vpn__events_latched(struct vpn__events *events, struct vpn__latch *out);
/* Takes a latch from the list if it is on it. */
void vpn__events_unlatch(struct vpn__events *events, uint32_t slot);

#endif
