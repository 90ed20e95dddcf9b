/* SPDX-License-Identifier: ISC */
/* Where messages go, and what moves that: whitepaper section 2.1 (endpoints and roaming), sleep, and clocks that jump. */
#include "scenario/duel.h"

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};
static const vpn_endpoint elsewhere6 = {.family = 6, .port = 4243, .scope = 5, .addr = {0xfe, 0x80, [15] = 9}};

enum vehicle { DATA, KEEPALIVE, INITIATION, RESPONSE };

/* An authentic message of a kind from an address. */
static vpn_packet authentic(struct duel *d, enum vehicle vehicle, const vpn_endpoint *from)
{
    vpn_endpoint home = d->f.at;
    vpn_packet packet = {0};
    d->f.at = *from;
    switch (vehicle) {
    case DATA:
        packet = duel_data(d);
        break;
    case KEEPALIVE:
        packet = duel_keepalive(d);
        break;
    case INITIATION:
        packet = duel_initiate(d);
        break;
    case RESPONSE:
        net_run(d->net, SECONDS(6));
        vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
        net_run(d->net, 0);
        packet = duel_respond(d);
        break;
    }
    d->f.at = home;
    return packet;
}

static vpn_endpoint endpoint_of(struct duel *d)
{
    return node_peer_stats(d->a, d->id).path.remote;
}

static void expect_endpoint(struct duel *d, const vpn_endpoint *want)
{
    vpn_endpoint have = endpoint_of(d);
    ck_assert(net_endpoint_equal(&have, want));
    ck_assert_uint_eq(have.scope, want->scope);
    vpn_wg_peer got = {.size = sizeof got};
    ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, d->id, &got), 0);
    ck_assert(net_endpoint_equal(&got.endpoint, want));
}

/* 2.1: the endpoint is where the last authentic message came from, and the next one goes there, also into the other family. */
START_TEST(learn)
{
    struct duel *d = duel_new(1, NULL);
    const vpn_endpoint *to = _i % 2 ? &elsewhere6 : &elsewhere;
    duel_from_forger(d);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED), 0);
    vpn_packet packet = authentic(d, (enum vehicle)(_i / 2), to);
    ck_assert_uint_ne(packet.verdict, VPN_DROP);
    if (packet.verdict == VPN_TO_NET)
        ck_assert(net_endpoint_equal(&packet.path.remote, to));
    expect_endpoint(d, to);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED), 1);
    const vpn_wg_event_info *event = node_event_last(d->a, VPN_WG_ROAMED);
    ck_assert(net_endpoint_equal(&event->path.remote, to));
    ck_assert_uint_eq(event->peer, d->id);
    ck_assert_mem_eq(event->public_key, d->f.public_key, 32);
    duel_send(d);
    ck_assert(net_endpoint_equal(&net_log_last(d->net, 0, 0)->path.remote, to));
    authentic(d, (enum vehicle)(_i / 2 == INITIATION ? RESPONSE : _i / 2), to);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED), 1);
    duel_free(d);
}
END_TEST

/* Pinned: nothing moves it, and replies go to it. */
START_TEST(pin)
{
    struct duel *d = duel_new(2, NULL);
    vpn_wg_peer change = {.policy = VPN_WG_PIN};
    node_set(d->a, d->id, &change, VPN_WG_SET_POLICY);
    duel_from_forger(d);
    net_run(d->net, SECONDS(1));
    vpn_packet packet = authentic(d, (enum vehicle)_i, &elsewhere);
    ck_assert_uint_ne(packet.verdict, VPN_DROP);
    if (packet.verdict == VPN_TO_NET)
        ck_assert(net_endpoint_equal(&packet.path.remote, &d->f.at));
    expect_endpoint(d, &d->f.at);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED) + node_events(d->a, VPN_WG_ROAM_ASKED), 0);
    duel_free(d);
}
END_TEST

/* Ask: the host is told and may set it. */
START_TEST(ask)
{
    struct duel *d = duel_new(3, NULL);
    vpn_wg_peer change = {.policy = VPN_WG_ASK};
    node_set(d->a, d->id, &change, VPN_WG_SET_POLICY);
    duel_from_forger(d);
    net_run(d->net, SECONDS(1));
    vpn_packet packet = authentic(d, (enum vehicle)_i, &elsewhere);
    ck_assert_uint_ne(packet.verdict, VPN_DROP);
    if (packet.verdict == VPN_TO_NET)
        ck_assert(net_endpoint_equal(&packet.path.remote, &d->f.at));
    expect_endpoint(d, &d->f.at);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED), 0);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAM_ASKED), 1);
    change.endpoint = node_event_last(d->a, VPN_WG_ROAM_ASKED)->path.remote;
    ck_assert(net_endpoint_equal(&change.endpoint, &elsewhere));
    node_set(d->a, d->id, &change, VPN_WG_SET_ENDPOINT);
    expect_endpoint(d, &elsewhere);
    duel_free(d);
}
END_TEST

/* 2.1: only authentic and fresh messages move it. */
START_TEST(not_fooled)
{
    struct duel *d = duel_new(4, NULL);
    uint8_t initiation[148], response[92], stamp[12], message[64];
    duel_send(d);
    net_run(d->net, 0);
    /* A response with the right index and macs, and nothing behind them. */
    const struct datagram *sent = net_log_last(d->net, 0, 1);
    ck_assert_int_eq(forge_read_initiation(&d->f, sent->bytes, stamp), 0);
    struct snapshot before = node_snapshot(d->a, d->id);
    struct forger bogus = d->f;
    memset(bogus.psk, 1, 32);
    forge_response(&bogus, response);
    ck_assert_uint_eq(node_feed(d->a, &elsewhere, response, 92).reason, VPN_REASON_RESPONSE);
    node_unmoved(d->a, d->id, &before, VPN_REASON_RESPONSE, 1);
    forge_response(&d->f, response);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, response, 92).verdict, VPN_DONE);
    /* The same again, late. */
    before = node_snapshot(d->a, d->id);
    uint8_t reason = node_feed(d->a, &elsewhere, response, 92).reason;
    ck_assert(reason == VPN_REASON_STATE || reason == VPN_REASON_INDEX);
    node_unmoved(d->a, d->id, &before, reason, 1);
    /* An initiation that was seen before, and one that only names the key. */
    net_run(d->net, SECONDS(1));
    forge_stamp(stamp, 5, 0);
    forge_initiation(&d->f, initiation, d->a->public_key, stamp);
    struct forger old = d->f;
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, initiation, 148).length, 92);
    net_run(d->net, SECONDS(1));
    before = node_snapshot(d->a, d->id);
    node_feed(d->a, &elsewhere, initiation, 148);
    node_unmoved(d->a, d->id, &before, VPN_REASON_TIMESTAMP, 1);
    before = node_snapshot(d->a, d->id);
    forge_claim(&bogus, initiation, d->a->public_key, d->f.public_key);
    node_feed(d->a, &elsewhere, initiation, 148);
    node_unmoved(d->a, d->id, &before, VPN_REASON_HANDSHAKE, 1);
    /* Data for a session there is not. */
    old.remote_index ^= 1;
    before = node_snapshot(d->a, d->id);
    node_feed(d->a, &elsewhere, message, forge_data(&old, message, 9, NULL, 0));
    node_unmoved(d->a, d->id, &before, VPN_REASON_INDEX, 1);
    expect_endpoint(d, &d->f.at);
    duel_free(d);
}
END_TEST

/* A reply leaves from the address that was asked; it follows the last authentic packet and is forgotten with the network. */
START_TEST(sticky_source)
{
    struct duel *d = duel_new(5, NULL);
    uint8_t message[64];
    const uint8_t local[16] = {10, 11, 12, 13};
    d->net->sticky = 1;
    vpn_packet packet = duel_initiate(d);
    ck_assert_mem_eq(packet.path.local, d->a->at.addr, 16);
    ck_assert_uint_eq(packet.path.ifindex, 7);
    ck_assert_int_eq(forge_read_response(&d->f, packet.data), 0);
    duel_keepalive(d);
    duel_send(d);
    ck_assert_mem_eq(net_log_last(d->net, 0, 4)->path.local, d->a->at.addr, 16);
    vpn_packet other = {.data = message, .capacity = 64};
    other.length = forge_data(&d->f, message, d->f.counter++, NULL, 0);
    other.path.remote = d->f.at;
    memcpy(other.path.local, local, 16);
    other.path.ifindex = 9;
    vpn_wg_recv(d->a->wg, &other, 1, node_now(d->a));
    ck_assert_uint_eq(other.verdict, VPN_DONE);
    duel_send(d);
    ck_assert_mem_eq(net_log_last(d->net, 0, 4)->path.local, local, 16);
    ck_assert_uint_eq(net_log_last(d->net, 0, 4)->path.ifindex, 9);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED), 0);
    vpn_wg_network_changed(d->a->wg, node_now(d->a));
    duel_send(d);
    ck_assert(test_is_zero(net_log_last(d->net, 0, 4)->path.local, 16));
    ck_assert_uint_eq(net_log_last(d->net, 0, 4)->path.ifindex, 0);
    duel_free(d);
}
END_TEST

/* Peers with a session are told at once, by a keepalive, and get a new session as soon as the gap of 5 s allows. */
START_TEST(network_changed)
{
    struct duel *d = duel_new(6, NULL);
    struct forger g;
    const uint8_t inner4[4] = {10, 1, 0, 2}, inner4k[4] = {10, 1, 0, 3};
    forge_new(&g, 77, 2);
    duel_add(d->a, &g, inner4); /* neither session nor keepalive: nothing */
    duel_from_forger(d);
    duel_at(d, SECONDS(2));
    vpn_wg_network_changed(d->a->wg, node_now(d->a));
    ck_assert_uint_le(vpn_wg_deadline(d->a->wg), node_now(d->a));
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, d->born + SECONDS(2)), 1);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    duel_at(d, SECONDS(5) - 1);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 0);
    duel_at(d, SECONDS(5));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    duel_respond(d);
    /* A peer with a persistent keepalive and no session gets its handshake at once. */
    forge_new(&g, 78, 3);
    vpn_peer_id id = duel_add(d->a, &g, inner4k);
    vpn_wg_peer change = {.keepalive = 60};
    node_set(d->a, id, &change, VPN_WG_SET_KEEPALIVE);
    net_run(d->net, SECONDS(150));
    size_t before = duel_sent(d, 1, 0);
    vpn_time now = d->net->now;
    vpn_wg_network_changed(d->a->wg, now);
    net_run(d->net, SECONDS(5));
    size_t to_g = 0;
    for (size_t i = before; i < duel_sent(d, 1, 0); i++)
        to_g += (size_t)net_endpoint_equal(&net_log_at(d->net, 0, 1, i)->path.remote, &g.at);
    ck_assert_uint_ge(to_g, 1);
    duel_free(d);
}
END_TEST

/* Asleep, nothing is due and nothing passes, and no key is in memory; awake, who had a session gets one at once. */
START_TEST(suspend_and_resume)
{
    struct duel *d = duel_new(7, NULL);
    vpn_wg_peer change = {.keepalive = 25};
    if (_i)
        node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    duel_from_forger(d);
    node_secret(d->a, d->f.send);
    duel_at(d, SECONDS(1));
    vpn_wg_suspend(d->a->wg);
    ck_assert(!node_holds(d->a, d->f.send) && !node_holds(d->a, d->f.receive));
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
    ck_assert_uint_eq(duel_send(d).reason, VPN_REASON_SUSPENDED);
    ck_assert_uint_eq(duel_data(d).reason, VPN_REASON_SUSPENDED);
    ck_assert_uint_eq(duel_initiate(d).reason, VPN_REASON_SUSPENDED);
    uint8_t buffer[148];
    vpn_packet fresh = {.data = buffer, .capacity = 148};
    ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &fresh, 1, SECONDS(1000)), 0);
    size_t sent = duel_sent(d, 0, 0);
    net_run(d->net, SECONDS(7200));
    ck_assert_uint_eq(duel_sent(d, 0, 0), sent);
    vpn_wg_suspend(d->a->wg);
    vpn_wg_resume(d->a->wg, node_now(d->a));
    vpn_time woke = d->net->now;
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, woke), 1);
    duel_respond(d);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    vpn_wg_resume(d->a->wg, node_now(d->a)); /* awake already: nothing */
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    duel_free(d);
}
END_TEST

/* A packet that waits through a sleep is neither stranded nor lost. */
START_TEST(suspend_with_parked)
{
    struct net *net = net_pair(8);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    node_send(a, b, 8);
    vpn_wg_suspend(a->wg);
    net_run(net, SECONDS(1000));
    ck_assert_uint_eq(vpn_queue_count(a->queue, 0), 1);
    vpn_wg_resume(a->wg, node_now(a));
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(b->delivered, 1);
    net_free(net);
}
END_TEST

/* A peer that slept without a word: the clock of one side jumps ahead by hours. */
START_TEST(jump_ahead)
{
    struct net *net = net_pair(9);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    node_send(a, b, 8);
    net_run(net, MILLIS(50));
    a->skew += (int64_t)SECONDS(_i * 3600 + 1000);
    ck_assert_uint_eq(node_send(a, b, 8).verdict, VPN_WAIT);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(b->delivered, 3);
    ck_assert_uint_lt(a->ticks, 50);
    net_run(net, SECONDS(1000));
    ck_assert_uint_lt(a->ticks, 100);
    net_free(net);
}
END_TEST

/* vpn_time: a smaller time than before is harmless; nothing expires early, and what was due is not lost. */
START_TEST(step_back)
{
    struct duel *d = duel_new(10, NULL);
    const int64_t steps[] = {
        1, 1000, (int64_t)MILLIS(999), (int64_t)SECONDS(1), (int64_t)SECONDS(100), (int64_t)SECONDS(36000)};
    net_run(d->net, SECONDS(40000));
    duel_from_forger(d);
    duel_at(d, SECONDS(10));
    duel_data(d); /* a keepalive is due in 10 s */
    duel_at(d, SECONDS(11));
    d->a->skew -= steps[_i];
    duel_send(d);
    duel_data(d);
    vpn_time sent = d->net->now;
    net_run(d->net, SECONDS(25));
    duel_between(duel_sent(d, NET_KEEPALIVE, sent), 1, 2);
    duel_between(net_log_last(d->net, 0, 4)->sent - sent, SECONDS(10), SECONDS(21));
    /* The session lives for 180 s in all, give or take what no time passed for. */
    duel_at(d, SECONDS(179));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    duel_keepalive(d);
    duel_at(d, SECONDS(182));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    duel_respond(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    duel_free(d);
}
END_TEST

/* The same while initiations are sent again: none is lost, and none comes too soon. */
START_TEST(step_back_connecting)
{
    struct duel *d = duel_new(11, NULL);
    net_run(d->net, SECONDS(40000));
    duel_send(d);
    net_run(d->net, SECONDS(2));
    d->a->skew -= (int64_t)SECONDS(30000);
    duel_keepalive(d);
    net_run(d->net, SECONDS(6));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    /* The time since the call before the step cannot be known. */
    duel_between(net_log_last(d->net, 0, 1)->sent, SECONDS(40005), SECONDS(40008));
    d->a->skew += (int64_t)SECONDS(30000);
    net_run(d->net, SECONDS(1));
    duel_respond(d);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    duel_free(d);
}
END_TEST

/* The zero of the clock is the caller's choice, up to VPN_TIME_MAX. */
START_TEST(late_clock)
{
    struct net *net = net_pair(12);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net->now = VPN_TIME_MAX - SECONDS(3600);
    net_up(net);
    for (int i = 0; i < 3000; i++) {
        ck_assert_uint_eq(node_send(a, b, 8).verdict, VPN_TO_NET);
        net_run(net, SECONDS(1));
    }
    ck_assert_uint_eq(b->delivered, 3001);
    net_free(net);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/roaming");
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, learn, 0, 8);
    tcase_add_loop_test(loops, pin, 0, 4);
    tcase_add_loop_test(loops, ask, 0, 4);
    tcase_add_loop_test(loops, suspend_and_resume, 0, 2);
    tcase_add_loop_test(loops, jump_ahead, 0, 3);
    tcase_add_loop_test(loops, step_back, 0, 6);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    test_add(s, "not fooled", not_fooled);
    test_add(s, "sticky source", sticky_source);
    test_add(s, "network changed", network_changed);
    test_add(s, "suspend with parked", suspend_with_parked);
    test_add(s, "step back connecting", step_back_connecting);
    test_add(s, "late clock", late_clock);
    return s;
}

TEST_MAIN(suite)
