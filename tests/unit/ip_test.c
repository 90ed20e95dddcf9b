/* SPDX-License-Identifier: ISC */
#include "packet/ip.h"

#include "base/bytes.h"
#include "common/test.h"

static uint16_t sum_of(const uint8_t *data, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += vpn__load16be(data + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void make4(uint8_t *out, uint8_t words, uint8_t tos, uint16_t total)
{
    memset(out, 0, words * 4u);
    out[0] = (uint8_t)(0x40 | words);
    out[1] = tos;
    vpn__store16be(out + 2, total);
    out[8] = 64;
    out[9] = 17;
    vpn__store32be(out + 12, 0x0a000001);
    vpn__store32be(out + 16, 0x0a000002);
    vpn__store16be(out + 10, sum_of(out, words * 4u));
}

static void make6(uint8_t *out, uint8_t tos, uint16_t payload)
{
    memset(out, 0, 40);
    vpn__store32be(out, 0x60000000u | (uint32_t)tos << 20 | 0xabcde);
    vpn__store16be(out + 4, payload);
    out[6] = 17;
    out[7] = 64;
    memset(out + 8, 0x11, 16);
    memset(out + 24, 0x22, 16);
}

/* Parses a copy of exactly `length` bytes, so that a sanitizer sees a read past the end. */
static int parse(struct vpn__ip *ip, const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, length);
    int error = vpn__ip_parse(ip, copy, length);
    free(copy);
    return error;
}

START_TEST(fields4)
{
    uint8_t data[100];
    struct vpn__ip ip;
    make4(data, 6, 0xb9, 100);
    ck_assert_int_eq(vpn__ip_parse(&ip, data, 100), 0);
    ck_assert_uint_eq(ip.version, 4);
    ck_assert_uint_eq(ip.tos, 0xb9);
    ck_assert_uint_eq(ip.total, 100);
    ck_assert_ptr_eq(ip.src, data + 12);
    ck_assert_ptr_eq(ip.dst, data + 16);
}
END_TEST

START_TEST(fields6)
{
    uint8_t data[100];
    struct vpn__ip ip;
    make6(data, 0xb9, 60);
    ck_assert_int_eq(vpn__ip_parse(&ip, data, 100), 0);
    ck_assert_uint_eq(ip.version, 6);
    ck_assert_uint_eq(ip.tos, 0xb9);
    ck_assert_uint_eq(ip.total, 100);
    ck_assert_ptr_eq(ip.src, data + 8);
    ck_assert_ptr_eq(ip.dst, data + 24);
}
END_TEST

/* Every header length, total length and packet length up to 70. */
START_TEST(lengths4)
{
    uint8_t data[80];
    struct vpn__ip ip;
    for (uint8_t words = 0; words < 16; words++) {
        memset(data, 0, sizeof(data));
        for (uint16_t total = 0; total < 70; total++) {
            data[0] = (uint8_t)(0x40 | words);
            vpn__store16be(data + 2, total);
            for (size_t length = 0; length < 70; length++) {
                int fits = length >= 20 && words >= 5 && total >= words * 4 && total <= length;
                int error = parse(&ip, data, length);
                if (error != (fits ? 0 : VPN_EFORMAT) || (fits && ip.total != total))
                    ck_abort_msg("words %d total %d length %d: %d", words, total, (int)length, error);
            }
        }
    }
}
END_TEST

START_TEST(lengths6)
{
    static uint8_t data[65575 + 1];
    struct vpn__ip ip;
    for (uint16_t payload = 0; payload < 40; payload++) {
        make6(data, 0, payload);
        for (size_t length = 0; length < 85; length++) {
            int error = parse(&ip, data, length);
            ck_assert_int_eq(error, length >= 40 && payload + 40u <= length ? 0 : VPN_EFORMAT);
            if (!error)
                ck_assert_uint_eq(ip.total, payload + 40u);
        }
    }
    make6(data, 0, 65535);
    ck_assert_int_eq(vpn__ip_parse(&ip, NULL, 0), VPN_EFORMAT);
    ck_assert_int_eq(vpn__ip_parse(&ip, data, 65574), VPN_EFORMAT);
    ck_assert_int_eq(vpn__ip_parse(&ip, data, 65575), 0);
    ck_assert_uint_eq(ip.total, 65575);
}
END_TEST

START_TEST(versions)
{
    uint8_t data[64];
    struct vpn__ip ip;
    for (uint32_t version = 0; version < 16; version++) {
        memset(data, 0, sizeof(data));
        data[0] = (uint8_t)(version << 4 | 5);
        vpn__store16be(data + 2, 20);
        ck_assert_int_eq(vpn__ip_parse(&ip, data, sizeof(data)), version == 4 || version == 6 ? 0 : VPN_EFORMAT);
    }
}
END_TEST

START_TEST(random_bytes)
{
    uint64_t seed = 1;
    uint32_t parsed = 0;
    for (int i = 0; i < 100000; i++) {
        uint8_t data[96] = {0};
        struct vpn__ip ip;
        size_t length = test_below(&seed, sizeof(data) + 1);
        test_fill(&seed, data, length < 6 ? length : 6);
        if (length && i % 4)
            data[0] = i % 2 ? 0x45 : 0x60;
        if (length > 4 && i % 8)
            data[2] = data[4] = 0;
        if (parse(&ip, data, length))
            continue;
        parsed++;
        uint32_t least = ip.version == 4 ? 20 : 40;
        if (ip.total < least || ip.total > length || (ip.version != 4 && ip.version != 6))
            ck_abort_msg("length %d gives total %u", (int)length, ip.total);
    }
    ck_assert_uint_gt(parsed, 5000);
}
END_TEST

/* Where the transport header begins, in a copy of exactly `length` bytes. */
static uint32_t transport(struct vpn__ip *ip, const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(length);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, length);
    ck_assert_int_eq(vpn__ip_parse(ip, copy, length), 0);
    uint32_t at = vpn__ip_transport(ip, copy);
    free(copy);
    return at;
}

START_TEST(transport4)
{
    uint8_t data[60];
    struct vpn__ip ip;
    for (uint8_t words = 5; words < 16; words++)
        for (uint32_t protocol = 0; protocol < 256; protocol++) {
            make4(data, words, 0, (uint16_t)(words * 4));
            data[9] = (uint8_t)protocol;
            ck_assert_uint_eq(transport(&ip, data, words * 4u), words * 4u);
            ck_assert_uint_eq(ip.protocol, protocol);
        }
    /* A fragment is whatever has an offset or more to come; the two other flags do not matter. */
    for (uint32_t word = 0; word < 65536; word++) {
        make4(data, 5, 0, 20);
        vpn__store16be(data + 6, (uint16_t)word);
        if (vpn__ip_parse(&ip, data, 20) || vpn__ip_transport(&ip, data) != ((word & 0x3fff) ? 0u : 20u))
            ck_abort_msg("word %04x", word);
    }
}
END_TEST

/* No extension header: every protocol but those that are one. A fragment has none that can be used. */
START_TEST(transport6)
{
    uint8_t data[48];
    struct vpn__ip ip;
    for (uint32_t protocol = 0; protocol < 256; protocol++) {
        int chained = protocol == 0 || protocol == 43 || protocol == 60;
        make6(data, 0, 8);
        memset(data + 40, 0, 8);
        data[6] = (uint8_t)protocol;
        data[40] = 6;
        ck_assert_uint_eq(transport(&ip, data, 48), protocol == 44 ? 0u : chained ? 48u : 40u);
        ck_assert_uint_eq(ip.protocol, chained ? 6 : protocol);
        if (!chained) { /* also with nothing behind */
            make6(data, 0, 0);
            data[6] = (uint8_t)protocol;
            ck_assert_uint_eq(transport(&ip, data, 40), protocol == 44 ? 0u : 40u);
        }
    }
}
END_TEST

/* Each extension header in each length, alone and before another, cut off at every byte. */
START_TEST(extensions)
{
    static const uint8_t kinds[] = {0, 43, 60};
    static uint8_t data[40 + 2048 + 8 + 20];
    struct vpn__ip ip;
    for (size_t kind = 0; kind < sizeof(kinds); kind++)
        for (uint32_t units = 1; units <= 256; units += units < 4 ? 1 : 63) {
            uint32_t end = 40 + units * 8, whole = end + 8;
            memset(data, 0, sizeof(data));
            for (uint32_t length = 40; length <= whole + 5; length += length < 56 || length + 20 > whole ? 1 : 17) {
                make6(data, 0, (uint16_t)(length - 40));
                data[6] = kinds[kind];
                data[40] = kinds[2 - kind];
                data[41] = (uint8_t)(units - 1);
                data[end] = 17;
                data[end + 1] = 0;
                ck_assert_uint_eq(transport(&ip, data, length), length < whole ? 0u : whole);
                if (length >= whole)
                    ck_assert_uint_eq(ip.protocol, 17);
                data[40] = 44;
                ck_assert_uint_eq(transport(&ip, data, length), 0);
                data[40] = 6;
                ck_assert_uint_eq(transport(&ip, data, length), length < end ? 0u : end);
            }
        }
}
END_TEST

/* What lies behind the packet's own length is not looked at. */
START_TEST(extension_in_padding)
{
    uint8_t data[80];
    struct vpn__ip ip;
    make6(data, 0, 12);
    memset(data + 40, 0, 40);
    data[6] = 60;
    data[40] = 43;
    ck_assert_uint_eq(transport(&ip, data, 80), 0);
    data[41] = 1;
    ck_assert_uint_eq(transport(&ip, data, 80), 0);
}
END_TEST

START_TEST(outer)
{
    for (uint32_t tos = 0; tos < 256; tos++)
        ck_assert_uint_eq(vpn__ecn_outer((uint8_t)tos), tos % 4);
}
END_TEST

/* RFC 6040 figure 4, [inner][outer] in the order Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3; the drop is a 0 here. */
static const uint8_t decapsulated[4][4] = {{0, 0, 0, 0}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

/* Every inner and outer TOS byte; identifications that bring the checksum to all of its values. */
START_TEST(inner4)
{
    uint8_t data[24], want[24];
    struct vpn__ip ip;
    for (uint32_t i = 0; i < 256 * 256; i++) {
        uint8_t tos = (uint8_t)i, outer_tos = (uint8_t)(i >> 8);
        uint8_t ecn = decapsulated[tos % 4][outer_tos % 4];
        make4(data, 6, tos, 24);
        vpn__store16be(data + 4, (uint16_t)(i * 40503));
        vpn__store16be(data + 10, 0);
        vpn__store16be(data + 10, sum_of(data, 24));
        memcpy(want, data, sizeof(data));
        want[1] = (uint8_t)((tos & 0xfc) | ecn);
        vpn__store16be(want + 10, 0);
        vpn__store16be(want + 10, sum_of(want, 24));
        if (vpn__ip_parse(&ip, data, 24))
            ck_abort_msg("does not parse");
        vpn__ecn_inner(data, &ip, outer_tos);
        if (memcmp(data, want, sizeof(data)) || sum_of(data, 24))
            ck_abort_msg("inner %02x outer %02x", tos, outer_tos);
    }
}
END_TEST

/* For each of the 65536 checksums, CE onto ECT(0). */
START_TEST(every_checksum)
{
    uint8_t data[20];
    struct vpn__ip ip;
    make4(data, 5, 2, 20);
    for (uint32_t id = 0; id < 65536; id++) {
        data[1] = 2;
        vpn__store16be(data + 4, (uint16_t)id);
        vpn__store16be(data + 10, 0);
        vpn__store16be(data + 10, sum_of(data, 20));
        if (vpn__ip_parse(&ip, data, 20))
            ck_abort_msg("does not parse");
        vpn__ecn_inner(data, &ip, 3);
        uint16_t have = vpn__load16be(data + 10);
        vpn__store16be(data + 10, 0);
        if (data[1] != 3 || have != sum_of(data, 20))
            ck_abort_msg("identification %u", id);
    }
}
END_TEST

/* A checksum that was wrong stays wrong: the receiver must still see that the packet is damaged. */
START_TEST(wrong_checksum)
{
    uint8_t data[20];
    struct vpn__ip ip;
    make4(data, 5, 2, 20);
    data[10] ^= 0x40;
    ck_assert_int_eq(vpn__ip_parse(&ip, data, 20), 0);
    vpn__ecn_inner(data, &ip, 3);
    ck_assert_uint_ne(sum_of(data, 20), 0);
}
END_TEST

START_TEST(inner6)
{
    uint8_t data[40], want[40];
    struct vpn__ip ip;
    for (uint32_t i = 0; i < 256 * 256; i++) {
        uint8_t tos = (uint8_t)i, outer_tos = (uint8_t)(i >> 8);
        make6(data, tos, 0);
        make6(want, (uint8_t)((tos & 0xfc) | decapsulated[tos % 4][outer_tos % 4]), 0);
        if (vpn__ip_parse(&ip, data, 40))
            ck_abort_msg("does not parse");
        vpn__ecn_inner(data, &ip, outer_tos);
        if (memcmp(data, want, sizeof(data)))
            ck_abort_msg("inner %02x outer %02x", tos, outer_tos);
    }
}
END_TEST

/* Each TOS and some lengths, beside headers made here: the flow label is 0, and DF is set. */
START_TEST(written)
{
    uint8_t want[40], have[41];
    struct vpn__ip ip = {.protocol = 17};
    for (uint32_t version = 4; version <= 6; version += 2)
        for (uint32_t tos = 0; tos < 256; tos++)
            for (uint32_t total = 40; total <= 65535; total += 8185) {
                uint32_t header = version == 4 ? 20 : 40;
                if (version == 4) {
                    make4(want, 5, (uint8_t)tos, (uint16_t)total);
                    vpn__store16be(want + 6, 0x4000);
                    vpn__store16be(want + 10, 0);
                    vpn__store16be(want + 10, sum_of(want, 20));
                } else {
                    make6(want, (uint8_t)tos, (uint16_t)(total - 40));
                    vpn__store32be(want, 0x60000000u | tos << 20);
                }
                ip.version = (uint8_t)version;
                ip.tos = (uint8_t)tos;
                ip.total = total;
                ip.src = want + (version == 4 ? 12 : 8);
                ip.dst = want + (version == 4 ? 16 : 24);
                memset(have, 0xa5, sizeof have);
                ck_assert_uint_eq(vpn__ip_write(have, &ip), header);
                ck_assert_mem_eq(have, want, header);
                ck_assert_uint_eq(have[header], 0xa5);
            }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ip");
    test_add(s, "fields4", fields4);
    test_add(s, "fields6", fields6);
    test_add(s, "lengths4", lengths4);
    test_add(s, "lengths6", lengths6);
    test_add(s, "versions", versions);
    test_add(s, "random_bytes", random_bytes);
    test_add(s, "transport4", transport4);
    test_add(s, "transport6", transport6);
    test_add(s, "extensions", extensions);
    test_add(s, "extension_in_padding", extension_in_padding);
    test_add(s, "outer", outer);
    test_add(s, "inner4", inner4);
    test_add(s, "every_checksum", every_checksum);
    test_add(s, "wrong_checksum", wrong_checksum);
    test_add(s, "inner6", inner6);
    test_add(s, "written", written);
    return s;
}

TEST_MAIN(suite)
