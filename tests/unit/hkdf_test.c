/* SPDX-License-Identifier: ISC */
/* RFC 2104 and RFC 5869 over BLAKE2s. The literal answers were made with Python's hmac and hashlib. */
#include "common/test.h"

#include <vpn/crypto.h>

/* HMAC by its definition, on one flat buffer. */
static void naive_hmac(uint8_t out[32], const uint8_t *key, size_t key_bytes, const uint8_t *data, size_t bytes)
{
    static uint8_t flat[64 + 1024];
    uint8_t block[64] = {0}, outer[64 + 32];
    ck_assert_uint_le(bytes, 1024);
    if (key_bytes > 64)
        ck_assert_int_eq(vpn_blake2s_hash(block, 32, key, key_bytes, NULL, 0), 0);
    else if (key_bytes)
        memcpy(block, key, key_bytes);
    for (size_t i = 0; i < 64; i++) {
        flat[i] = block[i] ^ 0x36;
        outer[i] = block[i] ^ 0x5c;
    }
    if (bytes)
        memcpy(flat + 64, data, bytes);
    ck_assert_int_eq(vpn_blake2s_hash(outer + 64, 32, flat, 64 + bytes, NULL, 0), 0);
    ck_assert_int_eq(vpn_blake2s_hash(out, 32, outer, sizeof(outer), NULL, 0), 0);
}

/* HKDF by its definition: PRK, then T(n) = HMAC(PRK, T(n-1) | n). */
static void naive_hkdf(uint8_t out[3][32], const uint8_t *salt, const uint8_t *input, size_t bytes)
{
    uint8_t prk[32], text[33];
    naive_hmac(prk, salt, 32, input, bytes);
    naive_hmac(out[0], prk, 32, (const uint8_t *)"\1", 1);
    for (size_t i = 1; i < 3; i++) {
        memcpy(text, out[i - 1], 32);
        text[32] = (uint8_t)(i + 1);
        naive_hmac(out[i], prk, 32, text, 33);
    }
}

START_TEST(hmac_known_answers)
{
    static const struct {
        size_t key_bytes, bytes;
        const char *mac;
    } rows[] = {
        {0, 0, "eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd"},
        {32, 32, "0138285054d8af8145e095d027b4062232925f56d10f4d8139e911815276b5c5"},
        {32, 0, "e2641d24dfa8dd89e8cb77f1cdc77d8c006e5bebdfc4d6a3a3a6f8d5b7586fb0"},
        {63, 1, "89b9cdf0cf5f3a5e3e9d1a0cd9b83e00467699cd394c11a790b1fd5c73f17a16"},
        {64, 100, "517e37459d80aeb63cec2b657f348b2cbf877049beba5a0913d3e70bc5e851ad"},
        {65, 100, "62be40c6ce85a6ac61b66607a112ff99c23280e7ed75e37a9a656c6d578908c7"},
        {200, 3, "c4b243696d546d995a83f486a7788e48e42a8dbecfdfa862085cb45a329ff8f8"},
        {131, 152, "0182b07d4cd35905a2e40e27026d2b9e43b5a1256a92774fd730149729be6333"},
    };
    uint8_t key[256], data[256], out[32];
    for (size_t i = 0; i < 256; i++) {
        key[i] = (uint8_t)i;
        data[i] = (uint8_t)(255 - i);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        vpn_hmac(out, rows[i].key_bytes ? key : NULL, rows[i].key_bytes, rows[i].bytes ? data : NULL, rows[i].bytes);
        test_expect_hex(out, sizeof(out), rows[i].mac);
    }
}
END_TEST

/* Keys of 0..200 bytes, all MACs hashed together. */
START_TEST(hmac_every_key_length)
{
    uint8_t counting[256], out[32];
    vpn_blake2s all;
    for (size_t i = 0; i < 256; i++)
        counting[i] = (uint8_t)i;
    ck_assert_int_eq(vpn_blake2s_init(&all, 32, NULL, 0), 0);
    for (size_t bytes = 0; bytes <= 200; bytes++) {
        vpn_hmac(out, counting, bytes, counting, bytes % 67);
        vpn_blake2s_update(&all, out, sizeof(out));
    }
    vpn_blake2s_final(&all, out);
    test_expect_hex(out, 32, "c804bc5660e389ba91b5f6b6cc5eaa97f9a4b1246fb83bf325dd8f56c4bf7744");
}
END_TEST

START_TEST(hmac_agrees_with_its_definition)
{
    uint64_t seed = 11;
    uint8_t key[300], data[1024], have[32], want[32];
    for (int round = 0; round < 3000; round++) {
        size_t key_bytes = test_below(&seed, sizeof(key)), bytes = test_below(&seed, sizeof(data));
        test_fill(&seed, key, key_bytes);
        test_fill(&seed, data, bytes);
        vpn_hmac(have, key, key_bytes, data, bytes);
        naive_hmac(want, key, key_bytes, data, bytes);
        ck_assert_mem_eq(have, want, 32);
    }
}
END_TEST

START_TEST(hkdf_known_answers)
{
    static const struct {
        size_t bytes;
        const char *out[3];
    } rows[] = {
        {0,
         {"7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624",
          "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd",
          "4eaf02809ac4b930ef63479de62275f1c55656e61f78a3cc653c18a2223d6c5f"}},
        {32,
         {"a1184f94acc4df8cc7ec312b85b80bdaac0ae5248c7d82841ccc1c37c01de2fb",
          "92a78c15c9df42c2b3e06157d8bb680cea4b01aa8f5f8798703581baed6b23f0",
          "bb562bc2ff5cc7efcc186849bbafeca342467e2fd5932b34b64654ec6591dfd0"}},
        {100,
         {"8ddf35d5e7ccdcecc4f67a98d77c60727acf56933c4d2015939fe4d009697201",
          "12cdd6a748aa747dd6e2454b443452cb7973507606650013886eccd19a6a353b",
          "cab9c96cd6a6a58c66750b73305fc1362243cae8271a0ee166f782b42499a9ee"}},
    };
    uint8_t salt[32], input[100], out[3][32];
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < sizeof(salt); i++)
        salt[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        vpn_hkdf(out[0], out[1], out[2], salt, rows[i].bytes ? input : NULL, rows[i].bytes);
        for (size_t j = 0; j < 3; j++)
            test_expect_hex(out[j], 32, rows[i].out[j]);
    }
}
END_TEST

/* Which outputs are asked for changes none of the others. */
START_TEST(hkdf_every_choice_of_outputs)
{
    uint64_t seed = 12;
    for (int round = 0; round < 400; round++) {
        uint8_t salt[32], input[200], want[3][32], out[3][32], untouched[32];
        size_t bytes = test_below(&seed, sizeof(input));
        int second = round & 1, third = round & 2;
        test_fill(&seed, salt, sizeof(salt));
        test_fill(&seed, input, bytes);
        memset(out, 0xcc, sizeof(out));
        memset(untouched, 0xcc, sizeof(untouched));
        naive_hkdf(want, salt, input, bytes);
        vpn_hkdf(out[0], second ? out[1] : NULL, third ? out[2] : NULL, salt, input, bytes);
        ck_assert_mem_eq(out[0], want[0], 32);
        ck_assert_mem_eq(out[1], second ? want[1] : untouched, 32);
        ck_assert_mem_eq(out[2], third ? want[2] : untouched, 32);
    }
}
END_TEST

START_TEST(hkdf_outputs_may_be_salt_or_input)
{
    uint64_t seed = 13;
    uint8_t salt[32], input[32], want[3][32], memory[3][32];
    test_fill(&seed, salt, sizeof(salt));
    test_fill(&seed, input, sizeof(input));
    naive_hkdf(want, salt, input, sizeof(input));
    for (size_t at = 0; at < 3; at++) {
        for (size_t other = 0; other < 3; other++) {
            if (other == at)
                continue;
            memcpy(memory[at], salt, 32);
            memcpy(memory[other], input, 32);
            vpn_hkdf(memory[0], memory[1], memory[2], memory[at], memory[other], 32);
            ck_assert_mem_eq(memory, want, sizeof(want));
        }
    }
}
END_TEST

static Suite *hkdf_suite(void)
{
    Suite *suite = suite_create("hkdf");
    test_add(suite, "hmac known", hmac_known_answers);
    test_add(suite, "hmac key lengths", hmac_every_key_length);
    test_add(suite, "hmac definition", hmac_agrees_with_its_definition);
    test_add(suite, "hkdf known", hkdf_known_answers);
    test_add(suite, "hkdf outputs", hkdf_every_choice_of_outputs);
    test_add(suite, "hkdf in place", hkdf_outputs_may_be_salt_or_input);
    return suite;
}

TEST_MAIN(hkdf_suite)
