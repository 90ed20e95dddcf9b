/* SPDX-License-Identifier: ISC */
#include "wireguard/events.h"

#include "common/host.h"

#define ROOM 8

static struct host host;
static struct vpn__events events;
static struct vpn__latch latches[4];

static struct vpn__latch *latch_of(void *ctx, uint32_t slot)
{
    ck_assert_ptr_eq(ctx, &host);
    ck_assert_uint_lt(slot, 4);
    return &latches[slot];
}

static void start(void)
{
    host_init(&host);
    memset(latches, 0, sizeof(latches));
    ck_assert_int_eq(vpn__events_init(&events, &host.env, ROOM, latch_of, &host), 0);
}

static void end(void)
{
    vpn__events_end(&events);
    host_end(&host);
}

static void add(uint32_t type, vpn_time time, uint32_t slot)
{
    vpn_wg_event_info event = {.type = type, .time = time, .peer = time * 3};
    vpn__events_add(&events, &event, slot);
}

static void fill(void)
{
    while (events.count < ROOM)
        add(VPN_WG_ROAMED, 1000, VPN__LATCH_NONE);
}

static void drain(void)
{
    vpn_wg_event_info event;
    while (vpn__events_take(&events, &event))
        ck_assert_uint_gt(event.type, 0);
}

static void expect_latched(uint32_t want, uint32_t type, vpn_time time)
{
    struct vpn__latch have;
    ck_assert_uint_eq(vpn__events_latched(&events, &have), want);
    ck_assert(have.type == type && have.time == time);
    ck_assert_uint_eq(latches[want].type, 0);
}

static void expect_none(void)
{
    struct vpn__latch have;
    ck_assert_uint_eq(vpn__events_latched(&events, &have), VPN__LATCH_NONE);
}

START_TEST(ring)
{
    vpn_wg_event_info event;
    vpn_time next = 1, oldest = 1;
    uint64_t seed = 2, lost = 0;
    start();
    ck_assert_int_eq(vpn__events_take(&events, &event), 0);
    for (unsigned i = 0; i < 20000; i++) {
        if (test_below(&seed, 2)) {
            int full = next - oldest == ROOM;
            add(VPN_WG_ROAM_ASKED, next, VPN__LATCH_NONE);
            next += !full;
            lost += (uint64_t)full;
        } else if (vpn__events_take(&events, &event)) {
            ck_assert(event.type == VPN_WG_ROAM_ASKED && event.time == oldest && event.peer == oldest * 3);
            oldest++;
        } else {
            ck_assert_uint_eq(next, oldest);
        }
        ck_assert_uint_eq(events.lost, lost);
    }
    ck_assert_uint_gt(lost, 0);
    end();
}
END_TEST

/* What must not be lost waits at its peer, in the order in which it came. */
START_TEST(latch)
{
    start();
    fill();
    add(VPN_WG_UP, 3, 2);
    add(VPN_WG_GAVE_UP, 4, 0);
    add(VPN_WG_UP, 5, 1);
    ck_assert_uint_eq(events.lost, 0);
    drain();
    expect_latched(2, VPN_WG_UP, 3);
    expect_latched(0, VPN_WG_GAVE_UP, 4);
    expect_latched(1, VPN_WG_UP, 5);
    expect_none();
    end();
}
END_TEST

/* The later event of a peer takes the place of the earlier, and its place in the order too. */
START_TEST(later_wins)
{
    start();
    fill();
    add(VPN_WG_UP, 3, 0);
    add(VPN_WG_UP, 4, 1);
    add(VPN_WG_GAVE_UP, 5, 0);
    expect_latched(1, VPN_WG_UP, 4);
    expect_latched(0, VPN_WG_GAVE_UP, 5);
    expect_none();
    end();
}
END_TEST

/* Also when the ring has room again by then: the host must not hear of the past after the present. */
START_TEST(later_wins_in_the_ring)
{
    vpn_wg_event_info event;
    start();
    fill();
    add(VPN_WG_GAVE_UP, 3, 0);
    add(VPN_WG_UP, 3, 1);
    drain();
    add(VPN_WG_UP, 4, 0);
    ck_assert_int_eq(vpn__events_take(&events, &event), 1);
    ck_assert(event.type == VPN_WG_UP && event.time == 4);
    expect_latched(1, VPN_WG_UP, 3);
    expect_none();
    end();
}
END_TEST

START_TEST(unlatch)
{
    start();
    vpn__events_unlatch(&events, 3);
    fill();
    for (uint32_t i = 0; i < 4; i++)
        add(VPN_WG_UP, i, i);
    vpn__events_unlatch(&events, 1);
    vpn__events_unlatch(&events, 1);
    vpn__events_unlatch(&events, 3);
    expect_latched(0, VPN_WG_UP, 0);
    vpn__events_unlatch(&events, 0);
    expect_latched(2, VPN_WG_UP, 2);
    expect_none();
    add(VPN_WG_UP, 9, 1);
    expect_latched(1, VPN_WG_UP, 9);
    end();
}
END_TEST

START_TEST(no_memory)
{
    host_init(&host);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn__events_init(&events, &host.env, ROOM, latch_of, &host), VPN_ENOMEM);
    vpn__events_end(&events);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("events");
    test_add(s, "ring", ring);
    test_add(s, "latch", latch);
    test_add(s, "later wins", later_wins);
    test_add(s, "later wins in the ring", later_wins_in_the_ring);
    test_add(s, "unlatch", unlatch);
    test_add(s, "no memory", no_memory);
    return s;
}

TEST_MAIN(suite)
