/* SPDX-License-Identifier: ISC */
#include <vpn/icmp.h>

#include "common/flows.h"
#include "common/test.h"

#define ROOM 2048

static const uint8_t ours4[4] = {10, 99, 0, 1};
static const uint8_t ours6[16] = {0xfd, 0x99, [15] = 1};
static uint8_t payload[65536];
static vpn_icmp icmp;

static void setup(void)
{
    vpn_icmp_config config = {.size = sizeof config, .rate = 1000000, .source_rate = 1000000};
    uint64_t seed = 1;
    memcpy(config.ip4, ours4, 4);
    memcpy(config.ip6, ours6, 16);
    test_fill(&seed, payload, sizeof payload);
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
}

static struct flow big_flow(uint8_t version, uint32_t bytes)
{
    struct flow flow = flow_example(version, FLOW_UDP, payload, 0);
    flow.fragment = FLOW_DF;
    flow.length = bytes - flow_header_bytes(&flow);
    return flow;
}

static vpn_time clock_now;

/* Writes into memory of exactly `room` bytes and copies what came. */
static int answer(uint8_t *out, size_t *bytes, const uint8_t *packet, size_t length, uint32_t mtu, int why)
{
    uint8_t *memory = malloc(*bytes ? *bytes : 1);
    ck_assert_ptr_nonnull(memory);
    clock_now += VPN_SECOND;
    int result = why < 0 ? vpn_icmp_too_big(&icmp, memory, bytes, packet, length, mtu, clock_now)
                         : vpn_icmp_unreachable(&icmp, memory, bytes, packet, length, (uint32_t)why, clock_now);
    if (!result)
        memcpy(out, memory, *bytes);
    else if (result != VPN_ESPACE)
        ck_assert_uint_eq(*bytes, 0);
    free(memory);
    return result;
}

/* What the error should be, byte by byte. */
static uint32_t model(uint8_t *out, const uint8_t *from, const uint8_t *packet, const struct flow *flow, uint32_t total,
                      uint32_t kind, uint32_t word)
{
    uint32_t four = flow->version == 4, header = four ? 20 : 40, most = four ? 576 : 1280, length = header + 8 + total;
    if (from == NULL)
        from = four ? ours4 : ours6;
    if (length > most)
        length = most;
    memset(out, 0, header + 8);
    if (four) {
        flow_put(out, 0x45c00000u | length, 4);
        flow_put(out + 4, 0x4000, 4);
        flow_put(out + 8, 0x40010000, 4);
        memcpy(out + 12, from, 4);
        memcpy(out + 16, flow->src, 4);
        flow_put(out + 10, 0xffff - flow_sum(0, out, 20), 2);
    } else {
        flow_put(out, 0x60000000, 4);
        flow_put(out + 4, length - 40, 2);
        flow_put(out + 6, 58 << 8 | 64, 2);
        memcpy(out + 8, from, 16);
        memcpy(out + 24, flow->src, 16);
    }
    flow_put(out + header, kind, 2);
    flow_put(out + header + 4, word, 4);
    memcpy(out + header + 8, packet, length - header - 8);
    struct flow reply = {.version = flow->version, .protocol = 58};
    memcpy(reply.src, from, four ? 4 : 16);
    memcpy(reply.dst, flow->src, 16);
    uint32_t sum = four ? 0 : flow_pseudo(&reply, length - header);
    flow_put(out + header + 2, 0xffff - flow_sum(sum, out + header, length - header), 2);
    return length;
}

/* Each length from the MTU on to past what can be quoted, with and without padding behind the packet. */
START_TEST(too_big)
{
    static uint8_t packet[ROOM], have[ROOM], want[ROOM];
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t mtu = version == 4 ? 68 : 1280; mtu < 1400; mtu += version == 4 ? 59 : 13)
            for (uint32_t total = 100; total < 1500; total += 7) {
                struct flow flow = big_flow((uint8_t)version, total);
                ck_assert_uint_eq(flow_packet(packet, &flow), total);
                size_t bytes = 1280;
                int result = answer(have, &bytes, packet, total + total % 20, mtu, -1);
                if (total <= mtu) {
                    ck_assert_int_eq(result, VPN_ICMP_FITS);
                    continue;
                }
                ck_assert_int_eq(result, 0);
                uint32_t length = model(want, NULL, packet, &flow, total, version == 4 ? 0x304 : 0x200, mtu);
                ck_assert_uint_eq(bytes, length);
                ck_assert_mem_eq(have, want, length);
            }
}
END_TEST

START_TEST(unreachable)
{
    static const uint32_t codes4[] = {0x300, 0x30d, 0x301, 0x303}, codes6[] = {0x100, 0x101, 0x103, 0x104};
    static uint8_t packet[ROOM], have[ROOM], want[ROOM];
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t why = 0; why < 4; why++)
            for (uint32_t total = 48; total < 1500; total += 11) {
                struct flow flow = big_flow((uint8_t)version, total);
                flow.fragment = 0;
                (void)flow_packet(packet, &flow);
                size_t bytes = sizeof have;
                ck_assert_int_eq(answer(have, &bytes, packet, total, 0, (int)why), 0);
                uint32_t length = model(want, NULL, packet, &flow, total, version == 4 ? codes4[why] : codes6[why], 0);
                ck_assert_uint_eq(bytes, length);
                ck_assert_mem_eq(have, want, length);
            }
    size_t bytes = sizeof have;
    ck_assert_int_eq(answer(have, &bytes, packet, 100, 0, 4), VPN_EINVAL);
}
END_TEST

/* Room for one byte less is too little, costs no budget, and tells the need. */
START_TEST(too_little_room)
{
    static uint8_t packet[ROOM], have[ROOM];
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t total = 60; total < 1500; total += 120) {
            struct flow flow = big_flow((uint8_t)version, total);
            uint32_t most = version == 4 ? 576 : 1280, need = total + (version == 4 ? 28 : 48);
            need = need > most ? most : need;
            (void)flow_packet(packet, &flow);
            for (size_t room = 0; room < need; room += room + 40 < need ? 31 : 1) {
                size_t bytes = room;
                ck_assert_int_eq(answer(have, &bytes, packet, total, 0, VPN_ICMP_PROHIBITED), VPN_ESPACE);
                ck_assert_uint_eq(bytes, need);
            }
            size_t bytes = need;
            ck_assert_int_eq(answer(have, &bytes, packet, total, 0, VPN_ICMP_PROHIBITED), 0);
        }
}
END_TEST

/* IPv6: no MTU under 1280 is told, and what fits into 1280 bytes fits. */
START_TEST(least_mtu)
{
    static uint8_t packet[ROOM], have[ROOM];
    size_t bytes;
    for (uint32_t total = 1278; total < 1283; total++)
        for (uint32_t mtu = 68; mtu < 1280; mtu += 101) {
            struct flow flow = big_flow(6, total);
            (void)flow_packet(packet, &flow);
            bytes = sizeof have;
            ck_assert_int_eq(answer(have, &bytes, packet, total, mtu, -1), total <= 1280 ? VPN_ICMP_FITS : 0);
            if (total > 1280)
                ck_assert_uint_eq(flow_get(have + 44, 4), 1280);
        }
    bytes = sizeof have;
    ck_assert_int_eq(answer(have, &bytes, packet, 1282, 67, -1), VPN_EINVAL);
}
END_TEST

/* A packet with one thing about it, and what both writers say. */
static void refused(const uint8_t *packet, uint32_t total, int too_big_says, int unreachable_says)
{
    static uint8_t out[ROOM];
    size_t bytes = sizeof out;
    ck_assert_int_eq(answer(out, &bytes, packet, total, 1280, -1), too_big_says);
    bytes = sizeof out;
    ck_assert_int_eq(answer(out, &bytes, packet, total, 0, VPN_ICMP_PROHIBITED), unreachable_says);
}

static void refused_flow(const struct flow *flow, int result)
{
    static uint8_t packet[ROOM];
    uint32_t total = flow_packet(packet, flow);
    refused(packet, total, result, result);
}

START_TEST(addresses4)
{
    struct flow flow = big_flow(4, 1400);
    for (uint32_t octet = 0; octet < 256; octet++) {
        flow = big_flow(4, 1400);
        flow.src[0] = (uint8_t)octet;
        refused_flow(&flow, octet == 0 || octet == 127 || octet >= 224 ? VPN_ICMP_NOBODY : 0);
        flow = big_flow(4, 1400);
        flow.dst[0] = (uint8_t)octet;
        refused_flow(&flow, octet >= 224 && octet < 240 ? VPN_ICMP_MANY : 0);
    }
    memset(flow.dst, 255, 4);
    refused_flow(&flow, VPN_ICMP_MANY);
    flow.dst[3] = 254;
    refused_flow(&flow, 0);
}
END_TEST

START_TEST(addresses6)
{
    struct flow flow = big_flow(6, 1400);
    flow.dst[0] = 0xff;
    refused_flow(&flow, VPN_ICMP_MANY);
    flow.dst[0] = 0xfe;
    refused_flow(&flow, 0);
    flow.src[0] = 0xff;
    refused_flow(&flow, VPN_ICMP_NOBODY);
    memset(flow.src, 0, 16);
    for (uint32_t last = 0; last < 4; last++) {
        flow.src[15] = (uint8_t)last;
        refused_flow(&flow, last < 2 ? VPN_ICMP_NOBODY : 0);
    }
    flow.src[15] = 1;
    flow.src[0] = 0x20;
    refused_flow(&flow, 0);
}
END_TEST

START_TEST(fragments)
{
    static uint8_t packet[ROOM];
    struct flow flow = big_flow(4, 1400);
    flow.fragment = 0;
    uint32_t total = flow_packet(packet, &flow);
    refused(packet, total, VPN_ICMP_DIVISIBLE, 0);
    flow.fragment = FLOW_DF | 0x2000;
    flow.length = 1372 + 8;
    refused_flow(&flow, VPN_EFORMAT); /* 1388 bytes and more to come */
    flow.length = 1368;
    refused_flow(&flow, 0);
    for (uint32_t offset = 1; offset < 8000; offset = offset * 2 + 1) {
        flow.fragment = (uint16_t)(FLOW_DF | 0x2000 | offset);
        refused_flow(&flow, VPN_ICMP_LATER);
        flow.fragment = (uint16_t)offset;
        total = flow_packet(packet, &flow);
        refused(packet, total, VPN_ICMP_DIVISIBLE, VPN_ICMP_LATER);
    }
    flow = big_flow(6, 1400);
    total = flow_packet(packet, &flow);
    packet[6] = 44; /* the UDP header becomes one of a fragment */
    flow_put(packet + 40, 17u << 24, 4);
    packet[48 + 4] = 1;
    refused(packet, total, 0, 0);
    packet[43] = 8;
    refused(packet, total, VPN_ICMP_LATER, VPN_ICMP_LATER);
}
END_TEST

/* No error about an error: every type in both families. */
START_TEST(errors)
{
    static uint8_t packet[ROOM];
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t type = 0; type < 256; type++) {
            struct flow flow = big_flow((uint8_t)version, 1400);
            flow.protocol = version == 4 ? 1 : 58; /* flows.h writes a UDP header, which no ICMP message is */
            uint32_t total = flow_packet(packet, &flow), ip = version == 4 ? 20 : 40;
            packet[ip] = (uint8_t)type;
            int error = version == 4 ? type == 3 || type == 4 || type == 5 || type == 11 || type == 12
                                     : type < 128 || type == 137;
            refused(packet, total, error ? VPN_ICMP_ERROR : 0, error ? VPN_ICMP_ERROR : 0);
        }
}
END_TEST

START_TEST(unsound)
{
    static uint8_t packet[ROOM];
    struct flow flow = big_flow(4, 1400);
    uint32_t total = flow_packet(packet, &flow);
    packet[10] ^= 1;
    refused(packet, total, VPN_EFORMAT, VPN_EFORMAT);
    packet[10] ^= 1;
    refused(packet, total - 1, VPN_EFORMAT, VPN_EFORMAT);
    refused(packet, 0, VPN_EFORMAT, VPN_EFORMAT);
    refused(packet, total, 0, 0);
    vpn_icmp_config config = {.size = sizeof config, .ip6 = {0xfd}};
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
    refused(packet, total, VPN_EINVAL, VPN_EINVAL);
    flow = big_flow(6, 1400);
    refused_flow(&flow, 0);
}
END_TEST

/* The same errors, but for their source; no address need be set. */
START_TEST(as_destination)
{
    static uint8_t packet[ROOM], have[ROOM], want[ROOM];
    vpn_icmp_config config = {.size = sizeof config, .rate = 1000000, .flags = VPN_ICMP_AS_DESTINATION};
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
    for (uint32_t version = 4; version <= 6; version += 2) {
        struct flow flow = big_flow((uint8_t)version, 1400);
        uint32_t total = flow_packet(packet, &flow);
        size_t bytes = sizeof have;
        ck_assert_int_eq(answer(have, &bytes, packet, total, 1300, -1), 0);
        uint32_t length = model(want, flow.dst, packet, &flow, total, version == 4 ? 0x304 : 0x200, 1300);
        ck_assert_uint_eq(bytes, length);
        ck_assert_mem_eq(have, want, length);
    }
}
END_TEST

START_TEST(limited)
{
    static uint8_t packet[ROOM], out[ROOM];
    vpn_icmp_config config = {.size = sizeof config, .ip4 = {10}, .ip6 = {0xfd}};
    struct flow flow = big_flow(4, 1400);
    uint32_t total = flow_packet(packet, &flow);
    size_t bytes;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
    for (int i = 0; i < 12; i++) { /* what is refused for another reason costs nothing */
        bytes = 8;
        ck_assert_int_eq(vpn_icmp_too_big(&icmp, out, &bytes, packet, total, 1280, 0), VPN_ESPACE);
        bytes = sizeof out;
        ck_assert_int_eq(vpn_icmp_too_big(&icmp, out, &bytes, packet, total, 1400, 0), VPN_ICMP_FITS);
    }
    for (int i = 0; i < 12; i++) {
        bytes = sizeof out;
        ck_assert_int_eq(vpn_icmp_too_big(&icmp, out, &bytes, packet, total, 1280, 0), i < 10 ? 0 : VPN_ICMP_LIMITED);
        ck_assert_uint_eq(bytes, i < 10 ? 576 : 0);
    }
    flow.src[3]++;
    (void)flow_packet(packet, &flow);
    bytes = sizeof out;
    ck_assert_int_eq(vpn_icmp_unreachable(&icmp, out, &bytes, packet, total, VPN_ICMP_NO_PORT, 0), 0);
}
END_TEST

START_TEST(settings)
{
    vpn_icmp_config config = {.size = sizeof config, .rate = 1000000, .source_rate = 1};
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
    config.rate = 1000001;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), VPN_EINVAL);
    config.rate = 0;
    config.source_rate = 1000001;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), VPN_EINVAL);
    config.source_rate = 0;
    config.flags = VPN_ICMP_AS_DESTINATION << 1;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), VPN_EINVAL);
    config.size = offsetof(vpn_icmp_config, flags); /* as it was before */
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
    config.size--;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), VPN_EINVAL);
    struct {
        vpn_icmp_config known;
        uint32_t unknown;
    } longer = {.known = {.size = sizeof longer}};
    ck_assert_int_eq(vpn_icmp_init(&icmp, &longer.known), 0);
    longer.unknown = 1;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &longer.known), VPN_EINVAL);
}
END_TEST

START_TEST(texts)
{
    for (int i = 0; i < VPN_ICMP_RESULTS; i++) {
        ck_assert_str_ne(vpn_icmp_result_text(i), "unknown result");
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(vpn_icmp_result_text(i), vpn_icmp_result_text(k));
    }
    ck_assert_str_eq(vpn_icmp_result_text(VPN_ICMP_RESULTS), "unknown result");
    ck_assert_str_eq(vpn_icmp_result_text(VPN_EFORMAT), "unknown result");
}
END_TEST

static void add(Suite *s, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(s, tcase);
}

static Suite *suite(void)
{
    Suite *s = suite_create("icmp");
    add(s, "too_big", too_big);
    add(s, "unreachable", unreachable);
    add(s, "too_little_room", too_little_room);
    add(s, "least_mtu", least_mtu);
    add(s, "addresses4", addresses4);
    add(s, "addresses6", addresses6);
    add(s, "fragments", fragments);
    add(s, "errors", errors);
    add(s, "unsound", unsound);
    add(s, "as_destination", as_destination);
    add(s, "limited", limited);
    add(s, "settings", settings);
    add(s, "texts", texts);
    return s;
}

TEST_MAIN(suite)
