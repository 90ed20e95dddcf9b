/* SPDX-License-Identifier: ISC */
/* What a caller fills in, checked and with its defaults, and the limits of the search that follow from it. */
#ifndef VPN_LIB_TUNNEL_PMTU_CONFIG_H
#define VPN_LIB_TUNNEL_PMTU_CONFIG_H

#include <vpn/pmtu.h>

#include "tunnel/pmtu_search.h"

/* 0 or VPN_EINVAL. */
int vpn__pmtu_config_read(vpn_pmtu_config *out, const vpn_pmtu_config *in);
int vpn__pmtu_route_read(vpn_pmtu_route *r, const vpn_pmtu_route *in);
int vpn__pmtu_report_read(vpn_pmtu_report *r, const vpn_pmtu_report *in);

/* On a path, and while there is none. */
void vpn__pmtu_limits_on(struct vpn__pmtu_limits *l, const vpn_pmtu_config *c, const vpn_pmtu_route *route);
void vpn__pmtu_limits_away(struct vpn__pmtu_limits *l, const vpn_pmtu_config *c);

#endif
