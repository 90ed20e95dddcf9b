/* SPDX-License-Identifier: ISC */
#include "common/provider_cases.h"

#include <vpn/provider/libcrypto.h>

/* Also points on the twist, not canonical ones, and those of low order. */
START_TEST(agreements_agree)
{
    uint64_t seed = 46;
    for (int i = 0; i < 200; i++) {
        uint8_t scalar[32], point[32], have[32], want[32];
        test_fill(&seed, scalar, 32);
        test_fill(&seed, point, 32);
        if (i % 8 == 0)
            memset(point, i % 16 ? 0xff : 0, 32);
        if (i % 8 == 1)
            memset(point + 1, 0, 31);
        if (i == 1)
            point[0] = 1;
        memset(have, 0xcc, 32);
        ck_assert_int_eq(cases.provider->x25519(have, scalar, point), vpn_x25519(want, scalar, point));
        ck_assert_mem_eq(have, want, 32);
        if (i < 2)
            ck_assert_int_eq(cases.provider->x25519(have, scalar, point), VPN_EKEY);
    }
}
END_TEST

START_TEST(results_may_take_the_place_of_arguments)
{
    uint64_t seed = 47;
    uint8_t scalar[32], point[32], want[32];
    test_fill(&seed, scalar, 32);
    test_fill(&seed, point, 32);
    ck_assert_int_eq(vpn_x25519(want, scalar, point), 0);
    ck_assert_int_eq(cases.provider->x25519(point, scalar, point), 0);
    ck_assert_mem_eq(point, want, 32);
}
END_TEST

int main(void)
{
    if (vpn_provider_libcrypto() == NULL) {
        puts("skipped: OpenSSL has no ChaCha20-Poly1305 here");
        return TEST_SKIPPED;
    }
    Suite *suite = provider_cases(vpn_provider_libcrypto());
    test_add(suite, "x25519", agreements_agree);
    test_add(suite, "in place", results_may_take_the_place_of_arguments);
    return provider_cases_run(suite);
}
