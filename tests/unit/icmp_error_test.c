/* SPDX-License-Identifier: ISC */
#include <vpn/icmp.h>

#include "common/flows.h"
#include "common/test.h"

#define ROOM 2048

static uint8_t payload[ROOM];

/* An ICMP error around `bytes` bytes of `quote`; its checksum holds. */
static uint32_t put_error(uint8_t *out, uint8_t version, uint32_t type, uint32_t code, uint32_t word,
                          const uint8_t *quote, uint32_t bytes)
{
    struct flow outer = flow_example(version, version == 4 ? 1 : 58, quote, bytes);
    uint32_t total = flow_packet(out, &outer), ip = flow_ip_bytes(&outer);
    flow_put(out + ip, type << 8 | code, 2);
    flow_put(out + ip + 2, 0, 2);
    flow_put(out + ip + 4, word, 4);
    uint32_t sum = version == 4 ? 0 : flow_pseudo(&outer, total - ip);
    flow_put(out + ip + 2, 0xffff - flow_sum(sum, out + ip, total - ip), 2);
    return total;
}

/* Reads a copy of exactly `length` bytes. */
static int parse(vpn_icmp_error *out, const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, length);
    memset(out, 0xa5, sizeof *out);
    int error = vpn_icmp_error_parse(out, copy, length);
    if (error)
        ck_assert(test_is_zero(out, sizeof *out));
    free(copy);
    return error;
}

static uint32_t kind_of(uint32_t version, uint32_t type, uint32_t code)
{
    if (version == 4)
        return type == 3    ? (code == 4 ? VPN_ICMP_KIND_TOO_BIG : VPN_ICMP_KIND_UNREACHABLE)
               : type == 11 ? VPN_ICMP_KIND_EXPIRED
                            : VPN_ICMP_KIND_OTHER;
    return type == 2   ? VPN_ICMP_KIND_TOO_BIG
           : type == 1 ? VPN_ICMP_KIND_UNREACHABLE
           : type == 3 ? VPN_ICMP_KIND_EXPIRED
                       : VPN_ICMP_KIND_OTHER;
}

START_TEST(every_type)
{
    static uint8_t quote[ROOM], packet[ROOM];
    vpn_icmp_error have;
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t type = 0; type < 256; type++)
            for (uint32_t code = 0; code < 16; code++) {
                struct flow flow = flow_example((uint8_t)version, FLOW_TCP, payload, 100);
                uint32_t bytes = flow_packet(quote, &flow);
                uint32_t total =
                    put_error(packet, (uint8_t)version, type, code, version == 4 ? 1234 : 0x12345, quote, bytes);
                int is = version == 4 ? type == 3 || type == 4 || type == 5 || type == 11 || type == 12 : type < 128;
                if (type == 1 && version == 6)
                    total = put_error(packet, 6, type, code, 0, quote, bytes);
                ck_assert_int_eq(parse(&have, packet, total), is ? 0 : VPN_ENOENT);
                if (!is)
                    continue;
                ck_assert_uint_eq(have.kind, kind_of(version, type, code));
                uint32_t mtu = version == 4 ? 1234 : 0x12345;
                ck_assert_uint_eq(have.mtu, have.kind == VPN_ICMP_KIND_TOO_BIG ? mtu : 0);
                ck_assert_uint_eq(have.offset, version == 4 ? 28 : 48);
                ck_assert_uint_eq(have.bytes, bytes);
                ck_assert_uint_eq(have.outer.icmp_type, type);
                ck_assert_uint_eq(have.outer.icmp_code, code);
                ck_assert_uint_eq(have.quoted.protocol, 6);
                ck_assert_uint_eq(have.quoted.src_port, flow.from);
                ck_assert_uint_eq(have.quoted.dst_port, flow.to);
                ck_assert_mem_eq(have.quoted.src, flow.src, version == 4 ? 4 : 16);
                ck_assert_mem_eq(have.quoted.dst, flow.dst, version == 4 ? 4 : 16);
            }
}
END_TEST

/* Every length of the quote: a header must be there, ports when 8 bytes of the transport are. */
START_TEST(quotes)
{
    static uint8_t quote[ROOM], packet[ROOM];
    vpn_icmp_error have;
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t extra = 0; extra <= 16; extra += 8) {
            struct flow flow = flow_example((uint8_t)version, FLOW_UDP, payload, 200);
            flow.ip_extra = (uint8_t)extra;
            uint32_t whole = flow_packet(quote, &flow), ip = flow_ip_bytes(&flow), fixed = version == 4 ? ip : 40;
            memset(quote + whole, 0x77, 20);
            for (uint32_t bytes = 0; bytes <= whole + 20; bytes++) {
                uint32_t total = put_error(packet, (uint8_t)version, version == 4 ? 11 : 3, 0, 0, quote, bytes);
                int error = parse(&have, packet, total);
                ck_assert_int_eq(error, bytes < fixed ? VPN_EFORMAT : 0);
                if (error)
                    continue;
                ck_assert_uint_eq(have.bytes, bytes < whole ? bytes : whole);
                int ports = bytes >= ip + 8;
                ck_assert_uint_eq(have.quoted.flags & VPN_IP_PORTS, ports ? VPN_IP_PORTS : 0);
                ck_assert_uint_eq(have.quoted.flags & VPN_IP_INCOMPLETE, ports ? 0 : VPN_IP_INCOMPLETE);
                ck_assert_uint_eq(have.quoted.src_port, ports ? flow.from : 0);
                ck_assert_uint_eq(have.quoted.total, whole);
            }
        }
}
END_TEST

/* RFC 4884: the quote ends where its length says, and extensions follow. */
START_TEST(extensions)
{
    static uint8_t quote[ROOM], packet[ROOM];
    vpn_icmp_error have;
    struct flow flow = flow_example(4, FLOW_UDP, payload, 400);
    (void)flow_packet(quote, &flow);
    for (uint32_t words = 0; words < 256; words++) {
        uint32_t total = put_error(packet, 4, 3, 1, words << 16, quote, 400);
        int error = parse(&have, packet, total);
        if (words && words * 4 < 20) {
            ck_assert_int_eq(error, VPN_EFORMAT);
            continue;
        }
        ck_assert_int_eq(error, 0);
        ck_assert_uint_eq(have.bytes, words && words * 4 < 400 ? words * 4 : 400);
    }
    uint32_t both = put_error(packet, 4, 3, 4, 32u << 16 | 1300, quote, 400);
    ck_assert_int_eq(parse(&have, packet, both), 0);
    ck_assert_uint_eq(have.mtu, 1300);
    ck_assert_uint_eq(have.bytes, 128);
    flow = flow_example(6, FLOW_UDP, payload, 400);
    (void)flow_packet(quote, &flow);
    for (uint32_t units = 5; units < 60; units++) {
        uint32_t total = put_error(packet, 6, 3, 0, units << 24, quote, 400);
        ck_assert_int_eq(parse(&have, packet, total), 0);
        ck_assert_uint_eq(have.bytes, units * 8 < 400 ? units * 8 : 400);
        total = put_error(packet, 6, 2, 0, units << 24 | 1300, quote, 400); /* "too big" has no such field */
        ck_assert_int_eq(parse(&have, packet, total), 0);
        ck_assert_uint_eq(have.bytes, 400);
        ck_assert_uint_eq(have.mtu, units << 24 | 1300);
    }
}
END_TEST

START_TEST(unsound)
{
    static uint8_t quote[ROOM], packet[ROOM];
    vpn_icmp_error have;
    for (uint32_t version = 4; version <= 6; version += 2) {
        uint32_t ip = version == 4 ? 20 : 40, type = version == 4 ? 3 : 1, bytes, total;
        struct flow flow = flow_example((uint8_t)version, FLOW_UDP, payload, 100);
        bytes = flow_packet(quote, &flow);
        total = put_error(packet, (uint8_t)version, type, 0, 0, quote, bytes);
        ck_assert_int_eq(parse(&have, packet, total), 0);
        for (uint32_t at = ip + 1; at < total; at++) { /* its checksum */
            packet[at] ^= 0x10;
            ck_assert_int_eq(parse(&have, packet, total), VPN_EFORMAT);
            packet[at] ^= 0x10;
        }
        for (uint32_t length = 0; length < total; length++)
            ck_assert_int_eq(parse(&have, packet, length), VPN_EFORMAT);
        struct flow other = flow_example(version == 4 ? 6 : 4, FLOW_UDP, payload, 100);
        bytes = flow_packet(quote, &other); /* of the other family */
        total = put_error(packet, (uint8_t)version, type, 0, 0, quote, bytes);
        ck_assert_int_eq(parse(&have, packet, total), VPN_EFORMAT);
        bytes = put_error(quote, (uint8_t)version, type, 0, 0, payload, 80); /* an error about an error */
        total = put_error(packet, (uint8_t)version, type, 0, 0, quote, bytes);
        ck_assert_int_eq(parse(&have, packet, total), VPN_EFORMAT);
    }
    struct flow flow = flow_example(4, FLOW_UDP, payload, 100);
    uint32_t bytes = flow_packet(quote, &flow), total = put_error(packet, 4, 3, 0, 0, quote, bytes & ~7u);
    packet[6] = 0x20; /* a first fragment */
    ck_assert_int_eq(parse(&have, packet, total), VPN_EFORMAT);
    packet[7] = 1; /* a later one is of unknown kind */
    ck_assert_int_eq(parse(&have, packet, total), VPN_ENOENT);
}
END_TEST

/* What the writers make is read back, with the flow that it is about. */
START_TEST(own)
{
    static uint8_t packet[ROOM], out[ROOM];
    vpn_icmp_config config = {
        .size = sizeof config, .rate = 1000000, .source_rate = 1000000, .ip4 = {10}, .ip6 = {0xfd}};
    vpn_icmp icmp;
    vpn_icmp_error have;
    uint64_t seed = 1;
    ck_assert_int_eq(vpn_icmp_init(&icmp, &config), 0);
    for (int i = 0; i < 20000; i++) {
        struct flow flow = flow_example(i % 2 ? 4 : 6, i / 2 % 2 ? FLOW_TCP : FLOW_UDP, payload, 1300);
        flow.ip_extra = (uint8_t)(8 * test_below(&seed, 4));
        flow.fragment = FLOW_DF;
        flow.from = (uint16_t)test_random(&seed);
        flow.to = (uint16_t)test_random(&seed);
        uint32_t total = flow_packet(packet, &flow), mtu = 1280 + (uint32_t)test_below(&seed, 40);
        vpn_ip want;
        size_t bytes = sizeof out;
        ck_assert_int_eq(vpn_icmp_too_big(&icmp, out, &bytes, packet, total, mtu, (vpn_time)i * VPN_SECOND), 0);
        ck_assert_int_eq(parse(&have, out, bytes), 0);
        ck_assert_int_eq(vpn_ip_parse(&want, packet, total), 0);
        ck_assert_uint_eq(have.kind, VPN_ICMP_KIND_TOO_BIG);
        ck_assert_uint_eq(have.mtu, mtu);
        ck_assert_mem_eq(&have.quoted, &want, sizeof want);
        ck_assert_mem_eq(out + have.offset, packet, have.bytes);
        ck_assert_mem_eq(have.outer.dst, want.src, 16);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("icmp_error");
    test_add(s, "every_type", every_type);
    test_add(s, "quotes", quotes);
    test_add(s, "extensions", extensions);
    test_add(s, "unsound", unsound);
    test_add(s, "own", own);
    return s;
}

TEST_MAIN(suite)
