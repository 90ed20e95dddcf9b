/* SPDX-License-Identifier: ISC */
#include "common/pair.h"
#include "wireguard/schedule.h"

#define CROWD 120

static struct pair p;
static struct mail m, n;

static size_t events_of(struct side *s, uint32_t type)
{
    vpn_wg_event_info event;
    size_t count = 0;
    while (vpn_wg_event(s->wg, &event) == 0)
        count += event.type == type;
    return count;
}

/* 148 bytes behind the offset, or nothing is done and nothing of what is due is lost. */
START_TEST(too_little_room)
{
    static const struct {
        int has_data;
        uint32_t capacity, offset;
    } bad[] = {{0, 2048, 0}, {1, 147, 0}, {1, 200, 53}, {1, 200, 201}, {1, 2048, UINT32_MAX}, {1, 0, 0}};
    pair_new(&p, NULL);
    ck_assert_int_eq(vpn_wg_handshake(p.a.wg, p.a.peer, p.now), 0);
    struct vpn__peer before = *side_peer(&p.a);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mail_fresh(&m);
        m.packet.data = bad[i].has_data ? m.room : NULL;
        m.packet.capacity = bad[i].capacity;
        m.packet.offset = bad[i].offset;
        ck_assert_uint_eq(vpn_wg_tick(p.a.wg, &m.packet, 1, p.now), 0);
        side_dropped(&p.a, &m.packet, VPN_REASON_SPACE);
        ck_assert_mem_eq(&before, side_peer(&p.a), sizeof before);
        ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);
        for (size_t k = 0; k < sizeof m.room; k++)
            ck_assert_uint_eq(m.room[k], 0xcc);
    }
    mail_fresh(&m);
    m.packet.capacity = 200;
    m.packet.offset = 52;
    ck_assert_uint_eq(vpn_wg_tick(p.a.wg, &m.packet, 1, p.now), 1);
    ck_assert(m.packet.length == 148 && m.packet.verdict == VPN_TO_NET);
    ck_assert_uint_eq(m.room[200], 0xcc);
    ck_assert_uint_gt(vpn_wg_deadline(p.a.wg), p.now);
    /* With nothing due, the room does not matter. */
    m.packet.data = NULL;
    ck_assert_uint_eq(vpn_wg_tick(p.a.wg, &m.packet, 1, p.now), 0);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

START_TEST(no_packets)
{
    pair_new(&p, NULL);
    ck_assert_int_eq(vpn_wg_handshake(p.a.wg, p.a.peer, p.now), 0);
    struct vpn__peer before = *side_peer(&p.a);
    mail_fresh(&m);
    ck_assert_uint_eq(vpn_wg_tick(p.a.wg, &m.packet, 0, p.now + VPN_SECOND), 0);
    ck_assert_mem_eq(&before, side_peer(&p.a), sizeof before);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

static void crowd(struct side *s, vpn_peer_id ids[CROWD])
{
    uint64_t seed = 4;
    for (int i = 0; i < CROWD; i++) {
        vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = p.b.at};
        test_fill(&seed, peer.public_key, 32);
        peer.public_key[31] &= 127;
        ck_assert_int_eq(vpn_wg_peer_add(s->wg, &peer, &ids[i], p.now), 0);
    }
}

/* Many that are due at once: each once, in the order of their deadlines, however few packets there are. */
START_TEST(order)
{
    vpn_peer_id ids[CROWD];
    struct mail *mails = calloc(7, sizeof *mails);
    vpn_packet packets[7];
    uint64_t seed = (uint64_t)_i + 1;
    vpn_time last = 0;
    size_t total = 0, written;
    uint8_t seen[CROWD + 1] = {0};
    ck_assert_ptr_nonnull(mails);
    pair_new(&p, NULL);
    crowd(&p.a, ids);
    for (int i = 0; i < CROWD; i++) {
        struct vpn__peer *peer = vpn__peer_find(p.a.wg, ids[i]);
        peer->timers.wanted = p.now + 1 + test_below(&seed, 50);
        vpn__schedule(p.a.wg, peer);
    }
    vpn__schedule_settle(p.a.wg);
    struct vpn__timers before[CROWD + 1];
    for (uint32_t i = 0; i <= CROWD; i++)
        before[i] = vpn__wg_peer(p.a.wg, i)->timers;
    ck_assert_uint_le(vpn_wg_deadline(p.a.wg), p.now + 50);
    do {
        size_t room = 1 + test_below(&seed, 7);
        for (size_t i = 0; i < room; i++) {
            mail_fresh(&mails[i]);
            packets[i] = mails[i].packet;
        }
        written = vpn_wg_tick(p.a.wg, packets, room, p.now + 60);
        for (size_t i = 0; i < written; i++) {
            uint32_t slot = (uint32_t)packets[i].peer;
            ck_assert(packets[i].verdict == VPN_TO_NET && packets[i].type == VPN__INITIATION);
            ck_assert_uint_ge(before[slot].wanted, last);
            last = before[slot].wanted;
            ck_assert_uint_eq(seen[slot]++, 0);
        }
        total += written;
        ck_assert(written < room ? vpn_wg_deadline(p.a.wg) > p.now + 60 : 1);
        if (written < room)
            break;
    } while (total < CROWD + 10);
    ck_assert_uint_eq(total, CROWD);
    side_quiet(&p.a);
    free(mails);
    pair_free(&p);
}
END_TEST

/* Ticks at each deadline; how many of a type were written before `until`. */
static size_t run(struct side *s, uint8_t type, vpn_time until)
{
    size_t count = 0;
    for (vpn_time at; (at = vpn_wg_deadline(s->wg)) <= until;) {
        p.now = at > p.now ? at : p.now;
        if (side_tick(s, &m, p.now))
            count += m.packet.type == type;
        else
            ck_assert_uint_gt(vpn_wg_deadline(s->wg), p.now);
    }
    p.now = until;
    return count;
}

/* Section 6.4: 20 initiations, then it is over, until somebody asks again; the source is forgotten with the first repeat. */
START_TEST(giving_up)
{
    pair_new(&p, NULL);
    vpn_time start = p.now;
    mail_inner(&n, 4, &p.a, &p.b, 60);
    ck_assert_uint_eq(side_send(&p.a, &n, p.now), VPN_WAIT);
    side_peer(&p.a)->path.local[0] = 1;
    side_peer(&p.a)->path.ifindex = 2;
    ck_assert_uint_eq(run(&p.a, VPN__INITIATION, start), 1);
    ck_assert_uint_eq(side_peer(&p.a)->path.ifindex, 2);
    ck_assert_uint_eq(run(&p.a, VPN__INITIATION, start + 6 * VPN_SECOND), 1);
    ck_assert(side_peer(&p.a)->path.ifindex == 0 && side_peer(&p.a)->path.local[0] == 0);
    ck_assert_uint_eq(run(&p.a, VPN__INITIATION, start + 110 * VPN_SECOND), 18);
    ck_assert_uint_eq(events_of(&p.a, VPN_WG_GAVE_UP), 1);
    ck_assert_uint_eq(side_peer(&p.a)->waiting, 0);
    ck_assert_uint_eq(vpn__slab_used(&p.a.wg->handshakes), 1); /* a late response is still welcome */
    ck_assert_uint_eq(run(&p.a, VPN__INITIATION, start + 700 * VPN_SECOND), 0);
    ck_assert_uint_eq(vpn__slab_used(&p.a.wg->handshakes), 0);
    ck_assert_uint_eq(vpn__index_count(&p.a.wg->by_index), 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

/* Sections 6.1 and 6.3: a key ends at 180 s and all is wiped at 540 s, to the nanosecond. */
START_TEST(end_of_a_session)
{
    pair_up(&p, NULL);
    vpn_time born = p.now;
    events_of(&p.a, 0);
    run(&p.a, 0, born + VPN__REJECT_AFTER_TIME - 1);
    ck_assert_uint_eq(events_of(&p.a, VPN_WG_SESSION_EXPIRED), 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), born + VPN__REJECT_AFTER_TIME);
    run(&p.a, 0, born + VPN__REJECT_AFTER_TIME);
    ck_assert_uint_eq(events_of(&p.a, VPN_WG_SESSION_EXPIRED), 1);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), born + 3 * VPN__REJECT_AFTER_TIME);
    run(&p.a, 0, born + 3 * VPN__REJECT_AFTER_TIME - 1);
    ck_assert_uint_eq(side_stats(&p.a).sessions, 1);
    run(&p.a, 0, born + 3 * VPN__REJECT_AFTER_TIME);
    ck_assert_uint_eq(side_stats(&p.a).sessions, 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);
    pair_free(&p);
}
END_TEST

/* Packets in flight keep their memory over the wipe, and nothing else. */
START_TEST(wipe_with_packets_in_flight)
{
    pair_up(&p, NULL);
    mail_inner(&n, 4, &p.a, &p.b, 60);
    ck_assert_uint_eq(vpn_wg_send_begin(p.a.wg, &n.packet, 1, p.now), 1);
    run(&p.a, 0, p.now + 3 * VPN__REJECT_AFTER_TIME);
    ck_assert_uint_eq(side_stats(&p.a).sessions, 1);
    ck_assert_ptr_null(side_current(&p.a));
    vpn_wg_crypt(p.a.wg->scratch, &n.packet, 1);
    ck_assert_uint_eq(vpn_wg_end(p.a.wg, &n.packet, 1, p.now), 0);
    side_dropped(&p.a, &n.packet, VPN_REASON_WIPED);
    ck_assert_uint_eq(side_stats(&p.a).sessions, 0);
    pair_free(&p);
}
END_TEST

/* Without memory or randomness a try is spent and the next one is due in 5 s; without an endpoint nothing is tried. */
START_TEST(failed_initiations)
{
    pair_new(&p, NULL);
    host_fail_after(&p.a.host, 0);
    ck_assert_int_eq(vpn_wg_handshake(p.a.wg, p.a.peer, p.now), 0);
    ck_assert_uint_eq(side_tick(&p.a, &m, p.now), 0);
    side_drops(&p.a, VPN_REASON_MEMORY, 1);
    host_heal(&p.a.host);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_ge(vpn_wg_deadline(p.a.wg), p.now + VPN__REKEY_TIMEOUT);
        ck_assert_uint_lt(vpn_wg_deadline(p.a.wg), p.now + VPN__REKEY_TIMEOUT + VPN__REKEY_JITTER);
        p.now = vpn_wg_deadline(p.a.wg);
        p.a.host.base.random_status = i == 0;
        ck_assert_uint_eq(side_tick(&p.a, &m, p.now), i == 1);
        side_drops(&p.a, VPN_REASON_RANDOM, i == 0);
    }
    side_forget_endpoint(&p.a, p.now);
    p.now = vpn_wg_deadline(p.a.wg);
    ck_assert_uint_eq(side_tick(&p.a, &m, p.now), 0);
    side_drops(&p.a, VPN_REASON_NO_ENDPOINT, 1);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);
    pair_free(&p);
}
END_TEST

/* Persistent keepalive: with no session it asks for one; turned on under a session it sends at once and each interval. */
START_TEST(persistent)
{
    vpn_wg_peer change = {.keepalive = 25};
    pair_new(&p, NULL);
    side_set(&p.a, &change, VPN_WG_SET_KEEPALIVE, p.now);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);
    ck_assert_uint_eq(side_tick(&p.a, &m, p.now), 1);
    ck_assert_uint_eq(m.packet.type, VPN__INITIATION);
    side_quiet(&p.a);
    change.keepalive = 0;
    side_set(&p.a, &change, VPN_WG_SET_KEEPALIVE, p.now);
    p.now += VPN__REKEY_TIMEOUT;
    pair_handshake(&p, &p.a, &p.b);
    change.keepalive = 25;
    side_set(&p.a, &change, VPN_WG_SET_KEEPALIVE, p.now);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);
        ck_assert_uint_eq(side_tick(&p.a, &m, p.now), 1);
        ck_assert(m.packet.type == VPN__DATA && m.packet.length == 32);
        ck_assert_uint_eq(side_tick(&p.a, &m, p.now + 25 * VPN_SECOND - 1), 0);
        p.now += 25 * VPN_SECOND;
    }
    pair_free(&p);
}
END_TEST

/* Section 6.5: the passive keepalive, and the second one that was noted. */
START_TEST(passive)
{
    pair_up(&p, NULL);
    for (int i = 0; i < 2; i++) {
        pair_sealed(&p, &n, &p.a, &p.b, 60);
        ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_TO_TUN);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(vpn_wg_deadline(p.b.wg), p.now + VPN__KEEPALIVE_TIMEOUT);
        ck_assert_uint_eq(side_tick(&p.b, &m, p.now + VPN__KEEPALIVE_TIMEOUT - 1), 0);
        p.now += VPN__KEEPALIVE_TIMEOUT;
        ck_assert_uint_eq(side_tick(&p.b, &m, p.now), 1);
        ck_assert(m.packet.type == VPN__DATA && m.packet.length == 32);
    }
    ck_assert_uint_gt(vpn_wg_deadline(p.b.wg), p.now + VPN__KEEPALIVE_TIMEOUT);
    pair_free(&p);
}
END_TEST

/* Temporary peers go by themselves, with all that is theirs; not before their time. */
START_TEST(expiry)
{
    vpn_wg_peer change = {.expires = 1010 * VPN_SECOND};
    vpn_wg_event_info event;
    pair_up(&p, NULL);
    events_of(&p.a, 0);
    vpn_peer_id id = p.a.peer;
    side_set(&p.a, &change, VPN_WG_SET_EXPIRES, p.now);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), change.expires);
    ck_assert_uint_eq(side_tick(&p.a, &m, change.expires - 1), 0);
    ck_assert_uint_eq(side_stats(&p.a).peers, 1);
    ck_assert_uint_eq(side_tick(&p.a, &m, change.expires), 0);
    p.a.peer = 0;
    ck_assert_int_eq(vpn_wg_event(p.a.wg, &event), 0);
    ck_assert(event.type == VPN_WG_PEER_EXPIRED && event.peer == id && event.time == change.expires);
    ck_assert_mem_eq(event.public_key, p.b.public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_remove(p.a.wg, id), VPN_ENOENT);
    vpn_wg_stats stats = side_stats(&p.a);
    ck_assert(stats.peers == 0 && stats.sessions == 0);
    ck_assert_uint_eq(vpn_wg_route(p.a.wg, 4, p.b.inner4), 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);
    pair_free(&p);
}
END_TEST

/* "Under load" ends by tick, at its deadline, also when no peer has one. */
START_TEST(load_ends)
{
    vpn_wg_config config = {.load_rate = 1};
    pair_new(&p, &config);
    for (int i = 0; i < 2; i++) {
        p.now += VPN__REKEY_TIMEOUT * (unsigned)i / 10;
        side_initiate(&p.a, &n, p.now += VPN__REKEY_TIMEOUT);
        mail_copy(&m, &n, &p.a.at);
        side_recv(&p.b, &m, p.now);
        mail_copy(&m, &n, &p.a.at);
        side_recv(&p.b, &m, p.now);
        ck_assert_uint_eq(m.packet.type, VPN__COOKIE_REPLY);
        ck_assert_uint_eq(events_of(&p.b, VPN_WG_LOAD_ON), 1);
        ck_assert_uint_eq(vpn_wg_deadline(p.b.wg), p.now + VPN_SECOND);
        side_tick(&p.b, &m, p.now + VPN_SECOND - 1);
        ck_assert_uint_eq(events_of(&p.b, VPN_WG_LOAD_OFF), 0);
        side_tick(&p.b, &m, p.now + VPN_SECOND);
        ck_assert_uint_eq(events_of(&p.b, VPN_WG_LOAD_OFF), 1);
        ck_assert_uint_gt(vpn_wg_deadline(p.b.wg), p.now + VPN_SECOND);
    }
    pair_free(&p);
}
END_TEST

START_TEST(suspended)
{
    pair_up(&p, NULL);
    ck_assert_int_eq(vpn_wg_handshake(p.a.wg, p.a.peer, p.now), 0);
    vpn_wg_suspend(p.a.wg);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);
    ck_assert_uint_eq(side_tick(&p.a, &m, p.now + 1000 * VPN_SECOND), 0);
    ck_assert_uint_eq(m.packet.verdict, 0);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("tick");
    test_add(s, "too little room", too_little_room);
    test_add(s, "no packets", no_packets);
    test_add(s, "giving up", giving_up);
    test_add(s, "end of a session", end_of_a_session);
    test_add(s, "wipe with packets in flight", wipe_with_packets_in_flight);
    test_add(s, "failed initiations", failed_initiations);
    test_add(s, "persistent", persistent);
    test_add(s, "passive", passive);
    test_add(s, "expiry", expiry);
    test_add(s, "load ends", load_ends);
    test_add(s, "suspended", suspended);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, order, 0, 4);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)
