/* SPDX-License-Identifier: ISC */
/* Invariants:
 *
 * - A node's prefix is longer than its parent's and begins with it; the first bit past the parent's prefix says which of
 *   the two children it is.
 * - A node without an owner has two children: it is there only because two prefixes part at its length. So n prefixes
 *   need at most 2n - 1 nodes, and taking a prefix out takes at most one more node with it.
 * - `parent` is the reverse of `child`; the root's is NONE.
 *
 * Nodes are named by index: half the size of pointers, and a node is found from its index without touching another one.
 */
#include "tunnel/trie.h"

#include "base/bytes.h"

#define NONE    VPN__TRIE_NONE
#define STRIDE4 32u
#define STRIDE6 48u

_Static_assert(sizeof(struct vpn__trie_node) + 4 <= STRIDE4, "an IPv4 node is half a cache line");
_Static_assert(sizeof(struct vpn__trie_node) + 16 <= STRIDE6, "an IPv6 node fits its stride");

void vpn__trie_init(struct vpn__trie *t, const vpn_env *env, uint32_t words)
{
    vpn__slab_init(&t->nodes, env, words == 1 ? STRIDE4 : STRIDE6, NONE - 1);
    t->root = NONE;
    t->words = words;
}

void vpn__trie_end(struct vpn__trie *t)
{
    vpn__slab_end(&t->nodes);
    t->root = NONE;
}

/* Bit `i` of a key, or 0 for a bit past its end. */
static uint32_t bit_at(const struct vpn__trie *t, const uint32_t *key, uint32_t i)
{
    return i < t->words * 32 ? key[i / 32] >> (31 - i % 32) & 1 : 0;
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

static uint32_t *link_of(struct vpn__trie *t, uint32_t parent, uint32_t side)
{
    return parent == NONE ? &t->root : &vpn__trie_node(t, parent)->child[side];
}

/* Where a prefix belongs: below `parent` on `side`, in the place of `at` (or nothing), with which it shares `shared` bits. */
struct spot {
    uint32_t parent;
    uint32_t side;
    uint32_t at;
    uint32_t shared;
};

static struct spot descend(const struct vpn__trie *t, const uint32_t *key, uint32_t bits)
{
    struct spot spot = {.parent = NONE, .at = t->root};
    while (spot.at != NONE) {
        const struct vpn__trie_node *node = vpn__trie_node(t, spot.at);
        spot.shared = shared_bits(t, key, node->key, bits < node->bits ? bits : node->bits);
        if (spot.shared < node->bits || bits == node->bits)
            break;
        spot.parent = spot.at;
        spot.side = bit_at(t, key, node->bits);
        spot.at = node->child[spot.side];
    }
    return spot;
}

static int is_exact(const struct vpn__trie *t, const struct spot *spot, uint32_t bits)
{
    return spot->at != NONE && spot->shared == bits && vpn__trie_node(t, spot->at)->bits == bits;
}

static struct vpn__trie_node *node_make(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t *index)
{
    struct vpn__trie_node *node = vpn__slab_take(&t->nodes, index);
    if (!node)
        return NULL;
    node->child[0] = node->child[1] = NONE;
    node->parent = node->owner = node->next = node->previous = NONE;
    node->bits = bits;
    for (uint32_t i = 0; i < t->words && i * 32 < bits; i++)
        node->key[i] = bits - i * 32 < 32 ? key[i] & ~(UINT32_MAX >> (bits - i * 32)) : key[i];
    return node;
}

/* `index` becomes what hangs below `parent` on the side that its own key says. */
static void attach(struct vpn__trie *t, uint32_t parent, uint32_t index)
{
    struct vpn__trie_node *node = vpn__trie_node(t, index);
    node->parent = parent;
    *link_of(t, parent, parent == NONE ? 0 : bit_at(t, node->key, vpn__trie_node(t, parent)->bits)) = index;
}

int vpn__trie_add(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t *index)
{
    struct spot spot = descend(t, key, bits);
    if (is_exact(t, &spot, bits)) {
        *index = spot.at;
        return 0;
    }
    if (!node_make(t, key, bits, index))
        return VPN_ENOMEM;
    uint32_t above = spot.parent;
    if (spot.at != NONE && spot.shared < bits) {
        uint32_t fork;
        if (!node_make(t, key, spot.shared, &fork)) {
            vpn__slab_give(&t->nodes, *index);
            return VPN_ENOMEM;
        }
        attach(t, spot.parent, fork);
        attach(t, fork, spot.at);
        above = fork;
    }
    attach(t, above, *index);
    if (spot.at != NONE && spot.shared == bits)
        attach(t, *index, spot.at);
    return 0;
}

uint32_t vpn__trie_find(const struct vpn__trie *t, const uint32_t *key, uint32_t bits)
{
    struct spot spot = descend(t, key, bits);
    return is_exact(t, &spot, bits) ? spot.at : NONE;
}

/* Takes out a node that has at most one child, which moves up. */
static void splice(struct vpn__trie *t, uint32_t index)
{
    const struct vpn__trie_node *node = vpn__trie_node(t, index);
    uint32_t child = node->child[0] != NONE ? node->child[0] : node->child[1];
    uint32_t parent = node->parent;
    uint32_t side = parent != NONE && vpn__trie_node(t, parent)->child[1] == index;
    *link_of(t, parent, side) = child;
    if (child != NONE)
        vpn__trie_node(t, child)->parent = parent;
    vpn__slab_give(&t->nodes, index);
}

void vpn__trie_drop(struct vpn__trie *t, uint32_t index)
{
    struct vpn__trie_node *node = vpn__trie_node(t, index);
    node->owner = NONE;
    if (node->child[0] != NONE && node->child[1] != NONE)
        return;
    int leaf = node->child[0] == NONE && node->child[1] == NONE;
    uint32_t parent = node->parent;
    splice(t, index);
    if (leaf && parent != NONE && vpn__trie_node(t, parent)->owner == NONE)
        splice(t, parent);
}

/* The first `bits` bits of a word of 64; 0 <= bits <= 64. */
static inline uint64_t mask64(uint32_t bits)
{
    return bits ? UINT64_MAX << (64 - bits) : 0;
}

/* The children of a full-length prefix are NONE, so the bit past its end, whatever it is, leads nowhere. */
uint32_t vpn__trie_lookup4(const struct vpn__trie *t, const uint8_t *addr)
{
    uint64_t key = (uint64_t)vpn__load32be(addr) << 32;
    uint32_t best = NONE;
    for (uint32_t at = t->root; at != NONE;) {
        const struct vpn__trie_node *node = vpn__slab_at_stride(&t->nodes, at, STRIDE4);
        if ((key ^ (uint64_t)node->key[0] << 32) & mask64(node->bits))
            break;
        best = node->owner != NONE ? node->owner : best;
        at = node->child[key << node->bits >> 63];
    }
    return best;
}

uint32_t vpn__trie_lookup6(const struct vpn__trie *t, const uint8_t *addr)
{
    const uint64_t key[2] = {vpn__load64be(addr), vpn__load64be(addr + 8)};
    uint32_t best = NONE;
    for (uint32_t at = t->root; at != NONE;) {
        const struct vpn__trie_node *node = vpn__slab_at_stride(&t->nodes, at, STRIDE6);
        uint32_t bits = node->bits;
        uint64_t high = key[0] ^ ((uint64_t)node->key[0] << 32 | node->key[1]);
        uint64_t low = key[1] ^ ((uint64_t)node->key[2] << 32 | node->key[3]);
        if ((high & mask64(bits < 64 ? bits : 64)) | (low & mask64(bits < 64 ? 0 : bits - 64)))
            break;
        best = node->owner != NONE ? node->owner : best;
        at = node->child[key[bits >> 6 & 1] << (bits & 63) >> 63];
    }
    return best;
}
