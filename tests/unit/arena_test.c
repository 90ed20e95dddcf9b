/* SPDX-License-Identifier: ISC */
/* Memory that goes back all at once: aligned, zero, apart from each other, and wiped. */
#include "base/arena.h"
#include "common/host.h"

static struct vpn__arena arena_of(test_host *host)
{
    return (struct vpn__arena){.env = test_env(host)};
}

START_TEST(pieces_are_apart)
{
    test_host host = {.seed = 1};
    struct vpn__arena arena = arena_of(&host);
    uint8_t *pieces[300];
    uint64_t seed = 7;
    size_t sizes[300];
    for (size_t i = 0; i < 300; i++) {
        sizes[i] = test_below(&seed, i % 50 == 0 ? 9000 : 100);
        pieces[i] = vpn__arena_alloc(&arena, sizes[i]);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        ck_assert(test_is_zero(pieces[i], sizes[i]));
        memset(pieces[i], (int)(i & 0xff) | 1, sizes[i]);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            ck_assert_uint_eq(pieces[i][k], (i & 0xff) | 1);
    }
    ck_assert_uint_lt(host.live, 20);
    vpn__arena_end(&arena);
    ck_assert_uint_eq(host.live, 0);
    vpn__arena_end(&arena);
}
END_TEST

START_TEST(texts_end)
{
    test_host host = {.seed = 1};
    struct vpn__arena arena = arena_of(&host);
    ck_assert_str_eq(vpn__arena_text(&arena, "tunnel", 3), "tun");
    ck_assert_str_eq(vpn__arena_text(&arena, NULL, 0), "");
    vpn__arena_end(&arena);
}
END_TEST

/* Two lists in turn, so that one that outgrew its room would write into the other. */
START_TEST(lists_grow)
{
    test_host host = {.seed = 1};
    struct vpn__arena arena = arena_of(&host);
    uint32_t *lists[2] = {NULL, NULL};
    size_t wrong = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            lists[k] = vpn__arena_grow(&arena, lists[k], i, sizeof(*lists[k]));
            ck_assert_ptr_nonnull(lists[k]);
            lists[k][i] = 2 * i + k;
        }
    }
    for (uint32_t i = 0; i < 5000; i++)
        wrong += lists[0][i] != 2 * i || lists[1][i] != 2 * i + 1;
    ck_assert_uint_eq(wrong, 0);
    uint32_t *list = lists[0];
    ck_assert_ptr_null(vpn__arena_grow(&arena, list, SIZE_MAX / 2 + 1, 1));
    ck_assert_ptr_null(vpn__arena_grow(&arena, NULL, (size_t)1 << (8 * sizeof(size_t) - 3), 16));
    ck_assert_ptr_null(vpn__arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(vpn__arena_alloc(&arena, SIZE_MAX - 40));
    vpn__arena_end(&arena);
}
END_TEST

START_TEST(memory_that_fails)
{
    test_host host = {.fail_at = 2};
    struct vpn__arena arena = arena_of(&host);
    ck_assert_ptr_nonnull(vpn__arena_alloc(&arena, 4096));
    ck_assert_ptr_null(vpn__arena_alloc(&arena, 1));
    ck_assert_ptr_nonnull(vpn__arena_alloc(&arena, 1));
    vpn__arena_end(&arena);
    ck_assert_uint_eq(host.live, 0);
}
END_TEST

START_TEST(wiped_in_the_end)
{
    struct host host;
    host_init(&host);
    struct vpn__arena arena = {.env = host.env};
    memset(vpn__arena_alloc(&arena, 100), 0x55, 100);
    memset(vpn__arena_alloc(&arena, 6000), 0x55, 6000);
    vpn__arena_end(&arena);
    ck_assert_uint_eq(host.base.live, 0);
    ck_assert_uint_eq(host.dirty, 0);
}
END_TEST

static Suite *arena_suite(void)
{
    Suite *suite = suite_create("arena");
    test_add(suite, "pieces are apart", pieces_are_apart);
    test_add(suite, "texts end", texts_end);
    test_add(suite, "lists grow", lists_grow);
    test_add(suite, "memory that fails", memory_that_fails);
    test_add(suite, "wiped in the end", wiped_in_the_end);
    return suite;
}

TEST_MAIN(arena_suite)
