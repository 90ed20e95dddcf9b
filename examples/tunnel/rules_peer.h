/* SPDX-License-Identifier: ISC */
/*
 * The rules of one peer as they were given: lines of a filter and translations. Lines that come are gathered in a second set,
 * which takes the place of the first when all have come.
 */
#ifndef TUNNEL_RULES_PEER_H
#define TUNNEL_RULES_PEER_H

#include <vpn/vpn.h>

#define RULES_FLOWS 4096u /* of a filter with stateful rules, unless a number was given */

/* Reasons for which a packet is dropped here and not by the filter itself. Names of VPN_NETMAP_* come first. */
enum { RULES_NO_ROUTE = VPN_NETMAP_RESULTS, RULES_MALFORMED, RULES_BROKEN, RULES_REASONS };

typedef struct rules_line {
    char *text;     /* as vpn_filter_rule_format writes it */
    uint32_t rules; /* that it makes */
} rules_line;

typedef struct rules_set {
    rules_line *lines;
    size_t line_count;
    uint32_t rule_count;
    uint8_t stateful; /* some rule is */
    vpn_netmap_rule *maps;
    size_t map_count;
    uint8_t has_fallback; /* `fallback` counts; else what is not allowed is denied */
    uint8_t fallback;
    uint8_t has_flows; /* `flows` counts */
    uint32_t flows;
} rules_set;

typedef struct rules_peer {
    rules_set now;
    rules_set next;
    uint8_t gathers; /* `next` is being made */
    uint8_t failed;  /* a line of it was refused: it will not take the other's place */
    uint8_t broken;  /* there was no memory for what was asked: nothing passes */
    uint32_t flows;  /* that the filter was made with */
    uint64_t drops[RULES_REASONS];
} rules_peer;

/* What a line of a set is worth. 0 or an errno; nothing is kept. */
int rules_peer_check(const char *key, const char *value);
/* 1 for a key that belongs here. */
int rules_peer_knows(const char *key);
/* Gathers a line that was checked. 0 or an errno, and then nothing of the set will be taken. */
int rules_peer_gather(rules_peer *p, const char *key, const char *value);
/* What was gathered takes the place of what was, and `filter` and `netmap` follow. 0, or -1 without memory: then nothing passes. */
int rules_peer_commit(rules_peer *p, vpn_filter **filter, vpn_netmap **netmap);
/* NULL is allowed. */
void rules_peer_free(rules_peer *p);

/* Something is to be done to packets of this peer. */
int rules_peer_counts(const rules_peer *p);

#endif
