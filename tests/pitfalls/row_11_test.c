/* SPDX-License-Identifier: ISC */
/* A bogus response destroyed the initiator's state, and with it the handshake that the real one would have completed. Whoever
 * sees an initiation knows its index, and the public key of its sender makes mac1. */
#include "common/points.h"
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};

enum kind { NOISE, SIGNED, STRANGER, WRONG_PSK, LOW_ORDER, KINDS };

/* The forger reads the initiation that went out last. */
static void heard(struct duel *d)
{
    uint8_t stamp[12];
    ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
}

static void ask(struct duel *d)
{
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, 0);
    heard(d);
}

/* A response that names the right index; the forger stays as it is. Returns what it has to be dropped for. */
static uint32_t bogus(struct duel *d, uint8_t out[92], enum kind kind, int i)
{
    struct forger liar = d->f;
    uint8_t head[12] = {2};
    switch (kind) {
    case NOISE:
    case SIGNED:
        forge_bytes(&d->f, out, 92);
        memcpy(head + 4, out + 4, 4);
        for (int k = 0; k < 4; k++)
            head[8 + k] = (uint8_t)(d->f.remote_index >> (8 * k));
        memcpy(out, head, 12);
        if (kind == NOISE)
            return VPN_REASON_MAC1;
        forge_macs(&liar, out, 92);
        return VPN_REASON_RESPONSE;
    case STRANGER: /* who could not read the initiation */
        forge_bytes(&d->f, liar.chain, 32);
        break;
    case WRONG_PSK:
        liar.psk[i % 32] ^= 1;
        break;
    case LOW_ORDER: /* right to the last bit for a reader who takes zero for a secret */
        liar.weak_ephemeral = 1;
        test_low_order(liar.point, i % TEST_LOW_ORDER);
        break;
    case KINDS:
        break;
    }
    forge_bytes(&d->f, (uint8_t *)&liar.seed, sizeof liar.seed);
    forge_response(&liar, out);
    return VPN_REASON_RESPONSE;
}

/* The real one completes the handshake, what waited goes out, and data passes. */
static void completes(struct duel *d)
{
    size_t sent = duel_sent(d, NET_DATA, 0), up = node_events(d->a, VPN_WG_UP);
    uint8_t message[92];
    forge_response(&d->f, message);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 92).verdict, VPN_DONE);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), up + 1);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), sent + 1);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
}

START_TEST(pitfall_11_bogus_responses_in_a_row)
{
    struct duel *d = duel_new(110 + (uint64_t)_i, NULL);
    uint8_t message[92];
    net_run(d->net, SECONDS(1));
    ask(d);
    for (int i = 0; i < 56; i++) {
        uint32_t reason = bogus(d, message, (enum kind)_i, i);
        snapshot_attack(d->a, i % 2 ? &elsewhere : &d->f.at, message, 92, reason);
    }
    completes(d);
    for (int i = 0; i < 14; i++) { /* the same index names the session now */
        uint32_t reason = bogus(d, message, (enum kind)_i, i);
        snapshot_attack(d->a, &elsewhere, message, 92, reason == VPN_REASON_MAC1 ? reason : VPN_REASON_STATE);
    }
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* Every bit of the real one, as it is on the way and by someone who signs what he changed. The index of the sender is under
 * mac1 alone, so whoever can sign may change it: that is the protocol. mac2 is not looked at without load. */
START_TEST(pitfall_11_each_bit_of_the_real_one)
{
    struct duel *d = duel_new(116, NULL);
    uint8_t message[92], copy[92];
    ask(d);
    struct forger after = d->f;
    forge_response(&after, message);
    for (uint32_t bit = 8; bit < 76 * 8; bit++) {
        memcpy(copy, message, 92);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        snapshot_attack(d->a, &elsewhere, copy, 92, bit < 32 ? VPN_REASON_TYPE : VPN_REASON_MAC1);
        if (bit < 64 || bit >= 60 * 8)
            continue;
        forge_macs(&d->f, copy, 92);
        snapshot_attack(d->a, &elsewhere, copy, 92, bit < 96 ? VPN_REASON_INDEX : VPN_REASON_RESPONSE);
    }
    d->f = after;
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 92).verdict, VPN_DONE);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 1);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

#define BATCH 36
static uint8_t rooms[BATCH][92];

static const uint32_t places[] = {0, 17, BATCH - 2};

/* All kinds, the real one among them, and a copy of it at the end, in one call. */
START_TEST(pitfall_11_in_one_batch_with_the_real_one)
{
    struct duel *d = duel_new(117 + (uint64_t)_i, NULL);
    vpn_packet packets[BATCH] = {{0}};
    uint32_t reasons[BATCH] = {0}, real = places[_i];
    ask(d);
    struct forger after = d->f;
    forge_response(&after, rooms[real]);
    for (uint32_t i = 0; i < BATCH; i++) {
        packets[i] = (vpn_packet){.data = rooms[i], .capacity = 92, .length = 92, .path = {.remote = elsewhere}};
        if (i != real && i != BATCH - 1)
            reasons[i] = bogus(d, rooms[i], (enum kind)(i % KINDS), (int)i);
        if (i > real && reasons[i] == VPN_REASON_RESPONSE)
            reasons[i] = VPN_REASON_STATE;
    }
    packets[real].path.remote = d->f.at;
    memcpy(rooms[BATCH - 1], rooms[real], 92);
    reasons[BATCH - 1] = VPN_REASON_STATE;
    d->f = after;
    ck_assert_uint_eq(vpn_wg_recv(d->a->wg, packets, BATCH, node_now(d->a)), 0);
    for (uint32_t i = 0; i < BATCH; i++) {
        ck_assert_uint_eq(packets[i].verdict, i == real ? VPN_DONE : VPN_DROP);
        ck_assert_uint_eq(packets[i].reason, reasons[i]);
    }
    node_take_events(d->a);
    vpn_wg_peer_stats stats = node_peer_stats(d->a, d->id);
    ck_assert(net_endpoint_equal(&stats.path.remote, &d->f.at));
    ck_assert_uint_eq(stats.handshakes, 1);
    ck_assert_uint_eq(node_stats(d->a).sessions, 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 1);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* A session lives while its successor is made; neither is harmed. */
START_TEST(pitfall_11_while_rekeying)
{
    struct duel *d = duel_new(120, NULL);
    uint8_t message[92], old[80], inner[48] = {0};
    duel_from_node(d);
    duel_at(d, SECONDS(130));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    net_run(d->net, 0);
    struct forger session = d->f;
    heard(d);
    for (int i = 0; i < 28; i++) {
        uint32_t reason = bogus(d, message, (enum kind)(i % KINDS), i / KINDS);
        snapshot_attack(d->a, &elsewhere, message, 92, reason);
    }
    struct forger astray = d->f; /* names the session instead of the handshake */
    astray.remote_index = session.remote_index;
    forge_response(&astray, message);
    snapshot_attack(d->a, &elsewhere, message, 92, VPN_REASON_STATE);
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 40, 0);
    uint32_t length = forge_data(&session, old, session.counter, inner, 48);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, old, length).verdict, VPN_TO_TUN);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    forge_response(&d->f, message);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 92).verdict, VPN_TO_NET);
    ck_assert_uint_eq(node_stats(d->a).sessions, 2);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(forge_le32(net_log_last(d->net, 0, NET_DATA)->bytes + 4), d->f.index);
    duel_free(d);
}
END_TEST

/* Ten bogus ones a second, also to initiations of before: what goes out, and when, is what goes out in peace. */
START_TEST(pitfall_11_retries_go_on_unchanged)
{
    struct duel *d = duel_new(121, NULL), *peace = duel_new(121, NULL);
    uint8_t message[92], stale[92] = {0};
    ask(peace);
    ask(d);
    for (int i = 0; i < 600; i++) {
        uint32_t reason = bogus(d, message, (enum kind)(i % KINDS), i);
        snapshot_attack(d->a, &elsewhere, message, 92, reason);
        net_run(peace->net, MILLIS(100));
        net_run(d->net, MILLIS(100));
        uint32_t index = d->f.remote_index;
        struct forger before = d->f;
        heard(d);
        if (d->f.remote_index == index)
            continue;
        forge_response(&before, stale);
        snapshot_attack(d->a, &elsewhere, stale, 92, VPN_REASON_INDEX);
    }
    size_t n = duel_sent(d, 1, 0);
    duel_between(n, 12, 13);
    ck_assert_uint_eq(duel_sent(peace, 1, 0), n);
    for (size_t i = 0; i < n; i++) {
        const struct datagram *here = net_log_at(d->net, 0, 1, i), *there = net_log_at(peace->net, 0, 1, i);
        ck_assert_uint_eq(here->sent, there->sent);
        ck_assert_mem_eq(here->bytes, there->bytes, 148);
    }
    completes(d);
    duel_free(d);
    duel_free(peace);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/11");
    test_loop(s, "11 in a row", pitfall_11_bogus_responses_in_a_row, KINDS);
    test_add(s, "11 each bit", pitfall_11_each_bit_of_the_real_one);
    test_loop(s, "11 batch", pitfall_11_in_one_batch_with_the_real_one, 3);
    test_add(s, "11 rekeying", pitfall_11_while_rekeying);
    test_add(s, "11 retries", pitfall_11_retries_go_on_unchanged);
    return s;
}

TEST_MAIN(suite)
