/* SPDX-License-Identifier: ISC */
/* Sets of eight entries. Invariants:
 *
 * - An entry is in use exactly when its tag is not 0, and lies in the set that its key's hash names.
 * - A key is there once.
 *
 * Whoever sends packets chooses keys. The hash is keyed, so that nobody can aim at a set, and a set is all that is ever
 * searched. A full set gives up the entry that matters least, though another set may have room: that is the price of a
 * bound on work. With twice as many entries as flows it hardly happens.
 */
#include "packet/filter_flows.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/env.h"

_Static_assert(sizeof(((struct vpn__flows *)0)->hash_key) == crypto_shorthash_KEYBYTES, "SipHash takes 16 bytes");

int vpn__flows_init(struct vpn__flows *f, const vpn_env *env, uint32_t entries)
{
    memset(f, 0, sizeof(*f));
    f->env = env;
    if (entries == 0)
        return 0;
    uint32_t sets = 1;
    while (sets < entries / VPN__FLOW_WAYS + (entries % VPN__FLOW_WAYS != 0))
        sets *= 2;
    f->sets = sets;
    int error = vpn__random(env, f->hash_key, sizeof(f->hash_key));
    if (!error) {
        f->tags = vpn__alloc_array(env, (size_t)sets * VPN__FLOW_WAYS, sizeof(*f->tags));
        f->entries = vpn__alloc_array(env, (size_t)sets * VPN__FLOW_WAYS, sizeof(*f->entries));
        error = f->tags && f->entries ? 0 : VPN_ENOMEM;
    }
    if (error)
        vpn__flows_end(f);
    return error;
}

void vpn__flows_end(struct vpn__flows *f)
{
    size_t entries = (size_t)f->sets * VPN__FLOW_WAYS;
    vpn__free(f->env, f->tags, entries * sizeof(*f->tags));
    vpn__free(f->env, f->entries, entries * sizeof(*f->entries));
    vpn_wipe(f, sizeof(*f));
}

/* The first entry of a key's set, and its tag. */
static uint32_t set_of(const struct vpn__flows *f, const struct vpn__flow_key *key, uint32_t *tag)
{
    uint8_t hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, key->bytes, sizeof(key->bytes), f->hash_key);
    *tag = vpn__load32le(hash) | 1;
    return (vpn__load32le(hash + 4) & (f->sets - 1)) * VPN__FLOW_WAYS;
}

static int is_over(const struct vpn__flow *flow, vpn_time now)
{
    return now > flow->seen && now - flow->seen >= flow->life;
}

void vpn__flows_remove(struct vpn__flows *f, const struct vpn__flow *flow)
{
    f->tags[flow - f->entries] = 0;
    f->count--;
}

struct vpn__flow *vpn__flows_find(struct vpn__flows *f, const struct vpn__flow_key *key, vpn_time now)
{
    uint32_t tag;
    if (f->count == 0)
        return NULL;
    uint32_t first = set_of(f, key, &tag);
    for (uint32_t i = first; i < first + VPN__FLOW_WAYS; i++) {
        struct vpn__flow *flow = &f->entries[i];
        if (f->tags[i] != tag || memcmp(flow->key.bytes, key->bytes, sizeof(key->bytes)) != 0)
            continue;
        if (!is_over(flow, now))
            return flow;
        vpn__flows_remove(f, flow);
        return NULL;
    }
    return NULL;
}

/* Whether `a` gives way before `b`: who has run out, then who is not an open flow, then who was silent for longer. */
static int matters_less(const struct vpn__flow *a, const struct vpn__flow *b, vpn_time now)
{
    int a_over = is_over(a, now), b_over = is_over(b, now);
    if (a_over != b_over)
        return a_over;
    int a_open = a->state == VPN__FLOW_OPEN, b_open = b->state == VPN__FLOW_OPEN;
    return a_open != b_open ? b_open : a->seen < b->seen;
}

struct vpn__flow *vpn__flows_add(struct vpn__flows *f, const struct vpn__flow_key *key, vpn_time now)
{
    uint32_t tag;
    uint32_t first = set_of(f, key, &tag), chosen = first;
    for (uint32_t i = first; i < first + VPN__FLOW_WAYS && f->tags[chosen] != 0; i++)
        if (f->tags[i] == 0 || matters_less(&f->entries[i], &f->entries[chosen], now))
            chosen = i;
    struct vpn__flow *flow = &f->entries[chosen];
    if (f->tags[chosen] == 0)
        f->count++;
    else if (!is_over(flow, now))
        f->evicted++;
    f->tags[chosen] = tag;
    *flow = (struct vpn__flow){.key = *key, .seen = now};
    return flow;
}

void vpn__flows_purge(struct vpn__flows *f, const uint8_t *start, size_t bytes)
{
    for (size_t i = 0; i < (size_t)f->sets * VPN__FLOW_WAYS; i++)
        if (f->tags[i] != 0 && memcmp(f->entries[i].key.bytes, start, bytes) == 0)
            vpn__flows_remove(f, &f->entries[i]);
}

size_t vpn__flows_memory(const struct vpn__flows *f)
{
    return (size_t)f->sets * VPN__FLOW_WAYS * (sizeof(*f->tags) + sizeof(*f->entries));
}
