/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_search.h"

#include "common/pmtu.h"

static struct vpn__pmtu_limits limits_of(uint32_t floor, uint32_t base, uint32_t ceiling, uint32_t multiple)
{
    return (struct vpn__pmtu_limits){floor, base, ceiling, base, multiple, 1, 0};
}

static void check(const struct vpn__pmtu_search *s)
{
    const struct vpn__pmtu_limits *l = &s->limits;
    uint32_t next = vpn__pmtu_search_next(s);
    PATH_MUST(l->floor <= s->cap && s->cap <= l->ceiling && l->floor <= s->mtu && s->mtu <= s->cap);
    PATH_MUST(s->low < s->high && s->high <= s->cap + 1);
    PATH_MUST(s->mtu < s->high || (s->mtu == l->floor && s->divide));
    PATH_MUST((next == 0) == (s->state == VPN_PMTU_PASSIVE));
    PATH_MUST(next <= s->cap);
    if (s->state == VPN_PMTU_SEARCHING) {
        PATH_MUST(next > s->low && next < s->high && s->low != 0);
        PATH_MUST(next % l->multiple == 0 || next == l->ceiling);
    }
    if (s->state == VPN_PMTU_COMPLETE)
        PATH_MUST(s->low == s->mtu);
}

/* One probe of a path that takes `truth`. */
static void probe(struct vpn__pmtu_search *s, uint32_t truth)
{
    uint32_t size = vpn__pmtu_search_next(s);
    if (size <= truth)
        vpn__pmtu_search_passed(s, size);
    else
        vpn__pmtu_search_vanished(s, size);
    check(s);
}

static int is_over(const struct vpn__pmtu_search *s)
{
    return s->state == VPN_PMTU_COMPLETE || (s->state == VPN_PMTU_ERROR && s->divide);
}

static uint32_t run(struct vpn__pmtu_search *s, uint32_t truth)
{
    uint32_t probes = 0;
    for (; !is_over(s); probes++)
        probe(s, truth);
    return probes;
}

/* The greatest size that may be used, looked for one by one. */
static uint32_t expected(const struct vpn__pmtu_limits *l, uint32_t truth)
{
    uint32_t best = l->floor;
    for (uint32_t size = l->floor; size <= l->ceiling && size <= truth; size++)
        if (size % l->multiple == 0 || size == l->ceiling || size == l->base)
            best = size;
    return best;
}

static uint32_t log2_up(uint32_t n)
{
    uint32_t bits = 0;
    while ((1u << bits) < n)
        bits++;
    return bits;
}

/* Every path, every multiple: the exact size, in as many probes as the header says (and one more below the base). */
START_TEST(exact)
{
    for (uint32_t multiple = 1; multiple <= 16; multiple *= 2)
        for (uint32_t ceiling = 1200; ceiling < 1500; ceiling += 60)
            for (uint32_t truth = 560; truth < 1520; truth++) {
                struct vpn__pmtu_limits l = limits_of(576, 1200, ceiling, multiple);
                struct vpn__pmtu_search s;
                vpn__pmtu_search_start(&s, &l);
                check(&s);
                uint32_t probes = run(&s, truth);
                PATH_MUST(s.mtu == expected(&l, truth));
                PATH_MUST((s.divide != 0) == (truth < 576));
                if (truth >= 1200)
                    PATH_MUST(probes <= 2 + log2_up(ceiling - 1200 + 1));
                else
                    PATH_MUST(probes <= 3 + log2_up(1200 - 576));
            }
}
END_TEST

/* On the usual path, two probes. */
START_TEST(greatest_first)
{
    struct vpn__pmtu_limits l = limits_of(576, 1200, 1440, 1);
    struct vpn__pmtu_search s;
    vpn__pmtu_search_start(&s, &l);
    ck_assert_uint_eq(s.mtu, 1200);
    ck_assert_uint_eq(run(&s, 1440), 2);
    ck_assert_uint_eq(s.mtu, 1440);
}
END_TEST

/* A start value is used until a probe of no more than it vanishes. */
START_TEST(start_value)
{
    struct vpn__pmtu_limits l = limits_of(576, 1200, 1440, 1);
    struct vpn__pmtu_search s;
    l.start = 1420;
    vpn__pmtu_search_start(&s, &l);
    probe(&s, 1300);
    ck_assert_uint_eq(s.mtu, 1420);
    probe(&s, 1300); /* 1440 vanishes */
    ck_assert_uint_eq(s.mtu, 1420);
    probe(&s, 1300); /* 1320 vanishes */
    ck_assert_uint_eq(s.mtu, 1200);
    (void)run(&s, 1300);
    ck_assert_uint_eq(s.mtu, 1300);
}
END_TEST

/* What was in use vanishes: the base at once, then a new search below it. */
START_TEST(black_hole)
{
    struct vpn__pmtu_limits l = limits_of(576, 1200, 1440, 1);
    struct vpn__pmtu_search s;
    vpn__pmtu_search_start(&s, &l);
    (void)run(&s, 1440);
    probe(&s, 1440); /* confirmed */
    ck_assert_uint_eq(s.state, VPN_PMTU_COMPLETE);
    probe(&s, 1333);
    ck_assert_uint_eq(s.state, VPN_PMTU_BASE);
    ck_assert_uint_eq(s.mtu, 1200);
    (void)run(&s, 1333);
    ck_assert_uint_eq(s.mtu, 1333);
    probe(&s, 900);
    (void)run(&s, 900);
    ck_assert_uint_eq(s.mtu, 900);
    probe(&s, 600); /* below the base nothing is between it and the floor */
    ck_assert_uint_eq(s.state, VPN_PMTU_ERROR);
    ck_assert_uint_eq(s.mtu, 576);
    (void)run(&s, 600);
    ck_assert_uint_eq(s.mtu, 600);
    probe(&s, 500);
    (void)run(&s, 500);
    ck_assert(s.state == VPN_PMTU_ERROR && s.divide && s.mtu == 576);
    (void)probe(&s, 500);
    ck_assert(s.state == VPN_PMTU_ERROR && s.divide && s.mtu == 576);
    probe(&s, 1440); /* passes again: everything is tried again */
    ck_assert(!s.divide);
    (void)run(&s, 1440);
    ck_assert_uint_eq(s.mtu, 1440);
}
END_TEST

START_TEST(raising)
{
    struct vpn__pmtu_limits l = limits_of(576, 1200, 1440, 1);
    struct vpn__pmtu_search s;
    vpn__pmtu_search_start(&s, &l);
    (void)run(&s, 1300);
    vpn__pmtu_search_raise(&s);
    ck_assert_uint_eq(s.state, VPN_PMTU_SEARCHING);
    ck_assert_uint_eq(s.mtu, 1300);
    (void)run(&s, 1380);
    ck_assert_uint_eq(s.mtu, 1380);
    vpn__pmtu_search_raise(&s);
    (void)run(&s, 1440);
    vpn__pmtu_search_raise(&s); /* nothing left */
    ck_assert_uint_eq(s.state, VPN_PMTU_COMPLETE);
    ck_assert_uint_eq(s.mtu, 1440);
}
END_TEST

START_TEST(capping)
{
    struct vpn__pmtu_limits l = limits_of(576, 1200, 1440, 16);
    struct vpn__pmtu_search s;
    vpn__pmtu_search_start(&s, &l);
    (void)run(&s, 1440);
    ck_assert(!vpn__pmtu_search_cap(&s, 1440) && !vpn__pmtu_search_cap(&s, 5000));
    ck_assert(vpn__pmtu_search_cap(&s, 1375)); /* a multiple */
    check(&s);
    ck_assert_uint_eq(s.mtu, 1360);
    ck_assert_uint_eq(s.state, VPN_PMTU_BASE);
    ck_assert(!vpn__pmtu_search_cap(&s, 1400));
    ck_assert_uint_eq(run(&s, 1375), 2);
    ck_assert_uint_eq(s.mtu, 1360);
    vpn__pmtu_search_raise(&s); /* not over the cap */
    ck_assert_uint_eq(s.state, VPN_PMTU_COMPLETE);
    vpn__pmtu_search_uncap(&s);
    check(&s);
    ck_assert_uint_eq(s.state, VPN_PMTU_SEARCHING);
    ck_assert_uint_eq(vpn__pmtu_search_next(&s), 1440);
    ck_assert(vpn__pmtu_search_cap(&s, 100)); /* never under the floor */
    check(&s);
    ck_assert(s.mtu == 576 && s.divide);
    (void)run(&s, 1440); /* and the floor passes after all */
    ck_assert(s.mtu == 576 && !s.divide && s.state == VPN_PMTU_COMPLETE);
}
END_TEST

START_TEST(passive)
{
    struct vpn__pmtu_limits l = {576, 1200, 1440, 1440, 1, 0, 0};
    struct vpn__pmtu_search s;
    vpn__pmtu_search_start(&s, &l);
    check(&s);
    ck_assert_uint_eq(s.mtu, 1440);
    ck_assert(vpn__pmtu_search_cap(&s, 1300));
    ck_assert(vpn__pmtu_search_cap(&s, 300));
    check(&s);
    ck_assert(s.mtu == 576 && s.divide);
    vpn__pmtu_search_raise(&s);
    ck_assert_uint_eq(s.mtu, 576);
    vpn__pmtu_search_uncap(&s);
    ck_assert(s.mtu == 1440 && !s.divide);
}
END_TEST

/* Paths that change, errors true and false, at random moments: the invariants hold, and in the end the truth is found. */
START_TEST(random_walk)
{
    uint64_t seed = (uint64_t)_i + 1;
    for (int turn = 0; turn < 300; turn++) {
        uint32_t floor = 576 + (uint32_t)test_below(&seed, 2) * 704, base = floor > 1200 ? floor : 1200;
        uint32_t ceiling = base + (uint32_t)test_below(&seed, 800), multiple = 1u << test_below(&seed, 5);
        uint32_t truth = floor + (uint32_t)test_below(&seed, ceiling - floor + 50);
        struct vpn__pmtu_limits l = limits_of(floor, base, ceiling, multiple);
        struct vpn__pmtu_search s;
        l.start = floor + (uint32_t)test_below(&seed, ceiling - floor + 1);
        vpn__pmtu_search_start(&s, &l);
        for (int step = 0; step < 60; step++) {
            uint32_t what = (uint32_t)test_below(&seed, 20);
            if (what == 0)
                truth = floor - 20 + (uint32_t)test_below(&seed, ceiling - floor + 50);
            else if (what == 1)
                (void)vpn__pmtu_search_cap(&s, 400 + (uint32_t)test_below(&seed, 1200));
            else if (what == 2)
                vpn__pmtu_search_uncap(&s);
            else if (what == 3)
                vpn__pmtu_search_raise(&s);
            else
                probe(&s, truth);
            check(&s);
        }
        vpn__pmtu_search_uncap(&s);
        for (int again = 0; again < 3; again++) { /* confirmed and raised until nothing is left of what was before */
            probe(&s, truth);
            (void)run(&s, truth);
            vpn__pmtu_search_raise(&s);
            (void)run(&s, truth);
        }
        ck_assert_uint_eq(s.mtu, expected(&l, truth));
        ck_assert_uint_eq(s.divide, truth < floor);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_search");
    test_add(suite, "exact", exact);
    test_add(suite, "greatest_first", greatest_first);
    test_add(suite, "start_value", start_value);
    test_add(suite, "black_hole", black_hole);
    test_add(suite, "raising", raising);
    test_add(suite, "capping", capping);
    test_add(suite, "passive", passive);
    test_loop(suite, "random_walk", random_walk, 20);
    return suite;
}

TEST_MAIN(make_suite)
