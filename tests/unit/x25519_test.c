/* SPDX-License-Identifier: ISC */
#include "common/points.h"

#include <vpn/crypto.h>
#include <vpn/key.h>

/* RFC 7748 section 5.2 */
START_TEST(known_answers)
{
    static const struct {
        const char *scalar, *point, *out;
    } rows[] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    };
    for (size_t i = 0; i < 2; i++) {
        uint8_t scalar[32], point[32], out[32];
        test_hex(scalar, 32, rows[i].scalar);
        test_hex(point, 32, rows[i].point);
        ck_assert_int_eq(vpn_x25519(out, scalar, point), 0);
        test_expect_hex(out, 32, rows[i].out);
    }
}
END_TEST

/* RFC 7748 section 5.2: k, u = X25519(k, u), k */
START_TEST(a_thousand_iterations)
{
    uint8_t k[32] = {9}, u[32] = {9}, out[32];
    for (int i = 1; i <= 1000; i++) {
        ck_assert_int_eq(vpn_x25519(out, k, u), 0);
        memcpy(u, k, 32);
        memcpy(k, out, 32);
        if (i == 1)
            test_expect_hex(k, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    test_expect_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}
END_TEST

/* RFC 7748 section 6.1 */
START_TEST(an_agreement)
{
    uint8_t a[32], b[32], public_a[32], public_b[32], out[32];
    test_hex(a, 32, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    test_hex(b, 32, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    vpn_key_public(public_a, a);
    vpn_key_public(public_b, b);
    test_expect_hex(public_a, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    test_expect_hex(public_b, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    ck_assert_int_eq(vpn_x25519(out, a, public_b), 0);
    test_expect_hex(out, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    ck_assert_int_eq(vpn_x25519(out, b, public_a), 0);
    test_expect_hex(out, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}
END_TEST

/* With the ignored bit clear and set, for any scalar. */
START_TEST(points_of_low_order_are_refused)
{
    uint64_t seed = 21;
    for (int i = 0; i < TEST_LOW_ORDER; i++) {
        for (int round = 0; round < 20; round++) {
            uint8_t scalar[32], point[32], out[32];
            test_low_order(point, i);
            test_fill(&seed, scalar, 32);
            memset(out, 0xcc, 32);
            ck_assert_int_eq(vpn_x25519(out, scalar, point), VPN_EKEY);
            ck_assert(test_is_zero(out, 32));
        }
    }
}
END_TEST

/* p + k stands for k: the 19 values of 255 bits that are not reduced, with either value of the ignored bit. */
START_TEST(non_canonical_points_stand_for_their_residue)
{
    uint64_t seed = 22;
    for (uint8_t k = 0; k < 19; k++) {
        uint8_t scalar[32], small[32] = {k}, large[32], want[32], out[32];
        memset(large, 0xff, 32);
        large[0] = (uint8_t)(0xed + k);
        test_fill(&seed, scalar, 32);
        int status = vpn_x25519(want, scalar, small);
        ck_assert_int_eq(status, k < 2 ? VPN_EKEY : 0);
        for (int high = 0; high < 2; high++) {
            large[31] = high ? 0xff : 0x7f;
            ck_assert_int_eq(vpn_x25519(out, scalar, large), status);
            ck_assert_mem_eq(out, want, 32);
        }
    }
}
END_TEST

START_TEST(scalars_are_clamped)
{
    uint64_t seed = 23;
    uint8_t scalar[32], point[32] = {9}, want[32], out[32];
    test_fill(&seed, scalar, 32);
    ck_assert_int_eq(vpn_x25519(want, scalar, point), 0);
    for (unsigned bits = 0; bits < 32; bits++) {
        scalar[0] = (uint8_t)((scalar[0] & 0xf8) | (bits & 7));
        scalar[31] = (uint8_t)((scalar[31] & 0x3f) | (bits >> 3) << 6);
        ck_assert_int_eq(vpn_x25519(out, scalar, point), 0);
        ck_assert_mem_eq(out, want, 32);
    }
}
END_TEST

START_TEST(output_may_be_either_input)
{
    uint64_t seed = 24;
    for (int round = 0; round < 50; round++) {
        uint8_t scalar[32], point[32], want[32], out[32];
        test_fill(&seed, scalar, 32);
        test_fill(&seed, point, 32);
        ck_assert_int_eq(vpn_x25519(want, scalar, point), 0);
        memcpy(out, scalar, 32);
        ck_assert_int_eq(vpn_x25519(out, out, point), 0);
        ck_assert_mem_eq(out, want, 32);
        memcpy(out, point, 32);
        ck_assert_int_eq(vpn_x25519(out, scalar, out), 0);
        ck_assert_mem_eq(out, want, 32);
    }
}
END_TEST

START_TEST(agreements_agree)
{
    uint64_t seed = 25;
    for (int round = 0; round < 100; round++) {
        uint8_t a[32], b[32], public_a[32], public_b[32], one[32], two[32];
        const uint8_t base[32] = {9};
        test_fill(&seed, a, 32);
        test_fill(&seed, b, 32);
        vpn_key_public(public_a, a);
        ck_assert_int_eq(vpn_x25519(public_b, b, base), 0);
        ck_assert_int_eq(vpn_x25519(one, a, public_b), 0);
        ck_assert_int_eq(vpn_x25519(two, b, public_a), 0);
        ck_assert_mem_eq(one, two, 32);
    }
}
END_TEST

static Suite *x25519_suite(void)
{
    Suite *suite = suite_create("x25519");
    test_add(suite, "known", known_answers);
    test_add(suite, "iterations", a_thousand_iterations);
    test_add(suite, "agreement", an_agreement);
    test_add(suite, "low order", points_of_low_order_are_refused);
    test_add(suite, "non-canonical", non_canonical_points_stand_for_their_residue);
    test_add(suite, "clamped", scalars_are_clamped);
    test_add(suite, "in place", output_may_be_either_input);
    test_add(suite, "both ways", agreements_agree);
    return suite;
}

TEST_MAIN(x25519_suite)
