/* SPDX-License-Identifier: ISC */
#include "tunnel/trie.h"

#include "base/bytes.h"
#include "common/host.h"

#define NONE VPN__TRIE_NONE

static uint32_t key_bit(const struct vpn__trie_node *node, uint32_t i)
{
    return node->key[i / 32] >> (31 - i % 32) & 1;
}

/* The invariants of one node that do not need its children. */
static int is_sound(const struct vpn__trie *t, const struct vpn__trie_node *node, uint32_t parent, uint32_t least)
{
    uint32_t dirt = 0;
    if (node->parent != parent || node->bits < least || node->bits > t->words * 32)
        return 0;
    for (uint32_t i = node->bits; i < t->words * 32; i++)
        dirt |= key_bit(node, i);
    return !dirt && (node->owner != NONE || (node->child[0] != NONE && node->child[1] != NONE));
}

static int is_child(const struct vpn__trie_node *node, const struct vpn__trie_node *child, uint32_t side)
{
    uint32_t differ = 0;
    for (uint32_t i = 0; i < node->bits; i++)
        differ |= key_bit(node, i) ^ key_bit(child, i);
    return !differ && key_bit(child, node->bits) == side;
}

/* Walks the whole trie and asserts every invariant; returns the number of nodes. */
static uint32_t check_below(const struct vpn__trie *t, uint32_t index, uint32_t parent, uint32_t least)
{
    if (index == NONE)
        return 0;
    const struct vpn__trie_node *node = vpn__trie_node(t, index);
    if (!is_sound(t, node, parent, least))
        ck_abort_msg("node %u is not sound", index);
    uint32_t nodes = 1;
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t child = node->child[side];
        if (child != NONE && !is_child(node, vpn__trie_node(t, child), side))
            ck_abort_msg("node %u is no child of node %u", child, index);
        nodes += check_below(t, child, index, node->bits + 1);
    }
    return nodes;
}

static void check(const struct vpn__trie *t, uint32_t prefixes)
{
    uint32_t nodes = check_below(t, t->root, NONE, 0);
    ck_assert_uint_eq(nodes, vpn__slab_used(&t->nodes));
    ck_assert_uint_le(nodes, prefixes ? prefixes * 2 - 1 : 0);
}

static uint32_t add(struct vpn__trie *t, const uint32_t *key, uint32_t bits, uint32_t owner)
{
    uint32_t index;
    ck_assert_int_eq(vpn__trie_add(t, key, bits, &index), 0);
    vpn__trie_node(t, index)->owner = owner;
    return index;
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
        ck_assert_uint_eq(words == 1 ? vpn__trie_lookup4(&t, addr) : vpn__trie_lookup6(&t, addr), NONE);
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
            ck_assert_uint_eq(vpn__slab_used(&t.nodes), length + 1);
            ck_assert_uint_eq(words == 1 ? vpn__trie_lookup4(&t, addr) : vpn__trie_lookup6(&t, addr), length);
            for (uint32_t flip = 0; flip < length; flip++) {
                addr[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
                ck_assert_uint_eq(words == 1 ? vpn__trie_lookup4(&t, addr) : vpn__trie_lookup6(&t, addr), flip);
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
                if (found != NONE && vpn__trie_node(&t, found)->owner != NONE)
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

/* Adding needs a node and perhaps a fork; without memory for the second the first goes back. */
START_TEST(allocation_failures)
{
    struct host host;
    struct vpn__trie t;
    uint32_t index, added = 0;
    host_init(&host);
    vpn__trie_init(&t, &host.env, 1);
    host_fail_after(&host, 2); /* the directory and one chunk */
    for (;;) {
        uint32_t key = added * UINT32_C(2654435761);
        uint32_t used = vpn__slab_used(&t.nodes);
        if (vpn__trie_add(&t, &key, 32, &index)) {
            ck_assert_uint_eq(vpn__slab_used(&t.nodes), used);
            ck_assert_uint_eq(vpn__trie_find(&t, &key, 32), NONE);
            break;
        }
        vpn__trie_node(&t, index)->owner = added++;
    }
    ck_assert_uint_eq(vpn__slab_used(&t.nodes), added * 2 - 1);
    ck_assert_uint_gt(added, 200);
    check(&t, added);
    for (uint32_t i = 0; i < added; i++) {
        uint8_t addr[4];
        vpn__store32be(addr, i * UINT32_C(2654435761));
        ck_assert_uint_eq(vpn__trie_lookup4(&t, addr), i);
    }
    vpn__trie_end(&t);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("trie");
    test_add(s, "empty", empty);
    test_add(s, "chain", chain);
    test_add(s, "shape_holds", shape_holds);
    test_add(s, "allocation_failures", allocation_failures);
    return s;
}

TEST_MAIN(suite)
