/* SPDX-License-Identifier: ISC */
/* Which way a packet takes once a plan stands: the host's rules and routes with those of the plan among them. */
#ifndef VPN_LIB_POLICY_WAY_H
#define VPN_LIB_POLICY_WAY_H

#include "policy/choose.h"

struct vpn__way {
    uint32_t priority; /* of the rule that led here */
    uint32_t table;    /* 0: no rule led anywhere */
    vpn_prefix route;
    uint32_t link;       /* index; 0: the tunnel, or none */
    uint8_t found;       /* 0: there is no route */
    uint8_t tunnel;      /* 1: into the tunnel */
    uint8_t refuses;     /* 1: a rule or route says no */
    uint8_t has_gateway; /* 1: over a gateway */
    uint8_t protocol;    /* of the route; 0: the plan's own */
};

void vpn__way_find(const vpn_plan *plan, const vpn_selector *packet, struct vpn__way *way);

#endif
