/* SPDX-License-Identifier: ISC */
#include <vpn/crypto.h>

#include <string.h>

/* `out` may be the key or the data: it is written when both have been read. */
void vpn_hmac(uint8_t out[VPN_BLAKE2S_BYTES], const uint8_t *key, size_t key_bytes, const void *data, size_t bytes)
{
    vpn_blake2s state;
    uint8_t pad[VPN_BLAKE2S_BLOCK_BYTES] = {0}, inner[VPN_BLAKE2S_BYTES];

    if (key_bytes > VPN_BLAKE2S_BLOCK_BYTES)
        (void)vpn_blake2s_hash(pad, VPN_BLAKE2S_BYTES, key, key_bytes, NULL, 0);
    else if (key_bytes > 0)
        memcpy(pad, key, key_bytes);

    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    (void)vpn_blake2s_init(&state, sizeof(inner), NULL, 0);
    vpn_blake2s_update(&state, pad, sizeof(pad));
    vpn_blake2s_update(&state, data, bytes);
    vpn_blake2s_final(&state, inner);

    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    (void)vpn_blake2s_init(&state, VPN_BLAKE2S_BYTES, NULL, 0);
    vpn_blake2s_update(&state, pad, sizeof(pad));
    vpn_blake2s_update(&state, inner, sizeof(inner));
    vpn_blake2s_final(&state, out);

    vpn_wipe(pad, sizeof(pad));
    vpn_wipe(inner, sizeof(inner));
}

void vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[VPN_BLAKE2S_BYTES], const void *input,
              size_t bytes)
{
    uint8_t *outputs[3] = {out1, out2, out3};
    size_t count = out3 ? 3 : out2 ? 2 : 1;
    uint8_t prk[VPN_BLAKE2S_BYTES], block[VPN_BLAKE2S_BYTES + 1];

    /* The salt and the input are used up here, so an output may overwrite them. */
    vpn_hmac(prk, salt, VPN_BLAKE2S_BYTES, input, bytes);
    for (size_t i = 0; i < count; i++) {
        size_t previous = i > 0 ? VPN_BLAKE2S_BYTES : 0;
        block[previous] = (uint8_t)(i + 1);
        vpn_hmac(block, prk, sizeof(prk), block, previous + 1);
        if (outputs[i])
            memcpy(outputs[i], block, VPN_BLAKE2S_BYTES);
    }
    vpn_wipe(prk, sizeof(prk));
    vpn_wipe(block, sizeof(block));
}
