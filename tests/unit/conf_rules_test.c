/* SPDX-License-Identifier: ISC */
/* The keys of [Peer] and [Interface] about filters, translations and the path. */
#include "config/conf_rules.h"

#include <vpn/filter.h>

#include "common/conf.h"

static const char *with(const char *lines, int peer)
{
    static char text[4096];
    snprintf(text, sizeof text, "%s%s\n", peer ? CONF_PEER : "[Interface]\n", lines);
    return text;
}

START_TEST(values)
{
    vpn_conf *conf = conf_good(with("Filter = ALLOW in tcp to 10.0.0.0/24 port 22, 443 stateful # why\n"
                                    "filter=deny\n"
                                    "FilterDefault = Reject\n"
                                    "FilterFlows = 100\n"
                                    "Netmap = ours 10.0.0.0/24 as 10.1.0.0/24\n"
                                    "Netmap = theirs 10.2.0.0/24 as 10.0.0.0/24\n"
                                    "ProbeAddress = 10.2.0.1\n"
                                    "ProbeAddress = fd00::1",
                                    1));
    const vpn_conf_peer *peer = &conf->peers[0];
    conf_expect_texts(peer->filter, peer->filter_count, "allow in tcp to 10.0.0.0/24 port 22,443 stateful|deny");
    ck_assert_uint_eq(peer->filter_rules, 3);
    ck_assert_uint_eq(peer->set, VPN_CONF_PEER_SET_DEFAULT | VPN_CONF_PEER_SET_FLOWS);
    ck_assert_uint_eq(peer->filter_default, VPN_FILTER_REJECT);
    ck_assert_uint_eq(peer->filter_flows, 100);
    ck_assert_uint_eq(peer->netmap_count, 2);
    ck_assert_uint_eq(peer->netmap[1].whose, VPN_NETMAP_THEIRS);
    ck_assert_int_eq(vpn_netmap_check(peer->netmap, peer->netmap_count, NULL), 0);
    conf_expect_prefixes(peer->probes, peer->probe_count, "10.2.0.1/32 fd00::1/128");
    vpn_conf_free(conf);
    conf = conf_good(with("PathMTU = Probe\nClampMSS = true", 0));
    ck_assert_uint_eq(conf->set, VPN_CONF_SET_PATH_MTU | VPN_CONF_SET_CLAMP_MSS);
    ck_assert_uint_eq(conf->path_mtu, VPN_PATH_MTU_PROBE);
    ck_assert_uint_eq(conf->clamp_mss, 1);
    vpn_conf_free(conf);
    conf = conf_good(with("PathMTU = errors\nPathMTU = off\nClampMSS = false", 0));
    ck_assert_uint_eq(conf->path_mtu, VPN_PATH_MTU_OFF);
    ck_assert_uint_eq(conf->clamp_mss, 0);
    vpn_conf_free(conf);
}
END_TEST

START_TEST(faults)
{
    conf_bad(with("Filter = allow tcp to port 99999", 1), 3, 28, "not a port");
    conf_bad(with("Filter =", 1), 3, 9, "missing");
    conf_bad(with("Filter = deny stateful", 1), 3, 15, "stateful");
    conf_bad(with("FilterDefault = drop", 1), 3, 17, "\"allow\"");
    conf_bad(with("FilterFlows = 16777217", 1), 3, 15, "flows");
    conf_bad(with("FilterFlows = 0\nFilter = allow in stateful", 1), 4, 10, "FilterFlows");
    conf_bad(with("Filter = allow in stateful\nFilterFlows = 0", 1), 4, 15, "FilterFlows");
    conf_bad(with("Netmap = ours 10.0.0.0/24 as 10.1.0.0/25", 1), 3, 30, "one length");
    conf_bad(with("Netmap = ours 10.0.0.0/24 as 10.1.0.0/24\nNetmap = ours 10.0.0.0/24 as 10.2.0.0/24", 1), 4, 10,
             "another translation");
    conf_bad(with("Netmap = ours 10.0.0.0/24 as 10.1.0.0/24\nNetmap = ours 10.2.0.0/24 as 10.1.0.0/24", 1), 4, 10,
             "overlaps");
    conf_bad(with("ProbeAddress = 10.0.0.0/8", 1), 3, 16, "not an address");
    conf_bad(with("ProbeAddress = 10.0.0.1, x", 1), 3, 26, "not an address");
    conf_bad(with("ProbeAddress = 10.0.0.1, fd00::1 10.0.0.2", 1), 3, 34, "one address");
    conf_bad(with("PathMTU = on", 0), 2, 11, "\"probe\"");
    conf_bad(with("ClampMSS = 1", 0), 2, 12, "neither true nor false");
    conf_bad(with("Filter = deny", 0), 2, 1, "[Peer]");
    conf_bad(with("PathMTU = off", 1), 3, 1, "[Interface]");
    vpn_conf_free(conf_good(with("FilterFlows = 0\nFilter = allow in", 1)));
}
END_TEST

/* 400 lines of 80 rules are the most. */
START_TEST(most_rules)
{
    static const char line[] = "Filter = allow tcp from port 1,2,3,4,5,6,7,8 to port 1,2,3,4,5,6,7,8,9,10\n";
    static char text[401 * sizeof line + 256];
    strcpy(text, CONF_PEER);
    for (int i = 0; i < 400; i++)
        strcat(text, line);
    vpn_conf *conf = conf_good(text);
    ck_assert_uint_eq(conf->peers[0].filter_rules, VPN_FILTER_RULES_MAX);
    vpn_conf_free(conf);
    strcat(text, "Filter = deny\n");
    conf_bad(text, 403, 10, "32000");
}
END_TEST

static void refused(const vpn_conf_peer *peer)
{
    char out[512];
    struct vpn__text text = {.out = out, .capacity = sizeof out};
    ck_assert_int_eq(vpn__conf_rules_write(&text, peer), VPN_EINVAL);
}

START_TEST(what_cannot_be_written)
{
    static const char *const lines[] = {"", "allow\nMTU = 9", "drop", "allow # x"};
    static const vpn_prefix probes[] = {{.family = 4, .bits = 24}, {.family = 6, .bits = 32}, {.family = 5}};
    vpn_conf_peer peer = {.filter_count = 1};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        peer.filter = &lines[i];
        refused(&peer);
    }
    vpn_netmap_rule rule = {.whose = 2};
    peer = (vpn_conf_peer){.netmap = &rule, .netmap_count = 1};
    refused(&peer);
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        peer = (vpn_conf_peer){.probes = &probes[i], .probe_count = 1};
        refused(&peer);
    }
    peer = (vpn_conf_peer){.filter_default = 3};
    refused(&peer);
    peer = (vpn_conf_peer){.set = VPN_CONF_PEER_SET_FLOWS, .filter_flows = VPN_FILTER_FLOWS_MAX + 1};
    refused(&peer);
}
END_TEST

static Suite *conf_rules_suite(void)
{
    Suite *suite = suite_create("conf_rules");
    test_add(suite, "values", values);
    test_add(suite, "faults", faults);
    test_add(suite, "most rules", most_rules);
    test_add(suite, "what cannot be written", what_cannot_be_written);
    return suite;
}

TEST_MAIN(conf_rules_suite)
