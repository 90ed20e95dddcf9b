/* SPDX-License-Identifier: ISC */
/* Whether an error is about a packet of ours. */
#ifndef VPN_LIB_TUNNEL_PMTU_QUOTE_H
#define VPN_LIB_TUNNEL_PMTU_QUOTE_H

#include <vpn/pmtu.h>

#define VPN__PMTU_SESSIONS 3                 /* the current one, the one before, and one more while keys change */
#define VPN__PMTU_WINDOW   (10 * VPN_SECOND) /* facts are between one and three of these old */

/* What was sent under one receiver index: counters from..to lately. */
struct vpn__pmtu_sent {
    uint64_t from, middle, to;
    vpn_time last;  /* when anything was sent */
    vpn_time moved; /* when `from` was moved last */
    uint32_t index;
    uint32_t used;
};

struct vpn__pmtu_facts {
    struct vpn__pmtu_sent sessions[VPN__PMTU_SESSIONS];
};

/* A datagram was sent. What is no data message is passed over. */
void vpn__pmtu_quote_sent(struct vpn__pmtu_facts *facts, const uint8_t *message, size_t length, vpn_time now);

/* Judges a report against the route and the facts. VPN_PMTU_LOWERED: it is ours, and `path` is the MTU that it tells; else as
   vpn_pmtu_error says. `in_use` is the path MTU in use. */
int vpn__pmtu_quote_judge(uint32_t *path, const struct vpn__pmtu_facts *facts, const vpn_pmtu_route *route,
                          uint32_t flags, uint32_t in_use, const vpn_pmtu_report *report, vpn_time now);

#endif
