/* SPDX-License-Identifier: ISC */
/*
 * Every direction has the same shape: fill the slots, one call of the library, carry out the verdicts, then look at events.
 * Events come last because serving "up" fills the slots again with the packets that waited.
 */
#include "flow.h"

#include <stdlib.h>
#include <string.h>

#include "cipher.h"
#include "log.h"

#define AREA_BYTES (4 * SLOT_BYTES)

/* Pages become real when a packet of their length comes; most never do. */
static int get_memory(flow *f)
{
    f->area = malloc(AREA_BYTES);
    f->inbox = malloc(SLOT_BYTES);
    f->slots = malloc(MESSAGES * SLOT_BYTES);
    f->packets = calloc(BATCH, sizeof *f->packets);
    f->messages = calloc(MESSAGES, sizeof *f->messages);
    return f->area == NULL || f->inbox == NULL || f->slots == NULL || f->packets == NULL || f->messages == NULL ||
                   deliver_open(&f->host) != 0
               ? -1
               : 0;
}

int flow_open(flow *f, const options *chosen)
{
    vpn_wg_config config = {.size = sizeof config};
    int error;

    *f = (flow){.tun = {.fd = -1, .watch = -1}, .udp = {.fd = {-1, -1}}, .keylog = {-1}};
    config.provider = cipher_choose(chosen->cipher);
    if (config.provider == NULL || tun_open(&f->tun, chosen->name, chosen->tun_fd) != 0 || udp_init(&f->udp) != 0)
        return -1;
    if (get_memory(f) != 0 || vpn_wg_new(&f->wg, &config) != 0 || vpn_queue_new(&f->queue, NULL) != 0) {
        log_error("out of memory");
        return -1;
    }
    if (keylog_open(&f->keylog, f->wg, chosen->keylog) != 0)
        return -1;
    (void)vpn_wg_set_mtu(f->wg, f->tun.mtu);
    error = udp_bind(&f->udp, 0);
    if (error != 0)
        log_error("cannot open a UDP socket: %s", strerror(error));
    return error == 0 ? 0 : -1;
}

static void report(const flow *f)
{
    vpn_wg_stats stats = {.size = sizeof stats};

    if (f->wg == NULL || !log_enabled(LOG_LEVEL_VERBOSE) || vpn_wg_get_stats(f->wg, &stats) != 0)
        return;
    for (uint32_t i = 0; i < VPN_REASONS; i++) {
        if (stats.drops[i] != 0)
            log_verbose("dropped %llu: %s", (unsigned long long)stats.drops[i], vpn_reason_text(i));
    }
    if (f->udp.unsent != 0)
        log_verbose("dropped %llu: the system did not send them", (unsigned long long)f->udp.unsent);
    if (f->host.refused != 0)
        log_verbose("dropped %llu: the host did not take them", (unsigned long long)f->host.refused);
    if (f->malformed != 0)
        log_verbose("dropped %llu: the host said what they are not", (unsigned long long)f->malformed);
}

void flow_close(flow *f)
{
    report(f);
    tun_close(&f->tun);
    udp_close(&f->udp);
    (void)vpn_wg_free(f->wg);
    keylog_close(&f->keylog);
    vpn_queue_free(f->queue);
    deliver_close(&f->host);
    free(f->area);
    free(f->inbox);
    free(f->slots);
    free(f->packets);
    free(f->messages);
    free(f->parked);
}

/* Bytes that a packet of `length` takes as a datagram: what follows it begins behind them, so that runs are in one piece. */
static uint32_t bytes_of(const flow *f, uint32_t length)
{
    return VPN_WG_OVERHEAD + length + vpn_mtu_padding(length, f->tun.mtu);
}

/* Adds a packet at the end of the area. NULL: there is no room, and the batch must leave first. */
static vpn_packet *place(flow *f, uint32_t length)
{
    uint32_t bytes = bytes_of(f, length);
    vpn_packet *packet = &f->packets[f->count];

    if (f->count == BATCH || AREA_BYTES - f->used < bytes)
        return NULL;
    *packet = (vpn_packet){.data = f->area + f->used, .capacity = bytes, .offset = VPN_WG_HEADROOM, .length = length};
    f->used += bytes;
    f->count++;
    return packet;
}

static void clear(flow *f)
{
    f->count = 0;
    f->used = 0;
}

static void park(flow *f, const vpn_packet *packet)
{
    int first = vpn_queue_count(f->queue, packet->peer) == 0;

    if (first && f->parked_count == f->parked_room) {
        size_t room = f->parked_room == 0 ? 16 : f->parked_room * 2;
        vpn_peer_id *grown = realloc(f->parked, room * sizeof *grown);

        if (grown == NULL)
            return;
        f->parked = grown;
        f->parked_room = room;
    }
    if (vpn_queue_push(f->queue, packet) == 0 && first)
        f->parked[f->parked_count++] = packet->peer;
}

void flow_sweep(flow *f)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->parked_count; i++) {
        vpn_wg_peer_stats stats = {.size = sizeof stats};
        vpn_peer_id peer = f->parked[i];

        if (vpn_wg_peer_get_stats(f->wg, peer, &stats, 0) != 0)
            (void)vpn_queue_purge(f->queue, peer);
        else if (vpn_queue_count(f->queue, peer) != 0)
            f->parked[kept++] = peer;
    }
    f->parked_count = kept;
}

static void unpark(flow *f, vpn_peer_id peer)
{
    for (size_t i = 0; i < f->parked_count; i++) {
        if (f->parked[i] == peer) {
            f->parked[i] = f->parked[--f->parked_count];
            return;
        }
    }
}

/* Carries out the verdicts of the batch, and is done with it. */
static int carry(flow *f)
{
    int gone;

    for (size_t i = 0; i < f->count; i++) {
        if (f->packets[i].verdict == VPN_WAIT)
            park(f, &f->packets[i]);
    }
    udp_send(&f->udp, f->packets, f->count);
    gone = deliver_packets(&f->host, &f->tun, f->packets, f->count);
    clear(f);
    return gone;
}

static int send_batch(flow *f, vpn_time now)
{
    if (f->count == 0)
        return 0;
    (void)vpn_wg_send(f->wg, f->packets, f->count, now);
    return carry(f);
}

/* Takes parked packets into the batch, at most `left`; returns how many. */
static size_t take_parked(flow *f, vpn_peer_id peer, size_t left)
{
    size_t n = 0;

    for (; n < left && f->count < BATCH && AREA_BYTES - f->used >= SLOT_BYTES; n++) {
        vpn_packet *packet = &f->packets[f->count];

        *packet = (vpn_packet){.data = f->area + f->used, .capacity = SLOT_BYTES, .offset = VPN_WG_HEADROOM};
        if (vpn_queue_pop(f->queue, peer, packet) != 0)
            break;
        (void)place(f, packet->length);
    }
    return n;
}

/* As many as were there at first: one that must wait again goes to the back and is not taken twice. */
static int send_parked(flow *f, vpn_peer_id peer, vpn_time now)
{
    size_t left = vpn_queue_count(f->queue, peer);

    if (left > 0)
        unpark(f, peer);
    while (left > 0) {
        size_t n = take_parked(f, peer, left);

        if (n == 0)
            break;
        left -= n;
        if (send_batch(f, now) != 0)
            return TUN_GONE;
    }
    return 0;
}

/* A peer in the log: the ends of its key, enough to tell it from others. */
static void tell(const vpn_wg_event_info *event)
{
    char key[VPN_KEY_BASE64_CHARS + 1];
    char endpoint[VPN_ENDPOINT_CHARS];

    if (!log_enabled(LOG_LEVEL_VERBOSE))
        return;
    vpn_key_to_base64(key, event->public_key);
    vpn_endpoint_format(endpoint, &event->path.remote);
    if (event->peer == 0 && event->type != VPN_WG_UNKNOWN_PEER)
        log_verbose("%s", vpn_wg_event_name(event->type));
    else
        log_verbose("peer(%.4s…%.4s) %s %s", key, key + 39, vpn_wg_event_name(event->type),
                    event->path.remote.family == 0 ? "" : endpoint);
}

static int serve_events(flow *f, vpn_time now)
{
    vpn_wg_event_info event;

    while (vpn_wg_event(f->wg, &event) == 0) {
        tell(&event);
        if (event.type == VPN_WG_UP && send_parked(f, event.peer, now) != 0)
            return TUN_GONE;
        if (event.type == VPN_WG_GAVE_UP || event.type == VPN_WG_PEER_EXPIRED) {
            (void)vpn_queue_purge(f->queue, event.peer);
            unpark(f, event.peer);
        }
    }
    return 0;
}

/* What was read, in segments that fit the tunnel. */
static int cut(flow *f, const vpn_offload *how, uint32_t length, vpn_time now)
{
    vpn_segments plan;

    if (vpn_segment_plan(&plan, how, f->inbox, length) != 0) {
        f->malformed++;
        return 0;
    }
    for (uint32_t i = 0; i < plan.count; i++) {
        uint32_t bytes = i + 1 < plan.count ? plan.each : plan.last;
        vpn_packet *packet = place(f, bytes);

        if (packet == NULL) {
            if (send_batch(f, now) != 0)
                return TUN_GONE;
            packet = place(f, bytes);
        }
        if (packet != NULL)
            (void)vpn_segment_write(&plan, f->inbox, i, packet->data + packet->offset);
    }
    return 0;
}

int flow_from_tun(flow *f, vpn_time now)
{
    size_t reads = 0;

    for (; reads < BATCH && f->count < BATCH / 2; reads++) {
        vpn_offload how;
        int got = tun_read(&f->tun, f->inbox, SLOT_BYTES, &how);

        if (got == 0)
            break;
        if (got == TUN_GONE || cut(f, &how, (uint32_t)got, now) != 0)
            return TUN_GONE;
    }
    if (reads == 0)
        return 0;
    return send_batch(f, now) != 0 ? TUN_GONE : serve_events(f, now);
}

static int receive_batch(flow *f, vpn_time now)
{
    if (f->count == 0)
        return 0;
    (void)vpn_wg_recv(f->wg, f->packets, f->count, now);
    return carry(f);
}

/* The datagrams of a message, each of which stays where it is. An empty or cut one counts as one, and is dropped. */
static int receive_message(flow *f, const vpn_packet *message, uint32_t each, vpn_time now)
{
    uint32_t at = 0;

    do {
        uint32_t length = message->length - at < each ? message->length - at : each;
        vpn_packet *packet = &f->packets[f->count++];

        *packet = *message;
        packet->data = message->data + at;
        packet->capacity = length;
        packet->length = length;
        at += length;
        if (f->count == BATCH && receive_batch(f, now) != 0)
            return TUN_GONE;
    } while (at < message->length);
    return 0;
}

int flow_from_net(flow *f, unsigned family, vpn_time now)
{
    uint32_t each[MESSAGES];
    size_t n;

    for (size_t i = 0; i < MESSAGES; i++)
        f->messages[i] = (vpn_packet){.data = f->slots + i * SLOT_BYTES, .capacity = SLOT_BYTES};
    n = udp_receive(&f->udp, family, f->messages, each, MESSAGES);
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (receive_message(f, &f->messages[i], each[i], now) != 0)
            return TUN_GONE;
    }
    return receive_batch(f, now) != 0 ? TUN_GONE : serve_events(f, now);
}

int flow_tick(flow *f, vpn_time now)
{
    while (vpn_wg_deadline(f->wg) <= now) {
        size_t n;

        for (size_t i = 0; i < BATCH; i++)
            f->packets[i] = (vpn_packet){.data = f->area + i * VPN_WG_FRESH_BYTES, .capacity = VPN_WG_FRESH_BYTES};
        n = vpn_wg_tick(f->wg, f->packets, BATCH, now);
        udp_send(&f->udp, f->packets, n);
        if (n < BATCH)
            break;
    }
    return serve_events(f, now);
}
