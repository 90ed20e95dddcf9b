/* SPDX-License-Identifier: ISC */
/* What a plan decides before it writes operations down, and the plan itself. */
#ifndef VPN_LIB_POLICY_CHOOSE_H
#define VPN_LIB_POLICY_CHOOSE_H

#include <vpn/policy.h>

#include "base/arena.h"

/* Offsets of rules from `priority`. */
enum {
    VPN__RULE_OUTER,   /* outer packets to the main table, where only some applications are captured */
    VPN__RULE_EXCLUDE, /* excluded applications to the main table */
    VPN__RULE_REFUSE,  /* or nowhere */
    VPN__RULE_MAIN,    /* what the main table knows better than by its default route */
    VPN__RULE_CAPTURE, /* the rest to the tunnel's table */
    VPN__RULE_COUNT
};

struct vpn_plan {
    struct vpn__arena arena;
    vpn_policy policy;
    vpn_conf conf; /* without its private key */
    vpn_host host;
    vpn_op *ops;
    size_t op_count;
    vpn_prefixes *inside;     /* AllowedIPs, by their names on this host, without Exclude */
    vpn_prefixes *held;       /* what only the tunnel may carry, when it fails closed; else empty */
    const vpn_prefix *routes; /* `inside` as the fewest prefixes */
    size_t route_count;
    const vpn_endpoint *endpoints; /* one for each peer; family 0: not known */
    uint32_t mark;                 /* of outer packets; 0: none */
    uint32_t app_mark;             /* of included cgroups; 0: none */
    uint32_t table;                /* 0: no routes */
    uint32_t priority;             /* of the first rule; 0: no rules */
    uint8_t full[2];               /* the tunnel has all of IPv4, IPv6 */
    uint8_t any[2];                /* it has some of it */
    uint8_t closed;
    uint8_t lan;      /* LAN access */
    uint8_t includes; /* only some applications use the tunnel */
    uint8_t cgroups;  /* some application is a cgroup */
    uint8_t hold_dns; /* name servers outside the tunnel are out of reach */
};

/* Fills everything but the operations, from `policy`, `conf` and `host`. 0 or an error. */
int vpn__plan_choose(vpn_plan *plan);
/* Lists a set in the arena. 0 or VPN_ENOMEM. */
int vpn__plan_list(vpn_plan *plan, const vpn_prefixes *set, const vpn_prefix **out, size_t *count);

#endif
