/* SPDX-License-Identifier: ISC */
/*
 * A lookup of one address waits for memory at every step; many lookups go through the same steps side by side, each asking
 * for its next line before the others take their turn. The code is written once, inlined for two families, and on x86 compiled
 * twice: with the instruction that counts bits, and without it.
 */
#include "tunnel/trie_lookup.h"

#include "base/bytes.h"
#include "base/prefetch.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#include <cpuid.h>
#define CHOICE
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* What the compiler knows of each copy. */
#define IS6    1
#define POPCNT 2

#define NONE  VPN__TRIE_NONE
#define NODE  VPN__TRIE_NODE
#define LANES 32u

/* An address; IPv4 has its 32 bits at the top of `high`. */
struct key {
    uint64_t high, low;
};

/* The first `bits` bits of a word of 64; 0 <= bits < 64. */
INLINE uint64_t mask63(uint32_t bits)
{
    return ~(UINT64_MAX >> bits);
}

INLINE struct key key_load(const uint8_t *addr, int kind)
{
    if (kind & IS6)
        return (struct key){vpn__load64be(addr), vpn__load64be(addr + 8)};
    return (struct key){(uint64_t)vpn__load32be(addr) << 32, 0};
}

INLINE int key_matches(struct key key, const uint32_t *words, uint32_t bits, int kind)
{
    if (!(kind & IS6))
        return ((key.high ^ (uint64_t)words[0] << 32) & mask63(bits)) == 0;
    uint64_t high = key.high ^ ((uint64_t)words[0] << 32 | words[1]);
    uint64_t low = key.low ^ ((uint64_t)words[2] << 32 | words[3]);
    if (bits < 64)
        return (high & mask63(bits)) == 0;
    return (high | (bits < 128 ? low & mask63(bits - 64) : low)) == 0;
}

/* The six bits at `depth`, a multiple of six. */
INLINE uint32_t key_step(struct key key, uint32_t depth, int kind)
{
    uint64_t word = key.high << (depth & 63);
    if ((kind & IS6) && depth >= 64)
        word = key.low << (depth & 63);
    else if ((kind & IS6) && depth == 60)
        word |= key.low >> 4;
    return (uint32_t)(word >> (64 - VPN__TRIE_STEP));
}

/* The prefixes inside a node that hold a value of its six bits: one bit for each length from 0 to 5. */
#define LENGTH(value, length) UINT64_C(1) << ((64u | (value)) >> (6 - (length)))
#define HOLDERS1(value)                                                                                                \
    LENGTH(value, 0) | LENGTH(value, 1) | LENGTH(value, 2) | LENGTH(value, 3) | LENGTH(value, 4) | LENGTH(value, 5)
#define HOLDERS4(value)  HOLDERS1(value), HOLDERS1((value) + 1), HOLDERS1((value) + 2), HOLDERS1((value) + 3)
#define HOLDERS16(value) HOLDERS4(value), HOLDERS4((value) + 4), HOLDERS4((value) + 8), HOLDERS4((value) + 12)
static const uint64_t holders[1 << VPN__TRIE_STEP] = {HOLDERS16(0), HOLDERS16(16), HOLDERS16(32), HOLDERS16(48)};

INLINE uint32_t highest_bit(uint64_t v)
{
#if defined(__GNUC__)
    return 63u ^ (uint32_t)__builtin_clzll(v);
#else
    uint32_t n = 0;
    for (uint32_t half = 32; half > 0; half /= 2)
        if (v >> half != 0) {
            n += half;
            v >>= half;
        }
    return n;
#endif
}

INLINE const struct vpn__trie_node *node_of(const struct vpn__trie *t, uint32_t ref, int kind)
{
    return vpn__slab_at_stride(&t->nodes, ref & ~NODE, kind & IS6 ? VPN__TRIE_NODE6 : VPN__TRIE_NODE4);
}

INLINE const struct vpn__trie_entry *entry_of(const struct vpn__trie *t, uint32_t ref, int kind)
{
    return vpn__slab_at_stride(&t->entries, ref, kind & IS6 ? VPN__TRIE_ENTRY6 : VPN__TRIE_ENTRY4);
}

INLINE uint32_t ones(uint64_t v, int kind)
{
#if defined(__GNUC__)
    if (kind & POPCNT)
        return (uint32_t)__builtin_popcountll(v);
#endif
    (void)kind;
    return vpn__trie_ones(v);
}

/* One step: where the way goes on, or NULL; `best` becomes the reference of the longest prefix inside the node, if there is one. */
INLINE const uint32_t *step(const struct vpn__trie_node *node, struct key key, const uint32_t **best, int kind)
{
    if (!key_matches(key, node->key, node->depth, kind))
        return NULL;
    uint32_t value = key_step(key, node->depth, kind);
    uint64_t inside = node->inside, below = node->below >> value;
    if (inside != 0 && (inside &= holders[value]) != 0)
        *best = node->refs + ones(node->below, kind) +
                ones(node->inside & ((UINT64_C(1) << highest_bit(inside)) - 1), kind);
    return below & 1 ? node->refs + ones(node->below & ((UINT64_C(1) << value) - 1), kind) : NULL;
}

INLINE uint32_t lookup(const struct vpn__trie *t, const uint8_t *addr, int kind)
{
    struct key key = key_load(addr, kind);
    const uint32_t *best = NULL, *at = &t->root;
    if (t->root == NONE)
        return NONE;
    while (at && *at & NODE)
        at = step(node_of(t, *at, kind), key, &best, kind);
    if (at) {
        const struct vpn__trie_entry *entry = entry_of(t, *at, kind);
        if (key_matches(key, entry->key, entry->bits, kind))
            return entry->owner;
    }
    return best ? entry_of(t, *best, kind)->owner : NONE;
}

/* Addresses that are looked up side by side. */
struct lanes {
    struct key key[LANES];
    const void *at[LANES];                    /* the reference where the way goes on, then the node that it names */
    const struct vpn__trie_entry *end[LANES]; /* what the way came to, or NULL */
    const uint32_t *best[LANES];              /* reference of the longest prefix that was passed, or NULL */
};

/* Takes each lane to its end: an entry whose line was asked for, or nothing, and then the line of the best reference was. */
INLINE void lanes_walk(const struct vpn__trie *t, struct lanes *l, uint32_t count, int kind)
{
    uint8_t walking[LANES];
    uint32_t left = count;
    for (uint32_t i = 0; i < count; i++)
        walking[i] = (uint8_t)i;
    while (left > 0) {
        uint32_t next = 0;
        for (uint32_t k = 0; k < left; k++) {
            uint32_t i = walking[k], ref = *(const uint32_t *)l->at[i];
            if (ref & NODE) {
                l->at[i] = node_of(t, ref, kind);
                vpn__prefetch(l->at[i]);
                walking[next++] = (uint8_t)i;
            } else {
                l->end[i] = entry_of(t, ref, kind);
                vpn__prefetch(l->end[i]);
            }
        }
        left = 0;
        for (uint32_t k = 0; k < next; k++) {
            uint32_t i = walking[k];
            l->at[i] = step(l->at[i], l->key[i], &l->best[i], kind);
            if (!l->at[i]) {
                vpn__prefetch(l->best[i]);
                continue;
            }
            vpn__prefetch(l->at[i]);
            walking[left++] = (uint8_t)i;
        }
    }
}

/* Who owns what the lanes came to; those whose last entry does not hold the address fall back to the best one passed. */
INLINE void lanes_answer(const struct vpn__trie *t, struct lanes *l, uint32_t *owners, uint32_t count, int kind)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct vpn__trie_entry *end = l->end[i];
        owners[i] = NONE;
        if (end && key_matches(l->key[i], end->key, end->bits, kind)) {
            owners[i] = end->owner;
            l->best[i] = NULL;
        }
        if (l->best[i]) {
            l->end[i] = entry_of(t, *l->best[i], kind);
            vpn__prefetch(l->end[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++)
        if (l->best[i])
            owners[i] = l->end[i]->owner;
}

INLINE void lookup_many(const struct vpn__trie *t, const uint8_t *addrs, size_t stride, uint32_t *owners, size_t count,
                        int kind)
{
    struct lanes l;
    for (size_t done = 0; done < count; done += LANES) {
        uint32_t n = count - done < LANES ? (uint32_t)(count - done) : LANES;
        for (uint32_t i = 0; i < n; i++) {
            l.key[i] = key_load(addrs + (done + i) * stride, kind);
            l.at[i] = &t->root;
            l.end[i] = NULL;
            l.best[i] = NULL;
        }
        if (t->root == NONE) {
            for (uint32_t i = 0; i < n; i++)
                owners[done + i] = NONE;
            continue;
        }
        lanes_walk(t, &l, n, kind);
        lanes_answer(t, &l, owners + done, n, kind);
    }
}

#define WAYS(name, attribute, kind)                                                                                    \
    attribute static uint32_t name##_one4(const struct vpn__trie *t, const uint8_t *addr)                              \
    {                                                                                                                  \
        return lookup(t, addr, kind);                                                                                  \
    }                                                                                                                  \
    attribute static uint32_t name##_one6(const struct vpn__trie *t, const uint8_t *addr)                              \
    {                                                                                                                  \
        return lookup(t, addr, (kind) | IS6);                                                                          \
    }                                                                                                                  \
    attribute static void name##_many4(const struct vpn__trie *t, const uint8_t *addrs, size_t stride,                 \
                                       uint32_t *owners, size_t count)                                                 \
    {                                                                                                                  \
        lookup_many(t, addrs, stride, owners, count, kind);                                                            \
    }                                                                                                                  \
    attribute static void name##_many6(const struct vpn__trie *t, const uint8_t *addrs, size_t stride,                 \
                                       uint32_t *owners, size_t count)                                                 \
    {                                                                                                                  \
        lookup_many(t, addrs, stride, owners, count, (kind) | IS6);                                                    \
    }                                                                                                                  \
    static const struct vpn__trie_ways name[2] = {{name##_one4, name##_many4}, {name##_one6, name##_many6}};

#define NOTHING
WAYS(plain, NOTHING, 0)

const struct vpn__trie_ways *vpn__trie_ways_plain(uint32_t words)
{
    return &plain[words == 4];
}

#if defined(CHOICE)
WAYS(popcnt, __attribute__((target("popcnt"))), POPCNT)

const struct vpn__trie_ways *vpn__trie_ways(uint32_t words)
{
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_POPCNT) != 0 ? &popcnt[words == 4] : &plain[words == 4];
}
#elif defined(__aarch64__)
/* Every processor of this kind has the instruction. */
WAYS(popcnt, NOTHING, POPCNT)

const struct vpn__trie_ways *vpn__trie_ways(uint32_t words)
{
    return &popcnt[words == 4];
}
#else
const struct vpn__trie_ways *vpn__trie_ways(uint32_t words)
{
    return vpn__trie_ways_plain(words);
}
#endif
