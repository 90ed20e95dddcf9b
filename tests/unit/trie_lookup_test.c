/* SPDX-License-Identifier: ISC */
#include "tunnel/trie_lookup.h"

#include "base/bytes.h"
#include "common/host.h"

#define NONE     VPN__TRIE_NONE
#define PREFIXES 300u
#define ADDRS    200u

struct list {
    uint32_t key[PREFIXES][4], bits[PREFIXES];
    uint32_t count;
};

static uint32_t search(const struct list *list, const uint32_t *key)
{
    uint32_t best = NONE;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t b = 0;
        while (b < list->bits[i] && ((key[b / 32] ^ list->key[i][b / 32]) & UINT32_C(0x80000000) >> b % 32) == 0)
            b++;
        if (b == list->bits[i] && (best == NONE || list->bits[i] > list->bits[best]))
            best = i;
    }
    return best;
}

/* Keys of few different words, so that prefixes nest and part everywhere. */
static void random_key(uint64_t *seed, uint32_t *key, uint32_t words)
{
    static const uint32_t some[] = {0, UINT32_MAX, UINT32_C(0x80000001), UINT32_C(0x0f0f0f0f)};
    for (uint32_t i = 0; i < words; i++)
        key[i] = some[host_below(seed, 4)] ^ (test_below(seed, 2) ? UINT32_C(1) << host_below(seed, 32) : 0);
}

static void add_some(struct vpn__trie *t, struct list *list, uint64_t *seed, uint32_t wanted)
{
    while (list->count < wanted) {
        uint32_t *key = list->key[list->count], bits = host_below(seed, t->words * 32 + 1), index;
        random_key(seed, key, t->words);
        for (uint32_t b = bits; b < t->words * 32; b++)
            key[b / 32] &= ~(UINT32_C(0x80000000) >> b % 32);
        if (vpn__trie_find(t, key, bits) != NONE)
            continue;
        ck_assert_int_eq(vpn__trie_add(t, key, bits, &index), 0);
        vpn__trie_entry(t, index)->owner = list->count & VPN__TRIE_OWNER;
        list->bits[list->count++] = bits;
    }
}

/* One address at a time and many, with any stride and any number, say what the list says. */
static void compare(struct vpn__trie *t, const struct vpn__trie_ways *ways, const struct list *list, uint64_t *seed)
{
    uint8_t addrs[ADDRS * 19 + 1] = {0};
    uint32_t want[ADDRS], have[ADDRS + 1], bytes = t->words * 4, stride = bytes + host_below(seed, 4);
    uint32_t count = host_below(seed, ADDRS + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key[4] = {0};
        random_key(seed, key, t->words);
        want[i] = search(list, key);
        for (uint32_t w = 0; w < t->words; w++)
            vpn__store32be(addrs + 1 + (size_t)i * stride + (size_t)w * 4, key[w]);
        ck_assert_uint_eq(ways->one(t, addrs + 1 + (size_t)i * stride), want[i]);
    }
    have[count] = 4711;
    ways->many(t, addrs + 1, stride, have, count);
    ck_assert_mem_eq(have, want, count * sizeof(*want));
    ck_assert_uint_eq(have[count], 4711);
}

static void try_ways(const struct vpn__trie_ways *(*ways)(uint32_t words))
{
    static struct list list;
    for (uint32_t words = 1; words <= 4; words += 3) {
        struct host host;
        struct vpn__trie t;
        uint64_t seed = words;
        list.count = 0;
        host_init(&host);
        vpn__trie_init(&t, &host.env, words);
        for (uint32_t wanted = 0; wanted <= PREFIXES; wanted += wanted < 20 ? 1 : 28) {
            add_some(&t, &list, &seed, wanted);
            for (int i = 0; i < 20; i++)
                compare(&t, ways(words), &list, &seed);
        }
        vpn__trie_end(&t);
        host_end(&host);
    }
}

/* The prefix of no bits, when it is all there is and when an address falls back to it. */
static void try_everything(const struct vpn__trie_ways *ways, uint32_t words)
{
    static const uint32_t zero[4] = {0};
    static const uint8_t addrs[2][16] = {{0xff, 1, 2, 3, 4}, {0}};
    struct host host;
    struct vpn__trie t;
    uint32_t index, owners[2] = {NONE, NONE};
    host_init(&host);
    vpn__trie_init(&t, &host.env, words);
    ck_assert_int_eq(vpn__trie_add(&t, zero, 0, &index), 0);
    vpn__trie_entry(&t, index)->owner = 5;
    ck_assert_uint_eq(ways->one(&t, addrs[0]), 5);
    ways->many(&t, addrs[0], 16, owners, 2);
    ck_assert(owners[0] == 5 && owners[1] == 5);
    ck_assert_int_eq(vpn__trie_add(&t, zero, words * 32, &index), 0);
    vpn__trie_entry(&t, index)->owner = 6;
    ck_assert(ways->one(&t, addrs[0]) == 5 && ways->one(&t, addrs[1]) == 6);
    ways->many(&t, addrs[0], 16, owners, 2);
    ck_assert(owners[0] == 5 && owners[1] == 6);
    vpn__trie_end(&t);
    host_end(&host);
}

START_TEST(everything)
{
    for (uint32_t words = 1; words <= 4; words += 3) {
        try_everything(vpn__trie_ways(words), words);
        try_everything(vpn__trie_ways_plain(words), words);
    }
}
END_TEST

START_TEST(fastest)
{
    try_ways(vpn__trie_ways);
}
END_TEST

START_TEST(plain)
{
    try_ways(vpn__trie_ways_plain);
}
END_TEST

START_TEST(ones)
{
    uint64_t seed = 1;
    ck_assert_uint_eq(vpn__trie_ones(0), 0);
    ck_assert_uint_eq(vpn__trie_ones(UINT64_MAX), 64);
    for (int i = 0; i < 1000; i++) {
        uint64_t v = test_random(&seed) & test_random(&seed);
        uint32_t n = 0;
        for (int b = 0; b < 64; b++)
            n += (uint32_t)(v >> b & 1);
        ck_assert_uint_eq(vpn__trie_ones(v), n);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("trie_lookup");
    test_add(s, "fastest", fastest);
    test_add(s, "plain", plain);
    test_add(s, "everything", everything);
    test_add(s, "ones", ones);
    return s;
}

TEST_MAIN(suite)
