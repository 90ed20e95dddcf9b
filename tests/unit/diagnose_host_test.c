/* SPDX-License-Identifier: ISC */
#include "policy/diagnose_host.h"

#include "common/diagnose.h"

START_TEST(interface)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_LINK, "wg0");
    seen.link_up = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_LINK, VPN_CAUSE_SETTING, "ip link set dev wg0 up");
    seen.link = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_LINK, VPN_CAUSE_SETTING, "no interface wg0");
    seen.link = VPN_SEEN_YES;
    seen.link_up = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_LINK, "");
    diagnose_fine(&seen, VPN_CHECK_ADDRESSES, "");
    seen.addresses = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_ADDRESSES, VPN_CAUSE_SETTING, "ip address add 10.8.0.2 dev wg0");
    seen.addresses = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_ADDRESSES, "");
}
END_TEST

START_TEST(size)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_SIZE, "1420");
    seen.wanted_mtu = 1420;
    diagnose_fine(&seen, VPN_CHECK_SIZE, "1420");
    seen.wanted_mtu = 1380;
    diagnose_broken(&seen, VPN_CHECK_SIZE, VPN_CAUSE_SETTING, "ip link set dev wg0 mtu 1380");
    seen.wanted_mtu = 0;
    seen.link_mtu = 576;
    diagnose_fine(&seen, VPN_CHECK_SIZE, "576");
    seen.link_mtu = 575;
    diagnose_broken(&seen, VPN_CHECK_SIZE, VPN_CAUSE_SETTING, "575");
    seen.link_mtu = 0;
    diagnose_unknown(&seen, VPN_CHECK_SIZE, "");
}
END_TEST

START_TEST(routes)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_ROUTES, "wg0");
    seen.routes = VPN_SEEN_NO;
    seen.apps = VPN_SEEN_YES;
    diagnose_unknown(&seen, VPN_CHECK_ROUTES, "IncludeApp");
    diagnose_unknown(&seen, VPN_CHECK_FOREIGN, "IncludeApp");
    seen.apps = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_ROUTES, VPN_CAUSE_SETTING, "ip route add 10.9.0.0/16 dev wg0");
    seen.route_way = VPN_WAY_LINK;
    diagnose_broken(&seen, VPN_CHECK_ROUTES, VPN_CAUSE_SETTING, "leave by eth1");
    seen.routes = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_ROUTES, "");
    diagnose_fine(&seen, VPN_CHECK_FOREIGN, "");
    seen.foreign = VPN_SEEN_YES;
    diagnose_broken(&seen, VPN_CHECK_FOREIGN, VPN_CAUSE_SETTING, "ip route del 10.9.7.0/24 dev eth2");
    seen.foreign = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_FOREIGN, "");
}
END_TEST

START_TEST(filters)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_FILTER, "");
    seen.filter = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_FILTER, VPN_CAUSE_SETTING, "FailMode");
    seen.filter = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_FILTER, "");
    seen.filter = VPN_SEEN_NO;
    seen.filter_wanted = VPN_SEEN_NO;
    diagnose_skipped(&seen, VPN_CHECK_FILTER, "");
    seen.filter_wanted = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_FILTER, "");
    diagnose_fine(&seen, VPN_CHECK_REVERSE_PATH, "");
    seen.reverse_path = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_REVERSE_PATH, VPN_CAUSE_SETTING, "src_valid_mark=1");
    seen.reverse_path = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_REVERSE_PATH, "");
}
END_TEST

/* A target that keeps silent proves nothing: many hosts do. */
START_TEST(inside)
{
    static const struct {
        uint8_t probe;
        uint32_t result, cause;
        const char *words;
    } cases[] = {
        {VPN_PROBE_NONE, VPN_RESULT_UNKNOWN, VPN_CAUSE_NONE, "Nothing was sent"},
        {VPN_PROBE_ANSWERED, VPN_RESULT_FINE, VPN_CAUSE_NONE, "10.8.0.1 answers"},
        {VPN_PROBE_SILENT, VPN_RESULT_UNKNOWN, VPN_CAUSE_NONE, "--target"},
        {VPN_PROBE_HELD, VPN_RESULT_BROKEN, VPN_CAUSE_SETTING, "output chain"},
        {VPN_PROBE_LOST, VPN_RESULT_BROKEN, VPN_CAUSE_SETTING, "input chain"},
        {VPN_PROBE_NO_ROUTE, VPN_RESULT_BROKEN, VPN_CAUSE_SETTING, "ip route get 10.8.0.1"},
        {VPN_PROBE_REFUSED, VPN_RESULT_BROKEN, VPN_CAUSE_TRANSPORT, "ip_forward"},
        {VPN_PROBE_UNREACHABLE, VPN_RESULT_BROKEN, VPN_CAUSE_TRANSPORT, "ip_forward"},
        {VPN_PROBE_PROHIBITED, VPN_RESULT_BROKEN, VPN_CAUSE_TRANSPORT, "ip_forward"},
    };
    vpn_observed seen;
    diagnose_well(&seen);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        seen.inside = cases[i].probe;
        diagnose_expect(&seen, VPN_CHECK_INSIDE, cases[i].result, cases[i].cause, cases[i].words);
    }
    seen.inside = VPN_PROBE_NONE;
    seen.target.family = 0;
    diagnose_unknown(&seen, VPN_CHECK_INSIDE, "--target");
}
END_TEST

START_TEST(names)
{
    static const struct {
        uint8_t probe;
        const char *words;
    } errors[] = {
        {VPN_PROBE_FALSE, "speaks no DNS"},
        {VPN_PROBE_SILENT, "does not answer"},
        {VPN_PROBE_LOST, "does not answer"},
        {VPN_PROBE_REFUSED, "Nobody listens"},
        {VPN_PROBE_UNREACHABLE, "do not get"},
        {VPN_PROBE_PROHIBITED, "do not get"},
        {VPN_PROBE_NO_ROUTE, "ip route get 10.8.0.53"},
        {VPN_PROBE_HELD, "nft"},
    };
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_RESOLVER, "");
    diagnose_fine(&seen, VPN_CHECK_QUERY, "10.8.0.53");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        seen.query = errors[i].probe;
        diagnose_broken(&seen, VPN_CHECK_QUERY, VPN_CAUSE_TRANSPORT, errors[i].words);
    }
    seen.query = VPN_PROBE_NONE;
    diagnose_unknown(&seen, VPN_CHECK_QUERY, "");
    seen.resolver = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_RESOLVER, VPN_CAUSE_SETTING, "10.8.0.53");
    seen.resolver_local = VPN_SEEN_YES;
    diagnose_unknown(&seen, VPN_CHECK_RESOLVER, "10.8.0.53");
    seen.resolver = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_RESOLVER, "");
    seen.resolver_wanted = VPN_SEEN_NO;
    diagnose_skipped(&seen, VPN_CHECK_RESOLVER, "");
    diagnose_skipped(&seen, VPN_CHECK_QUERY, "");
    seen.resolver_wanted = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_RESOLVER, "");
}
END_TEST

START_TEST(sizes)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_BLACK_HOLE, "1420");
    seen.large = VPN_PROBE_TOO_BIG;
    diagnose_fine(&seen, VPN_CHECK_BLACK_HOLE, "told so");
    seen.large = VPN_PROBE_SILENT;
    diagnose_unknown(&seen, VPN_CHECK_BLACK_HOLE, "");
    seen.passes = 1280;
    diagnose_broken(&seen, VPN_CHECK_BLACK_HOLE, VPN_CAUSE_TRANSPORT, "ip link set dev wg0 mtu 1280");
    seen.large = VPN_PROBE_NONE;
    diagnose_unknown(&seen, VPN_CHECK_BLACK_HOLE, "");
    seen.target.family = 0;
    diagnose_unknown(&seen, VPN_CHECK_BLACK_HOLE, "--target");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("diagnose_host");
    test_add(suite, "interface", interface);
    test_add(suite, "size", size);
    test_add(suite, "routes", routes);
    test_add(suite, "filters", filters);
    test_add(suite, "inside", inside);
    test_add(suite, "names", names);
    test_add(suite, "sizes", sizes);
    return suite;
}

TEST_MAIN(make_suite)
