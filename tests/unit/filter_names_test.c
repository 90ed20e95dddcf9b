/* SPDX-License-Identifier: ISC */
#include "config/filter_line.h"
#include "common/test.h"

START_TEST(protocols_both_ways)
{
    uint32_t named = 0;
    for (uint32_t protocol = 0; protocol < 256; protocol++) {
        const char *name = vpn__filter_protocol_name(protocol);
        if (!name)
            continue;
        named++;
        ck_assert_int_eq(vpn__filter_protocol(name, strlen(name)), (int)protocol);
    }
    ck_assert_uint_eq(named, 10);
    ck_assert_int_eq(vpn__filter_protocol("ICMPv6", 6), 58);
    ck_assert_str_eq(vpn__filter_protocol_name(58), "icmp6");
    ck_assert_int_eq(vpn__filter_protocol("", 0), -1);
    ck_assert_int_eq(vpn__filter_protocol("tcpx", 4), -1);
}
END_TEST

START_TEST(types_both_ways)
{
    for (uint32_t protocol = 1; protocol <= 58; protocol += 57)
        for (uint32_t type = 0; type < 256; type++) {
            const char *name = vpn__filter_icmp_name(protocol, type);
            if (name)
                ck_assert_int_eq(vpn__filter_icmp(protocol, name, strlen(name)), (int)type);
        }
    ck_assert_int_eq(vpn__filter_icmp(1, "echo-request", 12), 8);
    ck_assert_int_eq(vpn__filter_icmp(58, "echo-request", 12), 128);
    ck_assert_int_eq(vpn__filter_icmp(1, "packet-too-big", 14), -1);
    ck_assert_int_eq(vpn__filter_icmp(58, "packet-too-big", 14), 2);
}
END_TEST

START_TEST(actions_both_ways)
{
    for (uint32_t action = 0; action < 3; action++) {
        const char *name = vpn_filter_action_name(action);
        ck_assert_int_eq(vpn_filter_action_parse(name, strlen(name)), (int)action);
    }
    ck_assert_int_eq(vpn_filter_action_parse("ALLOW", 5), VPN_FILTER_ALLOW);
    ck_assert_int_eq(vpn_filter_action_parse("drop", 4), VPN_EFORMAT);
    ck_assert_int_eq(vpn_filter_action_parse("", 0), VPN_EFORMAT);
    ck_assert_ptr_null(vpn_filter_action_name(3));
}
END_TEST

START_TEST(ports_and_flags)
{
    static const uint8_t with[] = {6, 17, 33, 132, 136};
    for (uint32_t protocol = 0; protocol < 256; protocol++)
        ck_assert_int_eq(vpn__filter_line_has_ports(protocol), memchr(with, (int)protocol, sizeof with) != NULL);
    for (uint32_t bit = 0; bit < 8; bit++)
        ck_assert_int_eq(vpn__filter_flag(bit), "FSRPAUEW"[bit]);
}
END_TEST

static Suite *filter_names_suite(void)
{
    Suite *suite = suite_create("filter_names");
    test_add(suite, "protocols", protocols_both_ways);
    test_add(suite, "types", types_both_ways);
    test_add(suite, "actions", actions_both_ways);
    test_add(suite, "ports and flags", ports_and_flags);
    return suite;
}

TEST_MAIN(filter_names_suite)
