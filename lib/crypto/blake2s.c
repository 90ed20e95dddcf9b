/* SPDX-License-Identifier: ISC */
/*
 * BLAKE2s, RFC 7693. Letters and names are those of the RFC.
 *
 * Invariants between calls: fill <= 64, and a full block stays in the buffer until more input or the end comes, since
 * only then is it known whether it is the last one. count is the number of bytes that were compressed. A state that
 * init refused, or that final has used up, is all zero: every later call on it is harmless, and final writes nothing.
 */
#include "crypto/blake2s.h"

#include "base/bytes.h"
#include "crypto/sodium.h"

#include <string.h>

static const uint32_t iv[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))

#define G(a, b, c, d, x, y)                                                                                            \
    do {                                                                                                               \
        a += b + (x);                                                                                                  \
        d = ROTR(d ^ a, 16);                                                                                           \
        c += d;                                                                                                        \
        b = ROTR(b ^ c, 12);                                                                                           \
        a += b + (y);                                                                                                  \
        d = ROTR(d ^ a, 8);                                                                                            \
        c += d;                                                                                                        \
        b = ROTR(b ^ c, 7);                                                                                            \
    } while (0)

#define M(i) vpn__load32le(block + (size_t)4 * (i))

/* The message schedule is spelled out: with constant indices the working vector stays in registers. */
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                                    \
    do {                                                                                                               \
        G(v0, v4, v8, v12, M(s0), M(s1));                                                                              \
        G(v1, v5, v9, v13, M(s2), M(s3));                                                                              \
        G(v2, v6, v10, v14, M(s4), M(s5));                                                                             \
        G(v3, v7, v11, v15, M(s6), M(s7));                                                                             \
        G(v0, v5, v10, v15, M(s8), M(s9));                                                                             \
        G(v1, v6, v11, v12, M(s10), M(s11));                                                                           \
        G(v2, v7, v8, v13, M(s12), M(s13));                                                                            \
        G(v3, v4, v9, v14, M(s14), M(s15));                                                                            \
    } while (0)

#if defined(__GNUC__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE
#endif

/* The function F of section 3.2 on one block; `last` is the final-block flag, all ones or zero. In a frame of its own, whose
   extent FRAME_MOST knows. */
static NOINLINE void compress(uint32_t h[8], uint64_t t, uint32_t last, const uint8_t block[VPN_BLAKE2S_BLOCK_BYTES])
{
    uint32_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
    uint32_t v8 = iv[0], v9 = iv[1], v10 = iv[2], v11 = iv[3];
    uint32_t v12 = iv[4] ^ (uint32_t)t, v13 = iv[5] ^ (uint32_t)(t >> 32), v14 = iv[6] ^ last, v15 = iv[7];

    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
    ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
    ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
    ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
    ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
    ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
    ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
    ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);

    h[0] ^= v0 ^ v8;
    h[1] ^= v1 ^ v9;
    h[2] ^= v2 ^ v10;
    h[3] ^= v3 ^ v11;
    h[4] ^= v4 ^ v12;
    h[5] ^= v5 ^ v13;
    h[6] ^= v6 ^ v14;
    h[7] ^= v7 ^ v15;
}

/* More than the frames of vpn__blake2s_resume, `absorb` and `compress` and of what calls the first one in a chain, in which the
   compiler keeps words of the message wherever it likes. */
#define FRAME_MOST 1024

/* `bytes` is a multiple of the block, or less than one in the last call, where the rest of the block is zero. */
static void absorb(uint32_t h[8], uint64_t *count, const uint8_t *data, size_t bytes, uint32_t last)
{
    do {
        size_t taken = bytes < VPN_BLAKE2S_BLOCK_BYTES ? bytes : VPN_BLAKE2S_BLOCK_BYTES;
        *count += taken;
        compress(h, *count, last, data);
        data += taken;
        bytes -= taken;
    } while (bytes > 0);
}

void vpn__blake2s_burn(void)
{
    vpn__sodium_burn(FRAME_MOST);
}

static void begin(uint32_t h[8], size_t out_bytes, size_t key_bytes)
{
    memcpy(h, iv, sizeof(iv));
    h[0] ^= UINT32_C(0x01010000) ^ (uint32_t)(key_bytes << 8) ^ (uint32_t)out_bytes;
}

int vpn_blake2s_init(vpn_blake2s *state, size_t out_bytes, const uint8_t *key, size_t key_bytes)
{
    memset(state, 0, sizeof(*state));
    if (out_bytes == 0 || out_bytes > VPN_BLAKE2S_BYTES || key_bytes > VPN_BLAKE2S_KEY_BYTES || (!key && key_bytes > 0))
        return VPN_EINVAL;
    begin(state->h, out_bytes, key_bytes);
    state->out_bytes = (uint32_t)out_bytes;
    if (key_bytes > 0) {
        memcpy(state->block, key, key_bytes);
        state->fill = VPN_BLAKE2S_BLOCK_BYTES;
    }
    return 0;
}

static void blocks(vpn_blake2s *state, const uint8_t *data, size_t bytes, uint32_t last)
{
    absorb(state->h, &state->count, data, bytes, last);
}

void vpn__blake2s_update(vpn_blake2s *state, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    size_t room = VPN_BLAKE2S_BLOCK_BYTES - state->fill;
    if (bytes == 0)
        return;
    if (bytes > room) {
        if (state->fill > 0) {
            memcpy(state->block + state->fill, p, room);
            blocks(state, state->block, VPN_BLAKE2S_BLOCK_BYTES, 0);
            p += room;
            bytes -= room;
            state->fill = 0;
        }
        size_t whole = (bytes - 1) / VPN_BLAKE2S_BLOCK_BYTES * VPN_BLAKE2S_BLOCK_BYTES;
        if (whole > 0)
            blocks(state, p, whole, 0);
        p += whole;
        bytes -= whole;
    }
    memcpy(state->block + state->fill, p, bytes);
    state->fill += (uint32_t)bytes;
}

static void store(uint8_t *out, size_t out_bytes, const uint32_t h[8])
{
    uint8_t hash[VPN_BLAKE2S_BYTES];
    for (size_t i = 0; i < 8; i++)
        vpn__store32le(hash + 4 * i, h[i]);
    memcpy(out, hash, out_bytes);
}

void vpn__blake2s_final(vpn_blake2s *state, uint8_t *out)
{
    memset(state->block + state->fill, 0, VPN_BLAKE2S_BLOCK_BYTES - state->fill);
    blocks(state, state->block, state->fill, UINT32_MAX);
    store(out, state->out_bytes, state->h);
    vpn_wipe(state, sizeof(*state));
}

void vpn_blake2s_update(vpn_blake2s *state, const void *data, size_t bytes)
{
    vpn__blake2s_update(state, data, bytes);
    vpn__blake2s_burn();
}

void vpn_blake2s_final(vpn_blake2s *state, uint8_t *out)
{
    vpn__blake2s_final(state, out);
    vpn__blake2s_burn();
}

int vpn_blake2s_hash(uint8_t *out, size_t out_bytes, const void *data, size_t bytes, const uint8_t *key,
                     size_t key_bytes)
{
    vpn_blake2s state;
    if (vpn_blake2s_init(&state, out_bytes, key, key_bytes) != 0)
        return VPN_EINVAL;
    vpn__blake2s_update(&state, data, bytes);
    vpn__blake2s_final(&state, out);
    vpn__blake2s_burn();
    return 0;
}

void vpn__blake2s_first(uint32_t state[8], size_t out_bytes, size_t key_bytes,
                        const uint8_t block[VPN_BLAKE2S_BLOCK_BYTES])
{
    uint64_t count = 0;
    begin(state, out_bytes, key_bytes);
    absorb(state, &count, block, VPN_BLAKE2S_BLOCK_BYTES, 0);
}

void vpn__blake2s_keyed(uint32_t keyed[8], size_t out_bytes, const uint8_t *key, size_t key_bytes)
{
    uint8_t block[VPN_BLAKE2S_BLOCK_BYTES] = {0};
    memcpy(block, key, key_bytes);
    vpn__blake2s_first(keyed, out_bytes, key_bytes, block);
    vpn_wipe(block, sizeof(block));
    vpn__blake2s_burn();
}

void vpn__blake2s_resume(uint8_t *out, size_t out_bytes, const uint32_t state[8], const uint8_t *data, size_t bytes)
{
    uint8_t block[VPN_BLAKE2S_BLOCK_BYTES] = {0};
    size_t whole = (bytes - 1) / VPN_BLAKE2S_BLOCK_BYTES * VPN_BLAKE2S_BLOCK_BYTES;
    uint64_t count = VPN_BLAKE2S_BLOCK_BYTES;
    uint32_t h[8];
    memcpy(h, state, sizeof(h));
    if (whole > 0)
        absorb(h, &count, data, whole, 0);
    memcpy(block, data + whole, bytes - whole);
    absorb(h, &count, block, bytes - whole, UINT32_MAX);
    store(out, out_bytes, h);
}
