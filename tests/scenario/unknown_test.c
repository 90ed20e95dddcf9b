/* SPDX-License-Identifier: ISC */
/* Initiations from keys that are no peers: the caller may look them up and let them in (vpn_wg_initiator, vpn_wg_accept). */
#include "scenario/duel.h"

/* A device and a stranger, who has an initiation ready. */
struct visit {
    struct duel *d;
    struct forger g;
    uint8_t message[148];
    uint64_t seconds;
};

static void knock(struct visit *v)
{
    uint8_t stamp[12];
    forge_stamp(stamp, v->seconds++, 0);
    forge_initiation(&v->g, v->message, v->d->a->public_key, stamp);
}

static struct visit visit_new(uint64_t seed, const vpn_wg_config *config)
{
    struct visit v = {.d = duel_new(seed, config), .seconds = 5000};
    forge_new(&v.g, seed + 1000, 50);
    knock(&v);
    return v;
}

static const uint8_t inner4[4] = {10, 1, 0, 50};

static vpn_peer_id let_in(struct visit *v, uint64_t stamp_seconds)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_STAMP};
    memcpy(peer.public_key, v->g.public_key, 32);
    forge_stamp(peer.stamp, stamp_seconds, 0);
    vpn_peer_id id = 0;
    ck_assert_int_eq(vpn_wg_peer_add(v->d->a->wg, &peer, &id, node_now(v->d->a)), 0);
    node_allow(v->d->a, id, 4, inner4, 32);
    return id;
}

/* Gives the datagram to vpn_wg_accept, in a copy of exactly its size. */
static vpn_packet accept_again(struct visit *v)
{
    struct node *a = v->d->a;
    free(a->held);
    a->held = malloc(148);
    ck_assert_ptr_nonnull(a->held);
    memcpy(a->held, v->message, 148);
    vpn_packet packet = {.data = a->held, .capacity = 148, .length = 148};
    packet.path.remote = v->g.at;
    size_t n = vpn_wg_accept(a->wg, &packet, node_now(a));
    ck_assert_uint_eq(n, packet.verdict == VPN_TO_NET);
    node_outcome(a, &packet);
    node_take_events(a);
    return packet;
}

START_TEST(lazy_peer)
{
    struct visit v = visit_new(1, NULL);
    struct node *a = v.d->a;
    uint8_t key[32];
    size_t log = v.d->net->log.count;
    vpn_packet packet = node_feed(a, &v.g.at, v.message, 148);
    ck_assert_uint_eq(packet.verdict, VPN_UNKNOWN);
    ck_assert_uint_eq(packet.length, 148);
    ck_assert_mem_eq(packet.data, v.message, 148);
    ck_assert_uint_eq(packet.peer, 0);
    ck_assert_uint_eq(v.d->net->log.count, log);
    ck_assert_uint_eq(node_stats(a).unknown_initiators, 1);
    ck_assert_uint_eq(node_stats(a).initiations_received, 0);
    ck_assert_uint_eq(node_events(a, VPN_WG_UNKNOWN_PEER), 1);
    const vpn_wg_event_info *event = node_event_last(a, VPN_WG_UNKNOWN_PEER);
    ck_assert_mem_eq(event->public_key, v.g.public_key, 32);
    ck_assert(net_endpoint_equal(&event->path.remote, &v.g.at));
    ck_assert_uint_eq(event->peer, 0);
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), 0);
    ck_assert_mem_eq(key, v.g.public_key, 32);
    vpn_peer_id id = let_in(&v, 4000);
    packet = accept_again(&v);
    ck_assert_uint_eq(packet.length, 92);
    ck_assert_uint_eq(packet.peer, id);
    ck_assert(net_endpoint_equal(&packet.path.remote, &v.g.at));
    ck_assert_int_eq(forge_read_response(&v.g, packet.data), 0);
    uint8_t message[32];
    forge_data(&v.g, message, 0, NULL, 0);
    ck_assert_uint_eq(node_feed(a, &v.g.at, message, 32).verdict, VPN_DONE);
    ck_assert_uint_eq(node_peer_stats(a, id).state, VPN_WG_CONNECTED);
    /* It works once; a replay is refused by its stamp, and so is one that the host knew before. */
    net_run(v.d->net, SECONDS(1));
    ck_assert_uint_eq(accept_again(&v).reason, VPN_REASON_TIMESTAMP);
    vpn_wg_peer_remove(a->wg, id);
    ck_assert_uint_eq(node_feed(a, &v.g.at, v.message, 148).verdict, VPN_UNKNOWN);
    let_in(&v, 5000);
    ck_assert_uint_eq(accept_again(&v).reason, VPN_REASON_TIMESTAMP);
    duel_free(v.d);
}
END_TEST

/* Who is not let in stays unknown; a key that others named by mistake does not become one. */
START_TEST(not_let_in)
{
    struct visit v = visit_new(2, NULL);
    uint8_t key[32];
    ck_assert_uint_eq(node_feed(v.d->a, &v.g.at, v.message, 148).verdict, VPN_UNKNOWN);
    ck_assert_uint_eq(accept_again(&v).verdict, VPN_UNKNOWN);
    ck_assert_uint_eq(accept_again(&v).verdict, VPN_UNKNOWN);
    /* What was never seen is no visitor. */
    knock(&v);
    vpn_packet packet = {.data = v.message, .capacity = 148, .length = 148};
    ck_assert_int_eq(vpn_wg_initiator(v.d->a->wg, &packet, key), VPN_ENOENT);
    duel_free(v.d);
}
END_TEST

/* The static key is sealed under es alone, so anyone can name any key: without its ss it is a forgery, known or not. */
START_TEST(forged_claims)
{
    struct visit v = visit_new(3, NULL);
    struct node *a = v.d->a;
    const uint8_t *claims[] = {v.g.public_key, v.d->f.public_key, a->public_key, (const uint8_t[32]){0},
                               (const uint8_t[32]){1}};
    struct forger anyone;
    forge_new(&anyone, 9, 9);
    for (int i = 0; i < 5; i++) {
        struct snapshot before = node_snapshot(a, v.d->id);
        forge_claim(&anyone, v.message, a->public_key, claims[i]);
        vpn_packet packet = node_feed(a, &v.g.at, v.message, 148);
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        node_unmoved(a, v.d->id, &before, VPN_REASON_HANDSHAKE, 1);
        uint8_t key[32];
        ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), VPN_ENOENT);
    }
    /* From a device with the same key as ours. */
    memcpy(anyone.private_key, a->private_key, 32);
    memcpy(anyone.public_key, a->public_key, 32);
    uint8_t stamp[12];
    forge_stamp(stamp, 1, 0);
    forge_initiation(&anyone, v.message, a->public_key, stamp);
    ck_assert_uint_eq(node_feed(a, &v.g.at, v.message, 148).reason, VPN_REASON_HANDSHAKE);
    duel_free(v.d);
}
END_TEST

/* Remembered for 5 s, the last 64 of them, and not beyond a new identity. */
START_TEST(memory)
{
    struct visit v = visit_new(4, NULL), w = {0};
    struct node *a = v.d->a;
    uint8_t key[32];
    vpn_packet packet = {.data = v.message, .capacity = 148, .length = 148};
    node_feed(a, &v.g.at, v.message, 148);
    net_run(v.d->net, SECONDS(5) - 1);
    node_feed(a, &v.g.at, v.message, 0); /* the device learns the time from its calls */
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), 0);
    net_run(v.d->net, 1);
    node_feed(a, &v.g.at, v.message, 0);
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), VPN_ENOENT);
    node_feed(a, &v.g.at, v.message, 148);
    w.d = v.d;
    forge_new(&w.g, 5, 51);
    for (int i = 0; i < 63; i++) {
        knock(&w);
        ck_assert_uint_eq(node_feed(a, &w.g.at, w.message, 148).verdict, VPN_UNKNOWN);
    }
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), 0);
    knock(&w);
    node_feed(a, &w.g.at, w.message, 148);
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), VPN_ENOENT);
    packet.data = w.message;
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), 0);
    memset(key, 3, 32);
    vpn_wg_set_private_key(a->wg, key, node_now(a));
    ck_assert_int_eq(vpn_wg_initiator(a->wg, &packet, key), VPN_ENOENT);
    duel_free(v.d);
}
END_TEST

/* They come out of the same budget as all handshakes; who was admitted once need not prove its address again. */
START_TEST(rate_limited)
{
    vpn_wg_config config = {.load_rate = 10};
    struct visit v = visit_new(6, &config);
    struct node *a = v.d->a;
    uint8_t admitted[148];
    node_feed(a, &v.g.at, v.message, 148);
    memcpy(admitted, v.message, 148);
    for (int i = 0; i < 9; i++) {
        knock(&v);
        ck_assert_uint_eq(node_feed(a, &v.g.at, v.message, 148).verdict, VPN_UNKNOWN);
    }
    knock(&v);
    ck_assert_uint_eq(node_feed(a, &v.g.at, v.message, 148).length, 64);
    ck_assert_uint_eq(node_stats(a).unknown_initiators, 10);
    let_in(&v, 4000);
    ck_assert_uint_eq(accept_again(&v).length, 64); /* it was not admitted */
    memcpy(v.message, admitted, 148);
    ck_assert_uint_eq(accept_again(&v).length, 92);
    duel_free(v.d);
}
END_TEST

/* The datagram that comes back must be the one that was admitted. */
START_TEST(changed_datagram)
{
    struct visit v = visit_new(7, NULL);
    node_feed(v.d->a, &v.g.at, v.message, 148);
    let_in(&v, 4000);
    for (uint32_t i = 0; i < 132; i++) {
        v.message[i] ^= 1;
        ck_assert_uint_eq(accept_again(&v).verdict, VPN_DROP);
        v.message[i] ^= 1;
    }
    ck_assert_uint_eq(node_stats(v.d->a).responses_sent, 0);
    duel_free(v.d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/unknown");
    test_add(s, "lazy peer", lazy_peer);
    test_add(s, "not let in", not_let_in);
    test_add(s, "forged claims", forged_claims);
    test_add(s, "memory", memory);
    test_add(s, "rate limited", rate_limited);
    test_add(s, "changed datagram", changed_datagram);
    return s;
}

TEST_MAIN(suite)
