/* SPDX-License-Identifier: ISC */
/* What is done when a deadline comes. */
#include "wireguard/emit.h"
#include "wireguard/keys.h"
#include "wireguard/peer.h"
#include "wireguard/schedule.h"

static void give_up(vpn_wg *wg, struct vpn__peer *peer)
{
    peer->waiting = 0;
    vpn__wg_tell(wg, VPN_WG_GAVE_UP, peer, NULL);
}

/* Without memory or randomness the initiation counts as sent and lost: the retransmission tries again.
   Without an endpoint, an identity or a sound key there is none, so what waits is given up at once. */
static int initiate(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet)
{
    uint8_t reason = vpn__emit_initiation(wg, peer, packet);

    if (reason == VPN_REASON_NONE || reason == VPN_REASON_MEMORY || reason == VPN_REASON_RANDOM)
        vpn__timers_initiation_sent(&peer->timers, wg->now, vpn__wg_jitter(wg));
    else if (peer->waiting)
        give_up(wg, peer);
    if (reason != VPN_REASON_NONE)
        vpn__wg_count(wg, peer, reason);
    return reason == VPN_REASON_NONE;
}

static int keep_alive(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet)
{
    vpn_time another = peer->timers.keepalive;
    uint8_t reason = vpn__emit_keepalive(wg, peer, packet);

    /* Sending it cancels the keepalive that was pending, not the one that its own expiry armed. */
    if (reason == VPN_REASON_NONE)
        peer->timers.keepalive = another;
    if (reason == VPN_REASON_NO_SESSION)
        vpn__timers_want(&peer->timers, wg->now);
    else if (reason != VPN_REASON_NONE)
        vpn__wg_count(wg, peer, reason);
    return reason == VPN_REASON_NONE;
}

/* Does one thing that is due; returns 1 when the packet was written. */
static int act(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet)
{
    switch (vpn__timers_expire(&peer->timers, wg->now)) {
    case VPN__TIMER_NOTHING:
        break;
    case VPN__TIMER_SESSION_END:
        vpn__wg_tell(wg, VPN_WG_SESSION_EXPIRED, peer, NULL);
        break;
    case VPN__TIMER_WIPE:
        vpn__keys_wipe(wg, peer);
        break;
    case VPN__TIMER_GIVE_UP:
        give_up(wg, peer);
        break;
    case VPN__TIMER_LOST:
        vpn__peer_forget_source(peer);
        break;
    case VPN__TIMER_KEEPALIVE:
        return keep_alive(wg, peer, packet);
    case VPN__TIMER_INITIATE:
        return initiate(wg, peer, packet);
    }
    return 0;
}

static int has_room(vpn_wg *wg, vpn_packet *packet)
{
    if (packet->data != NULL && packet->offset <= packet->capacity &&
        packet->capacity - packet->offset >= VPN_WG_FRESH_BYTES)
        return 1;
    vpn__wg_drop(wg, NULL, packet, VPN_REASON_SPACE);
    return 0;
}

static void end_load(vpn_wg *wg)
{
    if (wg->load_told && !vpn__limiter_under_load(&wg->limiter, wg->now)) {
        wg->load_told = 0;
        vpn__wg_tell(wg, VPN_WG_LOAD_OFF, NULL, NULL);
    }
}

size_t vpn_wg_tick(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    struct vpn__peer *peer;
    size_t written = 0;
    uint32_t slot;

    vpn__wg_enter(wg, now);
    if (wg->suspended)
        return 0;
    end_load(wg);
    while (written < n && vpn__heap_top(&wg->heap, &slot) <= wg->now && has_room(wg, &packets[written])) {
        peer = vpn__wg_peer(wg, slot);
        if (peer->expires <= wg->now) {
            vpn__wg_tell(wg, VPN_WG_PEER_EXPIRED, peer, NULL);
            vpn__peer_remove(wg, peer);
        } else {
            written += (size_t)act(wg, peer, &packets[written]);
            vpn__schedule_exactly(wg, peer);
        }
        vpn__schedule_settle(wg);
    }
    return written;
}
