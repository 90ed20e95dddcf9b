/* SPDX-License-Identifier: ISC */
#include "policy/diagnose_say.h"

#include "common/diagnose.h"

START_TEST(letters)
{
    vpn_observed seen;
    vpn_check check;
    diagnose_well(&seen);
    seen.wanted_mtu = 1280;
    seen.passes = 1300;
    seen.heard = (vpn_heard){.all = 5, .behind = 86400, .seconds = 7};
    memset(seen.heard.stranger, 3, VPN_KEY_BYTES);
    seen.waited = 8;
    seen.others_alive = 9;
    seen.keepalive = 25;
    vpn__check_say(&check, &seen, VPN_RESULT_BROKEN, VPN_CAUSE_LOAD,
                   "%i %w %R %F %e %h %p %s %r %f %a %t %d %m %M %n %A %b %l %W %c %o 100%%", "%k %K %x");
    ck_assert_uint_eq(check.result, VPN_RESULT_BROKEN);
    ck_assert_uint_eq(check.cause, VPN_CAUSE_LOAD);
    ck_assert_str_eq(check.evidence,
                     "wg0 eth0 eth1 eth2 192.0.2.1:51821 192.0.2.1 51820 10.0.0.9 10.9.0.0/16 10.9.7.0/24 "
                     "10.8.0.2 10.8.0.1 10.8.0.53 1420 1280 1300 17 86400 7 8 5 9 100%");
    ck_assert_str_eq(check.remedy, "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE= "
                                   "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI= "
                                   "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=");
}
END_TEST

START_TEST(too_long)
{
    char sentence[VPN_CHECK_CHARS * 2];
    vpn_observed seen;
    vpn_check check;
    diagnose_well(&seen);
    memset(sentence, 'a', sizeof(sentence));
    sentence[sizeof(sentence) - 1] = '\0';
    vpn__check_say(&check, &seen, VPN_RESULT_FINE, VPN_CAUSE_NONE, sentence, "");
    ck_assert_uint_eq(strlen(check.evidence), VPN_CHECK_CHARS - 1);
    ck_assert_str_eq(check.remedy, "");
    /* a name that fills its field has no NUL */
    memset(seen.name, 'n', sizeof(seen.name));
    vpn__check_say(&check, &seen, VPN_RESULT_FINE, VPN_CAUSE_NONE, "%i", "");
    ck_assert_str_eq(check.evidence, "nnnnnnnnnnnnnnnn");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("diagnose_say");
    test_add(suite, "letters", letters);
    test_add(suite, "too long", too_long);
    return suite;
}

TEST_MAIN(make_suite)
