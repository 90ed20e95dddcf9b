/* SPDX-License-Identifier: ISC */
/*
 * The front end's packets, with and without a crew of threads, between two hosts in memory (platform.h): what arrives is what
 * was sent, in its order, while sessions come and go, peers are removed, and the end comes with batches on their way. Under
 * ThreadSanitizer also: nothing is touched by two threads at once.
 */
#include "threads/platform.h"

#include <poll.h>
#include <sched.h>

#include "common/test.h"
#include "tunnel/log.h"
#include "tunnel/path_peer.h"

static const unsigned crews[] = {0, 1, 2, 4};

#define CREWS ((int)(sizeof crews / sizeof crews[0]))

struct end {
    flow flow;
    uint8_t key[VPN_KEY_BYTES];
    uint8_t public_key[VPN_KEY_BYTES];
    vpn_peer_id peer;
};

static struct end ends[HOSTS];

static void add_peer(int at)
{
    struct end *other = &ends[1 - at];
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT};
    vpn_prefix prefix = {.family = 4, .bits = 32, .addr = {10, 0, 0, (uint8_t)(2 - at)}};

    memcpy(peer.public_key, other->public_key, VPN_KEY_BYTES);
    peer.endpoint = (vpn_endpoint){.family = 4, .port = 7, .addr = {127, 0, 0, (uint8_t)(1 - at)}};
    ck_assert_int_eq(vpn_wg_peer_add(ends[at].flow.wg, &peer, &ends[at].peer, platform_now), 0);
    ck_assert_int_eq(vpn_wg_allow(ends[at].flow.wg, ends[at].peer, &prefix), 0);
    path_peer_changed(&ends[at].flow.path, ends[at].peer, platform_now);
}

/* `start` 0: threads are asked for and never started. */
static void begin(unsigned threads, int start)
{
    platform_reset();
    log_setup(LOG_LEVEL_ERROR, NULL);
    for (int i = 0; i < HOSTS; i++) {
        options chosen = {.tun_fd = i, .threads = threads};

        ck_assert_int_eq(flow_open(&ends[i].flow, &chosen), 0);
        ends[i].flow.udp.fd[0] = i;
        ck_assert_int_eq(start ? flow_start(&ends[i].flow) : 0, 0);
        memset(ends[i].key, 0x40 + i, VPN_KEY_BYTES);
        (void)vpn_wg_set_private_key(ends[i].flow.wg, ends[i].key, platform_now);
        vpn_wg_public_key(ends[i].flow.wg, ends[i].public_key);
    }
    add_peer(0);
    add_peer(1);
}

static void finish(void)
{
    for (int i = 0; i < HOSTS; i++)
        flow_close(&ends[i].flow);
    platform_reset();
}

/* As the loop does: a hand for the crew, then sleep until the bell rings. */
static void wait_for_crew(flow *f)
{
    struct pollfd bell = {.fd = flow_bell(f), .events = POLLIN};

    while (flow_is_busy(f)) {
        int found = flow_idle(f);

        if (found == CREW_BACK)
            break;
        if (found == CREW_AWAY) {
            ck_assert_int_eq(poll(&bell, 1, 30000), 1);
            flow_hush(f);
        }
    }
    ck_assert_int_eq(flow_settle(f, platform_now), 0);
}

/* One turn of each loop. `reads`: batches from each side before what came back is looked at. */
static void turn(int reads)
{
    for (int i = 0; i < HOSTS; i++) {
        flow *f = &ends[i].flow;

        for (int k = 0; k < reads; k++) {
            ck_assert_int_eq(flow_from_tun(f, platform_now), 0);
            ck_assert_int_eq(flow_from_net(f, 0, platform_now), 0);
        }
        ck_assert_int_eq(flow_settle(f, platform_now), 0);
        path_hear(&f->path, 0, platform_now);
        ck_assert_int_eq(flow_tick(f, platform_now), 0);
        if (reads % 2 == 1)
            wait_for_crew(f);
    }
}

static int is_still(void)
{
    for (int i = 0; i < HOSTS; i++) {
        if (hosts[i].given != hosts[i].to_read || hosts[i].wire_count != 0 || flow_is_busy(&ends[i].flow))
            return 0;
    }
    return 1;
}

/* Until nothing moves any more. */
static void settle(int reads)
{
    for (int i = 0; i < 100000 && !is_still(); i++) {
        turn(reads);
        for (int k = 0; k < HOSTS; k++) {
            if (hosts[k].given == hosts[k].to_read)
                wait_for_crew(&ends[k].flow);
        }
    }
    ck_assert_int_eq(is_still(), 1);
}

static void order_holds(void)
{
    for (int i = 0; i < HOSTS; i++)
        ck_assert_uint_eq(hosts[i].disorder, 0);
}

/* For whoever reads a failure. */
static void tell_drops(void)
{
    for (int i = 0; i < HOSTS; i++) {
        vpn_wg_stats stats = {.size = sizeof stats};

        (void)vpn_wg_get_stats(ends[i].flow.wg, &stats);
        for (uint32_t r = 0; r < VPN_REASONS; r++) {
            if (stats.drops[r] != 0)
                (void)fprintf(stderr, "host %d dropped %u: %s\n", i, (unsigned)stats.drops[r], vpn_reason_name(r));
        }
    }
}

static void all_arrived(void)
{
    order_holds();
    if (hosts[0].taken != hosts[1].given || hosts[1].taken != hosts[0].given)
        tell_drops();
    for (int i = 0; i < HOSTS; i++) {
        ck_assert_uint_eq(hosts[i].taken, hosts[1 - i].given);
        ck_assert_uint_eq(hosts[i].gaps, 0);
    }
}

static void connect(void)
{
    hosts[0].to_read = 1;
    settle(1);
    all_arrived();
}

/* -- order ---------------------------------------------------------------------------------------------------------- */

START_TEST(both_ways)
{
    begin(crews[_i % CREWS], 1);
    connect();
    platform_joined = _i < CREWS ? 1 : 40; /* without and with messages that hold many datagrams */
    for (int reads = 1; reads <= 40; reads += 13) {
        hosts[0].to_read += 3000;
        hosts[1].to_read += 2500;
        settle(reads);
        all_arrived();
    }
    finish();
}
END_TEST

/* The first packets wait for a session, more come while it is made; the event comes before their batch is back. */
START_TEST(what_waited_goes_first)
{
    begin(crews[_i], 1);
    hosts[0].to_read = hosts[1].to_read = 100;
    ck_assert_int_eq(flow_from_tun(&ends[0].flow, platform_now), 0);
    ck_assert_int_eq(flow_tick(&ends[0].flow, platform_now), 0);
    ck_assert_int_eq(flow_from_net(&ends[1].flow, 0, platform_now), 0);
    ck_assert_uint_eq(hosts[0].wire_count, 1);
    ck_assert_int_eq(flow_from_net(&ends[0].flow, 0, platform_now), 0);
    settle(3);
    all_arrived();
    hosts[0].to_read = hosts[1].to_read = 5000;
    settle(5);
    all_arrived();
    finish();
}
END_TEST

START_TEST(new_sessions)
{
    vpn_wg_peer_stats stats = {.size = sizeof stats};

    begin(crews[_i], 1);
    connect();
    for (int second = 0; second < 400; second++) {
        hosts[0].to_read += 150;
        hosts[1].to_read += 90;
        turn(6); /* more than comes, else packets of long ago are on the wire */
        platform_now += VPN_SECOND;
    }
    settle(1);
    all_arrived();
    ck_assert_int_eq(vpn_wg_peer_get_stats(ends[0].flow.wg, ends[0].peer, &stats, platform_now), 0);
    ck_assert_uint_ge(stats.handshakes, 3);
    finish();
}
END_TEST

/* -- changes while packets are on their way ------------------------------------------------------------------------- */

static uint64_t drops(int at, uint32_t reason)
{
    vpn_wg_stats stats = {.size = sizeof stats};

    ck_assert_int_eq(vpn_wg_get_stats(ends[at].flow.wg, &stats), 0);
    return stats.drops[reason];
}

START_TEST(peers_come_and_go)
{
    uint32_t round = 0;

    begin(crews[_i], 1);
    connect();
    for (; round < 30; round++) {
        int at = (int)(round % 2);

        hosts[0].to_read += 400;
        hosts[1].to_read += 400;
        for (int i = 0; i < HOSTS; i++) {
            ck_assert_int_eq(flow_from_tun(&ends[i].flow, platform_now), 0);
            ck_assert_int_eq(flow_from_net(&ends[i].flow, 0, platform_now), 0);
        }
        ck_assert_int_eq(vpn_wg_peer_remove(ends[at].flow.wg, ends[at].peer), 0);
        parking_sweep(&ends[at].flow.parking, ends[at].flow.wg);
        turn(2);
        add_peer(at);
        for (int i = 0; i < 8; i++) {
            platform_now += VPN_SECOND;
            turn(1);
        }
        settle(1);
        order_holds();
    }
    if (crews[_i] > 0)
        ck_assert_uint_gt(drops(0, VPN_REASON_NO_PEER) + drops(1, VPN_REASON_NO_PEER), 0);
    hosts[0].gaps = hosts[1].gaps = 0;
    hosts[0].to_read += 100;
    hosts[1].to_read += 100;
    settle(1);
    order_holds();
    ck_assert_uint_eq(hosts[0].next, hosts[1].given);
    ck_assert_uint_eq(hosts[1].next, hosts[0].given);
    finish();
}
END_TEST

/* Another private key: what was begun under the old one is not sent. */
START_TEST(another_identity)
{
    size_t before;

    begin(crews[_i], 1);
    connect();
    hosts[0].to_read += 1000;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(flow_from_tun(&ends[0].flow, platform_now), 0);
    before = hosts[1].wire_count;
    memset(ends[0].key, 0x23, VPN_KEY_BYTES);
    (void)vpn_wg_set_private_key(ends[0].flow.wg, ends[0].key, platform_now);
    wait_for_crew(&ends[0].flow);
    ck_assert_uint_eq(hosts[1].wire_count, before);
    if (crews[_i] > 0)
        ck_assert_uint_gt(drops(0, VPN_REASON_WIPED), 0);
    finish();
}
END_TEST

/* Handshakes of both sides cross, which costs packets with any number of threads, but no order. */
START_TEST(network_changes)
{
    begin(crews[_i], 1);
    connect();
    for (int i = 0; i < 20; i++) {
        hosts[0].to_read += 300;
        hosts[1].to_read += 300;
        for (int k = 0; k < HOSTS; k++) {
            ck_assert_int_eq(flow_from_tun(&ends[k].flow, platform_now), 0);
            ck_assert_int_eq(flow_from_net(&ends[k].flow, 0, platform_now), 0);
        }
        vpn_wg_network_changed(ends[i % HOSTS].flow.wg, platform_now);
        settle(2);
        order_holds();
        platform_now += 6 * VPN_SECOND;
    }
    hosts[0].to_read += 1000;
    hosts[1].to_read += 1000;
    settle(2);
    order_holds();
    for (int i = 0; i < HOSTS; i++)
        ck_assert_uint_eq(hosts[i].next, hosts[1 - i].given);
    finish();
}
END_TEST

/* -- how large packets may be --------------------------------------------------------------------------------------- */

#define PATH_MTU  1280u
#define INNER_MTU 1216u /* less 60, and a multiple of 16 */

static void seek(uint8_t mode)
{
    for (int i = 0; i < HOSTS; i++) {
        ck_assert_int_eq(path_set_mode(&ends[i].flow.path, mode, platform_now), 0);
        path_set_timer(&ends[i].flow.path, 1, platform_now);
    }
    platform_path = PATH_MTU;
}

static uint32_t mtu_at(int at)
{
    const annex *a = annex_find(&ends[at].flow.annexes, ends[at].peer);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(a->path);
    return a->path->mtu;
}

/* Time goes on until all that was looked for is found. */
static void find(void)
{
    for (int i = 0; i < 1000 && (mtu_at(0) != INNER_MTU || mtu_at(1) != INNER_MTU); i++) {
        platform_now += VPN_SECOND / 20;
        turn(3);
    }
    ck_assert_uint_eq(mtu_at(0), INNER_MTU);
    ck_assert_uint_eq(mtu_at(1), INNER_MTU);
}

/* From a host that wants its packets whole: it is told of those that are too large, and they go nowhere. */
static void tells_the_sender(void)
{
    uint32_t before = hosts[1].taken, cut = hosts[1].cut;

    hosts[0].whole = 1;
    hosts[0].to_read += 4000;
    settle(3);
    order_holds();
    ck_assert_uint_gt(hosts[0].told, 0);
    ck_assert_uint_eq(hosts[0].told_mtu, INNER_MTU);
    ck_assert_uint_lt(hosts[1].taken - before, 4000);
    ck_assert_uint_gt(hosts[1].taken - before, 3000);
    ck_assert_uint_eq(hosts[1].cut, cut);
    hosts[0].whole = 0;
    before = hosts[1].taken;
    hosts[0].to_read += 4000;
    settle(3);
    order_holds();
    ck_assert_uint_eq(hosts[1].taken - before, 4000);
    ck_assert_uint_gt(hosts[1].cut, cut);
}

/* Nothing is lost on the way to the size, since all but probes may be fragmented. */
START_TEST(probes)
{
    begin(crews[_i], 1);
    seek(PATH_PROBE);
    connect();
    hosts[0].to_read += 3000;
    hosts[1].to_read += 3000;
    settle(3);
    all_arrived();
    find();
    ck_assert_uint_gt(hosts[1].cut, 0);
    tells_the_sender();
    finish();
}
END_TEST

START_TEST(errors_are_heard)
{
    begin(crews[_i], 1);
    seek(PATH_ERRORS);
    platform_tells = 1;
    connect();
    hosts[0].to_read += 3000;
    hosts[1].to_read += 3000;
    settle(3);
    find();
    ck_assert_uint_gt(hosts[0].gaps, 0);
    tells_the_sender();
    finish();
}
END_TEST

static uint64_t probes_at(int at)
{
    vpn_pmtu_status status = {.size = sizeof status};

    ck_assert_int_eq(vpn_pmtu_get(annex_find(&ends[at].flow.annexes, ends[at].peer)->path->pmtu, &status), 0);
    return status.probes;
}

/* A tunnel that is not used stays silent; then it is confirmed at once. */
START_TEST(probes_go_where_packets_go)
{
    uint64_t before;

    begin(crews[_i], 1);
    seek(PATH_PROBE);
    for (int i = 0; i < 20; i++) {
        platform_now += VPN_SECOND;
        turn(1);
    }
    ck_assert_uint_eq(probes_at(0), 0);
    connect();
    hosts[1].to_read = 1;
    find();
    for (int i = 0; i < 100; i++) {
        platform_now += VPN_SECOND;
        turn(1);
    }
    before = probes_at(0);
    for (int i = 0; i < 100; i++) {
        platform_now += VPN_SECOND;
        turn(1);
    }
    ck_assert_uint_eq(probes_at(0), before);
    ck_assert_uint_eq(path_deadline(&ends[0].flow.path), VPN_NEVER);
    hosts[0].to_read++;
    settle(1);
    ck_assert_uint_gt(probes_at(0), before);
    finish();
}
END_TEST

/* -- the end -------------------------------------------------------------------------------------------------------- */

/* What is on its way is carried out: nothing that was begun is left, and the device can be freed (leaks are seen by ASan). */
START_TEST(the_end_under_traffic)
{
    begin(crews[_i], 1);
    connect();
    hosts[0].to_read += 800;
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(flow_from_tun(&ends[0].flow, platform_now), 0);
    if (crews[_i] > 0)
        ck_assert_int_eq(flow_is_busy(&ends[0].flow), 1);
    flow_close(&ends[0].flow);
    ck_assert_uint_eq(hosts[1].wire_count, hosts[0].given - 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(flow_from_net(&ends[1].flow, 0, platform_now), 0);
    flow_close(&ends[1].flow);
    ck_assert_uint_eq(hosts[1].disorder + hosts[1].gaps, 0);
    ck_assert_uint_ge(hosts[1].taken, 128);
    platform_reset();
}
END_TEST

START_TEST(an_interface_that_goes)
{
    begin(crews[_i], 1);
    connect();
    hosts[0].to_read += 600;
    settle(1);
    hosts[0].to_read += 600;
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(flow_from_tun(&ends[0].flow, platform_now), 0);
    (void)flow_settle(&ends[0].flow, platform_now);
    hosts[1].gone = 1;
    ck_assert_int_eq(flow_from_tun(&ends[1].flow, platform_now), TUN_GONE);
    (void)flow_from_net(&ends[1].flow, 0, platform_now);
    hosts[0].gone = 1;
    ck_assert_int_eq(flow_from_tun(&ends[0].flow, platform_now), TUN_GONE);
    finish();
}
END_TEST

/* Without a hand from the I/O thread. */
START_TEST(threads_work_alone)
{
    flow *f = &ends[0].flow;

    begin(crews[1 + _i], 1);
    connect();
    hosts[0].to_read += 64;
    ck_assert_int_eq(flow_from_tun(f, platform_now), 0);
    ck_assert_int_eq(flow_is_busy(f), 1);
    for (int i = 0; i < 10000000 && flow_is_busy(f); i++) {
        ck_assert_int_eq(flow_settle(f, platform_now), 0);
        (void)sched_yield();
    }
    ck_assert_int_eq(flow_is_busy(f), 0);
    ck_assert_uint_eq(hosts[1].wire_count, 64);
    finish();
}
END_TEST

/* The I/O thread never waits for a thread that does not come. */
START_TEST(threads_that_never_ran)
{
    begin(2, 0);
    connect();
    hosts[0].to_read += 5000;
    hosts[1].to_read += 5000;
    settle(30);
    all_arrived();
    hosts[0].to_read += 500;
    ck_assert_int_eq(flow_from_tun(&ends[0].flow, platform_now), 0);
    finish();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("flow");
    test_loop(s, "both_ways", both_ways, 2 * CREWS);
    test_loop(s, "what_waited_goes_first", what_waited_goes_first, CREWS);
    test_loop(s, "new_sessions", new_sessions, CREWS);
    test_loop(s, "peers_come_and_go", peers_come_and_go, CREWS);
    test_loop(s, "another_identity", another_identity, CREWS);
    test_loop(s, "network_changes", network_changes, CREWS);
    test_loop(s, "probes", probes, CREWS);
    test_loop(s, "errors_are_heard", errors_are_heard, CREWS);
    test_loop(s, "probes_go_where_packets_go", probes_go_where_packets_go, CREWS);
    test_loop(s, "the_end_under_traffic", the_end_under_traffic, CREWS);
    test_loop(s, "an_interface_that_goes", an_interface_that_goes, CREWS);
    test_loop(s, "threads_work_alone", threads_work_alone, CREWS - 1);
    test_add(s, "threads_that_never_ran", threads_that_never_ran);
    return s;
}

TEST_MAIN(suite)
