/* SPDX-License-Identifier: ISC */
#include "crowd.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

static void must(int status, const char *what)
{
    if (status == VPN_OK)
        return;
    bench_progress("%s: %s", what, vpn_strerror(status));
    exit(1);
}

void crowd_address(uint32_t i, uint8_t out[4])
{
    out[0] = 10;
    out[1] = (uint8_t)(i >> 16);
    out[2] = (uint8_t)(i >> 8);
    out[3] = (uint8_t)i;
}

void crowd_header(uint8_t *out, uint32_t i, uint32_t length, int from_peer)
{
    memset(out, 0, 20);
    out[0] = 0x45;
    out[2] = (uint8_t)(length >> 8);
    out[3] = (uint8_t)length;
    out[8] = 64;
    out[from_peer ? 16 : 12] = 192;
    crowd_address(i, out + (from_peer ? 12 : 16));
}

void crowd_private_key(uint32_t i, uint8_t out[VPN_KEY_BYTES])
{
    uint64_t seed = UINT64_C(0x100000000) + i;
    for (uint32_t k = 0; k < VPN_KEY_BYTES; k += 8) {
        uint64_t word = bench_random(&seed);
        memcpy(out + k, &word, 8);
    }
}

void crowd_initiation(const struct crowd *crowd, uint32_t i, uint32_t turn, vpn_handshake *handshake,
                      uint8_t out[VPN_WG_INITIATION_BYTES])
{
    vpn_cookie_maker maker;
    uint8_t stamp[VPN_TAI64N_BYTES] = {0x40, 0, 0, 0, 0x60};
    memset(&maker, 0, sizeof maker);
    stamp[6] = (uint8_t)(turn >> 8);
    stamp[7] = (uint8_t)turn;
    must(vpn_handshake_initiate(handshake, out, crowd->public_key, NULL, i + 1, stamp), "initiation");
    vpn_mac_add(&maker, out, VPN_WG_INITIATION_BYTES, crowd->public_key, CROWD_NOW);
}

vpn_packet crowd_packet(uint8_t *bytes, uint32_t capacity, uint32_t length, uint32_t i)
{
    vpn_packet packet;
    memset(&packet, 0, sizeof packet);
    packet.data = bytes;
    packet.capacity = capacity;
    packet.length = length;
    packet.path.remote = (vpn_endpoint){.family = 4, .port = 51820};
    crowd_address(i, packet.path.remote.addr);
    return packet;
}

void crowd_connect(struct crowd *crowd, uint32_t i, const vpn_provider *provider)
{
    uint8_t key[VPN_KEY_BYTES], message[VPN_WG_INITIATION_BYTES];
    vpn_handshake *handshake;
    vpn_session_keys keys;
    vpn_packet packet = crowd_packet(message, sizeof message, sizeof message, i);

    crowd_private_key(i, key);
    must(vpn_handshake_new(&handshake, key, provider, NULL), "handshake");
    crowd_initiation(crowd, i, 1, handshake, message);
    if (vpn_wg_recv(crowd->wg, &packet, 1, CROWD_NOW) != 1)
        must(VPN_ESTATE, vpn_reason_text(packet.reason));
    must(vpn_handshake_read_response(handshake, message), "response");
    must(vpn_handshake_finish(handshake, &keys), "keys");
    must(vpn_session_new(&crowd->remotes[i], &keys, VPN_REPLAY_BITS_MIN, provider, NULL, CROWD_NOW), "session");
    packet = crowd_packet(message, sizeof message, 0, i);
    packet.offset = VPN_WG_HEADROOM;
    must(vpn_session_seal(crowd->remotes[i], &packet, 0, CROWD_NOW), "seal");
    vpn_wg_recv(crowd->wg, &packet, 1, CROWD_NOW);
    if (packet.verdict != VPN_DONE)
        must(VPN_ESTATE, vpn_reason_text(packet.reason));
    vpn_handshake_free(handshake);
}

struct crowd *crowd_new(uint32_t count, const vpn_provider *provider)
{
    vpn_wg_config config = {.size = sizeof config, .provider = provider, .load_rate = 1000000};
    return crowd_with(count, &config);
}

struct crowd *crowd_with(uint32_t count, const vpn_wg_config *config)
{
    struct crowd *crowd = bench_alloc(sizeof *crowd);
    uint8_t key[VPN_KEY_BYTES];

    crowd->count = count;
    crowd->ids = bench_alloc(count * sizeof *crowd->ids);
    crowd->remotes = bench_alloc(count * sizeof(vpn_session *));
    must(vpn_wg_new(&crowd->wg, config), "device");
    crowd_private_key(UINT32_MAX, key);
    vpn_wg_set_private_key(crowd->wg, key, CROWD_NOW);
    vpn_wg_public_key(crowd->wg, crowd->public_key);
    for (uint32_t i = 0; i < count; i++) {
        vpn_wg_peer peer = {.size = sizeof peer};
        vpn_prefix prefix = {.family = 4, .bits = 32};
        crowd_private_key(i, key);
        vpn_key_public(peer.public_key, key);
        crowd_address(i, prefix.addr);
        must(vpn_wg_peer_add(crowd->wg, &peer, &crowd->ids[i], CROWD_NOW), "peer");
        must(vpn_wg_allow(crowd->wg, crowd->ids[i], &prefix), "prefix");
    }
    return crowd;
}

void crowd_free(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        vpn_session_free(crowd->remotes[i]);
    must(vpn_wg_free(crowd->wg), "free");
    free(crowd->remotes);
    free(crowd->ids);
    free(crowd);
}
