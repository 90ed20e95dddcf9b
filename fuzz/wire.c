/* SPDX-License-Identifier: ISC */
/*
 * One datagram to a device that has a peer, a session and a handshake under way, with real cryptography: no byte string may
 * be taken for a message that it is not. The first bytes choose how the datagram is made to look like one.
 */
#include "fuzz.h"

#define ROOM 4096u

static struct fuzz_host host;
static vpn_wg *device;
static uint8_t public_key[VPN_KEY_BYTES];

static vpn_endpoint somewhere(uint8_t last)
{
    return (vpn_endpoint){.family = 4, .port = 51820, .addr = {192, 0, 2, last}};
}

static void make_device(void)
{
    vpn_env env = fuzz_env(&host);
    vpn_wg_config config = {.size = sizeof config, .env = &env, .load_rate = 1000000};
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = somewhere(2)};
    uint8_t key[VPN_KEY_BYTES], fresh[VPN_WG_FRESH_BYTES];
    vpn_packet packet = {.data = fresh, .capacity = sizeof fresh};
    vpn_peer_id id;

    host.seed = 1;
    FUZZ_CHECK(vpn_wg_new(&device, &config) == VPN_OK && vpn_key_private(key, &env) == VPN_OK);
    vpn_wg_set_private_key(device, key, 0);
    vpn_wg_public_key(device, public_key);
    FUZZ_CHECK(vpn_key_private(key, &env) == VPN_OK);
    vpn_key_public(peer.public_key, key);
    FUZZ_CHECK(vpn_wg_peer_add(device, &peer, &id, 0) == VPN_OK);
    FUZZ_CHECK(vpn_wg_handshake(device, id, 0) == VPN_OK && vpn_wg_tick(device, &packet, 1, 0) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t lengths[4] = {148, 92, 64, 32};
    struct fuzz_input in = {data, size};
    uint8_t how = fuzz_byte(&in), *buffer;
    size_t length = how & 4 ? lengths[how & 3] : in.left % ROOM;
    vpn_packet packet = {.capacity = (uint32_t)length, .length = (uint32_t)length};
    vpn_cookie_maker maker;

    if (device == NULL)
        make_device();
    buffer = calloc(1, length == 0 ? 1 : length);
    FUZZ_CHECK(buffer != NULL);
    fuzz_bytes(&in, buffer, length);
    if ((how & 8) && length >= 4)
        memcpy(buffer, (uint8_t[4]){(uint8_t)((how & 3) + 1), 0, 0, 0}, 4);
    vpn_cookie_maker_init(&maker);
    if (how & 16)
        (void)vpn_mac_add(&maker, buffer, length, public_key, 0);
    packet.data = buffer;
    packet.tos = how;
    packet.path.remote = somewhere(how);
    vpn_wg_recv(device, &packet, 1, 1);
    FUZZ_CHECK(packet.verdict == VPN_DROP && packet.reason != VPN_REASON_NONE && packet.reason < VPN_REASONS);
    FUZZ_CHECK(packet.length == length && packet.offset == 0);
    free(buffer);
    return 0;
}
