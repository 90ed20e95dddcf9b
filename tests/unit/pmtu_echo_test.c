/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_echo.h"

#include <vpn/pmtu.h>

#include "common/pmtu.h"

static struct vpn__pmtu_ends ends_of(uint8_t family)
{
    struct vpn__pmtu_ends ends = {.family = family};
    memcpy(ends.src, family == 4 ? path_inner_src : path_inner_src6, 16);
    memcpy(ends.dst, family == 4 ? path_inner_dst : path_inner_dst6, 16);
    return ends;
}

static struct vpn__pmtu_echo echo_of(uint32_t bytes, uint64_t *seed)
{
    struct vpn__pmtu_echo echo = {.bytes = bytes, .id = 0x1234, .sequence = 0xabcd};
    test_fill(seed, echo.token, sizeof echo.token);
    return echo;
}

/* The request, byte by byte. */
static void model(uint8_t *out, const struct vpn__pmtu_ends *ends, const struct vpn__pmtu_echo *echo)
{
    uint32_t four = ends->family == 4, ip = four ? 20 : 40, sum = 0;
    struct flow flow = {.version = ends->family, .protocol = four ? 1 : 58, .ttl = 64, .fragment = FLOW_DF};
    memcpy(flow.src, ends->src, 16);
    memcpy(flow.dst, ends->dst, 16);
    memset(out, 0, echo->bytes);
    if (four)
        flow_write_ip4(out, &flow, echo->bytes);
    else
        flow_write_ip6(out, &flow, echo->bytes);
    out[ip] = four ? 8 : 128;
    flow_put(out + ip + 4, 0x1234abcd, 4);
    memcpy(out + ip + 8, echo->token, 16);
    if (!four)
        sum = flow_pseudo(&flow, echo->bytes - ip);
    flow_put(out + ip + 2, 0xffff - flow_sum(sum, out + ip, echo->bytes - ip), 2);
}

START_TEST(request)
{
    static uint8_t want[1600];
    uint64_t seed = 1;
    for (uint32_t family = 4; family <= 6; family += 2)
        for (uint32_t bytes = VPN_PMTU_SMALL; bytes < 1600; bytes += bytes < 100 ? 1 : 7) {
            struct vpn__pmtu_ends ends = ends_of((uint8_t)family);
            struct vpn__pmtu_echo echo = echo_of(bytes, &seed);
            uint8_t *have = malloc(bytes);
            vpn__pmtu_echo_write(have, &ends, &echo);
            model(want, &ends, &echo);
            ck_assert_mem_eq(have, want, bytes);
            free(have);
        }
}
END_TEST

/* The reply says the same again; the request is no reply. */
START_TEST(reply)
{
    static uint8_t packet[2048];
    uint64_t seed = 2;
    for (uint32_t family = 4; family <= 6; family += 2)
        for (uint32_t bytes = VPN_PMTU_SMALL; bytes < 1600; bytes += 13) {
            struct vpn__pmtu_ends ends = ends_of((uint8_t)family);
            struct vpn__pmtu_echo echo = echo_of(bytes, &seed), have;
            vpn__pmtu_echo_write(packet, &ends, &echo);
            ck_assert(!vpn__pmtu_echo_read(&have, &ends, packet, bytes));
            path_answer(packet, bytes);
            ck_assert(vpn__pmtu_echo_read(&have, &ends, packet, bytes + 15)); /* padding behind it */
            ck_assert_mem_eq(have.token, echo.token, 16);
            ck_assert(have.bytes == bytes && have.id == 0x1234 && have.sequence == 0xabcd);
            ck_assert(!vpn__pmtu_echo_read(&have, &ends, packet, bytes - 1));
        }
}
END_TEST

/* Any byte that is another makes it no reply, or one to something else: hop limit and TOS may change on the way. */
START_TEST(altered)
{
    uint64_t seed = 3;
    for (uint32_t family = 4; family <= 6; family += 2) {
        uint8_t packet[100];
        struct vpn__pmtu_ends ends = ends_of((uint8_t)family);
        struct vpn__pmtu_echo echo = echo_of(sizeof packet, &seed), have;
        vpn__pmtu_echo_write(packet, &ends, &echo);
        path_answer(packet, sizeof packet);
        for (uint32_t i = 0; i < sizeof packet; i++) {
            uint32_t v4_free = i == 1 || i == 4 || i == 5 || i == 6 || i == 8 || i == 10 || i == 11,
                     v6_free = i < 4 || i == 7;
            if (family == 4 ? v4_free : v6_free)
                continue;
            packet[i] ^= 0x20;
            /* a shorter length is another reply, where zeros are cut off */
            ck_assert_msg(!vpn__pmtu_echo_read(&have, &ends, packet, sizeof packet) || have.bytes < sizeof packet,
                          "family %u byte %u", family, i);
            packet[i] ^= 0x20;
        }
        ck_assert(vpn__pmtu_echo_read(&have, &ends, packet, sizeof packet));
    }
}
END_TEST

/* A code, and a sum that holds. */
START_TEST(other_kinds)
{
    uint64_t seed = 4;
    for (uint32_t family = 4; family <= 6; family += 2)
        for (uint32_t type = 0; type < 512; type++) {
            uint8_t packet[80];
            uint32_t ip = family == 4 ? 20 : 40, right = family == 4 ? 0 : 129;
            struct vpn__pmtu_ends ends = ends_of((uint8_t)family);
            struct vpn__pmtu_echo echo = echo_of(sizeof packet, &seed), have;
            vpn__pmtu_echo_write(packet, &ends, &echo);
            path_answer(packet, sizeof packet);
            uint32_t old = flow_get(packet + ip, 2), sum = flow_get(packet + ip + 2, 2),
                     now = (type & 255) << 8 | type >> 8;
            flow_put(packet + ip, now, 2);
            sum = (0xffff - sum) + (0xffff - old) + now;
            sum = (sum & 0xffff) + (sum >> 16);
            sum = (sum & 0xffff) + (sum >> 16);
            flow_put(packet + ip + 2, 0xffff - sum, 2);
            ck_assert_int_eq(vpn__pmtu_echo_read(&have, &ends, packet, sizeof packet), type == right);
        }
}
END_TEST

START_TEST(short_ones)
{
    uint64_t seed = 5;
    for (uint32_t family = 4; family <= 6; family += 2)
        for (uint32_t bytes = (family == 4 ? 20 : 40) + 24; bytes < 80; bytes++) {
            uint8_t packet[80];
            uint32_t ip = family == 4 ? 20 : 40;
            struct vpn__pmtu_ends ends = ends_of((uint8_t)family);
            struct vpn__pmtu_echo echo = echo_of(bytes, &seed), have;
            vpn__pmtu_echo_write(packet, &ends, &echo);
            path_answer(packet, bytes);
            ck_assert(vpn__pmtu_echo_read(&have, &ends, packet, bytes));
            for (uint32_t less = 0; less < bytes; less++)
                ck_assert(!vpn__pmtu_echo_read(&have, &ends, packet, less));
            /* 15 bytes of a token are none */
            echo.bytes = ip + 23;
            flow_put(packet + (family == 4 ? 2 : 4), family == 4 ? echo.bytes : echo.bytes - 40, 2);
            path_answer(packet, echo.bytes);
            path_answer(packet, echo.bytes);
            ck_assert(!vpn__pmtu_echo_read(&have, &ends, packet, echo.bytes));
        }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_echo");
    test_add(suite, "request", request);
    test_add(suite, "reply", reply);
    test_add(suite, "altered", altered);
    test_add(suite, "other_kinds", other_kinds);
    test_add(suite, "short_ones", short_ones);
    return suite;
}

TEST_MAIN(make_suite)
