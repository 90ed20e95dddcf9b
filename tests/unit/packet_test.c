/* SPDX-License-Identifier: ISC */
#include <vpn/packet.h>

#include <ctype.h>

#include "common/test.h"

START_TEST(verdict_names)
{
    static const char *const names[] = {"drop", "pending", "to-net", "to-tun", "done", "wait", "unknown"};
    ck_assert_uint_eq(sizeof(names) / sizeof(*names), VPN_VERDICTS);
    for (uint32_t i = 0; i < VPN_VERDICTS; i++)
        ck_assert_str_eq(vpn_verdict_name(i), names[i]);
    ck_assert_str_eq(vpn_verdict_name(VPN_VERDICTS), "unknown verdict");
    ck_assert_str_eq(vpn_verdict_name(UINT32_MAX), "unknown verdict");
}
END_TEST

/* Pinned: the order of the numbers, one by one. */
START_TEST(reason_names)
{
    static const char *const names[] = {
        "none",      "argument",    "space",     "type",       "length",      "mac1",    "rate",
        "index",     "handshake",   "no-route",  "inner",      "no-identity", "memory",  "random",
        "no-peer",   "no-crypt",    "suspended", "auth",       "replay",      "expired", "counter",
        "timestamp", "skew",        "flood",     "response",   "state",       "cookie",  "source",
        "bad-inner", "no-endpoint", "low-order", "no-session", "wiped",
    };
    ck_assert_uint_eq(sizeof(names) / sizeof(*names), VPN_REASONS);
    for (uint32_t i = 0; i < VPN_REASONS; i++)
        ck_assert_str_eq(vpn_reason_name(i), names[i]);
    ck_assert_str_eq(vpn_reason_name(VPN_REASONS), "unknown");
    ck_assert_str_eq(vpn_reason_name(UINT32_MAX), "unknown");
    ck_assert_str_eq(vpn_reason_name(VPN_REASON_PEER_FIRST), "auth");
}
END_TEST

/* Names are words for programs, texts are distinct sentences for people. */
START_TEST(reason_shapes)
{
    for (uint32_t i = 0; i < VPN_REASONS; i++) {
        for (const char *p = vpn_reason_name(i); *p; p++)
            ck_assert(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-');
        const char *text = vpn_reason_text(i);
        ck_assert_uint_gt(strlen(text), 10);
        ck_assert(islower((unsigned char)text[0]));
        ck_assert(text[strlen(text) - 1] != '.');
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_str_ne(vpn_reason_name(i), vpn_reason_name(j));
            ck_assert_str_ne(text, vpn_reason_text(j));
        }
    }
    ck_assert_str_eq(vpn_reason_text(VPN_REASONS), "unknown reason");
    ck_assert_str_eq(vpn_reason_text(UINT32_MAX), "unknown reason");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("packet");
    test_add(s, "verdict_names", verdict_names);
    test_add(s, "reason_names", reason_names);
    test_add(s, "reason_shapes", reason_shapes);
    return s;
}

TEST_MAIN(suite)
