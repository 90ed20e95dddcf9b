/* SPDX-License-Identifier: ISC */
/* The responder started the rekey, so that both sides did at once; or the initiator did only when it sent, so that one that
 * just listens lost its session. Whitepaper section 6.2. */
#include "scenario/duel.h"

#define HOUR SECONDS(3600)

static uint32_t is_initiator(const struct node *node, vpn_peer_id id)
{
    return node_peer_stats(node, id).initiator;
}

/* Initiations since the session was made. */
static size_t rekeys(const struct duel *d)
{
    return duel_sent(d, 1, d->born + 1);
}

static void make(struct duel *d, int initiator)
{
    net_run(d->net, SECONDS(6));
    if (initiator)
        duel_from_node(d);
    else
        duel_from_forger(d);
}

enum sending { PACKET, PASSIVE, PERSISTENT, SENDINGS };

/* Lets a message of a kind go out when the session is `age` old, and none for the 15 s before. */
static void send_at(struct duel *d, enum sending kind, vpn_time age)
{
    vpn_wg_peer change = {.keepalive = 60};
    size_t before;
    switch (kind) {
    case PACKET:
        duel_at(d, age);
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        break;
    case PASSIVE:
        duel_at(d, age - SECONDS(10));
        ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
        before = duel_sent(d, NET_KEEPALIVE, 0);
        duel_at(d, age);
        ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), before + 1);
        break;
    case PERSISTENT:
        duel_at(d, age - SECONDS(60));
        node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
        before = duel_sent(d, NET_KEEPALIVE, 0);
        duel_at(d, age);
        ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), before + 2); /* one at once */
        break;
    case SENDINGS:
        break;
    }
    net_run(d->net, 0);
}

/* From 120 s on, when it sends anything, the initiator; a nanosecond before, nobody. */
START_TEST(pitfall_15_rekey_on_send_by_the_initiator)
{
    enum sending kind = (enum sending)(_i / 2);
    int early = _i % 2;
    struct duel *d = duel_new(150 + (uint64_t)_i, NULL);
    make(d, 1);
    send_at(d, kind, SECONDS(120) - (vpn_time)early);
    ck_assert_uint_eq(rekeys(d), early ? 0 : 1);
    if (!early) {
        ck_assert_uint_eq(net_log_last(d->net, 0, 1)->sent, d->born + SECONDS(120));
        duel_respond(d);
        ck_assert_uint_eq(is_initiator(d->a, d->id), 1);
        duel_keepalive(d);
        duel_at(d, SECONDS(100)); /* of the new one */
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        ck_assert_uint_eq(rekeys(d), 0);
    }
    duel_free(d);
}
END_TEST

/* Age alone does nothing. */
START_TEST(pitfall_15_a_silent_pair_does_not_rekey)
{
    struct duel *d = duel_new(156 + (uint64_t)_i, NULL);
    make(d, _i);
    net_run(d->net, HOUR);
    ck_assert_uint_eq(rekeys(d), 0);
    duel_free(d);
}
END_TEST

/* The responder sends and receives all it wants until the key is of no use; then it asks like anybody, and is the initiator of
 * what comes of it. */
START_TEST(pitfall_15_the_responder_never_rekeys)
{
    struct duel *d = duel_new(158, NULL);
    vpn_wg_peer change = {.keepalive = 13};
    make(d, 0);
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    for (int i = 1; i < 180 * 4; i++) {
        duel_at(d, MILLIS(250) * (vpn_time)i);
        if (i % 100 < 40) /* in the rest there are passive and persistent keepalives */
            ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        ck_assert_uint_eq((i % 2 ? duel_keepalive(d) : duel_data(d)).reason, 0);
    }
    duel_at(d, SECONDS(180) - 1);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    ck_assert_uint_gt(duel_sent(d, NET_KEEPALIVE, 0), 5);
    net_run(d->net, 0);
    ck_assert_uint_eq(rekeys(d), 0);
    duel_at(d, SECONDS(180));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, 0);
    ck_assert_uint_eq(rekeys(d), 1);
    duel_respond(d);
    ck_assert_uint_eq(is_initiator(d->a, d->id), 1);
    duel_keepalive(d);
    duel_at(d, SECONDS(120));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    net_run(d->net, 0);
    ck_assert_uint_eq(rekeys(d), 1);
    duel_free(d);
}
END_TEST

/* An initiator that only listens asks at 165 s. That is once for each key: what comes later leaves the retries as they are. */
START_TEST(pitfall_15_rekey_on_receive_once_for_each_key)
{
    struct duel *d = duel_new(159, NULL);
    make(d, 1);
    for (int key = 0; key < 5; key++) {
        for (int i = 1; i <= 150; i += 10) {
            duel_at(d, SECONDS(i));
            duel_keepalive(d);
        }
        duel_at(d, SECONDS(165) - 1);
        duel_keepalive(d);
        net_run(d->net, 0);
        ck_assert_uint_eq(rekeys(d), 0);
        duel_at(d, SECONDS(165));
        (void)(key % 2 ? duel_keepalive(d) : duel_data(d));
        net_run(d->net, 0);
        ck_assert_uint_eq(rekeys(d), 1);
        ck_assert_uint_eq(net_log_last(d->net, 0, 1)->sent, d->born + SECONDS(165));
        while (rekeys(d) < 2)
            net_run_until(d->net, vpn_wg_deadline(d->a->wg));
        for (int i = 0; i < 8; i++) {
            duel_keepalive(d);
            net_run(d->net, MILLIS(500));
            ck_assert_uint_eq(rekeys(d), 2);
            ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 2); /* not begun anew */
        }
        duel_respond(d);
        ck_assert_uint_eq(is_initiator(d->a, d->id), 1);
    }
    duel_free(d);
}
END_TEST

/* It is the age of the present key that counts, whichever key carries the packet. */
START_TEST(pitfall_15_rekey_on_receive_looks_at_the_present_key)
{
    struct duel *d = duel_new(160, NULL);
    uint8_t message[32];
    make(d, 1);
    struct forger old = d->f;
    vpn_time born = d->born;
    make(d, _i); /* 6 s younger, in either role */
    net_run_until(d->net, born + SECONDS(165));
    forge_data(&old, message, 10, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &old.at, message, 32).verdict, VPN_DONE);
    net_run(d->net, 0);
    ck_assert_uint_eq(rekeys(d), 0);
    duel_at(d, SECONDS(165));
    forge_data(&old, message, 11, NULL, 0);
    ck_assert_uint_eq(node_feed(d->a, &old.at, message, 32).verdict, VPN_DONE);
    net_run(d->net, 0);
    ck_assert_uint_eq(rekeys(d), _i ? 1 : 0);
    duel_free(d);
}
END_TEST

static void talk(struct net *net, struct node *from, struct node *to, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        ck_assert_uint_eq(node_send(from, to, 20).verdict, VPN_TO_NET);
        net_run(net, SECONDS(1));
    }
}

/* Two devices for hours: one initiation in 120 s, or in 165 s when the initiator has nothing to say and its keepalives come
 * earlier than that; all by the initiator. After a silence the other one begins, and now they are all its own. */
START_TEST(pitfall_15_two_devices_for_hours)
{
    struct net *net = net_pair(161 + (uint64_t)_i);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    for (int part = 0; part < 2; part++) {
        struct node *initiator = part ? b : a, *responder = part ? a : b;
        vpn_time since = net->now;
        if (_i)
            talk(net, responder, initiator, 3600);
        else
            talk(net, initiator, responder, 3600);
        size_t n = net_logged(net, initiator->number, 1, since);
        duel_between(n, 27, 30);
        ck_assert_uint_eq(net_logged(net, initiator->number, 2, since), 0);
        ck_assert_uint_eq(net_logged(net, responder->number, 1, since), 0);
        ck_assert_uint_eq(net_logged(net, responder->number, 2, since), n);
        ck_assert_uint_eq(is_initiator(initiator, initiator->peers[responder->number]), 1);
        ck_assert_uint_eq(is_initiator(responder, responder->peers[initiator->number]), 0);
        net_run(net, SECONDS(300));
        node_send(responder, initiator, 20);
        net_run(net, SECONDS(1));
        ck_assert_uint_eq(is_initiator(responder, responder->peers[initiator->number]), 1);
    }
    ck_assert_uint_eq(a->delivered + b->delivered, 1 + 2 * 3600 + 2);
    net_free(net);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/15");
    test_loop(s, "15 on send", pitfall_15_rekey_on_send_by_the_initiator, 2 * SENDINGS);
    test_loop(s, "15 silence", pitfall_15_a_silent_pair_does_not_rekey, 2);
    test_add(s, "15 responder", pitfall_15_the_responder_never_rekeys);
    test_add(s, "15 on receive", pitfall_15_rekey_on_receive_once_for_each_key);
    test_loop(s, "15 present key", pitfall_15_rekey_on_receive_looks_at_the_present_key, 2);
    test_loop(s, "15 hours", pitfall_15_two_devices_for_hours, 2);
    return s;
}

TEST_MAIN(suite)
