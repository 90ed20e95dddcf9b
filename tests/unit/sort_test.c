/* SPDX-License-Identifier: ISC */
/* Lists of every length and width, against the C library's qsort. */
#include "base/sort.h"
#include "common/test.h"

static size_t width;

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, width);
}

START_TEST(as_qsort)
{
    uint64_t seed = (uint64_t)_i;
    static uint8_t have[300 * VPN__SORT_MAX], want[sizeof(have)];
    width = 1 + (size_t)_i % VPN__SORT_MAX;
    for (size_t count = 0; count <= 300; count += count < 20 ? 1 : 35) {
        test_fill(&seed, have, count * width);
        for (size_t i = 0; i < count * width; i++)
            have[i] &= 3;
        memcpy(want, have, sizeof(have));
        vpn__sort(have, count, width, compare);
        qsort(want, count, width, compare);
        ck_assert_mem_eq(have, want, sizeof(have));
    }
}
END_TEST

static Suite *sort_suite(void)
{
    Suite *suite = suite_create("sort");
    test_loop(suite, "as qsort", as_qsort, VPN__SORT_MAX);
    return suite;
}

TEST_MAIN(sort_suite)
