/* SPDX-License-Identifier: ISC */
/*
 * Each check looks at the facts and the plan for one thing that has gone wrong with real tunnels. Where a packet would go is asked
 * of the same model that explains packets, so a finding and an explanation never disagree.
 */
#include <string.h>

#include <vpn/mtu.h>
#include <vpn/uapi.h>

#include "base/env.h"
#include "base/sort.h"
#include "config/text.h"
#include "policy/host.h"
#include "policy/ruleset.h"
#include "policy/way.h"

#define PORT_DNS     53
#define PROTOCOL_UDP 17
#define NO_PEER      UINT32_MAX

struct audit {
    const vpn_plan *plan;
    vpn_finding *out;
    size_t capacity;
    size_t count;    /* of this severity and graver ones */
    uint32_t wanted; /* the severity of this round */
    struct vpn__text evidence;
    vpn_finding next;
};

static void start(struct audit *a, uint32_t code, uint32_t severity)
{
    memset(&a->next, 0, sizeof(a->next));
    a->next.code = code;
    a->next.severity = severity;
    a->next.peer = NO_PEER;
    a->evidence = (struct vpn__text){.out = a->next.evidence, .capacity = sizeof(a->next.evidence) - 1};
}

static void say(struct audit *a, const char *string)
{
    vpn__text_string(&a->evidence, string);
}

static void say_number(struct audit *a, uint64_t number)
{
    vpn__text_decimal(&a->evidence, number);
}

static void say_prefix(struct audit *a, const vpn_prefix *prefix)
{
    char text[VPN_PREFIX_CHARS];
    vpn_prefix_format(text, prefix);
    say(a, text);
}

static void say_link(struct audit *a, uint32_t index)
{
    const vpn_host_link *link = vpn__host_link(&a->plan->host, index);
    size_t length = 0;
    while (link && length < VPN_IFNAME_CHARS && link->name[length])
        length++;
    vpn__text_bytes(&a->evidence, link ? link->name : "", length);
}

static void finish(struct audit *a, const char *remedy)
{
    struct vpn__text text = {.out = a->next.remedy, .capacity = sizeof(a->next.remedy) - 1};
    if (a->next.severity != a->wanted)
        return;
    vpn__text_string(&text, remedy);
    if (a->count < a->capacity)
        a->out[a->count] = a->next;
    a->count++;
}

/* Whether the filter would keep packets for a prefix from leaving around the tunnel. */
static int is_held(const vpn_plan *plan, const vpn_prefix *prefix)
{
    return plan->closed && !plan->includes && vpn_prefixes_covers(plan->held, prefix);
}

static vpn_selector query(const vpn_prefix *server)
{
    vpn_selector packet = {.family = server->family, .protocol = PROTOCOL_UDP, .port = PORT_DNS};
    memcpy(packet.to, server->addr, sizeof(packet.to));
    return packet;
}

/* Whether a question to a server would leave by another link, in the clear. */
static int leaves(const vpn_plan *plan, const vpn_prefix *server)
{
    vpn_selector packet = query(server);
    struct vpn__way way;
    if (vpn__host_owns(&plan->host, server->family, server->addr))
        return 0;
    vpn__way_find(plan, &packet, &way);
    return way.found && !way.tunnel && !way.refuses && !vpn__ruleset_drops(plan, &packet);
}

static int has_resolver(const vpn_plan *plan)
{
    for (size_t i = 0; i < plan->op_count; i++) {
        if (plan->ops[i].type == VPN_OP_RESOLVER)
            return 1;
    }
    return 0;
}

static void dns_of_the_file(struct audit *a)
{
    const vpn_conf *conf = &a->plan->conf;
    for (size_t i = 0; i < conf->dns_count; i++) {
        if (!leaves(a->plan, &conf->dns[i]))
            continue;
        start(a, VPN_FINDING_DNS_LEAK, VPN_SEVERITY_ERROR);
        a->next.prefix = conf->dns[i];
        say(a, "The name server ");
        say_prefix(a, &conf->dns[i]);
        say(a, " of this tunnel is reached around it.");
        finish(a, "Put its address into AllowedIPs of the peer that leads to it, and not into Exclude.");
    }
}

static void dns_of_the_host(struct audit *a, const char *why, const char *remedy)
{
    const vpn_host *host = &a->plan->host;
    for (size_t i = 0; i < host->resolver_count; i++) {
        if (!leaves(a->plan, &host->resolvers[i].server))
            continue;
        start(a, VPN_FINDING_DNS_LEAK, VPN_SEVERITY_WARNING);
        a->next.prefix = host->resolvers[i].server;
        a->next.link = host->resolvers[i].link;
        say(a, "Names are asked of ");
        say_prefix(a, &host->resolvers[i].server);
        say(a, " around the tunnel, ");
        say(a, why);
        finish(a, remedy);
    }
}

/* That resolvconf(8) tells a resolver of the host's own about servers cannot be seen from outside. */
static void split_by_the_host(struct audit *a)
{
    const vpn_host *host = &a->plan->host;
    for (size_t i = 0; i < host->resolver_count; i++) {
        const vpn_prefix *server = &host->resolvers[i].server;
        if (!vpn__host_owns(host, server->family, server->addr))
            continue;
        start(a, VPN_FINDING_DNS_LEAK, VPN_SEVERITY_NOTE);
        a->next.prefix = *server;
        say(a, "If openresolv does not feed the resolver at ");
        say_prefix(a, server);
        say(a, ", names of MatchDomains go to the servers which that has already.");
        finish(a, "Name the resolver in resolvconf.conf(5), or set DNSMode = tunnel.");
    }
}

static void look_at_dns(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    uint32_t mode = vpn_conf_dns_mode(&plan->conf);
    int full = plan->full[0] || plan->full[1];
    if (has_resolver(plan)) {
        dns_of_the_file(a);
        if (mode == VPN_DNS_SPLIT && plan->host.resolver_system == VPN_RESOLVER_RESOLVCONF)
            split_by_the_host(a);
        if (mode == VPN_DNS_TUNNEL && plan->host.resolver_system == VPN_RESOLVER_RESOLVED && !plan->hold_dns)
            dns_of_the_host(a, "since systemd-resolved keeps the servers of other links beside this one's.",
                            "Set FailMode = closed, which holds questions outside the tunnel back.");
        return;
    }
    if (mode == VPN_DNS_SPLIT) {
        start(a, VPN_FINDING_DNS_LEAK, VPN_SEVERITY_ERROR);
        say(a,
            "Split DNS needs systemd-resolved, or openresolv with a resolver on this host, so the servers of the file "
            "are not used.");
        finish(a, "Run one of them, or set DNSMode = tunnel.");
    }
    if (full)
        dns_of_the_host(a, "though all other traffic goes through it.",
                        "Set DNS to a server that the tunnel leads to.");
}

static int has_way_out(const vpn_plan *plan, uint8_t family)
{
    for (size_t i = 0; i < plan->host.route_count; i++) {
        const vpn_host_route *route = &plan->host.routes[i];
        if (route->to.family == family && route->to.bits == 0 && !route->refuses)
            return 1;
    }
    return 0;
}

static void look_at_families(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    for (uint8_t f = 0; f < 2; f++) {
        if (!plan->full[!f] || plan->full[f] || plan->closed || !has_way_out(plan, f ? 6 : 4))
            continue;
        start(a, VPN_FINDING_IPV6_LEAK, VPN_SEVERITY_ERROR);
        a->next.prefix.family = f ? 6 : 4;
        say(a, f ? "All of IPv4 goes through the tunnel, and IPv6 around it: the host has a default route for IPv6."
                 : "All of IPv6 goes through the tunnel, and IPv4 around it: the host has a default route for IPv4.");
        finish(a, f ? "Add ::/0 to AllowedIPs, or set FailMode = closed."
                    : "Add 0.0.0.0/0 to AllowedIPs, or set FailMode = closed.");
    }
}

/* What a daemon sends bears the mark, where there is one. */
static void look_at_endpoints(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    for (size_t i = 0; i < plan->conf.peer_count; i++) {
        const vpn_endpoint *endpoint = &plan->endpoints[i];
        vpn_selector packet = {
            .family = endpoint->family, .protocol = PROTOCOL_UDP, .port = endpoint->port, .mark = plan->mark};
        struct vpn__way way;
        if (!endpoint->family && plan->conf.peers[i].host) {
            start(a, VPN_FINDING_NO_ENDPOINT, VPN_SEVERITY_NOTE);
            a->next.peer = (uint32_t)i;
            say(a, "The endpoint of this peer is a name that was not looked up, so its path was not checked.");
            finish(a, "Look the name up before the audit, or write an address.");
        }
        if (!endpoint->family)
            continue;
        memcpy(packet.to, endpoint->addr, sizeof(packet.to));
        vpn__way_find(plan, &packet, &way);
        if (!way.tunnel)
            continue;
        start(a, VPN_FINDING_ENDPOINT_LOOP, VPN_SEVERITY_ERROR);
        a->next.peer = (uint32_t)i;
        a->next.prefix = way.route;
        say(a, "The endpoint of this peer is inside ");
        say_prefix(a, &way.route);
        say(a, ", which leads into the tunnel itself.");
        finish(a, "Leave Table automatic, so that outer packets are told apart by their mark, or exclude the address.");
    }
}

/* A LAN that covers public addresses takes their packets out of a tunnel that lets LANs win. */
static void look_at_lans(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    for (size_t i = 0; i < plan->host.address_count; i++) {
        const vpn_host_address *address = &plan->host.addresses[i];
        vpn_prefix network = vpn__prefix_network(&address->prefix);
        int is_public = !vpn__prefix_private(&network), full = plan->full[network.family == 6];
        if (!vpn__host_is_lan(&plan->host, plan->policy.name, address) ||
            !vpn_prefixes_overlaps(plan->inside, &network) || (plan->priority && !plan->lan) || is_held(plan, &network))
            continue;
        start(a, VPN_FINDING_LAN_OVERLAP, is_public || !full ? VPN_SEVERITY_WARNING : VPN_SEVERITY_NOTE);
        a->next.prefix = network;
        a->next.link = address->link;
        say(a, "The LAN ");
        say_prefix(a, &network);
        say(a, " at ");
        say_link(a, address->link);
        say(a, is_public ? " has public addresses, whose packets leave around the tunnel."
                         : " is reached around the tunnel.");
        finish(a, full ? "Set LanAccess = false, or FailMode = closed, where nobody on the LAN is to be reached."
                       : "Give one of the two networks other addresses, or translate those of the site.");
    }
}

/* In one table with the tunnel's routes a route only wins where it is no shorter than one of these, and then the tunnel has all
   of its addresses; asked before the tunnel's table, it always wins. */
static int is_foreign(const vpn_plan *plan, const vpn_host_route *route)
{
    const vpn_host_link *own = vpn__host_named(&plan->host, plan->policy.name);
    if (route->table != VPN_TABLE_MAIN || route->protocol == VPN_PROTOCOL_KERNEL || route->refuses ||
        (own && route->link == own->index))
        return 0;
    if (plan->table == VPN_TABLE_MAIN)
        return vpn_prefixes_covers(plan->inside, &route->to);
    return plan->priority && plan->lan && route->to.bits > 0 && vpn_prefixes_overlaps(plan->inside, &route->to);
}

/* Whether a packet to the first address of a route really goes that way: the tunnel may know better. */
static int wins(const vpn_plan *plan, const vpn_host_route *route)
{
    vpn_selector packet = {.family = route->to.family};
    struct vpn__way way;
    memcpy(packet.to, route->to.addr, sizeof(packet.to));
    vpn__way_find(plan, &packet, &way);
    return way.found && !way.tunnel && vpn__prefix_same(&way.route, &route->to);
}

/* Each candidate takes a walk through all routes, so a host with a whole routing table is looked at in part. */
#define CANDIDATES 1024u

static void look_at_routes(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    size_t left = CANDIDATES;
    for (size_t i = 0; i < plan->host.route_count && left; i++) {
        const vpn_host_route *route = &plan->host.routes[i];
        int dhcp = route->protocol == VPN_PROTOCOL_DHCP;
        if (!is_foreign(plan, route) || is_held(plan, &route->to))
            continue;
        left--;
        if (!wins(plan, route))
            continue;
        start(a, VPN_FINDING_FOREIGN_ROUTE, dhcp ? VPN_SEVERITY_ERROR : VPN_SEVERITY_WARNING);
        a->next.prefix = route->to;
        a->next.link = route->link;
        say(a, dhcp ? "DHCP set the route " : "Somebody set the route ");
        say_prefix(a, &route->to);
        say(a, " over ");
        say_link(a, route->link);
        say(a, ", which wins over the tunnel.");
        finish(a,
               "Set LanAccess = false, or FailMode = closed, and have the DHCP client ignore options 33, 121 and 249.");
    }
}

/* A prefix of a peer, for sorting. */
struct claim {
    vpn_prefix prefix;
    uint32_t peer;
};

/* Prefixes that hold others come before them. */
static int by_prefix(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = x->prefix.family - y->prefix.family;
    if (!order)
        order = memcmp(x->prefix.addr, y->prefix.addr, sizeof(x->prefix.addr));
    if (!order)
        order = x->prefix.bits - y->prefix.bits;
    return order ? order : (x->peer > y->peer) - (x->peer < y->peer);
}

static void find_overlap(struct audit *a, const struct claim *outer, const struct claim *inner)
{
    int same = outer->prefix.bits == inner->prefix.bits;
    if (outer->peer == inner->peer || (!same && outer->prefix.bits == 0))
        return;
    start(a, VPN_FINDING_SITE_OVERLAP, same ? VPN_SEVERITY_ERROR : VPN_SEVERITY_WARNING);
    a->next.peer = inner->peer;
    a->next.prefix = inner->prefix;
    say(a, "Peer ");
    say_number(a, (uint64_t)inner->peer + 1);
    say(a, " of the file has ");
    say_prefix(a, &inner->prefix);
    say(a, same ? ", and so does peer " : ", inside a prefix of peer ");
    say_number(a, (uint64_t)outer->peer + 1);
    say(a, same ? "; only the later one gets it." : ".");
    finish(a, "Give each address to one peer, or translate one of the sites to other prefixes.");
}

/* Walks the sorted claims with those that hold the present one on a stack. */
static void compare_claims(struct audit *a, const struct claim *claims, size_t count)
{
    const struct claim *holding[129];
    size_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        const struct claim *claim = &claims[i];
        while (depth && !vpn__prefix_holds(&holding[depth - 1]->prefix, claim->prefix.family, claim->prefix.addr))
            depth--;
        if (depth)
            find_overlap(a, holding[depth - 1], claim);
        if (depth && holding[depth - 1]->prefix.bits == claim->prefix.bits)
            depth--;
        holding[depth++] = claim;
    }
}

/* What peers claim on the wire, or with `names` by which names their hosts go here. NULL: only how many. */
static size_t list_claims(const vpn_conf *conf, int names, struct claim *out)
{
    size_t count = 0;
    for (size_t i = 0; i < conf->peer_count; i++) {
        const vpn_conf_peer *peer = &conf->peers[i];
        for (size_t k = 0; k < (names ? peer->netmap_count : peer->allowed_ip_count); k++) {
            const vpn_prefix *prefix = names ? &peer->netmap[k].inside : &peer->allowed_ips[k];
            if (names && peer->netmap[k].whose != VPN_NETMAP_THEIRS)
                continue;
            if (out)
                out[count] = (struct claim){vpn__prefix_network(prefix), (uint32_t)i};
            count++;
        }
    }
    return count;
}

/* 0 or VPN_ENOMEM. */
static int look_at_sites(struct audit *a, int names)
{
    const vpn_conf *conf = &a->plan->conf;
    size_t total = list_claims(conf, names, NULL);
    if (conf->peer_count < 2 || !total)
        return 0;
    struct claim *claims = vpn__alloc_array(&a->plan->arena.env, total, sizeof(*claims));
    if (!claims)
        return VPN_ENOMEM;
    (void)list_claims(conf, names, claims);
    vpn__sort(claims, total, sizeof(*claims), by_prefix);
    compare_claims(a, claims, total);
    vpn__free(&a->plan->arena.env, claims, total * sizeof(*claims));
    return 0;
}

static uint32_t planned_mtu(const vpn_plan *plan)
{
    const vpn_host_link *own = vpn__host_named(&plan->host, plan->policy.name);
    for (size_t i = 0; i < plan->op_count; i++) {
        if (plan->ops[i].type == VPN_OP_MTU)
            return plan->ops[i].value;
    }
    return own ? own->mtu : 0;
}

static void look_at_mtu(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    uint32_t mtu = planned_mtu(plan);
    for (size_t i = 0; i < plan->conf.peer_count; i++) {
        const vpn_endpoint *endpoint = &plan->endpoints[i];
        const vpn_host_route *route =
            endpoint->family ? vpn__host_route(&plan->host, VPN_TABLE_MAIN, endpoint->family, endpoint->addr, -1)
                             : NULL;
        const vpn_host_link *link = route ? vpn__host_link(&plan->host, route->link) : NULL;
        uint32_t fits = link ? vpn_mtu_inner(link->mtu, endpoint->family) : mtu;
        if (mtu <= fits)
            continue;
        start(a, VPN_FINDING_MTU, VPN_SEVERITY_WARNING);
        a->next.peer = (uint32_t)i;
        a->next.link = link->index;
        say(a, "The MTU is ");
        say_number(a, mtu);
        say(a, ", and ");
        say_link(a, link->index);
        say(a, " on the way to this peer leaves ");
        say_number(a, fits);
        say(a, ".");
        finish(a, "Set MTU to what fits, or leave it out.");
    }
    if (mtu && mtu < VPN_MTU_MIN_IPV6 && plan->any[1]) {
        start(a, VPN_FINDING_MTU, VPN_SEVERITY_ERROR);
        say(a, "The tunnel carries IPv6, which needs an MTU of 1280, and has ");
        say_number(a, mtu);
        say(a, ".");
        finish(a, "Set MTU to 1280 at least.");
    }
}

/* The filter of a plan with rules drops packets to the tunnel's addresses that come in elsewhere; without it only a strict
   reverse-path filter does. */
static void look_at_rp_filter(struct audit *a)
{
    const vpn_plan *plan = a->plan;
    if (vpn__ruleset_wanted(plan))
        return;
    for (size_t i = 0; i < plan->host.link_count; i++) {
        const vpn_host_link *link = &plan->host.links[i];
        uint32_t filter = link->rp_filter > plan->host.rp_filter ? link->rp_filter : plan->host.rp_filter;
        if (filter == 1 || (link->flags & (VPN_LINK_LOOPBACK | VPN_LINK_TUNNEL)) || !(link->flags & VPN_LINK_UP))
            continue;
        start(a, VPN_FINDING_RP_FILTER, VPN_SEVERITY_NOTE);
        a->next.link = link->index;
        say(a, "No strict reverse-path filter at ");
        say_link(a, link->index);
        say(a, ", and no rule against packets to the tunnel's addresses from there.");
        finish(a, "Set net.ipv4.conf.*.rp_filter = 1 there, or FailMode = closed.");
    }
}

int vpn_plan_audit(const vpn_plan *plan, vpn_finding *out, size_t capacity, size_t *count)
{
    struct audit a = {.plan = plan, .out = out, .capacity = capacity};
    int error = 0;
    for (a.wanted = VPN_SEVERITY_ERROR; !error && a.wanted >= VPN_SEVERITY_NOTE; a.wanted--) {
        look_at_dns(&a);
        look_at_families(&a);
        look_at_endpoints(&a);
        look_at_lans(&a);
        look_at_routes(&a);
        error = look_at_sites(&a, 0);
        if (!error)
            error = look_at_sites(&a, 1);
        look_at_mtu(&a);
        look_at_rp_filter(&a);
    }
    *count = a.count;
    if (error)
        return error;
    return a.count > capacity ? VPN_ESPACE : 0;
}
