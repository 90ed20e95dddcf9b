/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_config.h"

#include "common/pmtu.h"

#define MINUTE (60 * VPN_SECOND)

static vpn_pmtu_config have;

static int reads(const vpn_pmtu_config *c)
{
    return vpn__pmtu_config_read(&have, c) == 0;
}

START_TEST(defaults)
{
    vpn_pmtu_config c = {.size = sizeof c};
    ck_assert(reads(&c));
    ck_assert(have.limit == 65535 && have.multiple == 1 && have.start == 0);
    ck_assert(have.probe_timer == 2 * VPN_SECOND && have.confirm_timer == MINUTE && have.raise_timer == 10 * MINUTE);
    c.size = offsetof(vpn_pmtu_config, env);
    ck_assert(!reads(&c));
}
END_TEST

/* Each number: the least and the greatest that are taken, and one past them. */
START_TEST(ranges)
{
    vpn_pmtu_config c = {.size = sizeof c};
    for (uint32_t six = 0; six < 2; six++) {
        uint32_t least = six ? 1280 : 576;
        c.flags = six ? VPN_PMTU_INNER_IPV6 : 0;
        c.limit = least - 1;
        ck_assert(!reads(&c));
        c.limit = least;
        ck_assert(reads(&c));
        c.limit = 65535;
        ck_assert(reads(&c));
        c.limit = 65536;
        ck_assert(!reads(&c));
        c.limit = 1400;
        c.start = least - 1;
        ck_assert(!reads(&c));
        c.start = least;
        ck_assert(reads(&c));
        c.start = 1400;
        ck_assert(reads(&c));
        c.start = 1401;
        ck_assert(!reads(&c));
        c.start = c.limit = 0;
    }
    for (c.multiple = 1; c.multiple < 40; c.multiple++)
        ck_assert_int_eq(reads(&c),
                         c.multiple == 1 || c.multiple == 2 || c.multiple == 4 || c.multiple == 8 || c.multiple == 16);
    c.multiple = 0;
    for (c.flags = 0; c.flags < 16; c.flags++)
        ck_assert_int_eq(reads(&c), c.flags < 4);
    c.flags = 0;
    for (int i = 0; i < 3; i++) {
        c.reserved[i] = 1;
        ck_assert(!reads(&c));
        c.reserved[i] = 0;
    }
}
END_TEST

static void check_time(vpn_time *field, vpn_pmtu_config *c, vpn_time least, vpn_time most)
{
    *field = least - 1;
    ck_assert(!reads(c));
    *field = least;
    ck_assert(reads(c));
    *field = most;
    ck_assert(reads(c));
    *field = most + 1;
    ck_assert(!reads(c));
    *field = VPN_NEVER;
    ck_assert(!reads(c));
    *field = 0;
}

START_TEST(timers)
{
    vpn_pmtu_config c = {.size = sizeof c};
    check_time(&c.probe_timer, &c, VPN_SECOND, MINUTE);
    check_time(&c.confirm_timer, &c, 5 * VPN_SECOND, 60 * MINUTE);
    check_time(&c.raise_timer, &c, 5 * MINUTE, 24 * 60 * MINUTE);
}
END_TEST

START_TEST(probes)
{
    vpn_pmtu_config c = path_config(4, 0);
    ck_assert(reads(&c));
    for (uint32_t octet = 0; octet < 256; octet++) {
        c = path_config(4, 0);
        c.probe_dst[0] = (uint8_t)octet;
        ck_assert_int_eq(reads(&c), octet > 0 && octet < 224);
        c = path_config(4, 0);
        c.probe_src[0] = (uint8_t)octet;
        ck_assert_int_eq(reads(&c), octet > 0 && octet < 224);
    }
    c = path_config(6, 0);
    ck_assert(!reads(&c)); /* IPv6 probes in a tunnel without IPv6 */
    c = path_config(6, VPN_PMTU_INNER_IPV6);
    ck_assert(reads(&c));
    c.probe_dst[0] = 0xff;
    ck_assert(!reads(&c));
    memset(c.probe_dst, 0, 16);
    ck_assert(!reads(&c));
    c.probe_dst[15] = 2;
    ck_assert(reads(&c));
    memset(c.probe_src, 0, 16);
    ck_assert(!reads(&c));
    for (uint32_t family = 0; family < 256; family++) {
        c = path_config(4, VPN_PMTU_INNER_IPV6);
        c.probe_family = (uint8_t)family;
        ck_assert_int_eq(reads(&c), family == 0 || family == 4 || family == 6);
    }
}
END_TEST

START_TEST(routes)
{
    vpn_pmtu_route r = path_route(4, 0), out;
    memset(r.path.remote.addr + 4, 9, 12);
    memset(r.path.local + 4, 9, 12);
    ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), 0);
    ck_assert_uint_eq(out.link_mtu, 1500);
    ck_assert(test_is_zero(out.path.remote.addr + 4, 12) && test_is_zero(out.path.local + 4, 12));
    for (uint32_t family = 0; family < 256; family++) {
        r = path_route(4, 1500);
        r.path.remote.family = (uint8_t)family;
        ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), family == 0 || family == 4 || family == 6 ? 0 : VPN_EINVAL);
    }
    for (uint32_t family = 4; family <= 6; family += 2) {
        uint32_t least = family == 4 ? 68 : 1280;
        r = path_route((uint8_t)family, least - 1);
        ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), VPN_EINVAL);
        r.link_mtu = least;
        ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), 0);
        r.link_mtu = 65535;
        ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), 0);
        r.link_mtu = 65536;
        ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), VPN_EINVAL);
    }
    r = path_route(4, 1500);
    r.reserved = 1;
    ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), VPN_EINVAL);
    r.reserved = 0;
    r.reserved2 = 1;
    ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), VPN_EINVAL);
    r.reserved2 = 0;
    r.size--;
    ck_assert_int_eq(vpn__pmtu_route_read(&out, &r), VPN_EINVAL);
}
END_TEST

START_TEST(reports)
{
    uint8_t quote[1] = {0};
    vpn_pmtu_report r = {.size = sizeof r, .mtu = 1400}, out;
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), 0);
    r.mtu = 0; /* the own system knows what it refuses */
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), VPN_EINVAL);
    r.kind = VPN_PMTU_QUOTE_PACKET;
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), 0);
    r.length = 1;
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), VPN_EINVAL);
    r.quote = quote;
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), 0);
    r.kind = VPN_PMTU_QUOTE_PAYLOAD;
    r.remote.family = 4;
    memset(r.remote.addr, 9, 16);
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), 0);
    ck_assert(test_is_zero(out.remote.addr + 4, 12));
    r.kind = 3;
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), VPN_EINVAL);
    r.kind = 0;
    r.size--;
    ck_assert_int_eq(vpn__pmtu_report_read(&out, &r), VPN_EINVAL);
}
END_TEST

/* floor, base, ceiling, start, divide for each kind of tunnel */
START_TEST(limits)
{
    static const struct {
        uint8_t family, probes;
        uint32_t flags, link, limit, start, want[5];
    } rows[] = {
        {4, 4, 0, 1500, 0, 0, {576, 1200, 1440, 1200, 0}},       {4, 0, 0, 1500, 0, 0, {576, 1200, 1440, 1440, 0}},
        {4, 4, 0, 1500, 1420, 1420, {576, 1200, 1420, 1420, 0}}, {6, 4, 0, 1500, 0, 0, {1200, 1200, 1420, 1200, 0}},
        {6, 4, 0, 1280, 0, 0, {1200, 1200, 1200, 1200, 0}},      {6, 4, 0, 1500, 0, 700, {1200, 1200, 1420, 1200, 0}},
        {6, 4, 0, 1500, 700, 0, {700, 700, 700, 700, 0}},        {4, 6, 1, 1500, 0, 0, {1280, 1280, 1440, 1280, 0}},
        {6, 6, 1, 1500, 0, 0, {1280, 1280, 1420, 1280, 0}},      {6, 6, 1, 1360, 0, 0, {1280, 1280, 1280, 1280, 0}},
        {6, 6, 1, 1359, 0, 0, {1280, 1280, 1280, 1280, 1}},      {4, 6, 1, 1339, 0, 0, {1280, 1280, 1280, 1280, 1}},
        {4, 4, 0, 636, 0, 0, {576, 576, 576, 576, 0}},           {4, 4, 0, 635, 0, 0, {576, 576, 576, 576, 1}},
        {4, 4, 0, 68, 0, 1000, {576, 576, 576, 576, 1}},         {4, 4, 0, 1000, 0, 1420, {576, 940, 940, 940, 0}},
        {4, 4, 0, 9000, 0, 1420, {576, 1200, 8940, 1420, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vpn_pmtu_config c = path_config(rows[i].probes, rows[i].flags);
        vpn_pmtu_route r = path_route(rows[i].family, rows[i].link);
        struct vpn__pmtu_limits l;
        c.limit = rows[i].limit;
        c.start = rows[i].start;
        ck_assert(reads(&c));
        vpn__pmtu_limits_on(&l, &have, &r);
        ck_assert_msg(l.floor == rows[i].want[0] && l.base == rows[i].want[1] && l.ceiling == rows[i].want[2] &&
                          l.start == rows[i].want[3] && l.divide == rows[i].want[4],
                      "row %zu: %u %u %u %u %u", i, l.floor, l.base, l.ceiling, l.start, l.divide);
        ck_assert_int_eq(l.probes != 0, rows[i].probes != 0);
        vpn__pmtu_limits_away(&l, &have);
        uint32_t away = rows[i].start ? rows[i].start : rows[i].flags ? 1280 : 576;
        ck_assert(l.floor == away && l.ceiling == away && l.start == away && !l.probes && !l.divide);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_config");
    test_add(suite, "defaults", defaults);
    test_add(suite, "ranges", ranges);
    test_add(suite, "timers", timers);
    test_add(suite, "probes", probes);
    test_add(suite, "routes", routes);
    test_add(suite, "reports", reports);
    test_add(suite, "limits", limits);
    return suite;
}

TEST_MAIN(make_suite)
