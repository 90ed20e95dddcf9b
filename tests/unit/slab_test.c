/* SPDX-License-Identifier: ISC */
#include "base/slab.h"

#include "common/host.h"

START_TEST(starts_empty)
{
    struct host host;
    struct vpn__slab s;
    host_init(&host);
    vpn__slab_init(&s, &host.env, 40, 1000);
    ck_assert_uint_eq(vpn__slab_used(&s), 0);
    ck_assert_uint_eq(vpn__slab_high(&s), 0);
    ck_assert_uint_eq(vpn__slab_memory(&s), 0);
    ck_assert_uint_eq(host.base.calls, 0);
    vpn__slab_end(&s);
    host_end(&host);
}
END_TEST

/* Every element size: aligned, zeroed, apart from its neighbours, dense indices, and none moves while others come. */
START_TEST(element_sizes)
{
    static const size_t sizes[] = {1, 4, 15, 16, 17, 32, 44, 64, 100, 128, 640, 4096, 8192, 16384, 16385, 40000};
    enum { COUNT = 70 };
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
        struct host host;
        struct vpn__slab s;
        uint8_t *elements[COUNT];
        host_init(&host);
        vpn__slab_init(&s, &host.env, sizes[k], COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t index = 99999;
            elements[i] = vpn__slab_take(&s, &index);
            ck_assert_ptr_nonnull(elements[i]);
            ck_assert_uint_eq(index, i);
            ck_assert_uint_eq((uintptr_t)elements[i] % (sizes[k] % 64 ? 16 : 64), 0);
            ck_assert(test_is_zero(elements[i], sizes[k]));
            memset(elements[i], (int)(i + 1), sizes[k]);
        }
        ck_assert_uint_eq(vpn__slab_memory(&s), host.bytes);
        for (uint32_t i = 0; i < COUNT; i++) {
            ck_assert_ptr_eq(vpn__slab_at(&s, i), elements[i]);
            ck_assert_uint_eq(elements[i][0], i + 1);
            ck_assert_uint_eq(elements[i][sizes[k] - 1], i + 1);
        }
        vpn__slab_end(&s);
        host_end(&host);
    }
}
END_TEST

START_TEST(limit_holds)
{
    struct host host;
    struct vpn__slab s;
    uint32_t index;
    host_init(&host);
    vpn__slab_init(&s, &host.env, 64, 5);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_ptr_nonnull(vpn__slab_take(&s, &index));
    ck_assert_ptr_null(vpn__slab_take(&s, &index));
    ck_assert_uint_eq(vpn__slab_used(&s), 5);
    vpn__slab_give(&s, 2);
    ck_assert_ptr_nonnull(vpn__slab_take(&s, &index));
    ck_assert_uint_eq(index, 2);
    ck_assert_ptr_null(vpn__slab_take(&s, &index));
    vpn__slab_end(&s);

    vpn__slab_init(&s, &host.env, 64, 0);
    ck_assert_ptr_null(vpn__slab_take(&s, &index));
    vpn__slab_end(&s);
    host_end(&host);
}
END_TEST

START_TEST(give_wipes)
{
    struct host host;
    struct vpn__slab s;
    uint32_t a, b;
    host_init(&host);
    vpn__slab_init(&s, &host.env, 100, 10);
    uint8_t *first = vpn__slab_take(&s, &a);
    uint8_t *second = vpn__slab_take(&s, &b);
    memset(first, 0xff, 100);
    memset(second, 0xff, 100);
    vpn__slab_give(&s, a);
    vpn__slab_give(&s, b);
    ck_assert(test_is_zero(first + 4, 96));
    ck_assert(test_is_zero(second + 4, 96));
    ck_assert_ptr_eq(vpn__slab_take(&s, &a), second);
    ck_assert(test_is_zero(second, 100));
    vpn__slab_end(&s);
    host_end(&host);
}
END_TEST

/* Random takes and gives beside a plain array of who is in use. */
START_TEST(against_a_model)
{
    enum { MAX = 3000 };
    static uint64_t *model[MAX];
    struct host host;
    struct vpn__slab s;
    uint64_t seed = 7;
    uint32_t used = 0, high = 0;
    memset(model, 0, sizeof(model));
    host_init(&host);
    vpn__slab_init(&s, &host.env, 48, MAX);
    for (int step = 0; step < 60000; step++) {
        uint32_t grow = step % 20000 < 10000 ? 6 : 4;
        if (host_below(&seed, 10) < grow) {
            uint32_t index;
            uint64_t *element = vpn__slab_take(&s, &index);
            ck_assert_int_eq(element != NULL, used < MAX);
            if (!element)
                continue;
            ck_assert_uint_lt(index, MAX);
            ck_assert_ptr_null(model[index]);
            ck_assert(test_is_zero(element, 48));
            element[0] = element[5] = index;
            model[index] = element;
            used++;
            high = index >= high ? index + 1 : high;
        } else {
            uint32_t index = host_below(&seed, MAX);
            if (!model[index])
                continue;
            ck_assert_ptr_eq(vpn__slab_at(&s, index), model[index]);
            ck_assert_ptr_eq(vpn__slab_at_stride(&s, index, 48), model[index]);
            ck_assert_uint_eq(model[index][0], index);
            ck_assert_uint_eq(model[index][5], index);
            vpn__slab_give(&s, index);
            model[index] = NULL;
            used--;
        }
        ck_assert_uint_eq(vpn__slab_used(&s), used);
        ck_assert_uint_eq(vpn__slab_high(&s), high);
    }
    ck_assert_uint_eq(vpn__slab_memory(&s), host.bytes);
    vpn__slab_end(&s);
    host_end(&host);
}
END_TEST

START_TEST(allocation_failures)
{
    for (size_t fail = 0; fail < 12; fail++) {
        struct host host;
        struct vpn__slab s;
        uint32_t taken = 0, index = 12345;
        host_init(&host);
        host_fail_after(&host, fail);
        vpn__slab_init(&s, &host.env, 4096, 100);
        while (vpn__slab_take(&s, &index))
            taken++;
        ck_assert_uint_lt(taken, 100);
        ck_assert_uint_eq(vpn__slab_used(&s), taken);
        ck_assert_uint_eq(vpn__slab_high(&s), taken);
        ck_assert_uint_eq(vpn__slab_memory(&s), host.bytes);
        host_heal(&host);
        ck_assert_ptr_nonnull(vpn__slab_take(&s, &index));
        ck_assert_uint_eq(index, taken);
        vpn__slab_end(&s);
        host_end(&host);
    }
}
END_TEST

/* The most that may be asked for: the bounds are 32 bits wide and nothing in between overflows. */
START_TEST(greatest_limit)
{
    struct host host;
    struct vpn__slab s;
    uint32_t index;
    host_init(&host);
    vpn__slab_init(&s, &host.env, 16, UINT32_MAX);
    ck_assert_ptr_nonnull(vpn__slab_take(&s, &index));
    ck_assert_uint_lt(vpn__slab_memory(&s), 65536);
    vpn__slab_end(&s);
    vpn__slab_end(&s);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("slab");
    test_add(s, "starts_empty", starts_empty);
    test_add(s, "element_sizes", element_sizes);
    test_add(s, "limit_holds", limit_holds);
    test_add(s, "give_wipes", give_wipes);
    test_add(s, "against_a_model", against_a_model);
    test_add(s, "allocation_failures", allocation_failures);
    test_add(s, "greatest_limit", greatest_limit);
    return s;
}

TEST_MAIN(suite)
