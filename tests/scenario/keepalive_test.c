/* SPDX-License-Identifier: ISC */
/* Keepalives and peers that are not heard, over virtual hours and to the nanosecond: whitepaper section 6.5. */
#include "scenario/duel.h"

#define JITTER MILLIS(333)

/* 6.5: data was sent and nothing came back for KEEPALIVE-TIMEOUT + REKEY-TIMEOUT: a new handshake. */
START_TEST(unheard)
{
    vpn_time least = VPN_NEVER, most = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct duel *d = duel_new(500 + seed, NULL);
        duel_from_forger(d);
        duel_at(d, SECONDS(20));
        duel_send(d);
        duel_at(d, SECONDS(25));
        duel_send(d);
        duel_at(d, SECONDS(34));
        duel_send(d);
        ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
        duel_at(d, SECONDS(36));
        ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
        vpn_time when = net_log_last(d->net, 0, 1)->sent - d->born;
        duel_between(when, SECONDS(35), SECONDS(35) + JITTER);
        least = when < least ? when : least;
        most = when > most ? when : most;
        duel_free(d);
    }
    ck_assert_msg(most - least > MILLIS(100), "no jitter");
}
END_TEST

/* 6.5: anything authentic that is received ends that wait; empty messages do not begin it. */
START_TEST(unheard_cancelled)
{
    struct duel *d = duel_new(5, NULL);
    duel_from_forger(d);
    duel_at(d, SECONDS(20));
    duel_send(d);
    duel_at(d, SECONDS(35) - 1);
    duel_keepalive(d);
    duel_at(d, SECONDS(60));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    duel_data(d);
    duel_at(d, SECONDS(70));
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 1);
    duel_at(d, SECONDS(170));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 1);
    duel_free(d);
}
END_TEST

/* A replay or a forgery is not heard. */
START_TEST(unheard_is_not_fooled)
{
    struct duel *d = duel_new(6, NULL);
    duel_from_forger(d);
    duel_at(d, SECONDS(20));
    duel_send(d);
    duel_at(d, SECONDS(30));
    ck_assert_uint_eq(duel_data_at(d, 0).reason, VPN_REASON_REPLAY);
    memset(d->f.send, 1, 32);
    ck_assert_uint_eq(duel_data_at(d, 99).reason, VPN_REASON_AUTH);
    duel_at(d, SECONDS(36));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 0);
    duel_free(d);
}
END_TEST

/* 6.5: a passive keepalive 10 s after data was received and nothing was sent, and another if more came meanwhile. */
START_TEST(passive_keepalive)
{
    struct duel *d = duel_new(7, NULL);
    duel_from_forger(d);
    duel_at(d, SECONDS(10));
    duel_data(d);
    duel_at(d, SECONDS(20) - 1);
    ck_assert_uint_eq(duel_sent(d, 4, 0), 0);
    duel_at(d, SECONDS(20));
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 1);
    duel_at(d, SECONDS(40));
    ck_assert_uint_eq(duel_sent(d, 4, 0), 1);
    duel_data(d);
    duel_at(d, SECONDS(43));
    duel_data(d);
    duel_at(d, SECONDS(49));
    duel_data(d);
    duel_at(d, SECONDS(60) - 1);
    ck_assert_uint_eq(duel_sent(d, 4, 0), 2);
    ck_assert_uint_eq(net_log_last(d->net, 0, 4)->sent, d->born + SECONDS(50));
    duel_at(d, SECONDS(60));
    ck_assert_uint_eq(duel_sent(d, 4, 0), 3);
    duel_at(d, SECONDS(80));
    ck_assert_uint_eq(duel_sent(d, 4, 0), 3);
    /* Anything that is sent takes its place. */
    duel_data(d);
    duel_at(d, SECONDS(85));
    duel_send(d);
    duel_keepalive(d);
    duel_at(d, SECONDS(110));
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 3);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    ck_assert_uint_eq(node_stats(d->a).keepalives_sent, 3);
    duel_free(d);
}
END_TEST

/* 6.5: keepalives do not answer keepalives; a pair with nothing to say falls silent, and its timers rest. */
START_TEST(silence)
{
    struct net *net = net_pair(8);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    node_send(b, a, 8);
    net_run(net, SECONDS(30));
    size_t sent = net->log.count;
    ck_assert_uint_le(net_logged(net, -1, NET_KEEPALIVE, 0), 2);
    net_run(net, SECONDS(4 * 3600));
    ck_assert_uint_eq(net->log.count, sent);
    ck_assert_uint_eq(vpn_wg_deadline(a->wg), VPN_NEVER);
    ck_assert_uint_eq(vpn_wg_deadline(b->wg), VPN_NEVER);
    ck_assert_uint_lt(a->ticks + b->ticks, 40);
    net_free(net);
}
END_TEST

/* 6.5, wg(8): a persistent keepalive goes out when nothing authentic went either way for its interval. */
START_TEST(persistent_keepalive)
{
    struct duel *d = duel_new(9, NULL);
    vpn_wg_peer change = {.keepalive = 25};
    duel_from_forger(d);
    duel_at(d, SECONDS(10));
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 1);
    ck_assert_uint_eq(net_log_last(d->net, 0, 4)->sent, d->born + SECONDS(10));
    duel_at(d, SECONDS(35) - 1);
    ck_assert_uint_eq(duel_sent(d, 4, 0), 1);
    duel_at(d, SECONDS(35));
    ck_assert_uint_eq(duel_sent(d, 4, 0), 2);
    duel_at(d, SECONDS(50));
    duel_keepalive(d);
    duel_at(d, SECONDS(75) - 1);
    ck_assert_uint_eq(duel_sent(d, 4, 0), 2);
    duel_at(d, SECONDS(75));
    ck_assert_uint_eq(duel_sent(d, 4, 0), 3);
    duel_at(d, SECONDS(80));
    duel_send(d);
    duel_keepalive(d);
    duel_at(d, SECONDS(105) - 1);
    ck_assert_uint_eq(duel_sent(d, 4, 0), 4);
    duel_at(d, SECONDS(105));
    ck_assert_uint_eq(duel_sent(d, 4, 0), 5);
    change.keepalive = 0;
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    duel_at(d, SECONDS(179));
    ck_assert_uint_eq(duel_sent(d, 0, 0), 1 + 5);
    duel_free(d);
}
END_TEST

/* With no session it starts a handshake, at once when it is turned on, and again after each giving up. */
START_TEST(persistent_without_session)
{
    struct duel *d = duel_new(10, NULL);
    vpn_wg_peer change = {.keepalive = 25};
    net_run(d->net, SECONDS(50));
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    net_run(d->net, SECONDS(115));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 20);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    vpn_time last = net_log_last(d->net, 0, 1)->sent;
    net_run_until(d->net, last + SECONDS(25) - 1);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 20);
    net_run_until(d->net, last + SECONDS(25));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 21);
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
    duel_at(d, SECONDS(25));
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, d->born + 1), 1);
    duel_free(d);
}
END_TEST

/* A short interval does not break the least gap of 5 s between initiations, and never lets it rest. */
START_TEST(persistent_short)
{
    struct duel *d = duel_new(11, NULL);
    vpn_wg_peer change = {.keepalive = 1};
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    net_run(d->net, SECONDS(1000));
    size_t n = duel_sent(d, 1, 0);
    ck_assert_uint_gt(n, 150);
    for (size_t i = 1; i < n; i++) {
        vpn_time gap = net_log_at(d->net, 0, 1, i)->sent - net_log_at(d->net, 0, 1, i - 1)->sent;
        duel_between(gap, SECONDS(5), SECONDS(7));
    }
    ck_assert_uint_lt(d->a->ticks, 3000);
    duel_free(d);
}
END_TEST

/* Giving up cancels the passive keepalive that is pending. */
START_TEST(give_up_cancels_keepalive)
{
    struct duel *d = duel_new(15, NULL);
    duel_from_forger(d);
    duel_at(d, SECONDS(5));
    vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
    net_run(d->net, 0);
    while (duel_sent(d, 1, 0) < 20)
        net_run(d->net, MILLIS(50));
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    net_run(d->net, SECONDS(30));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    ck_assert_uint_eq(duel_sent(d, 4, 0), 0);
    duel_free(d);
}
END_TEST

/* 6.4 and 6.5: a retransmission and an unheard peer both forget the local address that was cached. */
START_TEST(cached_source_is_forgotten)
{
    struct duel *d = duel_new(20, NULL);
    d->net->sticky = 1;
    duel_from_forger(d);
    duel_send(d);
    ck_assert_mem_eq(net_log_last(d->net, 0, 4)->path.local, d->a->at.addr, 16);
    ck_assert_uint_eq(net_log_last(d->net, 0, 4)->path.ifindex, 7);
    duel_at(d, SECONDS(16));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    ck_assert(test_is_zero(net_log_last(d->net, 0, 1)->path.local, 16));
    ck_assert_uint_eq(net_log_last(d->net, 0, 1)->path.ifindex, 0);
    duel_keepalive(d);
    duel_send(d);
    ck_assert_uint_eq(net_log_last(d->net, 0, 4)->path.ifindex, 7);
    duel_at(d, SECONDS(21));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    ck_assert_uint_eq(net_log_last(d->net, 0, 1)->path.ifindex, 0);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/keepalive");
    test_add(s, "unheard", unheard);
    test_add(s, "unheard cancelled", unheard_cancelled);
    test_add(s, "unheard is not fooled", unheard_is_not_fooled);
    test_add(s, "passive keepalive", passive_keepalive);
    test_add(s, "silence", silence);
    test_add(s, "persistent keepalive", persistent_keepalive);
    test_add(s, "persistent without session", persistent_without_session);
    test_add(s, "persistent short", persistent_short);
    test_add(s, "give up cancels keepalive", give_up_cancels_keepalive);
    test_add(s, "cached source is forgotten", cached_source_is_forgotten);
    return s;
}

TEST_MAIN(suite)
