/* SPDX-License-Identifier: ISC */
/* No call leaves a key on the stack: private and ephemeral keys, preshared keys, what is agreed and derived from them, cookie
   secrets and cookies, also as text. */
#include "common/wg.h"
#include "memory/stack.h"

#include <vpn/vpn.h>

/* What a call works on, and what it said. */
static struct {
    uint8_t key[32], other[32], public_key[32], psk[32], ad[32], nonce[24], out[3][32], data[1600], stamp[12];
    char hex[VPN_KEY_HEX_CHARS + 1], base64[VPN_KEY_BASE64_CHARS + 1], text[4096], answer[8192];
    size_t length;
    vpn_env env;
    vpn_handshake *from, *to;
    uint8_t first[148], second[92], remote[32];
    vpn_session_keys keys[2];
    vpn_session *session;
    vpn_packet packet;
    vpn_cookie_checker checker;
    vpn_cookie_maker maker;
    vpn_endpoint at;
    struct wg_node pair[2];
    struct wg_buffer buffer;
    vpn_wg_peer peer;
    vpn_peer_id id;
    vpn_conf *conf;
    vpn_time now;
    unsigned by;
    int status;
} g;

static uint64_t seed;

#define CLEAN(call)                                                                                                    \
    do {                                                                                                               \
        const char *found_ = stack_scan(call);                                                                         \
        ck_assert_msg(found_ == NULL, "%s left on the stack: %s", #call, found_);                                      \
    } while (0)

static int secret_random(void *user, uint8_t *out, size_t bytes)
{
    (void)user;
    test_fill(&seed, out, bytes);
    if (bytes == 32)
        stack_secret("what was drawn", out, 32);
    return 0;
}

static void draw(const char *name, void *out, size_t bytes)
{
    test_fill(&seed, out, bytes);
    stack_secret(name, out, bytes);
}

static void setup(void)
{
    stack_forget();
    memset(&g, 0, sizeof g);
    seed = 99;
    g.env.size = sizeof g.env;
    g.env.random = secret_random;
    g.at.family = 4;
    g.at.port = 9;
    draw("the private key", g.key, 32);
    draw("the other private key", g.other, 32);
    draw("the preshared key", g.psk, 32);
    vpn_key_public(g.public_key, g.other);
    vpn_key_to_hex(g.hex, g.key);
    vpn_key_to_base64(g.base64, g.key);
    stack_secret("a key in hexadecimal", g.hex, VPN_KEY_HEX_CHARS);
    stack_secret("a key in base64", g.base64, VPN_KEY_BASE64_CHARS);
}

static void teardown(void)
{
    ck_assert_uint_gt(stack_secrets(), 4);
}

/* --- the scanner --- */

/* Makes the compiler believe that somebody looks. */
static void show(const uint8_t *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void leaves_a_copy(void)
{
    uint8_t copy[32];
    memcpy(copy, g.key, 32);
    show(copy);
}

static void leaves_a_piece(void)
{
    uint8_t copy[11];
    memcpy(copy + 3, g.psk + 16, 8);
    show(copy);
}

static void wipes_its_copy(void)
{
    uint8_t copy[32];
    memcpy(copy, g.key, 32);
    show(copy);
    vpn_wipe(copy, sizeof copy);
}

START_TEST(the_scanner)
{
    ck_assert_ptr_nonnull(stack_scan(leaves_a_copy));
    ck_assert_ptr_nonnull(stack_scan(leaves_a_piece));
    CLEAN(wipes_its_copy);
}
END_TEST

/* --- keys and primitives --- */

static void draw_private(void)
{
    g.status = vpn_key_private(g.out[0], &g.env);
}

static void draw_preshared(void)
{
    g.status = vpn_key_preshared(g.out[0], &g.env);
}

static void make_public(void)
{
    vpn_key_public(g.out[0], g.key);
}

static void is_zero(void)
{
    g.status = vpn_key_is_zero(g.key) || vpn_equal(g.key, g.psk, 32);
}

static void to_text(void)
{
    vpn_key_to_hex(g.hex, g.key);
    vpn_key_to_base64(g.base64, g.key);
}

static void from_hex(void)
{
    g.status = vpn_key_from_hex(g.out[0], g.hex, VPN_KEY_HEX_CHARS);
}

static void from_base64(void)
{
    g.status = vpn_key_from_base64(g.out[0], g.base64, VPN_KEY_BASE64_CHARS);
}

static void agree(void)
{
    g.status = vpn_x25519(g.out[0], g.key, g.public_key);
}

static void keyed_hash(void)
{
    g.status = vpn_blake2s_hash(g.out[0], 32, g.psk, 32, g.key, 32);
}

static void hash_of_secret(void)
{
    g.status = vpn_blake2s_hash(g.out[0], 32, g.text, 128, NULL, 0);
}

static void hmac(void)
{
    vpn_hmac(g.out[0], g.key, 32, g.psk, 32);
}

static void hkdf(void)
{
    vpn_hkdf(g.out[0], g.out[1], g.out[2], g.key, g.psk, 32);
}

static void seal(void)
{
    vpn_aead_seal(g.data, g.data, g.length, g.ad, 32, g.nonce, g.key);
}

static void open(void)
{
    g.status = vpn_aead_open(g.data, g.data, g.length + 16, g.ad, 32, g.nonce, g.key);
}

static void xseal(void)
{
    vpn_xaead_seal(g.data, g.data, g.length, g.ad, 32, g.nonce, g.key);
}

static void xopen(void)
{
    g.status = vpn_xaead_open(g.data, g.data, g.length + 16, g.ad, 32, g.nonce, g.key);
}

START_TEST(keys)
{
    CLEAN(draw_private);
    CLEAN(draw_preshared);
    CLEAN(make_public);
    CLEAN(is_zero);
    CLEAN(to_text);
    CLEAN(from_hex);
    ck_assert_int_eq(g.status, 0);
    CLEAN(from_base64);
    ck_assert_int_eq(g.status, 0);
    CLEAN(agree);
    ck_assert_int_eq(g.status, 0);
}
END_TEST

START_TEST(primitives)
{
    memcpy(g.text + 64, g.key, 32);
    CLEAN(keyed_hash);
    CLEAN(hash_of_secret);
    CLEAN(hmac);
    CLEAN(hkdf);
    for (g.length = 0; g.length <= 1500; g.length += g.length % 64 == 0 ? 1 : 63) {
        CLEAN(seal);
        CLEAN(open);
        ck_assert_int_eq(g.status, 0);
        CLEAN(xseal);
        CLEAN(xopen);
        ck_assert_int_eq(g.status, 0);
        g.data[g.length] ^= 1;
        CLEAN(open);
        CLEAN(xopen);
    }
}
END_TEST

/* --- handshakes and sessions by themselves --- */

static void shake_new(void)
{
    g.status = vpn_handshake_new(&g.from, g.key, NULL, &g.env) || vpn_handshake_new(&g.to, g.other, NULL, &g.env);
}

static void initiate(void)
{
    g.status = vpn_handshake_initiate(g.from, g.first, g.public_key, g.psk, 1, g.stamp);
}

static void read_initiation(void)
{
    g.status = vpn_handshake_read_initiation(g.to, g.first, g.remote, g.stamp);
}

static void respond(void)
{
    g.status = vpn_handshake_respond(g.to, g.second, g.psk, 2);
}

static void read_response(void)
{
    g.status = vpn_handshake_read_response(g.from, g.second);
}

static void finish(void)
{
    g.status = vpn_handshake_finish(g.from, &g.keys[0]) || vpn_handshake_finish(g.to, &g.keys[1]);
}

static void shake_free(void)
{
    vpn_handshake_free(g.from);
    vpn_handshake_free(g.to);
}

static void session_new(void)
{
    g.status = vpn_session_new(&g.session, &g.keys[g.by], 0, NULL, &g.env, 0);
}

static void session_seal(void)
{
    g.status = vpn_session_seal(g.session, &g.packet, 0, 0);
}

static void session_open(void)
{
    g.status = vpn_session_open(g.session, &g.packet, 0);
}

static void session_free(void)
{
    vpn_session_free(g.session);
}

START_TEST(handshake)
{
    CLEAN(shake_new);
    CLEAN(initiate);
    ck_assert_int_eq(g.status, 0);
    g.first[110] ^= 1;
    CLEAN(read_initiation);
    ck_assert_int_eq(g.status, VPN_EAUTH);
    g.first[110] ^= 1;
    CLEAN(read_initiation);
    ck_assert_int_eq(g.status, 0);
    CLEAN(respond);
    ck_assert_int_eq(g.status, 0);
    g.second[50] ^= 1;
    CLEAN(read_response);
    ck_assert_int_eq(g.status, VPN_EAUTH);
    g.second[50] ^= 1;
    CLEAN(read_response);
    ck_assert_int_eq(g.status, 0);
    CLEAN(finish);
    ck_assert_int_eq(g.status, 0);
    CLEAN(shake_free);
    CLEAN(session_new);
    g.packet = (vpn_packet){.data = g.data, .capacity = sizeof g.data, .offset = 16, .length = 200};
    CLEAN(session_seal);
    ck_assert_int_eq(g.status, 0);
    CLEAN(session_free);
    g.by = 1;
    CLEAN(session_new);
    CLEAN(session_open);
    ck_assert_int_eq(g.status, 0);
    CLEAN(session_free);
    ck_assert_uint_gt(stack_secrets(), 20);
}
END_TEST

/* --- cookies --- */

static void add_macs(void)
{
    g.status = vpn_mac_add(&g.maker, g.first, 148, g.public_key, 0);
}

static void check_mac2(void)
{
    g.status = vpn_mac2_check(&g.checker, g.first, 148, &g.at, 0);
}

static void cookie_reply(void)
{
    g.status = vpn_cookie_reply(&g.checker, g.data, g.first, 148, &g.at, NULL, &g.env, 0);
}

static void cookie_read(void)
{
    g.status = vpn_cookie_read(&g.maker, g.data, g.public_key, NULL, 0);
}

START_TEST(cookies)
{
    vpn_cookie_checker_init(&g.checker, g.public_key);
    vpn_cookie_maker_init(&g.maker);
    CLEAN(add_macs);
    CLEAN(cookie_reply);
    CLEAN(cookie_read);
    ck_assert_int_eq(g.status, 0);
    stack_secret("the cookie secret", (const uint8_t *)g.checker.secret_keyed, 32);
    stack_secret("a cookie", g.maker.cookie, 16);
    CLEAN(add_macs);
    CLEAN(check_mac2);
    ck_assert_int_eq(g.status, 0);
    CLEAN(cookie_reply);
    CLEAN(cookie_read);
    ck_assert_int_eq(g.status, 0);
}
END_TEST

/* --- devices --- */

static void set_private_key(void)
{
    g.status = vpn_wg_set_private_key(g.pair[g.by].wg, g.by ? g.other : g.key, 0);
}

static void get_private_key(void)
{
    vpn_wg_private_key(g.pair[0].wg, g.out[0]);
}

static void peer_add(void)
{
    g.status = vpn_wg_peer_add(g.pair[0].wg, &g.peer, &g.id, 0);
}

static void peer_set(void)
{
    g.status = vpn_wg_peer_set(g.pair[g.by].wg, g.pair[g.by].peer, &g.peer, 0);
}

static void peer_get(void)
{
    g.status = vpn_wg_peer_get(g.pair[0].wg, g.pair[0].peer, &g.peer);
}

static void peer_remove(void)
{
    g.status = vpn_wg_peer_remove(g.pair[g.by].wg, g.pair[g.by].peer);
}

static void tick(void)
{
    g.length = vpn_wg_tick(g.pair[g.by].wg, &g.buffer.packet, 1, g.now);
}

static void receive(void)
{
    g.length = vpn_wg_recv(g.pair[g.by].wg, &g.buffer.packet, 1, g.now);
}

static void send(void)
{
    g.length = vpn_wg_send(g.pair[g.by].wg, &g.buffer.packet, 1, g.now);
}

static void suspend(void)
{
    vpn_wg_suspend(g.pair[g.by].wg);
}

static void end(void)
{
    g.status = vpn_wg_free(g.pair[g.by].wg);
}

static void uapi_set(void)
{
    g.status = vpn_uapi_set(g.pair[0].wg, g.text, g.length, NULL, g.now, NULL);
}

static void uapi_serve(void)
{
    size_t n;
    g.status = vpn_uapi_serve(g.pair[0].wg, g.text, g.length, NULL, g.answer, sizeof g.answer, &n, g.now, NULL);
}

static void file_read(void)
{
    g.status = vpn_conf_parse(&g.conf, g.text, g.length, &g.env, NULL);
}

static void file_write(void)
{
    g.status = vpn_conf_write(g.conf, VPN_CONF_FOR_VPN, g.answer, sizeof g.answer, &g.length);
}

static void file_plan(void)
{
    static const vpn_host host = {.size = sizeof host};
    static vpn_policy policy = {.size = sizeof policy, .host = &host, .name = "wg0"};
    vpn_plan *plan = NULL;
    policy.conf = g.conf;
    g.status = vpn_plan_new(&plan, &policy, &g.env);
    vpn_plan_free(plan);
}

static void file_free(void)
{
    vpn_conf_free(g.conf);
}

/* Two devices with the keys of `setup`, and randomness that tells what it draws. */
static void devices(const vpn_wg_config *config)
{
    wg_pair_init(g.pair, config);
    for (g.by = 0; g.by < 2; g.by++) {
        g.pair[g.by].wg->env.random = secret_random;
        CLEAN(peer_remove);
        CLEAN(set_private_key);
        ck_assert_int_eq(g.status, 0);
        vpn_key_public(g.pair[g.by].public_key, g.by ? g.other : g.key);
    }
    for (g.by = 0; g.by < 2; g.by++) {
        wg_node_meet(&g.pair[g.by], &g.pair[!g.by], 0);
        g.peer = (vpn_wg_peer){.size = sizeof g.peer, .set = VPN_WG_SET_PRESHARED};
        memcpy(g.peer.preshared_key, g.psk, 32);
        CLEAN(peer_set);
        ck_assert_int_eq(g.status, 0);
    }
    g.now = VPN_SECOND;
}

static void deliver(uint8_t type)
{
    ck_assert_uint_eq(g.buffer.packet.type, type);
    g.by = !g.by;
    wg_arrive(&g.buffer.packet, &g.pair[!g.by].at);
    CLEAN(receive);
}

static void connect(unsigned by)
{
    g.by = by;
    ck_assert_int_eq(vpn_wg_handshake(g.pair[by].wg, g.pair[by].peer, g.now), 0);
    wg_empty(&g.buffer);
    CLEAN(tick);
    ck_assert_uint_eq(g.length, 1);
    deliver(1);
    deliver(2);
    deliver(4);
    for (g.by = 0; g.by < 2; g.by++) {
        for (uint32_t length = 20; length < 1420; length += 113) {
            wg_inner(&g.buffer, (uint8_t)g.by, (uint8_t)!g.by, length);
            CLEAN(send);
            deliver(4);
            ck_assert_uint_eq(g.buffer.packet.verdict, VPN_TO_TUN);
            g.by = !g.by;
        }
    }
}

START_TEST(device_life)
{
    devices(NULL);
    connect(0);
    g.now += VPN_SECOND * 10;
    connect(1);
    ck_assert_uint_gt(stack_secrets(), 40);
    g.peer.size = sizeof g.peer;
    CLEAN(peer_get);
    ck_assert_mem_eq(g.peer.preshared_key, g.psk, 32);
    g.peer.set = VPN_WG_SET_PRESHARED;
    CLEAN(peer_add);
    ck_assert_int_eq(g.status, VPN_EEXIST);
    g.peer.public_key[3] ^= 1;
    CLEAN(peer_add);
    ck_assert_int_eq(g.status, 0);
    g.peer.padding = 9;
    g.peer.set = VPN_WG_SET_PADDING | VPN_WG_SET_PRESHARED;
    CLEAN(peer_add);
    ck_assert_int_eq(g.status, VPN_EINVAL);
    CLEAN(get_private_key);
    ck_assert_int_eq(vpn_wg_handshake(g.pair[0].wg, g.pair[0].peer, g.now + VPN_SECOND * 9), 0);
    g.now += VPN_SECOND * 9;
    wg_empty(&g.buffer);
    g.by = 0;
    CLEAN(tick);
    CLEAN(suspend);
    g.by = 1;
    CLEAN(peer_remove);
    for (g.by = 0; g.by < 2; g.by++)
        CLEAN(end);
}
END_TEST

/* Initiations that are proved and then refused: a repeated one, and one from a stranger. */
START_TEST(device_refuses)
{
    static struct wg_buffer first;
    devices(NULL);
    g.by = 0;
    ck_assert_int_eq(vpn_wg_handshake(g.pair[0].wg, g.pair[0].peer, g.now), 0);
    wg_empty(&g.buffer);
    CLEAN(tick);
    wg_copy(&first, &g.buffer.packet);
    deliver(1);
    wg_copy(&g.buffer, &first.packet);
    wg_arrive(&g.buffer.packet, &g.pair[0].at);
    CLEAN(receive);
    ck_assert_uint_eq(g.buffer.packet.reason, VPN_REASON_TIMESTAMP);
    CLEAN(peer_remove);
    wg_copy(&g.buffer, &first.packet);
    wg_arrive(&g.buffer.packet, &g.pair[0].at);
    CLEAN(receive);
    ck_assert_uint_eq(g.buffer.packet.verdict, VPN_UNKNOWN);
    for (g.by = 0; g.by < 2; g.by++)
        CLEAN(end);
}
END_TEST

START_TEST(device_under_load)
{
    vpn_wg_config config = {.size = sizeof config, .load_rate = 1};
    static struct wg_buffer first;
    devices(&config);
    g.by = 0;
    ck_assert_int_eq(vpn_wg_handshake(g.pair[0].wg, g.pair[0].peer, g.now), 0);
    wg_empty(&g.buffer);
    CLEAN(tick);
    wg_copy(&first, &g.buffer.packet);
    g.by = 1;
    for (int i = 0; i < 50 && g.buffer.packet.type != 3; i++) {
        wg_copy(&g.buffer, &first.packet);
        wg_arrive(&g.buffer.packet, &g.pair[0].at);
        CLEAN(receive);
    }
    deliver(3);
    ck_assert_uint_eq(g.buffer.packet.verdict, VPN_DONE);
    stack_secret("a cookie", wg_peer(&g.pair[0])->cookie.cookie, 16);
    stack_secret("the cookie secret", (const uint8_t *)g.pair[1].wg->checker.secret_keyed, 32);
    g.now += VPN_SECOND * 6;
    ck_assert_int_eq(vpn_wg_handshake(g.pair[0].wg, g.pair[0].peer, g.now), 0);
    wg_empty(&g.buffer);
    CLEAN(tick);
    ck_assert_uint_eq(g.length, 1);
    deliver(1);
    ck_assert_uint_eq(g.buffer.packet.verdict, VPN_TO_NET);
    for (g.by = 0; g.by < 2; g.by++)
        CLEAN(end);
}
END_TEST

/* Keys as configuration text, accepted and refused, and read back. */
START_TEST(configuration)
{
    char psk[VPN_KEY_HEX_CHARS + 1], peer[VPN_KEY_HEX_CHARS + 1];
    devices(NULL);
    vpn_key_to_hex(psk, g.psk);
    vpn_key_to_hex(peer, g.public_key);
    stack_secret("a preshared key in hexadecimal", psk, VPN_KEY_HEX_CHARS);
    for (int i = 0; i < 3; i++) {
        g.length = (size_t)snprintf(g.text, sizeof g.text, "private_key=%s\npublic_key=%s\npreshared_key=%s\n%s", g.hex,
                                    peer, psk, i == 2 ? "allowed_ip=nonsense\n" : "allowed_ip=10.1.2.3/32\n");
        CLEAN(uapi_set);
        ck_assert_int_eq(g.status, i == 2 ? VPN_EFORMAT : 0);
        memmove(g.text + 6, g.text, g.length);
        memcpy(g.text, "set=1\n", 6);
        g.length += 6;
        g.text[g.length++] = '\n';
        CLEAN(uapi_serve);
        g.length = (size_t)snprintf(g.text, sizeof g.text, "get=1\n\n");
        CLEAN(uapi_serve);
        ck_assert_int_eq(g.status, 0);
        ck_assert_ptr_nonnull(strstr(g.answer, psk));
        g.length = (size_t)snprintf(g.text, sizeof g.text, "get=libvpn\n\n");
        CLEAN(uapi_serve);
        ck_assert_int_eq(g.status, 0);
        ck_assert_ptr_nonnull(strstr(g.answer, "libvpn_state="));
    }
    g.length = (size_t)snprintf(g.text, sizeof g.text, "public_key=%s\nprivate_key=%s\n", peer, g.hex);
    CLEAN(uapi_set);
    ck_assert_int_eq(g.status, VPN_EINVAL);
    for (g.by = 0; g.by < 2; g.by++)
        CLEAN(end);
}
END_TEST

/* Keys in a file of wg-quick, accepted and refused, written and planned from. */
START_TEST(files)
{
    char psk[VPN_KEY_BASE64_CHARS + 1], peer[VPN_KEY_BASE64_CHARS + 1];
    vpn_key_to_base64(psk, g.psk);
    vpn_key_to_base64(peer, g.public_key);
    stack_secret("a preshared key in base64", psk, VPN_KEY_BASE64_CHARS);
    for (int i = 0; i < 2; i++) {
        g.length = (size_t)snprintf(g.text, sizeof g.text,
                                    "[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\nPresharedKey = %s\n%s",
                                    g.base64, peer, psk, i ? "AllowedIPs = nonsense\n" : "AllowedIPs = 0.0.0.0/0\n");
        CLEAN(file_read);
        ck_assert_int_eq(g.status, i ? VPN_EFORMAT : 0);
        if (i)
            continue;
        CLEAN(file_write);
        ck_assert_int_eq(g.status, 0);
        ck_assert_ptr_nonnull(strstr(g.answer, psk));
        CLEAN(file_plan);
        ck_assert_int_eq(g.status, 0);
        CLEAN(file_free);
    }
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("memory/stack");
    TCase *tcase = tcase_create("calls");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_scanner);
    tcase_add_test(tcase, keys);
    tcase_add_test(tcase, primitives);
    tcase_add_test(tcase, handshake);
    tcase_add_test(tcase, cookies);
    tcase_add_test(tcase, device_life);
    tcase_add_test(tcase, device_refuses);
    tcase_add_test(tcase, device_under_load);
    tcase_add_test(tcase, configuration);
    tcase_add_test(tcase, files);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(s, tcase);
    return s;
}

TEST_MAIN(suite)
