/* SPDX-License-Identifier: ISC */
/* Firewall, name servers and sizes: what becomes of packets that enter the tunnel. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diagnosis.h"
#include "nft.h"
#include "probe_dns.h"
#include "probe_echo.h"
#include "wire.h"

enum {
    LEAST4 = 576,
    LEAST6 = 1280,
    ECHO_TRIES = 2,
    SIZE_TRIES = 2,
    SIZE_MS = 300,      /* for one size, at least */
    SIZE_MS_MAX = 2000, /* and at most */
};

static const vpn_op *filter_of(const diagnosis *d)
{
    for (size_t i = 0; i < vpn_plan_count(d->l.plan); i++) {
        const vpn_op *op = vpn_plan_op(d->l.plan, i);

        if (op->type == VPN_OP_FILTER && op->fail_mode == VPN_FAIL_CLOSED)
            return op;
    }
    return NULL;
}

/* The text of the filter begins with "table inet NAME". */
static void look_at_filter(diagnosis *d)
{
    const vpn_op *op = filter_of(d);
    const char *name = op == NULL ? NULL : strstr(op->text, "table inet ");
    char request[128];
    char why[256];

    d->seen.filter_wanted = d->has_file ? yes_no(op != NULL) : VPN_SEEN_NOTHING;
    if (name == NULL || geteuid() != 0)
        return;
    name += strlen("table inet ");
    (void)snprintf(request, sizeof request, "list table inet %.*s\n", (int)strcspn(name, " {;\n"), name);
    d->seen.filter = yes_no(nft_run(request, why, sizeof why) == 0);
}

/* Answers to outer packets come in where the main table leads, which a strict filter sees only with their mark. */
static void look_at_reverse_path(diagnosis *d)
{
    uint32_t all = d->now.host.rp_filter;
    int needed = d->mark != 0 && d->seen.endpoint.family == 4;
    uint32_t here = all;

    for (size_t i = 0; i < d->now.host.link_count; i++) {
        if (strcmp(d->now.links[i].name, d->seen.way_link) == 0 && d->now.links[i].rp_filter > all)
            here = d->now.links[i].rp_filter;
    }
    d->seen.reverse_path = yes_no(!needed || here != 1 || d->now.host.src_valid_mark != 0);
}

/* The own link carried an answer that no socket got. */
static int was_dropped(int wire, const vpn_prefix *target)
{
    uint8_t packet[256];
    size_t length;
    int outgoing;
    vpn_ip ip;

    for (int i = 0; i < WIRE_BATCH && (length = wire_next(wire, packet, sizeof packet, &outgoing)) > 0; i++) {
        if (outgoing == 0 && vpn_ip_parse(&ip, packet, length) == 0 &&
            ip.icmp_type == (target->family == 4 ? 0 : 129) &&
            memcmp(ip.src, target->addr, target->family == 4 ? 4 : 16) == 0)
            return 1;
    }
    return 0;
}

static void look_inside(diagnosis *d)
{
    probe_way anyhow = {.mark = 0};
    int wire = -1;
    int what;
    echo e;

    if (echo_open(&e, &d->seen.target, &anyhow, &what) == 0) {
        wire = wire_open(WIRE_ECHO, e.id, d->l.name);
        what = echo_try(&e, ECHO_SMALL, ECHO_TRIES, d->ms / 2);
        if (what == VPN_PROBE_SILENT && was_dropped(wire, &d->seen.target))
            what = VPN_PROBE_LOST;
    }
    d->seen.inside = (uint8_t)what;
    if (wire >= 0)
        (void)close(wire);
    echo_close(&e);
}

void gather_firewall(diagnosis *d)
{
    look_at_filter(d);
    look_at_reverse_path(d);
    if (!d->passive && d->seen.target.family != 0)
        look_inside(d);
}

static int is_in_use(const diagnosis *d, const vpn_prefix *server)
{
    for (size_t i = 0; i < d->now.host.resolver_count; i++) {
        if (prefix_same_address(&d->now.resolvers[i].server, server))
            return 1;
    }
    return 0;
}

static int is_local(const vpn_prefix *server)
{
    static const uint8_t six[16] = {[15] = 1};

    return server->family == 4 ? server->addr[0] == 127 : memcmp(server->addr, six, sizeof six) == 0;
}

/* As with a local name server behind resolvconf. */
static int asks_itself(const diagnosis *d)
{
    for (size_t i = 0; i < d->now.host.resolver_count; i++) {
        if (is_local(&d->now.resolvers[i].server))
            return 1;
    }
    return 0;
}

/* Whether the plan sets the resolver at all. */
static int is_planned(const diagnosis *d)
{
    for (size_t i = 0; i < vpn_plan_count(d->l.plan); i++) {
        if (vpn_plan_op(d->l.plan, i)->type == VPN_OP_RESOLVER)
            return 1;
    }
    return 0;
}

void gather_dns(diagnosis *d)
{
    const vpn_conf *conf = d->l.conf;

    if (!d->has_file)
        return;
    d->seen.resolver_wanted = yes_no(conf->dns_count > 0 && vpn_conf_dns_mode(conf) != VPN_DNS_OFF);
    d->seen.resolver = is_planned(d) ? VPN_SEEN_YES : VPN_SEEN_NOTHING;
    d->seen.resolver_local = yes_no(asks_itself(d));
    d->seen.waited = (uint32_t)(d->ms / 2 + 999) / 1000;
    for (size_t i = 0; i < conf->dns_count && d->seen.resolver_wanted == VPN_SEEN_YES; i++) {
        d->seen.server = conf->dns[i];
        if (d->seen.resolver == VPN_SEEN_YES && !is_in_use(d, &conf->dns[i])) {
            d->seen.resolver = VPN_SEEN_NO;
            if (d->seen.resolver_local != VPN_SEEN_YES)
                return;
        }
        if (!d->passive)
            d->seen.query = (uint8_t)probe_dns(&conf->dns[i], d->ms / 2);
        if (d->seen.query != VPN_PROBE_ANSWERED)
            return;
    }
}

/* A size passes when one of its pings comes back. */
static int passes(echo *e, uint32_t bytes, int ms)
{
    return echo_try(e, bytes, SIZE_TRIES, ms) == VPN_PROBE_ANSWERED;
}

/* By halves, between what passed and what vanished. That small ones still return is seen again in the end. */
static uint32_t search(echo *e, uint32_t low, uint32_t high, int ms)
{
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (passes(e, middle, ms))
            low = middle;
        else
            high = middle;
    }
    return passes(e, ECHO_SMALL, ms) ? low : 0;
}

/* A few round trips, of the try that is answered; 0: none is. */
static int time_for_size(echo *e, int ms)
{
    for (int i = 0; i < SIZE_TRIES; i++) {
        uint64_t began = probe_clock();
        int limit;

        if (echo_try(e, ECHO_SMALL, 1, ms / SIZE_TRIES) != VPN_PROBE_ANSWERED)
            continue;
        limit = SIZE_MS + (int)(probe_clock() - began) * 4 * SIZE_TRIES;
        return limit < SIZE_MS_MAX ? limit : SIZE_MS_MAX;
    }
    return 0;
}

static void try_sizes(diagnosis *d, echo *e)
{
    uint32_t least = d->seen.target.family == 4 ? LEAST4 : LEAST6;
    int ms;
    int what;

    if (d->seen.link_mtu <= least)
        return;
    ms = time_for_size(e, d->ms / 2);
    if (ms == 0)
        return;
    what = echo_try(e, d->seen.link_mtu, SIZE_TRIES, ms);
    if (what == VPN_PROBE_ANSWERED || what == VPN_PROBE_TOO_BIG) {
        d->seen.large = (uint8_t)what;
        return;
    }
    d->seen.passes = passes(e, least, ms) ? search(e, least, d->seen.link_mtu, ms) : 0;
    d->seen.large = VPN_PROBE_NONE;
    /* small ones pass: it was not the size if the whole one passes now */
    if (d->seen.passes != 0)
        d->seen.large = (uint8_t)echo_try(e, d->seen.link_mtu, SIZE_TRIES, ms);
}

void gather_mtu(diagnosis *d)
{
    probe_way anyhow = {.mark = 0};
    int why;
    echo e;

    if (d->seen.inside != VPN_PROBE_ANSWERED)
        return;
    if (echo_open(&e, &d->seen.target, &anyhow, &why) == 0)
        try_sizes(d, &e);
    echo_close(&e);
}
