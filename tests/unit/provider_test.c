/* SPDX-License-Identifier: ISC */
#include "common/provider.h"
#include "common/test.h"

#include "crypto/provider.h"

/* Each way in which a table can have a hole. */
START_TEST(holes_are_noticed)
{
    vpn_provider p = unsound_provider((unsigned)_i);
    ck_assert(vpn__provider_is_sound(vpn_provider_sodium()));
    ck_assert(!vpn__provider_is_sound(&p));
}
END_TEST

START_TEST(the_rest_may_be_missing)
{
    vpn_provider p = *vpn_provider_sodium();
    p.init_scratch = NULL;
    p.end_scratch = NULL;
    p.x25519 = NULL;
    p.xseal = NULL;
    p.xopen = NULL;
    p.size = sizeof p + 8;
    p.key_size = VPN_PROVIDER_KEY_MAX;
    p.scratch_size = VPN_PROVIDER_SCRATCH_MAX;
    ck_assert(vpn__provider_is_sound(&p));
}
END_TEST

static Suite *provider_suite(void)
{
    Suite *suite = suite_create("provider");
    TCase *holes = tcase_create("holes");
    tcase_add_loop_test(holes, holes_are_noticed, 0, (int)UNSOUND_PROVIDERS);
    suite_add_tcase(suite, holes);
    test_add(suite, "optional", the_rest_may_be_missing);
    return suite;
}

TEST_MAIN(provider_suite)
