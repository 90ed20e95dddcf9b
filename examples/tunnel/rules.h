/* SPDX-License-Identifier: ISC */
/*
 * Filters and translations between the host and its peers. To a peer: the filter sees what the host wrote, then addresses are
 * translated, and AllowedIPs see the result. From a peer: AllowedIPs see what came, then addresses are translated, and the
 * filter sees what the host will read.
 */
#ifndef TUNNEL_RULES_H
#define TUNNEL_RULES_H

#include "annex.h"
#include "platform.h"

#define RULES_ANSWERS 32u /* to refused packets of peers, kept until the next look */

typedef struct rules {
    vpn_wg *wg;
    annexes *annexes;
    size_t count; /* peers that have some; 0: nothing is looked at */
    vpn_allowedips
        *names;          /* addresses of hosts behind peers that are called otherwise here; NULL while there are none */
    vpn_peer_id *owners; /* whose they are; the first is nobody's */
    uint32_t owner_count;
    int stale; /* rules have changed: the names are made anew before they are asked for */
    vpn_icmp icmp;
    uint8_t *answers; /* RULES_ANSWERS of VPN_ICMP_BYTES_MAX6 each, from the first refused packet on */
    uint32_t lengths[RULES_ANSWERS];
    uint32_t answer_count;
    uint64_t unanswered; /* refused packets whose sender was not told */
    uint64_t forged;     /* packets of a peer under a name of another's hosts */
} rules;

/* Makes the table of names anew. */
void rules_settle(rules *r);

/* 0, or -1. */
int rules_open(rules *r, vpn_wg *wg, annexes *all);
void rules_close(rules *r);

/* What the host wrote, before it is cut. 1: carry it; 0: it goes nowhere, and the host was told if it may be. */
int rules_outbound(rules *r, tun *t, const vpn_offload *how, uint8_t *packet, uint32_t length, vpn_time now);
/* What came from peers, before it is carried out: packets that go nowhere get another verdict. */
void rules_inbound(rules *r, vpn_packet *packets, size_t n, vpn_time now);
/* The next answer to a peer, and its length; it is to be sent. NULL: there is none. */
const uint8_t *rules_answer(rules *r, uint32_t *length);

/* 0, an errno, or -1 for a key of others; `apply` as in vpn/uapi.h. */
int rules_set_line(rules *r, int apply, vpn_peer_id peer, const char *key, const char *value);
/* A line of a peer was refused, whoever's it was: the others before it are half of what was asked, and are not taken. */
void rules_refused(rules *r, vpn_peer_id peer);
/* All lines of a peer have come, or it has gone. 0, or -1: there is no memory for them, and nothing of the peer passes. */
int rules_changed(rules *r, vpn_peer_id peer);

#endif
