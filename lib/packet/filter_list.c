/* SPDX-License-Identifier: ISC */
#include "packet/filter_list.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "packet/filter_build.h"
#include "packet/filter_rule.h"

int vpn_filter_check(const vpn_filter_rule *rules, size_t count, size_t *bad)
{
    size_t i = 0;
    vpn_filter_rule rule;
    while (rules && i < count && vpn__filter_rule_read(&rule, &rules[i]) == 0)
        i++;
    if (bad)
        *bad = i;
    if (i < count)
        return VPN_EINVAL;
    return count > VPN_FILTER_RULES_MAX ? VPN_ELIMIT : 0;
}

static int rules_read(struct vpn__filter_list *list, const vpn_filter_rule *rules, int stateful)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (vpn__filter_rule_read(&list->rules[i], &rules[i]) || (rules[i].flags != 0 && !stateful))
            return VPN_EINVAL;
    return 0;
}

int vpn__filter_list_init(struct vpn__filter_list *list, const vpn_env *env, const vpn_filter_rule *rules, size_t count,
                          int stateful)
{
    memset(list, 0, sizeof(*list));
    if (count > VPN_FILTER_RULES_MAX)
        return VPN_ELIMIT;
    if (count != 0 && !rules)
        return VPN_EINVAL;
    if (count == 0)
        return 0;
    list->count = (uint32_t)count;
    list->rules = vpn__alloc_array(env, count, sizeof(*list->rules));
    list->counts = vpn__alloc_array(env, count, sizeof(*list->counts));
    int error = list->rules && list->counts ? rules_read(list, rules, stateful) : VPN_ENOMEM;
    if (!error)
        error = vpn__classifier_init(&list->classifier, env, list->rules, list->count);
    if (error)
        vpn__filter_list_end(list, env);
    return error;
}

void vpn__filter_list_end(struct vpn__filter_list *list, const vpn_env *env)
{
    if (list->classifier.env)
        vpn__classifier_end(&list->classifier);
    vpn__free(env, list->rules, list->count * sizeof(*list->rules));
    vpn__free(env, list->counts, list->count * sizeof(*list->counts));
    memset(list, 0, sizeof(*list));
}

static uint32_t place_of(const vpn_filter_rule *rule, const uint8_t *hash_key, uint32_t places)
{
    uint8_t hash[crypto_shorthash_BYTES], bytes[sizeof(*rule)];
    memcpy(bytes, rule, sizeof(bytes));
    (void)crypto_shorthash(hash, bytes, sizeof(bytes), hash_key);
    return vpn__load32le(hash) & (places - 1);
}

/* Old rules hang in chains by their hash, the first ones first. One that was found leaves its chain, so equal rules inherit in
   their order, and a list of equal rules does not take forever. Numbers are those of rules plus one. */
static void hand_over(struct vpn__filter_list *list, const struct vpn__filter_list *old, const uint8_t *hash_key,
                      uint32_t *heads, uint32_t places, uint32_t *next)
{
    for (uint32_t i = old->count; i > 0; i--) {
        uint32_t *head = &heads[place_of(&old->rules[i - 1], hash_key, places)];
        next[i - 1] = *head;
        *head = i;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t *link = &heads[place_of(&list->rules[i], hash_key, places)];
        while (*link != 0 && memcmp(&old->rules[*link - 1], &list->rules[i], sizeof(*list->rules)) != 0)
            link = &next[*link - 1];
        if (*link == 0)
            continue;
        list->counts[i] = old->counts[*link - 1];
        *link = next[*link - 1];
    }
}

int vpn__filter_list_inherit(struct vpn__filter_list *list, const struct vpn__filter_list *old, const vpn_env *env,
                             const uint8_t *hash_key)
{
    uint32_t places = 16;
    while (places < old->count)
        places *= 2;
    uint32_t *heads = vpn__alloc_array(env, places, sizeof(*heads));
    uint32_t *next = vpn__alloc_array(env, old->count, sizeof(*next));
    if (heads && next)
        hand_over(list, old, hash_key, heads, places, next);
    int error = heads && next ? 0 : VPN_ENOMEM;
    vpn__free(env, heads, places * sizeof(*heads));
    vpn__free(env, next, old->count * sizeof(*next));
    return error;
}

size_t vpn__filter_list_memory(const struct vpn__filter_list *list)
{
    return list->count * (sizeof(*list->rules) + sizeof(*list->counts)) + vpn__classifier_memory(&list->classifier);
}
