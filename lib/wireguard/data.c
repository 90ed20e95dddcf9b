/* SPDX-License-Identifier: ISC */
/* The data path: begin and end of both directions. Begin touches state and leaves a packet pending with its key pinned; crypt
   (crypt.c) turns SEAL into DONE and OPEN into OPENED; end commits one packet before it looks at the next. Nothing here
   allocates, and no counter is taken before all that can fail has passed. */
#include "wireguard/device.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/ip.h"
#include "wireguard/ahead.h"
#include "wireguard/crypt.h"
#include "wireguard/emit.h"
#include "wireguard/keys.h"
#include "wireguard/peer.h"
#include "wireguard/receive.h"
#include "wireguard/schedule.h"
#include "wireguard/wire.h"

/* A batch mostly belongs to few peers: the deadline of one is looked at when the next one comes. */
struct batch {
    vpn_wg *wg;
    struct vpn__peer *touched;
};

static void touch(struct batch *batch, struct vpn__peer *peer)
{
    if (batch->touched == peer)
        return;
    if (batch->touched != NULL)
        vpn__schedule(batch->wg, batch->touched);
    batch->touched = peer;
}

static void finish_batch(struct batch *batch)
{
    touch(batch, NULL);
    vpn__schedule_settle(batch->wg);
}

/* Every packet starts failed. 1: its fields make sense and the device is awake. */
static int start(vpn_wg *wg, vpn_packet *packet)
{
    packet->verdict = VPN_DROP;
    packet->reason = VPN_REASON_NONE;
    packet->type = 0;
    packet->job.state = VPN__JOB_NONE;
    if (packet->data == NULL || packet->offset > packet->capacity ||
        packet->length > packet->capacity - packet->offset) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_ARGUMENT);
        return 0;
    }
    if (wg->suspended) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_SUSPENDED);
        return 0;
    }
    return 1;
}

static size_t at_most_ahead(size_t n)
{
    return n < VPN__AHEAD ? n : VPN__AHEAD;
}

static void pend(vpn_wg *wg, vpn_packet *packet, struct vpn_session *session, uint32_t state, uint64_t counter)
{
    packet->job.key = session;
    packet->job.counter = counter;
    packet->job.state = state;
    packet->verdict = VPN_PENDING;
    packet->type = VPN__DATA;
    session->pins++;
    wg->in_flight++;
}

/* --- sending --- */

/* The peer that a packet goes to, `slot` by AllowedIPs; NULL: dropped. */
static struct vpn__peer *route(vpn_wg *wg, vpn_packet *packet, uint32_t slot)
{
    struct vpn__peer *peer;

    if (wg->flags & VPN_WG_RAW) {
        peer = vpn__peer_find(wg, packet->peer);
        if (peer == NULL)
            vpn__wg_drop(wg, NULL, packet, VPN_REASON_NO_PEER);
        return peer;
    }
    packet->peer = 0;
    if (slot == VPN__AHEAD_UNKNOWN || slot == VPN_ALLOWEDIPS_NONE) {
        vpn__wg_drop(wg, NULL, packet, slot == VPN_ALLOWEDIPS_NONE ? VPN_REASON_NO_ROUTE : VPN_REASON_INNER);
        return NULL;
    }
    peer = vpn__wg_peer(wg, slot);
    packet->peer = peer->id;
    return peer;
}

/* No key: a handshake becomes due, unless it never can be made. */
static void wait_for_session(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet)
{
    if (!wg->has_identity) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_NO_IDENTITY);
        return;
    }
    if (vpn__peer_agree(wg, peer) != VPN_OK) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_LOW_ORDER);
        return;
    }
    vpn__timers_want(&peer->timers, wg->now);
    if (peer->queue == 0) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_NO_SESSION);
        return;
    }
    peer->waiting = 1;
    packet->queue = peer->queue;
    packet->verdict = VPN_WAIT;
}

static uint32_t padding(const vpn_wg *wg, const struct vpn__peer *peer, uint32_t length)
{
    if (wg->flags & VPN_WG_RAW)
        return 0;
    if (peer->padding == VPN_WG_PAD_MTU && length < wg->mtu)
        return wg->mtu - length;
    return vpn_mtu_padding(length, wg->mtu);
}

static void seal_begin(vpn_wg *wg, struct vpn__peer *peer, struct vpn_session *session, vpn_packet *packet)
{
    uint32_t pad = padding(wg, peer, packet->length);
    uint8_t *text = packet->data + packet->offset;
    uint64_t counter;

    if (packet->offset < VPN_WG_HEADROOM ||
        packet->capacity - packet->offset - packet->length < (uint64_t)pad + VPN_TAG_BYTES) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_SPACE);
        return;
    }
    if (pad != 0)
        memset(text + packet->length, 0, pad);
    counter = vpn__session_write_header(session, text - VPN_WG_HEADER_BYTES);
    packet->job.inner = packet->length;
    packet->offset -= VPN_WG_HEADER_BYTES;
    packet->length += VPN_WG_OVERHEAD + pad;
    pend(wg, packet, session, VPN__JOB_SEAL, counter);
}

static void send_begin(struct batch *batch, vpn_packet *packet, uint32_t slot, const struct vpn__ip *ip)
{
    vpn_wg *wg = batch->wg;
    struct vpn__peer *peer;

    if (!start(wg, packet))
        return;
    peer = route(wg, packet, slot);
    if (peer == NULL)
        return;
    if (peer->path.remote.family == 0) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_NO_ENDPOINT);
        return;
    }
    if (peer->ring.current != NULL && vpn__session_can_send(peer->ring.current, wg->now)) {
        packet->tos = wg->flags & VPN_WG_RAW ? 0 : vpn__ecn_outer(ip->tos);
        seal_begin(wg, peer, peer->ring.current, packet);
    } else {
        wait_for_session(wg, peer, packet);
        touch(batch, peer);
    }
}

static size_t count_pending(const vpn_packet *packets, size_t n)
{
    size_t pending = 0;

    for (size_t i = 0; i < n; i++)
        pending += packets[i].verdict == VPN_PENDING;
    return pending;
}

size_t vpn_wg_send_begin(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    struct batch batch = {wg, NULL};
    struct vpn__ahead ahead;

    vpn__wg_enter(wg, now);
    for (size_t done = 0; done < n; done += VPN__AHEAD) {
        size_t some = at_most_ahead(n - done);

        vpn__ahead_send(wg, packets + done, some, &ahead);
        for (size_t i = 0; i < some; i++)
            send_begin(&batch, &packets[done + i], ahead.slot[i], &ahead.ip[i]);
    }
    finish_batch(&batch);
    return count_pending(packets, n);
}

/* An empty packet, which raw-payload mode can be given, is a keepalive to whoever receives it: it asks for no answer. */
static void send_end(struct batch *batch, struct vpn__peer *peer, vpn_packet *packet)
{
    vpn_wg *wg = batch->wg;
    uint8_t tos = packet->tos;

    if (peer->path.remote.family == 0) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_NO_ENDPOINT);
        return;
    }
    vpn__emit_address(peer, packet, VPN__DATA, packet->length, tos);
    vpn__timers_authenticated_sent(&peer->timers, wg->now);
    if (packet->job.inner != 0 && peer->timers.new_handshake == VPN_NEVER)
        vpn__timers_data_sent(&peer->timers, wg->now, vpn__wg_jitter(wg));
    if (peer->ring.current != NULL)
        vpn__emit_rekey(wg, peer);
    if (packet->job.inner != 0) {
        peer->tx_packets++;
        wg->stats.tx_packets++;
    } else {
        wg->stats.keepalives_sent++;
    }
    peer->tx_bytes += packet->length;
    wg->stats.tx_bytes += packet->length;
    touch(batch, peer);
}

/* --- receiving --- */

static void open_begin(vpn_wg *wg, vpn_packet *packet, struct vpn_session *session)
{
    uint64_t counter = vpn__load64le(packet->data + packet->offset + VPN__DATA_COUNTER);
    uint8_t reason;

    if (session == NULL) {
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_INDEX);
        return;
    }
    packet->peer = session->peer;
    reason = vpn__session_may_receive(session, counter, wg->now);
    if (reason != VPN_REASON_NONE) {
        vpn__wg_drop(wg, vpn__peer_find(wg, session->peer), packet, reason);
        return;
    }
    pend(wg, packet, session, VPN__JOB_OPEN, counter);
}

/* `session` is what a look ahead found, if this is a data message. 1: the look was too early for the packets behind this one. */
static int recv_begin(vpn_wg *wg, vpn_packet *packet, struct vpn_session *session)
{
    uint8_t type, reason = VPN_REASON_NONE;

    packet->peer = 0;
    if (!start(wg, packet))
        return 0;
    type = vpn__wire_type(packet->data + packet->offset, packet->length, &reason);
    packet->type = type;
    if (type == VPN__DATA) {
        open_begin(wg, packet, session);
        return 0;
    }
    if (type == 0) {
        vpn__wg_drop(wg, NULL, packet, reason);
        return 0;
    }
    vpn__receive_handshake(wg, packet, type, 0);
    return 1;
}

size_t vpn_wg_recv_begin(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    struct vpn__ahead ahead;
    size_t from = 0, to = 0; /* those that were looked at */

    vpn__wg_enter(wg, now);
    for (size_t i = 0; i < n; i++) {
        if (i == to) {
            from = to;
            to += at_most_ahead(n - i);
            vpn__ahead_recv(wg, packets + from, to - from, &ahead);
        }
        if (recv_begin(wg, &packets[i], ahead.session[i - from]))
            to = i + 1;
    }
    vpn__schedule_settle(wg);
    return count_pending(packets, n);
}

/* "Rekey on receive": so late that the next data to send would find the key too old. Once for each key; it looks at current,
   whichever key carried the packet. */
static void rekey_on_receive(vpn_wg *wg, struct vpn__peer *peer)
{
    const struct vpn_session *current = peer->ring.current;

    if (peer->timers.last_minute || current == NULL || !current->initiator ||
        vpn__session_age(current, wg->now) < VPN__REKEY_ON_RECEIVE)
        return;
    vpn__timers_want(&peer->timers, wg->now);
    peer->timers.last_minute = 1;
}

/* The source is this peer's: until AllowedIPs change, it need not be searched again. */
static void know_source(struct vpn_session *session, const struct vpn__ip *ip, uint64_t changes)
{
    session->source_at = changes;
    session->source_version = ip->version;
    if (ip->version == 6)
        memcpy(session->source, ip->src, 16);
    else
        memcpy(session->source, ip->src, 4);
}

/* The authentic text of a data message: an inner packet from a source that this peer may use. */
static void deliver(vpn_wg *wg, struct vpn__peer *peer, struct vpn_session *session, vpn_packet *packet,
                    const struct vpn__ahead *ahead, size_t i)
{
    if ((wg->flags & VPN_WG_RAW) == 0) {
        if (ahead->slot[i] == VPN__AHEAD_UNKNOWN) {
            vpn__wg_drop(wg, peer, packet, VPN_REASON_BAD_INNER);
            return;
        }
        if (ahead->slot[i] != vpn__peer_slot(peer)) {
            vpn__wg_drop(wg, peer, packet, VPN_REASON_SOURCE);
            return;
        }
        if (ahead->searched >> i & 1)
            know_source(session, &ahead->ip[i], ahead->changes);
        vpn__ecn_inner(packet->data + packet->offset, &ahead->ip[i], packet->tos);
        packet->length = ahead->ip[i].total;
    }
    packet->verdict = VPN_TO_TUN;
    peer->rx_packets++;
    wg->stats.rx_packets++;
}

static void recv_end(struct batch *batch, struct vpn__peer *peer, struct vpn_session *session, vpn_packet *packet,
                     const struct vpn__ahead *ahead, size_t i)
{
    vpn_wg *wg = batch->wg;

    if (vpn_replay_accept(&session->replay, packet->job.counter) != VPN_OK) {
        vpn__wg_drop(wg, peer, packet, VPN_REASON_REPLAY);
        return;
    }
    vpn__peer_roam(wg, peer, &packet->path);
    if (session == peer->ring.next) {
        vpn__keys_retire(wg, vpn__keyring_confirmed(&peer->ring), 0);
        vpn__receive_up(wg, peer);
    }
    rekey_on_receive(wg, peer);
    vpn__timers_authenticated_received(&peer->timers, wg->now);
    peer->last_received = wg->now;
    peer->rx_bytes += packet->length;
    wg->stats.rx_bytes += packet->length;
    packet->offset += VPN_WG_HEADER_BYTES;
    packet->length -= VPN_WG_OVERHEAD;
    if (packet->length == 0) {
        packet->verdict = VPN_DONE;
        wg->stats.keepalives_received++;
    } else {
        vpn__timers_data_received(&peer->timers, wg->now);
        deliver(wg, peer, session, packet, ahead, i);
    }
    touch(batch, peer);
}

/* --- the third phase --- */

static void end_one(struct batch *batch, vpn_packet *packet, const struct vpn__ahead *ahead, size_t i)
{
    vpn_wg *wg = batch->wg;
    struct vpn_session *session = packet->job.key;
    uint32_t state = packet->job.state;
    struct vpn__peer *peer = vpn__peer_find(wg, packet->peer);

    packet->job.key = NULL;
    packet->job.state = VPN__JOB_NONE;
    packet->verdict = VPN_DROP;
    wg->in_flight--;
    if (peer == NULL)
        vpn__wg_drop(wg, NULL, packet, VPN_REASON_NO_PEER);
    else if (session->wiped || (session->mute && (state == VPN__JOB_DONE || state == VPN__JOB_SEAL)))
        vpn__wg_drop(wg, peer, packet, VPN_REASON_WIPED);
    else if (state == VPN__JOB_DONE)
        send_end(batch, peer, packet);
    else if (state == VPN__JOB_OPENED)
        recv_end(batch, peer, session, packet, ahead, i);
    else
        vpn__wg_drop(wg, peer, packet, state == VPN__JOB_FAILED ? VPN_REASON_AUTH : VPN_REASON_NO_CRYPT);
    vpn__keys_unpin(wg, session);
}

size_t vpn_wg_end(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    struct batch batch = {wg, NULL};
    struct vpn__ahead ahead;
    size_t carry = 0;

    vpn__wg_enter(wg, now);
    for (size_t i = 0; i < n; i++) {
        if (i % VPN__AHEAD == 0)
            vpn__ahead_end(wg, packets + i, at_most_ahead(n - i), &ahead);
        if (packets[i].verdict == VPN_PENDING && packets[i].job.key != NULL)
            end_one(&batch, &packets[i], &ahead, i % VPN__AHEAD);
        carry += packets[i].verdict == VPN_TO_NET || packets[i].verdict == VPN_TO_TUN;
    }
    finish_batch(&batch);
    return carry;
}

size_t vpn_wg_send(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    if (vpn_wg_send_begin(wg, packets, n, now) != 0)
        vpn_wg_crypt(wg->scratch, packets, n);
    return vpn_wg_end(wg, packets, n, now);
}

size_t vpn_wg_recv(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    if (vpn_wg_recv_begin(wg, packets, n, now) != 0)
        vpn_wg_crypt(wg->scratch, packets, n);
    return vpn_wg_end(wg, packets, n, now);
}

size_t vpn_wg_accept(vpn_wg *wg, vpn_packet *packet, vpn_time now)
{
    size_t place;
    uint8_t reason;

    vpn__wg_enter(wg, now);
    place = vpn__receive_recall(wg, packet);
    if (place == VPN__UNKNOWN_MAX || wg->suspended ||
        vpn__wire_type(packet->data + packet->offset, packet->length, &reason) != VPN__INITIATION)
        return vpn_wg_recv(wg, packet, 1, now);
    wg->unknown[place].at = VPN_NEVER;
    packet->verdict = VPN_DROP;
    packet->reason = VPN_REASON_NONE;
    packet->type = VPN__INITIATION;
    packet->peer = 0;
    packet->job.state = VPN__JOB_NONE;
    vpn__receive_handshake(wg, packet, VPN__INITIATION, 1);
    vpn__schedule_settle(wg);
    return packet->verdict == VPN_TO_NET;
}
