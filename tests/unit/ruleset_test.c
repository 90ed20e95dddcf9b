/* SPDX-License-Identifier: ISC */
/* The ruleset: its exact text, and that the real nft takes it where there is one. */
#define _POSIX_C_SOURCE 200809L
#include "policy/ruleset.h"
#include "common/policy.h"

#define CLOSED                                                                                                         \
    "[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nDNS = 10.8.0.1\nFailMode = closed\nFwMark = 0x77\n"               \
    "ExcludeApp = uid 5, cgroup a.slice/b\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n"

static const char want[] = "add table inet vpn-wg0\n"
                           "delete table inet vpn-wg0\n"
                           "table inet vpn-wg0 {\n"
                           "\tset held4 {\n"
                           "\t\ttype ipv4_addr\n"
                           "\t\tflags interval\n"
                           "\t\telements = {\n"
                           "\t\t\t10.0.0.0/8,\n"
                           "\t\t}\n"
                           "\t}\n"
                           "\tset held6 {\n"
                           "\t\ttype ipv6_addr\n"
                           "\t\tflags interval\n"
                           "\t}\n"
                           "\tchain output {\n"
                           "\t\ttype filter hook output priority 0; policy accept;\n"
                           "\t\toifname \"lo\" accept\n"
                           "\t\toifname \"wg0\" accept\n"
                           "\t\tmeta mark 0x77 accept\n"
                           "\t\ticmpv6 type { 133, 134, 135, 136 } accept\n"
                           "\t\tudp sport 68 udp dport 67 accept\n"
                           "\t\tudp sport 546 udp dport 547 accept\n"
                           "\t\tmeta skuid 5-5 accept\n"
                           "\t\tsocket cgroupv2 level 2 \"a.slice/b\" accept\n"
                           "\t\tmeta l4proto { tcp, udp } th dport { 53, 853 } drop\n"
                           "\t\tip daddr @held4 drop\n"
                           "\t\tip6 daddr @held6 drop\n"
                           "\t}\n"
                           "\tchain forward {\n"
                           "\t\ttype filter hook forward priority 0; policy accept;\n"
                           "\t\toifname \"wg0\" accept\n"
                           "\t\tip daddr @held4 drop\n"
                           "\t\tip6 daddr @held6 drop\n"
                           "\t}\n"
                           "\tchain applications {\n"
                           "\t\ttype route hook output priority -150; policy accept;\n"
                           "\t\tsocket cgroupv2 level 2 \"a.slice/b\" meta mark set 0x77 accept\n"
                           "\t}\n"
                           "\tchain spoofed {\n"
                           "\t\ttype filter hook prerouting priority -300; policy accept;\n"
                           "\t\tiifname != \"wg0\" ip daddr 10.8.0.2 fib saddr type != local drop\n"
                           "\t\tiifname != \"wg0\" ip6 daddr fd00::2 fib saddr type != local drop\n"
                           "\t}\n"
                           "\tchain restore {\n"
                           "\t\ttype filter hook prerouting priority -150; policy accept;\n"
                           "\t\tmeta l4proto udp ct mark 0x77 meta mark set 0x77\n"
                           "\t}\n"
                           "\tchain save {\n"
                           "\t\ttype filter hook postrouting priority -150; policy accept;\n"
                           "\t\tmeta l4proto udp meta mark 0x77 ct mark set 0x77\n"
                           "\t}\n"
                           "}\n";

START_TEST(the_ruleset)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, CLOSED);
    const vpn_op *op = policy_op(w.plan, VPN_OP_FILTER);
    ck_assert_ptr_eq(op, vpn_plan_op(w.plan, 0));
    ck_assert_str_eq(op->text, want);
    ck_assert_str_eq(op->undo, "add table inet vpn-wg0\ndelete table inet vpn-wg0\n");
    policy_end(&w);
}
END_TEST

START_TEST(names_that_nft_would_not_take)
{
    policy_world w;
    policy_host(&w);
    memcpy(w.policy.name, "a=b+c.d-e_f", 12);
    policy_plan(&w, CLOSED);
    const vpn_op *op = policy_op(w.plan, VPN_OP_FILTER);
    ck_assert_ptr_nonnull(strstr(op->text, "table inet vpn-a_b_c.d-e_f\n"));
    ck_assert_ptr_nonnull(strstr(op->text, "oifname \"a=b+c.d-e_f\" accept"));
    policy_end(&w);
}
END_TEST

/* The other family and a site's addresses on the wire are in the sets, though the site has other names here. */
START_TEST(names_leave_no_hole)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nFailMode = closed\nLanAccess = false\n" POLICY_PEER
                    "AllowedIPs = 0.0.0.0/0\nNetmap = theirs 10.200.0.0/24 as 10.0.0.0/24\n");
    const char *text = policy_op(w.plan, VPN_OP_FILTER)->text;
    ck_assert_ptr_nonnull(strstr(text, "elements = {\n\t\t\t0.0.0.0/0,\n\t\t}\n"));
    ck_assert_ptr_nonnull(strstr(text, "elements = {\n\t\t\t::/0,\n\t\t}\n"));
    policy_end(&w);
}
END_TEST

START_TEST(only_some_applications)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, "[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nFailMode = closed\n"
                    "IncludeApp = uid 1-2, mark 0x10/0xf0, cgroup a\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    const char *text = policy_op(w.plan, VPN_OP_FILTER)->text;
    ck_assert_ptr_nonnull(strstr(text, "\t\tmeta skuid 1-2 ip daddr @held4 drop\n"));
    ck_assert_ptr_nonnull(strstr(text, "\t\tmeta mark & 0xf0 == 0x10 ip6 daddr @held6 drop\n"));
    ck_assert_ptr_nonnull(strstr(text, "\t\tsocket cgroupv2 level 1 \"a\" meta mark set 0xca6d accept\n"));
    ck_assert_ptr_null(strstr(text, "\t\tip daddr @held4 drop\n"));
    ck_assert_ptr_null(strstr(text, "chain forward"));
    ck_assert_ptr_nonnull(strstr(text, "\tchain strays {\n"
                                       "\t\ttype filter hook output priority 0; policy accept;\n"
                                       "\t\toifname != { \"lo\", \"wg0\" } ip saddr 10.8.0.2 drop\n"
                                       "\t\toifname != { \"lo\", \"wg0\" } ip6 saddr fd00::2 drop\n"
                                       "\t}\n"));
    policy_end(&w);
}
END_TEST

START_TEST(as_an_answer)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, CLOSED);
    vpn_selector in = policy_packet("10.1.1.1", 6, 443), dns = policy_packet("9.9.9.9", 17, 53),
                 out = policy_packet("9.9.9.9", 17, 443);
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &in), 1);
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &dns), 1);
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &out), 0);
    in.cgroup = "a.slice/b/c";
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &in), 0);
    in.cgroup = "a.slice/bc";
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &in), 1);
    in.mark = 0x77;
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &in), 0);
    in.mark = 0;
    in.has_uid = 1;
    in.uid = 5;
    ck_assert_int_eq(vpn__ruleset_drops(w.plan, &in), 0);
    policy_end(&w);
}
END_TEST

START_TEST(nft_takes_it)
{
    /* without cgroups, which have to exist when nft reads of them */
    static const char *const texts[] = {
        "[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nFailMode = closed\nLanAccess = false\n" POLICY_PEER
        "AllowedIPs = 0.0.0.0/0\n",
        "[Interface]\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0, ::/0\n",
        "[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nFailMode = closed\nIncludeApp = uid 1-2, mark "
        "0x10/0xf0\nExcludeApp = mark 1\nExclude = "
        "192.0.2.0/24\n"
        "DNS = 10.8.0.1\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n"};
    if (system("nft -v >/dev/null 2>&1 && unshare -n true 2>/dev/null") != 0)
        return; /* no nft, or no right to a namespace */
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        policy_world w;
        policy_host(&w);
        policy_plan(&w, texts[i]);
        FILE *nft = popen("unshare -n nft -f -", "w");
        ck_assert_ptr_nonnull(nft);
        const vpn_op *op = policy_op(w.plan, VPN_OP_FILTER);
        fprintf(nft, "%s%s%s", op->text, op->text, op->undo);
        ck_assert_int_eq(pclose(nft), 0);
        policy_end(&w);
    }
}
END_TEST

static Suite *ruleset_suite(void)
{
    Suite *suite = suite_create("ruleset");
    test_add(suite, "the ruleset", the_ruleset);
    test_add(suite, "names that nft would not take", names_that_nft_would_not_take);
    test_add(suite, "names leave no hole", names_leave_no_hole);
    test_add(suite, "only some applications", only_some_applications);
    test_add(suite, "as an answer", as_an_answer);
    test_add(suite, "nft takes it", nft_takes_it);
    return suite;
}

TEST_MAIN(ruleset_suite)
