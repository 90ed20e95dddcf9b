/* SPDX-License-Identifier: ISC */
/*
 * A set is, for each family, an array of closed ranges [first, last] of 128-bit numbers, in ascending order, with at least one
 * address missing between two of them. That form is unique, so equal sets have equal arrays, and each operation is one walk
 * through two arrays. Prefixes come back by cutting each range at its alignment, which gives the fewest: a prefix never
 * reaches across the gap between two ranges, and inside a range the longest block that starts at an address is always best.
 *
 * Every operation builds a new array and takes it over at the end, so that a failure changes nothing.
 */
#include <vpn/prefixes.h>

#include "base/bytes.h"
#include "base/env.h"
#include "base/sort.h"

struct number {
    uint64_t high;
    uint64_t low;
};

struct range {
    struct number first;
    struct number last;
};

struct ranges {
    struct range *at;
    size_t count;
    size_t room;
};

struct vpn_prefixes {
    vpn_env env;
    struct ranges family[2]; /* IPv4, IPv6 */
};

static int less(struct number a, struct number b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static int same(struct number a, struct number b)
{
    return a.high == b.high && a.low == b.low;
}

/* The neighbours wrap, so whoever asks has looked at the ends. */
static struct number next(struct number a)
{
    return (struct number){a.high + (a.low == UINT64_MAX), a.low + 1};
}

static struct number previous(struct number a)
{
    return (struct number){a.high - (a.low == 0), a.low - 1};
}

static int is_greatest(struct number a)
{
    return a.high == UINT64_MAX && a.low == UINT64_MAX;
}

/* The number whose `bits` low bits are set, 0..128. */
static struct number ones(uint32_t bits)
{
    struct number n = {0, 0};
    if (bits)
        n.low = UINT64_MAX >> (bits < 64 ? 64 - bits : 0);
    if (bits > 64)
        n.high = UINT64_MAX >> (128 - bits);
    return n;
}

static uint32_t width(uint8_t family)
{
    return family == 4 ? 32 : 128;
}

static struct number load(uint8_t family, const uint8_t *addr)
{
    if (family == 4)
        return (struct number){0, vpn__load32be(addr)};
    return (struct number){vpn__load64be(addr), vpn__load64be(addr + 8)};
}

/* 0, or VPN_EINVAL for what is no prefix */
static int range_of(struct range *out, const vpn_prefix *prefix)
{
    if ((prefix->family != 4 && prefix->family != 6) || prefix->bits > width(prefix->family) || prefix->reserved[0] ||
        prefix->reserved[1])
        return VPN_EINVAL;
    struct number host = ones(width(prefix->family) - prefix->bits);
    out->first = load(prefix->family, prefix->addr);
    out->first.high &= ~host.high;
    out->first.low &= ~host.low;
    out->last.high = out->first.high | host.high;
    out->last.low = out->first.low | host.low;
    return 0;
}

static int by_first(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return less(x->first, y->first) ? -1 : less(y->first, x->first);
}

/* Appends a range that begins no earlier than the last one did, joining what touches. There is room. */
static void append(struct ranges *to, struct range range)
{
    if (to->count) {
        struct range *last = &to->at[to->count - 1];
        if (is_greatest(last->last) || !less(next(last->last), range.first)) {
            if (less(last->last, range.last))
                last->last = range.last;
            return;
        }
    }
    to->at[to->count++] = range;
}

/* Sorts a list and joins what touches. */
static void normalise(struct ranges *list)
{
    size_t count = list->count;
    vpn__sort(list->at, count, sizeof(struct range), by_first);
    list->count = 0;
    for (size_t i = 0; i < count; i++)
        append(list, list->at[i]);
}

/* `out` has room for both. */
static void unite(struct ranges *out, const struct ranges *a, const struct ranges *b)
{
    size_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        if (j == b->count || (i < a->count && less(a->at[i].first, b->at[j].first)))
            append(out, a->at[i++]);
        else
            append(out, b->at[j++]);
    }
}

/* What is in `a` but not in `b`. Each range of `b` cuts at most one of `a` in two, so `out` has room with both counts. */
static void subtract(struct ranges *out, const struct ranges *a, const struct ranges *b)
{
    size_t j = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct range rest = a->at[i];
        int left = 1;
        while (j < b->count && less(b->at[j].last, rest.first))
            j++;
        for (size_t k = j; left && k < b->count && !less(rest.last, b->at[k].first); k++) {
            if (less(rest.first, b->at[k].first))
                append(out, (struct range){rest.first, previous(b->at[k].first)});
            left = less(b->at[k].last, rest.last);
            if (left)
                rest.first = next(b->at[k].last);
        }
        if (left)
            append(out, rest);
    }
}

static int reserve(const vpn_env *env, struct ranges *list, size_t count)
{
    list->count = 0;
    list->room = count;
    list->at = NULL;
    if (count > VPN_PREFIXES_MAX)
        return VPN_ELIMIT;
    if (count)
        list->at = vpn__alloc_array(env, count, sizeof(struct range));
    return count && !list->at ? VPN_ENOMEM : 0;
}

static void release(const vpn_env *env, struct ranges *list)
{
    vpn__free(env, list->at, list->room * sizeof(struct range));
    *list = (struct ranges){NULL, 0, 0};
}

typedef void (*operation)(struct ranges *out, const struct ranges *a, const struct ranges *b);

static int combine(vpn_prefixes *set, const struct ranges with[2], operation op)
{
    struct ranges result[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    int error = 0;
    for (size_t f = 0; f < 2 && !error; f++) {
        error = reserve(&set->env, &result[f], set->family[f].count + with[f].count);
        if (!error && result[f].at)
            op(&result[f], &set->family[f], &with[f]);
    }
    for (size_t f = 0; f < 2; f++) {
        struct ranges *loser = error ? &result[f] : &set->family[f];
        release(&set->env, loser);
        if (!error)
            set->family[f] = result[f];
    }
    return error;
}

/* Reads a list into ranges of both families. 0 or an error; release either way. */
static int read_list(const vpn_env *env, struct ranges out[2], const vpn_prefix *prefixes, size_t count)
{
    size_t counts[2] = {0, 0};
    struct range range;
    for (size_t i = 0; i < count; i++) {
        if (range_of(&range, &prefixes[i]))
            return VPN_EINVAL;
        counts[prefixes[i].family == 6]++;
    }
    for (size_t f = 0; f < 2; f++) {
        int error = reserve(env, &out[f], counts[f]);
        if (error)
            return error;
    }
    for (size_t i = 0; i < count; i++) {
        struct ranges *to = &out[prefixes[i].family == 6];
        if (range_of(&to->at[to->count], &prefixes[i]))
            return VPN_EINVAL;
        to->count++;
    }
    normalise(&out[0]);
    normalise(&out[1]);
    return 0;
}

static int combine_list(vpn_prefixes *set, const vpn_prefix *prefixes, size_t count, operation op)
{
    struct ranges list[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    int error = !prefixes && count ? VPN_EINVAL : read_list(&set->env, list, prefixes, count);
    if (!error)
        error = combine(set, list, op);
    release(&set->env, &list[0]);
    release(&set->env, &list[1]);
    return error;
}

int vpn_prefixes_new(vpn_prefixes **out, const vpn_env *env)
{
    vpn_env host;
    if (vpn__env_init(&host, env))
        return VPN_EINVAL;
    vpn_prefixes *set = vpn__alloc(&host, sizeof(*set));
    if (!set)
        return VPN_ENOMEM;
    set->env = host;
    *out = set;
    return 0;
}

void vpn_prefixes_free(vpn_prefixes *set)
{
    if (!set)
        return;
    vpn_env env = set->env;
    release(&env, &set->family[0]);
    release(&env, &set->family[1]);
    vpn__free(&env, set, sizeof(*set));
}

int vpn_prefixes_add(vpn_prefixes *set, const vpn_prefix *prefixes, size_t count)
{
    return combine_list(set, prefixes, count, unite);
}

int vpn_prefixes_subtract(vpn_prefixes *set, const vpn_prefix *prefixes, size_t count)
{
    return combine_list(set, prefixes, count, subtract);
}

int vpn_prefixes_add_set(vpn_prefixes *set, const vpn_prefixes *other)
{
    return combine(set, other->family, unite);
}

int vpn_prefixes_subtract_set(vpn_prefixes *set, const vpn_prefixes *other)
{
    return combine(set, other->family, subtract);
}

/* The first range whose end is not before `number`; NULL when there is none. */
static const struct range *reach(const struct ranges *list, struct number number)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (less(list->at[middle].last, number))
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count ? &list->at[low] : NULL;
}

int vpn_prefixes_contains(const vpn_prefixes *set, uint8_t family, const uint8_t *addr)
{
    if (family != 4 && family != 6)
        return 0;
    struct number number = load(family, addr);
    const struct range *range = reach(&set->family[family == 6], number);
    return range && !less(number, range->first);
}

int vpn_prefixes_covers(const vpn_prefixes *set, const vpn_prefix *prefix)
{
    struct range wanted;
    if (range_of(&wanted, prefix))
        return 0;
    const struct range *range = reach(&set->family[prefix->family == 6], wanted.first);
    return range && !less(wanted.first, range->first) && !less(range->last, wanted.last);
}

int vpn_prefixes_overlaps(const vpn_prefixes *set, const vpn_prefix *prefix)
{
    struct range wanted;
    if (range_of(&wanted, prefix))
        return 0;
    const struct range *range = reach(&set->family[prefix->family == 6], wanted.first);
    return range && !less(wanted.last, range->first);
}

int vpn_prefixes_equal(const vpn_prefixes *a, const vpn_prefixes *b)
{
    for (size_t f = 0; f < 2; f++) {
        const struct ranges *x = &a->family[f], *y = &b->family[f];
        if (x->count != y->count)
            return 0;
        for (size_t i = 0; i < x->count; i++) {
            if (!same(x->at[i].first, y->at[i].first) || !same(x->at[i].last, y->at[i].last))
                return 0;
        }
    }
    return 1;
}

/* How many bits are free in the longest block that starts at `first` and ends by `last`. */
static uint32_t block(struct number first, struct number last, uint32_t most)
{
    uint32_t bits = 0;
    while (bits < most) {
        struct number host = ones(bits + 1);
        struct number end = {first.high | host.high, first.low | host.low};
        if ((first.high & host.high) || (first.low & host.low) || less(last, end))
            break;
        bits++;
    }
    return bits;
}

/* Cuts one range into prefixes, writing those that fit. How many there are. */
static size_t cut(struct range range, uint8_t family, vpn_prefix *out, size_t room)
{
    for (size_t n = 0;;) {
        uint32_t bits = block(range.first, range.last, width(family));
        struct number host = ones(bits), end = {range.first.high | host.high, range.first.low | host.low};
        if (n < room) {
            out[n] = (vpn_prefix){.family = family, .bits = (uint8_t)(width(family) - bits)};
            if (family == 4) {
                vpn__store32be(out[n].addr, (uint32_t)range.first.low);
            } else {
                vpn__store64be(out[n].addr, range.first.high);
                vpn__store64be(out[n].addr + 8, range.first.low);
            }
        }
        n++;
        if (same(end, range.last))
            return n;
        range.first = next(end);
    }
}

static size_t cut_all(const vpn_prefixes *set, vpn_prefix *out, size_t capacity)
{
    size_t n = 0;
    for (size_t f = 0; f < 2; f++) {
        for (size_t i = 0; i < set->family[f].count; i++) {
            size_t room = out && n < capacity ? capacity - n : 0;
            n += cut(set->family[f].at[i], f ? 6 : 4, room ? out + n : NULL, room);
        }
    }
    return n;
}

int vpn_prefixes_list(const vpn_prefixes *set, vpn_prefix *out, size_t capacity, size_t *count)
{
    *count = cut_all(set, out, capacity);
    return *count > capacity ? VPN_ESPACE : 0;
}

size_t vpn_prefixes_count(const vpn_prefixes *set)
{
    return cut_all(set, NULL, 0);
}
