/* SPDX-License-Identifier: ISC */
#include "common/provider_cases.h"

#include <vpn/provider/ipsec_mb.h>

START_TEST(the_rest_is_the_reference)
{
    ck_assert_ptr_eq(cases.provider, vpn_provider_ipsec_mb());
    ck_assert_str_eq(cases.provider->name, "ipsec-mb");
    ck_assert(!cases.provider->x25519 && !cases.provider->xseal && !cases.provider->xopen);
}
END_TEST

int main(void)
{
    if (vpn_provider_ipsec_mb() == NULL) {
        puts("skipped: nothing for this processor");
        return TEST_SKIPPED;
    }
    Suite *suite = provider_cases(vpn_provider_ipsec_mb());
    test_add(suite, "table", the_rest_is_the_reference);
    return provider_cases_run(suite);
}
