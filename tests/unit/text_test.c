/* SPDX-License-Identifier: ISC */
/* Numbers and addresses as text, against tables and against the C library's inet_pton and inet_ntop. */
#include <arpa/inet.h>
#include <stdlib.h>

#include <vpn/uapi.h>

#include "common/test.h"
#include "config/text.h"

/* The text stands in a block of its own size, so that a sanitizer sees a read past its end. */
static char *exact(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    return copy;
}

static int endpoint_length(vpn_endpoint *out, const char *text, size_t length)
{
    char *copy = exact(text, length);
    int error = vpn_endpoint_parse(out, copy, length);
    free(copy);
    return error;
}

static int endpoint(vpn_endpoint *out, const char *text)
{
    return endpoint_length(out, text, strlen(text));
}

static int prefix(vpn_prefix *out, const char *text)
{
    char *copy = exact(text, strlen(text));
    int error = vpn_prefix_parse(out, copy, strlen(text));
    free(copy);
    return error;
}

START_TEST(decimal_reads_its_range_and_no_more)
{
    static const char *const bad[] = {
        "", " ", "-1", "+1", "1 ", " 1", "1a", "0x1", "a", "65536", "99999999999999999999999"};
    uint32_t value = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(vpn__read_decimal(&value, bad[i], strlen(bad[i]), 65535), VPN_EFORMAT);
        ck_assert_uint_eq(value, 7);
    }
    for (uint32_t n = 0; n < 70000; n++) {
        char text[16];
        int length = snprintf(text, sizeof(text), "%u", n);
        ck_assert_int_eq(vpn__read_decimal(&value, text, (size_t)length, 65535), n > 65535 ? VPN_EFORMAT : 0);
        ck_assert_uint_eq(value, n > 65535 ? 65535 : n);
    }
    ck_assert_int_eq(vpn__read_decimal(&value, "4294967295", 10, UINT32_MAX), 0);
    ck_assert_uint_eq(value, UINT32_MAX);
    ck_assert_int_eq(vpn__read_decimal(&value, "4294967296", 10, UINT32_MAX), VPN_EFORMAT);
    ck_assert_int_eq(vpn__read_decimal(&value, "0000000000000000000000017", 25, 17), 0);
    ck_assert_uint_eq(value, 17);
    ck_assert_int_eq(vpn__read_decimal(&value, "12", 1, 17), 0);
    ck_assert_uint_eq(value, 1);
}
END_TEST

START_TEST(number_is_decimal_or_hexadecimal)
{
    static const struct {
        const char *text;
        uint32_t value;
    } good[] = {
        {"0", 0},          {"10", 10},  {"0x0", 0},          {"0x10", 16},        {"0Xca6c", 51820},
        {"0xCA6C", 51820}, {"010", 10}, {"0xffffffff", ~0u}, {"4294967295", ~0u}, {"0x00000000000000000ffffffff", ~0u}};
    static const char *const bad[] = {"",           "0x", "0X",   "x1",   "0x1g", "0x100000000",
                                      "4294967296", "ff", "0x-1", "0x 1", "00x1"};
    uint32_t value;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_int_eq(vpn__read_number(&value, good[i].text, strlen(good[i].text), UINT32_MAX), 0);
        ck_assert_uint_eq(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(vpn__read_number(&value, bad[i], strlen(bad[i]), UINT32_MAX), VPN_EFORMAT);
    ck_assert_int_eq(vpn__read_number(&value, "0x10", 4, 15), VPN_EFORMAT);
}
END_TEST

START_TEST(writer_counts_what_does_not_fit)
{
    static const char want[] = "ab18446744073709551615-0.";
    for (size_t capacity = 0; capacity <= sizeof(want); capacity++) {
        char out[64];
        memset(out, '#', sizeof(out));
        struct vpn__text text = {.out = capacity ? out : NULL, .capacity = capacity};
        vpn__text_bytes(&text, "abc", 2);
        vpn__text_decimal(&text, UINT64_MAX);
        vpn__text_string(&text, "-");
        vpn__text_decimal(&text, 0);
        vpn__text_string(&text, "");
        vpn__text_string(&text, ".");
        ck_assert_uint_eq(text.length, strlen(want));
        size_t written = 0;
        while (out[written] != '#')
            written++;
        ck_assert_uint_le(written, capacity);
        ck_assert_mem_eq(out, want, written);
        if (capacity >= strlen(want))
            ck_assert_uint_eq(written, strlen(want));
        for (size_t i = written; i < sizeof(out); i++)
            ck_assert_int_eq(out[i], '#');
    }
}
END_TEST

/* Nothing may follow what did not fit, or the text would have a hole. */
START_TEST(writer_leaves_no_hole)
{
    char out[8] = "#######";
    struct vpn__text text = {.out = out, .capacity = 4};
    vpn__text_string(&text, "abc");
    vpn__text_string(&text, "long");
    vpn__text_string(&text, "d");
    ck_assert_str_eq(out, "abc####");
    ck_assert_uint_eq(text.length, 8);
}
END_TEST

static int pton(int family, uint8_t out[16], const char *text)
{
    memset(out, 0, 16);
    return inet_pton(family, text, out) == 1;
}

/* An address alone is a prefix, so the prefix parser shows what the address parsers take. */
static void same_as_pton(const char *text)
{
    uint8_t want[16];
    vpn_prefix have;
    int family = strchr(text, ':') ? 6 : 4;
    int good = pton(family == 6 ? AF_INET6 : AF_INET, want, text);
    int same = prefix(&have, text) == (good ? 0 : VPN_EFORMAT);
    if (same && good)
        same = have.family == family && have.bits == (family == 6 ? 128 : 32) && memcmp(have.addr, want, 16) == 0;
    if (!same) /* an assertion each time would take most of the test's time */
        ck_abort_msg("\"%s\" is %s", text, good ? "good, or has another value" : "bad");
}

/* All texts of up to `most` characters out of an alphabet. */
static void all_texts(const char *alphabet, size_t most)
{
    size_t letters = strlen(alphabet), index[16] = {0};
    char text[17] = "";
    for (size_t length = 0; length <= most; length++) {
        memset(index, 0, sizeof(index));
        memset(text, alphabet[0], length);
        size_t at;
        do {
            same_as_pton(text);
            for (at = 0; at < length && ++index[at] == letters; at++) {
                index[at] = 0;
                text[at] = alphabet[0];
            }
            if (at < length)
                text[at] = alphabet[index[at]];
        } while (at < length);
    }
}

START_TEST(ipv4_short_texts_as_inet_pton)
{
    all_texts("1.0", 10);
    all_texts("2.56a", 7);
}
END_TEST

START_TEST(ipv6_short_texts_as_inet_pton)
{
    all_texts(":1", 14);
    all_texts(":0f.g", 6);
}
END_TEST

static void change(uint64_t *seed, char *text, size_t room)
{
    static const char alphabet[] = "0123456789abcdefABCDEF::::....%g-";
    size_t length = strlen(text), at = test_below(seed, length + 1);
    char letter = alphabet[test_below(seed, sizeof(alphabet) - 1)];
    switch (test_below(seed, 3)) {
    case 0:
        if (length + 1 < room) {
            memmove(text + at + 1, text + at, length - at + 1);
            text[at] = letter;
        }
        break;
    case 1:
        if (at < length)
            memmove(text + at, text + at + 1, length - at);
        break;
    default:
        if (at < length)
            text[at] = letter;
    }
}

START_TEST(changed_addresses_as_inet_pton)
{
    static const char *const start[] = {"192.0.2.255",
                                        "2001:db8:0:1:ffff:0:0:1",
                                        "::ffff:192.0.2.1",
                                        "1:2:3:4:5:6:10.9.8.7",
                                        "fe80::1",
                                        "1:2:3:4:5:6:7:8",
                                        "::",
                                        "1::",
                                        "1:2:3:4:5:6:7::",
                                        "::2:3:4:5:6:7:8"};
    uint64_t seed = 11;
    for (int round = 0; round < 100000; round++) {
        char text[64];
        snprintf(text, sizeof(text), "%s", start[test_below(&seed, sizeof(start) / sizeof(start[0]))]);
        for (size_t n = test_below(&seed, 5); n > 0; n--)
            change(&seed, text, sizeof(text));
        same_as_pton(text);
    }
}
END_TEST

/* Bytes with many zero groups, which is where the forms differ. */
static void random_address(uint64_t *seed, uint8_t addr[16])
{
    test_fill(seed, addr, 16);
    uint64_t zeros = test_random(seed) & test_random(seed), small = test_random(seed);
    uint64_t all = test_below(seed, 4) == 0 ? 0 : UINT64_MAX;
    for (size_t i = 0; i < 8; i++) {
        if ((zeros | ~all) >> i & 1 && test_below(seed, 8))
            memset(addr + 2 * i, 0, 2);
        else if (small >> i & 1)
            addr[2 * i] = 0;
        else if (small >> (8 + i) & 1)
            addr[2 * i] &= 0x0f;
    }
    if (test_below(seed, 16) == 0) {
        memset(addr, 0, 10);
        memset(addr + 10, 0xff, 2);
    }
}

/* inet_ntop writes the deprecated IPv4-compatible addresses with dots, which RFC 5952 does not ask for; musl's shortens a
   later run of zeros instead of one of the same length at the beginning, which section 4.2.3 does not allow. */
static int peculiar(const uint8_t addr[16])
{
#ifndef __GLIBC__
    if (addr[0] == 0 && addr[1] == 0)
        return 1;
#endif
    return test_is_zero(addr, 12) && (addr[12] || addr[13]);
}

START_TEST(random_prefixes_round_trip)
{
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        vpn_prefix in = {.family = round % 4 ? 6 : 4}, out;
        char text[VPN_PREFIX_CHARS], want[INET6_ADDRSTRLEN + 8];
        random_address(&seed, in.addr);
        if (in.family == 4)
            memset(in.addr + 4, 0, 12);
        in.bits = (uint8_t)test_below(&seed, in.family == 6 ? 129 : 33);
        for (size_t bit = in.bits; bit < 128; bit++)
            in.addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        memset(text, '#', sizeof(text));
        vpn_prefix_format(text, &in);
        ck_assert_int_eq(prefix(&out, text), 0);
        ck_assert_mem_eq(&in, &out, sizeof(in));
        if (in.family == 6 && peculiar(in.addr))
            continue;
        inet_ntop(in.family == 6 ? AF_INET6 : AF_INET, in.addr, want, sizeof(want));
        snprintf(want + strlen(want), 8, "/%u", in.bits);
        ck_assert_str_eq(text, want);
    }
}
END_TEST

START_TEST(random_endpoints_round_trip)
{
    uint64_t seed = 6;
    for (int round = 0; round < 20000; round++) {
        vpn_endpoint in = {.family = round % 4 ? 6 : 4, .port = (uint16_t)test_random(&seed)}, out;
        char text[VPN_ENDPOINT_CHARS], address[INET6_ADDRSTRLEN], want[96];
        random_address(&seed, in.addr);
        if (in.family == 4)
            memset(in.addr + 4, 0, 12);
        else if (round % 3)
            in.scope = (uint32_t)test_random(&seed) >> test_below(&seed, 32);
        vpn_endpoint_format(text, &in);
        ck_assert_int_eq(endpoint(&out, text), 0);
        ck_assert_mem_eq(&in, &out, sizeof(in));
        if (in.family == 6 && peculiar(in.addr))
            continue;
        inet_ntop(in.family == 6 ? AF_INET6 : AF_INET, in.addr, address, sizeof(address));
        if (in.family == 4)
            snprintf(want, sizeof(want), "%s:%u", address, in.port);
        else if (in.scope)
            snprintf(want, sizeof(want), "[%s%%%u]:%u", address, in.scope, in.port);
        else
            snprintf(want, sizeof(want), "[%s]:%u", address, in.port);
        ck_assert_str_eq(text, want);
    }
}
END_TEST

/* The examples of RFC 5952 sections 4 and 5 */
START_TEST(ipv6_is_written_by_rfc_5952)
{
    static const char *const pairs[][2] = {{"2001:0db8::0001", "2001:db8::1/128"},
                                           {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1/128"},
                                           {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1/128"},
                                           {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1/128"},
                                           {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1/128"},
                                           {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128"},
                                           {"2001:DB8::ABCD", "2001:db8::abcd/128"},
                                           {"::FFFF:192.0.2.1", "::ffff:192.0.2.1/128"},
                                           {"::ffff:c000:0201", "::ffff:192.0.2.1/128"},
                                           {"::192.0.2.1", "::c000:201/128"},
                                           {"0:0:0:0:0:0:0:0", "::/128"},
                                           {"0:0:0:0:0:0:0:1", "::1/128"},
                                           {"1:0:0:0:0:0:0:0", "1::/128"},
                                           {"::ffff:192.0.2.1/95", "::fffe:0:0/95"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[VPN_PREFIX_CHARS];
        vpn_prefix out;
        ck_assert_int_eq(prefix(&out, pairs[i][0]), 0);
        vpn_prefix_format(text, &out);
        ck_assert_str_eq(text, pairs[i][1]);
    }
}
END_TEST

START_TEST(prefix_zeroes_the_bits_past_its_length)
{
    for (unsigned bits = 0; bits <= 128; bits++) {
        char text[64];
        vpn_prefix out;
        snprintf(text, sizeof(text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/%u", bits);
        ck_assert_int_eq(prefix(&out, text), 0);
        ck_assert_uint_eq(out.bits, bits);
        for (unsigned bit = 0; bit < 128; bit++)
            ck_assert_uint_eq(out.addr[bit / 8] >> (7 - bit % 8) & 1, bit < bits);
        snprintf(text, sizeof(text), "255.255.255.255/%u", bits);
        ck_assert_int_eq(prefix(&out, text), bits > 32 ? VPN_EFORMAT : 0);
        if (bits > 32)
            continue;
        ck_assert_uint_eq(out.bits, bits);
        for (unsigned bit = 0; bit < 128; bit++)
            ck_assert_uint_eq(out.addr[bit / 8] >> (7 - bit % 8) & 1, bit < bits);
    }
}
END_TEST

START_TEST(bad_prefixes_are_refused)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/+8",
                                      "10.0.0.0/08",
                                      "10.0.0.0/8 ",
                                      " 10.0.0.0/8",
                                      "10.0.0.0/8/8",
                                      "10.0.0/8",
                                      "10.0.0.0/0x8",
                                      "::/129",
                                      "::/",
                                      "::/00",
                                      ":/0",
                                      "::1%1/64",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "1:2:3:4:5:6:7::1.2.3.4",
                                      "fe80::1%1",
                                      "[::1]/128",
                                      "10.0.0.0/4294967304",
                                      "10.0.0.0/256",
                                      "localhost",
                                      "10.0.0.0/a",
                                      "::/8,10.0.0.0/8"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vpn_prefix out, before;
        memset(&out, 0x5a, sizeof(out));
        before = out;
        ck_assert_msg(prefix(&out, bad[i]) == VPN_EFORMAT, "\"%s\" was taken", bad[i]);
        ck_assert_mem_eq(&out, &before, sizeof(out));
    }
    vpn_prefix out;
    ck_assert_int_eq(vpn_prefix_parse(&out, "10.0.0.0\0/8", 11), VPN_EFORMAT);
}
END_TEST

START_TEST(bad_endpoints_are_refused)
{
    static const char *const bad[] = {"",
                                      ":",
                                      ":1",
                                      "1",
                                      "192.0.2.1",
                                      "192.0.2.1:",
                                      "192.0.2.1:65536",
                                      "192.0.2.1:-1",
                                      "192.0.2.1:+1",
                                      "192.0.2.1: 1",
                                      "192.0.2.1:1 ",
                                      " 192.0.2.1:1",
                                      "192.0.2:1",
                                      "192.0.2.1.5:1",
                                      "192.0.2.256:1",
                                      "192.0.2.01:1",
                                      "[192.0.2.1]:1",
                                      "192.0.2.1:1:1",
                                      "::1:1",
                                      "[::1]",
                                      "[::1]:",
                                      "[::1:1",
                                      "::1]:1",
                                      "[]:1",
                                      "[:1",
                                      "]:1",
                                      "[:]:1",
                                      "[::1]1",
                                      "[::1]]:1",
                                      "[[::1]:1",
                                      "[::1]:65536",
                                      "[::1%]:1",
                                      "[::1%eth0]:1",
                                      "[::1%-1]:1",
                                      "[::1%01]:1",
                                      "[::1%4294967296]:1",
                                      "[::1%1%2]:1",
                                      "[%1]:1",
                                      "192.0.2.1%1:1",
                                      "[::1/64]:1",
                                      "example.org:1",
                                      "192.0.2.1:0x10"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vpn_endpoint out, before;
        memset(&out, 0x5a, sizeof(out));
        before = out;
        ck_assert_msg(endpoint(&out, bad[i]) == VPN_EFORMAT, "\"%s\" was taken", bad[i]);
        ck_assert_mem_eq(&out, &before, sizeof(out));
    }
}
END_TEST

/* Cut anywhere, it is refused, except within the digits of the port. */
START_TEST(endpoint_truncations)
{
    static const char *const good[] = {"192.0.2.1:51820", "[2001:db8::1%37]:51820", "[::ffff:192.0.2.1]:51820"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        vpn_endpoint out;
        size_t length = strlen(good[i]), port = length - 5;
        for (size_t cut = 0; cut <= length; cut++)
            ck_assert_int_eq(endpoint_length(&out, good[i], cut), cut > port ? 0 : VPN_EFORMAT);
        ck_assert_uint_eq(out.port, 51820);
    }
}
END_TEST

START_TEST(odd_values_have_a_text)
{
    char text[VPN_ENDPOINT_CHARS];
    vpn_endpoint none = {.family = 0, .port = 9}, odd = {.family = 5}, longest = {.family = 6, .port = 65535};
    vpn_endpoint_format(text, &none);
    ck_assert_str_eq(text, "(none)");
    vpn_endpoint_format(text, &odd);
    ck_assert_str_eq(text, "(none)");
    memset(longest.addr, 0xff, 16);
    longest.scope = UINT32_MAX;
    vpn_endpoint_format(text, &longest);
    ck_assert_str_eq(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
    char small[VPN_PREFIX_CHARS];
    vpn_prefix wide = {.family = 4, .bits = 200, .addr = {10, 1, 2, 3, 9, 9}}, unknown = {.family = 1, .bits = 3};
    vpn_prefix_format(small, &wide);
    ck_assert_str_eq(small, "10.1.2.3/32");
    wide.bits = 9;
    vpn_prefix_format(small, &wide);
    ck_assert_str_eq(small, "10.0.0.0/9");
    vpn_prefix_format(small, &unknown);
    ck_assert_str_eq(small, "(none)");
}
END_TEST

static Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    test_add(suite, "decimal", decimal_reads_its_range_and_no_more);
    test_add(suite, "number", number_is_decimal_or_hexadecimal);
    test_add(suite, "writer", writer_counts_what_does_not_fit);
    test_add(suite, "no hole", writer_leaves_no_hole);
    test_add(suite, "ipv4", ipv4_short_texts_as_inet_pton);
    test_add(suite, "ipv6", ipv6_short_texts_as_inet_pton);
    test_add(suite, "changed", changed_addresses_as_inet_pton);
    test_add(suite, "prefixes", random_prefixes_round_trip);
    test_add(suite, "endpoints", random_endpoints_round_trip);
    test_add(suite, "rfc 5952", ipv6_is_written_by_rfc_5952);
    test_add(suite, "mask", prefix_zeroes_the_bits_past_its_length);
    test_add(suite, "bad prefixes", bad_prefixes_are_refused);
    test_add(suite, "bad endpoints", bad_endpoints_are_refused);
    test_add(suite, "truncations", endpoint_truncations);
    test_add(suite, "odd values", odd_values_have_a_text);
    return suite;
}

TEST_MAIN(text_suite)
