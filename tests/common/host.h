/* SPDX-License-Identifier: ISC */
/* A test_host that counts bytes as well and sees whether memory comes back wiped. */
#ifndef VPN_TESTS_COMMON_HOST_H
#define VPN_TESTS_COMMON_HOST_H

#include "base/env.h"
#include "common/test.h"

#define HOST_HEADER 32u

struct host {
    test_host base; /* first, so that test_host's own functions work on it */
    vpn_env env;
    size_t bytes; /* that are allocated now */
    size_t dirty; /* blocks that were freed and held something else than zeros */
};

static inline void *host_alloc(void *user, size_t bytes)
{
    struct host *host = user;
    uint8_t *block = test_host_alloc(&host->base, HOST_HEADER + bytes);
    if (!block)
        return NULL;
    memcpy(block, &bytes, sizeof(bytes));
    host->bytes += bytes;
    return block + HOST_HEADER;
}

static inline void host_free(void *user, void *memory)
{
    struct host *host = user;
    uint8_t *block = (uint8_t *)memory - HOST_HEADER;
    size_t bytes;
    memcpy(&bytes, block, sizeof(bytes));
    host->dirty += !test_is_zero(memory, bytes);
    host->bytes -= bytes;
    test_host_free(&host->base, block);
}

static inline void host_init(struct host *host)
{
    memset(host, 0, sizeof(*host));
    vpn_env env = test_env(&host->base);
    env.user = host;
    env.alloc = host_alloc;
    env.free = host_free;
    ck_assert_int_eq(vpn__env_init(&host->env, &env), 0);
}

/* `n` more allocations succeed, then all fail. */
static inline void host_fail_after(struct host *host, size_t n)
{
    host->base.fail_from = host->base.calls + n + 1;
}

static inline void host_heal(struct host *host)
{
    host->base.fail_from = 0;
}

/* Everything came back, and wiped. */
static inline void host_end(const struct host *host)
{
    ck_assert_uint_eq(host->base.live, 0);
    ck_assert_uint_eq(host->bytes, 0);
    ck_assert_uint_eq(host->dirty, 0);
}

/* 0 .. limit - 1 */
static inline uint32_t host_below(uint64_t *seed, uint32_t limit)
{
    return (uint32_t)test_below(seed, limit);
}

#endif
