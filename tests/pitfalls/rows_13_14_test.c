/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: retries that never stop or stop early, and a peer that is unheard
 * for 15 s and yet not asked for a new handshake. Whitepaper sections 6.4 and 6.5. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

#define JITTER MILLIS(333)
#define HOUR   SECONDS(3600)
#define TRIES  20

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};

static vpn_time sent_at(const struct duel *d, size_t n)
{
    const struct datagram *sent = net_log_at(d->net, 0, 1, n);
    ck_assert_ptr_nonnull(sent);
    return sent->sent;
}

/* Initiations first .. last, each 5 s and the jitter after the one before. */
static void expect_retries(const struct duel *d, size_t first, size_t last)
{
    for (size_t i = first + 1; i <= last; i++)
        duel_between(sent_at(d, i) - sent_at(d, i - 1), SECONDS(5), SECONDS(5) + JITTER - 1);
}

/* --- 13 --- */

/* For days, a packet every three hours: each makes 20 initiations, then the host is told, and nothing more happens. */
START_TEST(pitfall_13_retries_stop)
{
    struct duel *d = duel_new(130, NULL);
    net_run(d->net, SECONDS(1));
    for (size_t round = 0; round < 10; round++) {
        vpn_time since = d->net->now;
        size_t first = round * TRIES;
        ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
        net_run(d->net, 0);
        ck_assert_uint_eq(sent_at(d, first), since);
        ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 1);
        net_run(d->net, SECONDS(100) - 1); /* not early */
        ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), round);
        ck_assert_uint_eq(vpn_queue_count(d->a->queue, d->id), 1);
        ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTING);
        net_run(d->net, SECONDS(7)); /* not late */
        ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), round + 1);
        const vpn_wg_event_info *event = node_event_last(d->a, VPN_WG_GAVE_UP);
        duel_between(event->time - sent_at(d, first + TRIES - 1), SECONDS(5), SECONDS(5) + JITTER - 1);
        ck_assert_uint_eq(event->peer, d->id);
        ck_assert_uint_eq(vpn_queue_count(d->a->queue, 0), 0);
        ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_IDLE);
        ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 0);
        net_run(d->net, 3 * HOUR);
        ck_assert_uint_eq(duel_sent(d, 0, 0), first + TRIES);
        ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), round + 1);
        ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
        expect_retries(d, first, first + TRIES - 1);
    }
    duel_free(d);
}
END_TEST

static const vpn_time gaps[] = {0, 1, SECONDS(1), SECONDS(5) - 1};

/* A packet, or the host, asks anew while an initiation is younger than 5 s: 20 more from the next one on. */
START_TEST(pitfall_13_attempts_start_anew_inside_the_gap)
{
    struct duel *d = duel_new(131 + (uint64_t)_i, NULL);
    net_run(d->net, SECONDS(1));
    duel_send(d);
    while (duel_sent(d, 1, 0) < 10)
        net_run_until(d->net, vpn_wg_deadline(d->a->wg));
    ck_assert_uint_eq(sent_at(d, 9), d->net->now);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 10);
    net_run(d->net, gaps[_i / 2]);
    if (_i % 2)
        ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    else
        ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
    net_run_until(d->net, sent_at(d, 9) + SECONDS(5));
    ck_assert_uint_eq(sent_at(d, 10), sent_at(d, 9) + SECONDS(5)); /* wanted: without jitter, and not sooner */
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 1);
    net_run(d->net, 10 * HOUR);
    ck_assert_uint_eq(duel_sent(d, 0, 0), 10 + TRIES);
    expect_retries(d, 0, 10 + TRIES - 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    duel_between(node_event_last(d->a, VPN_WG_GAVE_UP)->time - sent_at(d, 10), SECONDS(100), SECONDS(107));
    duel_free(d);
}
END_TEST

/* What an attacker, or the peer without authority, sends: bogus responses, data for no session, cookies from all over. */
static void distract(struct duel *d)
{
    uint8_t message[92], stamp[12];
    const uint8_t cookie[16] = {1, 3};
    const struct datagram *last = net_log_last(d->net, 0, 1);
    ck_assert_int_eq(forge_read_initiation(&d->f, last->bytes, stamp), 0);
    forge_bytes(&d->f, d->f.chain, 32);
    forge_response(&d->f, message);
    snapshot_attack(d->a, &elsewhere, message, 92, VPN_REASON_RESPONSE);
    forge_data(&d->f, message, 0, NULL, 0);
    snapshot_attack(d->a, &d->f.at, message, 32, VPN_REASON_INDEX);
    forge_cookie_reply(&d->f, message, last->bytes, 148, cookie);
    vpn_packet packet = node_feed(d->a, &elsewhere, message, 64);
    ck_assert(packet.verdict == VPN_DONE || packet.reason == VPN_REASON_STATE);
}

START_TEST(pitfall_13_nothing_unproved_stops_or_prolongs_retries)
{
    struct duel *d = duel_new(140, NULL), *peace = duel_new(140, NULL);
    duel_send(d);
    duel_send(peace);
    for (int i = 0; i < 120; i++) {
        net_run(d->net, SECONDS(1));
        net_run(peace->net, SECONDS(1));
        distract(d);
    }
    ck_assert_uint_eq(duel_sent(peace, 1, 0), TRIES);
    ck_assert_uint_eq(duel_sent(d, 1, 0), TRIES);
    for (size_t i = 0; i < TRIES; i++)
        ck_assert_uint_eq(sent_at(d, i), sent_at(peace, i));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    ck_assert_uint_eq(node_event_last(d->a, VPN_WG_GAVE_UP)->time, node_event_last(peace->a, VPN_WG_GAVE_UP)->time);
    duel_free(d);
    duel_free(peace);
}
END_TEST

static const size_t answered[] = {1, 2, TRIES - 1, TRIES};

/* Whichever of them is answered is the last one. */
START_TEST(pitfall_13_an_answer_stops_retries)
{
    struct duel *d = duel_new(141 + (uint64_t)_i, NULL);
    duel_send(d);
    net_run(d->net, 0);
    while (duel_sent(d, 1, 0) < answered[_i])
        net_run_until(d->net, vpn_wg_deadline(d->a->wg));
    net_run(d->net, SECONDS(4));
    duel_respond(d);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    duel_keepalive(d);
    net_run(d->net, 10 * HOUR);
    ck_assert_uint_eq(duel_sent(d, 1, 0), answered[_i]);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 0);
    duel_free(d);
}
END_TEST

static const uint16_t intervals[] = {25, 300};

/* Persistent keepalives outlive the giving up: each asks for a handshake, `interval` after the last initiation. */
START_TEST(pitfall_13_persistent_keepalive_goes_on)
{
    struct duel *d = duel_new(145 + (uint64_t)_i, NULL);
    vpn_wg_peer change = {.keepalive = intervals[_i]};
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    net_run(d->net, 5 * HOUR);
    size_t n = duel_sent(d, 1, 0), bursts = n / TRIES;
    ck_assert_uint_eq(duel_sent(d, 0, 0), n);
    duel_between(bursts, 5 * 3600 / (107u + intervals[_i]), 5 * 3600 / (95u + intervals[_i]));
    duel_between(node_events(d->a, VPN_WG_GAVE_UP), bursts - 1, bursts);
    for (size_t i = 0; i < bursts; i++) {
        expect_retries(d, i * TRIES, i * TRIES + TRIES - 1);
        if (i > 0)
            ck_assert_uint_eq(sent_at(d, i * TRIES) - sent_at(d, i * TRIES - 1), SECONDS(intervals[_i]));
    }
    while (duel_sent(d, 1, 0) == n)
        net_run_until(d->net, vpn_wg_deadline(d->a->wg));
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    duel_free(d);
}
END_TEST

/* --- 14 --- */

/* A device that answered the forger and so never rekeys by itself, 20 s later: all of its timers are quiet. */
static struct duel *quiet(uint64_t seed)
{
    struct duel *d = duel_new(seed, NULL);
    duel_from_forger(d);
    duel_at(d, SECONDS(20));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    return d;
}

/* 15 s and a jitter after the first packet without an answer, however many follow. */
START_TEST(pitfall_14_unheard_for_15_s)
{
    vpn_time least = VPN_NEVER, most = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct duel *d = quiet(1400 + seed);
        vpn_time first = d->net->now;
        for (int i = 0; i < 30; i++) {
            ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
            net_run(d->net, MILLIS(500));
        }
        net_run_until(d->net, first + SECONDS(15) - 1);
        ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
        net_run_until(d->net, first + SECONDS(15) + JITTER);
        ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
        vpn_time after = sent_at(d, 0) - first;
        duel_between(after, SECONDS(15), SECONDS(15) + JITTER - 1);
        least = after < least ? after : least;
        most = after > most ? after : most;
        ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 1);
        duel_free(d);
    }
    ck_assert_uint_lt(least, SECONDS(15) + MILLIS(60));
    ck_assert_uint_gt(most, SECONDS(15) + MILLIS(270));
}
END_TEST

/* Nor does it end there: without an answer it is retried like any other, and given up. */
START_TEST(pitfall_14_unheard_is_retried_and_given_up)
{
    struct duel *d = quiet(1450);
    duel_send(d);
    net_run(d->net, 3 * HOUR);
    ck_assert_uint_eq(duel_sent(d, 1, 0), TRIES);
    expect_retries(d, 0, TRIES - 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    duel_free(d);
}
END_TEST

enum empty { PERSISTENT, PASSIVE, RAW, EMPTIES };

/* Keepalives need no answer. */
START_TEST(pitfall_14_keepalives_do_not_arm)
{
    vpn_wg_config raw = {.flags = VPN_WG_RAW};
    struct duel *d = duel_new(1451, _i == RAW ? &raw : NULL);
    vpn_wg_peer change = {.keepalive = 7};
    uint8_t none[1] = {0};
    duel_from_forger(d);
    if (_i == PERSISTENT)
        node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    for (int i = 0; i < 140 && _i == RAW; i++) {
        ck_assert_uint_eq(node_send_bytes(d->a, none, 0).verdict, VPN_TO_NET);
        net_run(d->net, SECONDS(1));
    }
    if (_i == PASSIVE) {
        duel_at(d, SECONDS(120));
        duel_data(d);
    }
    duel_at(d, SECONDS(175));
    ck_assert_uint_ge(duel_sent(d, NET_KEEPALIVE, 0), _i == PASSIVE ? 1 : 20);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    duel_free(d);
}
END_TEST

enum heard { KEEPALIVE, DATA, INITIATION, RESPONSE, HEARD };

/* The last moment before the 15 s: whatever is authentic cancels it, and the next packet has 15 s of its own. */
START_TEST(pitfall_14_anything_authentic_cancels)
{
    struct duel *d = quiet(1452 + (uint64_t)_i);
    size_t own = 0;
    duel_send(d);
    net_run(d->net, SECONDS(15) - 1);
    switch ((enum heard)_i) {
    case KEEPALIVE:
        ck_assert_uint_eq(duel_keepalive(d).verdict, VPN_DONE);
        break;
    case DATA:
        ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
        break;
    case INITIATION:
        ck_assert_uint_eq(duel_initiate(d).length, 92);
        break;
    case RESPONSE:
        duel_from_node(d);
        own = 1;
        break;
    case HEARD:
        break;
    }
    net_run(d->net, SECONDS(40));
    ck_assert_uint_eq(duel_sent(d, 1, 0), own);
    vpn_time again = d->net->now;
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    net_run(d->net, SECONDS(15) + JITTER);
    ck_assert_uint_eq(duel_sent(d, 1, 0), own + 1);
    duel_between(sent_at(d, own) - again, SECONDS(15), SECONDS(15) + JITTER - 1);
    duel_free(d);
}
END_TEST

/* What is not authentic, and what was heard before, is as good as nothing. */
START_TEST(pitfall_14_forgeries_and_replays_do_not_cancel)
{
    struct duel *d = duel_new(1460, NULL);
    uint8_t data[32], first[148], stamp[12], message[148];
    const uint8_t cookie[16] = {1, 4};
    forge_stamp(stamp, d->wall++, 0);
    forge_initiation(&d->f, first, d->a->public_key, stamp);
    vpn_packet packet = node_feed(d->a, &d->f.at, first, 148);
    ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
    d->born = d->net->now;
    forge_data(&d->f, data, 0, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, data, 32).verdict, VPN_DONE);
    duel_at(d, SECONDS(20));
    duel_send(d);
    net_run(d->net, SECONDS(14));
    snapshot_attack(d->a, &d->f.at, data, 32, VPN_REASON_REPLAY);
    snapshot_attack(d->a, &d->f.at, first, 148, VPN_REASON_TIMESTAMP);
    forge_data(&d->f, message, 9, NULL, 0);
    message[20] ^= 1;
    snapshot_attack(d->a, &d->f.at, message, 32, VPN_REASON_AUTH);
    forge_claim(&d->f, message, d->a->public_key, d->f.public_key);
    snapshot_attack(d->a, &d->f.at, message, 148, VPN_REASON_HANDSHAKE);
    forge_cookie_reply(&d->f, message, net_log_last(d->net, 0, 2)->bytes, 92, cookie);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 64).verdict, VPN_DONE); /* authentic, and moves no timer */
    net_run(d->net, SECONDS(1) + JITTER);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    duel_between(sent_at(d, 0), SECONDS(35), SECONDS(35) + JITTER - 1);
    duel_free(d);
}
END_TEST

/* The copy was begun before the real one was committed, so that only the commit can tell. */
START_TEST(pitfall_14_a_replay_between_the_phases_does_not_cancel)
{
    struct duel *d = quiet(1461);
    uint8_t rooms[2][32];
    vpn_packet packets[2];
    forge_data(&d->f, rooms[0], 9, NULL, 0);
    memcpy(rooms[1], rooms[0], 32);
    for (int i = 0; i < 2; i++) {
        packets[i] = (vpn_packet){.data = rooms[i], .capacity = 32, .length = 32, .path = {.remote = d->f.at}};
        ck_assert_uint_eq(vpn_wg_recv_begin(d->a->wg, &packets[i], 1, node_now(d->a)), 1);
        vpn_wg_crypt(d->a->wg->scratch, &packets[i], 1);
    }
    vpn_wg_end(d->a->wg, &packets[0], 1, node_now(d->a));
    ck_assert_uint_eq(packets[0].verdict, VPN_DONE);
    vpn_time armed = d->net->now;
    duel_send(d);
    net_run(d->net, SECONDS(14));
    vpn_wg_end(d->a->wg, &packets[1], 1, node_now(d->a));
    ck_assert_uint_eq(packets[1].reason, VPN_REASON_REPLAY);
    net_run(d->net, SECONDS(1) + JITTER);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    duel_between(sent_at(d, 0) - armed, SECONDS(15), SECONDS(15) + JITTER - 1);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/13-14");
    test_add(s, "13 stop", pitfall_13_retries_stop);
    test_loop(s, "13 anew", pitfall_13_attempts_start_anew_inside_the_gap, 8);
    test_add(s, "13 unproved", pitfall_13_nothing_unproved_stops_or_prolongs_retries);
    test_loop(s, "13 answered", pitfall_13_an_answer_stops_retries, 4);
    test_loop(s, "13 persistent", pitfall_13_persistent_keepalive_goes_on, 2);
    test_add(s, "14 unheard", pitfall_14_unheard_for_15_s);
    test_add(s, "14 given up", pitfall_14_unheard_is_retried_and_given_up);
    test_loop(s, "14 keepalives", pitfall_14_keepalives_do_not_arm, EMPTIES);
    test_loop(s, "14 cancelled", pitfall_14_anything_authentic_cancels, HEARD);
    test_add(s, "14 not cancelled", pitfall_14_forgeries_and_replays_do_not_cancel);
    test_add(s, "14 phases", pitfall_14_a_replay_between_the_phases_does_not_cancel);
    return s;
}

TEST_MAIN(suite)
