/* SPDX-License-Identifier: ISC */
#include "wireguard/device.h"

#include "common/wg.h"
#include "wireguard/wire.h"

#define S VPN_SECOND

static struct wg_node node;

START_TEST(clock_goes_on)
{
    wg_node_init(&node, 0, NULL);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 5), 5);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 5), 5);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 100 * S), 100 * S);
    ck_assert_uint_eq(vpn__wg_inside(node.wg, 7 * S), 7 * S);
    ck_assert_uint_eq(vpn__wg_outside(node.wg, 7 * S), 7 * S);
    wg_node_end(&node);
}
END_TEST

/* Less than a second back counts as no time passed, and what follows is as before. */
START_TEST(clock_steps_back_a_little)
{
    wg_node_init(&node, 0, NULL);
    vpn__wg_enter(node.wg, 100 * S);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 99 * S + 1), 100 * S);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 100 * S - 1), 100 * S);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 100 * S + 1), 100 * S + 1);
    ck_assert_uint_eq(node.wg->offset, 0);
    wg_node_end(&node);
}
END_TEST

/* Further back: the device's time stands still for a moment, and then goes on at the caller's pace. */
START_TEST(clock_steps_back_far)
{
    wg_node_init(&node, 0, NULL);
    vpn__wg_enter(node.wg, 100 * S);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 99 * S), 100 * S);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 99 * S + 5), 100 * S + 5);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 0), 100 * S + 5);
    ck_assert_uint_eq(vpn__wg_enter(node.wg, 3 * S), 103 * S + 5);
    ck_assert_uint_eq(vpn__wg_outside(node.wg, 104 * S + 5), 4 * S);
    ck_assert_uint_eq(vpn__wg_inside(node.wg, 4 * S), 104 * S + 5);
    ck_assert_uint_eq(vpn__wg_outside(node.wg, 1), 0); /* before the caller's zero */
    ck_assert_uint_eq(vpn__wg_inside(node.wg, VPN_TIME_MAX - 100 * S - 6), VPN_TIME_MAX - 1);
    ck_assert_uint_eq(vpn__wg_inside(node.wg, VPN_TIME_MAX - 100 * S - 5), VPN_TIME_MAX);
    ck_assert_uint_eq(vpn__wg_inside(node.wg, VPN_TIME_MAX), VPN_TIME_MAX); /* no later than the end of time */
    wg_node_end(&node);
}
END_TEST

/* What was due keeps its distance over a step back: nothing is early, nothing is lost. */
START_TEST(deadlines_over_a_step_back)
{
    static struct wg_node pair[2];
    static struct wg_buffer buffer;
    wg_pair_init(pair, NULL);
    wg_initiate(&pair[0], &buffer, 5000 * S);
    vpn_time left = vpn_wg_deadline(pair[0].wg) - 5000 * S;
    ck_assert(left >= 5 * S && left < 5 * S + VPN__REKEY_JITTER);
    ck_assert_ptr_null(wg_tick(&pair[0], &buffer, 10 * S));
    ck_assert_uint_eq(vpn_wg_deadline(pair[0].wg), 10 * S + left);
    ck_assert_ptr_null(wg_tick(&pair[0], &buffer, 10 * S + left - 1));
    ck_assert_ptr_nonnull(wg_tick(&pair[0], &buffer, 10 * S + left));
    wg_pair_end(pair);
}
END_TEST

START_TEST(huge_times)
{
    static struct wg_node pair[2];
    static struct wg_buffer buffer;
    static const vpn_time times[] = {VPN_TIME_MAX - 1, VPN_TIME_MAX, VPN_TIME_MAX + 1, VPN_NEVER - 1, VPN_NEVER, 0, S};
    wg_pair_init(pair, NULL);
    wg_connect(pair, 0, S);
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        vpn_time now = vpn__wg_enter(pair[0].wg, times[i]);
        ck_assert_uint_le(now, VPN_TIME_MAX);
        for (unsigned k = 0; k < 10; k++)
            (void)wg_tick(&pair[0], &buffer, times[i]);
        wg_send(&pair[0], wg_inner(&buffer, 0, 1, 40), times[i]);
        ck_assert_uint_ne(buffer.packet.verdict, VPN_TO_NET);
    }
    ck_assert_uint_eq(vpn__wg_inside(pair[0].wg, VPN_NEVER), VPN_NEVER);
    ck_assert_uint_eq(vpn__wg_outside(pair[0].wg, VPN_NEVER), VPN_NEVER);
    wg_pair_end(pair);
}
END_TEST

START_TEST(jitter)
{
    unsigned low = 0, high = 0;
    wg_node_init(&node, 0, NULL);
    for (unsigned i = 0; i < 100000; i++) {
        vpn_time j = vpn__wg_jitter(node.wg);
        if (j >= 333 * VPN_MILLISECOND)
            ck_abort_msg("too long");
        low += j < 33 * VPN_MILLISECOND;
        high += j >= 300 * VPN_MILLISECOND;
    }
    ck_assert(low > 9000 && low < 11000 && high > 9000 && high < 11000);
    wg_node_end(&node);
}
END_TEST

/* A reason is counted for the device always, for the peer from PEER_FIRST on. */
START_TEST(drops)
{
    static struct wg_node pair[2];
    wg_pair_init(pair, NULL);
    for (uint8_t reason = 1; reason < VPN_REASONS; reason++) {
        vpn_packet packet = {.verdict = VPN_PENDING};
        vpn__wg_drop(pair[0].wg, wg_peer(&pair[0]), &packet, reason);
        ck_assert(packet.verdict == VPN_DROP && packet.reason == reason);
        vpn__wg_count(pair[0].wg, NULL, reason);
        ck_assert_uint_eq(wg_drops(&pair[0], reason), 2);
        ck_assert_uint_eq(wg_peer_stats(&pair[0], 0).drops[reason], reason >= VPN_REASON_PEER_FIRST);
    }
    wg_pair_end(pair);
}
END_TEST

START_TEST(events_tell_who_and_when)
{
    static struct wg_node pair[2];
    vpn_path path = {.remote = wg_endpoint(9, 9)};
    wg_pair_init(pair, NULL);
    vpn__wg_enter(pair[0].wg, 100 * S);
    vpn__wg_enter(pair[0].wg, 40 * S); /* the caller's clock from now on */
    vpn__wg_tell(pair[0].wg, VPN_WG_ROAMED, wg_peer(&pair[0]), &path);
    vpn__wg_tell(pair[0].wg, VPN_WG_LOAD_ON, NULL, NULL);
    vpn_wg_event_info event = wg_event(&pair[0], VPN_WG_ROAMED);
    ck_assert(event.peer == pair[0].peer && event.time == 40 * S && event.path.remote.port == 9);
    ck_assert(test_is_zero(&event.from, sizeof(event.from)));
    ck_assert_mem_eq(event.public_key, pair[1].public_key, 32);
    event = wg_event(&pair[0], VPN_WG_LOAD_ON);
    ck_assert(event.peer == 0 && test_is_zero(event.public_key, 32) && test_is_zero(&event.path, sizeof(event.path)));
    wg_no_event(&pair[0]);
    wg_pair_end(pair);
}
END_TEST

/* A full ring loses all but UP and GAVE_UP, and counts what it lost; removing the peer takes them away as well. */
START_TEST(events_never_lost)
{
    static struct wg_node pair[2];
    vpn_wg_config config = {.size = sizeof(config), .events = 8};
    wg_pair_init(pair, &config);
    for (unsigned i = 0; i < 10; i++)
        vpn__wg_tell(pair[0].wg, VPN_WG_ROAMED, wg_peer(&pair[0]), NULL);
    ck_assert_uint_eq(wg_stats(&pair[0]).events_lost, 2);
    vpn__wg_enter(pair[0].wg, 3 * S);
    vpn__wg_tell(pair[0].wg, VPN_WG_GAVE_UP, wg_peer(&pair[0]), NULL);
    vpn__wg_tell(pair[0].wg, VPN_WG_UP, wg_peer(&pair[0]), NULL);
    ck_assert_uint_eq(wg_stats(&pair[0]).events_lost, 2);
    for (unsigned i = 0; i < 8; i++)
        wg_event(&pair[0], VPN_WG_ROAMED);
    vpn_wg_event_info event = wg_event(&pair[0], VPN_WG_UP);
    ck_assert(event.peer == pair[0].peer && event.time == 3 * S && event.path.remote.port == 1001);
    ck_assert_mem_eq(event.public_key, pair[1].public_key, 32);
    wg_no_event(&pair[0]);
    for (unsigned i = 0; i < 9; i++)
        vpn__wg_tell(pair[0].wg, VPN_WG_GAVE_UP, wg_peer(&pair[0]), NULL);
    ck_assert_int_eq(vpn_wg_peer_remove(pair[0].wg, pair[0].peer), 0);
    for (unsigned i = 0; i < 8; i++)
        wg_event(&pair[0], VPN_WG_GAVE_UP);
    wg_no_event(&pair[0]);
    wg_pair_end(pair);
}
END_TEST

START_TEST(event_names)
{
    static const char *const names[] = {"unknown",  "up",           "session-expired", "gave-up",
                                        "roamed",   "roam-asked",   "peer-expired",    "load-on",
                                        "load-off", "unknown-peer", "unknown"};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        ck_assert_str_eq(vpn_wg_event_name(i), names[i]);
    ck_assert_str_eq(vpn_wg_event_name(UINT32_MAX), "unknown");
}
END_TEST

START_TEST(stats_sizes)
{
    static union {
        vpn_wg_stats stats;
        uint8_t bytes[sizeof(vpn_wg_stats) + 16];
    } out;
    wg_node_init(&node, 0, NULL);
    for (uint32_t size = 0; size <= sizeof(out); size++) {
        memset(&out, 0xee, sizeof(out));
        out.stats.size = size;
        int want = size >= offsetof(vpn_wg_stats, rx_packets) ? 0 : VPN_EINVAL;
        ck_assert_int_eq(vpn_wg_get_stats(node.wg, &out.stats), want);
        ck_assert_uint_eq(out.stats.size, size);
        for (uint32_t i = want ? 4 : size; i < sizeof(out); i++)
            ck_assert_uint_eq(out.bytes[i], 0xee);
    }
    ck_assert(test_is_zero(out.bytes + sizeof(vpn_wg_stats), 16));
    wg_node_end(&node);
}
END_TEST

/* What the device says it has taken is what the host gave. */
START_TEST(memory_is_counted)
{
    wg_node_init(&node, 0, NULL);
    ck_assert_uint_eq(wg_stats(&node).memory, node.host.bytes);
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t seed = i;
        vpn_peer_id id;
        vpn_wg_peer peer = {.size = sizeof(peer)};
        vpn_prefix prefix = wg_prefix4((uint8_t)i, 24);
        test_fill(&seed, peer.public_key, 32);
        ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
        ck_assert_int_eq(vpn_wg_allow(node.wg, id, &prefix), 0);
        ck_assert_uint_eq(wg_stats(&node).memory, node.host.bytes);
    }
    ck_assert_uint_eq(wg_stats(&node).peers, 200);
    wg_node_end(&node);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("device");
    test_add(s, "clock goes on", clock_goes_on);
    test_add(s, "clock steps back a little", clock_steps_back_a_little);
    test_add(s, "clock steps back far", clock_steps_back_far);
    test_add(s, "deadlines over a step back", deadlines_over_a_step_back);
    test_add(s, "huge times", huge_times);
    test_add(s, "jitter", jitter);
    test_add(s, "drops", drops);
    test_add(s, "events tell who and when", events_tell_who_and_when);
    test_add(s, "events never lost", events_never_lost);
    test_add(s, "event names", event_names);
    test_add(s, "stats sizes", stats_sizes);
    test_add(s, "memory is counted", memory_is_counted);
    return s;
}

TEST_MAIN(suite)
