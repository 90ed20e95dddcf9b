/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_probe.h"

#include "common/pmtu.h"

#define WAIT (2 * VPN_SECOND)
#define SIZE 1400u

static struct vpn__pmtu_probe probe;
static struct vpn__pmtu_ends ends;
static test_host host;
static vpn_env env;
static vpn_time now;
static uint8_t packet[2048];

static void setup(void)
{
    memset(&probe, 0, sizeof probe);
    memset(&host, 0, sizeof host);
    env = test_env(&host);
    ends.family = 4;
    memcpy(ends.src, path_inner_src, 16);
    memcpy(ends.dst, path_inner_dst, 16);
    now = 100 * VPN_SECOND;
    vpn__pmtu_probe_begin(&probe, SIZE, now);
}

/* What the reply to the next packet says. */
static struct vpn__pmtu_echo write_one(uint32_t bytes)
{
    struct vpn__pmtu_echo echo;
    ck_assert_int_eq(probe.phase, VPN__PMTU_SENDING);
    ck_assert_uint_eq(vpn__pmtu_probe_bytes(&probe), bytes);
    ck_assert_int_eq(vpn__pmtu_probe_write(&probe, packet, &ends, &env, WAIT, now), 0);
    path_answer(packet, bytes);
    ck_assert(vpn__pmtu_echo_read(&echo, &ends, packet, bytes));
    return echo;
}

static void write_pair(struct vpn__pmtu_echo echoes[2])
{
    now = probe.timer;
    echoes[0] = write_one(VPN_PMTU_SMALL);
    echoes[1] = write_one(SIZE);
    ck_assert_int_eq(probe.phase, VPN__PMTU_WAITING);
    ck_assert_uint_eq(probe.timer, now + WAIT);
}

static enum vpn__pmtu_outcome late(void)
{
    now = probe.timer;
    return vpn__pmtu_probe_late(&probe, now);
}

START_TEST(comes_back)
{
    struct vpn__pmtu_echo e[2];
    setup();
    ck_assert_uint_eq(probe.timer, now);
    write_pair(e);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[0]), VPN__PMTU_SMALL_BACK);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[0]), VPN__PMTU_REPEATED);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[1]), VPN__PMTU_LARGE_BACK);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[1]), VPN__PMTU_REPEATED);
}
END_TEST

START_TEST(vanishes)
{
    struct vpn__pmtu_echo e[2];
    setup();
    for (int i = 0; i < VPN_PMTU_MAX_PROBES; i++) {
        write_pair(e);
        ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[0]), VPN__PMTU_SMALL_BACK);
        ck_assert_int_eq(late(), i < VPN_PMTU_MAX_PROBES - 1 ? VPN__PMTU_NOTHING : VPN__PMTU_VANISHED);
    }
}
END_TEST

START_TEST(all_silent)
{
    struct vpn__pmtu_echo e[2];
    setup();
    for (int i = 0; i < VPN_PMTU_MAX_PROBES; i++) {
        write_pair(e);
        ck_assert_int_eq(late(), i < VPN_PMTU_MAX_PROBES - 1 ? VPN__PMTU_NOTHING : VPN__PMTU_SILENCE);
    }
}
END_TEST

/* A loss of both counts for nothing, and one answer ends a silence. */
START_TEST(mixed)
{
    struct vpn__pmtu_echo e[2];
    setup();
    for (int i = 0; i < 8; i++) { /* silent, silent, counted, silent, silent, counted, silent, silent */
        write_pair(e);
        if (i % 3 == 2)
            ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[0]), VPN__PMTU_SMALL_BACK);
        ck_assert_int_eq(late(), VPN__PMTU_NOTHING);
    }
    write_pair(e);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[0]), VPN__PMTU_SMALL_BACK);
    ck_assert_int_eq(late(), VPN__PMTU_VANISHED);
}
END_TEST

/* A reply to an earlier pair of the same round counts; one of an earlier round does not. */
START_TEST(late_replies)
{
    struct vpn__pmtu_echo first[2], second[2];
    setup();
    write_pair(first);
    ck_assert_int_eq(late(), VPN__PMTU_NOTHING);
    write_pair(second);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &first[0]), VPN__PMTU_SMALL_BACK);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &first[1]), VPN__PMTU_LARGE_BACK);
    vpn__pmtu_probe_begin(&probe, SIZE, now);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &second[0]), VPN__PMTU_NOTHING);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &second[1]), VPN__PMTU_NOTHING);
}
END_TEST

/* Whoever does not know all of a probe has no part in it. */
START_TEST(invented)
{
    struct vpn__pmtu_echo e[2], bad;
    setup();
    write_pair(e);
    for (size_t i = 0; i < 2; i++) {
        for (size_t byte = 0; byte < VPN__PMTU_TOKEN; byte++) {
            bad = e[i];
            bad.token[byte] ^= 1;
            ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &bad), VPN__PMTU_NOTHING);
        }
        bad = e[i];
        bad.id ^= 1;
        ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &bad), VPN__PMTU_NOTHING);
        bad = e[i];
        bad.sequence ^= 1;
        ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &bad), VPN__PMTU_NOTHING);
        bad = e[i];
        bad.bytes = i == 0 ? SIZE : VPN_PMTU_SMALL; /* the small one's reply as if it were large */
        ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &bad), VPN__PMTU_NOTHING);
        bad.bytes = 0;
        ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &bad), VPN__PMTU_NOTHING);
    }
    memset(&bad, 0, sizeof bad); /* places that are empty match nothing */
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &bad), VPN__PMTU_NOTHING);
    ck_assert(memcmp(e[0].token, e[1].token, VPN__PMTU_TOKEN) != 0);
}
END_TEST

/* At most a pair in 50 ms, however often a round begins. */
START_TEST(gap)
{
    struct vpn__pmtu_echo e[2];
    setup();
    write_pair(e);
    vpn__pmtu_probe_begin(&probe, SIZE, now + 1);
    ck_assert_uint_eq(probe.timer, now + VPN__PMTU_GAP);
    vpn__pmtu_probe_begin(&probe, SIZE, now + 2 * VPN__PMTU_GAP);
    ck_assert_uint_eq(probe.timer, now + 2 * VPN__PMTU_GAP);
}
END_TEST

/* Without randomness nothing is sent, and what was half sent counts for nothing, even if the small one comes back. */
START_TEST(no_random)
{
    setup();
    for (int i = 0; i < VPN_PMTU_MAX_PROBES; i++) {
        now = probe.timer;
        host.random_status = 0;
        struct vpn__pmtu_echo small = write_one(VPN_PMTU_SMALL);
        host.random_status = -1;
        ck_assert_int_eq(vpn__pmtu_probe_write(&probe, packet, &ends, &env, WAIT, now), VPN_ERANDOM);
        ck_assert_int_eq(probe.phase, VPN__PMTU_WAITING);
        ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &small), VPN__PMTU_SMALL_BACK);
        ck_assert_int_eq(late(), i < VPN_PMTU_MAX_PROBES - 1 ? VPN__PMTU_NOTHING : VPN__PMTU_SILENCE);
    }
}
END_TEST

START_TEST(resting)
{
    struct vpn__pmtu_echo e[2];
    setup();
    write_pair(e);
    vpn__pmtu_probe_rest(&probe, now + 5);
    ck_assert(probe.timer == now + 5 && probe.size == 0 && probe.phase == VPN__PMTU_RESTING);
    ck_assert_int_eq(vpn__pmtu_probe_reply(&probe, &e[1]), VPN__PMTU_NOTHING);
    vpn__pmtu_probe_stop(&probe);
    ck_assert(probe.timer == VPN_NEVER && probe.phase == VPN__PMTU_STOPPED);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_probe");
    test_add(suite, "comes_back", comes_back);
    test_add(suite, "vanishes", vanishes);
    test_add(suite, "all_silent", all_silent);
    test_add(suite, "mixed", mixed);
    test_add(suite, "late_replies", late_replies);
    test_add(suite, "invented", invented);
    test_add(suite, "gap", gap);
    test_add(suite, "no_random", no_random);
    test_add(suite, "resting", resting);
    return suite;
}

TEST_MAIN(make_suite)
