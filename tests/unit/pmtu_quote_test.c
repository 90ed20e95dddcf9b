/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_quote.h"

#include "common/pmtu.h"

#define INDEX 0xcafe1234u

static struct vpn__pmtu_facts facts;
static vpn_pmtu_route route;
static uint32_t told;

static void sent(uint32_t index, uint64_t counter, vpn_time now)
{
    uint8_t message[32] = {4};
    for (uint32_t i = 0; i < 4; i++)
        message[4 + i] = (uint8_t)(index >> (8 * i));
    for (uint32_t i = 0; i < 8; i++)
        message[8 + i] = (uint8_t)(counter >> (8 * i));
    vpn__pmtu_quote_sent(&facts, message, sizeof message, now);
}

static void begin(uint8_t family)
{
    memset(&facts, 0, sizeof facts);
    route = path_route(family, 1500);
    for (uint64_t counter = 0; counter < 100; counter++)
        sent(INDEX, counter, 50 * VPN_SECOND);
}

static int judge(const uint8_t *quote, uint32_t length, uint32_t mtu, uint32_t flags, vpn_time now)
{
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, quote, length);
    vpn_pmtu_report r = {.size = sizeof r, .mtu = mtu, .kind = VPN_PMTU_QUOTE_PACKET, .length = length, .quote = copy};
    told = 0;
    int result = vpn__pmtu_quote_judge(&told, &facts, &route, flags, 1500, &r, now);
    free(copy);
    ck_assert((result == VPN_PMTU_LOWERED) == (told != 0));
    return result;
}

static int judge_counter(uint32_t index, uint64_t counter, vpn_time now)
{
    uint8_t quote[128];
    uint32_t length = path_outer(quote, route.path.remote.family, 1440, index, counter, 16);
    return judge(quote, length, 1400, 0, now);
}

START_TEST(ours)
{
    for (uint32_t family = 4; family <= 6; family += 2) {
        uint8_t quote[128];
        begin((uint8_t)family);
        uint32_t length = path_outer(quote, (uint8_t)family, 1440, INDEX, 99, 16), head = length - 16;
        ck_assert_int_eq(judge(quote, length, 1400, 0, 51 * VPN_SECOND), VPN_PMTU_LOWERED);
        ck_assert_uint_eq(told, 1400);
        /* shorter and shorter */
        for (uint32_t less = 0; less < length; less++) {
            int strict = judge(quote, less, 1400, 0, 51 * VPN_SECOND);
            int lax = judge(quote, less, 1400, VPN_PMTU_SHORT_QUOTES, 51 * VPN_SECOND);
            ck_assert_int_eq(strict, less < (family == 4 ? 20u : 40u) ? VPN_EFORMAT : VPN_PMTU_SHORT);
            ck_assert_int_eq(lax, less < head ? strict : VPN_PMTU_LOWERED);
        }
    }
}
END_TEST

/* Each byte that says whose packet it is. */
START_TEST(others)
{
    for (uint32_t family = 4; family <= 6; family += 2) {
        uint8_t quote[128];
        begin((uint8_t)family);
        uint32_t length = path_outer(quote, (uint8_t)family, 1440, INDEX, 99, 16), ip = family == 4 ? 20 : 40;
        uint32_t address = family == 4 ? 12 : 8;
        for (uint32_t i = address; i < length; i++) {
            if (i >= ip + 4 && i < ip + 8)
                continue; /* length and checksum of UDP */
            quote[i] ^= 0x80;
            int result = judge(quote, length, 1400, VPN_PMTU_SHORT_QUOTES, 51 * VPN_SECOND);
            ck_assert_msg(result == (i < ip + 8 ? VPN_PMTU_FOREIGN : VPN_PMTU_UNKNOWN), "byte %u: %d", i, result);
            quote[i] ^= 0x80;
        }
        quote[family == 4 ? 9 : 6] = 6;
        ck_assert_int_ne(judge(quote, length, 1400, 0, 51 * VPN_SECOND), VPN_PMTU_LOWERED);
        uint8_t other[128];
        length = path_outer(other, family == 4 ? 6 : 4, 1440, INDEX, 99, 16);
        ck_assert_int_eq(judge(other, length, 1400, 0, 51 * VPN_SECOND), VPN_PMTU_FOREIGN);
    }
}
END_TEST

/* Where the caller does not know its own address and port, they may be any. */
START_TEST(own_unknown)
{
    uint8_t quote[128];
    begin(4);
    memset(route.path.local, 0, 16);
    route.local_port = 0;
    uint32_t length = path_outer(quote, 4, 1440, INDEX, 99, 16);
    quote[12] ^= 1;
    quote[20] ^= 1;
    ck_assert_int_eq(judge(quote, length, 1400, 0, 51 * VPN_SECOND), VPN_PMTU_LOWERED);
    quote[22] ^= 1;
    ck_assert_int_eq(judge(quote, length, 1400, 0, 51 * VPN_SECOND), VPN_PMTU_FOREIGN);
}
END_TEST

/* A later fragment of ours has no ports and no message. */
START_TEST(fragment)
{
    uint8_t quote[128];
    begin(4);
    uint32_t length = path_outer(quote, 4, 1440, INDEX, 99, 16);
    flow_put(quote + 6, 0x2000 | 10, 2);
    flow_put(quote + 2, 996, 2);
    ck_assert_int_eq(judge(quote, length, 900, VPN_PMTU_SHORT_QUOTES, 51 * VPN_SECOND), VPN_PMTU_SHORT);
}
END_TEST

START_TEST(counters)
{
    begin(4);
    ck_assert_int_eq(judge_counter(INDEX, 0, 51 * VPN_SECOND), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_counter(INDEX, 99, 51 * VPN_SECOND), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_counter(INDEX, 100, 51 * VPN_SECOND), VPN_PMTU_UNKNOWN);
    ck_assert_int_eq(judge_counter(INDEX + 1, 99, 51 * VPN_SECOND), VPN_PMTU_UNKNOWN);
    ck_assert_int_eq(judge_counter(INDEX, 99, 70 * VPN_SECOND - 1), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_counter(INDEX, 99, 70 * VPN_SECOND), VPN_PMTU_UNKNOWN);
    ck_assert_int_eq(judge_counter(INDEX, 99, 1), VPN_PMTU_LOWERED); /* a clock that went back */
}
END_TEST

/* Sent each tenth of a second: what is under 10 s old counts, what is over 30 s old does not. */
START_TEST(window)
{
    begin(4);
    memset(&facts, 0, sizeof facts);
    for (uint64_t i = 0; i < 3000; i++) {
        vpn_time now = 50 * VPN_SECOND + i * 100 * VPN_MILLISECOND;
        sent(INDEX, i, now);
        for (uint64_t back = 0; back <= i; back += 1 + back / 3) {
            int result = judge_counter(INDEX, i - back, now);
            if (back < 100)
                ck_assert_int_eq(result, VPN_PMTU_LOWERED);
            if (back > 300)
                ck_assert_int_eq(result, VPN_PMTU_UNKNOWN);
        }
    }
}
END_TEST

/* After a pause, what was before it is forgotten. */
START_TEST(after_pause)
{
    begin(4);
    sent(INDEX, 100, 75 * VPN_SECOND);
    ck_assert_int_eq(judge_counter(INDEX, 100, 75 * VPN_SECOND), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_counter(INDEX, 99, 75 * VPN_SECOND), VPN_PMTU_UNKNOWN);
}
END_TEST

/* Three sessions are known, then the one that was used the longest ago goes. */
START_TEST(sessions)
{
    begin(4);
    sent(2, 5, 52 * VPN_SECOND);
    sent(3, 5, 51 * VPN_SECOND);
    ck_assert_int_eq(judge_counter(INDEX, 99, 53 * VPN_SECOND), VPN_PMTU_LOWERED);
    sent(INDEX, 100, 53 * VPN_SECOND);
    sent(4, 5, 54 * VPN_SECOND);
    ck_assert_int_eq(judge_counter(3, 5, 54 * VPN_SECOND), VPN_PMTU_UNKNOWN);
    ck_assert_int_eq(judge_counter(2, 5, 54 * VPN_SECOND), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_counter(4, 5, 54 * VPN_SECOND), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_counter(INDEX, 100, 54 * VPN_SECOND), VPN_PMTU_LOWERED);
}
END_TEST

/* Nothing but data messages is noted. */
START_TEST(other_messages)
{
    uint8_t message[32] = {0};
    memset(&facts, 0, sizeof facts);
    for (uint32_t type = 0; type < 256; type++)
        for (uint32_t length = 0; length <= 16; length++) {
            message[0] = (uint8_t)type;
            vpn__pmtu_quote_sent(&facts, message, length, VPN_SECOND);
            if (type == 4 && length == 16)
                ck_assert(facts.sessions[0].used);
            else if (type <= 4 && (type < 4 || length < 16))
                ck_assert(!facts.sessions[0].used);
        }
    ck_assert(!facts.sessions[1].used);
}
END_TEST

static int judge_mtu(uint8_t family, uint32_t mtu)
{
    uint8_t quote[128];
    uint32_t length = path_outer(quote, family, family == 4 ? 1440 : 1420, INDEX, 99, 16);
    return judge(quote, length, mtu, 0, 51 * VPN_SECOND);
}

START_TEST(mtus)
{
    begin(4);
    ck_assert_int_eq(judge_mtu(4, 67), VPN_PMTU_IMPOSSIBLE);
    ck_assert_int_eq(judge_mtu(4, 68), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_mtu(4, 1499), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_mtu(4, 1500), VPN_PMTU_IMPOSSIBLE);
    ck_assert_int_eq(judge_mtu(4, UINT32_MAX), VPN_PMTU_IMPOSSIBLE);
    ck_assert_int_eq(judge_mtu(4, 0), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(told, 1492);
    begin(6);
    ck_assert_int_eq(judge_mtu(6, 0), VPN_PMTU_IMPOSSIBLE);
    ck_assert_int_eq(judge_mtu(6, 1279), VPN_PMTU_IMPOSSIBLE);
    ck_assert_int_eq(judge_mtu(6, 1280), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_mtu(6, 1499), VPN_PMTU_LOWERED);
    ck_assert_int_eq(judge_mtu(6, 1500), VPN_PMTU_IMPOSSIBLE);
}
END_TEST

/* RFC 1191 section 7.1: each length and the plateau under it. */
START_TEST(plateaus)
{
    static const uint32_t table[] = {68, 296, 508, 1006, 1492, 2002, 4352, 8166, 17914, 32000};
    uint8_t quote[128];
    begin(4);
    for (uint32_t inner = 40; inner < 65000; inner += inner < 2100 ? 1 : 501) {
        uint32_t length = path_outer(quote, 4, inner, INDEX, 99, 16), want = 68;
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            want = table[i] < inner + 60 ? table[i] : want;
        ck_assert_int_eq(judge(quote, length, 0, 0, 51 * VPN_SECOND), VPN_PMTU_LOWERED);
        ck_assert_uint_eq(told, want);
    }
}
END_TEST

static int judge_payload(const vpn_endpoint *remote, uint32_t bytes, uint32_t mtu)
{
    uint8_t quote[128];
    uint32_t length = path_outer(quote, 4, 1440, INDEX, 99, 16);
    vpn_pmtu_report r = {
        .size = sizeof r, .mtu = mtu, .kind = VPN_PMTU_QUOTE_PAYLOAD, .length = bytes, .remote = *remote};
    r.quote = quote + length - 16;
    told = 0;
    return vpn__pmtu_quote_judge(&told, &facts, &route, 0, 1500, &r, 51 * VPN_SECOND);
}

/* As the error queue of Linux gives it. */
START_TEST(payload)
{
    begin(4);
    vpn_endpoint remote = route.path.remote;
    ck_assert_int_eq(judge_payload(&remote, 16, 1400), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(told, 1400);
    ck_assert_int_eq(judge_payload(&remote, 15, 1400), VPN_PMTU_SHORT);
    ck_assert_int_eq(judge_payload(&remote, 16, 0), VPN_PMTU_LOWERED);
    ck_assert_uint_eq(told, 1492); /* under what is in use */
    remote.port ^= 1;
    ck_assert_int_eq(judge_payload(&remote, 16, 1400), VPN_PMTU_FOREIGN);
    remote.port ^= 1;
    remote.addr[3] ^= 1;
    ck_assert_int_eq(judge_payload(&remote, 16, 1400), VPN_PMTU_FOREIGN);
    remote.addr[3] ^= 1;
    remote.family = 6;
    ck_assert_int_eq(judge_payload(&remote, 16, 1400), VPN_PMTU_FOREIGN);
    memset(&facts, 0, sizeof facts);
    remote.family = 4;
    ck_assert_int_eq(judge_payload(&remote, 16, 1400), VPN_PMTU_UNKNOWN);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pmtu_quote");
    test_add(suite, "ours", ours);
    test_add(suite, "others", others);
    test_add(suite, "own_unknown", own_unknown);
    test_add(suite, "fragment", fragment);
    test_add(suite, "counters", counters);
    test_add(suite, "window", window);
    test_add(suite, "after_pause", after_pause);
    test_add(suite, "sessions", sessions);
    test_add(suite, "other_messages", other_messages);
    test_add(suite, "mtus", mtus);
    test_add(suite, "plateaus", plateaus);
    test_add(suite, "payload", payload);
    return suite;
}

TEST_MAIN(make_suite)
