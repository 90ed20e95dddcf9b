/* SPDX-License-Identifier: ISC */
/* How sessions come to be: WireGuard whitepaper, sections 5.1, 5.4.1 to 5.4.6 and 6.1. */
#include "common/points.h"
#include "scenario/net.h"

/* 5.1: the first packet makes the handshake, and is the first to pass. */
START_TEST(first_packet)
{
    struct net *net = net_pair(1);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    ck_assert_uint_eq(node_state(a, b), VPN_WG_IDLE);
    ck_assert_uint_eq(vpn_wg_deadline(a->wg), VPN_NEVER);
    vpn_packet packet = node_send(a, b, 100);
    ck_assert_uint_eq(packet.verdict, VPN_WAIT);
    ck_assert_uint_eq(packet.peer, a->peers[1]);
    ck_assert_uint_eq(packet.queue, VPN_WG_QUEUE_DEFAULT);
    ck_assert_uint_eq(packet.length, 128);
    ck_assert_uint_eq(node_state(a, b), VPN_WG_CONNECTING);
    ck_assert_uint_le(vpn_wg_deadline(a->wg), node_now(a));
    node_send6(a, b, 30);
    net_run(net, MILLIS(35));
    /* Queued data goes out instead of a keepalive, in its order. */
    ck_assert_uint_eq(net->log.count, 4);
    const uint8_t types[4] = {1, 2, 4, 4};
    const vpn_time times[4] = {0, MILLIS(10), MILLIS(20), MILLIS(20)};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(net->log.items[i].type, types[i]);
        ck_assert_uint_eq(net->log.items[i].sent, times[i]);
    }
    ck_assert_uint_eq(net->log.items[2].length, 128 + 32);
    ck_assert_uint_eq(net->log.items[3].length, 80 + 32);
    ck_assert_uint_eq(b->delivered, 2);
    ck_assert_uint_eq(b->last_peer, b->peers[0]);
    ck_assert_uint_eq(node_events(a, VPN_WG_UP), 1);
    ck_assert_uint_eq(node_events(b, VPN_WG_UP), 1);
    ck_assert_uint_eq(node_event_last(a, VPN_WG_UP)->time, MILLIS(20));
    ck_assert_uint_eq(node_event_last(a, VPN_WG_UP)->peer, a->peers[1]);
    ck_assert_mem_eq(node_event_last(a, VPN_WG_UP)->public_key, b->public_key, 32);
    ck_assert_uint_eq(node_event_last(b, VPN_WG_UP)->time, MILLIS(30));
    vpn_wg_peer_stats pa = node_peer_stats(a, a->peers[1]), pb = node_peer_stats(b, b->peers[0]);
    ck_assert_uint_eq(pa.initiator, 1);
    ck_assert_uint_eq(pb.initiator, 0);
    ck_assert_uint_eq(pa.state, VPN_WG_CONNECTED);
    ck_assert_uint_eq(pa.handshakes, 1);
    ck_assert_uint_eq(pa.last_handshake, MILLIS(20));
    ck_assert_uint_eq(pb.last_handshake, MILLIS(30));
    ck_assert_uint_eq(pa.last_handshake_wall.seconds, 1700000000);
    ck_assert_uint_eq(pa.session_born, MILLIS(20));
    ck_assert_uint_eq(pb.session_born, MILLIS(10));
    ck_assert_uint_eq(pa.tx_bytes, 148 + 160 + 112);
    ck_assert_uint_eq(pb.rx_bytes, 148 + 160 + 112);
    ck_assert_uint_eq(pa.rx_bytes, 92);
    ck_assert_uint_eq(pa.tx_packets, 2);
    ck_assert_uint_eq(pb.rx_packets, 2);
    vpn_wg_stats sa = node_stats(a), sb = node_stats(b);
    ck_assert_uint_eq(sa.initiations_sent, 1);
    ck_assert_uint_eq(sb.initiations_received, 1);
    ck_assert_uint_eq(sb.responses_sent, 1);
    ck_assert_uint_eq(sa.responses_received, 1);
    ck_assert_uint_eq(sa.tx_bytes, 160 + 112);
    ck_assert_uint_eq(sa.sessions, 1);
    ck_assert_uint_eq(sb.sessions, 1);
    net_free(net);
}
END_TEST

/* 6.5: with nothing to send, an empty message confirms the session to the responder. */
START_TEST(keepalive_confirms)
{
    struct net *net = net_pair(2);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    ck_assert_int_eq(vpn_wg_handshake(a->wg, a->peers[1], 0), 0);
    net_run(net, MILLIS(25));
    ck_assert_uint_ne(node_state(b, a), VPN_WG_CONNECTED);
    net_run(net, MILLIS(10));
    ck_assert_uint_eq(net->log.count, 3);
    ck_assert_uint_eq(net_logged(net, 0, NET_KEEPALIVE, 0), 1);
    ck_assert_uint_eq(node_state(b, a), VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_stats(a).keepalives_sent, 1);
    ck_assert_uint_eq(node_stats(b).keepalives_received, 1);
    ck_assert_uint_eq(b->delivered, 0);
    ck_assert_uint_eq(node_stats(b).rx_packets, 0);
    net_free(net);
}
END_TEST

static int lose_data_of_first(struct net *net, struct datagram *d)
{
    (void)net;
    return !(d->source == 0 && d->type == 4);
}

/* 5.1: the responder does not send under a new session before the initiator has. */
START_TEST(responder_waits)
{
    struct net *net = net_pair(3);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net->hook = lose_data_of_first;
    node_send(a, b, 8);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(node_events(b, VPN_WG_UP), 0);
    ck_assert_uint_ne(node_state(b, a), VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_send(b, a, 8).verdict, VPN_WAIT);
    net_run(net, SECONDS(2));
    ck_assert_uint_eq(net_logged(net, 1, 4, 0), 0);
    net->hook = NULL;
    node_send(a, b, 8);
    net_run(net, MILLIS(30));
    ck_assert_uint_eq(node_events(b, VPN_WG_UP), 1);
    ck_assert_uint_eq(a->delivered, 1);
    ck_assert_uint_eq(net_logged(net, 1, 1, 0), 0);
    net_free(net);
}
END_TEST

/* The same while an older session lives: the responder goes on under it, also with its counters. */
START_TEST(responder_keeps_current)
{
    struct net *net = net_pair(4);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    node_send(b, a, 8);
    uint32_t old = forge_le32(net_log_last(net, 1, 4)->bytes + 4);
    net_run_until(net, SECONDS(7));
    net->hook = lose_data_of_first;
    vpn_wg_handshake(a->wg, a->peers[1], node_now(a));
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(net_logged(net, 1, 2, 0), 2);
    uint32_t fresh = forge_le32(net_log_last(net, 0, 1)->bytes + 4);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(node_send(b, a, 8).verdict, VPN_TO_NET);
    ck_assert_uint_eq(forge_le32(net_log_last(net, 1, 4)->bytes + 4), old);
    net->hook = NULL;
    node_send(a, b, 8);
    net_run(net, MILLIS(20));
    node_send(b, a, 8);
    ck_assert_uint_eq(forge_le32(net_log_last(net, 1, 4)->bytes + 4), fresh);
    net_run(net, MILLIS(20));
    ck_assert_uint_eq(a->delivered, 7);
    ck_assert_uint_le(node_stats(a).sessions, 3);
    net_free(net);
}
END_TEST

/* Both begin at once: the initiations cross, and the jitter of the retransmission (6.1) settles it. */
START_TEST(crossing)
{
    struct net *net = net_pair((uint64_t)_i + 100);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    node_send(a, b, 8);
    node_send(b, a, 8);
    net_run(net, SECONDS(30));
    ck_assert_uint_eq(a->delivered, 1);
    ck_assert_uint_eq(b->delivered, 1);
    ck_assert_uint_eq(node_state(a, b), VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_state(b, a), VPN_WG_CONNECTED);
    net_free(net);
}
END_TEST

/* A link that loses, duplicates, reorders and corrupts keeps nobody from a session; net.c checks what arrives. */
START_TEST(bad_link)
{
    struct net *net = net_pair((uint64_t)_i + 200);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net->loss = net->duplicate = net->corrupt = 250;
    net->jitter = MILLIS(100);
    for (int i = 0; i < 120; i++) {
        node_send(a, b, 8 + (uint32_t)i);
        node_send6(b, a, 8 + (uint32_t)i);
        net_run(net, SECONDS(1));
    }
    ck_assert_uint_gt(a->delivered, 20);
    ck_assert_uint_gt(b->delivered, 20);
    ck_assert_uint_le(node_stats(a).sessions, 3);
    net_free(net);
}
END_TEST

/* 5.4.3: a response under another preshared key does not decrypt; a new key takes effect at the next handshake. */
START_TEST(wrong_psk)
{
    struct net *net = net_pair(5);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    vpn_wg_peer change = {0};
    memset(change.preshared_key, 7, 32);
    node_secret(a, change.preshared_key);
    node_secret(b, change.preshared_key);
    node_set(a, a->peers[1], &change, VPN_WG_SET_PRESHARED);
    node_send(a, b, 8);
    net_run(net, SECONDS(12));
    ck_assert_uint_eq(a->drops[VPN_REASON_RESPONSE], 3);
    ck_assert_uint_eq(node_state(a, b), VPN_WG_CONNECTING);
    ck_assert_uint_eq(node_stats(a).responses_received, 0);
    node_set(b, b->peers[0], &change, VPN_WG_SET_PRESHARED);
    net_run(net, SECONDS(6));
    ck_assert_uint_eq(b->delivered, 1);
    /* The session lives through another change; the handshake after it needs the same key on both sides. */
    memset(change.preshared_key, 9, 32);
    node_set(a, a->peers[1], &change, VPN_WG_SET_PRESHARED);
    node_set(b, b->peers[0], &change, VPN_WG_SET_PRESHARED);
    node_send(a, b, 8);
    net_run(net, SECONDS(6));
    ck_assert_uint_eq(b->delivered, 2);
    ck_assert_uint_eq(node_stats(a).responses_received, 1);
    vpn_wg_handshake(a->wg, a->peers[1], node_now(a));
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(node_stats(a).responses_received, 2);
    vpn_wg_peer got = {.size = sizeof got};
    ck_assert_int_eq(vpn_wg_peer_get(a->wg, a->peers[1], &got), 0);
    ck_assert_mem_eq(got.preshared_key, change.preshared_key, 32);
    net_free(net);
}
END_TEST

/* A different preshared key on one side stops the next handshake, not the session that lives. */
START_TEST(psk_change_keeps_session)
{
    struct net *net = net_pair(6);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    vpn_wg_peer change = {0};
    memset(change.preshared_key, 7, 32);
    node_set(a, a->peers[1], &change, VPN_WG_SET_PRESHARED);
    for (int i = 0; i < 170; i++) {
        ck_assert_uint_eq(node_send(a, b, 8).verdict, VPN_TO_NET);
        ck_assert_uint_eq(node_send(b, a, 8).verdict, VPN_TO_NET);
        net_run(net, SECONDS(1));
    }
    ck_assert_uint_eq(a->delivered, 170);
    ck_assert_uint_eq(b->delivered, 171);
    ck_assert_uint_ge(a->drops[VPN_REASON_RESPONSE], 9);
    net_run_until(net, SECONDS(181));
    ck_assert_uint_eq(node_send(a, b, 8).verdict, VPN_WAIT);
    net_free(net);
}
END_TEST

/* The initiation is for one static key: mac1 says so, before any other work (5.4.4). */
START_TEST(other_receiver)
{
    struct net *net = net_pair(7);
    struct node *a = net->nodes[0], *b = net->nodes[1], *c = net_node(net, NULL);
    node_add(a, c, NULL);
    c->at.port = 1; /* the initiation for c arrives at b */
    vpn_wg_peer change = {.endpoint = b->at};
    node_set(a, a->peers[2], &change, VPN_WG_SET_ENDPOINT);
    struct snapshot before = node_snapshot(b, b->peers[0]);
    node_send(a, c, 8);
    net_run(net, SECONDS(1));
    before.log = net->log.count;
    node_unmoved(b, b->peers[0], &before, VPN_REASON_MAC1, 1);
    ck_assert_uint_eq(net->log.count, 1);
    net_free(net);
}
END_TEST

/* A peer whose key is of low order is accepted as a setting, but no packet ever leaves to it. */
static void low_order_peer(struct net *net, struct node *a, int i)
{
    uint8_t to[4] = {10, 9, 0, 1}, inner[64];
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT | VPN_WG_SET_KEEPALIVE};
    peer.endpoint = (vpn_endpoint){.family = 4, .port = 9, .addr = {192, 0, 2, 200}};
    peer.keepalive = 5;
    test_low_order(peer.public_key, i);
    vpn_peer_id id;
    ck_assert_int_eq(vpn_wg_peer_add(a->wg, &peer, &id, node_now(a)), 0);
    node_allow(a, id, 4, to, 32);
    net_inner(net, inner, 4, a->inner4, to, 40, 0);
    vpn_packet packet = node_send_bytes(a, inner, 40);
    ck_assert_uint_eq(packet.verdict, VPN_DROP);
    ck_assert_uint_eq(packet.reason, VPN_REASON_LOW_ORDER);
    ck_assert_int_eq(vpn_wg_handshake(a->wg, id, node_now(a)), 0);
    vpn_wg_network_changed(a->wg, node_now(a));
    net_run(net, SECONDS(300));
    vpn_wg_suspend(a->wg);
    vpn_wg_resume(a->wg, node_now(a));
    net_run(net, SECONDS(300));
    ck_assert_uint_eq(net->log.count, 0);
    ck_assert_uint_lt(a->ticks, 2000);
    ck_assert_uint_ge(node_peer_stats(a, id).drops[VPN_REASON_LOW_ORDER], 1);
    ck_assert_int_eq(vpn_wg_peer_remove(a->wg, id), 0);
}

START_TEST(low_order_peers)
{
    struct net *net = net_new(8);
    struct node *a = net_node(net, NULL);
    low_order_peer(net, a, _i);
    net_free(net);
}
END_TEST

/* 2.1, 6.5: without an endpoint there is nowhere to send, so the host need not keep the packet. */
START_TEST(no_endpoint)
{
    struct net *net = net_pair(9);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    vpn_wg_peer change = {0};
    node_set(a, a->peers[1], &change, VPN_WG_SET_ENDPOINT);
    vpn_packet packet = node_send(a, b, 8);
    ck_assert_uint_eq(packet.verdict, VPN_DROP);
    ck_assert_uint_eq(packet.reason, VPN_REASON_NO_ENDPOINT);
    vpn_wg_handshake(a->wg, a->peers[1], node_now(a));
    net_run(net, SECONDS(300));
    ck_assert_uint_eq(net->log.count, 0);
    change.endpoint = b->at;
    node_set(a, a->peers[1], &change, VPN_WG_SET_ENDPOINT);
    net_up(net);
    /* A peer with a session loses its endpoint: packets drop, and the device does not spin. */
    change.endpoint = (vpn_endpoint){0};
    node_set(a, a->peers[1], &change, VPN_WG_SET_ENDPOINT);
    size_t sent = net_logged(net, 0, 0, 0);
    ck_assert_uint_eq(node_send(a, b, 8).reason, VPN_REASON_NO_ENDPOINT);
    net_run(net, SECONDS(5));
    ck_assert_uint_eq(net_logged(net, 0, 0, 0), sent);
    /* The peer's packet tells the address anew (2.1). */
    node_send(b, a, 8);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(node_send(a, b, 8).verdict, VPN_TO_NET);
    net_free(net);
}
END_TEST

START_TEST(no_identity)
{
    struct net *net = net_new(10);
    struct node *a = net_node_blank(net, NULL), *b = net_node(net, NULL);
    uint8_t key[32];
    vpn_wg_public_key(a->wg, key);
    ck_assert(test_is_zero(key, 32));
    node_add(a, b, NULL);
    ck_assert_uint_eq(node_send(a, b, 8).reason, VPN_REASON_NO_IDENTITY);
    vpn_wg_handshake(a->wg, a->peers[1], 0);
    struct forger f;
    uint8_t message[148], stamp[12];
    forge_new(&f, 1, 1);
    forge_stamp(stamp, 1, 0);
    memset(key, 0, 32);
    key[0] = 9;
    forge_initiation(&f, message, key, stamp);
    ck_assert_uint_eq(node_feed(a, &f.at, message, 148).reason, VPN_REASON_NO_IDENTITY);
    net_run(net, SECONDS(200));
    ck_assert_uint_eq(net->log.count, 0);
    vpn_env env = {.size = sizeof env};
    ck_assert_int_eq(vpn_key_private(a->private_key, &env), 0);
    vpn_key_public(a->public_key, a->private_key);
    ck_assert_int_eq(vpn_wg_set_private_key(a->wg, a->private_key, node_now(a)), 0);
    vpn_wg_public_key(a->wg, key);
    ck_assert_mem_eq(key, a->public_key, 32);
    node_add(b, a, NULL);
    net_up(net);
    net_free(net);
}
END_TEST

/* A new identity: handshakes in progress are dropped, sending stops at once, receiving goes on, no 5 s gap. */
START_TEST(private_key_change)
{
    struct net *net = net_pair(11);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint8_t key[32];
    net_up(net);
    memset(key, 0x42, 32);
    net_run_until(net, SECONDS(2));
    ck_assert_int_eq(vpn_wg_set_private_key(a->wg, key, node_now(a)), 0);
    vpn_packet packet = node_send(a, b, 8);
    ck_assert_uint_eq(packet.verdict, VPN_WAIT);
    node_send(b, a, 8);
    net_run(net, MILLIS(100));
    ck_assert_uint_eq(a->delivered, 1);
    ck_assert_uint_eq(net_log_last(net, 0, 1)->sent, SECONDS(2));
    ck_assert_uint_eq(b->verdicts[VPN_UNKNOWN], 1);
    ck_assert_uint_eq(net_logged(net, 0, 4, SECONDS(2)), 0);
    /* The other side learns the new key. */
    vpn_wg_public_key(a->wg, a->public_key);
    vpn_wg_peer_remove(b->wg, b->peers[0]);
    node_add(b, a, NULL);
    net_run(net, SECONDS(6));
    ck_assert_uint_eq(b->delivered, 2);
    net_free(net);
}
END_TEST

static int hold_responses(struct net *net, struct datagram *d)
{
    (void)net;
    if (d->type == 2)
        d->due += SECONDS(1);
    return 1;
}

START_TEST(private_key_change_drops_handshake)
{
    struct net *net = net_pair(12);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint8_t key[32];
    memset(key, 0x42, 32);
    net->hook = hold_responses;
    node_send(a, b, 8);
    net_run(net, MILLIS(500));
    vpn_wg_set_private_key(a->wg, key, node_now(a));
    vpn_wg_set_private_key(a->wg, a->private_key, node_now(a));
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(node_stats(a).responses_received, 0);
    ck_assert_uint_eq(node_events(a, VPN_WG_UP), 0);
    net_run(net, SECONDS(8));
    node_send(a, b, 8);
    net_run(net, SECONDS(8));
    ck_assert_uint_ge(b->delivered, 1);
    net_free(net);
}
END_TEST

/* A device is no peer of itself, whichever comes first. */
START_TEST(own_key)
{
    struct net *net = net_pair(13);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    vpn_wg_peer peer = {.size = sizeof peer};
    memcpy(peer.public_key, a->public_key, 32);
    vpn_peer_id id = 77;
    struct snapshot before = node_snapshot(a, a->peers[1]);
    ck_assert_int_eq(vpn_wg_peer_add(a->wg, &peer, &id, 0), VPN_ESELF);
    node_unmoved(a, a->peers[1], &before, 0, 0);
    ck_assert_int_eq(vpn_wg_set_private_key(a->wg, b->private_key, 0), 0);
    ck_assert_uint_eq(vpn_wg_peer_next(a->wg, 0), 0);
    ck_assert_int_eq(vpn_wg_handshake(a->wg, a->peers[1], 0), VPN_ENOENT);
    ck_assert_uint_eq(vpn_wg_route(a->wg, 4, b->inner4), 0);
    ck_assert_uint_eq(node_send(a, b, 8).reason, VPN_REASON_NO_ROUTE);
    ck_assert_int_eq(vpn_wg_set_private_key(a->wg, NULL, 0), 0);
    memcpy(peer.public_key, b->public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_add(a->wg, &peer, &id, 0), 0);
    net_free(net);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/handshake");
    test_add(s, "first packet", first_packet);
    test_add(s, "keepalive confirms", keepalive_confirms);
    test_add(s, "responder waits", responder_waits);
    test_add(s, "responder keeps current", responder_keeps_current);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, crossing, 0, 10);
    tcase_add_loop_test(loops, bad_link, 0, 5);
    tcase_add_loop_test(loops, low_order_peers, 0, TEST_LOW_ORDER);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    test_add(s, "wrong psk", wrong_psk);
    test_add(s, "psk change keeps session", psk_change_keeps_session);
    test_add(s, "other receiver", other_receiver);
    test_add(s, "no endpoint", no_endpoint);
    test_add(s, "no identity", no_identity);
    test_add(s, "private key change", private_key_change);
    test_add(s, "private key change drops handshake", private_key_change_drops_handshake);
    test_add(s, "own key", own_key);
    return s;
}

TEST_MAIN(suite)
