/* SPDX-License-Identifier: ISC */
/* A host for containers under test: an allocator that counts, can be told to fail and looks whether memory comes back
   wiped, and random numbers that are the same in every run. */
#ifndef VPN_TESTS_COMMON_HOST_H
#define VPN_TESTS_COMMON_HOST_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"

#define HOST_HEADER 32u

struct host {
    vpn_env env;
    size_t bytes;   /* that are allocated now */
    size_t blocks;  /* that are allocated now */
    size_t calls;   /* of alloc so far */
    size_t fail_at; /* that call of alloc and all later ones fail; SIZE_MAX: none */
    size_t dirty;   /* blocks that were freed and held something else than zeros */
    int random_fails;
};

static inline void *host_alloc(void *user, size_t bytes)
{
    struct host *host = user;
    if (host->calls++ >= host->fail_at)
        return NULL;
    uint8_t *block = malloc(HOST_HEADER + bytes);
    ck_assert_ptr_nonnull(block);
    memcpy(block, &bytes, sizeof(bytes));
    memset(block + HOST_HEADER, 0xa5, bytes);
    host->bytes += bytes;
    host->blocks++;
    return block + HOST_HEADER;
}

static inline void host_free(void *user, void *memory)
{
    struct host *host = user;
    uint8_t *block = (uint8_t *)memory - HOST_HEADER;
    size_t bytes;
    memcpy(&bytes, block, sizeof(bytes));
    uint8_t seen = 0;
    for (size_t i = 0; i < bytes; i++)
        seen |= block[HOST_HEADER + i];
    host->dirty += seen != 0;
    host->bytes -= bytes;
    host->blocks--;
    free(block);
}

static inline uint64_t host_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. limit - 1 */
static inline uint32_t host_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((host_next(state) >> 32) * limit >> 32);
}

static inline int host_random(void *user, uint8_t *out, size_t bytes)
{
    static uint64_t state = 1;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)host_next(&state);
    return ((struct host *)user)->random_fails;
}

static inline void host_init(struct host *host)
{
    memset(host, 0, sizeof(*host));
    vpn_env env = {.size = sizeof(env), .user = host, .alloc = host_alloc, .free = host_free, .random = host_random};
    host->fail_at = SIZE_MAX;
    ck_assert_int_eq(vpn__env_init(&host->env, &env), 0);
}

/* Everything came back, and wiped. */
static inline void host_end(const struct host *host)
{
    ck_assert_uint_eq(host->blocks, 0);
    ck_assert_uint_eq(host->bytes, 0);
    ck_assert_uint_eq(host->dirty, 0);
}

#endif
