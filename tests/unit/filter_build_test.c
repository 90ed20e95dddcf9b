/* SPDX-License-Identifier: ISC */
#include "packet/filter_build.h"

#include "common/filter.h"
#include "common/host.h"

#define MANY 10000u

static vpn_filter_rule *rules_alloc(uint32_t count)
{
    vpn_filter_rule *rules = calloc(count, sizeof(*rules));
    ck_assert_ptr_nonnull(rules);
    return rules;
}

/* What the compiled rules say of a packet, which is a whole one or a later fragment. */
static uint32_t first(const struct vpn__classifier *c, const struct facts *f)
{
    uint8_t packet[FACTS_BYTES];
    struct vpn__filter_view view;
    size_t length = facts_write(f, packet);
    ck_assert_uint_eq(vpn__filter_parse(&view, packet, length), 0);
    return vpn__classify(c, &view, f->direction);
}

static void compare(const struct vpn__classifier *c, const vpn_filter_rule *rules, uint32_t count, uint64_t *seed,
                    uint32_t packets)
{
    for (uint32_t i = 0; i < packets; i++) {
        struct facts f;
        naive_facts(seed, &f);
        if (count != 0 && naive_below(seed, 2))
            naive_aim(seed, &f, &rules[naive_below(seed, count)]);
        ck_assert_uint_eq(first(c, &f), naive_first(rules, count, &f));
    }
}

/* 40 seeds with 12,000 packets each. */
START_TEST(as_the_plain_walk)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 17, 63, 64, 65, 200, 511, 512, 513};
    uint64_t seed = (uint64_t)_i;
    struct host host;
    host_init(&host);
    vpn_filter_rule *rules = rules_alloc(513);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct vpn__classifier c;
        for (uint32_t i = 0; i < counts[k]; i++) {
            vpn_filter_rule r;
            naive_rule(&seed, &r);
            ck_assert_int_eq(vpn__filter_rule_read(&rules[i], &r), 0);
        }
        ck_assert_int_eq(vpn__classifier_init(&c, &host.env, rules, counts[k]), 0);
        ck_assert_uint_eq(vpn__classifier_memory(&c), host.bytes);
        compare(&c, rules, counts[k], &seed, 1000);
        vpn__classifier_end(&c);
    }
    free(rules);
    host_end(&host);
}
END_TEST

/* Many more rules than fit into a few chunks, most of which no packet of the test matches. */
START_TEST(many_chunks)
{
    uint64_t seed = 1000 + (uint64_t)_i;
    uint32_t count = _i == 0 ? VPN_FILTER_RULES_MAX : 3000;
    struct host host;
    struct vpn__classifier c;
    host_init(&host);
    vpn_filter_rule *rules = rules_alloc(count);
    for (uint32_t i = 0; i < count; i++) {
        naive_rule(&seed, &rules[i]);
        if (i % 512 != 511 && rules[i].src.bits < 20)
            rules[i].src =
                (vpn_prefix){.family = 4, .bits = 32, .addr = {1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        if (rules[i].dst.family != 0 && rules[i].dst.family != rules[i].src.family)
            rules[i].dst = (vpn_prefix){0};
        vpn_filter_rule r = rules[i];
        ck_assert_int_eq(vpn__filter_rule_read(&rules[i], &r), 0);
    }
    ck_assert_int_eq(vpn__classifier_init(&c, &host.env, rules, count), 0);
    compare(&c, rules, count, &seed, 2000);
    vpn__classifier_end(&c);
    free(rules);
    host_end(&host);
}
END_TEST

/* --- lists that are meant to break it; the bounds are those of the header --- */

static void hostile_sources(vpn_filter_rule *r, uint32_t i, uint64_t *seed)
{
    (void)i;
    r->src = (vpn_prefix){.family = 4, .bits = 32};
    facts_put32(r->src.addr, naive_below(seed, UINT32_MAX));
}

static void hostile_ports(vpn_filter_rule *r, uint32_t i, uint64_t *seed)
{
    (void)i;
    r->match = VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT;
    r->protocol = 17;
    r->src_port_min = (uint16_t)naive_below(seed, 32768);
    r->src_port_max = (uint16_t)(32768 + naive_below(seed, 32768));
    r->dst_port_min = (uint16_t)naive_below(seed, 32768);
    r->dst_port_max = (uint16_t)(32768 + naive_below(seed, 32768));
}

static void hostile_everything(vpn_filter_rule *r, uint32_t i, uint64_t *seed)
{
    hostile_ports(r, i, seed);
    r->protocol = 6;
    r->src = (vpn_prefix){.family = 6, .bits = (uint8_t)(1 + naive_below(seed, 128))};
    r->dst = r->src;
    for (uint32_t b = 0; b < 16; b++) {
        r->src.addr[b] = (uint8_t)naive_below(seed, 256);
        r->dst.addr[b] = (uint8_t)naive_below(seed, 256);
    }
    r->match |= VPN_FILTER_MATCH_TCP_FLAGS;
    r->tcp_mask = (uint8_t)(1 + naive_below(seed, 255));
    r->tcp_flags = (uint8_t)(naive_below(seed, 256) & r->tcp_mask);
}

static void hostile_equal(vpn_filter_rule *r, uint32_t i, uint64_t *seed)
{
    (void)seed;
    r->match = VPN_FILTER_MATCH_PROTOCOL;
    r->protocol = (uint8_t)(i % 256);
    r->direction = (uint8_t)(i % 3);
}

static void hostile_one(void (*make)(vpn_filter_rule *, uint32_t, uint64_t *), uint32_t count, size_t most)
{
    uint64_t seed = 5;
    struct host host;
    struct vpn__classifier c;
    vpn_filter_rule *rules = rules_alloc(count);
    host_init(&host);
    for (uint32_t i = 0; i < count; i++) {
        vpn_filter_rule r = {0};
        make(&r, i, &seed);
        ck_assert_int_eq(vpn__filter_rule_read(&rules[i], &r), 0);
    }
    ck_assert_int_eq(vpn__classifier_init(&c, &host.env, rules, count), 0);
    ck_assert_uint_eq(vpn__classifier_memory(&c), host.bytes);
    ck_assert_uint_le(vpn__classifier_memory(&c), most * count);
    for (uint32_t field = 0; field < VPN__FIELDS; field++)
        ck_assert_uint_lt(c.tables[field].row_count, 65536);
    compare(&c, rules, count, &seed, 300);
    vpn__classifier_end(&c);
    free(rules);
    host_end(&host);
}

START_TEST(hostile)
{
    hostile_one(hostile_sources, MANY, 1024);
    hostile_one(hostile_ports, MANY, 1024);
    hostile_one(hostile_everything, MANY, 1024);
    hostile_one(hostile_equal, MANY, 1024);
    hostile_one(hostile_everything, VPN_FILTER_RULES_MAX, 2560);
}
END_TEST

/* Equal blocks and rows are there once. */
START_TEST(shared_blocks)
{
    struct host host;
    struct vpn__classifier c;
    vpn_filter_rule *rules = rules_alloc(600);
    host_init(&host);
    for (uint32_t i = 0; i < 600; i++)
        rules[i].src = (vpn_prefix){.family = 4, .bits = 32, .addr = {10, 0, (uint8_t)(i / 2), (uint8_t)(i % 2 * 100)}};
    ck_assert_int_eq(vpn__classifier_init(&c, &host.env, rules, 600), 0);
    const struct vpn__filter_table *t = &c.tables[VPN__FIELD_SRC4];
    ck_assert_uint_eq(t->intervals, 512 * 2 + 1); /* from 512 on, addresses are there again */
    ck_assert_uint_eq(t->row_count, 512 + 1);
    ck_assert_uint_eq(c.active_count[0], 2); /* and direction with protocol */
    ck_assert_uint_eq(((uintptr_t)t->blocks) % 64, 0);
    ck_assert_uint_eq(t->rows[t->row_of[1] * c.row_words], 3); /* both chunks, then none */
    ck_assert_uint_eq(t->rows[t->row_of[2] * c.row_words], 0);
    vpn__classifier_end(&c);
    free(rules);
    host_end(&host);
}
END_TEST

START_TEST(no_memory)
{
    struct host host;
    struct vpn__classifier c;
    uint64_t seed = 1;
    size_t n = 0;
    vpn_filter_rule *rules = rules_alloc(100);
    host_init(&host);
    for (uint32_t i = 0; i < 100; i++)
        naive_rule(&seed, &rules[i]);
    for (int error = VPN_ENOMEM; error != 0; n++) {
        host_fail_after(&host, n);
        error = vpn__classifier_init(&c, &host.env, rules, 100);
        ck_assert(error == 0 || error == VPN_ENOMEM);
        ck_assert(error == 0 || host.bytes == 0);
    }
    ck_assert_uint_gt(n, 40);
    vpn__classifier_end(&c);
    free(rules);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_build");
    test_loop(s, "as_the_plain_walk", as_the_plain_walk, 40);
    test_loop(s, "many_chunks", many_chunks, 4);
    test_add(s, "hostile", hostile);
    test_add(s, "shared_blocks", shared_blocks);
    test_add(s, "no_memory", no_memory);
    return s;
}

TEST_MAIN(suite)
