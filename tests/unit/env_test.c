/* SPDX-License-Identifier: ISC */
#include "common/test.h"

#include "base/env.h"

#include <time.h>

#define SECONDS_END ((UINT64_C(1) << 62) - 10)

/* A structure of three ages: `size` and `a`, then `b`, then `c`. */
typedef struct config {
    uint32_t size;
    uint32_t a;
    uint64_t b;
    uint64_t c;
} config;
#define LEAST 8

START_TEST(all_defaults_work)
{
    vpn_env env;
    vpn_wall wall;
    uint8_t random[2][64];
    ck_assert_int_eq(vpn__env_init(&env, NULL), 0);
    ck_assert_uint_eq(env.size, sizeof(env));

    uint8_t *memory = vpn__alloc(&env, 1000);
    ck_assert_ptr_nonnull(memory);
    ck_assert(test_is_zero(memory, 1000));
    memset(memory, 1, 1000);
    vpn__free(&env, memory, 1000);

    ck_assert_int_eq(vpn__random(&env, random[0], 64), 0);
    ck_assert_int_eq(vpn__random(&env, random[1], 64), 0);
    ck_assert_mem_ne(random[0], random[1], 64);
    ck_assert(!test_is_zero(random[0], 16));

    time_t before = time(NULL);
    vpn__wall(&env, &wall);
    ck_assert_uint_ge(wall.seconds + 1, (uint64_t)before);
    ck_assert_uint_le(wall.seconds, (uint64_t)time(NULL) + 1);
    ck_assert_uint_lt(wall.nanoseconds, 1000000000);
    ck_assert_uint_eq(wall.reserved, 0);
}
END_TEST

START_TEST(each_function_is_replaced_alone)
{
    test_host host = {.seed = 3, .now = {.seconds = 77}};
    vpn_env env, in = {.size = sizeof(in), .user = &host};
    vpn_wall wall;
    uint8_t have[8], want[8];

    in.wall = test_host_wall;
    ck_assert_int_eq(vpn__env_init(&env, &in), 0);
    vpn__wall(&env, &wall);
    ck_assert_uint_eq(wall.seconds, 77);
    ck_assert_int_eq(vpn__random(&env, have, sizeof(have)), 0);
    ck_assert_uint_eq(host.seed, 3);

    in.random = test_host_random;
    in.wall = NULL;
    ck_assert_int_eq(vpn__env_init(&env, &in), 0);
    ck_assert_int_eq(vpn__random(&env, have, sizeof(have)), 0);
    uint64_t seed = 3;
    test_fill(&seed, want, sizeof(want));
    ck_assert_mem_eq(have, want, sizeof(want));
    vpn__wall(&env, &wall);
    ck_assert_uint_ne(wall.seconds, 77);
}
END_TEST

START_TEST(bad_environments_are_refused)
{
    test_host host = {0};
    vpn_env out, marked, in = test_env(&host);
    memset(&marked, 0x5a, sizeof(marked));
    struct {
        vpn_env env;
    } bad[5] = {{in}, {in}, {in}, {in}, {in}};
    bad[0].env.alloc = NULL;
    bad[1].env.free = NULL;
    bad[2].env.reserved = 1;
    bad[3].env.size = sizeof(in) - 1;
    bad[4].env.size = 0;
    for (size_t i = 0; i < 5; i++) {
        memcpy(&out, &marked, sizeof(out));
        ck_assert_int_eq(vpn__env_init(&out, &bad[i].env), VPN_EINVAL);
        ck_assert_mem_eq(&out, &marked, sizeof(out));
    }
    ck_assert_int_eq(vpn__env_init(&out, &in), 0);
}
END_TEST

START_TEST(newer_environments_are_read_while_their_tail_is_zero)
{
    test_host host = {0};
    struct {
        vpn_env env;
        uint64_t future[2];
    } in = {.env = test_env(&host)};
    vpn_env out;
    in.env.size = sizeof(in);
    ck_assert_int_eq(vpn__env_init(&out, &in.env), 0);
    ck_assert_uint_eq(out.size, sizeof(out));
    ck_assert_ptr_eq(out.user, &host);
    ((uint8_t *)in.future)[15] = 1;
    ck_assert_int_eq(vpn__env_init(&out, &in.env), VPN_EINVAL);
}
END_TEST

START_TEST(a_copy_can_be_read_again)
{
    test_host host = {0};
    vpn_env first, second, in = test_env(&host);
    ck_assert_int_eq(vpn__env_init(&first, &in), 0);
    ck_assert_int_eq(vpn__env_init(&second, &first), 0);
    ck_assert_mem_eq(&first, &second, sizeof(first));
}
END_TEST

START_TEST(memory_comes_zeroed_and_failure_is_passed_on)
{
    test_host host = {.fail_at = 2};
    vpn_env env = test_env(&host);
    uint8_t *memory = vpn__alloc(&env, 33);
    ck_assert_ptr_nonnull(memory);
    ck_assert(test_is_zero(memory, 33));
    ck_assert_ptr_null(vpn__alloc(&env, 33));
    vpn__free(&env, memory, 33);
    vpn__free(&env, NULL, 33);
    ck_assert_uint_eq(host.live, 0);
    ck_assert_uint_eq(host.calls, 2);
}
END_TEST

START_TEST(arrays_do_not_overflow)
{
    test_host host = {0};
    vpn_env env = test_env(&host);
    ck_assert_ptr_null(vpn__alloc_array(&env, SIZE_MAX / 2 + 1, 2));
    ck_assert_ptr_null(vpn__alloc_array(&env, 2, SIZE_MAX / 2 + 1));
    ck_assert_ptr_null(vpn__alloc_array(&env, SIZE_MAX, SIZE_MAX));
    ck_assert_uint_eq(host.calls, 0);
    uint8_t *array = vpn__alloc_array(&env, 7, 9);
    ck_assert(test_is_zero(array, 63));
    vpn__free(&env, array, 63);
    /* nothing at all is still memory, not a failure */
    void *empty[3] = {vpn__alloc_array(&env, 0, 8), vpn__alloc_array(&env, 8, 0), vpn__alloc(&env, 0)};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(empty[i]);
        vpn__free(&env, empty[i], 0);
    }
    ck_assert_uint_eq(host.live, 0);
}
END_TEST

/* One block that is looked at again after it was given back. */
static uint8_t block[64];

static void *block_alloc(void *user, size_t bytes)
{
    (void)user;
    return bytes <= sizeof(block) ? block : NULL;
}

static void block_free(void *user, void *memory)
{
    *(int *)user += memory == block;
}

START_TEST(memory_is_wiped_before_it_is_given_back)
{
    int freed = 0;
    vpn_env out, env = {.size = sizeof(env), .user = &freed, .alloc = block_alloc, .free = block_free};
    ck_assert_int_eq(vpn__env_init(&out, &env), 0);
    void *memory = vpn__alloc(&out, sizeof(block));
    ck_assert_ptr_eq(memory, block);
    memset(block, 0x77, sizeof(block));
    vpn__free(&out, memory, sizeof(block));
    ck_assert_int_eq(freed, 1);
    ck_assert(test_is_zero(block, sizeof(block)));
    ck_assert_ptr_null(vpn__alloc(&out, sizeof(block) + 1));
}
END_TEST

START_TEST(failed_randomness_leaves_nothing)
{
    test_host host = {.random_status = 5};
    vpn_env env = test_env(&host);
    uint8_t out[32];
    memset(out, 0xff, sizeof(out));
    ck_assert_int_eq(vpn__random(&env, out, sizeof(out)), VPN_ERANDOM);
    ck_assert(test_is_zero(out, sizeof(out)));
    ck_assert_int_eq(vpn__random(&env, out, 0), 0);
}
END_TEST

START_TEST(a_clock_that_fails_or_lies_counts_as_1970)
{
    static const struct {
        vpn_wall now;
        int status, good;
    } rows[] = {
        {{.seconds = 5, .nanoseconds = 999999999}, 0, 1},
        {{.seconds = 5, .nanoseconds = 6, .reserved = 9}, 0, 1},
        {{.seconds = SECONDS_END - 1}, 0, 1},
        {{.seconds = 5, .nanoseconds = 6}, 1, 0},
        {{.seconds = 5, .nanoseconds = 6}, -1, 0},
        {{.seconds = 5, .nanoseconds = 1000000000}, 0, 0},
        {{.seconds = SECONDS_END}, 0, 0},
        {{.seconds = UINT64_MAX}, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_host host = {.now = rows[i].now, .wall_status = rows[i].status};
        vpn_env env = test_env(&host);
        vpn_wall wall;
        memset(&wall, 0xff, sizeof(wall));
        vpn__wall(&env, &wall);
        ck_assert_uint_eq(wall.seconds, rows[i].good ? rows[i].now.seconds : 0);
        ck_assert_uint_eq(wall.nanoseconds, rows[i].good ? rows[i].now.nanoseconds : 0);
        ck_assert_uint_eq(wall.reserved, 0);
    }
}
END_TEST

START_TEST(config_read_at_every_size)
{
    struct {
        config config;
        uint8_t future[16];
    } in;
    for (uint32_t size = 0; size <= sizeof(in); size++) {
        config out, want = {.size = sizeof(config)};
        memset(&in, 0x11, sizeof(config));
        memset(in.future, 0, sizeof(in.future));
        in.config.size = size;
        int status = vpn__config_read(&out, sizeof(out), &in, LEAST);
        ck_assert_int_eq(status, size < LEAST ? VPN_EINVAL : 0);
        if (status)
            continue;
        size_t take = size < sizeof(config) ? size : sizeof(config);
        memcpy((uint8_t *)&want + 4, (uint8_t *)&in + 4, take - 4);
        ck_assert_mem_eq(&out, &want, sizeof(want));
    }
}
END_TEST

START_TEST(config_read_refuses_each_byte_of_an_unknown_tail)
{
    struct {
        config config;
        uint8_t future[16];
    } in;
    for (size_t i = 0; i < sizeof(in.future); i++) {
        config out;
        memset(&in, 0, sizeof(in));
        in.config.size = sizeof(in);
        in.future[i] = 0x80;
        ck_assert_int_eq(vpn__config_read(&out, sizeof(out), &in, LEAST), VPN_EINVAL);
        /* past the size that it claims, it is not looked at */
        in.config.size = (uint32_t)(sizeof(config) + i);
        ck_assert_int_eq(vpn__config_read(&out, sizeof(out), &in, LEAST), 0);
    }
}
END_TEST

START_TEST(config_with_an_absurd_size_is_not_followed)
{
    config out, in = {.size = UINT32_MAX};
    ck_assert_int_eq(vpn__config_read(&out, sizeof(out), &in, LEAST), VPN_EINVAL);
    ck_assert_int_eq(vpn__config_write(&in, &out, sizeof(out), LEAST), VPN_EINVAL);
    in.size = 4097;
    ck_assert_int_eq(vpn__config_read(&out, sizeof(out), &in, LEAST), VPN_EINVAL);
}
END_TEST

START_TEST(config_need_not_be_aligned)
{
    uint8_t memory[sizeof(config) + 1];
    config out, in = {.size = sizeof(config), .a = 1, .b = 2, .c = 3};
    memcpy(memory + 1, &in, sizeof(in));
    ck_assert_int_eq(vpn__config_read(&out, sizeof(out), memory + 1, LEAST), 0);
    ck_assert_mem_eq(&out, &in, sizeof(in));
}
END_TEST

START_TEST(config_write_at_every_size)
{
    const config in = {.size = sizeof(config), .a = 0x01020304, .b = 0x1111111111111111, .c = 0x2222222222222222};
    uint8_t out[sizeof(config) + 24];
    for (uint32_t size = 0; size <= sizeof(config) + 16; size++) {
        memset(out, 0xee, sizeof(out));
        memcpy(out, &size, sizeof(size));
        int status = vpn__config_write(out, &in, sizeof(in), LEAST);
        ck_assert_int_eq(status, size < LEAST ? VPN_EINVAL : 0);
        ck_assert_mem_eq(out, &size, sizeof(size));
        for (size_t i = sizeof(size); i < sizeof(out); i++) {
            uint8_t want = status || i >= size ? 0xee : i < sizeof(in) ? ((const uint8_t *)&in)[i] : 0;
            ck_assert_uint_eq(out[i], want);
        }
    }
}
END_TEST

static Suite *env_suite(void)
{
    Suite *suite = suite_create("env");
    test_add(suite, "defaults", all_defaults_work);
    test_add(suite, "replaced", each_function_is_replaced_alone);
    test_add(suite, "refused", bad_environments_are_refused);
    test_add(suite, "newer", newer_environments_are_read_while_their_tail_is_zero);
    test_add(suite, "again", a_copy_can_be_read_again);
    test_add(suite, "alloc", memory_comes_zeroed_and_failure_is_passed_on);
    test_add(suite, "array", arrays_do_not_overflow);
    test_add(suite, "wiped", memory_is_wiped_before_it_is_given_back);
    test_add(suite, "random", failed_randomness_leaves_nothing);
    test_add(suite, "wall", a_clock_that_fails_or_lies_counts_as_1970);
    test_add(suite, "config read", config_read_at_every_size);
    test_add(suite, "config tail", config_read_refuses_each_byte_of_an_unknown_tail);
    test_add(suite, "config size", config_with_an_absurd_size_is_not_followed);
    test_add(suite, "config alignment", config_need_not_be_aligned);
    test_add(suite, "config write", config_write_at_every_size);
    return suite;
}

TEST_MAIN(env_suite)
