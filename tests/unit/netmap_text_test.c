/* SPDX-License-Identifier: ISC */
#include <vpn/rules.h>

#include "common/test.h"

START_TEST(both_ways)
{
    static const struct {
        const char *text, *written;
        vpn_netmap_rule rule;
    } cases[] = {
        {"ours 10.0.0.0/24 as 10.1.0.0/24", NULL, {0, 0, {4, 24, {0}, {10}}, {4, 24, {0}, {10, 1}}}},
        {" Theirs\t10.2.0.9/24  AS 10.0.0.7/24 ",
         "theirs 10.2.0.0/24 as 10.0.0.0/24",
         {1, 0, {4, 24, {0}, {10, 2}}, {4, 24, {0}, {10}}}},
        {"ours fd00::/112 as 2001:db8::/112", NULL, {0, 0, {6, 112, {0}, {0xfd}}, {6, 112, {0}, {0x20, 1, 0xd, 0xb8}}}},
        {"theirs 192.0.2.1 as 10.0.0.1",
         "theirs 192.0.2.1/32 as 10.0.0.1/32",
         {1, 0, {4, 32, {0}, {192, 0, 2, 1}}, {4, 32, {0}, {10, 0, 0, 1}}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[VPN_NETMAP_LINE_CHARS];
        vpn_netmap_rule rule;
        ck_assert_int_eq(vpn_netmap_rule_parse(&rule, cases[i].text, strlen(cases[i].text), NULL), 0);
        ck_assert_mem_eq(&rule, &cases[i].rule, sizeof rule);
        ck_assert_int_eq(vpn_netmap_rule_format(out, &rule), 0);
        ck_assert_str_eq(out, cases[i].written ? cases[i].written : cases[i].text);
    }
}
END_TEST

START_TEST(faults_at_their_place)
{
    static const struct {
        const char *text;
        size_t at;
        const char *why;
    } cases[] = {
        {"", 0, "comes first"},
        {"mine 10.0.0.0/24 as 10.1.0.0/24", 0, "comes first"},
        {"ours", 4, "not a prefix"},
        {"ours 10.0.0.0/24", 16, "\"as\""},
        {"ours 10.0.0.0/24 to 10.1.0.0/24", 17, "\"as\""},
        {"ours 10.0.0.0/24 as", 19, "not a prefix"},
        {"ours 10.0.0.0/24 as 10.1.0.0/99", 20, "not a prefix"},
        {"ours 10.0.0.0/24 as 10.1.0.0/24 x", 32, "nothing"},
        {"ours 10.0.0.0/24 as fd00::/24", 20, "one family"},
        {"ours 10.0.0.0/24 as 10.1.0.0/25", 20, "one length"},
        {"ours fd00::/113 as fd01::/113", 5, "112"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vpn_netmap_rule rule;
        vpn_rule_error error = {0, NULL};
        ck_assert_int_eq(vpn_netmap_rule_parse(&rule, cases[i].text, strlen(cases[i].text), &error), VPN_EFORMAT);
        ck_assert_msg(error.at == cases[i].at && strstr(error.why, cases[i].why), "%s\n%zu %s", cases[i].text, error.at,
                      error.why);
    }
}
END_TEST

START_TEST(what_is_no_rule_is_not_written)
{
    vpn_netmap_rule rule = {2, 0, {4, 24, {0}, {10}}, {4, 24, {0}, {10, 1}}};
    char out[VPN_NETMAP_LINE_CHARS] = "x";
    ck_assert_int_eq(vpn_netmap_rule_format(out, &rule), VPN_EINVAL);
    ck_assert_str_eq(out, "");
    rule.whose = 1;
    rule.outside.bits = 25;
    ck_assert_int_eq(vpn_netmap_rule_format(out, &rule), VPN_EINVAL);
    /* the longest */
    rule = (vpn_netmap_rule){1, 0, {6, 112, {0}, {0}}, {6, 112, {0}, {0}}};
    memset(rule.inside.addr, 0xaa, 14);
    memset(rule.outside.addr, 0xbb, 14);
    ck_assert_int_eq(vpn_netmap_rule_format(out, &rule), 0);
    ck_assert_uint_lt(strlen(out), VPN_NETMAP_LINE_CHARS);
}
END_TEST

static Suite *netmap_text_suite(void)
{
    Suite *suite = suite_create("netmap_text");
    test_add(suite, "both ways", both_ways);
    test_add(suite, "faults at their place", faults_at_their_place);
    test_add(suite, "what is no rule is not written", what_is_no_rule_is_not_written);
    return suite;
}

TEST_MAIN(netmap_text_suite)
