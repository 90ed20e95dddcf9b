/* SPDX-License-Identifier: ISC */
/*
 * Every direction has the same shape: fill a batch, one call of the library, carry out the verdicts, then look at events.
 * Events come last because serving "up" fills the batch again with the packets that waited.
 *
 * With a crew the one call is three. A batch is begun here and given away, another is filled meanwhile, and what comes back
 * is ended and carried out here, in the order of the beginnings, whichever way the batches go. For the order of packets that
 * waited:
 *  - they are parked right after begin, as the session may come before their batch is back;
 *  - no batch is begun between something that brings a session up (begin or end of receiving) and a look at events.
 * A batch that is no longer than a part, with nothing on its way, takes the direct path: to hand it over takes longer.
 */
#include "flow.h"

#include <string.h>
#include <time.h>

#include "flow_open.h"
#include "log.h"

/* Bytes that a packet of `length` takes as a datagram: what follows it begins behind them, so that runs are in one piece. */
static uint32_t bytes_of(const flow *f, uint32_t length)
{
    return VPN_WG_OVERHEAD + length + vpn_mtu_padding(length, f->tun.mtu);
}

/* Adds a packet at the end of the area. NULL: there is no room, and the batch must leave first. */
static vpn_packet *place(flow *f, uint32_t length)
{
    uint32_t bytes = bytes_of(f, length);
    batch *b = f->batch;
    vpn_packet *packet = &b->packets[b->count];

    if (b->count == BATCH || FLOW_AREA_BYTES - b->used < bytes)
        return NULL;
    *packet = (vpn_packet){.data = b->area + b->used, .capacity = bytes, .offset = VPN_WG_HEADROOM, .length = length};
    b->used += bytes;
    b->count++;
    return packet;
}

/* Carries out the verdicts of a batch, and is done with it and its slots. */
static int carry(flow *f, batch *b)
{
    int gone;

    if (f->path.on)
        path_carry(&f->path, b->packets, b->count);
    if (f->rules.count != 0)
        rules_inbound(&f->rules, b->packets, b->count, clock_now());
    udp_send(&f->udp, b->packets, b->count);
    gone = deliver_packets(&f->host, &f->tun, b->packets, b->count);
    f->slots_used -= b->slots;
    if (f->slots_used == 0)
        f->slot_next = 0; /* those that were just read are in the cache */
    b->count = 0;
    b->used = 0;
    b->slots = 0;
    return gone;
}

/* What came back from the crew. */
static int carry_back(flow *f, batch *b)
{
    int gone;

    (void)vpn_wg_end(f->wg, b->packets, b->count, clock_now());
    gone = carry(f, b);
    b->next = f->free;
    f->free = b;
    return gone;
}

void flow_close(flow *f)
{
    for (batch *b; f->crew != NULL && (b = crew_wait(f->crew)) != NULL;)
        (void)carry_back(f, b);
    flow_release(f);
}

typedef size_t through(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/* Gives the batch away, and goes on with another: at worst the oldest one. */
static int give(flow *f, through *begin, vpn_time now)
{
    batch *b = f->batch;
    int gone = 0;
    size_t pending = begin(f->wg, b->packets, b->count, now);

    parking_keep(&f->parking, b->packets, b->count);
    crew_give(f->crew, b, pending);
    while (f->free == NULL)
        gone |= carry_back(f, crew_wait(f->crew));
    f->batch = flow_take_batch(f);
    return gone;
}

/* The batch goes through the library, at once or by the crew. */
static int pass(flow *f, through *whole, through *begin, vpn_time now)
{
    batch *b = f->batch;

    if (b->count == 0)
        return 0;
    if (f->crew != NULL && (b->count > CREW_PART || !crew_is_idle(f->crew)))
        return give(f, begin, now);
    (void)whole(f->wg, b->packets, b->count, now);
    parking_keep(&f->parking, b->packets, b->count);
    return carry(f, b);
}

static int send_batch(flow *f, vpn_time now)
{
    if (f->path.on)
        path_outbound(&f->path, f->batch->packets, f->batch->count);
    return pass(f, vpn_wg_send, vpn_wg_send_begin, now);
}

static int receive_batch(flow *f, vpn_time now)
{
    return pass(f, vpn_wg_recv, vpn_wg_recv_begin, now);
}

/* Takes parked packets into the batch, at most `left`; returns how many. */
static size_t take_parked(flow *f, vpn_peer_id peer, size_t left)
{
    batch *b = f->batch;
    size_t n = 0;

    for (; n < left && b->count < BATCH && FLOW_AREA_BYTES - b->used >= SLOT_BYTES; n++) {
        vpn_packet *packet = &b->packets[b->count];

        *packet = (vpn_packet){.data = b->area + b->used, .capacity = SLOT_BYTES, .offset = VPN_WG_HEADROOM};
        if (vpn_queue_pop(f->parking.queue, peer, packet) != 0)
            break;
        (void)place(f, packet->length);
    }
    return n;
}

/* As many as were there at first: one that must wait again goes to the back and is not taken twice. */
static int send_parked(flow *f, vpn_peer_id peer, vpn_time now)
{
    size_t left = vpn_queue_count(f->parking.queue, peer);

    if (left > 0)
        parking_forget(&f->parking, peer);
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

/* To peers whose packets were refused. */
static int send_answers(flow *f, vpn_time now)
{
    const uint8_t *answer;
    uint32_t length;

    while ((answer = rules_answer(&f->rules, &length)) != NULL) {
        vpn_packet *packet = place(f, length);

        if (packet != NULL)
            memcpy(packet->data + packet->offset, answer, length);
    }
    return send_batch(f, now);
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
        history_note(&f->load, &f->annexes, &event, (uint64_t)time(NULL));
        if (event.type == VPN_WG_UP && send_parked(f, event.peer, now) != 0)
            return TUN_GONE;
        if (event.type == VPN_WG_GAVE_UP || event.type == VPN_WG_PEER_EXPIRED)
            parking_drop(&f->parking, event.peer);
        if (event.type == VPN_WG_PEER_EXPIRED) {
            (void)rules_changed(&f->rules, event.peer);
            annex_drop(&f->annexes, event.peer);
        }
        if (event.type == VPN_WG_UP || event.type == VPN_WG_ROAMED)
            path_peer_changed(&f->path, event.peer, now);
    }
    return f->rules.answer_count == 0 ? 0 : send_answers(f, now);
}

/* What was read, in segments that fit the tunnel. */
static int cut(flow *f, const vpn_offload *how, uint32_t length, vpn_time now)
{
    vpn_segments plan;

    if (vpn_segment_plan(&plan, how, f->inbox, length) != 0) {
        f->malformed++;
        return 0;
    }
    if (plan.each > f->path.longest && path_refuses(&f->path, &plan, f->inbox, now))
        return 0;
    for (uint32_t i = 0; i < plan.count; i++) {
        uint32_t bytes = i + 1 < plan.count ? plan.each : plan.last;
        vpn_packet *packet = place(f, bytes);

        if (packet == NULL) {
            if (send_batch(f, now) != 0 || serve_events(f, now) != 0)
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

    for (; reads < BATCH && f->batch->count < BATCH / 2; reads++) {
        vpn_offload how;
        int got = tun_read(&f->tun, f->inbox, SLOT_BYTES, &how);

        if (got == 0)
            break;
        if (got == TUN_GONE)
            return TUN_GONE;
        if (f->rules.count != 0 && !rules_outbound(&f->rules, &f->tun, &how, f->inbox, (uint32_t)got, now))
            continue;
        if (cut(f, &how, (uint32_t)got, now) != 0)
            return TUN_GONE;
    }
    if (reads == 0)
        return 0;
    return send_batch(f, now) != 0 ? TUN_GONE : serve_events(f, now);
}

/* The datagrams of a message, each of which stays where it is. An empty or cut one counts as one, and is dropped. */
static int receive_message(flow *f, const vpn_packet *message, uint32_t each, vpn_time now)
{
    uint32_t at = 0;

    do {
        uint32_t length = message->length - at < each ? message->length - at : each;
        batch *b = f->batch;
        vpn_packet *packet = &b->packets[b->count++];

        *packet = *message;
        packet->data = message->data + at;
        packet->capacity = length;
        packet->length = length;
        at += length;
        b->slots += at >= message->length;
        if (b->count == BATCH && (receive_batch(f, now) != 0 || serve_events(f, now) != 0))
            return TUN_GONE;
    } while (at < message->length);
    return 0;
}

/* Slots in a row for messages, at most MESSAGES. 0: the crew has them all. */
static size_t free_slots(const flow *f)
{
    size_t n = f->slot_count - (f->slots_used > f->slot_next ? f->slots_used : f->slot_next);

    return n < MESSAGES ? n : MESSAGES;
}

int flow_from_net(flow *f, unsigned family, vpn_time now)
{
    uint32_t each[MESSAGES];
    size_t n;

    while (free_slots(f) == 0) {
        if (carry_back(f, crew_wait(f->crew)) != 0 || serve_events(f, now) != 0)
            return TUN_GONE;
    }
    n = free_slots(f);
    for (size_t i = 0; i < n; i++)
        f->messages[i] = (vpn_packet){.data = f->slots + (f->slot_next + i) * SLOT_BYTES, .capacity = SLOT_BYTES};
    n = udp_receive(&f->udp, family, f->messages, each, n);
    if (n == 0)
        return 0;
    f->slot_next = (f->slot_next + n) % f->slot_count;
    f->slots_used += n;
    for (size_t i = 0; i < n; i++) {
        if (receive_message(f, &f->messages[i], each[i], now) != 0)
            return TUN_GONE;
    }
    return receive_batch(f, now) != 0 ? TUN_GONE : serve_events(f, now);
}

int flow_settle(flow *f, vpn_time now)
{
    int gone = 0;

    if (f->crew == NULL || crew_is_idle(f->crew))
        return 0;
    for (batch *b; gone == 0 && (b = crew_collect(f->crew)) != NULL;)
        gone = carry_back(f, b);
    return gone != 0 ? TUN_GONE : serve_events(f, now);
}

int flow_bell(const flow *f)
{
    return f->crew == NULL ? -1 : crew_bell(f->crew);
}

void flow_hush(flow *f)
{
    crew_hush(f->crew);
}

int flow_is_busy(const flow *f)
{
    return f->crew != NULL && !crew_is_idle(f->crew);
}

int flow_idle(flow *f)
{
    return crew_idle(f->crew);
}

int flow_tick(flow *f, vpn_time now)
{
    vpn_packet *fresh = f->batch->packets;

    while (vpn_wg_deadline(f->wg) <= now) {
        size_t n;

        for (size_t i = 0; i < BATCH; i++)
            fresh[i] = (vpn_packet){.data = f->batch->area + i * VPN_WG_FRESH_BYTES, .capacity = VPN_WG_FRESH_BYTES};
        n = vpn_wg_tick(f->wg, fresh, BATCH, now);
        udp_send(&f->udp, fresh, n);
        if (n < BATCH)
            break;
    }
    path_tick(&f->path, now);
    return serve_events(f, now);
}
