/* SPDX-License-Identifier: ISC */
#include "wireguard/noise.h"

#include "common/test.h"

struct side {
    struct vpn__noise_local local;
    struct vpn__noise noise;
    uint8_t ephemeral[32];
};

static struct side a, b;
static uint8_t ss[32], psk[32], first[VPN__NOISE_FIRST(64)], second[VPN__NOISE_SECOND(64)];
static uint64_t seed;

static void make_side(struct side *side)
{
    memset(side, 0, sizeof(*side));
    test_fill(&seed, side->local.private_key, 32);
    test_fill(&seed, side->ephemeral, 32);
    vpn_key_public(side->local.public_key, side->local.private_key);
}

static void start(uint64_t number)
{
    seed = number;
    make_side(&a);
    make_side(&b);
    test_fill(&seed, psk, 32);
    vpn__noise_begin(&a.noise, "prologue", 8, b.local.public_key);
    vpn__noise_begin(&b.noise, "prologue", 8, b.local.public_key);
    ck_assert_int_eq(vpn__noise_dh(NULL, ss, a.local.private_key, b.local.public_key), 0);
}

static void write_first(size_t bytes, const uint8_t *payload)
{
    ck_assert_int_eq(
        vpn__noise_write_first(&a.noise, first, &a.local, b.local.public_key, ss, a.ephemeral, payload, bytes), 0);
}

static void read_first(size_t bytes, uint8_t *payload)
{
    uint8_t remote[32];
    ck_assert_int_eq(vpn__noise_read_static(&b.noise, first, &b.local, remote), 0);
    ck_assert_mem_eq(remote, a.local.public_key, 32);
    ck_assert_int_eq(vpn__noise_read_payload(&b.noise, first, ss, payload, bytes), 0);
}

static void write_second(size_t bytes, const uint8_t *payload)
{
    ck_assert_int_eq(
        vpn__noise_write_second(&b.noise, second, NULL, a.local.public_key, psk, b.ephemeral, payload, bytes), 0);
}

static int read_second(struct vpn__noise *noise, const uint8_t *message, size_t bytes, uint8_t *payload)
{
    return vpn__noise_read_second(noise, message, &a.local, psk, a.ephemeral, payload, bytes);
}

/* Both sides end with one hash, one chaining key and the same two keys; each payload arrives. */
START_TEST(sides_agree)
{
    for (size_t bytes = 0; bytes <= 64; bytes++) {
        uint8_t payload[64], got[64], keys[4][32];
        start(bytes + 1);
        test_fill(&seed, payload, sizeof(payload));
        write_first(bytes, payload);
        read_first(bytes, got);
        ck_assert(bytes == 0 || memcmp(got, payload, bytes) == 0);
        write_second(bytes, payload);
        ck_assert_int_eq(read_second(&a.noise, second, bytes, got), 0);
        ck_assert(bytes == 0 || memcmp(got, payload, bytes) == 0);
        ck_assert_mem_eq(a.noise.hash, b.noise.hash, 32);
        ck_assert_mem_eq(a.noise.chaining, b.noise.chaining, 32);
        vpn__noise_split(&a.noise, keys[0], keys[1]);
        vpn__noise_split(&b.noise, keys[2], keys[3]);
        ck_assert_mem_eq(keys[0], keys[2], 64);
        ck_assert_mem_ne(keys[0], keys[1], 32);
    }
}
END_TEST

/* The initial hash and chaining key, straight from the Noise specification, section 5.2. */
START_TEST(initial_state)
{
    static const char name[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
    uint8_t chaining[32], hash[32], joined[64];
    start(7);
    ck_assert_uint_gt(sizeof(name) - 1, 32);
    vpn_blake2s_hash(chaining, 32, name, sizeof(name) - 1, NULL, 0);
    memcpy(joined, chaining, 32);
    memcpy(joined + 32, "prologue", 8);
    vpn_blake2s_hash(hash, 32, joined, 40, NULL, 0);
    memcpy(joined, hash, 32);
    memcpy(joined + 32, b.local.public_key, 32);
    vpn_blake2s_hash(hash, 32, joined, 64, NULL, 0);
    ck_assert_mem_eq(a.noise.chaining, chaining, 32);
    ck_assert_mem_eq(a.noise.hash, hash, 32);
}
END_TEST

/* Each byte of the first message counts, and so do prologue and responder. */
START_TEST(first_message_is_whole)
{
    uint8_t remote[32], got[12];
    start(8);
    write_first(12, (const uint8_t *)"twelve bytes");
    struct vpn__noise fresh = b.noise;
    for (size_t i = 0; i < VPN__NOISE_FIRST(12); i++) {
        b.noise = fresh;
        first[i] ^= 0x20;
        int error = vpn__noise_read_static(&b.noise, first, &b.local, remote);
        if (error == 0)
            error = vpn__noise_read_payload(&b.noise, first, ss, got, 12);
        ck_assert_int_eq(error, VPN_EAUTH);
        first[i] ^= 0x20;
    }
    vpn__noise_begin(&b.noise, "Prologue", 8, b.local.public_key);
    ck_assert_int_eq(vpn__noise_read_static(&b.noise, first, &b.local, remote), VPN_EAUTH);
    vpn__noise_begin(&b.noise, "prologue", 8, a.local.public_key);
    ck_assert_int_eq(vpn__noise_read_static(&b.noise, first, &b.local, remote), VPN_EAUTH);
    b.noise = fresh;
    read_first(12, got);
}
END_TEST

START_TEST(second_message_is_whole)
{
    uint8_t got[12];
    start(9);
    write_first(12, (const uint8_t *)"twelve bytes");
    read_first(12, got);
    write_second(5, (const uint8_t *)"hello");
    for (size_t i = 0; i < VPN__NOISE_SECOND(5); i++) {
        struct vpn__noise copy = a.noise;
        second[i] ^= 1;
        ck_assert_int_eq(read_second(&copy, second, 5, got), VPN_EAUTH);
        second[i] ^= 1;
    }
    struct vpn__noise copy = a.noise;
    psk[31] ^= 1;
    ck_assert_int_eq(read_second(&copy, second, 5, got), VPN_EAUTH);
    psk[31] ^= 1;
    copy = a.noise;
    ck_assert_int_eq(read_second(&copy, second, 5, got), 0);
}
END_TEST

/* The wrong ss gives away nothing: only the payload of the first message proves the static key. */
START_TEST(wrong_agreement)
{
    uint8_t remote[32], got[12];
    start(10);
    ss[0] ^= 1;
    write_first(12, (const uint8_t *)"twelve bytes");
    ss[0] ^= 1;
    ck_assert_int_eq(vpn__noise_read_static(&b.noise, first, &b.local, remote), 0);
    ck_assert_int_eq(vpn__noise_read_payload(&b.noise, first, ss, got, 12), VPN_EAUTH);
}
END_TEST

START_TEST(low_order_keys)
{
    uint8_t zero[32] = {0}, one[32] = {1}, remote[32], got[12];
    start(11);
    struct vpn__noise fresh = a.noise;
    ck_assert_int_eq(vpn__noise_dh(NULL, remote, a.local.private_key, one), VPN_EKEY);
    ck_assert_int_eq(vpn__noise_write_first(&a.noise, first, &a.local, zero, ss, a.ephemeral, NULL, 0), VPN_EKEY);
    memset(first, 0, 32);
    ck_assert_int_eq(vpn__noise_read_static(&b.noise, first, &b.local, remote), VPN_EKEY);
    a.noise = fresh;
    write_first(12, (const uint8_t *)"twelve bytes");
    vpn__noise_begin(&b.noise, "prologue", 8, b.local.public_key);
    read_first(12, got);
    ck_assert_int_eq(vpn__noise_write_second(&b.noise, second, NULL, one, psk, b.ephemeral, NULL, 0), VPN_EKEY);
    memcpy(second, one, 32);
    ck_assert_int_eq(read_second(&a.noise, second, 0, got), VPN_EKEY);
}
END_TEST

static unsigned provider_calls;

static int counting_x25519(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    provider_calls++;
    return vpn_x25519(out, scalar, point);
}

START_TEST(points_by_the_provider)
{
    uint8_t have[32], want[32];
    vpn_provider own = *vpn_provider_sodium();
    own.x25519 = counting_x25519;
    start(12);
    ck_assert_int_eq(vpn__noise_dh(&own, have, a.local.private_key, b.local.public_key), 0);
    ck_assert_int_eq(vpn__noise_dh(NULL, want, b.local.private_key, a.local.public_key), 0);
    ck_assert_mem_eq(have, want, 32);
    ck_assert_uint_eq(provider_calls, 1);
    own.x25519 = NULL;
    ck_assert_int_eq(vpn__noise_dh(&own, have, a.local.private_key, b.local.public_key), 0);
    ck_assert_mem_eq(have, want, 32);
    ck_assert_uint_eq(provider_calls, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("noise");
    test_add(s, "sides agree", sides_agree);
    test_add(s, "initial state", initial_state);
    test_add(s, "first message is whole", first_message_is_whole);
    test_add(s, "second message is whole", second_message_is_whole);
    test_add(s, "wrong agreement", wrong_agreement);
    test_add(s, "low-order keys", low_order_keys);
    test_add(s, "points by the provider", points_by_the_provider);
    return s;
}

TEST_MAIN(suite)
