/* SPDX-License-Identifier: ISC */
/* A hash table from 32-bit keys that are random already, such as receiver indices of our own making. */
#ifndef VPN_LIB_BASE_INDEX_H
#define VPN_LIB_BASE_INDEX_H

#include <vpn/base.h>

struct vpn__index_entry {
    uint32_t key;
    uint32_t peer; /* UINT32_MAX: the entry is empty */
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
/* The entry, valid until the next insert, remove or reserve, or NULL. `peer` and `object` may be changed in place. */
struct vpn__index_entry *vpn__index_find(const struct vpn__index *ix, uint32_t key);
/* Asks for the memory where the key would be. */
void vpn__index_prefetch(const struct vpn__index *ix, uint32_t key);
/* Does nothing when the key is not there. */
void vpn__index_remove(struct vpn__index *ix, uint32_t key);
uint32_t vpn__index_count(const struct vpn__index *ix);
/* Bytes taken from the allocator. */
size_t vpn__index_memory(const struct vpn__index *ix);

#endif
