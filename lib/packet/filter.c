/* SPDX-License-Identifier: ISC */
/* Joins the rooms of the filter: packets are read, looked up among the flows, then among the rules. Invariants:
 *
 * - A flow whose generation is the filter's was allowed by the rule that it names. Another one is looked at again before it
 *   allows anything: replacing rules costs nothing for flows that never come back.
 * - New rules are complete before the old ones go.
 */
#include <vpn/filter.h>

#include <string.h>

#include "base/env.h"
#include "packet/filter_flows.h"
#include "packet/filter_list.h"
#include "packet/filter_parse.h"
#include "packet/filter_track.h"

#define NONE         UINT32_MAX
#define CONFIG_LEAST (offsetof(vpn_filter_config, env) + sizeof(const vpn_env *))
#define STATS_LEAST  sizeof(vpn_filter_stats)

struct vpn_filter {
    vpn_env env;
    struct vpn__filter_list list;
    struct vpn__flows flows;
    uint32_t generation;
    uint8_t fallback;
    uint8_t no_fragments;
    uint8_t hash_key[16];
    vpn_filter_count fallback_count;
    uint64_t packets[VPN_FILTER_REASONS];
};

/* A packet on its way through a filter. */
struct passage {
    vpn_filter *filter;
    const uint8_t *packet;
    uint32_t direction;
    vpn_peer_id peer;
    vpn_time now;
    struct vpn__filter_view view;
    vpn_filter_verdict verdict;
};

static int settings_read(vpn_filter_config *out, const vpn_filter_config *config)
{
    *out = (vpn_filter_config){.size = sizeof(*out)};
    if (config && vpn__config_read(out, sizeof(*out), config, CONFIG_LEAST))
        return VPN_EINVAL;
    if (out->fallback > VPN_FILTER_REJECT || out->no_fragments > 1 || out->reserved[0] || out->reserved[1])
        return VPN_EINVAL;
    return out->flows > VPN_FILTER_FLOWS_MAX ? VPN_ELIMIT : 0;
}

static int parts_init(vpn_filter *f, const vpn_filter_config *settings)
{
    int error = vpn__random(&f->env, f->hash_key, sizeof(f->hash_key));
    if (!error)
        error = vpn__filter_list_init(&f->list, &f->env, settings->rules, settings->count, settings->flows != 0);
    if (!error)
        error = vpn__flows_init(&f->flows, &f->env, settings->flows);
    return error;
}

int vpn_filter_new(vpn_filter **out, const vpn_filter_config *config)
{
    *out = NULL;
    vpn_filter_config settings;
    vpn_env env;
    int error = settings_read(&settings, config);
    if (!error)
        error = vpn__env_init(&env, settings.env);
    if (error)
        return error;
    vpn_filter *f = vpn__alloc(&env, sizeof(*f));
    if (!f)
        return VPN_ENOMEM;
    f->env = env;
    f->flows.env = &f->env;
    f->fallback = settings.fallback;
    f->no_fragments = settings.no_fragments;
    error = parts_init(f, &settings);
    if (error)
        vpn_filter_free(f);
    else
        *out = f;
    return error;
}

void vpn_filter_free(vpn_filter *filter)
{
    if (!filter)
        return;
    vpn_env env = filter->env;
    vpn__filter_list_end(&filter->list, &env);
    if (filter->flows.sets)
        vpn__flows_end(&filter->flows);
    vpn__free(&env, filter, sizeof(*filter));
}

int vpn_filter_replace(vpn_filter *filter, const vpn_filter_rule *rules, size_t count)
{
    struct vpn__filter_list fresh;
    int error = vpn__filter_list_init(&fresh, &filter->env, rules, count, filter->flows.sets != 0);
    if (error)
        return error;
    error = vpn__filter_list_inherit(&fresh, &filter->list, &filter->env, filter->hash_key);
    if (error) {
        vpn__filter_list_end(&fresh, &filter->env);
        return error;
    }
    vpn__filter_list_end(&filter->list, &filter->env);
    filter->list = fresh;
    filter->generation++;
    return 0;
}

static int decided(struct passage *p, uint8_t action, uint8_t reason, uint32_t rule)
{
    p->verdict.action = action;
    p->verdict.reason = reason;
    p->verdict.rule = rule;
    return 1;
}

static int is_stateful(const vpn_filter *f, uint32_t rule)
{
    return rule != NONE && (f->list.rules[rule].flags & VPN_FILTER_STATEFUL) != 0;
}

/* The flow with a key, if the rules of now allow it. */
static struct vpn__flow *flow_of(vpn_filter *f, const struct vpn__flow_key *key, vpn_time now)
{
    struct vpn__flow *flow = vpn__flows_find(&f->flows, key, now);
    if (!flow || flow->generation == f->generation)
        return flow;
    uint32_t rule = NONE;
    if (flow->state != VPN__FLOW_FRAGMENT) {
        struct vpn__filter_view first;
        vpn__flow_first(&first, flow);
        rule = vpn__classify(&f->list.classifier, &first, flow->direction);
    }
    if (!is_stateful(f, rule)) {
        vpn__flows_remove(&f->flows, flow);
        return NULL;
    }
    flow->rule = (uint16_t)rule;
    flow->generation = f->generation;
    return flow;
}

/* The first fragment of a packet was allowed: so will be those that follow. */
static void followers_allow(struct passage *p, uint32_t rule)
{
    vpn_filter *f = p->filter;
    struct vpn__flow_key key;
    if (p->view.part != VPN__PART_FIRST)
        return;
    vpn__flow_key_fragment(&key, &p->view, p->direction, p->peer);
    struct vpn__flow *flow = flow_of(f, &key, p->now);
    if (!flow)
        flow = vpn__flows_add(&f->flows, &key, p->now);
    vpn__flow_begin_fragment(flow, p->now);
    flow->rule = (uint16_t)rule;
    flow->generation = f->generation;
}

static int by_follower(struct passage *p)
{
    struct vpn__flow_key key;
    vpn__flow_key_fragment(&key, &p->view, p->direction, p->peer);
    const struct vpn__flow *flow = flow_of(p->filter, &key, p->now);
    return flow ? decided(p, VPN_FILTER_ALLOW, VPN_FILTER_BY_FOLLOWER, flow->rule) : 0;
}

/* RFC 5927: an error is believed when it goes to who sent the packet that it quotes, and that packet is of a flow. */
static int by_related(struct passage *p)
{
    struct vpn__filter_view quoted;
    struct vpn__flow_key key;
    uint32_t back = p->direction == VPN_FILTER_IN ? VPN_FILTER_OUT : VPN_FILTER_IN;
    const struct vpn__filter_view *v = &p->view;

    if (vpn__filter_parse_quoted(&quoted, p->packet + v->quoted, v->total - v->quoted) || quoted.family != v->family ||
        memcmp(quoted.src, v->dst, v->family == 4 ? 4 : 16) != 0)
        return 0;
    if (quoted.icmp == VPN__ICMP_ERROR || quoted.icmp == VPN__ICMP_OTHER)
        return 0;
    vpn__flow_key_of(&key, &quoted, back, p->peer);
    const struct vpn__flow *flow = flow_of(p->filter, &key, p->now);
    return flow ? decided(p, VPN_FILTER_ALLOW, VPN_FILTER_BY_RELATED, flow->rule) : 0;
}

static int by_flow(struct passage *p)
{
    struct vpn__flow_key key;
    if (p->view.icmp == VPN__ICMP_ERROR)
        return by_related(p);
    if (p->view.part == VPN__PART_LATER)
        return by_follower(p);
    vpn__flow_key_of(&key, &p->view, p->direction, p->peer);
    struct vpn__flow *flow = flow_of(p->filter, &key, p->now);
    if (!flow || !vpn__flow_pass(flow, &p->view, p->direction, p->now))
        return 0;
    uint32_t rule = flow->rule;
    followers_allow(p, rule);
    return decided(p, VPN_FILTER_ALLOW, VPN_FILTER_BY_FLOW, rule);
}

/* A rule that is stateful has allowed a packet, which no flow did. One that is there with the same key, from the other end, stays
   unless it is closed. */
static void flow_make(struct passage *p, uint32_t rule)
{
    vpn_filter *f = p->filter;
    struct vpn__flow_key key;

    followers_allow(p, rule);
    if (!vpn__flow_may_begin(&p->view))
        return;
    vpn__flow_key_of(&key, &p->view, p->direction, p->peer);
    struct vpn__flow *flow = flow_of(f, &key, p->now);
    if (flow && flow->state != VPN__FLOW_CLOSING)
        return;
    if (!flow)
        flow = vpn__flows_add(&f->flows, &key, p->now);
    vpn__flow_begin(flow, &p->view, p->direction);
    flow->rule = (uint16_t)rule;
    flow->generation = f->generation;
}

static int by_rule(struct passage *p)
{
    const vpn_filter *f = p->filter;
    uint32_t rule = vpn__classify(&f->list.classifier, &p->view, p->direction);
    if (rule == NONE)
        return decided(p, f->fallback, VPN_FILTER_BY_DEFAULT, VPN_FILTER_DEFAULT);
    if (is_stateful(f, rule))
        flow_make(p, rule);
    return decided(p, f->list.rules[rule].action, VPN_FILTER_BY_RULE, rule);
}

static void judge(struct passage *p, size_t length)
{
    const vpn_filter *f = p->filter;
    uint8_t bad = 0;

    if ((p->direction != VPN_FILTER_IN && p->direction != VPN_FILTER_OUT) || p->now > VPN_TIME_MAX ||
        (!p->packet && length != 0))
        bad = VPN_FILTER_BY_ARGUMENT;
    if (!bad)
        bad = vpn__filter_parse(&p->view, p->packet, length);
    if (!bad && p->view.part != VPN__PART_WHOLE && f->no_fragments)
        bad = VPN_FILTER_BY_FRAGMENT;
    if (bad)
        (void)decided(p, VPN_FILTER_DENY, bad, VPN_FILTER_NO_RULE);
    else if (!f->flows.sets || !by_flow(p))
        (void)by_rule(p);
}

static void count(vpn_filter *f, const vpn_filter_verdict *verdict, size_t length)
{
    f->packets[verdict->reason]++;
    if (verdict->rule == VPN_FILTER_NO_RULE)
        return;
    vpn_filter_count *c = verdict->rule == VPN_FILTER_DEFAULT ? &f->fallback_count : &f->list.counts[verdict->rule];
    c->packets++;
    c->bytes += length;
}

int vpn_filter_decide(vpn_filter *filter, uint32_t direction, vpn_peer_id peer, const uint8_t *packet, size_t length,
                      vpn_time now, vpn_filter_verdict *out)
{
    struct passage p = {.filter = filter, .packet = packet, .direction = direction, .peer = peer, .now = now};
    judge(&p, length);
    count(filter, &p.verdict, length);
    if (out && p.verdict.rule < filter->list.count)
        p.verdict.user = filter->list.rules[p.verdict.rule].user;
    if (out)
        *out = p.verdict;
    return p.verdict.action;
}

int vpn_filter_set_fallback(vpn_filter *filter, uint32_t fallback)
{
    if (fallback > VPN_FILTER_REJECT)
        return VPN_EINVAL;
    filter->fallback = (uint8_t)fallback;
    return 0;
}

void vpn_filter_forget(vpn_filter *filter, vpn_peer_id peer)
{
    uint8_t start[8];
    vpn__flow_key_peer(start, peer);
    vpn__flows_purge(&filter->flows, start, peer ? sizeof(start) : 0);
}

int vpn_filter_get(const vpn_filter *filter, uint32_t rule, vpn_filter_rule *out)
{
    if (rule >= filter->list.count)
        return VPN_ENOENT;
    *out = filter->list.rules[rule];
    return 0;
}

int vpn_filter_counted(const vpn_filter *filter, uint32_t rule, vpn_filter_count *out)
{
    if (rule != VPN_FILTER_DEFAULT && rule >= filter->list.count)
        return VPN_ENOENT;
    *out = rule == VPN_FILTER_DEFAULT ? filter->fallback_count : filter->list.counts[rule];
    return 0;
}

int vpn_filter_get_stats(const vpn_filter *filter, vpn_filter_stats *out)
{
    vpn_filter_stats stats = {.rules = filter->list.count, .flows = filter->flows.count};
    stats.flows_max = filter->flows.sets * VPN__FLOW_WAYS;
    stats.evicted = filter->flows.evicted;
    stats.memory = sizeof(*filter) + vpn__filter_list_memory(&filter->list) + vpn__flows_memory(&filter->flows);
    memcpy(stats.packets, filter->packets, sizeof(stats.packets));
    return vpn__config_write(out, &stats, sizeof(stats), STATS_LEAST);
}
