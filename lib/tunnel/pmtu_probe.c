/* SPDX-License-Identifier: ISC */
/*
 * Invariants:
 *
 * - Flights are of this round: all of VPN_PMTU_SMALL or of `size` bytes. So a reply that is very late says nothing about another
 *   size, and nothing at all once its round has been judged.
 * - `timer` is VPN_NEVER exactly when STOPPED; `pending` is not 0 exactly when SENDING.
 * - counted < VPN_PMTU_MAX_PROBES and silent < VPN_PMTU_MAX_PROBES between calls.
 */
#include "tunnel/pmtu_probe.h"

#include <string.h>

#include "base/bytes.h"

_Static_assert(VPN__PMTU_FLIGHTS == 2 * VPN_PMTU_MAX_PROBES, "a pair for each");

static vpn_time later(vpn_time a, vpn_time b)
{
    return a > b ? a : b;
}

void vpn__pmtu_probe_stop(struct vpn__pmtu_probe *p)
{
    vpn__pmtu_probe_rest(p, VPN_NEVER);
    p->phase = VPN__PMTU_STOPPED;
}

void vpn__pmtu_probe_rest(struct vpn__pmtu_probe *p, vpn_time until)
{
    vpn_wipe(p->flights, sizeof p->flights);
    p->size = 0;
    p->pending = 0;
    p->counted = 0;
    p->silent = 0;
    p->back = 0;
    p->timer = until;
    p->phase = VPN__PMTU_RESTING;
}

static void pair(struct vpn__pmtu_probe *p, vpn_time now)
{
    p->back = 0;
    p->whole = 1;
    p->pending = 2;
    p->timer = later(now, p->earliest);
    p->phase = VPN__PMTU_SENDING;
}

void vpn__pmtu_probe_begin(struct vpn__pmtu_probe *p, uint32_t size, vpn_time now)
{
    vpn__pmtu_probe_rest(p, now);
    p->size = size;
    pair(p, now);
}

uint32_t vpn__pmtu_probe_bytes(const struct vpn__pmtu_probe *p)
{
    return p->pending == 2 ? VPN_PMTU_SMALL : p->size;
}

int vpn__pmtu_probe_write(struct vpn__pmtu_probe *p, uint8_t *out, const struct vpn__pmtu_ends *ends,
                          const vpn_env *env, vpn_time wait, vpn_time now)
{
    struct vpn__pmtu_flight flight = {.back = 0};
    uint8_t random[VPN__PMTU_TOKEN + 2];
    int error = vpn__random(env, random, sizeof random);

    if (error == VPN_OK) {
        memcpy(flight.echo.token, random, VPN__PMTU_TOKEN);
        flight.echo.id = vpn__load16be(random + VPN__PMTU_TOKEN);
        flight.echo.sequence = (uint16_t)p->sequence++;
        flight.echo.bytes = vpn__pmtu_probe_bytes(p);
        vpn__pmtu_echo_write(out, ends, &flight.echo);
        p->flights[p->next] = flight;
        p->next = (p->next + 1) % VPN__PMTU_FLIGHTS;
    }
    p->whole = error == VPN_OK && p->whole;
    p->pending = error == VPN_OK ? p->pending - 1 : 0;
    if (p->pending == 0) {
        p->earliest = now + VPN__PMTU_GAP;
        p->timer = now + wait;
        p->phase = VPN__PMTU_WAITING;
    }
    return error;
}

enum vpn__pmtu_outcome vpn__pmtu_probe_late(struct vpn__pmtu_probe *p, vpn_time now)
{
    if (p->back != 0 && p->whole != 0) {
        p->silent = 0;
        if (++p->counted == VPN_PMTU_MAX_PROBES)
            return VPN__PMTU_VANISHED;
    } else if (++p->silent == VPN_PMTU_MAX_PROBES) {
        return VPN__PMTU_SILENCE;
    }
    pair(p, now);
    return VPN__PMTU_NOTHING;
}

enum vpn__pmtu_outcome vpn__pmtu_probe_reply(struct vpn__pmtu_probe *p, const struct vpn__pmtu_echo *reply)
{
    for (size_t i = 0; i < VPN__PMTU_FLIGHTS; i++) {
        struct vpn__pmtu_flight *f = &p->flights[i];
        if (f->echo.bytes == 0 || f->echo.bytes != reply->bytes || f->echo.id != reply->id ||
            f->echo.sequence != reply->sequence || !vpn_equal(f->echo.token, reply->token, VPN__PMTU_TOKEN))
            continue;
        if (f->back != 0)
            return VPN__PMTU_REPEATED;
        f->back = 1;
        if (f->echo.bytes == p->size)
            return VPN__PMTU_LARGE_BACK;
        p->back = 1;
        return VPN__PMTU_SMALL_BACK;
    }
    return VPN__PMTU_NOTHING;
}
