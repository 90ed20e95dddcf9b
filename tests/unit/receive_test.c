/* SPDX-License-Identifier: ISC */
#include "wireguard/receive.h"

#include "base/bytes.h"
#include "common/pair.h"

static struct pair p;
static struct mail m, n, o;
static const uint8_t stranger[32] = {8, 77, 1};

/* An initiation to `to` by whoever has a private key, with any stamp. */
static void craft(struct mail *out, const struct side *to, const uint8_t key[32], uint64_t seconds,
                  uint32_t nanoseconds, vpn_cookie_maker *maker)
{
    vpn_wall wall = {.seconds = seconds, .nanoseconds = nanoseconds};
    uint8_t bytes[148], stamp[12];
    vpn_cookie_maker fresh;
    vpn_handshake *h;
    vpn_cookie_maker_init(&fresh);
    vpn_tai64n(stamp, &wall);
    ck_assert_int_eq(vpn_handshake_new(&h, key, NULL, NULL), 0);
    ck_assert_int_eq(vpn_handshake_initiate(h, bytes, to->public_key, NULL, 0x1234567, stamp), 0);
    vpn_handshake_free(h);
    ck_assert_int_eq(vpn_mac_add(maker ? maker : &fresh, bytes, 148, to->public_key, p.now), 0);
    mail_bytes(out, bytes, sizeof bytes, &p.a.at);
}

/* A whole new mac1 for a message that was changed. */
static void remac(struct mail *message, const struct side *to)
{
    vpn_cookie_maker fresh;
    vpn_cookie_maker_init(&fresh);
    ck_assert_int_eq(vpn_mac_add(&fresh, mail_text(message), message->packet.length, to->public_key, p.now), 0);
}

/* Gives it to the side; it is dropped for the reason, and nothing else of the peer or the deadline moves. */
static void unmoved(struct side *s, struct mail *message, uint32_t reason)
{
    struct vpn__peer before = *side_peer(s);
    vpn_time deadline = vpn_wg_deadline(s->wg);
    side_recv(s, message, p.now);
    side_dropped(s, &message->packet, reason);
    ck_assert_uint_eq(message->packet.peer, reason >= VPN_REASON_PEER_FIRST ? s->peer : 0);
    memcpy(before.drops, side_peer(s)->drops, sizeof before.drops);
    before.agreement = side_peer(s)->agreement; /* static-static is worked out when it is first needed */
    memcpy(before.ss, side_peer(s)->ss, sizeof before.ss);
    ck_assert_mem_eq(&before, side_peer(s), sizeof before);
    ck_assert_uint_eq(vpn_wg_deadline(s->wg), deadline);
}

START_TEST(mac1)
{
    pair_new(&p, NULL);
    side_initiate(&p.a, &m, p.now);
    for (uint32_t i = 4; i < 132; i++) {
        mail_copy(&n, &m, &p.a.at);
        mail_text(&n)[i] ^= (uint8_t)(1u << i % 8);
        unmoved(&p.b, &n, VPN_REASON_MAC1);
    }
    mail_copy(&n, &m, &p.a.at);
    ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_TO_NET);
    for (uint32_t i = 4; i < 76; i++) {
        mail_copy(&o, &n, &p.b.at);
        mail_text(&o)[i] ^= 1;
        unmoved(&p.a, &o, VPN_REASON_MAC1);
    }
    pair_free(&p);
}
END_TEST

START_TEST(no_identity)
{
    pair_new(&p, NULL);
    pair_respond(&p, &p.b, &p.a, &o);
    side_initiate(&p.a, &m, p.now + VPN__REKEY_TIMEOUT);
    mail_copy(&n, &m, &p.a.at);
    vpn_wg_set_private_key(p.b.wg, NULL, p.now);
    unmoved(&p.b, &n, VPN_REASON_NO_IDENTITY);
    unmoved(&p.b, &o, VPN_REASON_NO_IDENTITY);
    pair_free(&p);
}
END_TEST

/* What a key of low order agrees on with anybody is known to all: whoever says that it is such a peer proves nothing. */
START_TEST(initiation_of_a_low_order_peer)
{
    static const struct vpn__noise_local liar = {.private_key = {8}};
    static const uint8_t zero[32];
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT};
    uint8_t bytes[148], stamp[12] = {0xff};
    struct vpn__handshake h;
    vpn_cookie_maker maker;
    pair_new(&p, NULL);
    ck_assert_int_eq(vpn_wg_peer_remove(p.b.wg, p.b.peer), 0);
    peer.endpoint = p.a.at;
    ck_assert_int_eq(vpn_wg_peer_add(p.b.wg, &peer, &p.b.peer, p.now), 0);
    ck_assert_int_eq(vpn__handshake_initiate(&h, bytes, &liar, p.b.public_key, zero, zero, 1, stamp, &p.a.host.env), 0);
    vpn_cookie_maker_init(&maker);
    ck_assert_int_eq(vpn_mac_add(&maker, bytes, 148, p.b.public_key, p.now), 0);
    mail_bytes(&m, bytes, sizeof bytes, &p.b.at);
    unmoved(&p.b, &m, VPN_REASON_HANDSHAKE);
    pair_free(&p);
}
END_TEST

/* Well-made messages to an index that nobody has; an initiation has no receiver. */
START_TEST(unknown_index)
{
    pair_new(&p, NULL);
    pair_respond(&p, &p.a, &p.b, &m);
    mail_copy(&n, &m, &p.b.at);
    mail_text(&n)[8] ^= 1;
    remac(&n, &p.a);
    unmoved(&p.a, &n, VPN_REASON_INDEX);
    mail_copy(&n, &m, &p.b.at);
    memset(mail_text(&n), 0, 4);
    mail_text(&n)[0] = VPN__COOKIE_REPLY;
    n.packet.length = VPN_WG_COOKIE_BYTES;
    unmoved(&p.a, &n, VPN_REASON_INDEX);
    pair_free(&p);
}
END_TEST

/* A right mac1 over a message that does not decrypt. It is charged to no peer: who sent it is not known. */
START_TEST(initiation_that_does_not_decrypt)
{
    static const uint32_t where[] = {8, 39, 40, 87, 88, 99, 115};
    pair_new(&p, NULL);
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        for (int known = 0; known < 2; known++) {
            craft(&m, &p.b, known ? p.a.private_key : stranger, PAIR_SECONDS, 0, NULL);
            mail_text(&m)[where[i]] ^= 4;
            remac(&m, &p.b);
            unmoved(&p.b, &m, VPN_REASON_HANDSHAKE);
        }
    }
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    memset(mail_text(&m) + 8, 0, 32); /* an ephemeral key of low order */
    remac(&m, &p.b);
    unmoved(&p.b, &m, VPN_REASON_HANDSHAKE);
    craft(&m, &p.b, p.b.private_key, PAIR_SECONDS, 0, NULL);
    unmoved(&p.b, &m, VPN_REASON_HANDSHAKE);
    ck_assert_uint_eq(side_stats(&p.b).unknown_initiators, 0);
    pair_free(&p);
}
END_TEST

/* Section 5.1: only a greater stamp, by the smallest step; an older one never again. */
START_TEST(timestamps)
{
    pair_new(&p, NULL);
    static const struct {
        uint64_t seconds;
        uint32_t nanoseconds;
        int good;
    } steps[] = {
        {10, 0, 1},        {10, 0, 0}, {9, 999999999, 0},  {10, 1u << 24, 1},         {10, 0, 0},
        {10, 2u << 24, 1}, {11, 0, 1}, {10, 900000000, 0}, {UINT64_C(1) << 40, 0, 1}, {UINT64_C(1) << 32, 0, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        p.now += VPN_SECOND;
        craft(&m, &p.b, p.a.private_key, steps[i].seconds, steps[i].nanoseconds, NULL);
        if (!steps[i].good) {
            unmoved(&p.b, &m, VPN_REASON_TIMESTAMP);
            continue;
        }
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
        ck_assert_uint_eq(m.packet.peer, p.b.peer);
    }
    side_quiet(&p.b);
    pair_free(&p);
}
END_TEST

/* How far a clock may be ahead, to the step of the stamps; what was refused leaves no stamp behind. */
START_TEST(skew)
{
    vpn_wg_config config = {.max_skew = 10};
    pair_new(&p, &config);
    craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + 10, 1u << 24, NULL);
    unmoved(&p.b, &m, VPN_REASON_SKEW);
    craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + 10000, 0, NULL);
    unmoved(&p.b, &m, VPN_REASON_SKEW);
    craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + 10, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    p.now += VPN_SECOND;
    p.b.host.base.now.seconds++;
    craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + 10, 1u << 24, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    pair_free(&p);
}
END_TEST

/* Initiations 20 ms apart are all taken; the gap is counted from the last one that was. */
START_TEST(flood)
{
    pair_new(&p, NULL);
    uint64_t seconds = 1;
    for (int i = 0; i < 5; i++) {
        craft(&m, &p.b, p.a.private_key, seconds++, 0, NULL);
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
        vpn_time taken = p.now;
        for (int k = 0; k < 3; k++) {
            p.now = taken + (k == 0 ? 0 : k == 1 ? VPN__FLOOD_GAP / 2 : VPN__FLOOD_GAP - 1);
            craft(&m, &p.b, p.a.private_key, seconds++, 0, NULL);
            unmoved(&p.b, &m, VPN_REASON_FLOOD);
        }
        p.now = taken + VPN__FLOOD_GAP;
    }
    ck_assert_uint_eq(side_stats(&p.b).initiations_received, 5);
    pair_free(&p);
}
END_TEST

/* A response that is wrong anywhere changes nothing: the right one completes. Then it is one to nothing. */
START_TEST(responses)
{
    static const uint32_t where[] = {12, 43, 44, 59};
    vpn_wg_peer change = {.preshared_key = {1}};
    pair_new(&p, NULL);
    pair_respond(&p, &p.a, &p.b, &m);
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        mail_copy(&n, &m, &p.b.at);
        mail_text(&n)[where[i]] ^= 1;
        remac(&n, &p.a);
        unmoved(&p.a, &n, VPN_REASON_RESPONSE);
    }
    mail_copy(&n, &m, &p.b.at);
    ck_assert_uint_eq(side_recv(&p.a, &n, p.now), VPN_TO_NET);
    ck_assert(n.packet.type == VPN__DATA && n.packet.length == 32 && n.packet.peer == p.a.peer);
    ck_assert(side_peer(&p.a)->last_received == p.now && side_peer(&p.b)->last_received == p.now);
    ck_assert_uint_eq(side_peer(&p.a)->timers.wipe, p.now + VPN__WIPE_AFTER);
    ck_assert_uint_eq(side_peer(&p.b)->timers.wipe, p.now + VPN__WIPE_AFTER);
    mail_copy(&n, &m, &p.b.at);
    unmoved(&p.a, &n, VPN_REASON_STATE);
    side_set(&p.a, &change, VPN_WG_SET_PRESHARED, p.now);
    p.now += VPN__REKEY_TIMEOUT;
    pair_respond(&p, &p.a, &p.b, &m);
    unmoved(&p.a, &m, VPN_REASON_RESPONSE);
    pair_free(&p);
}
END_TEST

/* The index of a session that came in is no handshake of ours. */
START_TEST(response_to_a_session)
{
    pair_up(&p, NULL);
    uint8_t bytes[92] = {VPN__RESPONSE};
    vpn__store32le(bytes + 8, side_current(&p.b)->local_index);
    mail_bytes(&m, bytes, sizeof bytes, &p.a.at);
    remac(&m, &p.b);
    mail_copy(&n, &m, &p.a.at);
    unmoved(&p.b, &m, VPN_REASON_STATE);
    p.now += VPN__REKEY_TIMEOUT;
    side_initiate(&p.b, &o, p.now); /* nor when one of ours is under way */
    unmoved(&p.b, &n, VPN_REASON_STATE);
    pair_free(&p);
}
END_TEST

/* When packets wait, they confirm the session themselves; the keepalive falls due at once should none come. */
START_TEST(response_with_packets_waiting)
{
    pair_new(&p, NULL);
    mail_inner(&m, 4, &p.a, &p.b, 60);
    ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_WAIT);
    pair_respond(&p, &p.a, &p.b, &m);
    ck_assert_uint_eq(side_recv(&p.a, &m, p.now), VPN_DONE);
    ck_assert(m.packet.peer == p.a.peer && m.packet.type == VPN__RESPONSE);
    ck_assert_uint_eq(side_peer(&p.a)->waiting, 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);
    ck_assert_uint_eq(side_tick(&p.a, &m, p.now), 1);
    ck_assert(m.packet.type == VPN__DATA && m.packet.length == 32);
    ck_assert_uint_gt(vpn_wg_deadline(p.a.wg), p.now);
    pair_free(&p);
}
END_TEST

/* A device whose budget is spent with the first message. */
static void load(void)
{
    vpn_wg_config config = {.load_rate = 1};
    pair_new(&p, &config);
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
}

/* Section 5.3: cookie, then mac2, then 20 a second with 5 at once. The port belongs to the proof. */
START_TEST(rate)
{
    vpn_cookie_maker maker;
    vpn_cookie_maker_init(&maker);
    load();
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    ck_assert(m.packet.type == VPN__COOKIE_REPLY && m.packet.length == 64 && m.packet.tos == 0);
    ck_assert(m.packet.peer == 0 && m.packet.path.remote.port == p.a.at.port);
    ck_assert_int_eq(vpn_cookie_read(&maker, mail_text(&m), p.b.public_key, NULL, p.now), 0);
    for (int i = 0; i < 6; i++) {
        craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
        side_recv(&p.b, &m, p.now);
        ck_assert_uint_eq(m.packet.verdict, i < 5 ? VPN_UNKNOWN : VPN_DROP);
    }
    side_dropped(&p.b, &m.packet, VPN_REASON_RATE);
    p.now += VPN_SECOND / 20 - 1;
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
    unmoved(&p.b, &m, VPN_REASON_RATE);
    p.now++;
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
    m.packet.path.remote.port++;
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    ck_assert_uint_eq(m.packet.type, VPN__COOKIE_REPLY);
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    pair_free(&p);
}
END_TEST

/* Without load a source that proved its address has its own budget and then that of all; beyond, another proof is no help. */
START_TEST(rate_of_a_proved_source)
{
    vpn_cookie_maker maker;
    vpn_cookie_maker_init(&maker);
    load();
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    ck_assert_int_eq(vpn_cookie_read(&maker, mail_text(&m), p.b.public_key, NULL, p.now), 0);
    p.now += 2 * VPN_SECOND;
    for (int i = 0; i < 6; i++) {
        craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    }
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, &maker);
    side_recv(&p.b, &m, p.now);
    side_dropped(&p.b, &m.packet, VPN_REASON_RATE);
    pair_free(&p);
}
END_TEST

/* Cookie replies: one for each mac1 that was sent, authentic, and no endpoint or timer moves. */
START_TEST(cookies)
{
    load();
    side_initiate(&p.a, &m, p.now);
    mail_copy(&n, &m, &p.a.at);
    ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_TO_NET);
    ck_assert_uint_eq(n.packet.type, VPN__COOKIE_REPLY);
    vpn_endpoint elsewhere = {.family = 4, .port = 3, .addr = {9}};
    for (uint32_t i = 8; i < 64; i++) {
        mail_copy(&o, &n, &elsewhere);
        mail_text(&o)[i] ^= 1;
        unmoved(&p.a, &o, VPN_REASON_COOKIE);
    }
    vpn_time deadline = vpn_wg_deadline(p.a.wg);
    mail_copy(&o, &n, &elsewhere);
    ck_assert_uint_eq(side_recv(&p.a, &o, p.now), VPN_DONE);
    ck_assert(o.packet.peer == p.a.peer && o.packet.type == VPN__COOKIE_REPLY);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), deadline);
    ck_assert_uint_eq(side_peer(&p.a)->path.remote.port, p.b.at.port);
    mail_copy(&o, &n, &elsewhere);
    unmoved(&p.a, &o, VPN_REASON_STATE);
    ck_assert_uint_eq(side_stats(&p.a).cookies_received, 1);
    pair_free(&p);
}
END_TEST

/* No nonce comes twice, and each 32nd is drawn anew, which can fail. */
START_TEST(cookie_nonces)
{
    static uint8_t nonces[100][24];
    unsigned apart = 0;
    load();
    for (size_t i = 0; i < 100; i++) {
        craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
        ck_assert_uint_eq(m.packet.type, VPN__COOKIE_REPLY);
        memcpy(nonces[i], mail_text(&m) + 8, 24);
        for (size_t k = 0; k < i; k++)
            ck_assert_mem_ne(nonces[k], nonces[i], 24);
        apart += i > 0 && memcmp(nonces[i - 1], nonces[i], 16) != 0;
    }
    ck_assert_uint_eq(apart, 3);
    p.b.host.base.random_status = 1;
    for (size_t i = 100; i <= 128; i++) {
        craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), i < 128 ? VPN_TO_NET : VPN_DROP);
    }
    side_dropped(&p.b, &m.packet, VPN_REASON_RANDOM);
    /* A nonce is left, but not the secret, which is too old. */
    p.b.host.base.random_status = 0;
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    p.now += 120 * VPN_SECOND;
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    p.b.host.base.random_status = 1;
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    side_recv(&p.b, &m, p.now);
    ck_assert(m.packet.verdict == VPN_DROP && m.packet.reason == VPN_REASON_RANDOM);
    pair_free(&p);
}
END_TEST

START_TEST(cookie_without_randomness)
{
    load();
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    p.b.host.base.random_status = 1;
    side_recv(&p.b, &m, p.now);
    side_dropped(&p.b, &m.packet, VPN_REASON_RANDOM);
    ck_assert_uint_eq(side_stats(&p.b).cookies_sent, 0);
    pair_free(&p);
}
END_TEST

/* A pinned peer that is known to be nowhere cannot be answered; the stamp is spent all the same. */
START_TEST(no_endpoint)
{
    vpn_wg_peer change = {.policy = VPN_WG_PIN};
    pair_new(&p, NULL);
    side_set(&p.b, &change, VPN_WG_SET_POLICY | VPN_WG_SET_ENDPOINT, p.now);
    side_initiate(&p.a, &m, p.now);
    mail_copy(&n, &m, &p.a.at);
    mail_copy(&o, &m, &p.a.at);
    side_recv(&p.b, &n, p.now);
    side_dropped(&p.b, &n.packet, VPN_REASON_NO_ENDPOINT);
    unmoved(&p.b, &o, VPN_REASON_TIMESTAMP);
    ck_assert_uint_eq(side_stats(&p.b).sessions, 0);
    ck_assert_uint_eq(vpn__index_count(&p.b.wg->by_index), 0);
    pair_free(&p);
}
END_TEST

/* Without memory, at each place where some is asked for, the responder leaves nothing behind and can be asked again. */
START_TEST(responder_without_memory)
{
    size_t failures = 0;
    pair_new(&p, NULL);
    for (uint64_t i = 0;; i++) {
        p.now += VPN_SECOND;
        craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + i, 0, NULL);
        host_fail_after(&p.b.host, failures);
        side_recv(&p.b, &m, p.now);
        host_heal(&p.b.host);
        if (m.packet.verdict == VPN_TO_NET)
            break;
        failures++;
        side_dropped(&p.b, &m.packet, VPN_REASON_MEMORY);
        ck_assert_uint_eq(side_stats(&p.b).sessions, 0);
        ck_assert_uint_eq(vpn__index_count(&p.b.wg->by_index), 0);
        ck_assert_ptr_null(side_peer(&p.b)->ring.next);
    }
    ck_assert_uint_ge(failures, 2);
    side_quiet(&p.b);
    pair_free(&p);
}
END_TEST

START_TEST(initiator_without_memory)
{
    pair_new(&p, NULL);
    pair_respond(&p, &p.a, &p.b, &m);
    vpn_time deadline = vpn_wg_deadline(p.a.wg);
    host_fail_after(&p.a.host, 0);
    side_recv(&p.a, &m, p.now);
    host_heal(&p.a.host);
    side_dropped(&p.a, &m.packet, VPN_REASON_MEMORY);
    ck_assert_uint_eq(vpn__index_count(&p.a.wg->by_index), 0);
    ck_assert_uint_eq(vpn__slab_used(&p.a.wg->handshakes), 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), deadline);
    p.now += VPN__REKEY_TIMEOUT;
    pair_handshake(&p, &p.a, &p.b);
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

/* The index, then the ephemeral key. */
START_TEST(responder_without_randomness)
{
    pair_new(&p, NULL);
    int (*sound)(void *, uint8_t *, size_t) = p.b.wg->env.random;
    for (int i = 0; i < 2; i++) {
        p.now += VPN_SECOND;
        craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + (uint64_t)i, 0, NULL);
        draws = i;
        p.b.wg->env.random = scarce_random;
        side_recv(&p.b, &m, p.now);
        p.b.wg->env.random = sound;
        side_dropped(&p.b, &m.packet, VPN_REASON_RANDOM);
        ck_assert_uint_eq(side_stats(&p.b).sessions, 0);
        ck_assert_uint_eq(vpn__index_count(&p.b.wg->by_index), 0);
    }
    p.now += VPN__REKEY_TIMEOUT;
    p.a.host.base.now.seconds += 10;
    pair_handshake(&p, &p.a, &p.b);
    pair_free(&p);
}
END_TEST

static void private_of(uint8_t out[32], unsigned i)
{
    memset(out, 0, 32);
    out[1] = (uint8_t)i;
    out[2] = 9;
}

/* 64 strangers are remembered; each further one takes the place of the oldest. */
START_TEST(unknown_ring)
{
    static uint8_t first[65][148];
    uint8_t key[32], public_key[32], told[32], private_key[32];
    vpn_wg_event_info event;
    pair_new(&p, NULL);
    for (unsigned i = 0; i < 65; i++) {
        private_of(private_key, i);
        craft(&m, &p.b, private_key, PAIR_SECONDS, 0, NULL);
        memcpy(first[i], mail_text(&m), 148);
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
        ck_assert_mem_eq(mail_text(&m), first[i], 148);
        ck_assert(m.packet.peer == 0 && m.packet.length == 148);
        vpn_key_public(public_key, private_key);
        ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, key), 0);
        ck_assert_mem_eq(key, public_key, 32);
        ck_assert_int_eq(vpn_wg_event(p.b.wg, &event), 0);
        memcpy(told, event.public_key, 32);
        ck_assert_mem_eq(told, public_key, 32);
        ck_assert(event.type == VPN_WG_UNKNOWN_PEER && event.path.remote.port == p.a.at.port && event.peer == 0);
    }
    for (unsigned i = 0; i < 65; i++) {
        mail_bytes(&m, first[i], 148, &p.a.at);
        ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, key), i == 0 ? VPN_ENOENT : 0);
    }
    ck_assert_uint_eq(side_stats(&p.b).unknown_initiators, 65);
    side_quiet(&p.b);
    pair_free(&p);
}
END_TEST

/* For 5 s, and not by another identity of ours. */
START_TEST(unknown_age)
{
    uint8_t key[32];
    pair_new(&p, NULL);
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    vpn__wg_enter(p.b.wg, p.now + VPN__UNKNOWN_AGE - 1);
    ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, key), 0);
    vpn__wg_enter(p.b.wg, p.now + VPN__UNKNOWN_AGE);
    ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, key), VPN_ENOENT);
    p.now += VPN__UNKNOWN_AGE;
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    memset(key, 9, sizeof key);
    vpn_wg_set_private_key(p.b.wg, key, p.now);
    ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, key), VPN_ENOENT);
    ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &m.packet, p.now), 0);
    side_dropped(&p.b, &m.packet, VPN_REASON_MAC1);
    pair_free(&p);
}
END_TEST

/* Descriptors that name no initiation are not remembered, whatever they are. */
START_TEST(unknown_descriptors)
{
    static const vpn_packet bad[] = {{.offset = 5},
                                     {.offset = 5, .capacity = 200, .length = 148},
                                     {.offset = 5, .length = 148},
                                     {.capacity = 200, .length = 148, .offset = 53},
                                     {.capacity = 200, .length = 147},
                                     {.capacity = 200, .length = UINT32_MAX},
                                     {.capacity = 200, .length = 148, .offset = UINT32_MAX}};
    uint8_t key[32];
    pair_new(&p, NULL);
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        vpn_packet packet = bad[i];
        packet.data = i > 2 ? m.room + 64 : NULL;
        ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &packet, key), VPN_ENOENT);
        ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &packet, p.now), 0);
        side_dropped(&p.b, &packet, i == 4 ? VPN_REASON_LENGTH : VPN_REASON_ARGUMENT);
    }
    vpn_packet cut = {.data = mail_text(&m), .capacity = 147, .length = 148}; /* the very message, and no room for it */
    ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &cut, key), VPN_ENOENT);
    pair_free(&p);
}
END_TEST

/* Once its peer was added the datagram is answered, even under load; a second time it is a replay. */
START_TEST(accept_once)
{
    vpn_wg_peer peer = {.size = sizeof peer};
    load();
    mail_copy(&n, &m, &p.a.at);
    mail_copy(&o, &m, &p.a.at);
    ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &o.packet, p.now), 0); /* not added yet: unknown again */
    ck_assert_uint_eq(o.packet.verdict, VPN_UNKNOWN);
    ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, peer.public_key), 0);
    ck_assert_int_eq(vpn_wg_peer_remove(p.b.wg, p.b.peer), 0);
    ck_assert_int_eq(vpn_wg_peer_add(p.b.wg, &peer, &p.b.peer, p.now), 0);
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
    ck_assert_uint_eq(m.packet.type, VPN__COOKIE_REPLY);
    mail_copy(&m, &n, &p.a.at);
    ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &n.packet, p.now), 1);
    ck_assert(n.packet.type == VPN__RESPONSE && n.packet.length == 92 && n.packet.peer == p.b.peer);
    ck_assert_uint_eq(side_peer(&p.b)->path.remote.port, p.a.at.port);
    mail_copy(&n, &m, &p.a.at);
    ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &n.packet, p.now), 1); /* as any other: a cookie is asked for */
    ck_assert_uint_eq(n.packet.type, VPN__COOKIE_REPLY);
    p.now += 3 * VPN_SECOND;
    ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &m.packet, p.now), 0);
    side_dropped(&p.b, &m.packet, VPN_REASON_TIMESTAMP);
    pair_free(&p);
}
END_TEST

/* A device that sleeps accepts nobody; when it is awake, what it was told of is still there. */
START_TEST(accept_while_suspended)
{
    uint8_t key[32];
    pair_new(&p, NULL);
    craft(&m, &p.b, stranger, PAIR_SECONDS, 0, NULL);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_UNKNOWN);
    vpn_wg_suspend(p.b.wg);
    ck_assert_uint_eq(vpn_wg_accept(p.b.wg, &m.packet, p.now), 0);
    side_dropped(&p.b, &m.packet, VPN_REASON_SUSPENDED);
    vpn_wg_resume(p.b.wg, p.now);
    ck_assert_int_eq(vpn_wg_initiator(p.b.wg, &m.packet, key), 0);
    pair_free(&p);
}
END_TEST

/* Section 6.2 and the key slots: a second handshake of the responder's drops its unconfirmed key, never the current one. */
START_TEST(unconfirmed_keys)
{
    pair_up(&p, NULL);
    struct vpn_session *current = side_current(&p.b);
    for (uint64_t i = 0; i < 20; i++) {
        p.now += VPN_SECOND;
        craft(&m, &p.b, p.a.private_key, PAIR_SECONDS + 100 + i, 0, NULL);
        ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_NET);
        ck_assert_ptr_eq(side_current(&p.b), current);
        ck_assert_uint_eq(side_stats(&p.b).sessions, 2);
        ck_assert_uint_eq(vpn__index_count(&p.b.wg->by_index), 2);
    }
    pair_free(&p);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("receive");
    test_add(s, "mac1", mac1);
    test_add(s, "no identity", no_identity);
    test_add(s, "initiation_of_a_low_order_peer", initiation_of_a_low_order_peer);
    test_add(s, "unknown index", unknown_index);
    test_add(s, "initiation that does not decrypt", initiation_that_does_not_decrypt);
    test_add(s, "time stamps", timestamps);
    test_add(s, "skew", skew);
    test_add(s, "flood", flood);
    test_add(s, "responses", responses);
    test_add(s, "response to a session", response_to_a_session);
    test_add(s, "response with packets waiting", response_with_packets_waiting);
    test_add(s, "rate", rate);
    test_add(s, "rate of a proved source", rate_of_a_proved_source);
    test_add(s, "cookies", cookies);
    test_add(s, "cookie nonces", cookie_nonces);
    test_add(s, "cookie without randomness", cookie_without_randomness);
    test_add(s, "no endpoint", no_endpoint);
    test_add(s, "responder without memory", responder_without_memory);
    test_add(s, "initiator without memory", initiator_without_memory);
    test_add(s, "responder without randomness", responder_without_randomness);
    test_add(s, "ring of unknown", unknown_ring);
    test_add(s, "age of unknown", unknown_age);
    test_add(s, "descriptors of unknown", unknown_descriptors);
    test_add(s, "accept once", accept_once);
    test_add(s, "accept while suspended", accept_while_suspended);
    test_add(s, "unconfirmed keys", unconfirmed_keys);
    return s;
}

TEST_MAIN(suite)
