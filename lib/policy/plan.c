/* SPDX-License-Identifier: ISC */
/*
 * The order of the operations is what makes a plan safe. The filter comes first and goes last, so everything else happens behind
 * it. The link has its keys and size before it comes up, and its addresses after, since a link that goes down loses those of
 * IPv6 by itself; the tunnel's table is full before a rule asks it; rules that let packets out stand before the rule that
 * captures; and names are asked through the tunnel once it carries packets.
 */
#include <string.h>

#include <vpn/mtu.h>

#include "base/env.h"
#include "config/conf_value.h"
#include "policy/choose.h"
#include "policy/host.h"
#include "policy/ruleset.h"

#define SRC_VALID_MARK "net.ipv4.conf.all.src_valid_mark"
#define ALL_BITS       UINT32_MAX
#define PATH_DEFAULT   1500u

/* A zeroed operation at the end of the list, or NULL. */
static vpn_op *add(vpn_plan *plan, uint16_t type, uint16_t verb)
{
    vpn_op *ops = vpn__arena_grow(&plan->arena, plan->ops, plan->op_count, sizeof(*ops));
    if (!ops)
        return NULL;
    plan->ops = ops;
    vpn_op *op = &ops[plan->op_count++];
    memset(op, 0, sizeof(*op));
    op->type = type;
    op->verb = verb;
    memcpy(op->name, plan->policy.name, sizeof(op->name));
    return op;
}

static int add_filter(vpn_plan *plan)
{
    if (!vpn__ruleset_wanted(plan))
        return 0;
    vpn_op *op = add(plan, VPN_OP_FILTER, VPN_VERB_ADD);
    if (!op)
        return VPN_ENOMEM;
    op->mark = plan->mark;
    op->fail_mode = plan->closed ? VPN_FAIL_CLOSED : VPN_FAIL_OPEN;
    op->dns_mode = plan->hold_dns ? VPN_DNS_TUNNEL : VPN_DNS_OFF;
    op->endpoints = plan->endpoints;
    op->endpoint_count = plan->conf.peer_count;
    op->text = vpn__ruleset_text(plan);
    op->undo = vpn__ruleset_undo(plan);
    if (!op->text || !op->undo)
        return VPN_ENOMEM;
    return vpn__plan_list(plan, plan->held, &op->prefixes, &op->prefix_count);
}

/* Without this the kernel forgets the mark when it checks where a packet came from (ip-sysctl, src_valid_mark). */
static int add_sysctl(vpn_plan *plan)
{
    if (!plan->priority || !plan->any[0] || plan->host.src_valid_mark)
        return 0;
    vpn_op *op = add(plan, VPN_OP_SYSCTL, VPN_VERB_SET);
    if (!op)
        return VPN_ENOMEM;
    op->text = SRC_VALID_MARK;
    op->value = 1;
    return 0;
}

/* On the way up `up` run in their order, on the way down `down` in theirs: the inverses come from the back. */
static int add_hooks(vpn_plan *plan, const char *const *up, size_t up_count, const char *const *down, size_t down_count)
{
    if (!(plan->policy.flags & VPN_POLICY_HOOKS))
        return 0;
    for (size_t i = 0; i < up_count + down_count; i++) {
        vpn_op *op = add(plan, VPN_OP_HOOK, VPN_VERB_ADD);
        if (!op)
            return VPN_ENOMEM;
        if (i < down_count)
            op->undo = down[down_count - 1 - i];
        else
            op->text = up[i - down_count];
    }
    return 0;
}

static int add_device(vpn_plan *plan)
{
    if (!(plan->policy.flags & VPN_POLICY_LINK_EXISTS) && !add(plan, VPN_OP_LINK, VPN_VERB_ADD))
        return VPN_ENOMEM;
    vpn_op *op = add(plan, VPN_OP_DEVICE, VPN_VERB_ADD);
    if (!op)
        return VPN_ENOMEM;
    op->mark = plan->mark;
    return 0;
}

/* Whether the link, or the list before this entry, has an address already. */
static int has_address(const vpn_plan *plan, const vpn_host_link *link, size_t at)
{
    const vpn_prefix *address = &plan->conf.addresses[at];
    size_t bytes = address->family == 4 ? 4 : 16;
    for (size_t i = 0; i < at; i++) {
        const vpn_prefix *other = &plan->conf.addresses[i];
        if (other->family == address->family && other->bits == address->bits &&
            !memcmp(other->addr, address->addr, bytes))
            return 1;
    }
    for (size_t i = 0; link && i < plan->host.address_count; i++) {
        const vpn_host_address *other = &plan->host.addresses[i];
        if (other->link == link->index && other->prefix.family == address->family &&
            other->prefix.bits == address->bits && !memcmp(other->prefix.addr, address->addr, bytes))
            return 1;
    }
    return 0;
}

static int add_addresses(vpn_plan *plan, const vpn_host_link *link)
{
    for (size_t i = 0; i < plan->conf.address_count; i++) {
        if (has_address(plan, link, i))
            continue;
        vpn_op *op = add(plan, VPN_OP_ADDRESS, VPN_VERB_ADD);
        if (!op)
            return VPN_ENOMEM;
        op->prefix = plan->conf.addresses[i];
    }
    return 0;
}

/* MTU of the link that an address is reached over now; 0: not known. */
static uint32_t path_mtu(const vpn_plan *plan, uint8_t family, const uint8_t *addr)
{
    const vpn_host_route *route = vpn__host_route(&plan->host, VPN_TABLE_MAIN, family, addr, -1);
    const vpn_host_link *link = route ? vpn__host_link(&plan->host, route->link) : NULL;
    return link ? link->mtu : 0;
}

/* The smallest path to a peer, or to anywhere, less what IPv6 outside takes: the path may change its family any time. */
static uint32_t choose_mtu(const vpn_plan *plan)
{
    static const uint8_t anywhere[16] = {0};
    uint32_t least = 0;
    if (plan->conf.mtu)
        return plan->conf.mtu;
    for (size_t i = 0; i < plan->conf.peer_count; i++) {
        const vpn_endpoint *endpoint = &plan->endpoints[i];
        uint32_t mtu = endpoint->family ? path_mtu(plan, endpoint->family, endpoint->addr) : 0;
        if (mtu && (!least || mtu < least))
            least = mtu;
    }
    for (uint8_t family = 4; family <= 6 && !least; family += 2)
        least = path_mtu(plan, family, anywhere);
    uint32_t inner = vpn_mtu_inner(least ? least : PATH_DEFAULT, 6);
    uint32_t floor = plan->any[1] ? VPN_MTU_MIN_IPV6 : VPN_MTU_MIN_IPV4;
    return inner < floor ? floor : inner;
}

static int add_link_up(vpn_plan *plan, const vpn_host_link *link)
{
    uint32_t mtu = choose_mtu(plan), before = link ? link->mtu : 0;
    if (mtu != before) {
        vpn_op *op = add(plan, VPN_OP_MTU, VPN_VERB_SET);
        if (!op)
            return VPN_ENOMEM;
        op->value = mtu;
        op->before = before;
    }
    if (link && (link->flags & VPN_LINK_UP))
        return 0;
    return add(plan, VPN_OP_UP, VPN_VERB_ADD) ? 0 : VPN_ENOMEM;
}

/* Where the system itself makes the same route for an address of the link. */
static int is_connected(const vpn_plan *plan, const vpn_prefix *route)
{
    for (size_t i = 0; i < plan->conf.address_count; i++) {
        if (vpn__prefix_same(&plan->conf.addresses[i], route))
            return plan->table == VPN_TABLE_MAIN && plan->conf.metric == 0;
    }
    return 0;
}

static int add_routes(vpn_plan *plan)
{
    for (size_t i = 0; plan->table && i < plan->route_count; i++) {
        if (is_connected(plan, &plan->routes[i]))
            continue;
        vpn_op *op = add(plan, VPN_OP_ROUTE, VPN_VERB_ADD);
        if (!op)
            return VPN_ENOMEM;
        op->prefix = plan->routes[i];
        op->rule.table = plan->table;
        op->rule.family = plan->routes[i].family;
        op->rule.suppress = -1;
        op->metric = plan->conf.metric;
    }
    return 0;
}

/* An application that is named twice needs one rule, and the kernel takes no second one. */
static int has_rule(const vpn_plan *plan, const vpn_rule *rule)
{
    for (size_t i = 0; i < plan->op_count; i++) {
        if (plan->ops[i].type == VPN_OP_RULE && memcmp(&plan->ops[i].rule, rule, sizeof(*rule)) == 0)
            return 1;
    }
    return 0;
}

static int add_rule(vpn_plan *plan, uint8_t family, uint32_t offset, vpn_rule rule)
{
    rule.family = family;
    rule.priority = plan->priority + offset;
    if (has_rule(plan, &rule))
        return 0;
    vpn_op *op = add(plan, VPN_OP_RULE, VPN_VERB_ADD);
    if (!op)
        return VPN_ENOMEM;
    op->rule = rule;
    return 0;
}

/* A rule for an application; cgroups have a mark by now. */
static vpn_rule app_rule(const vpn_plan *plan, const vpn_conf_app *app)
{
    vpn_rule rule = {.suppress = -1};
    if (app->kind == VPN_APP_UID) {
        rule.has_uid = 1;
        rule.uid_first = app->first;
        rule.uid_last = app->last;
    } else if (app->kind == VPN_APP_MARK) {
        rule.mark = app->first;
        rule.mask = app->last;
    } else {
        rule.mark = app->exclude ? plan->mark : plan->app_mark;
        rule.mask = ALL_BITS;
    }
    return rule;
}

/* Excluded applications find their way in the main table, or none. Excluded cgroups bear the mark that is never captured. */
static int add_excluded(vpn_plan *plan, uint8_t family)
{
    int error = 0;
    for (size_t i = 0; i < plan->conf.app_count && !error; i++) {
        if (!plan->conf.apps[i].exclude || plan->conf.apps[i].kind == VPN_APP_CGROUP)
            continue;
        vpn_rule rule = app_rule(plan, &plan->conf.apps[i]);
        rule.table = VPN_TABLE_MAIN;
        error = add_rule(plan, family, VPN__RULE_EXCLUDE, rule);
        rule.table = 0;
        rule.refuses = 1;
        if (!error)
            error = add_rule(plan, family, VPN__RULE_REFUSE, rule);
    }
    return error;
}

static int add_captures(vpn_plan *plan, uint8_t family)
{
    vpn_rule all = {.table = plan->table, .mark = plan->mark, .mask = ALL_BITS, .invert = 1, .suppress = -1};
    int error = 0;
    if (!plan->includes)
        return add_rule(plan, family, VPN__RULE_CAPTURE, all);
    for (size_t i = 0; i < plan->conf.app_count && !error; i++) {
        const vpn_conf_app *app = &plan->conf.apps[i];
        if (app->exclude)
            continue;
        vpn_rule rule = app_rule(plan, app);
        rule.table = plan->table;
        error = add_rule(plan, family, VPN__RULE_CAPTURE, rule);
    }
    return error;
}

static int add_rules(vpn_plan *plan, uint8_t family)
{
    vpn_rule outer = {.table = VPN_TABLE_MAIN, .mark = plan->mark, .mask = ALL_BITS, .suppress = -1};
    vpn_rule known = {.table = VPN_TABLE_MAIN, .suppress = 0};
    if (!plan->priority || !plan->any[family == 6])
        return 0;
    int error = plan->includes ? add_rule(plan, family, VPN__RULE_OUTER, outer) : 0;
    if (!error)
        error = add_excluded(plan, family);
    if (!error && plan->lan)
        error = add_rule(plan, family, VPN__RULE_MAIN, known);
    return error ? error : add_captures(plan, family);
}

/* Who asks different servers for different names: systemd-resolved, or a resolver of the host's own that resolvconf(8) tells
 * about servers. With neither, a split would send all names to the tunnel. */
static int can_split(const vpn_host *host)
{
    if (host->resolver_system != VPN_RESOLVER_RESOLVCONF)
        return host->resolver_system == VPN_RESOLVER_RESOLVED;
    for (size_t i = 0; i < host->resolver_count; i++) {
        const vpn_prefix *server = &host->resolvers[i].server;
        if (vpn__host_owns(host, server->family, server->addr))
            return 1;
    }
    return 0;
}

static int add_resolver(vpn_plan *plan)
{
    const vpn_conf *conf = &plan->conf;
    uint32_t mode = vpn_conf_dns_mode(conf);
    if (mode == VPN_DNS_OFF || !conf->dns_count)
        return 0;
    if (mode == VPN_DNS_SPLIT && !can_split(&plan->host))
        return 0;
    vpn_op *op = add(plan, VPN_OP_RESOLVER, VPN_VERB_ADD);
    if (!op)
        return VPN_ENOMEM;
    op->resolver_system = plan->host.resolver_system;
    op->dns_mode = mode;
    op->prefixes = conf->dns;
    op->prefix_count = conf->dns_count;
    op->search = conf->search;
    op->search_count = conf->search_count;
    op->match = mode == VPN_DNS_SPLIT ? conf->match : NULL;
    op->match_count = mode == VPN_DNS_SPLIT ? conf->match_count : 0;
    return 0;
}

static int add_operations(vpn_plan *plan, const vpn_host_link *link)
{
    const vpn_conf *conf = &plan->conf;
    int error = add_filter(plan);
    if (!error)
        error = add_sysctl(plan);
    if (!error)
        error = add_hooks(plan, conf->pre_up, conf->pre_up_count, conf->post_down, conf->post_down_count);
    if (!error)
        error = add_device(plan);
    if (!error)
        error = add_link_up(plan, link);
    if (!error)
        error = add_addresses(plan, link);
    if (!error)
        error = add_routes(plan);
    for (uint8_t family = 4; family <= 6 && !error; family += 2)
        error = add_rules(plan, family);
    if (!error)
        error = add_resolver(plan);
    return error ? error : add_hooks(plan, conf->post_up, conf->post_up_count, conf->pre_down, conf->pre_down_count);
}

/* As wg-quick has it, but neither an option nor one of the two names that no link can have. */
static int valid_name(const char name[VPN_IFNAME_CHARS])
{
    size_t length = 0;
    while (length < VPN_IFNAME_CHARS && name[length])
        length++;
    if (!vpn__conf_is_link(name, length) || name[0] == '-')
        return 0;
    return !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

static int read_policy(vpn_plan *plan, const vpn_policy *policy)
{
    if (vpn__config_read(&plan->policy, sizeof(plan->policy), policy, sizeof(plan->policy)) || !plan->policy.conf ||
        !plan->policy.host || !valid_name(plan->policy.name) ||
        (plan->policy.flags & ~(VPN_POLICY_HOOKS | VPN_POLICY_LINK_EXISTS)))
        return VPN_EINVAL;
    int error = vpn__config_read(&plan->conf, sizeof(plan->conf), policy->conf, sizeof(plan->conf));
    vpn_wipe(plan->conf.private_key, sizeof(plan->conf.private_key));
    if (error || vpn__config_read(&plan->host, sizeof(plan->host), policy->host, sizeof(plan->host)))
        return VPN_EINVAL;
    return 0;
}

static int make_plan(vpn_plan *plan, const vpn_policy *policy)
{
    int error = read_policy(plan, policy);
    if (error)
        return error;
    const vpn_host_link *link = vpn__host_named(&plan->host, plan->policy.name);
    int expected = (plan->policy.flags & VPN_POLICY_LINK_EXISTS) != 0;
    if (expected != (link != NULL))
        return expected ? VPN_ENOENT : VPN_EEXIST;
    error = vpn_prefixes_new(&plan->inside, &plan->arena.env);
    if (!error)
        error = vpn_prefixes_new(&plan->held, &plan->arena.env);
    if (!error)
        error = vpn__plan_choose(plan);
    return error ? error : add_operations(plan, link);
}

int vpn_plan_new(vpn_plan **out, const vpn_policy *policy, const vpn_env *env)
{
    vpn_env host;
    *out = NULL;
    if (vpn__env_init(&host, env))
        return VPN_EINVAL;
    vpn_plan *plan = vpn__alloc(&host, sizeof(*plan));
    if (!plan)
        return VPN_ENOMEM;
    plan->arena.env = host;
    int error = make_plan(plan, policy);
    if (error)
        vpn_plan_free(plan);
    else
        *out = plan;
    return error;
}

void vpn_plan_free(vpn_plan *plan)
{
    if (!plan)
        return;
    vpn_env env = plan->arena.env;
    vpn_prefixes_free(plan->inside);
    vpn_prefixes_free(plan->held);
    vpn__arena_end(&plan->arena);
    vpn__free(&env, plan, sizeof(*plan));
}

size_t vpn_plan_count(const vpn_plan *plan)
{
    return plan->op_count;
}

const vpn_op *vpn_plan_op(const vpn_plan *plan, size_t index)
{
    return index < plan->op_count ? &plan->ops[index] : NULL;
}

uint32_t vpn_plan_mark(const vpn_plan *plan)
{
    return plan->mark;
}

uint32_t vpn_plan_table(const vpn_plan *plan)
{
    return plan->table;
}

void vpn_op_inverse(vpn_op *out, const vpn_op *op)
{
    uint32_t value = op->value;
    *out = *op;
    if (op->verb == VPN_VERB_SET) {
        out->value = op->before;
        out->before = value;
    } else {
        out->verb = op->verb == VPN_VERB_ADD ? VPN_VERB_DEL : VPN_VERB_ADD;
    }
}
