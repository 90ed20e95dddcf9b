/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: cookie replies of another type, and a cookie secret that is known
 * for the first 120 s. Whitepaper sections 5.3 and 5.4.7. */
#include <sodium.h>

#include "crypto/blake2s.h"
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

/* After one message the device is under load. */
static struct duel *loaded(uint64_t seed)
{
    vpn_wg_config config = {.load_rate = 1, .sources = 16};
    return duel_new(seed, &config);
}

/* A message with these bytes and macs to the device; 148: an initiation, 92: a response. */
static void fill(struct duel *d, uint8_t *message, uint32_t length, uint8_t first)
{
    for (uint32_t i = 0; i < length; i++)
        message[i] = (uint8_t)(first + i);
    memset(message, 0, 4);
    message[0] = length == 148 ? 1 : 2;
    memcpy(d->f.remote, d->a->public_key, 32);
    forge_macs(&d->f, message, length);
}

/* Spends what all sources share, so that from here on whoever does not prove his address is asked to. */
static void spend(struct duel *d)
{
    uint8_t message[148];
    vpn_endpoint at = {.family = 4, .port = 1, .addr = {100, 1, 1, 1}};
    int held = d->f.has_cookie;
    d->f.has_cookie = 0;
    fill(d, message, 148, 77);
    ck_assert_uint_eq(node_poke(d->a, &at, message, 148).reason, VPN_REASON_HANDSHAKE);
    d->f.has_cookie = held;
}

/* --- 16 --- */

static const vpn_endpoint v4 = {.family = 4, .port = 0x1234, .addr = {198, 51, 100, 7}};
static const vpn_endpoint v6 = {.family = 6, .port = 0xfedc, .addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}};

static const struct golden {
    const vpn_endpoint *from;
    uint32_t length;
    const char *reply;
} golden[] = {
    {&v4, 148,
     "0300000068696a6bdcca1236123314efe5c07ff2f0cabc8752a84792c7bdc69b"
     "8a985df88fe036ff3d3a551383023bf39a313997b06a54fafc22b1f1c80a2a33"},
    {&v6, 148,
     "0300000068696a6bdcca1236123314efe5c07ff2f0cabc8752a84792c7bdc69b"
     "aed2895710432688f093d2eef9436699e22f54a90b0c97f1e779cfefd9fc2d53"},
    {&v4, 92,
     "0300000068696a6bdcca1236123314efe5c07ff2f0cabc8752a84792c7bdc69b"
     "8a985df88fe036ff3d3a551383023bf373d1d25532b068804a412d4d5b9c92c9"},
    {&v6, 92,
     "0300000068696a6bdcca1236123314efe5c07ff2f0cabc8752a84792c7bdc69b"
     "aed2895710432688f093d2eef9436699b6cfed678d51ab7735984b4b6c8e96e9"},
};

/* Bytes that another program made, from the formulas of section 5.4.7 and other implementations of X25519, BLAKE2s and
 * XChaCha20-Poly1305: private key 1, 2, .. 32; nonce and then secret are the first bytes of test_fill from seed 16. */
START_TEST(pitfall_16_golden_bytes)
{
    const struct golden *want = &golden[_i];
    struct duel *d = loaded(160);
    uint8_t key[32], message[148];
    for (uint8_t i = 0; i < 32; i++)
        key[i] = (uint8_t)(i + 1);
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, key, node_now(d->a)), 0);
    vpn_wg_public_key(d->a->wg, d->a->public_key);
    spend(d);
    fill(d, message, want->length, 100);
    d->a->env.seed = 16;
    vpn_packet packet = node_poke(d->a, want->from, message, want->length);
    ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(packet.type, 3);
    ck_assert_uint_eq(packet.length, 64);
    test_expect_hex(packet.data + packet.offset, 64, want->reply);
    duel_free(d);
}
END_TEST

/* Cookie = MAC(secret, source address || source port); what seals it is XAEAD(Hash("cookie--" || public key), nonce, .., mac1). */
static void expect_reply(const struct duel *d, const uint8_t *reply, const uint8_t *message, uint32_t length,
                         const vpn_endpoint *from)
{
    const uint8_t head[4] = {3, 0, 0, 0};
    uint8_t input[40], key[32], source[18], want[16], cookie[16];
    size_t bytes = from->family == 4 ? 4 : 16;
    ck_assert_mem_eq(reply, head, 4);
    ck_assert_mem_eq(reply + 4, message + 4, 4); /* the sender of what it answers */
    memcpy(input, "cookie--", 8);
    memcpy(input + 8, d->a->public_key, 32);
    vpn_blake2s_hash(key, 32, input, 40, NULL, 0);
    ck_assert_int_eq(crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL, reply + 32, 32,
                                                                message + length - 32, 16, reply + 8, key),
                     0);
    memcpy(source, from->addr, bytes);
    source[bytes] = (uint8_t)(from->port >> 8);
    source[bytes + 1] = (uint8_t)from->port;
    vpn__blake2s_resume(want, 16, d->a->wg->checker.secret_keyed, source, bytes + 2);
    ck_assert_mem_eq(cookie, want, 16);
}

/* Many of them, to initiations and to responses from both families. No nonce comes twice. */
START_TEST(pitfall_16_replies_by_the_formulas)
{
    struct duel *d = loaded(161);
    uint8_t message[148], nonces[64][24];
    ck_assert_int_ge(sodium_init(), 0);
    spend(d);
    for (uint8_t i = 0; i < 64; i++) {
        vpn_endpoint from = i % 2 ? v4 : v6;
        uint32_t length = i % 4 < 2 ? 148 : 92;
        from.port = (uint16_t)(from.port + i * 3);
        from.addr[3] = i;
        fill(d, message, length, i);
        vpn_packet packet = node_poke(d->a, &from, message, length);
        ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
        ck_assert_uint_eq(packet.length, 64);
        ck_assert_uint_eq(packet.type, 3);
        expect_reply(d, packet.data + packet.offset, message, length, &from);
        memcpy(nonces[i], packet.data + packet.offset + 8, 24);
        for (uint8_t k = 0; k < i; k++)
            ck_assert_mem_ne(nonces[i], nonces[k], 24);
    }
    duel_free(d);
}
END_TEST

/* The other side of it: a reply in any other type is not taken for one, and the real one is. */
START_TEST(pitfall_16_other_types_are_not_read)
{
    struct duel *d = loaded(162);
    uint8_t reply[64];
    const uint8_t cookie[16] = {1, 6};
    duel_send(d);
    net_run(d->net, 0);
    forge_cookie_reply(&d->f, reply, net_log_last(d->net, 0, 1)->bytes, 148, cookie);
    for (uint32_t bit = 0; bit < 32; bit++) {
        uint32_t type = 3u ^ 1u << bit;
        for (int i = 0; i < 4; i++)
            reply[i] = (uint8_t)(type >> (8 * i));
        uint32_t length = type == 1 || type == 2 ? VPN_REASON_LENGTH : VPN_REASON_TYPE;
        snapshot_attack(d->a, &d->f.at, reply, 64, length);
    }
    const uint8_t data[4] = {4}, right[4] = {3};
    memcpy(reply, data, 4);
    snapshot_attack(d->a, &d->f.at, reply, 64, VPN_REASON_INDEX);
    memcpy(reply, right, 4);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, reply, 64).verdict, VPN_DONE);
    ck_assert_uint_eq(node_stats(d->a).cookies_received, 1);
    duel_free(d);
}
END_TEST

/* --- 17 --- */

/* The cookie for the forger's address under a secret of zeros. */
static void zero_secret_cookie(struct duel *d)
{
    const uint8_t secret[32] = {0};
    uint8_t source[6];
    memcpy(source, d->f.at.addr, 4);
    source[4] = (uint8_t)(d->f.at.port >> 8);
    source[5] = (uint8_t)d->f.at.port;
    vpn_blake2s_hash(d->f.cookie, 16, source, 6, secret, 32);
    d->f.has_cookie = 1;
}

static const vpn_time starts[] = {0, 1, SECONDS(1), SECONDS(119), SECONDS(120) - 1, SECONDS(120), SECONDS(121)};

enum guess { ZERO_SECRET, ZERO_COOKIE, GUESSES };

static void guess(struct duel *d, enum guess which)
{
    zero_secret_cookie(d);
    if (which == ZERO_COOKIE)
        memset(d->f.cookie, 0, 16);
}

/* An initiation with the mac2 that was guessed is treated like one without: asked for a cookie, and the peer is not touched. */
static void refused(struct duel *d, enum guess which)
{
    struct vpn__limiter_entry *entries = d->a->wg->limiter.entries;
    uint8_t known[16];
    guess(d, which);
    memcpy(known, d->f.cookie, 16);
    vpn_packet packet = duel_initiate(d);
    ck_assert_uint_eq(packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(packet.length, 64);
    ck_assert_uint_eq(packet.type, 3);
    ck_assert_uint_eq(node_stats(d->a).initiations_received, 0);
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    for (uint32_t i = 0; i < d->a->wg->limiter.room; i++)
        ck_assert_uint_eq(entries[i].ready, 0);
    /* The cookie that comes is of a secret that was drawn. */
    ck_assert_int_eq(forge_read_cookie_reply(&d->f, packet.data + packet.offset), 0);
    ck_assert_mem_ne(d->f.cookie, known, 16);
    ck_assert(!test_is_zero(d->f.cookie, 16));
}

/* Right after the start, whatever the host's clock shows then, and before anything made the device draw a secret. */
START_TEST(pitfall_17_zero_secret_after_the_start)
{
    struct duel *d = loaded(170);
    enum guess which = (enum guess)(_i % GUESSES);
    net_run(d->net, starts[_i / GUESSES]);
    spend(d);
    refused(d, which);
    struct forger real = d->f;
    guess(d, which);
    ck_assert_uint_eq(duel_initiate(d).length, 64); /* nor when there is a secret */
    d->f.has_cookie = real.has_cookie;
    memcpy(d->f.cookie, real.cookie, 16);
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    ck_assert_uint_eq(node_stats(d->a).initiations_received, 1);
    duel_free(d);
}
END_TEST

/* A new private key starts over, without a secret. */
START_TEST(pitfall_17_zero_secret_after_a_new_key)
{
    struct duel *d = loaded(171);
    uint8_t key[32];
    net_run(d->net, starts[_i / GUESSES]);
    spend(d);
    refused(d, (enum guess)(_i % GUESSES));
    memset(key, 0x48, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, key, node_now(d->a)), 0);
    vpn_wg_public_key(d->a->wg, d->a->public_key);
    refused(d, (enum guess)(_i % GUESSES));
    duel_free(d);
}
END_TEST

/* Without load such a mac2 proves nothing either: the message spends what all share, not the budget of its source. */
START_TEST(pitfall_17_zero_secret_without_load)
{
    struct duel *d = loaded(172);
    guess(d, (enum guess)_i);
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    for (uint32_t i = 0; i < d->a->wg->limiter.room; i++)
        ck_assert_uint_eq(d->a->wg->limiter.entries[i].ready, 0);
    d->f.has_cookie = 0;
    net_run(d->net, MILLIS(30));
    ck_assert_uint_eq(duel_initiate(d).length, 64);
    duel_free(d);
}
END_TEST

/* A secret lives for 120 s, to the nanosecond; the one after it is another. */
START_TEST(pitfall_17_the_secret_rotates)
{
    struct duel *d = loaded(173);
    uint8_t secrets[4][32], cookie[16];
    net_run(d->net, SECONDS(50));
    for (int round = 0; round < 4; round++) {
        spend(d);
        d->f.has_cookie = 0;
        vpn_packet packet = duel_initiate(d);
        vpn_time drawn = d->net->now;
        ck_assert_uint_eq(packet.length, 64);
        ck_assert_int_eq(forge_read_cookie_reply(&d->f, packet.data + packet.offset), 0);
        memcpy(secrets[round], d->a->wg->checker.secret_keyed, 32);
        memcpy(cookie, d->f.cookie, 16);
        ck_assert(!test_is_zero(secrets[round], 32));
        for (int i = 0; i < round; i++)
            ck_assert_mem_ne(secrets[round], secrets[i], 32);
        net_run_until(d->net, drawn + SECONDS(120) - 1);
        spend(d);
        ck_assert_uint_eq(duel_initiate(d).length, 92);
        ck_assert_mem_eq(d->a->wg->checker.secret_keyed, secrets[round], 32);
        net_run_until(d->net, drawn + SECONDS(120));
        packet = duel_initiate(d); /* the load lasts */
        ck_assert_uint_eq(packet.length, 64);
        ck_assert_int_eq(forge_read_cookie_reply(&d->f, packet.data + packet.offset), 0);
        ck_assert_mem_ne(d->f.cookie, cookie, 16);
        net_run(d->net, SECONDS(130));
    }
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    const int times = (int)(sizeof starts / sizeof starts[0]) * GUESSES;
    Suite *s = suite_create("pitfalls/16-17");
    test_loop(s, "16 golden", pitfall_16_golden_bytes, 4);
    test_add(s, "16 formulas", pitfall_16_replies_by_the_formulas);
    test_add(s, "16 types", pitfall_16_other_types_are_not_read);
    test_loop(s, "17 start", pitfall_17_zero_secret_after_the_start, times);
    test_loop(s, "17 new key", pitfall_17_zero_secret_after_a_new_key, times);
    test_loop(s, "17 no load", pitfall_17_zero_secret_without_load, GUESSES);
    test_add(s, "17 rotation", pitfall_17_the_secret_rotates);
    return s;
}

TEST_MAIN(suite)
