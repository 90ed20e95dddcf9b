/* SPDX-License-Identifier: ISC */
#include <vpn/diagnose.h>

#include <stddef.h>
#include <string.h>

#include "base/env.h"
#include "policy/diagnose_host.h"
#include "policy/diagnose_peer.h"

#define SEEN_LEAST (offsetof(vpn_observed, heard) + sizeof(vpn_heard))

/* In the order of the codes. */
static const struct check {
    uint32_t layer;
    const char *name;
    void (*judge)(const vpn_observed *seen, vpn_check *check);
} checks[] = {
    {0, NULL, NULL},
    {VPN_LAYER_CONTROL, "daemon", vpn__judge_daemon},
    {VPN_LAYER_CONTROL, "identity", vpn__judge_identity},
    {VPN_LAYER_CONTROL, "peer", vpn__judge_peer},
    {VPN_LAYER_CONTROL, "clock", vpn__judge_clock},
    {VPN_LAYER_CONTROL, "handshake", vpn__judge_handshake},
    {VPN_LAYER_OUTER, "socket", vpn__judge_socket},
    {VPN_LAYER_OUTER, "endpoint", vpn__judge_endpoint},
    {VPN_LAYER_OUTER, "way", vpn__judge_way},
    {VPN_LAYER_OUTER, "datagrams", vpn__judge_datagrams},
    {VPN_LAYER_OUTER, "nat", vpn__judge_nat},
    {VPN_LAYER_INTERFACE, "link", vpn__judge_link},
    {VPN_LAYER_INTERFACE, "addresses", vpn__judge_addresses},
    {VPN_LAYER_INTERFACE, "size", vpn__judge_size},
    {VPN_LAYER_ROUTES, "routes", vpn__judge_routes},
    {VPN_LAYER_ROUTES, "foreign", vpn__judge_foreign},
    {VPN_LAYER_FIREWALL, "filter", vpn__judge_filter},
    {VPN_LAYER_FIREWALL, "reverse-path", vpn__judge_reverse_path},
    {VPN_LAYER_FIREWALL, "inside", vpn__judge_inside},
    {VPN_LAYER_DNS, "resolver", vpn__judge_resolver},
    {VPN_LAYER_DNS, "query", vpn__judge_query},
    {VPN_LAYER_MTU, "black-hole", vpn__judge_black_hole},
};
_Static_assert(sizeof(checks) / sizeof(checks[0]) == VPN_CHECKS, "every check has a line");

static const char *const layers[] = {
    "unknown layer", "control plane", "outer path", "interface", "routes", "firewall", "DNS", "MTU",
};
_Static_assert(sizeof(layers) / sizeof(layers[0]) == VPN_LAYERS, "every layer has a name");

static const char *const results[] = {"unknown", "fine", "broken", "not needed"};
_Static_assert(sizeof(results) / sizeof(results[0]) == VPN_RESULTS, "every result has a name");

static const char *const causes[] = {"none", "setting", "authentication", "transport", "either", "load"};
_Static_assert(sizeof(causes) / sizeof(causes[0]) == VPN_CAUSES, "every cause has a name");

static int is_answer(uint8_t seen)
{
    return seen <= VPN_SEEN_NO;
}

static int is_probe(uint8_t probe)
{
    return probe < VPN_PROBES;
}

static int is_prefix(const vpn_prefix *p)
{
    return p->family == 0 || (p->family == 4 && p->bits <= 32) || (p->family == 6 && p->bits <= 128);
}

static int all_valid(const vpn_observed *s)
{
    const uint8_t answers[] = {s->daemon,          s->private_key, s->identity,      s->peer,    s->preshared,
                               s->clock,           s->echo,        s->other_port,    s->tried,   s->socket,
                               s->translated,      s->named,       s->link,          s->link_up, s->addresses,
                               s->routes,          s->foreign,     s->filter_wanted, s->filter,  s->reverse_path,
                               s->resolver_wanted, s->resolver};
    const vpn_prefix *const prefixes[] = {&s->source,        &s->address, &s->route,
                                          &s->foreign_route, &s->target,  &s->server};
    for (size_t i = 0; i < sizeof(answers); i++) {
        if (!is_answer(answers[i]))
            return 0;
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (!is_prefix(prefixes[i]))
            return 0;
    }
    return is_probe(s->probe) && is_probe(s->inside) && is_probe(s->query) && is_probe(s->large) && s->way < VPN_WAYS &&
           s->route_way < VPN_WAYS && (s->endpoint.family == 0 || s->endpoint.family == 4 || s->endpoint.family == 6) &&
           (s->drops || !s->drop_count);
}

int vpn_diagnose(const vpn_observed *seen, uint32_t layer, vpn_check *out, size_t *count)
{
    vpn_observed known;
    *count = 0;
    if (vpn__config_read(&known, sizeof(known), seen, SEEN_LEAST) != 0 || !all_valid(&known))
        return VPN_EINVAL;
    for (uint32_t code = 1; code < VPN_CHECKS; code++) {
        if (checks[code].layer != layer)
            continue;
        vpn_check *check = &out[(*count)++];
        memset(check, 0, sizeof(*check));
        check->layer = layer;
        check->code = code;
        checks[code].judge(&known, check);
    }
    return *count ? 0 : VPN_EINVAL;
}

const char *vpn_layer_name(uint32_t layer)
{
    return layers[layer < VPN_LAYERS ? layer : 0];
}

const char *vpn_check_name(uint32_t code)
{
    return code > 0 && code < VPN_CHECKS ? checks[code].name : "unknown check";
}

const char *vpn_result_name(uint32_t result)
{
    return result < VPN_RESULTS ? results[result] : "unknown result";
}

const char *vpn_cause_name(uint32_t cause)
{
    return cause < VPN_CAUSES ? causes[cause] : "unknown cause";
}
