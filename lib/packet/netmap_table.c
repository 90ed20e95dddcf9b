/* SPDX-License-Identifier: ISC */
/*
 * Prefixes contain one another or are apart, so the entries of a list are trees. The last entry that does not begin behind an
 * address is the longest that holds it, or lies within that one: a binary search, and then upwards.
 *
 * An address is mapped only if mapping the result back gives it again. That alone makes the two directions inverse to each
 * other, whatever the rules are: unmapped addresses that are the image of others, shorter rules of which a longer one took a
 * part, and what RFC 6296 cannot translate.
 */
#include "packet/netmap_table.h"

#include <string.h>

#include "base/bytes.h"

#define WORDS6     8u
#define SUBNET     3u /* the word that makes up for prefixes of up to 48 bits */
#define IDENTIFIER 4u /* the first of those that do for longer ones */
#define MODULUS    0xffffu

typedef struct vpn__netmap_addr addr;
typedef struct vpn__netmap_entry entry;
typedef struct vpn__netmap_list list;

/* --- numbers --- */

static addr load(uint8_t family, const uint8_t *p)
{
    addr a = {0, 0};

    if (family == 4) {
        a.high = (uint64_t)vpn__load32be(p) << 32;
    } else {
        a.high = vpn__load64be(p);
        a.low = vpn__load64be(p + 8);
    }
    return a;
}

static void store(uint8_t family, uint8_t *p, addr a)
{
    if (family == 4) {
        vpn__store32be(p, (uint32_t)(a.high >> 32));
        return;
    }
    vpn__store64be(p, a.high);
    vpn__store64be(p + 8, a.low);
}

static uint64_t upper(uint32_t bits)
{
    return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}

static addr masked(addr a, uint32_t bits)
{
    a.high &= upper(bits);
    a.low &= bits > 64 ? upper(bits - 64) : 0;
    return a;
}

static int same(addr a, addr b)
{
    return a.high == b.high && a.low == b.low;
}

static int compare(addr a, addr b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

static uint32_t sum64(uint64_t v)
{
    return (uint32_t)(v >> 48) + (uint32_t)(v >> 32 & MODULUS) + (uint32_t)(v >> 16 & MODULUS) +
           (uint32_t)(v & MODULUS);
}

static uint32_t sum(addr a)
{
    return (sum64(a.high) + sum64(a.low)) % MODULUS;
}

/* --- rules --- */

static int prefix_is_valid(const vpn_prefix *p)
{
    uint32_t most = p->family == 4 ? 32 : VPN_NETMAP_BITS_MAX6;

    return (p->family == 4 || p->family == 6) && p->bits <= most && p->reserved[0] == 0 && p->reserved[1] == 0;
}

static int rule_is_valid(const vpn_netmap_rule *rule)
{
    return rule->whose <= VPN_NETMAP_THEIRS && rule->reserved == 0 && prefix_is_valid(&rule->inside) &&
           prefix_is_valid(&rule->outside) && rule->inside.family == rule->outside.family &&
           rule->inside.bits == rule->outside.bits;
}

static addr prefix_of(const vpn_prefix *p, uint32_t bits)
{
    return masked(load(p->family, p->addr), bits);
}

static int rules_clash(const vpn_netmap_rule *a, const vpn_netmap_rule *b)
{
    uint32_t bits = a->inside.bits < b->inside.bits ? a->inside.bits : b->inside.bits;

    if (a->whose != b->whose || a->inside.family != b->inside.family)
        return 0;
    if (same(prefix_of(&a->outside, bits), prefix_of(&b->outside, bits)))
        return 1;
    return a->inside.bits == b->inside.bits && same(prefix_of(&a->inside, bits), prefix_of(&b->inside, bits));
}

int vpn__netmap_check_rule(const vpn_netmap_rule *rules, size_t place)
{
    if (!rule_is_valid(&rules[place]))
        return VPN_EINVAL;
    for (size_t i = 0; i < place; i++)
        if (rules_clash(&rules[i], &rules[place]))
            return VPN_EEXIST;
    return VPN_OK;
}

int vpn_netmap_check(const vpn_netmap_rule *rules, size_t count, size_t *bad)
{
    size_t place = 0;
    int error = count > VPN_NETMAP_RULES_MAX ? VPN_ELIMIT : VPN_OK;

    while (error == VPN_OK && place < count) {
        error = vpn__netmap_check_rule(rules, place);
        place += error == VPN_OK;
    }
    if (bad)
        *bad = error == VPN_ELIMIT ? count : place;
    return error;
}

/* --- the lists --- */

static int holds(const entry *e, addr a)
{
    return same(masked(a, e->bits), e->from);
}

static int is_before(const entry *a, const entry *b)
{
    int order = compare(a->from, b->from);

    return order < 0 || (order == 0 && a->bits < b->bits);
}

/* Into its place among the `count` entries that are there. */
static void insert(entry *entries, uint32_t count, const vpn_prefix *from, const vpn_prefix *to)
{
    entry fresh;
    uint32_t at = count;

    memset(&fresh, 0, sizeof fresh);
    fresh.bits = from->bits;
    fresh.from = prefix_of(from, from->bits);
    fresh.to = prefix_of(to, to->bits);
    fresh.delta = (uint16_t)((sum(fresh.to) + MODULUS - sum(fresh.from)) % MODULUS);
    for (; at > 0 && is_before(&fresh, &entries[at - 1]); at--)
        entries[at] = entries[at - 1];
    entries[at] = fresh;
}

static void link_up(entry *entries, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t up = i;
        while (up != 0 && !holds(&entries[up - 1], entries[i].from))
            up = entries[up - 1].up;
        entries[i].up = up;
    }
}

static uint32_t fill(entry *entries, uint32_t place, const vpn_netmap_rule *rules, size_t count)
{
    uint32_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        const vpn_netmap_rule *rule = &rules[i];
        if (vpn__netmap_list_of(VPN_NETMAP_OUT, rule->whose, rule->inside.family) == place)
            insert(entries, filled++, &rule->inside, &rule->outside);
        if (vpn__netmap_list_of(VPN_NETMAP_IN, rule->whose, rule->inside.family) == place)
            insert(entries, filled++, &rule->outside, &rule->inside);
    }
    link_up(entries, filled);
    return filled;
}

void vpn__netmap_fill(list lists[VPN__NETMAP_LISTS], entry *entries, const vpn_netmap_rule *rules, size_t count)
{
    for (uint32_t place = 0; place < VPN__NETMAP_LISTS; place++) {
        lists[place].entries = entries;
        lists[place].count = fill(entries, place, rules, count);
        entries += lists[place].count;
    }
}

/* --- addresses --- */

/* The longest entry that holds the address, or NULL. */
static const entry *find(const list *in, addr a)
{
    uint32_t low = 0, high = in->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(in->entries[middle].from, a) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low != 0 && !holds(&in->entries[low - 1], a))
        low = in->entries[low - 1].up;
    return low != 0 ? &in->entries[low - 1] : NULL;
}

static uint64_t *half_of(addr *a, uint32_t word)
{
    return word < 4 ? &a->high : &a->low;
}

/* RFC 6296 sections 3.4 and 3.5: takes `delta` from the first word that may change and is not 0xffff. That one stands for zero as
   well as 0 does, and is never the result. */
static int make_up(addr *a, uint32_t bits, uint32_t delta)
{
    uint32_t first = bits <= 48 ? SUBNET : bits <= 64 ? IDENTIFIER : (bits + 15) / 16;
    uint32_t end = bits <= 48 ? SUBNET + 1 : WORDS6;

    for (uint32_t word = first; word < end; word++) {
        uint64_t *half = half_of(a, word);
        uint32_t shift = 48 - word % 4 * 16, value = (uint32_t)(*half >> shift & MODULUS);
        if (value == MODULUS)
            continue;
        *half &= ~((uint64_t)MODULUS << shift);
        *half |= (uint64_t)((value + MODULUS - delta) % MODULUS) << shift;
        return VPN_NETMAP_TRANSLATED;
    }
    return VPN_NETMAP_UNMAPPABLE;
}

static int apply(const list *by, uint8_t family, addr *a, uint32_t *delta)
{
    const entry *e = find(by, *a);
    addr kept;

    *delta = 0;
    if (!e)
        return VPN_NETMAP_UNTOUCHED;
    kept = masked(*a, e->bits);
    a->high = (a->high ^ kept.high) | e->to.high;
    a->low = (a->low ^ kept.low) | e->to.low;
    if (family == 6)
        return e->delta != 0 ? make_up(a, e->bits, e->delta) : VPN_NETMAP_TRANSLATED;
    *delta = e->delta;
    return VPN_NETMAP_TRANSLATED;
}

int vpn__netmap_map(const list *there, const list *back, uint8_t family, uint8_t *to, const uint8_t *from,
                    uint32_t *delta)
{
    addr before = load(family, from), after = before, again;
    uint32_t ignored;

    *delta = 0;
    if (there->count == 0)
        return VPN_NETMAP_UNTOUCHED;
    if (apply(there, family, &after, delta) == VPN_NETMAP_UNMAPPABLE)
        return VPN_NETMAP_UNMAPPABLE;
    again = after;
    (void)apply(back, family, &again, &ignored); /* not the same either when it cannot: the prefix is another */
    if (!same(again, before))
        return VPN_NETMAP_TAKEN;
    if (same(before, after))
        return VPN_NETMAP_UNTOUCHED;
    store(family, to, after);
    return VPN_NETMAP_TRANSLATED;
}
