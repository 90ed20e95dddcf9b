/* SPDX-License-Identifier: ISC */
/* A hash table from 32-bit keys that are random already, such as receiver indices of our own making. */
#ifndef VPN_LIB_BASE_INDEX_H
#define VPN_LIB_BASE_INDEX_H

#include <vpn/base.h>

#include "base/prefetch.h"

#define VPN__INDEX_EMPTY UINT32_MAX /* as `peer`: an entry that is empty */

struct vpn__index_entry {
    uint32_t key;
    uint32_t peer;
    void *object;
};

struct vpn__index {
    const vpn_env *env;
    struct vpn__index_entry *entries;
    uint32_t room; /* elements of `entries`: 0 or a power of two */
    uint32_t count;
};

/* Takes no memory yet; `env` outlives the table. */
void vpn__index_init(struct vpn__index *ix, const vpn_env *env);
void vpn__index_end(struct vpn__index *ix);
/* Afterwards `entries` entries in all fit without allocating. 0, or VPN_ENOMEM and nothing has changed. */
int vpn__index_reserve(struct vpn__index *ix, uint32_t entries);
/* `peer` is not UINT32_MAX. 0, VPN_EEXIST (the key is there) or VPN_ENOMEM. */
int vpn__index_insert(struct vpn__index *ix, uint32_t key, uint32_t peer, void *object);
/* Does nothing when the key is not there. */
void vpn__index_remove(struct vpn__index *ix, uint32_t key);
uint32_t vpn__index_count(const struct vpn__index *ix);
/* Bytes taken from the allocator. */
size_t vpn__index_memory(const struct vpn__index *ix);

/* Where the key is, or else the empty entry where it would go. The table has room. */
static inline uint32_t vpn__index_probe(const struct vpn__index *ix, uint32_t key)
{
    uint32_t mask = ix->room - 1;
    uint32_t i = key & mask;

    while (ix->entries[i].peer != VPN__INDEX_EMPTY && ix->entries[i].key != key)
        i = (i + 1) & mask;
    return i;
}

/* The entry of a key that is there; as that of vpn__index_find. */
static inline struct vpn__index_entry *vpn__index_at(const struct vpn__index *ix, uint32_t key)
{
    return &ix->entries[vpn__index_probe(ix, key)];
}

/* The entry, valid until the next insert, remove or reserve, or NULL. `peer` and `object` may be changed in place. */
static inline struct vpn__index_entry *vpn__index_find(const struct vpn__index *ix, uint32_t key)
{
    struct vpn__index_entry *entry;

    if (ix->count == 0)
        return NULL;
    entry = vpn__index_at(ix, key);
    return entry->peer != VPN__INDEX_EMPTY ? entry : NULL;
}

/* Asks for the memory where the key would be. */
static inline void vpn__index_prefetch(const struct vpn__index *ix, uint32_t key)
{
    if (ix->count != 0)
        vpn__prefetch(&ix->entries[key & (ix->room - 1)]);
}

#endif
