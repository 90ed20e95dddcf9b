/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: time stamps that replay, and the limit on initiations. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};
static struct snapshot_all before;

static struct duel *small_duel(uint64_t seed, uint32_t max_skew)
{
    vpn_wg_config config = {.sources = 16, .max_skew = max_skew};
    return duel_new(seed, &config);
}

static void initiation(struct duel *d, uint8_t message[148], const uint8_t stamp[12])
{
    forge_initiation(&d->f, message, d->a->public_key, stamp);
}

/* An initiation with a stamp that has to be dropped for `reason`, and to move nothing; not the endpoint either. */
static void refused(struct duel *d, const uint8_t stamp[12], uint32_t reason)
{
    uint8_t message[148];
    initiation(d, message, stamp);
    snapshot_attack(d->a, &elsewhere, message, 148, reason);
}

static void accepted(struct duel *d, const uint8_t stamp[12])
{
    uint8_t message[148];
    initiation(d, message, stamp);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 148).length, 92);
}

/* --- 21 --- */

/* A stamp is a number of twelve bytes, the first one first. Any other order of comparing them gets some of these wrong. */
static const char *const increasing[] = {
    "400000000000000a 00000001", "400000000000000a 000000ff", "400000000000000a 00000100", "400000000000000a 3b9ac9ff",
    "400000000000000b 00000000", "40000000000000ff ffffffff", "4000000000000100 00000000", "4000000065a00000 01000000",
    "4000000065a00000 02000000", "400000ff00000000 00000000", "7fffffffffffffff ffffffff", "8000000000000000 00000000",
    "ffffffffffffffff fffffffe", "ffffffffffffffff ffffffff",
};
#define STAMPS ((int)(sizeof increasing / sizeof increasing[0]))

/* Equal and smaller ones are refused, at each step on the way up and in each state of the session. */
START_TEST(pitfall_21_equal_or_smaller_stamp)
{
    struct duel *d = small_duel(210, 0);
    uint8_t stamp[12], recorded[148];
    for (int i = 0; i < STAMPS; i++) {
        net_run(d->net, SECONDS(1));
        test_hex(stamp, 12, increasing[i]);
        initiation(d, recorded, stamp);
        vpn_packet packet = node_feed(d->a, &d->f.at, recorded, 148);
        ck_assert_uint_eq(packet.length, 92);
        ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
        if (_i)
            ck_assert_uint_eq(duel_keepalive(d).verdict, VPN_DONE);
        net_run(d->net, SECONDS(1));
        snapshot_attack(d->a, &elsewhere, recorded, 148, VPN_REASON_TIMESTAMP);
        struct forger kept = d->f;
        for (int k = 0; k <= i; k++) {
            test_hex(stamp, 12, increasing[k]);
            refused(d, stamp, VPN_REASON_TIMESTAMP);
        }
        memset(stamp, 0, 12);
        refused(d, stamp, VPN_REASON_TIMESTAMP);
        kept.seed = d->f.seed;
        d->f = kept;
        /* The session is the one that was made. */
        ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    }
    duel_free(d);
}
END_TEST

/* Whoever once had a clock that ran ahead, or made initiations ahead, has nothing to replay for ever where skew is bounded. */
START_TEST(pitfall_21_far_future_stamp)
{
    static const uint64_t ahead[] = {3601, 3602, 86400, 3600 * 24 * 365, UINT64_C(1) << 40, UINT64_C(1) << 62};
    struct duel *d = small_duel(211, 3600);
    uint64_t now = d->a->env.wall.seconds;
    uint8_t stamp[12];
    net_run(d->net, SECONDS(100));
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        forge_stamp(stamp, now + 100 + ahead[i], 0);
        refused(d, stamp, VPN_REASON_SKEW);
    }
    memset(stamp, 0xff, 12);
    refused(d, stamp, VPN_REASON_SKEW);
    forge_stamp(stamp, now + 100 + 3600, 1 << 24);
    refused(d, stamp, VPN_REASON_SKEW);
    /* Its owner is not locked out, and what is within the bound stays good. */
    forge_stamp(stamp, now + 99, 0);
    accepted(d, stamp);
    net_run(d->net, SECONDS(1));
    forge_stamp(stamp, now + 101 + 3600, 0);
    accepted(d, stamp);
    duel_free(d);
}
END_TEST

/* Without the bound such a stamp passes, and its owner's true ones are then too small; the host can take it back. */
START_TEST(pitfall_21_far_future_stamp_taken_back)
{
    struct duel *d = small_duel(212, 0);
    vpn_wg_peer change = {0};
    uint8_t far[12], present[12];
    forge_stamp(far, UINT64_C(1) << 40, 0);
    forge_stamp(present, d->a->env.wall.seconds, 0);
    accepted(d, far);
    net_run(d->net, SECONDS(1));
    refused(d, present, VPN_REASON_TIMESTAMP);
    refused(d, far, VPN_REASON_TIMESTAMP);
    forge_stamp(change.stamp, d->a->env.wall.seconds - 1, 0);
    node_set(d->a, d->id, &change, VPN_WG_SET_STAMP);
    accepted(d, present);
    duel_free(d);
}
END_TEST

/* The responder starts anew, with the peer as it was stored, or as the configuration knows it. */
static void restart(struct duel *d, const vpn_wg_peer *stored, uint32_t set)
{
    const struct node *old = d->a;
    vpn_wg_peer peer = *stored;
    vpn_wg_suspend(old->wg);
    d->a = net_node_blank(d->net, NULL);
    memcpy(d->a->private_key, old->private_key, 32);
    memcpy(d->a->public_key, old->public_key, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, d->a->private_key, node_now(d->a)), 0);
    peer.set = set;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &peer, &d->id, node_now(d->a)), 0);
    node_allow(d->a, d->id, 4, d->inner4, 32);
}

#define RECORDED 4

/* Initiations that an eavesdropper recorded do not replay after a restart, once the greatest stamp was restored. */
START_TEST(pitfall_21_stamp_survives_a_restart)
{
    struct duel *d = small_duel(213, 0);
    vpn_wg_peer stored = {.size = sizeof stored};
    uint8_t recorded[RECORDED][148], stamp[12];
    for (int i = 0; i < RECORDED; i++) {
        forge_stamp(stamp, d->wall++, 0);
        initiation(d, recorded[i], stamp);
        ck_assert_uint_eq(node_feed(d->a, &d->f.at, recorded[i], 148).length, 92);
        net_run(d->net, SECONDS(1));
    }
    ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, d->id, &stored), 0);
    ck_assert_mem_eq(stored.stamp, stamp, 12);
    if (_i == 0) {
        /* The attack itself, against a host that stored nothing. */
        restart(d, &stored, VPN_WG_SET_ENDPOINT);
        ck_assert_uint_eq(node_feed(d->a, &elsewhere, recorded[0], 148).length, 92);
        duel_free(d);
        return;
    }
    for (int boot = 0; boot < 3; boot++) {
        restart(d, &stored, VPN_WG_SET_ENDPOINT | VPN_WG_SET_STAMP);
        for (int i = 0; i < RECORDED; i++)
            snapshot_attack(d->a, &elsewhere, recorded[i], 148, VPN_REASON_TIMESTAMP);
        ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, d->id, &stored), 0);
        ck_assert_mem_eq(stored.stamp, stamp, 12);
    }
    duel_from_forger(d);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* --- 22 --- */

static const vpn_time starts[] = {0, SECONDS(86400 * 365)};
#define STARTS ((int)(sizeof starts / sizeof starts[0]))

START_TEST(pitfall_22_twenty_milliseconds_all_pass)
{
    struct duel *d = small_duel(220, 0);
    d->net->now = starts[_i];
    for (int i = 0; i < 200; i++) {
        ck_assert_uint_eq(duel_initiate(d).length, 92);
        net_run(d->net, MILLIS(20));
    }
    ck_assert_uint_eq(node_stats(d->a).initiations_received, 200);
    duel_free(d);
}
END_TEST

/* Every second one is dropped, in silence: no response, no cookie. It moves nothing, the stamp least of all: the same message
 * passes when it comes a millisecond later. */
START_TEST(pitfall_22_nineteen_milliseconds_every_second_drops)
{
    struct duel *d = small_duel(221, 0);
    uint8_t message[148], stamp[12];
    d->net->now = starts[_i];
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(duel_initiate(d).length, 92);
        net_run(d->net, MILLIS(19));
        forge_stamp(stamp, d->wall++, 0);
        refused(d, stamp, VPN_REASON_FLOOD);
        net_run(d->net, MILLIS(19));
    }
    ck_assert_uint_eq(node_stats(d->a).initiations_received, 100);
    ck_assert_uint_eq(node_stats(d->a).cookies_sent, 0);
    duel_initiate(d);
    forge_stamp(stamp, d->wall++, 0);
    initiation(d, message, stamp);
    net_run(d->net, MILLIS(20) - 1);
    snapshot_attack(d->a, &elsewhere, message, 148, VPN_REASON_FLOOD);
    net_run(d->net, 1);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 148).length, 92);
    duel_free(d);
}
END_TEST

/* One peer's flood takes nothing from another, and what was refused for another reason does not count. */
START_TEST(pitfall_22_each_peer_by_itself)
{
    struct duel *d = small_duel(222, 0);
    const uint8_t inner4[4] = {10, 1, 0, 2};
    uint8_t message[148], stamp[12];
    struct forger other;
    forge_new(&other, 222222, 2);
    duel_add(d->a, &other, inner4);
    for (int i = 0; i < 50; i++) {
        ck_assert_uint_eq(duel_initiate(d).length, 92);
        forge_stamp(stamp, d->wall++, 0);
        refused(d, stamp, VPN_REASON_FLOOD);
        forge_initiation(&other, message, d->a->public_key, stamp);
        ck_assert_uint_eq(node_feed(d->a, &other.at, message, 148).length, 92);
        net_run(d->net, MILLIS(19));
        snapshot_take(d->a, &before);
        node_feed(d->a, &other.at, message, 148);
        snapshot_unmoved(d->a, &before, VPN_REASON_TIMESTAMP, 1);
        refused(d, stamp, VPN_REASON_FLOOD);
        net_run(d->net, MILLIS(1));
    }
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/21-22");
    test_loop(s, "21 equal", pitfall_21_equal_or_smaller_stamp, 2);
    test_loop(s, "21 future", pitfall_21_far_future_stamp, 1);
    test_loop(s, "21 taken back", pitfall_21_far_future_stamp_taken_back, 1);
    test_loop(s, "21 restart", pitfall_21_stamp_survives_a_restart, 2);
    test_loop(s, "22 all", pitfall_22_twenty_milliseconds_all_pass, STARTS);
    test_loop(s, "22 second", pitfall_22_nineteen_milliseconds_every_second_drops, STARTS);
    test_loop(s, "22 peers", pitfall_22_each_peer_by_itself, 1);
    return s;
}

TEST_MAIN(suite)
