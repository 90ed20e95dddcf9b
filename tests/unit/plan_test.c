/* SPDX-License-Identifier: ISC */
/* Plans: which operations in which order, numbers that are free, and what is refused. */
#include "common/policy.h"

#define FULL  "[Interface]\nAddress = 10.8.0.2/24\nDNS = 10.8.0.1\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n"
#define SPLIT "[Interface]\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 10.8.0.0/24, 10.20.0.0/16\n"

static void expect_types(const vpn_plan *plan, const char *want)
{
    static const char letters[] = "?FSHLDAMURrN"; /* by number of the operation */
    char have[64] = "";
    for (size_t i = 0; i < vpn_plan_count(plan); i++)
        have[i] = letters[vpn_plan_op(plan, i)->type];
    ck_assert_str_eq(have, want);
    ck_assert_ptr_null(vpn_plan_op(plan, vpn_plan_count(plan)));
}

START_TEST(full_tunnel)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, FULL);
    expect_types(w.plan, "FSLDMUARrrN");
    ck_assert_uint_eq(vpn_plan_mark(w.plan), 51820);
    ck_assert_uint_eq(vpn_plan_table(w.plan), 51820);
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_MTU)->value, 1420);
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_DEVICE)->mark, 51820);
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_FILTER)->prefix_count, 0);
    policy_end(&w);
}
END_TEST

START_TEST(split_tunnel_as_wg_quick)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, SPLIT);
    expect_types(w.plan, "LDMUAR"); /* the network of the address has its route already */
    ck_assert_uint_eq(vpn_plan_mark(w.plan), 0);
    ck_assert_uint_eq(vpn_plan_table(w.plan), VPN_TABLE_MAIN);
    policy_end(&w);
    policy_host(&w);
    policy_plan(&w, "[Interface]\nTable = off\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    expect_types(w.plan, "LDMU");
    policy_end(&w);
    policy_host(&w);
    policy_plan(&w, "[Interface]\nTable = 77\nMetric = 3\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    expect_types(w.plan, "LDMUR");
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_ROUTE)->rule.table, 77);
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_ROUTE)->metric, 3);
    policy_end(&w);
}
END_TEST

START_TEST(what_wants_a_table)
{
    static const char *const texts[] = {
        "[Interface]\nLanAccess = false\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n",
        "[Interface]\nFailMode = closed\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n",
        "[Interface]\nExcludeApp = uid 5\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n",
        POLICY_PEER "AllowedIPs = 198.51.100.0/24\n",
        POLICY_PEER "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1\n",
        POLICY_PEER "AllowedIPs = ::/0\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        policy_world w;
        policy_host(&w);
        policy_plan(&w, texts[i]);
        ck_assert_uint_eq(vpn_plan_table(w.plan), 51820);
        ck_assert_ptr_nonnull(policy_op(w.plan, VPN_OP_RULE));
        policy_end(&w);
    }
}
END_TEST

START_TEST(numbers_that_are_free)
{
    policy_world w;
    policy_host(&w);
    w.rules[0] = (vpn_rule){.priority = 31805, .table = 51820, .suppress = -1};
    w.host.rule_count = 1;
    w.routes[1].table = 51823;
    policy_plan(&w, FULL);
    ck_assert_uint_eq(vpn_plan_table(w.plan), 51824);
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_RULE)->rule.priority, 31792 + 3);
    policy_end(&w);
    policy_host(&w);
    policy_plan(&w, "[Interface]\nFwMark = 0x99\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n");
    ck_assert_uint_eq(vpn_plan_mark(w.plan), 0x99);
    ck_assert_uint_eq(vpn_plan_table(w.plan), 51820);
    policy_end(&w);
}
END_TEST

START_TEST(hooks_in_their_order)
{
    static const char *const down[] = {"d1", "d2", "b1", "b2"};
    policy_world w;
    size_t seen = 0;
    policy_host(&w);
    w.policy.flags = VPN_POLICY_HOOKS;
    policy_plan(&w, "[Interface]\nPreUp = a1\nPreUp = a2\nPostUp = c1\nPreDown = d1\nPreDown = d2\nPostDown = b1\n"
                    "PostDown = b2\n" CONF_PEER);
    char ups[64] = "";
    for (size_t i = 0; i < vpn_plan_count(w.plan); i++) {
        const vpn_op *up = vpn_plan_op(w.plan, i);
        vpn_op inverse;
        if (up->type == VPN_OP_HOOK && up->text)
            strcat(ups, up->text);
        vpn_op_inverse(&inverse, vpn_plan_op(w.plan, vpn_plan_count(w.plan) - 1 - i));
        if (inverse.type == VPN_OP_HOOK && inverse.undo)
            ck_assert_str_eq(inverse.undo, down[seen++]);
    }
    ck_assert_str_eq(ups, "a1a2c1");
    ck_assert_uint_eq(seen, 4);
    ck_assert_uint_eq(vpn_plan_op(w.plan, 0)->type, VPN_OP_HOOK);
    policy_end(&w);
}
END_TEST

START_TEST(a_link_that_exists)
{
    policy_world w;
    policy_host(&w);
    w.links[2] = (vpn_host_link){9, 1420, VPN_LINK_UP, 0, "wg0"};
    w.host.link_count = 3;
    policy_address(&w, 9, "10.8.0.2", 24);
    w.policy.flags = VPN_POLICY_LINK_EXISTS;
    policy_plan(&w, SPLIT);
    expect_types(w.plan, "DR");
    policy_end(&w);
    w.links[2].mtu = 1400;
    w.links[2].flags = 0;
    policy_plan(&w, SPLIT);
    expect_types(w.plan, "DMUR");
    ck_assert_uint_eq(policy_op(w.plan, VPN_OP_MTU)->before, 1400);
    policy_end(&w);
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        const char *text;
        uint32_t link, want;
    } cases[] = {{POLICY_PEER, 1500, 1420},
                 {POLICY_PEER, 9000, 8920},
                 {POLICY_PEER, 600, 576},
                 {POLICY_PEER "AllowedIPs = fd00::/8\n", 1300, 1280},
                 {CONF_PEER "Endpoint = name.example:1\n", 1492, 1412},
                 {"[Interface]\nMTU = 1300\n" POLICY_PEER, 1500, 1300}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        policy_world w;
        policy_host(&w);
        w.links[1].mtu = cases[i].link;
        policy_plan(&w, cases[i].text);
        ck_assert_uint_eq(policy_op(w.plan, VPN_OP_MTU)->value, cases[i].want);
        policy_end(&w);
    }
}
END_TEST

START_TEST(resolvers)
{
    static const struct {
        uint32_t system;
        const char *lines;
        int has;
    } cases[] = {{VPN_RESOLVER_RESOLVED, "DNS = 10.8.0.1\nMatchDomains = corp.example", 1},
                 {VPN_RESOLVER_FILE, "DNS = 10.8.0.1\nMatchDomains = corp.example", 0},
                 {VPN_RESOLVER_RESOLVCONF, "DNS = 10.8.0.1\nDNSMode = split", 0},
                 {VPN_RESOLVER_RESOLVCONF, "DNS = 10.8.0.1", 1},
                 {VPN_RESOLVER_FILE, "DNS = 10.8.0.1", 1},
                 {VPN_RESOLVER_FILE, "DNS = 10.8.0.1\nDNSMode = off", 0},
                 {VPN_RESOLVER_FILE, "DNS = corp.example\nDNSMode = tunnel", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        policy_world w;
        policy_host(&w);
        w.host.resolver_system = cases[i].system;
        snprintf(text, sizeof(text), "[Interface]\n%s\n" POLICY_PEER, cases[i].lines);
        policy_plan(&w, text);
        ck_assert_int_eq(policy_op(w.plan, VPN_OP_RESOLVER) != NULL, cases[i].has);
        policy_end(&w);
    }
}
END_TEST

/* With resolvconf a resolver of the host's own splits; a file that names one splits nothing. */
START_TEST(a_resolver_of_the_hosts_own)
{
    static const char *const servers[] = {"127.0.0.1", "::1", "192.168.1.5", "192.168.1.1"};
    for (size_t i = 0; i < 2 * sizeof(servers) / sizeof(servers[0]); i++) {
        policy_world w;
        policy_host(&w);
        w.host.resolver_system = i < 4 ? VPN_RESOLVER_RESOLVCONF : VPN_RESOLVER_FILE;
        w.resolvers[0].server = policy_prefix(servers[i % 4]);
        policy_plan(&w, "[Interface]\nDNS = 10.8.0.1\nMatchDomains = corp.example\n" POLICY_PEER);
        const vpn_op *op = policy_op(w.plan, VPN_OP_RESOLVER);
        ck_assert_int_eq(op != NULL, i < 3);
        ck_assert(!op || (op->match_count == 1 && strcmp(op->match[0], "corp.example") == 0));
        policy_end(&w);
    }
}
END_TEST

static void refused(policy_world *w, int want)
{
    vpn_plan *plan;
    ck_assert_int_eq(vpn_plan_new(&plan, &w->policy, NULL), want);
    ck_assert_ptr_null(plan);
}

START_TEST(what_is_refused)
{
    static const char *const names[] = {"", "a/b", "a b", "-a", ".", "..", "wg0;id", "0123456789abcdef"};
    vpn_conf conf = {.size = sizeof(conf)}, bad;
    vpn_env env = {.size = 1};
    vpn_plan *plan;
    policy_world w;
    policy_host(&w);
    w.policy.conf = &conf;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        memset(w.policy.name, 0, sizeof(w.policy.name));
        memcpy(w.policy.name, names[i], strlen(names[i]));
        refused(&w, VPN_EINVAL);
    }
    memcpy(w.policy.name, "eth0", 5);
    refused(&w, VPN_EEXIST);
    memcpy(w.policy.name, "wg0\0", 5);
    w.policy.flags = VPN_POLICY_LINK_EXISTS, refused(&w, VPN_ENOENT);
    w.policy.flags = 8, refused(&w, VPN_EINVAL);
    w.policy.flags = 0;
    static const vpn_prefix no_prefix = {.family = 5};
    static const char *const no_name[] = {"a'b"};
    static const vpn_conf_app no_app[] = {{VPN_APP_CGROUP, 0, 0, 0, "a\"b"}};
    w.policy.conf = &bad;
    bad = conf, bad.exclude = &no_prefix, bad.exclude_count = 1, refused(&w, VPN_EINVAL);
    bad = conf, bad.addresses = &no_prefix, bad.address_count = 1, refused(&w, VPN_EINVAL);
    bad = conf, bad.search = no_name, bad.search_count = 1, refused(&w, VPN_EINVAL);
    bad = conf, bad.apps = no_app, bad.app_count = 1, refused(&w, VPN_EINVAL);
    bad = conf, bad.fail_mode = 2, refused(&w, VPN_EINVAL);
    bad = conf, bad.size = 4, refused(&w, VPN_EINVAL);
    bad = conf;
    w.routes[0].to.bits = 33, refused(&w, VPN_EINVAL);
    w.routes[0].to.bits = 24;
    ck_assert_int_eq(vpn_plan_new(&plan, &w.policy, &env), VPN_EINVAL);
    ck_assert_int_eq(vpn_plan_new(&plan, &w.policy, NULL), 0);
    vpn_plan_free(plan);
    vpn_plan_free(NULL);
}
END_TEST

/* Whichever allocation fails, nothing stays behind. */
START_TEST(memory_that_fails)
{
    policy_world w;
    vpn_conf *conf =
        conf_good("[Interface]\nAddress = 10.8.0.2/24, fd00::2/64\nFailMode = closed\nExclude = 10.0.0.0/9\n"
                  "ExcludeApp = uid 1\nDNS = 10.8.0.1\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0, ::/1\n");
    policy_host(&w);
    w.policy.conf = conf;
    for (size_t fail = 1;; fail++) {
        test_host host = {.fail_at = fail};
        vpn_env env = test_env(&host);
        vpn_plan *plan;
        int result = vpn_plan_new(&plan, &w.policy, &env);
        ck_assert_int_eq(result, host.calls >= fail ? VPN_ENOMEM : 0);
        vpn_plan_free(plan);
        ck_assert_uint_eq(host.live, 0);
        if (!result)
            break;
    }
    vpn_conf_free(conf);
}
END_TEST

static Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan");
    test_add(suite, "full tunnel", full_tunnel);
    test_add(suite, "split tunnel as wg-quick", split_tunnel_as_wg_quick);
    test_add(suite, "what wants a table", what_wants_a_table);
    test_add(suite, "numbers that are free", numbers_that_are_free);
    test_add(suite, "hooks in their order", hooks_in_their_order);
    test_add(suite, "a link that exists", a_link_that_exists);
    test_add(suite, "sizes", sizes);
    test_add(suite, "resolvers", resolvers);
    test_add(suite, "a resolver of the host's own", a_resolver_of_the_hosts_own);
    test_add(suite, "what is refused", what_is_refused);
    test_add(suite, "memory that fails", memory_that_fails);
    return suite;
}

TEST_MAIN(plan_suite)
