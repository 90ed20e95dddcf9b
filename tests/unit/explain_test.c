/* SPDX-License-Identifier: ISC */
/* Explanations: the path, the peer, the sentence, and who sees what. */
#include "common/policy.h"

#define FULL                                                                                                           \
    "[Interface]\nAddress = 10.8.0.2/24\nDNS = 10.8.0.1\nFailMode = closed\nExclude = 192.0.2.0/24\n" POLICY_PEER      \
    "AllowedIPs = 0.0.0.0/0\n"

static vpn_explanation explain(const policy_world *w, const char *to, uint8_t protocol, uint16_t port)
{
    vpn_selector packet = policy_packet(to, protocol, port);
    vpn_explanation out;
    ck_assert_int_eq(vpn_plan_explain(w->plan, &packet, &out), 0);
    return out;
}

static void expect(const policy_world *w, const char *to, uint32_t path, const char *rule)
{
    vpn_explanation out = explain(w, to, 6, 443);
    ck_assert_uint_eq(out.path, path);
    ck_assert_str_eq(out.rule, rule);
    ck_assert_uint_eq(out.peer, path == VPN_PATH_TUNNEL ? 0 : UINT32_MAX);
}

START_TEST(sentences)
{
    policy_world w;
    policy_host(&w);
    policy_route(&w, "203.0.113.0/24", 2, VPN_PROTOCOL_DHCP);
    policy_plan(&w, FULL);
    expect(&w, "9.9.9.9", VPN_PATH_TUNNEL, "rule 31804 asks table 51820, where 0.0.0.0/1 leads into the tunnel");
    expect(&w, "192.168.1.9", VPN_PATH_LOCAL, "rule 31803 asks table 254, where 192.168.1.0/24 leads to eth0");
    expect(&w, "192.0.2.9", VPN_PATH_LOCAL, "rule 32766 asks table 254, where 0.0.0.0/0 leads to eth0");
    expect(&w, "203.0.113.9", VPN_PATH_BLOCKED,
           "only the tunnel may carry it, and the routes lead around the tunnel (FailMode)");
    expect(&w, "2001:db8::1", VPN_PATH_BLOCKED, "no route leads there");
    expect(&w, "192.168.1.5", VPN_PATH_LOCAL, "the address is the host's own");
    expect(&w, "10.8.0.2", VPN_PATH_LOCAL, "the address is the host's own");
    policy_end(&w);
}
END_TEST

START_TEST(no_peer_and_refusals)
{
    policy_world w;
    policy_host(&w);
    policy_route(&w, "9.9.9.9/32", 2, VPN_PROTOCOL_STATIC);
    w.routes[2].refuses = 1;
    policy_plan(&w, "[Interface]\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 10.20.0.0/16\n");
    expect(&w, "10.8.0.9", VPN_PATH_BLOCKED,
           "a route leads into the tunnel, but no peer's AllowedIPs hold the address");
    expect(&w, "9.9.9.9", VPN_PATH_BLOCKED, "a rule or a route refuses it");
    vpn_selector bad = {.family = 5};
    vpn_explanation out;
    ck_assert_int_eq(vpn_plan_explain(w.plan, &bad, &out), VPN_EINVAL);
    policy_end(&w);
}
END_TEST

START_TEST(observers)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, FULL);
    vpn_explanation out = explain(&w, "9.9.9.9", 6, 443);
    ck_assert_uint_eq(out.isp, VPN_SEES_ENDPOINT | VPN_SEES_SOURCE | VPN_SEES_TIMING);
    ck_assert_uint_eq(out.local_network, out.isp);
    ck_assert(out.endpoint & VPN_SEES_PACKET && out.endpoint & VPN_SEES_SOURCE);
    ck_assert(!(out.destination & VPN_SEES_SOURCE) && out.destination & VPN_SEES_TUNNEL_ADDRESS);
    out = explain(&w, "192.168.1.9", 6, 443);
    ck_assert_uint_eq(out.isp, 0);
    ck_assert(out.local_network & VPN_SEES_PACKET);
    ck_assert_uint_eq(out.endpoint, 0);
    ck_assert_uint_eq(out.link, 2);
    out = explain(&w, "192.0.2.9", 6, 443);
    ck_assert(out.isp & VPN_SEES_DESTINATION && out.isp & VPN_SEES_PACKET);
    out = explain(&w, "2001:db8::1", 6, 443);
    ck_assert_uint_eq(out.isp | out.local_network | out.endpoint | out.destination, 0);
    policy_end(&w);
}
END_TEST

/* A question to the LAN's name server does not leave, where the tunnel has its own and fails closed. */
START_TEST(name_servers)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, FULL);
    ck_assert_uint_eq(explain(&w, "192.168.1.1", 17, 53).path, VPN_PATH_BLOCKED);
    ck_assert_uint_eq(explain(&w, "192.168.1.1", 6, 853).path, VPN_PATH_BLOCKED);
    ck_assert_uint_eq(explain(&w, "192.168.1.1", 6, 80).path, VPN_PATH_LOCAL);
    ck_assert_uint_eq(explain(&w, "10.8.0.1", 17, 53).path, VPN_PATH_TUNNEL);
    policy_end(&w);
}
END_TEST

/* The other family, and the addresses that a site has on the wire, do not leave because hosts have other names here. */
START_TEST(a_full_tunnel_with_names)
{
    policy_world w;
    policy_host(&w);
    policy_route(&w, "::/0", 2, VPN_PROTOCOL_STATIC);
    policy_plan(&w, "[Interface]\nFailMode = closed\n" POLICY_PEER
                    "AllowedIPs = 0.0.0.0/0\nNetmap = theirs 10.200.0.0/24 as 10.0.0.0/24\n");
    ck_assert_uint_eq(explain(&w, "2001:db8::1", 6, 443).path, VPN_PATH_BLOCKED);
    ck_assert_uint_eq(explain(&w, "10.0.0.1", 6, 443).path, VPN_PATH_BLOCKED);
    ck_assert_uint_eq(explain(&w, "10.200.0.1", 6, 443).path, VPN_PATH_TUNNEL);
    policy_end(&w);
}
END_TEST

static Suite *explain_suite(void)
{
    Suite *suite = suite_create("explain");
    test_add(suite, "sentences", sentences);
    test_add(suite, "no peer and refusals", no_peer_and_refusals);
    test_add(suite, "observers", observers);
    test_add(suite, "name servers", name_servers);
    test_add(suite, "a full tunnel with names", a_full_tunnel_with_names);
    return suite;
}

TEST_MAIN(explain_suite)
