/* SPDX-License-Identifier: ISC */
#include <vpn/cookie.h>

#include "crypto/blake2s.h"

#include "common/test.h"

#define SECOND VPN_SECOND

static test_host host;
static vpn_env env;
static vpn_cookie_checker checker; /* of the receiver, whose public key is `ours` */
static vpn_cookie_maker maker;     /* of the sender */
static uint8_t ours[32];
static uint8_t message[VPN_WG_INITIATION_BYTES], reply[VPN_WG_COOKIE_BYTES];
static vpn_endpoint from;
static const size_t lengths[] = {VPN_WG_INITIATION_BYTES, VPN_WG_RESPONSE_BYTES};

static void start(void)
{
    memset(&host, 0, sizeof(host));
    host.seed = 3;
    env = test_env(&host);
    test_fill(&host.seed, ours, sizeof(ours));
    test_fill(&host.seed, message, sizeof(message));
    memset(&from, 0, sizeof(from));
    from.family = 4;
    from.port = 0x1234;
    memcpy(from.addr, "\xc0\x00\x02\x07", 4);
    vpn_cookie_checker_init(&checker, ours);
    vpn_cookie_maker_init(&maker);
}

static void add(size_t length, vpn_time now)
{
    ck_assert_int_eq(vpn_mac_add(&maker, message, length, ours, now), 0);
}

static void make_reply(size_t length, vpn_time now)
{
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, length, &from, NULL, &env, now), 0);
}

static int read_reply(vpn_time now)
{
    return vpn_cookie_read(&maker, reply, ours, NULL, now);
}

/* A maker that has a cookie of this time for `from`. */
static void exchange(vpn_time now)
{
    add(148, now);
    make_reply(148, now);
    ck_assert_int_eq(read_reply(now), 0);
}

static int mac2(size_t length, vpn_time now)
{
    return vpn_mac2_check(&checker, message, length, &from, now);
}

static void labelled(uint8_t out[32], const char *label)
{
    uint8_t joined[40];
    memcpy(joined, label, 8);
    memcpy(joined + 8, ours, 32);
    vpn_blake2s_hash(out, 32, joined, sizeof(joined), NULL, 0);
}

/* Section 5.4.4: mac1 = Mac(Hash("mac1----" || S_m'), msg_a) */
START_TEST(mac1_by_definition)
{
    uint8_t key[32], want[16];
    for (size_t i = 0; i < 2; i++) {
        size_t at = lengths[i] - 32;
        start();
        add(lengths[i], 0);
        labelled(key, "mac1----");
        vpn_blake2s_hash(want, 16, message, at, key, 32);
        ck_assert_mem_eq(message + at, want, 16);
        ck_assert(test_is_zero(message + at + 16, 16));
        ck_assert_int_eq(vpn_mac1_check(&checker, message, lengths[i]), 0);
        for (size_t byte = 0; byte < lengths[i]; byte++) {
            message[byte] ^= 4;
            ck_assert_int_eq(vpn_mac1_check(&checker, message, lengths[i]), byte < at + 16 ? VPN_EAUTH : 0);
            message[byte] ^= 4;
        }
    }
}
END_TEST

START_TEST(other_lengths)
{
    static uint8_t any[300];
    start();
    for (size_t length = 0; length < 300; length++) {
        int want = length == 148 || length == 92 ? VPN_EAUTH : VPN_EINVAL;
        ck_assert_int_eq(vpn_mac1_check(&checker, any, length), want);
        ck_assert_int_eq(vpn_mac2_check(&checker, any, length, &from, 0), want);
        if (want == VPN_EAUTH)
            continue;
        ck_assert_int_eq(vpn_mac_add(&maker, any, length, ours, 0), VPN_EINVAL);
        ck_assert_int_eq(vpn_cookie_reply(&checker, reply, any, length, &from, NULL, &env, 0), VPN_EINVAL);
    }
    ck_assert_uint_eq(maker.mac1_sent, 0);
    env.size = 1;
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, any, 148, &from, NULL, &env, 0), VPN_EINVAL);
}
END_TEST

/* mac2 = Mac(cookie, msg_b); cookie = Mac(secret, source IP || port in network order) */
START_TEST(mac2_by_definition)
{
    uint8_t cookie[16], want[16], source[6] = {0xc0, 0x00, 0x02, 0x07, 0x12, 0x34};
    for (size_t i = 0; i < 2; i++) {
        start();
        exchange(SECOND);
        vpn__blake2s_resume(cookie, 16, checker.secret_keyed, source, sizeof(source));
        ck_assert_mem_eq(maker.cookie, cookie, 16);
        add(lengths[i], SECOND);
        vpn_blake2s_hash(want, 16, message, lengths[i] - 16, cookie, 16);
        ck_assert_mem_eq(message + lengths[i] - 16, want, 16);
        ck_assert_int_eq(mac2(lengths[i], SECOND), 0);
        for (size_t byte = 0; byte < lengths[i]; byte++) {
            message[byte] ^= 4;
            ck_assert_int_eq(mac2(lengths[i], SECOND), VPN_EAUTH);
            message[byte] ^= 4;
        }
    }
}
END_TEST

/* Section 5.4.7: type 3, receiver index, nonce, XAead(Hash("cookie--" || S_m), nonce, cookie, M.mac1) */
START_TEST(reply_by_definition)
{
    uint8_t key[32], cookie[16], source[6] = {0xc0, 0x00, 0x02, 0x07, 0x12, 0x34};
    for (size_t i = 0; i < 2; i++) {
        start();
        add(lengths[i], 0);
        make_reply(lengths[i], 0);
        test_expect_hex(reply, 4, "03000000");
        ck_assert_mem_eq(reply + 4, message + 4, 4);
        labelled(key, "cookie--");
        ck_assert_int_eq(vpn_xaead_open(cookie, reply + 32, 32, message + lengths[i] - 32, 16, reply + 8, key), 0);
        uint8_t want[16];
        vpn__blake2s_resume(want, 16, checker.secret_keyed, source, sizeof(source));
        ck_assert_mem_eq(cookie, want, 16);
    }
}
END_TEST

START_TEST(reply_in_place)
{
    uint8_t apart[VPN_WG_COOKIE_BYTES];
    for (size_t i = 0; i < 2; i++) {
        start();
        add(lengths[i], 0);
        uint64_t seed = host.seed;
        make_reply(lengths[i], 0);
        memcpy(apart, reply, sizeof(apart));
        host.seed = seed;
        vpn_cookie_checker_init(&checker, ours);
        ck_assert_int_eq(vpn_cookie_reply(&checker, message, message, lengths[i], &from, NULL, &env, 0), 0);
        ck_assert_mem_eq(message, apart, sizeof(apart));
    }
}
END_TEST

/* Nonces differ although nothing else does. */
START_TEST(fresh_nonces)
{
    uint8_t before[VPN_WG_COOKIE_BYTES];
    start();
    add(148, 0);
    make_reply(148, 0);
    memcpy(before, reply, sizeof(before));
    make_reply(148, 0);
    ck_assert_mem_eq(before, reply, 8);
    ck_assert_mem_ne(before + 8, reply + 8, 24);
}
END_TEST

/* A mac2 under a zeroed state, which is what lies in fresh memory, is worth nothing. */
START_TEST(no_secret_at_start)
{
    uint8_t cookie[16], source[6] = {0xc0, 0x00, 0x02, 0x07, 0x12, 0x34};
    uint32_t zero[8] = {0};
    start();
    add(148, 0);
    vpn__blake2s_resume(cookie, 16, zero, source, sizeof(source));
    vpn_blake2s_hash(message + 132, 16, message, 132, cookie, 16);
    ck_assert_int_eq(mac2(148, 0), VPN_EAUTH);
    ck_assert_int_eq(mac2(148, 130 * SECOND), VPN_EAUTH);
    memset(message + 132, 0, 16);
    ck_assert_int_eq(mac2(148, 0), VPN_EAUTH);
    make_reply(148, 0);
    ck_assert(!test_is_zero(checker.secret_keyed, 32));
    ck_assert_int_eq(mac2(148, 0), VPN_EAUTH);
}
END_TEST

START_TEST(secret_rotates)
{
    uint8_t secret[32];
    vpn_time birth = 50 * SECOND;
    start();
    exchange(birth);
    memcpy(secret, checker.secret_keyed, 32);
    add(148, birth + 100 * SECOND);
    ck_assert_int_eq(mac2(148, birth), 0);
    ck_assert_int_eq(mac2(148, birth - SECOND), 0); /* a clock that steps back */
    ck_assert_int_eq(mac2(148, birth + 120 * SECOND - 1), 0);
    ck_assert_int_eq(mac2(148, birth + 120 * SECOND), VPN_EEXPIRED);
    make_reply(148, birth + 120 * SECOND - 1);
    ck_assert_mem_eq(secret, checker.secret_keyed, 32);
    make_reply(148, birth + 120 * SECOND);
    ck_assert_mem_ne(secret, checker.secret_keyed, 32);
    ck_assert_int_eq(mac2(148, birth + 120 * SECOND), VPN_EAUTH);
}
END_TEST

START_TEST(cookie_ages)
{
    vpn_time birth = 7 * SECOND;
    start();
    exchange(birth);
    static const struct {
        vpn_time age;
        int used;
    } steps[] = {{0, 1}, {115 * SECOND - 1, 1}, {115 * SECOND, 0}, {1000 * SECOND, 0}, {114 * SECOND, 1}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        add(92, birth + steps[i].age);
        ck_assert_int_eq(!test_is_zero(message + 76, 16), steps[i].used);
    }
}
END_TEST

/* Address, port and family are part of what a cookie proves; the scope is not. */
START_TEST(source_is_covered)
{
    start();
    exchange(SECOND);
    add(148, SECOND);
    from.port ^= 1;
    ck_assert_int_eq(mac2(148, SECOND), VPN_EAUTH);
    from.port ^= 1;
    for (size_t i = 0; i < 4; i++) {
        from.addr[i] ^= 1;
        ck_assert_int_eq(mac2(148, SECOND), VPN_EAUTH);
        from.addr[i] ^= 1;
    }
    from.family = 6;
    ck_assert_int_eq(mac2(148, SECOND), VPN_EAUTH);
    from.family = 4;
    ck_assert_int_eq(mac2(148, SECOND), 0);
}
END_TEST

START_TEST(ipv6)
{
    uint8_t cookie[16], source[18];
    start();
    from.family = 6;
    test_fill(&host.seed, from.addr, 16);
    exchange(SECOND);
    memcpy(source, from.addr, 16);
    source[16] = 0x12;
    source[17] = 0x34;
    vpn__blake2s_resume(cookie, 16, checker.secret_keyed, source, sizeof(source));
    ck_assert_mem_eq(maker.cookie, cookie, 16);
    add(148, SECOND);
    ck_assert_int_eq(mac2(148, SECOND), 0);
    for (size_t i = 0; i < 16; i++) {
        from.addr[i] ^= 1;
        ck_assert_int_eq(mac2(148, SECOND), VPN_EAUTH);
        from.addr[i] ^= 1;
    }
}
END_TEST

START_TEST(one_cookie_for_each_mac1)
{
    start();
    memset(reply, 0, sizeof(reply));
    reply[0] = 3;
    ck_assert_int_eq(read_reply(0), VPN_ESTATE);
    exchange(SECOND);
    ck_assert_int_eq(read_reply(SECOND), VPN_ESTATE);
    uint8_t cookie[16];
    memcpy(cookie, maker.cookie, 16);
    make_reply(148, SECOND); /* a second answer to the same mac1 */
    ck_assert_int_eq(read_reply(2 * SECOND), VPN_ESTATE);
    ck_assert_uint_eq(maker.cookie_born, SECOND);
    ck_assert_mem_eq(maker.cookie, cookie, 16);
    message[20] ^= 1;
    add(148, 2 * SECOND);
    ck_assert_int_eq(read_reply(2 * SECOND), VPN_EAUTH); /* an answer to the earlier mac1 */
    make_reply(148, 2 * SECOND);
    ck_assert_int_eq(read_reply(2 * SECOND), 0);
    ck_assert_uint_eq(maker.cookie_born, 2 * SECOND);
}
END_TEST

/* A changed byte is refused and changes nothing, so that the true reply is still taken. */
START_TEST(tampered_reply)
{
    start();
    add(148, 0);
    make_reply(148, 0);
    for (size_t i = 0; i < sizeof(reply); i++) {
        if (i >= 4 && i < 8)
            continue; /* the receiver's index only finds the maker */
        vpn_cookie_maker before = maker;
        reply[i] ^= 0x40;
        ck_assert_int_eq(read_reply(SECOND), i < 4 ? VPN_EFORMAT : VPN_EAUTH);
        reply[i] ^= 0x40;
        ck_assert_mem_eq(&before, &maker, sizeof(maker));
    }
    ours[0] ^= 1;
    ck_assert_int_eq(read_reply(SECOND), VPN_EAUTH);
    ours[0] ^= 1;
    ck_assert_int_eq(read_reply(SECOND), 0);
}
END_TEST

START_TEST(broken_randomness)
{
    start();
    add(148, 0);
    memset(reply, 0x77, sizeof(reply));
    host.random_status = 1;
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, 148, &from, NULL, &env, 0), VPN_ERANDOM);
    ck_assert(reply[0] == 0x77 && reply[63] == 0x77);
    ck_assert_uint_eq(checker.secret_born, VPN_NEVER);
    ck_assert_int_eq(mac2(148, 0), VPN_EAUTH);
}
END_TEST

static int nonce_alone(void *user, uint8_t *out, size_t bytes)
{
    (void)test_host_random(user, out, bytes);
    return bytes == VPN_XNONCE_BYTES ? 0 : -1;
}

START_TEST(broken_randomness_of_the_secret)
{
    start();
    vpn_env scarce = env;
    scarce.random = nonce_alone;
    add(148, 0);
    memset(reply, 0x77, sizeof(reply));
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, 148, &from, NULL, &scarce, 0), VPN_ERANDOM);
    ck_assert(reply[0] == 0x77 && reply[63] == 0x77);
    ck_assert_uint_eq(checker.secret_born, VPN_NEVER);
    ck_assert(test_is_zero(checker.secret_keyed, sizeof(checker.secret_keyed)));
}
END_TEST

static int sealed, opened;

static void count_seal(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad, size_t ad_length,
                       const uint8_t nonce[VPN_XNONCE_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    sealed++;
    vpn_xaead_seal(out, text, length, ad, ad_length, nonce, key);
}

static int count_open(uint8_t *out, const uint8_t *in, size_t length, const uint8_t *ad, size_t ad_length,
                      const uint8_t nonce[VPN_XNONCE_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    opened++;
    return vpn_xaead_open(out, in, length, ad, ad_length, nonce, key);
}

START_TEST(provider)
{
    vpn_provider own = *vpn_provider_sodium();
    own.xseal = count_seal;
    own.xopen = count_open;
    start();
    add(148, 0);
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, 148, &from, &own, &env, 0), 0);
    ck_assert_int_eq(vpn_cookie_read(&maker, reply, ours, &own, 0), 0);
    ck_assert(sealed == 1 && opened == 1);
    own.xseal = NULL;
    own.xopen = NULL;
    add(148, 0);
    ck_assert_int_eq(vpn_cookie_reply(&checker, reply, message, 148, &from, &own, &env, 0), 0);
    ck_assert_int_eq(vpn_cookie_read(&maker, reply, ours, &own, 0), 0);
    ck_assert(sealed == 1 && opened == 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cookie");
    test_add(s, "mac1 by definition", mac1_by_definition);
    test_add(s, "other lengths", other_lengths);
    test_add(s, "mac2 by definition", mac2_by_definition);
    test_add(s, "reply by definition", reply_by_definition);
    test_add(s, "reply in place", reply_in_place);
    test_add(s, "fresh nonces", fresh_nonces);
    test_add(s, "no secret at start", no_secret_at_start);
    test_add(s, "secret rotates", secret_rotates);
    test_add(s, "cookie ages", cookie_ages);
    test_add(s, "source is covered", source_is_covered);
    test_add(s, "ipv6", ipv6);
    test_add(s, "one cookie for each mac1", one_cookie_for_each_mac1);
    test_add(s, "tampered reply", tampered_reply);
    test_add(s, "broken randomness", broken_randomness);
    test_add(s, "broken randomness of the secret", broken_randomness_of_the_secret);
    test_add(s, "provider", provider);
    return s;
}

TEST_MAIN(suite)
