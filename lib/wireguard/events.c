/* SPDX-License-Identifier: ISC */
#include "wireguard/events.h"

#include <string.h>

#include "base/env.h"

int vpn__events_init(struct vpn__events *events, const vpn_env *env, uint32_t room)
{
    memset(events, 0, sizeof *events);
    events->env = env;
    events->room = room;
    events->latched.before = &events->latched;
    events->latched.after = &events->latched;
    events->ring = vpn__alloc_array(env, room, sizeof *events->ring);
    return events->ring == NULL ? VPN_ENOMEM : VPN_OK;
}

void vpn__events_end(struct vpn__events *events)
{
    vpn__free(events->env, events->ring, events->room * sizeof *events->ring);
    events->ring = NULL;
}

static void latch_it(struct vpn__events *events, struct vpn__latch *latch, const vpn_wg_event_info *event)
{
    latch->type = event->type;
    latch->time = event->time;
    latch->before = events->latched.before;
    latch->after = &events->latched;
    latch->before->after = latch;
    events->latched.before = latch;
}

/* What a peer has latched is older than this event: told after it, it would undo it at the host. */
void vpn__events_add(struct vpn__events *events, const vpn_wg_event_info *event, struct vpn__latch *latch)
{
    if (latch != NULL)
        vpn__events_unlatch(latch);
    if (events->count < events->room)
        events->ring[(events->first + events->count++) % events->room] = *event;
    else if (latch != NULL)
        latch_it(events, latch, event);
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

struct vpn__latch *vpn__events_latched(struct vpn__events *events)
{
    struct vpn__latch *latch = events->latched.after;

    if (latch == &events->latched)
        return NULL;
    latch->before->after = latch->after;
    latch->after->before = latch->before;
    return latch;
}

void vpn__events_unlatch(struct vpn__latch *latch)
{
    if (latch->type == 0)
        return;
    latch->before->after = latch->after;
    latch->after->before = latch->before;
    latch->type = 0;
}
