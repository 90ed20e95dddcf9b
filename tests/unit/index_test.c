/* SPDX-License-Identifier: ISC */
#include "base/index.h"

#include "common/host.h"

/* Every entry is reachable, at most half are in use and what is empty is clean. */
static void check_shape(const struct vpn__index *ix)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < ix->room; i++) {
        if (ix->entries[i].peer == UINT32_MAX) {
            ck_assert_ptr_null(ix->entries[i].object);
            continue;
        }
        used++;
        ck_assert_ptr_eq(vpn__index_find(ix, ix->entries[i].key), &ix->entries[i]);
    }
    ck_assert_uint_eq(used, vpn__index_count(ix));
    ck_assert_uint_le(used, ix->room / 2);
}

START_TEST(basics)
{
    struct host host;
    struct vpn__index ix;
    int object;
    host_init(&host);
    vpn__index_init(&ix, &host.env);
    ck_assert_ptr_null(vpn__index_find(&ix, 0));
    vpn__index_remove(&ix, 0);
    ck_assert_uint_eq(vpn__index_memory(&ix), 0);
    ck_assert_int_eq(vpn__index_insert(&ix, 0, 0, &object), 0);
    ck_assert_int_eq(vpn__index_insert(&ix, UINT32_MAX, 5, NULL), 0);
    ck_assert_int_eq(vpn__index_insert(&ix, 0, 9, NULL), VPN_EEXIST);
    ck_assert_uint_eq(vpn__index_count(&ix), 2);
    ck_assert_ptr_eq(vpn__index_find(&ix, 0)->object, &object);
    ck_assert_uint_eq(vpn__index_find(&ix, 0)->peer, 0);
    ck_assert_uint_eq(vpn__index_find(&ix, UINT32_MAX)->peer, 5);
    ck_assert_ptr_null(vpn__index_find(&ix, 1));
    vpn__index_find(&ix, 0)->peer = 77;
    ck_assert_uint_eq(vpn__index_find(&ix, 0)->peer, 77);
    vpn__index_remove(&ix, 1);
    ck_assert_uint_eq(vpn__index_count(&ix), 2);
    vpn__index_remove(&ix, 0);
    ck_assert_ptr_null(vpn__index_find(&ix, 0));
    ck_assert_uint_eq(vpn__index_count(&ix), 1);
    ck_assert_uint_eq(vpn__index_memory(&ix), host.bytes);
    vpn__index_end(&ix);
    host_end(&host);
}
END_TEST

START_TEST(reserve_is_enough)
{
    struct host host;
    struct vpn__index ix;
    uint64_t seed = 5;
    host_init(&host);
    vpn__index_init(&ix, &host.env);
    ck_assert_int_eq(vpn__index_reserve(&ix, 0), 0);
    ck_assert_uint_eq(host.base.calls, 0);
    for (uint32_t n = 1; n < 3000; n = n * 2 + 1) {
        ck_assert_int_eq(vpn__index_reserve(&ix, n), 0);
        size_t calls = host.base.calls;
        while (vpn__index_count(&ix) < n)
            (void)vpn__index_insert(&ix, (uint32_t)test_random(&seed), 1, NULL);
        ck_assert_uint_eq(host.base.calls, calls);
        check_shape(&ix);
    }
    ck_assert_int_eq(vpn__index_reserve(&ix, (UINT32_C(1) << 30) + 1), VPN_ENOMEM);
    ck_assert_int_eq(vpn__index_reserve(&ix, UINT32_MAX), VPN_ENOMEM);
    vpn__index_end(&ix);
    host_end(&host);
}
END_TEST

/* `shift` puts the few different keys into few homes, so that runs form and wrap around the end of the table. */
static void churn(uint32_t keys, uint32_t shift, uint32_t add)
{
    static uint32_t model[1024];
    struct host host;
    struct vpn__index ix;
    uint64_t seed = 17;
    uint32_t count = 0;
    memset(model, 0xff, sizeof(model));
    host_init(&host);
    vpn__index_init(&ix, &host.env);
    for (uint32_t step = 0; step < 10000; step++) {
        uint32_t k = host_below(&seed, keys);
        uint32_t key = (k << shift) + add;
        if (host_below(&seed, 2)) {
            ck_assert_int_eq(vpn__index_insert(&ix, key, step, &model[k]), model[k] == UINT32_MAX ? 0 : VPN_EEXIST);
            count += model[k] == UINT32_MAX;
            model[k] = model[k] == UINT32_MAX ? step : model[k];
        } else {
            vpn__index_remove(&ix, key);
            count -= model[k] != UINT32_MAX;
            model[k] = UINT32_MAX;
        }
        uint32_t other = host_below(&seed, keys);
        const struct vpn__index_entry *entry = vpn__index_find(&ix, (other << shift) + add);
        ck_assert_int_eq(entry != NULL, model[other] != UINT32_MAX);
        if (entry) {
            ck_assert_uint_eq(entry->peer, model[other]);
            ck_assert_ptr_eq(entry->object, &model[other]);
        }
        ck_assert_uint_eq(vpn__index_count(&ix), count);
        if (step % 200 == 0)
            check_shape(&ix);
    }
    ck_assert_uint_le(ix.room, keys * 4 > 16 ? keys * 4 : 16);
    vpn__index_end(&ix);
    host_end(&host);
}

START_TEST(against_a_model)
{
    churn(6, 0, 0);
    churn(1000, 0, 12345);
    churn(300, 22, 0x3ffff0);
    churn(8, 4, 15);
    churn(40, 16, 0xffff);
    churn(16, 0, UINT32_MAX - 7);
}
END_TEST

START_TEST(allocation_failures)
{
    struct host host;
    struct vpn__index ix;
    host_init(&host);
    vpn__index_init(&ix, &host.env);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn__index_insert(&ix, 1, 1, NULL), VPN_ENOMEM);
    ck_assert_ptr_null(vpn__index_find(&ix, 1));
    host_heal(&host);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_int_eq(vpn__index_insert(&ix, i * 3, i, NULL), 0);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn__index_insert(&ix, 100, 1, NULL), VPN_ENOMEM);
    ck_assert_int_eq(vpn__index_insert(&ix, 3, 1, NULL), VPN_EEXIST);
    ck_assert_int_eq(vpn__index_reserve(&ix, 9), VPN_ENOMEM);
    ck_assert_uint_eq(vpn__index_count(&ix), 8);
    check_shape(&ix);
    vpn__index_remove(&ix, 3);
    ck_assert_int_eq(vpn__index_insert(&ix, 100, 1, NULL), 0);
    vpn__index_end(&ix);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("index");
    test_add(s, "basics", basics);
    test_add(s, "reserve_is_enough", reserve_is_enough);
    test_add(s, "against_a_model", against_a_model);
    test_add(s, "allocation_failures", allocation_failures);
    return s;
}

TEST_MAIN(suite)
