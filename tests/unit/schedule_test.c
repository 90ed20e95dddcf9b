/* SPDX-License-Identifier: ISC */
#include "wireguard/schedule.h"

#include "common/wg.h"

#define S     VPN_SECOND
#define PEERS 30

static struct wg_node node;

static struct vpn__peer *add(uint32_t number)
{
    uint64_t seed = number;
    vpn_peer_id id;
    vpn_wg_peer peer = {.size = sizeof(peer)};
    test_fill(&seed, peer.public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    return vpn__wg_peer(node.wg, (uint32_t)id);
}

/* The definition: the least of all peers' deadlines and expiry times. */
static vpn_time least(void)
{
    vpn_time first = VPN_NEVER;
    for (uint32_t i = 0; i < vpn__slab_high(&node.wg->peers); i++) {
        const struct vpn__peer *peer = vpn__wg_peer(node.wg, i);
        vpn_time t = peer->id ? vpn__timers_deadline(&peer->timers) : VPN_NEVER;
        vpn_time e = peer->id ? peer->expires : VPN_NEVER;
        first = t < first ? t : first;
        first = e < first ? e : first;
    }
    return first;
}

/* A deadline that comes nearer is known at once; one that moves away only when it is settled, and then exactly. */
START_TEST(nearer_and_farther)
{
    wg_node_init(&node, 0, NULL);
    struct vpn__peer *a = add(1), *b = add(2);
    a->timers.wipe = 10 * S;
    b->timers.wipe = 20 * S;
    vpn__schedule(node.wg, a);
    vpn__schedule(node.wg, b);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 10 * S);
    a->timers.wipe = 30 * S;
    vpn__schedule(node.wg, a);
    ck_assert_uint_eq(vpn__heap_top(&node.wg->heap, NULL), 10 * S);
    vpn__schedule_settle(node.wg);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 20 * S);
    b->timers.wipe = VPN_NEVER;
    b->expires = 25 * S;
    vpn__schedule_exactly(node.wg, b);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 25 * S);
    b->expires = VPN_NEVER;
    vpn__schedule_settle(node.wg);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 30 * S);
    a->timers.wipe = VPN_NEVER;
    vpn__schedule_settle(node.wg);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), VPN_NEVER);
    wg_node_end(&node);
}
END_TEST

/* The end of "under load" is a deadline like the others; asleep there is none. */
START_TEST(device_deadlines)
{
    wg_node_init(&node, 0, NULL);
    struct vpn__peer *a = add(1);
    a->timers.wipe = 10 * S;
    vpn__schedule(node.wg, a);
    node.wg->limiter.load_until = 4 * S;
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 10 * S);
    node.wg->load_told = 1;
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 4 * S);
    vpn__wg_enter(node.wg, 3 * S);
    vpn__wg_enter(node.wg, S);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 2 * S); /* on the caller's clock, which stepped back */
    vpn_wg_suspend(node.wg);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), VPN_NEVER);
    wg_node_end(&node);
}
END_TEST

static void change(uint64_t *seed, struct vpn__peer *peer, vpn_time now)
{
    vpn_time at = test_below(seed, 3) ? now + test_below64(seed, 100 * S) : VPN_NEVER;
    switch (test_below(seed, 6)) {
    case 0:
        peer->timers.wipe = at;
        break;
    case 1:
        peer->timers.keepalive = at;
        break;
    case 2:
        peer->timers.wanted = at;
        break;
    case 3:
        peer->timers.handshake_sent = now;
        break;
    case 4:
        peer->expires = at;
        break;
    default:
        peer->timers.new_handshake = at;
    }
}

START_TEST(random_changes)
{
    static struct vpn__peer *peers[PEERS];
    uint64_t seed = 1;
    vpn_time now = 0;
    wg_node_init(&node, 0, NULL);
    for (uint32_t i = 0; i < PEERS; i++)
        peers[i] = add(i);
    for (unsigned step = 0; step < 50000; step++) {
        for (size_t n = 1 + test_below(&seed, 4); n > 0; n--) {
            struct vpn__peer *peer = peers[test_below(&seed, PEERS)];
            change(&seed, peer, now);
            if (test_below(&seed, 2))
                vpn__schedule(node.wg, peer);
            else
                vpn__schedule_exactly(node.wg, peer);
        }
        vpn__schedule_settle(node.wg);
        if (vpn_wg_deadline(node.wg) != least())
            ck_abort_msg("step %u", step);
        now += test_below(&seed, S);
    }
    wg_node_end(&node);
}
END_TEST

/* --- whole devices: random calls and ticks --- */

static vpn_peer_id ids[PEERS];
static struct wg_buffer buffers[3];
static vpn_packet packets[3];

static void add_reachable(uint32_t i, vpn_time now)
{
    uint64_t seed = i + 900;
    uint8_t key[32];
    vpn_wg_peer peer = {.size = sizeof(peer), .set = VPN_WG_SET_ENDPOINT, .endpoint = wg_endpoint((uint8_t)i, 77)};
    test_fill(&seed, key, 32);
    vpn_key_public(peer.public_key, key);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &ids[i], now), 0);
}

static void random_call(uint64_t *seed, vpn_time now)
{
    uint32_t i = (uint32_t)test_below(seed, PEERS);
    vpn_wg_peer peer = {.size = sizeof(peer), .set = VPN_WG_SET_KEEPALIVE};
    switch (test_below(seed, 8)) {
    case 0:
    case 1:
        ck_assert_int_eq(vpn_wg_handshake(node.wg, ids[i], now), 0);
        break;
    case 2:
        peer.keepalive = (uint16_t)test_below(seed, 40);
        ck_assert_int_eq(vpn_wg_peer_set(node.wg, ids[i], &peer, now), 0);
        break;
    case 3:
        peer.set = VPN_WG_SET_EXPIRES;
        peer.expires = test_below(seed, 3) ? VPN_NEVER : now + test_below64(seed, 300 * S);
        ck_assert_int_eq(vpn_wg_peer_set(node.wg, ids[i], &peer, now), 0);
        break;
    case 4:
        ck_assert_int_eq(vpn_wg_peer_remove(node.wg, ids[i]), 0);
        add_reachable(i, now);
        break;
    case 5:
        vpn_wg_network_changed(node.wg, now);
        break;
    default:
        break;
    }
}

/* Ticks of a few packets each until nothing is due; who expires comes back. */
static void run_what_is_due(uint64_t *seed, vpn_time now)
{
    for (unsigned turns = 0; vpn_wg_deadline(node.wg) <= now; turns++) {
        size_t n = 1 + test_below(seed, 3);
        for (size_t i = 0; i < n; i++)
            packets[i] = *wg_empty(&buffers[i]);
        ck_assert_uint_le(vpn_wg_tick(node.wg, packets, n, now), n);
        ck_assert_uint_eq(vpn_wg_deadline(node.wg), least());
        ck_assert_uint_lt(turns, 300);
    }
    wg_forget_events(&node);
    vpn_wg_peer_stats stats = {.size = sizeof(stats)};
    for (uint32_t i = 0; i < PEERS; i++)
        if (vpn_wg_peer_get_stats(node.wg, ids[i], &stats, now) != 0)
            add_reachable(i, now);
}

START_TEST(random_calls)
{
    uint64_t seed = 3;
    vpn_time now = S;
    wg_node_init(&node, 0, NULL);
    for (uint32_t i = 0; i < PEERS; i++)
        add_reachable(i, 0);
    for (unsigned step = 0; step < 600; step++) {
        random_call(&seed, now);
        ck_assert_uint_eq(vpn_wg_deadline(node.wg), least());
        now += test_below(&seed, 3) ? test_below64(&seed, S) : test_below64(&seed, 60 * S);
        run_what_is_due(&seed, now);
    }
    wg_node_end(&node);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("schedule");
    test_add(s, "nearer and farther", nearer_and_farther);
    test_add(s, "device deadlines", device_deadlines);
    test_add(s, "random changes", random_changes);
    test_add(s, "random calls", random_calls);
    return s;
}

TEST_MAIN(suite)
