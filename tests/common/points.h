/* SPDX-License-Identifier: ISC */
/* The encodings of points of low order on Curve25519. */
#ifndef VPN_TESTS_COMMON_POINTS_H
#define VPN_TESTS_COMMON_POINTS_H

#include "common/test.h"

#define TEST_LOW_ORDER 14 /* number of the encodings */

/* 0, 1, the two points of order 8, and p - 1, p, p + 1, the last two not canonical; each with the ignored bit clear and set. */
static inline void test_low_order(uint8_t out[32], int i)
{
    static const char *const points[TEST_LOW_ORDER / 2] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    test_hex(out, 32, points[i % (TEST_LOW_ORDER / 2)]);
    if (i >= TEST_LOW_ORDER / 2)
        out[31] |= 0x80;
}

#endif
