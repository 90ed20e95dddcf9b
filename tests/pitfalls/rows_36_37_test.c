/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: changes of keys under traffic, and order. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"
#include "scenario/inner.h"

static struct snapshot_all before;

/* --- 36 --- */

static void set_psk(struct node *node, vpn_peer_id id, uint8_t fill)
{
    vpn_wg_peer change = {0};
    memset(change.preshared_key, fill, 32);
    node_set(node, id, &change, VPN_WG_SET_PRESHARED);
}

/* Ten packets a second each way, for minutes, while both sides get another key at times that lie apart by up to a minute. Sessions
 * rekey in between, and one handshake may fail; not one packet is lost. */
START_TEST(pitfall_36_preshared_key_loses_nothing)
{
    struct net *net = net_pair(360 + (uint64_t)_i);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint64_t sent = 0;
    net_up(net);
    uint64_t from_a = b->delivered, from_b = a->delivered, handshakes = 0;
    for (int tenth = 0; tenth < 4000; tenth++, sent++) {
        if (tenth == 500)
            set_psk(a, a->peers[1], 7);
        if (tenth == 500 + 200 * _i) {
            set_psk(b, b->peers[0], 7);
            handshakes = node_peer_stats(a, a->peers[1]).handshakes;
        }
        node_send(a, b, 100);
        node_send(b, a, 100);
        net_run(net, MILLIS(100));
    }
    net_run(net, SECONDS(5));
    ck_assert_uint_eq(b->delivered - from_a, sent);
    ck_assert_uint_eq(a->delivered - from_b, sent);
    ck_assert_uint_ge(node_peer_stats(a, a->peers[1]).handshakes, handshakes + 2);
    ck_assert_uint_eq(node_events(a, VPN_WG_SESSION_EXPIRED) + node_events(b, VPN_WG_SESSION_EXPIRED), 0);
    net_free(net);
}
END_TEST

/* It is not ignored either: from the next handshake on the other side has to know it. */
START_TEST(pitfall_36_preshared_key_is_not_ignored)
{
    struct duel *d = duel_new(361, NULL);
    uint8_t message[92], stamp[12];
    duel_from_forger(d);
    net_run(d->net, SECONDS(6));
    set_psk(d->a, d->id, 9);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET); /* the session goes on */
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
    net_run(d->net, 0);
    struct forger wrong = d->f;
    ck_assert_int_eq(forge_read_initiation(&wrong, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
    forge_response(&wrong, message);
    snapshot_attack(d->a, &d->f.at, message, 92, VPN_REASON_RESPONSE);
    memset(d->f.psk, 9, 32);
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

static void change_key(struct duel *d, uint8_t fill)
{
    uint8_t key[32];
    memset(key, fill, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, key, node_now(d->a)), 0);
    node_take_events(d->a);
}

/* Sending stops at once, also what was begun, keepalives and rekeying; receiving goes on; the next handshake need not wait. */
START_TEST(pitfall_36_private_key_stops_sending)
{
    struct duel *d = duel_new(362, NULL);
    uint8_t room[96], stamp[12], public_key[32];
    if (_i)
        duel_from_node(d);
    else
        duel_from_forger(d);
    duel_send(d);
    vpn_packet begun = {.data = room, .capacity = sizeof room, .offset = 16, .length = 40};
    net_inner(d->net, room + 16, 4, d->a->inner4, d->inner4, 40, 0);
    ck_assert_uint_eq(vpn_wg_send_begin(d->a->wg, &begun, 1, node_now(d->a)), 1);
    vpn_wg_crypt(d->a->wg->scratch, &begun, 1);
    change_key(d, 0x48);
    vpn_time since = d->net->now;
    size_t log = d->net->log.count;
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, &begun, 1, node_now(d->a)), 0);
    ck_assert_uint_eq(begun.reason, VPN_REASON_WIPED);
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
        net_run(d->net, SECONDS(1));
    }
    for (size_t i = log; i < d->net->log.count; i++)
        ck_assert_uint_eq(d->net->log.items[i].type, 1);
    size_t tries = duel_sent(d, 1, since);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(6));
    ck_assert_uint_gt(duel_sent(d, 1, since), tries);
    /* The new identity speaks, and its session carries what waited. */
    ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
    vpn_wg_public_key(d->a->wg, public_key);
    ck_assert_mem_eq(d->f.remote, public_key, 32);
    ck_assert_mem_ne(public_key, d->a->public_key, 32);
    memcpy(d->a->public_key, public_key, 32);
    size_t carried = duel_sent(d, NET_DATA, 0);
    duel_respond(d);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), carried + 1);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* The 5 s between initiations belong to the old identity, and so does the handshake under way. */
START_TEST(pitfall_36_private_key_drops_the_handshake)
{
    struct duel *d = duel_new(363, NULL);
    uint8_t message[92], stamp[12], old[32];
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(1));
    ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
    forge_response(&d->f, message);
    memcpy(old, d->a->public_key, 32);
    change_key(d, 0x48);
    /* An answer to what was dropped is made for the old key. */
    snapshot_attack(d->a, &d->f.at, message, 92, VPN_REASON_MAC1);
    vpn_wg_public_key(d->a->wg, d->a->public_key);
    memcpy(d->f.remote, d->a->public_key, 32);
    forge_macs(&d->f, message, 92);
    snapshot_attack(d->a, &d->f.at, message, 92, VPN_REASON_INDEX);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, d->net->now), 1);
    duel_respond(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    duel_free(d);
}
END_TEST

/* Tools set the key anew with every change of something else. A peer that bears our own key is removed. */
START_TEST(pitfall_36_same_key_changes_nothing)
{
    struct duel *d = duel_new(364, NULL);
    uint64_t counts[VPN_REASONS] = {0};
    uint8_t loose[32];
    duel_from_forger(d);
    snapshot_take(d->a, &before);
    memcpy(loose, d->a->private_key, 32);
    loose[0] |= 7; /* the same when clamped */
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, loose, node_now(d->a)), 0);
    snapshot_unmoved_but(d->a, &before, counts);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, d->f.private_key, node_now(d->a)), 0);
    ck_assert_uint_eq(vpn_wg_peer_next(d->a->wg, 0), 0);
    duel_free(d);
}
END_TEST

/* --- 37 --- */

#define BATCHES 5
#define N       16

struct lot {
    vpn_packet packets[N];
    uint8_t bytes[N][128];
};

static struct lot lots[BATCHES];

static uint64_t number_of(const uint8_t *inner, uint32_t length)
{
    uint64_t number;
    ck_assert_int_eq(inner_check(inner, length, &number), 1);
    return number;
}

/* Pieces of all batches, shuffled, as workers would finish them. */
static void crypt_shuffled(struct duel *d)
{
    uint32_t order[BATCHES * N];
    for (uint32_t i = 0; i < BATCHES * N; i++)
        order[i] = i;
    for (uint32_t i = BATCHES * N; i > 1; i--) {
        uint32_t other = (uint32_t)test_below(&d->net->seed, i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    for (uint32_t i = 0; i < BATCHES * N; i++)
        vpn_wg_crypt(d->a->wg->scratch, &lots[order[i] / N].packets[order[i] % N], 1);
}

START_TEST(pitfall_37_order_of_sending)
{
    struct duel *d = duel_new(370, NULL);
    uint8_t text[128];
    uint64_t counter, first = 0, numbers[BATCHES * N];
    duel_from_forger(d);
    for (uint32_t i = 0; i < BATCHES * N; i++) {
        vpn_packet *packet = &lots[i / N].packets[i % N];
        *packet = (vpn_packet){.data = lots[i / N].bytes[i % N], .capacity = 128, .offset = 16, .length = 40 + i % 7};
        net_inner(d->net, packet->data + 16, 4, d->a->inner4, d->inner4, packet->length, 0);
        numbers[i] = number_of(packet->data + 16, packet->length);
        ck_assert(i == 0 || numbers[i] > numbers[i - 1]);
        if (i % N == N - 1)
            ck_assert_uint_eq(vpn_wg_send_begin(d->a->wg, lots[i / N].packets, N, node_now(d->a)), N);
    }
    crypt_shuffled(d);
    for (uint32_t b = 0; b < BATCHES; b++)
        ck_assert_uint_eq(vpn_wg_end(d->a->wg, lots[b].packets, N, node_now(d->a)), N);
    for (uint32_t i = 0; i < BATCHES * N; i++) {
        const vpn_packet *packet = &lots[i / N].packets[i % N];
        ck_assert_int_gt(forge_open(&d->f, packet->data + packet->offset, packet->length, text, &counter), 0);
        first = i == 0 ? counter : first;
        ck_assert_uint_eq(counter, first + i);
        ck_assert_uint_eq(number_of(text, 40 + i % 7), numbers[i]);
    }
    duel_free(d);
}
END_TEST

START_TEST(pitfall_37_order_of_receiving)
{
    struct duel *d = duel_new(371, NULL);
    uint8_t inner[64] = {0};
    uint64_t numbers[BATCHES * N];
    duel_from_forger(d);
    for (uint32_t i = 0; i < BATCHES * N; i++) {
        vpn_packet *packet = &lots[i / N].packets[i % N];
        net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 40, 0);
        numbers[i] = number_of(inner, 40);
        *packet = (vpn_packet){.data = lots[i / N].bytes[i % N], .capacity = 128, .path = {.remote = d->f.at}};
        packet->length = forge_data(&d->f, packet->data, d->f.counter++, inner, 48);
        if (i % N == N - 1)
            ck_assert_uint_eq(vpn_wg_recv_begin(d->a->wg, lots[i / N].packets, N, node_now(d->a)), N);
    }
    crypt_shuffled(d);
    for (uint32_t b = 0; b < BATCHES; b++)
        ck_assert_uint_eq(vpn_wg_end(d->a->wg, lots[b].packets, N, node_now(d->a)), N);
    for (uint32_t i = 0; i < BATCHES * N; i++) {
        const vpn_packet *packet = &lots[i / N].packets[i % N];
        ck_assert_uint_eq(packet->verdict, VPN_TO_TUN);
        ck_assert_uint_eq(number_of(packet->data + packet->offset, packet->length), numbers[i]);
    }
    duel_free(d);
}
END_TEST

/* What waited goes out in the order in which it came, ahead of what comes later. */
START_TEST(pitfall_37_order_of_what_waited)
{
    struct duel *d = duel_new(372, NULL);
    uint8_t text[128];
    uint64_t counter, last = 0, expected = 0;
    for (int i = 0; i < 50; i++)
        ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(1));
    duel_respond(d);
    for (int i = 0; i < 50; i++)
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    for (size_t i = 0; i < d->net->log.count; i++) {
        const struct datagram *sent = &d->net->log.items[i];
        if (sent->type != 4)
            continue;
        ck_assert_int_gt(forge_open(&d->f, sent->bytes, sent->length, text, &counter), 0);
        ck_assert_uint_eq(counter, expected++);
        uint64_t number = number_of(text, 40);
        ck_assert_uint_gt(number, last);
        last = number;
    }
    ck_assert_uint_eq(expected, 100);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/36-37");
    test_loop(s, "36 preshared", pitfall_36_preshared_key_loses_nothing, 4);
    test_loop(s, "36 not ignored", pitfall_36_preshared_key_is_not_ignored, 1);
    test_loop(s, "36 private", pitfall_36_private_key_stops_sending, 2);
    test_loop(s, "36 handshake", pitfall_36_private_key_drops_the_handshake, 1);
    test_loop(s, "36 same", pitfall_36_same_key_changes_nothing, 1);
    test_loop(s, "37 sending", pitfall_37_order_of_sending, 1);
    test_loop(s, "37 receiving", pitfall_37_order_of_receiving, 1);
    test_loop(s, "37 waiting", pitfall_37_order_of_what_waited, 1);
    return s;
}

TEST_MAIN(suite)
