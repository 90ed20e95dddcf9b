/* SPDX-License-Identifier: ISC */
#include "wireguard/device.h"

#include <string.h>

#include "base/env.h"
#include "wireguard/crypt.h"
#include "wireguard/wire.h"

#define STATS_LEAST offsetof(vpn_wg_stats, rx_packets)

/* --- clock --- */

vpn_time vpn__wg_enter(vpn_wg *wg, vpn_time now)
{
    vpn_time at;

    if (now > VPN_TIME_MAX)
        now = VPN_TIME_MAX;
    at = now + wg->offset;
    if (at > VPN_TIME_MAX)
        at = VPN_TIME_MAX;
    if (at >= wg->now)
        wg->now = at;
    else if (wg->now - at >= VPN_SECOND)
        wg->offset += wg->now - at;
    return wg->now;
}

vpn_time vpn__wg_inside(const vpn_wg *wg, vpn_time at)
{
    if (at == VPN_NEVER)
        return VPN_NEVER;
    return at < VPN_TIME_MAX - wg->offset ? at + wg->offset : VPN_TIME_MAX;
}

vpn_time vpn__wg_outside(const vpn_wg *wg, vpn_time at)
{
    if (at == VPN_NEVER)
        return VPN_NEVER;
    return at > wg->offset ? at - wg->offset : 0;
}

/* SplitMix64: spreads the timers of many peers, and keeps no secret. */
vpn_time vpn__wg_jitter(vpn_wg *wg)
{
    uint64_t z = wg->jitter_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % VPN__REKEY_JITTER;
}

/* --- counters and events --- */

void vpn__wg_count(vpn_wg *wg, struct vpn__peer *peer, uint8_t reason)
{
    wg->stats.drops[reason]++;
    if (peer != NULL && reason >= VPN_REASON_PEER_FIRST) {
        uint32_t *drops = &peer->drops[reason - VPN_REASON_PEER_FIRST];

        *drops += *drops != UINT32_MAX;
    }
}

void vpn__wg_drop(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet, uint8_t reason)
{
    packet->verdict = VPN_DROP;
    packet->reason = reason;
    vpn__wg_count(wg, peer, reason);
}

static vpn_wg_event_info event_of(const vpn_wg *wg, uint32_t type, const struct vpn__peer *peer, const vpn_path *path)
{
    vpn_wg_event_info event;

    memset(&event, 0, sizeof event);
    event.type = type;
    event.time = wg->now;
    if (peer != NULL) {
        event.peer = peer->id;
        memcpy(event.public_key, peer->public_key, 32);
    }
    if (path != NULL)
        event.path = *path;
    return event;
}

void vpn__wg_tell_roamed(vpn_wg *wg, struct vpn__peer *peer, const vpn_endpoint *from)
{
    vpn_wg_event_info event = event_of(wg, VPN_WG_ROAMED, peer, &peer->path);

    event.from = *from;
    vpn__events_add(&wg->events, &event, VPN__LATCH_NONE);
}

void vpn__wg_tell(vpn_wg *wg, uint32_t type, struct vpn__peer *peer, const vpn_path *path)
{
    vpn_wg_event_info event = event_of(wg, type, peer, path);
    int never_lost = type == VPN_WG_UP || type == VPN_WG_GAVE_UP;

    vpn__events_add(&wg->events, &event, never_lost && peer != NULL ? vpn__peer_slot(peer) : VPN__LATCH_NONE);
}

int vpn_wg_event(vpn_wg *wg, vpn_wg_event_info *out)
{
    struct vpn__latch latch;
    const struct vpn__peer *peer;
    uint32_t slot;

    if (!vpn__events_take(&wg->events, out)) {
        slot = vpn__events_latched(&wg->events, &latch);
        if (slot == VPN__LATCH_NONE)
            return VPN_ENOENT;
        peer = vpn__wg_peer(wg, slot);
        memset(out, 0, sizeof *out);
        out->type = latch.type;
        out->time = latch.time;
        out->peer = peer->id;
        memcpy(out->public_key, peer->public_key, 32);
        if (latch.type == VPN_WG_UP)
            out->path = peer->path;
    }
    out->time = vpn__wg_outside(wg, out->time);
    return VPN_OK;
}

const char *vpn_wg_event_name(uint32_t type)
{
    static const char *const names[] = {"up",           "session-expired", "gave-up",  "roamed",      "roam-asked",
                                        "peer-expired", "load-on",         "load-off", "unknown-peer"};

    return type >= VPN_WG_UP && type <= VPN_WG_UNKNOWN_PEER ? names[type - VPN_WG_UP] : "unknown";
}

int vpn_wg_get_stats(const vpn_wg *wg, vpn_wg_stats *out)
{
    vpn_wg_stats full = wg->stats;

    full.peers = vpn__slab_used(&wg->peers);
    full.sessions = vpn__slab_used(&wg->sessions);
    full.under_load = (uint32_t)vpn__limiter_under_load(&wg->limiter, wg->now);
    full.events_lost = wg->events.lost;
    full.memory = sizeof *wg + vpn__slab_memory(&wg->peers) + vpn__slab_memory(&wg->sessions) +
                  vpn__slab_memory(&wg->handshakes) + vpn__keymap_memory(&wg->by_key) +
                  vpn__index_memory(&wg->by_index) + vpn__heap_memory(&wg->heap) + vpn_allowedips_memory(wg->allowed) +
                  vpn__limiter_memory(&wg->limiter) + wg->events.room * sizeof *wg->events.ring +
                  vpn__scratch_memory(wg->scratch);
    return vpn__config_write(out, &full, sizeof full, STATS_LEAST);
}
