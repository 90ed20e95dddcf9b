/* SPDX-License-Identifier: ISC */
/* Defect 35 that shipped in other implementations: a small buffer that ends the process. Each length 0..200 of each buffer of
 * the parts that are used alone. */
#define _DEFAULT_SOURCE
#include <vpn/vpn.h>

#include "pitfalls/edge.h"

#define LONGEST 200u

static uint8_t noise[2 * LONGEST];

static void setup(void)
{
    uint64_t seed = 35;
    test_fill(&seed, noise, sizeof noise);
}

static const uint8_t key[32] = {8, 1}, nonce[24] = {7};

/* --- ciphers and hashes --- */

START_TEST(pitfall_35_ciphers)
{
    for (uint32_t n = 0; n <= LONGEST; n++) {
        uint8_t *text = edge_of(0, noise, n, _i), *ad = edge_of(1, noise, n, _i);
        uint8_t *sealed = edge(2, n + 16, _i), *again = edge(3, n, _i);
        vpn_aead_seal(sealed, text, n, ad, n, nonce, key);
        ck_assert_int_eq(vpn_aead_open(again, sealed, n + 16, ad, n, nonce, key), 0);
        ck_assert(memcmp(again, noise, n) == 0);
        ck_assert_int_eq(vpn_aead_open(edge(3, n < 16 ? 0 : n - 16, _i), text, n, ad, n, nonce, key), VPN_EAUTH);
        vpn_xaead_seal(sealed, text, n, ad, n, nonce, key);
        again = edge(3, n, _i);
        ck_assert_int_eq(vpn_xaead_open(again, sealed, n + 16, ad, n, nonce, key), 0);
        ck_assert(memcmp(again, noise, n) == 0);
        ck_assert_int_eq(vpn_xaead_open(edge(3, n < 16 ? 0 : n - 16, _i), text, n, ad, n, nonce, key), VPN_EAUTH);
    }
}
END_TEST

START_TEST(pitfall_35_hashes)
{
    vpn_blake2s state;
    for (uint32_t n = 0; n <= LONGEST; n++) {
        for (uint32_t k = 0; k <= LONGEST; k++) {
            uint8_t *data = edge_of(0, noise, n, _i), *with = edge_of(1, noise, k, _i), *out = edge(2, 32, _i);
            vpn_hmac(out, with, k, data, n);
            vpn_hkdf(out, edge(3, 32, _i), NULL, key, data, n);
            /* A length of output and one of a key. */
            int right = n >= 1 && n <= 32 && k <= 32 ? 0 : VPN_EINVAL;
            ck_assert_int_eq(vpn_blake2s_init(&state, n, k == 0 ? NULL : with, k), right);
            out = edge(2, n, _i);
            ck_assert_int_eq(vpn_blake2s_hash(out, n, data, n, k == 0 ? NULL : with, k), right);
            if (vpn_blake2s_init(&state, n, with, k) != 0)
                continue;
            vpn_blake2s_update(&state, data, n);
            vpn_blake2s_final(&state, out);
        }
        uint8_t *a = edge_of(0, noise, n, _i), *b = edge_of(1, noise, n, _i);
        ck_assert_int_eq(vpn_equal(a, b, n), 1);
        vpn_wipe(a, n);
        ck_assert(test_is_zero(a, n));
    }
}
END_TEST

/* --- text --- */

START_TEST(pitfall_35_text)
{
    static const char *const texts[] = {
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=",
        "[2001:db8:1111:2222:3333:4444:5555:6666%4294967295]:51820000000000000000000000000000000000000",
        "192.168.100.200:51820/32000000",
        "2001:db8::1/12800000",
        "10.0.0.0/8",
        "",
        "\n\n\n\n"};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        for (uint32_t n = 0; n <= LONGEST; n++) {
            char whole[LONGEST] = {0};
            strncpy(whole, texts[t], sizeof whole - 1);
            const char *text = (const char *)edge_of(0, whole, n, _i);
            uint8_t *out = edge(1, 32, _i);
            vpn_endpoint *at = (vpn_endpoint *)(void *)edge(2, sizeof *at, _i);
            vpn_prefix *prefix = (vpn_prefix *)(void *)edge(3, sizeof *prefix, _i);
            ck_assert_int_eq(vpn_key_from_hex(out, text, n), t == 0 && n == 64 ? 0 : VPN_EFORMAT);
            ck_assert_int_eq(vpn_key_from_base64(out, text, n), t == 1 && n == 44 ? 0 : VPN_EFORMAT);
            int read = vpn_endpoint_parse(at, text, n);
            ck_assert(read == 0 || read == VPN_EFORMAT);
            if (read == 0)
                vpn_endpoint_format((char *)edge(0, VPN_ENDPOINT_CHARS, _i), at);
            text = (const char *)edge_of(0, whole, n, _i);
            read = vpn_prefix_parse(prefix, text, n);
            ck_assert(read == 0 || read == VPN_EFORMAT);
            if (read == 0)
                vpn_prefix_format((char *)edge(0, VPN_PREFIX_CHARS, _i), prefix);
        }
    vpn_key_to_hex((char *)edge(0, VPN_KEY_HEX_CHARS + 1, _i), key);
    vpn_key_to_base64((char *)edge(0, VPN_KEY_BASE64_CHARS + 1, _i), key);
}
END_TEST

/* --- sessions --- */

static vpn_session *session(const uint8_t *send, const uint8_t *receive)
{
    vpn_session_keys keys = {.local_index = 5, .remote_index = 5};
    vpn_session *made;
    memcpy(keys.send, send, 32);
    memcpy(keys.receive, receive, 32);
    ck_assert_int_eq(vpn_session_new(&made, &keys, 0, NULL, NULL, 0), 0);
    return made;
}

START_TEST(pitfall_35_sessions)
{
    vpn_session *a = session(noise, noise + 32), *b = session(noise + 32, noise);
    for (uint32_t capacity = 0; capacity <= LONGEST; capacity++)
        for (uint32_t length = 0; length <= capacity; length++) {
            const uint32_t offsets[] = {0, (capacity - length) / 2, capacity - length};
            for (int i = 0; i < 3; i++) {
                uint32_t offset = offsets[i], padding = length % 5, rest = capacity - offset - length;
                vpn_packet packet = {.data = edge(0, capacity, _i), .capacity = capacity, .offset = offset};
                packet.length = length;
                memcpy(packet.data + offset, noise, length);
                ck_assert_int_lt(vpn_session_open(b, &packet, 0), 0);
                int fits = offset >= 16 && rest >= padding + 16;
                ck_assert_int_eq(vpn_session_seal(a, &packet, padding, 0), fits ? 0 : VPN_ESPACE);
                if (!fits)
                    continue;
                ck_assert_int_eq(vpn_session_open(b, &packet, 0), 0);
                ck_assert_uint_eq(packet.length, length + padding);
                ck_assert(memcmp(packet.data + packet.offset, noise, length) == 0);
            }
        }
    vpn_packet packet = {.data = edge(0, 64, _i), .capacity = 64, .offset = 16, .length = 16};
    ck_assert_int_eq(vpn_session_seal(a, &packet, UINT32_MAX, 0), VPN_ESPACE);
    packet.length = UINT32_MAX;
    ck_assert_int_eq(vpn_session_seal(a, &packet, 0, 0), VPN_EINVAL);
    ck_assert_int_eq(vpn_session_open(a, &packet, 0), VPN_EINVAL);
    vpn_session_free(a);
    vpn_session_free(b);
}
END_TEST

/* --- macs, cookies, handshakes --- */

START_TEST(pitfall_35_macs)
{
    vpn_cookie_checker checker;
    vpn_cookie_maker maker;
    vpn_endpoint from = {.family = 4, .port = 1, .addr = {1, 2, 3, 4}};
    uint8_t public_key[32];
    vpn_key_public(public_key, key);
    vpn_cookie_checker_init(&checker, edge_of(1, public_key, 32, _i));
    vpn_cookie_maker_init(&maker);
    for (int turn = 0; turn < 2; turn++) /* without a cookie secret and with one */
        for (uint32_t n = 0; n <= LONGEST; n++) {
            int whole = n == 148 || n == 92;
            uint8_t *message = edge_of(0, noise, n, _i), *reply = edge(1, 64, _i);
            ck_assert_int_eq(vpn_mac1_check(&checker, message, n), whole ? VPN_EAUTH : VPN_EINVAL);
            ck_assert_int_eq(vpn_mac2_check(&checker, message, n, &from, 0), whole ? VPN_EAUTH : VPN_EINVAL);
            if (turn == 1)
                ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, n, &from, NULL, NULL, 0),
                                 whole ? 0 : VPN_EINVAL);
            message = edge_of(0, noise, n, _i);
            ck_assert_int_eq(vpn_mac_add(&maker, message, n, public_key, 0), whole ? 0 : VPN_EINVAL);
            ck_assert_int_eq(vpn_mac1_check(&checker, message, n), whole ? 0 : VPN_EINVAL);
            ck_assert_int_lt(vpn_cookie_read(&maker, edge_of(1, noise, 64, _i), public_key, NULL, 0), 0);
        }
}
END_TEST

/* Messages of one size each, where memory begins and ends. */
START_TEST(pitfall_35_handshakes)
{
    uint8_t ours[32], theirs[32], stamp[12] = {0x40}, index = 1;
    const uint8_t other[32] = {16, 3};
    vpn_handshake *a, *b;
    vpn_session_keys keys[2];
    vpn_key_public(ours, key);
    vpn_key_public(theirs, other);
    ck_assert_int_eq(vpn_handshake_new(&a, edge_of(0, key, 32, _i), NULL, NULL), 0);
    ck_assert_int_eq(vpn_handshake_new(&b, edge_of(0, other, 32, _i), NULL, NULL), 0);
    ck_assert_int_lt(vpn_handshake_read_initiation(b, edge_of(0, noise, 148, _i), edge(1, 32, _i), edge(2, 12, _i)), 0);
    uint8_t *message = edge(0, 148, _i);
    ck_assert_int_eq(vpn_handshake_initiate(a, message, edge_of(1, theirs, 32, _i), edge_of(2, noise, 32, _i), index,
                                            edge_of(3, stamp, 12, _i)),
                     0);
    ck_assert_int_eq(vpn_handshake_read_initiation(b, message, edge(1, 32, _i), edge(3, 12, _i)), 0);
    ck_assert_mem_eq(edge(1, 32, _i), ours, 32);
    ck_assert_int_lt(vpn_handshake_read_response(a, edge_of(0, noise, 92, _i)), 0);
    message = edge(0, 92, _i);
    ck_assert_int_eq(vpn_handshake_respond(b, message, edge_of(2, noise, 32, _i), index), 0);
    ck_assert_int_eq(vpn_handshake_read_response(a, message), 0);
    ck_assert_int_eq(vpn_handshake_finish(a, &keys[0]), 0);
    ck_assert_int_eq(vpn_handshake_finish(b, &keys[1]), 0);
    ck_assert_mem_eq(keys[0].send, keys[1].receive, 32);
    vpn_handshake_free(a);
    vpn_handshake_free(b);
    ck_assert_int_eq(vpn_x25519(edge(0, 32, _i), edge_of(1, key, 32, _i), edge_of(2, theirs, 32, _i)), 0);
}
END_TEST

/* --- queues, windows, tables --- */

START_TEST(pitfall_35_queue)
{
    vpn_queue *queue;
    ck_assert_int_eq(vpn_queue_new(&queue, NULL), 0);
    for (uint32_t n = 0; n <= LONGEST; n++) {
        vpn_packet in = {.data = edge_of(0, noise, n, _i), .capacity = n, .length = n, .peer = 1, .queue = 2};
        ck_assert_int_eq(vpn_queue_push(queue, &in), 0);
        in.length = n + 1;
        ck_assert_int_eq(vpn_queue_push(queue, &in), VPN_EINVAL);
        for (uint32_t room = 0; room <= LONGEST && vpn_queue_count(queue, 1) != 0; room++) {
            vpn_packet out = {.data = edge(1, room, _i), .capacity = room, .offset = room + 1};
            ck_assert_int_eq(vpn_queue_pop(queue, 1, &out), VPN_ESPACE);
            out.offset = 0;
            ck_assert_int_eq(vpn_queue_pop(queue, 1, &out), room < n ? VPN_ESPACE : 0);
            ck_assert_uint_eq(out.length, n);
            ck_assert(room < n || memcmp(out.data, noise, n) == 0);
        }
        ck_assert_uint_eq(vpn_queue_count(queue, 0), 0);
    }
    vpn_queue_free(queue);
}
END_TEST

START_TEST(pitfall_35_windows_and_tables)
{
    vpn_replay window;
    vpn_allowedips *table;
    vpn_prefix out;
    uint64_t cursor = 0;
    int held[2] = {0};
    ck_assert_int_eq(vpn_allowedips_new(&table, NULL), 0);
    for (uint32_t bits = 0; bits <= LONGEST; bits++) {
        uint64_t *map = (uint64_t *)(void *)edge(0, VPN_REPLAY_WORDS(bits) * sizeof *map, _i);
        int right = bits == 128 ? 0 : VPN_EINVAL;
        ck_assert_int_eq(vpn_replay_init(&window, map, bits), right);
        for (uint64_t counter = 0; right == 0 && counter < 1000; counter += 1 + counter % 3)
            ck_assert(vpn_replay_check(&window, counter) == 0 && vpn_replay_accept(&window, counter) == 0);
        for (uint32_t family = 0; family <= LONGEST; family++) {
            vpn_prefix prefix = {.family = (uint8_t)family, .bits = (uint8_t)bits};
            int sound = (family == 4 && bits <= 32) || (family == 6 && bits <= 128);
            ck_assert_int_eq(vpn_allowedips_insert(table, &prefix, 3), sound ? 0 : VPN_EINVAL);
            held[family == 6] |= sound;
            uint32_t bytes = family == 4 ? 4 : family == 6 ? 16 : 0;
            uint8_t *addr = edge(1, bytes, _i);
            memset(addr, 0, bytes);
            ck_assert_uint_eq(vpn_allowedips_lookup(table, (uint8_t)family, addr),
                              bytes != 0 && held[bytes == 16] ? 3 : VPN_ALLOWEDIPS_NONE);
        }
    }
    ck_assert_uint_eq(vpn_allowedips_count(table), 33 + 129);
    while (vpn_allowedips_next(table, 3, &cursor, &out) == 0)
        ck_assert_int_eq(vpn_allowedips_remove(table, &out, 3), 0);
    ck_assert_uint_eq(vpn_allowedips_count(table), 0);
    vpn_allowedips_free(table);
}
END_TEST

Suite *suite(void);

static void both_sides(Suite *s, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, test, 0, EDGE_SIDES);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(s, tcase);
}

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/35 parts");
    both_sides(s, "35 ciphers", pitfall_35_ciphers);
    both_sides(s, "35 hashes", pitfall_35_hashes);
    both_sides(s, "35 key text", pitfall_35_text);
    both_sides(s, "35 sessions", pitfall_35_sessions);
    both_sides(s, "35 macs", pitfall_35_macs);
    both_sides(s, "35 handshakes", pitfall_35_handshakes);
    both_sides(s, "35 queue", pitfall_35_queue);
    both_sides(s, "35 windows", pitfall_35_windows_and_tables);
    return s;
}

TEST_MAIN(suite)
