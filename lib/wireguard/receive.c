/* SPDX-License-Identifier: ISC */
/* Handshake messages that come in, whole and in order of arrival; a reply takes the place of what it answers. Until mac1, the
   budget and the Diffie-Hellman proofs have passed, nothing of a peer is touched. */
#include "wireguard/receive.h"

#include <string.h>

#include "base/bytes.h"
#include "base/env.h"
#include "wireguard/cookie.h"
#include "wireguard/emit.h"
#include "wireguard/keylog.h"
#include "wireguard/keys.h"
#include "wireguard/peer.h"
#include "wireguard/schedule.h"
#include "wireguard/wire.h"

#define NONCES 32 /* for each that is drawn */

enum gate {
    GATE_OPEN,
    GATE_SHUT,
    GATE_COOKIE /* ask for a proof of address first */
};

static int has_mac2(const uint8_t *message, size_t length)
{
    uint8_t any = 0;

    for (size_t i = length - VPN_MAC_BYTES; i < length; i++)
        any |= message[i];
    return any != 0;
}

/* A source that proves its address spends its own budget. All others share one, and its end is what "under load" means. */
static enum gate pass_gate(vpn_wg *wg, const vpn_packet *packet, const uint8_t *message, struct vpn__cookie *cookie)
{
    const vpn_endpoint *from = &packet->path.remote;
    int proved = has_mac2(message, packet->length) &&
                 vpn__cookie_check(&wg->checker, cookie, message, packet->length, from, wg->now) == VPN_OK;
    int loaded = vpn__limiter_under_load(&wg->limiter, wg->now);

    if (proved && vpn__limiter_source(&wg->limiter, from, wg->now))
        return GATE_OPEN;
    if (proved && loaded)
        return GATE_SHUT;
    if (vpn__limiter_global(&wg->limiter, wg->now) && !loaded)
        return GATE_OPEN;
    if (!wg->load_told) {
        wg->load_told = 1;
        vpn__wg_tell(wg, VPN_WG_LOAD_ON, NULL, NULL);
    }
    return proved ? GATE_SHUT : GATE_COOKIE;
}

/* A nonce must not come twice, and need not be random: one is drawn, the next ones count up from it, since asking the system
   for each takes as long as making the reply. NULL: randomness fails. */
static const uint8_t *next_nonce(vpn_wg *wg)
{
    uint8_t *low = wg->nonce + VPN_XNONCE_BYTES - 8;

    if (wg->nonces_left != 0) {
        wg->nonces_left--;
        vpn__store64le(low, vpn__load64le(low) + 1);
        return wg->nonce;
    }
    if (vpn__random(&wg->env, wg->nonce, sizeof wg->nonce) != VPN_OK)
        return NULL;
    wg->nonces_left = NONCES - 1;
    return wg->nonce;
}

static void reply_cookie(vpn_wg *wg, vpn_packet *packet, uint8_t *message, struct vpn__cookie *cookie)
{
    const uint8_t *nonce = next_nonce(wg);

    if (nonce == NULL ||
        vpn__cookie_answer(&wg->checker, cookie, message, message, packet->length, &packet->path.remote,
                           wg->local.provider, nonce, &wg->env, wg->now) != VPN_OK) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_RANDOM);
        return;
    }
    packet->length = VPN_WG_COOKIE_BYTES;
    packet->type = VPN__COOKIE_REPLY;
    packet->tos = 0;
    packet->verdict = VPN_TO_NET;
    wg->stats.cookies_sent++;
}

/* mac1 and the budget, for initiations and responses alike. 1: go on; 0: the verdict is set. */
static int admit(vpn_wg *wg, vpn_packet *packet, uint8_t *message, int admitted)
{
    struct vpn__cookie cookie;
    enum gate gate;

    if (!wg->has_identity) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_NO_IDENTITY);
        return 0;
    }
    if (vpn_mac1_check(&wg->checker, message, packet->length) != VPN_OK) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_MAC1);
        return 0;
    }
    if (admitted)
        return 1;
    cookie.made = 0;
    gate = pass_gate(wg, packet, message, &cookie);
    if (gate == GATE_SHUT)
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_RATE);
    else if (gate == GATE_COOKIE)
        reply_cookie(wg, packet, message, &cookie);
    vpn_wipe(&cookie, sizeof cookie);
    return gate == GATE_OPEN;
}

/* What every authentic message does, whatever it carries. */
static void note_received(vpn_wg *wg, struct vpn__peer *peer, const vpn_packet *packet)
{
    vpn__peer_roam(wg, peer, &packet->path);
    vpn__timers_authenticated_received(&peer->timers, wg->now);
    peer->last_received = wg->now;
    peer->rx_bytes += packet->length;
}

void vpn__receive_up(vpn_wg *wg, struct vpn__peer *peer)
{
    vpn_wall wall;

    vpn__timers_handshake_complete(&peer->timers);
    vpn__timers_session_current(&peer->timers, peer->ring.current->born);
    peer->last_handshake = wg->now;
    vpn__wall(&wg->env, &wall);
    peer->last_handshake_seconds = wall.seconds;
    peer->last_handshake_nanoseconds = wall.nanoseconds;
    peer->waiting = 0;
    vpn__wg_tell(wg, VPN_WG_UP, peer, &peer->path);
}

/* --- initiation --- */

static void remember_unknown(vpn_wg *wg, const uint8_t *message, const uint8_t key[32])
{
    struct vpn__unknown *place = &wg->unknown[wg->unknown_next++ % VPN__UNKNOWN_MAX];

    memcpy(place->mac1, message + VPN__INITIATION_MAC1, VPN_MAC_BYTES);
    memcpy(place->key, key, VPN_KEY_BYTES);
    place->at = wg->now;
}

size_t vpn__receive_recall(const vpn_wg *wg, const vpn_packet *packet)
{
    const uint8_t *message;
    size_t i;

    if (packet->data == NULL || packet->offset > packet->capacity ||
        packet->capacity - packet->offset < VPN_WG_INITIATION_BYTES || packet->length != VPN_WG_INITIATION_BYTES)
        return VPN__UNKNOWN_MAX;
    message = packet->data + packet->offset;
    for (i = 0; i < VPN__UNKNOWN_MAX; i++) {
        const struct vpn__unknown *entry = &wg->unknown[i];

        if (entry->at != VPN_NEVER && wg->now - entry->at < VPN__UNKNOWN_AGE &&
            memcmp(entry->mac1, message + VPN__INITIATION_MAC1, VPN_MAC_BYTES) == 0)
            break;
    }
    return i;
}

/* The static key is sealed under es alone, so anyone could have named it: only ss proves it. The datagram stays as it is. */
static void meet_unknown(vpn_wg *wg, vpn_packet *packet, struct vpn__handshake *handshake, const uint8_t key[32])
{
    const uint8_t *message = packet->data + packet->offset;
    uint8_t ss[32], stamp[VPN_TAI64N_BYTES];
    vpn_wg_event_info event;
    int error = vpn__noise_dh(wg->local.provider, ss, wg->local.private_key, key);

    if (error == VPN_OK)
        error = vpn__handshake_prove(handshake, message, ss, stamp);
    vpn_wipe(ss, sizeof ss);
    if (error != VPN_OK || vpn_equal(key, wg->local.public_key, 32)) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_HANDSHAKE);
        return;
    }
    remember_unknown(wg, message, key);
    memset(&event, 0, sizeof event);
    event.type = VPN_WG_UNKNOWN_PEER;
    event.time = wg->now;
    memcpy(event.public_key, key, 32);
    event.path = packet->path;
    vpn__events_add(&wg->events, &event, VPN__LATCH_NONE);
    wg->stats.unknown_initiators++;
    packet->verdict = VPN_UNKNOWN;
}

/* How far ahead of our clock the stamp may be, if there is a limit. */
static int is_skewed(const vpn_wg *wg, const uint8_t stamp[VPN_TAI64N_BYTES])
{
    uint8_t limit[VPN_TAI64N_BYTES];
    vpn_wall wall;

    if (wg->max_skew == 0)
        return 0;
    vpn__wall(&wg->env, &wall);
    wall.seconds += wg->max_skew;
    vpn_tai64n(limit, &wall);
    return vpn_tai64n_compare(stamp, limit) > 0;
}

/* Whitepaper section 5.1: the responder keeps the greatest stamp of each peer, and drops what is not greater. */
static uint8_t judge_stamp(const vpn_wg *wg, const struct vpn__peer *peer, const uint8_t stamp[VPN_TAI64N_BYTES])
{
    if (vpn_tai64n_compare(stamp, peer->stamp_received) <= 0)
        return VPN_REASON_TIMESTAMP;
    if (is_skewed(wg, stamp))
        return VPN_REASON_SKEW;
    if (peer->initiation_taken != VPN_NEVER && wg->now - peer->initiation_taken < VPN__FLOOD_GAP)
        return VPN_REASON_FLOOD;
    return VPN_REASON_NONE;
}

/* Writes the response over the initiation and puts the new session into next. */
static uint8_t respond(vpn_wg *wg, struct vpn__peer *peer, struct vpn__handshake *handshake, uint8_t *message)
{
    struct vpn_session *session;
    uint32_t index;
    int error = vpn__keys_index(wg, peer, &index);

    if (error != VPN_OK)
        return error == VPN_ENOMEM ? VPN_REASON_MEMORY : VPN_REASON_RANDOM;
    error = vpn__handshake_respond(handshake, message, wg->local.provider, peer->public_key, peer->preshared, index,
                                   &wg->env);
    if (error == VPN_OK)
        vpn__keylog_handshake(wg, peer, handshake);
    session = error == VPN_OK ? vpn__keys_session(wg, peer, handshake, &error) : NULL;
    if (session == NULL) {
        vpn__index_remove(&wg->by_index, index);
        if (error == VPN_EKEY)
            return VPN_REASON_HANDSHAKE;
        return error == VPN_ENOMEM ? VPN_REASON_MEMORY : VPN_REASON_RANDOM;
    }
    vpn__keys_retire(wg, vpn__keyring_responded(&peer->ring, session), 0);
    vpn_mac_add(&peer->cookie, message, VPN_WG_RESPONSE_BYTES, peer->public_key, wg->now);
    return VPN_REASON_NONE;
}

static void answer(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet, struct vpn__handshake *handshake)
{
    uint8_t reason;

    if (peer->path.remote.family == 0) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_NO_ENDPOINT);
        return;
    }
    reason = respond(wg, peer, handshake, packet->data + packet->offset);
    if (reason != VPN_REASON_NONE) {
        vpn__wg_drop(wg, peer, packet, reason);
        return;
    }
    vpn__timers_session_derived(&peer->timers, wg->now);
    vpn__timers_response_sent(&peer->timers, wg->now);
    vpn__timers_authenticated_sent(&peer->timers, wg->now);
    vpn__emit_address(peer, packet, VPN__RESPONSE, VPN_WG_RESPONSE_BYTES, VPN__HANDSHAKE_TOS);
    peer->tx_bytes += VPN_WG_RESPONSE_BYTES;
    wg->stats.responses_sent++;
}

static void take_initiation(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet, struct vpn__handshake *handshake)
{
    uint8_t stamp[VPN_TAI64N_BYTES], reason;

    if (vpn__peer_agree(wg, peer) != VPN_OK ||
        vpn__handshake_prove(handshake, packet->data + packet->offset, peer->ss, stamp) != VPN_OK) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_HANDSHAKE);
        return;
    }
    packet->peer = peer->id;
    reason = judge_stamp(wg, peer, stamp);
    if (reason != VPN_REASON_NONE) {
        vpn__wg_drop(wg, peer, packet, reason);
        return;
    }
    memcpy(peer->stamp_received, stamp, VPN_TAI64N_BYTES);
    peer->initiation_taken = wg->now;
    wg->stats.initiations_received++;
    note_received(wg, peer, packet);
    answer(wg, peer, packet, handshake);
    vpn__schedule(wg, peer);
}

static void receive_initiation(vpn_wg *wg, vpn_packet *packet)
{
    struct vpn__handshake handshake;
    uint8_t key[32];
    uint32_t slot;

    if (vpn__handshake_open(&handshake, packet->data + packet->offset, &wg->local, key) != VPN_OK) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_HANDSHAKE);
        return;
    }
    slot = vpn__keymap_find(&wg->by_key, key);
    if (slot == UINT32_MAX)
        meet_unknown(wg, packet, &handshake, key);
    else
        take_initiation(wg, vpn__wg_peer(wg, slot), packet, &handshake);
    vpn_wipe(&handshake, sizeof handshake);
}

/* --- response --- */

/* The session is confirmed by the first message under it: what waits at the host, or else an empty one. When something waits
   the keepalive falls due now, so that it goes out should the host have nothing after all. */
static void confirm(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet, int waiting)
{
    uint8_t reason;

    if (waiting) {
        peer->timers.keepalive = wg->now;
        packet->verdict = VPN_DONE;
        return;
    }
    reason = vpn__emit_keepalive(wg, peer, packet);
    if (reason != VPN_REASON_NONE)
        vpn__wg_drop(wg, peer, packet, reason);
}

static void receive_response(vpn_wg *wg, vpn_packet *packet)
{
    const uint8_t *message = packet->data + packet->offset;
    const struct vpn__index_entry *entry =
        vpn__index_find(&wg->by_index, vpn__load32le(message + VPN__RESPONSE_RECEIVER));
    struct vpn__handshake *handshake;
    struct vpn__peer *peer;
    struct vpn_session *session;
    int error, waiting;

    if (entry == NULL) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_INDEX);
        return;
    }
    peer = vpn__wg_peer(wg, entry->peer);
    packet->peer = peer->id;
    if (entry->object != NULL || peer->handshake == 0) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_STATE);
        return;
    }
    handshake = vpn__wg_handshake(wg, peer);
    if (vpn__handshake_read_response(handshake, message, &wg->local) != VPN_OK) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_RESPONSE);
        return;
    }
    session = vpn__keys_session(wg, peer, handshake, &error);
    vpn__keys_end_handshake(wg, peer, session != NULL);
    if (session == NULL) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_MEMORY);
        return;
    }
    vpn__keys_retire(wg, vpn__keyring_initiated(&peer->ring, session), 0);
    wg->stats.responses_received++;
    waiting = peer->waiting;
    note_received(wg, peer, packet);
    vpn__timers_session_derived(&peer->timers, wg->now);
    vpn__receive_up(wg, peer);
    confirm(wg, peer, packet, waiting);
    vpn__schedule(wg, peer);
}

/* --- cookie reply --- */

/* It moves no endpoint and no timer: the cookie is used by the next message that goes out anyway. */
static void receive_cookie(vpn_wg *wg, vpn_packet *packet)
{
    const uint8_t *message = packet->data + packet->offset;
    const struct vpn__index_entry *entry =
        vpn__index_find(&wg->by_index, vpn__load32le(message + VPN__COOKIE_RECEIVER));
    struct vpn__peer *peer;
    int error;

    if (entry == NULL) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_INDEX);
        return;
    }
    peer = vpn__wg_peer(wg, entry->peer);
    packet->peer = peer->id;
    error = vpn_cookie_read(&peer->cookie, message, peer->public_key, wg->local.provider, wg->now);
    if (error != VPN_OK) {
        vpn__wg_drop(wg, peer, packet, error == VPN_ESTATE ? VPN_REASON_STATE : VPN_REASON_COOKIE);
        return;
    }
    peer->rx_bytes += packet->length;
    wg->stats.cookies_received++;
    packet->verdict = VPN_DONE;
}

void vpn__receive_handshake(vpn_wg *wg, vpn_packet *packet, uint8_t type, int admitted)
{
    uint8_t *message = packet->data + packet->offset;

    if (type == VPN__COOKIE_REPLY) {
        receive_cookie(wg, packet);
        return;
    }
    if (!admit(wg, packet, message, admitted))
        return;
    if (type == VPN__INITIATION)
        receive_initiation(wg, packet);
    else
        receive_response(wg, packet);
}

/* --- unknown initiators --- */

int vpn_wg_initiator(const vpn_wg *wg, const vpn_packet *packet, uint8_t key[VPN_KEY_BYTES])
{
    size_t place = vpn__receive_recall(wg, packet);

    if (place == VPN__UNKNOWN_MAX)
        return VPN_ENOENT;
    memcpy(key, wg->unknown[place].key, VPN_KEY_BYTES);
    return VPN_OK;
}
