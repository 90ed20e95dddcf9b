/* SPDX-License-Identifier: ISC */
#include "packet/icmp_limit.h"

#include "common/test.h"

static vpn_icmp icmp;

static void start(uint32_t rate, uint32_t source_rate)
{
    vpn_icmp_config config = {.size = sizeof config, .rate = rate, .source_rate = source_rate};
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
}

static int spend(uint32_t source, vpn_time now)
{
    uint8_t addr[16] = {10, (uint8_t)(source >> 16), (uint8_t)(source >> 8), (uint8_t)source};
    return vpn__icmp_spend(&icmp, addr, now);
}

static uint32_t spend_all(uint32_t source, vpn_time now)
{
    uint32_t n = 0;
    while (n < 10000 && spend(source, now))
        n++;
    return n;
}

/* A second's worth at once, then one for each interval. */
START_TEST(one_source)
{
    vpn_time now = 5 * VPN_SECOND;
    start(1000, 10);
    ck_assert_uint_eq(spend_all(1, now), 10);
    ck_assert_int_eq(spend(1, now + VPN_SECOND / 10 - 1), 0);
    ck_assert_int_eq(spend(1, now + VPN_SECOND / 10), 1);
    ck_assert_int_eq(spend(1, now + VPN_SECOND / 10), 0);
    ck_assert_uint_eq(spend_all(1, now + VPN_SECOND / 2), 4);
    ck_assert_uint_eq(spend_all(2, now), 10); /* another has its own */
    ck_assert_uint_eq(spend_all(1, now + 100 * VPN_SECOND), 10);
}
END_TEST

START_TEST(all_sources)
{
    uint32_t n = 0;
    start(100, 10);
    for (uint32_t source = 0; source < 1000; source++)
        n += (uint32_t)spend(source, 0);
    ck_assert_uint_eq(n, 100);
    ck_assert_int_eq(spend(1, VPN_SECOND / 100 - 1), 0);
    ck_assert_int_eq(spend(1, VPN_SECOND / 100), 1);
}
END_TEST

/* What the budget of all refuses costs the source nothing, and the other way round. */
START_TEST(both_or_none)
{
    start(20, 10);
    ck_assert_uint_eq(spend_all(1, 0), 10);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(spend(1, 0), 0);
    ck_assert_uint_eq(spend_all(2, 0), 10);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(spend(3, 0), 0);
    ck_assert_uint_eq(spend_all(3, VPN_SECOND), 10);
}
END_TEST

/* More sources than there are places: the one that is full the soonest goes, so a busy one stays limited. */
START_TEST(crowd)
{
    start(1000000, 10);
    ck_assert_uint_eq(spend_all(1, 0), 10);
    for (uint32_t source = 2; source < 100000; source++)
        ck_assert_int_eq(spend(source, source), 1);
    ck_assert_int_eq(spend(1, 100000), 0);
}
END_TEST

START_TEST(clock)
{
    start(100, 10);
    ck_assert_uint_eq(spend_all(1, 1000 * VPN_SECOND), 10);
    ck_assert_int_eq(spend(1, 5 * VPN_SECOND), 0); /* back by far: at most a second is lost */
    ck_assert_uint_eq(spend_all(1, 6 * VPN_SECOND), 10);
    ck_assert_int_eq(spend(1, 6 * VPN_SECOND - 1), 0);
    ck_assert_uint_eq(spend_all(1, VPN_TIME_MAX), 10);
}
END_TEST

/* In any window of a second at most twice the rate, and over a long time the rate. */
START_TEST(random_times)
{
    uint64_t seed = 1;
    vpn_time now = 0;
    uint32_t granted = 0;
    start(50, 50);
    for (int i = 0; i < 200000; i++) {
        now += test_below64(&seed, VPN_SECOND / 1000);
        granted += (uint32_t)spend((uint32_t)test_below(&seed, 40), now);
    }
    uint64_t most = now / (VPN_SECOND / 50) + 50;
    ck_assert_uint_le(granted, most);
    ck_assert_uint_ge(granted, most - 60);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("icmp_limit");
    test_add(s, "one_source", one_source);
    test_add(s, "all_sources", all_sources);
    test_add(s, "both_or_none", both_or_none);
    test_add(s, "crowd", crowd);
    test_add(s, "clock", clock);
    test_add(s, "random_times", random_times);
    return s;
}

TEST_MAIN(suite)
