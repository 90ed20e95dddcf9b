/* SPDX-License-Identifier: ISC */
/*
 * Invariants, from vpn__pmtu_search_start on:
 *
 * - floor <= base <= ceiling and floor <= cap <= ceiling and floor <= mtu <= cap.
 * - low < high <= cap + 1: nothing that passed is as great as what did not.
 * - mtu < high, unless mtu is the floor, which is used whatever happens; then `divide` tells.
 * - In COMPLETE no size is left between low and high, and low is in use.
 *
 * A size that is not more than one that vanished is never tried again in the same search, so a search ends.
 */
#include "tunnel/pmtu_search.h"

#include <string.h>

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t down(const struct vpn__pmtu_search *s, uint32_t size)
{
    return size - size % s->limits.multiple;
}

/* What a packet may have, so that padding to a multiple does not make it longer than `inner`. */
static uint32_t fit(const struct vpn__pmtu_search *s, uint32_t inner)
{
    uint32_t size = inner >= s->limits.ceiling ? s->limits.ceiling : down(s, inner);

    return size > s->limits.floor ? size : s->limits.floor;
}

void vpn__pmtu_search_start(struct vpn__pmtu_search *s, const struct vpn__pmtu_limits *limits)
{
    memset(s, 0, sizeof *s);
    s->limits = *limits;
    s->cap = limits->ceiling;
    s->high = s->cap + 1;
    s->divide = limits->divide;
    s->mtu = limits->start;
    s->state = limits->probes != 0 ? VPN_PMTU_BASE : VPN_PMTU_PASSIVE;
}

/* While nothing vanished the greatest is the likeliest, and often the only one that a search takes. 0: nothing is left. */
static uint32_t between(const struct vpn__pmtu_search *s)
{
    uint32_t middle;

    if (s->high > s->cap)
        return s->cap > s->low ? s->cap : 0;
    middle = down(s, s->low + (s->high - s->low) / 2);
    if (middle <= s->low)
        middle = down(s, s->low) + s->limits.multiple;
    return middle < s->high ? middle : 0;
}

uint32_t vpn__pmtu_search_next(const struct vpn__pmtu_search *s)
{
    switch (s->state) {
    case VPN_PMTU_BASE:
        return least(s->limits.base, s->cap);
    case VPN_PMTU_SEARCHING:
        return between(s);
    case VPN_PMTU_COMPLETE:
        return s->mtu;
    case VPN_PMTU_ERROR:
        return s->limits.floor;
    }
    return 0;
}

static void search(struct vpn__pmtu_search *s)
{
    s->state = VPN_PMTU_SEARCHING;
    if (between(s) == 0) {
        s->state = VPN_PMTU_COMPLETE;
        s->mtu = s->low;
    }
}

void vpn__pmtu_search_passed(struct vpn__pmtu_search *s, uint32_t size)
{
    uint32_t divided = s->divide;

    s->divide = 0;
    if (s->state == VPN_PMTU_COMPLETE)
        return;
    if (s->state == VPN_PMTU_ERROR && divided != 0)
        s->high = s->cap + 1; /* it did not pass before: what else is known is as old */
    s->low = size;
    if (s->mtu < size)
        s->mtu = size;
    search(s);
}

/* Small packets pass and the base, or what was in use below it, does not. */
static void fall(struct vpn__pmtu_search *s, uint32_t size)
{
    s->state = VPN_PMTU_ERROR;
    s->low = 0;
    s->mtu = s->limits.floor;
    s->divide = size == s->limits.floor;
}

void vpn__pmtu_search_vanished(struct vpn__pmtu_search *s, uint32_t size)
{
    s->high = size;
    if (s->state == VPN_PMTU_SEARCHING) {
        if (s->mtu >= size)
            s->mtu = s->low;
        search(s);
        return;
    }
    if (s->state != VPN_PMTU_COMPLETE || size <= s->limits.base) {
        fall(s, size);
        return;
    }
    s->state = VPN_PMTU_BASE;
    s->low = 0;
    s->mtu = s->limits.base;
}

int vpn__pmtu_search_cap(struct vpn__pmtu_search *s, uint32_t inner)
{
    uint32_t cap = fit(s, inner);
    int lowered;

    if (inner < s->limits.floor)
        s->divide = 1;
    if (cap >= s->cap)
        return 0;
    s->cap = cap;
    s->high = least(s->high, cap + 1);
    lowered = s->mtu > cap;
    if (lowered)
        s->mtu = cap;
    if (s->state == VPN_PMTU_PASSIVE || s->state == VPN_PMTU_ERROR)
        return lowered;
    if (s->low > cap) { /* one of the two is wrong: the base decides */
        s->low = 0;
        s->state = VPN_PMTU_BASE;
    } else if (s->state == VPN_PMTU_SEARCHING) {
        search(s);
    }
    return lowered;
}

void vpn__pmtu_search_uncap(struct vpn__pmtu_search *s)
{
    uint32_t untried = s->high > s->cap;

    s->cap = s->limits.ceiling;
    if (untried)
        s->high = s->cap + 1;
    if (s->state == VPN_PMTU_PASSIVE) {
        s->mtu = s->cap;
        s->divide = s->limits.divide;
    } else if (s->state == VPN_PMTU_COMPLETE) {
        vpn__pmtu_search_raise(s);
    }
}

void vpn__pmtu_search_raise(struct vpn__pmtu_search *s)
{
    if (s->state != VPN_PMTU_COMPLETE)
        return;
    s->low = s->mtu;
    s->high = s->cap + 1;
    search(s);
}
