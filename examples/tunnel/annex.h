/* SPDX-License-Identifier: ISC */
/*
 * What this program keeps of a peer beside what the device does. Most peers have none: it is made when there is something to
 * keep, so that thousands of peers that are only configured cost nothing here, and nothing for each packet while there is
 * no annex at all: `count` is then 0.
 */
#ifndef TUNNEL_ANNEX_H
#define TUNNEL_ANNEX_H

#include <vpn/vpn.h>

/* Each part is NULL until it is needed, belongs to the annex, and is freed with it in free_parts. */
typedef struct annex {
    vpn_peer_id peer;
    struct annex *next;       /* with the same hash */
    struct roaming *roaming;  /* history.h */
    vpn_filter *filter;       /* which packets may pass */
    vpn_netmap *netmap;       /* under which addresses */
    struct path_peer *path;   /* how large */
    struct rules_peer *rules; /* what was said of both; there whenever one of them is */
} annex;

typedef struct annexes {
    annex **chains; /* `room` of them, a power of two; NULL while there is no annex */
    size_t room;
    size_t count;
} annexes;

void annexes_close(annexes *all);
/* NULL: the peer has none. In constant time, as annex_get. */
annex *annex_find(const annexes *all, vpn_peer_id peer);
/* Finds or makes the annex of a peer that there is. NULL: no memory. It stays where it is until it is dropped. */
annex *annex_get(annexes *all, vpn_peer_id peer);
/* The peer is about to go, or has gone. */
void annex_drop(annexes *all, vpn_peer_id peer);
/* Drops those of peers that are no longer there. */
void annex_sweep(annexes *all, const vpn_wg *wg);
/* All of them, in no order: the first for a cursor of {0}, NULL at the end. Only the one that was returned last may be dropped. */
typedef struct annex_cursor {
    size_t chain;
    annex *next;
} annex_cursor;
annex *annex_each(const annexes *all, annex_cursor *cursor);

#endif
