/* SPDX-License-Identifier: ISC */
/* What every test program shares: main, hexadecimal text, repeatable random numbers and a host that can be made to fail. */
#ifndef VPN_TESTS_COMMON_TEST_H
#define VPN_TESTS_COMMON_TEST_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/base.h>

/* Exit status of a program that could not test anything; ctest calls it skipped. */
#define TEST_SKIPPED 77

/* Runs a suite; CK_FORK=no and CK_VERBOSITY of the environment are obeyed. */
static inline int test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* main of a program with the suite that `Suite *suite_fn(void)` makes. */
#define TEST_MAIN(suite_fn)                                                                                            \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        return test_run(suite_fn());                                                                                   \
    }

/* A case of one test, which is what most tests need. */
static inline void test_add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_test(tcase, test);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
}

/* A case of one test that runs with _i from 0 to turns - 1. */
static inline void test_loop(Suite *suite, const char *name, const TTest *test, int turns)
{
    TCase *tcase = tcase_create(name);
    tcase_add_loop_test(tcase, test, 0, turns);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
}

static inline int test_nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes hexadecimal text, white space ignored, into at most `room` bytes; anything else fails the test. */
static inline size_t test_hex(uint8_t *out, size_t room, const char *text)
{
    size_t n = 0;
    for (; *text; text++) {
        if (*text == ' ' || *text == '\n')
            continue;
        int high = test_nibble(text[0]), low = high < 0 ? -1 : test_nibble(text[1]);
        ck_assert_msg(low >= 0, "bad hexadecimal text");
        ck_assert_msg(n < room, "too much hexadecimal text");
        out[n++] = (uint8_t)(high << 4 | low);
        text++;
    }
    return n;
}

/* Asserts that `bytes` bytes are those of the text. */
static inline void test_expect_hex(const void *have, size_t bytes, const char *text)
{
    uint8_t want[1024];
    ck_assert_uint_eq(test_hex(want, sizeof(want), text), bytes);
    if (bytes)
        ck_assert_mem_eq(have, want, bytes);
}

/* Repeatable numbers (splitmix64): any seed will do. */
static inline uint64_t test_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. limit - 1 */
static inline size_t test_below(uint64_t *seed, size_t limit)
{
    return (size_t)(test_random(seed) % limit);
}

/* The same for times, which are longer than a size is where that has 32 bits. */
static inline uint64_t test_below64(uint64_t *seed, uint64_t limit)
{
    return test_random(seed) % limit;
}

static inline void test_fill(uint64_t *seed, void *out, size_t bytes)
{
    uint8_t *p = out;
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(test_random(seed) >> 32);
}

static inline int test_is_zero(const void *memory, size_t bytes)
{
    const uint8_t *p = memory;
    for (size_t i = 0; i < bytes; i++)
        if (p[i])
            return 0;
    return 1;
}

/* A host: repeatable randomness, a clock that stands still, and each part fails on demand. */
typedef struct test_host {
    uint64_t seed;
    vpn_wall now;
    size_t live;       /* allocations that were not given back */
    size_t calls;      /* allocations asked for */
    size_t fail_at;    /* the number of the allocation that fails, from 1; 0 for none */
    size_t fail_from;  /* likewise, but all later ones fail too */
    int random_status; /* what `random` returns, after it has filled half of its output when not 0 */
    int wall_status;
} test_host;

static inline void *test_host_alloc(void *user, size_t bytes)
{
    test_host *host = user;
    host->calls++;
    if (host->calls == host->fail_at || (host->fail_from && host->calls >= host->fail_from))
        return NULL;
    void *memory = malloc(bytes);
    if (memory) {
        memset(memory, 0xa5, bytes);
        host->live++;
    }
    return memory;
}

static inline void test_host_free(void *user, void *memory)
{
    test_host *host = user;
    ck_assert_ptr_nonnull(memory);
    host->live--;
    free(memory);
}

static inline int test_host_random(void *user, uint8_t *out, size_t bytes)
{
    test_host *host = user;
    test_fill(&host->seed, out, host->random_status ? bytes / 2 : bytes);
    return host->random_status;
}

static inline int test_host_wall(void *user, vpn_wall *out)
{
    test_host *host = user;
    *out = host->now;
    return host->wall_status;
}

/* The environment that leads to a host. */
static inline vpn_env test_env(test_host *host)
{
    vpn_env env = {.size = sizeof(env), .user = host};
    env.alloc = test_host_alloc;
    env.free = test_host_free;
    env.random = test_host_random;
    env.wall = test_host_wall;
    return env;
}

#endif
