/* SPDX-License-Identifier: ISC */
/* Each rule of section 6 of the paper with its numbers. Times are in nanoseconds from T. */
#include "wireguard/timers.h"

#include "common/test.h"

#define T  (1000 * VPN_SECOND)
#define S  VPN_SECOND
#define MS VPN_MILLISECOND

static struct vpn__timers t;

static void start(void)
{
    memset(&t, 0xa5, sizeof(t));
    vpn__timers_init(&t);
}

/* Nothing happens before `at`, and then this. */
static void expect(vpn_time at, enum vpn__timer_action action)
{
    ck_assert_uint_eq(vpn__timers_deadline(&t), at);
    ck_assert_int_eq(vpn__timers_expire(&t, at - 1), VPN__TIMER_NOTHING);
    ck_assert_int_eq(vpn__timers_expire(&t, at), action);
}

static void expect_idle(void)
{
    ck_assert_uint_eq(vpn__timers_deadline(&t), VPN_NEVER);
    ck_assert_int_eq(vpn__timers_expire(&t, VPN_TIME_MAX), VPN__TIMER_NOTHING);
}

START_TEST(fresh)
{
    start();
    expect_idle();
    ck_assert(t.attempts == 0 && t.another == 0 && t.last_minute == 0 && t.interval == 0);
    ck_assert_uint_eq(t.handshake_sent, VPN_NEVER);
    ck_assert_int_eq(vpn__timers_expire(&t, VPN_NEVER), VPN__TIMER_NOTHING);
    expect_idle();
}
END_TEST

/* An initiation goes out at once when none was sent before, and then only after exactly 5 s. */
START_TEST(gap)
{
    start();
    vpn__timers_want(&t, T);
    expect(T, VPN__TIMER_INITIATE);
    vpn__timers_initiation_sent(&t, T, 0);
    vpn__timers_handshake_complete(&t);
    for (vpn_time later = 0; later < 5 * S; later += 500 * MS) {
        vpn__timers_want(&t, T + later);
        ck_assert_uint_eq(vpn__timers_deadline(&t), T + 5 * S);
        ck_assert_uint_eq(t.wanted, T); /* wanting it more often moves nothing */
    }
    expect(T + 5 * S, VPN__TIMER_INITIATE);
    expect_idle();
    vpn__timers_want(&t, T + 9 * S);
    expect(T + 9 * S, VPN__TIMER_INITIATE);
}
END_TEST

START_TEST(response_stamps_the_gap)
{
    start();
    vpn__timers_response_sent(&t, T);
    expect_idle();
    vpn__timers_want(&t, T + 1);
    expect(T + 5 * S, VPN__TIMER_INITIATE);
}
END_TEST

/* Section 6.4: 20 initiations, 5 s + jitter apart, then the end; a retransmission with no jitter fits the gap. */
START_TEST(gives_up)
{
    static const vpn_time jitters[] = {0, 1, 333 * MS - 1};
    for (size_t k = 0; k < 3; k++) {
        vpn_time step = 5 * S + jitters[k], now = T;
        start();
        vpn__timers_want(&t, now);
        for (unsigned sent = 1; sent <= 20; sent++) {
            expect(now, VPN__TIMER_INITIATE);
            vpn__timers_initiation_sent(&t, now, jitters[k]);
            ck_assert_uint_eq(t.attempts, sent - 1);
            now += step;
            if (sent < 20)
                expect(now, VPN__TIMER_LOST);
        }
        vpn__timers_data_received(&t, now - 1);
        expect(now, VPN__TIMER_GIVE_UP);
        ck_assert(now - T >= 100 * S && now - T < 107 * S);
        ck_assert_uint_eq(t.keepalive, VPN_NEVER);
        expect(now + 540 * S, VPN__TIMER_WIPE);
        expect_idle();
    }
}
END_TEST

/* Giving up leaves an armed wipe and the persistent keepalive alone. */
START_TEST(giving_up_spares)
{
    start();
    vpn__timers_session_derived(&t, T);
    vpn__timers_persistent(&t, 600, T);
    ck_assert_int_eq(vpn__timers_expire(&t, T), VPN__TIMER_KEEPALIVE);
    vpn__timers_initiation_sent(&t, T, 0);
    t.attempts = 19;
    expect(T + 5 * S, VPN__TIMER_GIVE_UP);
    ck_assert_uint_eq(t.wipe, T + 540 * S);
    ck_assert_uint_eq(t.persistent, T + 600 * S);
    expect(T + 540 * S, VPN__TIMER_WIPE);
    expect(T + 600 * S, VPN__TIMER_KEEPALIVE);
}
END_TEST

/* Every request that is no retransmission starts the count anew, also inside the gap. */
START_TEST(asking_starts_anew)
{
    start();
    vpn__timers_initiation_sent(&t, T, 0);
    t.attempts = 19;
    vpn__timers_want(&t, T + 1);
    ck_assert_uint_eq(t.attempts, 0);
    expect(T + 5 * S, VPN__TIMER_LOST);
    ck_assert_uint_eq(t.attempts, 1);
    expect(T + 5 * S, VPN__TIMER_INITIATE);
}
END_TEST

START_TEST(handshake_complete)
{
    start();
    vpn__timers_initiation_sent(&t, T, 100 * MS);
    vpn__timers_want(&t, T);
    t.attempts = 7;
    t.last_minute = 1;
    vpn__timers_handshake_complete(&t);
    expect_idle();
    ck_assert(t.attempts == 0 && t.last_minute == 0);
    ck_assert_uint_eq(t.handshake_sent, T); /* the gap still holds */
}
END_TEST

/* Section 6.3: wiped after 3 * 180 s, counted from the last session. */
START_TEST(wipe)
{
    start();
    vpn__timers_session_derived(&t, T);
    ck_assert_uint_eq(vpn__timers_deadline(&t), T + 540 * S);
    vpn__timers_session_derived(&t, T + 7 * S);
    expect(T + 547 * S, VPN__TIMER_WIPE);
    expect_idle();
}
END_TEST

START_TEST(session_end)
{
    start();
    vpn__timers_session_current(&t, T);
    ck_assert_uint_eq(vpn__timers_deadline(&t), T + 180 * S);
    vpn__timers_session_current(&t, T + 120 * S);
    expect(T + 300 * S, VPN__TIMER_SESSION_END);
    expect_idle();
}
END_TEST

/* Armed by the first data that is sent; later data does not move it; anything authentic that comes ends it. */
START_TEST(new_handshake)
{
    start();
    vpn__timers_data_sent(&t, T, 250 * MS);
    vpn__timers_data_sent(&t, T + 14 * S, 0);
    ck_assert_uint_eq(vpn__timers_deadline(&t), T + 15 * S + 250 * MS);
    vpn__timers_authenticated_received(&t, T + 15 * S);
    expect_idle();
    vpn__timers_data_sent(&t, T + 20 * S, 0);
    t.attempts = 5;
    expect(T + 35 * S, VPN__TIMER_LOST);
    ck_assert_uint_eq(t.attempts, 0);
    expect(T + 35 * S, VPN__TIMER_INITIATE);
    expect_idle();
}
END_TEST

/* Section 6.5: 10 s after data came, unless something was sent. */
START_TEST(passive_keepalive)
{
    start();
    vpn__timers_data_received(&t, T);
    expect(T + 10 * S, VPN__TIMER_KEEPALIVE);
    expect_idle();
    vpn__timers_data_received(&t, T + 20 * S);
    vpn__timers_authenticated_sent(&t, T + 21 * S);
    expect_idle();
    vpn__timers_data_received(&t, T + 30 * S);
    vpn__timers_authenticated_received(&t, T + 31 * S); /* no reason not to answer */
    expect(T + 40 * S, VPN__TIMER_KEEPALIVE);
}
END_TEST

/* Data that comes while the timer runs asks for one more keepalive, once. */
START_TEST(another_keepalive)
{
    start();
    vpn__timers_data_received(&t, T);
    for (unsigned i = 1; i < 9; i++)
        vpn__timers_data_received(&t, T + i * S);
    ck_assert_uint_eq(t.another, 1);
    expect(T + 10 * S, VPN__TIMER_KEEPALIVE);
    ck_assert_uint_eq(t.another, 0);
    expect(T + 20 * S, VPN__TIMER_KEEPALIVE);
    expect_idle();
}
END_TEST

START_TEST(persistent)
{
    static const uint16_t intervals[] = {1, 25, 65535};
    for (size_t i = 0; i < 3; i++) {
        vpn_time step = intervals[i] * S;
        start();
        vpn__timers_persistent(&t, intervals[i], T);
        expect(T, VPN__TIMER_KEEPALIVE); /* turning it on sends one at once */
        expect(T + step, VPN__TIMER_KEEPALIVE);
        vpn__timers_authenticated_sent(&t, T + step + 1);
        ck_assert_uint_eq(vpn__timers_deadline(&t), T + 2 * step + 1);
        vpn__timers_authenticated_received(&t, T + step + 2);
        expect(T + 2 * step + 2, VPN__TIMER_KEEPALIVE);
        vpn__timers_persistent(&t, 0, T + 3 * step);
        expect_idle();
        vpn__timers_authenticated_sent(&t, T + 4 * step);
        vpn__timers_authenticated_received(&t, T + 4 * step);
        expect_idle();
    }
}
END_TEST

/* Another interval takes effect at once when it is shorter, and at the next packet when it is longer. */
START_TEST(persistent_changes)
{
    start();
    vpn__timers_persistent(&t, 100, T);
    expect(T, VPN__TIMER_KEEPALIVE);
    vpn__timers_persistent(&t, 10, T + 5 * S);
    ck_assert_uint_eq(vpn__timers_deadline(&t), T + 15 * S);
    vpn__timers_persistent(&t, 1000, T + 6 * S);
    expect(T + 15 * S, VPN__TIMER_KEEPALIVE);
    ck_assert_uint_eq(vpn__timers_deadline(&t), T + 1015 * S);
    vpn__timers_persistent(&t, 0, T + 16 * S);
    vpn__timers_persistent(&t, 1000, T + 17 * S);
    expect(T + 17 * S, VPN__TIMER_KEEPALIVE);
}
END_TEST

START_TEST(reset)
{
    start();
    vpn__timers_persistent(&t, 50, T);
    ck_assert_int_eq(vpn__timers_expire(&t, T), VPN__TIMER_KEEPALIVE);
    vpn__timers_want(&t, T);
    vpn__timers_initiation_sent(&t, T, 0);
    vpn__timers_data_sent(&t, T, 0);
    vpn__timers_data_received(&t, T);
    vpn__timers_data_received(&t, T);
    vpn__timers_session_derived(&t, T);
    vpn__timers_session_current(&t, T);
    t.attempts = 3;
    t.last_minute = 1;
    vpn__timers_reset(&t);
    ck_assert_uint_eq(vpn__timers_deadline(&t), T + 50 * S);
    ck_assert(t.attempts == 0 && t.another == 0 && t.last_minute == 0 && t.interval == 50);
    ck_assert_uint_eq(t.handshake_sent, T);
}
END_TEST

/* All at one late moment: keys end before anything is made of them, and each thing is done once. */
START_TEST(everything_at_once)
{
    static const enum vpn__timer_action want[] = {VPN__TIMER_SESSION_END, VPN__TIMER_WIPE,      VPN__TIMER_LOST,
                                                  VPN__TIMER_LOST,        VPN__TIMER_KEEPALIVE, VPN__TIMER_KEEPALIVE,
                                                  VPN__TIMER_INITIATE,    VPN__TIMER_NOTHING};
    vpn_time late = T + 100000 * S;
    start();
    vpn__timers_persistent(&t, 50, T);
    vpn__timers_initiation_sent(&t, T, 0);
    vpn__timers_data_sent(&t, T, 0);
    vpn__timers_data_received(&t, T);
    vpn__timers_session_derived(&t, T);
    vpn__timers_session_current(&t, T);
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
        ck_assert_int_eq(vpn__timers_expire(&t, late), want[i]);
    ck_assert_uint_eq(vpn__timers_deadline(&t), late + 50 * S);
}
END_TEST

static void random_event(uint64_t *seed, vpn_time now)
{
    switch (test_below(seed, 12)) {
    case 0:
        vpn__timers_want(&t, now);
        break;
    case 1:
        vpn__timers_initiation_sent(&t, now, test_below(seed, 333 * MS));
        break;
    case 2:
        vpn__timers_response_sent(&t, now);
        break;
    case 3:
        vpn__timers_handshake_complete(&t);
        break;
    case 4:
        vpn__timers_session_derived(&t, now);
        break;
    case 5:
        vpn__timers_session_current(&t, now);
        break;
    case 6:
        vpn__timers_data_sent(&t, now, test_below(seed, 333 * MS));
        break;
    case 7:
        vpn__timers_data_received(&t, now);
        break;
    case 8:
        vpn__timers_authenticated_sent(&t, now);
        break;
    case 9:
        vpn__timers_authenticated_received(&t, now);
        break;
    case 10:
        vpn__timers_persistent(&t, (uint16_t)(test_below(seed, 3) * 20), now);
        break;
    default:
        vpn__timers_reset(&t);
    }
}

/* Whatever happens: something is done exactly when the deadline has come, and soon nothing is left to do. */
START_TEST(deadline_is_exact)
{
    uint64_t seed = 6;
    vpn_time now = T;
    start();
    for (unsigned i = 0; i < 300000; i++) {
        now += test_below(&seed, 8) ? test_below64(&seed, 2 * S) : test_below64(&seed, 700 * S);
        for (unsigned turns = 0;; turns++) {
            int due = vpn__timers_deadline(&t) <= now;
            enum vpn__timer_action action = vpn__timers_expire(&t, now);
            if (due != (action != VPN__TIMER_NOTHING) || turns > 12)
                ck_abort_msg("step %u, turn %u: due %d, action %d", i, turns, due, (int)action);
            if (!due)
                break;
            if (action == VPN__TIMER_INITIATE)
                vpn__timers_initiation_sent(&t, now, test_below(&seed, 333 * MS));
        }
        random_event(&seed, now);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("timers");
    test_add(s, "fresh", fresh);
    test_add(s, "gap", gap);
    test_add(s, "response stamps the gap", response_stamps_the_gap);
    test_add(s, "gives up", gives_up);
    test_add(s, "giving up spares", giving_up_spares);
    test_add(s, "asking starts anew", asking_starts_anew);
    test_add(s, "handshake complete", handshake_complete);
    test_add(s, "wipe", wipe);
    test_add(s, "session end", session_end);
    test_add(s, "new handshake", new_handshake);
    test_add(s, "passive keepalive", passive_keepalive);
    test_add(s, "another keepalive", another_keepalive);
    test_add(s, "persistent", persistent);
    test_add(s, "persistent changes", persistent_changes);
    test_add(s, "reset", reset);
    test_add(s, "everything at once", everything_at_once);
    test_add(s, "deadline is exact", deadline_is_exact);
    return s;
}

TEST_MAIN(suite)
