/* SPDX-License-Identifier: ISC */
#include <vpn/pmtu.h>

#include "common/pmtu.h"

static struct path p;

static void open4(uint32_t mtu)
{
    vpn_pmtu_config c = path_config(4, 0);
    path_open(&p, &c, 4, 1500, 1);
    p.mtu = mtu;
}

static void run_for(vpn_time time)
{
    path_run(&p, p.now + time);
}

/* The next event of a kind; others are passed over. */
static vpn_pmtu_event expect(uint32_t why)
{
    vpn_pmtu_event e = {.size = sizeof e};
    do
        ck_assert_msg(vpn_pmtu_event_next(p.pmtu, &e) == 0, "no event: %s", vpn_pmtu_why_text(why));
    while (e.why != why);
    return e;
}

static void no_more(void)
{
    vpn_pmtu_event e = {.size = sizeof e};
    ck_assert_int_eq(vpn_pmtu_event_next(p.pmtu, &e), VPN_ENOENT);
}

static int report(const uint8_t *quote, uint32_t length, uint32_t mtu, uint32_t kind)
{
    vpn_pmtu_report r = {.size = sizeof r, .mtu = mtu, .kind = kind, .length = length, .quote = quote};
    return vpn_pmtu_error(p.pmtu, &r, p.now);
}

/* An error about the last datagram that was sent. */
static int true_report(uint32_t mtu)
{
    uint8_t quote[128];
    uint32_t length = path_outer(quote, p.family, p.family == 4 ? 1440 : 1420, p.index, p.counter - 1, 16);
    return report(quote, length, mtu, VPN_PMTU_QUOTE_PACKET);
}

START_TEST(finds)
{
    open4(1500);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1200);
    ck_assert_uint_eq(expect(VPN_PMTU_WHY_START).to, 1200);
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), p.now);
    run_for(VPN_SECOND);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1440 && s.path_mtu == 1500 && s.state == VPN_PMTU_COMPLETE && s.passed == 1440 &&
              s.vanished == 0);
    ck_assert(s.probes == 4 && s.replies >= 2 && s.probing == 0 && s.divide == 0 && s.why == VPN_PMTU_WHY_COMPLETE);
    vpn_pmtu_event e = expect(VPN_PMTU_WHY_PASSED);
    ck_assert(e.from == 1200 && e.to == 1440 && e.lost == 0);
    (void)expect(VPN_PMTU_WHY_COMPLETE);
    no_more();
    path_close(&p);
}
END_TEST

/* From the header: 2 + log2(greatest - base) sizes, each of at most three pairs; that is 18 s here. */
START_TEST(black_hole)
{
    open4(1500);
    run_for(VPN_SECOND);
    p.mtu = 1399;
    run_for(60 * VPN_SECOND + 3 * 2 * VPN_SECOND);
    ck_assert_uint_le(vpn_pmtu_mtu(p.pmtu), 1339); /* one confirmation, three losses */
    vpn_pmtu_event e = expect(VPN_PMTU_WHY_VANISHED);
    ck_assert(e.from == 1440 && e.to == 1200 && e.state == VPN_PMTU_BASE);
    p.bound = 1339;
    run_for(2 * 8 * 3 * VPN_SECOND);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1339 && s.state == VPN_PMTU_COMPLETE && s.passed == 1339 && s.vanished == 1340);
    path_close(&p);
}
END_TEST

/* Confirmed each minute, and tried for more after ten. */
START_TEST(rises_again)
{
    open4(1400);
    run_for(120 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    vpn_time complete = expect(VPN_PMTU_WHY_COMPLETE).time;
    p.mtu = 1460;
    path_run(&p, complete + 600 * VPN_SECOND - 1);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), complete + 600 * VPN_SECOND);
    run_for(60 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1400);
    path_close(&p);
}
END_TEST

/* A confirmation and a raise that fall on one moment are one tick, also when there is nothing to raise. */
START_TEST(same_moment)
{
    vpn_pmtu_config c = path_config(4, 0);
    c.confirm_timer = c.raise_timer = 600 * VPN_SECOND;
    path_open(&p, &c, 4, 1500, 1);
    run_for(VPN_SECOND);
    uint64_t probes = path_status(&p).probes;
    run_for(600 * VPN_SECOND);
    ck_assert_uint_eq(path_status(&p).probes, probes + 2);
    path_close(&p);
}
END_TEST

/* The peer is down: nothing is concluded, however long it takes; it is asked less and less often. */
START_TEST(down)
{
    open4(1500);
    run_for(VPN_SECOND);
    p.down = 1;
    run_for(60 * VPN_SECOND + 3 * 2 * VPN_SECOND);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1440 && s.state == VPN_PMTU_DOWN && s.why == VPN_PMTU_WHY_DOWN);
    run_for(3600 * VPN_SECOND);
    s = path_status(&p);
    ck_assert(s.mtu == 1440 && s.state == VPN_PMTU_DOWN && s.why == VPN_PMTU_WHY_GAVE_UP);
    (void)expect(VPN_PMTU_WHY_DOWN);
    (void)expect(VPN_PMTU_WHY_GAVE_UP);
    no_more();
    uint64_t probes = s.probes;
    run_for(3600 * VPN_SECOND);
    ck_assert_uint_le(path_status(&p).probes - probes, 6 * 6); /* a round in ten minutes */
    p.down = 0;
    p.mtu = 1390;
    run_for(700 * VPN_SECOND);
    s = path_status(&p);
    ck_assert(s.mtu == 1330 && s.state == VPN_PMTU_COMPLETE);
    (void)expect(VPN_PMTU_WHY_ANSWERED);
    path_close(&p);
}
END_TEST

/* The rounds of a silence, to the nanosecond. */
START_TEST(backoff)
{
    static const vpn_time waits[] = {4, 8, 16, 32, 60, 60, 60, 600, 600};
    static uint8_t out[2048];
    open4(1500);
    p.down = 1;
    vpn_time due = p.now;
    for (uint32_t round = 0; round < 9; round++) {
        for (uint32_t pair = 0; pair < 3; pair++) {
            for (uint32_t one = 0; one < 2; one++) {
                size_t bytes = sizeof out;
                ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), due);
                ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &bytes, due), 0);
                ck_assert_uint_eq(bytes, one == 0 ? VPN_PMTU_SMALL : 1200);
            }
            due += 2 * VPN_SECOND;
        }
        size_t bytes = sizeof out;
        ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), due);
        ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &bytes, due), 0);
        ck_assert_uint_eq(bytes, 0);
        ck_assert_uint_eq(path_status(&p).state, VPN_PMTU_DOWN);
        due += waits[round] * VPN_SECOND;
    }
    path_close(&p);
}
END_TEST

/* Nobody answers pings: as it was before the start, and errors are still believed. */
START_TEST(deaf)
{
    vpn_pmtu_config c = path_config(4, 0);
    c.start = 1420;
    path_open(&p, &c, 4, 1500, 1);
    p.deaf = 1;
    run_for(3600 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1420);
    run_for(601 * VPN_SECOND);
    uint8_t quote[128];
    uint32_t length = path_outer(quote, 4, 1420, p.index, p.counter, 16);
    vpn_pmtu_sent(p.pmtu, quote + 28, 16, p.now);
    ck_assert_int_eq(report(quote, length, 1300, VPN_PMTU_QUOTE_PACKET), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1240);
    path_close(&p);
}
END_TEST

/* Inner IPv6: never under 1280, and where that does not pass the caller has to fragment outside. */
START_TEST(never_under_1280)
{
    vpn_pmtu_config c = path_config(6, VPN_PMTU_INNER_IPV6);
    path_open(&p, &c, 6, 1500, 1);
    p.mtu = 1359;
    run_for(60 * VPN_SECOND);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1280 && s.path_mtu == 1360 && s.divide && s.state == VPN_PMTU_ERROR);
    (void)expect(VPN_PMTU_WHY_DIVIDE);
    p.mtu = 1360;
    run_for(120 * VPN_SECOND);
    s = path_status(&p);
    ck_assert(s.mtu == 1280 && !s.divide && s.state == VPN_PMTU_COMPLETE);
    path_close(&p);
}
END_TEST

START_TEST(errors_lower)
{
    open4(1500);
    run_for(VPN_SECOND);
    p.mtu = 1400;
    ck_assert_int_eq(true_report(1400), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    vpn_time then = p.now;
    vpn_pmtu_event e = expect(VPN_PMTU_WHY_ICMP);
    ck_assert(e.from == 1440 && e.to == 1340 && e.time == then);
    ck_assert_int_eq(true_report(1400), VPN_PMTU_NOT_LOWER);
    ck_assert_int_eq(true_report(1480), VPN_PMTU_NOT_LOWER); /* nor does it raise */
    run_for(VPN_SECOND);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1340 && s.state == VPN_PMTU_COMPLETE && s.lowered == 1 && s.refused == 0);
    /* ten minutes after the last error, to the nanosecond, more is tried */
    p.mtu = 1500;
    path_run(&p, then + 600 * VPN_SECOND - 1);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), then + 600 * VPN_SECOND);
    run_for(VPN_SECOND);
    (void)expect(VPN_PMTU_WHY_AGED);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1440);
    path_close(&p);
}
END_TEST

/* Without probes: down by errors, up by age. */
START_TEST(passive)
{
    vpn_pmtu_config c = {.size = sizeof c};
    path_open(&p, &c, 4, 1500, 1);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1440);
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), VPN_NEVER);
    static uint8_t packet[1440];
    path_carry(&p, packet, sizeof packet);
    ck_assert_int_eq(true_report(1300), VPN_PMTU_LOWERED);
    run_for(300 * VPN_SECOND);
    path_carry(&p, packet, sizeof packet);
    ck_assert_int_eq(true_report(1300), VPN_PMTU_NOT_LOWER); /* but it is fresh again */
    vpn_time then = p.now;
    run_for(VPN_SECOND);
    ck_assert_int_eq(true_report(1400), VPN_PMTU_NOT_LOWER); /* says nothing of 1300 */
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), then + 600 * VPN_SECOND);
    path_run(&p, then + 600 * VPN_SECOND - 1);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1240);
    run_for(1);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1440);
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), VPN_NEVER);
    /* on another way nothing is left of it */
    vpn_pmtu_route r = path_route(4, 1500);
    path_carry(&p, packet, sizeof packet);
    ck_assert_int_eq(true_report(1300), VPN_PMTU_LOWERED);
    ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, p.now), 0);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1440);
    ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), VPN_NEVER);
    path_close(&p);
}
END_TEST

/* The least that IPv4 allows, however small an error says: as small as that attackers like it. */
START_TEST(small_errors)
{
    open4(1500);
    run_for(VPN_SECOND);
    ck_assert_int_eq(true_report(68), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 576);
    ck_assert(path_status(&p).divide);
    run_for(VPN_SECOND); /* it passes after all */
    ck_assert(!path_status(&p).divide);
    ck_assert_int_eq(true_report(67), VPN_PMTU_IMPOSSIBLE);
    path_close(&p);
}
END_TEST

START_TEST(own_system)
{
    open4(1500);
    run_for(VPN_SECOND);
    ck_assert_int_eq(report(NULL, 0, 1492, VPN_PMTU_QUOTE_NONE), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1432);
    (void)expect(VPN_PMTU_WHY_SYSTEM);
    ck_assert_int_eq(report(NULL, 0, 0, VPN_PMTU_QUOTE_NONE), VPN_EINVAL);
    path_close(&p);
}
END_TEST

/* While a size is probed that an error speaks against, the next is asked at once. */
START_TEST(error_in_search)
{
    open4(1400);
    p.quiet = 0;
    run_for(VPN_SECOND);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1340 && s.state == VPN_PMTU_COMPLETE && s.probes == 6);
    ck_assert(s.lowered == 0); /* nothing more was in use before */
    path_close(&p);
}
END_TEST

/* An error while nobody answers: what is asked next is not over it. */
START_TEST(error_while_down)
{
    open4(1500);
    run_for(VPN_SECOND);
    p.down = 1;
    run_for(67 * VPN_SECOND);
    ck_assert_uint_eq(path_status(&p).state, VPN_PMTU_DOWN);
    ck_assert_int_eq(true_report(1400), VPN_PMTU_LOWERED);
    p.greatest = 0;
    run_for(60 * VPN_SECOND);
    ck_assert_uint_gt(p.greatest, 0);
    ck_assert_uint_le(p.greatest, 1340);
    p.down = 0;
    run_for(60 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    path_close(&p);
}
END_TEST

/* An error while somebody is about to answer again: the reply to what is over it counts no more. */
START_TEST(error_while_waking)
{
    open4(1500);
    run_for(VPN_SECOND);
    p.down = 1;
    run_for(67 * VPN_SECOND);
    ck_assert_uint_eq(path_status(&p).state, VPN_PMTU_DOWN);
    p.down = 0;
    p.fast = p.slow = 1500 * VPN_MILLISECOND;
    path_run(&p, vpn_pmtu_deadline(p.pmtu));
    ck_assert_uint_eq(path_status(&p).probing, 1440);
    ck_assert_int_eq(true_report(1400), VPN_PMTU_LOWERED);
    p.bound = 1340;
    run_for(60 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    path_close(&p);
}
END_TEST

/* Roaming: everything about the old way is forgotten, also errors that still come from there. */
START_TEST(restart)
{
    open4(1400);
    run_for(60 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1340);
    vpn_pmtu_route r = path_route(6, 1500);
    ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, p.now), 0);
    vpn_pmtu_status s = path_status(&p);
    ck_assert(s.mtu == 1200 && s.state == VPN_PMTU_BASE && s.vanished == 0);
    ck_assert_int_eq(true_report(1300), VPN_PMTU_FOREIGN);
    p.family = 6;
    p.mtu = 1480;
    run_for(60 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1400);
    /* again and again: no more than a pair in 50 ms */
    uint64_t before = p.sent;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, p.now), 0);
        run_for(VPN_MILLISECOND);
    }
    ck_assert_uint_le(p.sent - before, 2 * 21);
    /* no address any more */
    r.path.remote.family = 0;
    ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, p.now), 0);
    s = path_status(&p);
    ck_assert(s.state == VPN_PMTU_OFF && s.deadline == VPN_NEVER && s.path_mtu == 0 && s.mtu == 576);
    ck_assert_int_eq(true_report(1300), VPN_ESTATE);
    r.link_mtu = 1;
    ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, p.now), VPN_EINVAL);
    path_close(&p);
}
END_TEST

/* Room for one byte less: the need, and the same probe later. */
START_TEST(little_room)
{
    uint8_t out[1200];
    open4(1500);
    for (uint32_t need = VPN_PMTU_SMALL; need <= 1200; need += 1200 - VPN_PMTU_SMALL) {
        size_t bytes = need - 1;
        ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &bytes, p.now), VPN_ESPACE);
        ck_assert_uint_eq(bytes, need);
        ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), p.now);
        ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &bytes, p.now), 0);
        ck_assert_uint_eq(bytes, need);
    }
    path_close(&p);
}
END_TEST

START_TEST(no_random)
{
    uint8_t out[1500];
    open4(1500);
    p.host.random_status = -1;
    for (int i = 0; i < 3; i++) {
        size_t bytes = sizeof out;
        vpn_time due = vpn_pmtu_deadline(p.pmtu);
        ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &bytes, due), VPN_ERANDOM);
        ck_assert_uint_eq(bytes, 0);
        ck_assert_uint_eq(vpn_pmtu_deadline(p.pmtu), due + 2 * VPN_SECOND);
    }
    size_t room = sizeof out;
    ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &room, vpn_pmtu_deadline(p.pmtu)), 0);
    ck_assert_uint_eq(path_status(&p).state, VPN_PMTU_DOWN);
    p.host.random_status = 0;
    run_for(60 * VPN_SECOND);
    ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), 1440);
    path_close(&p);
}
END_TEST

/* The ring keeps the last 16 and says how many went. */
START_TEST(events)
{
    vpn_pmtu_route r = path_route(4, 1500);
    open4(1500);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, p.now + i), 0);
    vpn_pmtu_event e = {.size = sizeof e - 8};
    ck_assert_int_eq(vpn_pmtu_event_next(p.pmtu, &e), VPN_EINVAL); /* and it is still there */
    e.size = sizeof e;
    for (uint32_t i = 0; i < 16; i++) {
        ck_assert_int_eq(vpn_pmtu_event_next(p.pmtu, &e), 0);
        ck_assert_uint_eq(e.lost, i == 0 ? 5 : 0);
        ck_assert_uint_eq(e.time, p.now + 4 + i);
    }
    no_more();
    path_close(&p);
}
END_TEST

START_TEST(arguments)
{
    vpn_pmtu *pmtu;
    vpn_pmtu_config c = path_config(4, 0);
    test_host host = {.fail_at = 1};
    vpn_env env = test_env(&host);
    c.env = &env;
    ck_assert_int_eq(vpn_pmtu_new(&pmtu, &c), VPN_ENOMEM);
    ck_assert_ptr_null(pmtu);
    c.multiple = 3;
    ck_assert_int_eq(vpn_pmtu_new(&pmtu, &c), VPN_EINVAL);
    c.multiple = 0;
    env.reserved = 1;
    ck_assert_int_eq(vpn_pmtu_new(&pmtu, &c), VPN_EINVAL);
    ck_assert_uint_eq(host.live, 0);
    vpn_pmtu_free(NULL);
    c.env = NULL;
    ck_assert_int_eq(vpn_pmtu_new(&pmtu, &c), 0);
    vpn_pmtu_status s = {.size = 4};
    ck_assert_int_eq(vpn_pmtu_get(pmtu, &s), VPN_EINVAL);
    ck_assert_uint_eq(vpn_pmtu_mtu(pmtu), 576);
    ck_assert_uint_eq(vpn_pmtu_deadline(pmtu), VPN_NEVER);
    size_t bytes = 100;
    uint8_t out[100];
    ck_assert_int_eq(vpn_pmtu_tick(pmtu, out, &bytes, VPN_NEVER), 0);
    ck_assert_uint_eq(bytes, 0);
    vpn_pmtu_free(pmtu);
}
END_TEST

/* Times at the end of all times, and a clock that is set back. */
START_TEST(strange_times)
{
    static uint8_t out[2048];
    vpn_pmtu_route r = path_route(4, 1500);
    open4(1500);
    run_for(VPN_SECOND);
    ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, VPN_TIME_MAX), 0);
    for (int i = 0; i < 20; i++) {
        size_t bytes = sizeof out;
        ck_assert_int_eq(vpn_pmtu_tick(p.pmtu, out, &bytes, vpn_pmtu_deadline(p.pmtu)), 0);
        ck_assert_uint_ge(vpn_pmtu_deadline(p.pmtu), VPN_TIME_MAX);
    }
    ck_assert_int_eq(vpn_pmtu_start(p.pmtu, &r, 5), 0);
    ck_assert_int_eq(report(NULL, 0, 1300, VPN_PMTU_QUOTE_NONE), VPN_PMTU_NOT_LOWER);
    path_close(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu");
    test_add(suite, "finds", finds);
    test_add(suite, "black_hole", black_hole);
    test_add(suite, "rises_again", rises_again);
    test_add(suite, "same_moment", same_moment);
    test_add(suite, "down", down);
    test_add(suite, "backoff", backoff);
    test_add(suite, "deaf", deaf);
    test_add(suite, "never_under_1280", never_under_1280);
    test_add(suite, "errors_lower", errors_lower);
    test_add(suite, "passive", passive);
    test_add(suite, "small_errors", small_errors);
    test_add(suite, "own_system", own_system);
    test_add(suite, "error_in_search", error_in_search);
    test_add(suite, "error_while_down", error_while_down);
    test_add(suite, "error_while_waking", error_while_waking);
    test_add(suite, "restart", restart);
    test_add(suite, "little_room", little_room);
    test_add(suite, "no_random", no_random);
    test_add(suite, "events", events);
    test_add(suite, "arguments", arguments);
    test_add(suite, "strange_times", strange_times);
    return suite;
}

TEST_MAIN(make_suite)
