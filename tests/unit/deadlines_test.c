/* SPDX-License-Identifier: ISC */
/* The deadline of whole devices, with sessions, against a definition that is written out anew. */
#include "wireguard/schedule.h"

#include "common/pair.h"

#define CROWD 40

static struct pair p;
static struct mail m, n;
static vpn_peer_id crowd[CROWD];

static vpn_time least(vpn_time a, vpn_time b)
{
    return a < b ? a : b;
}

/* By definition, with no help of the timers' own. */
static vpn_time naive_peer(const struct vpn__peer *peer)
{
    const struct vpn__timers *t = &peer->timers;
    vpn_time wanted = t->wanted, first = peer->expires;
    if (wanted != VPN_NEVER && t->handshake_sent != VPN_NEVER && wanted < t->handshake_sent + 5 * VPN_SECOND)
        wanted = t->handshake_sent + 5 * VPN_SECOND;
    first = least(first, least(wanted, t->retransmit));
    first = least(first, least(t->keepalive, t->new_handshake));
    first = least(first, least(t->persistent, t->wipe));
    return least(first, t->session_end);
}

static vpn_time naive(const vpn_wg *wg)
{
    vpn_time first = VPN_NEVER;
    if (wg->suspended)
        return VPN_NEVER;
    for (vpn_peer_id id = vpn_wg_peer_next(wg, 0); id != 0; id = vpn_wg_peer_next(wg, id))
        first = least(first, naive_peer(vpn__peer_find(wg, id)));
    if (wg->load_told)
        first = least(first, wg->limiter.load_until);
    return first == VPN_NEVER ? first : first - wg->offset;
}

/* The heap is never late for anyone, and knows nobody who is gone. */
static void exact(const vpn_wg *wg)
{
    ck_assert_uint_eq(vpn_wg_deadline(wg), naive(wg));
    for (uint32_t slot = 0; slot < vpn__slab_high(&wg->peers); slot++) {
        const struct vpn__peer *peer = vpn__wg_peer(wg, slot);
        if (peer->id != 0)
            ck_assert_uint_le(vpn__heap_at(&wg->heap, slot), naive_peer(peer));
        else
            ck_assert_uint_eq(vpn__heap_at(&wg->heap, slot), VPN_NEVER);
    }
}

static void add(int i, uint64_t *seed)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = p.b.at};
    vpn_prefix prefix = {.family = 4, .bits = 32, .addr = {10, 1, 0, (uint8_t)i}};
    test_fill(seed, peer.public_key, 32);
    peer.public_key[31] &= 127;
    ck_assert_int_eq(vpn_wg_peer_add(p.a.wg, &peer, &crowd[i], p.now), 0);
    ck_assert_int_eq(vpn_wg_allow(p.a.wg, crowd[i], &prefix), 0);
}

static void change(int i, uint64_t *seed)
{
    static const uint16_t intervals[] = {0, 1, 25, 65535};
    vpn_wg_peer settings = {.size = sizeof settings, .endpoint = p.b.at};
    settings.set = (uint32_t)test_below(seed, 8) << 2 & (VPN_WG_SET_KEEPALIVE | VPN_WG_SET_EXPIRES);
    settings.set |= test_below(seed, 2) ? VPN_WG_SET_ENDPOINT : 0;
    settings.set |= test_below(seed, 8) ? 0 : VPN_WG_SET_EXPIRES;
    settings.keepalive = intervals[test_below(seed, 4)];
    settings.expires = test_below(seed, 3) ? VPN_NEVER : p.now + test_below(seed, 1000) * VPN_SECOND;
    settings.endpoint.family = test_below(seed, 8) ? 4 : 0;
    ck_assert_int_eq(vpn_wg_peer_set(p.a.wg, crowd[i], &settings, p.now), 0);
}

static void to_crowd(int i)
{
    const uint8_t from[4] = {10, 0, 0, 1}, to[4] = {10, 1, 0, (uint8_t)i};
    mail_fresh(&m);
    inner_write(mail_text(&m), 4, from, to, 60);
    m.packet.length = 60;
    side_send(&p.a, &m, p.now);
}

/* What one side writes goes to the other, or is lost; answers go the same way until there are none. */
static void carry(struct side *from, struct side *to, uint64_t *seed)
{
    while (from->peer != 0 && m.packet.verdict == VPN_TO_NET && m.packet.peer == from->peer && test_below(seed, 5)) {
        struct side *back = from;
        mail_copy(&n, &m, &from->at);
        side_recv(to, &n, p.now);
        memcpy(m.room, n.room, sizeof m.room);
        m.packet = n.packet;
        m.packet.data = m.room;
        from = to;
        to = back;
    }
}

static void traffic(uint64_t *seed)
{
    struct side *from = test_below(seed, 2) ? &p.a : &p.b, *to = from == &p.a ? &p.b : &p.a;
    mail_inner(&m, 4, from, to, 60);
    side_send(from, &m, p.now);
    carry(from, to, seed);
}

static void tick(uint64_t *seed)
{
    struct side *s = test_below(seed, 2) ? &p.a : &p.b;
    for (size_t turns = test_below(seed, 12); turns > 0; turns--) {
        vpn__wg_enter(s->wg, p.now); /* the clock may have been set back */
        vpn_time before = vpn_wg_deadline(s->wg);
        mail_fresh(&m);
        size_t written = vpn_wg_tick(s->wg, &m.packet, test_below(seed, 6) != 0, p.now);
        exact(s->wg);
        ck_assert(written == 0 || before <= vpn__wg_outside(s->wg, s->wg->now));
        if (written)
            carry(s, s == &p.a ? &p.b : &p.a, seed);
    }
}

static void clock_moves(uint64_t *seed)
{
    static const vpn_time steps[] = {1, VPN_MILLISECOND, VPN_SECOND, 10 * VPN_SECOND, 200 * VPN_SECOND};
    if (test_below(seed, 30) == 0)
        p.now -= test_below(seed, 2) ? VPN_SECOND / 2 : 300 * VPN_SECOND;
    else if (test_below(seed, 4) == 0 && vpn_wg_deadline(p.a.wg) != VPN_NEVER && vpn_wg_deadline(p.a.wg) > p.now)
        p.now = vpn_wg_deadline(p.a.wg);
    else
        p.now += steps[test_below(seed, 5)] * (1 + test_below(seed, 3));
}

static void device(uint64_t *seed)
{
    uint8_t key[32];
    switch (test_below(seed, 6)) {
    case 0:
        vpn_wg_suspend(p.a.wg);
        break;
    case 1:
        vpn_wg_network_changed(p.a.wg, p.now);
        break;
    case 2:
        memset(key, 1 + (int)test_below(seed, 2) * 30, sizeof key);
        vpn_wg_set_private_key(p.a.wg, key, p.now);
        break;
    default:
        vpn_wg_resume(p.a.wg, p.now);
        break;
    }
}

static void step(uint64_t *seed)
{
    int i = (int)test_below(seed, CROWD);
    vpn_wg_event_info event;
    if (vpn_wg_event(p.a.wg, &event) == 0 && event.type == VPN_WG_PEER_EXPIRED)
        ck_assert_ptr_null(vpn__peer_find(p.a.wg, event.peer));
    if (vpn__peer_find(p.a.wg, crowd[i]) == NULL)
        add(i, seed);
    switch (test_below(seed, 12)) {
    case 0:
        ck_assert_int_eq(vpn_wg_handshake(p.a.wg, crowd[i], p.now), 0);
        break;
    case 1:
        change(i, seed);
        break;
    case 2:
        ck_assert_int_eq(vpn_wg_peer_remove(p.a.wg, crowd[i]), 0);
        break;
    case 3:
        to_crowd(i);
        break;
    case 4:
    case 5:
        traffic(seed);
        break;
    case 6:
        clock_moves(seed);
        break;
    case 7:
        if (test_below(seed, 5) == 0)
            device(seed);
        break;
    default:
        tick(seed);
        break;
    }
}

/* After each of thousands of random operations the deadline is the least of all, to the nanosecond. */
START_TEST(by_brute_force)
{
    vpn_wg_config config = {.load_rate = _i % 2 ? 2 : 0};
    uint64_t seed = (uint64_t)_i + 1;
    size_t up = 0;
    p.now = 0;
    pair_new(&p, &config);
    for (int i = 0; i < CROWD; i++)
        add(i, &seed);
    for (int i = 0; i < 1200; i++) {
        step(&seed);
        exact(p.a.wg);
        exact(p.b.wg);
        up += side_current(&p.a) != NULL;
    }
    ck_assert_uint_gt(up, 50);
    pair_free(&p);
}
END_TEST

/* A clock that is set back by hours: what was due in 5 s is due in 5 s, on the caller's clock. */
START_TEST(clock_set_back)
{
    vpn_wg_peer settings = {.expires = 1005 * VPN_SECOND};
    pair_new(&p, NULL);
    side_set(&p.a, &settings, VPN_WG_SET_EXPIRES, p.now);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), 1005 * VPN_SECOND);
    vpn__wg_enter(p.a.wg, 10 * VPN_SECOND);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), 15 * VPN_SECOND);
    ck_assert_uint_eq(side_tick(&p.a, &m, 15 * VPN_SECOND - 1), 0);
    ck_assert_uint_eq(side_stats(&p.a).peers, 1);
    side_tick(&p.a, &m, 15 * VPN_SECOND);
    p.a.peer = 0;
    ck_assert_uint_eq(side_stats(&p.a).peers, 0);
    pair_free(&p);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("deadlines");
    test_add(s, "clock set back", clock_set_back);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, by_brute_force, 0, 5);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)
