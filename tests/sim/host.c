/* SPDX-License-Identifier: ISC */
#include "sim/host.h"

#include "sim/acts.h"
#include "sim/cipher.h"
#include "sim/peers.h"

#define BATCH 8
#define ROOM  (VPN_WG_HEADROOM + LEDGER_LARGEST + HOST_MTU + VPN_WG_TAILROOM)

/* Bounds of a device's memory: what an empty one takes, and what each peer adds with four sessions and its place in every
   table, which grow by doubling. */
#define MEMORY_BASE  (192u * 1024)
#define MEMORY_PEER  (16u * 1024)
#define QUEUE_BYTES  (256u * 1024)
#define QUEUE_MEMORY (2 * QUEUE_BYTES + 64u * 1024)

int host_is_up(const struct host *host)
{
    return host->wg != NULL && host->back == 0;
}

vpn_time host_now(const struct world *world, const struct host *host)
{
    return clock_read(&host->clock, world->now);
}

struct tunnel *host_tunnel(struct host *host, vpn_peer_id id)
{
    uint32_t slot = (uint32_t)id;
    if (id == 0 || slot >= sizeof host->by_slot || host->by_slot[slot] < 0)
        return NULL;
    struct tunnel *tunnel = &host->tunnels[host->by_slot[slot]];
    return tunnel->id == id ? tunnel : NULL;
}

/* --- life --- */

void host_init(struct world *world, struct host *host, uint16_t number)
{
    host->number = number;
    clock_start(&host->clock, world->now);
    host->clock.shows += test_below(&world->rng, (size_t)SECONDS(100000));
    host->memory.rng = test_random(&world->rng);
    host->memory.clock = &host->clock;
    host->memory.now = &world->now;
    host->queue_memory = host->memory;
    host->load_rate = world_chance(world, 500) ? 1000 : 10 + world_below(world, 50);
    host->replay_bits = 128u << world_below(world, 7);
    host->mtu = HOST_MTU;
    memset(host->owner, -1, sizeof host->owner);
    link_move(world, host, 0);
}

void host_start(struct world *world, struct host *host)
{
    uint32_t scarce = host->memory.scarce;
    host->memory.scarce = 0;
    vpn_env env = memory_env(&host->memory), queue_env = memory_env(&host->queue_memory);
    vpn_wg_config config = {.size = sizeof config, .env = &env, .provider = world->provider, .mtu = host->mtu};
    config.replay_bits = host->replay_bits;
    config.max_peers = sizeof host->by_slot;
    config.load_rate = host->load_rate;
    config.sources = 64;
    config.events = 128; /* all that one call can tell */
    memcpy(config.stamp_floor, host->stamp, VPN_TAI64N_BYTES);
    vpn_queue_config parking = {.size = sizeof parking, .env = &queue_env, .max_bytes = QUEUE_BYTES};
    MUST(vpn_wg_new(&host->wg, &config) == VPN_OK && vpn_queue_new(&host->queue, &parking) == VPN_OK);
    memset(host->by_slot, -1, sizeof host->by_slot);
    host->most_peers = 0;
    host->back = 0;
    host->suspended = 0;
    host->blank = 0;
    vpn_wg_set_private_key(host->wg, host->private_key, host_now(world, host));
    for (int i = 0; i < host->tunnel_count; i++)
        peers_update(world, host, &host->tunnels[i]);
    host->memory.scarce = scarce;
    host_settle(world, host);
}

void host_stop(struct world *world, struct host *host)
{
    if (host->wg == NULL)
        return;
    peers_save(host);
    for (int i = 0; i < host->tunnel_count; i++)
        peers_forget(host, &host->tunnels[i]);
    memset(host->owner, -1, sizeof host->owner);
    vpn_queue_free(host->queue);
    MUST(vpn_wg_free(host->wg) == VPN_OK);
    host->memory.blocks += world->options->fault == FAULT_LEAK;
    if (host->memory.blocks != 0 || host->memory.bytes != 0 || host->queue_memory.blocks != 0)
        report_fail("host %u: a device that was freed still holds memory", host->number);
    host->wg = NULL;
    host->queue = NULL;
    host->wake = VPN_NEVER;
}

/* --- what leaves --- */

static void check_form(struct world *world, struct host *host, const vpn_packet *packet)
{
    static const uint32_t sizes[4] = {0, 148, 92, 64};
    const uint8_t *bytes = packet->data + packet->offset;
    MUST((uint64_t)packet->offset + packet->length <= packet->capacity && packet->length >= 32);
    MUST(bytes[0] >= 1 && bytes[0] <= 4 && bytes[0] == packet->type);
    MUST(bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0);
    MUST(packet->path.remote.family == 4 || packet->path.remote.family == 6);
    if (bytes[0] < 4)
        MUST(packet->length == sizes[bytes[0]]);
    if (secrets_leak(world->secrets, bytes, packet->length))
        report_fail("host %u sends a datagram with plaintext or a key in it", host->number);
    if (host->silent)
        report_fail("host %u sends although the network has been idle for long", host->number);
}

void host_transmit(struct world *world, struct host *host, const vpn_packet *packet)
{
    struct datagram d = {.from = host->at, .to = packet->path.remote, .sender = host->number, .tos = packet->tos};
    uint32_t lie = world->kinds[SENT] % 100 == 99 && packet->length > 48 ? (uint32_t)world->options->fault : 0;
    d.length = packet->length;
    d.bytes = packet->data + packet->offset;
    if (lie == FAULT_PLAINTEXT)
        memcpy(d.bytes + 21, world->marker, 8);
    if (lie == FAULT_KEY)
        memcpy(d.bytes + 22, host->private_key + 8, 8);
    if (lie == FAULT_SESSION)
        memcpy(d.bytes + 23, cipher_last_key() + 16, 8);
    check_form(world, host, packet);
    TRACE("%u sends %u bytes of type %u", host->number, d.length, packet->type);
    link_launch(world, &d);
}

/* --- what arrives --- */

static void deliver(struct world *world, struct host *host, const uint8_t *inner, uint32_t length, vpn_peer_id peer)
{
    uint64_t number;
    struct letter *letter = ledger_read(world->ledger, inner, length, &number);
    struct tunnel *tunnel = host_tunnel(host, peer);
    if (letter == NULL)
        report_fail("host %u delivers a packet that nobody sent", host->number);
    if (letter->sent == 0 || letter->to != host->number)
        report_fail("host %u delivers packet %llu, which was not sent to it", host->number, (unsigned long long)number);
    if (letter->delivered)
        report_fail("host %u delivers packet %llu twice", host->number, (unsigned long long)number);
    if (tunnel == NULL || tunnel->other != letter->from)
        report_fail("host %u delivers packet %llu in the name of the wrong peer", host->number,
                    (unsigned long long)number);
    if (host->owner[letter->source] < 0 || &host->tunnels[host->owner[letter->source]] != tunnel)
        report_fail("host %u delivers packet %llu from a source that the peer may not use", host->number,
                    (unsigned long long)number);
    letter->delivered = 1;
    world->arrived++;
    if (world->phase != STORM && letter->sent >= world->healed && tunnel->flowed == 0) {
        tunnel->flowed = world->now;
        if (world->now - world->healed > world->slowest)
            world->slowest = world->now - world->healed;
    }
}

static void check_delivery(struct world *world, struct host *host, const vpn_packet *packet)
{
    uint8_t copy[LEDGER_LARGEST];
    uint8_t *inner = packet->data + packet->offset;
    vpn_peer_id peer = packet->peer;
    int lie = world->arrived > 50 ? world->options->fault : FAULT_NONE;
    uint8_t rule = 0;
    uint64_t number;
    MUST(packet->length <= sizeof copy);
    memcpy(copy, inner, packet->length);
    struct letter *letter = ledger_read(world->ledger, inner, packet->length, &number);
    if (lie == FAULT_INVENTED && letter != NULL)
        copy[40] ^= 0x80;
    if (lie == FAULT_CHANGED && packet->length > 50)
        copy[packet->length - 1] ^= 1;
    if (lie == FAULT_PEER)
        for (int i = 0; i < host->tunnel_count; i++)
            peer = host->tunnels[i].id != 0 && host->tunnels[i].id != packet->peer ? host->tunnels[i].id : peer;
    if (lie == FAULT_SOURCE && letter != NULL) {
        rule = (uint8_t)host->owner[letter->source];
        host->owner[letter->source] = -1;
    }
    deliver(world, host, copy, packet->length, peer);
    if (lie == FAULT_SOURCE && letter != NULL)
        host->owner[letter->source] = (int8_t)rule;
    if (lie == FAULT_TWICE)
        deliver(world, host, copy, packet->length, peer);
}

static void park(struct host *host, const vpn_packet *packet)
{
    int error = vpn_queue_push(host->queue, packet);
    MUST(error == VPN_OK || error == VPN_ELIMIT);
}

/* One packet after a call of the library; `asked`: length of the datagram that came, 0 for sending. */
static void outcome(struct world *world, struct host *host, vpn_packet *packet, uint32_t asked)
{
    MUST(packet->verdict < VPN_VERDICTS && packet->verdict != VPN_PENDING && packet->reason < VPN_REASONS);
    MUST((packet->verdict == VPN_DROP) == (packet->reason != VPN_REASON_NONE));
    host->verdicts[packet->verdict]++;
    host->drops[packet->reason]++;
    if (packet->verdict == VPN_DROP)
        TRACE("%u drops: %s", host->number, vpn_reason_name(packet->reason));
    if (packet->verdict == VPN_WAIT)
        park(host, packet);
    if (packet->verdict == VPN_TO_TUN) {
        MUST(asked != 0);
        check_delivery(world, host, packet);
    }
    if (packet->verdict == VPN_TO_NET && asked == 0) {
        struct letter *letter = ledger_at(world->ledger, packet->user);
        struct tunnel *tunnel = host_tunnel(host, packet->peer);
        MUST(letter->sent == 0 && tunnel != NULL);
        letter->sent = world->now;
        letter->to = tunnel->other;
    }
    if (packet->verdict == VPN_TO_NET) {
        MUST(asked == 0 || packet->length <= asked);
        host_transmit(world, host, packet);
    }
}

/* --- sending --- */

/* Where AllowedIPs lead is decided when a packet is begun, and so is what the model says of it. */
static void check_route(struct host *host, const struct letter *letter, const vpn_packet *packet)
{
    int owner = host->owner[letter->target];
    if (packet->verdict == VPN_PENDING && (owner < 0 || host->tunnels[owner].id != packet->peer))
        report_fail("host %u sends a packet to a peer that AllowedIPs do not lead to", host->number);
}

static void send_batch(struct world *world, struct host *host, vpn_packet *packets, size_t n)
{
    vpn_time now = host_now(world, host);
    for (size_t i = 0; i < n; i++)
        world_count(world, SENT);
    (void)vpn_wg_send_begin(host->wg, packets, n, now);
    for (size_t i = 0; i < n; i++)
        check_route(host, ledger_at(world->ledger, packets[i].user), &packets[i]);
    if (world->phase == STORM && world_chance(world, 15))
        acts_between(world, host);
    /* A crypt that is forgotten may neither send plaintext nor use a nonce twice later. */
    if (world->phase != STORM || !world_chance(world, 2))
        vpn_wg_crypt(world->scratch, packets, n);
    (void)vpn_wg_end(host->wg, packets, n, host_now(world, host));
    for (size_t i = 0; i < n; i++)
        outcome(world, host, &packets[i], 0);
}

static vpn_packet fresh(uint8_t *buffer, uint32_t length)
{
    vpn_packet packet = {.data = buffer, .capacity = ROOM, .offset = VPN_WG_HEADROOM, .length = length};
    return packet;
}

void host_write(struct world *world, struct host *host, uint16_t source, uint16_t target, uint32_t length)
{
    static uint8_t buffers[BATCH][ROOM];
    vpn_packet packets[BATCH];
    struct letter letter = {.source = source, .target = target, .from = host->number, .to = NOBODY};
    size_t n = 1 + world_below(world, world->phase == STORM ? BATCH : 1);
    letter.length = (uint16_t)length;
    for (size_t i = 0; i < n; i++) {
        letter.family = world_chance(world, 500) ? 6 : 4;
        packets[i] = fresh(buffers[i], length);
        packets[i].user = ledger_write(world->ledger, &letter, buffers[i] + VPN_WG_HEADROOM);
    }
    TRACE("%u writes %zu to %u as %u", host->number, n, target, source);
    send_batch(world, host, packets, n);
    host_settle(world, host);
}

/* Sends what was parked for a peer that is up now; what has to wait again takes its turn behind the others. */
static void unpark(struct world *world, struct host *host, vpn_peer_id peer)
{
    static uint8_t buffer[ROOM];
    for (size_t n = vpn_queue_count(host->queue, peer); n > 0; n--) {
        vpn_packet packet = fresh(buffer, 0);
        if (vpn_queue_pop(host->queue, peer, &packet) != VPN_OK)
            break;
        MUST(ledger_read(world->ledger, buffer + VPN_WG_HEADROOM, packet.length, &packet.user) != NULL);
        send_batch(world, host, &packet, 1);
    }
}

/* --- receiving --- */

/* The initiation of a stranger, who may be let in. */
static void meet(struct world *world, struct host *host, vpn_packet *packet)
{
    uint8_t key[32];
    uint32_t length = packet->length;
    if (vpn_wg_initiator(host->wg, packet, key) != VPN_OK || !peers_demand(world, host, key))
        return;
    (void)vpn_wg_accept(host->wg, packet, host_now(world, host));
    MUST(packet->verdict != VPN_TO_TUN);
    outcome(world, host, packet, length);
}

void host_receive(struct world *world, struct host *host, const struct datagram *d)
{
    static uint8_t buffers[2][LEDGER_LARGEST + HOST_MTU];
    vpn_packet packets[2];
    /* The same twice in one batch: what the second one is judged by is what the first one left. */
    size_t n = world->phase == STORM && world_chance(world, 20) ? 2 : 1;
    MUST(d->length <= sizeof buffers[0]);
    for (size_t i = 0; i < n; i++) {
        memset(&packets[i], 0, sizeof packets[i]);
        memcpy(buffers[i], d->bytes, d->length);
        packets[i].data = buffers[i];
        packets[i].capacity = d->length;
        packets[i].length = d->length;
        packets[i].tos = d->tos;
        packets[i].path.remote = d->from;
    }
    (void)vpn_wg_recv_begin(host->wg, packets, n, host_now(world, host));
    if (world->phase == STORM && world_chance(world, 10))
        acts_between(world, host);
    vpn_wg_crypt(world->scratch, packets, n);
    (void)vpn_wg_end(host->wg, packets, n, host_now(world, host));
    for (size_t i = 0; i < n; i++) {
        outcome(world, host, &packets[i], d->length);
        if (packets[i].verdict == VPN_UNKNOWN)
            meet(world, host, &packets[i]);
    }
    host_settle(world, host);
}

/* --- timers, events, bounds --- */

void host_tick(struct world *world, struct host *host)
{
    static uint8_t room[4][VPN_WG_FRESH_BYTES];
    vpn_time now = host_now(world, host);
    uint32_t rounds = 0;
    for (;;) {
        vpn_packet packets[4] = {{0}};
        for (size_t i = 0; i < 4; i++) {
            packets[i].data = room[i];
            packets[i].capacity = VPN_WG_FRESH_BYTES;
        }
        size_t written = vpn_wg_tick(host->wg, packets, 4, now);
        world_count(world, TICKED);
        for (size_t i = 0; i < written; i++)
            host_transmit(world, host, &packets[i]);
        int due = vpn_wg_deadline(host->wg) <= now;
        if (world->options->fault == FAULT_SPIN && world->events > 1000)
            due = 1;
        if (due && (written < 4 || ++rounds > 10000))
            report_fail("host %u: a deadline is past after its tick", host->number);
        if (!due)
            break;
    }
    host_settle(world, host);
}

static void note(struct world *world, struct host *host, const vpn_wg_event_info *event)
{
    struct tunnel *tunnel = host_tunnel(host, event->peer);
    TRACE("%u: %s", host->number, vpn_wg_event_name(event->type));
    if (event->type == VPN_WG_UP) {
        unpark(world, host, event->peer);
    } else if (event->type == VPN_WG_GAVE_UP) {
        (void)vpn_queue_purge(host->queue, event->peer);
    } else if (event->type == VPN_WG_PEER_EXPIRED) {
        MUST(tunnel != NULL);
        (void)vpn_queue_purge(host->queue, event->peer);
        peers_forget(host, tunnel);
    } else if (event->type == VPN_WG_ROAM_ASKED && tunnel != NULL) {
        vpn_wg_peer change = {.size = sizeof change, .set = VPN_WG_SET_ENDPOINT, .endpoint = event->path.remote};
        MUST(vpn_wg_peer_set(host->wg, tunnel->id, &change, host_now(world, host)) == VPN_OK);
    }
}

static void check_bounds(struct world *world, struct host *host)
{
    vpn_wg_stats stats = {.size = sizeof stats};
    uint32_t peers = 0;
    size_t bytes = host->memory.bytes;
    MUST(vpn_wg_get_stats(host->wg, &stats) == VPN_OK);
    for (int i = 0; i < host->tunnel_count; i++)
        peers += host->tunnels[i].id != 0;
    host->most_peers = peers > host->most_peers ? peers : host->most_peers;
    if (world->options->fault == FAULT_SESSIONS && world->events > 1000)
        stats.sessions += 4 * peers;
    if (world->options->fault == FAULT_MEMORY && world->events > 1000)
        stats.memory = bytes = 1u << 30;
    if (stats.peers != peers)
        report_fail("host %u has %u peers, and should have %u", host->number, stats.peers, peers);
    if (stats.sessions > 3 * peers)
        report_fail("host %u holds %u sessions with %u peers", host->number, stats.sessions, peers);
    if (stats.memory != bytes)
        report_fail("host %u holds %zu bytes, and says %llu", host->number, bytes, (unsigned long long)stats.memory);
    if (bytes > MEMORY_BASE + MEMORY_PEER * (size_t)host->most_peers)
        report_fail("host %u holds %zu bytes with at most %u peers", host->number, bytes, host->most_peers);
    if (host->queue_memory.bytes > QUEUE_MEMORY)
        report_fail("host %u parks packets in %zu bytes", host->number, host->queue_memory.bytes);
}

void host_settle(struct world *world, struct host *host)
{
    vpn_wg_event_info event;
    if (world->options->fault == FAULT_CRASH && world->events > 1000)
        abort();
    while (vpn_wg_event(host->wg, &event) == VPN_OK)
        note(world, host, &event);
    check_bounds(world, host);
    host->wake = clock_when(&host->clock, vpn_wg_deadline(host->wg), world->now);
}
