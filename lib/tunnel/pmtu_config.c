/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_config.h"

#include <string.h>

#include "base/env.h"

#define CONFIG_LEAST (offsetof(vpn_pmtu_config, env) + sizeof(const vpn_env *))
#define ROUTE_LEAST  (offsetof(vpn_pmtu_route, path) + sizeof(vpn_path))
#define REPORT_LEAST (offsetof(vpn_pmtu_report, remote) + sizeof(vpn_endpoint))

#define MINUTE        (60 * VPN_SECOND)
#define DAY           (1440 * MINUTE)
#define PROBE_TIMER   (2 * VPN_SECOND)
#define CONFIRM_TIMER MINUTE
#define RAISE_TIMER   (10 * MINUTE)

#define LINK_MTU 1500u
#define LINK_MIN 68u

static int is_time(vpn_time *t, vpn_time least, vpn_time most, vpn_time otherwise)
{
    if (*t == 0)
        *t = otherwise;
    return *t >= least && *t <= most;
}

/* A single host, and no network or group. */
static int is_host(uint8_t family, const uint8_t addr[16])
{
    static const uint8_t none[16];

    if (family == 6)
        return addr[0] != 0xff && memcmp(addr, none, 16) != 0;
    return addr[0] != 0 && addr[0] < 224;
}

static int check_probes(const vpn_pmtu_config *c)
{
    if (c->probe_family == 0)
        return 1;
    if (c->probe_family != 4 && (c->probe_family != 6 || (c->flags & VPN_PMTU_INNER_IPV6) == 0))
        return 0;
    return is_host(c->probe_family, c->probe_src) && is_host(c->probe_family, c->probe_dst);
}

static int check_config(vpn_pmtu_config *c)
{
    uint32_t least = vpn_mtu_floor(0, c->flags & VPN_PMTU_INNER_IPV6);

    if ((c->flags & ~(VPN_PMTU_INNER_IPV6 | VPN_PMTU_SHORT_QUOTES)) != 0)
        return 0;
    if ((c->reserved[0] | c->reserved[1] | c->reserved[2]) != 0)
        return 0;
    if (c->limit == 0)
        c->limit = VPN_MTU_MAX;
    if (c->multiple == 0)
        c->multiple = 1;
    if (c->limit < least || c->limit > VPN_MTU_MAX || (c->start != 0 && (c->start < least || c->start > c->limit)))
        return 0;
    if (c->multiple > 16 || (c->multiple & (c->multiple - 1)) != 0)
        return 0;
    return check_probes(c) && is_time(&c->probe_timer, VPN_SECOND, MINUTE, PROBE_TIMER) &&
           is_time(&c->confirm_timer, 5 * VPN_SECOND, 60 * MINUTE, CONFIRM_TIMER) &&
           is_time(&c->raise_timer, 5 * MINUTE, DAY, RAISE_TIMER);
}

int vpn__pmtu_config_read(vpn_pmtu_config *out, const vpn_pmtu_config *in)
{
    if (vpn__config_read(out, sizeof *out, in, CONFIG_LEAST) != VPN_OK || !check_config(out))
        return VPN_EINVAL;
    return VPN_OK;
}

void vpn__pmtu_limits_away(struct vpn__pmtu_limits *l, const vpn_pmtu_config *c)
{
    uint32_t mtu = c->start != 0 ? c->start : vpn_mtu_floor(0, c->flags & VPN_PMTU_INNER_IPV6);

    *l = (struct vpn__pmtu_limits){mtu, mtu, mtu, mtu, c->multiple, 0, 0};
}

void vpn__pmtu_limits_on(struct vpn__pmtu_limits *l, const vpn_pmtu_config *c, const vpn_pmtu_route *route)
{
    uint8_t family = route->path.remote.family;
    uint32_t least = vpn_mtu_floor(0, c->flags & VPN_PMTU_INNER_IPV6), link = vpn_mtu_inner(route->link_mtu, family);
    uint32_t every = family == 6 ? vpn_mtu_inner(VPN_MTU_MIN_IPV6, 6) : 0; /* takes every link in IPv6 */

    l->ceiling = link > least ? link : least;
    if (l->ceiling > c->limit)
        l->ceiling = c->limit;
    l->floor = every > least ? every : least;
    if (l->floor > l->ceiling)
        l->floor = l->ceiling;
    l->base = l->floor > VPN_PMTU_BASE_SIZE ? l->floor : VPN_PMTU_BASE_SIZE;
    if (l->base > l->ceiling)
        l->base = l->ceiling;
    l->start = c->start != 0 ? c->start : c->probe_family != 0 ? l->base : l->ceiling;
    if (l->start > l->ceiling)
        l->start = l->ceiling;
    if (l->start < l->floor)
        l->start = l->floor;
    l->multiple = c->multiple;
    l->probes = c->probe_family;
    l->divide = link < l->floor;
}

/* Bytes behind an IPv4 address are nobody's business. */
static void trim(uint8_t family, uint8_t addr[16])
{
    if (family == 4)
        memset(addr + 4, 0, 12);
}

int vpn__pmtu_route_read(vpn_pmtu_route *r, const vpn_pmtu_route *in)
{
    uint8_t family;

    if (vpn__config_read(r, sizeof *r, in, ROUTE_LEAST) != VPN_OK || r->reserved != 0 || r->reserved2 != 0)
        return VPN_EINVAL;
    family = r->path.remote.family;
    if (r->link_mtu == 0)
        r->link_mtu = LINK_MTU;
    if (r->link_mtu < (family == 6 ? VPN_MTU_MIN_IPV6 : LINK_MIN) || r->link_mtu > VPN_MTU_MAX)
        return VPN_EINVAL;
    if (family != 0 && family != 4 && family != 6)
        return VPN_EINVAL;
    trim(family, r->path.remote.addr);
    trim(family, r->path.local);
    return VPN_OK;
}

int vpn__pmtu_report_read(vpn_pmtu_report *r, const vpn_pmtu_report *in)
{
    if (vpn__config_read(r, sizeof *r, in, REPORT_LEAST) != VPN_OK || r->kind > VPN_PMTU_QUOTE_PAYLOAD)
        return VPN_EINVAL;
    if (r->kind == VPN_PMTU_QUOTE_NONE ? r->mtu == 0 : r->quote == NULL && r->length != 0)
        return VPN_EINVAL;
    trim(r->remote.family, r->remote.addr);
    return VPN_OK;
}
