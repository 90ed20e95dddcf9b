/* SPDX-License-Identifier: ISC */
#include <vpn/allowedips.h>

#include "common/host.h"

#define NONE VPN_ALLOWEDIPS_NONE

/* The definition: a list of prefixes and owners, searched from end to end. */
struct entry {
    vpn_prefix prefix;
    uint32_t owner;
};

struct model {
    struct entry entries[600];
    size_t count;
};

static uint8_t address_bytes(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

static int holds(const vpn_prefix *prefix, const uint8_t *addr)
{
    for (uint32_t i = 0; i < prefix->bits; i++) {
        if ((prefix->addr[i / 8] ^ addr[i / 8]) & 0x80 >> i % 8)
            return 0;
    }
    return 1;
}

static size_t model_find(const struct model *m, const vpn_prefix *prefix)
{
    size_t i = 0;
    while (i < m->count && (m->entries[i].prefix.family != prefix->family ||
                            m->entries[i].prefix.bits != prefix->bits || !holds(prefix, m->entries[i].prefix.addr)))
        i++;
    return i;
}

static uint32_t model_lookup(const struct model *m, uint8_t family, const uint8_t *addr)
{
    uint32_t owner = NONE;
    int longest = -1;
    for (size_t i = 0; i < m->count; i++) {
        const struct entry *e = &m->entries[i];
        if (e->prefix.family == family && e->prefix.bits > longest && holds(&e->prefix, addr)) {
            longest = e->prefix.bits;
            owner = e->owner;
        }
    }
    return owner;
}

static void model_remove_at(struct model *m, size_t i)
{
    m->count--;
    memmove(&m->entries[i], &m->entries[i + 1], (m->count - i) * sizeof(m->entries[0]));
}

static vpn_prefix make(const char *hex, uint8_t bits)
{
    vpn_prefix prefix = {.bits = bits};
    prefix.family = test_hex(prefix.addr, sizeof(prefix.addr), hex) == 4 ? 4 : 6;
    return prefix;
}

static uint32_t lookup(const vpn_allowedips *table, const char *hex)
{
    uint8_t addr[17] = {0};
    size_t bytes = test_hex(addr + 1, 16, hex); /* + 1: no alignment is needed */
    return vpn_allowedips_lookup(table, bytes == 4 ? 4 : 6, addr + 1);
}

static void insert(vpn_allowedips *table, const char *hex, uint8_t bits, uint32_t owner)
{
    vpn_prefix prefix = make(hex, bits);
    ck_assert_int_eq(vpn_allowedips_insert(table, &prefix, owner), 0);
}

START_TEST(longest_wins)
{
    vpn_allowedips *t;
    ck_assert_int_eq(vpn_allowedips_new(&t, NULL), 0);
    insert(t, "c0a80400", 24, 1);
    insert(t, "c0a80404", 32, 2);
    insert(t, "00000000", 0, 3);
    insert(t, "0a000000", 8, 4);
    insert(t, "20010db8000000000000000000000000", 32, 5);
    insert(t, "00000000000000000000000000000000", 0, 6);
    insert(t, "20010db8000000000000000000000001", 128, 7);
    insert(t, "20010db8000000010000000000000000", 65, 8);
    ck_assert_uint_eq(lookup(t, "c0a80403"), 1);
    ck_assert_uint_eq(lookup(t, "c0a80404"), 2);
    ck_assert_uint_eq(lookup(t, "c0a80504"), 3);
    ck_assert_uint_eq(lookup(t, "0affffff"), 4);
    ck_assert_uint_eq(lookup(t, "ffffffff"), 3);
    ck_assert_uint_eq(lookup(t, "00000000"), 3);
    ck_assert_uint_eq(lookup(t, "20010db8ffffffffffffffffffffffff"), 5);
    ck_assert_uint_eq(lookup(t, "20010db8000000000000000000000000"), 5);
    ck_assert_uint_eq(lookup(t, "20010db8000000000000000000000001"), 7);
    ck_assert_uint_eq(lookup(t, "20010db8000000017fffffffffffffff"), 8);
    ck_assert_uint_eq(lookup(t, "20010db8000000018000000000000000"), 5);
    ck_assert_uint_eq(lookup(t, "ffffffffffffffffffffffffffffffff"), 6);
    ck_assert_uint_eq(vpn_allowedips_count(t), 8);
    vpn_allowedips_free(t);
}
END_TEST

START_TEST(arguments)
{
    struct host host;
    vpn_allowedips *t;
    vpn_prefix p = make("0a000000", 8), out;
    uint64_t cursor = 0;
    host_init(&host);
    vpn_env bad = host.env;
    bad.size = 3;
    ck_assert_int_eq(vpn_allowedips_new(&t, &bad), VPN_EINVAL);
    ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), 0);
    static const struct {
        uint8_t family, bits;
    } wrong[] = {{0, 0}, {4, 33}, {4, 255}, {5, 1}, {6, 129}, {6, 255}, {255, 0}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        vpn_prefix q = {.family = wrong[i].family, .bits = wrong[i].bits};
        ck_assert_int_eq(vpn_allowedips_insert(t, &q, 0), VPN_EINVAL);
        ck_assert_int_eq(vpn_allowedips_remove(t, &q, 0), VPN_EINVAL);
    }
    vpn_prefix reserved = p;
    reserved.reserved[1] = 1;
    ck_assert_int_eq(vpn_allowedips_insert(t, &reserved, 0), VPN_EINVAL);
    reserved = p;
    reserved.reserved[0] = 1;
    ck_assert_int_eq(vpn_allowedips_insert(t, &reserved, 0), VPN_EINVAL);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, VPN_ALLOWEDIPS_OWNER_MAX + 1), VPN_EINVAL);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, NONE), VPN_EINVAL);
    ck_assert_int_eq(vpn_allowedips_remove(t, &p, NONE), VPN_EINVAL);
    ck_assert_int_eq(vpn_allowedips_remove(t, &p, 0), VPN_ENOENT);
    ck_assert_int_eq(vpn_allowedips_next(t, 0, &cursor, &out), VPN_ENOENT);
    ck_assert_int_eq(vpn_allowedips_next(t, NONE, &cursor, &out), VPN_ENOENT);
    vpn_allowedips_remove_owner(t, 0);
    vpn_allowedips_remove_owner(t, NONE);
    ck_assert_uint_eq(host.base.calls, 1);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, 1), 0);
    for (uint32_t family = 0; family < 256; family++) {
        uint32_t owner = 7, want = family == 4 ? 1 : NONE;
        ck_assert_uint_eq(vpn_allowedips_lookup(t, (uint8_t)family, p.addr), want);
        vpn_allowedips_lookup_many(t, (uint8_t)family, p.addr, 16, &owner, 1);
        ck_assert_uint_eq(owner, want);
    }
    uint32_t untouched = 7;
    vpn_allowedips_lookup_many(t, 4, p.addr, 16, &untouched, 0);
    vpn_allowedips_lookup_many(t, 5, p.addr, 16, &untouched, 0);
    ck_assert_uint_eq(untouched, 7);
    vpn_allowedips_free(t);
    vpn_allowedips_free(NULL);
    host_end(&host);
}
END_TEST

START_TEST(moves)
{
    struct host host;
    vpn_allowedips *t;
    vpn_prefix p = make("0a010203", 8), out;
    uint64_t cursor = 0;
    host_init(&host);
    ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), 0);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, 1), 0);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, 1), 0);
    ck_assert_uint_eq(vpn_allowedips_count(t), 1);
    p.addr[3] = 99; /* past its length: the same prefix */
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, 2), 0);
    ck_assert_uint_eq(vpn_allowedips_count(t), 1);
    ck_assert_uint_eq(lookup(t, "0a000001"), 2);
    ck_assert_int_eq(vpn_allowedips_next(t, 1, &cursor, &out), VPN_ENOENT);
    ck_assert_int_eq(vpn_allowedips_remove(t, &p, 1), VPN_ENOENT);
    cursor = 0;
    ck_assert_int_eq(vpn_allowedips_next(t, 2, &cursor, &out), 0);
    vpn_prefix want = make("0a000000", 8);
    ck_assert_mem_eq(&out, &want, sizeof(out));
    ck_assert_int_eq(vpn_allowedips_next(t, 2, &cursor, &out), VPN_ENOENT);
    ck_assert_int_eq(vpn_allowedips_next(t, 2, &cursor, &out), VPN_ENOENT);
    ck_assert_int_eq(vpn_allowedips_remove(t, &p, 2), 0);
    ck_assert_int_eq(vpn_allowedips_remove(t, &p, 2), VPN_ENOENT);
    ck_assert_uint_eq(vpn_allowedips_count(t), 0);
    vpn_allowedips_free(t);
    host_end(&host);
}
END_TEST

START_TEST(greatest_owner)
{
    struct host host;
    vpn_allowedips *t;
    vpn_prefix p = make("0a000000", 8);
    host_init(&host);
    ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), 0);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, VPN_ALLOWEDIPS_OWNER_MAX), 0);
    ck_assert_uint_eq(lookup(t, "0a000000"), VPN_ALLOWEDIPS_OWNER_MAX);
    ck_assert_uint_eq(vpn_allowedips_memory(t), host.bytes);
    vpn_allowedips_remove_owner(t, VPN_ALLOWEDIPS_OWNER_MAX);
    ck_assert_uint_eq(vpn_allowedips_count(t), 0);
    vpn_allowedips_free(t);
    host_end(&host);
}
END_TEST

/* The room for owners grows by half, but not past the greatest. */
START_TEST(nearly_greatest_owner)
{
    struct host host;
    vpn_allowedips *t;
    vpn_prefix p = make("0a000000", 8), q = make("0b000000", 8);
    uint32_t three_quarters = VPN_ALLOWEDIPS_OWNER_MAX / 4 * 3;
    host_init(&host);
    ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), 0);
    ck_assert_int_eq(vpn_allowedips_insert(t, &p, three_quarters), 0);
    ck_assert_int_eq(vpn_allowedips_insert(t, &q, 0), 0);
    size_t before = host.bytes;
    ck_assert_int_eq(vpn_allowedips_insert(t, &q, three_quarters + 1), 0);
    ck_assert_uint_eq(host.bytes - before, (size_t)(VPN_ALLOWEDIPS_OWNER_MAX - three_quarters) * sizeof(uint32_t));
    before = host.bytes;
    ck_assert_int_eq(vpn_allowedips_insert(t, &q, VPN_ALLOWEDIPS_OWNER_MAX), 0);
    ck_assert_uint_eq(host.bytes, before);
    ck_assert_uint_eq(lookup(t, "0a000000"), three_quarters);
    ck_assert_uint_eq(lookup(t, "0b000000"), VPN_ALLOWEDIPS_OWNER_MAX);
    vpn_allowedips_free(t);
    host_end(&host);
}
END_TEST

/* Few different bytes, so that prefixes nest, repeat and part at every length. */
static vpn_prefix random_prefix(uint64_t *seed)
{
    static const uint8_t bytes[] = {0x00, 0xff, 0x80, 0x01, 0x7f};
    vpn_prefix p = {.family = test_below(seed, 2) ? 4 : 6};
    uint8_t most = (uint8_t)(address_bytes(p.family) * 8);
    p.bits = (uint8_t)test_below(seed, most + 1u);
    if (test_below(seed, 4) == 0)
        p.bits = most;
    for (int i = 0; i < address_bytes(p.family); i++)
        p.addr[i] = bytes[test_below(seed, test_below(seed, 3) ? 2 : sizeof(bytes))];
    return p;
}

static void check_lookups(const vpn_allowedips *t, const struct model *m, uint64_t *seed, int n)
{
    for (int i = 0; i < n; i++) {
        vpn_prefix p = random_prefix(seed);
        if (m->count && test_below(seed, 2)) {
            p = m->entries[test_below(seed, m->count)].prefix;
            uint32_t bit = host_below(seed, address_bytes(p.family) * 8);
            p.addr[bit / 8] ^= (uint8_t)(test_below(seed, 2) ? 0x80 >> bit % 8 : 0);
        }
        uint32_t have = vpn_allowedips_lookup(t, p.family, p.addr), twice[2];
        vpn_allowedips_lookup_many(t, p.family, p.addr, 0, twice, 2);
        ck_assert(twice[0] == have && twice[1] == have);
        if (have != model_lookup(m, p.family, p.addr))
            ck_abort_msg("lookup gives %u, not %u", have, model_lookup(m, p.family, p.addr));
    }
}

/* The walk over an owner gives each of its prefixes once, in the order in which it got them. */
static void check_walk(const vpn_allowedips *t, const struct model *m, uint32_t owner)
{
    uint64_t cursor = 0;
    size_t at = 0;
    vpn_prefix out;
    while (vpn_allowedips_next(t, owner, &cursor, &out) == 0) {
        while (at < m->count && m->entries[at].owner != owner)
            at++;
        ck_assert_uint_lt(at, m->count);
        ck_assert_uint_eq(model_find(m, &out), at);
        for (uint32_t b = out.bits; b < 128; b++)
            ck_assert_uint_eq(out.addr[b / 8] & 0x80 >> b % 8, 0);
        at++;
    }
    for (; at < m->count; at++)
        ck_assert_uint_ne(m->entries[at].owner, owner);
}

static void change(vpn_allowedips *t, struct model *m, uint64_t *seed, uint32_t owners)
{
    uint32_t kind = host_below(seed, 20), owner = host_below(seed, owners);
    vpn_prefix p = random_prefix(seed);
    if (kind < 12 && m->count < sizeof(m->entries) / sizeof(*m->entries)) {
        ck_assert_int_eq(vpn_allowedips_insert(t, &p, owner), 0);
        size_t i = model_find(m, &p);
        if (i < m->count && m->entries[i].owner == owner)
            return;
        if (i < m->count)
            model_remove_at(m, i);
        m->entries[m->count++] = (struct entry){p, owner};
    } else if (kind < 19) {
        if (m->count && test_below(seed, 4))
            p = m->entries[test_below(seed, m->count)].prefix;
        size_t i = model_find(m, &p);
        if (i < m->count && test_below(seed, 4))
            owner = m->entries[i].owner;
        int found = i < m->count && m->entries[i].owner == owner;
        ck_assert_int_eq(vpn_allowedips_remove(t, &p, owner), found ? 0 : VPN_ENOENT);
        if (found)
            model_remove_at(m, i);
    } else {
        vpn_allowedips_remove_owner(t, owner);
        for (size_t i = m->count; i-- > 0;) {
            if (m->entries[i].owner == owner)
                model_remove_at(m, i);
        }
    }
}

START_TEST(against_a_model)
{
    static struct model model;
    static const uint32_t owners[] = {2, 12, 200};
    for (size_t k = 0; k < 3; k++) {
        struct host host;
        vpn_allowedips *t;
        uint64_t seed = k + 40;
        memset(&model, 0, sizeof(model));
        host_init(&host);
        ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), 0);
        for (int step = 0; step < 1500; step++) {
            change(t, &model, &seed, owners[k]);
            ck_assert_uint_eq(vpn_allowedips_count(t), model.count);
            check_lookups(t, &model, &seed, 8);
            if (step % 50 == 0)
                check_walk(t, &model, host_below(&seed, owners[k]));
        }
        ck_assert_uint_eq(vpn_allowedips_memory(t), host.bytes);
        for (uint32_t owner = 0; owner < owners[k]; owner++)
            vpn_allowedips_remove_owner(t, owner);
        ck_assert_uint_eq(vpn_allowedips_count(t), 0);
        memset(&model, 0, sizeof(model));
        check_lookups(t, &model, &seed, 50);
        vpn_allowedips_free(t);
        host_end(&host);
    }
}
END_TEST

/* Removing what the walk returned last keeps the walk whole. */
START_TEST(remove_while_walking)
{
    for (uint32_t keep = 1; keep < 5; keep++) {
        vpn_allowedips *t;
        uint64_t seed = 4, cursor = 0;
        vpn_prefix out;
        size_t walked = 0, kept = 0;
        ck_assert_int_eq(vpn_allowedips_new(&t, NULL), 0);
        for (int i = 0; i < 400; i++) {
            vpn_prefix p = random_prefix(&seed);
            ck_assert_int_eq(vpn_allowedips_insert(t, &p, i % 3 ? 5 : 6), 0);
        }
        size_t count = vpn_allowedips_count(t), of_six = 0;
        while (vpn_allowedips_next(t, 6, &cursor, &out) == 0)
            of_six++;
        cursor = 0;
        while (vpn_allowedips_next(t, 5, &cursor, &out) == 0) {
            if (walked++ % keep == 0)
                ck_assert_int_eq(vpn_allowedips_remove(t, &out, 5), 0);
            else
                kept++;
        }
        ck_assert_uint_eq(walked, count - of_six);
        ck_assert_uint_eq(vpn_allowedips_count(t), kept + of_six);
        vpn_allowedips_free(t);
    }
}
END_TEST

/* Each allocation in turn fails: the call says so and everything is as it was; then it succeeds. */
START_TEST(allocation_failures)
{
    static struct model model;
    struct host host;
    vpn_allowedips *t;
    uint64_t seed = 77;
    size_t failures = 0;
    memset(&model, 0, sizeof(model));
    host_init(&host);
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), VPN_ENOMEM);
    ck_assert_ptr_null(t);
    host_heal(&host);
    ck_assert_int_eq(vpn_allowedips_new(&t, &host.env), 0);
    for (uint32_t i = 0; i < 550; i++) {
        vpn_prefix p = random_prefix(&seed);
        int error;
        for (size_t fail = 0;; fail++) {
            host_fail_after(&host, fail);
            error = vpn_allowedips_insert(t, &p, i);
            if (!error)
                break;
            failures++;
            ck_assert_int_eq(error, VPN_ENOMEM);
            ck_assert_uint_eq(vpn_allowedips_count(t), model.count);
            ck_assert_uint_eq(vpn_allowedips_memory(t), host.bytes);
            check_lookups(t, &model, &seed, 8);
            check_walk(t, &model, i);
        }
        size_t at = model_find(&model, &p);
        model.count += at == model.count;
        model.entries[at] = (struct entry){p, i};
    }
    ck_assert_uint_gt(failures, 8);
    host_fail_after(&host, 0);
    for (uint32_t i = 0; i < 550; i++)
        vpn_allowedips_remove_owner(t, i);
    ck_assert_uint_eq(vpn_allowedips_count(t), 0);
    vpn_allowedips_free(t);
    host_end(&host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("allowedips");
    test_add(s, "longest_wins", longest_wins);
    test_add(s, "arguments", arguments);
    test_add(s, "moves", moves);
    test_add(s, "greatest_owner", greatest_owner);
    test_add(s, "nearly_greatest_owner", nearly_greatest_owner);
    test_add(s, "against_a_model", against_a_model);
    test_add(s, "remove_while_walking", remove_while_walking);
    test_add(s, "allocation_failures", allocation_failures);
    return s;
}

TEST_MAIN(suite)
