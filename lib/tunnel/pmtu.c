/* SPDX-License-Identifier: ISC */
/*
 * Joins the parts: the search says which size is in question, the prober asks, quotes are judged, and what comes of it is told.
 *
 * Invariants:
 *
 * - Without probes the prober is stopped; before the start, and while there is no path, everything is.
 * - `aged` is a time exactly while an error is believed.
 * - What the prober asks is what the search wants to know: a round under way is of vpn__pmtu_search_next bytes.
 * - While `down`, the search stands still: nothing vanished and nothing passed. The prober asks at longer and longer intervals.
 * - In COMPLETE, and in ERROR once the floor has vanished, the prober rests between confirmations.
 */
#include <vpn/pmtu.h>

#include <string.h>

#include "base/env.h"
#include "tunnel/pmtu_config.h"
#include "tunnel/pmtu_echo.h"
#include "tunnel/pmtu_probe.h"
#include "tunnel/pmtu_quote.h"
#include "tunnel/pmtu_search.h"

#define STATUS_LEAST (offsetof(vpn_pmtu_status, deadline) + sizeof(vpn_time))
#define EVENT_LEAST  (offsetof(vpn_pmtu_event, time) + sizeof(vpn_time))

#define DOWN_MOST (60 * VPN_SECOND) /* between two rounds while nobody answers */
#define EVENTS    16u

struct vpn_pmtu {
    vpn_env env;
    vpn_pmtu_config config;
    vpn_pmtu_route route;
    struct vpn__pmtu_ends ends;
    struct vpn__pmtu_facts facts;
    struct vpn__pmtu_search search;
    struct vpn__pmtu_probe probe;
    vpn_time aged;           /* when the last error is forgotten */
    vpn_time confirm, raise; /* when, in COMPLETE, the size is confirmed and more is tried */
    uint32_t started, down, rounds, why;
    uint64_t probes, replies, lowered, refused;
    vpn_pmtu_event events[EVENTS];
    uint32_t first, count, lost;
};

/* --- making --- */

int vpn_pmtu_new(vpn_pmtu **out, const vpn_pmtu_config *config)
{
    struct vpn__pmtu_limits limits;
    vpn_pmtu_config c;
    vpn_pmtu *p;
    vpn_env env;

    *out = NULL;
    if (vpn__pmtu_config_read(&c, config) != VPN_OK || vpn__env_init(&env, c.env) != VPN_OK)
        return VPN_EINVAL;
    c.env = NULL; /* copied */
    p = vpn__alloc(&env, sizeof *p);
    if (p == NULL)
        return VPN_ENOMEM;
    p->env = env;
    p->config = c;
    p->ends.family = c.probe_family;
    memcpy(p->ends.src, c.probe_src, 16);
    memcpy(p->ends.dst, c.probe_dst, 16);
    p->aged = VPN_NEVER;
    vpn__pmtu_probe_stop(&p->probe);
    vpn__pmtu_limits_away(&limits, &c);
    vpn__pmtu_search_start(&p->search, &limits);
    *out = p;
    return VPN_OK;
}

void vpn_pmtu_free(vpn_pmtu *pmtu)
{
    vpn_env env;

    if (pmtu == NULL)
        return;
    env = pmtu->env;
    vpn__free(&env, pmtu, sizeof *pmtu);
}

/* --- events --- */

static uint32_t state_of(const vpn_pmtu *p)
{
    if (!p->started)
        return VPN_PMTU_OFF;
    return p->down ? VPN_PMTU_DOWN : p->search.state;
}

static void tell(vpn_pmtu *p, uint32_t why, uint32_t from, vpn_time now)
{
    vpn_pmtu_event *e;

    if (p->count == EVENTS) {
        p->first = (p->first + 1) % EVENTS;
        p->count--;
        p->lost++;
    }
    e = &p->events[(p->first + p->count) % EVENTS];
    p->count++;
    *e = (vpn_pmtu_event){
        .size = sizeof *e, .why = why, .state = state_of(p), .from = from, .to = p->search.mtu, .time = now};
    p->why = why;
}

int vpn_pmtu_event_next(vpn_pmtu *pmtu, vpn_pmtu_event *out)
{
    vpn_pmtu_event e;

    if (pmtu->count == 0)
        return VPN_ENOENT;
    e = pmtu->events[pmtu->first];
    e.lost = pmtu->lost;
    if (vpn__config_write(out, &e, sizeof e, EVENT_LEAST) != VPN_OK)
        return VPN_EINVAL;
    pmtu->first = (pmtu->first + 1) % EVENTS;
    pmtu->count--;
    pmtu->lost = 0;
    return VPN_OK;
}

/* --- what follows --- */

static vpn_time after(vpn_time now, vpn_time wait)
{
    return (now < VPN_TIME_MAX ? now : VPN_TIME_MAX) + wait;
}

static void rest(vpn_pmtu *p)
{
    vpn__pmtu_probe_rest(&p->probe, p->confirm < p->raise ? p->confirm : p->raise);
}

/* The prober does what the search wants to know. While nobody answers it has an appointment already. */
static void plan(vpn_pmtu *p, vpn_time now)
{
    if (p->down) {
        if (p->probe.size != 0)
            vpn__pmtu_probe_begin(&p->probe, vpn__pmtu_search_next(&p->search), now);
        return;
    }
    switch (p->search.state) {
    case VPN_PMTU_BASE:
    case VPN_PMTU_SEARCHING:
        vpn__pmtu_probe_begin(&p->probe, vpn__pmtu_search_next(&p->search), now);
        break;
    case VPN_PMTU_COMPLETE:
        rest(p);
        break;
    case VPN_PMTU_ERROR:
        if (p->search.divide != 0)
            vpn__pmtu_probe_rest(&p->probe, after(now, p->config.confirm_timer));
        else
            vpn__pmtu_probe_begin(&p->probe, vpn__pmtu_search_next(&p->search), now);
        break;
    default:
        vpn__pmtu_probe_stop(&p->probe);
    }
}

/* The search has moved on from `before`: tells what changed. */
static void tell_change(vpn_pmtu *p, const struct vpn__pmtu_search *before, uint32_t why, vpn_time now)
{
    const struct vpn__pmtu_search *s = &p->search;

    if (s->mtu != before->mtu)
        tell(p, why, before->mtu, now);
    if (s->divide != 0 && before->divide == 0)
        tell(p, VPN_PMTU_WHY_DIVIDE, s->mtu, now);
    if (s->state == VPN_PMTU_COMPLETE && before->state != VPN_PMTU_COMPLETE) {
        p->raise = after(now, p->config.raise_timer);
        tell(p, VPN_PMTU_WHY_COMPLETE, s->mtu, now);
    }
}

/* A round under way goes on unless something else is in question now. */
static void replan(vpn_pmtu *p, const struct vpn__pmtu_search *before, vpn_time now)
{
    uint32_t size = p->probe.size;

    if (p->search.state != before->state || (size != 0 && size != vpn__pmtu_search_next(&p->search)))
        plan(p, now);
}

/* --- start --- */

int vpn_pmtu_start(vpn_pmtu *pmtu, const vpn_pmtu_route *route, vpn_time now)
{
    uint32_t from = pmtu->search.mtu;
    struct vpn__pmtu_limits limits;
    vpn_pmtu_route r;

    if (vpn__pmtu_route_read(&r, route) != VPN_OK)
        return VPN_EINVAL;
    pmtu->route = r;
    pmtu->started = r.path.remote.family != 0;
    if (pmtu->started)
        vpn__pmtu_limits_on(&limits, &pmtu->config, &r);
    else
        vpn__pmtu_limits_away(&limits, &pmtu->config);
    vpn__pmtu_search_start(&pmtu->search, &limits);
    pmtu->down = 0;
    pmtu->rounds = 0;
    pmtu->aged = VPN_NEVER;
    tell(pmtu, VPN_PMTU_WHY_START, from, now);
    plan(pmtu, now);
    return VPN_OK;
}

/* --- errors --- */

void vpn_pmtu_sent(vpn_pmtu *pmtu, const uint8_t *message, size_t length, vpn_time now)
{
    vpn__pmtu_quote_sent(&pmtu->facts, message, length, now);
}

static int believe(vpn_pmtu *p, uint32_t path, uint32_t why, vpn_time now)
{
    struct vpn__pmtu_search before = p->search;
    uint32_t inner = vpn_mtu_inner(path, p->route.path.remote.family);
    int lowered = vpn__pmtu_search_cap(&p->search, inner);

    if (inner <= before.cap && inner < p->search.limits.ceiling)
        p->aged = after(now, p->config.raise_timer);
    p->lowered += (uint32_t)lowered;
    tell_change(p, &before, why, now);
    replan(p, &before, now);
    return lowered ? VPN_PMTU_LOWERED : VPN_PMTU_NOT_LOWER;
}

int vpn_pmtu_error(vpn_pmtu *pmtu, const vpn_pmtu_report *report, vpn_time now)
{
    uint32_t path = 0, in_use;
    vpn_pmtu_report r;
    int result;

    if (vpn__pmtu_report_read(&r, report) != VPN_OK)
        return VPN_EINVAL;
    if (!pmtu->started)
        return VPN_ESTATE;
    in_use = vpn_mtu_to_path(VPN_MTU_WG_UDP, pmtu->route.path.remote.family, 0, pmtu->search.mtu);
    result = vpn__pmtu_quote_judge(&path, &pmtu->facts, &pmtu->route, pmtu->config.flags, in_use, &r, now);
    if (result != VPN_PMTU_LOWERED) {
        pmtu->refused++;
        return result;
    }
    return believe(pmtu, path, r.kind == VPN_PMTU_QUOTE_NONE ? VPN_PMTU_WHY_SYSTEM : VPN_PMTU_WHY_ICMP, now);
}

static void forget_error(vpn_pmtu *p, vpn_time now)
{
    struct vpn__pmtu_search before = p->search;

    p->aged = VPN_NEVER;
    vpn__pmtu_search_uncap(&p->search);
    tell(p, VPN_PMTU_WHY_AGED, before.mtu, now);
    replan(p, &before, now);
}

/* --- probes --- */

static void answered(vpn_pmtu *p, vpn_time now)
{
    p->replies++;
    p->rounds = 0;
    if (p->down) {
        p->down = 0;
        tell(p, VPN_PMTU_WHY_ANSWERED, p->search.mtu, now);
    }
}

static void learn(vpn_pmtu *p, int passed, vpn_time now)
{
    struct vpn__pmtu_search before = p->search;
    uint32_t size = p->probe.size;

    if (passed) {
        p->confirm = after(now, p->config.confirm_timer);
        vpn__pmtu_search_passed(&p->search, size);
    } else {
        vpn__pmtu_search_vanished(&p->search, size);
    }
    tell_change(p, &before, passed ? VPN_PMTU_WHY_PASSED : VPN_PMTU_WHY_VANISHED, now);
    plan(p, now);
}

int vpn_pmtu_reply(vpn_pmtu *pmtu, const uint8_t *packet, size_t length, vpn_time now)
{
    struct vpn__pmtu_echo echo;

    if (pmtu->probe.size == 0 || !vpn__pmtu_echo_read(&echo, &pmtu->ends, packet, length))
        return VPN_ENOENT;
    switch (vpn__pmtu_probe_reply(&pmtu->probe, &echo)) {
    case VPN__PMTU_SMALL_BACK:
        answered(pmtu, now);
        return VPN_OK;
    case VPN__PMTU_LARGE_BACK:
        answered(pmtu, now);
        learn(pmtu, 1, now);
        return VPN_OK;
    case VPN__PMTU_REPEATED:
        return VPN_OK;
    case VPN__PMTU_NOTHING:
    case VPN__PMTU_VANISHED:
    case VPN__PMTU_SILENCE:
        break;
    }
    return VPN_ENOENT;
}

/* Nobody answers. That the large ones vanished as well says nothing about them. */
static void silence(vpn_pmtu *p, vpn_time now)
{
    vpn_time wait = p->config.raise_timer;

    if (p->rounds < VPN_PMTU_ROUNDS)
        p->rounds++;
    if (p->rounds < VPN_PMTU_ROUNDS) {
        wait = p->config.probe_timer << p->rounds;
        if (wait > DOWN_MOST)
            wait = DOWN_MOST;
    }
    vpn__pmtu_probe_rest(&p->probe, after(now, wait));
    if (!p->down) {
        p->down = 1;
        tell(p, VPN_PMTU_WHY_DOWN, p->search.mtu, now);
    } else if (p->rounds == VPN_PMTU_ROUNDS && p->why != VPN_PMTU_WHY_GAVE_UP) {
        tell(p, VPN_PMTU_WHY_GAVE_UP, p->search.mtu, now);
    }
}

static void too_late(vpn_pmtu *p, vpn_time now)
{
    switch (vpn__pmtu_probe_late(&p->probe, now)) {
    case VPN__PMTU_VANISHED:
        learn(p, 0, now);
        break;
    case VPN__PMTU_SILENCE:
        silence(p, now);
        break;
    case VPN__PMTU_NOTHING:
    case VPN__PMTU_SMALL_BACK:
    case VPN__PMTU_LARGE_BACK:
    case VPN__PMTU_REPEATED:
        break;
    }
}

/* While nobody answers the whole round again: its first pair may but bring about a handshake. */
static void wake(vpn_pmtu *p, vpn_time now)
{
    struct vpn__pmtu_search before = p->search;

    if (!p->down && p->search.state == VPN_PMTU_COMPLETE && p->raise <= now) {
        p->raise = after(now, p->config.raise_timer);
        vpn__pmtu_search_raise(&p->search);
        if (p->search.state != before.state) {
            plan(p, now);
            return;
        }
        if (p->confirm > now) {
            rest(p);
            return;
        }
    }
    vpn__pmtu_probe_begin(&p->probe, vpn__pmtu_search_next(&p->search), now);
}

static int write_probe(vpn_pmtu *p, uint8_t *out, size_t *bytes, size_t room, vpn_time now)
{
    uint32_t need = vpn__pmtu_probe_bytes(&p->probe);
    int error;

    if (room < need) {
        *bytes = need;
        return VPN_ESPACE;
    }
    error = vpn__pmtu_probe_write(&p->probe, out, &p->ends, &p->env, p->config.probe_timer, after(now, 0));
    if (error != VPN_OK)
        return error;
    p->probes++;
    *bytes = need;
    return VPN_OK;
}

vpn_time vpn_pmtu_deadline(const vpn_pmtu *pmtu)
{
    return pmtu->aged < pmtu->probe.timer ? pmtu->aged : pmtu->probe.timer;
}

int vpn_pmtu_tick(vpn_pmtu *pmtu, uint8_t *out, size_t *bytes, vpn_time now)
{
    size_t room = *bytes;

    *bytes = 0;
    if (now < vpn_pmtu_deadline(pmtu))
        return VPN_OK;
    if (pmtu->aged <= now) {
        forget_error(pmtu, now);
        return VPN_OK;
    }
    if (pmtu->probe.phase == VPN__PMTU_WAITING)
        too_late(pmtu, now);
    else if (pmtu->probe.phase == VPN__PMTU_RESTING)
        wake(pmtu, now);
    if (pmtu->probe.phase == VPN__PMTU_SENDING && pmtu->probe.timer <= now)
        return write_probe(pmtu, out, bytes, room, now);
    return VPN_OK;
}

/* --- telling --- */

uint32_t vpn_pmtu_mtu(const vpn_pmtu *pmtu)
{
    return pmtu->search.mtu;
}

int vpn_pmtu_get(const vpn_pmtu *pmtu, vpn_pmtu_status *out)
{
    const struct vpn__pmtu_search *s = &pmtu->search;
    vpn_pmtu_status status = {
        .size = sizeof status,
        .mtu = s->mtu,
        .path_mtu = vpn_mtu_to_path(VPN_MTU_WG_UDP, pmtu->route.path.remote.family, 0, s->mtu),
        .state = state_of(pmtu),
        .why = pmtu->why,
        .divide = s->divide,
        .passed = s->low,
        .vanished = s->high <= s->cap ? s->high : 0,
        .probing = pmtu->probe.size,
        .probes = pmtu->probes,
        .replies = pmtu->replies,
        .lowered = pmtu->lowered,
        .refused = pmtu->refused,
        .deadline = vpn_pmtu_deadline(pmtu),
    };

    return vpn__config_write(out, &status, sizeof status, STATUS_LEAST);
}
