/* SPDX-License-Identifier: ISC */
/*
 * Scenarios in which an allocation fails. Each body runs twice in the same world: first while memory is refused, then again,
 * strictly, when memory is back. Between the two and at the end everything is looked over (failures_test.c).
 *
 * A new scenario is a function here and a line in `failures_rows`. It has to begin from `failures_fresh` or from
 * `failures_up`, so that it can run again after it failed half-way, and to take every result through the helpers below, which
 * know that VPN_ENOMEM is allowed, that then nothing has changed, and that it is not allowed in a strict run.
 */
#ifndef VPN_TESTS_MEMORY_FAILURES_H
#define VPN_TESTS_MEMORY_FAILURES_H

#include "scenario/net.h"

struct world {
    struct net *net;
    struct node *a, *b, *c; /* c is a bystander, who has a session with b all the time */
    int strict;
    struct node_miser miser;
    struct node_env env; /* of objects that a body makes by itself */
    vpn_time met;        /* when the bystander's session was made */
};

struct failures_row {
    const char *name;
    void (*body)(struct world *w);
    uint32_t load_rate; /* of b; 0 for the default */
};

extern const struct failures_row failures_rows[];
extern const size_t failures_row_count;

/* 1: done; 0: no memory. Anything else fails the test. */
int failures_ok(const struct world *w, int error);
/* Asserts in a strict run only. */
#define STRICT(w, condition) ck_assert(!(w)->strict || (condition))

/* a and b do not know each other. */
void failures_fresh(struct world *w);
/* Makes `to` a peer of `from`, with prefixes; what it lacks then for want of memory is what the host would see. */
void failures_add(struct world *w, struct node *from, struct node *to, const uint8_t *psk);
/* Sends a packet. In a strict run it has to arrive within 30 s. */
void failures_reach(struct world *w, struct node *from, struct node *to);
/* a and b know each other and, if memory lasts, have a session that a made. */
void failures_up(struct world *w);

#endif
