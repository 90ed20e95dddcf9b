/* SPDX-License-Identifier: ISC */
#include "packet/filter_list.h"

#include "common/filter.h"
#include "common/host.h"

static const uint8_t key[16] = {1};

START_TEST(refusals)
{
    struct host host;
    struct vpn__filter_list list;
    vpn_filter_rule rules[2] = {{0}, {.action = VPN_FILTER_ALLOW, .flags = VPN_FILTER_STATEFUL}};
    size_t bad = 0;
    host_init(&host);
    ck_assert_int_eq(vpn__filter_list_init(&list, &host.env, rules, 2, 0), VPN_EINVAL);
    ck_assert_int_eq(vpn__filter_list_init(&list, &host.env, rules, 1, 0), 0);
    ck_assert_uint_eq(vpn__filter_list_memory(&list), host.bytes);
    vpn__filter_list_end(&list, &host.env);
    ck_assert_int_eq(vpn__filter_list_init(&list, &host.env, rules, 2, 1), 0);
    vpn__filter_list_end(&list, &host.env);
    ck_assert_int_eq(vpn__filter_list_init(&list, &host.env, NULL, 1, 1), VPN_EINVAL);
    ck_assert_int_eq(vpn__filter_list_init(&list, &host.env, rules, VPN_FILTER_RULES_MAX + 1, 1), VPN_ELIMIT);
    ck_assert_int_eq(vpn_filter_check(rules, 2, NULL), 0);
    ck_assert_int_eq(vpn_filter_check(NULL, 0, &bad), 0);
    ck_assert_int_eq(vpn_filter_check(NULL, 2, &bad), VPN_EINVAL);
    rules[1].action = 9;
    ck_assert_int_eq(vpn_filter_check(rules, 2, &bad), VPN_EINVAL);
    ck_assert_uint_eq(bad, 1);
    ck_assert_int_eq(vpn__filter_list_init(&list, &host.env, rules, 2, 1), VPN_EINVAL);
    host_end(&host);
}
END_TEST

START_TEST(too_many)
{
    size_t count = VPN_FILTER_RULES_MAX + 1, bad = 0;
    vpn_filter_rule *rules = calloc(count, sizeof(*rules));
    ck_assert_ptr_nonnull(rules);
    ck_assert_int_eq(vpn_filter_check(rules, count, &bad), VPN_ELIMIT);
    ck_assert_uint_eq(bad, count);
    ck_assert_int_eq(vpn_filter_check(rules, count - 1, &bad), 0);
    free(rules);
}
END_TEST

/* The k-th of equal rules inherits from the k-th of equal ones. */
START_TEST(counters_are_inherited)
{
    enum { COUNT = 400 };
    struct host host;
    struct vpn__filter_list old, fresh;
    vpn_filter_rule rules[COUNT], later[COUNT];
    uint64_t seed = (uint64_t)_i;
    memset(rules, 0, sizeof(rules));
    memset(later, 0, sizeof(later));
    host_init(&host);
    for (uint32_t i = 0; i < COUNT; i++) {
        rules[i].user = naive_below(&seed, _i == 0 ? 1 : 150);
        later[i].user = naive_below(&seed, 200);
    }
    ck_assert_int_eq(vpn__filter_list_init(&old, &host.env, rules, COUNT, 0), 0);
    for (uint32_t i = 0; i < COUNT; i++)
        old.counts[i] = (vpn_filter_count){i + 1, i + 2};
    ck_assert_int_eq(vpn__filter_list_init(&fresh, &host.env, later, COUNT, 0), 0);
    ck_assert_int_eq(vpn__filter_list_inherit(&fresh, &old, &host.env, key), 0);
    uint8_t used[COUNT] = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t k = 0;
        while (k < COUNT && (used[k] || rules[k].user != later[i].user))
            k++;
        ck_assert_uint_eq(fresh.counts[i].packets, k < COUNT ? k + 1 : 0);
        ck_assert_uint_eq(fresh.counts[i].bytes, k < COUNT ? k + 2 : 0);
        if (k < COUNT)
            used[k] = 1;
    }
    vpn__filter_list_end(&old, &host.env);
    vpn__filter_list_end(&fresh, &host.env);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_list");
    test_add(s, "refusals", refusals);
    test_add(s, "too_many", too_many);
    test_loop(s, "counters_are_inherited", counters_are_inherited, 5);
    return s;
}

TEST_MAIN(suite)
