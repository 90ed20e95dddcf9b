/* SPDX-License-Identifier: ISC */
/* Denial of service: mac1, mac2, cookies and budgets, whitepaper sections 5.3, 5.4.4 and 5.4.7. */
#include "scenario/duel.h"

#include "crypto/blake2s.h"

#define RATE 10

static struct duel *small_duel(uint64_t seed)
{
    vpn_wg_config config = {.load_rate = RATE, .sources = 16};
    return duel_new(seed, &config);
}

/* Brings the device under load at this moment. */
static void overload(struct duel *d)
{
    duel_overload(d, RATE);
}

/* The rate is "more than": the last one of the budget still passes. Load ends a second after the last excess. */
START_TEST(load)
{
    struct duel *d = small_duel(1);
    uint8_t message[148];
    net_run(d->net, SECONDS(2));
    duel_flood(d, RATE);
    ck_assert_uint_eq(d->a->drops[VPN_REASON_HANDSHAKE], RATE);
    ck_assert_uint_eq(node_stats(d->a).under_load, 0);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_ON), 0);
    duel_hollow(d, message);
    vpn_packet packet = node_feed(d->a, &d->f.at, message, 148);
    ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(packet.length, 64);
    ck_assert_uint_eq(packet.type, 3);
    ck_assert_uint_eq(packet.tos, 0);
    ck_assert(net_endpoint_equal(&packet.path.remote, &d->f.at));
    const uint8_t head[4] = {3, 0, 0, 0};
    ck_assert_mem_eq(packet.data, head, 4);
    ck_assert_mem_eq(packet.data + 4, message + 4, 4);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_ON), 1);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, 1);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), SECONDS(3));
    net_run_until(d->net, SECONDS(3) - 1);
    ck_assert_uint_eq(node_stats(d->a).under_load, 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_OFF), 0);
    net_run_until(d->net, SECONDS(3));
    ck_assert_uint_eq(node_stats(d->a).under_load, 0);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_OFF), 1);
    ck_assert_uint_eq(node_event_last(d->a, VPN_WG_LOAD_OFF)->time, SECONDS(3));
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), SECONDS(3 + 540));
    duel_free(d);
}
END_TEST

/* Under load, what is turned away is excess as well: load goes on as long as the flood does, and is told once. */
START_TEST(load_goes_on)
{
    struct duel *d = small_duel(11);
    net_run(d->net, SECONDS(2));
    overload(d);
    net_run_until(d->net, SECONDS(2) + MILLIS(500));
    duel_flood(d, RATE);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_LOAD_ON), 1);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), SECONDS(3) + MILLIS(500));
    net_run_until(d->net, SECONDS(3) + MILLIS(500) - 1);
    ck_assert_uint_eq(node_stats(d->a).under_load, 1);
    net_run_until(d->net, SECONDS(3) + MILLIS(500));
    ck_assert_uint_eq(node_stats(d->a).under_load, 0);
    duel_free(d);
}
END_TEST

/* The default is 1,000 in a second; a steady rate under it is no load. */
START_TEST(default_rate)
{
    struct duel *d = duel_new(2, NULL);
    for (int i = 0; i < 10; i++) {
        duel_flood(d, 99);
        net_run(d->net, MILLIS(100));
    }
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, 0);
    net_run(d->net, SECONDS(2));
    duel_flood(d, 1000);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, 0);
    duel_flood(d, 1);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, 1);
    duel_free(d);
}
END_TEST

/* 5.3: without a valid mac1 there is no answer at all, loaded or not. */
START_TEST(mac1_first)
{
    struct duel *d = small_duel(3);
    uint8_t message[148];
    if (_i)
        overload(d);
    uint64_t cookies = node_stats(d->a).cookies_sent;
    for (uint32_t i = 0; i < 132; i++) {
        duel_hollow(d, message);
        message[i] ^= 0x40;
        vpn_packet packet = node_poke(d->a, &d->f.at, message, 148);
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        if (i >= 4)
            ck_assert_uint_eq(packet.reason, VPN_REASON_MAC1);
    }
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, cookies);
    duel_free(d);
}
END_TEST

/* 5.4.7: under load an initiation passes with a mac2 from its own address and port, while the secret lives. */
START_TEST(cookie_for_initiation)
{
    struct duel *d = small_duel(4);
    net_run(d->net, SECONDS(10));
    overload(d);
    duel_get_cookie(d, &d->f.at);
    vpn_time drawn = d->net->now;
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    vpn_endpoint at = d->f.at;
    for (int change = 0; change < 3; change++) {
        net_run(d->net, MILLIS(500));
        overload(d);
        d->f.at = at;
        d->f.at.port = (uint16_t)(at.port + (change == 0));
        d->f.at.addr[3] = (uint8_t)(at.addr[3] + (change == 1));
        ck_assert_uint_eq(duel_initiate(d).length, change == 2 ? 92 : 64);
    }
    net_run_until(d->net, drawn + SECONDS(120) - MILLIS(500));
    overload(d);
    net_run_until(d->net, drawn + SECONDS(120) - 1);
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    net_run_until(d->net, drawn + SECONDS(120));
    ck_assert_uint_eq(duel_initiate(d).length, 64);
    duel_free(d);
}
END_TEST

/* The secret is drawn before it is used: a mac2 under the zeroed state of fresh memory opens nothing. */
START_TEST(zero_secret)
{
    struct duel *d = small_duel(5);
    uint8_t from[6] = {198, 51, 100, 1, 1000 >> 8, 1000 & 255};
    uint32_t zero[8] = {0};
    vpn__blake2s_resume(d->f.cookie, 16, zero, from, 6);
    d->f.has_cookie = 1;
    if (_i)
        overload(d);
    else
        for (int i = 0; i < RATE; i++) { /* mac2 is not proof, so these come out of the common budget */
            uint8_t message[148];
            duel_hollow(d, message);
            node_feed(d->a, &d->f.at, message, 148);
        }
    ck_assert_uint_eq(duel_initiate(d).length, 64);
    duel_free(d);
}
END_TEST

/* mac2 is not looked at without load: a wrong one does no harm. */
START_TEST(mac2_without_load)
{
    struct duel *d = small_duel(6);
    forge_bytes(&d->f, d->f.cookie, 16);
    d->f.has_cookie = 1;
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    duel_free(d);
}
END_TEST

/* A source with a mac2 has a budget of its own: 5 at once, 20 a second, for its IPv4 address or IPv6 /64. */
START_TEST(source_budget)
{
    struct duel *d = small_duel(7);
    uint8_t message[148];
    if (_i) {
        d->f.at.family = 6;
        test_fill(&d->net->seed, d->f.at.addr, 16);
    }
    overload(d);
    duel_get_cookie(d, &d->f.at);
    for (int i = 0; i < 7; i++) {
        duel_hollow(d, message);
        ck_assert_uint_eq(node_poke(d->a, &d->f.at, message, 148).reason,
                          i < 5 ? VPN_REASON_HANDSHAKE : VPN_REASON_RATE);
    }
    /* Another port, or another address of the /64, is the same source. */
    vpn_endpoint near = d->f.at;
    near.port++;
    if (_i)
        near.addr[12] ^= 1;
    duel_get_cookie(d, &near);
    duel_hollow(d, message);
    ck_assert_uint_eq(node_poke(d->a, &near, message, 148).reason, VPN_REASON_RATE);
    net_run(d->net, MILLIS(50));
    duel_hollow(d, message);
    ck_assert_uint_eq(node_poke(d->a, &near, message, 148).reason, VPN_REASON_HANDSHAKE);
    duel_hollow(d, message);
    ck_assert_uint_eq(node_poke(d->a, &near, message, 148).reason, VPN_REASON_RATE);
    /* Another source is not touched. */
    vpn_endpoint far = d->f.at;
    far.addr[_i ? 7 : 3] ^= 1;
    duel_get_cookie(d, &far);
    duel_hollow(d, message);
    ck_assert_uint_eq(node_poke(d->a, &far, message, 148).reason, VPN_REASON_HANDSHAKE);
    duel_free(d);
}
END_TEST

/* mac1 alone owns no place in the table of sources: a flood of them takes nothing from one that has proved its address. */
START_TEST(spoofed_sources)
{
    struct duel *d = small_duel(8);
    uint8_t message[148];
    d->net->no_log = 1;
    overload(d);
    duel_get_cookie(d, &d->f.at);
    for (int round = 0; round < 20; round++) {
        duel_flood(d, 500);
        for (int i = 0; i < 5; i++) {
            duel_hollow(d, message);
            ck_assert_uint_eq(node_poke(d->a, &d->f.at, message, 148).reason, VPN_REASON_HANDSHAKE);
        }
        net_run(d->net, MILLIS(250));
    }
    duel_free(d);
}
END_TEST

/* A flood from everywhere, or from one address with a cookie, keeps no honest peer out for longer than one retry. */
START_TEST(honest_peer_connects)
{
    struct duel *d = small_duel(9);
    struct node *b = net_node(d->net, NULL);
    uint8_t message[148];
    d->net->delay = MILLIS(5);
    node_add(d->a, b, NULL);
    b->peers[0] = 0;
    node_add(b, d->a, NULL);
    overload(d);
    duel_get_cookie(d, &d->f.at);
    node_send(b, d->a, 20);
    for (int i = 0; i < 80; i++) {
        duel_flood(d, 5);
        for (int k = 0; k < 5 && _i; k++) {
            duel_hollow(d, message);
            node_feed(d->a, &d->f.at, message, 148);
        }
        net_run(d->net, MILLIS(100));
    }
    ck_assert_uint_eq(d->a->delivered, 1);
    ck_assert_uint_eq(net_logged(d->net, 1, 1, 0), 2);
    ck_assert_uint_eq(node_stats(b).cookies_received, 1);
    ck_assert_uint_eq(node_stats(d->a).under_load, 1);
    duel_free(d);
}
END_TEST

static void expect_mac2(const struct datagram *sent, const uint8_t *cookie)
{
    uint8_t want[16] = {0};
    if (cookie != NULL)
        vpn_blake2s_hash(want, 16, sent->bytes, sent->length - 16, cookie, 16);
    ck_assert_mem_eq(sent->bytes + sent->length - 16, want, 16);
}

/* 5.4.7: who gets a cookie uses it in the next message, at the time that would have been anyway, for 115 s. */
START_TEST(cookie_for_us)
{
    struct duel *d = small_duel(10);
    uint8_t reply[64], cookie[16], other[16];
    forge_bytes(&d->f, cookie, 16);
    forge_bytes(&d->f, other, 16);
    duel_send(d);
    net_run(d->net, 0);
    const struct datagram *sent = net_log_last(d->net, 0, 1);
    expect_mac2(sent, NULL);
    forge_cookie_reply(&d->f, reply, sent->bytes, 148, cookie);
    vpn_endpoint elsewhere = {.family = 4, .port = 5, .addr = {9, 9, 9, 9}};
    struct snapshot before = node_snapshot(d->a, d->id);
    for (uint32_t i = 0; i < 64; i++) {
        struct snapshot here = node_snapshot(d->a, d->id);
        reply[i] ^= 0x10;
        vpn_packet packet = node_feed(d->a, &elsewhere, reply, 64);
        reply[i] ^= 0x10;
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        if (i >= 8)
            ck_assert_uint_eq(packet.reason, VPN_REASON_COOKIE);
        node_unmoved(d->a, d->id, &here, packet.reason, 1);
    }
    ck_assert_uint_eq(node_feed(d->a, &elsewhere, reply, 64).verdict, VPN_DONE);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), before.deadline);
    vpn_wg_peer_stats stats = node_peer_stats(d->a, d->id);
    ck_assert(net_endpoint_equal(&stats.path.remote, &d->f.at));
    ck_assert_uint_eq(stats.last_received, VPN_NEVER);
    ck_assert_uint_eq(node_stats(d->a).cookies_received, 1);
    /* One cookie for each mac1. */
    forge_cookie_reply(&d->f, reply, sent->bytes, 148, other);
    ck_assert_uint_eq(node_feed(d->a, &elsewhere, reply, 64).reason, VPN_REASON_STATE);
    net_run(d->net, SECONDS(115) - 1);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 20);
    for (size_t i = 1; i < 20; i++)
        expect_mac2(net_log_at(d->net, 0, 1, i), cookie);
    duel_free(d);
}
END_TEST

/* Its life is 115 s to the nanosecond. */
START_TEST(cookie_age)
{
    struct duel *d = small_duel(11);
    uint8_t reply[64], cookie[16] = {7};
    duel_from_node(d);
    duel_at(d, SECONDS(6));
    vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
    net_run(d->net, 0);
    forge_cookie_reply(&d->f, reply, net_log_last(d->net, 0, 1)->bytes, 148, cookie);
    node_feed(d->a, &d->f.at, reply, 64);
    vpn_time got = d->net->now;
    duel_respond(d);
    net_run_until(d->net, got + SECONDS(115) - (_i ? 0 : 1));
    vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
    net_run(d->net, 0);
    expect_mac2(net_log_last(d->net, 0, 1), _i ? NULL : cookie);
    duel_free(d);
}
END_TEST

/* The responder may be asked for a cookie as well: the reply then names its session, and its next response has mac2. */
START_TEST(cookie_for_our_response)
{
    struct duel *d = small_duel(12);
    uint8_t reply[64], cookie[16] = {9};
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    expect_mac2(net_log_last(d->net, 0, 2), NULL);
    forge_cookie_reply(&d->f, reply, net_log_last(d->net, 0, 2)->bytes, 92, cookie);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, reply, 64).verdict, VPN_DONE);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    expect_mac2(net_log_last(d->net, 0, 2), cookie);
    duel_free(d);
}
END_TEST

/* Under load a response needs a mac2 too: the initiator asks for it in the response's place. */
START_TEST(response_under_load)
{
    struct duel *d = small_duel(13);
    uint8_t message[92], stamp[12];
    duel_send(d);
    net_run(d->net, 0);
    overload(d);
    ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
    forge_response(&d->f, message);
    vpn_packet packet = node_feed(d->a, &d->f.at, message, 92);
    ck_assert_uint_eq(packet.length, 64);
    ck_assert_uint_eq(packet.type, 3);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 0);
    ck_assert_int_eq(forge_read_cookie_reply(&d->f, packet.data + packet.offset), 0);
    forge_macs(&d->f, message, 92);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 92).verdict, VPN_DONE);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 1);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), 1);
    /* Data is not held up by load. */
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* A cookie goes to where the message came from, whatever is known of any peer. */
START_TEST(cookie_path)
{
    struct duel *d = small_duel(14);
    vpn_wg_peer change = {.policy = VPN_WG_PIN};
    node_set(d->a, d->id, &change, VPN_WG_SET_POLICY);
    overload(d);
    vpn_endpoint elsewhere = {.family = 6, .port = 5, .addr = {0xfe, 0x80, [15] = 1}, .scope = 3};
    d->f.at = elsewhere;
    vpn_packet packet = duel_initiate(d);
    ck_assert_uint_eq(packet.length, 64);
    ck_assert(net_endpoint_equal(&packet.path.remote, &elsewhere));
    ck_assert_uint_eq(packet.path.remote.scope, 3);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/cookie");
    test_add(s, "load", load);
    test_add(s, "load goes on", load_goes_on);
    test_add(s, "default rate", default_rate);
    test_add(s, "cookie for initiation", cookie_for_initiation);
    test_add(s, "mac2 without load", mac2_without_load);
    test_add(s, "spoofed sources", spoofed_sources);
    test_add(s, "cookie for us", cookie_for_us);
    test_add(s, "cookie for our response", cookie_for_our_response);
    test_add(s, "response under load", response_under_load);
    test_add(s, "cookie path", cookie_path);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, mac1_first, 0, 2);
    tcase_add_loop_test(loops, zero_secret, 0, 2);
    tcase_add_loop_test(loops, source_budget, 0, 2);
    tcase_add_loop_test(loops, honest_peer_connects, 0, 2);
    tcase_add_loop_test(loops, cookie_age, 0, 2);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)
