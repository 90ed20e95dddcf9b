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

START_TEST(overheads)
{
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_UDP, 4, 0), 60);
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_UDP, 6, 0), 80);
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_TCP, 4, 0), 86);
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_TCP, 6, 0), 106);
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_UDP_TCP, 4, 0), 94);
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_UDP_TCP, 6, 0), 114);
    for (uint32_t kind = 0; kind < 300; kind++)
        for (uint32_t family = 0; family < 256; family++) {
            int known = kind >= 1 && kind <= 3 && (family == 4 || family == 6);
            ck_assert_int_eq(vpn_mtu_overhead(kind, (uint8_t)family, 0) != 0, known);
        }
    for (uint32_t options = 0; options < 2100; options++) {
        int fits4 = options <= 40 && options % 4 == 0, fits6 = options <= 2048 && options % 8 == 0;
        ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_UDP, 4, options), fits4 ? 60 + options : 0);
        ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_TCP, 6, options), fits6 ? 106 + options : 0);
    }
    ck_assert_uint_eq(vpn_mtu_overhead(VPN_MTU_WG_UDP, 4, UINT32_MAX - 3), 0);
}
END_TEST

/* From a path and back is the same, one byte more does not fit, and WireGuard as it is agrees with the older pair of calls. */
START_TEST(there_and_back)
{
    for (uint32_t kind = 1; kind <= 3; kind++)
        for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
            for (uint32_t options = 0; options <= 40; options += 8)
                for (uint32_t path = 0; path < 66000; path += path < 1600 || path > 65400 ? 1 : 101) {
                    uint32_t fit = vpn_mtu_from_path(kind, family, options, path);
                    uint32_t overhead = vpn_mtu_overhead(kind, family, options);
                    if (path <= overhead) {
                        ck_assert_uint_eq(fit, 0);
                        continue;
                    }
                    uint32_t most = path > 65535 ? 65535 : path;
                    ck_assert_uint_eq(fit, most - overhead);
                    ck_assert_uint_eq(vpn_mtu_to_path(kind, family, options, fit), most);
                    uint32_t more = vpn_mtu_to_path(kind, family, options, fit + 1);
                    ck_assert_uint_eq(more, most == 65535 ? 0 : most + 1);
                    if (kind == VPN_MTU_WG_UDP && options == 0)
                        ck_assert_uint_eq(vpn_mtu_outer(fit, fit, family), most);
                }
    ck_assert_uint_eq(vpn_mtu_from_path(9, 4, 0, 1500), 0);
    ck_assert_uint_eq(vpn_mtu_to_path(9, 4, 0, 1420), 0);
    ck_assert_uint_eq(vpn_mtu_to_path(VPN_MTU_WG_UDP, 4, 0, UINT32_MAX), 0);
    ck_assert_uint_eq(vpn_mtu_to_path(VPN_MTU_WG_UDP, 4, 0, UINT32_MAX - 59), 0);
}
END_TEST

START_TEST(least)
{
    ck_assert_uint_eq(vpn_mtu_floor(0, 0), 576);
    ck_assert_uint_eq(vpn_mtu_floor(575, 0), 576);
    ck_assert_uint_eq(vpn_mtu_floor(577, 0), 577);
    ck_assert_uint_eq(vpn_mtu_floor(0, 1), 1280);
    ck_assert_uint_eq(vpn_mtu_floor(1279, 7), 1280);
    ck_assert_uint_eq(vpn_mtu_floor(1280, 1), 1280);
    ck_assert_uint_eq(vpn_mtu_floor(1281, 1), 1281);
    ck_assert_uint_eq(vpn_mtu_floor(UINT32_MAX, 1), 65535);
    ck_assert_uint_eq(vpn_mtu_floor(vpn_mtu_from_path(VPN_MTU_WG_UDP, 6, 0, 1280), 1), 1280);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mtu");
    test_add(s, "inner", inner);
    test_add(s, "padding", padding);
    test_add(s, "whole_packet", whole_packet);
    test_add(s, "inner_and_outer_agree", inner_and_outer_agree);
    test_add(s, "overheads", overheads);
    test_add(s, "there_and_back", there_and_back);
    test_add(s, "least", least);
    return s;
}

TEST_MAIN(suite)
