/* SPDX-License-Identifier: ISC */
/* Scripts for macOS: their exact text. */
#include "common/policy.h"
#include "policy/render.h"

#define CLOSED                                                                                                         \
    "[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nDNS = 10.8.0.1, corp.example\nMTU = 1400\nFailMode = closed\n"    \
    "LanAccess = false\nPostUp = echo %i\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0, ::/0\nAllowedIPs = 10.0.0.0/8\n"

START_TEST(up_and_down)
{
    policy_world w;
    policy_host(&w);
    memcpy(w.policy.name, "utun7", 6);
    w.policy.flags = VPN_POLICY_HOOKS;
    policy_plan(&w, CLOSED);
    policy_expect(w.plan, VPN_RENDER_MACOS, 0,
                  "#!/bin/sh\nset -e\n"
                  "pfctl -q -E\n"
                  "pfctl -q -a com.apple/vpn-utun7 -f - <<'END'\n"
                  "table <held> { 0.0.0.0/0 ::/0 }\n"
                  "pass out quick on lo0\n"
                  "pass out quick on utun7\n"
                  "pass out quick proto udp to 198.51.100.7 port 51820\n"
                  "pass out quick inet6 proto icmp6 icmp6-type { routersol, routeradv, neighbrsol, neighbradv }\n"
                  "pass out quick proto udp from port 68 to port 67\n"
                  "pass out quick proto udp from port 546 to port 547\n"
                  "block drop out quick proto { tcp, udp } to port { 53, 853 }\n"
                  "block drop out quick to <held>\n"
                  "END\n"
                  "# no net.ipv4.conf.all.src_valid_mark on macOS\n"
                  "wireguard-go utun7\n"
                  "wg setconf utun7 \"${WG_CONF:?the file for wg setconf}\"\n"
                  "ifconfig utun7 mtu 1400\n"
                  "ifconfig utun7 up\n"
                  "ifconfig utun7 inet 10.8.0.2/24 10.8.0.2 alias\n"
                  "ifconfig utun7 inet6 fd00::2/64 alias\n"
                  "route -q -n add -inet 0.0.0.0/1 -interface utun7\n"
                  "route -q -n add -inet 128.0.0.0/1 -interface utun7\n"
                  "route -q -n add -inet6 ::/1 -interface utun7\n"
                  "route -q -n add -inet6 8000::/1 -interface utun7\n"
                  "# no policy rules on macOS: the daemon binds its socket to a link\n"
                  "# no policy rules on macOS: the daemon binds its socket to a link\n"
                  "scutil <<'END'\n"
                  "d.init\n"
                  "d.add ServerAddresses * 10.8.0.1\n"
                  "d.add SearchDomains * corp.example\n"
                  "d.add SupplementalMatchDomains * \"\"\n"
                  "set State:/Network/Service/vpn-utun7/DNS\n"
                  "END\n"
                  "(echo utun7)\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 1, "scutil <<'END'\nremove State:/Network/Service/vpn-utun7/DNS\nEND\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 1, "route -q -n delete -inet6 8000::/1 -interface utun7\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 1, "ifconfig utun7 inet 10.8.0.2/24 -alias\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 1, "ifconfig utun7 down\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 1, "wg setconf utun7 /dev/null\nrm -f /var/run/wireguard/utun7.sock\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 1, "pfctl -q -a com.apple/vpn-utun7 -F rules\n");
    policy_end(&w);
}
END_TEST

START_TEST(what_it_cannot_do)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nDNS = 10.8.0.1\nMatchDomains = a.b\nExcludeApp = uid 1\n" POLICY_PEER
                    "AllowedIPs = 10.0.0.0/8\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 0, "# nothing to filter: the tunnel fails open\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 0, "# no policy rules on macOS: applications cannot be told apart\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 0, "d.add SupplementalMatchDomains * a.b\n");
    policy_contains(w.plan, VPN_RENDER_MACOS, 0, "route -q -n add -inet 10.0.0.0/8 -interface wg0\n");
    policy_end(&w);
    char out[8];
    struct vpn__text text = {.out = out, .capacity = sizeof(out)};
    vpn_op op = {.type = 99};
    vpn__render_macos(&text, &op);
    op.type = VPN_OP_MTU;
    vpn__render_macos(&text, &op);
    ck_assert_uint_eq(text.length, 0);
}
END_TEST

static Suite *render_macos_suite(void)
{
    Suite *suite = suite_create("render_macos");
    test_add(suite, "up and down", up_and_down);
    test_add(suite, "what it cannot do", what_it_cannot_do);
    return suite;
}

TEST_MAIN(render_macos_suite)
