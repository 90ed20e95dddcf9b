/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: state and statistics that lie, and what is used after it was
 * removed. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

/* --- 39 --- */

static void expect_never(struct duel *d)
{
    vpn_wg_peer_stats s = node_peer_stats(d->a, d->id);
    char text[2048];
    size_t length;
    ck_assert_uint_eq(s.last_handshake, VPN_NEVER);
    ck_assert_uint_eq(s.session_born, VPN_NEVER);
    ck_assert_uint_eq(s.last_received, VPN_NEVER);
    ck_assert_uint_eq(s.last_handshake_wall.seconds, 0);
    ck_assert_uint_eq(s.last_handshake_wall.nanoseconds, 0);
    ck_assert_uint_eq(s.handshakes + s.rx_bytes + s.rx_packets + s.tx_packets, 0);
    ck_assert_uint_ne(s.state, VPN_WG_CONNECTED);
    ck_assert_int_eq(vpn_uapi_get(d->a->wg, NULL, text, sizeof text - 1, &length), 0);
    text[length] = 0;
    ck_assert_ptr_nonnull(strstr(text, "\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nrx_bytes=0\n"));
}

/* Never is never: of a fresh peer, one that is tried in vain, one that is lied to, one that gave up, and one that came back. */
START_TEST(pitfall_39_never_means_never)
{
    struct duel *d = duel_new(390, NULL);
    uint8_t message[148];
    d->net->now = _i ? SECONDS(86400 * 365) : 0;
    expect_never(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).tx_bytes, 0);
    ck_assert_uint_eq(duel_send(d).verdict, VPN_WAIT);
    net_run(d->net, SECONDS(20));
    expect_never(d);
    forge_claim(&d->f, message, d->a->public_key, d->f.public_key);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 148).reason, VPN_REASON_HANDSHAKE);
    expect_never(d);
    net_run(d->net, SECONDS(600));
    expect_never(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_IDLE);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).attempts, 0);
    /* A response that was not confirmed is no handshake yet. */
    duel_initiate(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).last_handshake, VPN_NEVER);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).session_born, VPN_NEVER);
    duel_from_node(d);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).last_handshake, d->net->now);
    ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), 0);
    d->id = duel_add(d->a, &d->f, d->inner4);
    expect_never(d);
    duel_free(d);
}
END_TEST

/* The state is right at each moment, not only once a timer has run; times stay what they were. */
START_TEST(pitfall_39_state_is_that_of_now)
{
    struct duel *d = duel_new(391, NULL);
    d->net->now = SECONDS(1000);
    duel_from_forger(d);
    vpn_time born = d->net->now;
    vpn_wall wall = node_peer_stats(d->a, d->id).last_handshake_wall;
    ck_assert_uint_eq(wall.seconds, 1700001000);
    d->net->now = born + SECONDS(180) - 1;
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    d->net->now = born + SECONDS(180);
    ck_assert_uint_ne(node_peer_stats(d->a, d->id).state, VPN_WG_CONNECTED);
    net_run(d->net, SECONDS(3600));
    vpn_wg_peer_stats s = node_peer_stats(d->a, d->id);
    ck_assert_uint_eq(s.state, VPN_WG_IDLE);
    ck_assert_uint_eq(s.session_born, VPN_NEVER);
    ck_assert_uint_eq(s.last_handshake, born);
    ck_assert_uint_eq(s.last_received, born);
    ck_assert_mem_eq(&s.last_handshake_wall, &wall, sizeof wall);
    duel_free(d);
}
END_TEST

/* Bytes and packets are what went over the wire and into the TUN, to the byte, through rekeying and losses. */
START_TEST(pitfall_39_counters_are_exact)
{
    struct net *net = net_pair(392);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint64_t wire = 0, inner = 0;
    net->corrupt = 100;
    for (int i = 0; i < 3000; i++) {
        node_send(a, b, 8 + (uint32_t)i % 900);
        net_run(net, MILLIS(100));
    }
    net->corrupt = 0;
    net_run(net, SECONDS(30));
    for (size_t i = 0; i < net->log.count; i++)
        if (net->log.items[i].source == 0 && net->log.items[i].type != 3) {
            wire += net->log.items[i].length;
            inner += net->log.items[i].type == 4 && net->log.items[i].length > 32;
        }
    vpn_wg_peer_stats s = node_peer_stats(a, a->peers[1]), t = node_peer_stats(b, b->peers[0]);
    ck_assert_uint_eq(s.tx_bytes, wire);
    ck_assert_uint_eq(s.tx_packets, inner);
    ck_assert_uint_eq(t.rx_packets, b->delivered);
    ck_assert_uint_lt(t.rx_packets, inner);
    ck_assert_uint_lt(t.rx_bytes, wire);
    ck_assert_uint_gt(t.drops[VPN_REASON_AUTH], 100);
    ck_assert_uint_eq(node_stats(a).tx_packets, inner);
    ck_assert_uint_eq(node_stats(b).rx_packets, b->delivered);
    net_free(net);
}
END_TEST

/* --- 40 --- */

#define N 12

struct flight {
    vpn_packet out[N], in[N];
    uint8_t room[2 * N][128];
};

static struct flight flights[2];

static void take_off(struct duel *d, struct flight *f)
{
    uint8_t inner[48] = {0};
    memset(f, 0, sizeof *f);
    for (int i = 0; i < N; i++) {
        f->out[i] = (vpn_packet){.data = f->room[i], .capacity = 128, .offset = 16, .length = 40};
        net_inner(d->net, f->room[i] + 16, 4, d->a->inner4, d->inner4, 40, 0);
        net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 40, 0);
        f->in[i] = (vpn_packet){.data = f->room[N + i], .capacity = 128, .path = {.remote = d->f.at}};
        f->in[i].length = forge_data(&d->f, f->room[N + i], d->f.counter++, inner, 48);
    }
    ck_assert_uint_eq(vpn_wg_send_begin(d->a->wg, f->out, N, node_now(d->a)), N);
    ck_assert_uint_eq(vpn_wg_recv_begin(d->a->wg, f->in, N, node_now(d->a)), N);
    vpn_wg_crypt(d->a->wg->scratch, f->out, N / 2);
    vpn_wg_crypt(d->a->wg->scratch, f->in, N / 2);
}

static void land(struct duel *d, struct flight *f, uint8_t reason)
{
    vpn_wg_crypt(d->a->wg->scratch, f->out, N);
    vpn_wg_crypt(d->a->wg->scratch, f->in, N);
    ck_assert_int_eq(vpn_wg_free(d->a->wg), VPN_EBUSY);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, f->in, N, node_now(d->a)), 0);
    ck_assert_int_eq(vpn_wg_free(d->a->wg), VPN_EBUSY);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, f->out, N, node_now(d->a)), 0);
    for (int i = 0; i < N; i++) {
        ck_assert(f->out[i].verdict == VPN_DROP && f->in[i].verdict == VPN_DROP);
        ck_assert_uint_eq(f->out[i].reason, reason);
        ck_assert_uint_eq(f->in[i].reason, reason);
    }
}

enum end { REMOVE, OWN_KEY, EXPIRE, REPLACE, SUSPEND, ENDS };

static void end_peer(struct duel *d, enum end how)
{
    vpn_wg_peer change = {.expires = node_now(d->a)};
    switch (how) {
    case REMOVE:
        ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), 0);
        break;
    case OWN_KEY:
        ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, d->f.private_key, node_now(d->a)), 0);
        ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, d->a->private_key, node_now(d->a)), 0);
        break;
    case EXPIRE:
        node_set(d->a, d->id, &change, VPN_WG_SET_EXPIRES);
        node_service(d->a);
        break;
    case REPLACE:
        ck_assert_int_eq(vpn_uapi_set(d->a->wg, "replace_peers=true\n", 19, NULL, node_now(d->a), NULL), 0);
        break;
    case SUSPEND:
    case ENDS:
        vpn_wg_suspend(d->a->wg);
        vpn_wg_resume(d->a->wg, node_now(d->a));
        break;
    }
    ck_assert(how == SUSPEND || vpn_wg_peer_next(d->a->wg, 0) == 0);
}

/* Nothing of the old peer's batches goes anywhere, least of all to a newcomer that got its place; and keys are wiped as soon as
 * the last batch that pinned them has ended. */
START_TEST(pitfall_40_peer_ends_with_batches_in_flight)
{
    struct duel *d = duel_new(400 + (uint64_t)_i, NULL);
    struct forger old, fresh;
    duel_from_forger(d);
    old = d->f;
    node_secret(d->a, old.send);
    node_secret(d->a, old.receive);
    take_off(d, &flights[0]);
    take_off(d, &flights[1]);
    end_peer(d, (enum end)_i);
    if (_i != SUSPEND) {
        forge_new(&fresh, 77, 7);
        d->f = fresh;
        d->id = duel_add(d->a, &d->f, d->inner4);
        ck_assert_uint_eq((uint32_t)d->id, 0); /* the same slot */
    }
    net_run(d->net, SECONDS(6));
    duel_from_forger(d);
    static struct snapshot_all before;
    uint64_t counts[VPN_REASONS] = {0};
    snapshot_take(d->a, &before);
    uint32_t in_flight = d->a->wg->in_flight;
    ck_assert_uint_eq(in_flight, 4 * N);
    uint8_t reason = _i == SUSPEND ? VPN_REASON_WIPED : VPN_REASON_NO_PEER;
    land(d, &flights[1], reason);
    ck_assert(node_holds(d->a, old.send));
    land(d, &flights[0], reason);
    ck_assert(!node_holds(d->a, old.send));
    ck_assert(!node_holds(d->a, old.receive));
    ck_assert_uint_eq(d->a->wg->in_flight, 0);
    /* All but the number in flight and the old session, which went. */
    counts[reason] = 4 * N;
    d->a->wg->in_flight = in_flight;
    before.stats.sessions--;
    snapshot_unmoved_but(d->a, &before, counts);
    d->a->wg->in_flight = 0;
    ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
    ck_assert_uint_eq(duel_data(d).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* Each begin has one end: another one, or a crypt after it, changes nothing and lets go of nothing. */
START_TEST(pitfall_40_end_comes_once)
{
    struct duel *d = duel_new(410, NULL);
    static struct snapshot_all before;
    uint64_t counts[VPN_REASONS] = {0};
    duel_from_forger(d);
    take_off(d, &flights[0]);
    take_off(d, &flights[1]);
    ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), 0);
    land(d, &flights[0], VPN_REASON_NO_PEER);
    snapshot_take(d->a, &before);
    for (int i = 0; i < 3; i++) {
        vpn_wg_crypt(d->a->wg->scratch, flights[0].out, N);
        vpn_wg_crypt(d->a->wg->scratch, flights[0].in, N);
        ck_assert_uint_eq(vpn_wg_end(d->a->wg, flights[0].out, N, node_now(d->a)), 0);
        ck_assert_uint_eq(vpn_wg_end(d->a->wg, flights[0].in, N, node_now(d->a)), 0);
    }
    snapshot_unmoved_but(d->a, &before, counts);
    ck_assert_int_eq(vpn_wg_free(d->a->wg), VPN_EBUSY);
    land(d, &flights[1], VPN_REASON_NO_PEER);
    duel_free(d); /* asserts that the device can be freed now */
}
END_TEST

/* A name of what is gone names nothing, and is never given again. */
START_TEST(pitfall_40_removed_peer_is_named_in_vain)
{
    struct duel *d = duel_new(411, NULL);
    vpn_wg_peer settings = {.size = sizeof settings};
    vpn_wg_peer_stats stats = {.size = sizeof stats};
    vpn_prefix prefix = {.family = 4, .bits = 8, .addr = {10}};
    uint64_t cursor = 0;
    for (int i = 0; i < 100; i++) {
        vpn_peer_id old = d->id;
        vpn_wg *wg = d->a->wg;
        net_run(d->net, SECONDS(6));
        duel_from_forger(d);
        duel_send(d);
        ck_assert_int_eq(vpn_wg_peer_remove(wg, old), 0);
        for (int again = 0; again < 2; again++) {
            ck_assert_int_eq(vpn_wg_peer_remove(wg, old), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_peer_set(wg, old, &settings, node_now(d->a)), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_peer_get(wg, old, &settings), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_peer_get_stats(wg, old, &stats, node_now(d->a)), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_allow(wg, old, &prefix), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_disallow(wg, old, NULL), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_allowed(wg, old, &cursor, &prefix), VPN_ENOENT);
            ck_assert_int_eq(vpn_wg_handshake(wg, old, node_now(d->a)), VPN_ENOENT);
            if (again == 0) {
                ck_assert_uint_eq(duel_data(d).reason, VPN_REASON_INDEX);
                ck_assert_uint_eq(duel_send(d).reason, VPN_REASON_NO_ROUTE);
                ck_assert_uint_eq(vpn_wg_deadline(wg), VPN_NEVER);
                d->id = duel_add(d->a, &d->f, d->inner4);
                ck_assert_uint_ne(d->id, old);
            }
        }
    }
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/39-40");
    test_loop(s, "39 never", pitfall_39_never_means_never, 2);
    test_loop(s, "39 state", pitfall_39_state_is_that_of_now, 1);
    test_loop(s, "39 counters", pitfall_39_counters_are_exact, 1);
    test_loop(s, "40 peers", pitfall_40_peer_ends_with_batches_in_flight, ENDS);
    test_loop(s, "40 once", pitfall_40_end_comes_once, 1);
    test_loop(s, "40 names", pitfall_40_removed_peer_is_named_in_vain, 1);
    return s;
}

TEST_MAIN(suite)
