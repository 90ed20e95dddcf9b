/* SPDX-License-Identifier: ISC */
/* Findings: each provoked alone, and gone when its remedy is followed. */
#include "common/policy.h"

static const char *const names[] = {"?", "dns", "family", "loop", "lan", "route", "site", "mtu", "rp", "unknown"};

/* "dns3 rp1": codes with their severities, in order, each once */
static void expect(const policy_world *w, const char *want)
{
    vpn_finding findings[32];
    size_t count;
    char have[256] = "";
    ck_assert_int_eq(vpn_plan_audit(w->plan, findings, 32, &count), 0);
    for (size_t i = 0; i < count; i++) {
        char one[16];
        ck_assert(findings[i].evidence[0] && findings[i].remedy[0]);
        ck_assert_int_eq(findings[i].evidence[strlen(findings[i].evidence) - 1], '.');
        ck_assert_int_eq(findings[i].remedy[strlen(findings[i].remedy) - 1], '.');
        ck_assert(i == 0 || findings[i].severity <= findings[i - 1].severity);
        snprintf(one, sizeof(one), "%s%s%u", i ? " " : "", names[findings[i].code], findings[i].severity);
        strcat(have, one);
    }
    ck_assert_str_eq(have, want);
}

static void audit(policy_world *w, const char *text, const char *want)
{
    policy_plan(w, text);
    expect(w, want);
    policy_end(w);
}

#define ALL4 POLICY_PEER "AllowedIPs = 0.0.0.0/0\n"

START_TEST(nothing_wrong)
{
    policy_world w;
    policy_host(&w);
    audit(&w, "[Interface]\nAddress = 10.8.0.2/24\nDNS = 10.8.0.1\nFailMode = closed\nLanAccess = false\n" ALL4, "");
}
END_TEST

START_TEST(names_that_leak)
{
    policy_world w;
    policy_host(&w);
    audit(&w, "[Interface]\nLanAccess = false\nDNS = 10.8.0.1\nExclude = 10.8.0.0/24\n" ALL4, "dns3");
    audit(&w, "[Interface]\nLanAccess = false\nFailMode = closed\n" ALL4, "");
    audit(&w, "[Interface]\n" ALL4, "dns2 lan1");
    audit(&w, "[Interface]\nDNS = 10.8.0.1\n" ALL4, "dns2 lan1"); /* resolved has the LAN's server still */
    w.host.resolver_system = VPN_RESOLVER_FILE;
    audit(&w, "[Interface]\nDNS = 10.8.0.1\n" ALL4, "lan1");
    audit(&w, "[Interface]\nDNS = 10.8.0.1\nMatchDomains = a\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", "dns3 rp1");
    w.host.resolver_system = VPN_RESOLVER_RESOLVCONF;
    w.resolvers[0].server = policy_prefix("127.0.0.1"); /* who feeds it cannot be seen */
    audit(&w, "[Interface]\nDNS = 10.8.0.1\nMatchDomains = a\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", "dns1 rp1");
    audit(&w, "[Interface]\nDNS = 10.8.0.1\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", "rp1");
}
END_TEST

START_TEST(the_other_family)
{
    policy_world w;
    policy_host(&w);
    w.host.resolver_count = 0;
    policy_route(&w, "::/0", 2, VPN_PROTOCOL_STATIC);
    audit(&w, "[Interface]\nLanAccess = false\n" ALL4, "family3");
    audit(&w, "[Interface]\nLanAccess = false\nFailMode = closed\n" ALL4, "");
    audit(&w, "[Interface]\nLanAccess = false\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0, ::/0\n", "");
    audit(&w, "[Interface]\nLanAccess = false\n" POLICY_PEER "AllowedIPs = ::/0\n", "family3");
    audit(&w, "[Interface]\nLanAccess = false\n" ALL4 "Netmap = theirs 10.200.0.0/24 as 10.0.0.0/24\n", "family3");
}
END_TEST

START_TEST(endpoint_in_its_own_tunnel)
{
    policy_world w;
    policy_host(&w);
    w.links[1].rp_filter = 1;
    audit(&w, "[Interface]\nTable = main\n" POLICY_PEER "AllowedIPs = 198.51.100.0/24\n", "loop3");
    audit(&w, POLICY_PEER "AllowedIPs = 198.51.100.0/24\n", "");
    audit(&w, CONF_PEER "Endpoint = vpn.example:1\nAllowedIPs = 10.0.0.0/8\n", "unknown1");
}
END_TEST

START_TEST(lans)
{
    policy_world w;
    policy_host(&w);
    w.links[1].rp_filter = 1;
    w.host.resolver_count = 0;
    audit(&w, ALL4, "lan1");
    audit(&w, "[Interface]\nMetric = 5\n" POLICY_PEER "AllowedIPs = 192.168.0.0/16\n", "lan2");
    policy_address(&w, 2, "8.8.8.7", 24);
    audit(&w, ALL4, "lan2 lan1");
    audit(&w, "[Interface]\nFailMode = closed\n" ALL4, "lan1"); /* the public one is held */
    audit(&w, "[Interface]\nLanAccess = false\n" ALL4, "");
}
END_TEST

START_TEST(foreign_routes)
{
    policy_world w;
    policy_host(&w);
    w.host.resolver_count = 0;
    w.host.address_count = 0;
    policy_route(&w, "8.0.0.0/8", 2, VPN_PROTOCOL_DHCP);
    policy_route(&w, "9.0.0.0/8", 2, VPN_PROTOCOL_STATIC);
    audit(&w, ALL4, "route3 route2");
    audit(&w, "[Interface]\nLanAccess = false\n" ALL4, "");
    audit(&w, "[Interface]\nFailMode = closed\n" ALL4, "");
    w.links[1].rp_filter = 1;
    audit(&w, POLICY_PEER "AllowedIPs = 8.0.0.0/7\n", "route3 route2");
    audit(&w, "[Interface]\nMetric = 0\n" POLICY_PEER "AllowedIPs = 8.8.0.0/16\n",
          ""); /* longer than the foreign one */
}
END_TEST

START_TEST(sites)
{
    policy_world w;
    policy_host(&w);
    w.links[1].rp_filter = 1;
#define SECOND "[Peer]\nPublicKey = " CONF_KEY_C "\n"
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/24\n" SECOND "AllowedIPs = 10.0.0.0/24\n", "site3");
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/16\n" SECOND "AllowedIPs = 10.0.5.0/24, 10.0.6.0/24\n", "site2 site2");
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/24\n" SECOND "AllowedIPs = 10.0.1.0/24\n", "");
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/16, 10.0.5.0/24\n" SECOND "AllowedIPs = fd00::/8\n", "");
    w.host.resolver_count = 0;
    audit(&w,
          "[Interface]\nLanAccess = false\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n" SECOND "AllowedIPs = 10.0.1.0/24\n",
          "");
}
END_TEST

#define NAMED(ips, names) "AllowedIPs = " ips "\nNetmap = " names " as " ips "\n"

/* Two names for hosts of two peers; what they are on the wire is another matter. */
START_TEST(names_of_sites)
{
    policy_world w;
    policy_host(&w);
    w.links[1].rp_filter = 1;
    audit(&w, POLICY_PEER NAMED("10.0.0.0/24", "theirs 10.2.0.0/24") SECOND NAMED("10.1.0.0/24", "theirs 10.3.0.0/24"),
          "");
    audit(&w, POLICY_PEER NAMED("10.0.0.0/24", "theirs 10.2.0.0/24") SECOND NAMED("10.1.0.0/24", "theirs 10.2.0.0/24"),
          "site3");
    audit(&w, POLICY_PEER NAMED("10.0.0.0/16", "theirs 10.2.0.0/16") SECOND NAMED("10.9.0.0/24", "theirs 10.2.7.0/24"),
          "site2");
    audit(&w, POLICY_PEER NAMED("10.0.0.0/24", "theirs 10.2.0.0/24") SECOND NAMED("10.0.0.0/24", "theirs 10.3.0.0/24"),
          "site3");
    audit(&w, POLICY_PEER NAMED("10.0.0.0/24", "ours 10.2.0.0/24") SECOND NAMED("10.1.0.0/24", "ours 10.2.0.0/24"), "");
}
END_TEST

START_TEST(sizes)
{
    policy_world w;
    policy_host(&w);
    w.links[1].rp_filter = 1;
    audit(&w, "[Interface]\nMTU = 1440\n" POLICY_PEER, "");
    audit(&w, "[Interface]\nMTU = 1441\n" POLICY_PEER, "mtu2");
    audit(&w, "[Interface]\nMTU = 1279\n" POLICY_PEER "AllowedIPs = fd00::/8\n", "mtu3");
    w.links[1].mtu = 1300; /* 1280 for IPv6 inside does not fit */
    audit(&w, POLICY_PEER "AllowedIPs = fd00::/8\n", "mtu2");
}
END_TEST

START_TEST(reverse_path)
{
    policy_world w;
    policy_host(&w);
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", "rp1");
    w.links[1].rp_filter = 2;
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", "rp1");
    w.host.rp_filter = 1;
    w.links[1].rp_filter = 0;
    audit(&w, POLICY_PEER "AllowedIPs = 10.0.0.0/8\n", "");
}
END_TEST

START_TEST(room_and_memory)
{
    policy_world w;
    vpn_finding one;
    size_t count;
    policy_host(&w);
    vpn_conf *conf = conf_good(POLICY_PEER "AllowedIPs = 10.0.0.0/16\n" SECOND "AllowedIPs = 10.0.5.0/24\n");
    w.policy.conf = conf;
    test_host host = {.fail_at = 0};
    vpn_env env = test_env(&host);
    ck_assert_int_eq(vpn_plan_new(&w.plan, &w.policy, &env), 0);
    ck_assert_int_eq(vpn_plan_audit(w.plan, &one, 1, &count), VPN_ESPACE);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(one.code, VPN_FINDING_SITE_OVERLAP);
    ck_assert_int_eq(vpn_plan_audit(w.plan, NULL, 0, &count), VPN_ESPACE);
    host.fail_from = host.calls + 1;
    ck_assert_int_eq(vpn_plan_audit(w.plan, &one, 1, &count), VPN_ENOMEM);
    vpn_plan_free(w.plan);
    vpn_conf_free(conf);
}
END_TEST

static Suite *audit_suite(void)
{
    Suite *suite = suite_create("audit");
    test_add(suite, "nothing wrong", nothing_wrong);
    test_add(suite, "names that leak", names_that_leak);
    test_add(suite, "the other family", the_other_family);
    test_add(suite, "endpoint in its own tunnel", endpoint_in_its_own_tunnel);
    test_add(suite, "LANs", lans);
    test_add(suite, "foreign routes", foreign_routes);
    test_add(suite, "sites", sites);
    test_add(suite, "names of sites", names_of_sites);
    test_add(suite, "sizes", sizes);
    test_add(suite, "reverse path", reverse_path);
    test_add(suite, "room and memory", room_and_memory);
    return suite;
}

TEST_MAIN(audit_suite)
