/* SPDX-License-Identifier: ISC */
#include "base/keymap.h"

#include "base/bytes.h"
#include "common/host.h"

#define KEYS 3000

static uint8_t keys[KEYS][32];
static uint32_t asked; /* slots that key_of must not be asked for; UINT32_MAX: none */

static const uint8_t *key_of(const void *ctx, uint32_t slot)
{
    ck_assert_ptr_eq(ctx, keys);
    ck_assert_uint_ne(slot, asked);
    ck_assert_uint_lt(slot, KEYS);
    return keys[slot];
}

/* Keys differ in their last bytes only, so that nothing short of all 32 bytes tells them apart. */
static void setup(struct host *host, struct vpn__keymap *m)
{
    for (uint32_t i = 0; i < KEYS; i++)
        vpn__store32be(keys[i] + 28, i);
    asked = UINT32_MAX;
    host_init(host);
    ck_assert_int_eq(vpn__keymap_init(m, &host->env, key_of, keys), 0);
}

START_TEST(basics)
{
    struct host host;
    struct vpn__keymap m;
    setup(&host, &m);
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[0]), UINT32_MAX);
    vpn__keymap_remove(&m, keys[0], 0);
    ck_assert_uint_eq(vpn__keymap_memory(&m), 0);
    asked = 0;
    ck_assert_int_eq(vpn__keymap_insert(&m, keys[0], 0), 0);
    asked = UINT32_MAX;
    ck_assert_int_eq(vpn__keymap_insert(&m, keys[0], 0), VPN_EEXIST);
    ck_assert_int_eq(vpn__keymap_insert(&m, keys[0], 9), VPN_EEXIST);
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[0]), 0);
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[1]), UINT32_MAX);
    ck_assert_uint_eq(vpn__keymap_memory(&m), host.bytes);
    vpn__keymap_remove(&m, keys[0], 1);
    vpn__keymap_remove(&m, keys[1], 0);
    ck_assert_uint_eq(vpn__keymap_count(&m), 1);
    for (uint32_t i = 1; i < KEYS; i++)
        vpn__keymap_remove(&m, keys[i], 0); /* some of them begin to look where keys[0] is */
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[0]), 0);
    ck_assert_uint_eq(vpn__keymap_count(&m), 1);
    asked = 0;
    vpn__keymap_remove(&m, keys[0], 0);
    ck_assert_uint_eq(vpn__keymap_count(&m), 0);
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[0]), UINT32_MAX);
    vpn__keymap_end(&m);
    host_end(&host);
}
END_TEST

START_TEST(hash_key)
{
    struct host host;
    struct vpn__keymap a, b;
    setup(&host, &a);
    ck_assert_int_eq(vpn__keymap_init(&b, &host.env, key_of, keys), 0);
    ck_assert_mem_ne(a.hash_key, b.hash_key, sizeof(a.hash_key));
    vpn__keymap_end(&a);
    vpn__keymap_end(&b);
    for (size_t i = 0; i < sizeof(a.hash_key); i++)
        ck_assert_uint_eq(a.hash_key[i], 0);
    host.base.random_status = 1;
    ck_assert_int_eq(vpn__keymap_init(&b, &host.env, key_of, keys), VPN_ERANDOM);
    vpn__keymap_end(&b);
    host_end(&host);
}
END_TEST

static void check_shape(const struct vpn__keymap *m)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < m->room; i++) {
        if (m->entries[i].slot == UINT32_MAX)
            continue;
        used++;
        ck_assert_uint_eq(vpn__keymap_find(m, keys[m->entries[i].slot]), m->entries[i].slot);
    }
    ck_assert_uint_eq(used, vpn__keymap_count(m));
    ck_assert_uint_le(used, m->room / 4 * 3);
}

START_TEST(against_a_model)
{
    static const uint32_t sizes[] = {5, 12, 13, 200, KEYS};
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
        static uint8_t present[KEYS];
        struct host host;
        struct vpn__keymap m;
        uint64_t seed = k;
        uint32_t count = 0;
        memset(present, 0, sizeof(present));
        setup(&host, &m);
        for (uint32_t step = 0; step < 10000; step++) {
            uint32_t slot = host_below(&seed, sizes[k]);
            if (host_below(&seed, 5) < 3) {
                ck_assert_int_eq(vpn__keymap_insert(&m, keys[slot], slot), present[slot] ? VPN_EEXIST : 0);
                count += !present[slot];
                present[slot] = 1;
            } else {
                vpn__keymap_remove(&m, keys[slot], slot);
                count -= present[slot];
                present[slot] = 0;
            }
            uint32_t other = host_below(&seed, sizes[k]);
            ck_assert_uint_eq(vpn__keymap_find(&m, keys[other]), present[other] ? other : UINT32_MAX);
            ck_assert_uint_eq(vpn__keymap_count(&m), count);
            if (step % 1000 == 0)
                check_shape(&m);
        }
        ck_assert_uint_le(m.room, sizes[k] * 3 > 16 ? sizes[k] * 3 : 16);
        vpn__keymap_end(&m);
        host_end(&host);
    }
}
END_TEST

/* Two keys whose tags agree in all 32 bits are still two keys. */
START_TEST(equal_tags)
{
    struct host host;
    struct vpn__keymap m;
    setup(&host, &m);
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_int_eq(vpn__keymap_insert(&m, keys[i], i), 0);
    uint32_t at = 0;
    while (m.entries[at].slot != 3)
        at++;
    keys[3][0] ^= 1;
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[3]), UINT32_MAX);
    keys[3][0] ^= 1;
    memcpy(keys[11], keys[3], 32);
    keys[3][0] ^= 1; /* the slot's key is another now, its tag is still that of keys[11] */
    ck_assert_int_eq(vpn__keymap_insert(&m, keys[11], 11), 0);
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[11]), 11);
    vpn__keymap_remove(&m, keys[11], 11);
    ck_assert_uint_eq(vpn__keymap_find(&m, keys[11]), UINT32_MAX);
    ck_assert_uint_eq(vpn__keymap_count(&m), 10);
    keys[3][0] ^= 1;
    check_shape(&m);
    vpn__keymap_end(&m);
    host_end(&host);
}
END_TEST

START_TEST(allocation_failures)
{
    struct host host;
    struct vpn__keymap m;
    setup(&host, &m);
    uint32_t n = 0;
    for (size_t fail = 0; fail < 6; fail++) {
        host_fail_after(&host, 0);
        while (vpn__keymap_insert(&m, keys[n], n) == 0)
            n++;
        ck_assert_int_eq(vpn__keymap_insert(&m, keys[n], n), VPN_ENOMEM);
        ck_assert_uint_eq(vpn__keymap_find(&m, keys[n]), UINT32_MAX);
        ck_assert_uint_eq(vpn__keymap_count(&m), n);
        ck_assert_uint_eq(vpn__keymap_memory(&m), host.bytes);
        check_shape(&m);
        if (n)
            ck_assert_int_eq(vpn__keymap_insert(&m, keys[0], 0), VPN_EEXIST);
        host_heal(&host);
        ck_assert_int_eq(vpn__keymap_insert(&m, keys[n], n), 0);
        n++;
    }
    ck_assert_uint_eq(n, 193);
    vpn__keymap_end(&m);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("keymap");
    test_add(s, "basics", basics);
    test_add(s, "hash_key", hash_key);
    test_add(s, "against_a_model", against_a_model);
    test_add(s, "equal_tags", equal_tags);
    test_add(s, "allocation_failures", allocation_failures);
    return s;
}

TEST_MAIN(suite)
