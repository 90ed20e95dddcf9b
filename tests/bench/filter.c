/* SPDX-License-Identifier: ISC */
/* Decisions of filters with up to 10,000 rules of several shapes, beside the plain walk from rule to rule. */
#include <vpn/filter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/filter.h"

#define PACKETS     4096u
#define RULES_MAX   10000u
#define LINEAR_WORK 20000000u /* rules that the plain walk looks at in one repetition */

/* One repeatable source of noise for rules and packets. */
static uint64_t seed;

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(bench_random(&seed) % limit);
}

static void prefix_set(vpn_prefix *p, uint8_t family, uint32_t bits, uint32_t high, uint32_t low)
{
    memset(p, 0, sizeof *p);
    p->family = family;
    p->bits = (uint8_t)bits;
    facts_put32(p->addr, high);
    if (family == 6)
        facts_put32(p->addr + 12, low);
    uint32_t most = family == 4 ? 32 : 128;
    for (uint32_t b = bits; b < most; b++)
        p->addr[b / 8] &= (uint8_t) ~(0x80u >> b % 8);
}

static void port_set(vpn_filter_rule *r, uint32_t min, uint32_t max)
{
    r->match |= VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_DST_PORT;
    if (r->protocol == 0)
        r->protocol = 6;
    r->dst_port_min = (uint16_t)min;
    r->dst_port_max = (uint16_t)max;
}

/* What a VPN for logins has: each source reaches a few servers on a few ports. */
static void rule_logins(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    static const uint16_t ports[] = {22, 53, 80, 443, 445, 3306, 3389, 5432, 8080, 8443};
    (void)n;
    r->direction = VPN_FILTER_IN;
    r->protocol = below(4) == 0 ? 17 : 6;
    prefix_set(&r->src, 4, 32, 0x0a400000u + i / 4, 0);
    prefix_set(&r->dst, 4, below(5) == 0 ? 24 : 32, 0xc0a80000u + below(4096), 0);
    uint32_t port = ports[below(10)];
    port_set(r, port, port);
}

/* As published studies of access lists and ClassBench (Taylor, Turner) describe them: prefixes gather in few networks and at few
   lengths, destinations are longer than sources, most source ports are anything, a fifth of the destination ports are ranges. */
static void rule_acl(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    static const uint8_t lengths[] = {0, 8, 16, 16, 21, 24, 24, 24, 27, 30, 32, 32, 32, 32, 32, 32};
    (void)i;
    (void)n;
    r->protocol = below(10) < 7 ? 6 : 17;
    r->match = (uint16_t)(below(10) == 0 ? 0 : VPN_FILTER_MATCH_PROTOCOL);
    if (r->match == 0)
        r->protocol = 0;
    uint32_t nets = below(40), hosts = below(65536);
    prefix_set(&r->src, 4, lengths[below(16)], 0x0a000000u + (nets << 18) + hosts, 0);
    prefix_set(&r->dst, 4, lengths[4 + below(12)], 0xac100000u + (below(40) << 15) + below(65536), 0);
    uint32_t kind = below(10);
    if (kind < 5)
        port_set(r, below(1024), 0), r->dst_port_max = r->dst_port_min;
    else if (kind < 6)
        port_set(r, 1024, 65535);
    else if (kind < 7)
        port_set(r, below(32768), 32768 + below(32768));
    if (below(20) == 0 && r->match != 0) {
        r->match |= VPN_FILTER_MATCH_SRC_PORT;
        r->src_port_min = 1024;
        r->src_port_max = 65535;
    }
}

/* The same in IPv6, with the flags of TCP in a tenth of the rules. */
static void rule_acl6(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    static const uint8_t lengths[] = {32, 48, 56, 64, 64, 64, 128, 128};
    (void)i;
    (void)n;
    r->protocol = 6;
    r->match = VPN_FILTER_MATCH_PROTOCOL;
    prefix_set(&r->src, 6, lengths[below(8)], 0x20010db8u + below(4), below(65536));
    prefix_set(&r->dst, 6, lengths[below(8)], 0x20010db8u + below(4), below(65536));
    port_set(r, below(2000), 2000 + below(2000));
    if (below(10) == 0) {
        r->match |= VPN_FILTER_MATCH_TCP_FLAGS;
        r->tcp_mask = 0x12;
        r->tcp_flags = 0x02;
    }
}

/* Each rule has a source of its own, and nothing else. */
static void rule_sources(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    (void)i;
    (void)n;
    prefix_set(&r->src, 4, 32, (uint32_t)bench_random(&seed), 0);
}

/* All ranges of ports overlap. */
static void rule_ports(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    (void)i;
    (void)n;
    port_set(r, below(32768), 32768 + below(32768));
    r->match |= VPN_FILTER_MATCH_SRC_PORT;
    r->src_port_min = (uint16_t)below(32768);
    r->src_port_max = (uint16_t)(32768 + below(32768));
    prefix_set(&r->dst, 4, 32, 0xc0a80000u + below(65536), 0);
}

/* Wild: two of three fields are anything. */
static void rule_wild(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    (void)i;
    (void)n;
    switch (below(3)) {
    case 0:
        prefix_set(&r->src, 4, 8 + below(25), 0x0a000000u + below(1u << 24), 0);
        break;
    case 1:
        prefix_set(&r->dst, 4, 8 + below(25), 0xac000000u + below(1u << 24), 0);
        break;
    default:
        port_set(r, below(65536), 0), r->dst_port_max = r->dst_port_min;
    }
}

/* The worst for bit vectors: every field of a packet has a rule in every block, but never the same rule, until the last. */
static void rule_near(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    r->match =
        VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT | VPN_FILTER_MATCH_TCP_FLAGS;
    r->protocol = 6;
    r->tcp_mask = 2;
    r->tcp_flags = i % 5 == 4 && i + 1 < n ? 0 : 2;
    uint32_t odd = i + 1 < n ? i % 5 : 5;
    prefix_set(&r->src, 4, odd == 0 ? 32 : 8, 0x0a000000u + (odd == 0 ? 1u + i : 0), 0);
    prefix_set(&r->dst, 4, odd == 1 ? 32 : 8, 0xac000000u + (odd == 1 ? 1u + i : 0), 0);
    r->src_port_min = odd == 2 ? (uint16_t)(1 + i) : 0;
    r->src_port_max = odd == 2 ? (uint16_t)(1 + i) : 65535;
    r->dst_port_min = odd == 3 ? (uint16_t)(1 + i) : 0;
    r->dst_port_max = odd == 3 ? (uint16_t)(1 + i) : 65535;
}

/* The worst for caches: every field has rules in every block, other ones for every packet, and mostly none in common. */
static void rule_ranges(vpn_filter_rule *r, uint32_t i, uint32_t n)
{
    (void)i;
    (void)n;
    uint32_t port = below(59535);
    port_set(r, port, port + 6000);
    r->match |= VPN_FILTER_MATCH_SRC_PORT;
    r->src_port_min = (uint16_t)below(59535);
    r->src_port_max = (uint16_t)(r->src_port_min + 6000);
    prefix_set(&r->src, 4, 4, below(16) << 28, 0);
    prefix_set(&r->dst, 4, 4, below(16) << 28, 0);
}

struct shape {
    const char *name;
    void (*rule)(vpn_filter_rule *r, uint32_t i, uint32_t n);
    int near; /* 1: packets that no rule but the last matches; 2: packets at random */
};

static const struct shape shapes[] = {
    {"logins", rule_logins, 0},         {"access list", rule_acl, 0},     {"access list, IPv6", rule_acl6, 0},
    {"sources apart", rule_sources, 0}, {"ports overlap", rule_ports, 0}, {"wild", rule_wild, 0},
    {"nearly all match", rule_near, 1}, {"ranges apart", rule_ranges, 2},
};

struct work {
    vpn_filter_rule *rules;
    struct facts *facts;
    uint8_t *packets; /* FACTS_BYTES each */
    uint32_t *lengths;
    uint32_t *wanted;
};

/* An address that a prefix holds, noise behind its bits. */
static void address_in(uint8_t *out, const vpn_prefix *p, uint8_t family)
{
    for (uint32_t i = 0; i < 16; i++)
        out[i] = (uint8_t)below(256);
    if (p->family != family)
        return;
    for (uint32_t b = 0; b < p->bits; b++)
        out[b / 8] = (uint8_t)((out[b / 8] & ~(0x80u >> b % 8)) | (p->addr[b / 8] & 0x80u >> b % 8));
}

/* Most packets are inside a rule at random, some are in two rules by halves, some are strangers. */
static void facts_make(struct facts *f, const struct work *w, uint32_t n, int near)
{
    const vpn_filter_rule *r = &w->rules[near ? n - 1 : below(n)], *other = below(4) == 0 ? &w->rules[below(n)] : r;
    if (near)
        other = r;
    memset(f, 0, sizeof *f);
    f->family = r->src.family ? r->src.family : r->dst.family ? r->dst.family : 4;
    f->direction = r->direction ? r->direction : 1 + below(2);
    f->protocol = r->match & VPN_FILTER_MATCH_PROTOCOL ? r->protocol : 6;
    address_in(f->src, &r->src, f->family);
    address_in(f->dst, &other->dst, f->family);
    f->ports[0] = (uint16_t)(32768 + below(28000));
    f->ports[1] = (uint16_t)(other->match & VPN_FILTER_MATCH_DST_PORT
                                 ? other->dst_port_min + below(1u + other->dst_port_max - other->dst_port_min)
                                 : below(65536));
    f->flags = below(4) == 0 || near ? 2 : 0x10;
    if (near == 2) {
        address_in(f->src, &w->rules[below(n)].src, 4);
        address_in(f->dst, &w->rules[below(n)].dst, 4);
        f->ports[0] = (uint16_t)below(65536);
        f->ports[1] = (uint16_t)below(65536);
    }
    if (near == 1) { /* the single addresses and ports are low */
        f->src[1] |= 0x80;
        f->dst[1] |= 0x80;
        f->ports[1] = (uint16_t)(32768 + below(28000));
    }
}

static void packets_make(struct work *w, uint32_t n, int near)
{
    for (uint32_t i = 0; i < PACKETS; i++) {
        facts_make(&w->facts[i], w, n, near);
        w->lengths[i] = (uint32_t)facts_write(&w->facts[i], w->packets + (size_t)i * FACTS_BYTES);
    }
}

/* The plain walk, as a good programmer writes it: masks and numbers, made ready, on the packet's own bytes. */
struct plain {
    uint64_t mask[4], want[4]; /* source and destination */
    uint32_t ports[4];
    uint16_t ways; /* directions */
    uint8_t family, protocol, any, tcp_mask, tcp_flags;
};

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void plain_prefix(uint64_t *mask, uint64_t *want, const vpn_prefix *p)
{
    uint8_t bits[16] = {0};
    for (uint32_t b = 0; b < p->bits; b++)
        bits[b / 8] |= (uint8_t)(0x80u >> b % 8);
    for (uint32_t i = 0; i < 2; i++) {
        mask[i] = load64(bits + (size_t)i * 8);
        want[i] = load64(p->addr + (size_t)i * 8) & mask[i];
    }
}

static struct plain *plain_make(const vpn_filter_rule *rules, uint32_t n)
{
    struct plain *plain = bench_alloc(n * sizeof *plain);
    for (uint32_t i = 0; i < n; i++) {
        const vpn_filter_rule *r = &rules[i];
        struct plain *p = &plain[i];
        plain_prefix(p->mask, p->want, &r->src);
        plain_prefix(p->mask + 2, p->want + 2, &r->dst);
        p->family = r->src.family ? r->src.family : r->dst.family;
        p->ways = (uint16_t)(r->direction != 0 ? 1u << r->direction : 6u);
        p->protocol = r->protocol;
        p->any = (r->match & VPN_FILTER_MATCH_PROTOCOL) == 0;
        p->ports[1] = r->match & VPN_FILTER_MATCH_SRC_PORT ? r->src_port_max : 65535;
        p->ports[0] = r->match & VPN_FILTER_MATCH_SRC_PORT ? r->src_port_min : 0;
        p->ports[3] = r->match & VPN_FILTER_MATCH_DST_PORT ? r->dst_port_max : 65535;
        p->ports[2] = r->match & VPN_FILTER_MATCH_DST_PORT ? r->dst_port_min : 0;
        p->tcp_mask = r->tcp_mask;
        p->tcp_flags = r->tcp_flags;
    }
    return plain;
}

static uint32_t plain_first(const struct plain *plain, uint32_t n, const struct facts *f)
{
    uint64_t a[4] = {0};
    size_t bytes = f->family == 4 ? 4 : 16;
    memcpy(a, f->src, bytes);
    memcpy(a + 2, f->dst, bytes);
    for (uint32_t i = 0; i < n; i++) {
        const struct plain *p = &plain[i];
        if (((a[0] ^ p->want[0]) & p->mask[0]) | ((a[1] ^ p->want[1]) & p->mask[1]) |
            ((a[2] ^ p->want[2]) & p->mask[2]) | ((a[3] ^ p->want[3]) & p->mask[3]))
            continue;
        if ((p->family == 0 || p->family == f->family) && (p->ways >> f->direction & 1) != 0 &&
            (p->any || p->protocol == f->protocol) && f->ports[0] >= p->ports[0] && f->ports[0] <= p->ports[1] &&
            f->ports[1] >= p->ports[2] && f->ports[1] <= p->ports[3] && (f->flags & p->tcp_mask) == p->tcp_flags)
            return i;
    }
    return FACTS_NONE;
}

/* Nanoseconds for one decision. */
static double time_filter(vpn_filter *filter, const struct work *w)
{
    vpn_filter_verdict verdict;
    uint32_t rounds = bench_quick() ? 2 : 32;
    uint64_t sum = 0, want = 0, begin;
    for (uint32_t i = 0; i < PACKETS; i++)
        want += w->wanted[i];
    begin = bench_now();
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < PACKETS; i++) {
            (void)vpn_filter_decide(filter, w->facts[i].direction, 0, w->packets + (size_t)i * FACTS_BYTES,
                                    w->lengths[i], VPN_SECOND, &verdict);
            sum += verdict.rule;
        }
    double figure = (double)(bench_now() - begin) / (rounds * (double)PACKETS);
    bench_must(sum == want * rounds, "filter and plain walk disagree");
    return figure;
}

static double time_plain(const struct plain *plain, const struct work *w, uint32_t n)
{
    uint32_t packets = LINEAR_WORK / n < PACKETS ? LINEAR_WORK / n : PACKETS;
    uint64_t sum = 0, want = 0, begin = bench_now();
    for (uint32_t i = 0; i < packets; i++)
        sum += plain_first(plain, n, &w->facts[i]);
    double figure = (double)(bench_now() - begin) / packets;
    for (uint32_t i = 0; i < packets; i++)
        want += w->wanted[i];
    bench_must(sum == want, "the plain walks disagree");
    return figure;
}

static vpn_filter *filter_make(const struct work *w, uint32_t n, uint32_t flows)
{
    vpn_filter *filter;
    vpn_filter_config config = {.size = sizeof config, .flows = flows, .count = n, .rules = w->rules};
    bench_must(vpn_filter_new(&filter, &config) == VPN_OK, "no filter");
    return filter;
}

static void bench_shape(const struct shape *shape, uint32_t n, struct work *w)
{
    static char names[64][48];
    static int named;
    double filter_ns[BENCH_RUNS_MAX], plain_ns[BENCH_RUNS_MAX], build_ms[BENCH_RUNS_MAX];
    char *name = names[named++];

    (void)snprintf(name, sizeof names[0], "%u rules, %s", n, shape->name);
    bench_progress("%s", name);
    seed = n;
    memset(w->rules, 0, n * sizeof *w->rules);
    for (uint32_t i = 0; i < n; i++) {
        w->rules[i].action = VPN_FILTER_ALLOW;
        shape->rule(&w->rules[i], i, n);
    }
    packets_make(w, n, shape->near);
    struct plain *plain = plain_make(w->rules, n);
    for (uint32_t i = 0; i < PACKETS; i++)
        w->wanted[i] = plain_first(plain, n, &w->facts[i]);
    vpn_filter *filter = NULL;
    vpn_filter_stats stats = {.size = sizeof stats};
    for (int run = 0; run < bench_runs(); run++) {
        uint64_t begin = bench_now();
        vpn_filter_free(filter);
        filter = filter_make(w, n, 0);
        build_ms[run] = (double)(bench_now() - begin) / 1e6;
        filter_ns[run] = time_filter(filter, w);
        plain_ns[run] = time_plain(plain, w, n);
    }
    bench_must(vpn_filter_get_stats(filter, &stats) == VPN_OK, "no statistics");
    bench_row(name, "plain walk", bench_median(plain_ns, bench_runs()), "ns");
    if (n == RULES_MAX)
        bench_target(name, "decision", bench_median(filter_ns, bench_runs()), "ns", 300, 1);
    else
        bench_row(name, "decision", bench_median(filter_ns, bench_runs()), "ns");
    bench_row(name, "loading", bench_median(build_ms, bench_runs()), "ms");
    bench_row(name, "memory", (double)stats.memory / n, "B/rule");
    vpn_filter_free(filter);
    free(plain);
}

/* Packets of flows that are there, and packets that each make one in a full table. */
static void bench_flows(uint32_t flows, struct work *w)
{
    double old_ns[BENCH_RUNS_MAX], new_ns[BENCH_RUNS_MAX];
    uint32_t rounds = bench_quick() ? 2 : 16;
    uint8_t packet[FACTS_BYTES];
    memset(w->rules, 0, sizeof *w->rules);
    w->rules[0].action = VPN_FILTER_ALLOW;
    w->rules[0].flags = VPN_FILTER_STATEFUL;
    vpn_filter *filter = filter_make(w, 1, flows);
    struct facts f = {
        .direction = VPN_FILTER_IN, .family = 4, .protocol = 17, .src = {10, 0, 0, 1}, .dst = {10, 0, 0, 2}};
    size_t length = facts_write(&f, packet);
    for (int run = 0; run < bench_runs(); run++) {
        uint64_t begin = bench_now();
        for (uint32_t i = 0; i < rounds * PACKETS; i++) {
            facts_put32(packet + 12, 0x0a000000u + i + (uint32_t)run * rounds * PACKETS); /* always another source */
            (void)vpn_filter_decide(filter, VPN_FILTER_IN, 0, packet, length, VPN_SECOND, NULL);
        }
        new_ns[run] = (double)(bench_now() - begin) / (rounds * (double)PACKETS);
        begin = bench_now();
        for (uint32_t i = 0; i < rounds * PACKETS; i++) {
            facts_put32(packet + 12, 0x0b000000u + i % 1000);
            (void)vpn_filter_decide(filter, VPN_FILTER_IN, 0, packet, length, VPN_SECOND, NULL);
        }
        old_ns[run] = (double)(bench_now() - begin) / (rounds * (double)PACKETS);
    }
    bench_row("flows", "a packet of 1,000 flows", bench_median(old_ns, bench_runs()), "ns");
    bench_row("flows", "a packet that makes one, full table", bench_median(new_ns, bench_runs()), "ns");
    vpn_filter_free(filter);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {10, 100, 1000, RULES_MAX};
    struct work w;
    bench_options(argc, argv, "Decisions of filters, for rules of several shapes, beside a plain walk over the list.");
    w.rules = bench_alloc(RULES_MAX * sizeof *w.rules);
    w.facts = bench_alloc(PACKETS * sizeof *w.facts);
    w.packets = bench_alloc((size_t)PACKETS * FACTS_BYTES);
    w.lengths = bench_alloc(PACKETS * sizeof *w.lengths);
    w.wanted = bench_alloc(PACKETS * sizeof *w.wanted);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t i = 0; i < (bench_quick() ? 3u : 4u); i++)
            bench_shape(&shapes[s], sizes[i], &w);
    bench_flows(65536, &w);
    free(w.rules);
    free(w.facts);
    free(w.packets);
    free(w.lengths);
    free(w.wanted);
    return bench_report("filter");
}
