/* SPDX-License-Identifier: ISC */
/* The life of peers: ids, expiry, many of them, what the device tells of them, and that nothing stays behind. */
#include "scenario/duel.h"

/* A temporary peer goes by itself, exactly in time, with an event, its prefixes and its keys. */
START_TEST(expiry)
{
    struct duel *d = duel_new(1, NULL);
    vpn_wg_peer change = {.expires = SECONDS(1000)};
    node_set(d->a, d->id, &change, VPN_WG_SET_EXPIRES);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), SECONDS(1000));
    change.expires = SECONDS(50);
    node_set(d->a, d->id, &change, VPN_WG_SET_EXPIRES);
    vpn_wg_peer got = {.size = sizeof got};
    ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, d->id, &got), 0);
    ck_assert_uint_eq(got.expires, SECONDS(50));
    if (_i)
        duel_from_forger(d);
    net_run_until(d->net, SECONDS(50) - 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_PEER_EXPIRED), 0);
    ck_assert_uint_eq(node_stats(d->a).peers, 1);
    net_run_until(d->net, SECONDS(50));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_PEER_EXPIRED), 1);
    const vpn_wg_event_info *event = node_event_last(d->a, VPN_WG_PEER_EXPIRED);
    ck_assert_uint_eq(event->peer, d->id);
    ck_assert_uint_eq(event->time, SECONDS(50));
    ck_assert_mem_eq(event->public_key, d->f.public_key, 32);
    ck_assert_uint_eq(node_stats(d->a).peers, 0);
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    ck_assert(!_i || !node_holds(d->a, d->f.send));
    ck_assert_uint_eq(duel_send(d).reason, VPN_REASON_NO_ROUTE);
    ck_assert_uint_eq(vpn_wg_peer_find(d->a->wg, d->f.public_key), 0);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
    ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), VPN_ENOENT);
    duel_free(d);
}
END_TEST

/* An expiry that is taken back, and one that has passed when it is set. */
START_TEST(expiry_changes)
{
    struct duel *d = duel_new(2, NULL);
    vpn_wg_peer change = {.expires = SECONDS(50)};
    node_set(d->a, d->id, &change, VPN_WG_SET_EXPIRES);
    change.expires = VPN_NEVER;
    node_set(d->a, d->id, &change, VPN_WG_SET_EXPIRES);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), VPN_NEVER);
    net_run(d->net, SECONDS(100));
    change.expires = SECONDS(50);
    node_set(d->a, d->id, &change, VPN_WG_SET_EXPIRES);
    net_run(d->net, 0);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_PEER_EXPIRED), 1);
    duel_free(d);
}
END_TEST

/* Every call with an id of the past. */
static void expect_dead(struct node *a, vpn_peer_id id)
{
    vpn_wg_peer peer = {.size = sizeof peer};
    vpn_wg_peer_stats stats = {.size = sizeof stats};
    vpn_prefix prefix = {.family = 4, .bits = 8};
    uint64_t cursor = 0;
    ck_assert_int_eq(vpn_wg_peer_set(a->wg, id, &peer, 0), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_peer_get(a->wg, id, &peer), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_peer_get_stats(a->wg, id, &stats, 0), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_peer_remove(a->wg, id), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_allow(a->wg, id, &prefix), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_disallow(a->wg, id, &prefix), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_disallow(a->wg, id, NULL), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_allowed(a->wg, id, &cursor, &prefix), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_handshake(a->wg, id, 0), VPN_ENOENT);
}

/* Ids are never used twice, and a walk over the peers sees those that are there, whatever was removed. */
START_TEST(generations)
{
    struct net *net = net_new(3);
    struct node *a = net_node(net, NULL);
    static vpn_peer_id live[64], dead[4096];
    size_t dead_count = 0, live_count = 0;
    struct forger f;
    uint64_t seed = 1;
    const uint8_t inner4[4] = {10, 5, 5, 5};
    for (int turn = 0; turn < 1500; turn++) {
        if (live_count < 40 && test_below(&seed, 2)) {
            forge_new(&f, 100 + (uint64_t)turn, 1);
            live[live_count++] = duel_add(a, &f, inner4);
        } else if (live_count > 0) {
            size_t i = test_below(&seed, live_count);
            ck_assert_int_eq(vpn_wg_peer_remove(a->wg, live[i]), 0);
            dead[dead_count++] = live[i];
            live[i] = live[--live_count];
        }
        size_t seen = 0;
        for (vpn_peer_id id = vpn_wg_peer_next(a->wg, 0); id != 0; id = vpn_wg_peer_next(a->wg, id), seen++) {
            size_t i = 0;
            while (i < live_count && live[i] != id)
                i++;
            ck_assert_uint_lt(i, live_count);
        }
        ck_assert_uint_eq(seen, live_count);
        ck_assert_uint_eq(node_stats(a).peers, live_count);
    }
    for (size_t i = 0; i < dead_count; i++) {
        expect_dead(a, dead[i]);
        for (size_t k = 0; k < i && i < 200; k++)
            ck_assert_uint_ne(dead[i], dead[k]);
    }
    for (uint32_t slot = 0; slot < 100; slot++)
        for (uint64_t generation = 0; generation < 3; generation++)
            if (vpn_wg_peer_get(a->wg, generation << 32 | slot, &(vpn_wg_peer){.size = sizeof(vpn_wg_peer)}) == 0)
                for (size_t i = 0, found = 0; i <= live_count && !found; i++) {
                    ck_assert_uint_lt(i, live_count);
                    found = live[i] == (generation << 32 | slot);
                }
    expect_dead(a, UINT64_MAX);
    expect_dead(a, 0);
    /* A walk that removes what it stands on. */
    vpn_peer_id id = vpn_wg_peer_next(a->wg, 0);
    while (id != 0) {
        ck_assert_int_eq(vpn_wg_peer_remove(a->wg, id), 0);
        id = vpn_wg_peer_next(a->wg, id);
    }
    ck_assert_uint_eq(node_stats(a).peers, 0);
    net_free(net);
}
END_TEST

/* What peer_add refuses, and that it then changes nothing. */
START_TEST(refusals)
{
    vpn_wg_config config = {.max_peers = 2};
    struct duel *d = duel_new(4, &config);
    vpn_wg_peer peer = {.size = sizeof peer};
    vpn_peer_id id;
    memcpy(peer.public_key, d->f.public_key, 32);
    struct snapshot before = node_snapshot(d->a, d->id);
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_EEXIST);
    ck_assert_uint_eq(id, d->id);
    peer.public_key[5] ^= 1;
    peer.set = 0x100;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_EINVAL);
    peer.set = VPN_WG_SET_POLICY;
    peer.policy = 3;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_EINVAL);
    ck_assert_int_eq(vpn_wg_peer_set(d->a->wg, d->id, &peer, 0), VPN_EINVAL);
    peer.set = VPN_WG_SET_PADDING;
    peer.policy = 0;
    peer.padding = 2;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_EINVAL);
    peer.set = VPN_WG_SET_ENDPOINT;
    peer.padding = 0;
    peer.endpoint.family = 5;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_EINVAL);
    peer.set = 0;
    peer.endpoint.family = 0;
    peer.size = 0;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_EINVAL);
    node_unmoved(d->a, d->id, &before, 0, 0);
    struct {
        vpn_wg_peer peer;
        uint8_t tail[8];
    } longer = {.peer = peer};
    longer.peer.size = sizeof longer;
    longer.tail[7] = 1;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &longer.peer, &id, 0), VPN_EINVAL);
    longer.tail[7] = 0;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &longer.peer, &id, 0), 0);
    peer.size = sizeof peer;
    peer.public_key[5] ^= 2;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, 0), VPN_ELIMIT);
    duel_free(d);
}
END_TEST

/* All settings come back as they were given. */
START_TEST(settings)
{
    struct duel *d = duel_new(5, NULL);
    vpn_wg_peer give = {.keepalive = 77, .policy = VPN_WG_ASK, .padding = VPN_WG_PAD_MTU, .queue = 5},
                got = {.size = sizeof got};
    give.endpoint = (vpn_endpoint){.family = 6, .port = 9, .scope = 2, .addr = {0xfe, 0x80, [15] = 2}};
    give.expires = SECONDS(7777);
    memset(give.preshared_key, 8, 32);
    forge_stamp(give.stamp, 9999, 0);
    node_set(d->a, d->id, &give, 0xff);
    ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, d->id, &got), 0);
    ck_assert_uint_eq(got.set, 0xff);
    ck_assert_mem_eq(got.public_key, d->f.public_key, 32);
    ck_assert_mem_eq(got.preshared_key, give.preshared_key, 32);
    ck_assert_mem_eq(&got.endpoint, &give.endpoint, sizeof give.endpoint);
    ck_assert_mem_eq(got.stamp, give.stamp, 12);
    ck_assert(got.keepalive == 77 && got.policy == VPN_WG_ASK && got.padding == VPN_WG_PAD_MTU && got.queue == 5);
    ck_assert_uint_eq(got.expires, give.expires);
    give.queue = 0;
    node_set(d->a, d->id, &give, VPN_WG_SET_QUEUE);
    ck_assert_uint_eq(duel_send(d).reason, VPN_REASON_NO_SESSION);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    /* Nothing waits, so an empty message confirms. */
    memcpy(d->f.psk, give.preshared_key, 32);
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
    give.queue = 3;
    node_set(d->a, d->id, &give, VPN_WG_SET_QUEUE);
    vpn_wg_suspend(d->a->wg);
    vpn_wg_resume(d->a->wg, node_now(d->a));
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(duel_send(d).queue, 3);
    ck_assert_uint_eq(vpn_queue_count(d->a->queue, d->id), 3);
    duel_free(d);
}
END_TEST

/* Never means never: nothing is told that did not happen. */
START_TEST(honest_statistics)
{
    struct net *net = net_pair(6);
    struct node *a = net->nodes[0];
    net->now = SECONDS(100000);
    vpn_wg_peer change = {0};
    node_set(a, a->peers[1], &change, VPN_WG_SET_ENDPOINT);
    vpn_wg_peer_stats s = node_peer_stats(a, a->peers[1]);
    ck_assert_uint_eq(s.last_handshake, VPN_NEVER);
    ck_assert_uint_eq(s.session_born, VPN_NEVER);
    ck_assert_uint_eq(s.last_received, VPN_NEVER);
    ck_assert_uint_eq(s.last_handshake_wall.seconds, 0);
    ck_assert_uint_eq(s.last_handshake_wall.nanoseconds, 0);
    ck_assert_uint_eq(s.state, VPN_WG_IDLE);
    ck_assert_uint_eq(s.path.remote.family, 0);
    ck_assert_uint_eq(s.rx_bytes + s.tx_bytes + s.rx_packets + s.tx_packets + s.handshakes + s.attempts, 0);
    change.endpoint = net->nodes[1]->at;
    node_set(a, a->peers[1], &change, VPN_WG_SET_ENDPOINT);
    net_up(net);
    s = node_peer_stats(a, a->peers[1]);
    ck_assert_uint_eq(s.last_handshake, SECONDS(100000) + MILLIS(20));
    ck_assert_uint_eq(s.last_handshake_wall.seconds, 1700100000);
    s.size = 1;
    ck_assert_int_eq(vpn_wg_peer_get_stats(a->wg, a->peers[1], &s, 0), VPN_EINVAL);
    vpn_wg_stats all = {.size = 1};
    ck_assert_int_eq(vpn_wg_get_stats(a->wg, &all), VPN_EINVAL);
    net_free(net);
}
END_TEST

/* A thousand peers: prefixes, handshakes and deadlines do not mix, and all memory comes back. */
START_TEST(thousand_peers)
{
    struct net *net = net_new(7);
    struct node *a = net_node(net, NULL);
    static struct forger f[1000];
    static vpn_peer_id ids[1000];
    uint8_t inner[64] = {0}, message[148], stamp[12];
    net->delay = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const uint8_t inner4[4] = {10, 7, (uint8_t)(i >> 8), (uint8_t)i};
        forge_new(&f[i], 10000 + i, 1);
        f[i].at.port = (uint16_t)(2000 + i);
        ids[i] = duel_add(a, &f[i], inner4);
        ck_assert_uint_eq(vpn_wg_peer_find(a->wg, f[i].public_key), ids[i]);
    }
    for (uint32_t i = 0; i < 1000; i += 5) {
        const uint8_t inner4[4] = {10, 7, (uint8_t)(i >> 8), (uint8_t)i};
        forge_stamp(stamp, 1, 0);
        forge_initiation(&f[i], message, a->public_key, stamp);
        vpn_packet packet = node_feed(a, &f[i].at, message, 148);
        ck_assert_int_eq(forge_read_response(&f[i], packet.data), 0);
        net_inner(net, inner, 4, inner4, a->inner4, 40, 0);
        packet = node_feed(a, &f[i].at, message, forge_data(&f[i], message, 0, inner, 48));
        ck_assert_uint_eq(packet.verdict, VPN_TO_TUN);
        ck_assert_uint_eq(packet.peer, ids[i]);
        net_run(net, MILLIS(1));
    }
    ck_assert_uint_eq(node_stats(a).sessions, 200);
    net_run(net, SECONDS(11));
    ck_assert_uint_eq(net_logged(net, 0, NET_KEEPALIVE, 0), 200);
    for (size_t i = 0; i < 200; i++) {
        const struct datagram *sent = net_log_at(net, 0, NET_KEEPALIVE, i);
        ck_assert_uint_eq(sent->sent, SECONDS(10) + MILLIS(i));
        ck_assert_uint_eq(sent->path.remote.port, 2000 + i * 5);
    }
    for (uint32_t i = 0; i < 1000; i += 2)
        ck_assert_int_eq(vpn_wg_peer_remove(a->wg, ids[i]), 0);
    ck_assert_uint_eq(node_stats(a).sessions, 100);
    net_run(net, SECONDS(1000));
    ck_assert_uint_eq(node_stats(a).sessions, 0);
    ck_assert_uint_eq(vpn_wg_deadline(a->wg), VPN_NEVER);
    net_free(net);
}
END_TEST

/* Indices are drawn from randomness, not counted, and none is in use twice. */
START_TEST(indices)
{
    struct duel *d = duel_new(8, NULL);
    static uint32_t seen[400];
    size_t ones[32] = {0};
    for (int i = 0; i < 400; i++) {
        vpn_packet packet = duel_initiate(d);
        ck_assert_uint_eq(packet.length, 92);
        seen[i] = forge_le32(packet.data + 4);
        for (int k = 0; k < i; k++)
            ck_assert_uint_ne(seen[i], seen[k]);
        for (int bit = 0; bit < 32; bit++)
            ones[bit] += seen[i] >> bit & 1;
        net_run(d->net, MILLIS(20));
    }
    for (int bit = 0; bit < 32; bit++)
        duel_between(ones[bit], 140, 260);
    duel_free(d);
}
END_TEST

/* Secrets do not outlive what they belong to. */
START_TEST(wiped)
{
    struct duel *d = duel_new(9, NULL);
    vpn_wg_peer change = {0};
    uint8_t other[32], ss[32], key[32];
    forge_bytes(&d->f, change.preshared_key, 32);
    memcpy(d->f.psk, change.preshared_key, 32);
    node_set(d->a, d->id, &change, VPN_WG_SET_PRESHARED);
    duel_from_forger(d);
    ck_assert_int_eq(vpn_x25519(ss, d->f.private_key, d->a->public_key), 0);
    node_secret(d->a, change.preshared_key);
    node_secret(d->a, d->f.send);
    node_secret(d->a, d->f.receive);
    node_secret(d->a, ss);
    ck_assert(node_holds(d->a, change.preshared_key) && node_holds(d->a, d->f.send) &&
              node_holds(d->a, d->a->private_key));
    memcpy(key, d->f.send, 32);
    ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), 0);
    ck_assert(!node_holds(d->a, change.preshared_key) && !node_holds(d->a, d->f.send) &&
              !node_holds(d->a, d->f.receive));
    ck_assert(!node_holds(d->a, ss));
    memset(other, 3, 32);
    vpn_wg_set_private_key(d->a->wg, other, 0);
    ck_assert(!node_holds(d->a, d->a->private_key));
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/peers");
    TCase *both = tcase_create("expiry");
    tcase_add_loop_test(both, expiry, 0, 2);
    suite_add_tcase(s, both);
    test_add(s, "expiry changes", expiry_changes);
    test_add(s, "generations", generations);
    test_add(s, "refusals", refusals);
    test_add(s, "settings", settings);
    test_add(s, "honest statistics", honest_statistics);
    test_add(s, "thousand peers", thousand_peers);
    test_add(s, "indices", indices);
    test_add(s, "wiped", wiped);
    return s;
}

TEST_MAIN(suite)
