/* SPDX-License-Identifier: ISC */
/* Longest-prefix matches in large tables, beside a plain binary trie with the same prefixes. */
#include <vpn/allowedips.h>

#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define LOOKUPS 2000000u
#define BATCH   128u

/* The baseline: one node for each bit, as textbooks have it. */
struct plain {
    uint32_t child[2];
    uint32_t owner;
};

struct plain_trie {
    struct plain *nodes;
    uint32_t count, room;
};

static uint32_t bit_of(const uint8_t *addr, uint32_t i)
{
    return (uint32_t)addr[i / 8] >> (7 - i % 8) & 1;
}

static uint32_t plain_node(struct plain_trie *t)
{
    if (t->count == t->room) {
        uint32_t room = t->room > 0 ? t->room * 2 : 1024;
        struct plain *nodes = bench_alloc(room * sizeof *nodes);
        if (t->count > 0)
            memcpy(nodes, t->nodes, t->count * sizeof *nodes);
        free(t->nodes);
        t->nodes = nodes;
        t->room = room;
    }
    t->nodes[t->count] = (struct plain){{0, 0}, VPN_ALLOWEDIPS_NONE};
    return t->count++;
}

static void plain_insert(struct plain_trie *t, const vpn_prefix *prefix, uint32_t owner)
{
    uint32_t at = 0;
    if (t->count == 0)
        (void)plain_node(t);
    for (uint32_t i = 0; i < prefix->bits; i++) {
        uint32_t bit = bit_of(prefix->addr, i);
        if (t->nodes[at].child[bit] == 0) {
            uint32_t made = plain_node(t);
            t->nodes[at].child[bit] = made;
        }
        at = t->nodes[at].child[bit];
    }
    t->nodes[at].owner = owner;
}

static uint32_t plain_lookup(const struct plain_trie *t, const uint8_t *addr, uint32_t bits)
{
    uint32_t at = 0, best = t->nodes[0].owner;
    for (uint32_t i = 0; i < bits; i++) {
        at = t->nodes[at].child[bit_of(addr, i)];
        if (at == 0)
            break;
        if (t->nodes[at].owner != VPN_ALLOWEDIPS_NONE)
            best = t->nodes[at].owner;
    }
    return best;
}

struct table {
    const char *name;
    uint8_t family, least, most;
    uint32_t prefixes;
    double lookups, bytes; /* targets: millions a second, bytes a prefix; 0: none */
};

static vpn_prefix random_prefix(const struct table *what, uint64_t *seed)
{
    vpn_prefix p = {.family = what->family};
    uint64_t words[2] = {bench_random(seed), bench_random(seed)};
    p.bits = (uint8_t)(what->least + bench_random(seed) % (what->most - what->least + 1u));
    memcpy(p.addr, words, what->family == 4 ? 4 : 16);
    if (what->family == 6)
        p.addr[0] = (uint8_t)(0x20 | (p.addr[0] & 1)); /* global unicast as it is given out */
    for (uint32_t b = p.bits; b < (what->family == 4 ? 32u : 128u); b++)
        p.addr[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
    return p;
}

/* Half of the addresses are in a prefix of the table, the others anywhere. */
static uint8_t *make_addresses(const struct table *what, const vpn_prefix *prefixes)
{
    uint8_t *addrs = bench_alloc((size_t)LOOKUPS * 16);
    uint64_t seed = 99;
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        uint64_t noise[2] = {bench_random(&seed), bench_random(&seed)};
        const vpn_prefix *p = &prefixes[bench_random(&seed) % what->prefixes];
        uint8_t *addr = addrs + (size_t)i * 16;
        memcpy(addr, noise, 16);
        for (uint32_t b = 0; i % 2 == 0 && b < p->bits; b++)
            addr[b / 8] = (uint8_t)((addr[b / 8] & ~(0x80 >> b % 8)) | (p->addr[b / 8] & 0x80 >> b % 8));
    }
    return addrs;
}

struct rates {
    double one[BENCH_RUNS_MAX], many[BENCH_RUNS_MAX], plain[BENCH_RUNS_MAX];
};

static double rate(uint64_t begin, uint32_t lookups)
{
    return lookups * 1e3 / (double)(bench_now() - begin);
}

/* One repetition of each way, in turn. All three must agree. */
static void measure(const struct table *what, const vpn_allowedips *table, const struct plain_trie *plain,
                    const uint8_t *addrs, struct rates *rates, int run)
{
    uint32_t bits = what->family == 4 ? 32 : 128, owners[BATCH];
    uint64_t sum[3] = {0, 0, 0}, begin = bench_now();
    for (uint32_t i = 0; i < LOOKUPS; i++)
        sum[0] += vpn_allowedips_lookup(table, what->family, addrs + (size_t)i * 16);
    rates->one[run] = rate(begin, LOOKUPS);
    begin = bench_now();
    for (uint32_t i = 0; i < LOOKUPS; i += BATCH) {
        uint32_t n = LOOKUPS - i < BATCH ? LOOKUPS - i : BATCH;
        vpn_allowedips_lookup_many(table, what->family, addrs + (size_t)i * 16, 16, owners, n);
        for (uint32_t k = 0; k < n; k++)
            sum[1] += owners[k];
    }
    rates->many[run] = rate(begin, LOOKUPS);
    begin = bench_now();
    for (uint32_t i = 0; i < LOOKUPS; i++)
        sum[2] += plain_lookup(plain, addrs + (size_t)i * 16, bits);
    rates->plain[run] = rate(begin, LOOKUPS);
    if (sum[0] != sum[1] || sum[0] != sum[2]) {
        bench_progress("the ways disagree");
        exit(1);
    }
}

static void bench_table(const struct table *what)
{
    static struct rates rates;
    vpn_prefix *prefixes = bench_alloc(what->prefixes * sizeof *prefixes);
    struct plain_trie plain = {NULL, 0, 0};
    vpn_allowedips *table;
    uint64_t seed = 1, begin;
    double inserted;

    bench_progress("%s", what->name);
    if (vpn_allowedips_new(&table, NULL) != VPN_OK)
        exit(1);
    for (uint32_t i = 0; i < what->prefixes; i++)
        prefixes[i] = random_prefix(what, &seed);
    begin = bench_now();
    for (uint32_t i = 0; i < what->prefixes; i++)
        if (vpn_allowedips_insert(table, &prefixes[i], i & 0xffff) != VPN_OK)
            exit(1);
    inserted = rate(begin, what->prefixes);
    for (uint32_t i = 0; i < what->prefixes; i++)
        plain_insert(&plain, &prefixes[i], i & 0xffff);
    uint8_t *addrs = make_addresses(what, prefixes);
    for (int run = 0; run < bench_runs(); run++)
        measure(what, table, &plain, addrs, &rates, run);
    double many = bench_median(rates.many, bench_runs()), one = bench_median(rates.one, bench_runs());
    double base = bench_median(rates.plain, bench_runs());
    double bytes = (double)vpn_allowedips_memory(table) / (double)vpn_allowedips_count(table);
    bench_row(what->name, "plain binary trie, one address a call", base, "M/s");
    bench_row(what->name, "one address a call", one, "M/s");
    if (what->lookups > 0)
        bench_target(what->name, "128 addresses a call", many, "M/s", what->lookups, 0);
    else
        bench_row(what->name, "128 addresses a call", many, "M/s");
    bench_row(what->name, "128 addresses a call / plain", many / base, "x");
    bench_row(what->name, "insertion", inserted, "M/s");
    if (what->bytes > 0)
        bench_target(what->name, "memory", bytes, "B/prefix", what->bytes, 1);
    else
        bench_row(what->name, "memory", bytes, "B/prefix");
    free(addrs);
    free(prefixes);
    free(plain.nodes);
    vpn_allowedips_free(table);
}

int main(int argc, char **argv)
{
    static const struct table tables[] = {
        {"1,000 x /32", 4, 32, 32, 1000, 0, 0},
        {"1,000,000 x /8 to /32", 4, 8, 32, 1000000, 20, 64},
        {"1,000,000 x /24 to /32", 4, 24, 32, 1000000, 20, 64},
        {"1,000,000 x /32", 4, 32, 32, 1000000, 10, 96},
        {"200,000 x IPv6 /16 to /128", 6, 16, 128, 200000, 8, 0},
    };
    bench_options(argc, argv, "Lookups in AllowedIPs tables: random prefixes, half of the addresses in one of them.");
    for (size_t i = 0; i < sizeof tables / sizeof *tables && (i == 0 || !bench_quick()); i++)
        if (bench_wants(tables[i].name))
            bench_table(&tables[i]);
    return bench_report("allowedips");
}
