/* SPDX-License-Identifier: ISC */
/* Texts of keys without a branch or a table index that depends on the key: an alphabet is a few runs of characters, and
 * every character is held against every run. */
#include <vpn/key.h>

#include "base/env.h"
#include "crypto/sodium.h"

#include <string.h>

/* Characters from `first` on stand for the values from `value` on. */
typedef struct run {
    uint8_t first;
    uint8_t count;
    uint8_t value;
} run;

static const run base64[] = {{'A', 26, 0}, {'a', 26, 26}, {'0', 10, 52}, {'+', 1, 62}, {'/', 1, 63}};
static const run hex[] = {{'0', 10, 0}, {'a', 6, 10}, {'A', 6, 10}};
#define BASE64_RUNS 5
#define HEX_RUNS    2 /* to write: lower case */
#define HEX_RUNS_IN 3

/* All ones when x < n, else zero. */
static uint32_t below(uint32_t x, uint32_t n)
{
    return 0 - (uint32_t)(((uint64_t)x - n) >> 63);
}

static char encode(const run *runs, size_t n, uint32_t value)
{
    uint32_t c = 0;
    for (size_t i = 0; i < n; i++)
        c |= below(value - runs[i].value, runs[i].count) & (value - runs[i].value + runs[i].first);
    return (char)c;
}

/* The value of a character; clears *valid when it is in no run. */
static uint32_t decode(const run *runs, size_t n, char c, uint32_t *valid)
{
    uint32_t value = 0, found = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t distance = (uint32_t)(uint8_t)c - runs[i].first, inside = below(distance, runs[i].count);
        value |= inside & (distance + runs[i].value);
        found |= inside;
    }
    *valid &= found;
    return value;
}

/* `bits` bits a character. The bits past the last whole byte are given back. */
static uint32_t decode_key(uint8_t key[VPN_KEY_BYTES], const char *text, size_t chars, unsigned bits, const run *runs,
                           size_t n, uint32_t *valid)
{
    uint32_t pending = 0;
    unsigned have = 0;
    size_t at = 0;
    for (size_t i = 0; i < chars; i++) {
        pending = pending << bits | decode(runs, n, text[i], valid);
        have += bits;
        if (have >= 8) {
            have -= 8;
            key[at++] = (uint8_t)(pending >> have);
        }
    }
    return pending & ((UINT32_C(1) << have) - 1);
}

/* `fault` is zero for a sound text; else the key is zeroed. What the fault is depends on the text, so nothing branches on it
 * before the caller does. */
static int finish(uint8_t key[VPN_KEY_BYTES], uint32_t fault)
{
    uint32_t sound = below(fault, 1);
    for (size_t i = 0; i < VPN_KEY_BYTES; i++)
        key[i] &= (uint8_t)sound;
    return -(int)(~sound & (uint32_t)-VPN_EFORMAT);
}

static int wrong_length(uint8_t key[VPN_KEY_BYTES])
{
    vpn_wipe(key, VPN_KEY_BYTES);
    return VPN_EFORMAT;
}

void vpn_key_to_base64(char out[VPN_KEY_BASE64_CHARS + 1], const uint8_t key[VPN_KEY_BYTES])
{
    uint32_t pending = 0;
    unsigned have = 0;
    for (size_t i = 0; i < VPN_KEY_BYTES; i++) {
        pending = pending << 8 | key[i];
        for (have += 8; have >= 6;) {
            have -= 6;
            *out++ = encode(base64, BASE64_RUNS, pending >> have & 63);
        }
    }
    /* 4 bits are left: 32 bytes are 256 = 42 * 6 + 4 bits */
    *out++ = encode(base64, BASE64_RUNS, pending << 2 & 63);
    *out++ = '=';
    *out = '\0';
}

int vpn_key_from_base64(uint8_t key[VPN_KEY_BYTES], const char *text, size_t length)
{
    uint32_t valid = UINT32_MAX;
    if (length != VPN_KEY_BASE64_CHARS)
        return wrong_length(key);
    uint32_t spare = decode_key(key, text, VPN_KEY_BASE64_CHARS - 1, 6, base64, BASE64_RUNS, &valid);
    return finish(key, ~valid | spare | ((uint8_t)text[VPN_KEY_BASE64_CHARS - 1] ^ (uint32_t)'='));
}

void vpn_key_to_hex(char out[VPN_KEY_HEX_CHARS + 1], const uint8_t key[VPN_KEY_BYTES])
{
    for (size_t i = 0; i < VPN_KEY_BYTES; i++) {
        *out++ = encode(hex, HEX_RUNS, key[i] >> 4);
        *out++ = encode(hex, HEX_RUNS, key[i] & 15);
    }
    *out = '\0';
}

int vpn_key_from_hex(uint8_t key[VPN_KEY_BYTES], const char *text, size_t length)
{
    uint32_t valid = UINT32_MAX;
    if (length != VPN_KEY_HEX_CHARS)
        return wrong_length(key);
    (void)decode_key(key, text, VPN_KEY_HEX_CHARS, 4, hex, HEX_RUNS_IN, &valid);
    return finish(key, ~valid);
}

int vpn_key_preshared(uint8_t key[VPN_KEY_BYTES], const vpn_env *env)
{
    vpn_env host;
    memset(key, 0, VPN_KEY_BYTES);
    int status = vpn__env_init(&host, env);
    return status ? status : vpn__random(&host, key, VPN_KEY_BYTES);
}

int vpn_key_private(uint8_t key[VPN_KEY_BYTES], const vpn_env *env)
{
    int status = vpn_key_preshared(key, env);
    if (status)
        return status;
    key[0] &= 0xf8;
    key[31] = (uint8_t)((key[31] & 0x7f) | 0x40);
    return 0;
}

void vpn_key_public(uint8_t out[VPN_KEY_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    vpn__sodium_ready();
    (void)crypto_scalarmult_curve25519_base(out, key);
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
}

int vpn_key_is_zero(const uint8_t key[VPN_KEY_BYTES])
{
    return sodium_is_zero(key, VPN_KEY_BYTES);
}
