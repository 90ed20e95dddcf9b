/* SPDX-License-Identifier: ISC */
/* Which size to try next, and what its passing or vanishing means. No time, no packets. */
#ifndef VPN_LIB_TUNNEL_PMTU_SEARCH_H
#define VPN_LIB_TUNNEL_PMTU_SEARCH_H

#include <vpn/pmtu.h>

struct vpn__pmtu_limits {
    uint32_t floor;    /* least allowed */
    uint32_t base;     /* what a search begins with, not less than the floor */
    uint32_t ceiling;  /* greatest, not less than the base */
    uint32_t start;    /* in use at first, between floor and ceiling */
    uint32_t multiple; /* all sizes but floor, base and ceiling are multiples of it */
    uint32_t probes;   /* not 0: sizes are probed */
    uint32_t divide;   /* not 0: the link itself does not take the floor whole */
};

struct vpn__pmtu_search {
    struct vpn__pmtu_limits limits;
    uint32_t cap;   /* nothing greater is tried */
    uint32_t low;   /* greatest size that passed; 0: none */
    uint32_t high;  /* least size that vanished, or cap + 1 */
    uint32_t mtu;   /* in use */
    uint32_t state; /* VPN_PMTU_PASSIVE .. VPN_PMTU_ERROR */
    uint32_t divide;
};

void vpn__pmtu_search_start(struct vpn__pmtu_search *s, const struct vpn__pmtu_limits *limits);

/* The size to probe now: to find out in BASE, SEARCHING and ERROR, to confirm in COMPLETE. 0 in PASSIVE. */
uint32_t vpn__pmtu_search_next(const struct vpn__pmtu_search *s);

/* That size passed, or vanished while small packets did not. */
void vpn__pmtu_search_passed(struct vpn__pmtu_search *s, uint32_t size);
void vpn__pmtu_search_vanished(struct vpn__pmtu_search *s, uint32_t size);

/* Nothing over `inner` passes, or so somebody says. 1: less is in use now. */
int vpn__pmtu_search_cap(struct vpn__pmtu_search *s, uint32_t inner);

/* Whoever said so is not believed any more. */
void vpn__pmtu_search_uncap(struct vpn__pmtu_search *s);

/* Tries whether more passes than the last search found: COMPLETE becomes SEARCHING, unless nothing is left to try. */
void vpn__pmtu_search_raise(struct vpn__pmtu_search *s);

#endif
