/* SPDX-License-Identifier: ISC */
#include "base/heap.h"

#include "common/host.h"

static void check_shape(const struct vpn__heap *h)
{
    for (uint32_t i = 0; i < h->count; i++) {
        ck_assert_uint_eq(h->where[h->nodes[i].id], i);
        if (i)
            ck_assert_uint_le(h->nodes[(i - 1) / 4].at, h->nodes[i].at);
    }
}

START_TEST(starts_empty)
{
    struct host host;
    struct vpn__heap h;
    uint32_t id = 7;
    host_init(&host);
    vpn__heap_init(&h, &host.env);
    ck_assert_uint_eq(vpn__heap_top(&h, &id), VPN_NEVER);
    ck_assert_uint_eq(id, UINT32_MAX);
    ck_assert_uint_eq(vpn__heap_top(&h, NULL), VPN_NEVER);
    ck_assert_uint_eq(vpn__heap_at(&h, 0), VPN_NEVER);
    ck_assert_uint_eq(vpn__heap_at(&h, UINT32_MAX), VPN_NEVER);
    ck_assert_uint_eq(vpn__heap_memory(&h), 0);
    ck_assert_int_eq(vpn__heap_reserve(&h, 0), 0);
    ck_assert_uint_eq(host.base.calls, 0);
    vpn__heap_end(&h);
    host_end(&host);
}
END_TEST

START_TEST(one_id)
{
    struct host host;
    struct vpn__heap h;
    uint32_t id = 7;
    host_init(&host);
    vpn__heap_init(&h, &host.env);
    ck_assert_int_eq(vpn__heap_reserve(&h, 1), 0);
    vpn__heap_set(&h, 0, VPN_NEVER);
    ck_assert_uint_eq(vpn__heap_top(&h, &id), VPN_NEVER);
    vpn__heap_set(&h, 0, 0);
    ck_assert_uint_eq(vpn__heap_top(&h, &id), 0);
    ck_assert_uint_eq(id, 0);
    vpn__heap_set(&h, 0, VPN_NEVER - 1);
    ck_assert_uint_eq(vpn__heap_top(&h, NULL), VPN_NEVER - 1);
    ck_assert_uint_eq(vpn__heap_at(&h, 0), VPN_NEVER - 1);
    vpn__heap_set(&h, 0, VPN_NEVER);
    ck_assert_uint_eq(vpn__heap_top(&h, &id), VPN_NEVER);
    ck_assert_uint_eq(vpn__heap_at(&h, 0), VPN_NEVER);
    vpn__heap_end(&h);
    host_end(&host);
}
END_TEST

/* Deadlines come out in order, whatever the order they went in by. */
START_TEST(sorts)
{
    enum { COUNT = 2000 };
    for (int order = 0; order < 4; order++) {
        struct host host;
        struct vpn__heap h;
        uint64_t seed = 3;
        host_init(&host);
        vpn__heap_init(&h, &host.env);
        ck_assert_int_eq(vpn__heap_reserve(&h, COUNT), 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            vpn_time at[] = {i, COUNT - i, 5, host_below(&seed, 1000)};
            vpn__heap_set(&h, i, at[order]);
        }
        check_shape(&h);
        vpn_time last = 0;
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t id;
            vpn_time at = vpn__heap_top(&h, &id);
            ck_assert_uint_ge(at, last);
            ck_assert_uint_ne(at, VPN_NEVER);
            ck_assert_uint_eq(vpn__heap_at(&h, id), at);
            last = at;
            vpn__heap_set(&h, id, VPN_NEVER);
        }
        ck_assert_uint_eq(vpn__heap_top(&h, NULL), VPN_NEVER);
        vpn__heap_end(&h);
        host_end(&host);
    }
}
END_TEST

START_TEST(against_a_model)
{
    enum { IDS = 120 };
    vpn_time model[IDS];
    struct host host;
    struct vpn__heap h;
    uint64_t seed = 11;
    host_init(&host);
    vpn__heap_init(&h, &host.env);
    memset(model, 0xff, sizeof(model));
    for (int step = 0; step < 20000; step++) {
        uint32_t id = host_below(&seed, 1 + host_below(&seed, IDS));
        ck_assert_int_eq(vpn__heap_reserve(&h, id + 1), 0);
        model[id] = host_below(&seed, 3) ? host_below(&seed, step % 7 ? 50 : UINT32_MAX) : VPN_NEVER;
        vpn__heap_set(&h, id, model[id]);
        vpn_time least = VPN_NEVER;
        for (uint32_t i = 0; i < IDS; i++)
            least = model[i] < least ? model[i] : least;
        uint32_t top;
        ck_assert_uint_eq(vpn__heap_top(&h, &top), least);
        ck_assert(top == UINT32_MAX ? least == VPN_NEVER : model[top] == least);
        if (step % 64 == 0) {
            check_shape(&h);
            for (uint32_t i = 0; i < IDS; i++)
                ck_assert_uint_eq(vpn__heap_at(&h, i), model[i]);
        }
    }
    ck_assert_uint_eq(vpn__heap_memory(&h), host.bytes);
    vpn__heap_end(&h);
    host_end(&host);
}
END_TEST

/* Reserving ids one by one copies geometrically few times and loses nothing. */
START_TEST(grows_geometrically)
{
    struct host host;
    struct vpn__heap h;
    host_init(&host);
    vpn__heap_init(&h, &host.env);
    for (uint32_t i = 0; i < 30000; i++) {
        ck_assert_int_eq(vpn__heap_reserve(&h, i + 1), 0);
        vpn__heap_set(&h, i, 300000 - i);
    }
    ck_assert_uint_lt(host.base.calls, 50);
    check_shape(&h);
    for (uint32_t i = 0; i < 30000; i++)
        ck_assert_uint_eq(vpn__heap_at(&h, i), 300000 - i);
    vpn__heap_end(&h);
    host_end(&host);
}
END_TEST

START_TEST(allocation_failures)
{
    for (size_t fail = 0; fail < 2; fail++) {
        struct host host;
        struct vpn__heap h;
        host_init(&host);
        vpn__heap_init(&h, &host.env);
        ck_assert_int_eq(vpn__heap_reserve(&h, 20), 0);
        for (uint32_t i = 0; i < 20; i++)
            vpn__heap_set(&h, i, 100 - i);
        size_t bytes = host.bytes;
        host_fail_after(&host, fail);
        ck_assert_int_eq(vpn__heap_reserve(&h, 1000), VPN_ENOMEM);
        ck_assert_int_eq(vpn__heap_reserve(&h, 20), 0);
        ck_assert_uint_eq(host.bytes, bytes);
        ck_assert_uint_eq(vpn__heap_memory(&h), bytes);
        check_shape(&h);
        for (uint32_t i = 0; i < 20; i++)
            ck_assert_uint_eq(vpn__heap_at(&h, i), 100 - i);
        vpn__heap_end(&h);
        host_end(&host);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("heap");
    test_add(s, "starts_empty", starts_empty);
    test_add(s, "one_id", one_id);
    test_add(s, "sorts", sorts);
    test_add(s, "against_a_model", against_a_model);
    test_add(s, "grows_geometrically", grows_geometrically);
    test_add(s, "allocation_failures", allocation_failures);
    return s;
}

TEST_MAIN(suite)
