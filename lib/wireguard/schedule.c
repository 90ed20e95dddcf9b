/* SPDX-License-Identifier: ISC */
#include "wireguard/schedule.h"

static vpn_time deadline_of(const struct vpn__peer *peer)
{
    vpn_time timers = vpn__timers_deadline(&peer->timers);

    return timers < peer->expires ? timers : peer->expires;
}

void vpn__schedule(vpn_wg *wg, const struct vpn__peer *peer)
{
    uint32_t slot = vpn__peer_slot(peer);
    vpn_time deadline = deadline_of(peer);

    if (deadline < vpn__heap_at(&wg->heap, slot))
        vpn__heap_set(&wg->heap, slot, deadline);
}

void vpn__schedule_exactly(vpn_wg *wg, const struct vpn__peer *peer)
{
    vpn__heap_set(&wg->heap, vpn__peer_slot(peer), deadline_of(peer));
}

void vpn__schedule_settle(vpn_wg *wg)
{
    uint32_t slot;
    vpn_time top, deadline;

    while ((top = vpn__heap_top(&wg->heap, &slot)) != VPN_NEVER) {
        deadline = deadline_of(vpn__wg_peer(wg, slot));
        if (deadline <= top)
            return;
        vpn__heap_set(&wg->heap, slot, deadline);
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
