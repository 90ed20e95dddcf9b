/* SPDX-License-Identifier: ISC */
#include <vpn/icmp.h>

#include "common/flows.h"
#include "common/test.h"

#define ROOM 2048

static uint8_t payload[1024];
static vpn_icmp icmp;
static vpn_time now;

/* Without addresses of its own: it speaks for others. */
static void setup(void)
{
    vpn_icmp_config config = {.size = sizeof config, .rate = 10, .source_rate = 5};
    uint64_t seed = 1;
    test_fill(&seed, payload, sizeof payload);
    now += 1000 * VPN_SECOND;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
}

/* Answers in memory of exactly `room` bytes. */
static int refuse(uint8_t *out, size_t *bytes, const uint8_t *packet, size_t length)
{
    uint8_t *memory = malloc(*bytes ? *bytes : 1);
    ck_assert_ptr_nonnull(memory);
    now += VPN_SECOND;
    int result = vpn_icmp_refuse(&icmp, memory, bytes, packet, length, now);
    if (!result)
        memcpy(out, memory, *bytes);
    else if (result != VPN_ESPACE)
        ck_assert_uint_eq(*bytes, 0);
    free(memory);
    return result;
}

/* A SYN and others without ACK, FIN, data, and segments with ACK: the numbers of RFC 9293 section 3.10.7.1. */
START_TEST(resets)
{
    static const uint8_t flags[] = {
        FLOW_SYN,           FLOW_SYN | FLOW_ECE, FLOW_FIN, 0, FLOW_ACK, FLOW_SYN | FLOW_ACK, FLOW_ACK | FLOW_FIN,
        FLOW_SYN | FLOW_FIN};
    static uint8_t packet[ROOM], have[ROOM], want[ROOM];
    for (uint8_t version = 4; version <= 6; version += 2)
        for (size_t i = 0; i < sizeof flags; i++)
            for (uint32_t length = 0; length < 40; length += 13) {
                struct flow flow = flow_example(version, FLOW_TCP, payload, length);
                flow.flags = flags[i];
                flow.tcp_extra = length == 13 ? 12 : 0;
                uint32_t total = flow_packet(packet, &flow);
                struct flow answer = flow_example(version, FLOW_TCP, payload, 0);
                memcpy(answer.src, flow.dst, 16);
                memcpy(answer.dst, flow.src, 16);
                answer.from = flow.to;
                answer.to = flow.from;
                answer.tos = 0;
                answer.ttl = 64;
                answer.id = 0;
                answer.fragment = version == 4 ? FLOW_DF : 0;
                answer.label = answer.window = 0;
                answer.sequence = flags[i] & FLOW_ACK ? flow.acknowledgement : 0;
                answer.acknowledgement = 0;
                answer.flags = FLOW_RST;
                if (!(flags[i] & FLOW_ACK)) {
                    answer.flags |= FLOW_ACK;
                    answer.acknowledgement =
                        flow.sequence + length + ((flags[i] & FLOW_SYN) != 0) + ((flags[i] & FLOW_FIN) != 0);
                }
                size_t bytes = ROOM;
                ck_assert_int_eq(refuse(have, &bytes, packet, total + length % 3), 0);
                ck_assert_uint_eq(bytes, flow_packet(want, &answer));
                ck_assert_mem_eq(have, want, bytes);
            }
}
END_TEST

/* UDP and the rest: an error by the destination, about the whole packet. */
START_TEST(errors)
{
    static uint8_t packet[ROOM], have[ROOM];
    static const uint32_t codes[2][2] = {{0x303, 0x30d}, {0x104, 0x101}};
    for (uint8_t version = 4; version <= 6; version += 2)
        for (uint32_t other = 0; other < 2; other++) {
            struct flow flow = flow_example(version, FLOW_UDP, payload, 30);
            uint32_t total = flow_packet(packet, &flow), header = version == 4 ? 20 : 40;
            if (other && version == 4) {
                flow_put(packet + 10, 0, 2);
                packet[9] = 47;
                flow_put(packet + 10, 0xffff - flow_sum(0, packet, 20), 2);
            } else if (other) {
                packet[6] = 47;
            }
            size_t bytes = ROOM;
            ck_assert_int_eq(refuse(have, &bytes, packet, total), 0);
            ck_assert_uint_eq(bytes, header + 8 + total);
            ck_assert_uint_eq(flow_get(have + header, 2), codes[version == 6][other]);
            ck_assert_mem_eq(have + (version == 4 ? 12 : 8), flow.dst, version == 4 ? 4 : 16);
            ck_assert_mem_eq(have + (version == 4 ? 16 : 24), flow.src, version == 4 ? 4 : 16);
            ck_assert_mem_eq(have + header + 8, packet, total);
            ck_assert_uint_eq(icmp.flags, 0);
            vpn_icmp_error error;
            ck_assert_int_eq(vpn_icmp_error_parse(&error, have, bytes), 0);
        }
}
END_TEST

static int of_flow(const struct flow *flow)
{
    static uint8_t packet[ROOM], out[ROOM];
    size_t bytes = ROOM;
    return refuse(out, &bytes, packet, flow_packet(packet, flow));
}

START_TEST(nobody_and_nothing)
{
    static uint8_t packet[ROOM], out[ROOM];
    struct flow flow = flow_example(4, FLOW_TCP, payload, 0);
    flow.flags = FLOW_RST;
    ck_assert_int_eq(of_flow(&flow), VPN_ICMP_ERROR);
    flow.flags = FLOW_RST | FLOW_ACK;
    ck_assert_int_eq(of_flow(&flow), VPN_ICMP_ERROR);
    flow.flags = FLOW_SYN;
    flow.dst[0] = 224;
    ck_assert_int_eq(of_flow(&flow), VPN_ICMP_MANY);
    flow = flow_example(4, FLOW_TCP, payload, 0);
    flow.src[0] = 127;
    ck_assert_int_eq(of_flow(&flow), VPN_ICMP_NOBODY);
    flow = flow_example(4, FLOW_TCP, payload, 0);
    flow.fragment = 3;
    ck_assert_int_eq(of_flow(&flow), VPN_ICMP_LATER);
    flow.fragment = 0;
    uint32_t total = flow_packet(packet, &flow);
    size_t bytes = ROOM;
    packet[8]++; /* the checksum of the header no longer holds */
    ck_assert_int_eq(refuse(out, &bytes, packet, total), VPN_EFORMAT);
    packet[8]--;
    for (size_t length = 0; length < total; length++) {
        bytes = ROOM;
        ck_assert_int_eq(refuse(out, &bytes, packet, length), VPN_EFORMAT);
    }
}
END_TEST

/* Too little room costs nothing; five in a second to one source, and no more. */
START_TEST(room_and_budget)
{
    static uint8_t packet[ROOM], out[ROOM];
    for (uint8_t version = 4; version <= 6; version += 2) {
        struct flow flow = flow_example(version, FLOW_TCP, payload, 0);
        uint32_t total = flow_packet(packet, &flow), need = version == 4 ? 40 : 60;
        for (size_t room = 0; room < need; room++) {
            size_t bytes = room;
            ck_assert_int_eq(refuse(out, &bytes, packet, total), VPN_ESPACE);
            ck_assert_uint_eq(bytes, need);
        }
        now += 10 * VPN_SECOND;
        for (int i = 0; i < 7; i++) {
            size_t bytes = need;
            ck_assert_int_eq(vpn_icmp_refuse(&icmp, out, &bytes, packet, total, now), i < 5 ? 0 : VPN_ICMP_LIMITED);
        }
    }
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

static Suite *refuse_suite(void)
{
    Suite *suite = suite_create("refuse");
    add(suite, "resets", resets);
    add(suite, "errors", errors);
    add(suite, "nobody and nothing", nobody_and_nothing);
    add(suite, "room and budget", room_and_budget);
    return suite;
}

TEST_MAIN(refuse_suite)
