/* SPDX-License-Identifier: ISC */
/* What happened lately: where peers moved, and when the device was under load. */
#ifndef TUNNEL_HISTORY_H
#define TUNNEL_HISTORY_H

#include "annex.h"

#define MOVES_KEPT 8

typedef struct move {
    uint64_t when; /* seconds since 1970 */
    vpn_endpoint from;
    vpn_endpoint to;
} move;

/* Part of an annex. Move n is in place n % MOVES_KEPT. */
typedef struct roaming {
    uint64_t count;
    move moves[MOVES_KEPT];
} roaming;

typedef struct load_history {
    uint64_t count; /* how often there was load */
    uint64_t began; /* the last time, in seconds since 1970; 0: never */
    uint64_t ended; /* 0: not yet */
} load_history;

/* Notes an event that belongs here; `wall` is the time of day in seconds. A move that no memory can be had for is forgotten. */
void history_note(load_history *load, annexes *all, const vpn_wg_event_info *event, uint64_t wall);

#endif
