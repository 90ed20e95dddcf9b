/* SPDX-License-Identifier: ISC */
/*
 * Every direction has the same shape: fill the slots, one call of the library, carry out the verdicts, then look at events.
 * Events come last because serving "up" fills the slots again with the packets that waited.
 */
#include "flow.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

int flow_open(flow *f, const options *chosen)
{
    int error;

    *f = (flow){.tun = {.fd = -1, .watch = -1}, .udp = {.fd = {-1, -1}}, .keylog = {-1}};
    if (tun_open(&f->tun, chosen->name, chosen->tun_fd) != 0 || udp_init(&f->udp) != 0)
        return -1;
    /* Pages of the slab become real when a packet of their length comes; most never do. */
    f->slab = malloc((size_t)BATCH * SLOT_BYTES);
    f->packets = calloc(BATCH, sizeof *f->packets);
    if (f->slab == NULL || f->packets == NULL || vpn_wg_new(&f->wg, NULL) != 0 || vpn_queue_new(&f->queue, NULL) != 0) {
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
    if (f->refused != 0)
        log_verbose("dropped %llu: the host did not take them", (unsigned long long)f->refused);
}

void flow_close(flow *f)
{
    report(f);
    tun_close(&f->tun);
    udp_close(&f->udp);
    (void)vpn_wg_free(f->wg);
    keylog_close(&f->keylog);
    vpn_queue_free(f->queue);
    free(f->slab);
    free(f->packets);
    free(f->parked);
}

static void ready_slot(flow *f, size_t i)
{
    f->packets[i] = (vpn_packet){.data = f->slab + i * SLOT_BYTES, .capacity = SLOT_BYTES, .offset = VPN_WG_HEADROOM};
}

static uint32_t slot_room(const vpn_packet *packet)
{
    return packet->capacity - packet->offset - VPN_WG_TAILROOM;
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

/* Carries out the verdicts of a batch. */
static int carry(flow *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const vpn_packet *packet = &f->packets[i];

        if (packet->verdict == VPN_TO_TUN) {
            int error = tun_write(&f->tun, packet->data + packet->offset, packet->length);

            if (error == TUN_GONE)
                return TUN_GONE;
            f->refused += (uint64_t)error;
        } else if (packet->verdict == VPN_WAIT) {
            park(f, packet);
        }
    }
    udp_send(&f->udp, f->packets, n);
    return 0;
}

/* As many as were there at first: one that must wait again goes to the back and is not taken twice. */
static int send_parked(flow *f, vpn_peer_id peer, vpn_time now)
{
    size_t left = vpn_queue_count(f->queue, peer);

    if (left > 0)
        unpark(f, peer);
    while (left > 0) {
        size_t n = 0;

        for (; n < BATCH && n < left; n++) {
            ready_slot(f, n);
            if (vpn_queue_pop(f->queue, peer, &f->packets[n]) != 0)
                break;
        }
        if (n == 0)
            break;
        left -= n;
        (void)vpn_wg_send(f->wg, f->packets, n, now);
        if (carry(f, n) != 0)
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

int flow_from_tun(flow *f, vpn_time now)
{
    size_t n = 0;

    while (n < BATCH) {
        int got;

        ready_slot(f, n);
        got = tun_read(&f->tun, f->packets[n].data + f->packets[n].offset, slot_room(&f->packets[n]));
        if (got == TUN_GONE)
            return TUN_GONE;
        if (got == 0)
            break;
        f->packets[n++].length = (uint32_t)got;
    }
    if (n == 0)
        return 0;
    (void)vpn_wg_send(f->wg, f->packets, n, now);
    return carry(f, n) != 0 ? TUN_GONE : serve_events(f, now);
}

int flow_from_net(flow *f, unsigned family, vpn_time now)
{
    size_t n;

    for (size_t i = 0; i < BATCH; i++)
        ready_slot(f, i);
    n = udp_receive(&f->udp, family, f->packets, BATCH);
    if (n == 0)
        return 0;
    (void)vpn_wg_recv(f->wg, f->packets, n, now);
    return carry(f, n) != 0 ? TUN_GONE : serve_events(f, now);
}

int flow_tick(flow *f, vpn_time now)
{
    while (vpn_wg_deadline(f->wg) <= now) {
        size_t n;

        for (size_t i = 0; i < BATCH; i++)
            ready_slot(f, i);
        n = vpn_wg_tick(f->wg, f->packets, BATCH, now);
        udp_send(&f->udp, f->packets, n);
        if (n < BATCH)
            break;
    }
    return serve_events(f, now);
}
