/* SPDX-License-Identifier: ISC */
#include <vpn/mtu.h>

#include "common/test.h"

START_TEST(inner)
{
    ck_assert_uint_eq(vpn_mtu_inner(1500, 4), 1440);
    ck_assert_uint_eq(vpn_mtu_inner(1500, 6), VPN_MTU_DEFAULT);
    ck_assert_uint_eq(vpn_mtu_inner(1280, 6), 1200);
    ck_assert_uint_eq(vpn_mtu_inner(61, 4), 1);
    ck_assert_uint_eq(vpn_mtu_inner(60, 4), 0);
    ck_assert_uint_eq(vpn_mtu_inner(81, 6), 1);
    ck_assert_uint_eq(vpn_mtu_inner(80, 6), 0);
    ck_assert_uint_eq(vpn_mtu_inner(0, 4), 0);
    ck_assert_uint_eq(vpn_mtu_inner(65535, 4), 65475);
    ck_assert_uint_eq(vpn_mtu_inner(65536, 4), 65475);
    ck_assert_uint_eq(vpn_mtu_inner(UINT32_MAX, 6), 65455);
    for (uint32_t family = 0; family < 256; family++) {
        if (family != 4 && family != 6)
            ck_assert_uint_eq(vpn_mtu_inner(1500, (uint8_t)family), 0);
    }
}
END_TEST

/* The definition, step by step: what the last segment is, its size padded, its size then cut. */
static uint32_t model(uint32_t inner_bytes, uint32_t mtu)
{
    uint32_t last = inner_bytes, padded = 0;
    if (mtu && last > mtu)
        last -= inner_bytes / mtu * mtu;
    while (padded < last)
        padded += 16;
    if (mtu && padded > mtu)
        padded = mtu;
    return padded - last;
}

START_TEST(padding)
{
    static const uint32_t mtus[] = {0, 1, 15, 16, 17, 576, 1280, 1419, 1420, 1421, 1440, 9000, 65535};
    for (size_t k = 0; k < sizeof(mtus) / sizeof(*mtus); k++) {
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t have = vpn_mtu_padding(i, mtus[k]);
            if (have != model(i, mtus[k]) || have > 15)
                ck_abort_msg("inner %u mtu %u: %u", i, mtus[k], have);
        }
    }
    ck_assert_uint_eq(vpn_mtu_padding(0, 1420), 0);
    ck_assert_uint_eq(vpn_mtu_padding(1, 1420), 15);
    ck_assert_uint_eq(vpn_mtu_padding(1409, 1420), 11);
    ck_assert_uint_eq(vpn_mtu_padding(1420, 1420), 0);
    ck_assert_uint_eq(vpn_mtu_padding(1421, 1420), 15);
    ck_assert_uint_eq(vpn_mtu_padding(2840, 1420), 0);
    ck_assert_uint_eq(vpn_mtu_padding(1420, 0), 4);
    ck_assert_uint_eq(vpn_mtu_padding(UINT32_MAX, 0), 1);
    ck_assert_uint_eq(vpn_mtu_padding(UINT32_MAX, UINT32_MAX), 0);
    ck_assert_uint_eq(vpn_mtu_padding(UINT32_MAX - 20, UINT32_MAX), 5);
}
END_TEST

START_TEST(whole_packet)
{
    ck_assert_uint_eq(vpn_mtu_outer(0, 1420, 4), 60);
    ck_assert_uint_eq(vpn_mtu_outer(0, 1420, 6), 80);
    ck_assert_uint_eq(vpn_mtu_outer(1420, 1420, 6), 1500);
    ck_assert_uint_eq(vpn_mtu_outer(1419, 1420, 6), 1500);
    ck_assert_uint_eq(vpn_mtu_outer(84, 1420, 4), 156);
    ck_assert_uint_eq(vpn_mtu_outer(84, 1420, 5), 0);
    ck_assert_uint_eq(vpn_mtu_outer(UINT32_MAX, 0, 4), 0);
    ck_assert_uint_eq(vpn_mtu_outer(UINT32_MAX - 60, UINT32_MAX - 60, 4), UINT32_MAX);
    ck_assert_uint_eq(vpn_mtu_outer(UINT32_MAX - 59, UINT32_MAX - 59, 4), 0);
}
END_TEST

/* What vpn_mtu_inner promises: that size fits with its padding, and one more byte does not. */
START_TEST(inner_and_outer_agree)
{
    for (uint32_t path = 61; path < 2000; path++) {
        for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
            uint32_t mtu = vpn_mtu_inner(path, family);
            if (mtu == 0)
                continue;
            ck_assert_uint_eq(vpn_mtu_outer(mtu, mtu, family), path);
            ck_assert_uint_gt(vpn_mtu_outer(mtu + 1, mtu + 1, family), path);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mtu");
    test_add(s, "inner", inner);
    test_add(s, "padding", padding);
    test_add(s, "whole_packet", whole_packet);
    test_add(s, "inner_and_outer_agree", inner_and_outer_agree);
    return s;
}

TEST_MAIN(suite)
