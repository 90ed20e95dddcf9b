/* SPDX-License-Identifier: ISC */
/* Lines of rules: judged one by one, gathered, and taken together or not at all. */
#include "tunnel/rules_peer.h"

#include <errno.h>

#include "common/test.h"

static rules_peer *peer;
static vpn_filter *filter;
static vpn_netmap *netmap;

static void setup(void)
{
    peer = calloc(1, sizeof *peer);
    filter = NULL;
    netmap = NULL;
}

static void teardown(void)
{
    rules_peer_free(peer);
    vpn_filter_free(filter);
    vpn_netmap_free(netmap);
}

static int line(const char *key, const char *value)
{
    ck_assert_int_eq(rules_peer_check(key, value), 0);
    return rules_peer_gather(peer, key, value);
}

static void good(const char *key, const char *value)
{
    ck_assert_int_eq(line(key, value), 0);
}

static void commit(void)
{
    ck_assert_int_eq(rules_peer_commit(peer, &filter, &netmap), 0);
}

static vpn_filter_stats stats_of(void)
{
    vpn_filter_stats stats = {.size = sizeof stats};
    ck_assert_int_eq(vpn_filter_get_stats(filter, &stats), 0);
    return stats;
}

/* What a TCP packet to a port meets. */
static int meets(uint32_t direction, uint16_t port)
{
    uint8_t packet[40] = {
        0x45, [3] = 40, [8] = 64, [9] = 6, [12] = 10, [15] = 2, [16] = 10, [19] = 1, [32] = 0x50, [33] = 2};
    packet[22] = (uint8_t)(port >> 8);
    packet[23] = (uint8_t)port;
    return vpn_filter_decide(filter, direction, 0, packet, sizeof packet, 1, NULL);
}

START_TEST(lines_are_judged)
{
    static const struct {
        const char *key, *value;
        int said;
    } cases[] = {{"libvpn_filter", "allow in tcp to port 22,443 stateful", 0},
                 {"libvpn_filter", "allow in tcp to port x", EINVAL},
                 {"libvpn_filter", "", EINVAL},
                 {"libvpn_replace_filter", "true", 0},
                 {"libvpn_replace_filter", "false", EINVAL},
                 {"libvpn_filter_default", "Reject", 0},
                 {"libvpn_filter_default", "drop", EINVAL},
                 {"libvpn_filter_flows", "0", 0},
                 {"libvpn_filter_flows", "16777216", 0},
                 {"libvpn_filter_flows", "16777217", EINVAL},
                 {"libvpn_filter_flows", "-1", EINVAL},
                 {"libvpn_filter_flows", "1x", EINVAL},
                 {"libvpn_filter_flows", "", EINVAL},
                 {"libvpn_netmap", "ours 10.0.0.0/24 as 10.1.0.0/24", 0},
                 {"libvpn_netmap", "ours 10.0.0.0/24 as 10.1.0.0/25", EINVAL},
                 {"libvpn_replace_netmap", "true", 0},
                 {"libvpn_replace_netmap", "1", EINVAL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(rules_peer_knows(cases[i].key));
        ck_assert_msg(rules_peer_check(cases[i].key, cases[i].value) == cases[i].said, "%s=%s", cases[i].key,
                      cases[i].value);
    }
    ck_assert(!rules_peer_knows("libvpn_filters"));
    ck_assert(!rules_peer_knows("libvpn_path_mtu"));
}
END_TEST

START_TEST(taken_together)
{
    good("libvpn_filter", "ALLOW in tcp to port 22, 443");
    good("libvpn_filter", "reject in");
    good("libvpn_netmap", "ours 10.0.0.0/24 as 10.1.0.0/24");
    ck_assert(!rules_peer_counts(peer));
    ck_assert_ptr_null(filter);
    commit();
    ck_assert(rules_peer_counts(peer));
    ck_assert_str_eq(peer->now.lines[0].text, "allow in tcp to port 22,443");
    ck_assert_uint_eq(peer->now.lines[0].rules, 2);
    ck_assert_uint_eq(stats_of().rules, 3);
    ck_assert_uint_eq(stats_of().flows_max, 0);
    ck_assert_ptr_nonnull(netmap);
    ck_assert_int_eq(meets(VPN_FILTER_IN, 443), VPN_FILTER_ALLOW);
    ck_assert_int_eq(meets(VPN_FILTER_IN, 444), VPN_FILTER_REJECT);
    ck_assert_int_eq(meets(VPN_FILTER_OUT, 443), VPN_FILTER_DENY);
    good("libvpn_filter_default", "allow"); /* added to what is there */
    commit();
    ck_assert_uint_eq(stats_of().rules, 3);
    ck_assert_int_eq(meets(VPN_FILTER_OUT, 443), VPN_FILTER_ALLOW);
    good("libvpn_replace_netmap", "true");
    commit();
    ck_assert_ptr_null(netmap);
    ck_assert_ptr_nonnull(filter);
    good("libvpn_replace_filter", "true");
    commit();
    ck_assert_ptr_null(filter);
    ck_assert(!rules_peer_counts(peer));
}
END_TEST

/* Counters and flows go on in the same filter, unless it is to have another number of flows. */
START_TEST(the_filter_goes_on)
{
    good("libvpn_filter", "allow in tcp to port 22 stateful");
    commit();
    vpn_filter *first = filter;
    ck_assert_uint_eq(stats_of().flows_max, RULES_FLOWS);
    ck_assert_int_eq(meets(VPN_FILTER_IN, 22), VPN_FILTER_ALLOW);
    ck_assert_uint_eq(stats_of().flows, 1);
    good("libvpn_replace_filter", "true");
    good("libvpn_filter", "allow in tcp to port 22,23 stateful");
    commit();
    ck_assert_ptr_eq(filter, first);
    ck_assert_uint_eq(stats_of().flows, 1);
    good("libvpn_filter_flows", "64");
    commit();
    ck_assert_uint_eq(stats_of().flows, 0);
    ck_assert_uint_eq(stats_of().flows_max, 64);
    ck_assert_uint_eq(stats_of().rules, 2);
}
END_TEST

START_TEST(a_line_that_is_refused_leaves_all)
{
    good("libvpn_filter", "allow in tcp to port 22 stateful");
    good("libvpn_netmap", "ours 10.0.0.0/24 as 10.1.0.0/24");
    commit();
    good("libvpn_replace_filter", "true");
    ck_assert_int_eq(line("libvpn_netmap", "ours 10.0.0.0/24 as 10.2.0.0/24"), EEXIST);
    commit();
    ck_assert_uint_eq(peer->now.line_count, 1);
    ck_assert_uint_eq(peer->now.map_count, 1);
    ck_assert_int_eq(meets(VPN_FILTER_IN, 22), VPN_FILTER_ALLOW);
    ck_assert_int_eq(line("libvpn_filter_flows", "0"), EINVAL);
    commit();
    ck_assert_uint_eq(stats_of().flows_max, RULES_FLOWS);
    good("libvpn_replace_filter", "true");
    good("libvpn_filter_flows", "0");
    ck_assert_int_eq(line("libvpn_filter", "allow in stateful"), EINVAL);
    commit();
    ck_assert_uint_eq(peer->now.line_count, 1);
    good("libvpn_filter", "deny out"); /* and what comes afterwards is taken again */
    commit();
    ck_assert_uint_eq(peer->now.line_count, 2);
}
END_TEST

START_TEST(limits)
{
    static const char many[] = "allow tcp from port 1,2,3,4,5,6,7,8 to port 1,2,3,4,5,6,7,8,9,10";
    for (uint32_t i = 0; i < 400; i++)
        good("libvpn_filter", many);
    ck_assert_int_eq(line("libvpn_filter", "deny"), ENOSPC);
    commit();
    ck_assert_ptr_null(filter);
    for (uint32_t i = 0; i < VPN_NETMAP_RULES_MAX; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "ours 10.0.%u.%u/32 as 10.1.%u.%u/32", i >> 8, i & 255, i >> 8, i & 255);
        good("libvpn_netmap", text);
    }
    ck_assert_int_eq(line("libvpn_netmap", "ours 11.0.0.0/24 as 11.1.0.0/24"), ENOSPC);
    commit();
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
}

static Suite *rules_peer_suite(void)
{
    Suite *suite = suite_create("rules_peer");
    add(suite, "judged", lines_are_judged);
    add(suite, "together", taken_together);
    add(suite, "goes on", the_filter_goes_on);
    add(suite, "refused", a_line_that_is_refused_leaves_all);
    add(suite, "limits", limits);
    return suite;
}

TEST_MAIN(rules_peer_suite)
