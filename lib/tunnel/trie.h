/* SPDX-License-Identifier: ISC */
/* A path-compressed binary trie of prefixes of one address family. It knows nothing of owners but their number. */
#ifndef VPN_LIB_TUNNEL_TRIE_H
#define VPN_LIB_TUNNEL_TRIE_H

#include "base/slab.h"

#define VPN__TRIE_NONE UINT32_MAX /* no node, no owner */

/* 32 bytes for IPv4, 48 for IPv6. Only `owner`, `next` and `previous` may be written from outside. */
struct vpn__trie_node {
    uint32_t child[2];
    uint32_t parent;
    uint32_t owner; /* VPN__TRIE_NONE: the node is only a fork, or was just added */
    uint32_t next;  /* this and `previous` belong to whoever keeps lists of nodes */
    uint32_t previous;
    uint32_t bits;  /* length of the prefix */
    uint32_t key[]; /* 1 or 4 words, most significant first, zero past `bits` */
};

struct vpn__trie {
    struct vpn__slab nodes;
    uint32_t root;
    uint32_t words; /* of a key: 1 for IPv4, 4 for IPv6 */
};

/* Takes no memory yet; `env` outlives the trie. */
void vpn__trie_init(struct vpn__trie *t, const vpn_env *env, uint32_t words);
void vpn__trie_end(struct vpn__trie *t);
/* Finds or adds the node of a prefix: `key` is zero past `bits`. A node that was not an owner's has owner VPN__TRIE_NONE,
   and the caller sets one at once. 0, or VPN_ENOMEM and nothing has changed. */
int vpn__trie_add(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t *index);
/* The node of exactly this prefix; VPN__TRIE_NONE when there is none. */
uint32_t vpn__trie_find(const struct vpn__trie *t, const uint32_t *key, uint32_t bits);
/* Takes the owner from a node, and out of the trie what is not needed without it. Other nodes keep their indices. */
void vpn__trie_drop(struct vpn__trie *t, uint32_t index);
/* The owner of the longest prefix that holds an address of 4 or 16 bytes; VPN__TRIE_NONE when there is none. */
uint32_t vpn__trie_lookup4(const struct vpn__trie *t, const uint8_t *addr);
uint32_t vpn__trie_lookup6(const struct vpn__trie *t, const uint8_t *addr);

static inline struct vpn__trie_node *vpn__trie_node(const struct vpn__trie *t, uint32_t index)
{
    return vpn__slab_at(&t->nodes, index);
}

#endif
