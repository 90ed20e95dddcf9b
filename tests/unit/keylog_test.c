/* SPDX-License-Identifier: ISC */
#include "wireguard/keylog.h"

#include "common/pair.h"

#define LINES 32

struct sink {
    char lines[LINES][96];
    uint32_t count;
};

static void take(void *user, const char *line)
{
    struct sink *sink = user;
    ck_assert_uint_lt(sink->count, LINES);
    ck_assert_uint_lt(strlen(line), sizeof sink->lines[0]);
    strcpy(sink->lines[sink->count++], line);
}

#ifdef VPN_KEYLOG

static void expect(const struct sink *sink, uint32_t at, const char *name, const uint8_t key[32])
{
    char want[96] = {0}, text[VPN_KEY_BASE64_CHARS + 1];
    vpn_key_to_base64(text, key);
    strcat(strcat(strcat(want, name), " = "), text);
    ck_assert_str_eq(sink->lines[at], want);
}

/* The public key of the ephemeral secret in a line is the one that the message shows at `offset`. */
static void expect_ephemeral(const struct sink *sink, uint32_t at, const uint8_t *shown)
{
    static const char name[] = "LOCAL_EPHEMERAL_PRIVATE_KEY = ";
    uint8_t secret[32], public_key[32];
    ck_assert_int_eq(strncmp(sink->lines[at], name, strlen(name)), 0);
    ck_assert_int_eq(vpn_key_from_base64(secret, sink->lines[at] + strlen(name), VPN_KEY_BASE64_CHARS), 0);
    vpn_key_public(public_key, secret);
    ck_assert_mem_eq(public_key, shown, 32);
}

START_TEST(lines_of_both_sides)
{
    struct pair p;
    struct sink a = {.count = 0}, b = {.count = 0};
    struct mail first, answer;
    uint8_t preshared[32], shown[32], own_a[32], own_b[32];
    vpn_wg_peer change = {.size = sizeof change};
    pair_new(&p, NULL);
    vpn_wg_private_key(p.a.wg, own_a);
    vpn_wg_private_key(p.b.wg, own_b);
    memset(preshared, 0x5a, sizeof preshared);
    memcpy(change.preshared_key, preshared, 32);
    side_set(&p.a, &change, VPN_WG_SET_PRESHARED, p.now);
    side_set(&p.b, &change, VPN_WG_SET_PRESHARED, p.now);
    ck_assert_int_eq(vpn_wg_set_keylog(p.a.wg, take, &a), 0);
    ck_assert_int_eq(vpn_wg_set_keylog(p.b.wg, take, &b), 0);
    side_initiate(&p.a, &first, p.now);
    ck_assert_uint_eq(a.count, 4);
    expect(&a, 0, "LOCAL_STATIC_PRIVATE_KEY", own_a);
    expect(&a, 1, "REMOTE_STATIC_PUBLIC_KEY", p.b.public_key);
    expect_ephemeral(&a, 2, mail_text(&first) + 8);
    expect(&a, 3, "PRESHARED_KEY", preshared);
    mail_copy(&answer, &first, &p.a.at);
    ck_assert_uint_eq(side_recv(&p.b, &answer, p.now), VPN_TO_NET);
    ck_assert_uint_eq(b.count, 4);
    expect(&b, 0, "LOCAL_STATIC_PRIVATE_KEY", own_b);
    expect(&b, 1, "REMOTE_STATIC_PUBLIC_KEY", p.a.public_key);
    memcpy(shown, mail_text(&answer) + 12, 32);
    expect_ephemeral(&b, 2, shown);
    expect(&b, 3, "PRESHARED_KEY", preshared);
    ck_assert_int_eq(vpn_wg_set_keylog(p.b.wg, NULL, NULL), 0); /* and no more is told */
    p.now += 10 * VPN_SECOND;
    p.b.host.base.now.seconds += 10;
    p.a.host.base.now.seconds += 10;
    pair_respond(&p, &p.a, &p.b, &answer);
    ck_assert_uint_eq(a.count, 8);
    ck_assert_uint_eq(b.count, 4);
    pair_free(&p);
}
END_TEST

#else

START_TEST(refused)
{
    struct pair p;
    struct sink a = {.count = 0};
    struct mail first;
    pair_new(&p, NULL);
    ck_assert_int_eq(vpn_wg_set_keylog(p.a.wg, take, &a), VPN_EUNSUPPORTED);
    side_initiate(&p.a, &first, p.now);
    ck_assert_uint_eq(a.count, 0);
    pair_free(&p);
}
END_TEST

#endif

static Suite *suite(void)
{
    Suite *s = suite_create("keylog");
#ifdef VPN_KEYLOG
    test_add(s, "lines_of_both_sides", lines_of_both_sides);
#else
    test_add(s, "refused", refused);
#endif
    return s;
}

TEST_MAIN(suite)
