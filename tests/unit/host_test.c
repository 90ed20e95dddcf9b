/* SPDX-License-Identifier: ISC */
/* Questions to facts: links by name, routes by length and metric, what is private and what is a LAN. */
#include "policy/host.h"
#include "common/policy.h"

START_TEST(links)
{
    policy_world w;
    policy_host(&w);
    memcpy(w.links[1].name, "0123456789abcdef", VPN_IFNAME_CHARS);
    ck_assert_ptr_eq(vpn__host_link(&w.host, 2), &w.links[1]);
    ck_assert_ptr_null(vpn__host_link(&w.host, 3));
    ck_assert_ptr_eq(vpn__host_named(&w.host, "lo"), &w.links[0]);
    ck_assert_ptr_null(vpn__host_named(&w.host, "l"));
    ck_assert_ptr_null(vpn__host_named(&w.host, "lo0"));
    ck_assert_ptr_eq(vpn__host_named(&w.host, "0123456789abcdefg"), &w.links[1]);
}
END_TEST

START_TEST(prefixes_hold)
{
    uint64_t seed = 5;
    for (size_t turn = 0; turn < 3000; turn++) {
        uint8_t family = test_below(&seed, 2) ? 4 : 6, addr[16];
        uint32_t width = family == 4 ? 32 : 128;
        vpn_prefix prefix = {.family = family, .bits = (uint8_t)test_below(&seed, width + 1)};
        test_fill(&seed, prefix.addr, width / 8);
        memset(addr, 0, sizeof(addr));
        memcpy(addr, prefix.addr, width / 8);
        uint32_t flip = (uint32_t)test_below(&seed, width);
        addr[flip / 8] ^= (uint8_t)(0x80u >> (flip % 8));
        ck_assert_int_eq(vpn__prefix_holds(&prefix, family, addr), flip >= prefix.bits);
        ck_assert_int_eq(vpn__prefix_holds(&prefix, family == 4 ? 6 : 4, addr), 0);
        vpn_prefix network = vpn__prefix_network(&prefix), other = network;
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < width; i++)
            wrong += (network.addr[i / 8] >> (7 - i % 8) & 1) !=
                     (i < prefix.bits ? prefix.addr[i / 8] >> (7 - i % 8) & 1 : 0);
        ck_assert_uint_eq(wrong, 0);
        ck_assert(vpn__prefix_same(&prefix, &network));
        other.bits ^= 1;
        ck_assert(!vpn__prefix_same(&prefix, &other));
    }
    vpn_prefix bad[] = {
        {.family = 5}, {.family = 4, .bits = 33}, {.family = 6, .bits = 129}, {.family = 4, .reserved = {0, 1}}};
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(vpn__prefix_valid(&bad[i]), 0);
}
END_TEST

START_TEST(routes)
{
    policy_world w;
    vpn_selector p = policy_packet("192.168.1.9", 6, 80);
    policy_host(&w);
    policy_route(&w, "192.168.0.0/16", 2, VPN_PROTOCOL_STATIC);
    policy_route(&w, "192.168.1.0/24", 2, VPN_PROTOCOL_STATIC);
    w.routes[3].metric = 5;
    ck_assert_ptr_eq(vpn__host_route(&w.host, 254, 4, p.to, -1), &w.routes[0]);
    w.routes[0].metric = 9;
    ck_assert_ptr_eq(vpn__host_route(&w.host, 254, 4, p.to, -1), &w.routes[3]);
    ck_assert_ptr_eq(vpn__host_route(&w.host, 254, 4, p.to, 23), &w.routes[3]);
    ck_assert_ptr_null(vpn__host_route(&w.host, 254, 4, p.to, 24));
    ck_assert_ptr_null(vpn__host_route(&w.host, 253, 4, p.to, -1));
    w.links[1].flags = 0;
    ck_assert_ptr_null(vpn__host_route(&w.host, 254, 4, p.to, -1));
    w.routes[2].refuses = 1;
    ck_assert_ptr_eq(vpn__host_route(&w.host, 254, 4, p.to, -1), &w.routes[2]);
}
END_TEST

START_TEST(own_addresses_and_lans)
{
    static const struct {
        const char *prefix;
        int is_private;
    } cases[] = {{"10.0.0.0/8", 1},     {"10.0.0.0/7", 0},     {"172.31.0.0/16", 1}, {"172.32.0.0/16", 0},
                 {"192.168.4.0/24", 1}, {"169.254.0.0/16", 1}, {"8.8.8.0/24", 0},    {"fd00::/8", 1},
                 {"fc00::/6", 0},       {"fe80::/64", 1},      {"2001:db8::/32", 0}, {"100.64.0.0/10", 0}};
    policy_world w;
    policy_host(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vpn_prefix prefix = policy_prefix(cases[i].prefix);
        ck_assert_int_eq(vpn__prefix_private(&prefix), cases[i].is_private);
    }
    ck_assert_int_eq(vpn__host_owns(&w.host, 4, policy_packet("192.168.1.5", 0, 0).to), 1);
    ck_assert_int_eq(vpn__host_owns(&w.host, 4, policy_packet("192.168.1.6", 0, 0).to), 0);
    ck_assert_int_eq(vpn__host_owns(&w.host, 4, policy_packet("127.9.9.9", 0, 0).to), 1);
    ck_assert_int_eq(vpn__host_owns(&w.host, 6, policy_packet("::1", 0, 0).to), 1);
    ck_assert_int_eq(vpn__host_owns(&w.host, 6, policy_packet("::2", 0, 0).to), 0);
    ck_assert_int_eq(vpn__host_is_lan(&w.host, "wg0", &w.addresses[0]), 1);
    ck_assert_int_eq(vpn__host_is_lan(&w.host, "eth0", &w.addresses[0]), 0);
    w.links[1].flags |= VPN_LINK_TUNNEL;
    ck_assert_int_eq(vpn__host_is_lan(&w.host, "wg0", &w.addresses[0]), 0);
    w.links[1].flags = 0;
    ck_assert_int_eq(vpn__host_is_lan(&w.host, "wg0", &w.addresses[0]), 0);
    w.links[1].flags = VPN_LINK_UP;
    w.addresses[0].prefix.bits = 32;
    ck_assert_int_eq(vpn__host_is_lan(&w.host, "wg0", &w.addresses[0]), 0);
    w.addresses[0].link = 7;
    ck_assert_int_eq(vpn__host_is_lan(&w.host, "wg0", &w.addresses[0]), 0);
}
END_TEST

static Suite *host_suite(void)
{
    Suite *suite = suite_create("host");
    test_add(suite, "links", links);
    test_add(suite, "prefixes hold", prefixes_hold);
    test_add(suite, "routes", routes);
    test_add(suite, "own addresses and LANs", own_addresses_and_lans);
    return suite;
}

TEST_MAIN(host_suite)
