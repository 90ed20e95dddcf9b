/* SPDX-License-Identifier: ISC */
/* What is joined and what is not, rule by rule. */
#include <vpn/offload.h>

#include "common/batch.h"
#include "common/flows.h"
#include "common/test.h"

/* With each kind: several in a row are one. */
START_TEST(joins)
{
    for (int kind = 0; kind < 4; kind++)
        for (int fragment = 0; fragment < 3; fragment++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP);
            flow.id = 0xfffe;
            flow.sequence = 0xffffffff - SIZE;
            flow.fragment = fragment ? FLOW_DF : 0;
            for (int i = 0; i < 5; i++) {
                add(&flow, 0);
                flow = after(&flow);
                flow.id = (uint16_t)(fragment == 2 ? flow.id * 7 : flow.id);
            }
            expect(ALL, "aaaaa");
        }
}
END_TEST

/* Two packets that would be joined, were it not for a change to one of them. */
#define APART(change_flow, change_bytes)                                                                               \
    do {                                                                                                               \
        for (size_t side = 0; side < 2; side++) {                                                                      \
            struct flow both[2];                                                                                       \
            both[0] = example(version, protocol);                                                                      \
            both[1] = after(&both[0]);                                                                                 \
            add(&both[0], 0);                                                                                          \
            add(&both[1], 0);                                                                                          \
            expect(ALL, "aa");                                                                                         \
            struct flow *f = &both[side];                                                                              \
            (void)f;                                                                                                   \
            change_flow;                                                                                               \
            add(&both[0], 0);                                                                                          \
            add(&both[1], 0);                                                                                          \
            uint8_t *p = packet_of(side), *t = p + flow_ip_bytes(f);                                                   \
            (void)t;                                                                                                   \
            change_bytes;                                                                                              \
            expect(ALL, "ab");                                                                                         \
        }                                                                                                              \
    } while (0)

#define NOTHING (void)0

/* The checksum of TCP or UDP anew, after a change by hand. */
static void mend(uint8_t *p, const struct flow *flow)
{
    uint32_t ip = flow_ip_bytes(flow), at = flow_checksum_at(flow), bytes = flow_header_bytes(flow) + flow->length - ip;
    flow_put(p + at, 0, 2);
    flow_put(p + at, 0xffff - flow_sum(flow_pseudo(flow, bytes), p + ip, bytes), 2);
}

START_TEST(tcp_rules)
{
    for (uint8_t version = 4; version <= 6; version += 2) {
        uint8_t protocol = FLOW_TCP;
        APART(f->sequence++, NOTHING);
        APART(f->sequence--, NOTHING);
        APART(f->sequence += 0x80000000u, NOTHING);
        APART(f->acknowledgement++, NOTHING);
        APART(f->acknowledgement ^= 0x01000000, NOTHING);
        APART(f->window++, NOTHING);
        APART(f->window ^= 0x8000, NOTHING);
        APART(f->stamp++, NOTHING);
        APART(f->tcp_extra = 16, NOTHING);
        APART(f->tcp_extra = 8, NOTHING);
        APART(f->flags |= FLOW_SYN, NOTHING);
        APART(f->flags |= FLOW_RST, NOTHING);
        APART(f->flags |= FLOW_URG, NOTHING);
        APART(f->flags |= FLOW_CWR, NOTHING);
        APART(f->flags |= FLOW_ECE, NOTHING);
        APART(f->flags = 0, NOTHING);
        APART(f->urgent = 1, NOTHING);
        APART(NOTHING, (t[12] |= 1, mend(p, f)));
        APART(NOTHING, (t[12] |= 8, mend(p, f)));
        APART(NOTHING, t[12] = 0x40);
        APART(NOTHING, t[12] = 0);
        APART(both[0].flags |= FLOW_FIN, NOTHING);
        APART(both[0].flags |= FLOW_PSH, NOTHING);
        APART((f->length = 0, both[1].sequence = both[0].sequence + both[0].length), NOTHING);
        /* The other way round, and the same twice. */
        struct flow first = example(version, protocol), second = after(&first);
        add(&second, 0);
        add(&first, 0);
        expect(ALL, "ab");
        add(&first, 0);
        add(&first, 0);
        expect(ALL, "ab");
        first.flags |= FLOW_ECE;
        second.flags |= FLOW_ECE;
        add(&first, 0);
        add(&second, 0);
        expect(ALL, "aa");
    }
}
END_TEST

START_TEST(udp_rules)
{
    for (uint8_t version = 4; version <= 6; version += 2) {
        uint8_t protocol = FLOW_UDP;
        APART(f->no_checksum = 1, NOTHING);
        APART(both[1].length++, NOTHING);
        APART(both[0].length--, NOTHING);
        APART(f->length = 0, NOTHING);
        APART(NOTHING, (t[5]--, mend(p, f)));
        APART(NOTHING, (t[5]++, mend(p, f)));
        APART(NOTHING, (t[4]++, mend(p, f)));
        /* No sequence: whatever comes first is first. */
        struct flow first = example(version, protocol), second = after(&first);
        second.payload += SIZE;
        second.id = (uint16_t)(first.id - 1);
        add(&second, 0);
        add(&first, 0);
        expect(ALL, "aa");
    }
}
END_TEST

/* What holds for both, by a damaged byte or by a header. */
START_TEST(common_rules)
{
    for (int kind = 0; kind < 4; kind++) {
        uint8_t version = kind / 2 ? 6 : 4, protocol = kind % 2 ? FLOW_UDP : FLOW_TCP;
        APART(f->tos ^= 0x80, NOTHING);
        APART(f->tos ^= 0x01, NOTHING);
        APART(f->ttl++, NOTHING);
        APART(f->from++, NOTHING);
        APART(f->to++, NOTHING);
        APART(f->src[3]++, NOTHING);
        APART(f->dst[0]++, NOTHING);
        APART(f->ip_extra = 8, NOTHING);
        APART((both[0].ip_extra = both[1].ip_extra = 8), NOTHING);
        APART(NOTHING, p[flow_checksum_at(f)] ^= 1);
        APART(NOTHING, p[flow_checksum_at(f) + 1] ^= 0x80);
        APART(NOTHING, t[40] ^= 4);
        APART(NOTHING, p[flow_header_bytes(f) + SIZE - 1] ^= 0x10);
        APART(NOTHING, p[0] ^= 0x30);
        APART(NOTHING, lengths[side] = --packets[side].length);
        APART(NOTHING, lengths[side] = packets[side].length = 0);
        if (version == 6) {
            APART(f->label++, NOTHING);
            APART(f->label ^= 0x80000, NOTHING);
            APART(f->src[15]++, NOTHING);
            APART(f->dst[15]++, NOTHING);
            continue;
        }
        APART(f->id++, NOTHING);
        APART(f->id += 0x100, NOTHING);
        APART(f->fragment = FLOW_DF, NOTHING);
        APART(f->fragment = 0x8000, NOTHING);
        APART(f->fragment = 0x2000, NOTHING);
        APART(f->fragment = 1, NOTHING);
        APART((both[0].fragment = both[1].fragment = 0x2000), NOTHING);
        APART((both[0].fragment = both[1].fragment = 0x1000), NOTHING);
        APART(NOTHING, p[10] ^= 1);
        APART(NOTHING, p[11] ^= 0x40);
    }
}
END_TEST

/* What both have, and so could be the same of the whole, but is not. */
START_TEST(both_sides)
{
    for (uint32_t bits = 0; bits < 16; bits++) { /* those next to the length of the TCP header */
        struct flow flow = example(bits % 2 ? 4 : 6, FLOW_TCP);
        for (size_t i = 0; i < 2; i++) {
            add(&flow, 0);
            packet_of(i)[flow_ip_bytes(&flow) + 12] |= (uint8_t)bits;
            mend(packet_of(i), &flow);
            flow = after(&flow);
        }
        expect(ALL, bits == 0 ? "aa" : "ab");
    }
    for (int zero = 0; zero < 2; zero++) { /* a datagram without a checksum whose sum looks as if it had one */
        struct flow flow = example(4, FLOW_UDP);
        flow_put(payload, 0, 2);
        add(&flow, 0);
        flow_put(payload, flow_get(packet_of(0) + flow_checksum_at(&flow), 2), 2);
        clear();
        for (size_t i = 0; i < 2; i++) {
            flow.no_checksum = (uint8_t)zero;
            add(&flow, 0);
            ck_assert_uint_eq(flow_get(packet_of(i) + flow_checksum_at(&flow), 2), zero ? 0 : 0xffff);
            flow = after(&flow);
        }
        expect(ALL, zero ? "ab" : "aa");
    }
    struct flow flow = example(4, FLOW_TCP); /* IPv4 options that add nothing to the checksum */
    flow.ip_extra = 8;
    for (size_t i = 0; i < 2; i++) {
        add(&flow, 0);
        memset(packet_of(i) + 20, 0, 8);
        flow_put(packet_of(i) + 10, 0, 2);
        flow_put(packet_of(i) + 10, 0xffff - flow_sum(0, packet_of(i), 20), 2);
        flow = after(&flow);
    }
    expect(ALL, "ab");
}
END_TEST

/* TCP and UDP between the same addresses and ports, so many that their places in the table meet. */
START_TEST(crowded)
{
    uint64_t seed = 5;
    for (int round = 0; round < 60; round++) {
        struct flow flows[64];
        for (uint32_t i = 0; i < 64; i++) {
            flows[i] = i % 2 ? flows[i - 1] : example(round % 2 ? 4 : 6, FLOW_TCP);
            flows[i].protocol = i % 2 ? FLOW_UDP : FLOW_TCP;
            if (i % 2 == 0)
                flows[i].from = (uint16_t)test_random(&seed);
        }
        for (uint32_t i = 0; i < 128; i++) {
            struct flow *flow = &flows[i % 64];
            add(flow, 0);
            *flow = after(flow);
        }
        size_t count = coalesce(ALL);
        ck_assert_uint_eq(count, 64);
        for (size_t k = 0; k < count; k++) {
            ck_assert_uint_eq(next[supers[k].first], supers[k].first + 64);
            check_super(&supers[k]);
        }
        clear();
    }
}
END_TEST

/* What closes a super-packet, and what begins the next. */
START_TEST(closing)
{
    for (int kind = 0; kind < 4; kind++)
        for (int how = 0; how < 4; how++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP), one;
            if (how != 0 && kind % 2)
                continue;
            for (int i = 0; i < 6; i++) {
                one = flow;
                one.length -= how == 0 && i == 2;
                one.flags |= (uint8_t)(i != 2     ? 0
                                       : how == 1 ? FLOW_PSH
                                       : how == 2 ? FLOW_FIN
                                       : how == 3 ? FLOW_CWR
                                                  : 0);
                add(&one, 0);
                flow = after(&one);
                flow.length = SIZE;
                flow.flags = FLOW_ACK;
            }
            expect(ALL, how == 3 ? "aabccc" : "aaabbb");
        }
}
END_TEST

/* A packet with bytes behind it, or with a header that runs past it, is handed on as it is; what came before it stays before it. */
START_TEST(padded)
{
    for (int kind = 0; kind < 4; kind++)
        for (int behind = 1; behind < 30; behind += 7) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP), then = after(&flow);
            add(&flow, 0);
            add(&then, (uint32_t)behind);
            then = kind % 2 ? after(&then) : then;
            add(&then, 0);
            then = after(&then);
            add(&then, 0);
            expect(ALL, "abcc");
        }
}
END_TEST

START_TEST(longest)
{
    for (int kind = 0; kind < 4; kind++) {
        struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP);
        uint32_t header = flow_header_bytes(&flow);
        for (uint32_t last = 65535 - header - 2 * 30000; last <= 65536 - header - 2 * 30000; last++) {
            flow.length = 30000;
            for (int i = 0; i < 3; i++) {
                if (i == 2)
                    flow.length = last;
                add(&flow, 0);
                flow = after(&flow);
            }
            expect(ALL, last + header + 60000 > 65535 ? "aab" : "aaa");
        }
    }
}
END_TEST

/* Each set of kinds joins these and no others. */
START_TEST(kinds)
{
    static const uint32_t bits[] = {VPN_COALESCE_TCP4, VPN_COALESCE_UDP, VPN_COALESCE_TCP6, VPN_COALESCE_UDP};
    for (uint32_t wanted = 0; wanted < 8; wanted++)
        for (int kind = 0; kind < 4; kind++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP);
            add(&flow, 0);
            flow = after(&flow);
            add(&flow, 0);
            expect(wanted, wanted & bits[kind] ? "aa" : "ab");
        }
    struct flow flow = example(4, 1); /* another protocol */
    flow.length = 100;
    add(&flow, 0);
    add(&flow, 0);
    expect(ALL, "ab");
}
END_TEST

START_TEST(verdicts)
{
    for (uint8_t verdict = 0; verdict < VPN_VERDICTS; verdict++) {
        struct flow flow = example(4, FLOW_TCP);
        if (verdict == VPN_TO_TUN)
            continue;
        add(&flow, 0);
        add(&flow, 0);
        packets[1].verdict = verdict;
        flow = after(&flow);
        add(&flow, 0);
        size_t count = coalesce(ALL);
        ck_assert_uint_eq(count, 1);
        ck_assert_uint_eq(packets[1].offset, HEADROOM);
        ck_assert_uint_eq(packets[1].length, lengths[1]);
        ck_assert_mem_eq(packet_of(1), came[1], lengths[1]);
        ck_assert_uint_eq(next[0], 2);
        ck_assert_uint_eq(next[1], VPN_COALESCE_END);
        ck_assert_uint_eq(next[2], VPN_COALESCE_END);
        clear();
    }
}
END_TEST

START_TEST(more_than_fit)
{
    struct flow flow = example(6, FLOW_UDP);
    for (uint32_t i = 0; i < MOST; i++)
        add(&flow, 0);
    ck_assert_uint_eq(coalesce(ALL), 1);
    ck_assert_uint_eq(supers[0].count, VPN_COALESCE_MAX);
    check_super(&supers[0]);
    for (uint32_t i = VPN_COALESCE_MAX; i < MOST; i++) {
        ck_assert_uint_eq(next[i], VPN_COALESCE_END);
        ck_assert_uint_eq(packets[i].offset, HEADROOM);
        ck_assert_mem_eq(packet_of(i), came[i], lengths[i]);
    }
    ck_assert_uint_eq(vpn_coalesce(packets, 0, ALL, next, supers), 0);
    clear();
    /* As many flows as packets. */
    for (uint32_t i = 0; i < VPN_COALESCE_MAX; i++) {
        flow.from = (uint16_t)(i / 2 * 256);
        add(&flow, 0);
    }
    ck_assert_uint_eq(coalesce(ALL), VPN_COALESCE_MAX / 2);
    clear();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("coalesce");
    test_add(s, "joins", joins);
    test_add(s, "tcp_rules", tcp_rules);
    test_add(s, "udp_rules", udp_rules);
    test_add(s, "common_rules", common_rules);
    test_add(s, "both_sides", both_sides);
    test_add(s, "crowded", crowded);
    test_add(s, "closing", closing);
    test_add(s, "padded", padded);
    test_add(s, "longest", longest);
    test_add(s, "kinds", kinds);
    test_add(s, "verdicts", verdicts);
    test_add(s, "more_than_fit", more_than_fit);
    return s;
}

TEST_MAIN(suite)
