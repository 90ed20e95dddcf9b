/* SPDX-License-Identifier: ISC */
/* A batch of packets that vpn_coalesce joins, for the tests of it: made from descriptions, and checked by cutting again. */
#ifndef VPN_TESTS_COMMON_BATCH_H
#define VPN_TESTS_COMMON_BATCH_H

#include <vpn/offload.h>

#include "common/flows.h"
#include "common/test.h"

#define ALL      (VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6 | VPN_COALESCE_UDP)
#define MOST     160u
#define HEADROOM 37u
#define SIZE     100u

static uint8_t payload[65536];

/* A batch, and the packets as they came. */
static vpn_packet packets[MOST];
static uint8_t *came[MOST];
static uint32_t lengths[MOST];
static uint16_t next[MOST];
static vpn_super supers[MOST];
static size_t used;

static inline void clear(void)
{
    for (size_t i = 0; i < used; i++) {
        free(packets[i].data);
        free(came[i]);
    }
    used = 0;
}

/* Adds a packet, in memory that ends with `trailing` bytes behind it. */
static inline void add(const struct flow *flow, uint32_t trailing)
{
    static uint8_t made[65536 + 100];
    uint32_t length = flow_packet(made, flow) + trailing;
    vpn_packet *packet = &packets[used];
    memset(made + length - trailing, 0, trailing);
    memset(packet, 0, sizeof *packet);
    packet->data = malloc(HEADROOM + length);
    came[used] = malloc(length);
    ck_assert(packet->data != NULL && came[used] != NULL);
    memcpy(packet->data + HEADROOM, made, length);
    packet->capacity = HEADROOM + length;
    packet->offset = HEADROOM;
    packet->length = length;
    packet->verdict = VPN_TO_TUN;
    lengths[used++] = length;
}

/* After a batch was changed by hand. */
static inline size_t coalesce(uint32_t kinds)
{
    for (size_t i = 0; i < used; i++)
        memcpy(came[i], packets[i].data + HEADROOM, lengths[i]);
    memset(next, 0x77, sizeof next);
    return vpn_coalesce(packets, used, kinds, next, supers);
}

static inline struct flow example(uint8_t version, uint8_t protocol)
{
    uint64_t seed = version * 100u + protocol;
    struct flow flow = flow_example(version, protocol, payload, SIZE);
    flow.tcp_extra = 12;
    test_fill(&seed, payload, sizeof payload);
    return flow;
}

/* What follows it. */
static inline struct flow after(const struct flow *flow)
{
    struct flow then = *flow;
    then.sequence += flow->length;
    then.id++;
    return then;
}

static inline uint8_t *packet_of(size_t i)
{
    return packets[i].data + HEADROOM;
}

/* Whole, from several places. */
static inline uint32_t gather(uint8_t *out, const vpn_super *super)
{
    uint32_t length = 0;
    size_t count = 0;
    for (uint16_t i = super->first; i != VPN_COALESCE_END; i = next[i]) {
        ck_assert_uint_lt(i, used);
        ck_assert_uint_le(packets[i].offset + packets[i].length, packets[i].capacity);
        memcpy(out + length, packets[i].data + packets[i].offset, packets[i].length);
        length += packets[i].length;
        count++;
    }
    ck_assert_uint_eq(length, super->length);
    ck_assert_uint_eq(count, super->count);
    return length;
}

static inline void check_alone(const vpn_super *super)
{
    static const vpn_offload none;
    size_t i = super->first;
    ck_assert_mem_eq(&super->offload, &none, sizeof none);
    ck_assert_uint_eq(packets[i].offset, HEADROOM);
    ck_assert_uint_eq(packets[i].length, lengths[i]);
    ck_assert_mem_eq(packet_of(i), came[i], lengths[i]);
}

/* Cut again it becomes the packets that it came from, but for an identification that means nothing. */
static inline void check_super(const vpn_super *super)
{
    static uint8_t whole[65536], one[65536];
    vpn_segments plan;
    uint32_t length = gather(whole, super), index = 0, at = super->offload.csum_start;
    struct flow flow = {.version = whole[0] >> 4, .protocol = super->offload.gso == VPN_GSO_UDP ? FLOW_UDP : FLOW_TCP};
    memcpy(flow.src, whole + (flow.version == 4 ? 12 : 8), flow.version == 4 ? 4 : 16);
    memcpy(flow.dst, whole + (flow.version == 4 ? 16 : 24), flow.version == 4 ? 4 : 16);
    ck_assert_uint_eq(flow_get(whole + at + super->offload.csum_offset, 2), flow_pseudo(&flow, length - at));
    if (flow.protocol == FLOW_UDP)
        ck_assert_uint_eq(flow_get(whole + at + 4, 2), length - at);
    if (flow.version == 4)
        ck_assert_uint_eq(flow_sum(0, whole, 20), 0xffff);
    ck_assert_int_eq(vpn_segment_plan(&plan, &super->offload, whole, length), VPN_OK);
    ck_assert_uint_eq(plan.count, super->count);
    ck_assert_uint_eq(super->offload.header, plan.each - super->offload.gso_size);
    for (uint16_t i = super->first; i != VPN_COALESCE_END; i = next[i]) {
        ck_assert_uint_eq(vpn_segment_write(&plan, whole, index, one), lengths[i]);
        if (flow.version == 4 && (one[6] & 0x40) != 0) {
            memcpy(one + 4, came[i] + 4, 2);
            memcpy(one + 10, came[i] + 10, 2);
        }
        if (memcmp(one, came[i], lengths[i]) != 0)
            ck_abort_msg("packet %u is not what it was", i);
        index++;
    }
}

/* `want`: for each packet the number of its super-packet as a letter, '.' for one that is passed over. */
static inline void expect(uint32_t kinds, const char *want)
{
    char have[MOST + 1] = {0};
    size_t count = coalesce(kinds);
    memset(have, '.', used);
    for (size_t k = 0; k < count; k++) {
        for (uint16_t i = supers[k].first; i != VPN_COALESCE_END; i = next[i])
            have[i] = (char)('a' + k);
        if (supers[k].count > 1)
            check_super(&supers[k]);
        else
            check_alone(&supers[k]);
    }
    ck_assert_str_eq(have, want);
    clear();
}

#endif
