/* SPDX-License-Identifier: ISC */
#include "scenario/forge.h"

#include <stdlib.h>
#include <string.h>

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* Without Check, whose assertions only work in its runner. */
static void must(int holds)
{
    if (!holds)
        abort();
}

uint32_t forge_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t forge_le64(const uint8_t *p)
{
    return forge_le32(p) | (uint64_t)forge_le32(p + 4) << 32;
}

static void put_le(uint8_t *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_be(uint8_t *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        p[bytes - 1 - i] = (uint8_t)(value >> (8 * i));
    }
}

void forge_bytes(struct forger *f, uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        f->seed ^= f->seed << 13;
        f->seed ^= f->seed >> 7;
        f->seed ^= f->seed << 17;
        out[i] = (uint8_t)(f->seed >> 32);
    }
}

void forge_new(struct forger *f, uint64_t seed, uint8_t n)
{
    memset(f, 0, sizeof *f);
    f->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    forge_bytes(f, f->private_key, 32);
    vpn_key_public(f->public_key, f->private_key);
    f->at.family = 4;
    f->at.port = 1000;
    f->at.addr[0] = 198;
    f->at.addr[1] = 51;
    f->at.addr[2] = 100;
    f->at.addr[3] = n;
}

void forge_stamp(uint8_t out[12], uint64_t seconds, uint32_t nanoseconds)
{
    put_be(out, UINT64_C(0x400000000000000a) + seconds, 8);
    put_be(out + 8, nanoseconds & ~UINT32_C(0xffffff), 4);
}

static void mix_hash(struct forger *f, const uint8_t *data, size_t bytes)
{
    vpn_blake2s state;
    must(vpn_blake2s_init(&state, 32, NULL, 0) == 0);
    vpn_blake2s_update(&state, f->hash, 32);
    vpn_blake2s_update(&state, data, bytes);
    vpn_blake2s_final(&state, f->hash);
}

static void start(struct forger *f, const uint8_t responder[32])
{
    vpn_blake2s_hash(f->chain, 32, construction, sizeof construction - 1, NULL, 0);
    memcpy(f->hash, f->chain, 32);
    mix_hash(f, (const uint8_t *)identifier, sizeof identifier - 1);
    mix_hash(f, responder, 32);
}

static void mix_dh(struct forger *f, uint8_t key[32], const uint8_t scalar[32], const uint8_t point[32])
{
    uint8_t shared[32];
    must(vpn_x25519(shared, scalar, point) == 0);
    vpn_hkdf(f->chain, key, NULL, f->chain, shared, 32);
}

/* What a reader who does not look agrees on with a public key of low order: zero, whoever sent it. */
static void mix_zero(struct forger *f, uint8_t key[32])
{
    const uint8_t shared[32] = {0};
    vpn_hkdf(f->chain, key, NULL, f->chain, shared, 32);
}

static void mix_ours(struct forger *f, uint8_t key[32], int weak, const uint8_t scalar[32], const uint8_t point[32])
{
    if (weak) {
        mix_zero(f, key);
    } else {
        mix_dh(f, key, scalar, point);
    }
}

static void draw_ephemeral(struct forger *f, uint8_t public_key[32])
{
    forge_bytes(f, f->ephemeral, 32);
    vpn_key_public(public_key, f->ephemeral);
    if (f->weak_ephemeral) {
        memcpy(public_key, f->point, 32);
    }
}

static void seal(struct forger *f, uint8_t *out, const uint8_t *text, size_t length, const uint8_t key[32])
{
    const uint8_t nonce[12] = {0};
    vpn_aead_seal(out, text, length, f->hash, 32, nonce, key);
    mix_hash(f, out, length + 16);
}

static int open_sealed(struct forger *f, uint8_t *out, const uint8_t *sealed, size_t length, const uint8_t key[32])
{
    const uint8_t nonce[12] = {0};
    if (vpn_aead_open(out, sealed, length, f->hash, 32, nonce, key) != 0) {
        return -1;
    }
    mix_hash(f, sealed, length);
    return 0;
}

static void label_key(uint8_t out[32], const char label[8], const uint8_t public_key[32])
{
    uint8_t input[40];
    memcpy(input, label, 8);
    memcpy(input + 8, public_key, 32);
    vpn_blake2s_hash(out, 32, input, 40, NULL, 0);
}

void forge_macs(struct forger *f, uint8_t *message, size_t length)
{
    uint8_t key[32];
    label_key(key, "mac1----", f->remote);
    vpn_blake2s_hash(message + length - 32, 16, message, length - 32, key, 32);
    memcpy(f->last_mac1, message + length - 32, 16);
    memset(message + length - 16, 0, 16);
    if (f->has_cookie) {
        vpn_blake2s_hash(message + length - 16, 16, message, length - 16, f->cookie, 16);
    }
}

/* Everything up to the sealed static key. */
static void initiation_head(struct forger *f, uint8_t out[148], const uint8_t remote[32], const uint8_t claimed[32])
{
    uint8_t key[32];
    memset(out, 0, 148);
    out[0] = 1;
    memcpy(f->remote, remote, 32);
    forge_bytes(f, out + 4, 4);
    f->index = forge_le32(out + 4);
    draw_ephemeral(f, out + 8);
    start(f, remote);
    vpn_hkdf(f->chain, NULL, NULL, f->chain, out + 8, 32);
    mix_hash(f, out + 8, 32);
    mix_ours(f, key, f->weak_ephemeral, f->ephemeral, remote);
    seal(f, out + 40, claimed, 32, key);
}

void forge_initiation(struct forger *f, uint8_t out[148], const uint8_t remote[32], const uint8_t stamp[12])
{
    uint8_t key[32];
    initiation_head(f, out, remote, f->public_key);
    mix_ours(f, key, f->weak_static, f->private_key, remote);
    seal(f, out + 88, stamp, 12, key);
    forge_macs(f, out, 148);
}

void forge_claim(struct forger *f, uint8_t out[148], const uint8_t remote[32], const uint8_t claimed[32])
{
    initiation_head(f, out, remote, claimed);
    forge_bytes(f, out + 88, 28);
    forge_macs(f, out, 148);
}

int forge_read_initiation(struct forger *f, const uint8_t message[148], uint8_t stamp[12])
{
    uint8_t key[32];
    start(f, f->public_key);
    memcpy(f->remote_ephemeral, message + 8, 32);
    vpn_hkdf(f->chain, NULL, NULL, f->chain, message + 8, 32);
    mix_hash(f, message + 8, 32);
    mix_dh(f, key, f->private_key, message + 8);
    if (open_sealed(f, f->remote, message + 40, 48, key) != 0) {
        return -1;
    }
    mix_dh(f, key, f->private_key, f->remote);
    if (open_sealed(f, stamp, message + 88, 28, key) != 0) {
        return -1;
    }
    f->remote_index = forge_le32(message + 4);
    return 0;
}

/* The part of 5.4.3 and 5.4.5 that both sides share, once the three DH results are mixed in. */
static void mix_psk(struct forger *f, uint8_t key[32])
{
    uint8_t tau[32];
    vpn_hkdf(f->chain, tau, key, f->chain, f->psk, 32);
    mix_hash(f, tau, 32);
}

void forge_response(struct forger *f, uint8_t out[92])
{
    uint8_t key[32];
    memset(out, 0, 92);
    out[0] = 2;
    forge_bytes(f, out + 4, 4);
    f->index = forge_le32(out + 4);
    put_le(out + 8, f->remote_index, 4);
    draw_ephemeral(f, out + 12);
    vpn_hkdf(f->chain, NULL, NULL, f->chain, out + 12, 32);
    mix_hash(f, out + 12, 32);
    mix_ours(f, key, f->weak_ephemeral, f->ephemeral, f->remote_ephemeral);
    mix_ours(f, key, f->weak_ephemeral, f->ephemeral, f->remote);
    mix_psk(f, key);
    seal(f, out + 44, NULL, 0, key);
    vpn_hkdf(f->receive, f->send, NULL, f->chain, NULL, 0);
    forge_macs(f, out, 92);
    f->counter = 0;
}

int forge_read_response(struct forger *f, const uint8_t message[92])
{
    uint8_t key[32], nothing[1];
    struct forger work = *f;
    if (message[0] != 2 || forge_le32(message + 8) != f->index) {
        return -1;
    }
    vpn_hkdf(work.chain, NULL, NULL, work.chain, message + 12, 32);
    mix_hash(&work, message + 12, 32);
    mix_dh(&work, key, work.ephemeral, message + 12);
    mix_dh(&work, key, work.private_key, message + 12);
    mix_psk(&work, key);
    if (open_sealed(&work, nothing, message + 44, 16, key) != 0) {
        return -1;
    }
    work.remote_index = forge_le32(message + 4);
    vpn_hkdf(work.send, work.receive, NULL, work.chain, NULL, 0);
    work.counter = 0;
    *f = work;
    return 0;
}

void forge_cookie_reply(struct forger *f, uint8_t out[64], const uint8_t *message, size_t length,
                        const uint8_t cookie[16])
{
    uint8_t key[32];
    memset(out, 0, 64);
    out[0] = 3;
    memcpy(out + 4, message + 4, 4);
    forge_bytes(f, out + 8, 24);
    label_key(key, "cookie--", f->public_key);
    vpn_xaead_seal(out + 32, cookie, 16, message + length - 32, 16, out + 8, key);
}

int forge_read_cookie_reply(struct forger *f, const uint8_t message[64])
{
    uint8_t key[32];
    label_key(key, "cookie--", f->remote);
    if (message[0] != 3 || forge_le32(message + 4) != f->index ||
        vpn_xaead_open(f->cookie, message + 32, 32, f->last_mac1, 16, message + 8, key) != 0) {
        return -1;
    }
    f->has_cookie = 1;
    return 0;
}

uint32_t forge_data(struct forger *f, uint8_t *out, uint64_t counter, const uint8_t *text, uint32_t length)
{
    uint8_t nonce[12] = {0};
    memset(out, 0, 16);
    out[0] = 4;
    put_le(out + 4, f->remote_index, 4);
    put_le(out + 8, counter, 8);
    put_le(nonce + 4, counter, 8);
    vpn_aead_seal(out + 16, text, length, NULL, 0, nonce, f->send);
    return length + 32;
}

int forge_open(const struct forger *f, const uint8_t *message, uint32_t length, uint8_t *text, uint64_t *counter)
{
    uint8_t nonce[12] = {0};
    if (length < 32 || message[0] != 4 || forge_le32(message + 4) != f->index) {
        return -1;
    }
    *counter = forge_le64(message + 8);
    put_le(nonce + 4, *counter, 8);
    if (vpn_aead_open(text, message + 16, length - 16, NULL, 0, nonce, f->receive) != 0) {
        return -1;
    }
    return (int)(length - 32);
}
