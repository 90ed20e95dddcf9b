/* SPDX-License-Identifier: ISC */
#include "common/test.h"

#include <vpn/tai64n.h>

#define STEP        (1u << 24)
#define SECOND_LAST (59 * STEP) /* the greatest multiple of a step in a second */

static vpn_wall at(uint64_t seconds, uint32_t nanoseconds)
{
    vpn_wall wall = {.seconds = seconds, .nanoseconds = nanoseconds};
    return wall;
}

static void expect(vpn_wall wall, const char *text)
{
    uint8_t out[12];
    vpn_tai64n(out, &wall);
    test_expect_hex(out, 12, text);
}

/* The stamp after `last_text` with the clock at `wall`. */
static void expect_next(const char *last_text, vpn_wall wall, const char *text)
{
    uint8_t last[12], out[12];
    test_hex(last, 12, last_text);
    vpn_tai64n_next(out, last, &wall);
    test_expect_hex(out, 12, text);
    vpn_tai64n_next(last, last, &wall);
    ck_assert_mem_eq(last, out, 12);
}

START_TEST(known_times)
{
    expect(at(0, 0), "400000000000000a 00000000");
    expect(at(1, 0), "400000000000000b 00000000");
    expect(at(1360798290, 0), "40000000511c225c 00000000");
    expect(at(UINT64_C(0xffffffff), 0), "4000000100000009 00000000");
}
END_TEST

START_TEST(nanoseconds_are_rounded_down)
{
    expect(at(0, 1), "400000000000000a 00000000");
    expect(at(0, STEP - 1), "400000000000000a 00000000");
    expect(at(0, STEP), "400000000000000a 01000000");
    expect(at(0, STEP + 1), "400000000000000a 01000000");
    expect(at(0, SECOND_LAST - 1), "400000000000000a 3a000000");
    expect(at(0, SECOND_LAST), "400000000000000a 3b000000");
    expect(at(0, 999999999), "400000000000000a 3b000000");
    for (uint32_t i = 0; i < 60; i++) {
        uint8_t stamp[12];
        vpn_wall wall = at(5, i * STEP + STEP / 3);
        vpn_tai64n(stamp, &wall);
        ck_assert_uint_eq(stamp[8], i);
        ck_assert(test_is_zero(stamp + 9, 3));
    }
}
END_TEST

START_TEST(times_out_of_range_saturate)
{
    expect(at(0, 1000000000), "400000000000000a 3b000000");
    expect(at(0, UINT32_MAX), "400000000000000a 3b000000");
    expect(at((UINT64_C(1) << 62) - 11, 7), "7fffffffffffffff 00000000");
    expect(at((UINT64_C(1) << 62) - 10, 7), "7fffffffffffffff 3b000000");
    expect(at(UINT64_MAX, 7), "7fffffffffffffff 3b000000");
}
END_TEST

START_TEST(next_takes_the_clock_when_it_is_ahead)
{
    expect_next("0000000000000000 00000000", at(0, 0), "400000000000000a 00000000");
    expect_next("400000000000000a 00000000", at(0, STEP), "400000000000000a 01000000");
    expect_next("400000000000000a 3b000000", at(1, 0), "400000000000000b 00000000");
}
END_TEST

START_TEST(next_steps_when_the_clock_is_not)
{
    /* equal, too near, and behind */
    expect_next("400000000000000a 00000000", at(0, 0), "400000000000000a 01000000");
    expect_next("400000000000000a 01000000", at(0, 2 * STEP - 1), "400000000000000a 02000000");
    expect_next("40000000511c225c 05000000", at(0, 0), "40000000511c225c 06000000");
}
END_TEST

START_TEST(next_carries_into_the_second)
{
    expect_next("400000000000000a 3a000000", at(0, 0), "400000000000000a 3b000000");
    expect_next("400000000000000a 3b000000", at(0, 0), "400000000000000b 00000000");
    expect_next("40000000ffffffff 3b000000", at(0, 0), "4000000100000000 00000000");
}
END_TEST

/* What a host restores may be anything; the next stamp is a multiple of a step, greater, and within its second. */
START_TEST(next_after_any_stamp)
{
    expect_next("400000000000000a 00000001", at(0, 0), "400000000000000a 01000000");
    expect_next("400000000000000a 00ffffff", at(0, 0), "400000000000000a 01000000");
    expect_next("400000000000000a 3affffff", at(0, 0), "400000000000000a 3b000000");
    expect_next("400000000000000a 3b9ac9ff", at(0, 0), "400000000000000b 00000000");
    expect_next("400000000000000a ffffffff", at(0, 0), "400000000000000b 00000000");
    expect_next("7fffffffffffffff 3b000000", at(0, 0), "8000000000000000 00000000");
    /* the end of all stamps stays where it is */
    expect_next("ffffffffffffffff 3b000000", at(0, 0), "ffffffffffffffff ffffffff");
    expect_next("ffffffffffffffff ffffffff", at(0, 0), "ffffffffffffffff ffffffff");

    uint64_t seed = 51;
    for (int round = 0; round < 20000; round++) {
        uint8_t last[12], out[12];
        vpn_wall wall = at(test_random(&seed) >> test_below(&seed, 64), (uint32_t)test_random(&seed));
        test_fill(&seed, last, sizeof(last));
        last[0] = (uint8_t)test_below(&seed, 0xff);
        vpn_tai64n_next(out, last, &wall);
        ck_assert_int_gt(memcmp(out, last, 12), 0);
        ck_assert(test_is_zero(out + 9, 3));
        ck_assert_uint_lt(out[8], 60);
    }
}
END_TEST

/* A clock that stands still, jumps and steps back, against a model on whole steps since 1970. */
START_TEST(random_walks_only_increase)
{
    uint64_t seed = 52;
    for (int walk = 0; walk < 50; walk++) {
        uint64_t now = test_below(&seed, 2) ? 0 : test_random(&seed) >> 4; /* ns */
        uint64_t model = 0;                                                /* steps + 1 of the last stamp */
        uint8_t last[12] = {0};
        for (int i = 0; i < 500; i++) {
            uint64_t jump = test_random(&seed) >> (20 + test_below(&seed, 44));
            if (test_below(&seed, 3) == 0)
                now = now > jump ? now - jump : 0;
            else if (test_below(&seed, 2))
                now += jump;
            vpn_wall wall = at(now / 1000000000, (uint32_t)(now % 1000000000));
            uint8_t stamp[12], want[12] = {0};
            vpn_tai64n_next(stamp, last, &wall);

            uint64_t clock = now / 1000000000 * 60 + now % 1000000000 / STEP + 1;
            model = clock > model ? clock : model + 1;
            uint64_t label = (UINT64_C(1) << 62) + 10 + (model - 1) / 60;
            for (size_t j = 0; j < 8; j++)
                want[j] = (uint8_t)(label >> (56 - 8 * j));
            want[8] = (uint8_t)((model - 1) % 60);
            ck_assert_mem_eq(stamp, want, 12);
            ck_assert_int_gt(vpn_tai64n_compare(stamp, last), 0);
            memcpy(last, stamp, 12);
        }
    }
}
END_TEST

START_TEST(compare_is_that_of_byte_strings)
{
    uint8_t a[12], b[12];
    for (size_t i = 0; i < 12; i++) {
        memset(a, 0x7f, 12);
        memset(b, 0x7f, 12);
        ck_assert_int_eq(vpn_tai64n_compare(a, b), 0);
        b[i] = 0x80;
        if (i < 11)
            b[11] = 0;
        ck_assert_int_lt(vpn_tai64n_compare(a, b), 0);
        ck_assert_int_gt(vpn_tai64n_compare(b, a), 0);
    }
}
END_TEST

static Suite *tai64n_suite(void)
{
    Suite *suite = suite_create("tai64n");
    test_add(suite, "known", known_times);
    test_add(suite, "rounding", nanoseconds_are_rounded_down);
    test_add(suite, "range", times_out_of_range_saturate);
    test_add(suite, "ahead", next_takes_the_clock_when_it_is_ahead);
    test_add(suite, "behind", next_steps_when_the_clock_is_not);
    test_add(suite, "carry", next_carries_into_the_second);
    test_add(suite, "any stamp", next_after_any_stamp);
    test_add(suite, "walks", random_walks_only_increase);
    test_add(suite, "compare", compare_is_that_of_byte_strings);
    return suite;
}

TEST_MAIN(tai64n_suite)
