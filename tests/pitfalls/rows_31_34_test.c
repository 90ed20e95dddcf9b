/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: limiters that a spoofer fills, keepalives without end, clocks that
 * jump and clocks that stand. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

#define HOUR SECONDS(3600)

/* --- 31 --- */

#define SPOOFED 1000000u
#define BURST   5 /* of a source that proved its address */

/* mac1 is right and the rest is not; mac2 follows when the forger holds a cookie. */
static void hollow(struct duel *d, uint8_t message[148])
{
    memset(message, 0, 148);
    message[0] = 1;
    message[8] = (uint8_t)d->wall++;
    memcpy(d->f.remote, d->a->public_key, 32);
    forge_macs(&d->f, message, 148);
}

static vpn_packet from(struct duel *d, const vpn_endpoint *at, uint8_t message[148])
{
    vpn_packet packet = {.data = message, .capacity = 148, .length = 148, .path = {.remote = *at}};
    vpn_wg_recv(d->a->wg, &packet, 1, node_now(d->a));
    return packet;
}

/* Addresses of both families, each one its own source to the limiter. */
static vpn_endpoint spoofed(uint32_t i)
{
    vpn_endpoint at = {.family = i % 2 ? 4 : 6, .port = 1};
    for (int k = 0; k < 4; k++)
        at.addr[k] = (uint8_t)(i >> (8 * k));
    return at;
}

/* The same hollow message from ever new sources: a cookie to each, and never as much as one Diffie-Hellman. */
static void spoof(struct duel *d, uint32_t first, uint32_t count)
{
    struct forger bare = d->f;
    uint8_t message[148], copy[148];
    d->f.has_cookie = 0;
    hollow(d, message);
    d->f = bare;
    for (uint32_t i = first; i < first + count; i++) {
        vpn_endpoint at = spoofed(i);
        memcpy(copy, message, 148);
        vpn_packet packet = from(d, &at, copy);
        if (packet.verdict != VPN_TO_NET || packet.type != 3 || packet.length != 64)
            ck_abort_msg("source %u: verdict %u, '%s'", i, packet.verdict, vpn_reason_name(packet.reason));
    }
}

static size_t entries_in_use(const struct duel *d)
{
    const struct vpn__limiter *limiter = &d->a->wg->limiter;
    size_t used = 0;
    for (uint32_t i = 0; i < limiter->room; i++)
        used += limiter->entries[i].ready != 0;
    return used;
}

START_TEST(pitfall_31_spoofed_sources_own_no_limiter_entry)
{
    vpn_wg_config config = {.load_rate = 1, .sources = 16};
    struct duel *d = duel_new(31, &config);
    uint8_t message[148];
    vpn_packet packet;
    net_run(d->net, SECONDS(10));
    hollow(d, message);
    ck_assert_uint_eq(from(d, &d->f.at, message).reason, VPN_REASON_HANDSHAKE); /* the budget of all, for this second */
    size_t allocations = d->a->env.calls;
    spoof(d, 0, SPOOFED / 2);
    ck_assert_uint_eq(entries_in_use(d), 0);
    hollow(d, message);
    packet = from(d, &d->f.at, message);
    ck_assert_uint_eq(packet.length, 64);
    ck_assert_int_eq(forge_read_cookie_reply(&d->f, message), 0);
    for (int i = 0; i < BURST; i++) {
        spoof(d, SPOOFED / 2 + (uint32_t)i * (SPOOFED / 2 / BURST), SPOOFED / 2 / BURST);
        hollow(d, message);
        ck_assert_uint_eq(from(d, &d->f.at, message).reason, VPN_REASON_HANDSHAKE);
        ck_assert_uint_eq(entries_in_use(d), 1);
    }
    hollow(d, message);
    ck_assert_uint_eq(from(d, &d->f.at, message).reason, VPN_REASON_RATE);
    ck_assert_uint_eq(d->a->env.calls, allocations);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, SPOOFED + 1);
    duel_free(d);
}
END_TEST

/* --- 32 --- */

START_TEST(pitfall_32_idle_pair_falls_silent)
{
    struct net *net = net_pair(32);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    for (int i = 0; i < 5; i++) {
        node_send(a, b, 100);
        node_send(b, a, 100);
        net_run(net, SECONDS(1));
    }
    node_send(a, b, 100);
    net_run(net, SECONDS(25));
    vpn_time quiet = net->now;
    ck_assert_uint_ge(net_logged(net, 1, NET_KEEPALIVE, 0), 1); /* there was something to answer */
    net_run(net, 10 * HOUR);
    for (int type = 1; type <= 4; type++)
        ck_assert_uint_eq(net_logged(net, -1, (uint8_t)type, quiet), 0);
    ck_assert_uint_eq(vpn_wg_deadline(a->wg), VPN_NEVER);
    ck_assert_uint_eq(vpn_wg_deadline(b->wg), VPN_NEVER);
    net_free(net);
}
END_TEST

/* Whatever number of keepalives comes, none goes, and none makes one due. */
START_TEST(pitfall_32_keepalives_are_not_answered)
{
    struct duel *d = duel_new(33, NULL);
    duel_from_forger(d);
    vpn_time deadline = vpn_wg_deadline(d->a->wg);
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(duel_keepalive(d).verdict, VPN_DONE);
        ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), deadline);
        net_run(d->net, MILLIS(100));
    }
    ck_assert_uint_eq(duel_sent(d, 4, d->born), 0);
    ck_assert_uint_eq(node_stats(d->a).keepalives_sent, 0);
    duel_free(d);
}
END_TEST

/* With persistent ones on both sides there is one in each interval, not an echo. */
START_TEST(pitfall_32_persistent_keepalives_have_no_echo)
{
    struct net *net = net_new(34);
    struct node *a = net_node(net, NULL), *b = net_node(net, NULL);
    vpn_wg_peer peer = {.set = VPN_WG_SET_KEEPALIVE, .keepalive = 25};
    node_add(a, b, &peer);
    node_add(b, a, &peer);
    net_run(net, HOUR);
    size_t sent = net_logged(net, -1, NET_KEEPALIVE, 0);
    /* Either side's own ones, and the confirmation of each handshake. */
    duel_between(sent, 3600 / 25, 2 * 3600 / 25 + net_logged(net, -1, 2, 0));
    net_free(net);
}
END_TEST

/* --- 33 --- */

static const int64_t jumps[] = {3600,   -3600, 7200, -60,        86400, -86400, 1,
                                -10000, 1000,  600,  -3600 * 24, 179,   -179,   3600 * 24 * 30};

/* What the device says and does is right for the clock that it is shown, and never spins. */
static void lives(struct duel *d)
{
    vpn_time since = d->net->now;
    vpn_packet packet = duel_send(d);
    if (packet.verdict == VPN_WAIT) {
        net_run(d->net, SECONDS(6));
        ck_assert_uint_ge(duel_sent(d, 1, since), 1);
        duel_respond(d);
        ck_assert_uint_eq(duel_sent(d, NET_DATA, since), 1); /* what was parked */
    } else {
        ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    }
    ck_assert_uint_eq(duel_keepalive(d).verdict, VPN_DONE);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    /* Unheard for 15 s: section 6.5. */
    since = d->net->now;
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    net_run(d->net, SECONDS(15) - 1);
    ck_assert_uint_eq(duel_sent(d, 1, since), 0);
    net_run(d->net, MILLIS(334));
    ck_assert_uint_eq(duel_sent(d, 1, since), 1);
    duel_respond(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 0);
}

START_TEST(pitfall_33_clock_jumps_both_ways)
{
    struct duel *d = duel_new(35, NULL);
    net_run(d->net, SECONDS(86400 * 3));
    duel_from_node(d);
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        d->a->skew += jumps[i] * (int64_t)VPN_SECOND;
        if (_i)
            net_run(d->net, 0); /* the host's timer fires first */
        /* A session outlives a step back, and one forward if it is young enough. */
        vpn_packet packet = duel_send(d);
        ck_assert_uint_eq(packet.verdict, jumps[i] < 180 ? VPN_TO_NET : VPN_WAIT);
        if (packet.verdict == VPN_WAIT) {
            net_run(d->net, SECONDS(6));
            duel_respond(d);
        } else {
            duel_keepalive(d);
        }
        net_run(d->net, SECONDS(6));
        lives(d);
    }
    duel_free(d);
}
END_TEST

/* The host calls for whatever reason, and the device sees the time. */
static void glance(struct duel *d)
{
    uint8_t room[VPN_WG_FRESH_BYTES];
    vpn_packet fresh = {.data = room, .capacity = sizeof room};
    if (vpn_wg_tick(d->a->wg, &fresh, 1, node_now(d->a)) == 1)
        node_transmit(d->a, &fresh);
}

/* Hours pass at once while a handshake is tried: it goes on at once, and gives up in its time. A step back is known to the
 * device from the next call on, since vpn_wg_deadline is not told the time. */
START_TEST(pitfall_33_clock_jumps_while_connecting)
{
    struct duel *d = duel_new(36, NULL);
    net_run(d->net, SECONDS(86400 * 3));
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(1));
    vpn_time since = d->net->now;
    d->a->skew += _i ? -5 * (int64_t)HOUR : 5 * (int64_t)HOUR;
    glance(d);
    net_run(d->net, SECONDS(6));
    duel_between(duel_sent(d, 1, since), 1, 2);
    net_run(d->net, SECONDS(120));
    ck_assert_uint_eq(node_events(d->a, VPN_WG_GAVE_UP), 1);
    ck_assert_uint_eq(vpn_queue_count(d->a->queue, 0), 0);
    duel_between(duel_sent(d, 1, 0), 20, 20);
    duel_free(d);
}
END_TEST

/* --- 34 --- */

enum wall { ZERO, BROKEN, STEPS_BACK, WALLS };

static void spoil_wall(struct node_env *env, enum wall wall)
{
    switch (wall) {
    case ZERO:
        env->wall.seconds = env->wall.nanoseconds = 0;
        env->wall_stands = 1;
        break;
    case BROKEN:
        env->wall_status = -1;
        break;
    case STEPS_BACK:
    case WALLS:
        env->wall.seconds -= 86400;
        break;
    }
}

START_TEST(pitfall_34_stamps_increase_without_a_clock)
{
    struct duel *d = duel_new(37, NULL);
    uint8_t stamp[12], last[12] = {0};
    for (int i = 0; i < 50; i++) {
        if (i % 10 == 5)
            spoil_wall(&d->a->env, (enum wall)_i);
        ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
        net_run(d->net, SECONDS(6));
        ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
        ck_assert_int_gt(memcmp(stamp, last, 12), 0);
        memcpy(last, stamp, 12);
    }
    duel_free(d);
}
END_TEST

/* The same identity on a host that has just booted, with or without what it stored. */
static struct node *boot(struct net *net, const struct node *before, enum wall wall, const uint8_t *floor)
{
    vpn_wg_config config = {0};
    if (floor != NULL)
        memcpy(config.stamp_floor, floor, sizeof config.stamp_floor);
    struct node *node = net_node_blank(net, &config);
    memcpy(node->private_key, before->private_key, 32);
    memcpy(node->public_key, before->public_key, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(node->wg, node->private_key, node_now(node)), 0);
    spoil_wall(&node->env, wall);
    node_add(node, net->nodes[1], NULL);
    ck_assert_int_eq(vpn_wg_handshake(node->wg, node->peers[1], node_now(node)), 0);
    net_run(net, SECONDS(1));
    return node;
}

START_TEST(pitfall_34_handshakes_after_a_boot_without_a_clock)
{
    struct net *net = net_pair(38);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint8_t floor[VPN_TAI64N_BYTES];
    net_up(net);
    vpn_wg_stamp(a->wg, floor);
    net_run(net, SECONDS(30));
    vpn_wg_suspend(a->wg);
    /* Nothing was stored: the peer takes it for a replay, as it must. */
    struct node *without = boot(net, a, (enum wall)_i, NULL);
    ck_assert_uint_eq(node_state(without, b), VPN_WG_CONNECTING);
    ck_assert_uint_eq(node_peer_stats(b, b->peers[0]).drops[VPN_REASON_TIMESTAMP], 1);
    vpn_wg_suspend(without->wg);
    struct node *with = boot(net, a, (enum wall)_i, floor);
    ck_assert_uint_eq(node_state(with, b), VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_peer_stats(b, b->peers[0]).drops[VPN_REASON_TIMESTAMP], 1);
    vpn_wg_stamp(with->wg, floor);
    vpn_wg_suspend(with->wg);
    net_run(net, SECONDS(30));
    with = boot(net, a, (enum wall)_i, floor);
    ck_assert_uint_eq(node_state(with, b), VPN_WG_CONNECTED);
    net_free(net);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/31-34");
    test_loop(s, "31", pitfall_31_spoofed_sources_own_no_limiter_entry, 1);
    test_loop(s, "32 silence", pitfall_32_idle_pair_falls_silent, 1);
    test_loop(s, "32 answers", pitfall_32_keepalives_are_not_answered, 1);
    test_loop(s, "32 persistent", pitfall_32_persistent_keepalives_have_no_echo, 1);
    test_loop(s, "33 sessions", pitfall_33_clock_jumps_both_ways, 2);
    test_loop(s, "33 handshakes", pitfall_33_clock_jumps_while_connecting, 2);
    test_loop(s, "34 stamps", pitfall_34_stamps_increase_without_a_clock, WALLS);
    test_loop(s, "34 boot", pitfall_34_handshakes_after_a_boot_without_a_clock, WALLS);
    return s;
}

TEST_MAIN(suite)
