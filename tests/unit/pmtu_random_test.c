/* SPDX-License-Identifier: ISC */
/* Thousands of paths over virtual time. What should be found is plain from the path itself. */
#include <vpn/pmtu.h>

#include "common/pmtu.h"

#define MINUTE (60 * VPN_SECOND)
#define TURNS  150

static struct path p;

/* A tunnel of any kind, over a path of any size; `inner6` says what is inside. */
struct scene {
    vpn_pmtu_config config;
    uint8_t family;
    uint32_t inner6, link, truth, least, greatest, base;
};

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static struct scene make_scene(uint64_t *seed, int probes)
{
    struct scene s = {.family = test_below(seed, 2) ? 4 : 6, .inner6 = (uint32_t)test_below(seed, 2)};
    uint8_t probe = s.inner6 && test_below(seed, 2) ? 6 : 4;
    s.config = path_config(probes ? probe : 0, s.inner6 ? VPN_PMTU_INNER_IPV6 : 0);
    s.least = s.inner6 ? 1280 : s.family == 6 ? 1200 : 576;
    s.link = test_below(seed, 4) ? 1500 : 1400 + (uint32_t)test_below(seed, 500);
    s.greatest = s.link - path_overhead(s.family);
    s.base = s.inner6 ? 1280 : 1200;
    return s;
}

/* Of the path: what it takes, in outer bytes. */
static uint32_t any_path(const struct scene *s, uint64_t *seed, uint32_t from)
{
    return from + (uint32_t)test_below(seed, s->link - from + 1);
}

static void open_scene(const struct scene *s, uint32_t path, uint64_t seed)
{
    vpn_pmtu_config c = s->config;
    path_open(&p, &c, s->family, s->link, seed);
    p.mtu = path;
}

static uint32_t expected(const struct scene *s, uint32_t path)
{
    uint32_t fits = path - path_overhead(s->family);
    return fits < s->least ? s->least : at_most(fits, s->greatest);
}

static uint32_t log2_up(uint32_t n)
{
    uint32_t bits = 0;
    while ((1u << bits) < n)
        bits++;
    return bits;
}

/* No errors come: the exact MTU all the same, in so many pairs, and never more than it on the way. */
START_TEST(exact)
{
    uint64_t seed = (uint64_t)_i * 1000 + 1;
    for (int turn = 0; turn < TURNS; turn++) {
        struct scene s = make_scene(&seed, 1);
        uint32_t path = any_path(&s, &seed, s.family == 6 ? 1280 : 600), want = expected(&s, path);
        open_scene(&s, path, test_random(&seed));
        uint32_t fits = path - path_overhead(s.family), divided = fits < s.least;
        if (fits >= s.base)
            p.bound = want;
        path_run(&p, p.now + 3 * MINUTE);
        vpn_pmtu_status st = path_status(&p);
        ck_assert_msg(st.mtu == want && st.divide == divided, "path %u over %u: %u, not %u", path, s.family, st.mtu,
                      want);
        ck_assert_uint_eq(st.state, divided ? VPN_PMTU_ERROR : VPN_PMTU_COMPLETE);
        ck_assert_uint_le(p.greatest, s.greatest);
        /* three for each size, less for those that pass; then confirmations, one a minute */
        uint32_t sizes = fits >= s.base ? 2 + log2_up(s.greatest - s.base + 1) : 3 + log2_up(s.base - s.least + 1);
        ck_assert_uint_le(st.probes, 2 * 3 * (sizes + (divided ? 2 : 0)) + 2 * 3);
        path_close(&p);
    }
}
END_TEST

/* One packet in twenty is lost, many come twice, and the order is any: it is found all the same, and never exceeded. */
START_TEST(lossy)
{
    uint64_t seed = (uint64_t)_i * 1000 + 2;
    uint32_t missed = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        struct scene s = make_scene(&seed, 1);
        uint32_t path = any_path(&s, &seed, s.base + path_overhead(s.family));
        open_scene(&s, path, test_random(&seed));
        p.bound = expected(&s, path);
        p.lose = 25; /* each way */
        p.twice = 300;
        p.fast = VPN_MILLISECOND;
        p.slow = 1900 * VPN_MILLISECOND;
        path_run(&p, p.now + 5 * MINUTE);
        missed += vpn_pmtu_mtu(p.pmtu) != p.bound;
        path_run(&p, p.now + 25 * MINUTE); /* a search that went wrong is made good by the next */
        ck_assert_uint_ge(vpn_pmtu_mtu(p.pmtu), s.least);
        path_close(&p);
    }
    ck_assert_uint_le(missed, TURNS / 20);
}
END_TEST

/* The path shrinks: it shows at the next confirmation, after a search that may be under way. It grows: after ten minutes. */
START_TEST(changing)
{
    uint64_t seed = (uint64_t)_i * 1000 + 3;
    for (int turn = 0; turn < TURNS / 3; turn++) {
        struct scene s = make_scene(&seed, 1);
        uint32_t path = any_path(&s, &seed, s.family == 6 ? 1280 : 640);
        open_scene(&s, path, test_random(&seed));
        path_run(&p, p.now + 3 * MINUTE);
        for (int change = 0; change < 6; change++) {
            uint32_t before = p.mtu;
            p.mtu = any_path(&s, &seed, s.family == 6 ? 1280 : 640);
            vpn_time since = p.now;
            if (p.mtu < before) {
                path_run(&p, since + 2 * MINUTE + 8 * VPN_SECOND);
                ck_assert_uint_le(vpn_pmtu_mtu(p.pmtu), expected(&s, p.mtu) > s.base ? expected(&s, p.mtu) : s.base);
                path_run(&p, since + 4 * MINUTE);
            } else {
                path_run(&p, since + 13 * MINUTE);
            }
            vpn_pmtu_status st = path_status(&p);
            ck_assert_uint_eq(st.mtu, expected(&s, p.mtu));
            ck_assert_uint_eq(st.divide, p.mtu - path_overhead(s.family) < s.least);
        }
        path_close(&p);
    }
}
END_TEST

/* Errors come: believed at once, forgotten after ten minutes. With and without probes. */
START_TEST(told)
{
    static uint8_t packet[2048];
    uint64_t seed = (uint64_t)_i * 1000 + 4;
    for (int turn = 0; turn < TURNS; turn++) {
        int probes = turn % 2;
        struct scene s = make_scene(&seed, probes);
        uint32_t path = any_path(&s, &seed, 1380);
        open_scene(&s, s.link, test_random(&seed));
        p.quiet = 0;
        path_run(&p, p.now + VPN_SECOND);
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), s.greatest);
        p.mtu = path;
        path_carry(&p, packet, s.greatest); /* the tunnel's own traffic finds out */
        path_run(&p, p.now + VPN_SECOND);
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), expected(&s, path));
        p.mtu = s.link;
        path_run(&p, p.now + 9 * MINUTE);
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), expected(&s, path));
        path_run(&p, p.now + 2 * MINUTE);
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), s.greatest);
        path_close(&p);
    }
}
END_TEST

/* An error that somebody invented: he knows everything but what was sent, or has seen a packet long ago. */
static void invent(uint64_t *seed)
{
    uint8_t quote[128];
    uint32_t index = p.index, bytes = 16 + (uint32_t)test_below(seed, 17), ip = p.family == 4 ? 20 : 40;
    uint64_t counter = p.counter - 1;
    vpn_pmtu_report r = {.size = sizeof r, .kind = VPN_PMTU_QUOTE_PACKET};
    switch (test_below(seed, 4)) {
    case 0:
        index ^= 1 + (uint32_t)test_below(seed, UINT32_MAX);
        break;
    case 1:
        counter = p.counter + test_random(seed) % (UINT64_MAX / 2);
        break;
    case 2:
        bytes = (uint32_t)test_below(seed, 16);
        break;
    default:
        break;
    }
    r.length = path_outer(quote, p.family, 1400, index, counter, bytes);
    r.mtu = (uint32_t)test_below(seed, 1480);
    r.quote = quote;
    if (index == p.index && counter < p.counter && bytes >= 16) {
        uint32_t byte = test_below(seed, 2)
                            ? (p.family == 4 ? 12 : 8) + (uint32_t)test_below(seed, p.family == 4 ? 8 : 32)
                            : ip + (uint32_t)test_below(seed, 4);
        quote[byte] ^= (uint8_t)(1 + test_below(seed, 255));
    }
    vpn_pmtu_status was = path_status(&p), is;
    ck_assert_int_ne(vpn_pmtu_error(p.pmtu, &r, p.now), VPN_PMTU_LOWERED);
    is = path_status(&p);
    was.refused = is.refused;
    ck_assert_mem_eq(&was, &is, sizeof is);
}

/* A reply that somebody behind the peer invented. */
static void invent_reply(uint64_t *seed)
{
    static uint8_t packet[2048];
    struct flow flow = {.version = 4, .protocol = 1, .ttl = 64};
    uint32_t bytes = 44 + (uint32_t)test_below(seed, 1500);
    memcpy(flow.src, path_inner_src, 4);
    memcpy(flow.dst, path_inner_dst, 4);
    test_fill(seed, packet, bytes);
    flow_write_ip4(packet, &flow, bytes);
    packet[20] = 8;
    packet[21] = 0;
    path_answer(packet, bytes);
    vpn_pmtu_status was = path_status(&p), is;
    ck_assert_int_eq(vpn_pmtu_reply(p.pmtu, packet, bytes, p.now), VPN_ENOENT);
    is = path_status(&p);
    ck_assert_mem_eq(&was, &is, sizeof is);
}

START_TEST(spoofed)
{
    uint64_t seed = (uint64_t)_i * 1000 + 5;
    for (int turn = 0; turn < TURNS / 3; turn++) {
        struct scene s = make_scene(&seed, 1);
        uint32_t path = any_path(&s, &seed, s.base + path_overhead(s.family));
        s.config.probe_family = 4;
        s.config = path_config(4, s.config.flags);
        open_scene(&s, path, test_random(&seed));
        p.bound = expected(&s, path);
        for (int i = 0; i < 300; i++) {
            path_run(&p, p.now + test_below64(&seed, 2 * VPN_SECOND));
            invent(&seed);
            invent_reply(&seed);
        }
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), p.bound);
        path_close(&p);
    }
}
END_TEST

/* The peer comes and goes, and the path stays: whoever is away says nothing about it. */
START_TEST(comes_and_goes)
{
    uint64_t seed = (uint64_t)_i * 1000 + 6;
    for (int turn = 0; turn < TURNS / 3; turn++) {
        struct scene s = make_scene(&seed, 1);
        uint32_t path = any_path(&s, &seed, s.base + path_overhead(s.family));
        open_scene(&s, path, test_random(&seed));
        p.bound = expected(&s, path);
        path_run(&p, p.now + 2 * MINUTE);
        for (int i = 0; i < 20; i++) {
            ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), p.bound);
            p.down = !p.down;
            path_run(&p, p.now + test_below64(&seed, 5 * MINUTE));
        }
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), p.bound);
        path_close(&p);
    }
}
END_TEST

/* Multiples of 16: the greatest that fits even where its padding is rounded up. */
START_TEST(multiples)
{
    uint64_t seed = (uint64_t)_i * 1000 + 7;
    for (int turn = 0; turn < TURNS; turn++) {
        struct scene s = make_scene(&seed, 1);
        uint32_t path = any_path(&s, &seed, s.base + path_overhead(s.family)), want = expected(&s, path);
        s.config.multiple = 16;
        open_scene(&s, path, test_random(&seed));
        path_run(&p, p.now + 3 * MINUTE);
        ck_assert_uint_eq(vpn_pmtu_mtu(p.pmtu), want == s.greatest ? want : want - want % 16);
        path_close(&p);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_random");
    test_loop(suite, "exact", exact, 8);
    test_loop(suite, "lossy", lossy, 8);
    test_loop(suite, "changing", changing, 8);
    test_loop(suite, "told", told, 8);
    test_loop(suite, "spoofed", spoofed, 8);
    test_loop(suite, "comes_and_goes", comes_and_goes, 8);
    test_loop(suite, "multiples", multiples, 4);
    return suite;
}

TEST_MAIN(make_suite)
