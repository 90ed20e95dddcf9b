/* SPDX-License-Identifier: ISC */
/* What is compared at random stands in filter_build_test.c; here are the edges. */
#include "packet/filter_classify.h"

#include "common/filter.h"
#include "common/host.h"
#include "packet/filter_build.h"

static struct host host;
static struct vpn__classifier classifier;

static void compile(const vpn_filter_rule *rules, uint32_t count)
{
    host_init(&host);
    ck_assert_int_eq(vpn__classifier_init(&classifier, &host.env, rules, count), 0);
}

static void done(void)
{
    vpn__classifier_end(&classifier);
    host_end(&host);
}

static uint32_t classify(uint8_t family, const uint8_t *src, uint8_t protocol, uint32_t port, uint32_t direction)
{
    struct vpn__filter_view v = {
        .family = family, .protocol = protocol, .flags = VPN__NO_FLAGS, .src = src, .dst = src};
    v.ports[0] = VPN__NO_PORT;
    v.ports[1] = port;
    return vpn__classify(&classifier, &v, direction);
}

static const uint8_t zero[16],
    ones[16] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

START_TEST(no_rules)
{
    compile(NULL, 0);
    ck_assert_uint_eq(classify(4, zero, 6, 1, VPN_FILTER_IN), UINT32_MAX);
    ck_assert_uint_eq(classify(6, zero, 6, 1, VPN_FILTER_IN), UINT32_MAX);
    done();
}
END_TEST

START_TEST(any_rule)
{
    vpn_filter_rule rules[2] = {{0}, {0}};
    compile(rules, 2);
    ck_assert_uint_eq(classify(4, ones, 255, VPN__NO_PORT, VPN_FILTER_OUT), 0);
    ck_assert_uint_eq(classify(6, ones, 0, 0, VPN_FILTER_IN), 0);
    done();
}
END_TEST

/* The first and the last value of each field. */
START_TEST(ends_of_fields)
{
    vpn_filter_rule rules[6] = {{0}};
    rules[0].src = (vpn_prefix){.family = 4, .bits = 32, .addr = {255, 255, 255, 255}};
    rules[1].src = (vpn_prefix){.family = 4, .bits = 32};
    rules[2].src = (vpn_prefix){.family = 6, .bits = 128};
    memcpy(rules[2].src.addr, ones, 16);
    rules[3].src = (vpn_prefix){.family = 6, .bits = 128};
    rules[4].match = rules[5].match = VPN_FILTER_MATCH_PROTOCOL | VPN_FILTER_MATCH_DST_PORT;
    rules[4].protocol = rules[5].protocol = 17;
    rules[4].dst_port_min = rules[4].dst_port_max = 65535;
    compile(rules, 6);
    static const uint8_t middle[16] = {1};
    ck_assert_uint_eq(classify(4, ones, 17, 0, VPN_FILTER_IN), 0);
    ck_assert_uint_eq(classify(4, zero, 17, 0, VPN_FILTER_IN), 1);
    ck_assert_uint_eq(classify(6, ones, 17, 0, VPN_FILTER_IN), 2);
    ck_assert_uint_eq(classify(6, zero, 17, 0, VPN_FILTER_IN), 3);
    ck_assert_uint_eq(classify(6, middle, 17, 65535, VPN_FILTER_OUT), 4);
    ck_assert_uint_eq(classify(4, middle, 17, 0, VPN_FILTER_OUT), 5);
    ck_assert_uint_eq(classify(4, middle, 17, VPN__NO_PORT, VPN_FILTER_OUT), UINT32_MAX);
    ck_assert_uint_eq(classify(4, middle, 17, 1, VPN_FILTER_OUT), UINT32_MAX);
    ck_assert_uint_eq(classify(4, middle, 6, 0, VPN_FILTER_OUT), UINT32_MAX);
    done();
}
END_TEST

/* Every rule matches but for one field, in turn; only the last one matches. */
START_TEST(all_but_the_last)
{
    static const uint32_t counts[] = {1, 64, 512, 513, 1024, 5000, VPN_FILTER_RULES_MAX};
    uint32_t count = counts[_i];
    vpn_filter_rule *rules = calloc(count, sizeof(*rules));
    ck_assert_ptr_nonnull(rules);
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (i % 3 == 0)
            rules[i].direction = VPN_FILTER_OUT;
        else if (i % 3 == 1)
            rules[i].src =
                (vpn_prefix){.family = 4, .bits = 32, .addr = {1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        else
            rules[i].dst = (vpn_prefix){.family = 4, .bits = 31, .addr = {10, 0, 0, 2}};
    }
    compile(rules, count);
    static const uint8_t src[16] = {10, 0, 0, 1};
    ck_assert_uint_eq(classify(4, src, 6, 80, VPN_FILTER_IN), count - 1);
    rules[count - 1].direction = VPN_FILTER_OUT;
    done();
    compile(rules, count);
    ck_assert_uint_eq(classify(4, src, 6, 80, VPN_FILTER_IN), UINT32_MAX);
    done();
    free(rules);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_classify");
    test_add(s, "no_rules", no_rules);
    test_add(s, "any_rule", any_rule);
    test_add(s, "ends_of_fields", ends_of_fields);
    test_loop(s, "all_but_the_last", all_but_the_last, 7);
    return s;
}

TEST_MAIN(suite)
