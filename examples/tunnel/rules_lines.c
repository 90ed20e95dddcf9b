/* SPDX-License-Identifier: ISC */
#include "rules_lines.h"

#include <errno.h>

#include "log.h"
#include "rules_peer.h"

static const char *const filter_reasons[VPN_FILTER_REASONS] = {
    "rule", "default", "flow", "related", "follower", "malformed", "tiny", "fragment", "argument"};
static const char *const drop_reasons[RULES_REASONS] = {
    [VPN_NETMAP_TAKEN] = "taken",  [VPN_NETMAP_UNMAPPABLE] = "unmappable", [VPN_NETMAP_PROTECTED] = "protected",
    [RULES_NO_ROUTE] = "no-route", [RULES_MALFORMED] = "malformed",        [RULES_BROKEN] = "no-memory"};

static void put_count(vpn_uapi_lines *lines, const char *key, const vpn_filter_count *count, const char *what)
{
    more_line(lines, key, "%llu %llu %s", (unsigned long long)count->packets, (unsigned long long)count->bytes, what);
}

/* A rule, and behind it what its parts have decided together. */
static void get_rules(const annex *a, vpn_uapi_lines *lines)
{
    const rules_set *s = &a->rules->now;
    uint32_t at = 0;

    for (size_t i = 0; i < s->line_count; i++) {
        vpn_filter_count sum = {.packets = 0};

        for (uint32_t end = at + s->lines[i].rules; at < end; at++) {
            vpn_filter_count part = {.packets = 0};

            if (a->filter != NULL && vpn_filter_counted(a->filter, at, &part) == 0) {
                sum.packets += part.packets;
                sum.bytes += part.bytes;
            }
        }
        more_line(lines, "libvpn_filter", "%s", s->lines[i].text);
        put_count(lines, "libvpn_filter_count", &sum, s->lines[i].text);
    }
}

static void get_filter(const annex *a, vpn_uapi_lines *lines)
{
    vpn_filter_stats stats = {.size = sizeof stats};
    vpn_filter_count rest = {.packets = 0};

    get_rules(a, lines);
    if (a->filter == NULL || vpn_filter_get_stats(a->filter, &stats) != 0 ||
        vpn_filter_counted(a->filter, VPN_FILTER_DEFAULT, &rest) != 0)
        return;
    more_line(lines, "libvpn_filter_default", "%s", vpn_filter_action_name(a->rules->now.fallback));
    put_count(lines, "libvpn_filter_default_count", &rest, vpn_filter_action_name(a->rules->now.fallback));
    if (stats.flows_max != 0)
        more_line(lines, "libvpn_filter_flows", "%u", a->rules->flows);
    more_count(lines, "libvpn_filter_flows_used", stats.flows);
    more_count(lines, "libvpn_filter_evicted", stats.evicted);
    for (unsigned i = 0; i < VPN_FILTER_REASONS; i++) {
        if (stats.packets[i] != 0)
            more_line(lines, "libvpn_filter_by", "%llu %s", (unsigned long long)stats.packets[i], filter_reasons[i]);
    }
}

void rules_lines_get(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines)
{
    char text[VPN_NETMAP_LINE_CHARS];

    if (peer == 0) {
        more_count(lines, "libvpn_netmap_forged", f->rules.forged);
        more_count(lines, "libvpn_filter_unanswered", f->rules.unanswered);
    }
    if (peer == 0 || a == NULL || a->rules == NULL)
        return;
    get_filter(a, lines);
    for (size_t i = 0; i < a->rules->now.map_count; i++) {
        if (vpn_netmap_rule_format(text, &a->rules->now.maps[i]) == 0)
            more_line(lines, "libvpn_netmap", "%s", text);
    }
    for (unsigned i = VPN_NETMAP_TAKEN; i < RULES_REASONS; i++) {
        if (a->rules->drops[i] != 0)
            more_line(lines, "libvpn_netmap_drop", "%llu %s", (unsigned long long)a->rules->drops[i], drop_reasons[i]);
    }
}

int rules_lines_set(flow *f, uint32_t how, vpn_peer_id peer, const char *key, const char *value)
{
    int of_peer = (how & VPN_UAPI_MORE_PEER) != 0, apply = of_peer && (how & VPN_UAPI_MORE_APPLY) != 0;
    int said = rules_set_line(&f->rules, apply, peer, key, value);

    if (said < 0)
        return MORE_OTHERS;
    return of_peer ? said : EINVAL;
}

void rules_lines_changed(flow *f, vpn_peer_id peer)
{
    if (rules_changed(&f->rules, peer) != 0)
        log_error("no memory for the rules of a peer: none of its packets pass");
}
