/* SPDX-License-Identifier: ISC */
/* Peers whose hosts have other names here: which addresses lead to them, and to whom. */
#include "policy/inside.h"
#include "policy/choose.h"
#include "common/policy.h"

#define SECOND "[Peer]\nPublicKey = " CONF_KEY_C "\n"
#define THIRD  "[Peer]\nPublicKey = " CONF_KEY_A "\n"

START_TEST(what_leads_to_the_tunnel)
{
    static const struct {
        const char *lines, *inside;
    } cases[] = {
        {"AllowedIPs = 10.0.0.0/24\nNetmap = theirs 10.2.0.0/24 as 10.0.0.0/24", "10.2.0.0/24"},
        {"AllowedIPs = 10.0.0.0/24\nNetmap = ours 10.2.0.0/24 as 10.0.0.0/24", "10.0.0.0/24"},
        {"AllowedIPs = 10.0.0.0/23\nNetmap = theirs 10.2.0.0/24 as 10.0.0.0/24", "10.0.1.0/24 10.2.0.0/24"},
        {"AllowedIPs = 10.0.0.7\nNetmap = theirs 10.2.0.0/24 as 10.0.0.0/24", "10.2.0.0/24"},
        {"AllowedIPs = 10.9.0.0/24\nNetmap = theirs 10.2.0.0/24 as 10.0.0.0/24", "10.9.0.0/24"},
        {"AllowedIPs = 10.0.0.0/24\nNetmap = theirs 10.0.0.0/24 as 10.0.0.0/24", "10.0.0.0/24"},
        {"AllowedIPs = fd00::/48\nNetmap = theirs fd00:2::/48 as fd00::/48", "fd00:2::/48"},
        {"AllowedIPs = 0.0.0.0/0\nNetmap = theirs 128.0.0.0/1 as 0.0.0.0/1", "128.0.0.0/1"},
        {"AllowedIPs = 10.0.0.0/24\nNetmap = theirs 10.2.0.0/24 as 10.0.0.0/24\n" SECOND "AllowedIPs = 10.0.0.0/16",
         "10.0.0.0/16 10.2.0.0/24"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        policy_world w;
        policy_host(&w);
        snprintf(text, sizeof text, POLICY_PEER "%s\n", cases[i].lines);
        policy_plan(&w, text);
        conf_expect_prefixes(w.plan->routes, w.plan->route_count, cases[i].inside);
        policy_end(&w);
    }
}
END_TEST

/* A host whose own network is the peer's: it keeps its route, also when it fails closed. */
START_TEST(the_network_of_both)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nFailMode = closed\nLanAccess = false\n" POLICY_PEER
                    "AllowedIPs = 192.168.1.0/24\nNetmap = theirs 10.2.0.0/24 as 192.168.1.0/24\n");
    vpn_prefix own = policy_prefix("192.168.1.0/24"), theirs = policy_prefix("10.2.0.0/24");
    ck_assert(!vpn_prefixes_overlaps(w.plan->held, &own));
    ck_assert(vpn_prefixes_covers(w.plan->held, &theirs));
    for (size_t i = 0; i < vpn_plan_count(w.plan); i++) {
        const vpn_op *op = vpn_plan_op(w.plan, i);
        ck_assert(op->type != VPN_OP_ROUTE || op->prefix.addr[0] == 10);
    }
    policy_end(&w);
}
END_TEST

static uint32_t peer_of(const policy_world *w, const char *address)
{
    vpn_prefix prefix = policy_prefix(address);
    return vpn__inside_peer(&w->plan->conf, prefix.family, prefix.addr);
}

START_TEST(the_longest_prefix_picks_the_peer)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/8, 10.5.5.5\n" SECOND "AllowedIPs = 10.5.0.0/16\n" THIRD
                                "AllowedIPs = 10.0.0.0/8\n");
    ck_assert_uint_eq(peer_of(&w, "10.5.5.5"), 0);
    ck_assert_uint_eq(peer_of(&w, "10.5.5.6"), 1);
    ck_assert_uint_eq(peer_of(&w, "10.6.0.1"), 2);
    ck_assert_uint_eq(peer_of(&w, "11.0.0.1"), UINT32_MAX);
    policy_end(&w);
}
END_TEST

START_TEST(translations_pick_the_peer_first)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/24\nNetmap = theirs 10.2.0.0/16 as 10.0.0.0/16\n"
                                "Netmap = ours 172.16.0.0/12 as 10.240.0.0/12\n" SECOND
                                "AllowedIPs = 10.7.0.0/24\nNetmap = theirs 10.2.9.0/24 as 10.7.0.0/24\n" THIRD
                                "AllowedIPs = 10.2.1.0/24, 10.248.0.0/16\n");
    ck_assert_uint_eq(peer_of(&w, "10.2.0.1"), 0);
    ck_assert_uint_eq(peer_of(&w, "10.2.9.1"), 1);
    ck_assert_uint_eq(peer_of(&w, "10.2.1.1"), 0);
    ck_assert_uint_eq(peer_of(&w, "10.0.0.1"), UINT32_MAX);
    ck_assert_uint_eq(peer_of(&w, "10.7.0.1"), UINT32_MAX);
    ck_assert_uint_eq(peer_of(&w, "10.248.0.1"), 2);
    policy_end(&w);
}
END_TEST

START_TEST(what_is_no_translation)
{
    vpn_netmap_rule rule = {.whose = 2};
    policy_world w;
    policy_host(&w);
    w.conf = conf_good(POLICY_PEER);
    vpn_conf_peer peer = w.conf->peers[0];
    peer.netmap = &rule;
    peer.netmap_count = 1;
    const vpn_conf_peer *kept = w.conf->peers;
    w.conf->peers = &peer;
    w.policy.conf = w.conf;
    ck_assert_int_eq(vpn_plan_new(&w.plan, &w.policy, NULL), VPN_EINVAL);
    w.conf->peers = kept;
    vpn_conf_free(w.conf);
}
END_TEST

static Suite *inside_suite(void)
{
    Suite *suite = suite_create("inside");
    test_add(suite, "what leads to the tunnel", what_leads_to_the_tunnel);
    test_add(suite, "the network of both", the_network_of_both);
    test_add(suite, "the longest prefix picks the peer", the_longest_prefix_picks_the_peer);
    test_add(suite, "translations pick the peer first", translations_pick_the_peer_first);
    test_add(suite, "what is no translation", what_is_no_translation);
    return suite;
}

TEST_MAIN(inside_suite)
