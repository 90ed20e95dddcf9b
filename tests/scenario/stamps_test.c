/* SPDX-License-Identifier: ISC */
/* Time stamps of initiations, whitepaper sections 5.1 and 5.4.2, and the limit on accepted ones. */
#include "scenario/duel.h"

static vpn_packet initiate_at(struct duel *d, uint64_t seconds, uint32_t nanoseconds)
{
    uint8_t message[148], stamp[12];
    forge_stamp(stamp, seconds, nanoseconds);
    forge_initiation(&d->f, message, d->a->public_key, stamp);
    return node_feed(d->a, &d->f.at, message, 148);
}

/* 5.1: only a greater stamp than the greatest one is accepted; anything else moves nothing. */
START_TEST(strictly_greater)
{
    struct duel *d = duel_new(1, NULL);
    ck_assert_uint_eq(initiate_at(d, 1000, 0x05000000).length, 92);
    net_run(d->net, SECONDS(1));
    struct snapshot before = node_snapshot(d->a, d->id);
    initiate_at(d, 1000, 0x05000000);
    initiate_at(d, 1000, 0x04000000);
    initiate_at(d, 999, 0x3b000000);
    initiate_at(d, 0, 0);
    node_unmoved(d->a, d->id, &before, VPN_REASON_TIMESTAMP, 4);
    ck_assert_uint_eq(initiate_at(d, 1000, 0x06000000).length, 92);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(initiate_at(d, UINT64_C(1) << 40, 0).length, 92);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(initiate_at(d, (UINT64_C(1) << 40) - 1, 0).reason, VPN_REASON_TIMESTAMP);
    duel_free(d);
}
END_TEST

/* 20 ms between accepted initiations of a peer, counted from the one that was accepted last. */
START_TEST(flood_gap)
{
    struct duel *d = duel_new(2, NULL);
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(duel_initiate(d).length, 92);
        net_run(d->net, MILLIS(20));
    }
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(duel_initiate(d).reason, i % 2 ? VPN_REASON_FLOOD : 0);
        net_run(d->net, MILLIS(19));
    }
    net_run(d->net, MILLIS(1));
    duel_initiate(d);
    net_run(d->net, MILLIS(20) - 1);
    struct snapshot before = node_snapshot(d->a, d->id);
    duel_initiate(d);
    node_unmoved(d->a, d->id, &before, VPN_REASON_FLOOD, 1);
    duel_free(d);
}
END_TEST

/* A bound on how far the other clock may be ahead keeps a stamp of the far future from locking its owner out. */
START_TEST(skew)
{
    vpn_wg_config config = {.max_skew = 3600};
    struct duel *d = duel_new(3, &config);
    struct snapshot before = node_snapshot(d->a, d->id);
    initiate_at(d, 1700000000 + 3602, 0);
    node_unmoved(d->a, d->id, &before, VPN_REASON_SKEW, 1);
    ck_assert_uint_eq(initiate_at(d, 1700000000 + 3600, 0).length, 92);
    net_run(d->net, SECONDS(5));
    ck_assert_uint_eq(initiate_at(d, 1700000000 + 3606, 0).reason, VPN_REASON_SKEW);
    ck_assert_uint_eq(initiate_at(d, 1700000000 + 3605, 0).length, 92);
    duel_free(d);
}
END_TEST

/* The greatest stamp of a peer can be read and restored; without that an old initiation would replay. */
START_TEST(restored)
{
    struct duel *d = duel_new(4, NULL);
    uint8_t want[12];
    vpn_wg_peer got = {.size = sizeof got};
    initiate_at(d, 5000, 0);
    forge_stamp(want, 5000, 0);
    ck_assert_int_eq(vpn_wg_peer_get(d->a->wg, d->id, &got), 0);
    ck_assert_mem_eq(got.stamp, want, 12);
    vpn_wg_peer_remove(d->a->wg, d->id);
    got.set = VPN_WG_SET_STAMP | VPN_WG_SET_ENDPOINT;
    ck_assert_int_eq(vpn_wg_peer_add(d->a->wg, &got, &d->id, node_now(d->a)), 0);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(initiate_at(d, 5000, 0).reason, VPN_REASON_TIMESTAMP);
    ck_assert_uint_eq(initiate_at(d, 5000, 1 << 24).length, 92);
    duel_free(d);
}
END_TEST

/* Our stamps, as the responder reads them. */
static void read_stamp(struct duel *d, uint8_t stamp[12])
{
    vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
    net_run(d->net, SECONDS(5));
    ck_assert_int_eq(forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp), 0);
}

enum wall { RUNS, STANDS, FAILS, STEPS_BACK, ZERO };

/* 5.4.2: stamps increase whatever the wall clock does, are rounded to 2^24 ns, and the greatest one can be asked for. */
START_TEST(ours_increase)
{
    struct duel *d = duel_new(5, NULL);
    uint8_t last[12] = {0}, stamp[12], greatest[12], rounded[12];
    struct node_env *env = &d->a->env;
    env->wall.nanoseconds = 987654321;
    env->wall_stands = _i == STANDS || _i == ZERO;
    env->wall_status = _i == FAILS ? -1 : 0;
    if (_i == ZERO)
        env->wall.seconds = env->wall.nanoseconds = 0;
    for (int i = 0; i < 30; i++) {
        if (_i == STEPS_BACK)
            env->wall.seconds -= 60;
        uint64_t seconds = env->wall.seconds + d->net->now / VPN_SECOND;
        read_stamp(d, stamp);
        ck_assert_int_gt(memcmp(stamp, last, 12), 0);
        ck_assert(test_is_zero(stamp + 9, 3));
        memcpy(last, stamp, 12);
        vpn_wg_stamp(d->a->wg, greatest);
        ck_assert_mem_eq(greatest, last, 12);
        if (_i == RUNS || (_i == STEPS_BACK && i == 0)) {
            forge_stamp(rounded, seconds, 987654321);
            ck_assert_mem_eq(rounded, stamp, 8);
        }
    }
    duel_free(d);
}
END_TEST

/* A host without a clock restarts: the floor that it stored keeps its stamps increasing. */
START_TEST(floor_restored)
{
    struct duel *d = duel_new(6, NULL);
    vpn_wg_config config = {0};
    uint8_t stamp[12], last[12];
    for (int i = 0; i < 5; i++)
        read_stamp(d, last);
    vpn_wg_stamp(d->a->wg, config.stamp_floor);
    duel_free(d);
    d = duel_new(7, &config);
    d->a->env.wall_status = -1;
    vpn_wg_stamp(d->a->wg, stamp);
    ck_assert_mem_eq(stamp, last, 12);
    read_stamp(d, stamp);
    ck_assert_int_gt(memcmp(stamp, last, 12), 0);
    memcpy(last, stamp, 12);
    /* So does a peer that is removed and comes back. */
    vpn_wg_peer_remove(d->a->wg, d->id);
    d->id = duel_add(d->a, &d->f, d->inner4);
    read_stamp(d, stamp);
    ck_assert_int_gt(memcmp(stamp, last, 12), 0);
    duel_free(d);
}
END_TEST

/* A new identity does not let stamps go back either. */
START_TEST(key_change_keeps_stamps)
{
    struct duel *d = duel_new(8, NULL);
    uint8_t stamp[12], last[12];
    read_stamp(d, last);
    d->a->env.wall.seconds -= 100000;
    uint8_t key[32];
    memset(key, 3, 32);
    vpn_wg_set_private_key(d->a->wg, key, node_now(d->a));
    vpn_wg_set_private_key(d->a->wg, d->a->private_key, node_now(d->a));
    read_stamp(d, stamp);
    ck_assert_int_gt(memcmp(stamp, last, 12), 0);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/stamps");
    test_add(s, "strictly greater", strictly_greater);
    test_add(s, "flood gap", flood_gap);
    test_add(s, "skew", skew);
    test_add(s, "restored", restored);
    test_add(s, "floor restored", floor_restored);
    test_add(s, "key change keeps stamps", key_change_keeps_stamps);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, ours_increase, 0, 5);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)
