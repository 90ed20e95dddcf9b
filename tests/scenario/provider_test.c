/* SPDX-License-Identifier: ISC */
/*
 * A provider that refuses, as one in hardware may: each of its calls in a handshake fails once. The message that needed it is
 * dropped with a reason, nothing that was made on the way stays, and the next handshake comes about.
 */
#include "common/pair.h"

static struct pair p;
static struct mail m, n;
/* Which call of each kind fails, counted down; 0: none. */
static uint32_t agreement, key, text;

static int fails(uint32_t *left)
{
    return *left != 0 && --*left == 0;
}

static int agree(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    if (!fails(&agreement))
        return vpn_x25519(out, scalar, point);
    memset(out, 0, 32);
    return VPN_EKEY;
}

static int init_key(void *slot, const uint8_t secret[32])
{
    return fails(&key) ? VPN_ENOMEM : vpn_provider_sodium()->init_key(slot, secret);
}

static size_t seal(void *scratch, vpn_aead_job *jobs, size_t count)
{
    if (!fails(&text))
        return vpn_provider_sodium()->seal(scratch, jobs, count);
    for (size_t i = 0; i < count; i++)
        jobs[i].done = 0;
    return 0;
}

static void start(void)
{
    static vpn_provider provider;
    vpn_wg_config config = {.provider = &provider};
    provider = *vpn_provider_sodium();
    provider.x25519 = agree;
    provider.init_key = init_key;
    provider.seal = seal;
    agreement = key = text = 0;
    pair_new(&p, &config);
}

/* A handshake of a, carried as far as it gets: the reason why a side dropped its message, and that side; NULL if it is done. */
static struct side *refused(uint32_t *reason)
{
    vpn_wg_stats before = side_stats(&p.a);
    ck_assert_int_eq(vpn_wg_handshake(p.a.wg, p.a.peer, p.now), 0);
    if (side_tick(&p.a, &m, p.now) == 0) {
        vpn_wg_stats after = side_stats(&p.a);
        for (*reason = 0; *reason < VPN_REASONS && before.drops[*reason] == after.drops[*reason]; ++*reason)
            ;
        return &p.a;
    }
    mail_copy(&n, &m, &p.a.at);
    side_recv(&p.b, &n, p.now);
    *reason = n.packet.reason;
    if (n.packet.verdict == VPN_DROP)
        return &p.b;
    mail_copy(&m, &n, &p.b.at);
    side_recv(&p.a, &m, p.now);
    *reason = m.packet.reason;
    if (m.packet.verdict == VPN_DROP)
        return &p.a;
    mail_copy(&n, &m, &p.a.at);
    ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_DONE);
    return NULL;
}

/* Time goes on, and data goes both ways after a handshake that nothing disturbs. */
static void recovers(void)
{
    uint32_t reason;
    agreement = key = text = 0;
    p.now += 10 * VPN_SECOND;
    p.a.host.base.now.seconds += 10;
    ck_assert_ptr_null(refused(&reason));
    pair_sealed(&p, &m, &p.a, &p.b, 60);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_TUN);
    pair_sealed(&p, &m, &p.b, &p.a, 60);
    ck_assert_uint_eq(side_recv(&p.a, &m, p.now), VPN_TO_TUN);
    side_quiet(&p.a);
    side_quiet(&p.b);
}

/* What is agreed with a peer's key is worked out once. Its failure lasts until a key changes: it is that of a bad key. */
static void forget_agreements(struct side *s)
{
    uint8_t other[32];
    memset(other, 99, sizeof other);
    vpn_wg_set_private_key(s->wg, other, p.now);
    vpn_wg_set_private_key(s->wg, s->private_key, p.now);
}

START_TEST(agreements)
{
    static const struct {
        int at_b;
        uint32_t reason;
    } want[] = {
        {0, VPN_REASON_LOW_ORDER}, /* of the static keys */
        {0, VPN_REASON_LOW_ORDER}, /* of a's ephemeral key */
        {1, VPN_REASON_HANDSHAKE}, /* of a's ephemeral key */
        {1, VPN_REASON_HANDSHAKE}, /* of the static keys */
        {1, VPN_REASON_HANDSHAKE}, /* of both ephemeral keys */
        {1, VPN_REASON_HANDSHAKE}, /* of b's ephemeral key */
        {0, VPN_REASON_RESPONSE},  /* of both ephemeral keys */
        {0, VPN_REASON_RESPONSE},  /* of b's ephemeral key */
    };
    const uint32_t count = sizeof want / sizeof *want;
    for (uint32_t i = 0; i <= count; i++) {
        uint32_t reason;
        start();
        agreement = i + 1;
        struct side *by = refused(&reason);
        ck_assert_ptr_eq(by, i == count ? NULL : want[i].at_b ? &p.b : &p.a);
        if (by) {
            ck_assert_str_eq(vpn_reason_name(reason), vpn_reason_name(want[i].reason));
            side_drops(by, reason, 1);
            ck_assert_uint_eq(side_stats(by).sessions, 0);
            forget_agreements(by);
        }
        recovers();
        pair_free(&p);
    }
}
END_TEST

/* Two keys for each session, and no session with one of them. */
START_TEST(session_keys)
{
    for (uint32_t i = 0; i <= 4; i++) {
        uint32_t reason;
        start();
        key = i + 1;
        struct side *by = refused(&reason);
        ck_assert_ptr_eq(by, i == 4 ? NULL : i < 2 ? &p.b : &p.a);
        if (by) {
            ck_assert_uint_eq(reason, VPN_REASON_MEMORY);
            side_drops(by, reason, 1);
            ck_assert_uint_eq(side_stats(by).sessions, 0);
        }
        recovers();
        pair_free(&p);
    }
}
END_TEST

/* The confirmation is the first message under the session. It is not sent unsealed; the session stays, and carries data. */
START_TEST(confirmation)
{
    uint32_t reason;
    start();
    text = 1;
    ck_assert_ptr_eq(refused(&reason), &p.a);
    ck_assert_uint_eq(reason, VPN_REASON_NO_CRYPT);
    side_drops(&p.a, reason, 1);
    ck_assert_ptr_nonnull(side_current(&p.a));
    ck_assert_uint_eq(side_stats(&p.a).keepalives_sent, 0);
    pair_sealed(&p, &m, &p.a, &p.b, 60);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_TUN);
    recovers();
    pair_free(&p);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("provider");
    test_add(s, "agreements", agreements);
    test_add(s, "session keys", session_keys);
    test_add(s, "confirmation", confirmation);
    return s;
}

TEST_MAIN(suite)
