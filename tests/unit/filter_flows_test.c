/* SPDX-License-Identifier: ISC */
#include "packet/filter_flows.h"

#include "common/host.h"

static struct host host;
static struct vpn__flows flows;

static void begin(uint32_t entries)
{
    host_init(&host);
    ck_assert_int_eq(vpn__flows_init(&flows, &host.env, entries), 0);
    ck_assert_uint_eq(vpn__flows_memory(&flows), host.bytes);
}

static void done(void)
{
    vpn__flows_end(&flows);
    host_end(&host);
}

static struct vpn__flow_key key_of(uint32_t number)
{
    struct vpn__flow_key key = {{0}};
    memcpy(key.bytes + 20, &number, sizeof(number));
    return key;
}

static struct vpn__flow *add(uint32_t number, uint8_t state, vpn_time now)
{
    struct vpn__flow_key key = key_of(number);
    struct vpn__flow *flow = vpn__flows_add(&flows, &key, now);
    flow->state = state;
    flow->life = 100;
    return flow;
}

static struct vpn__flow *find(uint32_t number, vpn_time now)
{
    struct vpn__flow_key key = key_of(number);
    return vpn__flows_find(&flows, &key, now);
}

START_TEST(sizes)
{
    static const uint32_t asked[] = {0, 1, 8, 9, 17, 1000}, got[] = {0, 8, 8, 16, 32, 1024};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        begin(asked[i]);
        ck_assert_uint_eq(flows.sets * VPN__FLOW_WAYS, got[i]);
        ck_assert_ptr_null(find(1, 0));
        done();
    }
}
END_TEST

START_TEST(refused_by_the_host)
{
    host_init(&host);
    for (size_t n = 0; n < 2; n++) {
        host_fail_after(&host, n);
        ck_assert_int_eq(vpn__flows_init(&flows, &host.env, 100), VPN_ENOMEM);
        ck_assert_uint_eq(host.bytes, 0);
    }
    host_heal(&host);
    host.base.random_status = -1;
    ck_assert_int_eq(vpn__flows_init(&flows, &host.env, 100), VPN_ERANDOM);
    host_end(&host);
}
END_TEST

START_TEST(found_until_it_is_over)
{
    begin(1000);
    struct vpn__flow *flow = add(1, VPN__FLOW_OPEN, 50);
    ck_assert_ptr_eq(find(1, 50), flow);
    ck_assert_ptr_eq(find(1, 0), flow); /* time that runs back ends nothing */
    ck_assert_ptr_eq(find(1, 149), flow);
    ck_assert_ptr_null(find(2, 50));
    ck_assert_uint_eq(flows.count, 1);
    ck_assert_ptr_null(find(1, 150));
    ck_assert_uint_eq(flows.count, 0);
    ck_assert_ptr_null(find(1, 50));
    done();
}
END_TEST

/* In one set: who gives way. */
START_TEST(full)
{
    begin(8);
    for (uint32_t i = 0; i < 8; i++)
        (void)add(i, VPN__FLOW_OPEN, 10 + i);
    ck_assert_uint_eq(flows.evicted, 0);
    (void)add(100, VPN__FLOW_OPENING, 20);
    ck_assert_ptr_null(find(0, 20)); /* silent for longest */
    ck_assert_uint_eq(flows.evicted, 1);
    (void)add(101, VPN__FLOW_OPEN, 21);
    ck_assert_ptr_null(find(100, 21)); /* not answered */
    ck_assert_ptr_nonnull(find(1, 21));
    find(5, 21)->life = 1;
    (void)add(102, VPN__FLOW_OPEN, 22);
    ck_assert_uint_eq(flows.evicted, 2);
    ck_assert_ptr_null(find(5, 22)); /* over anyway */
    ck_assert_ptr_nonnull(find(1, 22));
    find(2, 22)->state = VPN__FLOW_CLOSING;
    find(3, 22)->state = VPN__FLOW_FRAGMENT;
    (void)add(103, VPN__FLOW_OPEN, 22);
    (void)add(104, VPN__FLOW_OPEN, 22);
    ck_assert_ptr_null(find(2, 22));
    ck_assert_ptr_null(find(3, 22));
    ck_assert_uint_eq(flows.count, 8);
    vpn__flows_remove(&flows, find(104, 22));
    (void)add(105, VPN__FLOW_OPEN, 22);
    ck_assert_uint_eq(flows.evicted, 4);
    done();
}
END_TEST

START_TEST(equal_tags)
{
    begin(8);
    (void)add(1, VPN__FLOW_OPEN, 1);
    struct vpn__flow *flow = add(2, VPN__FLOW_OPEN, 1);
    flows.tags[0] = flows.tags[1];
    ck_assert_ptr_eq(find(2, 1), flow);
    done();
}
END_TEST

/* An answered flow outlives any number that are not. */
START_TEST(floods)
{
    begin(64);
    for (uint32_t i = 0; i < 4; i++)
        (void)add(i, VPN__FLOW_OPEN, 10);
    for (uint32_t i = 0; i < 20000; i++)
        (void)add(1000 + i, VPN__FLOW_OPENING, 20);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(find(i, 20));
    ck_assert_uint_eq(flows.count, 64);
    done();
}
END_TEST

/* Against a list, without eviction. */
START_TEST(random_calls)
{
    static uint8_t there[500];
    uint64_t seed = (uint64_t)_i;
    memset(there, 0, sizeof(there));
    begin(16384);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t number = host_below(&seed, 500);
        ck_assert_int_eq(find(number, 5) != NULL, there[number]);
        if (there[number] && host_below(&seed, 2)) {
            vpn__flows_remove(&flows, find(number, 5));
            there[number] = 0;
        } else if (!there[number]) {
            (void)add(number, VPN__FLOW_OPEN, 5);
            there[number] = 1;
        }
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < 500; i++)
        count += there[i];
    ck_assert_uint_eq(flows.count, count);
    ck_assert_uint_eq(flows.evicted, 0);
    done();
}
END_TEST

START_TEST(purge)
{
    begin(1000);
    for (uint8_t peer = 1; peer <= 3; peer++)
        for (uint32_t i = 0; i < 20; i++) {
            struct vpn__flow_key key = key_of(i);
            key.bytes[7] = peer;
            vpn__flows_add(&flows, &key, 1)->life = 100;
        }
    static const uint8_t two[8] = {0, 0, 0, 0, 0, 0, 0, 2};
    vpn__flows_purge(&flows, two, 8);
    ck_assert_uint_eq(flows.count, 40);
    struct vpn__flow_key key = key_of(3);
    key.bytes[7] = 2;
    ck_assert_ptr_null(vpn__flows_find(&flows, &key, 1));
    key.bytes[7] = 3;
    ck_assert_ptr_nonnull(vpn__flows_find(&flows, &key, 1));
    vpn__flows_purge(&flows, two, 0);
    ck_assert_uint_eq(flows.count, 0);
    done();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_flows");
    test_add(s, "sizes", sizes);
    test_add(s, "refused_by_the_host", refused_by_the_host);
    test_add(s, "found_until_it_is_over", found_until_it_is_over);
    test_add(s, "full", full);
    test_add(s, "equal_tags", equal_tags);
    test_add(s, "floods", floods);
    test_loop(s, "random_calls", random_calls, 5);
    test_add(s, "purge", purge);
    return s;
}

TEST_MAIN(suite)
