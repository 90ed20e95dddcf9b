/* SPDX-License-Identifier: ISC */
/* What data messages carry and what they refuse: whitepaper sections 2, 3, 5.4.6 and 6.2, RFC 6040 and RFC 6479. */
#include "scenario/duel.h"
#include "scenario/inner.h"

#define REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))

/* 5.4.6: zeros to a multiple of 16, never past the MTU, and none of them is delivered. */
START_TEST(padding)
{
    struct net *net = net_pair(1);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint8_t inner[2048];
    net_up(net);
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t family = i % 2 ? 6 : 4;
        uint32_t length = i < 300 ? INNER_LEAST6 + i / 2 : 1421 - (i - 300) / 2;
        net_inner(net, inner, family, family == 4 ? a->inner4 : a->inner6, family == 4 ? b->inner4 : b->inner6, length,
                  0);
        ck_assert_uint_eq(node_send_bytes(a, inner, length).verdict, VPN_TO_NET);
        uint32_t padded = (length + 15) / 16 * 16;
        if (length <= 1420)
            ck_assert_uint_eq(net_log_last(net, 0, 4)->length, 32 + (padded < 1420 ? padded : 1420));
        net_run(net, MILLIS(20));
        ck_assert_uint_eq(b->delivered, i + 2);
        ck_assert_uint_eq(b->last_length, length);
        ck_assert_mem_eq(b->last_inner, inner, length);
    }
    net_free(net);
}
END_TEST

/* The pad is zeros, as 5.4.6 says: the other side sees it. */
START_TEST(padding_is_zero)
{
    struct duel *d = duel_new(2, NULL);
    uint8_t text[256];
    uint64_t counter;
    duel_from_forger(d);
    duel_send(d);
    const struct datagram *sent = net_log_last(d->net, 0, 4);
    ck_assert_int_eq(forge_open(&d->f, sent->bytes, sent->length, text, &counter), 48);
    ck_assert_uint_eq(counter, 0);
    ck_assert(test_is_zero(text + 40, 8));
    duel_free(d);
}
END_TEST

/* A peer may hide the sizes of its packets, and the MTU may change, both under traffic. */
START_TEST(padding_to_mtu)
{
    struct net *net = net_pair(3);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    vpn_wg_peer change = {.padding = VPN_WG_PAD_MTU};
    net_up(net);
    node_set(a, a->peers[1], &change, VPN_WG_SET_PADDING);
    ck_assert_uint_eq(node_send(a, b, 8).reason, VPN_REASON_SPACE);
    for (uint32_t payload = 8; payload < 1392; payload += 61) {
        a->tailroom = 1420 - (payload + 28) + 16;
        ck_assert_uint_eq(node_send(a, b, payload).verdict, VPN_TO_NET);
        ck_assert_uint_eq(net_log_last(net, 0, 4)->length, 1420 + 32);
    }
    ck_assert_int_eq(vpn_wg_set_mtu(a->wg, 1000), 0);
    a->mtu = 1000;
    a->tailroom = 1000 - 128 + 16;
    ck_assert_uint_eq(node_send(a, b, 100).verdict, VPN_TO_NET);
    ck_assert_uint_eq(net_log_last(net, 0, 4)->length, 1000 + 32);
    ck_assert_int_eq(vpn_wg_set_mtu(a->wg, 67), VPN_EINVAL);
    ck_assert_int_eq(vpn_wg_set_mtu(a->wg, 65536), VPN_EINVAL);
    change.padding = VPN_WG_PAD_STANDARD;
    node_set(a, a->peers[1], &change, VPN_WG_SET_PADDING);
    a->tailroom = VPN_WG_TAILROOM;
    node_send(a, b, 965);
    ck_assert_uint_eq(net_log_last(net, 0, 4)->length, 1000 + 32);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(b->delivered, 1 + 23 + 2);
    net_free(net);
}
END_TEST

/* Section 3: the source of an inner packet must belong to the peer by the longest prefix of all the device's. */
START_TEST(source_check)
{
    struct duel *d = duel_new(4, NULL);
    struct forger g;
    uint8_t any[16] = {0}, theirs4[4] = {10, 2, 0, 7}, theirs6[16] = {0xfd, 2, [15] = 7};
    uint8_t other4[4] = {172, 16, 3, 4}, other6[16] = {0x20, 1, [15] = 9}, inner[64];
    forge_new(&g, 99, 9);
    vpn_peer_id id = duel_add(d->a, &g, theirs4);
    node_allow(d->a, id, 6, theirs6, 128);
    node_allow(d->a, d->id, 4, any, 0);
    node_allow(d->a, d->id, 6, any, 0);
    duel_from_forger(d);
    for (int turn = 0; turn < 2; turn++) {
        net_inner(d->net, inner, 4, theirs4, d->a->inner4, 48, 0);
        ck_assert_uint_eq(duel_text(d, &d->f.at, d->f.counter++, inner, 48).reason, VPN_REASON_SOURCE);
        net_inner(d->net, inner, 6, theirs6, d->a->inner6, 64, 0);
        ck_assert_uint_eq(duel_text(d, &d->f.at, d->f.counter++, inner, 64).reason, VPN_REASON_SOURCE);
        net_inner(d->net, inner, 4, other4, d->a->inner4, 48, 0);
        ck_assert_uint_eq(duel_text(d, &d->f.at, d->f.counter++, inner, 48).verdict, VPN_TO_TUN);
        net_inner(d->net, inner, 6, other6, d->a->inner6, 64, 0);
        ck_assert_uint_eq(duel_text(d, &d->f.at, d->f.counter++, inner, 64).verdict, VPN_TO_TUN);
    }
    /* Endpoint and timers move all the same: the message was authentic. */
    net_run(d->net, SECONDS(3));
    vpn_endpoint elsewhere = d->f.at;
    elsewhere.port = 4242;
    net_inner(d->net, inner, 4, theirs4, d->a->inner4, 48, 0);
    ck_assert_uint_eq(duel_text(d, &elsewhere, d->f.counter++, inner, 48).reason, VPN_REASON_SOURCE);
    vpn_wg_peer_stats stats = node_peer_stats(d->a, d->id);
    ck_assert_uint_eq(stats.path.remote.port, 4242);
    ck_assert_uint_eq(stats.last_received, SECONDS(3));
    ck_assert_uint_eq(stats.drops[VPN_REASON_SOURCE], 5);
    ck_assert_uint_eq(stats.rx_packets, 4);
    ck_assert_uint_eq(node_peer_stats(d->a, id).drops[VPN_REASON_SOURCE], 0);
    net_run(d->net, SECONDS(17));
    ck_assert_uint_eq(duel_sent(d, NET_KEEPALIVE, 0), 2);
    /* A prefix that is taken away, or moves to another peer, counts at once. */
    vpn_prefix prefix = {.family = 4};
    memcpy(prefix.addr, any, 4);
    ck_assert_int_eq(vpn_wg_disallow(d->a->wg, d->id, &prefix), 0);
    net_inner(d->net, inner, 4, other4, d->a->inner4, 48, 0);
    ck_assert_uint_eq(duel_text(d, &d->f.at, d->f.counter++, inner, 48).reason, VPN_REASON_SOURCE);
    node_allow(d->a, id, 4, d->inner4, 32);
    ck_assert_uint_eq(duel_data(d).reason, VPN_REASON_SOURCE);
    ck_assert_int_eq(vpn_wg_disallow(d->a->wg, id, NULL), 0);
    ck_assert_uint_eq(duel_data(d).reason, VPN_REASON_SOURCE);
    duel_free(d);
}
END_TEST

/* Section 2: the destination names the peer by the longest prefix. */
START_TEST(routing)
{
    struct duel *d = duel_new(5, NULL);
    struct forger g;
    uint8_t any[16] = {0}, part4[4] = {10, 2, 0, 0}, to[4] = {10, 2, 0, 7}, inner[64];
    forge_new(&g, 99, 9);
    vpn_peer_id id = duel_add(d->a, &g, part4);
    node_allow(d->a, id, 4, part4, 16);
    net_inner(d->net, inner, 4, d->a->inner4, to, 40, 0);
    ck_assert_uint_eq(node_send_bytes(d->a, inner, 40).peer, id);
    to[1] = 3;
    net_inner(d->net, inner, 4, d->a->inner4, to, 40, 0);
    ck_assert_uint_eq(node_send_bytes(d->a, inner, 40).reason, VPN_REASON_NO_ROUTE);
    node_allow(d->a, d->id, 4, any, 0);
    ck_assert_uint_eq(node_send_bytes(d->a, inner, 40).peer, d->id);
    net_inner(d->net, inner, 6, d->a->inner6, d->a->inner6, 60, 0);
    ck_assert_uint_eq(node_send_bytes(d->a, inner, 60).reason, VPN_REASON_NO_ROUTE);
    node_allow(d->a, id, 6, any, 0);
    ck_assert_uint_eq(node_send_bytes(d->a, inner, 60).peer, id);
    ck_assert_uint_eq(vpn_wg_route(d->a->wg, 4, to), d->id);
    ck_assert_uint_eq(vpn_wg_route(d->a->wg, 5, to), 0);
    duel_free(d);
}
END_TEST

/* An authentic text is delivered only if it is an IP packet that is all there; what follows it is cut off. */
START_TEST(inner_lengths)
{
    struct duel *d = duel_new(6, NULL);
    uint8_t inner[256] = {0}, any[16] = {0};
    d->net->foreign = 1;
    node_allow(d->a, d->id, 6, any, 0);
    duel_from_forger(d);
    for (uint32_t payload = 1; payload <= 120; payload++) {
        for (uint32_t total = 0; total <= 130; total += payload % 7 == 0 ? 1 : 13) {
            memset(inner, 0, sizeof inner);
            inner[0] = 0x45;
            inner[3] = (uint8_t)total;
            memcpy(inner + 12, d->inner4, 4);
            vpn_packet packet = duel_text(d, &d->f.at, d->f.counter++, inner, payload);
            int good = payload >= 20 && total >= 20 && total <= payload;
            ck_assert_uint_eq(packet.reason, good ? 0 : VPN_REASON_BAD_INNER);
            ck_assert_uint_eq(packet.verdict, good ? VPN_TO_TUN : VPN_DROP);
            if (good)
                ck_assert_uint_eq(packet.length, total);
            inner[0] = 0x60;
            inner[3] = 0;
            inner[5] = (uint8_t)total;
            packet = duel_text(d, &d->f.at, d->f.counter++, inner, payload);
            good = payload >= 40 && total + 40 <= payload;
            ck_assert_uint_eq(packet.verdict, good ? VPN_TO_TUN : VPN_DROP);
            if (good)
                ck_assert_uint_eq(packet.length, total + 40);
        }
    }
    for (int version = 0; version < 16; version++) {
        memset(inner, 0, sizeof inner);
        inner[0] = (uint8_t)(version << 4 | 5);
        inner[3] = 64;
        memcpy(inner + 12, d->inner4, 4);
        vpn_packet packet = duel_text(d, &d->f.at, d->f.counter++, inner, 200);
        ck_assert_uint_eq(packet.reason, version == 4 || version == 6 ? 0 : VPN_REASON_BAD_INNER);
    }
    duel_free(d);
}
END_TEST

/* Only IP packets are taken for sending. */
START_TEST(inner_to_send)
{
    struct net *net = net_pair(7);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint8_t inner[64];
    net_up(net);
    for (int version = 0; version < 16; version++) {
        net_inner(net, inner, 4, a->inner4, b->inner4, 48, 0);
        inner[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            ck_assert_uint_eq(node_send_bytes(a, inner, 48).reason, VPN_REASON_INNER);
    }
    for (uint32_t length = 0; length < 20; length++)
        ck_assert_uint_eq(node_send_bytes(a, inner, length).reason, VPN_REASON_INNER);
    inner[0] = 0x60;
    for (uint32_t length = 0; length < 40; length++)
        ck_assert_uint_eq(node_send_bytes(a, inner, length).reason, VPN_REASON_INNER);
    net_free(net);
}
END_TEST

/* RFC 6040 figure 4; what Linux delivers where that would drop. [inner][outer], in the order not-ECT, ECT(1), ECT(0), CE. */
static const uint8_t ecn_in[4][4] = {{0, 0, 0, 0}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

START_TEST(ecn_and_dscp)
{
    struct duel *d = duel_new(8, NULL);
    uint8_t inner[64], message[128], any[16] = {0};
    duel_from_forger(d);
    node_allow(d->a, d->id, 6, any, 0);
    for (unsigned tos = 0; tos < 256; tos++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            const uint8_t there6[16] = {0xfd, 7}, *there = family == 4 ? d->inner4 : there6;
            const uint8_t *here = family == 4 ? d->a->inner4 : d->a->inner6;
            net_inner(d->net, inner, family, here, there, 64, (uint8_t)tos);
            ck_assert_uint_eq(node_send_bytes(d->a, inner, 64).verdict, VPN_TO_NET);
            /* Outwards: DSCP 0, the ECN field copied (RFC 6040 section 4.1, normal mode). */
            ck_assert_uint_eq(net_log_last(d->net, 0, 4)->tos, tos & 3);
            net_inner(d->net, inner, family, there, here, 64, (uint8_t)tos);
            uint8_t outer = (uint8_t)(tos * 37 + family);
            uint32_t length = forge_data(&d->f, message, d->f.counter++, inner, 64);
            vpn_packet packet = node_feed_tos(d->a, &d->f.at, message, length, outer);
            ck_assert_uint_eq(packet.verdict, VPN_TO_TUN);
            ck_assert_uint_eq(inner_tos(d->a->last_inner), (tos & 0xfc) | ecn_in[tos & 3][outer & 3]);
        }
    }
    duel_free(d);
}
END_TEST

START_TEST(ecn_table)
{
    struct duel *d = duel_new(9, NULL);
    uint8_t inner[64], message[128];
    duel_from_forger(d);
    for (uint8_t in = 0; in < 4; in++) {
        for (uint8_t out = 0; out < 4; out++) {
            net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 64, (uint8_t)(0xb8 | in));
            uint32_t length = forge_data(&d->f, message, d->f.counter++, inner, 64);
            node_feed_tos(d->a, &d->f.at, message, length, (uint8_t)(0x44 | out));
            ck_assert_uint_eq(d->a->last_inner[1], 0xb8 | ecn_in[in][out]);
        }
    }
    duel_free(d);
}
END_TEST

/* Raw payloads: any bytes of any length pass unchanged and unpadded, to the peer that the caller names. */
START_TEST(raw)
{
    struct net *net = net_new(10);
    vpn_wg_config config = {.flags = VPN_WG_RAW};
    struct node *a = net_node(net, &config), *b = net_node(net, &config);
    uint8_t text[300];
    net_connect(a, b);
    ck_assert_uint_eq(node_send_bytes(a, (const uint8_t *)"x", 1).verdict, VPN_WAIT);
    net_run(net, MILLIS(100));
    ck_assert_uint_eq(b->delivered, 1);
    for (uint32_t length = 1; length < 300; length++) {
        test_fill(&net->seed, text, length);
        ck_assert_uint_eq(node_send_bytes(a, text, length).verdict, VPN_TO_NET);
        ck_assert_uint_eq(net_log_last(net, 0, 4)->length, length + 32);
        ck_assert_uint_eq(net_log_last(net, 0, 4)->tos, 0);
        net_run(net, MILLIS(20));
        ck_assert_uint_eq(b->delivered, length + 1);
        ck_assert_uint_eq(b->last_length, length);
        ck_assert_uint_eq(b->last_peer, b->peers[0]);
        ck_assert_mem_eq(b->last_inner, text, length);
    }
    a->peers[1] += UINT64_C(1) << 32;
    ck_assert_uint_eq(node_send_bytes(a, text, 10).reason, VPN_REASON_NO_PEER);
    a->peers[1] = 0;
    ck_assert_uint_eq(node_send_bytes(a, text, 10).reason, VPN_REASON_NO_PEER);
    net_free(net);
}
END_TEST

/* 5.4.6, 6.5: a replay moves nothing, whatever it carries and wherever it comes from. */
START_TEST(replay)
{
    struct duel *d = duel_new(11, NULL);
    uint8_t inner[48] = {0};
    vpn_endpoint elsewhere = d->f.at;
    elsewhere.addr[3] = 77;
    duel_from_forger(d);
    duel_data(d);
    net_run(d->net, SECONDS(1));
    struct snapshot before = node_snapshot(d->a, d->id);
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 40, 0);
    duel_text(d, &elsewhere, 0, NULL, 0); /* the keepalive that confirmed */
    duel_text(d, &elsewhere, 1, inner, 48);
    duel_text(d, &d->f.at, 1, inner, 48);
    node_unmoved(d->a, d->id, &before, VPN_REASON_REPLAY, 3);
    duel_free(d);
}
END_TEST

/* RFC 6479: the window is the bitmap less 64; counters use all 64 bits; REJECT-AFTER-MESSAGES also holds on receive. */
START_TEST(replay_window)
{
    static const uint32_t sizes[] = {128, 1024, 8192};
    vpn_wg_config config = {.replay_bits = sizes[_i]};
    struct duel *d = duel_new(12, &config);
    uint64_t window = sizes[_i] - 64, top = UINT64_C(1) << 32;
    duel_from_forger(d);
    ck_assert_uint_eq(duel_data_at(d, 1).verdict, VPN_TO_TUN);
    for (int turn = 0; turn < 3; turn++) {
        ck_assert_uint_eq(duel_data_at(d, top).verdict, VPN_TO_TUN);
        ck_assert_uint_eq(duel_data_at(d, top).reason, VPN_REASON_REPLAY);
        ck_assert_uint_eq(duel_data_at(d, top - window - 1).reason, VPN_REASON_REPLAY);
        ck_assert_uint_eq(duel_data_at(d, top - window).verdict, VPN_TO_TUN);
        ck_assert_uint_eq(duel_data_at(d, top - window).reason, VPN_REASON_REPLAY);
        ck_assert_uint_eq(duel_data_at(d, top - 1).verdict, VPN_TO_TUN);
        ck_assert_uint_eq(duel_data_at(d, top + 1).verdict, VPN_TO_TUN);
        ck_assert_uint_eq(duel_data_at(d, top - window).reason, VPN_REASON_REPLAY);
        ck_assert_uint_eq(duel_data_at(d, 2).reason, VPN_REASON_REPLAY);
        top = turn == 0 ? UINT64_C(1) << 63 : REJECT_AFTER_MESSAGES - 2;
    }
    struct snapshot before = node_snapshot(d->a, d->id);
    duel_data_at(d, REJECT_AFTER_MESSAGES);
    duel_data_at(d, REJECT_AFTER_MESSAGES + 1);
    duel_data_at(d, UINT64_MAX);
    node_unmoved(d->a, d->id, &before, VPN_REASON_COUNTER, 3);
    duel_free(d);
}
END_TEST

/* A message that is changed in any byte moves nothing, and its text is never seen. */
START_TEST(tamper)
{
    struct duel *d = duel_new(13, NULL);
    uint8_t inner[64], message[96];
    duel_from_forger(d);
    net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 64, 0);
    uint32_t length = forge_data(&d->f, message, 50, inner, 64);
    vpn_endpoint elsewhere = d->f.at;
    elsewhere.port = 7;
    struct snapshot first = node_snapshot(d->a, d->id);
    for (uint32_t i = 0; i < length * 8; i++) {
        struct snapshot before = node_snapshot(d->a, d->id);
        message[i / 8] ^= (uint8_t)(1u << i % 8);
        vpn_packet packet = node_feed(d->a, &elsewhere, message, length);
        message[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        if (i >= 64)
            ck_assert_uint_eq(packet.reason, i / 8 == 15 && i % 8 == 7 ? packet.reason : VPN_REASON_AUTH);
        node_unmoved(d->a, d->id, &before, packet.reason, 1);
        for (uint32_t k = 0; k + 16 <= packet.capacity; k++)
            ck_assert_mem_ne(packet.data + k, inner + 40, 16);
    }
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).path.remote.port, first.peer.path.remote.port);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, length).verdict, VPN_TO_TUN);
    duel_free(d);
}
END_TEST

/* Every length of every type, at every state: a verdict, no reply, nothing moved; also what is far too long. */
START_TEST(garbage)
{
    struct duel *d = duel_new(14, NULL);
    static uint8_t bytes[65536];
    if (_i)
        duel_from_forger(d);
    for (uint32_t length = 0; length <= 65535; length += length < 200 ? 1 : 9337) {
        for (uint8_t type = 0; type < 7; type++) {
            struct snapshot before = node_snapshot(d->a, d->id);
            test_fill(&d->net->seed, bytes, length < 256 ? length : 256);
            memset(bytes, 0, 4);
            bytes[0] = type;
            if (type == 6)
                bytes[0] = 4, bytes[2] = 1;
            if (_i && length >= 8)
                memcpy(bytes + 4,
                       (const uint8_t[4]){(uint8_t)d->f.remote_index, (uint8_t)(d->f.remote_index >> 8),
                                          (uint8_t)(d->f.remote_index >> 16), (uint8_t)(d->f.remote_index >> 24)},
                       4);
            vpn_packet packet = node_feed(d->a, &d->f.at, bytes, length);
            ck_assert_uint_eq(packet.verdict, VPN_DROP);
            uint32_t want[5] = {0, 148, 92, 64, 32};
            if (type == 0 || type > 4)
                ck_assert(packet.reason == VPN_REASON_TYPE || (length < 4 && packet.reason == VPN_REASON_LENGTH));
            else if (type < 4 && length != want[type] && length >= 4)
                ck_assert_uint_eq(packet.reason, VPN_REASON_LENGTH);
            else if (type == 4 && length < 32 && length >= 4)
                ck_assert_uint_eq(packet.reason, VPN_REASON_LENGTH);
            node_unmoved(d->a, d->id, &before, packet.reason, 1);
        }
    }
    duel_free(d);
}
END_TEST

/* 6.2: hundreds of packets of many sizes cross in both directions while the link mixes them up; none twice, none changed. */
START_TEST(mixed_traffic)
{
    struct net *net = net_pair((uint64_t)_i + 40);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    if (_i % 2) {
        node_set_ipv6(a);
        node_set_ipv6(b);
        vpn_wg_peer change = {.endpoint = b->at};
        node_set(a, a->peers[1], &change, VPN_WG_SET_ENDPOINT);
        change.endpoint = a->at;
        node_set(b, b->peers[0], &change, VPN_WG_SET_ENDPOINT);
    }
    net_up(net);
    net->jitter = MILLIS(400);
    net->duplicate = 300;
    for (int i = 0; i < 400; i++) {
        node_send(a, b, 8 + (uint32_t)test_below(&net->seed, 1300));
        node_send6(b, a, 8 + (uint32_t)test_below(&net->seed, 1300));
        net_run(net, MILLIS(100));
    }
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(a->delivered, 400);
    ck_assert_uint_eq(b->delivered, 401);
    ck_assert_uint_gt(a->drops[VPN_REASON_REPLAY], 50);
    net_free(net);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/data");
    test_add(s, "padding", padding);
    test_add(s, "padding is zero", padding_is_zero);
    test_add(s, "padding to the mtu", padding_to_mtu);
    test_add(s, "source check", source_check);
    test_add(s, "routing", routing);
    test_add(s, "inner lengths", inner_lengths);
    test_add(s, "inner to send", inner_to_send);
    test_add(s, "ecn and dscp", ecn_and_dscp);
    test_add(s, "ecn table", ecn_table);
    test_add(s, "raw", raw);
    test_add(s, "replay", replay);
    test_add(s, "tamper", tamper);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, replay_window, 0, 3);
    tcase_add_loop_test(loops, garbage, 0, 2);
    tcase_add_loop_test(loops, mixed_traffic, 0, 4);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)
