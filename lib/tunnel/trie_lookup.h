/* SPDX-License-Identifier: ISC */
/* Longest-prefix matches in a trie: for one address, and for many at once. */
#ifndef VPN_LIB_TUNNEL_TRIE_LOOKUP_H
#define VPN_LIB_TUNNEL_TRIE_LOOKUP_H

#include "tunnel/trie.h"

/* Ways through the tries of one family. */
struct vpn__trie_ways {
    /* The owner of the longest prefix that holds an address of 4 or 16 bytes; VPN__TRIE_NONE when there is none. */
    uint32_t (*one)(const struct vpn__trie *t, const uint8_t *addr);
    /* The same for `count` addresses, each `stride` bytes after the one before. */
    void (*many)(const struct vpn__trie *t, const uint8_t *addrs, size_t stride, uint32_t *owners, size_t count);
};

/* The fastest ways on this processor for keys of 1 or 4 words. */
const struct vpn__trie_ways *vpn__trie_ways(uint32_t words);
/* Those that any processor has. */
const struct vpn__trie_ways *vpn__trie_ways_plain(uint32_t words);

#endif
