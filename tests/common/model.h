/* SPDX-License-Identifier: ISC */
/*
 * A small model of a Linux host for plans: it carries operations out, refuses those that a kernel would refuse, and says where a
 * packet goes. It knows nothing of the code that plans: the packet filter is read from the text that nft would read.
 */
#ifndef VPN_TESTS_COMMON_MODEL_H
#define VPN_TESTS_COMMON_MODEL_H

#include <vpn/policy.h>
#include <vpn/uapi.h>

#include "common/test.h"

#define MODEL_TUNNEL 1000u /* index of the tunnel's link */

enum { MODEL_NOWHERE, MODEL_HOST, MODEL_TUNNELED, MODEL_OUT, MODEL_DROPPED };

typedef struct model {
    const vpn_host *facts;
    vpn_host_route routes[1024]; /* the host's, then those of the plan */
    size_t route_count;
    vpn_rule rules[128];
    size_t rule_count;
    vpn_prefix addresses[32]; /* of the tunnel */
    size_t address_count;
    int exists, up, device;
    uint32_t mtu, valid_mark, resolvers;
    const char *filter; /* text of the ruleset; NULL: none */
} model;

static inline void model_init(model *m, const vpn_host *host)
{
    memset(m, 0, sizeof(*m));
    m->facts = host;
    m->valid_mark = host->src_valid_mark;
    for (size_t i = 0; i < host->route_count; i++)
        m->routes[m->route_count++] = host->routes[i];
    for (size_t i = 0; i < host->rule_count; i++)
        m->rules[m->rule_count++] = host->rules[i];
    if (host->rule_count)
        return;
    m->rules[m->rule_count++] = (vpn_rule){.priority = 32766, .table = 254, .suppress = -1};
    m->rules[m->rule_count++] = (vpn_rule){.priority = 32767, .table = 253, .suppress = -1};
}

static inline int model_same(const model *a, const model *b)
{
    if (a->route_count != b->route_count || a->rule_count != b->rule_count || a->address_count != b->address_count ||
        a->exists != b->exists || a->up != b->up || a->device != b->device || a->mtu != b->mtu ||
        a->valid_mark != b->valid_mark || a->resolvers != b->resolvers || a->filter != b->filter)
        return 0;
    return memcmp(a->routes, b->routes, a->route_count * sizeof(a->routes[0])) == 0 &&
           memcmp(a->rules, b->rules, a->rule_count * sizeof(a->rules[0])) == 0 &&
           memcmp(a->addresses, b->addresses, a->address_count * sizeof(a->addresses[0])) == 0;
}

/* Bit by bit, unlike anything in the library. */
static inline int model_holds(const vpn_prefix *prefix, uint8_t family, const uint8_t *addr)
{
    if (prefix->family != family)
        return 0;
    for (uint32_t i = 0; i < prefix->bits; i++) {
        if ((prefix->addr[i / 8] ^ addr[i / 8]) >> (7 - i % 8) & 1)
            return 0;
    }
    return 1;
}

static inline int model_same_prefix(const vpn_prefix *a, const vpn_prefix *b)
{
    return a->bits == b->bits && model_holds(a, b->family, b->addr);
}

/* What the kernel does when a link goes. */
static inline void model_link_gone(model *m)
{
    size_t left = 0;
    for (size_t i = 0; i < m->route_count; i++) {
        if (m->routes[i].link != MODEL_TUNNEL)
            m->routes[left++] = m->routes[i];
    }
    m->route_count = left;
    m->address_count = 0;
    m->exists = m->up = m->device = 0;
    m->mtu = 0;
}

/* A link that is down has no routes and no IPv6 addresses. */
static inline void model_link_down(model *m)
{
    uint32_t mtu = m->mtu;
    int exists = m->exists, device = m->device;
    size_t left = 0;
    vpn_prefix kept[32];
    for (size_t i = 0; i < m->address_count; i++) {
        if (m->addresses[i].family == 4)
            kept[left++] = m->addresses[i];
    }
    model_link_gone(m);
    memcpy(m->addresses, kept, sizeof(kept[0]) * left);
    m->address_count = left;
    m->exists = exists;
    m->device = device;
    m->mtu = mtu;
}

/* 0, or -1 for what a kernel would refuse. */
static inline int model_route(model *m, const vpn_op *op)
{
    vpn_host_route route = {.to = op->prefix, .link = MODEL_TUNNEL, .table = op->rule.table, .metric = op->metric};
    size_t at = 0;
    if (!m->exists || !m->up)
        return -1;
    while (at < m->route_count && (m->routes[at].table != route.table || m->routes[at].metric != route.metric ||
                                   !model_same_prefix(&m->routes[at].to, &route.to)))
        at++;
    if (op->verb == VPN_VERB_ADD) {
        for (size_t i = 0; i < m->address_count && route.table == 254 && route.metric == 0; i++) {
            if (model_same_prefix(&m->addresses[i], &route.to))
                return -1;
        }
        if (at < m->route_count)
            return -1;
        m->routes[m->route_count++] = route;
        return 0;
    }
    if (at == m->route_count || m->routes[at].link != MODEL_TUNNEL)
        return -1;
    memmove(&m->routes[at], &m->routes[at + 1], (--m->route_count - at) * sizeof(route));
    return 0;
}

static inline int model_rule(model *m, const vpn_op *op)
{
    size_t at = 0;
    while (at < m->rule_count && memcmp(&m->rules[at], &op->rule, sizeof(op->rule)) != 0)
        at++;
    if ((op->verb == VPN_VERB_ADD) != (at == m->rule_count))
        return -1;
    if (op->verb == VPN_VERB_ADD)
        m->rules[m->rule_count++] = op->rule;
    else
        memmove(&m->rules[at], &m->rules[at + 1], (--m->rule_count - at) * sizeof(op->rule));
    return 0;
}

static inline int model_address(model *m, const vpn_op *op)
{
    size_t at = 0;
    while (at < m->address_count && memcmp(&m->addresses[at], &op->prefix, sizeof(op->prefix)) != 0)
        at++;
    if (!m->exists || (op->verb == VPN_VERB_ADD) != (at == m->address_count))
        return -1;
    if (op->verb == VPN_VERB_ADD)
        m->addresses[m->address_count++] = op->prefix;
    else
        memmove(&m->addresses[at], &m->addresses[at + 1], (--m->address_count - at) * sizeof(op->prefix));
    return 0;
}

/* Flips a flag that has to be the other way round. */
static inline int model_flip(int *flag, const vpn_op *op, int allowed)
{
    if (!allowed || *flag == (op->verb == VPN_VERB_ADD))
        return -1;
    *flag = !*flag;
    return 0;
}

static inline int model_set(uint32_t *value, const vpn_op *op)
{
    if (op->verb != VPN_VERB_SET || *value != op->before)
        return -1;
    *value = op->value;
    return 0;
}

static inline int model_apply(model *m, const vpn_op *op)
{
    int filtered = m->filter != NULL, names = m->resolvers != 0;
    switch (op->type) {
    case VPN_OP_FILTER:
        if (model_flip(&filtered, op, 1))
            return -1;
        m->filter = filtered ? op->text : NULL;
        return 0;
    case VPN_OP_SYSCTL:
        return model_set(&m->valid_mark, op);
    case VPN_OP_HOOK:
        return 0;
    case VPN_OP_LINK:
        if (model_flip(&m->exists, op, 1))
            return -1;
        if (!m->exists)
            model_link_gone(m);
        return 0;
    case VPN_OP_DEVICE:
        return model_flip(&m->device, op, m->exists);
    case VPN_OP_ADDRESS:
        return model_address(m, op);
    case VPN_OP_MTU:
        return m->exists ? model_set(&m->mtu, op) : -1;
    case VPN_OP_UP:
        if (model_flip(&m->up, op, m->exists))
            return -1;
        if (!m->up)
            model_link_down(m);
        return 0;
    case VPN_OP_ROUTE:
        return model_route(m, op);
    case VPN_OP_RULE:
        return model_rule(m, op);
    case VPN_OP_RESOLVER:
        if (model_flip(&names, op, m->up))
            return -1;
        m->resolvers = (uint32_t)names;
        return 0;
    }
    return -1;
}

/* An assertion that sends no message to Check's own process unless it fails. */
static inline void model_need(int holds, const char *what)
{
    if (!holds)
        ck_abort_msg("the model does not know this ruleset: %s", what);
}

/* The next word of a line, copied; 0 at its end. */
static inline int model_word(const char **at, char out[128])
{
    size_t n = 0;
    while (**at == ' ' || **at == '\t')
        ++*at;
    while (**at && **at != ' ' && **at != '\n' && n < 127)
        out[n++] = *(*at)++;
    out[n] = '\0';
    return n != 0;
}

static inline int model_in_set(const char *ruleset, const char *name, uint8_t family, const uint8_t *addr)
{
    char head[160], word[128];
    snprintf(head, sizeof(head), "set %s {", name);
    const char *at = strstr(ruleset, head), *end = at ? strstr(at, "\n\t}") : NULL;
    model_need(end != NULL, name);
    at = strstr(at, "elements = {");
    if (!at || at > end)
        return 0;
    for (at += strlen("elements = {"); at < end; at++) {
        vpn_prefix prefix;
        if (!model_word(&at, word))
            continue;
        size_t length = strlen(word);
        if (word[length - 1] == ',' && vpn_prefix_parse(&prefix, word, length - 1) == 0 &&
            model_holds(&prefix, family, addr))
            return 1;
    }
    return 0;
}

/* "A" or "A-B" */
static inline int model_in_range(const char *range, uint32_t number)
{
    char *end;
    unsigned long low = strtoul(range, &end, 10), high = *end == '-' ? strtoul(end + 1, NULL, 10) : low;
    return number >= low && number <= high;
}

static inline int model_in_cgroup(const char *quoted, const char *level, const char *path)
{
    char mine[256] = "", want[256];
    uint32_t left = (uint32_t)strtoul(level, NULL, 10);
    snprintf(want, sizeof(want), "%.*s", (int)strlen(quoted) - 2, quoted + 1);
    for (size_t i = 0; path && path[i] && left; i++) {
        left -= path[i] == '/';
        if (left)
            mine[i] = path[i];
    }
    return path && strcmp(mine, want) == 0;
}

/* One condition; 1 holds, 0 does not, -1: it was a verdict, which `verdict` receives. */
static inline int model_term(const char *ruleset, const char **at, const char *word, const vpn_selector *p,
                             const char *out, uint32_t *mark, char verdict[128])
{
    char a[128], b[128], c[128];
    if (strcmp(word, "oifname") == 0) {
        model_word(at, a);
        return strlen(a) == strlen(out) + 2 && memcmp(a + 1, out, strlen(out)) == 0;
    }
    if (strcmp(word, "ip") == 0 || strcmp(word, "ip6") == 0) {
        model_word(at, a), model_word(at, b);
        model_need(strcmp(a, "daddr") == 0 && b[0] == '@', a);
        return p->family == (word[2] ? 6 : 4) && model_in_set(ruleset, b + 1, p->family, p->to);
    }
    if (strcmp(word, "icmpv6") == 0) {
        *at = strchr(*at, '}') + 1;
        return 0; /* the packets of this model are not of neighbour discovery */
    }
    if (strcmp(word, "udp") == 0) {
        model_word(at, a), model_word(at, b);
        return p->protocol == 17 && strcmp(a, "dport") == 0 && p->port == strtoul(b, NULL, 10);
    }
    if (strcmp(word, "socket") == 0) {
        model_word(at, a), model_word(at, a), model_word(at, b), model_word(at, c);
        return model_in_cgroup(c, b, p->cgroup);
    }
    if (strcmp(word, "th") == 0) {
        *at = strchr(*at, '}') + 1;
        return p->port == 53 || p->port == 853;
    }
    if (strcmp(word, "meta") != 0) {
        strcpy(verdict, word);
        return -1;
    }
    model_word(at, a);
    if (strcmp(a, "l4proto") == 0) {
        *at = strchr(*at, '}') + 1;
        return p->protocol == 6 || p->protocol == 17;
    }
    model_word(at, b);
    if (strcmp(a, "skuid") == 0)
        return p->has_uid && model_in_range(b, p->uid);
    model_need(strcmp(a, "mark") == 0, a);
    if (strcmp(b, "set") == 0) {
        model_word(at, c);
        *mark = (uint32_t)strtoul(c, NULL, 16);
        return 1;
    }
    if (strcmp(b, "&") != 0)
        return *mark == strtoul(b, NULL, 16);
    model_word(at, b), model_word(at, c), model_word(at, a);
    return (*mark & strtoul(b, NULL, 16)) == strtoul(a, NULL, 16);
}

/* Runs a chain over a packet that leaves by `out`: 1 when it drops it. */
static inline int model_chain(const char *ruleset, const char *name, const vpn_selector *p, const char *out,
                              uint32_t *mark)
{
    char head[64], word[128], verdict[128];
    snprintf(head, sizeof(head), "\tchain %s {\n", name);
    const char *at = ruleset ? strstr(ruleset, head) : NULL;
    if (!at)
        return 0;
    for (at = strchr(at + strlen(head), '\n') + 1; strncmp(at, "\t}", 2) != 0; at = strchr(at, '\n') + 1) {
        const char *word_at = at;
        int holds = 1;
        while (holds == 1 && model_word(&word_at, word))
            holds = model_term(ruleset, &word_at, word, p, out, mark, verdict);
        if (holds == -1)
            return strcmp(verdict, "drop") == 0;
    }
    return 0;
}

static inline const vpn_host_link *model_link(const model *m, uint32_t index)
{
    for (size_t i = 0; i < m->facts->link_count; i++) {
        if (m->facts->links[i].index == index)
            return &m->facts->links[i];
    }
    return NULL;
}

/* The best route of a table; the connected ones of the tunnel's addresses are made up here. */
static inline int model_lookup(const model *m, uint32_t table, const vpn_selector *p, vpn_host_route *best)
{
    int found = 0;
    for (size_t i = 0; i < m->route_count + m->address_count; i++) {
        vpn_host_route r;
        if (i < m->route_count)
            r = m->routes[i];
        else
            r = (vpn_host_route){.to = m->addresses[i - m->route_count], .link = MODEL_TUNNEL, .table = 254};
        const vpn_host_link *link = model_link(m, r.link);
        int up = r.refuses || (r.link == MODEL_TUNNEL ? m->up : link && (link->flags & VPN_LINK_UP));
        if (!up || r.table != table || !model_holds(&r.to, p->family, p->to))
            continue;
        if (!found || r.to.bits > best->to.bits || (r.to.bits == best->to.bits && r.metric < best->metric))
            *best = r;
        found = 1;
    }
    return found;
}

static inline int model_rule_holds(const vpn_rule *rule, const vpn_selector *p, uint32_t mark)
{
    int holds = (mark & rule->mask) == rule->mark;
    if (rule->family && rule->family != p->family)
        return 0;
    if (rule->has_uid)
        holds = holds && p->has_uid && p->uid >= rule->uid_first && p->uid <= rule->uid_last;
    return rule->invert ? !holds : holds;
}

static inline int model_own(const model *m, const vpn_selector *p)
{
    size_t bytes = p->family == 4 ? 4 : 16;
    for (size_t i = 0; i < m->facts->address_count; i++) {
        const vpn_prefix *own = &m->facts->addresses[i].prefix;
        if (own->family == p->family && memcmp(own->addr, p->to, bytes) == 0)
            return 1;
    }
    for (size_t i = 0; i < m->address_count; i++) {
        if (m->addresses[i].family == p->family && memcmp(m->addresses[i].addr, p->to, bytes) == 0)
            return 1;
    }
    return 0;
}

/* The route by the rules in their order; 0 when none leads anywhere. */
static inline int model_way(const model *m, const vpn_selector *p, uint32_t mark, vpn_host_route *route)
{
    uint8_t asked[128] = {0};
    for (size_t round = 0; round < m->rule_count; round++) {
        size_t best = m->rule_count;
        for (size_t i = 0; i < m->rule_count; i++) {
            if (!asked[i] && (best == m->rule_count || m->rules[i].priority < m->rules[best].priority))
                best = i;
        }
        asked[best] = 1;
        const vpn_rule *rule = &m->rules[best];
        if (!model_rule_holds(rule, p, mark))
            continue;
        if (rule->refuses)
            return 0;
        if (model_lookup(m, rule->table, p, route) && (int32_t)route->to.bits > rule->suppress)
            return !route->refuses;
    }
    return 0;
}

/* Where a packet of the host goes. */
static inline int model_send(const model *m, const vpn_selector *p)
{
    vpn_host_route route = {.table = 0};
    uint32_t mark = p->mark;
    if (model_own(m, p))
        return MODEL_HOST;
    (void)model_chain(m->filter, "applications", p, "", &mark);
    if (!model_way(m, p, mark, &route))
        return MODEL_NOWHERE;
    const vpn_host_link *link = model_link(m, route.link);
    const char *out = route.link == MODEL_TUNNEL ? "wg0" : link->name;
    if (model_chain(m->filter, "output", p, out, &mark))
        return MODEL_DROPPED;
    return route.link == MODEL_TUNNEL ? MODEL_TUNNELED : MODEL_OUT;
}

#endif
