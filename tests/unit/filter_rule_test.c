/* SPDX-License-Identifier: ISC */
#include "packet/filter_rule.h"

#include "common/test.h"
#include "packet/filter_parse.h"

static vpn_filter_rule tcp(void)
{
    return (vpn_filter_rule){.action = VPN_FILTER_ALLOW, .match = VPN_FILTER_MATCH_PROTOCOL, .protocol = 6};
}

static int check(const vpn_filter_rule *rule)
{
    vpn_filter_rule out;
    size_t bad = 9;
    int error = vpn__filter_rule_read(&out, rule);
    ck_assert_int_eq(vpn_filter_check(rule, 1, &bad), error);
    ck_assert_uint_eq(bad, error ? 0 : 1);
    return error;
}

#define REFUSED(...)                                                                                                   \
    do {                                                                                                               \
        vpn_filter_rule r = tcp();                                                                                     \
        ck_assert_int_eq(check(&r), 0);                                                                                \
        __VA_ARGS__;                                                                                                   \
        ck_assert_int_eq(check(&r), VPN_EINVAL);                                                                       \
    } while (0)
#define TAKEN(...)                                                                                                     \
    do {                                                                                                               \
        vpn_filter_rule r = tcp();                                                                                     \
        __VA_ARGS__;                                                                                                   \
        ck_assert_int_eq(check(&r), 0);                                                                                \
    } while (0)

START_TEST(general_fields)
{
    REFUSED(r.action = 3);
    REFUSED(r.direction = 3);
    REFUSED(r.flags = 2);
    REFUSED(r.flags = VPN_FILTER_STATEFUL, r.action = VPN_FILTER_DENY);
    REFUSED(r.flags = VPN_FILTER_STATEFUL, r.action = VPN_FILTER_REJECT);
    REFUSED(r.match |= 0x40);
    REFUSED(r.reserved[5] = 1);
    REFUSED(r.match = 0);
    TAKEN(r.match = 0, r.protocol = 0);
    TAKEN(r.flags = VPN_FILTER_STATEFUL);
    TAKEN(r.protocol = 0);
    TAKEN(r.user = 77);
}
END_TEST

START_TEST(prefixes)
{
    REFUSED(r.src.family = 5);
    REFUSED(r.src.bits = 1);
    REFUSED(r.dst.addr[0] = 1);
    REFUSED(r.src.family = 4, r.src.bits = 33);
    REFUSED(r.dst.family = 6, r.dst.bits = 129);
    REFUSED(r.src.family = 4, r.src.reserved[0] = 1);
    REFUSED(r.src.family = 4, r.src.reserved[1] = 1);
    REFUSED(r.src.family = 4, r.dst.family = 6);
    REFUSED(r.src.family = 6, r.dst.family = 4);
    TAKEN(r.src.family = 4, r.src.bits = 32);
    TAKEN(r.dst.family = 6, r.dst.bits = 128);
    TAKEN(r.src.family = 6, r.dst.family = 6);
}
END_TEST

START_TEST(transport)
{
    REFUSED(r.src_port_max = 1);
    REFUSED(r.dst_port_min = 1);
    REFUSED(r.match |= VPN_FILTER_MATCH_SRC_PORT, r.src_port_min = 2, r.src_port_max = 1);
    REFUSED(r.match |= VPN_FILTER_MATCH_DST_PORT, r.dst_port_min = 2, r.dst_port_max = 1);
    REFUSED(r.match |= VPN_FILTER_MATCH_DST_PORT, r.protocol = 47);
    REFUSED(r.match = VPN_FILTER_MATCH_DST_PORT);
    REFUSED(r.match = VPN_FILTER_MATCH_DST_PORT, r.protocol = 0);
    TAKEN(r.match |= VPN_FILTER_MATCH_DST_PORT);
    TAKEN(r.match |= VPN_FILTER_MATCH_SRC_PORT, r.src_port_max = 65535, r.protocol = 132);
    REFUSED(r.icmp_type = 1, r.protocol = 1);
    REFUSED(r.icmp_code = 1, r.protocol = 1);
    REFUSED(r.match |= VPN_FILTER_MATCH_ICMP_TYPE);
    REFUSED(r.match |= VPN_FILTER_MATCH_ICMP_CODE, r.protocol = 1);
    REFUSED(r.match |= VPN_FILTER_MATCH_ICMP_TYPE, r.protocol = 1, r.icmp_code = 1);
    TAKEN(r.match |= VPN_FILTER_MATCH_ICMP_TYPE | VPN_FILTER_MATCH_ICMP_CODE, r.protocol = 58, r.icmp_code = 3);
    REFUSED(r.tcp_mask = 1);
    REFUSED(r.tcp_flags = 1);
    REFUSED(r.match |= VPN_FILTER_MATCH_TCP_FLAGS);
    REFUSED(r.match |= VPN_FILTER_MATCH_TCP_FLAGS, r.tcp_mask = 1, r.tcp_flags = 2);
    REFUSED(r.match |= VPN_FILTER_MATCH_TCP_FLAGS, r.tcp_mask = 1, r.protocol = 17);
    TAKEN(r.match |= VPN_FILTER_MATCH_TCP_FLAGS, r.tcp_mask = 3, r.tcp_flags = 2);
}
END_TEST

START_TEST(one_form)
{
    vpn_filter_rule r = tcp(), out;
    r.src = (vpn_prefix){.family = 4, .bits = 9, .addr = {10, 0xff, 0xff, 0xff, 0xff}};
    ck_assert_int_eq(vpn__filter_rule_read(&out, &r), 0);
    r.src = (vpn_prefix){.family = 4, .bits = 9, .addr = {10, 0x80}};
    ck_assert_mem_eq(&out, &r, sizeof(r));
}
END_TEST

static void expect(const vpn_filter_rule *r, uint32_t field, int count, uint64_t high, uint64_t low, uint64_t last_high,
                   uint64_t last_low)
{
    struct vpn__filter_range ranges[VPN__RANGES_MAX];
    ck_assert_int_eq(vpn__filter_rule_ranges(r, field, ranges), count);
    if (count <= 0)
        return;
    ck_assert_uint_eq(ranges[0].first.high, high);
    ck_assert_uint_eq(ranges[0].first.low, low);
    ck_assert_uint_eq(ranges[0].last.high, last_high);
    ck_assert_uint_eq(ranges[0].last.low, last_low);
}

START_TEST(ranges_of_addresses)
{
    vpn_filter_rule r = tcp();
    expect(&r, VPN__FIELD_SRC4, VPN__EVERYTHING, 0, 0, 0, 0);
    expect(&r, VPN__FIELD_SRC6, VPN__EVERYTHING, 0, 0, 0, 0);
    r.dst = (vpn_prefix){.family = 4, .bits = 8, .addr = {10}};
    expect(&r, VPN__FIELD_DST4, 1, 0, 0x0a000000, 0, 0x0affffff);
    expect(&r, VPN__FIELD_DST6, 0, 0, 0, 0, 0);
    expect(&r, VPN__FIELD_SRC4, VPN__EVERYTHING, 0, 0, 0, 0);
    expect(&r, VPN__FIELD_SRC6, 0, 0, 0, 0, 0);
    r.dst.bits = 0;
    expect(&r, VPN__FIELD_DST4, VPN__EVERYTHING, 0, 0, 0, 0);
    expect(&r, VPN__FIELD_DST6, 0, 0, 0, 0, 0);
    r.dst = (vpn_prefix){.family = 6, .bits = 63, .addr = {0x20}};
    expect(&r, VPN__FIELD_DST6, 1, UINT64_C(0x2000000000000000), 0, UINT64_C(0x2000000000000001), UINT64_MAX);
    r.dst.bits = 64;
    expect(&r, VPN__FIELD_DST6, 1, UINT64_C(0x2000000000000000), 0, UINT64_C(0x2000000000000000), UINT64_MAX);
    r.dst.bits = 65;
    expect(&r, VPN__FIELD_DST6, 1, UINT64_C(0x2000000000000000), 0, UINT64_C(0x2000000000000000), UINT64_MAX >> 1);
    r.dst.bits = 128;
    expect(&r, VPN__FIELD_DST6, 1, UINT64_C(0x2000000000000000), 0, UINT64_C(0x2000000000000000), 0);
}
END_TEST

START_TEST(ranges_of_numbers)
{
    vpn_filter_rule r = tcp();
    struct vpn__filter_range both[VPN__RANGES_MAX];
    expect(&r, VPN__FIELD_SRC_PORT, VPN__EVERYTHING, 0, 0, 0, 0);
    r.match |= VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT;
    r.src_port_max = 65535;
    r.dst_port_min = r.dst_port_max = 22;
    expect(&r, VPN__FIELD_SRC_PORT, 1, 0, 0, 0, 65535);
    expect(&r, VPN__FIELD_DST_PORT, 1, 0, 22, 0, 22);
    ck_assert_int_eq(vpn__filter_rule_ranges(&r, VPN__FIELD_WAY, both), 2);
    ck_assert_uint_eq(both[0].first.low, 6);
    ck_assert_uint_eq(both[1].last.low, 256 + 6);
    r.direction = VPN_FILTER_OUT;
    expect(&r, VPN__FIELD_WAY, 1, 0, 256 + 6, 0, 256 + 6);
    r = (vpn_filter_rule){.direction = VPN_FILTER_IN};
    expect(&r, VPN__FIELD_WAY, 1, 0, 0, 0, 255);
    r.direction = VPN_FILTER_BOTH;
    expect(&r, VPN__FIELD_WAY, VPN__EVERYTHING, 0, 0, 0, 0);
    r = (vpn_filter_rule){
        .match = VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_ICMP_TYPE, .protocol = 1, .icmp_type = 8};
    expect(&r, VPN__FIELD_SRC_PORT, 1, 0, 8, 0, 8);
    expect(&r, VPN__FIELD_DST_PORT, VPN__EVERYTHING, 0, 0, 0, 0);
}
END_TEST

START_TEST(flags)
{
    vpn_filter_rule r = tcp();
    ck_assert(vpn__filter_rule_flags(&r, VPN__NO_FLAGS));
    r.match |= VPN_FILTER_MATCH_TCP_FLAGS;
    r.tcp_mask = 0x12;
    r.tcp_flags = 0x02;
    ck_assert(vpn__filter_rule_flags(&r, 0x02));
    ck_assert(vpn__filter_rule_flags(&r, 0xc2));
    ck_assert(!vpn__filter_rule_flags(&r, 0x12));
    ck_assert(!vpn__filter_rule_flags(&r, 0));
    r.tcp_flags = 0;
    ck_assert(vpn__filter_rule_flags(&r, 0));
    ck_assert(!vpn__filter_rule_flags(&r, VPN__NO_FLAGS));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_rule");
    test_add(s, "general_fields", general_fields);
    test_add(s, "prefixes", prefixes);
    test_add(s, "transport", transport);
    test_add(s, "one_form", one_form);
    test_add(s, "ranges_of_addresses", ranges_of_addresses);
    test_add(s, "ranges_of_numbers", ranges_of_numbers);
    test_add(s, "flags", flags);
    return s;
}

TEST_MAIN(suite)
