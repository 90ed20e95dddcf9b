/* SPDX-License-Identifier: ISC */
/* Interface and routes. */
#include "diagnosis.h"

#include <stdlib.h>
#include <string.h>

#include "way.h"

enum { ROUTES_MAX = 256 }; /* of a plan; the rest is not asked for */

const vpn_host_link *diagnosis_link(const diagnosis *d, uint32_t index)
{
    for (size_t i = 0; i < d->now.host.link_count; i++) {
        if (d->now.links[i].index == index)
            return &d->now.links[i];
    }
    return NULL;
}

static const vpn_host_link *own_link(const diagnosis *d)
{
    for (size_t i = 0; i < d->now.host.link_count; i++) {
        if (strcmp(d->now.links[i].name, d->l.name) == 0)
            return &d->now.links[i];
    }
    return NULL;
}

int prefix_holds(const vpn_prefix *prefix, const vpn_prefix *address)
{
    uint32_t whole = prefix->bits / 8;
    uint32_t rest = prefix->bits % 8;

    if (prefix->family != address->family || memcmp(prefix->addr, address->addr, whole) != 0)
        return 0;
    return rest == 0 || ((prefix->addr[whole] ^ address->addr[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

int prefix_same_address(const vpn_prefix *a, const vpn_prefix *b)
{
    return a->family == b->family && memcmp(a->addr, b->addr, a->family == 4 ? 4 : 16) == 0;
}

static int has_address(const diagnosis *d, uint32_t link, const vpn_prefix *address)
{
    for (size_t i = 0; i < d->now.host.address_count; i++) {
        if (d->now.addresses[i].link == link && prefix_same_address(&d->now.addresses[i].prefix, address))
            return 1;
    }
    return 0;
}

void gather_interface(diagnosis *d)
{
    const vpn_host_link *link = own_link(d);
    const vpn_conf *conf = d->l.conf;

    d->seen.link = yes_no(link != NULL);
    if (link == NULL)
        return;
    d->seen.link_up = yes_no((link->flags & VPN_LINK_UP) != 0);
    d->seen.link_mtu = link->mtu;
    d->seen.wanted_mtu = conf->mtu;
    d->seen.addresses = d->has_file ? VPN_SEEN_YES : VPN_SEEN_NOTHING;
    for (size_t i = conf->address_count; i-- > 0;) {
        if (has_address(d, link->index, &conf->addresses[i]))
            continue;
        d->seen.addresses = VPN_SEEN_NO;
        d->seen.address = conf->addresses[i];
    }
}

/* An address in a prefix that stands for all of it: the target if it can, else the first that may be somebody's. */
static vpn_prefix sample_of(const diagnosis *d, const vpn_prefix *prefix)
{
    vpn_prefix sample = {.family = prefix->family, .bits = prefix->family == 4 ? 32 : 128};
    size_t last = prefix->family == 4 ? 3 : 15;

    if (d->seen.target.family != 0 && prefix_holds(prefix, &d->seen.target))
        return d->seen.target;
    memcpy(sample.addr, prefix->addr, sizeof sample.addr);
    if (prefix->bits < sample.bits)
        sample.addr[last] |= 1;
    /* 0.0.0.0/8 and ::/8 are nobody's */
    if (sample.addr[0] == 0 && prefix->bits < 3)
        sample.addr[0] = prefix->family == 4 ? 1 : 0x20;
    return sample;
}

/* Whether the plan leaves this address to a more specific route of the host, as LANs have them; look_at_foreign has them. */
static int is_left_out(const diagnosis *d, const vpn_prefix *address)
{
    vpn_selector packet = {.family = address->family};
    vpn_explanation said;

    memcpy(packet.to, address->addr, sizeof packet.to);
    return vpn_plan_explain(d->l.plan, &packet, &said) != 0 || said.path == VPN_PATH_BLOCKED ||
           (said.path == VPN_PATH_LOCAL && (said.route.family == 0 || said.route.bits > 0));
}

/* 1: it does not enter the tunnel. */
static int is_astray(diagnosis *d, const vpn_prefix *prefix)
{
    vpn_prefix sample = sample_of(d, prefix);
    const vpn_host_link *link;
    system_way way;

    if (is_left_out(d, &sample))
        return 0;
    way_ask(&way, sample.family, sample.addr, 0);
    link = diagnosis_link(d, way.link);
    if (way.kind == VPN_WAY_NOTHING || (way.kind == VPN_WAY_LINK && link == NULL))
        return 0;
    d->seen.routes = VPN_SEEN_YES;
    if (way.kind == VPN_WAY_LINK && strcmp(link->name, d->l.name) == 0)
        return 0;
    d->seen.routes = VPN_SEEN_NO;
    d->seen.route = *prefix;
    d->seen.route_way = (uint8_t)way.kind;
    if (way.kind == VPN_WAY_LINK)
        memcpy(d->seen.route_link, link->name, sizeof d->seen.route_link);
    return 1;
}

/* Of a tunnel that has all addresses, others may well have routes of their own; those that DHCP set, or that take away what is asked
 * about, count. */
static int counts(const diagnosis *d, const vpn_finding *f)
{
    if (f->code != VPN_FINDING_FOREIGN_ROUTE)
        return 0;
    if (f->severity == VPN_SEVERITY_ERROR || vpn_plan_table(d->l.plan) == VPN_TABLE_MAIN)
        return 1;
    if (d->seen.target.family != 0 && prefix_holds(&f->prefix, &d->seen.target))
        return 1;
    for (size_t i = 0; i < d->l.conf->dns_count; i++) {
        if (prefix_holds(&f->prefix, &d->l.conf->dns[i]))
            return 1;
    }
    return 0;
}

static void look_at_foreign(diagnosis *d)
{
    size_t count = 0;
    vpn_finding *found;

    if (vpn_plan_audit(d->l.plan, NULL, 0, &count) == VPN_ENOMEM)
        return;
    found = calloc(count + 1, sizeof *found);
    if (found == NULL || vpn_plan_audit(d->l.plan, found, count, &count) != 0)
        count = 0;
    d->seen.foreign = yes_no(0);
    for (size_t i = count; i-- > 0;) {
        const vpn_host_link *link = diagnosis_link(d, found[i].link);

        if (!counts(d, &found[i]))
            continue;
        d->seen.foreign = VPN_SEEN_YES;
        d->seen.foreign_route = found[i].prefix;
        if (link != NULL)
            memcpy(d->seen.foreign_link, link->name, sizeof d->seen.foreign_link);
    }
    free(found);
}

/* Whether the file lets only some applications use the tunnel. We are none of them. */
static int has_included(const vpn_conf *conf)
{
    for (size_t i = 0; i < conf->app_count; i++) {
        if (!conf->apps[i].exclude)
            return 1;
    }
    return 0;
}

void gather_routes(diagnosis *d)
{
    size_t left = ROUTES_MAX;

    d->seen.apps = yes_no(has_included(d->l.conf));
    if (d->seen.apps == VPN_SEEN_YES)
        return;
    for (size_t i = 0; i < vpn_plan_count(d->l.plan) && left > 0; i++) {
        const vpn_op *op = vpn_plan_op(d->l.plan, i);

        if (op->type != VPN_OP_ROUTE)
            continue;
        left--;
        if (is_astray(d, &op->prefix))
            break;
    }
    if (d->has_file)
        look_at_foreign(d);
}
