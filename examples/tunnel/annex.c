/* SPDX-License-Identifier: ISC */
/* A hash table with chains. It only grows; ids come from the device, so nobody outside chooses where they fall. */
#include "annex.h"

#include <stdlib.h>

#include "path_peer.h"
#include "rules_peer.h"

#define FIRST_ROOM 16u

static void free_parts(annex *a)
{
    free(a->roaming);
    vpn_filter_free(a->filter);
    vpn_netmap_free(a->netmap);
    if (a->path != NULL)
        vpn_pmtu_free(a->path->pmtu);
    free(a->path);
    rules_peer_free(a->rules);
}

static size_t chain_of(const annexes *all, vpn_peer_id peer)
{
    /* the golden ratio spreads slots and generations alike; its high bits are the good ones */
    return (size_t)((peer * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (all->room - 1);
}

static void free_annex(annex *a)
{
    free_parts(a);
    free(a);
}

void annexes_close(annexes *all)
{
    for (size_t i = 0; i < all->room; i++) {
        while (all->chains[i] != NULL) {
            annex *a = all->chains[i];

            all->chains[i] = a->next;
            free_annex(a);
        }
    }
    free(all->chains);
    *all = (annexes){.chains = NULL};
}

annex *annex_find(const annexes *all, vpn_peer_id peer)
{
    if (all->count == 0)
        return NULL;
    for (annex *a = all->chains[chain_of(all, peer)]; a != NULL; a = a->next) {
        if (a->peer == peer)
            return a;
    }
    return NULL;
}

static void link_in(annexes *all, annex *a)
{
    annex **chain = &all->chains[chain_of(all, a->peer)];

    a->next = *chain;
    *chain = a;
}

/* A table that cannot grow serves with longer chains. -1: there is none at all. */
static int grow(annexes *all)
{
    annexes grown = {.room = all->room == 0 ? FIRST_ROOM : all->room * 2, .count = all->count};
    annex_cursor at = {0};

    grown.chains = calloc(grown.room, sizeof *grown.chains);
    if (grown.chains == NULL)
        return all->room == 0 ? -1 : 0;
    for (annex *a; (a = annex_each(all, &at)) != NULL;)
        link_in(&grown, a);
    free(all->chains);
    *all = grown;
    return 0;
}

annex *annex_get(annexes *all, vpn_peer_id peer)
{
    annex *a = annex_find(all, peer);

    if (a != NULL || (all->count == all->room && grow(all) != 0))
        return a;
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->peer = peer;
    link_in(all, a);
    all->count++;
    return a;
}

void annex_drop(annexes *all, vpn_peer_id peer)
{
    annex **link;

    if (all->count == 0)
        return;
    for (link = &all->chains[chain_of(all, peer)]; *link != NULL; link = &(*link)->next) {
        annex *a = *link;

        if (a->peer == peer) {
            *link = a->next;
            all->count--;
            free_annex(a);
            return;
        }
    }
}

void annex_sweep(annexes *all, const vpn_wg *wg)
{
    annex_cursor at = {0};

    for (annex *a; (a = annex_each(all, &at)) != NULL;) {
        vpn_wg_peer_stats stats = {.size = sizeof stats};

        if (vpn_wg_peer_get_stats(wg, a->peer, &stats, 0) != 0)
            annex_drop(all, a->peer);
    }
}

annex *annex_each(const annexes *all, annex_cursor *cursor)
{
    annex *a = cursor->next;

    while (a == NULL && cursor->chain < all->room)
        a = all->chains[cursor->chain++];
    cursor->next = a == NULL ? NULL : a->next;
    return a;
}
