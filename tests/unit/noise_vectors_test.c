/* SPDX-License-Identifier: ISC */
/* The published vector of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s: both sides, byte for byte. */
#include "wireguard/noise.h"

#include "common/vectors.h"

#define FILE_NAME "noise_ikpsk2_test.json"

struct side {
    struct vpn__noise_local local;
    struct vpn__noise noise;
    uint8_t ephemeral[32];
    uint8_t psk[32];
};

static uint8_t text[256], sealed[256], have[256];
static size_t text_bytes, sealed_bytes;

static void key(uint8_t out[32], const cJSON *vector, const char *name)
{
    ck_assert_uint_eq(test_vectors_hex(out, 32, vector, name), 32);
}

static void load_side(struct side *side, const cJSON *vector, const char *role)
{
    char name[32];
    memset(side, 0, sizeof(*side));
    snprintf(name, sizeof(name), "%s_static", role);
    key(side->local.private_key, vector, name);
    vpn_key_public(side->local.public_key, side->local.private_key);
    snprintf(name, sizeof(name), "%s_ephemeral", role);
    key(side->ephemeral, vector, name);
    snprintf(name, sizeof(name), "%s_psks", role);
    const cJSON *psks = cJSON_GetObjectItemCaseSensitive(vector, name);
    ck_assert_int_eq(cJSON_GetArraySize(psks), 1);
    ck_assert_uint_eq(test_hex(side->psk, 32, cJSON_GetStringValue(cJSON_GetArrayItem(psks, 0))), 32);
}

static void load_message(const cJSON *vector, int i)
{
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(vector, "messages");
    const cJSON *message = cJSON_GetArrayItem(messages, i);
    ck_assert_ptr_nonnull(message);
    text_bytes = test_vectors_hex(text, sizeof(text), message, "payload");
    sealed_bytes = test_vectors_hex(sealed, sizeof(sealed), message, "ciphertext");
}

static void begin(struct side *side, const cJSON *vector, const char *name, const uint8_t responder[32])
{
    uint8_t prologue[64];
    size_t bytes = test_vectors_hex(prologue, sizeof(prologue), vector, name);
    vpn__noise_begin(&side->noise, prologue, bytes, responder);
}

static void first(struct side *initiator, struct side *responder, const cJSON *vector)
{
    uint8_t ss[32], remote[32];
    load_message(vector, 0);
    ck_assert_int_eq(vpn__noise_dh(NULL, ss, initiator->local.private_key, responder->local.public_key), 0);
    ck_assert_uint_eq(sealed_bytes, VPN__NOISE_FIRST(text_bytes));
    ck_assert_int_eq(vpn__noise_write_first(&initiator->noise, have, &initiator->local, responder->local.public_key, ss,
                                            initiator->ephemeral, text, text_bytes),
                     0);
    ck_assert_mem_eq(have, sealed, sealed_bytes);
    ck_assert_int_eq(vpn__noise_read_static(&responder->noise, sealed, &responder->local, remote), 0);
    ck_assert_mem_eq(remote, initiator->local.public_key, 32);
    ck_assert_int_eq(vpn__noise_read_payload(&responder->noise, sealed, ss, have, text_bytes), 0);
    ck_assert_mem_eq(have, text, text_bytes);
    ck_assert_mem_eq(initiator->noise.hash, responder->noise.hash, 32);
}

static void second(struct side *initiator, struct side *responder, const cJSON *vector)
{
    load_message(vector, 1);
    ck_assert_uint_eq(sealed_bytes, VPN__NOISE_SECOND(text_bytes));
    ck_assert_int_eq(vpn__noise_write_second(&responder->noise, have, NULL, initiator->local.public_key, responder->psk,
                                             responder->ephemeral, text, text_bytes),
                     0);
    ck_assert_mem_eq(have, sealed, sealed_bytes);
    ck_assert_int_eq(vpn__noise_read_second(&initiator->noise, sealed, &initiator->local, initiator->psk,
                                            initiator->ephemeral, have, text_bytes),
                     0);
    ck_assert_mem_eq(have, text, text_bytes);
}

/* Messages from the third on go to and fro, each direction counting by itself. */
static void transport(const struct side *initiator, const struct side *responder, const cJSON *vector)
{
    uint8_t keys[2][32], other[2][32];
    int messages = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(vector, "messages"));
    vpn__noise_split(&initiator->noise, keys[0], keys[1]);
    vpn__noise_split(&responder->noise, other[0], other[1]);
    ck_assert_mem_eq(keys, other, sizeof(keys));
    ck_assert_int_gt(messages, 2);
    for (int i = 2; i < messages; i++) {
        uint8_t nonce[VPN_NONCE_BYTES] = {0};
        nonce[4] = (uint8_t)((i - 2) / 2);
        load_message(vector, i);
        vpn_aead_seal(have, text, text_bytes, NULL, 0, nonce, keys[i % 2]);
        ck_assert_uint_eq(sealed_bytes, text_bytes + VPN_TAG_BYTES);
        ck_assert_mem_eq(have, sealed, sealed_bytes);
        ck_assert_int_eq(vpn_aead_open(have, sealed, sealed_bytes, NULL, 0, nonce, other[i % 2]), 0);
        ck_assert_mem_eq(have, text, text_bytes);
    }
}

START_TEST(vectors)
{
    cJSON *root = test_vectors_load(FILE_NAME);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "vectors"), *vector;
    ck_assert_int_ge(cJSON_GetArraySize(list), 1);
    cJSON_ArrayForEach(vector, list)
    {
        struct side initiator, responder;
        uint8_t hash[32], remote[32];
        ck_assert_str_eq(test_vectors_text(vector, "protocol_name"), "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s");
        load_side(&initiator, vector, "init");
        load_side(&responder, vector, "resp");
        key(remote, vector, "init_remote_static");
        ck_assert_mem_eq(remote, responder.local.public_key, 32);
        begin(&initiator, vector, "init_prologue", remote);
        begin(&responder, vector, "resp_prologue", responder.local.public_key);
        first(&initiator, &responder, vector);
        second(&initiator, &responder, vector);
        key(hash, vector, "handshake_hash");
        ck_assert_mem_eq(initiator.noise.hash, hash, 32);
        ck_assert_mem_eq(responder.noise.hash, hash, 32);
        transport(&initiator, &responder, vector);
    }
    cJSON_Delete(root);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("noise vectors");
    test_add(s, "both sides of each vector", vectors);
    return s;
}

TEST_MAIN_VECTORS(suite, FILE_NAME)
