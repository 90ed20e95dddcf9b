/* SPDX-License-Identifier: ISC */
#include "crypto/blake2s.h"

#include <string.h>

/* An HMAC key at work. All that is secret lies here and not in the frames of the functions below, so that it is wiped once. */
struct work {
    uint8_t inner_pad[VPN_BLAKE2S_BLOCK_BYTES];
    uint8_t outer_pad[VPN_BLAKE2S_BLOCK_BYTES];
    uint32_t inner[8]; /* the states after those blocks, which every HMAC under the key begins with */
    uint32_t outer[8];
    uint8_t hash[VPN_BLAKE2S_BYTES]; /* the inner one */
};

static void set_key(struct work *w, const uint8_t *key, size_t key_bytes)
{
    memset(w->inner_pad, 0, sizeof(w->inner_pad));
    if (key_bytes > sizeof(w->inner_pad))
        (void)vpn_blake2s_hash(w->inner_pad, VPN_BLAKE2S_BYTES, key, key_bytes, NULL, 0);
    else if (key_bytes > 0)
        memcpy(w->inner_pad, key, key_bytes);
    for (size_t i = 0; i < sizeof(w->inner_pad); i++) {
        w->outer_pad[i] = w->inner_pad[i] ^ 0x5c;
        w->inner_pad[i] ^= 0x36;
    }
    vpn__blake2s_first(w->inner, VPN_BLAKE2S_BYTES, 0, w->inner_pad);
    vpn__blake2s_first(w->outer, VPN_BLAKE2S_BYTES, 0, w->outer_pad);
}

/* `out` may be the data: it is written when that has been read. Without data the inner pad is the last block, so the state
   after it as one that is not is of no use. */
static void hmac(uint8_t out[VPN_BLAKE2S_BYTES], struct work *w, const void *data, size_t bytes)
{
    if (bytes == 0)
        (void)vpn_blake2s_hash(w->hash, sizeof(w->hash), w->inner_pad, sizeof(w->inner_pad), NULL, 0);
    else
        vpn__blake2s_resume(w->hash, sizeof(w->hash), w->inner, data, bytes);
    vpn__blake2s_resume(out, VPN_BLAKE2S_BYTES, w->outer, w->hash, sizeof(w->hash));
}

void vpn_hmac(uint8_t out[VPN_BLAKE2S_BYTES], const uint8_t *key, size_t key_bytes, const void *data, size_t bytes)
{
    struct work work;

    set_key(&work, key, key_bytes);
    hmac(out, &work, data, bytes);
    vpn_wipe(&work, sizeof(work));
    vpn__blake2s_burn();
}

void vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[VPN_BLAKE2S_BYTES], const void *input,
              size_t bytes)
{
    uint8_t *outputs[3] = {out1, out2, out3};
    size_t count = out3 ? 3 : out2 ? 2 : 1;
    uint8_t block[VPN_BLAKE2S_BYTES + 1];
    struct work work;

    /* The salt and the input are used up here, so an output may overwrite them. */
    set_key(&work, salt, VPN_BLAKE2S_BYTES);
    hmac(block, &work, input, bytes);
    set_key(&work, block, VPN_BLAKE2S_BYTES);
    for (size_t i = 0; i < count; i++) {
        size_t previous = i > 0 ? VPN_BLAKE2S_BYTES : 0;
        block[previous] = (uint8_t)(i + 1);
        hmac(block, &work, block, previous + 1);
        if (outputs[i])
            memcpy(outputs[i], block, VPN_BLAKE2S_BYTES);
    }
    vpn_wipe(&work, sizeof(work));
    vpn_wipe(block, sizeof(block));
    vpn__blake2s_burn();
}
