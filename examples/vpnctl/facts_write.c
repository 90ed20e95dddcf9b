/* SPDX-License-Identifier: ISC */
/* Facts as the JSON that facts_read takes. What is zero and need not be said is left out. */
#include <string.h>

#include "facts.h"
#include "out.h"

static void put_unless_zero(const char *key, uint32_t number)
{
    if (number != 0)
        json_number(key, number);
}

static void put_links(const vpn_host *h)
{
    json_open("links", '[');
    for (size_t i = 0; i < h->link_count; i++) {
        const vpn_host_link *l = &h->links[i];

        json_open(NULL, '{');
        json_number("index", l->index);
        json_text("name", l->name);
        json_number("mtu", l->mtu);
        json_open("flags", '[');
        if ((l->flags & VPN_LINK_UP) != 0)
            json_text(NULL, "up");
        if ((l->flags & VPN_LINK_LOOPBACK) != 0)
            json_text(NULL, "loopback");
        if ((l->flags & VPN_LINK_TUNNEL) != 0)
            json_text(NULL, "tunnel");
        json_close(']');
        put_unless_zero("rp_filter", l->rp_filter);
        json_close('}');
    }
    json_close(']');
}

static void put_addresses(const vpn_host *h)
{
    json_open("addresses", '[');
    for (size_t i = 0; i < h->address_count; i++) {
        json_open(NULL, '{');
        json_number("link", h->addresses[i].link);
        json_prefix("address", &h->addresses[i].prefix);
        json_close('}');
    }
    json_close(']');
}

static void put_route(const vpn_host_route *r)
{
    vpn_prefix gateway = {.family = r->to.family, .bits = r->to.family == 4 ? 32 : 128};
    char text[VPN_PREFIX_CHARS];

    json_open(NULL, '{');
    json_prefix("to", &r->to);
    put_unless_zero("link", r->link);
    json_number("table", r->table);
    put_unless_zero("metric", r->metric);
    put_unless_zero("protocol", r->protocol);
    if (r->has_gateway) {
        memcpy(gateway.addr, r->gateway, sizeof gateway.addr);
        out_ip(text, &gateway);
        json_text("gateway", text);
    }
    if (r->refuses)
        json_flag("refuses", 1);
    json_close('}');
}

static void put_rule(const vpn_rule *r)
{
    json_open(NULL, '{');
    json_number("family", r->family);
    json_number("priority", r->priority);
    put_unless_zero("table", r->table);
    put_unless_zero("mark", r->mark);
    put_unless_zero("mask", r->mask);
    if (r->has_uid) {
        json_flag("has_uid", 1);
        json_number("uid_first", r->uid_first);
        json_number("uid_last", r->uid_last);
    }
    if (r->suppress != -1)
        json_signed("suppress", r->suppress);
    if (r->invert)
        json_flag("invert", 1);
    if (r->refuses)
        json_flag("refuses", 1);
    json_close('}');
}

static void put_resolvers(const vpn_host *h)
{
    char text[VPN_PREFIX_CHARS];

    json_open("resolvers", '[');
    for (size_t i = 0; i < h->resolver_count; i++) {
        json_open(NULL, '{');
        put_unless_zero("link", h->resolvers[i].link);
        out_ip(text, &h->resolvers[i].server);
        json_text("server", text);
        json_close('}');
    }
    json_close(']');
}

void facts_write(const facts *f)
{
    static const char *const systems[] = {"file", "resolved", "resolvconf"};
    const vpn_host *h = &f->host;

    json_open(NULL, '{');
    json_text("resolver_system", systems[h->resolver_system]);
    json_number("rp_filter", h->rp_filter);
    json_number("src_valid_mark", h->src_valid_mark);
    put_links(h);
    put_addresses(h);
    json_open("routes", '[');
    for (size_t i = 0; i < h->route_count; i++)
        put_route(&h->routes[i]);
    json_close(']');
    json_open("rules", '[');
    for (size_t i = 0; i < h->rule_count; i++)
        put_rule(&h->rules[i]);
    json_close(']');
    put_resolvers(h);
    json_close('}');
}
