/* SPDX-License-Identifier: ISC */
/* What vpn-tunnel keeps of a peer: found again among thousands, gone with its peer, and none where none was made. */
#include "tunnel/annex.h"

#include "common/test.h"

#define PEERS 3000u

static vpn_wg *wg;
static vpn_peer_id ids[PEERS];
static annexes all;

static void setup(void)
{
    ck_assert_int_eq(vpn_wg_new(&wg, NULL), 0);
    for (uint32_t i = 0; i < PEERS; i++) {
        vpn_wg_peer peer = {.size = sizeof peer, .public_key = {9, (uint8_t)i, (uint8_t)(i >> 8)}};
        ck_assert_int_eq(vpn_wg_peer_add(wg, &peer, &ids[i], 1), 0);
    }
    all = (annexes){.chains = NULL};
}

static void teardown(void)
{
    annexes_close(&all);
    ck_assert_ptr_null(all.chains);
    ck_assert_uint_eq(all.count, 0);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}

/* How many there are, each peer's once. */
static size_t walk(void)
{
    static uint8_t seen[PEERS];
    annex_cursor at = {0};
    size_t n = 0;
    memset(seen, 0, sizeof seen);
    for (annex *a; (a = annex_each(&all, &at)) != NULL; n++) {
        uint32_t i = 0;
        while (i < PEERS && ids[i] != a->peer)
            i++;
        ck_assert_uint_lt(i, PEERS);
        ck_assert_uint_eq(seen[i]++, 0);
    }
    return n;
}

START_TEST(nothing_is_made_by_looking)
{
    ck_assert_ptr_null(annex_find(&all, ids[0]));
    annex_drop(&all, ids[0]);
    annex_sweep(&all, wg);
    ck_assert_ptr_null(all.chains);
    ck_assert_uint_eq(walk(), 0);
}
END_TEST

START_TEST(each_peer_has_its_own)
{
    static annex *made[PEERS];
    for (uint32_t i = 0; i < PEERS; i += 2) {
        made[i] = annex_get(&all, ids[i]);
        ck_assert_ptr_nonnull(made[i]);
        ck_assert_uint_eq(all.count, i / 2 + 1);
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        ck_assert_ptr_eq(annex_find(&all, ids[i]), made[i]);
        ck_assert(made[i] == NULL || (made[i]->peer == ids[i] && annex_get(&all, ids[i]) == made[i]));
    }
    ck_assert_uint_eq(all.count, PEERS / 2);
    ck_assert_uint_le(all.count, all.room);
    ck_assert_uint_eq(walk(), PEERS / 2);
}
END_TEST

START_TEST(they_spread)
{
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_ptr_nonnull(annex_get(&all, ids[i]));
    for (size_t i = 0; i < all.room; i++) {
        size_t length = 0;
        for (annex *a = all.chains[i]; a != NULL; a = a->next)
            length++;
        ck_assert_uint_le(length, 12);
    }
}
END_TEST

START_TEST(one_goes_and_the_others_stay)
{
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_ptr_nonnull(annex_get(&all, ids[i]));
    for (uint32_t i = 0; i < PEERS; i += 3) {
        annex_drop(&all, ids[i]);
        annex_drop(&all, ids[i]);
    }
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_int_eq(annex_find(&all, ids[i]) == NULL, i % 3 == 0);
    ck_assert_uint_eq(all.count, PEERS - PEERS / 3);
    ck_assert_uint_eq(walk(), PEERS - PEERS / 3);
}
END_TEST

/* The place of a removed peer is taken by another, who gets nothing of it. */
START_TEST(sweeping_takes_those_whose_peer_is_gone)
{
    vpn_wg_peer peer = {.size = sizeof peer, .public_key = {9, 1, 1, 1}};
    vpn_peer_id id;
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_ptr_nonnull(annex_get(&all, ids[i]));
    for (uint32_t i = 1; i < PEERS; i += 2)
        ck_assert_int_eq(vpn_wg_peer_remove(wg, ids[i]), 0);
    ck_assert_int_eq(vpn_wg_peer_add(wg, &peer, &id, 1), 0);
    ck_assert_ptr_null(annex_find(&all, id));
    annex_sweep(&all, wg);
    ck_assert_uint_eq(all.count, PEERS / 2);
    for (uint32_t i = 0; i < PEERS; i++)
        ck_assert_int_eq(annex_find(&all, ids[i]) == NULL, i % 2 == 1);
}
END_TEST

START_TEST(parts_are_freed)
{
    static const vpn_netmap_rule rule = {.whose = VPN_NETMAP_OURS,
                                         .inside = {.family = 4, .bits = 24, .addr = {10}},
                                         .outside = {.family = 4, .bits = 24, .addr = {172, 16}}};
    test_host memory = {.seed = 1};
    vpn_env env = test_env(&memory);
    vpn_filter_config config = {.size = sizeof config, .env = &env};
    annex *a = annex_get(&all, ids[0]);
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(vpn_filter_new(&a->filter, &config), 0);
    ck_assert_int_eq(vpn_netmap_new(&a->netmap, &rule, 1, &env), 0);
    annex_drop(&all, ids[0]);
    ck_assert_uint_eq(memory.live, 0);
    ck_assert_ptr_null(annex_find(&all, ids[0]));
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

static Suite *annex_suite(void)
{
    Suite *suite = suite_create("annex");
    add(suite, "none", nothing_is_made_by_looking);
    add(suite, "own", each_peer_has_its_own);
    add(suite, "spread", they_spread);
    add(suite, "drop", one_goes_and_the_others_stay);
    add(suite, "sweep", sweeping_takes_those_whose_peer_is_gone);
    add(suite, "parts", parts_are_freed);
    return suite;
}

TEST_MAIN(annex_suite)
