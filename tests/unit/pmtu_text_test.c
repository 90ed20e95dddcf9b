/* SPDX-License-Identifier: ISC */
#include <vpn/pmtu.h>

#include "common/test.h"

static int is_unknown(const char *text)
{
    return strncmp(text, "unknown", 7) == 0;
}

START_TEST(texts)
{
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert_int_eq(is_unknown(vpn_pmtu_state_text(i)), i >= VPN_PMTU_STATES);
        ck_assert_int_eq(is_unknown(vpn_pmtu_why_text(i)), i >= VPN_PMTU_WHYS);
        ck_assert_int_eq(is_unknown(vpn_pmtu_result_text((int)i)), i >= VPN_PMTU_RESULTS);
        for (uint32_t j = 0; j < i; j++) {
            if (i < VPN_PMTU_STATES)
                ck_assert_str_ne(vpn_pmtu_state_text(i), vpn_pmtu_state_text(j));
            if (i < VPN_PMTU_WHYS)
                ck_assert_str_ne(vpn_pmtu_why_text(i), vpn_pmtu_why_text(j));
            if (i < VPN_PMTU_RESULTS)
                ck_assert_str_ne(vpn_pmtu_result_text((int)i), vpn_pmtu_result_text((int)j));
        }
    }
    ck_assert(is_unknown(vpn_pmtu_state_text(UINT32_MAX)) && is_unknown(vpn_pmtu_why_text(UINT32_MAX)));
    ck_assert(is_unknown(vpn_pmtu_result_text(-1)) && is_unknown(vpn_pmtu_result_text(VPN_EFORMAT)));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_text");
    test_add(suite, "texts", texts);
    return suite;
}

TEST_MAIN(make_suite)
