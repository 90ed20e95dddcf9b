/* SPDX-License-Identifier: ISC */
/* Observations of a tunnel that works, which tests then break, and of anything at all. */
#ifndef VPN_TESTS_COMMON_DIAGNOSE_H
#define VPN_TESTS_COMMON_DIAGNOSE_H

#include <stddef.h>

#include <vpn/diagnose.h>
#include <vpn/uapi.h>

#include "common/test.h"

static inline void diagnose_well(vpn_observed *seen)
{
    *seen = (vpn_observed){
        .size = sizeof(*seen),
        .name = "wg0",
        .daemon = VPN_SEEN_YES,
        .private_key = VPN_SEEN_YES,
        .identity = VPN_SEEN_YES,
        .peer = VPN_SEEN_YES,
        .preshared = VPN_SEEN_YES,
        .clock = VPN_SEEN_YES,
        .socket = VPN_SEEN_YES,
        .way = VPN_WAY_LINK,
        .translated = VPN_SEEN_NO,
        .link = VPN_SEEN_YES,
        .link_up = VPN_SEEN_YES,
        .addresses = VPN_SEEN_YES,
        .routes = VPN_SEEN_YES,
        .foreign = VPN_SEEN_NO,
        .filter_wanted = VPN_SEEN_YES,
        .filter = VPN_SEEN_YES,
        .reverse_path = VPN_SEEN_YES,
        .inside = VPN_PROBE_ANSWERED,
        .resolver_wanted = VPN_SEEN_YES,
        .resolver = VPN_SEEN_YES,
        .query = VPN_PROBE_ANSWERED,
        .large = VPN_PROBE_ANSWERED,
        .port = 51820,
        .link_mtu = 1420,
        .handshake_age = 17,
        .endpoint = {.family = 4, .port = 51821, .addr = {192, 0, 2, 1}},
        .source = {.family = 4, .bits = 32, .addr = {10, 0, 0, 9}},
        .address = {.family = 4, .bits = 24, .addr = {10, 8, 0, 2}},
        .route = {.family = 4, .bits = 16, .addr = {10, 9}},
        .foreign_route = {.family = 4, .bits = 24, .addr = {10, 9, 7}},
        .target = {.family = 4, .bits = 32, .addr = {10, 8, 0, 1}},
        .server = {.family = 4, .bits = 32, .addr = {10, 8, 0, 53}},
        .way_link = "eth0",
        .route_link = "eth1",
        .foreign_link = "eth2",
    };
    memset(seen->public_key, 1, VPN_KEY_BYTES);
    memset(seen->peer_key, 2, VPN_KEY_BYTES);
}

/* A tunnel that never had a session, tried in vain. */
static inline void diagnose_quiet(vpn_observed *seen)
{
    diagnose_well(seen);
    seen->handshake_age = VPN_SECONDS_NEVER;
    seen->waited = 6;
    seen->probe = VPN_PROBE_SILENT;
}

/* Any bytes where any are allowed, and numbers that are as long as can be. */
static inline void diagnose_random(vpn_observed *seen, uint64_t seed)
{
    static const vpn_prefix longest = {.family = 6, .bits = 128};
    vpn_prefix *const prefixes[] = {&seen->source,        &seen->address, &seen->route,
                                    &seen->foreign_route, &seen->target,  &seen->server};
    uint8_t *answers = (uint8_t *)seen + offsetof(vpn_observed, daemon);
    memset(seen, 0, sizeof(*seen));
    test_fill(&seed, seen, sizeof(*seen));
    seen->size = sizeof(*seen);
    memset(seen->reserved, 0, sizeof seen->reserved);
    for (size_t i = 0; i < offsetof(vpn_observed, keepalive) - offsetof(vpn_observed, daemon); i++)
        answers[i] %= 3;
    seen->probe = (uint8_t)test_below(&seed, VPN_PROBES);
    seen->inside = (uint8_t)test_below(&seed, VPN_PROBES);
    seen->query = (uint8_t)test_below(&seed, VPN_PROBES);
    seen->large = (uint8_t)test_below(&seed, VPN_PROBES);
    seen->way = (uint8_t)test_below(&seed, VPN_WAYS);
    seen->drops = NULL;
    seen->drop_count = 0;
    memset(seen->name, 'n', sizeof(seen->name));
    memset(seen->way_link, 'w', sizeof(seen->way_link));
    memset(seen->route_link, 'r', sizeof(seen->route_link));
    memset(seen->foreign_link, 'f', sizeof(seen->foreign_link));
    seen->endpoint.family = test_below(&seed, 4) ? 6 : 0;
    memset(seen->endpoint.addr, 0xaa, sizeof(seen->endpoint.addr));
    if (test_below(&seed, 2))
        seen->handshake_age = test_below(&seed, 400);
    if (test_below(&seed, 2))
        memset(&seen->heard, 0, sizeof(seen->heard));
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        *prefixes[i] = longest;
        memset(prefixes[i]->addr, 0xbb, sizeof(prefixes[i]->addr));
    }
}

/* It has an end, so nothing of it was cut. */
static inline int diagnose_is_sentence(const char *text)
{
    return text[0] && text[strlen(text) - 1] == '.';
}

/* What a check says of it. */
static inline vpn_check diagnose_ask(const vpn_observed *seen, uint32_t code)
{
    vpn_check checks[VPN_LAYER_CHECKS];
    for (uint32_t layer = VPN_LAYER_CONTROL; layer < VPN_LAYERS; layer++) {
        size_t count;
        ck_assert_int_eq(vpn_diagnose(seen, layer, checks, &count), 0);
        for (size_t i = 0; i < count; i++) {
            if (checks[i].code == code)
                return checks[i];
        }
    }
    ck_abort_msg("there is no check %u", code);
}

/* It says this result and cause, and in its evidence or remedy these words. */
static inline void diagnose_expect(const vpn_observed *seen, uint32_t code, uint32_t result, uint32_t cause,
                                   const char *words)
{
    vpn_check check = diagnose_ask(seen, code);
    ck_assert_msg(check.result == result && check.cause == cause, "%s: %s (%s), not %s (%s): %s", vpn_check_name(code),
                  vpn_result_name(check.result), vpn_cause_name(check.cause), vpn_result_name(result),
                  vpn_cause_name(cause), check.evidence);
    ck_assert_msg(strstr(check.evidence, words) || strstr(check.remedy, words), "no '%s' in: %s %s", words,
                  check.evidence, check.remedy);
}

static inline void diagnose_broken(const vpn_observed *seen, uint32_t code, uint32_t cause, const char *words)
{
    diagnose_expect(seen, code, VPN_RESULT_BROKEN, cause, words);
}

static inline void diagnose_fine(const vpn_observed *seen, uint32_t code, const char *words)
{
    diagnose_expect(seen, code, VPN_RESULT_FINE, VPN_CAUSE_NONE, words);
}

static inline void diagnose_unknown(const vpn_observed *seen, uint32_t code, const char *words)
{
    diagnose_expect(seen, code, VPN_RESULT_UNKNOWN, VPN_CAUSE_NONE, words);
}

static inline void diagnose_skipped(const vpn_observed *seen, uint32_t code, const char *words)
{
    diagnose_expect(seen, code, VPN_RESULT_SKIPPED, VPN_CAUSE_NONE, words);
}

#endif
