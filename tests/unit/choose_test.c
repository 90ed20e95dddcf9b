/* SPDX-License-Identifier: ISC */
/* The sets of a plan: what is inside the tunnel, and what only the tunnel may carry. */
#include "policy/choose.h"
#include "common/policy.h"

static void expect_set(const vpn_prefixes *set, const char *want)
{
    vpn_prefix list[256];
    size_t count;
    ck_assert_int_eq(vpn_prefixes_list(set, list, 256, &count), 0);
    conf_expect_prefixes(list, count, want);
}

START_TEST(inside_and_held)
{
    static const struct {
        const char *lines, *ips, *inside, *held;
    } cases[] = {
        {"", "10.0.0.0/9, 10.128.0.0/9, fd00::/8", "10.0.0.0/8 fd00::/8", ""},
        {"Exclude = 10.0.0.0/9, fd80::/9", "10.0.0.0/8, fd00::/8", "10.128.0.0/9 fd00::/9", ""},
        {"FailMode = closed\nExclude = 10.0.0.0/9", "10.0.0.0/8", "10.128.0.0/9", "10.128.0.0/9"},
        {"FailMode = closed-except 10.128.0.0/10", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/9 10.192.0.0/10"},
        {"FailMode = closed", "192.168.0.0/23", "192.168.0.0/23", "192.168.0.0/24"},
        {"FailMode = closed\nLanAccess = false", "192.168.0.0/23", "192.168.0.0/23", "192.168.0.0/23"},
        {"FailMode = closed\nLanAccess = false", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0 ::/0"},
        {"FailMode = closed\nLanAccess = false", "::/0", "::/0", "0.0.0.0/0 ::/0"},
        {"FailMode = closed\nLanAccess = false", "::/0, 10.0.0.0/8", "10.0.0.0/8 ::/0", "10.0.0.0/8 ::/0"},
        {"FailMode = closed\nLanAccess = false", "::/1", "::/1", "::/1"},
        {"FailMode = closed", "224.0.0.0/23, fe80::/9", "224.0.0.0/23 fe80::/9", "224.0.1.0/24 fec0::/10"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        policy_world w;
        policy_host(&w);
        snprintf(text, sizeof(text), "[Interface]\n%s\n" POLICY_PEER "AllowedIPs = %s\n", cases[i].lines, cases[i].ips);
        policy_plan(&w, text);
        expect_set(w.plan->inside, cases[i].inside);
        expect_set(w.plan->held, cases[i].held);
        policy_end(&w);
    }
}
END_TEST

/* Names do not make a hole in what is held: neither in the other family, nor where the site has its addresses. */
START_TEST(a_full_tunnel_with_names)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nFailMode = closed\nLanAccess = false\n" POLICY_PEER
                    "AllowedIPs = 0.0.0.0/0\nNetmap = theirs 10.200.0.0/24 as 10.0.0.0/24\n");
    expect_set(w.plan->held, "0.0.0.0/0 ::/0");
    ck_assert(!vpn_prefixes_contains(w.plan->inside, 4, policy_packet("10.0.0.1", 17, 1).to));
    policy_end(&w);
}
END_TEST

/* The host's own LAN with a site's addresses stays: all of it, or the part that the site has too; not what a peer has unnamed. */
START_TEST(a_lan_with_the_addresses_of_a_site)
{
    static const struct {
        const char *lines, *held;
    } cases[] = {
        {"AllowedIPs = 192.168.0.0/23\nNetmap = theirs 10.2.0.0/23 as 192.168.0.0/23\n", "10.2.0.0/23 192.168.0.0/24"},
        {"AllowedIPs = 192.168.1.0/24\nNetmap = theirs 10.2.0.0/25 as 192.168.1.0/25\n",
         "10.2.0.0/25 192.168.1.128/25"},
        {"AllowedIPs = 192.168.1.0/24\nNetmap = ours 10.2.0.0/24 as 192.168.1.0/24\n", "192.168.1.0/24"},
        {"AllowedIPs = 192.168.1.0/24\nNetmap = theirs 10.2.0.0/24 as 192.168.1.0/24\n[Peer]\nPublicKey = " CONF_KEY_C
         "\nAllowedIPs = 192.168.1.128/25\n",
         "10.2.0.0/24 192.168.1.128/25"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        policy_world w;
        policy_host(&w);
        snprintf(text, sizeof(text), "[Interface]\nFailMode = closed\nLanAccess = false\n" POLICY_PEER "%s",
                 cases[i].lines);
        policy_plan(&w, text);
        expect_set(w.plan->held, cases[i].held);
        policy_end(&w);
    }
}
END_TEST

/* A LAN with public addresses is held: whoever runs it chose them. */
START_TEST(public_lan)
{
    policy_world w;
    policy_host(&w);
    policy_address(&w, 2, "203.0.113.5", 24);
    policy_plan(&w, "[Interface]\nFailMode = closed\n" POLICY_PEER "AllowedIPs = 203.0.113.0/24\n");
    expect_set(w.plan->held, "203.0.113.0/24");
    policy_end(&w);
}
END_TEST

/* Nor does a private one get what is the tunnel's by its own file (LocalNet): its network, its name servers. */
START_TEST(a_lan_with_the_tunnels_addresses)
{
    policy_world w;
    policy_host(&w);
    policy_address(&w, 2, "10.8.0.77", 16);
    policy_plan(&w,
                "[Interface]\nFailMode = closed\nAddress = 10.8.1.2/24, fe80::2/64, fd00::2/64\n"
                "DNS = 10.8.2.53, 192.168.1.53, 192.0.2.53\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8, 192.168.0.0/16\n");
    ck_assert(vpn_prefixes_contains(w.plan->held, 4, policy_packet("10.8.1.9", 17, 1).to));
    ck_assert(vpn_prefixes_contains(w.plan->held, 4, policy_packet("10.8.2.53", 17, 1).to));
    ck_assert(vpn_prefixes_contains(w.plan->held, 4, policy_packet("192.168.1.53", 17, 1).to));
    ck_assert(!vpn_prefixes_contains(w.plan->held, 4, policy_packet("10.8.2.54", 17, 1).to));
    ck_assert(!vpn_prefixes_contains(w.plan->held, 4, policy_packet("192.168.1.54", 17, 1).to));
    ck_assert(!vpn_prefixes_contains(w.plan->held, 4, policy_packet("192.0.2.53", 17, 1).to));
    ck_assert(!vpn_prefixes_contains(w.plan->held, 6, policy_packet("fd00::3", 17, 1).to));
    policy_end(&w);
    policy_host(&w);
    policy_address(&w, 2, "10.8.0.77", 16);
    policy_plan(&w, "[Interface]\nFailMode = closed-except 10.8.1.0/25\nAddress = 10.8.1.2/24, fe80::2/64\n"
                    "Exclude = 10.9.0.0/16\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0, ::/0\n");
    ck_assert(vpn_prefixes_contains(w.plan->held, 4, policy_packet("10.8.1.200", 17, 1).to));
    ck_assert(!vpn_prefixes_contains(w.plan->held, 4, policy_packet("10.8.1.9", 17, 1).to));
    ck_assert(!vpn_prefixes_contains(w.plan->held, 6, policy_packet("fe80::9", 17, 1).to));
    policy_end(&w);
}
END_TEST

/* The network of the tunnel's own link is no LAN, although a daemon made the link before. */
START_TEST(own_link)
{
    policy_world w;
    policy_host(&w);
    w.links[2] = (vpn_host_link){9, 1420, VPN_LINK_UP, 0, "wg0"};
    w.host.link_count = 3;
    policy_address(&w, 9, "10.8.0.2", 24);
    w.policy.flags = VPN_POLICY_LINK_EXISTS;
    policy_plan(&w, "[Interface]\nAddress = 10.8.0.2/24\nFailMode = closed\n" POLICY_PEER "AllowedIPs = 10.8.0.0/24\n");
    expect_set(w.plan->held, "10.8.0.0/24");
    policy_end(&w);
}
END_TEST

START_TEST(endpoints_that_were_looked_up)
{
    vpn_endpoint found = {.family = 6, .port = 9, .addr = {0x20, 1}};
    policy_world w;
    policy_host(&w);
    w.policy.endpoints = &found;
    policy_plan(&w, POLICY_PEER);
    ck_assert_uint_eq(w.plan->endpoints[0].family, 6);
    policy_end(&w);
    found.family = 0;
    policy_plan(&w, POLICY_PEER);
    ck_assert_uint_eq(w.plan->endpoints[0].family, 4);
    policy_end(&w);
}
END_TEST

START_TEST(name_servers_are_held_when_the_tunnel_has_its_own)
{
    static const struct {
        const char *lines;
        int hold;
    } cases[] = {{"FailMode = closed\nDNS = 10.8.0.1", 1},
                 {"FailMode = closed\nDNS = 10.8.0.1, 9.9.9.9", 0},
                 {"FailMode = closed\nDNS = 10.8.0.1\nDNSMode = split", 0},
                 {"FailMode = closed\nDNSMode = tunnel", 0},
                 {"DNS = 10.8.0.1", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        policy_world w;
        policy_host(&w);
        snprintf(text, sizeof(text), "[Interface]\n%s\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", cases[i].lines);
        policy_plan(&w, text);
        ck_assert_uint_eq(w.plan->hold_dns, (uint32_t)cases[i].hold);
        policy_end(&w);
    }
}
END_TEST

START_TEST(no_private_key_in_a_plan)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nPrivateKey = " CONF_KEY_A "\n");
    ck_assert(test_is_zero(w.plan->conf.private_key, VPN_KEY_BYTES));
    policy_end(&w);
}
END_TEST

static Suite *choose_suite(void)
{
    Suite *suite = suite_create("choose");
    test_add(suite, "inside and held", inside_and_held);
    test_add(suite, "a full tunnel with names", a_full_tunnel_with_names);
    test_add(suite, "a LAN with the addresses of a site", a_lan_with_the_addresses_of_a_site);
    test_add(suite, "public LAN", public_lan);
    test_add(suite, "a LAN with the tunnel's addresses", a_lan_with_the_tunnels_addresses);
    test_add(suite, "own link", own_link);
    test_add(suite, "endpoints that were looked up", endpoints_that_were_looked_up);
    test_add(suite, "name servers are held when the tunnel has its own",
             name_servers_are_held_when_the_tunnel_has_its_own);
    test_add(suite, "no private key in a plan", no_private_key_in_a_plan);
    return suite;
}

TEST_MAIN(choose_suite)
