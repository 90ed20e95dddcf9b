/* SPDX-License-Identifier: ISC */
/*
 * The host as it would be without a tunnel that is up: without its link and what leads there. A table is the tunnel's own when all
 * of its routes lead to that link. The rules of a plan stand in one block of eight priorities (docs/policy.md) with the one that asks
 * that table; wg-quick's stand elsewhere, and only the one that asks the table goes.
 */
#include "facts.h"

#include <string.h>

enum { BLOCK = 8, BLOCKS_END = 31808 };

static uint32_t index_of(const facts *f, const char *name)
{
    for (size_t i = 0; i < f->host.link_count; i++) {
        if (strcmp(f->links[i].name, name) == 0)
            return f->links[i].index;
    }
    return 0;
}

static int is_own_table(const facts *f, uint32_t table, uint32_t link)
{
    int some = 0;

    if (table == VPN_TABLE_MAIN || table == VPN_TABLE_DEFAULT)
        return 0;
    for (size_t i = 0; i < f->host.route_count; i++) {
        if (f->routes[i].table == table && f->routes[i].link != link)
            return 0;
        some |= f->routes[i].table == table;
    }
    return some;
}

static int is_own_rule(const facts *f, const vpn_rule *rule, uint32_t link)
{
    for (size_t i = 0; i < f->host.rule_count; i++) {
        const vpn_rule *other = &f->rules[i];
        int same_block = rule->priority < BLOCKS_END && rule->priority / BLOCK == other->priority / BLOCK;

        if ((other == rule || same_block) && !other->refuses && is_own_table(f, other->table, link))
            return 1;
    }
    return 0;
}

/* Each is judged while all are there: first marked, with a family that none has, then taken out. */
static void forget_rules(facts *f, uint32_t link)
{
    size_t left = 0;

    for (size_t i = 0; i < f->host.rule_count; i++) {
        if (is_own_rule(f, &f->rules[i], link))
            f->rules[i].family = 0;
    }
    for (size_t i = 0; i < f->host.rule_count; i++) {
        if (f->rules[i].family != 0)
            f->rules[left++] = f->rules[i];
    }
    f->host.rule_count = left;
}

static void forget_routes(facts *f, uint32_t link)
{
    size_t left = 0;

    for (size_t i = 0; i < f->host.route_count; i++) {
        if (f->routes[i].link != link)
            f->routes[left++] = f->routes[i];
    }
    f->host.route_count = left;
}

static void forget_addresses(facts *f, uint32_t link)
{
    size_t left = 0;

    for (size_t i = 0; i < f->host.address_count; i++) {
        if (f->addresses[i].link != link)
            f->addresses[left++] = f->addresses[i];
    }
    f->host.address_count = left;
}

static void forget_resolvers(facts *f, uint32_t link)
{
    size_t left = 0;

    for (size_t i = 0; i < f->host.resolver_count; i++) {
        if (f->resolvers[i].link != link)
            f->resolvers[left++] = f->resolvers[i];
    }
    f->host.resolver_count = left;
}

int facts_forget(facts *f, const char *name)
{
    uint32_t link = index_of(f, name);
    size_t left = 0;

    if (link == 0)
        return 0;
    forget_rules(f, link);
    forget_routes(f, link);
    forget_addresses(f, link);
    forget_resolvers(f, link);
    for (size_t i = 0; i < f->host.link_count; i++) {
        if (f->links[i].index != link)
            f->links[left++] = f->links[i];
    }
    f->host.link_count = left;
    return 1;
}
