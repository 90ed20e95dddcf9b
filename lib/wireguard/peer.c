/* SPDX-License-Identifier: ISC */
#include "wireguard/peer.h"

#include <string.h>

#include "base/env.h"
#include "wireguard/keys.h"
#include "wireguard/schedule.h"

#define SET_ALL                                                                                                        \
    (VPN_WG_SET_PRESHARED | VPN_WG_SET_ENDPOINT | VPN_WG_SET_KEEPALIVE | VPN_WG_SET_POLICY | VPN_WG_SET_PADDING |      \
     VPN_WG_SET_EXPIRES | VPN_WG_SET_QUEUE | VPN_WG_SET_STAMP)
_Static_assert(sizeof(vpn_endpoint) <= VPN__KEYMAP_KEY_BYTES, "an endpoint can be hashed as a key");

#define SETTINGS_LEAST offsetof(vpn_wg_peer, preshared_key)
#define STATS_LEAST    offsetof(vpn_wg_peer_stats, path)

int vpn__peer_agree(vpn_wg *wg, struct vpn__peer *peer)
{
    if (peer->agreement == VPN__AGREEMENT_DUE) {
        int error = vpn__noise_dh(wg->local.provider, peer->ss, wg->local.private_key, peer->public_key);

        peer->agreement = error == VPN_OK ? VPN__AGREEMENT_MADE : VPN__AGREEMENT_IMPOSSIBLE;
    }
    return peer->agreement == VPN__AGREEMENT_MADE ? VPN_OK : VPN_EKEY;
}

/* --- settings --- */

static int endpoint_is_sound(const vpn_endpoint *endpoint)
{
    if (endpoint->family == 0)
        return 1;
    return (endpoint->family == 4 || endpoint->family == 6) && endpoint->port != 0;
}

/* Only what `set` names is looked at. On error `out` holds no secret. */
static int read_settings(vpn_wg_peer *out, const vpn_wg_peer *in)
{
    static const uint8_t zero[sizeof out->reserved];
    int error = vpn__config_read(out, sizeof *out, in, SETTINGS_LEAST);
    uint32_t set;

    if (error != VPN_OK)
        return error;
    set = out->set;
    if ((set & ~SET_ALL) == 0 && memcmp(out->reserved, zero, sizeof zero) == 0 &&
        ((set & VPN_WG_SET_ENDPOINT) == 0 || endpoint_is_sound(&out->endpoint)) &&
        ((set & VPN_WG_SET_POLICY) == 0 || out->policy <= VPN_WG_ASK) &&
        ((set & VPN_WG_SET_PADDING) == 0 || out->padding <= VPN_WG_PAD_MTU))
        return VPN_OK;
    vpn_wipe(out, sizeof *out);
    return VPN_EINVAL;
}

/* A known good form, so that two endpoints are equal exactly when their bytes are. */
static void copy_endpoint(vpn_endpoint *out, const vpn_endpoint *in)
{
    memset(out, 0, sizeof *out);
    if (in->family == 0)
        return;
    out->family = in->family;
    out->port = in->port;
    out->scope = in->family == 6 ? in->scope : 0;
    memcpy(out->addr, in->addr, in->family == 6 ? 16 : 4);
}

static void apply(vpn_wg *wg, struct vpn__peer *peer, const vpn_wg_peer *settings)
{
    uint32_t set = settings->set;

    if (set & VPN_WG_SET_PRESHARED)
        memcpy(peer->preshared, settings->preshared_key, 32);
    if (set & VPN_WG_SET_ENDPOINT) {
        memset(&peer->path, 0, sizeof peer->path);
        copy_endpoint(&peer->path.remote, &settings->endpoint);
        peer->asked = 0;
    }
    if (set & VPN_WG_SET_KEEPALIVE)
        vpn__timers_persistent(&peer->timers, settings->keepalive, wg->now);
    else if ((set & VPN_WG_SET_ENDPOINT) && peer->timers.interval != 0 && peer->ring.current == NULL)
        peer->timers.persistent = wg->now;
    if (set & VPN_WG_SET_POLICY)
        peer->policy = settings->policy;
    if (set & VPN_WG_SET_PADDING)
        peer->padding = settings->padding;
    if (set & VPN_WG_SET_EXPIRES)
        peer->expires = vpn__wg_inside(wg, settings->expires);
    if (set & VPN_WG_SET_QUEUE)
        peer->queue = settings->queue;
    if (set & VPN_WG_SET_STAMP)
        memcpy(peer->stamp_received, settings->stamp, VPN_TAI64N_BYTES);
    vpn__schedule(wg, peer);
    vpn__schedule_settle(wg);
}

static void init_peer(vpn_wg *wg, struct vpn__peer *peer, uint32_t slot, const uint8_t key[32])
{
    if (++wg->serial == 0)
        wg->serial = 1;
    peer->id = (uint64_t)wg->serial << 32 | slot;
    memcpy(peer->public_key, key, 32);
    vpn__timers_init(&peer->timers);
    vpn_cookie_maker_init(&peer->cookie);
    peer->expires = VPN_NEVER;
    peer->due = VPN_NEVER;
    peer->queue = VPN_WG_QUEUE_DEFAULT;
    peer->initiation_taken = VPN_NEVER;
    peer->last_handshake = VPN_NEVER;
    peer->last_received = VPN_NEVER;
}

int vpn_wg_peer_add(vpn_wg *wg, const vpn_wg_peer *peer, vpn_peer_id *id, vpn_time now)
{
    vpn_wg_peer settings;
    struct vpn__peer *added;
    uint32_t slot;
    int error = read_settings(&settings, peer);

    *id = 0;
    if (error != VPN_OK)
        return error;
    vpn__wg_enter(wg, now);
    *id = vpn_wg_peer_find(wg, settings.public_key);
    if (*id != 0)
        error = VPN_EEXIST;
    else if (wg->has_identity && vpn_equal(settings.public_key, wg->local.public_key, 32))
        error = VPN_ESELF;
    else if (vpn__slab_used(&wg->peers) >= wg->peers.max)
        error = VPN_ELIMIT;
    if (error != VPN_OK) {
        vpn_wipe(&settings, sizeof settings);
        return error;
    }
    added = vpn__slab_take(&wg->peers, &slot);
    error = added == NULL ? VPN_ENOMEM : vpn__heap_reserve(&wg->heap, slot + 1);
    if (error == VPN_OK)
        error = vpn__keymap_insert(&wg->by_key, settings.public_key, slot);
    if (error == VPN_OK) {
        init_peer(wg, added, slot, settings.public_key);
        apply(wg, added, &settings);
        *id = added->id;
    } else if (added != NULL) {
        vpn__slab_give(&wg->peers, slot);
    }
    vpn_wipe(&settings, sizeof settings);
    return error;
}

int vpn_wg_peer_set(vpn_wg *wg, vpn_peer_id id, const vpn_wg_peer *peer, vpn_time now)
{
    struct vpn__peer *changed = vpn__peer_find(wg, id);
    vpn_wg_peer settings;
    int error = read_settings(&settings, peer);

    if (error != VPN_OK)
        return error;
    if (changed != NULL) {
        vpn__wg_enter(wg, now);
        apply(wg, changed, &settings);
    }
    vpn_wipe(&settings, sizeof settings);
    return changed != NULL ? VPN_OK : VPN_ENOENT;
}

int vpn_wg_peer_get(const vpn_wg *wg, vpn_peer_id id, vpn_wg_peer *out)
{
    const struct vpn__peer *peer = vpn__peer_find(wg, id);
    vpn_wg_peer full;
    int error;

    if (peer == NULL)
        return VPN_ENOENT;
    memset(&full, 0, sizeof full);
    full.set = SET_ALL;
    memcpy(full.public_key, peer->public_key, 32);
    memcpy(full.preshared_key, peer->preshared, 32);
    full.endpoint = peer->path.remote;
    full.expires = vpn__wg_outside(wg, peer->expires);
    full.keepalive = peer->timers.interval;
    full.policy = peer->policy;
    full.padding = peer->padding;
    full.queue = peer->queue;
    memcpy(full.stamp, peer->stamp_received, VPN_TAI64N_BYTES);
    error = vpn__config_write(out, &full, sizeof full, SETTINGS_LEAST);
    vpn_wipe(&full, sizeof full);
    return error;
}

/* --- life --- */

void vpn__peer_remove(vpn_wg *wg, struct vpn__peer *peer)
{
    uint32_t slot = vpn__peer_slot(peer);

    vpn__keys_wipe(wg, peer);
    vpn__events_unlatch(&wg->events, slot);
    vpn_allowedips_remove_owner(wg->allowed, slot);
    vpn__keymap_remove(&wg->by_key, peer->public_key, slot);
    vpn__schedule_never(wg, peer);
    /* Should the peer come back, its stamps must still increase. */
    if (vpn_tai64n_compare(peer->stamp_sent, wg->stamp_floor) > 0)
        memcpy(wg->stamp_floor, peer->stamp_sent, VPN_TAI64N_BYTES);
    vpn__slab_give(&wg->peers, slot);
}

int vpn_wg_peer_remove(vpn_wg *wg, vpn_peer_id id)
{
    struct vpn__peer *peer = vpn__peer_find(wg, id);

    if (peer == NULL)
        return VPN_ENOENT;
    vpn__peer_remove(wg, peer);
    vpn__schedule_settle(wg);
    return VPN_OK;
}

vpn_peer_id vpn_wg_peer_next(const vpn_wg *wg, vpn_peer_id id)
{
    /* No peer has the last slot of all, but anybody can ask for what is behind it. */
    for (uint64_t slot = id == 0 ? 0 : (id & UINT32_MAX) + 1; slot < vpn__slab_high(&wg->peers); slot++)
        if (vpn__wg_peer(wg, (uint32_t)slot)->id != 0)
            return vpn__wg_peer(wg, (uint32_t)slot)->id;
    return 0;
}

vpn_peer_id vpn_wg_peer_find(const vpn_wg *wg, const uint8_t key[VPN_KEY_BYTES])
{
    uint32_t slot = vpn__keymap_find(&wg->by_key, key);

    return slot == UINT32_MAX ? 0 : vpn__wg_peer(wg, slot)->id;
}

/* --- AllowedIPs --- */

int vpn_wg_allow(vpn_wg *wg, vpn_peer_id id, const vpn_prefix *prefix)
{
    if (vpn__peer_find(wg, id) == NULL)
        return VPN_ENOENT;
    return vpn_allowedips_insert(wg->allowed, prefix, (uint32_t)id);
}

int vpn_wg_disallow(vpn_wg *wg, vpn_peer_id id, const vpn_prefix *prefix)
{
    if (vpn__peer_find(wg, id) == NULL)
        return VPN_ENOENT;
    if (prefix != NULL)
        return vpn_allowedips_remove(wg->allowed, prefix, (uint32_t)id);
    vpn_allowedips_remove_owner(wg->allowed, (uint32_t)id);
    return VPN_OK;
}

int vpn_wg_allowed(const vpn_wg *wg, vpn_peer_id id, uint64_t *cursor, vpn_prefix *out)
{
    if (vpn__peer_find(wg, id) == NULL)
        return VPN_ENOENT;
    return vpn_allowedips_next(wg->allowed, (uint32_t)id, cursor, out);
}

vpn_peer_id vpn_wg_route(const vpn_wg *wg, uint8_t family, const uint8_t *addr)
{
    uint32_t slot = vpn_allowedips_lookup(wg->allowed, family, addr);

    return slot == VPN_ALLOWEDIPS_NONE ? 0 : vpn__wg_peer(wg, slot)->id;
}

/* --- endpoint --- */

static int same_endpoint(const vpn_endpoint *a, const vpn_endpoint *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

/* Tells endpoints apart without keeping them; nobody can choose two with the same. Never 0. */
static uint64_t endpoint_hash(const vpn_wg *wg, const vpn_endpoint *endpoint)
{
    uint8_t bytes[VPN__KEYMAP_KEY_BYTES] = {0};

    memcpy(bytes, endpoint, sizeof *endpoint);
    return vpn__keymap_hash(&wg->by_key, bytes) | 1;
}

void vpn__peer_roam(vpn_wg *wg, struct vpn__peer *peer, const vpn_path *path)
{
    vpn_path from;
    vpn_endpoint before = peer->path.remote;

    /* What is kept is in the form that is made below, so the same bytes say the same. */
    if ((path->remote.family != 4 && path->remote.family != 6) || memcmp(path, &peer->path, sizeof *path) == 0)
        return;
    memset(&from, 0, sizeof from);
    copy_endpoint(&from.remote, &path->remote);
    memcpy(from.local, path->local, path->remote.family == 6 ? 16 : 4);
    from.ifindex = path->ifindex;
    if (same_endpoint(&from.remote, &peer->path.remote)) {
        peer->path = from;
    } else if (peer->policy == VPN_WG_LEARN) {
        peer->path = from;
        if (before.family != 0)
            vpn__wg_tell_roamed(wg, peer, &before);
    } else if (peer->policy == VPN_WG_ASK && endpoint_hash(wg, &from.remote) != peer->asked) {
        peer->asked = endpoint_hash(wg, &from.remote);
        vpn__wg_tell(wg, VPN_WG_ROAM_ASKED, peer, &from);
    }
}

void vpn__peer_forget_source(struct vpn__peer *peer)
{
    memset(peer->path.local, 0, sizeof peer->path.local);
    peer->path.ifindex = 0;
}

int vpn_wg_handshake(vpn_wg *wg, vpn_peer_id id, vpn_time now)
{
    struct vpn__peer *peer = vpn__peer_find(wg, id);

    if (peer == NULL)
        return VPN_ENOENT;
    vpn__timers_want(&peer->timers, vpn__wg_enter(wg, now));
    vpn__schedule(wg, peer);
    vpn__schedule_settle(wg);
    return VPN_OK;
}

/* --- state --- */

static uint32_t state_of(const struct vpn__peer *peer, vpn_time now)
{
    if (peer->ring.current != NULL && vpn__session_can_send(peer->ring.current, now))
        return VPN_WG_CONNECTED;
    if (peer->timers.wanted != VPN_NEVER || peer->timers.retransmit != VPN_NEVER || peer->ring.next != NULL)
        return VPN_WG_CONNECTING;
    return VPN_WG_IDLE;
}

int vpn_wg_peer_get_stats(const vpn_wg *wg, vpn_peer_id id, vpn_wg_peer_stats *out, vpn_time now)
{
    const struct vpn__peer *peer = vpn__peer_find(wg, id);
    const struct vpn_session *current;
    vpn_wg_peer_stats full;

    if (peer == NULL)
        return VPN_ENOENT;
    current = peer->ring.current;
    memset(&full, 0, sizeof full);
    full.state = state_of(peer, vpn__wg_inside(wg, now) > wg->now ? vpn__wg_inside(wg, now) : wg->now);
    full.path = peer->path;
    full.last_handshake = vpn__wg_outside(wg, peer->last_handshake);
    full.last_handshake_wall.seconds = peer->last_handshake_seconds;
    full.last_handshake_wall.nanoseconds = peer->last_handshake_nanoseconds;
    full.session_born = vpn__wg_outside(wg, current == NULL ? VPN_NEVER : current->born);
    full.last_received = vpn__wg_outside(wg, peer->last_received);
    full.attempts = peer->timers.retransmit == VPN_NEVER ? 0 : peer->timers.attempts + 1u;
    full.initiator = current != NULL && current->initiator;
    full.rx_packets = peer->rx_packets;
    full.rx_bytes = peer->rx_bytes;
    full.tx_packets = peer->tx_packets;
    full.tx_bytes = peer->tx_bytes;
    full.handshakes = peer->handshakes;
    for (uint32_t i = 0; i < VPN__PEER_REASONS; i++)
        full.drops[VPN_REASON_PEER_FIRST + i] = peer->drops[i];
    return vpn__config_write(out, &full, sizeof full, STATS_LEAST);
}
