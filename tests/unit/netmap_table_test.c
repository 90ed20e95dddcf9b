/* SPDX-License-Identifier: ISC */
#include "packet/netmap_table.h"

#include "common/inner.h"
#include "common/test.h"

#define RULES 40

static vpn_netmap_rule rule_of(uint32_t whose, uint8_t family, uint8_t bits, const char *inside, const char *outside)
{
    vpn_netmap_rule rule = {.whose = whose, .inside = {family, bits, {0}, {0}}, .outside = {family, bits, {0}, {0}}};
    (void)test_hex(rule.inside.addr, 16, inside);
    (void)test_hex(rule.outside.addr, 16, outside);
    return rule;
}

/* The table's answer for one address of 16 bytes. */
static int mapped(const vpn_netmap_rule *rules, size_t count, uint32_t direction, uint32_t whose, uint8_t family,
                  uint8_t *addr)
{
    static struct vpn__netmap_entry entries[2 * RULES];
    struct vpn__netmap_list lists[VPN__NETMAP_LISTS];
    uint8_t before[16];
    uint32_t delta, grown;
    memset(entries, 0, sizeof entries);
    vpn__netmap_fill(lists, entries, rules, count);
    memcpy(before, addr, 16);
    int result = vpn__netmap_map(&lists[vpn__netmap_list_of(direction, whose, family)],
                                 &lists[vpn__netmap_list_of(3 - direction, whose, family)], family, addr, addr, &delta);
    if (result > VPN_NETMAP_TRANSLATED) {
        ck_assert_mem_eq(addr, before, 16);
        return result;
    }
    grown = (flow_sum(0, addr, 16) + 65535 - flow_sum(0, before, 16)) % 65535;
    ck_assert_uint_eq(family == 4 ? grown : 0, delta);
    ck_assert(family == 4 || grown == 0);
    ck_assert_int_eq(result == VPN_NETMAP_UNTOUCHED, memcmp(addr, before, 16) == 0);
    return result;
}

static void expect(const vpn_netmap_rule *rule, uint32_t direction, const char *from, int result, const char *to)
{
    uint8_t addr[16] = {0}, want[16] = {0};
    (void)test_hex(addr, 16, from);
    (void)test_hex(want, 16, to);
    ck_assert_int_eq(mapped(rule, 1, direction, rule->whose, rule->inside.family, addr), result);
    ck_assert_mem_eq(addr, want, 16);
}

static void expect_pair(const vpn_netmap_rule *rule, const char *inside, const char *outside)
{
    expect(rule, VPN_NETMAP_OUT, inside, VPN_NETMAP_TRANSLATED, outside);
    expect(rule, VPN_NETMAP_IN, outside, VPN_NETMAP_TRANSLATED, inside);
}

/* The example of RFC 6296 section 3.6, and the rules about 0xffff of sections 3.4 and 3.5. */
START_TEST(rfc6296)
{
    vpn_netmap_rule rule = rule_of(0, 6, 48, "fd0102030405", "20010db80001");
    expect_pair(&rule, "fd01020304050001 0000000000001234", "20010db80001d550 0000000000001234");
    expect_pair(&rule, "fd01020304052aaf 0000000000000001", "20010db80001fffe 0000000000000001");
    expect_pair(&rule, "fd01020304052ab0 0000000000000001", "20010db800010000 0000000000000001");
    expect(&rule, VPN_NETMAP_OUT, "fd0102030405ffff 0000000000000001", VPN_NETMAP_UNMAPPABLE,
           "fd0102030405ffff 0000000000000001");
    expect(&rule, VPN_NETMAP_IN, "20010db80001ffff 0000000000000001", VPN_NETMAP_UNMAPPABLE,
           "20010db80001ffff 0000000000000001");
    rule = rule_of(0, 6, 56, "fd01020304050a00", "20010db800010b00");
    expect_pair(&rule, "fd01020304050a77 00010002000300ff", "20010db800010b77 d450 0002000300ff");
    expect_pair(&rule, "fd01020304050a77 ffff000200030004", "20010db800010b77 ffffd45100030004");
    expect_pair(&rule, "fd01020304050a77 ffffffffffff0004", "20010db800010b77 ffffffffffffd453");
    expect(&rule, VPN_NETMAP_OUT, "fd01020304050aff ffffffffffffffff", VPN_NETMAP_UNMAPPABLE,
           "fd01020304050aff ffffffffffffffff");
}
END_TEST

/* Prefixes that reach into the identifier leave it what they need. */
START_TEST(long_prefixes)
{
    vpn_netmap_rule rule = rule_of(1, 6, 72, "fd000000000000000a00", "fd000000000000000b00");
    expect_pair(&rule, "fd00000000000000 0a01000500060007", "fd00000000000000 0b01ff0400060007");
    expect_pair(&rule, "fd00000000000000 0a01ffff06000007", "fd00000000000000 0b01ffff05000007");
    rule = rule_of(1, 6, 112, "fd000000000000000000000000aa", "fd000000000000000000000000bb");
    expect_pair(&rule, "fd00000000000000 0000000000aa0001", "fd00000000000000 0000000000bbffef");
    expect(&rule, VPN_NETMAP_OUT, "fd00000000000000 0000000000aaffff", VPN_NETMAP_UNMAPPABLE,
           "fd00000000000000 0000000000aaffff");
    rule = rule_of(1, 6, 32, "fd010002", "fd000003"); /* neutral by itself: nothing to make up for */
    expect_pair(&rule, "fd010002 0005ffff0000000000000001", "fd000003 0005ffff0000000000000001");
}
END_TEST

START_TEST(ipv4)
{
    vpn_netmap_rule rule = rule_of(0, 4, 24, "0a000000", "ac10ff00");
    expect_pair(&rule, "0a000009", "ac10ff09");
    expect(&rule, VPN_NETMAP_OUT, "0a000109", VPN_NETMAP_UNTOUCHED, "0a000109");
    expect(&rule, VPN_NETMAP_OUT, "ac10ff09", VPN_NETMAP_TAKEN, "ac10ff09");
    expect(&rule, VPN_NETMAP_IN, "0a000009", VPN_NETMAP_TAKEN, "0a000009");
    rule = rule_of(0, 4, 19, "0a00ffff", "ac107fff"); /* bits behind the prefix mean nothing */
    expect_pair(&rule, "0a00e001", "ac106001");
    rule = rule_of(0, 4, 32, "0a000001", "0a000002");
    expect_pair(&rule, "0a000001", "0a000002");
    rule = rule_of(0, 4, 0, "0a000001", "0b000002");
    expect(&rule, VPN_NETMAP_OUT, "01020304", VPN_NETMAP_UNTOUCHED, "01020304");
}
END_TEST

static void random_addr(uint64_t *seed, uint8_t *addr, uint8_t family)
{
    static const uint8_t words[] = {0, 1, 2, 0xff};
    memset(addr, 0, 16);
    for (uint32_t i = 0; i < (family == 4 ? 4u : 16u); i += 2) { /* few values, so that prefixes meet; often 0xffff */
        addr[i] = words[test_below(seed, 4)];
        addr[i + 1] = test_below(seed, 3) ? addr[i] : (uint8_t)test_random(seed);
    }
}

static size_t random_rules(uint64_t *seed, vpn_netmap_rule *rules)
{
    size_t count = 0, wanted = 1 + test_below(seed, RULES), bad;
    for (size_t tries = 0; count < wanted && tries < 400; tries++) {
        uint8_t family = test_below(seed, 2) ? 4 : 6;
        uint8_t bits = (uint8_t)test_below(seed, family == 4 ? 33 : 113);
        vpn_netmap_rule *rule = &rules[count];
        memset(rule, 0, sizeof *rule);
        rule->whose = (uint32_t)test_below(seed, 2);
        rule->inside.family = rule->outside.family = family;
        rule->inside.bits = rule->outside.bits = bits;
        random_addr(seed, rule->inside.addr, family);
        random_addr(seed, rule->outside.addr, family);
        if (count && test_below(seed, 2)) /* within or around another */
            memcpy(rule->inside.addr, rules[test_below(seed, count)].inside.addr, 16);
        if (test_below(seed, 8) == 0)
            rule->outside = rule->inside;
        if (vpn_netmap_check(rules, count + 1, &bad) == VPN_OK)
            count++;
    }
    return count;
}

/* Any rules, addresses in and around them: as the naive walk says, and the other way gives the address back. */
START_TEST(any_rules)
{
    uint64_t seed = (uint64_t)_i;
    uint32_t seen[VPN_NETMAP_RESULTS] = {0}, several = 0;
    for (int turn = 0; turn < 120; turn++) {
        vpn_netmap_rule rules[RULES + 1];
        size_t count = random_rules(&seed, rules);
        several += count > 5;
        for (int i = 0; i < 200; i++) {
            const vpn_netmap_rule *near = &rules[test_below(&seed, count ? count : 1)];
            uint8_t family = count ? near->inside.family : 4, addr[16], before[16], want[16];
            uint32_t direction = 1 + (uint32_t)test_below(&seed, 2), whose = (uint32_t)test_below(&seed, 2);
            const vpn_prefix *prefix = test_below(&seed, 2) ? &near->inside : &near->outside;
            random_addr(&seed, addr, family);
            if (count && test_below(&seed, 4))
                memcpy(addr, prefix->addr, prefix->bits / 8);
            memcpy(before, addr, 16);
            memcpy(want, addr, 16);
            int expected = inner_map(rules, count, direction, whose, family, want);
            int result = mapped(rules, count, direction, whose, family, addr);
            if (result != expected || memcmp(addr, want, 16))
                ck_abort_msg("turn %d, address %d: %d instead of %d", turn, i, result, expected);
            seen[result]++;
            if (result > VPN_NETMAP_TRANSLATED)
                continue;
            ck_assert_int_eq(mapped(rules, count, 3 - direction, whose, family, addr), result);
            ck_assert_mem_eq(addr, before, 16);
        }
    }
    ck_assert_uint_gt(several, 30);
    for (int result = 0; result <= VPN_NETMAP_UNMAPPABLE; result++)
        ck_assert_msg(seen[result] > 50, "only %u results %d", seen[result], result);
}
END_TEST

/* All 65536 addresses of a small world of rules within and across one another: no two become the same. */
START_TEST(one_to_one)
{
    static uint8_t taken[65536];
    vpn_netmap_rule rules[] = {
        rule_of(0, 4, 18, "0a000000", "0a004000"),
        rule_of(0, 4, 20, "0a001000", "0a00c000"),
        rule_of(0, 4, 24, "0a001700", "0a001700"),
        rule_of(0, 4, 32, "0a00ffff", "0a00e000"),
    };
    uint32_t carried = 0;
    ck_assert_int_eq(vpn_netmap_check(rules, 4, NULL), VPN_OK);
    for (uint32_t host = 0; host < 65536; host++) {
        uint8_t addr[16] = {10, 0, (uint8_t)(host >> 8), (uint8_t)host};
        if (mapped(rules, 4, VPN_NETMAP_OUT, 0, 4, addr) > VPN_NETMAP_TRANSLATED)
            continue;
        ck_assert_uint_eq(flow_get(addr, 2), 0x0a00);
        ck_assert_uint_eq(taken[flow_get(addr + 2, 2)]++, 0);
        carried++;
    }
    ck_assert_uint_gt(carried, 40000);
}
END_TEST

static void expect_check(const vpn_netmap_rule *rules, size_t count, int error, size_t place)
{
    size_t bad = 99;
    ck_assert_int_eq(vpn_netmap_check(rules, count, &bad), error);
    ck_assert_uint_eq(bad, place);
    ck_assert_int_eq(vpn_netmap_check(rules, count, NULL), error);
}

START_TEST(fields)
{
    vpn_netmap_rule good[2] = {rule_of(0, 4, 24, "0a000000", "ac100000"), rule_of(0, 6, 48, "fd", "20")}, bad[2];
    expect_check(NULL, 0, VPN_OK, 0);
    expect_check(good, 2, VPN_OK, 2);
#define BROKEN(change)                                                                                                 \
    do {                                                                                                               \
        memcpy(bad, good, sizeof bad);                                                                                 \
        change;                                                                                                        \
        expect_check(bad, 2, VPN_EINVAL, 1);                                                                           \
    } while (0)
    BROKEN(bad[1].whose = 2);
    BROKEN(bad[1].reserved = 1);
    BROKEN(bad[1].inside.family = 5);
    BROKEN(bad[1].outside.family = 4);
    BROKEN(bad[1].inside.family = bad[1].outside.family = 0);
    BROKEN(bad[1].inside.bits = 47);
    BROKEN(bad[1].inside.bits = bad[1].outside.bits = 113);
    BROKEN(bad[1].inside.family = bad[1].outside.family = 4);
    BROKEN(bad[1].inside.reserved[0] = 1);
    BROKEN(bad[1].outside.reserved[1] = 1);
#undef BROKEN
    memcpy(bad, good, sizeof bad);
    bad[1].inside.bits = bad[1].outside.bits = 112;
    expect_check(bad, 2, VPN_OK, 2);
    bad[0].inside.bits = bad[0].outside.bits = 32;
    expect_check(bad, 2, VPN_OK, 2);
}
END_TEST

START_TEST(overlaps)
{
    vpn_netmap_rule rules[4] = {rule_of(0, 4, 16, "0a010000", "ac100000"), rule_of(0, 4, 24, "0a010500", "c0a80500"),
                                rule_of(0, 6, 16, "0a01", "ac10"), rule_of(0, 4, 16, "0a020000", "ac110000")};
    expect_check(rules, 4, VPN_OK, 4);
    (void)test_hex(rules[3].inside.addr, 16, "0a01ffff"); /* the same inside, behind its bits not looked at */
    expect_check(rules, 4, VPN_EEXIST, 3);
    rules[3].whose = VPN_NETMAP_THEIRS;
    expect_check(rules, 4, VPN_OK, 4);
    rules[3] = rule_of(0, 4, 24, "0a020000", "ac100700"); /* an outside within another, and around it */
    expect_check(rules, 4, VPN_EEXIST, 3);
    rules[3] = rule_of(0, 4, 8, "0b000000", "c0000000");
    expect_check(rules, 4, VPN_EEXIST, 3);
    rules[3] = rule_of(0, 4, 24, "0a010600", "0a010600"); /* an exception */
    expect_check(rules, 4, VPN_OK, 4);
    rules[1].outside = rules[3].outside;
    expect_check(rules, 4, VPN_EEXIST, 3);
}
END_TEST

START_TEST(limit)
{
    static vpn_netmap_rule rules[VPN_NETMAP_RULES_MAX + 1];
    for (uint32_t i = 0; i <= VPN_NETMAP_RULES_MAX; i++) {
        rules[i] = rule_of(0, 4, 32, "0a000000", "ac100000");
        flow_put(rules[i].inside.addr + 2, i, 2);
        flow_put(rules[i].outside.addr + 2, i, 2);
    }
    expect_check(rules, VPN_NETMAP_RULES_MAX, VPN_OK, VPN_NETMAP_RULES_MAX);
    expect_check(rules, VPN_NETMAP_RULES_MAX + 1, VPN_ELIMIT, VPN_NETMAP_RULES_MAX + 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("netmap_table");
    test_add(s, "rfc6296", rfc6296);
    test_add(s, "long_prefixes", long_prefixes);
    test_add(s, "ipv4", ipv4);
    test_loop(s, "any_rules", any_rules, 4);
    test_add(s, "one_to_one", one_to_one);
    test_add(s, "fields", fields);
    test_add(s, "overlaps", overlaps);
    test_add(s, "limit", limit);
    return s;
}

TEST_MAIN(suite)
