/* SPDX-License-Identifier: ISC */
/* What peers' rules say, and the names of hosts behind them in one table. Equal names go to whom they were given last. */
#include <errno.h>
#include <stdlib.h>

#include "rules.h"
#include "rules_peer.h"

int rules_open(rules *r, vpn_wg *wg, annexes *all)
{
    const vpn_icmp_config config = {.size = sizeof config};

    *r = (rules){.wg = wg, .annexes = all};
    return vpn_icmp_init(&r->icmp, &config) == VPN_OK ? 0 : -1;
}

void rules_close(rules *r)
{
    vpn_allowedips_free(r->names);
    free(r->owners);
    free(r->answers);
    *r = (rules){.wg = NULL};
}

/* A free number for the names of a peer. 0: no memory. */
static uint32_t get_owner(rules *r, vpn_peer_id peer)
{
    uint32_t owner = 1;
    vpn_peer_id *owners;

    while (owner < r->owner_count && r->owners[owner] != 0)
        owner++;
    if (owner >= r->owner_count) {
        owners = realloc(r->owners, (owner + 1u) * sizeof *owners);
        if (owners == NULL)
            return 0;
        owners[0] = 0;
        r->owners = owners;
        r->owner_count = owner + 1;
    }
    r->owners[owner] = peer;
    return owner;
}

static void drop_names(rules *r, rules_peer *p)
{
    if (p->owner == 0)
        return;
    vpn_allowedips_remove_owner(r->names, p->owner);
    r->owners[p->owner] = 0;
    p->owner = 0;
    if (vpn_allowedips_count(r->names) == 0) {
        vpn_allowedips_free(r->names);
        r->names = NULL;
    }
}

static int add_name(rules *r, rules_peer *p, vpn_peer_id peer, const vpn_prefix *prefix)
{
    if (r->names == NULL && vpn_allowedips_new(&r->names, NULL) != 0)
        return -1;
    if (p->owner == 0)
        p->owner = get_owner(r, peer);
    return p->owner == 0 || vpn_allowedips_insert(r->names, prefix, p->owner) != 0 ? -1 : 0;
}

static int take_names(rules *r, rules_peer *p, vpn_peer_id peer)
{
    int result = 0;

    drop_names(r, p);
    for (size_t i = 0; result == 0 && i < p->now.map_count; i++) {
        if (p->now.maps[i].whose == VPN_NETMAP_THEIRS)
            result = add_name(r, p, peer, &p->now.maps[i].inside);
    }
    return result;
}

static void forget(rules *r, annex *a)
{
    drop_names(r, a->rules);
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
    result = rules_peer_commit(a->rules, &a->filter, &a->netmap);
    if (take_names(r, a->rules, peer) != 0) {
        a->rules->broken = 1;
        result = -1;
    }
    if (r->answers == NULL)
        r->answers = malloc((size_t)RULES_ANSWERS * VPN_ICMP_BYTES_MAX6);
    r->count += rules_peer_counts(a->rules) != 0;
    return result;
}
