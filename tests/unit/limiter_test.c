/* SPDX-License-Identifier: ISC */
#include "wireguard/limiter.h"

#include "common/host.h"

#define MS VPN_MILLISECOND

static struct host host;
static struct vpn__limiter limiter;

static void start(uint32_t sources, uint32_t rate)
{
    host_init(&host);
    ck_assert_int_eq(vpn__limiter_init(&limiter, &host.env, sources, rate), 0);
}

static void end(void)
{
    vpn__limiter_end(&limiter);
    host_end(&host);
}

static vpn_endpoint v4(uint32_t addr, uint16_t port)
{
    vpn_endpoint e = {.family = 4, .port = port};
    for (size_t i = 0; i < 4; i++)
        e.addr[i] = (uint8_t)(addr >> (24 - 8 * i));
    return e;
}

static vpn_endpoint v6(uint64_t high, uint64_t low)
{
    vpn_endpoint e = {.family = 6, .port = 1};
    for (size_t i = 0; i < 8; i++) {
        e.addr[i] = (uint8_t)(high >> (56 - 8 * i));
        e.addr[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return e;
}

static int source(vpn_endpoint from, vpn_time now)
{
    return vpn__limiter_source(&limiter, &from, now);
}

/* How many of `n` messages at one moment pass. */
static unsigned burst(vpn_endpoint from, vpn_time now, unsigned n)
{
    unsigned passed = 0;
    while (n-- > 0)
        passed += (unsigned)source(from, now);
    return passed;
}

START_TEST(burst_and_rate)
{
    vpn_time t = 5 * VPN_SECOND;
    vpn_endpoint e = v4(0x0a000001, 1);
    start(16, 1000);
    ck_assert_uint_eq(burst(e, t, 20), 5);
    for (unsigned i = 1; i <= 100; i++) {
        ck_assert_int_eq(source(e, t + i * 50 * MS - 1), 0);
        ck_assert_int_eq(source(e, t + i * 50 * MS), 1);
        ck_assert_int_eq(source(e, t + i * 50 * MS), 0);
    }
    /* 100 ms of rest give two, 250 ms and more give the whole burst and no more */
    t += 100 * 50 * MS;
    ck_assert_uint_eq(burst(e, t + 100 * MS, 20), 2);
    ck_assert_uint_eq(burst(e, t + 350 * MS, 20), 5);
    ck_assert_uint_eq(burst(e, t + 3600 * VPN_SECOND, 20), 5);
    end();
}
END_TEST

/* Against a bucket that is counted naively: tokens in 1/50,000,000, refilled by time. */
START_TEST(random_times)
{
    uint64_t seed = 4;
    vpn_time now = VPN_SECOND, last = now, credit = 250 * MS;
    start(16, 1000);
    for (unsigned i = 0; i < 200000; i++) {
        now += test_below(&seed, 100 * MS);
        credit = credit + (now - last) > 250 * MS ? 250 * MS : credit + (now - last);
        last = now;
        int want = credit >= 50 * MS;
        credit -= want ? 50 * MS : 0;
        if (source(v4(1, 1), now) != want)
            ck_abort_msg("step %u", i);
    }
    end();
}
END_TEST

START_TEST(what_a_source_is)
{
    start(1024, 1000);
    ck_assert_uint_eq(burst(v4(0x0a000001, 1), 0, 9), 5);
    ck_assert_uint_eq(burst(v4(0x0a000001, 2), 0, 9), 0); /* another port is the same host */
    ck_assert_uint_eq(burst(v4(0x0a000002, 1), 0, 9), 5);
    ck_assert_uint_eq(burst(v6(0x20010db800000001, 1), 0, 9), 5);
    ck_assert_uint_eq(burst(v6(0x20010db800000001, 99), 0, 9), 0); /* the same /64 */
    ck_assert_uint_eq(burst(v6(0x20010db800000002, 1), 0, 9), 5);
    ck_assert_uint_eq(burst(v6(0x0a00000100000000, 1), 0, 9), 5); /* not the IPv4 host with these bytes */
    end();
}
END_TEST

/* A full table refuses sources that it does not know, serves the others, and takes new ones as soon as one is idle. */
START_TEST(full_table)
{
    uint32_t known = 0, refused = 0, first = 0, stranger = 0;
    start(16, 1000);
    ck_assert_uint_eq(limiter.room, 16);
    for (uint32_t i = 1; i <= 1000; i++) {
        if (source(v4(i, 1), VPN_SECOND)) {
            first = first ? first : i;
            known++;
        } else {
            stranger = i;
            refused++;
        }
    }
    ck_assert_uint_eq(known, 16);
    ck_assert_uint_eq(refused, 984);
    ck_assert_int_eq(source(v4(stranger, 1), VPN_SECOND + 50 * MS - 1), 0);
    ck_assert_uint_eq(burst(v4(first, 1), VPN_SECOND, 9), 4);
    ck_assert_uint_eq(burst(v4(stranger, 1), VPN_SECOND + 50 * MS, 9), 5);
    end();
}
END_TEST

START_TEST(rounded_room)
{
    static const uint32_t sizes[][2] = {{16, 16}, {17, 32}, {1000, 1024}, {1024, 1024}, {1025, 2048}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        start(sizes[i][0], 1);
        ck_assert_uint_eq(limiter.room, sizes[i][1]);
        ck_assert_uint_eq(vpn__limiter_memory(&limiter), host.bytes);
        end();
    }
}
END_TEST

START_TEST(global_budget)
{
    static const uint32_t rates[] = {1, 2, 7, 20, 1000, 1000000};
    for (size_t k = 0; k < sizeof(rates) / sizeof(*rates); k++) {
        uint32_t rate = rates[k];
        vpn_time t = 100 * VPN_SECOND, interval = VPN_SECOND / rate;
        start(16, rate);
        for (uint32_t i = 0; i < rate; i++)
            if (!vpn__limiter_global(&limiter, t))
                ck_abort_msg("message %u of %u", i, rate);
        ck_assert_int_eq(vpn__limiter_under_load(&limiter, t), 0);
        ck_assert_int_eq(vpn__limiter_global(&limiter, t), 0);
        ck_assert_int_eq(vpn__limiter_under_load(&limiter, t), 1);
        ck_assert_int_eq(vpn__limiter_global(&limiter, t + interval - 1), 0);
        ck_assert_int_eq(vpn__limiter_global(&limiter, t + interval), 1);
        ck_assert_int_eq(vpn__limiter_global(&limiter, t + interval), 0);
        end();
    }
}
END_TEST

/* Under load lasts 1 s from the last message that was too many. */
START_TEST(sticky)
{
    vpn_time t = VPN_SECOND;
    start(16, 1);
    ck_assert_int_eq(vpn__limiter_under_load(&limiter, 0), 0);
    ck_assert_int_eq(vpn__limiter_global(&limiter, t), 1);
    ck_assert_int_eq(vpn__limiter_global(&limiter, t), 0);
    ck_assert_int_eq(vpn__limiter_under_load(&limiter, t + VPN_SECOND - 1), 1);
    ck_assert_int_eq(vpn__limiter_under_load(&limiter, t + VPN_SECOND), 0);
    ck_assert_int_eq(vpn__limiter_global(&limiter, t + VPN_SECOND - 1), 0);
    ck_assert_int_eq(vpn__limiter_under_load(&limiter, t + 2 * VPN_SECOND - 2), 1);
    ck_assert_int_eq(vpn__limiter_under_load(&limiter, t + 2 * VPN_SECOND - 1), 0);
    end();
}
END_TEST

/* What the global budget does never takes a place in the table, so those who proved their address keep theirs. */
START_TEST(flood_owns_no_entry)
{
    struct vpn__limiter_entry before[16];
    start(16, 1000);
    ck_assert_int_eq(source(v4(7, 1), VPN_SECOND), 1);
    memcpy(before, limiter.entries, sizeof(before));
    for (uint32_t i = 0; i < 1000000; i++)
        (void)vpn__limiter_global(&limiter, VPN_SECOND + i);
    ck_assert_mem_eq(before, limiter.entries, sizeof(before));
    ck_assert_uint_eq(burst(v4(7, 1), VPN_SECOND, 9), 4);
    ck_assert_uint_eq(burst(v4(8, 1), VPN_SECOND, 9), 5);
    end();
}
END_TEST

START_TEST(failing_host)
{
    host_init(&host);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn__limiter_init(&limiter, &host.env, 16, 1), VPN_ENOMEM);
    vpn__limiter_end(&limiter);
    host_heal(&host);
    host.base.random_status = -1;
    ck_assert_int_eq(vpn__limiter_init(&limiter, &host.env, 16, 1), VPN_ERANDOM);
    end();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("limiter");
    test_add(s, "burst and rate", burst_and_rate);
    test_add(s, "random times", random_times);
    test_add(s, "what a source is", what_a_source_is);
    test_add(s, "full table", full_table);
    test_add(s, "rounded room", rounded_room);
    test_add(s, "global budget", global_budget);
    test_add(s, "sticky", sticky);
    test_add(s, "flood owns no entry", flood_owns_no_entry);
    test_add(s, "failing host", failing_host);
    return s;
}

TEST_MAIN(suite)
