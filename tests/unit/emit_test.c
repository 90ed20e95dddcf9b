/* SPDX-License-Identifier: ISC */
#include "wireguard/emit.h"

#include "base/bytes.h"
#include "common/pair.h"
#include "wireguard/crypt.h"

static struct pair p;
static struct mail m, n;

static uint8_t emit_initiation(struct side *s)
{
    mail_fresh(&m);
    return vpn__emit_initiation(s->wg, side_peer(s), &m.packet);
}

static uint8_t emit_keepalive(struct side *s)
{
    mail_fresh(&m);
    return vpn__emit_keepalive(s->wg, side_peer(s), &m.packet);
}

/* The descriptor is as mail_fresh made it. */
static void fields_unchanged(void)
{
    vpn_packet fresh;
    memset(&fresh, 0, sizeof fresh);
    fresh.data = m.room;
    fresh.capacity = sizeof m.room;
    fresh.offset = 64;
    ck_assert_mem_eq(&fresh, &m.packet, sizeof fresh);
}

static void bytes_around(uint32_t length)
{
    for (uint32_t i = 0; i < sizeof m.room; i++)
        if (i < 64 || i >= 64 + length)
            ck_assert_uint_eq(m.room[i], 0xcc);
}

START_TEST(initiation)
{
    pair_new(&p, NULL);
    side_peer(&p.a)->path.local[0] = 5;
    side_peer(&p.a)->path.ifindex = 6;
    ck_assert_uint_eq(emit_initiation(&p.a), VPN_REASON_NONE);
    ck_assert(m.packet.verdict == VPN_TO_NET && m.packet.length == 148 && m.packet.type == VPN__INITIATION);
    ck_assert(m.packet.tos == 0x88 && m.packet.peer == p.a.peer && m.packet.offset == 64);
    ck_assert(m.packet.path.remote.port == p.b.at.port && m.packet.path.local[0] == 5 && m.packet.path.ifindex == 6);
    bytes_around(148);
    ck_assert_uint_eq(vpn__load32le(mail_text(&m)), VPN__INITIATION);
    const struct vpn__index_entry *entry = vpn__index_find(&p.a.wg->by_index, vpn__load32le(mail_text(&m) + 4));
    ck_assert_ptr_nonnull(entry);
    ck_assert(entry->object == NULL && entry->peer == (uint32_t)p.a.peer);
    ck_assert(test_is_zero(mail_text(&m) + 132, 16)); /* no cookie, no mac2 */
    ck_assert_uint_eq(side_stats(&p.a).initiations_sent, 1);
    ck_assert_uint_eq(side_peer(&p.a)->tx_bytes, 148);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

/* A new one takes the place of the one that was under way; its index is of no use any more. */
START_TEST(initiation_again)
{
    pair_new(&p, NULL);
    for (int i = 0; i < 50; i++) {
        uint32_t old = i == 0 ? 0 : vpn__load32le(mail_text(&m) + 4);
        ck_assert_uint_eq(emit_initiation(&p.a), VPN_REASON_NONE);
        ck_assert_uint_eq(vpn__index_count(&p.a.wg->by_index), 1);
        ck_assert_uint_eq(vpn__slab_used(&p.a.wg->handshakes), 1);
        ck_assert(i == 0 || vpn__index_find(&p.a.wg->by_index, old) == NULL);
    }
    pair_free(&p);
}
END_TEST

static void no_trace(const struct side *s)
{
    fields_unchanged();
    ck_assert_uint_eq(vpn__index_count(&s->wg->by_index), 0);
    ck_assert_uint_eq(vpn__slab_used(&s->wg->handshakes), 0);
    ck_assert_uint_eq(side_peer(s)->handshake, 0);
    ck_assert_uint_eq(side_stats(s).initiations_sent, 0);
    ck_assert_uint_eq(side_peer(s)->tx_bytes, 0);
}

START_TEST(initiation_impossible)
{
    pair_new(&p, NULL);
    struct vpn__peer *peer = side_peer(&p.a);
    memset(peer->public_key, 0, 32);
    ck_assert_uint_eq(emit_initiation(&p.a), VPN_REASON_LOW_ORDER);
    no_trace(&p.a);
    ck_assert(test_is_zero(peer->stamp_sent, sizeof peer->stamp_sent));
    memcpy(peer->public_key, p.b.public_key, 32);
    side_forget_endpoint(&p.a, p.now);
    ck_assert_uint_eq(emit_initiation(&p.a), VPN_REASON_NO_ENDPOINT);
    no_trace(&p.a);
    vpn_wg_set_private_key(p.a.wg, NULL, p.now);
    ck_assert_uint_eq(emit_initiation(&p.a), VPN_REASON_NO_IDENTITY);
    no_trace(&p.a);
    side_quiet(&p.a); /* whoever asked counts it */
    pair_free(&p);
}
END_TEST

static int draws; /* that succeed from now on */

static int scarce_random(void *user, uint8_t *out, size_t bytes)
{
    static uint64_t seed = 3;
    (void)user;
    test_fill(&seed, out, bytes);
    return draws-- > 0 ? 0 : -1;
}

/* Each allocation and each draw in turn; nothing stays behind, and the stamps go on increasing. */
START_TEST(initiation_without_means)
{
    size_t failures = 0;
    pair_new(&p, NULL);
    int (*sound)(void *, uint8_t *, size_t) = p.a.wg->env.random;
    for (;; failures++) {
        host_fail_after(&p.a.host, failures);
        uint8_t reason = emit_initiation(&p.a);
        host_heal(&p.a.host);
        if (reason == VPN_REASON_NONE)
            break;
        ck_assert_uint_eq(reason, VPN_REASON_MEMORY);
        no_trace(&p.a);
    }
    ck_assert_uint_ge(failures, 2);
    vpn__keys_end_handshake(p.a.wg, side_peer(&p.a), 0);
    p.a.wg->stats.initiations_sent = 0;
    side_peer(&p.a)->tx_bytes = 0;
    for (int i = 0; i < 2; i++) {
        draws = i;
        p.a.wg->env.random = scarce_random;
        ck_assert_uint_eq(emit_initiation(&p.a), VPN_REASON_RANDOM);
        p.a.wg->env.random = sound;
        no_trace(&p.a);
        bytes_around(148);
    }
    pair_handshake(&p, &p.a, &p.b);
    pair_free(&p);
}
END_TEST

/* One stamp as it stands in what the peer sends. */
static void stamp_of(struct side *s, uint8_t out[12])
{
    ck_assert_uint_eq(emit_initiation(s), VPN_REASON_NONE);
    memcpy(out, side_peer(s)->stamp_sent, 12);
}

/* Stamps increase with a clock that stands, steps back or fails, and when the peer was removed and comes back. */
START_TEST(stamps)
{
    static const struct {
        uint64_t seconds;
        int status;
    } clock[] = {{PAIR_SECONDS, 0},
                 {PAIR_SECONDS, 0},
                 {PAIR_SECONDS, 0},
                 {PAIR_SECONDS - 100000, 0},
                 {0, -1},
                 {PAIR_SECONDS + 1, 0},
                 {0, 0},
                 {PAIR_SECONDS + 50, 0}};
    uint8_t last[12], next[12], told[12];
    vpn_wall wall = {.seconds = PAIR_SECONDS};
    pair_new(&p, NULL);
    vpn_wg_stamp(p.a.wg, told);
    ck_assert(test_is_zero(told, 12));
    vpn_tai64n(last, &wall);
    stamp_of(&p.a, next);
    ck_assert_mem_eq(next, last, 12);
    for (size_t i = 0; i < sizeof clock / sizeof clock[0]; i++) {
        memcpy(last, next, 12);
        p.a.host.base.now.seconds = clock[i].seconds;
        p.a.host.base.wall_status = clock[i].status;
        stamp_of(&p.a, next);
        ck_assert_int_gt(vpn_tai64n_compare(next, last), 0);
        vpn_wg_stamp(p.a.wg, told);
        ck_assert_mem_eq(told, next, 12);
        if (i % 3 == 2) {
            ck_assert_int_eq(vpn_wg_peer_remove(p.a.wg, p.a.peer), 0);
            side_meet(&p.a, &p.b, p.now);
        }
    }
    pair_free(&p);
}
END_TEST

/* What was restored is the floor, for every peer. */
START_TEST(stamp_floor)
{
    vpn_wg_config config = {.stamp_floor = {0x40, 0, 0, 1}};
    uint8_t next[12], told[12];
    pair_new(&p, &config);
    vpn_wg_stamp(p.a.wg, told);
    ck_assert_mem_eq(told, config.stamp_floor, 12);
    stamp_of(&p.a, next);
    ck_assert_int_gt(vpn_tai64n_compare(next, config.stamp_floor), 0);
    vpn_wg_stamp(p.a.wg, told);
    ck_assert_mem_eq(told, next, 12);
    pair_free(&p);
}
END_TEST

START_TEST(keepalive)
{
    pair_up(&p, NULL);
    uint64_t counter = side_current(&p.a)->counter, bytes = side_peer(&p.a)->tx_bytes;
    vpn_wg_stats before = side_stats(&p.a);
    side_peer(&p.a)->timers.keepalive = p.now;
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NONE);
    ck_assert_uint_eq(side_peer(&p.a)->timers.keepalive, VPN_NEVER);
    ck_assert(m.packet.verdict == VPN_TO_NET && m.packet.length == 32 && m.packet.type == VPN__DATA);
    ck_assert(m.packet.tos == 0 && m.packet.peer == p.a.peer && m.packet.path.remote.port == p.b.at.port);
    bytes_around(32);
    ck_assert_uint_eq(vpn__load64le(mail_text(&m) + 8), counter);
    ck_assert_uint_eq(side_current(&p.a)->counter, counter + 1);
    ck_assert_uint_eq(side_current(&p.a)->pins, 0);
    vpn_wg_stats after = side_stats(&p.a);
    ck_assert_uint_eq(after.keepalives_sent, before.keepalives_sent + 1);
    ck_assert_uint_eq(after.tx_bytes, before.tx_bytes + 32);
    ck_assert_uint_eq(after.tx_packets, before.tx_packets);
    ck_assert_uint_eq(side_peer(&p.a)->tx_bytes, bytes + 32);
    mail_copy(&n, &m, &p.a.at);
    ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_DONE);
    ck_assert_uint_eq(n.packet.length, 0);
    pair_free(&p);
}
END_TEST

/* With no key, one that is muted, used up or 180 s old, and with nowhere to go: no counter is used. */
START_TEST(keepalive_impossible)
{
    pair_new(&p, NULL);
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NO_SESSION);
    fields_unchanged();
    pair_handshake(&p, &p.a, &p.b);
    struct vpn_session *session = side_current(&p.a);
    session->mute = 1;
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NO_SESSION);
    session->mute = 0;
    session->counter = VPN__REJECT_AFTER_MESSAGES;
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NO_SESSION);
    session->counter = 7;
    session->born = p.now - VPN__REJECT_AFTER_TIME;
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NO_SESSION);
    session->born++;
    side_forget_endpoint(&p.a, p.now);
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NO_ENDPOINT);
    fields_unchanged();
    bytes_around(0);
    ck_assert_uint_eq(session->counter, 7);
    pair_free(&p);
}
END_TEST

static size_t seal_nothing(void *scratch, vpn_aead_job *jobs, size_t count)
{
    (void)scratch;
    (void)jobs;
    (void)count;
    return 0;
}

/* A provider that seals nothing: nothing leaves. */
START_TEST(keepalive_without_crypt)
{
    static vpn_provider broken;
    vpn_wg_config config = {.provider = &broken};
    broken = *vpn_provider_sodium();
    pair_up(&p, &config);
    broken.seal = seal_nothing;
    ck_assert_uint_eq(emit_keepalive(&p.a), VPN_REASON_NO_CRYPT);
    fields_unchanged();
    mail_inner(&n, 4, &p.a, &p.b, 60);
    side_send(&p.a, &n, p.now);
    side_dropped(&p.a, &n.packet, VPN_REASON_AUTH);
    pair_free(&p);
}
END_TEST

/* Section 6.2: by age the initiator alone, by messages either side. */
START_TEST(rekey)
{
    pair_up(&p, NULL);
    for (int i = 0; i < 2; i++) {
        struct side *s = i == 0 ? &p.a : &p.b;
        struct vpn__peer *peer = side_peer(s);
        struct vpn_session *session = side_current(s);
        session->born = p.now - VPN__REKEY_AFTER_TIME + 1;
        vpn__emit_rekey(s->wg, peer);
        ck_assert_uint_eq(peer->timers.wanted, VPN_NEVER);
        session->born--;
        vpn__emit_rekey(s->wg, peer);
        ck_assert_uint_eq(peer->timers.wanted, session->initiator ? p.now : VPN_NEVER);
        session->born = p.now;
        peer->timers.wanted = VPN_NEVER;
        session->counter = VPN__REKEY_AFTER_MESSAGES - 1;
        vpn__emit_rekey(s->wg, peer);
        ck_assert_uint_eq(peer->timers.wanted, VPN_NEVER);
        session->counter++;
        vpn__emit_rekey(s->wg, peer);
        ck_assert_uint_eq(peer->timers.wanted, p.now);
        peer->timers.wanted = VPN_NEVER;
    }
    ck_assert(side_current(&p.a)->initiator && !side_current(&p.b)->initiator);
    pair_free(&p);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("emit");
    test_add(s, "initiation", initiation);
    test_add(s, "initiation again", initiation_again);
    test_add(s, "initiation impossible", initiation_impossible);
    test_add(s, "initiation without means", initiation_without_means);
    test_add(s, "stamps", stamps);
    test_add(s, "floor of stamps", stamp_floor);
    test_add(s, "keepalive", keepalive);
    test_add(s, "keepalive impossible", keepalive_impossible);
    test_add(s, "keepalive without crypt", keepalive_without_crypt);
    test_add(s, "rekey", rekey);
    return s;
}

TEST_MAIN(suite)
