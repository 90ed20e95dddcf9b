/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: keys that agree on nothing, key slots that move wrongly, and indices
 * that can be foretold. */
#include "common/points.h"
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"
#include "wireguard/peer.h"

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};

static struct duel *small_duel(uint64_t seed)
{
    vpn_wg_config config = {.sources = 16, .load_rate = 1000000};
    return duel_new(seed, &config);
}

/* --- 23 --- */

static vpn_peer_id weak_peer(struct duel *d, int point, const uint8_t inner4[4])
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = elsewhere}, got = peer;
    vpn_peer_id id;
    test_low_order(peer.public_key, point);
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &id, node_now(d->a)), 0);
    ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, id, &got), 0);
    ck_assert_mem_eq(got.public_key, peer.public_key, 32); /* as it was given, canonical or not */
    node_allow(d->a, id, 4, inner4, 32);
    return id;
}

/* What would make a peer handshake, one by one and then all together, over hours. */
static void provoke(struct duel *d, vpn_peer_id id, const uint8_t inner4[4])
{
    vpn_wg_peer change = {.keepalive = 5};
    uint8_t inner[40], key[32] = {0x40, [31] = 0x40};
    for (int i = 0; i < 3; i++) {
        net_inner(d->net, inner, 4, d->a->inner4, inner4, 40, 0);
        vpn_packet packet = node_send_bytes(d->a, inner, 40);
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        ck_assert_uint_eq(packet.reason, VPN_REASON_LOW_ORDER);
        ck_assert_int_eq(vpn_wg_handshake(d->a->wg, id, node_now(d->a)), 0);
        net_run(d->net, SECONDS(200));
        node_set(d->a, id, &change, VPN_WG_SET_KEEPALIVE);
        net_run(d->net, SECONDS(200));
        vpn_wg_network_changed(d->a->wg, node_now(d->a));
        net_run(d->net, SECONDS(200));
        vpn_wg_suspend(d->a->wg);
        vpn_wg_resume(d->a->wg, node_now(d->a));
        net_run(d->net, SECONDS(200));
        /* Another private key finds no secret either. */
        key[1] = (uint8_t)i;
        ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, key, node_now(d->a)), 0);
        change.queue = 0;
        node_set(d->a, id, &change, VPN_WG_SET_QUEUE);
    }
}

START_TEST(pitfall_23_no_packet_to_a_low_order_key)
{
    struct duel *d = small_duel(230 + (uint64_t)_i);
    const uint8_t inner4[4] = {10, 9, 0, 1};
    vpn_peer_id id = weak_peer(d, _i, inner4);
    provoke(d, id, inner4);
    const struct vpn__peer *peer = vpn__peer_find(d->a->wg, id);
    ck_assert_uint_eq(d->net->log.count, 0);
    ck_assert_uint_eq(peer->handshake, 0);
    ck_assert_uint_eq(vpn__index_count(&d->a->wg->by_index), 0);
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    ck_assert_uint_eq(vpn_queue_count(d->a->queue, 0), 0);
    ck_assert_uint_eq(node_peer_stats(d->a, id).tx_bytes, 0);
    ck_assert_uint_eq(node_peer_stats(d->a, id).state == VPN_WG_CONNECTED, 0);
    ck_assert_uint_lt(d->a->ticks, 3000);
    /* The neighbour is not disturbed. */
    vpn_wg_public_key(d->a->wg, d->a->public_key);
    duel_from_node(d);
    duel_free(d);
}
END_TEST

enum weak { EPHEMERAL, STATIC, BOTH, STRANGER, WEAKS };

/* Whoever takes zero for a secret lets everybody in: all that these initiations are sealed with is public. */
START_TEST(pitfall_23_initiation_with_low_order_keys)
{
    struct duel *d = small_duel(250 + (uint64_t)_i);
    enum weak weak = (enum weak)(_i % WEAKS);
    const uint8_t inner4[4] = {10, 9, 0, 1};
    uint8_t message[148];
    struct forger attacker = d->f, victim = d->f;
    duel_from_forger(d);
    net_run(d->net, SECONDS(1));
    attacker.weak_ephemeral = weak == EPHEMERAL || weak == BOTH;
    attacker.weak_static = weak != EPHEMERAL;
    test_low_order(attacker.point, _i / WEAKS);
    if (attacker.weak_static)
        test_low_order(attacker.public_key, _i / WEAKS);
    if (weak == STATIC || weak == BOTH)
        weak_peer(d, _i / WEAKS, inner4);
    for (int i = 0; i < 3; i++) {
        uint8_t stamp[12];
        forge_stamp(stamp, d->wall + 10, 0);
        forge_initiation(&attacker, message, d->a->public_key, stamp);
        snapshot_attack(d->a, &elsewhere, message, 148, VPN_REASON_HANDSHAKE);
    }
    /* The forger writes nothing else wrong: with sound keys the same message passes. */
    uint8_t stamp[12];
    forge_stamp(stamp, d->wall + 10, 0);
    forge_initiation(&victim, message, d->a->public_key, stamp);
    ck_assert_uint_eq(node_feed(d->a, &elsewhere, message, 148).length, 92);
    duel_free(d);
}
END_TEST

START_TEST(pitfall_23_response_with_a_low_order_key)
{
    struct duel *d = small_duel(330 + (uint64_t)_i);
    uint8_t message[92], stamp[12];
    duel_send(d);
    net_run(d->net, 0);
    struct forger weak = d->f;
    weak.weak_ephemeral = 1;
    test_low_order(weak.point, _i);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(forge_read_initiation(&weak, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
        forge_response(&weak, message);
        snapshot_attack(d->a, &elsewhere, message, 92, VPN_REASON_RESPONSE);
    }
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_DONE);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    duel_free(d);
}
END_TEST

/* --- 24 --- */

#define SESSIONS_MAX 9

/* What happens, and what is in previous, current and next then; sessions are numbered as they were made.
 *   I  the device's initiation is answered       R  the device answers an initiation
 *   C  the first message under next              c, p  data under current, previous
 *   i, r  the device initiates; its last initiation is answered */
static const struct {
    const char *does, *slots;
} moves[] = {
    {"", "---"},        {"I", "-1-"},       {"R", "--1"},       {"RC", "-1-"},      {"II", "12-"},
    {"III", "23-"},     {"IR", "-12"},      {"IIR", "-23"},     {"IRC", "12-"},     {"IRCRC", "23-"},
    {"RCI", "12-"},     {"RCRC", "12-"},    {"RCR", "-12"},     {"RCRCR", "-23"},   {"RCRCRC", "23-"},
    {"RR", "--2"},      {"RRR", "--3"},     {"RRC", "-2-"},     {"IRR", "-13"},     {"IRRC", "13-"},
    {"IIRR", "-24"},    {"IIRRC", "24-"},   {"RI", "12-"},      {"RII", "23-"},     {"RIR", "-23"},
    {"RIRC", "23-"},    {"IRI", "23-"},     {"IIRI", "34-"},    {"IRRI", "34-"},    {"IRII", "34-"},
    {"IRIR", "-34"},    {"IRIRC", "34-"},   {"IRIRI", "45-"},   {"RRI", "23-"},     {"RCRI", "23-"},
    {"IIc", "12-"},     {"IIp", "12-"},     {"IIpp", "12-"},    {"IRc", "-12"},     {"IRcC", "12-"},
    {"IRCp", "12-"},    {"IRIp", "23-"},    {"IRIpc", "23-"},   {"IRIpR", "-34"},   {"RIp", "12-"},
    {"iRr", "12-"},     {"iRCr", "12-"},    {"IiRr", "23-"},    {"IiRCr", "23-"},   {"IiRrp", "23-"},
    {"IiRRr", "34-"},   {"IiRrR", "-34"},   {"IiRrRC", "34-"},  {"RCiRcr", "23-"},  {"RCiRCpr", "23-"},
    {"IIIIIII", "67-"}, {"RRRRRRR", "--7"}, {"IRIRIRI", "67-"}, {"IRCIRCI", "45-"},
};
#define MOVES ((int)(sizeof moves / sizeof moves[0]))

struct ring {
    struct duel *d;
    struct forger made[SESSIONS_MAX]; /* the forger's end of each session, from 1 */
    int count;
};

static struct vpn__peer *peer_of(const struct ring *r)
{
    return vpn__peer_find(r->d->a->wg, r->d->id);
}

/* The number of a session; 0 for none. */
static int number_of(const struct ring *r, const struct vpn_session *session)
{
    for (int n = 1; session != NULL && n <= r->count; n++)
        if (r->made[n].remote_index == session->local_index)
            return n;
    ck_assert_ptr_null(session);
    return 0;
}

static void expect_slots(const struct ring *r, const char *slots)
{
    const struct vpn__peer *peer = peer_of(r);
    const struct vpn_session *const at[3] = {peer->ring.previous, peer->ring.current, peer->ring.next};
    char have[4] = "---";
    uint32_t used = 0;
    for (int i = 0; i < 3; i++) {
        int n = number_of(r, at[i]);
        used += n != 0;
        have[i] = n == 0 ? '-' : (char)('0' + n);
    }
    ck_assert_str_eq(have, slots);
    ck_assert_uint_eq(node_stats(r->d->a).sessions, used);
    ck_assert_uint_eq(vpn__index_count(&r->d->a->wg->by_index), used + (peer->handshake != 0));
}

/* Data from the forger under session `n`. */
static vpn_packet under(struct ring *r, int n)
{
    struct forger *session = &r->made[n];
    uint8_t message[80], inner[48] = {0};
    net_inner(r->d->net, inner, 4, r->d->inner4, r->d->a->inner4, 40, 0);
    uint32_t length = forge_data(session, message, session->counter++, inner, 48);
    return node_feed(r->d->a, &session->at, message, length);
}

static void do_move(struct ring *r, char move)
{
    struct duel *d = r->d;
    net_run(d->net, SECONDS(6)); /* past the gap between handshakes */
    struct vpn__keyring *ring = &peer_of(r)->ring;
    vpn_packet packet;
    switch (move) {
    case 'I':
        duel_from_node(d);
        r->made[++r->count] = d->f;
        break;
    case 'i':
        ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
        net_run(d->net, 0);
        break;
    case 'r':
        ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
        r->made[++r->count] = d->f;
        break;
    case 'R':
        packet = duel_initiate(d);
        ck_assert_uint_eq(packet.length, 92);
        ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
        r->made[++r->count] = d->f;
        break;
    default:
        ck_assert(move == 'C' || move == 'c' || move == 'p');
        ck_assert_uint_eq(under(r, number_of(r, move == 'C'   ? ring->next
                                                : move == 'c' ? ring->current
                                                              : ring->previous))
                              .verdict,
                          VPN_TO_TUN);
    }
}

/* What the device sends goes under current, and waits when there is none, whatever is in next. */
static void expect_sent_under(struct ring *r, int current)
{
    vpn_packet packet = duel_send(r->d);
    ck_assert_uint_eq(packet.verdict, current == 0 ? VPN_WAIT : VPN_TO_NET);
    if (current != 0)
        ck_assert_uint_eq(forge_le32(net_log_last(r->d->net, 0, NET_DATA)->bytes + 4), r->made[current].index);
}

START_TEST(pitfall_24_key_slots)
{
    struct ring r = {.d = small_duel(240)};
    const char *slots = moves[_i].slots;
    for (const char *move = moves[_i].does; *move; move++)
        do_move(&r, *move);
    expect_slots(&r, slots);
    expect_sent_under(&r, slots[1] == '-' ? 0 : slots[1] - '0');
    /* Data under a key that has left the slots is nobody's; under previous and current it is delivered and moves no slot. */
    for (int n = 1; n <= r.count; n++) {
        int kept = strchr(slots, '0' + n) != NULL;
        if (slots[2] == '0' + n)
            continue;
        vpn_packet packet = under(&r, n);
        ck_assert_uint_eq(packet.verdict, kept ? VPN_TO_TUN : VPN_DROP);
        ck_assert_uint_eq(packet.reason, kept ? VPN_REASON_NONE : VPN_REASON_INDEX);
        expect_slots(&r, slots);
    }
    if (slots[2] != '-') {
        const char after[4] = {slots[1], slots[2], '-'};
        ck_assert_uint_eq(under(&r, slots[2] - '0').verdict, VPN_TO_TUN);
        expect_slots(&r, after);
        expect_sent_under(&r, slots[2] - '0');
    }
    duel_free(r.d);
}
END_TEST

/* A forgery, and a replay under another key, move no slot: only what is authentic under next promotes it. */
START_TEST(pitfall_24_forgery_promotes_nothing)
{
    struct ring r = {.d = small_duel(241)};
    uint8_t message[32];
    do_move(&r, 'I');
    do_move(&r, 'R');
    struct forger mixed = r.made[1];
    forge_data(&mixed, message, 50, NULL, 0);
    for (int i = 0; i < 4; i++)
        message[4 + i] = (uint8_t)(r.made[2].remote_index >> (8 * i));
    snapshot_attack(r.d->a, &elsewhere, message, 32, VPN_REASON_AUTH);
    expect_slots(&r, "-12");
    do_move(&r, 'C');
    expect_slots(&r, "12-");
    duel_free(r.d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/23-24");
    test_loop(s, "23 sending", pitfall_23_no_packet_to_a_low_order_key, TEST_LOW_ORDER);
    test_loop(s, "23 initiation", pitfall_23_initiation_with_low_order_keys, WEAKS * TEST_LOW_ORDER);
    test_loop(s, "23 response", pitfall_23_response_with_a_low_order_key, TEST_LOW_ORDER);
    test_loop(s, "24 slots", pitfall_24_key_slots, MOVES);
    test_loop(s, "24 forgery", pitfall_24_forgery_promotes_nothing, 1);
    return s;
}

TEST_MAIN(suite)
