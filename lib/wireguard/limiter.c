/* SPDX-License-Identifier: ISC */
/* A budget is one moment: when it will be full again (the generic cell rate algorithm, ITU-T I.371). Spending moves it on by
   one interval; it may lie ahead of now by the burst, and no further. So an entry whose moment has passed holds no
   information, and the table needs neither a clean-up nor a list.

   Invariant: only vpn__limiter_source writes to the table, and its caller has checked mac2. */
#include "wireguard/limiter.h"

#include <string.h>
#include <sodium.h>

#include "base/env.h"

#define SOURCE_INTERVAL (VPN_SECOND / 20)
#define SOURCE_BURST    5
#define WAYS            8

static int spend(vpn_time *ready, vpn_time now, vpn_time interval, vpn_time burst)
{
    vpn_time from = *ready > now ? *ready : now;

    if (from - now + interval > burst * interval)
        return 0;
    *ready = from + interval;
    return 1;
}

int vpn__limiter_init(struct vpn__limiter *l, const vpn_env *env, uint32_t sources, uint32_t rate)
{
    memset(l, 0, sizeof *l);
    l->env = env;
    l->rate = rate;
    l->interval = VPN_SECOND / rate;
    for (l->room = WAYS; l->room < sources;)
        l->room *= 2;
    l->entries = vpn__alloc_array(env, l->room, sizeof *l->entries);
    if (l->entries == NULL)
        return VPN_ENOMEM;
    return vpn__random(env, l->hash_key, sizeof l->hash_key);
}

void vpn__limiter_end(struct vpn__limiter *l)
{
    vpn__free(l->env, l->entries, l->room * sizeof *l->entries);
    vpn_wipe(l, sizeof *l);
}

/* An IPv6 host commonly owns its whole /64. */
static uint64_t hash_source(const struct vpn__limiter *l, const vpn_endpoint *from)
{
    uint8_t prefix[9], out[8];
    uint64_t hash;
    size_t bytes = from->family == 6 ? 8 : 4;

    memset(prefix, 0, sizeof prefix);
    prefix[0] = from->family;
    memcpy(prefix + 1, from->addr, bytes);
    crypto_shorthash(out, prefix, sizeof prefix, l->hash_key);
    memcpy(&hash, out, sizeof hash);
    return hash;
}

int vpn__limiter_source(struct vpn__limiter *l, const vpn_endpoint *from, vpn_time now)
{
    uint64_t hash = hash_source(l, from);
    struct vpn__limiter_entry *bucket = l->entries + (hash & (l->room / WAYS - 1)) * WAYS;
    struct vpn__limiter_entry *place = NULL;
    size_t i;

    for (i = 0; i < WAYS; i++) {
        if (bucket[i].ready > now && bucket[i].source == hash)
            return spend(&bucket[i].ready, now, SOURCE_INTERVAL, SOURCE_BURST);
        if (bucket[i].ready <= now && place == NULL)
            place = &bucket[i];
    }
    if (place == NULL)
        return 0;
    place->source = hash;
    return spend(&place->ready, now, SOURCE_INTERVAL, SOURCE_BURST);
}

int vpn__limiter_global(struct vpn__limiter *l, vpn_time now)
{
    if (spend(&l->ready, now, l->interval, l->rate))
        return 1;
    l->load_until = now + VPN_SECOND;
    return 0;
}

int vpn__limiter_under_load(const struct vpn__limiter *l, vpn_time now)
{
    return now < l->load_until;
}

size_t vpn__limiter_memory(const struct vpn__limiter *l)
{
    return l->room * sizeof *l->entries;
}
