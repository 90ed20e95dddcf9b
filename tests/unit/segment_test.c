/* SPDX-License-Identifier: ISC */
/* Every segment against the packet that a description of its own makes (tests/common/flows.h). */
#include <vpn/offload.h>

#include "base/bytes.h"
#include "common/flows.h"
#include "common/test.h"

static uint8_t payload[65536];
static uint8_t packet[65536];

static struct flow example(uint8_t version, uint8_t protocol, uint32_t length)
{
    uint64_t seed = version * 100u + protocol;
    test_fill(&seed, payload, length);
    return flow_example(version, protocol, payload, length);
}

/* A copy that ends where it ends, so that a sanitizer sees a read past it. */
static uint8_t *exact(const uint8_t *data, uint32_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, length);
    return copy;
}

/* One segment in the middle of memory that must stay as it is. */
static void write_one(const vpn_segments *plan, const uint8_t *from, uint32_t index, const struct flow *expected)
{
    static uint8_t want[65536], have[65536 + 64];
    uint32_t length = flow_packet(want, expected), room = index + 1 < plan->count ? plan->each : plan->last;
    if (plan->count == 1 && flow_get(want + flow_checksum_at(expected), 2) == 0) /* as in `complete` below */
        flow_put(want + flow_checksum_at(expected), 0xffff, 2);
    memset(have, 0x5a, length + 64);
    if (room != length || vpn_segment_write(plan, from, index, have + 32) != length)
        ck_abort_msg("segment %u has not the length %u", index, length);
    if (memcmp(have + 32, want, length) != 0)
        for (uint32_t i = 0; i < length; i++)
            if (have[32 + i] != want[i])
                ck_abort_msg("segment %u: byte %u is %02x, not %02x", index, i, have[32 + i], want[i]);
    for (uint32_t i = 0; i < 32; i++)
        if (have[i] != 0x5a || have[32 + length + i] != 0x5a)
            ck_abort_msg("segment %u is written past its end", index);
}

static void expect(const struct flow *flow, uint32_t size, uint32_t ecn)
{
    vpn_offload how;
    vpn_segments plan;
    struct flow segment;
    uint32_t length = flow_super(packet, &how, flow, size), index = 0;
    uint8_t *copy = exact(packet, length);
    how.gso |= (uint8_t)ecn;
    ck_assert_int_eq(vpn_segment_plan(&plan, &how, copy, length), VPN_OK);
    for (; flow_segment(&segment, flow, size, index); index++)
        write_one(&plan, copy, index, &segment);
    ck_assert_uint_eq(plan.count, index);
    ck_assert_uint_eq(vpn_segment_write(&plan, copy, index, payload), 0);
    ck_assert_uint_eq(vpn_segment_write(&plan, copy, UINT32_MAX, payload), 0);
    ck_assert_mem_eq(copy, packet, length);
    free(copy);
}

/* Each kind, every length from nothing to three segments and a byte. */
START_TEST(remainders)
{
    for (int kind = 0; kind < 4; kind++)
        for (uint32_t size = 1; size <= 41; size += 10)
            for (uint32_t length = 0; length <= 3 * size + 1; length++) {
                struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP, length);
                expect(&flow, size, 0);
            }
}
END_TEST

/* As long as a packet can be: in many segments, in two, in one. */
START_TEST(largest)
{
    static const uint32_t sizes[] = {1, 536, 1380, 1420, 32768, 65000, 65535};
    for (int kind = 0; kind < 4; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP, 0);
            uint32_t length = 65535 - flow_header_bytes(&flow);
            flow = example(flow.version, flow.protocol, i == 0 ? 3000 : length);
            expect(&flow, sizes[i], 0);
        }
}
END_TEST

/* All lengths of IPv4 options, TCP options and some of extension headers. */
START_TEST(options)
{
    for (uint8_t ip = 0; ip <= 40; ip += 4)
        for (uint8_t tcp = 0; tcp <= 40; tcp += 4) {
            struct flow flow = example(4, FLOW_TCP, 301);
            flow.ip_extra = ip;
            flow.tcp_extra = tcp;
            expect(&flow, 100, 0);
            flow.protocol = FLOW_UDP;
            expect(&flow, 100, 0);
            flow = example(6, FLOW_TCP, 301);
            flow.ip_extra = (uint8_t)(ip * 2);
            flow.tcp_extra = tcp;
            expect(&flow, 100, 0);
            flow.protocol = FLOW_UDP;
            expect(&flow, 100, 0);
        }
}
END_TEST

START_TEST(wraps)
{
    for (uint32_t id = 0xfff0; id <= 0xffff; id++) {
        struct flow flow = example(4, id % 2 ? FLOW_TCP : FLOW_UDP, 20 * 7 + 3);
        flow.id = (uint16_t)id;
        flow.fragment = id % 3 ? 0 : FLOW_DF;
        flow.sequence = 0xffff0000u | id;
        expect(&flow, 7, 0);
        flow.sequence = 0u - 7u * (id & 15);
        expect(&flow, 7, 0);
    }
}
END_TEST

/* Every byte of flags. */
START_TEST(all_flags)
{
    for (uint32_t flags = 0; flags < 256; flags++)
        for (uint32_t length = 10; length <= 30; length += 10) {
            struct flow flow = example(flags % 2 ? 6 : 4, FLOW_TCP, length);
            flow.flags = (uint8_t)flags;
            flow.urgent = (uint16_t)(flags * 3);
            expect(&flow, 10, (flags & FLOW_CWR) != 0 ? VPN_GSO_ECN : VPN_GSO_NONE);
        }
}
END_TEST

/* The checksum of the first segment. */
static uint32_t first_sum(const struct flow *flow, uint32_t size)
{
    static uint8_t first[200];
    struct flow segment;
    ck_assert_int_eq(flow_segment(&segment, flow, size, 0), 1);
    (void)flow_packet(first, &segment);
    return flow_get(first + flow_checksum_at(flow), 2);
}

/* Payloads that bring it to many of its values; zero is one of them. */
static void sums_of(uint8_t version, uint8_t protocol, uint32_t length, uint32_t zero)
{
    struct flow flow = example(version, protocol, length);
    flow_put(payload + 6, 0, 2);
    uint32_t needed = first_sum(&flow, 8);
    for (uint32_t i = 0; i < 65536; i += 131) {
        flow_put(payload + 6, (needed + i) & 0xffff, 2);
        if (i == 0)
            ck_assert_uint_eq(first_sum(&flow, 8), zero);
        expect(&flow, 8, 0);
    }
}

START_TEST(zero_checksum)
{
    sums_of(4, FLOW_UDP, 16, 0xffff);
    sums_of(6, FLOW_UDP, 16, 0xffff);
    sums_of(4, FLOW_TCP, 16, 0);
    sums_of(6, FLOW_TCP, 8, 0);
}
END_TEST

START_TEST(random_flows)
{
    uint64_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        uint32_t r = (uint32_t)test_random(&seed);
        struct flow flow = example(r & 1 ? 4 : 6, r & 2 ? FLOW_TCP : FLOW_UDP, (uint32_t)test_below(&seed, 6000));
        flow.flags = (uint8_t)(r >> 8);
        flow.tos = (uint8_t)(r >> 16);
        flow.ip_extra = (uint8_t)(test_below(&seed, 4) * 8);
        flow.tcp_extra = (uint8_t)(test_below(&seed, 11) * 4);
        flow.id = (uint16_t)test_random(&seed);
        flow.sequence = (uint32_t)test_random(&seed);
        expect(&flow, 1 + (uint32_t)test_below(&seed, 1500), 0);
    }
}
END_TEST

static int plan_of(const vpn_offload *how, uint32_t length)
{
    uint8_t *copy = exact(packet, length);
    vpn_segments plan;
    int error = vpn_segment_plan(&plan, how, copy, length);
    free(copy);
    return error;
}

#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        struct flow flow = example(version, protocol, 500);                                                            \
        vpn_offload how;                                                                                               \
        uint32_t length = flow_super(packet, &how, &flow, 100), at = flow_ip_bytes(&flow);                             \
        ck_assert_int_eq(plan_of(&how, length), VPN_OK);                                                               \
        change;                                                                                                        \
        (void)at;                                                                                                      \
        ck_assert_msg(plan_of(&how, length) == VPN_EFORMAT, "%d %d: not refused: %s", version, protocol, #change);     \
    } while (0)

/* Each field wrong by itself. */
START_TEST(refused)
{
    for (int kind = 0; kind < 4; kind++) {
        uint8_t version = kind / 2 ? 6 : 4, protocol = kind % 2 ? FLOW_UDP : FLOW_TCP;
        REFUSED(how.flags = 0);
        REFUSED(how.flags = VPN_OFFLOAD_VALID);
        REFUSED(how.gso_size = 0);
        REFUSED(how.csum_start--);
        REFUSED(how.csum_start++);
        REFUSED(how.csum_start = 65535);
        REFUSED(how.csum_offset--);
        REFUSED(how.csum_offset = protocol == FLOW_TCP ? 6 : 16);
        REFUSED(length--);
        REFUSED(length++);
        REFUSED(length = 0);
        REFUSED(length = flow_header_bytes(&flow) - 1);
        REFUSED(packet[0] = 0x55);
        REFUSED(packet[0] ^= 0x20);
        REFUSED(packet[version == 4 ? 9 : 6] = protocol == FLOW_TCP ? FLOW_UDP : FLOW_TCP);
        REFUSED(packet[version == 4 ? 9 : 6] = version == 4 ? 1 : 44);
        if (version == 4) {
            REFUSED(packet[6] = 0x20);
            REFUSED(packet[7] = 1);
            REFUSED(packet[0] = 0x46);
            REFUSED(packet[0] = 0x44);
        }
        if (protocol == FLOW_TCP) {
            REFUSED(packet[at + 12] = 0x40);
            REFUSED(packet[at + 12] = 0);
            REFUSED(flow_put(packet + (version == 4 ? 2 : 4), (length = at + 24) - (version == 4 ? 0 : 40), 2);
                    packet[at + 12] = 0x70);
        }
        REFUSED(flow_put(packet + (version == 4 ? 2 : 4), (length = at + 7) - (version == 4 ? 0 : 40), 2));
    }
}
END_TEST

/* Of 256 kinds each packet fits its own, for TCP with and without ECN. */
START_TEST(kinds)
{
    for (int kind = 0; kind < 4; kind++)
        for (uint32_t gso = 1; gso < 256; gso++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP, 500);
            vpn_offload how;
            uint32_t length = flow_super(packet, &how, &flow, 100);
            int fits = gso == how.gso || (kind % 2 == 0 && gso == (how.gso | VPN_GSO_ECN));
            how.gso = (uint8_t)gso;
            ck_assert_int_eq(plan_of(&how, length), fits ? VPN_OK : VPN_EFORMAT);
        }
}
END_TEST

/* As it is: any bytes, one segment, the same. */
START_TEST(plain)
{
    uint64_t seed = 8;
    static uint8_t out[65536];
    vpn_offload how = {.flags = VPN_OFFLOAD_VALID, .gso_size = 10, .csum_start = 65535, .csum_offset = 3};
    test_fill(&seed, packet, sizeof packet);
    for (uint32_t length = 1; length <= 65535; length = length * 2 + 1) {
        vpn_segments plan;
        ck_assert_int_eq(vpn_segment_plan(&plan, &how, packet, length), VPN_OK);
        ck_assert_uint_eq(plan.count, 1);
        ck_assert_uint_eq(plan.each, length);
        ck_assert_uint_eq(plan.last, length);
        memset(out, 0, sizeof out);
        ck_assert_uint_eq(vpn_segment_write(&plan, packet, 0, out), length);
        ck_assert_mem_eq(out, packet, length);
        ck_assert(out[length] == 0);
        ck_assert_uint_eq(vpn_segment_write(&plan, packet, 1, out), 0);
        ck_assert_int_eq(vpn_offload_complete(&how, out, length), VPN_OK);
        ck_assert_mem_eq(out, packet, length);
    }
    vpn_segments plan;
    ck_assert_int_eq(vpn_segment_plan(&plan, &how, packet, 0), VPN_EFORMAT);
    ck_assert_int_eq(vpn_segment_plan(&plan, &how, packet, 65536), VPN_EFORMAT);
}
END_TEST

/* Every start and place of a checksum: right where it lies inside, refused where it does not. */
START_TEST(places)
{
    uint64_t seed = 9;
    uint8_t data[40], want[40], out[40];
    for (uint32_t start = 0; start <= 40; start++)
        for (uint32_t offset = 0; offset <= 40; offset++) {
            vpn_offload how = {.flags = 1, .csum_start = (uint16_t)start, .csum_offset = (uint16_t)offset};
            int fits = start + offset + 2 <= sizeof data && offset % 2 == 0;
            vpn_segments plan;
            test_fill(&seed, data, sizeof data);
            memcpy(want, data, sizeof data);
            int error = vpn_segment_plan(&plan, &how, data, sizeof data);
            ck_assert_int_eq(error, fits ? VPN_OK : VPN_EFORMAT);
            ck_assert_int_eq(vpn_offload_complete(&how, want, sizeof want), error);
            if (!fits) {
                ck_assert_mem_eq(want, data, sizeof data);
                continue;
            }
            ck_assert_uint_eq(vpn_segment_write(&plan, data, 0, out), sizeof data);
            ck_assert_mem_eq(out, want, sizeof data);
            flow_put(data + start + offset, 0xffff - flow_sum(0, data + start, sizeof data - start), 2);
            ck_assert_mem_eq(out, data, sizeof data);
        }
    vpn_offload how = {.flags = 1, .csum_start = 65535, .csum_offset = 65534};
    ck_assert_int_eq(vpn_offload_complete(&how, data, sizeof data), VPN_EFORMAT);
}
END_TEST

/* Packets of each kind whose checksum is still to be completed, and zero becomes ones: for UDP it has to, for TCP it is the same
   number, and Linux does so too. */
START_TEST(complete)
{
    static uint8_t have[200];
    vpn_offload how;
    for (int kind = 0; kind < 4; kind++) {
        struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP, 9);
        uint32_t at = flow_checksum_at(&flow);
        flow_put(payload + 2, 0, 2);
        uint32_t needed = first_sum(&flow, 9);
        for (uint32_t i = 0; i < 65536; i += 131) {
            flow_put(payload + 2, (needed + i) & 0xffff, 2);
            uint32_t length = flow_super(have, &how, &flow, 0);
            how.gso = VPN_GSO_NONE;
            ck_assert_int_eq(vpn_offload_complete(&how, have, length), VPN_OK);
            (void)flow_packet(packet, &flow);
            if (i == 0)
                flow_put(packet + at, 0xffff, 2);
            ck_assert_mem_eq(have, packet, length);
        }
    }
    struct flow flow = example(4, FLOW_TCP, 100);
    uint32_t length = flow_super(packet, &how, &flow, 10);
    ck_assert_int_eq(vpn_offload_complete(&how, packet, length), VPN_EFORMAT);
}
END_TEST

START_TEST(vnet_header)
{
    uint64_t seed = 10;
    for (int i = 0; i < 1000; i++) {
        uint8_t in[VPN_VNET_BYTES], out[VPN_VNET_BYTES];
        vpn_offload how;
        uint16_t fields[4];
        test_fill(&seed, in, sizeof in);
        memset(&how, 0xff, sizeof how);
        vpn_offload_read(&how, in);
        memcpy(fields, in + 2, sizeof fields);
        ck_assert_uint_eq(how.flags, in[0]);
        ck_assert_uint_eq(how.gso, in[1]);
        ck_assert_uint_eq(how.header, fields[0]);
        ck_assert_uint_eq(how.gso_size, fields[1]);
        ck_assert_uint_eq(how.csum_start, fields[2]);
        ck_assert_uint_eq(how.csum_offset, fields[3]);
        ck_assert_uint_eq(how.reserved, 0);
        vpn_offload_write(out, &how);
        ck_assert_mem_eq(out, in, sizeof in);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("segment");
    test_add(s, "remainders", remainders);
    test_add(s, "largest", largest);
    test_add(s, "options", options);
    test_add(s, "wraps", wraps);
    test_add(s, "all_flags", all_flags);
    test_add(s, "zero_checksum", zero_checksum);
    test_add(s, "random_flows", random_flows);
    test_add(s, "refused", refused);
    test_add(s, "kinds", kinds);
    test_add(s, "plain", plain);
    test_add(s, "places", places);
    test_add(s, "complete", complete);
    test_add(s, "vnet_header", vnet_header);
    return s;
}

TEST_MAIN(suite)
