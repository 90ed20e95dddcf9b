/* SPDX-License-Identifier: ISC */
/*
 * The sets are made of prefixes from a file and from the host, so what they cost is bounded by what was given; everything that is
 * chosen freely (mark, table, priorities) is chosen so that the host's own rules and tables do not use it.
 */
#include "policy/choose.h"

#include <string.h>

#include "config/conf_value.h"
#include "policy/host.h"
#include "policy/inside.h"

#define FIRST_TABLE    51820u /* as wg-quick: the number is both mark and table */
#define TRIES          4096u
#define FIRST_PRIORITY 31800u /* above the main table's 32766 */
#define PRIORITY_STEP  8u

/* Link-local and multicast on the link: never routed, so what LAN access means, wherever the host is. */
static const vpn_prefix link_local[] = {{4, 16, {0}, {169, 254}},
                                        {4, 24, {0}, {224, 0, 0}},
                                        {4, 32, {0}, {255, 255, 255, 255}},
                                        {6, 10, {0}, {0xfe, 0x80}},
                                        {6, 16, {0}, {0xff, 0x02}}};

int vpn__plan_list(vpn_plan *plan, const vpn_prefixes *set, const vpn_prefix **out, size_t *count)
{
    size_t need = vpn_prefixes_count(set);
    if (need > SIZE_MAX / sizeof(vpn_prefix))
        return VPN_ENOMEM;
    vpn_prefix *list = vpn__arena_alloc(&plan->arena, need * sizeof(*list));
    if (!list)
        return VPN_ENOMEM;
    *out = list;
    return vpn_prefixes_list(set, list, need, count);
}

static int all_valid(const vpn_prefix *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!vpn__prefix_valid(&list[i]))
            return 0;
    }
    return 1;
}

/* What shell words and rulesets are made of must be harmless also when no parser has seen it. */
static int all_names(const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!vpn__conf_is_name(list[i], strlen(list[i])))
            return 0;
    }
    return 1;
}

static int valid_app(const vpn_conf_app *app)
{
    if (app->kind == VPN_APP_UID)
        return app->first <= app->last && app->last < UINT32_MAX;
    if (app->kind == VPN_APP_MARK)
        return app->first != 0 && (app->first & ~app->last) == 0;
    return app->kind == VPN_APP_CGROUP && app->cgroup && vpn__conf_is_path(app->cgroup, strlen(app->cgroup));
}

static int valid_conf(const vpn_conf *conf)
{
    for (size_t i = 0; i < conf->app_count; i++) {
        if (!valid_app(&conf->apps[i]))
            return 0;
    }
    for (size_t i = 0; i < conf->peer_count; i++) {
        const vpn_conf_peer *peer = &conf->peers[i];
        if (!all_valid(peer->allowed_ips, peer->allowed_ip_count) ||
            vpn_netmap_check(peer->netmap, peer->netmap_count, NULL))
            return 0;
    }
    return all_valid(conf->addresses, conf->address_count) && all_valid(conf->dns, conf->dns_count) &&
           all_valid(conf->exclude, conf->exclude_count) && all_valid(conf->fail_except, conf->fail_except_count) &&
           all_names(conf->search, conf->search_count) && all_names(conf->match, conf->match_count) &&
           conf->fail_mode <= VPN_FAIL_CLOSED && conf->dns_mode <= VPN_DNS_SPLIT;
}

static int valid_host(const vpn_host *host)
{
    for (size_t i = 0; i < host->address_count; i++) {
        if (!vpn__prefix_valid(&host->addresses[i].prefix))
            return 0;
    }
    for (size_t i = 0; i < host->route_count; i++) {
        if (!vpn__prefix_valid(&host->routes[i].to))
            return 0;
    }
    for (size_t i = 0; i < host->resolver_count; i++) {
        if (!vpn__prefix_valid(&host->resolvers[i].server))
            return 0;
    }
    return host->resolver_system <= VPN_RESOLVER_RESOLVCONF;
}

static int find_endpoints(vpn_plan *plan)
{
    size_t count = plan->conf.peer_count;
    vpn_endpoint *list =
        count > SIZE_MAX / sizeof(*list) ? NULL : vpn__arena_alloc(&plan->arena, count * sizeof(*list));
    if (!list)
        return VPN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const vpn_endpoint *given = plan->policy.endpoints ? &plan->policy.endpoints[i] : NULL;
        list[i] = given && given->family ? *given : plan->conf.peers[i].endpoint;
        if (list[i].family != 0 && list[i].family != 4 && list[i].family != 6)
            return VPN_EINVAL;
    }
    plan->endpoints = list;
    return 0;
}

/* The AllowedIPs of all peers, or only of those whose hosts have no other names here. */
static int add_allowed(vpn_plan *plan, vpn_prefixes *set, int same_names)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < plan->conf.peer_count; i++)
        total += plan->conf.peers[i].allowed_ip_count;
    if (total > SIZE_MAX / sizeof(vpn_prefix))
        return VPN_ENOMEM;
    vpn_prefix *all = vpn__arena_alloc(&plan->arena, total * sizeof(*all));
    if (!all)
        return VPN_ENOMEM;
    for (size_t i = 0; i < plan->conf.peer_count; i++) {
        const vpn_conf_peer *peer = &plan->conf.peers[i];
        if (!peer->allowed_ip_count || (same_names && vpn__inside_differs(peer)))
            continue;
        memcpy(all + at, peer->allowed_ips, peer->allowed_ip_count * sizeof(*all));
        at += peer->allowed_ip_count;
    }
    return vpn_prefixes_add(set, all, at);
}

/* `held` gets what AllowedIPs say, on the wire; `inside` by which names it is reached here. */
static int gather(vpn_plan *plan)
{
    int error = add_allowed(plan, plan->held, 0);
    if (!error)
        error = add_allowed(plan, plan->inside, 1);
    for (size_t i = 0; i < plan->conf.peer_count && !error; i++) {
        if (vpn__inside_differs(&plan->conf.peers[i]))
            error = vpn__inside_add(plan->inside, &plan->conf.peers[i], &plan->arena.env);
    }
    return error;
}

/* What a LAN of the host has in common with the wire prefix of a site, which has another name here, is the LAN's. */
static int release_shared(vpn_plan *plan, const vpn_prefix *lan)
{
    int error = 0;
    for (size_t i = 0; i < plan->conf.peer_count; i++) {
        const vpn_conf_peer *peer = &plan->conf.peers[i];
        for (size_t k = 0; k < peer->netmap_count && !error; k++) {
            const vpn_prefix *site = &peer->netmap[k].outside;
            if (peer->netmap[k].whose != VPN_NETMAP_THEIRS)
                continue;
            if (vpn__prefix_holds(site, lan->family, lan->addr) && site->bits <= lan->bits)
                error = vpn_prefixes_subtract(plan->held, lan, 1);
            else if (vpn__prefix_holds(lan, site->family, site->addr))
                error = vpn_prefixes_subtract(plan->held, site, 1);
        }
    }
    return error;
}

/* `held` begins as all of AllowedIPs on the wire, less what the host's own LANs share with sites, and all names. */
static int begin_held(vpn_plan *plan)
{
    const vpn_host *host = &plan->host;
    int error = 0;
    for (size_t i = 0; i < host->address_count && !error; i++) {
        vpn_prefix lan = vpn__prefix_network(&host->addresses[i].prefix);
        if (vpn__host_is_lan(host, plan->policy.name, &host->addresses[i]) && vpn__prefix_private(&lan))
            error = release_shared(plan, &lan);
    }
    return error ? error : vpn_prefixes_add_set(plan->held, plan->inside);
}

static int find_inside(vpn_plan *plan)
{
    static const vpn_prefix whole[2] = {{.family = 4}, {.family = 6}};
    int error = gather(plan);
    for (size_t f = 0; f < 2; f++) {
        plan->any[f] = (uint8_t)vpn_prefixes_overlaps(plan->held, &whole[f]);
        plan->full[f] = vpn_prefixes_covers(plan->held, &whole[f]) || vpn_prefixes_covers(plan->inside, &whole[f]);
    }
    if (!error)
        error = begin_held(plan);
    if (!error)
        error = vpn_prefixes_subtract(plan->inside, plan->conf.exclude, plan->conf.exclude_count);
    return error ? error : vpn__plan_list(plan, plan->inside, &plan->routes, &plan->route_count);
}

/* A LAN that claims the tunnel's own network, or its name servers, does not get their packets. */
static int keep_own(vpn_plan *plan, const vpn_prefix *list, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        vpn_prefix network = vpn__prefix_network(&list[i]);
        if (vpn_prefixes_covers(plan->inside, &network))
            error = vpn_prefixes_add(plan->held, &network, 1);
    }
    return error;
}

/* The host's LANs, but for those with public addresses: whoever runs such a network could give it any (LocalNet). */
static int release_lans(vpn_plan *plan)
{
    const vpn_host *host = &plan->host;
    const vpn_conf *conf = &plan->conf;
    int error = 0;
    for (size_t i = 0; i < host->address_count && !error; i++) {
        if (vpn__host_is_lan(host, plan->policy.name, &host->addresses[i]) &&
            vpn__prefix_private(&host->addresses[i].prefix))
            error = vpn_prefixes_subtract(plan->held, &host->addresses[i].prefix, 1);
    }
    if (!error)
        error = keep_own(plan, conf->addresses, conf->address_count);
    if (!error)
        error = keep_own(plan, conf->dns, conf->dns_count);
    if (!error)
        error = vpn_prefixes_subtract(plan->held, link_local, sizeof(link_local) / sizeof(link_local[0]));
    return error;
}

static int find_held(vpn_plan *plan)
{
    static const vpn_prefix whole[2] = {{.family = 4}, {.family = 6}};
    const vpn_conf *conf = &plan->conf;
    int error = 0;
    if (!plan->closed)
        return vpn_prefixes_subtract(plan->held, whole, 2);
    for (size_t f = 0; f < 2 && !error; f++) {
        if (plan->full[!f] && !plan->any[f])
            error = vpn_prefixes_add(plan->held, &whole[f], 1);
    }
    if (!error)
        error = vpn_prefixes_subtract(plan->held, conf->exclude, conf->exclude_count);
    if (!error && plan->lan)
        error = release_lans(plan);
    return error ? error : vpn_prefixes_subtract(plan->held, conf->fail_except, conf->fail_except_count);
}

static void look_at_apps(vpn_plan *plan)
{
    for (size_t i = 0; i < plan->conf.app_count; i++) {
        const vpn_conf_app *app = &plan->conf.apps[i];
        plan->includes |= !app->exclude;
        plan->cgroups |= app->kind == VPN_APP_CGROUP;
    }
}

static int hold_dns(const vpn_plan *plan)
{
    if (!plan->closed || vpn_conf_dns_mode(&plan->conf) != VPN_DNS_TUNNEL || !plan->conf.dns_count)
        return 0;
    for (size_t i = 0; i < plan->conf.dns_count; i++) {
        if (!vpn_prefixes_covers(plan->inside, &plan->conf.dns[i]))
            return 0;
    }
    return 1;
}

static int endpoint_inside(const vpn_plan *plan)
{
    for (size_t i = 0; i < plan->conf.peer_count; i++) {
        const vpn_endpoint *endpoint = &plan->endpoints[i];
        if (endpoint->family && vpn_prefixes_contains(plan->inside, endpoint->family, endpoint->addr))
            return 1;
    }
    return 0;
}

static int wants_table(const vpn_plan *plan)
{
    return plan->full[0] || plan->full[1] || plan->closed || !plan->lan || plan->conf.app_count ||
           endpoint_inside(plan);
}

/* Whether the host uses a number as a mark or as a table. */
static int number_used(const vpn_host *host, uint32_t number)
{
    for (size_t i = 0; i < host->rule_count; i++) {
        if (host->rules[i].table == number ||
            (host->rules[i].mask && host->rules[i].mark == (number & host->rules[i].mask)))
            return 1;
    }
    for (size_t i = 0; i < host->route_count; i++) {
        if (host->routes[i].table == number)
            return 1;
    }
    return 0;
}

/* A mark that an application of the file has would let that application out. */
static int mark_used(const vpn_plan *plan, uint32_t mark)
{
    for (size_t i = 0; i < plan->conf.app_count; i++) {
        const vpn_conf_app *app = &plan->conf.apps[i];
        if (app->kind == VPN_APP_MARK && (mark & app->last) == app->first)
            return 1;
    }
    return number_used(&plan->host, mark);
}

static int choose_numbers(vpn_plan *plan, int own_table, int rules)
{
    uint32_t number = FIRST_TABLE;
    while (number < FIRST_TABLE + 2 * TRIES && (mark_used(plan, number) || mark_used(plan, number + 1)))
        number += 2;
    if (number >= FIRST_TABLE + 2 * TRIES)
        return VPN_ELIMIT;
    plan->mark = plan->conf.fwmark;
    if (!plan->mark && (rules || plan->closed))
        plan->mark = number;
    if (plan->cgroups && plan->includes)
        plan->app_mark = plan->mark == number + 1 ? number : number + 1;
    if (own_table)
        plan->table = number;
    return 0;
}

static int choose_priority(vpn_plan *plan)
{
    for (uint32_t first = FIRST_PRIORITY; first > PRIORITY_STEP; first -= PRIORITY_STEP) {
        size_t i = 0;
        while (i < plan->host.rule_count &&
               (plan->host.rules[i].priority < first || plan->host.rules[i].priority >= first + PRIORITY_STEP))
            i++;
        if (i == plan->host.rule_count) {
            plan->priority = first;
            return 0;
        }
    }
    return VPN_ELIMIT;
}

/* A table that the file names is used without rules, as wg-quick does it, unless rules are what picks the applications. */
static int choose_table(vpn_plan *plan)
{
    uint32_t asked = plan->conf.table;
    int own = asked == VPN_CONF_TABLE_AUTO && wants_table(plan);
    int rules = own || (plan->conf.app_count && asked != VPN_CONF_TABLE_AUTO && asked != VPN_CONF_TABLE_OFF &&
                        asked != VPN_TABLE_MAIN);
    if (!own && asked != VPN_CONF_TABLE_OFF)
        plan->table = asked == VPN_CONF_TABLE_AUTO ? VPN_TABLE_MAIN : asked;
    int error = choose_numbers(plan, own, rules);
    return error || !rules ? error : choose_priority(plan);
}

int vpn__plan_choose(vpn_plan *plan)
{
    const vpn_conf *conf = &plan->conf;
    if (!valid_conf(conf) || !valid_host(&plan->host))
        return VPN_EINVAL;
    plan->closed = conf->fail_mode == VPN_FAIL_CLOSED && (conf->set & VPN_CONF_SET_FAIL_MODE);
    plan->lan = !(conf->set & VPN_CONF_SET_LAN_ACCESS) || conf->lan_access;
    look_at_apps(plan);
    int error = find_endpoints(plan);
    if (!error)
        error = find_inside(plan);
    if (!error)
        error = find_held(plan);
    plan->hold_dns = (uint8_t)hold_dns(plan);
    return error ? error : choose_table(plan);
}
