/* SPDX-License-Identifier: ISC */
#include "wireguard/events.h"

#include <string.h>

#include "base/env.h"

int vpn__events_init(struct vpn__events *events, const vpn_env *env, uint32_t room, vpn__latch_of latch_of, void *ctx)
{
    memset(events, 0, sizeof *events);
    events->env = env;
    events->room = room;
    events->oldest = events->newest = VPN__LATCH_NONE;
    events->latch_of = latch_of;
    events->ctx = ctx;
    events->ring = vpn__alloc_array(env, room, sizeof *events->ring);
    return events->ring == NULL ? VPN_ENOMEM : VPN_OK;
}

void vpn__events_end(struct vpn__events *events)
{
    vpn__free(events->env, events->ring, events->room * sizeof *events->ring);
    events->ring = NULL;
}

static struct vpn__latch *at(const struct vpn__events *events, uint32_t slot)
{
    return events->latch_of(events->ctx, slot);
}

static void latch_it(struct vpn__events *events, uint32_t slot, const vpn_wg_event_info *event)
{
    struct vpn__latch *latch = at(events, slot);

    latch->type = event->type & 0xff;
    latch->time = event->time;
    latch->before = events->newest;
    latch->after = VPN__LATCH_NONE;
    if (events->newest == VPN__LATCH_NONE)
        events->oldest = slot;
    else
        at(events, events->newest)->after = slot & VPN__LATCH_NONE;
    events->newest = slot;
}

/* What a peer has latched is older than this event: told after it, it would undo it at the host. */
void vpn__events_add(struct vpn__events *events, const vpn_wg_event_info *event, uint32_t slot)
{
    if (slot != VPN__LATCH_NONE)
        vpn__events_unlatch(events, slot);
    if (events->count < events->room)
        events->ring[(events->first + events->count++) % events->room] = *event;
    else if (slot != VPN__LATCH_NONE)
        latch_it(events, slot, event);
    else
        events->lost++;
}

int vpn__events_take(struct vpn__events *events, vpn_wg_event_info *out)
{
    if (events->count == 0)
        return 0;
    *out = events->ring[events->first];
    events->first = (events->first + 1) % events->room;
    events->count--;
    return 1;
}

uint32_t vpn__events_latched(struct vpn__events *events, struct vpn__latch *out)
{
    uint32_t slot = events->oldest;

    if (slot != VPN__LATCH_NONE) {
        *out = *at(events, slot);
        vpn__events_unlatch(events, slot);
    }
    return slot;
}

void vpn__events_unlatch(struct vpn__events *events, uint32_t slot)
{
    struct vpn__latch *latch = at(events, slot);

    if (latch->type == 0)
        return;
    if (latch->before == VPN__LATCH_NONE)
        events->oldest = latch->after;
    else
        at(events, latch->before)->after = latch->after;
    if (latch->after == VPN__LATCH_NONE)
        events->newest = latch->before;
    else
        at(events, latch->after)->before = latch->before;
    latch->type = 0;
}
