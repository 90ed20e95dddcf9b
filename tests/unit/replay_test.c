/* SPDX-License-Identifier: ISC */
#include <vpn/replay.h>

#include "common/test.h"

#define MAX_WORDS VPN_REPLAY_WORDS(VPN_REPLAY_BITS_MAX)

/* The definition: a list of all counters that were taken. The newest come first, since they are asked for most. */
struct model {
    uint64_t taken[20000];
    size_t count;
    uint64_t greatest;
    uint64_t window;
};

static struct model model;
static uint64_t map[MAX_WORDS + 1];
static vpn_replay window;

static void start(uint32_t bits)
{
    memset(map, 0xff, sizeof(map));
    ck_assert_int_eq(vpn_replay_init(&window, map, bits), 0);
    memset(&model, 0, sizeof(model));
    model.window = bits - 64;
    ck_assert_uint_eq(map[bits / 64], UINT64_MAX);
}

static int model_accept(uint64_t counter)
{
    if (model.count && counter < model.greatest && model.greatest - counter > model.window)
        return VPN_EREPLAY;
    for (size_t i = model.count; i-- > 0;) {
        if (model.taken[i] == counter)
            return VPN_EREPLAY;
    }
    model.taken[model.count++] = counter;
    model.greatest = counter > model.greatest ? counter : model.greatest;
    return 0;
}

/* check, accept and the model agree; a refused counter changes nothing. */
static void offer(uint64_t counter)
{
    uint64_t copy[MAX_WORDS];
    vpn_replay before = window;
    memcpy(copy, map, sizeof(copy));
    int advice = vpn_replay_check(&window, counter);
    if (memcmp(&before, &window, sizeof(before)) || memcmp(copy, map, sizeof(copy)))
        ck_abort_msg("check changed the window");
    int have = vpn_replay_accept(&window, counter);
    int want = model_accept(counter);
    if (have != want || advice != want)
        ck_abort_msg("counter %llu, greatest %llu: %d, %d, not %d", (unsigned long long)counter,
                     (unsigned long long)model.greatest, advice, have, want);
    if (have && (memcmp(&before, &window, sizeof(before)) || memcmp(copy, map, sizeof(copy))))
        ck_abort_msg("a refused counter changed the window");
    if (window.greatest != model.greatest || map[window.words] != UINT64_MAX)
        ck_abort_msg("greatest counter, or a write past the map");
}

static const uint32_t sizes[] = {128, 256, 512, 1024, 2048, 4096, 8192};
#define EACH_SIZE(k) for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)

START_TEST(arguments)
{
    for (uint32_t bits = 0; bits < 20000; bits++) {
        int good = 0;
        EACH_SIZE(k)
        good |= bits == sizes[k];
        if (!good && vpn_replay_init(&window, map, bits) != VPN_EINVAL)
            ck_abort_msg("%u bits", bits);
    }
    ck_assert_int_eq(vpn_replay_init(&window, map, UINT32_C(1) << 31), VPN_EINVAL);
    EACH_SIZE(k)
    start(sizes[k]);
}
END_TEST

START_TEST(zero_is_a_counter)
{
    start(128);
    ck_assert_int_eq(vpn_replay_accept(&window, 0), 0);
    ck_assert_int_eq(vpn_replay_accept(&window, 0), VPN_EREPLAY);
    ck_assert_int_eq(vpn_replay_check(&window, 0), VPN_EREPLAY);
    ck_assert_int_eq(vpn_replay_accept(&window, 1), 0);
    start(128);
    ck_assert_int_eq(vpn_replay_accept(&window, 64), 0);
    ck_assert_int_eq(vpn_replay_accept(&window, 0), 0);
    ck_assert_int_eq(vpn_replay_accept(&window, 0), VPN_EREPLAY);
    start(128);
    ck_assert_int_eq(vpn_replay_accept(&window, 65), 0);
    ck_assert_int_eq(vpn_replay_accept(&window, 0), VPN_EREPLAY);
}
END_TEST

/* In order, backwards, and every second one: each size, more than two turns of the ring. */
START_TEST(runs)
{
    EACH_SIZE(k)
    {
        uint64_t n = sizes[k] * 2 + 70 < 3000 ? sizes[k] * 2 + 70 : 3000;
        start(sizes[k]);
        for (uint64_t i = 0; i < n; i++)
            offer(i);
        for (uint64_t i = n; i-- > 0;)
            offer(i);
        start(sizes[k]);
        for (uint64_t i = n; i-- > 0;)
            offer(i);
        start(sizes[k]);
        for (uint64_t i = 0; i < n; i += 2)
            offer(i);
        for (uint64_t i = 1; i < n; i++)
            offer(i);
    }
}
END_TEST

/* Both edges of the window, at every place of the greatest counter in its word and beside great powers of two. */
START_TEST(edges)
{
    EACH_SIZE(k)
    {
        const uint64_t tops[] = {sizes[k],          UINT64_C(1) << 16, UINT64_C(1) << 31, UINT64_C(1) << 32,
                                 UINT64_C(1) << 48, UINT64_C(1) << 60, UINT64_C(1) << 63, UINT64_MAX - 130};
        for (size_t t = 0; t < sizeof(tops) / sizeof(*tops); t++) {
            for (uint64_t shift = 0; shift < 130; shift += 13) {
                uint64_t top = tops[t] + shift;
                start(sizes[k]);
                offer(top - 1);
                offer(top);
                for (uint64_t back = 0; back < 3; back++) {
                    offer(top - model.window + back);
                    offer(top - model.window - back);
                    offer(top - sizes[k] - back);
                    offer(top - sizes[k] + back);
                }
                offer(top);
                offer(top + 1);
                offer(top - model.window);
                offer(top + 1 - model.window);
            }
        }
    }
}
END_TEST

START_TEST(last_counters)
{
    EACH_SIZE(k)
    {
        start(sizes[k]);
        for (uint64_t back = 200; back <= 200; back--)
            offer(UINT64_MAX - back);
        for (uint64_t i = 0; i < 200; i++) {
            offer(i);
            offer(UINT64_MAX - i);
            offer(UINT64_MAX - model.window - i);
        }
        start(sizes[k]);
        offer(0);
        offer(UINT64_MAX);
        offer(0);
        offer(UINT64_MAX);
        offer(UINT64_MAX - 1);
        offer(UINT64_MAX - model.window);
        offer(UINT64_MAX - model.window - 1);
    }
}
END_TEST

/* A jump by any number of words leaves nothing of the turns before. */
START_TEST(jumps)
{
    EACH_SIZE(k)
    {
        uint32_t words = sizes[k] / 64;
        for (uint64_t jump = 0; jump < words * 2u + 3; jump += jump < 4 || jump + 4 > words ? 1 : words / 4) {
            start(sizes[k]);
            for (uint64_t i = 0; i < sizes[k]; i += 7)
                offer(i);
            uint64_t top = model.greatest + jump * 64;
            offer(top);
            for (uint64_t i = 0; i <= sizes[k] && i <= top; i += 5)
                offer(top - i);
        }
    }
}
END_TEST

START_TEST(random_walks)
{
    uint64_t seed = 99;
    EACH_SIZE(k)
    {
        for (int round = 0; round < 4; round++) {
            uint64_t base = round == 0 ? 0 : round == 1 ? UINT64_MAX - 20000 : test_random(&seed);
            start(sizes[k]);
            for (int i = 0; i < 2000; i++) {
                uint32_t spread = test_below(&seed, 40) ? 40 : sizes[k] * 2;
                uint64_t counter = base + test_below(&seed, spread);
                base += test_below(&seed, 3) && base < UINT64_MAX - sizes[k] * 4 ? 1 : 0;
                offer(test_below(&seed, 8) ? counter : counter - test_below(&seed, sizes[k] + 100));
            }
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("replay");
    test_add(s, "arguments", arguments);
    test_add(s, "zero_is_a_counter", zero_is_a_counter);
    test_add(s, "runs", runs);
    test_add(s, "edges", edges);
    test_add(s, "last_counters", last_counters);
    test_add(s, "jumps", jumps);
    test_add(s, "random_walks", random_walks);
    return s;
}

TEST_MAIN(suite)
