/* SPDX-License-Identifier: ISC */
#include "packet/filter_parse.h"

#include <vpn/ip.h>

#include "common/filter.h"
#include "common/inner.h"
#include "common/test.h"

#define BAD  VPN_FILTER_BY_MALFORMED
#define TINY VPN_FILTER_BY_TINY

static uint8_t packet[FACTS_BYTES];
static struct vpn__filter_view view;

/* Read from a block of exactly that size, so that sanitizers see a read behind it. */
static uint8_t parse(size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, packet, length);
    uint8_t bad = vpn__filter_parse(&view, copy, length);
    free(copy);
    return bad;
}

static const struct facts tcp4 = {.family = 4,
                                  .protocol = 6,
                                  .src = {10, 0, 0, 1},
                                  .dst = {10, 0, 0, 2},
                                  .ports = {1234, 80},
                                  .flags = 0x13,
                                  .seq = 0xfffffffe,
                                  .ack = 7,
                                  .payload = 5};

START_TEST(whole_packets)
{
    struct facts f = tcp4;
    size_t length = facts_write(&f, packet);
    ck_assert_uint_eq(parse(length), 0);
    ck_assert_uint_eq(view.part, VPN__PART_WHOLE);
    ck_assert_uint_eq(view.protocol, 6);
    ck_assert_uint_eq(view.ports[0], 1234);
    ck_assert_uint_eq(view.ports[1], 80);
    ck_assert_uint_eq(view.flags, 0x13);
    ck_assert_uint_eq(view.ack, 7);
    ck_assert_uint_eq(view.end, 5); /* 2^32 - 2, five bytes, SYN and FIN */
    f.protocol = 47;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), 0);
    ck_assert_uint_eq(view.ports[0], VPN__NO_PORT);
    ck_assert_uint_eq(view.flags, VPN__NO_FLAGS);
    f.family = 6;
    f.extensions = 16;
    f.protocol = 58;
    f.ports[0] = 128;
    f.ports[1] = 0;
    f.id = 99;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), 0);
    ck_assert_uint_eq(view.icmp, VPN__ICMP_REQUEST);
    ck_assert_uint_eq(view.id, 99);
    f.extensions = 17;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), BAD);
}
END_TEST

/* Cut anywhere, a packet is refused; with anything behind it, it is the same. */
START_TEST(every_length)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct facts f = tcp4;
        f.family = family;
        f.extensions = family == 6 ? 2 : 0;
        size_t length = facts_write(&f, packet);
        for (size_t n = 0; n < length; n++)
            ck_assert_uint_eq(parse(n), BAD);
        memset(packet + length, 0xff, 9);
        ck_assert_uint_eq(parse(length + 9), 0);
        ck_assert_uint_eq(view.total, length);
        ck_assert_uint_eq(view.end, 5);
    }
}
END_TEST

START_TEST(headers_that_lie)
{
    struct facts f = tcp4;
    size_t length = facts_write(&f, packet);
    packet[0] = 0x44;
    ck_assert_uint_eq(parse(length), BAD);
    packet[0] = 0x55;
    ck_assert_uint_eq(parse(length), BAD);
    packet[0] = 0x4f;
    ck_assert_uint_eq(parse(length), BAD);
    packet[0] = 0x45;
    packet[3] = 19;
    ck_assert_uint_eq(parse(length), BAD);
    (void)facts_write(&f, packet);
    packet[20 + 12] = 0x40; /* data offset under the least */
    ck_assert_uint_eq(parse(length), BAD);
    packet[20 + 12] = 0x70; /* past the end */
    ck_assert_uint_eq(parse(length), BAD);
    packet[20 + 12] = 0x60;
    ck_assert_uint_eq(parse(length), 0);
}
END_TEST

/* RFC 1858 section 3: a first fragment that leaves ports or flags to the second one. */
START_TEST(tiny_first_fragments)
{
    static const struct {
        uint8_t protocol, header;
    } rows[] = {{6, 20}, {17, 8}, {136, 8}, {132, 12}, {33, 12}, {1, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint8_t n = 0; n <= rows[i].header; n++) {
            struct facts f = tcp4;
            f.protocol = rows[i].protocol;
            f.more = 1;
            f.payload = 0;
            (void)facts_write(&f, packet);
            facts_put16(packet + 2, 20u + n);
            ck_assert_uint_eq(parse(20u + n), n < rows[i].header ? TINY : 0);
        }
}
END_TEST

/* RFC 1858 section 4, RFC 3128: a later fragment that overwrites what the first one showed. */
START_TEST(overlapping_fragments)
{
    struct facts f = tcp4;
    f.payload = 64;
    f.offset = 8;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), TINY);
    f.offset = 16;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), TINY);
    f.offset = 24;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), 0);
    ck_assert_uint_eq(view.part, VPN__PART_LATER);
    ck_assert_uint_eq(view.ports[1], VPN__NO_PORT);
    ck_assert_uint_eq(view.flags, VPN__NO_FLAGS);
    f.protocol = 17;
    f.offset = 8;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), 0);
    f.offset = 65528;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), BAD); /* longer than a packet can be */
}
END_TEST

START_TEST(fragments6)
{
    struct facts f = tcp4;
    f.family = 6;
    f.extensions = 1;
    f.more = 1;
    f.fragment = 0x12345678;
    size_t length = facts_write(&f, packet);
    ck_assert_uint_eq(parse(length), 0);
    ck_assert_uint_eq(view.part, VPN__PART_FIRST);
    ck_assert_uint_eq(view.fragment, 0x12345678);
    packet[40 + 8 + 3] = 0; /* atomic, RFC 6946: no more, offset 0 */
    ck_assert_uint_eq(parse(length), 0);
    ck_assert_uint_eq(view.part, VPN__PART_WHOLE);
    f.offset = 16;
    ck_assert_uint_eq(parse(facts_write(&f, packet)), TINY);
    f.offset = 24;
    length = facts_write(&f, packet);
    ck_assert_uint_eq(parse(length), 0);
    ck_assert_uint_eq(view.part, VPN__PART_LATER);
    packet[56] = 6; /* what might be taken for options of 8 bytes */
    packet[57] = 0;
    packet[40 + 8] = 60; /* nobody can tell what is behind options that were in the first fragment */
    ck_assert_uint_eq(parse(length), BAD);
    packet[40 + 8] = 44;
    ck_assert_uint_eq(parse(length), BAD);
}
END_TEST

static size_t with_extension(uint8_t number, uint8_t length_field, size_t bytes)
{
    struct facts f = tcp4;
    f.family = 6;
    size_t length = facts_write(&f, packet);
    memmove(packet + 40 + bytes, packet + 40, length - 40);
    memset(packet + 40, 0, bytes);
    packet[6] = number;
    packet[40] = 6;
    packet[41] = length_field;
    facts_put16(packet + 4, (uint32_t)(length + bytes - 40));
    return length + bytes;
}

START_TEST(extensions)
{
    static const uint8_t walked[] = {0, 43, 60, 140}, ends[] = {50, 59, 135, 139, 253, 200};
    for (size_t i = 0; i < sizeof walked; i++) {
        size_t length = with_extension(walked[i], 1, 16);
        ck_assert_uint_eq(parse(length), 0);
        ck_assert_uint_eq(view.protocol, 6);
        ck_assert_uint_eq(view.ports[1], 80);
        packet[41] = 200;
        ck_assert_uint_eq(parse(length), BAD);
    }
    ck_assert_uint_eq(parse(with_extension(51, 4, 24)), 0); /* authentication: length in 32-bit words, less 2 */
    ck_assert_uint_eq(view.ports[1], 80);
    for (size_t i = 0; i < sizeof ends; i++) {
        ck_assert_uint_eq(parse(with_extension(ends[i], 0, 8)), 0);
        ck_assert_uint_eq(view.protocol, ends[i]);
        ck_assert_uint_eq(view.ports[1], VPN__NO_PORT);
    }
    size_t length = with_extension(60, 0, 16);
    packet[48] = 6;
    packet[40] = 60;
    ck_assert_uint_eq(parse(length), 0);
    packet[40] = 0; /* hop-by-hop options behind others */
    ck_assert_uint_eq(parse(length), BAD);
    length = with_extension(44, 0, 8);
    packet[40] = 44; /* fragments of fragments, RFC 8200 has none */
    packet[43] = 1;
    ck_assert_uint_eq(parse(length), BAD);
}
END_TEST

START_TEST(first_fragments_must_hold_all_headers)
{
    struct facts f = tcp4;
    f.family = 6;
    f.more = 1;
    size_t length = facts_write(&f, packet);
    packet[40] = 60; /* destination options behind the fragment header, longer than the fragment: RFC 7112 */
    packet[48] = 6;
    packet[49] = 30;
    ck_assert_uint_eq(parse(length), TINY);
    facts_put16(packet + 4, 12);
    ck_assert_uint_eq(parse(52), TINY);
}
END_TEST

START_TEST(quoted)
{
    struct facts f = tcp4;
    size_t length = facts_write(&f, packet);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, length), 0);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, 28), 0); /* RFC 792: the header and 64 bits */
    ck_assert_uint_eq(view.ports[0], 1234);
    ck_assert_uint_eq(view.flags, VPN__NO_FLAGS);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, 27), BAD);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, 0), BAD);
    f.offset = 64;
    length = facts_write(&f, packet);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, length), BAD);
    f.offset = 0;
    f.family = 6;
    f.extensions = 1;
    (void)facts_write(&f, packet);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, 56), 0);
    ck_assert_uint_eq(view.ports[1], 80);
    ck_assert_uint_eq(vpn__filter_parse_quoted(&view, packet, 55), BAD);
}
END_TEST

START_TEST(kinds_of_icmp)
{
    struct facts f = tcp4;
    for (uint32_t family = 4; family <= 6; family += 2)
        for (uint32_t type = 0; type < 256; type++) {
            f.family = (uint8_t)family;
            f.protocol = family == 4 ? 1 : 58;
            f.ports[0] = (uint16_t)type;
            ck_assert_uint_eq(parse(facts_write(&f, packet)), 0);
            int error = family == 4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
            ck_assert_int_eq(view.icmp == VPN__ICMP_ERROR, error);
            ck_assert_int_eq(view.icmp == VPN__ICMP_REQUEST, type == (family == 4 ? 8 : 128));
            ck_assert_int_eq(view.icmp == VPN__ICMP_REPLY, type == (family == 4 ? 0 : 129));
        }
    f.family = 4;
    f.protocol = 58; /* no ICMP there */
    ck_assert_uint_eq(parse(facts_write(&f, packet)), 0);
    ck_assert_uint_eq(view.icmp, VPN__ICMP_NONE);
}
END_TEST

/* What both the filter and vpn_ip_parse take they understand alike; but only the latter looks behind an IPv4 authentication
   header. */
static void agree(const vpn_ip *ip)
{
    uint32_t part = ip->flags & VPN_IP_LATER      ? VPN__PART_LATER
                    : ip->flags & VPN_IP_FRAGMENT ? VPN__PART_FIRST
                                                  : VPN__PART_WHOLE;
    ck_assert_uint_eq(view.family, ip->version);
    ck_assert_uint_eq(view.part, part);
    ck_assert_uint_eq(view.total, ip->total);
    if (view.family == 4 && view.protocol == VPN_IP_AH)
        return;
    ck_assert_uint_eq(view.protocol, ip->protocol);
    ck_assert_uint_eq(view.flags, ip->protocol == 6 && part != VPN__PART_LATER ? ip->tcp_flags : VPN__NO_FLAGS);
    if (ip->flags & VPN_IP_PORTS) {
        ck_assert_uint_eq(view.ports[0], ip->src_port);
        ck_assert_uint_eq(view.ports[1], ip->dst_port);
    } else if (ip->flags & VPN_IP_CONTROL) {
        ck_assert_uint_eq(view.ports[0], ip->icmp_type);
        ck_assert_uint_eq(view.ports[1], ip->icmp_code);
        ck_assert_uint_eq(view.quoted, ip->transport + 8);
    } else {
        ck_assert_uint_eq(view.ports[0], VPN__NO_PORT);
    }
}

START_TEST(two_readers)
{
    static const uint8_t protocols[] = {6, 17, 136, 33, 47, 1, 58},
                         headers[] = {0, 43, 44, 50, 51, 60, 140, 6, 17, 1, 58};
    uint64_t seed = 1;
    uint32_t both = 0;
    for (int i = 0; i < 60000; i++) {
        static uint8_t bytes[INNER_ROOM];
        struct inner in = {.version = test_below(&seed, 2) ? 4 : 6, .protocol = protocols[test_below(&seed, 7)]};
        in.extras = (uint8_t)test_below(&seed, 4);
        in.fragment = (uint8_t)test_below(&seed, 3);
        in.payload = 24 + (uint32_t)test_below(&seed, 100);
        in.seed = test_random(&seed);
        size_t length = inner_packet(bytes, &in);
        for (size_t n = test_below(&seed, 4); n; n--) /* another header, or a byte that is wrong */
            bytes[test_below(&seed, 90) % length] =
                test_below(&seed, 2) ? headers[test_below(&seed, sizeof headers)] : (uint8_t)test_random(&seed);
        vpn_ip ip;
        if (vpn_ip_parse(&ip, bytes, length) != 0 || vpn__filter_parse(&view, bytes, length) != 0)
            continue;
        agree(&ip);
        both++;
    }
    ck_assert_uint_gt(both, 20000);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_parse");
    test_add(s, "whole_packets", whole_packets);
    test_add(s, "every_length", every_length);
    test_add(s, "headers_that_lie", headers_that_lie);
    test_add(s, "tiny_first_fragments", tiny_first_fragments);
    test_add(s, "overlapping_fragments", overlapping_fragments);
    test_add(s, "fragments6", fragments6);
    test_add(s, "extensions", extensions);
    test_add(s, "first_fragments_must_hold_all_headers", first_fragments_must_hold_all_headers);
    test_add(s, "quoted", quoted);
    test_add(s, "kinds_of_icmp", kinds_of_icmp);
    test_add(s, "two_readers", two_readers);
    return s;
}

TEST_MAIN(suite)
