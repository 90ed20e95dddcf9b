/* SPDX-License-Identifier: ISC */
/* Invariants:
 *
 * - A node at depth d has the prefixes that begin with its key and are d to d + 5 bits long in `inside`, and for longer ones
 *   one reference for each value of the next six bits, in `below`: to the entry, when it is the only one, else to a node,
 *   whose depth is the greatest multiple of six that all prefixes there share. So depths may be skipped.
 * - A node holds at least two references; what would be alone hangs directly in its place. So n prefixes have fewer than n
 *   nodes, and a walk visits at most one node for every six bits.
 * - Taking out a prefix needs no memory: arrays become smaller when there is room for it, and stay as they are else.
 *
 * Prefixes inside a node are found with a mask and a bit scan (Eatherton, Varghese and Dittia, "Tree bitmap", 2004, section 3),
 * so that changing one prefix touches one node, and no answer is copied to where it would have to be kept up to date.
 */
#include "tunnel/trie.h"

#include <stddef.h>
#include <string.h>

#include "base/env.h"

#define NONE VPN__TRIE_NONE
#define NODE VPN__TRIE_NODE
#define STEP VPN__TRIE_STEP

_Static_assert(offsetof(struct vpn__trie_entry, key) + 4 <= VPN__TRIE_ENTRY4, "an IPv4 entry fits its stride");
_Static_assert(offsetof(struct vpn__trie_entry, key) + 16 <= VPN__TRIE_ENTRY6, "an IPv6 entry fits its stride");
_Static_assert(offsetof(struct vpn__trie_node, key) + 4 <= VPN__TRIE_NODE4, "an IPv4 node is half a cache line");
_Static_assert(offsetof(struct vpn__trie_node, key) + 16 <= VPN__TRIE_NODE6, "an IPv6 node is a cache line");

void vpn__trie_init(struct vpn__trie *t, const vpn_env *env, uint32_t words)
{
    vpn__slab_init(&t->entries, env, words == 1 ? VPN__TRIE_ENTRY4 : VPN__TRIE_ENTRY6, NODE - 1);
    vpn__slab_init(&t->nodes, env, words == 1 ? VPN__TRIE_NODE4 : VPN__TRIE_NODE6, NODE - 1);
    vpn__refs_init(&t->refs, env);
    t->root = NONE;
    t->words = words;
}

void vpn__trie_end(struct vpn__trie *t)
{
    vpn__slab_end(&t->entries);
    vpn__slab_end(&t->nodes);
    vpn__refs_end(&t->refs);
    t->root = NONE;
}

static struct vpn__trie_node *node_of(const struct vpn__trie *t, uint32_t ref)
{
    return vpn__slab_at(&t->nodes, ref & ~NODE);
}

static uint32_t leading_zeros(uint32_t v)
{
    uint32_t n = 0;
    for (uint32_t half = 16; half > 0; half /= 2) {
        if (v >> (32 - half) == 0) {
            n += half;
            v <<= half;
        }
    }
    return n;
}

/* How many leading bits two keys share, at most `limit`. */
static uint32_t shared_bits(const struct vpn__trie *t, const uint32_t *a, const uint32_t *b, uint32_t limit)
{
    for (uint32_t i = 0; i < t->words && i * 32 < limit; i++) {
        if (a[i] != b[i]) {
            uint32_t shared = i * 32 + leading_zeros(a[i] ^ b[i]);
            return shared < limit ? shared : limit;
        }
    }
    return limit;
}

/* The six bits of a key at `depth`, zero past its end. */
static uint32_t bits_at(const struct vpn__trie *t, const uint32_t *key, uint32_t depth)
{
    uint32_t word = depth / 32, next = word + 1 < t->words ? key[word + 1] : 0;
    return (uint32_t)(((uint64_t)key[word] << 32 | next) >> (64 - STEP - depth % 32)) & 63;
}

/* Where something hangs in a node: a bit of one of its two sets. */
struct spot {
    uint64_t bit;
    int inside;
};

/* The place of a prefix in a node of this depth that it belongs under, and so the place of a node, by its key and depth. */
static struct spot spot_in(const struct vpn__trie *t, uint32_t depth, const uint32_t *key, uint32_t bits)
{
    uint32_t value = bits_at(t, key, depth);
    if (bits >= depth + STEP)
        return (struct spot){UINT64_C(1) << value, 0};
    uint32_t length = bits - depth;
    return (struct spot){UINT64_C(1) << (1u << length | value >> (STEP - length)), 1};
}

static uint32_t refs_count(const struct vpn__trie_node *node)
{
    return vpn__trie_ones(node->below) + vpn__trie_ones(node->inside);
}

static int is_there(const struct vpn__trie_node *node, struct spot spot)
{
    return ((spot.inside ? node->inside : node->below) & spot.bit) != 0;
}

static uint32_t *ref_at(const struct vpn__trie_node *node, struct spot spot)
{
    if (!spot.inside)
        return node->refs + vpn__trie_ones(node->below & (spot.bit - 1));
    return node->refs + vpn__trie_ones(node->below) + vpn__trie_ones(node->inside & (spot.bit - 1));
}

/* Moves the references of a node to an array of another class. */
static int refs_move(struct vpn__trie *t, struct vpn__trie_node *node, uint32_t class)
{
    uint32_t *refs = vpn__refs_take(&t->refs, class);
    if (!refs)
        return VPN_ENOMEM;
    memcpy(refs, node->refs, refs_count(node) * sizeof(*refs));
    vpn__refs_give(&t->refs, node->refs, node->class);
    node->refs = refs;
    node->class = (uint8_t) class;
    return 0;
}

/* Makes room for one more reference. */
static int refs_reserve(struct vpn__trie *t, struct vpn__trie_node *node)
{
    return refs_count(node) < vpn__refs_room(node->class) ? 0 : refs_move(t, node, node->class + 1u);
}

/* For a node that has the room. */
static void ref_put(struct vpn__trie_node *node, struct spot spot, uint32_t ref)
{
    uint32_t *at = ref_at(node, spot), after = refs_count(node) - (uint32_t)(at - node->refs);
    memmove(at + 1, at, after * sizeof(*at));
    *at = ref;
    *(spot.inside ? &node->inside : &node->below) |= spot.bit;
}

static void ref_take_out(struct vpn__trie *t, struct vpn__trie_node *node, struct spot spot)
{
    uint32_t *at = ref_at(node, spot), after = refs_count(node) - (uint32_t)(at - node->refs) - 1;
    memmove(at, at + 1, after * sizeof(*at));
    *(spot.inside ? &node->inside : &node->below) &= ~spot.bit;
    /* Two classes below, so that a prefix that comes and goes does not move the array each time. */
    if (node->class >= 2 && refs_count(node) <= vpn__refs_room(node->class - 2u))
        (void)refs_move(t, node, node->class - 1u);
}

static void key_copy(const struct vpn__trie *t, uint32_t *out, const uint32_t *key, uint32_t bits)
{
    for (uint32_t i = 0; i < t->words && i * 32 < bits; i++)
        out[i] = bits - i * 32 < 32 ? key[i] & ~(UINT32_MAX >> (bits - i * 32)) : key[i];
}

static int entry_make(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t *index)
{
    struct vpn__trie_entry *entry = vpn__slab_take(&t->entries, index);
    if (!entry)
        return VPN_ENOMEM;
    entry->owner = VPN__TRIE_OWNER;
    entry->bits = bits & 0xff;
    entry->next = entry->previous = NONE;
    key_copy(t, entry->key, key, bits);
    return 0;
}

/* An empty node, which is for the caller to fill. */
static struct vpn__trie_node *node_make(struct vpn__trie *t, const uint32_t *key, uint32_t depth, uint32_t *ref)
{
    struct vpn__trie_node *node = vpn__slab_take(&t->nodes, ref);
    if (!node)
        return NULL;
    node->refs = vpn__refs_take(&t->refs, 0);
    if (!node->refs) {
        vpn__slab_give(&t->nodes, *ref);
        return NULL;
    }
    node->depth = (uint8_t)depth;
    key_copy(t, node->key, key, depth);
    *ref |= NODE;
    return node;
}

static void node_free(struct vpn__trie *t, uint32_t ref)
{
    struct vpn__trie_node *node = node_of(t, ref);
    vpn__refs_give(&t->refs, node->refs, node->class);
    vpn__slab_give(&t->nodes, ref & ~NODE);
}

/* How far a walk towards a prefix comes. */
struct walk {
    uint32_t *link;              /* where the walk ended: the root, or a reference of `node` */
    uint32_t *above;             /* what refers to `node` */
    struct vpn__trie_node *node; /* the last one that the prefix belongs under; NULL: none */
    struct spot spot;            /* where it belongs in `node` */
    uint32_t shared;             /* bits shared with what *link refers to, when that is in the way */
    int found;                   /* *link is the entry of this very prefix */
};

static struct walk walk_to(struct vpn__trie *t, const uint32_t *key, uint32_t bits)
{
    struct walk w = {.link = &t->root};
    while (w.link && *w.link != NONE && *w.link & NODE) {
        struct vpn__trie_node *node = node_of(t, *w.link);
        w.shared = shared_bits(t, key, node->key, bits < node->depth ? bits : node->depth);
        if (w.shared < node->depth)
            return w;
        w.above = w.link;
        w.node = node;
        w.spot = spot_in(t, node->depth, key, bits);
        w.link = is_there(node, w.spot) ? ref_at(node, w.spot) : NULL;
    }
    if (w.link && *w.link != NONE) {
        const struct vpn__trie_entry *entry = vpn__trie_entry(t, *w.link);
        w.shared = shared_bits(t, key, entry->key, bits < entry->bits ? bits : entry->bits);
        w.found = w.shared == bits && entry->bits == bits;
    }
    return w;
}

/* Puts a node where *link is, with what was there and the new prefix below it. They part in its six bits or end there. */
static int fork_at(struct vpn__trie *t, const struct walk *w, const uint32_t *key, uint32_t bits, uint32_t index)
{
    uint32_t there = *w->link, ref, depth = w->shared - w->shared % STEP;
    struct vpn__trie_node *fork = node_make(t, key, depth, &ref);
    if (!fork)
        return VPN_ENOMEM;
    if (there & NODE) {
        const struct vpn__trie_node *node = node_of(t, there);
        ref_put(fork, spot_in(t, depth, node->key, node->depth), there);
    } else {
        const struct vpn__trie_entry *entry = vpn__trie_entry(t, there);
        ref_put(fork, spot_in(t, depth, entry->key, entry->bits), there);
    }
    ref_put(fork, spot_in(t, depth, key, bits), index);
    *w->link = ref;
    return 0;
}

int vpn__trie_add(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t *index)
{
    struct walk w = walk_to(t, key, bits);
    if (w.found) {
        *index = *w.link;
        return 0;
    }
    if (entry_make(t, key, bits, index))
        return VPN_ENOMEM;
    if (w.link && *w.link == NONE) {
        *w.link = *index;
        return 0;
    }
    int error = w.link ? fork_at(t, &w, key, bits, *index) : refs_reserve(t, w.node);
    if (error) {
        vpn__slab_give(&t->entries, *index);
        return error;
    }
    if (!w.link)
        ref_put(w.node, w.spot, *index);
    return 0;
}

uint32_t vpn__trie_find(const struct vpn__trie *t, const uint32_t *key, uint32_t bits)
{
    uint32_t ref = t->root;
    while (ref != NONE && ref & NODE) {
        const struct vpn__trie_node *node = node_of(t, ref);
        if (bits < node->depth || shared_bits(t, key, node->key, node->depth) < node->depth)
            return NONE;
        struct spot spot = spot_in(t, node->depth, key, bits);
        ref = is_there(node, spot) ? *ref_at(node, spot) : NONE;
    }
    if (ref == NONE)
        return NONE;
    const struct vpn__trie_entry *entry = vpn__trie_entry(t, ref);
    return entry->bits == bits && shared_bits(t, key, entry->key, bits) == bits ? ref : NONE;
}

void vpn__trie_drop(struct vpn__trie *t, uint32_t index)
{
    const struct vpn__trie_entry *entry = vpn__trie_entry(t, index);
    struct walk w = walk_to(t, entry->key, entry->bits);
    vpn__slab_give(&t->entries, index);
    if (!w.node) {
        *w.link = NONE;
        return;
    }
    ref_take_out(t, w.node, w.spot);
    if (refs_count(w.node) == 1) {
        uint32_t node = *w.above;
        *w.above = w.node->refs[0];
        node_free(t, node);
    }
}

size_t vpn__trie_memory(const struct vpn__trie *t)
{
    return vpn__slab_memory(&t->entries) + vpn__slab_memory(&t->nodes) + vpn__refs_memory(&t->refs);
}
