/* SPDX-License-Identifier: ISC */
/*
 * As the kernel does it: rules by priority, and of those that match each asks its table for the longest prefix; without an answer,
 * or with one that is suppressed, the next rule is asked. A chain of nftables may have marked the packet before.
 */
#include "policy/way.h"

#include <string.h>

#include "policy/host.h"
#include "policy/ruleset.h"

#define PRIORITY_MAIN    32766u
#define PRIORITY_DEFAULT 32767u

static const vpn_rule boot[] = {
    {.priority = PRIORITY_MAIN, .table = VPN_TABLE_MAIN, .suppress = -1},
    {.priority = PRIORITY_DEFAULT, .table = VPN_TABLE_DEFAULT, .suppress = -1},
};

static int matches(const vpn_rule *rule, const vpn_selector *packet, uint32_t mark)
{
    int holds = (mark & rule->mask) == rule->mark || !rule->mask;
    if (rule->family && rule->family != packet->family)
        return 0;
    if (rule->has_uid && !(packet->has_uid && packet->uid >= rule->uid_first && packet->uid <= rule->uid_last))
        holds = 0;
    return holds != (rule->invert != 0);
}

/* The rule after a place in the order of priorities, where the plan's own and the host's are one list; NULL at the end. */
static const vpn_rule *next_rule(const vpn_plan *plan, const vpn_rule *list, size_t count, uint64_t *place)
{
    const vpn_rule *best = NULL;
    size_t total = count + plan->op_count;
    uint64_t best_place = 0;
    for (size_t i = 0; i < total; i++) {
        const vpn_op *op = i < count ? NULL : &plan->ops[i - count];
        if (op && op->type != VPN_OP_RULE)
            continue;
        const vpn_rule *rule = op ? &op->rule : &list[i];
        uint64_t at = (uint64_t)rule->priority << 31 | i;
        if (at >= *place && (!best || at < best_place)) {
            best = rule;
            best_place = at;
        }
    }
    *place = best_place + 1;
    return best;
}

/* Whether a route of the tunnel beats what was found so far. */
static void offer(struct vpn__way *way, const vpn_prefix *route, uint32_t metric, uint32_t *best_metric)
{
    if (way->found && (route->bits < way->route.bits || (route->bits == way->route.bits && metric >= *best_metric)))
        return;
    *best_metric = metric;
    way->route = *route;
    way->link = 0;
    way->found = way->tunnel = 1;
    way->refuses = way->has_gateway = way->protocol = 0;
}

static void ask_host(const vpn_plan *plan, const vpn_selector *packet, struct vpn__way *way, uint32_t *metric)
{
    const vpn_host_route *route = vpn__host_route(&plan->host, way->table, packet->family, packet->to, -1);
    if (!route)
        return;
    const vpn_host_link *link = vpn__host_link(&plan->host, route->link);
    way->found = 1;
    way->route = route->to;
    way->refuses = route->refuses != 0;
    way->has_gateway = route->has_gateway != 0;
    way->protocol = route->protocol;
    way->tunnel = link == vpn__host_named(&plan->host, plan->policy.name) && link;
    way->link = way->tunnel || route->refuses ? 0 : route->link;
    *metric = route->metric;
}

static void ask_table(const vpn_plan *plan, const vpn_selector *packet, struct vpn__way *way)
{
    uint32_t metric = UINT32_MAX;
    way->found = way->tunnel = way->refuses = 0;
    ask_host(plan, packet, way, &metric);
    for (size_t i = 0; i < plan->route_count && way->table == plan->table; i++) {
        if (vpn__prefix_holds(&plan->routes[i], packet->family, packet->to))
            offer(way, &plan->routes[i], plan->conf.metric, &metric);
    }
    for (size_t i = 0; i < plan->conf.address_count && way->table == VPN_TABLE_MAIN; i++) {
        vpn_prefix network = vpn__prefix_network(&plan->conf.addresses[i]);
        if (vpn__prefix_holds(&network, packet->family, packet->to))
            offer(way, &network, 0, &metric);
    }
}

void vpn__way_find(const vpn_plan *plan, const vpn_selector *packet, struct vpn__way *way)
{
    const vpn_rule *list = plan->host.rule_count ? plan->host.rules : boot, *rule;
    size_t count = plan->host.rule_count ? plan->host.rule_count : sizeof(boot) / sizeof(boot[0]);
    uint64_t place = 0;
    uint32_t mark = vpn__ruleset_mark(plan, packet);
    memset(way, 0, sizeof(*way));
    while ((rule = next_rule(plan, list, count, &place)) != NULL) {
        if (!matches(rule, packet, mark) || rule->table == VPN_TABLE_LOCAL)
            continue;
        way->priority = rule->priority;
        way->table = rule->table;
        if (rule->refuses) {
            way->found = way->refuses = 1;
            return;
        }
        ask_table(plan, packet, way);
        if (way->found && (int32_t)way->route.bits > rule->suppress)
            return;
    }
    memset(way, 0, sizeof(*way));
}
