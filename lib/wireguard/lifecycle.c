/* SPDX-License-Identifier: ISC */
/* What happens to a device as a whole: it is made and freed, gets another identity, loses its network, sleeps and wakes. */
#include <string.h>

#include "base/env.h"
#include "crypto/provider.h"
#include "wireguard/device.h"
#include "wireguard/keys.h"
#include "wireguard/peer.h"
#include "wireguard/schedule.h"

#define CONFIG_LEAST offsetof(vpn_wg_config, env)
#define FOR_EACH_PEER(wg, peer)                                                                                        \
    for (uint32_t slot_ = 0; slot_ < vpn__slab_high(&(wg)->peers); slot_++)                                            \
        if (((peer) = vpn__wg_peer((wg), slot_))->id != 0)

/* --- new and free --- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static int is_between(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static int read_config(vpn_wg_config *out, const vpn_wg_config *in)
{
    int error = VPN_OK;

    memset(out, 0, sizeof *out);
    if (in != NULL)
        error = vpn__config_read(out, sizeof *out, in, CONFIG_LEAST);
    if (error != VPN_OK)
        return error;
    out->provider = out->provider != NULL ? out->provider : vpn_provider_sodium();
    out->mtu = or_default(out->mtu, VPN_MTU_DEFAULT);
    out->replay_bits = or_default(out->replay_bits, VPN_REPLAY_BITS_MAX);
    out->max_peers = or_default(out->max_peers, VPN_WG_PEERS_MAX);
    out->events = or_default(out->events, 256);
    out->load_rate = or_default(out->load_rate, 1000);
    out->sources = or_default(out->sources, 1024);
    if ((out->flags & ~VPN_WG_RAW) != 0 || !vpn__provider_is_sound(out->provider) ||
        !is_between(out->mtu, 68, VPN_MTU_MAX) ||
        !is_between(out->replay_bits, VPN_REPLAY_BITS_MIN, VPN_REPLAY_BITS_MAX) ||
        (out->replay_bits & (out->replay_bits - 1)) != 0 || !is_between(out->max_peers, 1, VPN_WG_PEERS_MAX) ||
        !is_between(out->events, 8, 65536) || !is_between(out->load_rate, 1, 1000000) ||
        !is_between(out->sources, 16, 1048576))
        return VPN_EINVAL;
    return VPN_OK;
}

static const uint8_t *key_of(const void *ctx, uint32_t slot)
{
    return vpn__wg_peer(ctx, slot)->public_key;
}

static struct vpn__latch *latch_of(void *ctx, uint32_t slot)
{
    return &vpn__wg_peer(ctx, slot)->latch;
}

static int init(vpn_wg *wg, const vpn_wg_config *config)
{
    int error;

    wg->flags = config->flags;
    wg->mtu = config->mtu;
    wg->replay_bits = config->replay_bits;
    wg->max_skew = config->max_skew;
    wg->local.provider = config->provider;
    memcpy(wg->stamp_floor, config->stamp_floor, VPN_TAI64N_BYTES);
    memcpy(wg->stamp_greatest, config->stamp_floor, VPN_TAI64N_BYTES);
    for (size_t i = 0; i < VPN__UNKNOWN_MAX; i++)
        wg->unknown[i].at = VPN_NEVER;
    vpn__slab_init(&wg->peers, &wg->env, sizeof(struct vpn__peer), config->max_peers);
    vpn__slab_init(&wg->sessions, &wg->env, vpn__session_bytes(config->provider, config->replay_bits), UINT32_MAX - 1);
    vpn__slab_init(&wg->handshakes, &wg->env, sizeof(struct vpn__handshake), config->max_peers);
    vpn__index_init(&wg->by_index, &wg->env);
    vpn__heap_init(&wg->heap, &wg->env);
    error = vpn__keymap_init(&wg->by_key, &wg->env, key_of, wg);
    if (error == VPN_OK)
        error = vpn__limiter_init(&wg->limiter, &wg->env, config->sources, config->load_rate);
    if (error == VPN_OK)
        error = vpn__events_init(&wg->events, &wg->env, config->events, latch_of, wg);
    if (error == VPN_OK)
        error = vpn_allowedips_new(&wg->allowed, &wg->env);
    if (error == VPN_OK)
        error = vpn_scratch_new(&wg->scratch, config->provider, &wg->env);
    if (error == VPN_OK)
        error = vpn__random(&wg->env, &wg->jitter_state, sizeof wg->jitter_state);
    return error;
}

static void end(vpn_wg *wg)
{
    vpn_env env = wg->env;

    vpn_scratch_free(wg->scratch);
    vpn_allowedips_free(wg->allowed);
    if (wg->events.env != NULL)
        vpn__events_end(&wg->events);
    if (wg->limiter.env != NULL)
        vpn__limiter_end(&wg->limiter);
    vpn__keymap_end(&wg->by_key);
    vpn__heap_end(&wg->heap);
    vpn__index_end(&wg->by_index);
    vpn__slab_end(&wg->handshakes);
    vpn__slab_end(&wg->sessions);
    vpn__slab_end(&wg->peers);
    vpn__free(&env, wg, sizeof *wg);
}

int vpn_wg_new(vpn_wg **out, const vpn_wg_config *config)
{
    vpn_wg_config full;
    vpn_env env;
    vpn_wg *wg;
    int error = read_config(&full, config);

    *out = NULL;
    if (error == VPN_OK)
        error = vpn__env_init(&env, full.env);
    if (error != VPN_OK)
        return error;
    wg = vpn__alloc(&env, sizeof *wg);
    if (wg == NULL)
        return VPN_ENOMEM;
    wg->env = env;
    error = init(wg, &full);
    if (error != VPN_OK) {
        end(wg);
        return error;
    }
    *out = wg;
    return VPN_OK;
}

int vpn_wg_free(vpn_wg *wg)
{
    if (wg == NULL)
        return VPN_OK;
    if (wg->in_flight != 0)
        return VPN_EBUSY;
    end(wg);
    return VPN_OK;
}

/* --- identity --- */

static void change_identity(vpn_wg *wg, struct vpn__peer *peer)
{
    int connecting = peer->timers.retransmit != VPN_NEVER;

    vpn__keys_end_handshake(wg, peer, 0);
    if (peer->ring.current != NULL)
        peer->ring.current->mute = 1;
    if (peer->ring.next != NULL)
        peer->ring.next->mute = 1;
    peer->agreement = VPN__AGREEMENT_DUE;
    vpn_wipe(peer->ss, sizeof peer->ss);
    peer->timers.handshake_sent = VPN_NEVER;
    peer->timers.retransmit = VPN_NEVER;
    if ((connecting && wg->has_identity) || peer->waiting)
        vpn__timers_want(&peer->timers, wg->now);
    vpn__schedule(wg, peer);
}

/* RFC 7748 section 5. */
static void clamp(uint8_t out[32], const uint8_t key[32])
{
    memcpy(out, key, 32);
    out[0] &= 248;
    out[31] = (uint8_t)((out[31] & 127) | 64);
}

/* Configuration tools set the key again with every change of something else; that must not end sessions. */
static int is_same_identity(const vpn_wg *wg, const uint8_t *key)
{
    uint8_t clamped[32] = {0};
    int same;

    if (key != NULL && !vpn_key_is_zero(key))
        clamp(clamped, key);
    same = vpn_equal(clamped, wg->local.private_key, 32);
    vpn_wipe(clamped, sizeof clamped);
    return same;
}

int vpn_wg_set_private_key(vpn_wg *wg, const uint8_t *key, vpn_time now)
{
    struct vpn__peer *peer;
    vpn_peer_id self;

    vpn__wg_enter(wg, now);
    if (is_same_identity(wg, key))
        return VPN_OK;
    wg->has_identity = key != NULL && !vpn_key_is_zero(key);
    vpn_wipe(wg->local.private_key, 32);
    vpn_wipe(wg->local.public_key, 32);
    vpn_wipe(wg->unknown, sizeof wg->unknown);
    for (size_t i = 0; i < VPN__UNKNOWN_MAX; i++)
        wg->unknown[i].at = VPN_NEVER;
    if (wg->has_identity) {
        clamp(wg->local.private_key, key);
        vpn_key_public(wg->local.public_key, wg->local.private_key);
        self = vpn_wg_peer_find(wg, wg->local.public_key);
        if (self != 0)
            vpn__peer_remove(wg, vpn__peer_find(wg, self));
    }
    vpn_cookie_checker_init(&wg->checker, wg->local.public_key);
    FOR_EACH_PEER(wg, peer)
    change_identity(wg, peer);
    vpn__schedule_settle(wg);
    return VPN_OK;
}

void vpn_wg_private_key(const vpn_wg *wg, uint8_t out[VPN_KEY_BYTES])
{
    memcpy(out, wg->local.private_key, VPN_KEY_BYTES);
}

void vpn_wg_public_key(const vpn_wg *wg, uint8_t out[VPN_KEY_BYTES])
{
    memcpy(out, wg->local.public_key, VPN_KEY_BYTES);
}

int vpn_wg_set_mtu(vpn_wg *wg, uint32_t mtu)
{
    if (!is_between(mtu, 68, VPN_MTU_MAX))
        return VPN_EINVAL;
    wg->mtu = mtu;
    return VPN_OK;
}

void vpn_wg_stamp(const vpn_wg *wg, uint8_t out[VPN_TAI64N_BYTES])
{
    memcpy(out, wg->stamp_greatest, VPN_TAI64N_BYTES);
}

/* --- the host's network and sleep --- */

static int has_live_session(const vpn_wg *wg, const struct vpn__peer *peer)
{
    return peer->ring.current != NULL && vpn__session_can_send(peer->ring.current, wg->now);
}

void vpn_wg_network_changed(vpn_wg *wg, vpn_time now)
{
    struct vpn__peer *peer;

    vpn__wg_enter(wg, now);
    FOR_EACH_PEER(wg, peer)
    {
        vpn__peer_forget_source(peer);
        if (has_live_session(wg, peer))
            peer->timers.keepalive = wg->now;
        else if (peer->timers.interval == 0)
            continue;
        vpn__timers_want(&peer->timers, wg->now);
        vpn__schedule(wg, peer);
    }
    vpn__schedule_settle(wg);
}

void vpn_wg_suspend(vpn_wg *wg)
{
    struct vpn__peer *peer;

    if (wg->suspended)
        return;
    wg->suspended = 1;
    FOR_EACH_PEER(wg, peer)
    {
        peer->revived = (has_live_session(wg, peer) || peer->waiting) & 1;
        vpn__keys_wipe(wg, peer);
        vpn__timers_reset(&peer->timers);
    }
    vpn__schedule_settle(wg);
}

void vpn_wg_resume(vpn_wg *wg, vpn_time now)
{
    struct vpn__peer *peer;

    vpn__wg_enter(wg, now);
    if (!wg->suspended)
        return;
    wg->suspended = 0;
    FOR_EACH_PEER(wg, peer)
    {
        vpn__peer_forget_source(peer);
        if (peer->revived || peer->timers.interval != 0) {
            peer->timers.handshake_sent = VPN_NEVER;
            vpn__timers_want(&peer->timers, wg->now);
        }
        peer->revived = 0;
        vpn__schedule(wg, peer);
    }
    vpn__schedule_settle(wg);
}
