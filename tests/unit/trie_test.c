/* SPDX-License-Identifier: ISC */
#include "tunnel/trie.h"

#include "base/bytes.h"
#include "common/host.h"
#include "tunnel/trie_lookup.h"

#define NONE VPN__TRIE_NONE

static int shares(const uint32_t *a, const uint32_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bits; i++)
        if ((a[i / 32] ^ b[i / 32]) & UINT32_C(0x80000000) >> i % 32)
            return 0;
    return 1;
}

static int is_clean(const struct vpn__trie *t, const uint32_t *key, uint32_t bits)
{
    for (uint32_t i = bits; i < t->words * 32; i++)
        if (key[i / 32] & UINT32_C(0x80000000) >> i % 32)
            return 0;
    return 1;
}

static uint32_t ones(uint64_t set)
{
    uint32_t n = 0;
    for (; set != 0; set &= set - 1)
        n++;
    return n;
}

struct tally {
    uint32_t nodes, entries;
};

/* What hangs under a node in its order: where it hangs must be what its key says. */
static void check_hung(const struct vpn__trie *t, const struct vpn__trie_node *node, const uint32_t *key, uint32_t bits,
                       uint32_t value)
{
    uint32_t have = 0;
    for (uint32_t i = node->depth; i < node->depth + 6u; i++)
        have = have << 1 | (i < t->words * 32 ? key[i / 32] >> (31 - i % 32) & 1 : 0);
    ck_assert(shares(key, node->key, node->depth));
    ck_assert_uint_eq(have, value);
    ck_assert(is_clean(t, key, bits));
}

/* Walks the whole trie and asserts every invariant; lengths below are between `least` and `most`. */
static void check_below(const struct vpn__trie *t, uint32_t ref, uint32_t least, struct tally *tally)
{
    if ((ref & VPN__TRIE_NODE) == 0) {
        const struct vpn__trie_entry *entry = vpn__trie_entry(t, ref);
        ck_assert(entry->bits >= least && entry->bits <= t->words * 32);
        ck_assert_uint_ne(entry->owner, VPN__TRIE_OWNER);
        tally->entries++;
        return;
    }
    const struct vpn__trie_node *node = vpn__slab_at(&t->nodes, ref & ~VPN__TRIE_NODE);
    const uint32_t *at = node->refs;
    tally->nodes++;
    ck_assert(node->depth % 6 == 0 && node->depth >= least && is_clean(t, node->key, node->depth));
    ck_assert_uint_ge(ones(node->below) + ones(node->inside), 2);
    ck_assert_uint_le(ones(node->below) + ones(node->inside), vpn__refs_room(node->class));
    for (uint32_t value = 0; value < 64; value++) {
        if ((node->below >> value & 1) == 0)
            continue;
        if (*at & VPN__TRIE_NODE) {
            const struct vpn__trie_node *child = vpn__slab_at(&t->nodes, *at & ~VPN__TRIE_NODE);
            check_hung(t, node, child->key, child->depth, value);
        } else {
            check_hung(t, node, vpn__trie_entry(t, *at)->key, vpn__trie_entry(t, *at)->bits, value);
        }
        check_below(t, *at++, node->depth + 6u, tally);
    }
    ck_assert_uint_eq(node->inside & 1, 0);
    for (uint32_t bit = 1; bit < 64; bit++) {
        if ((node->inside >> bit & 1) == 0)
            continue;
        const struct vpn__trie_entry *entry = vpn__trie_entry(t, *at++);
        uint32_t length = entry->bits - node->depth;
        ck_assert_uint_eq(bit >> length, 1);
        check_hung(t, node, entry->key, entry->bits, (bit ^ 1u << length) << (6 - length));
        tally->entries++;
    }
}

static void check(const struct vpn__trie *t, uint32_t prefixes)
{
    struct tally tally = {0, 0};
    if (t->root != NONE)
        check_below(t, t->root, 0, &tally);
    ck_assert_uint_eq(tally.entries, prefixes);
    ck_assert_uint_eq(vpn__slab_used(&t->entries), prefixes);
    ck_assert_uint_eq(vpn__slab_used(&t->nodes), tally.nodes);
    ck_assert_uint_le(tally.nodes, prefixes > 0 ? prefixes - 1 : 0);
}

static uint32_t add(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t owner)
{
    uint32_t index;
    ck_assert_int_eq(vpn__trie_add(t, key, bits, &index), 0);
    vpn__trie_entry(t, index)->owner = owner & VPN__TRIE_OWNER;
    return index;
}

static uint32_t lookup(const struct vpn__trie *t, const uint8_t *addr)
{
    return vpn__trie_ways(t->words)->one(t, addr);
}

START_TEST(empty)
{
    static const uint8_t addr[16] = {1};
    static const uint32_t key[4] = {0};
    struct host host;
    struct vpn__trie t;
    host_init(&host);
    for (uint32_t words = 1; words <= 4; words += 3) {
        vpn__trie_init(&t, &host.env, words);
        ck_assert_uint_eq(lookup(&t, addr), NONE);
        ck_assert_uint_eq(vpn__trie_find(&t, key, 0), NONE);
        vpn__trie_end(&t);
    }
    ck_assert_uint_eq(host.base.calls, 0);
    host_end(&host);
}
END_TEST

/* A chain of one prefix of each length: the deepest trie there is. Then taken down from either end. */
START_TEST(chain)
{
    for (uint32_t words = 1; words <= 4; words += 3) {
        for (int order = 0; order < 4; order++) {
            struct host host;
            struct vpn__trie t;
            uint32_t index[129], length = words * 32;
            uint8_t addr[16];
            memset(addr, 0xff, sizeof(addr));
            host_init(&host);
            vpn__trie_init(&t, &host.env, words);
            for (uint32_t i = 0; i <= length; i++) {
                uint32_t bits = order & 1 ? length - i : i, key[4] = {0};
                for (uint32_t b = 0; b < bits; b++)
                    key[b / 32] |= UINT32_C(0x80000000) >> b % 32;
                index[bits] = add(&t, key, bits, bits);
                ck_assert_uint_eq(vpn__trie_find(&t, key, bits), index[bits]);
            }
            check(&t, length + 1);
            ck_assert_uint_eq(vpn__slab_used(&t.nodes), length / 6 + 1);
            ck_assert_uint_eq(lookup(&t, addr), length);
            for (uint32_t flip = 0; flip < length; flip++) {
                addr[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
                ck_assert_uint_eq(lookup(&t, addr), flip);
                addr[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
            }
            for (uint32_t i = 0; i <= length; i++) {
                vpn__trie_drop(&t, index[order & 2 ? length - i : i]);
                check(&t, length - i);
            }
            ck_assert_uint_eq(t.root, NONE);
            vpn__trie_end(&t);
            host_end(&host);
        }
    }
}
END_TEST

/* Prefixes of few leading bits in each word, added and dropped at random; indices of others never change. */
START_TEST(shape_holds)
{
    enum { SLOTS = 64 };
    for (uint32_t words = 1; words <= 4; words += 3) {
        struct host host;
        struct vpn__trie t;
        uint64_t seed = words;
        uint32_t index[SLOTS], keys[SLOTS][4], bits[SLOTS], count = 0;
        memset(index, 0xff, sizeof(index));
        host_init(&host);
        vpn__trie_init(&t, &host.env, words);
        for (int step = 0; step < 600; step++) {
            uint32_t s = host_below(&seed, SLOTS);
            if (index[s] != NONE) {
                ck_assert_uint_eq(vpn__trie_find(&t, keys[s], bits[s]), index[s]);
                vpn__trie_drop(&t, index[s]);
                index[s] = NONE;
                count--;
            } else {
                uint32_t word = host_below(&seed, words);
                bits[s] = word * 32 + host_below(&seed, 33);
                memset(keys[s], 0, sizeof(keys[s]));
                keys[s][word] = host_below(&seed, 16) << 28;
                if (bits[s] % 32)
                    keys[s][bits[s] / 32] &= ~(UINT32_MAX >> bits[s] % 32);
                else if (bits[s] / 32 == word)
                    keys[s][word] = 0;
                uint32_t found = vpn__trie_find(&t, keys[s], bits[s]);
                if (found != NONE)
                    continue;
                index[s] = add(&t, keys[s], bits[s], s);
                count++;
            }
            check(&t, count);
        }
        for (uint32_t s = 0; s < SLOTS; s++) {
            if (index[s] != NONE)
                vpn__trie_drop(&t, index[s]);
        }
        check(&t, 0);
        vpn__trie_end(&t);
        host_end(&host);
    }
}
END_TEST

/* Adding needs an entry and perhaps a node, its array or a larger one; without memory for one of them nothing has changed. */
START_TEST(allocation_failures)
{
    struct host host;
    struct vpn__trie t;
    uint64_t seed = 3;
    uint32_t keys[3000], index, added = 0, failures = 0;
    host_init(&host);
    vpn__trie_init(&t, &host.env, 1);
    while (added < 3000) {
        keys[added] = (uint32_t)test_random(&seed) & (added % 2 ? UINT32_MAX : UINT32_C(0xff0000ff));
        if (vpn__trie_find(&t, &keys[added], 32) != NONE)
            continue;
        for (size_t fail = 0;; fail++) {
            host_fail_after(&host, fail);
            if (vpn__trie_add(&t, &keys[added], 32, &index) == 0)
                break;
            failures++;
            ck_assert_uint_eq(vpn__trie_find(&t, &keys[added], 32), NONE);
            ck_assert_uint_eq(vpn__trie_memory(&t), host.bytes);
            check(&t, added);
        }
        host_heal(&host);
        vpn__trie_entry(&t, index)->owner = added++ & VPN__TRIE_OWNER;
    }
    ck_assert_uint_gt(failures, 6);
    check(&t, added);
    host_fail_after(&host, 0);
    for (uint32_t i = 0; i < added; i++) {
        uint8_t addr[4];
        vpn__store32be(addr, keys[i]);
        ck_assert_uint_eq(lookup(&t, addr), i);
        vpn__trie_drop(&t, vpn__trie_find(&t, &keys[i], 32));
        ck_assert_uint_eq(lookup(&t, addr), NONE);
    }
    check(&t, 0);
    vpn__trie_end(&t);
    host_end(&host);
}
END_TEST

/* A node takes every prefix there is in its six bits, and gives them all back, in any order. */
START_TEST(full_node)
{
    for (uint32_t round = 0; round < 20; round++) {
        struct host host;
        struct vpn__trie t;
        uint64_t seed = round;
        uint32_t order[127], index[127];
        host_init(&host);
        vpn__trie_init(&t, &host.env, 1);
        for (uint32_t i = 0; i < 127; i++) {
            uint32_t swap = host_below(&seed, i + 1);
            order[i] = order[swap];
            order[swap] = i + 1;
        }
        for (uint32_t i = 0; i < 127; i++) {
            uint32_t length = 0, key;
            while (order[i] >> length != 1)
                length++;
            key = length == 0 ? 0 : (order[i] ^ 1u << length) << (32 - length);
            index[i] = add(&t, &key, length, order[i]);
            check(&t, i + 1);
        }
        ck_assert_uint_eq(vpn__slab_used(&t.nodes), 1);
        for (uint32_t value = 0; value < 64; value++) {
            const uint8_t addr[4] = {(uint8_t)(value << 2 | 3), 255, 255, 255};
            ck_assert_uint_eq(lookup(&t, addr), 64 | value);
        }
        for (uint32_t i = 0; i < 127; i++) {
            vpn__trie_drop(&t, index[i]);
            check(&t, 126 - i);
        }
        vpn__trie_end(&t);
        host_end(&host);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("trie");
    test_add(s, "empty", empty);
    test_add(s, "chain", chain);
    test_add(s, "shape_holds", shape_holds);
    test_add(s, "allocation_failures", allocation_failures);
    test_add(s, "full_node", full_node);
    return s;
}

TEST_MAIN(suite)
