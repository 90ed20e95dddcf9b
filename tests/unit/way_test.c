/* SPDX-License-Identifier: ISC */
/* The way of a packet by rules and routes. That it agrees with a model of a whole host is the matter of plan_random_test.c. */
#include "policy/way.h"
#include "common/policy.h"

#define FULL "[Interface]\nAddress = 10.8.0.2/24\n" POLICY_PEER "AllowedIPs = 0.0.0.0/0\n"

static struct vpn__way way_of(const policy_world *w, vpn_selector packet)
{
    struct vpn__way way;
    vpn__way_find(w->plan, &packet, &way);
    return way;
}

START_TEST(around_and_through)
{
    policy_world w;
    policy_host(&w);
    policy_plan(&w, FULL);
    struct vpn__way way = way_of(&w, policy_packet("9.9.9.9", 6, 443));
    ck_assert(way.found && way.tunnel);
    ck_assert_uint_eq(way.priority, 31804);
    ck_assert_uint_eq(way.table, 51820);
    ck_assert_uint_eq(way.link, 0);
    way = way_of(&w, policy_packet("192.168.1.9", 6, 443));
    ck_assert(way.found && !way.tunnel && !way.has_gateway);
    ck_assert_uint_eq(way.link, 2);
    ck_assert_uint_eq(way.protocol, VPN_PROTOCOL_KERNEL);
    way = way_of(&w, policy_packet("10.8.0.77", 6, 443)); /* connected */
    ck_assert(way.found && way.tunnel);
    ck_assert_uint_eq(way.table, VPN_TABLE_MAIN);
    vpn_selector outer = policy_packet("9.9.9.9", 17, 51820);
    outer.mark = 51820;
    way = way_of(&w, outer);
    ck_assert(way.found && !way.tunnel && way.has_gateway);
    ck_assert_uint_eq(way.table, VPN_TABLE_MAIN);
    way = way_of(&w, policy_packet("2001:db8::1", 6, 443));
    ck_assert(!way.found);
    policy_end(&w);
}
END_TEST

START_TEST(metrics_and_refusals)
{
    policy_world w;
    policy_host(&w);
    policy_route(&w, "10.20.0.0/16", 2, VPN_PROTOCOL_STATIC);
    w.routes[2].metric = 3;
    policy_plan(&w, "[Interface]\nMetric = 5\n" POLICY_PEER "AllowedIPs = 10.20.0.0/16\n");
    ck_assert(!way_of(&w, policy_packet("10.20.1.1", 6, 1)).tunnel);
    policy_end(&w);
    w.routes[2].metric = 9;
    policy_plan(&w, "[Interface]\nMetric = 5\n" POLICY_PEER "AllowedIPs = 10.20.0.0/16\n");
    ck_assert(way_of(&w, policy_packet("10.20.1.1", 6, 1)).tunnel);
    policy_end(&w);
    w.routes[2].metric = 0;
    w.routes[2].refuses = 1;
    policy_plan(&w, "[Interface]\nMetric = 5\nExcludeApp = uid 7\n" POLICY_PEER "AllowedIPs = 10.0.0.0/8\n");
    ck_assert(way_of(&w, policy_packet("10.20.1.1", 6, 1)).refuses);
    vpn_selector excluded = policy_packet("2001:db8::1", 6, 1);
    excluded.has_uid = 1;
    excluded.uid = 7;
    ck_assert(!way_of(&w, excluded).found);
    policy_end(&w);
}
END_TEST

static Suite *way_suite(void)
{
    Suite *suite = suite_create("way");
    test_add(suite, "around and through", around_and_through);
    test_add(suite, "metrics and refusals", metrics_and_refusals);
    return suite;
}

TEST_MAIN(way_suite)
