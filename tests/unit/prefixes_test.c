/* SPDX-License-Identifier: ISC */
/* Sets of prefixes, against a bitmap of a small universe that lies at several places in the address space. */
#include <vpn/prefixes.h>
#include <vpn/uapi.h>

#include "common/test.h"

#define CELLS 256u

/* 256 cells, each a prefix of `base + 8` bits, below a parent of `base` bits all of which are `fill`. */
static const struct place {
    uint8_t family, base, fill;
} places[] = {{4, 0, 0},      {4, 24, 0xff}, {4, 24, 0},    {4, 11, 0xff}, {6, 0, 0},
              {6, 120, 0xff}, {6, 120, 0},   {6, 60, 0xff}, {6, 56, 0}};

#define PLACES (sizeof(places) / sizeof(places[0]))

static void put_bit(uint8_t *addr, uint32_t at, uint32_t value)
{
    uint8_t mask = (uint8_t)(0x80u >> (at % 8));
    addr[at / 8] = (uint8_t)(value ? addr[at / 8] | mask : addr[at / 8] & ~mask);
}

/* The prefix of 2^(8 - bits) cells from cell `first` on. */
static vpn_prefix cell_prefix(const struct place *p, uint32_t first, uint32_t bits)
{
    vpn_prefix prefix = {.family = p->family, .bits = (uint8_t)(p->base + bits)};
    for (uint32_t i = 0; i < p->base; i++)
        put_bit(prefix.addr, i, p->fill & 1);
    for (uint32_t i = 0; i < bits; i++)
        put_bit(prefix.addr, p->base + i, first >> (7 - i) & 1);
    return prefix;
}

static vpn_prefix random_prefix(const struct place *p, uint64_t *seed, uint32_t *first, uint32_t *count)
{
    uint32_t bits = (uint32_t)test_below(seed, 9);
    *count = CELLS >> bits;
    *first = (uint32_t)test_below(seed, CELLS) / *count * *count;
    vpn_prefix prefix = cell_prefix(p, *first, bits);
    for (uint32_t i = prefix.bits; i < (p->family == 4 ? 32u : 128u); i++)
        put_bit(prefix.addr, i, test_below(seed, 2) != 0);
    return prefix;
}

/* How few prefixes make up a part of the bitmap: one when it is full, else those of its halves. */
static size_t fewest(const uint8_t *cells, size_t count)
{
    size_t full = 0;
    for (size_t i = 0; i < count; i++)
        full += cells[i];
    if (full == 0 || full == count)
        return full != 0;
    return fewest(cells, count / 2) + fewest(cells + count / 2, count / 2);
}

/* How many listed prefixes hold a cell. */
static size_t listed(const struct place *p, uint32_t cell, const vpn_prefix *list, size_t count)
{
    size_t n = 0;
    for (size_t k = 0; k < count; k++) {
        vpn_prefix want = cell_prefix(p, cell, (uint32_t)list[k].bits - p->base);
        n += memcmp(&want, &list[k], sizeof(want)) == 0;
    }
    return n;
}

/* One assertion for many looks: each is a message to Check's own process. */
static void expect(const vpn_prefixes *set, const struct place *p, const uint8_t cells[CELLS])
{
    vpn_prefix list[CELLS];
    size_t count, want = fewest(cells, CELLS), wrong = 0;
    ck_assert_int_eq(vpn_prefixes_list(set, list, CELLS, &count), 0);
    ck_assert_uint_eq(count, want);
    ck_assert_uint_eq(vpn_prefixes_count(set), want);
    for (uint32_t i = 0; i < CELLS; i++) {
        vpn_prefix cell = cell_prefix(p, i, 8);
        wrong += vpn_prefixes_contains(set, p->family, cell.addr) != cells[i];
        wrong += listed(p, i, list, count) != cells[i];
    }
    ck_assert_uint_eq(wrong, 0);
    for (uint32_t bits = 0; bits <= 8; bits++) {
        for (uint32_t first = 0; first < CELLS; first += CELLS >> bits) {
            size_t full = 0;
            vpn_prefix prefix = cell_prefix(p, first, bits);
            for (uint32_t i = first; i < first + (CELLS >> bits); i++)
                full += cells[i];
            wrong += vpn_prefixes_covers(set, &prefix) != (full == CELLS >> bits);
            wrong += vpn_prefixes_overlaps(set, &prefix) != (full != 0);
        }
    }
    ck_assert_uint_eq(wrong, 0);
}

static vpn_prefixes *make(void)
{
    vpn_prefixes *set;
    ck_assert_int_eq(vpn_prefixes_new(&set, NULL), 0);
    return set;
}

/* A list of up to 12 prefixes, added to a set or taken out of it, and the same done to the bitmap. */
static void change(vpn_prefixes *set, const struct place *p, uint8_t cells[CELLS], uint64_t *seed)
{
    vpn_prefix list[12], other;
    size_t count = test_below(seed, 13);
    uint8_t add = test_below(seed, 2) != 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t first, n;
        list[i] = random_prefix(p, seed, &first, &n);
        memset(cells + first, add, n);
    }
    vpn_prefixes *with = make();
    if (test_below(seed, 2)) {
        ck_assert_int_eq(vpn_prefixes_add(with, list, count), 0);
        ck_assert_int_eq(add ? vpn_prefixes_add_set(set, with) : vpn_prefixes_subtract_set(set, with), 0);
    } else {
        ck_assert_int_eq(add ? vpn_prefixes_add(set, list, count) : vpn_prefixes_subtract(set, list, count), 0);
    }
    other = (vpn_prefix){.family = p->family == 4 ? 6 : 4};
    ck_assert_int_eq(vpn_prefixes_overlaps(set, &other), 0);
    vpn_prefixes_free(with);
}

START_TEST(as_a_bitmap)
{
    const struct place *p = &places[(size_t)_i % PLACES];
    uint64_t seed = (uint64_t)_i;
    uint8_t cells[CELLS] = {0};
    vpn_prefixes *set = make();
    for (size_t turn = 0; turn < 40; turn++) {
        change(set, p, cells, &seed);
        expect(set, p, cells);
    }
    vpn_prefixes_free(set);
}
END_TEST

static vpn_prefix parse(const char *text)
{
    vpn_prefix prefix;
    ck_assert_int_eq(vpn_prefix_parse(&prefix, text, strlen(text)), 0);
    return prefix;
}

static void expect_list(const vpn_prefixes *set, const char *want)
{
    vpn_prefix list[256];
    char have[8192] = "", text[VPN_PREFIX_CHARS];
    size_t count;
    ck_assert_int_eq(vpn_prefixes_list(set, list, 256, &count), 0);
    for (size_t i = 0; i < count; i++) {
        vpn_prefix_format(text, &list[i]);
        strcat(strcat(have, i ? " " : ""), text);
    }
    ck_assert_str_eq(have, want);
}

START_TEST(known_lists)
{
    vpn_prefixes *set = make();
    vpn_prefix halves[] = {parse("128.0.0.0/1"), parse("0.0.0.0/1"), parse("8000::/1"), parse("::/1")};
    vpn_prefix lan = parse("192.168.0.0/16"), last = parse("255.255.255.255"), end = parse("ffff::/16");
    ck_assert_int_eq(vpn_prefixes_add(set, halves, 4), 0);
    expect_list(set, "0.0.0.0/0 ::/0");
    ck_assert_int_eq(vpn_prefixes_subtract(set, &lan, 1), 0);
    ck_assert_int_eq(vpn_prefixes_subtract(set, &end, 1), 0);
    expect_list(set, "0.0.0.0/1 128.0.0.0/2 192.0.0.0/9 192.128.0.0/11 192.160.0.0/13 192.169.0.0/16 192.170.0.0/15 "
                     "192.172.0.0/14 192.176.0.0/12 192.192.0.0/10 193.0.0.0/8 194.0.0.0/7 196.0.0.0/6 200.0.0.0/5 "
                     "208.0.0.0/4 224.0.0.0/3 ::/1 8000::/2 c000::/3 e000::/4 f000::/5 f800::/6 fc00::/7 fe00::/8 "
                     "ff00::/9 ff80::/10 ffc0::/11 ffe0::/12 fff0::/13 fff8::/14 fffc::/15 fffe::/16");
    ck_assert_int_eq(vpn_prefixes_subtract(set, halves, 4), 0);
    expect_list(set, "");
    ck_assert_int_eq(vpn_prefixes_add(set, &last, 1), 0);
    expect_list(set, "255.255.255.255/32");
    ck_assert_int_eq(vpn_prefixes_subtract_set(set, set), 0);
    expect_list(set, "");
    vpn_prefixes_free(set);
}
END_TEST

START_TEST(what_is_no_prefix)
{
    vpn_prefix bad[] = {
        {.family = 5}, {.family = 4, .bits = 33}, {.family = 6, .bits = 129}, {.family = 4, .reserved = {1, 0}}};
    vpn_prefix good[2] = {parse("10.0.0.0/8"), {.family = 0}};
    vpn_prefixes *set = make();
    ck_assert_int_eq(vpn_prefixes_add(set, good, 1), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        good[1] = bad[i];
        ck_assert_int_eq(vpn_prefixes_add(set, good, 2), VPN_EINVAL);
        ck_assert_int_eq(vpn_prefixes_subtract(set, good, 2), VPN_EINVAL);
        ck_assert_int_eq(vpn_prefixes_covers(set, &bad[i]), 0);
        ck_assert_int_eq(vpn_prefixes_overlaps(set, &bad[i]), 0);
    }
    ck_assert_int_eq(vpn_prefixes_add(set, NULL, 1), VPN_EINVAL);
    ck_assert_int_eq(vpn_prefixes_add(set, NULL, 0), 0);
    ck_assert_int_eq(vpn_prefixes_contains(set, 5, good[0].addr), 0);
    expect_list(set, "10.0.0.0/8");
    vpn_prefixes_free(set);
    vpn_prefixes_free(NULL);
}
END_TEST

START_TEST(room_for_some)
{
    vpn_prefixes *set = make();
    vpn_prefix out[4], list[] = {parse("10.0.0.0/8"), parse("12.0.0.0/8"), parse("::/1")};
    size_t count;
    ck_assert_int_eq(vpn_prefixes_add(set, list, 3), 0);
    for (size_t capacity = 0; capacity < 4; capacity++) {
        memset(out, 0x5a, sizeof(out));
        ck_assert_int_eq(vpn_prefixes_list(set, capacity ? out : NULL, capacity, &count),
                         capacity < 3 ? VPN_ESPACE : 0);
        ck_assert_uint_eq(count, 3);
        ck_assert_mem_eq(out, list, capacity * sizeof(out[0]));
        ck_assert_uint_eq(out[capacity].family, 0x5a);
    }
    vpn_prefixes_free(set);
}
END_TEST

START_TEST(equal_by_what_they_hold)
{
    vpn_prefixes *a = make(), *b = make();
    vpn_prefix halves[] = {parse("10.0.0.0/9"), parse("10.128.0.0/9")}, whole = parse("10.1.2.3/8"),
               six = parse("::/0");
    ck_assert_int_eq(vpn_prefixes_add(a, halves, 2), 0);
    ck_assert_int_eq(vpn_prefixes_equal(a, b), 0);
    ck_assert_int_eq(vpn_prefixes_add(b, &whole, 1), 0);
    ck_assert_int_eq(vpn_prefixes_equal(a, b), 1);
    ck_assert_int_eq(vpn_prefixes_subtract(b, halves, 1), 0);
    ck_assert_int_eq(vpn_prefixes_equal(a, b), 0);
    ck_assert_int_eq(vpn_prefixes_add_set(b, a), 0);
    ck_assert_int_eq(vpn_prefixes_add(b, &six, 1), 0);
    ck_assert_int_eq(vpn_prefixes_equal(a, b), 0);
    vpn_prefixes_free(a);
    vpn_prefixes_free(b);
}
END_TEST

/* 100,000 prefixes in bad order, and every second one taken out again. */
START_TEST(many)
{
    enum { MANY = 100000 };
    vpn_prefix *list = calloc(MANY, sizeof(*list));
    vpn_prefixes *set = make();
    size_t count;
    ck_assert_ptr_nonnull(list);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t n = (uint32_t)((uint64_t)i * 70001 % MANY) * 2;
        list[i] = (vpn_prefix){
            .family = 6, .bits = 48, .addr = {0x20, 1, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
    }
    ck_assert_int_eq(vpn_prefixes_add(set, list, MANY), 0);
    ck_assert_uint_eq(vpn_prefixes_count(set), MANY);
    ck_assert_int_eq(vpn_prefixes_subtract(set, list, MANY / 2), 0);
    ck_assert_uint_eq(vpn_prefixes_count(set), MANY / 2);
    ck_assert_int_eq(vpn_prefixes_list(set, list, MANY, &count), 0);
    ck_assert_uint_eq(count, MANY / 2);
    vpn_prefixes_free(set);
    free(list);
}
END_TEST

/* Whichever allocation fails, the set is what it was. */
START_TEST(memory_that_fails)
{
    vpn_prefix list[] = {parse("10.0.0.0/8"), parse("::/3"), parse("10.9.0.0/16"), parse("12.0.0.0/8")};
    for (size_t fail = 1;; fail++) {
        test_host host = {.fail_at = 0};
        vpn_env env = test_env(&host);
        vpn_prefixes *set;
        host.fail_at = fail;
        if (vpn_prefixes_new(&set, &env)) {
            ck_assert_uint_eq(host.live, 0);
            continue;
        }
        int first = vpn_prefixes_add(set, list, 2);
        int second = vpn_prefixes_subtract(set, list + 2, 1);
        if (first)
            ck_assert_int_eq(first, VPN_ENOMEM);
        expect_list(set, first    ? ""
                         : second ? "10.0.0.0/8 ::/3"
                                  : "10.0.0.0/13 10.8.0.0/16 10.10.0.0/15 10.12.0.0/14 10.16.0.0/12 10.32.0.0/11 "
                                    "10.64.0.0/10 10.128.0.0/9 ::/3");
        vpn_prefixes_free(set);
        ck_assert_uint_eq(host.live, 0);
        if (host.calls < fail)
            break;
    }
}
END_TEST

static Suite *prefixes_suite(void)
{
    Suite *suite = suite_create("prefixes");
    test_loop(suite, "as a bitmap", as_a_bitmap, 90);
    test_add(suite, "known lists", known_lists);
    test_add(suite, "what is no prefix", what_is_no_prefix);
    test_add(suite, "room for some", room_for_some);
    test_add(suite, "equal by what they hold", equal_by_what_they_hold);
    test_add(suite, "many", many);
    test_add(suite, "memory that fails", memory_that_fails);
    return suite;
}

TEST_MAIN(prefixes_suite)
