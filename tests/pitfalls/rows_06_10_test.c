/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: replays, inner sources and nonces. Each attack is made against a
 * whole device, and moves nothing. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"
#include "wireguard/peer.h"
#include "wireguard/wire.h"

static const vpn_endpoint elsewhere = {.family = 4, .port = 4242, .addr = {203, 0, 113, 9}};
static struct snapshot_all before;

static struct duel *small_duel(uint64_t seed)
{
    vpn_wg_config config = {.sources = 16};
    return duel_new(seed, &config);
}

/* A message that has to be dropped for `reason`, and to move nothing. */
static void attack(struct duel *d, const uint8_t *message, uint32_t length, uint32_t reason)
{
    snapshot_attack(d->a, &elsewhere, message, length, reason);
}

static struct vpn_session *current_of(struct duel *d)
{
    return vpn__peer_find(d->a->wg, d->id)->ring.current;
}

/* --- 6, 7 --- */

/* Messages that were received are sent again from elsewhere: under current and previous, inside the window and far below it.
 * All timers run that an authentic message would touch. */
static void replay(struct duel *d, uint32_t length)
{
    uint8_t old[80], young[80], inner[48];
    vpn_wg_peer change = {.keepalive = 25};
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    net_run(d->net, SECONDS(6));
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 48, 0);
    forge_data(&d->f, old, d->f.counter++, inner, length);
    ck_assert_uint_ne(node_feed(d->a, &d->f.at, old, length + 32).verdict, VPN_DROP);
    duel_data(d);
    net_run(d->net, SECONDS(1));
    duel_send(d);
    duel_data(d);
    duel_send(d);
    net_run(d->net, SECONDS(1));
    attack(d, old, length + 32, VPN_REASON_REPLAY);
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 48, 0);
    d->f.counter += 20000;
    forge_data(&d->f, young, d->f.counter++, inner, length);
    ck_assert_uint_ne(node_feed(d->a, &d->f.at, young, length + 32).verdict, VPN_DROP);
    attack(d, young, length + 32, VPN_REASON_REPLAY);
    attack(d, old, length + 32, VPN_REASON_REPLAY);
    duel_from_node(d); /* what was current is previous now */
    attack(d, young, length + 32, VPN_REASON_REPLAY);
    attack(d, old, length + 32, VPN_REASON_REPLAY);
    net_run(d->net, SECONDS(180));
    attack(d, young, length + 32, VPN_REASON_EXPIRED);
}

static void replay_in_role(uint64_t seed, int initiator, uint32_t length)
{
    struct duel *d = small_duel(seed);
    if (initiator)
        duel_from_node(d);
    else
        duel_from_forger(d);
    replay(d, length);
    duel_free(d);
}

START_TEST(pitfall_06_endpoint_moved_by_replayed_data)
{
    replay_in_role(9, _i, 48);
}
END_TEST

START_TEST(pitfall_07_keepalives_skip_the_replay_check)
{
    replay_in_role(10, _i, 0);
}
END_TEST

/* Also the very first one, which confirmed the session: it promotes nothing twice. */
START_TEST(pitfall_07_confirming_keepalive)
{
    struct duel *d = small_duel(11);
    uint8_t message[32];
    duel_from_forger(d);
    forge_data(&d->f, message, 0, NULL, 0);
    attack(d, message, 32, VPN_REASON_REPLAY);
    net_run(d->net, SECONDS(1));
    ck_assert_uint_eq(duel_initiate(d).length, 92); /* a next session waits */
    net_run(d->net, SECONDS(3));
    attack(d, message, 32, VPN_REASON_REPLAY);
    duel_free(d);
}
END_TEST

/* --- 8 --- */

struct family {
    uint8_t family;
    uint32_t length;
    const uint8_t *a, *wide, *narrow, *other;
};

/* `sender` puts `source` on a packet; nobody else is touched, and nothing comes out when it lies. */
static void inner_source(struct duel *d, const struct forger *sender, uint64_t counter, const struct family *family,
                         const uint8_t *source, const uint8_t *target, int passes)
{
    uint8_t inner[64] = {0}, message[96];
    vpn_peer_id id = vpn_wg_peer_find(d->a->wg, sender->public_key);
    struct forger copy = *sender;
    net_inner(d->net, inner, family->family, source, target, family->length, 0);
    forge_data(&copy, message, counter, inner, family->length);
    snapshot_take(d->a, &before);
    vpn_packet packet = node_feed(d->a, &copy.at, message, family->length + 32);
    struct snapshot_all *after = malloc(sizeof *after);
    ck_assert_ptr_nonnull(after);
    snapshot_take(d->a, after);
    ck_assert_uint_eq(packet.verdict, passes ? VPN_TO_TUN : VPN_DROP);
    ck_assert_uint_eq(packet.reason, passes ? VPN_REASON_NONE : VPN_REASON_SOURCE);
    ck_assert_uint_eq(after->delivered - before.delivered, (unsigned)passes);
    ck_assert_uint_eq(after->stats.rx_packets - before.stats.rx_packets, (unsigned)passes);
    for (size_t i = 0; i < before.count; i++) {
        const struct snapshot_peer *was = &before.peers[i], *is = &after->peers[i];
        ck_assert_mem_eq(is->prefixes, was->prefixes, sizeof was->prefixes);
        if (was->id == id) {
            ck_assert_uint_eq(is->stats.rx_packets - was->stats.rx_packets, (unsigned)passes);
            ck_assert_uint_eq(is->stats.drops[VPN_REASON_SOURCE] - was->stats.drops[VPN_REASON_SOURCE],
                              (unsigned)!passes);
        } else {
            ck_assert_mem_eq(&is->stats, &was->stats, sizeof was->stats);
            ck_assert_mem_eq(is->inside, was->inside, sizeof was->inside);
        }
    }
    free(after);
}

/* The second forger's session with a. */
static void second_up(struct duel *d, struct forger *g)
{
    uint8_t message[148], stamp[12];
    forge_stamp(stamp, 1700000000, 0);
    forge_initiation(g, message, d->a->public_key, stamp);
    vpn_packet packet = node_feed(d->a, &g->at, message, 148);
    ck_assert_uint_eq(packet.length, 92);
    ck_assert_int_eq(forge_read_response(g, packet.data + packet.offset), 0);
    ck_assert_uint_eq(node_feed(d->a, &g->at, message, forge_data(g, message, 0, NULL, 0)).verdict, VPN_DONE);
}

START_TEST(pitfall_08_inner_source_unchecked)
{
    struct duel *d = small_duel(12);
    struct forger g;
    const uint8_t any[16] = {0}, own4[4] = {10, 2, 0, 7}, own6[16] = {0xfd, 2, [15] = 7};
    const uint8_t wide4[4] = {172, 16, 3, 4}, wide6[16] = {0x20, 1, [15] = 9};
    const uint8_t near4[4] = {10, 2, 0, 6}, near6[16] = {0xfd, 2, [15] = 6};
    const struct family families[2] = {{4, 48, d->a->inner4, wide4, own4, near4},
                                       {6, 64, d->a->inner6, wide6, own6, near6}};
    const struct family *in = &families[_i];
    forge_new(&g, 99, 9);
    vpn_peer_id id = duel_add(d->a, &g, own4);
    node_allow(d->a, id, 6, own6, 128);
    node_allow(d->a, d->id, 4, any, 0);
    node_allow(d->a, d->id, 6, any, 0);
    duel_from_forger(d);
    second_up(d, &g);
    uint64_t n = 10;
    inner_source(d, &d->f, n++, in, in->narrow, in->a, 0); /* all the rest is not the other's own address */
    inner_source(d, &d->f, n++, in, in->narrow, in->wide, 0);
    inner_source(d, &d->f, n++, in, in->wide, in->a, 1);
    inner_source(d, &d->f, n++, in, in->wide, in->narrow, 1); /* the destination is the host's matter */
    inner_source(d, &d->f, n++, in, in->other, in->a, 1);
    inner_source(d, &g, n++, in, in->narrow, in->a, 1);
    inner_source(d, &g, n++, in, in->other, in->a, 0);
    inner_source(d, &g, n++, in, in->wide, in->a, 0);
    inner_source(d, &g, n++, in, in->a, in->a, 0);
    inner_source(d, &g, n++, in, in->wide, in->narrow, 0); /* its destination is allowed, its source is not */
    duel_free(d);
}
END_TEST

/* --- 9 --- */

/* The model keeps every counter that it took. */
struct model {
    uint64_t taken[4096], greatest, window;
    size_t count;
};

static uint32_t model_take(struct model *m, uint64_t counter)
{
    if (counter >= UINT64_MAX - 8192)
        return VPN_REASON_COUNTER;
    if (m->count != 0 && counter < m->greatest && m->greatest - counter > m->window)
        return VPN_REASON_REPLAY;
    for (size_t i = 0; i < m->count; i++)
        if (m->taken[i] == counter)
            return VPN_REASON_REPLAY;
    ck_assert_uint_lt(m->count, 4096);
    m->taken[m->count++] = counter;
    m->greatest = m->count == 1 || counter > m->greatest ? counter : m->greatest;
    return VPN_REASON_NONE;
}

static void compare(struct duel *d, struct model *m, uint64_t counter)
{
    uint8_t message[32];
    uint32_t reason = model_take(m, counter);
    forge_data(&d->f, message, counter, NULL, 0);
    if (reason != VPN_REASON_NONE)
        attack(d, message, 32, reason);
    else
        ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 32).verdict, VPN_DONE);
}

/* Every edge around the greatest counter, up and down, then as the dice fall. */
static void edges(struct duel *d, struct model *m)
{
    const uint64_t near[] = {0, 1, 2, 63, 64, 65, m->window - 1, m->window, m->window + 1, m->window + 64};
    const uint64_t far[] = {UINT64_C(1) << 31, (UINT64_C(1) << 32) - 1, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1};
    uint64_t at = m->greatest;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        compare(d, m, at - near[i]);
        compare(d, m, at + near[i]);
        compare(d, m, at + near[i]);
    }
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        if (m->greatest >= far[i]) /* else the difference is a counter near 2^64, and all that comes after it is old */
            compare(d, m, m->greatest - far[i]);
    for (int i = 0; i < 60; i++)
        compare(d, m, m->greatest + 20 - test_below(&d->net->seed, (size_t)m->window + 40));
}

START_TEST(pitfall_09_replay_arithmetic)
{
    static const uint32_t sizes[3] = {128, 1024, 8192};
    static const uint64_t places[] = {UINT64_C(0x7fffffff),  UINT64_C(0xfffffffe), UINT64_C(0x100000000),
                                      UINT64_C(0x300000005), UINT64_C(1) << 62,    UINT64_C(1) << 63,
                                      UINT64_MAX - 8192 - 70};
    vpn_wg_config config = {.sources = 16, .replay_bits = sizes[_i]};
    struct duel *d = duel_new(13, &config);
    static struct model m;
    memset(&m, 0, sizeof m);
    m.window = sizes[_i] - 64;
    vpn_packet packet = duel_initiate(d);
    ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
    compare(d, &m, (uint64_t)(_i % 2) * 5); /* 0 is a counter as any other, first or late */
    compare(d, &m, 0);
    compare(d, &m, 0);
    for (uint64_t i = 0; i < 10; i++)
        compare(d, &m, i);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        compare(d, &m, places[i]);
        edges(d, &m);
    }
    for (uint64_t i = 0; i < 3; i++) {
        compare(d, &m, UINT64_MAX - 8192 - 1 + i);
        compare(d, &m, UINT64_MAX - i);
        compare(d, &m, i);
    }
    duel_free(d);
}
END_TEST

/* --- 10 --- */

_Static_assert(sizeof(((vpn_packet_job *)0)->counter) == 8 && sizeof(((struct vpn_session *)0)->counter) == 8 &&
                   sizeof(((vpn_replay *)0)->greatest) == 8,
               "counters have 64 bits in every build");

/* The n-th data message that left since `from` has this counter, and opens under it. */
static void expect_counter(struct duel *d, size_t n, uint64_t counter)
{
    const struct datagram *sent = net_log_at(d->net, 0, 4, n);
    uint8_t text[2048];
    uint64_t have = 0;
    ck_assert_ptr_nonnull(sent);
    ck_assert_int_ge(forge_open(&d->f, sent->bytes, sent->length, text, &have), 0);
    ck_assert_uint_eq(have, counter);
}

START_TEST(pitfall_10_counter_of_32_bits)
{
    struct duel *d = small_duel(14);
    duel_from_forger(d);
    const uint64_t first = (UINT64_C(1) << 32) - 2;
    current_of(d)->counter = first;
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(duel_send(d).verdict, VPN_TO_NET);
        expect_counter(d, i, first + i);
    }
    ck_assert_uint_eq(current_of(d)->counter, first + 5);
    duel_free(d);
}
END_TEST

/* 6.2: either role begins a handshake after 2^60 messages. */
START_TEST(pitfall_10_rekey_after_messages)
{
    struct duel *d = small_duel(15);
    if (_i)
        duel_from_node(d);
    else
        duel_from_forger(d);
    duel_at(d, SECONDS(6));
    size_t sent = duel_sent(d, 1, 0);
    current_of(d)->counter = (UINT64_C(1) << 60) - 2;
    duel_send(d);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), sent);
    duel_send(d);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), sent + 1);
    duel_free(d);
}
END_TEST

/* One counter is left; everything that may send is tried, in one batch, across batches, and by the timers. */
START_TEST(pitfall_10_reject_after_messages)
{
    struct duel *d = small_duel(16);
    uint8_t rooms[3][256];
    vpn_packet packets[3] = {{0}};
    if (_i)
        duel_from_node(d);
    else
        duel_from_forger(d);
    duel_at(d, SECONDS(6));
    size_t sent = duel_sent(d, 4, 0);
    current_of(d)->counter = VPN__REJECT_AFTER_MESSAGES - 1;
    for (int i = 0; i < 3; i++) {
        packets[i].data = rooms[i];
        packets[i].capacity = 256;
        packets[i].offset = VPN_WG_HEADROOM;
        packets[i].length = 40;
        net_inner(d->net, rooms[i] + VPN_WG_HEADROOM, 4, d->a->inner4, d->inner4, 40, 0);
    }
    ck_assert_uint_eq(vpn_wg_send_begin(d->a->wg, packets, 2, node_now(d->a)), 1);
    ck_assert_uint_eq(vpn_wg_send_begin(d->a->wg, packets + 2, 1, node_now(d->a)), 0);
    vpn_wg_crypt(d->a->wg->scratch, packets, 3);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, packets, 3, node_now(d->a)), 1);
    ck_assert_uint_eq(packets[0].verdict, VPN_TO_NET);
    for (int i = 0; i < 3; i++)
        node_outcome(d->a, &packets[i]);
    ck_assert(packets[1].verdict == VPN_WAIT && packets[2].verdict == VPN_WAIT);
    expect_counter(d, sent, VPN__REJECT_AFTER_MESSAGES - 1);
    vpn_wg_peer change = {.keepalive = 1};
    node_set(d->a, d->id, &change, VPN_WG_SET_KEEPALIVE);
    vpn_wg_network_changed(d->a->wg, node_now(d->a));
    for (int i = 0; i < 12; i++) {
        duel_data(d); /* receiving goes on, and asks for passive keepalives */
        net_run(d->net, SECONDS(1));
    }
    ck_assert_uint_eq(duel_sent(d, 4, 0), sent + 1);
    ck_assert_uint_eq(current_of(d)->counter, VPN__REJECT_AFTER_MESSAGES);
    ck_assert_uint_ge(duel_sent(d, 1, d->born + SECONDS(6)), 1);
    duel_respond(d);
    ck_assert_uint_eq(duel_sent(d, NET_DATA, 0), sent - (size_t)_i + 3);
    ck_assert_uint_lt(current_of(d)->counter, 10);
    duel_free(d);
}
END_TEST

/* The session alone obeys the same limits. */
START_TEST(pitfall_10_session_alone)
{
    vpn_session_keys keys;
    vpn_session *session = NULL;
    uint8_t room[128] = {0}, as_it_was[128];
    uint64_t seed = 17;
    memset(&keys, 0, sizeof keys);
    test_fill(&seed, keys.send, 32);
    test_fill(&seed, keys.receive, 32);
    ck_assert_int_eq(vpn_session_new(&session, &keys, 0, NULL, NULL, 0), 0);
    session->counter = VPN__REJECT_AFTER_MESSAGES - 1;
    vpn_packet packet = {.data = room, .capacity = 128, .offset = 16, .length = 32};
    ck_assert_int_eq(vpn_session_seal(session, &packet, 0, 1), 0);
    memcpy(as_it_was, room, 128);
    packet.offset = 16;
    packet.length = 32;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(vpn_session_seal(session, &packet, 0, 1), VPN_EEXPIRED);
    ck_assert_mem_eq(room, as_it_was, 128);
    ck_assert_uint_eq(session->counter, VPN__REJECT_AFTER_MESSAGES);
    vpn_session_free(session);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/6-10");
    test_loop(s, "6", pitfall_06_endpoint_moved_by_replayed_data, 2);
    test_loop(s, "7", pitfall_07_keepalives_skip_the_replay_check, 2);
    test_loop(s, "7 confirming", pitfall_07_confirming_keepalive, 1);
    test_loop(s, "8", pitfall_08_inner_source_unchecked, 2);
    test_loop(s, "9", pitfall_09_replay_arithmetic, 3);
    test_loop(s, "10 32 bits", pitfall_10_counter_of_32_bits, 1);
    test_loop(s, "10 rekey", pitfall_10_rekey_after_messages, 2);
    test_loop(s, "10 reject", pitfall_10_reject_after_messages, 2);
    test_loop(s, "10 session", pitfall_10_session_alone, 1);
    return s;
}

TEST_MAIN(suite)
