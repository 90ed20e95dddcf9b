/* SPDX-License-Identifier: ISC */
#include "common/test.h"

START_TEST(wipe_clears_exactly_what_it_was_given)
{
    uint8_t memory[80];
    for (size_t start = 0; start < 8; start++) {
        for (size_t bytes = 0; bytes <= 64; bytes++) {
            memset(memory, 0xff, sizeof(memory));
            vpn_wipe(memory + start, bytes);
            for (size_t i = 0; i < sizeof(memory); i++)
                ck_assert_uint_eq(memory[i], i >= start && i < start + bytes ? 0 : 0xff);
        }
    }
    vpn_wipe(NULL, 0);
}
END_TEST

START_TEST(equal_sees_every_bit)
{
    uint64_t seed = 1;
    uint8_t a[48] = {0}, b[49] = {0};
    for (size_t bytes = 0; bytes <= sizeof(a); bytes++) {
        test_fill(&seed, a, bytes);
        memcpy(b + 1, a, bytes);
        ck_assert_int_eq(vpn_equal(a, b + 1, bytes), 1);
        for (size_t bit = 0; bit < bytes * 8; bit++) {
            b[1 + bit / 8] ^= (uint8_t)(1u << bit % 8);
            ck_assert_int_eq(vpn_equal(a, b + 1, bytes), 0);
            b[1 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    ck_assert_int_eq(vpn_equal(NULL, NULL, 0), 1);
}
END_TEST

START_TEST(equal_looks_no_further)
{
    uint8_t a[2] = {7, 1}, b[2] = {7, 2};
    ck_assert_int_eq(vpn_equal(a, b, 1), 1);
    ck_assert_int_eq(vpn_equal(a, b, 2), 0);
}
END_TEST

static Suite *memory_suite(void)
{
    Suite *suite = suite_create("memory");
    test_add(suite, "wipe", wipe_clears_exactly_what_it_was_given);
    test_add(suite, "equal", equal_sees_every_bit);
    test_add(suite, "equal length", equal_looks_no_further);
    return suite;
}

TEST_MAIN(memory_suite)
