/* SPDX-License-Identifier: ISC */
/* Scripts for Linux: their exact text, and that a kernel takes them up and down again. */
#define _POSIX_C_SOURCE 200809L
#include "common/policy.h"
#include "policy/render.h"

#define PLAIN                                                                                                          \
    "[Interface]\nAddress = 10.8.0.2/24, fd00:8::2/64\nDNS = 10.8.0.1, corp.example\nMetric = 9\nPreUp = echo %i\n"    \
    "PostDown = echo done\nExcludeApp = uid 7\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n"

/* The script from the end of its ruleset on. */
static const char *after_filter(const char *script)
{
    const char *end = strstr(script, "\nEND\n");
    ck_assert_ptr_nonnull(end);
    return end + 5;
}

START_TEST(up_and_down)
{
    policy_world w;
    policy_host(&w);
    w.policy.flags = VPN_POLICY_HOOKS;
    policy_plan(&w, PLAIN);
    char *up = policy_render(w.plan, VPN_RENDER_LINUX, 0);
    ck_assert(strncmp(up, "#!/bin/sh\nset -e\nnft -f - <<'END'\nadd table inet vpn-wg0\n", 56) == 0);
    ck_assert_str_eq(after_filter(up), "sysctl -q -w net.ipv4.conf.all.src_valid_mark=1\n"
                                       "(echo wg0)\n"
                                       "ip link add dev wg0 type wireguard\n"
                                       "wg setconf wg0 \"${WG_CONF:?the file for wg setconf}\"\n"
                                       "wg set wg0 fwmark 0xca6c\n"
                                       "ip link set mtu 1420 dev wg0\n"
                                       "ip link set up dev wg0\n"
                                       "ip -4 address add 10.8.0.2/24 dev wg0\n"
                                       "ip -6 address add fd00:8::2/64 dev wg0\n"
                                       "ip -4 route add 0.0.0.0/0 dev wg0 table 51820 metric 9\n"
                                       "ip -4 rule add uidrange 7-7 lookup 254 priority 31801\n"
                                       "ip -4 rule add uidrange 7-7 unreachable priority 31802\n"
                                       "ip -4 rule add lookup 254 suppress_prefixlength 0 priority 31803\n"
                                       "ip -4 rule add not fwmark 0xca6c/0xffffffff lookup 51820 priority 31804\n"
                                       "resolvectl dns wg0 10.8.0.1\n"
                                       "resolvectl domain wg0 '~.' corp.example\n"
                                       "resolvectl default-route wg0 yes\n");
    free(up);
    policy_expect(w.plan, VPN_RENDER_LINUX, 1,
                  "#!/bin/sh\n"
                  "resolvectl revert wg0\n"
                  "ip -4 rule delete not fwmark 0xca6c/0xffffffff lookup 51820 priority 31804\n"
                  "ip -4 rule delete lookup 254 suppress_prefixlength 0 priority 31803\n"
                  "ip -4 rule delete uidrange 7-7 unreachable priority 31802\n"
                  "ip -4 rule delete uidrange 7-7 lookup 254 priority 31801\n"
                  "ip -4 route delete 0.0.0.0/0 dev wg0 table 51820 metric 9\n"
                  "ip -6 address delete fd00:8::2/64 dev wg0\n"
                  "ip -4 address delete 10.8.0.2/24 dev wg0\n"
                  "ip link set down dev wg0\n"
                  "wg setconf wg0 /dev/null\n"
                  "ip link delete dev wg0\n"
                  "(echo done)\n"
                  "sysctl -q -w net.ipv4.conf.all.src_valid_mark=0\n"
                  "nft -f - <<'END'\nadd table inet vpn-wg0\ndelete table inet vpn-wg0\nEND\n");
    policy_end(&w);
}
END_TEST

START_TEST(resolvers)
{
    static const struct {
        uint32_t system, undo;
        const char *lines, *part;
    } cases[] = {
        {VPN_RESOLVER_RESOLVED, 0, "DNS = 1.1.1.1\nMatchDomains = a.b, c\nSearchDomains = s",
         "resolvectl domain wg0 '~a.b' '~c' s\nresolvectl default-route wg0 no\n"},
        {VPN_RESOLVER_RESOLVED, 0, "DNS = 1.1.1.1\nDNSMode = split", "resolvectl domain wg0 ''\n"},
        {VPN_RESOLVER_RESOLVCONF, 0, "DNS = 1.1.1.1, ::1, x",
         "{ printf 'nameserver %s\\n' 1.1.1.1 ::1; echo search x; } | resolvconf -a wg0 -m 0 -x\n"},
        {VPN_RESOLVER_RESOLVCONF, 0, "DNS = 1.1.1.1, x\nMatchDomains = a.b, c",
         "{ printf 'nameserver %s\\n' 1.1.1.1; echo search a.b c x; } | resolvconf -a wg0 -p\n"},
        {VPN_RESOLVER_RESOLVCONF, 1, "DNS = 1.1.1.1", "resolvconf -d wg0 -f\n"},
        {VPN_RESOLVER_FILE, 0, "DNS = 1.1.1.1",
         "cp -p /etc/resolv.conf /etc/resolv.conf.wg0\n{ printf 'nameserver %s\\n' 1.1.1.1; } > /etc/resolv.conf\n"},
        {VPN_RESOLVER_FILE, 1, "DNS = 1.1.1.1", "mv -f /etc/resolv.conf.wg0 /etc/resolv.conf\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        policy_world w;
        policy_host(&w);
        w.host.resolver_system = cases[i].system;
        w.resolvers[0].server = policy_prefix("127.0.0.1");
        snprintf(text, sizeof(text), "[Interface]\n%s\n" POLICY_PEER, cases[i].lines);
        policy_plan(&w, text);
        policy_contains(w.plan, VPN_RENDER_LINUX, cases[i].undo, cases[i].part);
        policy_end(&w);
    }
}
END_TEST

START_TEST(the_rest)
{
    char out[256] = "";
    struct vpn__text text = {.out = out, .capacity = sizeof(out)};
    vpn_op op = {.type = 99};
    vpn__render_linux(&text, &op);
    op = (vpn_op){.type = VPN_OP_MTU, .verb = VPN_VERB_SET, .name = "wg0"};
    vpn__render_linux(&text, &op);
    ck_assert_uint_eq(text.length, 0);
    op = (vpn_op){.type = VPN_OP_RULE,
                  .verb = VPN_VERB_ADD,
                  .rule = {.family = 6, .priority = 5, .table = 7, .mark = 1, .mask = 15, .suppress = -1}};
    vpn__render_linux(&text, &op);
    ck_assert_str_eq(out, "ip -6 rule add fwmark 0x1/0xf lookup 7 priority 5\n");
}
END_TEST

/* A namespace of its own, with a TUN for the tunnel: what is looked at before and after is the same, and not between. */
static const char harness[] =
    "set -e\n"
    "ip link set lo up\nip tuntap add dev eth0 mode tap\nip addr add 192.168.1.5/24 dev eth0\n"
    "ip link set eth0 up\nip route add default via 192.168.1.1\n"
    "look() { ip rule; ip -6 rule; ip route show table all | grep -v '^local\\|^broadcast\\|^fe80\\|^multicast\\|^ff00'"
    " | sort; ip -o link | sed 's/^[0-9]*//;/eth0\\|lo:/d'; nft list ruleset; }\n"
    "look >\"$1.before\" 2>/dev/null\nsh \"$1.up\"\nlook >\"$1.between\"\nsh \"$1.down\"\n"
    "look >\"$1.after\" 2>/dev/null\ncmp \"$1.before\" \"$1.after\"\n! cmp -s \"$1.before\" \"$1.between\"\n";

static void put_file(const char *base, const char *ending, const char *text)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.%s", base, ending);
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* A script whose commands for WireGuard and resolvers do nothing. */
static void put_script(const char *base, const char *ending, const vpn_plan *plan, uint32_t undo)
{
    char *script = policy_render(plan, VPN_RENDER_LINUX, undo), *all = malloc(strlen(script) + 256), *kind;
    ck_assert_ptr_nonnull(all);
    strcpy(all, "set -e\nwg() { :; }\nresolvectl() { :; }\nWG_CONF=/dev/null\n");
    strcat(all, script);
    kind = strstr(all, "ip link add dev wg0 type wireguard");
    if (kind)
        memcpy(kind, "ip tuntap add dev wg0 mode tun    ", 34);
    put_file(base, ending, all);
    free(all);
    free(script);
}

START_TEST(a_kernel_takes_it)
{
    static const char *const texts[] = {
        PLAIN, "[Interface]\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 10.8.0.0/24, 10.20.0.0/16, 192.0.2.7\n",
        "[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nFailMode = closed\nLanAccess = false\nExclude = "
        "192.168.0.0/16\n"
        "DNS = 10.8.0.1\nIncludeApp = uid 1-9, mark 0x10/0xf0\nExcludeApp = mark 1\n" POLICY_PEER
        "AllowedIPs = 0.0.0.0/0, ::/0\n",
        "[Interface]\nTable = 77\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n"};
    char base[] = "/tmp/vpn-render-XXXXXX", command[256];
    if (system("nft -v >/dev/null 2>&1 && ip -V >/dev/null 2>&1 && unshare -n ip tuntap add dev vpn0 mode tun "
               "2>/dev/null") != 0)
        return; /* no such tools here, or no right to a namespace */
    ck_assert_ptr_nonnull(mkdtemp(base));
    strcat(strcpy(command, base), "/t");
    char stem[64];
    strcpy(stem, command);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        policy_world w;
        policy_host(&w);
        policy_plan(&w, texts[i]);
        put_script(stem, "up", w.plan, 0);
        put_script(stem, "down", w.plan, 1);
        put_file(stem, "sh", harness);
        snprintf(command, sizeof(command), "unshare -n sh %s.sh %s", stem, stem);
        ck_assert_int_eq(system(command), 0);
        policy_end(&w);
    }
    snprintf(command, sizeof(command), "rm -r %s", base);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static Suite *render_linux_suite(void)
{
    Suite *suite = suite_create("render_linux");
    test_add(suite, "up and down", up_and_down);
    test_add(suite, "resolvers", resolvers);
    test_add(suite, "the rest", the_rest);
    test_add(suite, "a kernel takes it", a_kernel_takes_it);
    return suite;
}

TEST_MAIN(render_linux_suite)
