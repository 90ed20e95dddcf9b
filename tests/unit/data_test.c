/* SPDX-License-Identifier: ISC */
#include "common/pair.h"

#include "base/bytes.h"
#include "wireguard/crypt.h"

static struct pair p;
static struct mail m, n;

/* The descriptors that contradict themselves; in both directions, and no byte is touched. */
START_TEST(contradictory_descriptors)
{
    static const struct {
        int has_data;
        uint32_t capacity, offset, length;
    } bad[] = {{0, 0, 0, 0},       {0, 2048, 64, 60},       {1, 100, 101, 0},         {1, 100, 50, 51},
               {1, 100, 0, 101},   {1, 100, UINT32_MAX, 2}, {1, 100, 99, UINT32_MAX}, {1, 0, 0, 1},
               {1, 2048, 2049, 0}, {1, 2048, 0, UINT32_MAX}};
    pair_up(&p, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int direction = 0; direction < 2; direction++) {
            mail_fresh(&m);
            m.packet.data = bad[i].has_data ? m.room : NULL;
            m.packet.capacity = bad[i].capacity;
            m.packet.offset = bad[i].offset;
            m.packet.length = bad[i].length;
            m.packet.user = 77;
            m.packet.job.key = &n; /* whatever the packet before left there */
            ck_assert_uint_eq(direction ? side_send(&p.a, &m, p.now) : side_recv(&p.a, &m, p.now), VPN_DROP);
            side_dropped(&p.a, &m.packet, VPN_REASON_ARGUMENT);
            ck_assert(m.packet.user == 77 && m.packet.length == bad[i].length && m.packet.offset == bad[i].offset);
            for (size_t k = 0; k < sizeof m.room; k++)
                ck_assert_uint_eq(m.room[k], 0xcc);
        }
    }
    pair_free(&p);
}
END_TEST

/* Reasons before a peer is known, and those of a packet to send to a peer without a session. */
START_TEST(send_reasons)
{
    const uint8_t nowhere[4] = {11, 0, 0, 1};
    vpn_wg_peer change = {.queue = 0};
    pair_new(&p, NULL);
    mail_inner(&m, 4, &p.a, &p.b, 60);
    mail_text(&m)[0] = 0x55;
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_INNER);
    mail_fresh(&m);
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_INNER);
    mail_inner(&m, 4, &p.a, &p.b, 60);
    memcpy(mail_text(&m) + 16, nowhere, 4);
    m.packet.peer = p.a.peer;
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_NO_ROUTE);
    ck_assert_uint_eq(m.packet.peer, 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);

    side_set(&p.a, &change, VPN_WG_SET_QUEUE, p.now);
    mail_inner(&m, 6, &p.a, &p.b, 60);
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_NO_SESSION);
    ck_assert_uint_eq(m.packet.peer, p.a.peer);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);

    vpn_wg_set_private_key(p.a.wg, NULL, p.now);
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_NO_IDENTITY);
    side_forget_endpoint(&p.a, p.now);
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_NO_ENDPOINT);
    vpn_wg_suspend(p.a.wg);
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_SUSPENDED);
    pair_free(&p);
}
END_TEST

START_TEST(low_order)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT};
    pair_new(&p, NULL);
    ck_assert_int_eq(vpn_wg_peer_remove(p.a.wg, p.a.peer), 0);
    peer.endpoint = p.b.at;
    peer.public_key[0] = 1; /* the point of order 4 */
    ck_assert_int_eq(vpn_wg_peer_add(p.a.wg, &peer, &p.a.peer, p.now), 0);
    side_allow(&p.a, p.a.peer, 4, p.b.inner4, 32);
    mail_inner(&m, 4, &p.a, &p.b, 60);
    side_send(&p.a, &m, p.now);
    side_dropped(&p.a, &m.packet, VPN_REASON_LOW_ORDER);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), VPN_NEVER);
    pair_free(&p);
}
END_TEST

/* A packet that must wait is as it was, and says how many may. */
START_TEST(waiting)
{
    struct mail before;
    vpn_wg_peer change = {.queue = 5};
    pair_new(&p, NULL);
    side_set(&p.a, &change, VPN_WG_SET_QUEUE, p.now);
    mail_inner(&m, 4, &p.a, &p.b, 61);
    memcpy(&before, &m, sizeof before);
    m.packet.user = 9;
    ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_WAIT);
    ck_assert_mem_eq(m.room, before.room, sizeof m.room);
    ck_assert(m.packet.offset == 64 && m.packet.length == 61 && m.packet.queue == 5 && m.packet.user == 9);
    ck_assert(m.packet.peer == p.a.peer && m.packet.reason == VPN_REASON_NONE && m.packet.type == 0);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), p.now);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

/* Head- and tailroom to the byte. Without it nothing of the packet changes and no counter is gone. */
START_TEST(room)
{
    pair_up(&p, NULL);
    for (uint32_t length = 20; length < 52; length++) {
        uint32_t need = (0u - length) % 16 + 16;
        for (uint32_t head = 15; head <= 16; head++) {
            for (uint32_t tail = need - 1; tail <= need; tail++) {
                uint64_t counter = side_current(&p.a)->counter;
                mail_inner(&m, 4, &p.a, &p.b, length);
                memmove(m.room + head, mail_text(&m), length);
                m.packet.offset = head;
                m.packet.capacity = head + length + tail;
                memset(m.room + m.packet.capacity, 0xcc, 64);
                memcpy(n.room, m.room, sizeof n.room);
                side_send(&p.a, &m, p.now);
                ck_assert_uint_eq(m.room[head + length + tail], 0xcc);
                if (head == 16 && tail == need) {
                    ck_assert_uint_eq(m.packet.verdict, VPN_TO_NET);
                    ck_assert(m.packet.offset == 0 && m.packet.length == m.packet.capacity);
                    ck_assert_uint_eq(side_current(&p.a)->counter, counter + 1);
                    ck_assert_uint_eq(vpn__load64le(m.room + 8), counter);
                    continue;
                }
                side_dropped(&p.a, &m.packet, VPN_REASON_SPACE);
                ck_assert_uint_eq(side_current(&p.a)->counter, counter);
                ck_assert_mem_eq(m.room, n.room, sizeof m.room);
            }
        }
    }
    pair_free(&p);
}
END_TEST

/* The same for a peer that pads to the MTU; then the least tailroom is mtu - length + 16. */
START_TEST(room_to_mtu)
{
    vpn_wg_peer change = {.padding = VPN_WG_PAD_MTU};
    vpn_wg_config config = {.mtu = 100};
    pair_up(&p, &config);
    side_set(&p.a, &change, VPN_WG_SET_PADDING, p.now);
    for (uint32_t length = 20; length <= 110; length++) {
        uint32_t pad = length < 100 ? 100 - length : (uint32_t)vpn_mtu_padding(length, 100);
        mail_inner(&m, 4, &p.a, &p.b, length);
        m.packet.capacity = 64 + length + pad + 15;
        side_send(&p.a, &m, p.now);
        side_dropped(&p.a, &m.packet, VPN_REASON_SPACE);
        m.packet.capacity++;
        ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_TO_NET);
        ck_assert_uint_eq(m.packet.length, 32 + length + pad);
        mail_copy(&n, &m, &p.a.at);
        ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_TO_TUN);
        ck_assert_uint_eq(n.packet.length, length);
    }
    pair_free(&p);
}
END_TEST

/* Padding stops at the MTU, to the byte; a longer packet is padded as its last segment. */
START_TEST(padding_at_mtu)
{
    vpn_wg_config config = {.mtu = 1000};
    pair_up(&p, &config);
    for (uint32_t length = 980; length <= 1030; length++) {
        uint32_t padded = (length + 15) / 16 * 16;
        if (length <= 1000 && padded > 1000)
            padded = 1000;
        if (length > 1000)
            padded = 1000 + (length - 1000 + 15) / 16 * 16;
        mail_inner(&m, 4, &p.a, &p.b, length);
        ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_TO_NET);
        ck_assert_uint_eq(m.packet.length, padded + 32);
    }
    ck_assert_int_eq(vpn_wg_set_mtu(p.a.wg, 990), 0);
    mail_inner(&m, 4, &p.a, &p.b, 989);
    ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_TO_NET);
    ck_assert_uint_eq(m.packet.length, 990 + 32);
    pair_free(&p);
}
END_TEST

/* A datagram with one thing wrong; what is right of it moves nothing. */
START_TEST(receive_reasons)
{
    pair_up(&p, NULL);
    struct vpn_session *session = side_current(&p.b);
    vpn_endpoint elsewhere = p.a.at;
    elsewhere.port = 9;
    uint64_t received = side_peer(&p.b)->rx_bytes;
    for (int i = 0; i < 6; i++) {
        static const uint32_t reason[] = {VPN_REASON_TYPE, VPN_REASON_LENGTH,  VPN_REASON_INDEX,
                                          VPN_REASON_AUTH, VPN_REASON_COUNTER, VPN_REASON_EXPIRED};
        pair_sealed(&p, &m, &p.a, &p.b, 60);
        m.packet.path.remote = elsewhere;
        vpn_time now = p.now;
        mail_text(&m)[i == 0 ? 1 : i == 2 ? 4 : 30] ^= i == 0 || i == 2 || i == 3;
        m.packet.length = i == 1 ? 31 : m.packet.length;
        if (i == 4)
            vpn__store64le(mail_text(&m) + 8, VPN__REJECT_AFTER_MESSAGES);
        if (i == 5)
            session->born = p.now - VPN__REJECT_AFTER_TIME;
        side_recv(&p.b, &m, now);
        side_dropped(&p.b, &m.packet, reason[i]);
        ck_assert_uint_eq(m.packet.peer, reason[i] >= VPN_REASON_PEER_FIRST ? p.b.peer : 0);
        ck_assert_uint_eq(m.packet.type, i < 2 ? 0 : VPN__DATA);
    }
    session->born++;
    pair_sealed(&p, &m, &p.a, &p.b, 60);
    mail_copy(&n, &m, &elsewhere);
    ck_assert_uint_eq(side_recv(&p.b, &m, p.now), VPN_TO_TUN);
    ck_assert_uint_eq(side_peer(&p.b)->rx_bytes, received + 64 + 32);
    side_recv(&p.b, &n, p.now);
    side_dropped(&p.b, &n.packet, VPN_REASON_REPLAY);
    ck_assert_uint_eq(side_peer(&p.b)->path.remote.port, p.a.at.port);
    vpn_wg_suspend(p.b.wg);
    side_recv(&p.b, &n, p.now);
    side_dropped(&p.b, &n.packet, VPN_REASON_SUSPENDED);
    pair_free(&p);
}
END_TEST

/* The index of a handshake that is under way is that of no session. */
START_TEST(data_to_a_handshake)
{
    pair_up(&p, NULL);
    p.now += VPN__REKEY_TIMEOUT;
    side_initiate(&p.b, &n, p.now);
    pair_sealed(&p, &m, &p.a, &p.b, 60);
    memcpy(mail_text(&m) + VPN__DATA_RECEIVER, mail_text(&n) + VPN__INITIATION_SENDER, 4);
    side_recv(&p.b, &m, p.now);
    side_dropped(&p.b, &m.packet, VPN_REASON_INDEX);
    ck_assert_uint_eq(m.packet.peer, 0);
    pair_free(&p);
}
END_TEST

/* Authentic, so endpoint and timers move, but not for this peer to say. */
START_TEST(inner_reasons)
{
    pair_up(&p, NULL);
    for (int i = 0; i < 2; i++) {
        vpn_endpoint elsewhere = p.a.at;
        elsewhere.port = (uint16_t)(5 + i);
        mail_inner(&m, 4, &p.a, &p.b, 60);
        ck_assert_uint_eq(vpn_wg_send_begin(p.a.wg, &m.packet, 1, p.now), 1);
        mail_text(&m)[16 + (i == 0 ? 12 : 3)] = 99; /* the source, or a length past the end */
        vpn_wg_crypt(p.a.wg->scratch, &m.packet, 1);
        ck_assert_uint_eq(vpn_wg_end(p.a.wg, &m.packet, 1, p.now), 1);
        mail_copy(&n, &m, &elsewhere);
        side_recv(&p.b, &n, p.now);
        side_dropped(&p.b, &n.packet, i == 0 ? VPN_REASON_SOURCE : VPN_REASON_BAD_INNER);
        ck_assert_uint_eq(side_peer(&p.b)->path.remote.port, elsewhere.port);
        ck_assert_uint_eq(side_peer(&p.b)->timers.keepalive, p.now + VPN__KEEPALIVE_TIMEOUT);
        ck_assert_uint_eq(side_stats(&p.b).rx_packets, 0);
    }
    pair_free(&p);
}
END_TEST

static struct vpn_scratch *scratch_of(const vpn_provider *provider)
{
    struct vpn_scratch *scratch;
    ck_assert_int_eq(vpn_scratch_new(&scratch, provider, NULL), 0);
    return scratch;
}

/* Crypt passed over, by a foreign scratch, or twice; each both ways. */
START_TEST(crypt_misused)
{
    vpn_provider other = *vpn_provider_sodium();
    struct vpn_scratch *foreign = scratch_of(&other), *own = scratch_of(NULL);
    pair_up(&p, NULL);
    for (int i = 0; i < 3; i++) {
        mail_inner(&m, 4, &p.a, &p.b, 60);
        ck_assert_uint_eq(vpn_wg_send_begin(p.a.wg, &m.packet, 1, p.now), 1);
        if (i == 1)
            vpn_wg_crypt(foreign, &m.packet, 1);
        for (int times = 0; i == 2 && times < 2; times++)
            vpn_wg_crypt(own, &m.packet, 1);
        ck_assert_uint_eq(vpn_wg_end(p.a.wg, &m.packet, 1, p.now), i == 2);
        if (i < 2)
            side_dropped(&p.a, &m.packet, VPN_REASON_NO_CRYPT);
        vpn_wg_crypt(own, &m.packet, 1); /* of no effect after the end */

        pair_sealed(&p, &n, &p.a, &p.b, 60);
        if (i == 2)
            mail_copy(&n, &m, &p.a.at);
        ck_assert_uint_eq(vpn_wg_recv_begin(p.b.wg, &n.packet, 1, p.now), 1);
        if (i == 1)
            vpn_wg_crypt(foreign, &n.packet, 1);
        for (int times = 0; i == 2 && times < 2; times++)
            vpn_wg_crypt(own, &n.packet, 1);
        ck_assert_uint_eq(vpn_wg_end(p.b.wg, &n.packet, 1, p.now), i == 2);
        if (i < 2)
            side_dropped(&p.b, &n.packet, VPN_REASON_NO_CRYPT);
        else
            ck_assert_uint_eq(n.packet.verdict, VPN_TO_TUN);
    }
    ck_assert(p.a.wg->in_flight == 0 && p.b.wg->in_flight == 0);
    ck_assert(side_current(&p.a)->pins == 0 && side_current(&p.b)->pins == 0);
    vpn_scratch_free(foreign);
    vpn_scratch_free(own);
    pair_free(&p);
}
END_TEST

/* A second end finds nothing to do, and counts what may go as before. */
START_TEST(end_twice)
{
    pair_up(&p, NULL);
    mail_inner(&m, 4, &p.a, &p.b, 60);
    ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_TO_NET);
    vpn_wg_stats before = side_stats(&p.a);
    vpn_packet packet = m.packet;
    ck_assert_uint_eq(vpn_wg_end(p.a.wg, &m.packet, 1, p.now), 1);
    ck_assert_mem_eq(&packet, &m.packet, sizeof packet);
    vpn_wg_stats after = side_stats(&p.a);
    ck_assert_mem_eq(&before, &after, sizeof before);
    m.packet.verdict = VPN_PENDING; /* nor one that looks as if it were still under way */
    packet.verdict = VPN_PENDING;
    ck_assert_uint_eq(vpn_wg_end(p.a.wg, &m.packet, 1, p.now), 0);
    ck_assert_mem_eq(&packet, &m.packet, sizeof packet);
    after = side_stats(&p.a);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_uint_eq(p.a.wg->in_flight, 0);
    ck_assert_uint_eq(side_current(&p.a)->pins, 0);
    pair_free(&p);
}
END_TEST

/* What became of a packet's peer or key between begin and end. */
START_TEST(changes_in_flight)
{
    static const uint32_t reason[] = {VPN_REASON_NO_PEER, VPN_REASON_WIPED, VPN_REASON_WIPED, VPN_REASON_NO_ENDPOINT,
                                      VPN_REASON_WIPED};
    uint8_t key[32];
    memset(key, 40, sizeof key);
    for (int i = 0; i < 5; i++) {
        pair_up(&p, NULL);
        mail_inner(&m, 4, &p.a, &p.b, 60);
        ck_assert_uint_eq(vpn_wg_send_begin(p.a.wg, &m.packet, 1, p.now), 1);
        if (i == 0)
            ck_assert_int_eq(vpn_wg_peer_remove(p.a.wg, p.a.peer), 0);
        else if (i == 1)
            vpn_wg_suspend(p.a.wg);
        else if (i == 2 || i == 4)
            vpn_wg_set_private_key(p.a.wg, key, p.now);
        else
            side_forget_endpoint(&p.a, p.now);
        p.a.peer = i == 0 ? 0 : p.a.peer;
        ck_assert_int_eq(vpn_wg_free(p.a.wg), VPN_EBUSY);
        if (i < 4) /* the last one is given up */
            vpn_wg_crypt(p.a.wg->scratch, &m.packet, 1);
        ck_assert_uint_eq(vpn_wg_end(p.a.wg, &m.packet, 1, p.now), 0);
        side_dropped(&p.a, &m.packet, reason[i]);
        ck_assert_uint_eq(side_stats(&p.a).sessions, i < 2 ? 0 : 1);
        ck_assert_uint_eq(side_stats(&p.a).tx_packets, 0);
        pair_free(&p);
    }
}
END_TEST

/* What comes is delivered under a key that only stopped sending, and is not under one that was wiped. */
START_TEST(changes_in_flight_inwards)
{
    static const uint32_t reason[] = {VPN_REASON_NO_PEER, VPN_REASON_WIPED, VPN_REASON_NONE};
    uint8_t key[32];
    memset(key, 40, sizeof key);
    for (int i = 0; i < 3; i++) {
        pair_up(&p, NULL);
        pair_sealed(&p, &m, &p.a, &p.b, 60);
        ck_assert_uint_eq(vpn_wg_recv_begin(p.b.wg, &m.packet, 1, p.now), 1);
        if (i == 0)
            ck_assert_int_eq(vpn_wg_peer_remove(p.b.wg, p.b.peer), 0);
        else if (i == 1)
            vpn_wg_suspend(p.b.wg);
        else
            vpn_wg_set_private_key(p.b.wg, key, p.now);
        p.b.peer = i == 0 ? 0 : p.b.peer;
        vpn_wg_crypt(p.b.wg->scratch, &m.packet, 1);
        ck_assert_uint_eq(vpn_wg_end(p.b.wg, &m.packet, 1, p.now), i == 2);
        if (i < 2)
            side_dropped(&p.b, &m.packet, reason[i]);
        side_quiet(&p.b);
        pair_free(&p);
    }
}
END_TEST

/* A peer that takes the place of one that was removed gets nothing of its packets. */
START_TEST(slot_used_again)
{
    pair_up(&p, NULL);
    pair_sealed(&p, &m, &p.a, &p.b, 60);
    ck_assert_uint_eq(vpn_wg_recv_begin(p.b.wg, &m.packet, 1, p.now), 1);
    vpn_peer_id old = p.b.peer;
    ck_assert_int_eq(vpn_wg_peer_remove(p.b.wg, old), 0);
    side_meet(&p.b, &p.a, p.now);
    ck_assert(p.b.peer != old && (uint32_t)p.b.peer == (uint32_t)old);
    vpn_wg_crypt(p.b.wg->scratch, &m.packet, 1);
    ck_assert_uint_eq(vpn_wg_end(p.b.wg, &m.packet, 1, p.now), 0);
    side_dropped(&p.b, &m.packet, VPN_REASON_NO_PEER);
    ck_assert_uint_eq(side_stats(&p.b).sessions, 0);
    pair_free(&p);
}
END_TEST

/* Sections 6.1 and 6.2: new keys are wanted once 2^60 messages are sent; the last counter is 2^64 - 2^13 - 2. */
START_TEST(counter_limits)
{
    pair_up(&p, NULL);
    /* The responder's, which has no other cause for new keys. */
    struct vpn_session *session = side_current(&p.b);
    session->counter = VPN__REKEY_AFTER_MESSAGES - 2;
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(side_peer(&p.b)->timers.wanted, VPN_NEVER);
        mail_inner(&m, 4, &p.b, &p.a, 60);
        ck_assert_uint_eq(side_send(&p.b, &m, p.now), VPN_TO_NET);
    }
    ck_assert_uint_eq(side_peer(&p.b)->timers.wanted, p.now);
    ck_assert_uint_eq(vpn__load64le(mail_text(&m) + 8), VPN__REKEY_AFTER_MESSAGES - 1);
    side_peer(&p.b)->timers.wanted = VPN_NEVER;

    session->counter = VPN__REJECT_AFTER_MESSAGES - 1;
    mail_inner(&m, 4, &p.b, &p.a, 60);
    ck_assert_uint_eq(side_send(&p.b, &m, p.now), VPN_TO_NET);
    ck_assert_uint_eq(vpn__load64le(mail_text(&m) + 8), UINT64_C(0xffffffffffffdffe));
    mail_copy(&n, &m, &p.b.at);
    ck_assert_uint_eq(side_recv(&p.a, &n, p.now), VPN_TO_TUN);
    side_peer(&p.b)->timers.wanted = VPN_NEVER;
    mail_inner(&m, 4, &p.b, &p.a, 60);
    ck_assert_uint_eq(side_send(&p.b, &m, p.now), VPN_WAIT);
    ck_assert_uint_eq(session->counter, VPN__REJECT_AFTER_MESSAGES);
    ck_assert_uint_eq(side_peer(&p.b)->timers.wanted, p.now);
    pair_free(&p);
}
END_TEST

/* A batch takes its counters at begin; the limit falls in its midst. */
START_TEST(counter_limit_in_a_batch)
{
    static struct mail mails[8];
    vpn_packet packets[8];
    pair_up(&p, NULL);
    side_current(&p.a)->counter = VPN__REJECT_AFTER_MESSAGES - 5;
    for (int i = 0; i < 8; i++) {
        mail_inner(&mails[i], 4, &p.a, &p.b, 60);
        packets[i] = mails[i].packet;
    }
    ck_assert_uint_eq(vpn_wg_send(p.a.wg, packets, 8, p.now), 5);
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(packets[i].verdict, i < 5 ? VPN_TO_NET : VPN_WAIT);
    pair_free(&p);
}
END_TEST

#define BATCH 300

/* What goes wrong with number i of a mixed batch: a verdict and a reason, both ways. */
static uint32_t spoil_outgoing(vpn_packet *packet, int i, uint8_t *verdict)
{
    uint8_t *text = packet->data + packet->offset;
    *verdict = VPN_DROP;
    switch (i % 7) {
    case 1:
        text[16] = 11;
        return VPN_REASON_NO_ROUTE;
    case 3:
        text[0] = 0;
        return VPN_REASON_INNER;
    case 4:
        packet->offset = packet->capacity + 1;
        return VPN_REASON_ARGUMENT;
    case 6:
        packet->capacity = packet->offset + packet->length + 15;
        return VPN_REASON_SPACE;
    }
    *verdict = VPN_TO_NET;
    return VPN_REASON_NONE;
}

static uint32_t spoil_incoming(vpn_packet *packet, int i)
{
    uint8_t *text = packet->data + packet->offset;
    switch (i % 5) {
    case 1:
        text[20] ^= 1;
        return VPN_REASON_AUTH;
    case 2:
        text[5] ^= 1;
        return VPN_REASON_INDEX;
    case 4:
        text[0] = 9;
        return VPN_REASON_TYPE;
    }
    return VPN_REASON_NONE;
}

static struct mail *batch_mails(void)
{
    struct mail *mails = calloc(BATCH, sizeof *mails);
    ck_assert_ptr_nonnull(mails);
    return mails;
}

/* More packets than crypt takes at once, of all fates: each has its own, in its own place, and counters rise in order. */
START_TEST(mixed_batch)
{
    static vpn_packet packets[BATCH], arrived[BATCH];
    struct mail *mails = batch_mails(), *others = batch_mails();
    uint32_t reason[BATCH];
    uint8_t verdict[BATCH];
    size_t good = 0, came = 0;
    uint64_t counter;
    pair_up(&p, NULL);
    counter = side_current(&p.a)->counter;
    for (int i = 0; i < BATCH; i++) {
        mail_inner(&mails[i], i % 2 ? 6 : 4, &p.a, &p.b, 60 + (uint32_t)i);
        if (i % 7 == 1)
            mail_inner(&mails[i], 4, &p.a, &p.b, 60);
        packets[i] = mails[i].packet;
        packets[i].user = (uint64_t)i;
        reason[i] = spoil_outgoing(&packets[i], i, &verdict[i]);
        good += verdict[i] == VPN_TO_NET;
    }
    ck_assert_uint_eq(vpn_wg_send(p.a.wg, packets, BATCH, p.now), good);
    for (int i = 0; i < BATCH; i++) {
        ck_assert_uint_eq(packets[i].user, (uint64_t)i);
        ck_assert_uint_eq(packets[i].verdict, verdict[i]);
        ck_assert_uint_eq(packets[i].reason, reason[i]);
        if (verdict[i] != VPN_TO_NET)
            continue;
        uint8_t *message = packets[i].data + packets[i].offset;
        ck_assert_uint_eq(vpn__load64le(message + 8), counter++);
        mail_bytes(&others[came], message, packets[i].length, &p.a.at);
        arrived[came] = others[came].packet;
        arrived[came].user = (uint64_t)i;
        reason[came] = spoil_incoming(&arrived[came], (int)came);
        came++;
    }
    good = vpn_wg_recv(p.b.wg, arrived, came, p.now);
    for (size_t i = 0; i < came; i++) {
        ck_assert_uint_eq(arrived[i].reason, reason[i]);
        ck_assert_uint_eq(arrived[i].verdict, reason[i] == VPN_REASON_NONE ? VPN_TO_TUN : VPN_DROP);
        if (reason[i] != VPN_REASON_NONE)
            continue;
        ck_assert_uint_eq(arrived[i].length, 60 + arrived[i].user);
        good--;
    }
    ck_assert_uint_eq(good, 0);
    free(mails);
    free(others);
    pair_free(&p);
}
END_TEST

/* The same datagram twice in one batch, the second time from elsewhere: the window sees it at the end, and nothing moves. */
START_TEST(twice_in_a_batch)
{
    vpn_packet packets[3];
    vpn_endpoint elsewhere = {.family = 4, .port = 9, .addr = {9}};
    pair_up(&p, NULL);
    pair_sealed(&p, &m, &p.a, &p.b, 60);
    mail_copy(&n, &m, &elsewhere);
    packets[0] = m.packet;
    packets[1] = n.packet;
    ck_assert_uint_eq(vpn_wg_recv(p.b.wg, packets, 2, p.now), 1);
    ck_assert_uint_eq(packets[0].verdict, VPN_TO_TUN);
    side_dropped(&p.b, &packets[1], VPN_REASON_REPLAY);
    ck_assert_uint_eq(side_peer(&p.b)->path.remote.port, p.a.at.port);
    pair_free(&p);
}
END_TEST

/* Raw payloads: the caller names the peer, and a name of no peer is a drop. */
START_TEST(raw_names)
{
    vpn_wg_config config = {.flags = VPN_WG_RAW};
    const vpn_peer_id wrong[] = {0, 1, UINT64_MAX, UINT64_C(2) << 32, UINT64_C(1) << 32 | 1};
    pair_up(&p, &config);
    for (size_t i = 0; i < 5; i++) {
        mail_inner(&m, 4, &p.a, &p.b, 60);
        m.packet.peer = wrong[i];
        side_send(&p.a, &m, p.now);
        side_dropped(&p.a, &m.packet, VPN_REASON_NO_PEER);
        ck_assert_uint_eq(m.packet.peer, wrong[i]);
    }
    for (uint32_t tail = 15; tail <= 16; tail++) {
        mail_inner(&m, 4, &p.a, &p.b, 61);
        m.packet.peer = p.a.peer;
        m.packet.capacity = 64 + 61 + tail;
        side_send(&p.a, &m, p.now);
        if (tail == 15)
            side_dropped(&p.a, &m.packet, VPN_REASON_SPACE);
    }
    ck_assert_uint_eq(m.packet.verdict, VPN_TO_NET);
    ck_assert_uint_eq(m.packet.length, 61 + 32);
    pair_free(&p);
}
END_TEST

/* Without padding an empty payload is a keepalive on the wire: nobody answers it, so nobody may wait for an answer. */
START_TEST(raw_empty)
{
    vpn_wg_config config = {.flags = VPN_WG_RAW};
    vpn_wg_stats stats = {.size = sizeof stats};
    pair_up(&p, &config);
    vpn_time before = vpn_wg_deadline(p.a.wg);
    ck_assert_int_eq(vpn_wg_get_stats(p.a.wg, &stats), 0);
    uint64_t keepalives = stats.keepalives_sent, packets = stats.tx_packets;
    mail_fresh(&m);
    m.packet.peer = p.a.peer;
    ck_assert_uint_eq(side_send(&p.a, &m, p.now), VPN_TO_NET);
    ck_assert_uint_eq(m.packet.length, 32);
    ck_assert_uint_eq(vpn_wg_deadline(p.a.wg), before);
    ck_assert_int_eq(vpn_wg_get_stats(p.a.wg, &stats), 0);
    ck_assert(stats.keepalives_sent == keepalives + 1 && stats.tx_packets == packets);
    mail_copy(&n, &m, &p.a.at);
    ck_assert_uint_eq(side_recv(&p.b, &n, p.now), VPN_DONE);
    pair_free(&p);
}
END_TEST

START_TEST(nothing_to_do)
{
    pair_up(&p, NULL);
    mail_fresh(&m);
    ck_assert_uint_eq(vpn_wg_send(p.a.wg, &m.packet, 0, p.now), 0);
    ck_assert_uint_eq(vpn_wg_recv(p.a.wg, &m.packet, 0, p.now), 0);
    ck_assert_uint_eq(vpn_wg_end(p.a.wg, &m.packet, 1, p.now), 0);
    ck_assert_uint_eq(vpn_wg_send(p.a.wg, NULL, 0, p.now) + vpn_wg_recv(p.a.wg, NULL, 0, p.now), 0);
    ck_assert_uint_eq(vpn_wg_send_begin(p.a.wg, NULL, 0, p.now) + vpn_wg_recv_begin(p.a.wg, NULL, 0, p.now), 0);
    vpn_wg_crypt(p.a.wg->scratch, NULL, 0);
    ck_assert_uint_eq(vpn_wg_end(p.a.wg, NULL, 0, p.now) + vpn_wg_tick(p.a.wg, NULL, 0, p.now), 0);
    side_quiet(&p.a);
    pair_free(&p);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("data");
    test_add(s, "contradictory descriptors", contradictory_descriptors);
    test_add(s, "send reasons", send_reasons);
    test_add(s, "low order", low_order);
    test_add(s, "waiting", waiting);
    test_add(s, "room", room);
    test_add(s, "room to the mtu", room_to_mtu);
    test_add(s, "padding at the mtu", padding_at_mtu);
    test_add(s, "receive reasons", receive_reasons);
    test_add(s, "data to a handshake", data_to_a_handshake);
    test_add(s, "inner reasons", inner_reasons);
    test_add(s, "crypt misused", crypt_misused);
    test_add(s, "end twice", end_twice);
    test_add(s, "changes in flight", changes_in_flight);
    test_add(s, "changes in flight inwards", changes_in_flight_inwards);
    test_add(s, "slot used again", slot_used_again);
    test_add(s, "counter limits", counter_limits);
    test_add(s, "counter limit in a batch", counter_limit_in_a_batch);
    test_add(s, "mixed batch", mixed_batch);
    test_add(s, "twice in a batch", twice_in_a_batch);
    test_add(s, "raw names", raw_names);
    test_add(s, "raw empty", raw_empty);
    test_add(s, "nothing to do", nothing_to_do);
    return s;
}

TEST_MAIN(suite)
