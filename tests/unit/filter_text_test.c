/* SPDX-License-Identifier: ISC */
#include <vpn/rules.h>

#include "common/test.h"

static vpn_filter_rule rules[VPN_FILTER_LINE_RULES];

static size_t parse(const char *text)
{
    size_t count;
    ck_assert_int_eq(vpn_filter_rule_parse(rules, VPN_FILTER_LINE_RULES, &count, text, strlen(text), NULL), 0);
    ck_assert_int_eq(vpn_filter_check(rules, count, NULL), 0);
    return count;
}

START_TEST(one_rule_in_each_field)
{
    vpn_filter_rule want = {.action = VPN_FILTER_ALLOW,
                            .direction = VPN_FILTER_IN,
                            .flags = VPN_FILTER_STATEFUL,
                            .protocol = 6,
                            .match = VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT |
                                     VPN_FILTER_MATCH_TCP_FLAGS,
                            .tcp_mask = 0x12,
                            .tcp_flags = 2,
                            .src_port_min = 1024,
                            .src_port_max = 65535,
                            .dst_port_min = 22,
                            .dst_port_max = 22,
                            .src = {4, 8, {0}, {10}},
                            .dst = {4, 24, {0}, {192, 168, 7}}};
    ck_assert_uint_eq(
        parse("allow in tcp from 10.9.9.9/8 port 1024-65535 to 192.168.7.0/24 port 22 flags S/SA stateful"), 1);
    ck_assert_mem_eq(&rules[0], &want, sizeof want);
    want =
        (vpn_filter_rule){.action = VPN_FILTER_REJECT,
                          .direction = VPN_FILTER_OUT,
                          .protocol = 58,
                          .match = VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_ICMP_TYPE | VPN_FILTER_MATCH_ICMP_CODE,
                          .icmp_type = 1,
                          .icmp_code = 4};
    ck_assert_uint_eq(parse("reject out icmp6 type destination-unreachable code 4"), 1);
    ck_assert_mem_eq(&rules[0], &want, sizeof want);
    want = (vpn_filter_rule){.action = VPN_FILTER_DENY};
    ck_assert_uint_eq(parse("deny"), 1);
    ck_assert_mem_eq(&rules[0], &want, sizeof want);
}
END_TEST

START_TEST(lists_multiply)
{
    ck_assert_uint_eq(parse("allow udp from port 1,2-3 to port 10,11,12-14"), 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(rules[i].src_port_min, i < 3 ? 1 : 2);
        ck_assert_uint_eq(rules[i].src_port_max, i < 3 ? 1 : 3);
        ck_assert_uint_eq(rules[i].dst_port_min, 10 + i % 3);
        ck_assert_uint_eq(rules[i].dst_port_max, i % 3 == 2 ? 14 : 10 + i % 3);
    }
    size_t count = 9;
    const char text[] = "deny tcp to port 1,2,3";
    ck_assert_int_eq(vpn_filter_rule_parse(rules, 2, &count, text, strlen(text), NULL), VPN_ESPACE);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(vpn_filter_rule_parse(NULL, 0, &count, text, strlen(text), NULL), VPN_ESPACE);
    ck_assert_int_eq(vpn_filter_rule_parse(NULL, 0, &count, "denied", 6, NULL), VPN_EFORMAT);
    ck_assert_uint_eq(count, 0);
}
END_TEST

static const char twelve[] = "65520-65521,65522-65523,65524-65525,65526-65527,65528-65529,65500-65501,65502-65503,"
                             "65504-65505,65506-65507,65508-65509,65510-65511,65534-65535";

START_TEST(the_longest_line)
{
    char text[VPN_FILTER_LINE_CHARS], out[VPN_FILTER_LINE_CHARS];
    (void)snprintf(text, sizeof text,
                   "allow out tcp from aaaa:bbbb:cccc:dddd:eeee:ffff:abcd:1234/128 port %s to "
                   "aaaa:bbbb:cccc:dddd:eeee:ffff:abcd:1234/128 port %s flags FSRPAUEW/FSRPAUEW stateful",
                   twelve, twelve);
    ck_assert_uint_eq(parse(text), VPN_FILTER_LINE_RULES);
    ck_assert_int_eq(vpn_filter_rule_format(out, rules, VPN_FILTER_LINE_RULES), 0);
    ck_assert_str_eq(out, text);
}
END_TEST

START_TEST(rules_make_their_line)
{
    static const char *const lines[] = {"deny",
                                        "allow in tcp to 10.0.0.0/24 port 22,443,6000-6007 stateful",
                                        "reject out udp from port 1,2,3",
                                        "allow udp from fd00::/8 port 1,2 to port 3,4,5",
                                        "allow in icmp type echo-request",
                                        "deny proto 200 from 10.0.0.0/8 to 10.1.0.0/16",
                                        "deny tcp flags S/SA"};
    char out[VPN_FILTER_LINE_CHARS];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t count = parse(lines[i]);
        ck_assert_int_eq(vpn_filter_rule_format(out, rules, count), 0);
        ck_assert_str_eq(out, lines[i]);
    }
}
END_TEST

static void refused(size_t count)
{
    char out[VPN_FILTER_LINE_CHARS] = "x";
    ck_assert_int_eq(vpn_filter_rule_format(out, rules, count), VPN_EINVAL);
    ck_assert_str_eq(out, "");
}

START_TEST(what_no_line_makes)
{
    size_t count = parse("allow udp from port 1,2 to port 3,4");
    refused(0);
    refused(3);
    rules[3].dst_port_max = 9;
    refused(count);
    (void)parse("allow udp from port 1,2 to port 3,4");
    rules[2].action = VPN_FILTER_DENY;
    refused(count);
    (void)parse("deny");
    rules[1] = rules[0];
    refused(2);
    rules[0].user = 1;
    refused(1);
    rules[0].user = 0;
    rules[0].action = 3;
    refused(1);
    (void)parse("allow icmp to 10.0.0.0/8"); /* a rule that is valid, and that nobody writes */
    rules[0].dst = (vpn_prefix){6, 8, {0}, {0xfd}};
    ck_assert_int_eq(vpn_filter_check(rules, 1, NULL), 0);
    refused(1);
}
END_TEST

static Suite *filter_text_suite(void)
{
    Suite *suite = suite_create("filter_text");
    test_add(suite, "one rule in each field", one_rule_in_each_field);
    test_add(suite, "lists multiply", lists_multiply);
    test_add(suite, "the longest line", the_longest_line);
    test_add(suite, "rules make their line", rules_make_their_line);
    test_add(suite, "what no line makes", what_no_line_makes);
    return suite;
}

TEST_MAIN(filter_text_suite)
