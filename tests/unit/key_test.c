/* SPDX-License-Identifier: ISC */
#include "common/test.h"

#include <vpn/crypto.h>
#include <vpn/key.h>

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 by table, a bit at a time. */
static void naive_base64(char out[45], const uint8_t key[32])
{
    for (size_t i = 0; i < 43; i++) {
        unsigned value = 0;
        for (size_t bit = 6 * i; bit < 6 * i + 6; bit++)
            value = value << 1 | (bit < 256 ? (unsigned)key[bit / 8] >> (7 - bit % 8) & 1u : 0);
        out[i] = base64_alphabet[value];
    }
    out[43] = '=';
    out[44] = '\0';
}

static void naive_hex(char out[65], const uint8_t key[32])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", key[i]);
}

/* The key is written in full on success and zeroed on failure. */
static int from_base64(uint8_t key[32], const char *text, size_t length)
{
    memset(key, 0xcc, 32);
    int status = vpn_key_from_base64(key, text, length);
    ck_assert(status == 0 || (status == VPN_EFORMAT && test_is_zero(key, 32)));
    return status;
}

static int from_hex(uint8_t key[32], const char *text, size_t length)
{
    memset(key, 0xcc, 32);
    int status = vpn_key_from_hex(key, text, length);
    ck_assert(status == 0 || (status == VPN_EFORMAT && test_is_zero(key, 32)));
    return status;
}

START_TEST(known_texts)
{
    static const struct {
        uint8_t byte;
        const char *base64, *hex;
    } rows[] = {
        {0x00, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
         "0000000000000000000000000000000000000000000000000000000000000000"},
        {0xff, "//////////////////////////////////////////8=",
         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
        {0xfb, "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=",
         "fbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfb"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t key[32], back[32];
        char base64[45], text[65];
        memset(key, rows[i].byte, 32);
        vpn_key_to_base64(base64, key);
        ck_assert_str_eq(base64, rows[i].base64);
        vpn_key_to_hex(text, key);
        ck_assert_str_eq(text, rows[i].hex);
        ck_assert_int_eq(from_base64(back, rows[i].base64, 44), 0);
        ck_assert_mem_eq(back, key, 32);
        ck_assert_int_eq(from_hex(back, rows[i].hex, 64), 0);
        ck_assert_mem_eq(back, key, 32);
    }
}
END_TEST

START_TEST(texts_agree_with_the_tables)
{
    uint64_t seed = 61;
    for (int round = 0; round < 3000; round++) {
        uint8_t key[32], back[32];
        char have[65], want[65];
        test_fill(&seed, key, 32);
        naive_base64(want, key);
        vpn_key_to_base64(have, key);
        ck_assert_str_eq(have, want);
        ck_assert_int_eq(from_base64(back, have, 44), 0);
        ck_assert_mem_eq(back, key, 32);
        naive_hex(want, key);
        vpn_key_to_hex(have, key);
        ck_assert_str_eq(have, want);
        ck_assert_int_eq(from_hex(back, have, 64), 0);
        ck_assert_mem_eq(back, key, 32);
    }
}
END_TEST

/* All 256 characters at each position of a base64 text. */
START_TEST(base64_every_character_everywhere)
{
    uint64_t seed = 62;
    uint8_t key[32], back[32];
    char text[45], again[45];
    test_fill(&seed, key, 32);
    vpn_key_to_base64(text, key);
    for (size_t i = 0; i < 44; i++) {
        char kept = text[i];
        for (int c = 0; c < 256; c++) {
            const char *found = c ? strchr(base64_alphabet, c) : NULL;
            int good = i == 43 ? c == '=' : found != NULL;
            if (i == 42 && found)
                good = (found - base64_alphabet) % 4 == 0; /* spare bits */
            text[i] = (char)c;
            ck_assert_int_eq(from_base64(back, text, 44), good ? 0 : VPN_EFORMAT);
            if (good) {
                vpn_key_to_base64(again, back);
                ck_assert_mem_eq(again, text, 44);
            }
        }
        text[i] = kept;
    }
}
END_TEST

START_TEST(hex_every_character_everywhere)
{
    uint64_t seed = 63;
    uint8_t key[32], back[32];
    char text[65];
    test_fill(&seed, key, 32);
    vpn_key_to_hex(text, key);
    for (size_t i = 0; i < 64; i++) {
        char kept = text[i];
        for (int c = 0; c < 256; c++) {
            int value = test_nibble((char)c);
            text[i] = (char)c;
            ck_assert_int_eq(from_hex(back, text, 64), value >= 0 ? 0 : VPN_EFORMAT);
            if (value >= 0)
                ck_assert_int_eq(i % 2 ? back[i / 2] & 15 : back[i / 2] >> 4, value);
        }
        text[i] = kept;
    }
}
END_TEST

START_TEST(hex_in_either_case)
{
    uint8_t lower[32], upper[32], mixed[32];
    ck_assert_int_eq(from_hex(lower, "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789", 64), 0);
    ck_assert_int_eq(from_hex(upper, "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789", 64), 0);
    ck_assert_int_eq(from_hex(mixed, "aBcDeF0123456789AbCdEf0123456789aBCdeF0123456789AbcDEf0123456789", 64), 0);
    ck_assert_mem_eq(lower, upper, 32);
    ck_assert_mem_eq(lower, mixed, 32);
}
END_TEST

/* Exactly the right number of characters, and none past it is read (the memory ends there). */
START_TEST(every_other_length_is_refused)
{
    for (size_t length = 0; length <= 130; length++) {
        uint8_t key[32];
        char *text = malloc(length ? length : 1);
        ck_assert_ptr_nonnull(text);
        memset(text, 'A', length);
        ck_assert_int_eq(from_hex(key, text, length), length == 64 ? 0 : VPN_EFORMAT);
        if (length)
            text[length - 1] = '=';
        ck_assert_int_eq(from_base64(key, text, length), length == 44 ? 0 : VPN_EFORMAT);
        free(text);
    }
}
END_TEST

START_TEST(texts_of_another_shape_are_refused)
{
    static const char *const base64[] = {
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA=",
        "-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    };
    uint8_t key[32];
    for (size_t i = 0; i < sizeof(base64) / sizeof(base64[0]); i++)
        ck_assert_int_eq(from_base64(key, base64[i], 44), VPN_EFORMAT);
    ck_assert_int_eq(from_hex(key, "0x00000000000000000000000000000000000000000000000000000000000000", 64),
                     VPN_EFORMAT);
}
END_TEST

START_TEST(private_keys_are_random_and_clamped)
{
    test_host host = {.seed = 64};
    vpn_env env = test_env(&host);
    uint64_t seed = 64;
    for (int round = 0; round < 100; round++) {
        uint8_t key[32], want[32];
        test_fill(&seed, want, 32);
        want[0] &= 248;
        want[31] &= 127;
        want[31] |= 64;
        ck_assert_int_eq(vpn_key_private(key, &env), 0);
        ck_assert_mem_eq(key, want, 32);
    }
}
END_TEST

START_TEST(preshared_keys_are_random)
{
    test_host host = {.seed = 65};
    vpn_env env = test_env(&host);
    uint64_t seed = 65;
    uint8_t key[32], want[32];
    test_fill(&seed, want, 32);
    ck_assert_int_eq(vpn_key_preshared(key, &env), 0);
    ck_assert_mem_eq(key, want, 32);
}
END_TEST

START_TEST(the_default_source_gives_different_keys)
{
    uint8_t keys[4][32];
    ck_assert_int_eq(vpn_key_private(keys[0], NULL), 0);
    ck_assert_int_eq(vpn_key_private(keys[1], NULL), 0);
    ck_assert_int_eq(vpn_key_preshared(keys[2], NULL), 0);
    ck_assert_int_eq(vpn_key_preshared(keys[3], NULL), 0);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(keys[i], keys[j], 32);
}
END_TEST

START_TEST(failed_randomness_leaves_no_key)
{
    int (*const make[])(uint8_t *, const vpn_env *) = {vpn_key_private, vpn_key_preshared};
    for (size_t i = 0; i < 2; i++) {
        test_host host = {.random_status = -1};
        vpn_env env = test_env(&host);
        uint8_t key[32];
        memset(key, 0xcc, 32);
        ck_assert_int_eq(make[i](key, &env), VPN_ERANDOM);
        ck_assert(test_is_zero(key, 32));
        memset(key, 0xcc, 32);
        env.size = 3;
        ck_assert_int_eq(make[i](key, &env), VPN_EINVAL);
        ck_assert(test_is_zero(key, 32));
    }
}
END_TEST

START_TEST(public_keys_are_x25519_of_the_base_point)
{
    const uint8_t base[32] = {9};
    uint64_t seed = 66;
    for (int round = 0; round < 100; round++) {
        uint8_t key[32], have[32], want[32];
        test_fill(&seed, key, 32);
        if (round == 0)
            memset(key, 0, 32);
        vpn_key_public(have, key);
        ck_assert_int_eq(vpn_x25519(want, key, base), 0);
        ck_assert_mem_eq(have, want, 32);
        vpn_key_public(key, key);
        ck_assert_mem_eq(key, want, 32);
    }
}
END_TEST

START_TEST(zero_is_told_from_every_single_bit)
{
    uint8_t key[32] = {0};
    ck_assert_int_eq(vpn_key_is_zero(key), 1);
    for (size_t bit = 0; bit < 256; bit++) {
        key[bit / 8] = (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(vpn_key_is_zero(key), 0);
        key[bit / 8] = 0;
    }
}
END_TEST

static Suite *key_suite(void)
{
    Suite *suite = suite_create("key");
    test_add(suite, "known", known_texts);
    test_add(suite, "tables", texts_agree_with_the_tables);
    test_add(suite, "base64", base64_every_character_everywhere);
    test_add(suite, "hex", hex_every_character_everywhere);
    test_add(suite, "case", hex_in_either_case);
    test_add(suite, "lengths", every_other_length_is_refused);
    test_add(suite, "shapes", texts_of_another_shape_are_refused);
    test_add(suite, "private", private_keys_are_random_and_clamped);
    test_add(suite, "preshared", preshared_keys_are_random);
    test_add(suite, "default", the_default_source_gives_different_keys);
    test_add(suite, "no randomness", failed_randomness_leaves_no_key);
    test_add(suite, "public", public_keys_are_x25519_of_the_base_point);
    test_add(suite, "zero", zero_is_told_from_every_single_bit);
    return suite;
}

TEST_MAIN(key_suite)
