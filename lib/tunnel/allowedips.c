/* SPDX-License-Identifier: ISC */
/* Two tries, one for each family, and a list of entries for each owner. Invariants:
 *
 * - `changes` has never had its value before while any address had another owner.
 * - An entry is in the list of its owner, exactly once; `count` counts the entries.
 * - A list links entries of both tries, by reference: the entry's index times two, plus one for IPv6.
 * - Changes that need memory take all of it first, so that they either fail without a trace or succeed.
 */
#include "tunnel/allowedips.h"

#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "tunnel/trie.h"
#include "tunnel/trie_lookup.h"

#define NONE VPN_ALLOWEDIPS_NONE

_Static_assert(VPN_ALLOWEDIPS_NONE == VPN__TRIE_NONE, "what lookups find passes through");
_Static_assert(VPN_ALLOWEDIPS_OWNER_MAX < VPN__TRIE_OWNER, "owners fit in an entry");
_Static_assert(VPN_ALLOWEDIPS_MAX <= UINT32_MAX / 4, "a reference to any entry fits in 32 bits");

struct vpn_allowedips {
    vpn_env env;
    struct vpn__trie tries[2]; /* IPv4, IPv6 */
    const struct vpn__trie_ways *ways[2];
    uint32_t *heads; /* owner -> first reference of its list */
    uint32_t owners; /* elements of `heads` */
    uint32_t count;
    uint64_t changes;
};

/* A prefix as the tries want it: host order, zero past its length. */
struct checked {
    uint32_t key[4];
    uint32_t bits;
    uint32_t which; /* of the tries */
};

static int prefix_check(struct checked *out, const vpn_prefix *prefix, uint32_t owner)
{
    if ((prefix->family != 4 && prefix->family != 6) || prefix->bits > (prefix->family == 4 ? 32 : 128))
        return VPN_EINVAL;
    if (owner > VPN_ALLOWEDIPS_OWNER_MAX || prefix->reserved[0] || prefix->reserved[1])
        return VPN_EINVAL;
    memset(out, 0, sizeof(*out));
    out->bits = prefix->bits;
    out->which = prefix->family == 6;
    for (uint32_t i = 0; i * 32 < out->bits; i++) {
        uint32_t rest = out->bits - i * 32;
        out->key[i] = vpn__load32be(prefix->addr + (size_t)i * 4) & (rest < 32 ? ~(UINT32_MAX >> rest) : UINT32_MAX);
    }
    return 0;
}

int vpn_allowedips_new(vpn_allowedips **out, const vpn_env *env)
{
    *out = NULL;
    vpn_env checked;
    int error = vpn__env_init(&checked, env);
    if (error)
        return error;
    vpn_allowedips *table = vpn__alloc(&checked, sizeof(*table));
    if (!table)
        return VPN_ENOMEM;
    table->env = checked;
    table->changes = 1;
    for (uint32_t i = 0; i < 2; i++) {
        vpn__trie_init(&table->tries[i], &table->env, i == 0 ? 1 : 4);
        table->ways[i] = vpn__trie_ways(i == 0 ? 1 : 4);
    }
    *out = table;
    return 0;
}

void vpn_allowedips_free(vpn_allowedips *table)
{
    if (!table)
        return;
    vpn_env env = table->env;
    vpn__trie_end(&table->tries[0]);
    vpn__trie_end(&table->tries[1]);
    vpn__free(&env, table->heads, table->owners * sizeof(*table->heads));
    vpn__free(&env, table, sizeof(*table));
}

static struct vpn__trie_entry *entry_of(const vpn_allowedips *table, uint32_t reference)
{
    return vpn__trie_entry(&table->tries[reference & 1], reference >> 1);
}

static int owners_reserve(vpn_allowedips *table, uint32_t owner)
{
    if (owner < table->owners)
        return 0;
    uint32_t room = table->owners + table->owners / 2;
    if (room > VPN_ALLOWEDIPS_OWNER_MAX + 1)
        room = VPN_ALLOWEDIPS_OWNER_MAX + 1;
    room = room > owner ? room : owner + 1;
    uint32_t *heads = vpn__alloc_array(&table->env, room, sizeof(*heads));
    if (!heads)
        return VPN_ENOMEM;
    memset(heads, 0xff, room * sizeof(*heads));
    if (table->owners)
        memcpy(heads, table->heads, table->owners * sizeof(*heads));
    vpn__free(&table->env, table->heads, table->owners * sizeof(*heads));
    table->heads = heads;
    table->owners = room;
    return 0;
}

/* An owner's list in the order of insertion. `previous` of the first one is the last one, so that adding finds the end. */
static void list_add(vpn_allowedips *table, uint32_t owner, uint32_t reference)
{
    struct vpn__trie_entry *entry = entry_of(table, reference);
    table->changes++;
    entry->owner = owner & VPN__TRIE_OWNER;
    entry->previous = reference;
    entry->next = NONE;
    if (table->heads[owner] == NONE) {
        table->heads[owner] = reference;
        return;
    }
    struct vpn__trie_entry *first = entry_of(table, table->heads[owner]);
    entry->previous = first->previous;
    entry_of(table, first->previous)->next = reference;
    first->previous = reference;
}

static void list_remove(vpn_allowedips *table, const struct vpn__trie_entry *entry)
{
    struct vpn__trie_entry *first = entry_of(table, table->heads[entry->owner]);
    table->changes++;
    if (entry == first)
        table->heads[entry->owner] = entry->next;
    else
        entry_of(table, entry->previous)->next = entry->next;
    if (entry->next != NONE)
        entry_of(table, entry->next)->previous = entry->previous;
    else
        first->previous = entry->previous;
}

static void reference_remove(vpn_allowedips *table, uint32_t reference)
{
    list_remove(table, entry_of(table, reference));
    vpn__trie_drop(&table->tries[reference & 1], reference >> 1);
    table->count--;
}

int vpn_allowedips_insert(vpn_allowedips *table, const vpn_prefix *prefix, uint32_t owner)
{
    struct checked p;
    int error = prefix_check(&p, prefix, owner);
    if (error)
        return error;
    struct vpn__trie *trie = &table->tries[p.which];
    if (table->count == VPN_ALLOWEDIPS_MAX && vpn__trie_find(trie, p.key, p.bits) == NONE)
        return VPN_ELIMIT;
    uint32_t index;
    if (owners_reserve(table, owner) || vpn__trie_add(trie, p.key, p.bits, &index))
        return VPN_ENOMEM;
    const struct vpn__trie_entry *entry = vpn__trie_entry(trie, index);
    if (entry->owner == owner)
        return 0;
    if (entry->owner != VPN__TRIE_OWNER)
        list_remove(table, entry);
    else
        table->count++;
    list_add(table, owner, index << 1 | p.which);
    return 0;
}

int vpn_allowedips_remove(vpn_allowedips *table, const vpn_prefix *prefix, uint32_t owner)
{
    struct checked p;
    int error = prefix_check(&p, prefix, owner);
    if (error)
        return error;
    uint32_t index = vpn__trie_find(&table->tries[p.which], p.key, p.bits);
    if (index == NONE || vpn__trie_entry(&table->tries[p.which], index)->owner != owner)
        return VPN_ENOENT;
    reference_remove(table, index << 1 | p.which);
    return 0;
}

void vpn_allowedips_remove_owner(vpn_allowedips *table, uint32_t owner)
{
    if (owner >= table->owners)
        return;
    while (table->heads[owner] != NONE)
        reference_remove(table, table->heads[owner]);
}

uint32_t vpn_allowedips_lookup(const vpn_allowedips *table, uint8_t family, const uint8_t *addr)
{
    if (family != 4 && family != 6)
        return NONE;
    return table->ways[family == 6]->one(&table->tries[family == 6], addr);
}

void vpn_allowedips_lookup_many(const vpn_allowedips *table, uint8_t family, const uint8_t *addrs, size_t stride,
                                uint32_t *owners, size_t count)
{
    if (family == 4 || family == 6)
        table->ways[family == 6]->many(&table->tries[family == 6], addrs, stride, owners, count);
    else
        for (size_t i = 0; i < count; i++)
            owners[i] = NONE;
}

/* The cursor is the reference that comes next, plus one: what was returned last may be gone by then. */
int vpn_allowedips_next(const vpn_allowedips *table, uint32_t owner, uint64_t *cursor, vpn_prefix *out)
{
    uint32_t reference = owner < table->owners ? table->heads[owner] : NONE;
    if (*cursor != 0)
        reference = (uint32_t)(*cursor - 1);
    if (reference == NONE)
        return VPN_ENOENT;
    const struct vpn__trie_entry *entry = entry_of(table, reference);
    memset(out, 0, sizeof(*out));
    out->family = reference & 1 ? 6 : 4;
    out->bits = (uint8_t)entry->bits;
    for (uint32_t i = 0; i < table->tries[reference & 1].words; i++)
        vpn__store32be(out->addr + (size_t)i * 4, entry->key[i]);
    *cursor = (uint64_t)entry->next + 1;
    return 0;
}

uint64_t vpn__allowedips_changes(const vpn_allowedips *table)
{
    return table->changes;
}

size_t vpn_allowedips_count(const vpn_allowedips *table)
{
    return table->count;
}

size_t vpn_allowedips_memory(const vpn_allowedips *table)
{
    return sizeof(*table) + table->owners * sizeof(*table->heads) + vpn__trie_memory(&table->tries[0]) +
           vpn__trie_memory(&table->tries[1]);
}
