/* SPDX-License-Identifier: ISC */
/* A multibit trie of prefixes of one address family, with six bits for each step. It knows nothing of owners but their number. */
#ifndef VPN_LIB_TUNNEL_TRIE_H
#define VPN_LIB_TUNNEL_TRIE_H

#include "base/slab.h"
#include "tunnel/refs.h"

#define VPN__TRIE_NONE  UINT32_MAX  /* no entry, no owner */
#define VPN__TRIE_OWNER 0xffffffu   /* greatest number that fits; as an owner: none */
#define VPN__TRIE_NODE  0x80000000u /* marks the reference of a node; without it, that of an entry */
#define VPN__TRIE_STEP  6u

/* Strides of the slabs, for IPv4 and IPv6, which lookups want known to the compiler. */
#define VPN__TRIE_ENTRY4 16u
#define VPN__TRIE_ENTRY6 32u
#define VPN__TRIE_NODE4  32u
#define VPN__TRIE_NODE6  64u

/* A prefix: 16 bytes for IPv4, 32 for IPv6. Only `owner`, `next` and `previous` may be written from outside. */
struct vpn__trie_entry {
    uint32_t owner : 24; /* VPN__TRIE_OWNER: the entry was just added */
    uint32_t bits : 8;   /* length of the prefix */
    uint32_t next;       /* this and `previous` belong to whoever keeps lists of entries */
    uint32_t previous;
    uint32_t key[]; /* 1 or 4 words, most significant first, zero past `bits` */
};

/* Half a cache line for IPv4, a whole one for IPv6. */
struct vpn__trie_node {
    uint64_t inside; /* prefixes that end in this step: bit 1 << length | value, the length from the node's depth on */
    uint64_t below;  /* next six bits under which something hangs */
    uint32_t *refs;  /* what hangs there, in order of these bits, then the entries of `inside`, in order of its bits */
    uint8_t depth;   /* leading bits that everything here shares; a multiple of six */
    uint8_t class;   /* of `refs` */
    uint16_t unused;
    uint32_t key[]; /* these bits, as in an entry */
};

struct vpn__trie {
    struct vpn__slab entries;
    struct vpn__slab nodes;
    struct vpn__refs refs;
    uint32_t root;  /* reference, or VPN__TRIE_NONE */
    uint32_t words; /* of a key: 1 for IPv4, 4 for IPv6 */
};

/* Takes no memory yet; `env` outlives the trie. */
void vpn__trie_init(struct vpn__trie *t, const vpn_env *env, uint32_t words);
void vpn__trie_end(struct vpn__trie *t);
/* Finds or adds the entry of a prefix: `key` is zero past `bits`. A new one has owner VPN__TRIE_OWNER, and the caller sets
   one at once. 0, or VPN_ENOMEM and nothing has changed. */
int vpn__trie_add(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t *index);
/* The entry of exactly this prefix; VPN__TRIE_NONE when there is none. */
uint32_t vpn__trie_find(const struct vpn__trie *t, const uint32_t *key, uint32_t bits);
/* Takes an entry out. Others keep their indices. Needs no memory. */
void vpn__trie_drop(struct vpn__trie *t, uint32_t index);
/* Bytes taken from the allocator. */
size_t vpn__trie_memory(const struct vpn__trie *t);

static inline struct vpn__trie_entry *vpn__trie_entry(const struct vpn__trie *t, uint32_t index)
{
    return vpn__slab_at(&t->entries, index);
}

/* How many bits are set. */
static inline uint32_t vpn__trie_ones(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    return (uint32_t)(((v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56);
}

#endif
