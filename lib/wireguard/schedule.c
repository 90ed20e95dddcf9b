/* SPDX-License-Identifier: ISC */
#include "wireguard/schedule.h"

static vpn_time deadline_of(const struct vpn__peer *peer)
{
    vpn_time timers = vpn__timers_deadline(&peer->timers);

    return timers < peer->expires ? timers : peer->expires;
}

static void set(vpn_wg *wg, struct vpn__peer *peer, vpn_time at)
{
    peer->due = at;
    vpn__heap_set(&wg->heap, vpn__peer_slot(peer), at);
}

void vpn__schedule(vpn_wg *wg, struct vpn__peer *peer)
{
    vpn_time deadline = deadline_of(peer);

    if (deadline < peer->due)
        set(wg, peer, deadline);
}

void vpn__schedule_exactly(vpn_wg *wg, struct vpn__peer *peer)
{
    set(wg, peer, deadline_of(peer));
}

void vpn__schedule_never(vpn_wg *wg, struct vpn__peer *peer)
{
    set(wg, peer, VPN_NEVER);
}

void vpn__schedule_settle(vpn_wg *wg)
{
    uint32_t slot;
    vpn_time top, deadline;

    while ((top = vpn__heap_top(&wg->heap, &slot)) != VPN_NEVER) {
        struct vpn__peer *peer = vpn__wg_peer(wg, slot);

        deadline = deadline_of(peer);
        if (deadline <= top)
            return;
        set(wg, peer, deadline);
    }
}

vpn_time vpn_wg_deadline(const vpn_wg *wg)
{
    vpn_time first = vpn__heap_top(&wg->heap, NULL);

    if (wg->suspended)
        return VPN_NEVER;
    if (wg->load_told && wg->limiter.load_until < first)
        first = wg->limiter.load_until;
    return vpn__wg_outside(wg, first);
}
