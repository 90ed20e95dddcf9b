/* SPDX-License-Identifier: ISC */
/* ChaCha20-Poly1305 as RFC 8439 writes it down, in bytes and by schoolbook arithmetic: slow, portable, easy to review. It
   shares nothing with what is tested. */
#ifndef VPN_TESTS_MEMORY_NAIVE_H
#define VPN_TESTS_MEMORY_NAIVE_H

#include <stdint.h>
#include <string.h>

static inline uint32_t naive_load(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void naive_store(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t naive_turn(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

/* Section 2.1 */
static inline void naive_quarter(uint32_t s[16], int a, int b, int c, int d)
{
    s[a] += s[b], s[d] = naive_turn(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = naive_turn(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = naive_turn(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = naive_turn(s[b] ^ s[c], 7);
}

/* Section 2.3 */
static inline void naive_block(uint8_t out[64], const uint8_t key[32], uint32_t counter, const uint8_t nonce[12])
{
    uint32_t from[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, s[16];
    for (int i = 0; i < 8; i++)
        from[4 + i] = naive_load(key + 4 * i);
    from[12] = counter;
    for (int i = 0; i < 3; i++)
        from[13 + i] = naive_load(nonce + 4 * i);
    memcpy(s, from, sizeof s);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++)
            naive_quarter(s, i, 4 + i, 8 + i, 12 + i);
        for (int i = 0; i < 4; i++)
            naive_quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        naive_store(out + 4 * i, s[i] + from[i], 4);
}

/* Section 2.4, from block 1 on */
static inline void naive_chacha(uint8_t *data, size_t bytes, const uint8_t key[32], const uint8_t nonce[12])
{
    uint8_t block[64];
    for (size_t i = 0; i < bytes; i++) {
        if (i % 64 == 0)
            naive_block(block, key, (uint32_t)(i / 64) + 1, nonce);
        data[i] ^= block[i % 64];
    }
}

/* Section 2.5: the accumulator in 17 digits of 8 bits, and 2^130 is 5 */
struct naive_poly {
    uint32_t h[17], r[17];
    uint8_t s[16];
};

static inline void naive_poly_add(struct naive_poly *p, const uint8_t *data, size_t bytes)
{
    uint32_t sum[17], carry = 0;
    for (size_t i = 0; i < 17; i++) {
        carry += p->h[i] + (i < bytes ? data[i] : i == bytes ? 1u : 0);
        p->h[i] = carry & 255;
        carry >>= 8;
    }
    for (size_t i = 0; i < 17; i++) {
        sum[i] = 0;
        /* the digit j places past the end counts 2^136 = 64 * 2^130, so 320 times */
        for (size_t j = 0; j < 17; j++)
            sum[i] += p->h[j] * (j <= i ? p->r[i - j] : 320 * p->r[i + 17 - j]);
    }
    for (int pass = 0; pass < 2; pass++) {
        carry = 0;
        for (size_t i = 0; i < 17; i++) {
            sum[i] += carry;
            carry = sum[i] >> 8;
            sum[i] &= 255;
        }
        sum[0] += 320 * carry + 5 * (sum[16] >> 2);
        sum[16] &= 3;
    }
    carry = 0;
    for (size_t i = 0; i < 17; i++) {
        sum[i] += carry;
        carry = sum[i] >> 8;
        p->h[i] = sum[i] & 255;
    }
}

static inline void naive_poly_start(struct naive_poly *p, const uint8_t key[32])
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < 16; i++)
        p->r[i] = i % 4 == 3 ? key[i] & 15u : i % 4 == 0 && i > 0 ? key[i] & 252u : key[i];
    memcpy(p->s, key + 16, 16);
}

static inline void naive_poly_end(struct naive_poly *p, uint8_t tag[16])
{
    static const uint32_t minus[17] = {5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 252};
    uint32_t less[17], carry = 0;
    for (size_t i = 0; i < 17; i++) {
        carry += p->h[i] + minus[i];
        less[i] = carry & 255;
        carry >>= 8;
    }
    /* h + 5 - 2^130 is not negative exactly when h is not reduced */
    const uint32_t *h = less[16] & 128 ? p->h : less;
    carry = 0;
    for (size_t i = 0; i < 16; i++) {
        carry += h[i] + p->s[i];
        tag[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* Section 2.8, in place: the tag over `data` when it is sealed */
static inline void naive_tag(uint8_t tag[16], const uint8_t *data, size_t bytes, const uint8_t *ad, size_t ad_bytes,
                             const uint8_t nonce[12], const uint8_t key[32])
{
    struct naive_poly p;
    uint8_t block[64], lengths[16];
    naive_block(block, key, 0, nonce);
    naive_poly_start(&p, block);
    for (int part = 0; part < 2; part++) {
        const uint8_t *from = part ? data : ad;
        size_t left = part ? bytes : ad_bytes;
        for (; left > 0; left -= left < 16 ? left : 16, from += 16) {
            uint8_t padded[16] = {0};
            memcpy(padded, from, left < 16 ? left : 16);
            naive_poly_add(&p, padded, 16);
        }
    }
    naive_store(lengths, ad_bytes, 8);
    naive_store(lengths + 8, bytes, 8);
    naive_poly_add(&p, lengths, 16);
    naive_poly_end(&p, tag);
}

static inline void naive_seal(uint8_t *data, size_t bytes, const uint8_t *ad, size_t ad_bytes, const uint8_t nonce[12],
                              const uint8_t key[32])
{
    naive_chacha(data, bytes, key, nonce);
    naive_tag(data + bytes, data, bytes, ad, ad_bytes, nonce, key);
}

#endif
