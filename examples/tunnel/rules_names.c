/* SPDX-License-Identifier: ISC */
/* What peers' rules say, and the names of hosts behind them in one table, which is made anew after any of them has changed. Of
 * peers with equal names, one has them. */
#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "rules.h"
#include "rules_peer.h"

static void drop_names(rules *r)
{
    vpn_allowedips_free(r->names);
    free(r->owners);
    r->names = NULL;
    r->owners = NULL;
    r->owner_count = 0;
}

int rules_open(rules *r, vpn_wg *wg, annexes *all)
{
    const vpn_icmp_config config = {.size = sizeof config};

    *r = (rules){.wg = wg, .annexes = all};
    return vpn_icmp_init(&r->icmp, &config) == VPN_OK ? 0 : -1;
}

void rules_close(rules *r)
{
    drop_names(r);
    free(r->answers);
    *r = (rules){.wg = NULL};
}

static int has_names(const rules_peer *p)
{
    for (size_t i = 0; i < p->now.map_count; i++) {
        if (p->now.maps[i].whose == VPN_NETMAP_THEIRS)
            return 1;
    }
    return 0;
}

/* The next number for the names of a peer. 0: no memory. */
static uint32_t get_owner(rules *r, vpn_peer_id peer)
{
    uint32_t owner = r->owner_count == 0 ? 1 : r->owner_count;
    vpn_peer_id *owners = r->owners;

    if ((owner & (owner - 1)) == 0)
        owners = realloc(r->owners, 2 * (size_t)owner * sizeof *owners);
    if (owners == NULL)
        return 0;
    owners[0] = 0;
    owners[owner] = peer;
    r->owners = owners;
    r->owner_count = owner + 1;
    return owner;
}

/* 0, or -1: no memory. */
static int add_names(rules *r, const annex *a)
{
    uint32_t owner = get_owner(r, a->peer);
    int error = owner == 0;

    for (size_t i = 0; !error && i < a->rules->now.map_count; i++) {
        if (a->rules->now.maps[i].whose == VPN_NETMAP_THEIRS)
            error = vpn_allowedips_insert(r->names, &a->rules->now.maps[i].inside, owner) != 0;
    }
    return error ? -1 : 0;
}

void rules_settle(rules *r)
{
    annex_cursor at = {0};
    int error = 0;

    drop_names(r);
    r->stale = 0;
    for (const annex *a; (a = annex_each(r->annexes, &at)) != NULL;) {
        if (a->rules == NULL || !has_names(a->rules))
            continue;
        if (!error && r->names == NULL)
            error = vpn_allowedips_new(&r->names, NULL) != 0;
        if (!error)
            error = add_names(r, a) != 0;
        if (error)
            a->rules->broken = 1;
    }
    if (error)
        log_error("no memory for the names of hosts behind peers: none of their packets pass");
}

static void forget(rules *r, annex *a)
{
    r->stale |= has_names(a->rules);
    r->count -= rules_peer_counts(a->rules) != 0;
    rules_peer_free(a->rules);
    a->rules = NULL;
}

int rules_set_line(rules *r, int apply, vpn_peer_id peer, const char *key, const char *value)
{
    annex *a;

    if (!rules_peer_knows(key))
        return -1;
    if (!apply)
        return rules_peer_check(key, value);
    a = annex_get(r->annexes, peer);
    if (a == NULL)
        return ENOMEM;
    if (a->rules == NULL)
        a->rules = calloc(1, sizeof *a->rules);
    return a->rules == NULL ? ENOMEM : rules_peer_gather(a->rules, key, value);
}

void rules_refused(rules *r, vpn_peer_id peer)
{
    annex *a = annex_find(r->annexes, peer);

    if (a != NULL && a->rules != NULL)
        a->rules->failed = 1;
}

int rules_changed(rules *r, vpn_peer_id peer)
{
    annex *a = annex_find(r->annexes, peer);
    vpn_wg_peer_stats stats = {.size = sizeof stats};
    int result;

    if (a == NULL || a->rules == NULL)
        return 0;
    if (vpn_wg_peer_get_stats(r->wg, peer, &stats, 0) != 0) {
        forget(r, a);
        return 0;
    }
    if (!a->rules->gathers)
        return 0;
    r->count -= rules_peer_counts(a->rules) != 0;
    r->stale |= has_names(a->rules);
    result = rules_peer_commit(a->rules, &a->filter, &a->netmap);
    r->stale |= has_names(a->rules);
    if (r->answers == NULL)
        r->answers = malloc((size_t)RULES_ANSWERS * VPN_ICMP_BYTES_MAX6);
    r->count += rules_peer_counts(a->rules) != 0;
    return result;
}
