/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: cookies that help the attacker, and load that hurts everyone. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

#define RATE  10 /* handshake messages a second without proof of address */
#define BURST 5  /* of a source that proved its address; then 20 a second */

static struct snapshot_all before;

enum kind { INITIATION, RESPONSE, KINDS };

static const uint32_t length_of[KINDS] = {148, 92};

static struct duel *new_duel(uint64_t seed)
{
    vpn_wg_config config = {.load_rate = RATE, .sources = 16};
    struct duel *d = duel_new(seed, &config);
    net_run(d->net, SECONDS(10));
    return d;
}

/* A message that the device would accept from the forger: a fresh initiation, or the answer to its own. */
static void message_of(struct duel *d, enum kind kind, uint8_t message[148])
{
    uint8_t stamp[12];
    if (kind == INITIATION) {
        forge_stamp(stamp, d->wall++, 0);
        forge_initiation(&d->f, message, d->a->public_key, stamp);
    } else {
        ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
        forge_response(&d->f, message);
    }
}

/* Under load, with a handshake of its own under way that a response can answer. */
static struct duel *loaded(uint64_t seed)
{
    struct duel *d = new_duel(seed);
    ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
    net_run(d->net, 0);
    duel_overload(d, RATE);
    return d;
}

static vpn_endpoint source(int family)
{
    vpn_endpoint at = {.family = (uint8_t)family, .port = 0x1234, .addr = {0x20, 1, 0xd, 0xb8, [15] = 9}};
    if (family == 4)
        memset(at.addr + 4, 0, 12);
    return at;
}

/* --- 18 --- */

/* No answer, no budget and no secret for a message whose mac1 is wrong or which has not its type's length. */
static void ignored(struct duel *d, const vpn_endpoint *from, const uint8_t *message, uint32_t length, uint32_t reason)
{
    vpn_time ready = d->a->wg->limiter.ready, until = d->a->wg->limiter.load_until;
    snapshot_attack(d->a, from, message, length, reason);
    ck_assert_uint_eq(d->a->wg->limiter.ready, ready);
    ck_assert_uint_eq(d->a->wg->limiter.load_until, until);
}

START_TEST(pitfall_18_no_cookie_without_mac1)
{
    enum kind kind = (enum kind)(_i % KINDS);
    struct duel *d = loaded(180 + (uint64_t)_i);
    vpn_endpoint from = source(_i < KINDS ? 4 : 6);
    uint8_t message[512] = {0}, copy[148];
    uint32_t length = length_of[kind];
    message_of(d, kind, message);
    for (uint32_t i = 4; i < length - 16; i++) {
        memcpy(copy, message, length);
        copy[i] ^= (uint8_t)(1u << i % 8);
        ignored(d, &from, copy, length, VPN_REASON_MAC1);
    }
    memset(copy, 0, sizeof copy);
    copy[0] = message[0];
    ignored(d, &from, copy, length, VPN_REASON_MAC1);
    /* For somebody else. */
    memcpy(copy, message, length);
    memcpy(d->f.remote, d->f.public_key, 32);
    forge_macs(&d->f, copy, length);
    ignored(d, &from, copy, length, VPN_REASON_MAC1);
    memcpy(d->f.remote, d->a->public_key, 32);
    for (uint32_t other = 60; other < 300; other++)
        if (other != length) {
            forge_macs(&d->f, message, other);
            ignored(d, &from, message, other, VPN_REASON_LENGTH);
        }
    duel_free(d);
}
END_TEST

/* One reply for one message, to where it came from, and never a longer one: loaded or not, for each of both families. */
START_TEST(pitfall_18_no_amplification)
{
    struct duel *d = _i ? loaded(184) : new_duel(185);
    uint64_t in = 0, out = 0;
    uint8_t message[148];
    net_run(d->net, 0);
    size_t first = d->net->log.count;
    for (uint32_t n = 0; n < 400; n++) {
        enum kind kind = n % 4 == 3 ? RESPONSE : INITIATION;
        uint32_t length = length_of[kind];
        vpn_endpoint from = source(n % 2 ? 6 : 4);
        size_t log = d->net->log.count;
        duel_hollow(d, message);
        message[0] = kind == RESPONSE ? 2 : 1;
        forge_macs(&d->f, message, length);
        from.port = (uint16_t)(1 + n);
        vpn_packet packet = node_feed(d->a, &from, message, length);
        in += length;
        if (packet.verdict == VPN_TO_NET) {
            ck_assert_uint_eq(packet.length, 64);
            ck_assert_uint_eq(packet.tos, 0);
            ck_assert_uint_eq(d->net->log.count, log + 1);
            ck_assert(net_endpoint_equal(&d->net->log.items[log].path.remote, &from));
        }
    }
    for (size_t i = first; i < d->net->log.count; i++)
        out += d->net->log.items[i].length;
    ck_assert_uint_eq(out, 64 * (400 - (_i ? 0 : RATE)));
    ck_assert_uint_lt(out, in);
    /* Answers to sound messages are not longer either. */
    net_run(d->net, SECONDS(3));
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    duel_free(d);
}
END_TEST

/* A message with a mac2 under a cookie that was made for somebody else is asked for another one, and moves no peer. */
static void foreign(struct duel *d, const vpn_endpoint *from, const uint8_t *message, uint32_t length)
{
    uint64_t cookies = node_stats(d->a).cookies_sent;
    snapshot_take(d->a, &before);
    vpn_packet packet = node_feed(d->a, from, message, length);
    ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(packet.type, 3);
    ck_assert_uint_eq(packet.length, 64);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, cookies + 1);
    snapshot_peers_unmoved(d->a, &before);
}

START_TEST(pitfall_18_cookie_is_for_one_address_and_port)
{
    enum kind kind = (enum kind)(_i % KINDS);
    int family = _i < KINDS ? 4 : 6;
    struct duel *d = loaded(186 + (uint64_t)_i);
    vpn_endpoint at = source(family), other;
    uint8_t message[148];
    uint32_t length = length_of[kind];
    duel_get_cookie(d, &at);
    message_of(d, kind, message);
    for (int bit = 0; bit < 16; bit++) {
        other = at;
        other.port ^= (uint16_t)(1u << bit);
        foreign(d, &other, message, length);
    }
    for (int bit = 0; bit < (family == 4 ? 32 : 128); bit++) {
        other = at;
        other.addr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        foreign(d, &other, message, length);
    }
    /* The other family with the same bytes; the address and the port run together. */
    other = at;
    other.family = family == 4 ? 6 : 4;
    foreign(d, &other, message, length);
    vpn_packet packet = node_feed(d->a, &at, message, length);
    ck_assert_uint_eq(packet.reason, VPN_REASON_NONE);
    ck_assert_uint_eq(packet.type, kind == INITIATION ? 2 : 4);
    duel_free(d);
}
END_TEST

/* --- 19 --- */

enum flood { SPOOFED, ONE_ADDRESS, WITH_MAC2, FLOODS };

/* 50 messages in a tenth of a second, fifty times the rate. Those with mac2 that pass meet a Diffie-Hellman and fail. */
static void attack(struct duel *d, enum flood flood)
{
    uint8_t message[148];
    if (flood == SPOOFED)
        duel_flood(d, 50);
    for (int i = 0; i < 50 && flood != SPOOFED; i++) {
        d->f.has_cookie &= flood == WITH_MAC2;
        duel_hollow(d, message);
        node_feed(d->a, &d->f.at, message, 148);
    }
}

/* B is honest: it connects after one round trip for a cookie, C's session carries data, and what the attacker proves buys no
 * more than its own budget. The load ends one second after the last message that was over the rate. */
START_TEST(pitfall_19_one_attacker_and_everyone_else)
{
    struct duel *d = new_duel(190 + (uint64_t)_i);
    struct node *b = net_node(d->net, NULL), *c = net_node(d->net, NULL);
    d->net->delay = MILLIS(5);
    for (int i = 1; i <= 2; i++) {
        d->net->nodes[i]->peers[0] = node_add(d->net->nodes[i], d->a, NULL);
        node_add(d->a, d->net->nodes[i], NULL);
    }
    node_send(c, d->a, 20);
    net_run(d->net, SECONDS(1));
    duel_overload(d, RATE);
    duel_get_cookie(d, &d->f.at);
    uint64_t tried = d->a->drops[VPN_REASON_HANDSHAKE], arrived = d->a->delivered;
    vpn_time start = d->net->now;
    node_send(b, d->a, 20);
    for (int i = 0; i < 80; i++) {
        attack(d, (enum flood)_i);
        ck_assert_uint_eq(node_send(c, d->a, 20).verdict, VPN_TO_NET);
        net_run(d->net, MILLIS(100));
    }
    ck_assert_uint_eq(d->a->delivered, arrived + 80 + 1);
    ck_assert_uint_eq(node_stats(b).cookies_received, 1);
    ck_assert_uint_eq(net_logged(d->net, 1, 1, 0), 2);
    ck_assert_uint_le(node_peer_stats(b, b->peers[0]).last_handshake, start + SECONDS(5) + MILLIS(333 + 20));
    /* RATE once at each end of load. */
    ck_assert_uint_le(d->a->drops[VPN_REASON_HANDSHAKE] - tried, _i == WITH_MAC2 ? BURST + 8 * 20 + 8 * RATE : 0);
    duel_free(d);
}
END_TEST

START_TEST(pitfall_19_load_ends)
{
    struct duel *d = new_duel(193 + (uint64_t)_i);
    struct node *b = net_node(d->net, NULL);
    uint8_t message[148];
    b->peers[0] = node_add(b, d->a, NULL);
    node_add(d->a, b, NULL);
    duel_overload(d, RATE);
    duel_get_cookie(d, &d->f.at);
    vpn_time last = d->net->now;
    /* Proved messages over their own budget are shut out, and do not make the load last. */
    for (int i = 0; i < 9 && _i; i++) {
        net_run(d->net, MILLIS(100));
        for (int k = 0; k < 50; k++) {
            duel_hollow(d, message);
            node_feed(d->a, &d->f.at, message, 148);
        }
    }
    net_run_until(d->net, last + SECONDS(1) - 1);
    ck_assert_uint_eq(node_stats(d->a).under_load, 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_OFF), 0);
    net_run_until(d->net, last + SECONDS(1));
    ck_assert_uint_eq(node_stats(d->a).under_load, 0);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_OFF), 1);
    node_send(b, d->a, 20);
    net_run(d->net, MILLIS(10));
    ck_assert_uint_eq(d->a->delivered, 1);
    ck_assert_uint_eq(node_stats(b).cookies_received, 0);
    /* A keepalive for what came, and nothing of the load. */
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), last + SECONDS(11));
    duel_free(d);
}
END_TEST

/* --- 20 --- */

/* Every message over the rate is answered by a cookie, for as long as the flood lasts and in batches too; none just vanishes. */
START_TEST(pitfall_20_flood_gets_its_cookies)
{
    struct duel *d = new_duel(200 + (uint64_t)_i);
    uint8_t bytes[50][148];
    vpn_packet packets[50];
    uint64_t cookies = 0;
    for (uint32_t round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < 50; i++) {
            uint32_t length = length_of[i % KINDS];
            duel_hollow(d, bytes[i]);
            bytes[i][0] = i % KINDS == RESPONSE ? 2 : 1;
            forge_macs(&d->f, bytes[i], length);
            packets[i] = (vpn_packet){.data = bytes[i], .capacity = length, .length = length};
            packets[i].path.remote = source(_i ? 6 : 4);
            packets[i].path.remote.port = (uint16_t)(1 + 50 * round + i);
        }
        cookies += vpn_wg_recv(d->a->wg, packets, 50, node_now(d->a));
        for (uint32_t i = round == 0 ? RATE : 0; i < 50; i++) {
            ck_assert_uint_eq(packets[i].verdict, VPN_TO_NET);
            ck_assert_uint_eq(packets[i].type, 3);
        }
        net_run(d->net, MILLIS(100));
    }
    ck_assert_uint_eq(cookies, 50 * 100 - RATE);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, cookies);
    ck_assert_uint_eq(node_stats(d->a).drops[VPN_REASON_RATE], 0);
    ck_assert_uint_eq(node_stats(d->a).under_load, 1);
    /* They are of use. */
    duel_get_cookie(d, &d->f.at);
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/18-20");
    test_loop(s, "18 mac1", pitfall_18_no_cookie_without_mac1, 2 * KINDS);
    test_loop(s, "18 amplification", pitfall_18_no_amplification, 2);
    test_loop(s, "18 port", pitfall_18_cookie_is_for_one_address_and_port, 2 * KINDS);
    test_loop(s, "19 everyone", pitfall_19_one_attacker_and_everyone_else, FLOODS);
    test_loop(s, "19 end", pitfall_19_load_ends, 2);
    test_loop(s, "20", pitfall_20_flood_gets_its_cookies, 2);
    return s;
}

TEST_MAIN(suite)
