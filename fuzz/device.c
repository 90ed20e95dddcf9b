/* SPDX-License-Identifier: ISC */
/*
 * Two devices and a network that the input commands: it sends, delivers, loses, repeats, forges and changes messages, moves the
 * clock, and changes settings, also between the phases. The cryptography is null, so changed messages reach the state machine.
 * Rules: every packet has a verdict with its reason, buffers are kept, tables stay bounded, deadlines do not spin, and all
 * memory comes back.
 */
#include "fuzz.h"
#include "null_provider.h"

#define SIDES 2
#define WIRES 32u
#define ROOM  512u
#define STEPS 400

struct message {
    uint8_t bytes[ROOM];
    uint32_t length;
    uint8_t from;
};

struct world {
    struct fuzz_host host[SIDES];
    vpn_wg *wg[SIDES];
    vpn_peer_id peer[SIDES];
    uint8_t key[SIDES][VPN_KEY_BYTES];
    struct message wire[WIRES];
    size_t sent;
    vpn_time now;
    struct fuzz_input in;
};

static vpn_endpoint address_of(uint8_t side)
{
    return (vpn_endpoint){.family = 4, .port = 51820, .addr = {192, 0, 2, side}};
}

static void put_on_wire(struct world *w, unsigned side, const vpn_packet *packet)
{
    struct message *message = &w->wire[w->sent++ % WIRES];

    FUZZ_CHECK(packet->length <= ROOM && packet->path.remote.family == 4);
    memcpy(message->bytes, packet->data + packet->offset, packet->length);
    message->length = packet->length;
    message->from = (uint8_t)side;
}

static void check_packet(struct world *w, unsigned side, const vpn_packet *packet, const uint8_t *data)
{
    FUZZ_CHECK(packet->data == data && packet->capacity == ROOM);
    FUZZ_CHECK(packet->offset <= ROOM && packet->length <= ROOM - packet->offset);
    FUZZ_CHECK(packet->verdict < VPN_VERDICTS && packet->verdict != VPN_PENDING);
    FUZZ_CHECK((packet->verdict == VPN_DROP) == (packet->reason != VPN_REASON_NONE));
    if (packet->verdict == VPN_TO_NET)
        put_on_wire(w, side, packet);
}

static void add_peer(struct world *w, unsigned side)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT | VPN_WG_SET_KEEPALIVE};
    vpn_prefix prefix = {.family = 4, .bits = 8, .addr = {10}};

    peer.endpoint = address_of((uint8_t)(1 - side));
    peer.keepalive = fuzz_byte(&w->in) % 32;
    vpn_key_public(peer.public_key, w->key[1 - side]);
    if (vpn_wg_peer_add(w->wg[side], &peer, &w->peer[side], w->now) == VPN_OK)
        FUZZ_CHECK(vpn_wg_allow(w->wg[side], w->peer[side], &prefix) == VPN_OK);
}

static void open_world(struct world *w)
{
    for (unsigned side = 0; side < SIDES; side++) {
        vpn_env env = fuzz_env(&w->host[side]);
        vpn_wg_config config = {.size = sizeof config, .env = &env, .provider = null_provider(), .load_rate = 5};

        w->host[side].seed = side + 1;
        config.replay_bits = 128;
        config.events = 8;
        FUZZ_CHECK(vpn_wg_new(&w->wg[side], &config) == VPN_OK);
        FUZZ_CHECK(vpn_key_private(w->key[side], &env) == VPN_OK);
        vpn_wg_set_private_key(w->wg[side], w->key[side], 0);
    }
    add_peer(w, 0);
    add_peer(w, 1);
}

/* Something may happen between the phases. */
static void disturb(struct world *w, unsigned side, uint8_t how)
{
    vpn_wg_peer peer = {.size = sizeof peer};

    switch (how % 16) {
    case 0:
        (void)vpn_wg_peer_remove(w->wg[side], w->peer[side]);
        break;
    case 1:
        add_peer(w, side);
        break;
    case 2:
        w->key[side][5] ^= 1;
        vpn_wg_set_private_key(w->wg[side], w->key[side], w->now);
        break;
    case 3:
        peer.set = VPN_WG_SET_EXPIRES | VPN_WG_SET_POLICY | VPN_WG_SET_PADDING;
        peer.expires = w->now + fuzz_byte(&w->in) * VPN_SECOND;
        peer.policy = fuzz_byte(&w->in) % 3;
        peer.padding = fuzz_byte(&w->in) % 2;
        (void)vpn_wg_peer_set(w->wg[side], w->peer[side], &peer, w->now);
        break;
    case 4:
        peer.set = VPN_WG_SET_ENDPOINT | VPN_WG_SET_PRESHARED;
        peer.endpoint = address_of((uint8_t)(1 - side));
        peer.preshared_key[0] = fuzz_byte(&w->in) % 2;
        (void)vpn_wg_peer_set(w->wg[side], w->peer[side], &peer, w->now);
        break;
    case 5:
        vpn_wg_network_changed(w->wg[side], w->now);
        break;
    case 6:
        vpn_wg_suspend(w->wg[side]);
        break;
    case 7:
        vpn_wg_resume(w->wg[side], w->now);
        break;
    case 8:
        (void)vpn_wg_handshake(w->wg[side], w->peer[side], w->now);
        break;
    default:
        break;
    }
}

/* The packet goes through the three phases, with or without crypt, with something in between. */
static void run_phases(struct world *w, unsigned side, vpn_packet *packet, int sending)
{
    uint8_t how = fuzz_byte(&w->in), *data = packet->data;
    vpn_scratch *scratch;

    if (sending)
        vpn_wg_send_begin(w->wg[side], packet, 1, w->now);
    else
        vpn_wg_recv_begin(w->wg[side], packet, 1, w->now);
    if ((how & 0x80) == 0 && packet->verdict == VPN_PENDING) {
        FUZZ_CHECK(vpn_scratch_new(&scratch, null_provider(), NULL) == VPN_OK);
        vpn_wg_crypt(scratch, packet, 1);
        vpn_wg_crypt(scratch, packet, 1);
        vpn_scratch_free(scratch);
    }
    if (packet->verdict == VPN_PENDING)
        FUZZ_CHECK(vpn_wg_free(w->wg[side]) == VPN_EBUSY);
    if (how & 0x40)
        disturb(w, side, how);
    vpn_wg_end(w->wg[side], packet, 1, w->now);
    vpn_wg_end(w->wg[side], packet, 1, w->now);
    check_packet(w, side, packet, data);
}

static void send_inner(struct world *w, unsigned side)
{
    static uint8_t buffer[ROOM];
    uint8_t length = fuzz_byte(&w->in);
    vpn_packet packet = {.data = buffer, .capacity = ROOM, .offset = fuzz_byte(&w->in) % 64, .length = length};
    uint8_t *inner = buffer + packet.offset;

    memset(buffer, 0, sizeof buffer);
    inner[0] = 0x45;
    inner[1] = fuzz_byte(&w->in);
    inner[3] = length;
    inner[12] = 10;
    inner[16] = (uint8_t)(10 + fuzz_byte(&w->in) % 16 / 15);
    run_phases(w, side, &packet, 1);
}

static void deliver(struct world *w, unsigned side)
{
    static uint8_t buffer[ROOM];
    const struct message *message = &w->wire[fuzz_byte(&w->in) % WIRES];
    uint8_t how = fuzz_byte(&w->in);
    vpn_packet packet = {.data = buffer, .capacity = ROOM, .length = message->length};

    memcpy(buffer, message->bytes, ROOM);
    if ((how & 1) && packet.length != 0)
        buffer[fuzz_byte(&w->in) % packet.length] ^= fuzz_byte(&w->in);
    packet.path.remote = address_of(how & 2 ? 77 : message->from);
    packet.tos = how >> 2;
    run_phases(w, side, &packet, 0);
    if (packet.verdict == VPN_UNKNOWN && (how & 4)) {
        add_peer(w, side);
        vpn_wg_accept(w->wg[side], &packet, w->now);
        check_packet(w, side, &packet, buffer);
    }
}

/* Every tick that writes nothing moves the deadline on, and writing is bounded. */
static void tick(struct world *w, unsigned side)
{
    static uint8_t buffer[ROOM];
    int rounds = 0;

    while (vpn_wg_deadline(w->wg[side]) <= w->now) {
        vpn_packet packet = {.data = buffer, .capacity = ROOM};

        if (vpn_wg_tick(w->wg[side], &packet, 1, w->now) == 1)
            check_packet(w, side, &packet, buffer);
        FUZZ_CHECK(++rounds < 16);
    }
}

static void drain_events(struct world *w, unsigned side)
{
    vpn_wg_event_info event;
    int rounds = 0;

    while (vpn_wg_event(w->wg[side], &event) == VPN_OK) {
        FUZZ_CHECK(event.type >= VPN_WG_UP && event.type <= VPN_WG_UNKNOWN_PEER);
        FUZZ_CHECK(++rounds <= 16);
    }
}

static void move_clock(struct world *w)
{
    uint8_t how = fuzz_byte(&w->in);

    if (how < 128)
        w->now += how * 50 * VPN_MILLISECOND;
    else if (how < 250)
        w->now += (how - 127u) * 5 * VPN_SECOND;
    else
        w->now -= w->now < 40 * VPN_SECOND ? w->now : (how - 249u) * 5 * VPN_SECOND;
    w->host[0].seconds = w->host[1].seconds = w->now / VPN_SECOND;
}

static void step(struct world *w)
{
    uint8_t what = fuzz_byte(&w->in);
    unsigned side = what & 1;
    vpn_wg_stats stats = {.size = sizeof stats};

    switch (what >> 1 & 7) {
    case 0:
    case 1:
        send_inner(w, side);
        break;
    case 2:
    case 3:
    case 4:
        deliver(w, side);
        break;
    case 5:
        move_clock(w);
        break;
    case 6:
        tick(w, side);
        break;
    case 7:
        drain_events(w, side);
        disturb(w, side, what >> 4);
        break;
    }
    FUZZ_CHECK(vpn_wg_get_stats(w->wg[side], &stats) == VPN_OK);
    FUZZ_CHECK(stats.peers <= 3 && stats.sessions <= 3 * stats.peers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct world *w = &world;

    memset(w, 0, sizeof *w);
    w->in = (struct fuzz_input){data, size};
    open_world(w);
    for (int i = 0; i < STEPS && fuzz_more(&w->in); i++)
        step(w);
    for (unsigned side = 0; side < SIDES; side++) {
        FUZZ_CHECK(vpn_wg_free(w->wg[side]) == VPN_OK);
        FUZZ_CHECK(w->host[side].live == 0);
    }
    return 0;
}
