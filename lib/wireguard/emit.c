/* SPDX-License-Identifier: ISC */
#include "wireguard/emit.h"

#include <string.h>

#include "base/env.h"
#include "wireguard/crypt.h"
#include "wireguard/keylog.h"
#include "wireguard/keys.h"
#include "wireguard/peer.h"
#include "wireguard/wire.h"

void vpn__emit_address(const struct vpn__peer *peer, vpn_packet *packet, uint8_t type, uint32_t length, uint8_t tos)
{
    packet->path = peer->path;
    packet->peer = peer->id;
    packet->length = length;
    packet->type = type;
    packet->tos = tos;
    packet->reason = VPN_REASON_NONE;
    packet->verdict = VPN_TO_NET;
}

/* Stamps increase for each peer by itself; the floor keeps them increasing when a peer comes back or the clock does not. */
static void next_stamp(vpn_wg *wg, struct vpn__peer *peer, uint8_t stamp[VPN_TAI64N_BYTES])
{
    const uint8_t *last = peer->stamp_sent;
    vpn_wall wall;

    if (vpn_tai64n_compare(last, wg->stamp_floor) < 0)
        last = wg->stamp_floor;
    vpn__wall(&wg->env, &wall);
    vpn_tai64n_next(stamp, last, &wall);
    memcpy(peer->stamp_sent, stamp, VPN_TAI64N_BYTES);
    if (vpn_tai64n_compare(stamp, wg->stamp_greatest) > 0)
        memcpy(wg->stamp_greatest, stamp, VPN_TAI64N_BYTES);
}

/* A slot and an index for a handshake; what was in progress is forgotten. */
static uint8_t begin_handshake(vpn_wg *wg, struct vpn__peer *peer, uint32_t *index)
{
    uint32_t slot;
    int error;

    vpn__keys_end_handshake(wg, peer, 0);
    if (vpn__slab_take(&wg->handshakes, &slot) == NULL)
        return VPN_REASON_MEMORY;
    peer->handshake = (slot + 1) & 0xffffff;
    error = vpn__keys_index(wg, peer, index);
    if (error == VPN_OK)
        return VPN_REASON_NONE;
    vpn__keys_end_handshake(wg, peer, 1);
    return error == VPN_ENOMEM ? VPN_REASON_MEMORY : VPN_REASON_RANDOM;
}

uint8_t vpn__emit_initiation(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet)
{
    uint8_t *message = packet->data + packet->offset;
    uint8_t stamp[VPN_TAI64N_BYTES], reason;
    struct vpn__handshake *handshake;
    uint32_t index;
    int error;

    if (!wg->has_identity)
        return VPN_REASON_NO_IDENTITY;
    if (peer->path.remote.family == 0)
        return VPN_REASON_NO_ENDPOINT;
    if (vpn__peer_agree(wg, peer) != VPN_OK)
        return VPN_REASON_LOW_ORDER;
    reason = begin_handshake(wg, peer, &index);
    if (reason != VPN_REASON_NONE)
        return reason;
    handshake = vpn__wg_handshake(wg, peer);
    next_stamp(wg, peer, stamp);
    error = vpn__handshake_initiate(handshake, message, &wg->local, peer->public_key, peer->ss, peer->preshared, index,
                                    stamp, &wg->env);
    if (error != VPN_OK) {
        handshake->local_index = index;
        vpn__keys_end_handshake(wg, peer, 0);
        return error == VPN_EKEY ? VPN_REASON_LOW_ORDER : VPN_REASON_RANDOM;
    }
    vpn__keylog_handshake(wg, peer, handshake);
    vpn_mac_add(&peer->cookie, message, VPN_WG_INITIATION_BYTES, peer->public_key, wg->now);
    vpn__emit_address(peer, packet, VPN__INITIATION, VPN_WG_INITIATION_BYTES, VPN__HANDSHAKE_TOS);
    vpn__timers_authenticated_sent(&peer->timers, wg->now);
    peer->tx_bytes += VPN_WG_INITIATION_BYTES;
    wg->stats.initiations_sent++;
    return VPN_REASON_NONE;
}

/* Whitepaper section 6.2: the initiator makes new keys after REKEY_AFTER_TIME, either side after REKEY_AFTER_MESSAGES, when it
   sends. */
void vpn__emit_rekey(vpn_wg *wg, struct vpn__peer *peer)
{
    const struct vpn_session *current = peer->ring.current;

    if (current->counter >= VPN__REKEY_AFTER_MESSAGES ||
        (current->initiator && vpn__session_age(current, wg->now) >= VPN__REKEY_AFTER_TIME))
        vpn__timers_want(&peer->timers, wg->now);
}

uint8_t vpn__emit_keepalive(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet)
{
    struct vpn_session *session = peer->ring.current;
    uint8_t *message = packet->data + packet->offset;
    struct vpn_packet one;

    if (peer->path.remote.family == 0)
        return VPN_REASON_NO_ENDPOINT;
    if (session == NULL || !vpn__session_can_send(session, wg->now))
        return VPN_REASON_NO_SESSION;
    memset(&one, 0, sizeof one);
    one.data = message;
    one.capacity = VPN__DATA_LEAST;
    one.length = VPN__DATA_LEAST;
    one.verdict = VPN_PENDING;
    one.job.key = session;
    one.job.state = VPN__JOB_SEAL;
    one.job.counter = vpn__session_write_header(session, message);
    vpn_wg_crypt(wg->scratch, &one, 1);
    if (one.job.state != VPN__JOB_DONE)
        return VPN_REASON_NO_CRYPT;
    vpn__emit_address(peer, packet, VPN__DATA, VPN__DATA_LEAST, 0);
    vpn__timers_authenticated_sent(&peer->timers, wg->now);
    vpn__emit_rekey(wg, peer);
    peer->tx_bytes += VPN__DATA_LEAST;
    wg->stats.tx_bytes += VPN__DATA_LEAST;
    wg->stats.keepalives_sent++;
    return VPN_REASON_NONE;
}
