/* SPDX-License-Identifier: ISC */
/* Every secret is undefined to Valgrind, so a branch or an address that depends on one is an error. ct_public.c says where a
   result becomes public; here it does when the other side receives it. */
#include "common/wg.h"
#include "memory/ct.h"

#include <vpn/vpn.h>

static unsigned errors_before;

static void setup(void)
{
    errors_before = VALGRIND_COUNT_ERRORS;
}

static void teardown(void)
{
    unsigned errors = VALGRIND_COUNT_ERRORS - errors_before;
    ck_assert_msg(errors == 0, "%u places where time or addresses depend on a secret", errors);
}

/* Secret bytes. */
static void draw(uint64_t *seed, void *out, size_t bytes)
{
    test_fill(seed, out, bytes);
    ct_secret(out, bytes);
}

static void key_pair(uint64_t *seed, uint8_t private_key[32], uint8_t public_key[32])
{
    draw(seed, private_key, 32);
    vpn_key_public(public_key, private_key);
}

/* --- hashes --- */

START_TEST(hashes)
{
    uint64_t seed = 1;
    uint8_t key[81], data[200], out[3][32];
    for (size_t bytes = 0; bytes <= sizeof data; bytes++) {
        draw(&seed, data, sizeof data);
        draw(&seed, key, sizeof key);
        ck_assert_int_eq(vpn_blake2s_hash(out[0], 32, data, bytes, key, 32), 0);
        ck_assert(ct_is_secret(out[0], 32));
        ck_assert_int_eq(vpn_blake2s_hash(out[0], 16, data, bytes, bytes % 2 ? key : NULL, bytes % 2 ? 16 : 0), 0);
        vpn_hmac(out[0], key, bytes % 80 + 1, data, bytes);
        ck_assert(ct_is_secret(out[0], 32));
        vpn_hkdf(out[0], bytes % 3 ? out[1] : NULL, bytes % 3 == 2 ? out[2] : NULL, key, data, bytes);
        ck_assert(ct_is_secret(out[0], 32));
    }
    vpn_blake2s state;
    ck_assert_int_eq(vpn_blake2s_init(&state, 32, key, 32), 0);
    for (size_t at = 0, step = 1; at + step <= sizeof data; at += step, step = step * 2 + 1)
        vpn_blake2s_update(&state, data + at, step);
    vpn_blake2s_final(&state, out[0]);
    ck_assert(ct_is_secret(out[0], 32));
}
END_TEST

/* --- keys --- */

static int secret_random(void *user, uint8_t *out, size_t bytes)
{
    test_fill(user, out, bytes);
    /* 32 bytes are a private key or a cookie secret. Other sizes are indices and nonces, which are sent, and the keys that
       spread tables and timers, whose use shows in addresses by its nature. */
    if (bytes == 32)
        ct_secret(out, bytes);
    return 0;
}

START_TEST(keys)
{
    uint64_t seed = 2;
    vpn_env env = {.size = sizeof env, .user = &seed, .random = secret_random};
    uint8_t key[32], other[32], public_key[32], shared[32];
    ck_assert_int_eq(vpn_key_preshared(key, &env), 0);
    ck_assert(ct_is_secret(key, 32));
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(vpn_key_private(key, &env), 0);
        key_pair(&seed, other, public_key);
        ck_assert_int_eq(vpn_x25519(shared, key, public_key), 0);
        ck_assert(ct_is_secret(shared, 32));
    }
    memset(public_key, 0, 32);
    ck_assert_int_eq(vpn_x25519(shared, key, public_key), VPN_EKEY);
    ck_assert(!vpn_equal(key, other, 32));
    memcpy(other, key, 32);
    ck_assert(vpn_equal(key, other, 32));
    ck_assert(!vpn_key_is_zero(key));
    memset(key, 0, 32);
    ct_secret(key, 32);
    ck_assert(vpn_key_is_zero(key));
}
END_TEST

/* Whether a text is a key at all is told to whoever gave it. */
static int verdict(int error)
{
    ct_public(&error, sizeof error);
    return error;
}

START_TEST(texts)
{
    uint64_t seed = 3;
    uint8_t key[32], back[32];
    char hex[VPN_KEY_HEX_CHARS + 1], base64[VPN_KEY_BASE64_CHARS + 1];
    for (int i = 0; i < 8; i++) {
        draw(&seed, key, 32);
        vpn_key_to_hex(hex, key);
        vpn_key_to_base64(base64, key);
        ck_assert(ct_is_secret(hex, VPN_KEY_HEX_CHARS));
        ck_assert_int_eq(verdict(vpn_key_from_hex(back, hex, VPN_KEY_HEX_CHARS)), 0);
        ck_assert(vpn_equal(key, back, 32));
        ck_assert(ct_is_secret(back, 32));
        ck_assert_int_eq(verdict(vpn_key_from_base64(back, base64, VPN_KEY_BASE64_CHARS)), 0);
        ck_assert(vpn_equal(key, back, 32));
    }
    /* A typing error in a key is no reason to tell the rest of it. */
    hex[20 + _i] = base64[10 + _i] = (char)" z-?~"[_i];
    ct_secret(hex, VPN_KEY_HEX_CHARS);
    ct_secret(base64, VPN_KEY_BASE64_CHARS);
    ck_assert_int_eq(verdict(vpn_key_from_hex(back, hex, VPN_KEY_HEX_CHARS)), VPN_EFORMAT);
    ck_assert(vpn_key_is_zero(back));
    int error = verdict(vpn_key_from_base64(back, base64, VPN_KEY_BASE64_CHARS));
    ck_assert_int_eq(error, _i == 1 ? 0 : VPN_EFORMAT);
}
END_TEST

/* --- ciphers --- */

START_TEST(ciphers)
{
    static uint8_t text[1500], sealed[1516], opened[1516];
    uint64_t seed = 4;
    uint8_t key[32], nonce[24] = {1}, ad[32] = {2};
    for (size_t bytes = 0; bytes <= 1500; bytes += bytes < 270 ? 1 : 41) {
        draw(&seed, key, 32);
        draw(&seed, text, bytes);
        vpn_aead_seal(sealed, text, bytes, ad, bytes % 33, nonce, key);
        ck_assert_int_eq(vpn_aead_open(opened, sealed, bytes + 16, ad, bytes % 33, nonce, key), 0);
        sealed[test_below(&seed, bytes + 16)] ^= 1;
        ck_assert_int_eq(vpn_aead_open(opened, sealed, bytes + 16, ad, bytes % 33, nonce, key), VPN_EAUTH);
        if (bytes > 128)
            continue;
        vpn_xaead_seal(sealed, text, bytes, ad, bytes % 33, nonce, key);
        ck_assert_int_eq(vpn_xaead_open(opened, sealed, bytes + 16, ad, bytes % 33, nonce, key), 0);
        ck_assert(ct_is_secret(opened, bytes < 64 ? bytes : 64));
        sealed[test_below(&seed, bytes + 16)] ^= 1;
        ck_assert_int_eq(vpn_xaead_open(opened, sealed, bytes + 16, ad, bytes % 33, nonce, key), VPN_EAUTH);
    }
}
END_TEST

#define JOBS 16

START_TEST(provider_batches)
{
    static uint8_t data[JOBS][1600], slots[JOBS][32];
    const vpn_provider *provider = vpn_provider_sodium();
    uint64_t seed = 5;
    vpn_aead_job jobs[JOBS];
    uint8_t key[32];
    memset(jobs, 0, sizeof jobs);
    for (size_t i = 0; i < JOBS; i++) {
        draw(&seed, key, 32);
        ck_assert_int_eq(provider->init_key(slots[i], key), 0);
        ck_assert(ct_is_secret(slots[i], 32));
        jobs[i].key = slots[i];
        jobs[i].data = data[i];
        jobs[i].length = i * 100;
        draw(&seed, data[i], i * 100);
    }
    ck_assert_uint_eq(provider->seal(NULL, jobs, JOBS), JOBS);
    data[3][5] ^= 1;
    ck_assert_uint_eq(provider->open(NULL, jobs, JOBS), JOBS - 1);
    ck_assert_uint_eq(jobs[3].done, 0);
}
END_TEST

/* --- cookies --- */

START_TEST(cookies)
{
    uint64_t seed = 6;
    vpn_env env = {.size = sizeof env, .user = &seed, .random = secret_random};
    uint8_t private_key[32], public_key[32], message[148], reply[64];
    vpn_endpoint from = {.family = 4, .port = 7, .addr = {192, 0, 2, 1}};
    vpn_cookie_checker checker;
    vpn_cookie_maker maker;
    key_pair(&seed, private_key, public_key);
    vpn_cookie_checker_init(&checker, public_key);
    vpn_cookie_maker_init(&maker);
    memset(message, 1, sizeof message);
    /* Not secret by WireGuard's rules, since they follow from a public key; but the key need not be public. */
    ct_secret(checker.mac1_keyed, 32);
    ct_secret(checker.cookie_key, 32);
    ck_assert_int_eq(vpn_mac_add(&maker, message, 148, public_key, 0), 0);
    ck_assert_int_eq(vpn_mac1_check(&checker, message, 148), 0);
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, 148, &from, NULL, &env, 0), 0);
    ck_assert(ct_is_secret(checker.secret_keyed, 32));
    ck_assert_int_eq(vpn_cookie_read(&maker, reply, public_key, NULL, 0), 0);
    /* It came sealed under a key that follows from the public one, so whoever sees the wire knows it; yet others do not. */
    ct_secret(maker.cookie, 16);
    ck_assert_int_eq(vpn_mac_add(&maker, message, 148, public_key, 0), 0);
    ck_assert(ct_is_secret(message + 132, 16));
    ct_public(message + 132, 16); /* sent */
    ck_assert_int_eq(vpn_mac2_check(&checker, message, 148, &from, 0), 0);
    message[140] ^= 1;
    ck_assert_int_eq(vpn_mac2_check(&checker, message, 148, &from, 0), VPN_EAUTH);
    message[120] ^= 1;
    ck_assert_int_eq(vpn_mac1_check(&checker, message, 148), VPN_EAUTH);
    reply[63] ^= 1;
    ck_assert_int_eq(vpn_mac_add(&maker, message, 148, public_key, 0), 0);
    ck_assert_int_eq(vpn_cookie_read(&maker, reply, public_key, NULL, 0), VPN_EAUTH);
}
END_TEST

/* --- handshakes and sessions by themselves --- */

static void data_by_session(uint64_t *seed, const vpn_session_keys *by, const vpn_session_keys *to)
{
    uint8_t memory[256];
    vpn_session *sender, *receiver;
    ck_assert_int_eq(vpn_session_new(&sender, by, 0, NULL, NULL, 0), 0);
    ck_assert_int_eq(vpn_session_new(&receiver, to, 0, NULL, NULL, 0), 0);
    for (uint32_t bytes = 0; bytes < 128; bytes += 16) {
        vpn_packet packet = {.data = memory, .capacity = sizeof memory, .offset = 16, .length = bytes};
        draw(seed, memory + 16, bytes);
        ck_assert_int_eq(vpn_session_seal(sender, &packet, 0, 0), 0);
        if (bytes == 64)
            memory[20] ^= 1;
        ck_assert_int_eq(vpn_session_open(receiver, &packet, 0), bytes == 64 ? VPN_EAUTH : 0);
    }
    vpn_session_free(sender);
    vpn_session_free(receiver);
}

/* _i: 0 without, 1 with the same, 2 with another preshared key on the two sides. */
START_TEST(handshakes)
{
    uint64_t seed = 7;
    vpn_env env = {.size = sizeof env, .user = &seed, .random = secret_random};
    uint8_t a[32], b[32], a_public[32], b_public[32], psk[2][32], remote[32], stamp[12] = {9}, got[12];
    uint8_t first[148] = {0}, second[92] = {0};
    vpn_handshake *from, *to;
    vpn_session_keys by, at;
    key_pair(&seed, a, a_public);
    key_pair(&seed, b, b_public);
    draw(&seed, psk[0], 32);
    draw(&seed, psk[1], 32);
    if (_i < 2)
        memcpy(psk[1], psk[0], 32);
    ck_assert_int_eq(vpn_handshake_new(&from, a, NULL, &env), 0);
    ck_assert_int_eq(vpn_handshake_new(&to, b, NULL, &env), 0);
    ck_assert_int_eq(vpn_handshake_initiate(from, first, b_public, _i ? psk[0] : NULL, 11, stamp), 0);
    first[100] ^= 1;
    ck_assert_int_eq(vpn_handshake_read_initiation(to, first, remote, got), VPN_EAUTH);
    first[100] ^= 1;
    ck_assert_int_eq(vpn_handshake_read_initiation(to, first, remote, got), 0);
    ck_assert_mem_eq(remote, a_public, 32);
    ck_assert_int_eq(vpn_handshake_respond(to, second, _i ? psk[1] : NULL, 22), 0);
    ck_assert_int_eq(vpn_handshake_read_response(from, second), _i == 2 ? VPN_EAUTH : 0);
    ck_assert_int_eq(vpn_handshake_finish(to, &at), 0);
    ck_assert(ct_is_secret(at.send, 32) && ct_is_secret(at.receive, 32));
    if (_i < 2) {
        ck_assert_int_eq(vpn_handshake_finish(from, &by), 0);
        ck_assert(ct_is_secret(by.send, 32) && ct_is_secret(by.receive, 32));
        data_by_session(&seed, &by, &at);
        data_by_session(&seed, &at, &by);
    }
    vpn_handshake_free(from);
    vpn_handshake_free(to);
}
END_TEST

/* --- whole devices --- */

static uint64_t device_seed;

/* `user` is the host, which the allocator needs too. */
static int device_random(void *user, uint8_t *out, size_t bytes)
{
    (void)user;
    return secret_random(&device_seed, out, bytes);
}

/* New secret identities, and a secret preshared key. */
static void make_secret(struct wg_node pair[2], vpn_time now)
{
    uint8_t key[2][32], public_key[2][32], psk[32];
    draw(&device_seed, psk, 32);
    for (int i = 0; i < 2; i++) {
        key_pair(&device_seed, key[i], public_key[i]);
        pair[i].wg->env.random = device_random;
        ck_assert_int_eq(vpn_wg_set_private_key(pair[i].wg, key[i], now), 0);
        ck_assert_int_eq(vpn_wg_set_private_key(pair[i].wg, key[i], now), 0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(vpn_wg_peer_remove(pair[i].wg, pair[i].peer), 0);
        memcpy(pair[i].public_key, public_key[i], 32);
    }
    for (int i = 0; i < 2; i++) {
        vpn_wg_peer change = {.size = sizeof change, .set = VPN_WG_SET_PRESHARED};
        memcpy(change.preshared_key, psk, 32);
        wg_node_meet(&pair[i], &pair[!i], now);
        ck_assert_int_eq(vpn_wg_peer_set(pair[i].wg, pair[i].peer, &change, now), 0);
        ck_assert_int_eq(vpn_wg_peer_get(pair[i].wg, pair[i].peer, &change), 0);
        ck_assert(ct_is_secret(change.preshared_key, 32));
    }
}

static void exchange(struct wg_node pair[2], vpn_time now)
{
    static struct wg_buffer buffer;
    for (unsigned by = 0; by < 2; by++) {
        vpn_packet *packet = wg_inner(&buffer, (uint8_t)by, (uint8_t)!by, 100);
        ck_assert_uint_eq(wg_send(&pair[by], packet, now), VPN_TO_NET);
        ck_assert_uint_eq(wg_recv(&pair[!by], packet, &pair[by].at, now), VPN_TO_TUN);
        packet = wg_inner(&buffer, (uint8_t)by, (uint8_t)!by, 100);
        ck_assert_uint_eq(wg_send(&pair[by], packet, now), VPN_TO_NET);
        packet->data[packet->offset + 30] ^= 1;
        ck_assert_uint_eq(wg_recv(&pair[!by], packet, &pair[by].at, now), VPN_DROP);
    }
}

START_TEST(devices)
{
    struct wg_node *pair = calloc(2, sizeof *pair);
    ck_assert_ptr_nonnull(pair);
    device_seed = 8;
    wg_pair_init(pair, NULL);
    make_secret(pair, VPN_SECOND);
    for (unsigned by = 0; by < 2; by++) {
        vpn_time now = VPN_SECOND * (2 + 10 * (vpn_time)by);
        wg_connect(pair, by, now);
        ck_assert(ct_is_secret(wg_peer(&pair[0])->ring.current->send_key, 32));
        ck_assert(ct_is_secret(wg_peer(&pair[1])->ss, 32));
        exchange(pair, now);
    }
    uint8_t key[32];
    vpn_wg_private_key(pair[0].wg, key);
    ck_assert(ct_is_secret(key, 32));
    ck_assert_int_eq(vpn_wg_set_private_key(pair[0].wg, NULL, VPN_SECOND * 40), 0);
    ck_assert_int_eq(vpn_wg_free(pair[0].wg), 0);
    ck_assert_int_eq(vpn_wg_free(pair[1].wg), 0);
    free(pair);
}
END_TEST

/* Under load: the cookie is drawn, sent, kept, and used. */
START_TEST(devices_under_load)
{
    static struct wg_buffer buffer, copy;
    struct wg_node *pair = calloc(2, sizeof *pair);
    vpn_wg_config config = {.size = sizeof config, .load_rate = 1};
    vpn_packet *packet;
    unsigned rounds = 0;
    ck_assert_ptr_nonnull(pair);
    device_seed = 9;
    wg_pair_init(pair, &config);
    make_secret(pair, VPN_SECOND);
    packet = wg_initiate(&pair[0], &buffer, VPN_SECOND * 2);
    do {
        ck_assert_uint_lt(++rounds, 100);
        wg_copy(&copy, packet);
        ck_assert_uint_ne(wg_recv(&pair[1], &copy.packet, &pair[0].at, VPN_SECOND * 2), VPN_TO_TUN);
    } while (copy.packet.type != 3);
    ck_assert_uint_eq(wg_recv(&pair[0], &copy.packet, &pair[1].at, VPN_SECOND * 2), VPN_DONE);
    ct_secret(wg_peer(&pair[0])->cookie.cookie, 16);
    ck_assert(ct_is_secret(pair[1].wg->checker.secret_keyed, 32));
    packet = wg_initiate(&pair[0], &buffer, VPN_SECOND * 8);
    /* mac2 comes from the cookie, and is sent. */
    ck_assert(ct_is_secret(packet->data + packet->offset + 132, 16));
    ct_public(packet->data + packet->offset + 132, 16);
    ck_assert_uint_eq(wg_recv(&pair[1], packet, &pair[0].at, VPN_SECOND * 8), VPN_TO_NET);
    ck_assert_int_eq(vpn_wg_free(pair[0].wg), 0);
    ck_assert_int_eq(vpn_wg_free(pair[1].wg), 0);
    free(pair);
}
END_TEST

Suite *ct_suite(void);

Suite *ct_suite(void)
{
    const struct {
        const TTest *test;
        int loops;
    } cases[] = {{hashes, 1},  {keys, 1},       {texts, 5},   {ciphers, 1},           {provider_batches, 1},
                 {cookies, 1}, {handshakes, 3}, {devices, 1}, {devices_under_load, 1}};
    Suite *s = suite_create("memory/ct");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TCase *tcase = tcase_create(cases[i].test->name);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, cases[i].test, 0, cases[i].loops);
        tcase_set_timeout(tcase, 300);
        suite_add_tcase(s, tcase);
    }
    return s;
}
