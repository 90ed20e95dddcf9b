/* SPDX-License-Identifier: ISC */
#include "policy/host.h"

#include <string.h>

static uint32_t width(uint8_t family)
{
    return family == 4 ? 32 : 128;
}

const vpn_host_link *vpn__host_link(const vpn_host *host, uint32_t index)
{
    for (size_t i = 0; i < host->link_count; i++) {
        if (host->links[i].index == index)
            return &host->links[i];
    }
    return NULL;
}

/* Names are cut or padded with NUL to VPN_IFNAME_CHARS. */
static int same_name(const char *a, const char *b)
{
    for (size_t i = 0; i < VPN_IFNAME_CHARS; i++) {
        if (a[i] != b[i])
            return 0;
        if (!a[i])
            return 1;
    }
    return 1;
}

const vpn_host_link *vpn__host_named(const vpn_host *host, const char *name)
{
    for (size_t i = 0; i < host->link_count; i++) {
        if (same_name(host->links[i].name, name))
            return &host->links[i];
    }
    return NULL;
}

int vpn__prefix_holds(const vpn_prefix *prefix, uint8_t family, const uint8_t *addr)
{
    uint32_t whole = prefix->bits / 8, rest = prefix->bits % 8;
    if (prefix->family != family || prefix->bits > width(family))
        return 0;
    if (whole && memcmp(prefix->addr, addr, whole) != 0)
        return 0;
    return rest == 0 || ((prefix->addr[whole] ^ addr[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

vpn_prefix vpn__prefix_network(const vpn_prefix *prefix)
{
    vpn_prefix network = {.family = prefix->family, .bits = prefix->bits};
    uint32_t whole = prefix->bits / 8, rest = prefix->bits % 8;
    memcpy(network.addr, prefix->addr, whole);
    if (rest)
        network.addr[whole] = (uint8_t)(prefix->addr[whole] & (0xff00u >> rest));
    return network;
}

int vpn__prefix_same(const vpn_prefix *a, const vpn_prefix *b)
{
    return a->family == b->family && a->bits == b->bits && vpn__prefix_holds(a, b->family, b->addr);
}

int vpn__prefix_valid(const vpn_prefix *prefix)
{
    return (prefix->family == 4 || prefix->family == 6) && prefix->bits <= width(prefix->family) &&
           !prefix->reserved[0] && !prefix->reserved[1];
}

int vpn__host_owns(const vpn_host *host, uint8_t family, const uint8_t *addr)
{
    static const uint8_t six[16] = {[15] = 1};
    if (family == 4 ? addr[0] == 127 : memcmp(addr, six, 16) == 0)
        return 1;
    for (size_t i = 0; i < host->address_count; i++) {
        const vpn_prefix *own = &host->addresses[i].prefix;
        if (own->family == family && memcmp(own->addr, addr, family == 4 ? 4 : 16) == 0)
            return 1;
    }
    return 0;
}

/* Routes over links that are down or gone do not count. */
static int usable(const vpn_host *host, const vpn_host_route *route)
{
    if (route->refuses)
        return 1;
    const vpn_host_link *link = vpn__host_link(host, route->link);
    return link && (link->flags & VPN_LINK_UP);
}

const vpn_host_route *vpn__host_route(const vpn_host *host, uint32_t table, uint8_t family, const uint8_t *addr,
                                      int32_t suppress)
{
    const vpn_host_route *best = NULL;
    for (size_t i = 0; i < host->route_count; i++) {
        const vpn_host_route *route = &host->routes[i];
        if (route->table != table || !vpn__prefix_holds(&route->to, family, addr) || !usable(host, route))
            continue;
        if (!best || route->to.bits > best->to.bits ||
            (route->to.bits == best->to.bits && route->metric < best->metric))
            best = route;
    }
    /* the kernel finds the route first, and only then asks whether its length is suppressed */
    return best && (int32_t)best->to.bits > suppress ? best : NULL;
}

int vpn__host_is_lan(const vpn_host *host, const char *tunnel, const vpn_host_address *address)
{
    const vpn_host_link *link = vpn__host_link(host, address->link);
    if (!link || same_name(link->name, tunnel) || !(link->flags & VPN_LINK_UP) ||
        (link->flags & (VPN_LINK_LOOPBACK | VPN_LINK_TUNNEL)))
        return 0;
    return address->prefix.bits < width(address->prefix.family);
}

int vpn__prefix_private(const vpn_prefix *prefix)
{
    static const vpn_prefix known[] = {{4, 8, {0}, {10}},        {4, 12, {0}, {172, 16}}, {4, 16, {0}, {192, 168}},
                                       {4, 16, {0}, {169, 254}}, {6, 7, {0}, {0xfc}},     {6, 10, {0}, {0xfe, 0x80}}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (prefix->bits >= known[i].bits && vpn__prefix_holds(&known[i], prefix->family, prefix->addr))
            return 1;
    }
    return 0;
}
