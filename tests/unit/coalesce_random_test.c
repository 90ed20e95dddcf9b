/* SPDX-License-Identifier: ISC */
/* What is joined, at random against a model that knows the descriptions of the packets, and there and back. */
#include <vpn/offload.h>

#include "common/batch.h"
#include "common/flows.h"
#include "common/test.h"

#define FLOWS 12u

/* What the model knows of a packet: its description, and whether it is damaged. */
static struct flow said[MOST];
static uint32_t flow_of[MOST];
static int damaged[MOST];

static struct flow random_flow(uint64_t *seed, uint32_t number)
{
    struct flow flow = example(number % 2 ? 4 : 6, number % 4 < 2 ? FLOW_TCP : FLOW_UDP);
    flow.from = (uint16_t)(number * 64);
    flow.fragment = test_below(seed, 2) ? FLOW_DF : 0;
    flow.length = 1 + (uint32_t)test_below(seed, 30);
    flow.sequence = (uint32_t)test_random(seed);
    flow.id = (uint16_t)test_random(seed);
    return flow;
}

/* A packet of the flow, seldom a strange one, and what follows it. */
static void add_random(uint64_t *seed, struct flow *flow, uint32_t number)
{
    struct flow one = *flow;
    uint32_t trailing = 0;
    one.payload = payload + test_below(seed, 60000);
    switch (test_below(seed, 40)) {
    case 0:
        one.flags ^= (uint8_t)(1u << test_below(seed, 8));
        break;
    case 1:
        one.length = 1 + (uint32_t)test_below(seed, 40);
        break;
    case 2:
        one.ttl++;
        break;
    case 3:
        one.sequence += (uint32_t)test_below(seed, 3) - 1;
        break;
    case 4:
        one.id += (uint16_t)test_below(seed, 3);
        break;
    case 5:
        one.ip_extra = 8;
        break;
    case 6:
        one.window++;
        break;
    case 7:
        trailing = 1 + (uint32_t)test_below(seed, 16);
        break;
    case 8:
        one.length = 0;
        break;
    default:
        break;
    }
    said[used] = one;
    flow_of[used] = number;
    damaged[used] = trailing != 0;
    add(&one, trailing);
    if (test_below(seed, 40) == 0) {
        damaged[used - 1] = 1;
        packets[used - 1].data[HEADROOM + flow_checksum_at(&one)] ^= 0x11;
    }
    flow->sequence = one.sequence + one.length;
    flow->id = (uint16_t)(one.id + 1);
}

static int may_join(size_t i)
{
    const struct flow *f = &said[i];
    if (damaged[i] || f->ip_extra != 0 || f->length == 0)
        return 0;
    return f->protocol == FLOW_UDP || (f->flags & ~(FLOW_FIN | FLOW_PSH | FLOW_ECE)) == FLOW_ACK;
}

/* `head` began a super-packet of `count` packets up to `last`: is `i` of the same flow the next one? */
static int model_joins(size_t head, size_t last, size_t count, size_t i)
{
    const struct flow *a = &said[head], *z = &said[last], *b = &said[i];
    if (!may_join(head) || !may_join(i) || z->length < a->length || b->length > a->length || a->ttl != b->ttl)
        return 0;
    if (a->version == 4 && a->fragment == 0 && b->id != (uint16_t)(a->id + count))
        return 0;
    return a->protocol == FLOW_UDP ||
           ((z->flags & (FLOW_FIN | FLOW_PSH)) == 0 && ((a->flags ^ b->flags) & FLOW_ECE) == 0 &&
            a->window == b->window && b->sequence == z->sequence + z->length);
}

/* The letters that `expect` compares. */
static void model(char *want)
{
    size_t heads[FLOWS], lasts[FLOWS], counts[FLOWS] = {0};
    char names[FLOWS], name = 'a';
    for (size_t i = 0; i < used; i++) {
        uint32_t f = flow_of[i];
        if (counts[f] == 0 || !model_joins(heads[f], lasts[f], counts[f], i)) {
            heads[f] = i;
            counts[f] = 0;
            names[f] = name++;
        }
        lasts[f] = i;
        counts[f]++;
        want[i] = names[f];
    }
    want[used] = 0;
}

/* Many flows in any order: what is joined is what the model joins, and no packet of a flow overtakes another. */
START_TEST(random_flows)
{
    uint64_t seed = 11;
    uint32_t joined = 0;
    for (int round = 0; round < 300; round++) {
        struct flow flows[FLOWS];
        char want[MOST + 1];
        size_t n = 1 + test_below(&seed, VPN_COALESCE_MAX), many = 1 + test_below(&seed, FLOWS), last[FLOWS] = {0};
        for (uint32_t f = 0; f < many; f++)
            flows[f] = random_flow(&seed, f);
        for (size_t i = 0; i < n; i++) {
            uint32_t f = (uint32_t)test_below(&seed, many);
            add_random(&seed, &flows[f], f);
        }
        size_t count = coalesce(ALL), seen = 0;
        for (size_t k = 0; k < count; k++)
            for (uint16_t i = supers[k].first; i != VPN_COALESCE_END; i = next[i]) {
                ck_assert_uint_le(last[flow_of[i]], i);
                last[flow_of[i]] = i;
                joined += supers[k].count > 1;
                seen++;
            }
        ck_assert_uint_eq(seen, n);
        for (size_t i = 0; i < n; i++) { /* once more from the beginning */
            packets[i].offset = HEADROOM;
            packets[i].length = lengths[i];
            memcpy(packet_of(i), came[i], lengths[i]);
        }
        model(want);
        expect(ALL, want);
    }
    ck_assert_uint_gt(joined, 4000);
}
END_TEST

/* A super-packet, cut and joined, is what it was, byte for byte. */
START_TEST(there_and_back)
{
    static uint8_t whole[65536], again[65536];
    uint64_t seed = 12;
    for (int round = 0; round < 200; round++) {
        struct flow flow = random_flow(&seed, (uint32_t)round % 8), segment;
        vpn_offload how;
        uint32_t size = 1 + (uint32_t)test_below(&seed, 500), index = 0;
        flow.length = size + 1 + (uint32_t)test_below(&seed, 127 * size);
        flow.flags |= (uint8_t)(test_random(&seed) & (FLOW_FIN | FLOW_PSH | FLOW_ECE));
        flow.tcp_extra = (uint8_t)(test_below(&seed, 11) * 4);
        uint32_t length = flow_super(whole, &how, &flow, size);
        vpn_segments plan;
        ck_assert_int_eq(vpn_segment_plan(&plan, &how, whole, length), VPN_OK);
        for (; flow_segment(&segment, &flow, size, index); index++) {
            add(&segment, 0);
            ck_assert_uint_eq(vpn_segment_write(&plan, whole, index, packet_of(index)), lengths[index]);
        }
        ck_assert_uint_eq(coalesce(ALL), 1);
        ck_assert_uint_eq(gather(again, &supers[0]), length);
        ck_assert_mem_eq(again, whole, length);
        ck_assert_mem_eq(&supers[0].offload, &how, sizeof how);
        clear();
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("coalesce_random");
    test_add(s, "random_flows", random_flows);
    test_add(s, "there_and_back", there_and_back);
    return s;
}

TEST_MAIN(suite)
