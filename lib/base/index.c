/* SPDX-License-Identifier: ISC */
/* Open addressing with linear probing. Invariants:
 *
 * - At most half of the entries are in use, so every probe ends at an empty entry.
 * - Between an entry's home (its key's low bits) and its place there is no empty entry. Removing closes the gap by moving
 *   later entries back, so there are no tombstones and churn never makes the table slower or greater.
 *
 * Keys are drawn at random by ourselves, so the key is its own hash; nobody else can choose keys that collide.
 */
#include "base/index.h"

#include <string.h>

#include "base/env.h"

#define EMPTY     VPN__INDEX_EMPTY
#define ROOM_MIN  16u
#define COUNT_MAX (UINT32_C(1) << 30)

void vpn__index_init(struct vpn__index *ix, const vpn_env *env)
{
    memset(ix, 0, sizeof(*ix));
    ix->env = env;
}

void vpn__index_end(struct vpn__index *ix)
{
    vpn__free(ix->env, ix->entries, ix->room * sizeof(*ix->entries));
    vpn__index_init(ix, ix->env);
}

int vpn__index_reserve(struct vpn__index *ix, uint32_t entries)
{
    if (entries <= ix->room / 2)
        return 0;
    if (entries > COUNT_MAX)
        return VPN_ENOMEM;
    uint32_t room = ix->room ? ix->room : ROOM_MIN;
    while (room / 2 < entries)
        room *= 2;
    struct vpn__index old = *ix;
    struct vpn__index_entry *fresh = vpn__alloc_array(ix->env, room, sizeof(*fresh));
    if (!fresh)
        return VPN_ENOMEM;
    for (uint32_t i = 0; i < room; i++)
        fresh[i].peer = EMPTY;
    ix->entries = fresh;
    ix->room = room;
    for (uint32_t i = 0; i < old.room; i++) {
        if (old.entries[i].peer != EMPTY)
            fresh[vpn__index_probe(ix, old.entries[i].key)] = old.entries[i];
    }
    vpn__free(ix->env, old.entries, old.room * sizeof(*old.entries));
    return 0;
}

int vpn__index_insert(struct vpn__index *ix, uint32_t key, uint32_t peer, void *object)
{
    if (vpn__index_find(ix, key))
        return VPN_EEXIST;
    int error = vpn__index_reserve(ix, ix->count + 1);
    if (error)
        return error;
    ix->entries[vpn__index_probe(ix, key)] = (struct vpn__index_entry){.key = key, .peer = peer, .object = object};
    ix->count++;
    return 0;
}

void vpn__index_remove(struct vpn__index *ix, uint32_t key)
{
    struct vpn__index_entry *entry = vpn__index_find(ix, key);
    if (!entry)
        return;
    uint32_t mask = ix->room - 1;
    uint32_t hole = (uint32_t)(entry - ix->entries);
    for (uint32_t i = (hole + 1) & mask; ix->entries[i].peer != EMPTY; i = (i + 1) & mask) {
        uint32_t home = ix->entries[i].key & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            ix->entries[hole] = ix->entries[i];
            hole = i;
        }
    }
    ix->entries[hole] = (struct vpn__index_entry){.peer = EMPTY};
    ix->count--;
}

uint32_t vpn__index_count(const struct vpn__index *ix)
{
    return ix->count;
}

size_t vpn__index_memory(const struct vpn__index *ix)
{
    return ix->room * sizeof(*ix->entries);
}
