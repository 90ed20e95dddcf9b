/* SPDX-License-Identifier: ISC */
/*
 * What handshakes take in either role, beside one X25519 of the same provider, and how fast floods of messages that are not
 * to be answered, or only with a cookie, are dealt with, beside BLAKE2s of the same bytes. Meanwhile a peer must get through.
 */
#include <vpn/vpn.h>

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "common/providers.h"
#include "crowd.h"

#define PEERS  64u
#define FLOOD  128u /* messages a batch */
#define STRIDE 256u

static struct {
    uint8_t bytes[FLOOD][STRIDE];
    uint8_t kept[FLOOD][VPN_WG_INITIATION_BYTES]; /* the flood's messages, which replies overwrite */
    vpn_packet packets[FLOOD];
    uint64_t seed;
    uint32_t turn; /* grows with every initiation of a peer, and so does its stamp */
} room;

static void noise(uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)bench_random(&room.seed);
}

static vpn_handshake *new_handshake(uint32_t i, const vpn_provider *provider)
{
    vpn_handshake *handshake;
    uint8_t key[VPN_KEY_BYTES];
    crowd_private_key(i, key);
    bench_must(vpn_handshake_new(&handshake, key, provider, NULL) == VPN_OK, "no handshake");
    return handshake;
}

/* --- both roles --- */

static double x25519_alone(const vpn_provider *provider)
{
    int (*agree)(uint8_t *, const uint8_t *, const uint8_t *) =
        provider->x25519 != NULL ? provider->x25519 : vpn_x25519;
    uint8_t scalar[VPN_KEY_BYTES], point[VPN_KEY_BYTES];
    uint64_t begin;
    noise(scalar, sizeof scalar);
    vpn_key_public(point, scalar);
    begin = bench_now();
    for (uint32_t i = 0; i < PEERS; i++)
        bench_must(agree(point, scalar, point) == VPN_OK, "no agreement");
    return (double)(bench_now() - begin) / PEERS;
}

/* All peers initiate; from initiations to responses. */
static double responder(const struct crowd *crowd, const vpn_provider *provider)
{
    uint64_t begin, took;
    room.turn++;
    for (uint32_t i = 0; i < PEERS; i++) {
        vpn_handshake *handshake = new_handshake(i, provider);
        crowd_initiation(crowd, i, room.turn, handshake, room.bytes[i]);
        room.packets[i] = crowd_packet(room.bytes[i], STRIDE, VPN_WG_INITIATION_BYTES, i);
        vpn_handshake_free(handshake);
    }
    begin = bench_now();
    (void)vpn_wg_recv(crowd->wg, room.packets, PEERS, CROWD_NOW + room.turn * VPN_SECOND);
    took = bench_now() - begin;
    for (uint32_t i = 0; i < PEERS; i++)
        bench_must(room.packets[i].verdict == VPN_TO_NET && room.packets[i].length == VPN_WG_RESPONSE_BYTES,
                   "no response");
    return (double)took / PEERS;
}

/* The other end of the i-th packet, an initiation: it becomes the response. */
static void respond(const struct crowd *crowd, const vpn_provider *provider, uint32_t i, vpn_time now)
{
    vpn_packet *packet = &room.packets[i];
    uint8_t remote[VPN_KEY_BYTES], stamp[VPN_TAI64N_BYTES];
    uint32_t who = 0;
    vpn_cookie_maker maker;
    vpn_handshake *handshake;
    while (crowd->ids[who] != packet->peer)
        who++;
    handshake = new_handshake(who, provider);
    bench_must(vpn_handshake_read_initiation(handshake, packet->data, remote, stamp) == VPN_OK &&
                   vpn_handshake_respond(handshake, packet->data, NULL, who) == VPN_OK,
               "no response to a device");
    vpn_handshake_free(handshake);
    vpn_cookie_maker_init(&maker);
    vpn_mac_add(&maker, packet->data, VPN_WG_RESPONSE_BYTES, crowd->public_key, now);
    *packet = crowd_packet(packet->data, STRIDE, VPN_WG_RESPONSE_BYTES, who);
}

/* The device initiates with all peers: until the initiation is written, and from the response to the keepalive after it. */
static double initiator(const struct crowd *crowd, const vpn_provider *provider, uint32_t turn)
{
    vpn_time now = CROWD_NOW + turn * 200 * VPN_SECOND;
    uint64_t begin, took;
    for (uint32_t i = 0; i < PEERS; i++)
        room.packets[i] = crowd_packet(room.bytes[i], STRIDE, 0, i);
    bench_must(vpn_wg_tick(crowd->wg, room.packets, PEERS, now) == 0, "something else was due");
    for (uint32_t i = 0; i < PEERS; i++)
        bench_must(vpn_wg_handshake(crowd->wg, crowd->ids[i], now) == VPN_OK, "no peer");
    begin = bench_now();
    bench_must(vpn_wg_tick(crowd->wg, room.packets, PEERS, now) == PEERS, "no initiations");
    took = bench_now() - begin;
    for (uint32_t i = 0; i < PEERS; i++)
        respond(crowd, provider, i, now);
    begin = bench_now();
    bench_must(vpn_wg_recv(crowd->wg, room.packets, PEERS, now) == PEERS, "responses were not taken");
    return (double)(took + bench_now() - begin) / PEERS;
}

static void know_endpoints(const struct crowd *crowd)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT};
        peer.endpoint = crowd_packet(room.bytes[0], STRIDE, 0, i).path.remote;
        bench_must(vpn_wg_peer_set(crowd->wg, crowd->ids[i], &peer, CROWD_NOW) == VPN_OK, "no endpoint");
    }
}

static void bench_roles(const vpn_provider *provider)
{
    double alone[BENCH_RUNS_MAX], in[BENCH_RUNS_MAX], out[BENCH_RUNS_MAX], ratio_in[BENCH_RUNS_MAX];
    struct crowd *asked = crowd_new(PEERS, provider), *asking = crowd_new(PEERS, provider);
    know_endpoints(asking);
    for (int run = -1; run < bench_runs(); run++) { /* the first one agrees on static-static */
        double one = x25519_alone(provider), two = responder(asked, provider),
               three = initiator(asking, provider, (uint32_t)(run + 2));
        if (run < 0)
            continue;
        alone[run] = one;
        in[run] = two;
        out[run] = three;
        ratio_in[run] = two / one;
    }
    bench_row(provider->name, "one X25519", bench_median(alone, bench_runs()) / 1e3, "us");
    bench_row(provider->name, "responder, whole", bench_median(in, bench_runs()) / 1e3, "us");
    bench_row(provider->name, "initiator, whole", bench_median(out, bench_runs()) / 1e3, "us");
    bench_target(provider->name, "responder / one X25519", bench_median(ratio_in, bench_runs()), "x", 4.5, 1);
    crowd_free(asking);
    crowd_free(asked);
}

/* --- floods --- */

/* Initiations of nobody from anywhere, all bytes at random, with a valid mac1 if asked for; a mac2 that is wrong. */
static void make_flood(const struct crowd *crowd, int mac1)
{
    vpn_cookie_maker maker;
    for (uint32_t i = 0; i < FLOOD; i++) {
        uint8_t *message = room.kept[i];
        noise(message, VPN_WG_INITIATION_BYTES);
        memcpy(message, "\1\0\0\0", 4);
        if (!mac1)
            continue;
        vpn_cookie_maker_init(&maker);
        vpn_mac_add(&maker, message, VPN_WG_INITIATION_BYTES, crowd->public_key, CROWD_NOW);
        noise(message + VPN_WG_INITIATION_BYTES - VPN_MAC_BYTES, VPN_MAC_BYTES);
    }
}

static void load_flood(void)
{
    for (uint32_t i = 0; i < FLOOD; i++) {
        memcpy(room.bytes[i], room.kept[i], VPN_WG_INITIATION_BYTES);
        room.packets[i] =
            crowd_packet(room.bytes[i], STRIDE, VPN_WG_INITIATION_BYTES, (uint32_t)bench_random(&room.seed));
    }
}

/* The i-th message is a peer's; NULL: the flood's. */
static void mix_in(uint32_t i, const uint8_t *message)
{
    if (message != NULL)
        memcpy(room.bytes[i], message, VPN_WG_INITIATION_BYTES);
    room.packets[i] = crowd_packet(room.bytes[i], STRIDE, VPN_WG_INITIATION_BYTES, 1);
}

/* A peer connects in the midst of the flood: under load after it has been given a cookie. */
static void connect_meanwhile(const struct crowd *crowd, const vpn_provider *provider, int loaded)
{
    uint8_t message[VPN_WG_INITIATION_BYTES];
    vpn_handshake *handshake = new_handshake(1, provider);
    vpn_time now = CROWD_NOW + ++room.turn * VPN_SECOND / 2;
    vpn_packet *packet = &room.packets[FLOOD / 2];
    vpn_cookie_maker maker;
    vpn_cookie_maker_init(&maker);
    crowd_initiation(crowd, 1, room.turn, handshake, message);
    vpn_mac_add(&maker, message, sizeof message, crowd->public_key, now);
    for (int step = 0; step <= loaded; step++) {
        load_flood();
        mix_in(FLOOD / 2, message);
        (void)vpn_wg_recv(crowd->wg, room.packets, FLOOD, now);
        if (step == loaded)
            break;
        bench_must(packet->length == VPN_WG_COOKIE_BYTES &&
                       vpn_cookie_read(&maker, packet->data, crowd->public_key, provider, now) == VPN_OK,
                   "no cookie for a peer");
        vpn_mac_add(&maker, message, sizeof message, crowd->public_key, now);
    }
    bench_must(packet->verdict == VPN_TO_NET && packet->length == VPN_WG_RESPONSE_BYTES &&
                   vpn_handshake_read_response(handshake, packet->data) == VPN_OK,
               "a peer could not connect during the flood");
    vpn_handshake_free(handshake);
}

/* Messages a second, in millions, through the device. All must come to the same end. */
static double flood(const struct crowd *crowd, uint32_t batches, uint32_t length_after)
{
    vpn_time now = CROWD_NOW + room.turn * VPN_SECOND / 2;
    uint64_t took = 0;
    for (uint32_t b = 0; b < batches; b++) {
        uint64_t begin;
        load_flood();
        begin = bench_now();
        (void)vpn_wg_recv(crowd->wg, room.packets, FLOOD, now);
        took += bench_now() - begin;
        for (uint32_t i = 0; i < FLOOD; i++)
            bench_must(room.packets[i].length == length_after &&
                           room.packets[i].verdict == (length_after == VPN_WG_COOKIE_BYTES ? VPN_TO_NET : VPN_DROP),
                       "a message of the flood got through");
    }
    return FLOOD * batches * 1e3 / (double)took;
}

/* BLAKE2s under a key over what a mac covers: `bytes` bytes. */
static double plain_hash(uint32_t batches, size_t bytes)
{
    uint8_t out[VPN_MAC_BYTES], key[VPN_KEY_BYTES] = {1};
    uint64_t begin = bench_now();
    for (uint32_t b = 0; b < batches; b++)
        for (uint32_t i = 0; i < FLOOD; i++)
            (void)vpn_blake2s_hash(out, sizeof out, room.kept[i], bytes, key, sizeof key);
    return FLOOD * batches * 1e3 / (double)(bench_now() - begin);
}

static void bench_flood(const vpn_provider *provider, int mac1)
{
    vpn_wg_config config = {.size = sizeof config, .provider = provider, .load_rate = mac1 ? 1 : 1000000};
    double through[BENCH_RUNS_MAX], plain[BENCH_RUNS_MAX];
    struct crowd *crowd = crowd_with(PEERS, &config);
    uint32_t batches = bench_quick() ? 20 : 1000;
    const char *group = mac1 ? "flood: good mac1, bad mac2, load" : "flood: bad mac1";
    make_flood(crowd, mac1);
    for (int run = -1; run < bench_runs(); run++) {
        double hashed, flooded;
        connect_meanwhile(crowd, provider, mac1);
        hashed = plain_hash(batches, mac1 ? 132 : 116);
        flooded = flood(crowd, batches, mac1 ? VPN_WG_COOKIE_BYTES : VPN_WG_INITIATION_BYTES);
        if (run < 0)
            continue;
        plain[run] = hashed;
        through[run] = flooded;
    }
    bench_row(group, "BLAKE2s of one mac with its key", bench_median(plain, bench_runs()), "M/s");
    bench_target(group, mac1 ? "messages answered by a cookie" : "messages refused",
                 bench_median(through, bench_runs()), "M/s", mac1 ? 0.5 : 2, 0);
    crowd_free(crowd);
}

int main(int argc, char **argv)
{
    struct test_providers all;

    bench_options(argc, argv, "Handshakes of 64 peers in both roles, and floods in batches of 128 messages.");
    test_providers_begin(&all);
    for (size_t i = 0; i < all.count; i++) {
        bench_progress("%s", all.of[i].provider->name);
        bench_roles(all.of[i].provider);
    }
    bench_progress("floods");
    bench_flood(vpn_provider_sodium(), 0);
    bench_flood(vpn_provider_sodium(), 1);
    return bench_report("handshakes");
}
