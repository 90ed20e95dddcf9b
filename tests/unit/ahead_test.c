/* SPDX-License-Identifier: ISC */
#include "common/pair.h"

#include "wireguard/ahead.h"

static struct pair p;
static struct mail mails[VPN__AHEAD];
static vpn_packet packets[VPN__AHEAD];
static struct vpn__ahead ahead;

/* Packets of every kind, in an order that the flows of both families interrupt. */
static uint32_t fill(uint32_t i)
{
    const uint8_t nowhere[4] = {11, 0, 0, 1};
    uint32_t peer = (uint32_t)p.a.peer;
    mail_inner(&mails[i], i % 5 == 1 ? 6 : 4, &p.a, &p.b, 60);
    packets[i] = mails[i].packet;
    switch (i % 5) {
    case 2:
        memcpy(mail_text(&mails[i]) + 16, nowhere, 4);
        return VPN_ALLOWEDIPS_NONE;
    case 3:
        mail_text(&mails[i])[0] = 0x50;
        return VPN__AHEAD_UNKNOWN;
    case 4:
        packets[i].offset = i % 2 ? packets[i].capacity + 1 : packets[i].offset;
        packets[i].data = i % 2 ? packets[i].data : NULL;
        return VPN__AHEAD_UNKNOWN;
    default:
        return peer;
    }
}

START_TEST(destinations)
{
    uint32_t want[VPN__AHEAD];
    static struct vpn_wg before;
    pair_up(&p, NULL);
    for (uint32_t i = 0; i < VPN__AHEAD; i++)
        want[i] = fill(i);
    for (uint32_t n = 0; n <= VPN__AHEAD; n++) {
        memset(&ahead, 0xcc, sizeof ahead);
        before = *p.a.wg;
        vpn__ahead_send(p.a.wg, packets, n, &ahead);
        ck_assert_mem_eq(&before, p.a.wg, sizeof before);
        ck_assert(n == 0 || memcmp(ahead.slot, want, n * sizeof *want) == 0);
        ck_assert(n == VPN__AHEAD || ahead.slot[n] == 0xcccccccc);
    }
    pair_free(&p);
}
END_TEST

/* Raw payloads have no address; whose packet it is stands in the descriptor, and may be wrong. */
START_TEST(raw_payloads)
{
    vpn_wg_config raw = {.flags = VPN_WG_RAW};
    pair_up(&p, &raw);
    for (uint32_t i = 0; i < VPN__AHEAD; i++) {
        mail_inner(&mails[i], 4, &p.a, &p.b, 60);
        packets[i] = mails[i].packet;
        packets[i].peer = i % 2 ? p.a.peer : UINT64_MAX - i;
    }
    vpn__ahead_send(p.a.wg, packets, VPN__AHEAD, &ahead);
    for (uint32_t i = 0; i < VPN__AHEAD; i++)
        ck_assert_uint_eq(ahead.slot[i], VPN__AHEAD_UNKNOWN);
    pair_free(&p);
}
END_TEST

/* Sources of opened packets only; those that do not come from here, and those that were not opened, are unknown. */
START_TEST(sources)
{
    pair_up(&p, NULL);
    for (uint32_t i = 0; i < 6; i++) {
        pair_sealed(&p, &mails[i], &p.b, &p.a, 60 + i);
        packets[i] = mails[i].packet;
    }
    packets[1].data[packets[1].offset + 30] ^= 1;
    packets[2].length = 5;
    memset(&ahead, 0xcc, sizeof ahead);
    vpn__ahead_recv(p.a.wg, packets, 6, &ahead);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_ptr_eq(ahead.session[i], i == 2 ? NULL : side_current(&p.a));
    ck_assert_uint_eq(vpn_wg_recv_begin(p.a.wg, packets, 6, p.now), 5);
    side_drops(&p.a, VPN_REASON_LENGTH, 1);
    memset(&ahead, 0xcc, sizeof ahead);
    vpn__ahead_end(p.a.wg, packets, 6, &ahead);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_uint_eq(ahead.slot[i], VPN__AHEAD_UNKNOWN);
    vpn_wg_crypt(p.a.wg->scratch, packets, 6);
    vpn__ahead_end(p.a.wg, packets, 6, &ahead);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_uint_eq(ahead.slot[i], i == 1 || i == 2 ? VPN__AHEAD_UNKNOWN : (uint32_t)p.a.peer);
    vpn_wg_end(p.a.wg, packets, 6, p.now);
    vpn__ahead_end(p.a.wg, packets, 6, &ahead);
    ck_assert_uint_eq(ahead.slot[0], VPN__AHEAD_UNKNOWN);
    side_drops(&p.a, VPN_REASON_AUTH, 1);
    pair_free(&p);
}
END_TEST

/* What `b` sends from a source of its, delivered or not, and the packets whose source was searched. */
static uint32_t searched_for(const uint8_t source[4], uint8_t verdict)
{
    struct mail m, sent;
    mail_inner(&sent, 4, &p.b, &p.a, 60);
    memcpy(mail_text(&sent) + 12, source, 4);
    ck_assert_uint_eq(side_send(&p.b, &sent, p.now), VPN_TO_NET);
    mail_copy(&m, &sent, &p.b.at);
    ck_assert_uint_eq(vpn_wg_recv_begin(p.a.wg, &m.packet, 1, p.now), 1);
    vpn_wg_crypt(p.a.wg->scratch, &m.packet, 1);
    vpn__ahead_end(p.a.wg, &m.packet, 1, &ahead);
    vpn_wg_end(p.a.wg, &m.packet, 1, p.now);
    ck_assert_uint_eq(m.packet.verdict, verdict);
    if (verdict == VPN_DROP)
        side_dropped(&p.a, &m.packet, VPN_REASON_SOURCE);
    return ahead.searched;
}

/* A source that came last is not searched again, until AllowedIPs change in any way; one that may not be used always is. */
START_TEST(known_sources)
{
    const uint8_t wide[4] = {172, 16, 7, 7}, foreign[4] = {10, 9, 9, 9};
    vpn_prefix prefix = {.family = 4, .bits = 12, .addr = {172, 16}};
    vpn_wg_peer third = {.size = sizeof third, .public_key = {9, 9}};
    vpn_peer_id other;
    pair_up(&p, NULL);
    ck_assert_int_eq(vpn_wg_peer_add(p.a.wg, &third, &other, p.now), 0);
    ck_assert_uint_eq(searched_for(p.b.inner4, VPN_TO_TUN), 1);
    ck_assert_uint_eq(searched_for(p.b.inner4, VPN_TO_TUN), 0);
    ck_assert_uint_eq(searched_for(wide, VPN_TO_TUN), 1);
    ck_assert_uint_eq(searched_for(wide, VPN_TO_TUN), 0);
    ck_assert_uint_eq(searched_for(foreign, VPN_DROP), 1);
    ck_assert_uint_eq(searched_for(foreign, VPN_DROP), 1);
    ck_assert_uint_eq(searched_for(wide, VPN_TO_TUN), 0);
    side_allow(&p.a, other, 4, foreign, 32);
    ck_assert_uint_eq(searched_for(wide, VPN_TO_TUN), 1);
    ck_assert_uint_eq(searched_for(foreign, VPN_DROP), 1);
    side_allow(&p.a, other, 4, wide, 32);
    ck_assert_uint_eq(searched_for(wide, VPN_DROP), 1);
    ck_assert_int_eq(vpn_wg_peer_remove(p.a.wg, other), 0);
    ck_assert_uint_eq(searched_for(wide, VPN_TO_TUN), 1);
    ck_assert_int_eq(vpn_wg_disallow(p.a.wg, p.a.peer, &prefix), 0);
    ck_assert_uint_eq(searched_for(wide, VPN_DROP), 1);
    pair_free(&p);
}
END_TEST

/* An IPv4 source does not make an IPv6 source known that begins with the same bytes, nor one half of an address the other. */
START_TEST(known_families)
{
    uint8_t near[16];
    pair_up(&p, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        mail_inner(&mails[i], i == 0 ? 4 : 6, &p.b, &p.a, 60);
        memcpy(near, p.b.inner6, 16);
        near[8] = i == 3;
        if (i == 1) {
            memset(near, 0, 16);
            memcpy(near, p.b.inner4, 4);
        }
        if (i != 0)
            memcpy(mail_text(&mails[i]) + 8, near, 16);
        ck_assert_uint_eq(side_send(&p.b, &mails[i], p.now), VPN_TO_NET);
        mails[i].packet.path.remote = p.b.at;
        ck_assert_uint_eq(side_recv(&p.a, &mails[i], p.now), i % 2 ? VPN_DROP : VPN_TO_TUN);
        if (i % 2)
            side_dropped(&p.a, &mails[i].packet, VPN_REASON_SOURCE);
    }
    pair_free(&p);
}
END_TEST

/* A response puts the oldest session out of the ring: what comes behind it in the batch under that finds nothing, although the look
   ahead of the batch found it. */
START_TEST(handshake_ahead_of_data)
{
    pair_up(&p, NULL);
    pair_sealed(&p, &mails[1], &p.b, &p.a, 60);
    p.now += 10 * VPN_SECOND;
    pair_handshake(&p, &p.a, &p.b);
    pair_sealed(&p, &mails[2], &p.b, &p.a, 60);
    p.now += 10 * VPN_SECOND;
    pair_respond(&p, &p.a, &p.b, &mails[0]);
    for (uint32_t i = 0; i < 3; i++)
        packets[i] = mails[i].packet;
    vpn_wg_recv(p.a.wg, packets, 3, p.now);
    ck_assert_uint_eq(packets[0].verdict, VPN_TO_NET);
    side_dropped(&p.a, &packets[1], VPN_REASON_INDEX);
    ck_assert_uint_eq(packets[2].verdict, VPN_TO_TUN);
    pair_free(&p);
}
END_TEST

/* Longer than a look ahead, with neighbours that differ: each packet finds its own peer. */
START_TEST(long_batches)
{
    enum { MANY = 3 * VPN__AHEAD + 5 };
    static struct mail many[MANY];
    static vpn_packet batch[MANY];
    pair_up(&p, NULL);
    for (uint32_t i = 0; i < MANY; i++) {
        mail_inner(&many[i], i % 3 ? 4 : 6, &p.a, &p.b, 60);
        if (i % 7 == 2)
            mail_text(&many[i])[i % 3 ? 19 : 39] = 99; /* a neighbour, but for its last byte */
        batch[i] = many[i].packet;
    }
    vpn_wg_send(p.a.wg, batch, MANY, p.now);
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(batch[i].verdict, i % 7 == 2 ? VPN_DROP : VPN_TO_NET);
        ck_assert_uint_eq(batch[i].reason, i % 7 == 2 ? VPN_REASON_NO_ROUTE : VPN_REASON_NONE);
        batch[i].path.remote = p.a.at;
    }
    vpn_wg_recv(p.b.wg, batch, MANY, p.now);
    for (uint32_t i = 0; i < MANY; i++)
        ck_assert_uint_eq(batch[i].verdict, i % 7 == 2 ? VPN_DROP : VPN_TO_TUN);
    pair_free(&p);
}
END_TEST

static Suite *ahead_suite(void)
{
    Suite *suite = suite_create("ahead");
    test_add(suite, "destinations", destinations);
    test_add(suite, "raw", raw_payloads);
    test_add(suite, "sources", sources);
    test_add(suite, "known sources", known_sources);
    test_add(suite, "known families", known_families);
    test_add(suite, "handshake ahead of data", handshake_ahead_of_data);
    test_add(suite, "long", long_batches);
    return suite;
}

TEST_MAIN(ahead_suite)
