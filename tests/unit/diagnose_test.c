/* SPDX-License-Identifier: ISC */
/* Layers, names, and what vpn_diagnose refuses; what each check says is in diagnose_peer and diagnose_host. */
#include "common/diagnose.h"

START_TEST(names)
{
    for (uint32_t i = 0; i < VPN_CHECKS + 2; i++) {
        ck_assert_int_eq(strncmp(vpn_layer_name(i), "unknown layer", 13) == 0, i == 0 || i >= VPN_LAYERS);
        ck_assert_int_eq(strncmp(vpn_check_name(i), "unknown check", 13) == 0, i == 0 || i >= VPN_CHECKS);
        ck_assert_int_eq(strncmp(vpn_result_name(i), "unknown result", 14) == 0, i >= VPN_RESULTS);
        ck_assert_int_eq(strncmp(vpn_cause_name(i), "unknown cause", 13) == 0, i >= VPN_CAUSES);
        for (uint32_t k = 1; k < i && i < VPN_CHECKS; k++)
            ck_assert_str_ne(vpn_check_name(i), vpn_check_name(k));
    }
    ck_assert_str_eq(vpn_layer_name(VPN_LAYER_CONTROL), "control plane");
    ck_assert_str_eq(vpn_check_name(VPN_CHECK_BLACK_HOLE), "black-hole");
    ck_assert_str_eq(vpn_result_name(VPN_RESULT_SKIPPED), "not needed");
    ck_assert_str_eq(vpn_cause_name(VPN_CAUSE_EITHER), "either");
}
END_TEST

/* Every check is in one layer, in order, and what was not looked at is neither fine nor broken. */
START_TEST(nothing_seen)
{
    vpn_observed seen = {.size = sizeof(seen)};
    vpn_check checks[VPN_LAYER_CHECKS];
    uint32_t next = 1;
    for (uint32_t layer = VPN_LAYER_CONTROL; layer < VPN_LAYERS; layer++) {
        size_t count;
        ck_assert_int_eq(vpn_diagnose(&seen, layer, checks, &count), 0);
        ck_assert(count >= 1 && count <= VPN_LAYER_CHECKS);
        for (size_t i = 0; i < count; i++, next++) {
            ck_assert_uint_eq(checks[i].code, next);
            ck_assert_uint_eq(checks[i].layer, layer);
            ck_assert(checks[i].result == VPN_RESULT_UNKNOWN || checks[i].result == VPN_RESULT_SKIPPED);
            ck_assert_uint_eq(checks[i].cause, VPN_CAUSE_NONE);
            ck_assert(diagnose_is_sentence(checks[i].evidence));
        }
    }
    ck_assert_uint_eq(next, VPN_CHECKS);
}
END_TEST

/* A tunnel that works has nothing but fine checks, and those that are not needed. */
START_TEST(all_is_well)
{
    vpn_observed seen;
    vpn_check checks[VPN_LAYER_CHECKS];
    diagnose_well(&seen);
    for (uint32_t layer = VPN_LAYER_CONTROL; layer < VPN_LAYERS; layer++) {
        size_t count;
        ck_assert_int_eq(vpn_diagnose(&seen, layer, checks, &count), 0);
        for (size_t i = 0; i < count; i++) {
            ck_assert_msg(checks[i].result == VPN_RESULT_FINE || checks[i].result == VPN_RESULT_SKIPPED, "%s: %s",
                          vpn_check_name(checks[i].code), checks[i].evidence);
            ck_assert_str_eq(checks[i].remedy, "");
        }
    }
}
END_TEST

static int judged(const vpn_observed *seen, uint32_t layer)
{
    vpn_check checks[VPN_LAYER_CHECKS];
    size_t count = 99;
    int error = vpn_diagnose(seen, layer, checks, &count);
    ck_assert(error == 0 ? count > 0 : count == 0);
    return error;
}

/* Each byte that has a range, past it. */
START_TEST(values_out_of_range)
{
    static const struct {
        size_t at;
        uint8_t most;
    } fields[] = {
#define ANSWER(field) {offsetof(vpn_observed, field), VPN_SEEN_NO}
#define PROBE(field)                                                                                                   \
    {                                                                                                                  \
        offsetof(vpn_observed, field), VPN_PROBES - 1                                                                  \
    }
        ANSWER(daemon),
        ANSWER(private_key),
        ANSWER(identity),
        ANSWER(peer),
        ANSWER(preshared),
        ANSWER(clock),
        ANSWER(echo),
        ANSWER(other_port),
        ANSWER(tried),
        ANSWER(socket),
        ANSWER(translated),
        ANSWER(named),
        ANSWER(link),
        ANSWER(link_up),
        ANSWER(addresses),
        ANSWER(routes),
        ANSWER(foreign),
        ANSWER(filter_wanted),
        ANSWER(filter),
        ANSWER(reverse_path),
        ANSWER(resolver),
        PROBE(probe),
        PROBE(inside),
        PROBE(query),
        PROBE(large),
        ANSWER(resolver_wanted),
        {offsetof(vpn_observed, way), VPN_WAYS - 1},
        {offsetof(vpn_observed, route_way), VPN_WAYS - 1},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        vpn_observed seen;
        diagnose_well(&seen);
        ((uint8_t *)&seen)[fields[i].at] = fields[i].most;
        ck_assert_int_eq(judged(&seen, VPN_LAYER_CONTROL), 0);
        ((uint8_t *)&seen)[fields[i].at]++;
        ck_assert_int_eq(judged(&seen, VPN_LAYER_CONTROL), VPN_EINVAL);
    }
}
END_TEST

START_TEST(arguments)
{
    static const uint64_t drops[1] = {0};
    vpn_observed seen;
    diagnose_well(&seen);
    ck_assert_int_eq(judged(&seen, 0), VPN_EINVAL);
    ck_assert_int_eq(judged(&seen, VPN_LAYERS), VPN_EINVAL);
    ck_assert_int_eq(judged(&seen, UINT32_MAX), VPN_EINVAL);
    seen.size = offsetof(vpn_observed, heard);
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), VPN_EINVAL);
    diagnose_well(&seen);
    seen.drop_count = 1;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), VPN_EINVAL);
    seen.drops = drops;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), 0);
    seen.endpoint.family = 5;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), VPN_EINVAL);
    diagnose_well(&seen);
    seen.target.bits = 33;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), VPN_EINVAL);
    seen.target.family = 6;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), 0);
    seen.target.bits = 129;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), VPN_EINVAL);
    seen.target.family = 7;
    seen.target.bits = 1;
    ck_assert_int_eq(judged(&seen, VPN_LAYER_OUTER), VPN_EINVAL);
}
END_TEST

/* Whatever was seen, what is broken has a cause, a whole sentence and a remedy, and nothing else has a cause. */
START_TEST(anything_at_all)
{
    for (uint32_t turn = 0; turn < 20000; turn++) {
        vpn_observed seen;
        vpn_check checks[VPN_LAYER_CHECKS];
        size_t count;
        diagnose_random(&seen, turn);
        ck_assert_int_eq(vpn_diagnose(&seen, 1 + turn % (VPN_LAYERS - 1), checks, &count), 0);
        for (size_t i = 0; i < count; i++) {
            int broken = checks[i].result == VPN_RESULT_BROKEN;
            ck_assert_msg(diagnose_is_sentence(checks[i].evidence), "%s", checks[i].evidence);
            /* what is cut lacks its end, and no piece is longer than an address with its port */
            ck_assert(strlen(checks[i].remedy) < VPN_CHECK_CHARS - VPN_ENDPOINT_CHARS);
            ck_assert_int_eq(broken, checks[i].cause != VPN_CAUSE_NONE);
            ck_assert(!broken || checks[i].remedy[0]);
        }
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("diagnose");
    test_add(suite, "names", names);
    test_add(suite, "nothing seen", nothing_seen);
    test_add(suite, "all is well", all_is_well);
    test_add(suite, "values out of range", values_out_of_range);
    test_add(suite, "arguments", arguments);
    test_add(suite, "anything at all", anything_at_all);
    return suite;
}

TEST_MAIN(make_suite)
