/* SPDX-License-Identifier: ISC */
/* The default clock and allocator at the top of this file are the only ones in the library. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "base/env.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The first version of the structure: what a caller must have at least. It never changes. */
#define ENV_LEAST (offsetof(vpn_env, wall) + sizeof(((vpn_env *)0)->wall))

/* No structure will ever grow past this. A greater size is memory that nobody set, and its tail must not be read. */
#define CONFIG_MOST 4096

/* Seconds from which a TAI64 label would leave its range: 2^62, less the 10 s between the two scales in 1970. */
#define WALL_SECONDS_END ((UINT64_C(1) << 62) - 10)

static void *default_alloc(void *user, size_t bytes)
{
    (void)user;
    return malloc(bytes);
}

static void default_free(void *user, void *memory)
{
    (void)user;
    free(memory);
}

static int default_random(void *user, uint8_t *out, size_t bytes)
{
    (void)user;
    if (sodium_init() < 0)
        return -1;
    randombytes_buf(out, bytes);
    return 0;
}

static int default_wall(void *user, vpn_wall *out)
{
    struct timespec now;
    (void)user;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0)
        return -1;
    out->seconds = (uint64_t)now.tv_sec;
    out->nanoseconds = (uint32_t)now.tv_nsec;
    return 0;
}

int vpn__env_init(vpn_env *out, const vpn_env *in)
{
    vpn_env env = {.size = sizeof(env)};
    if (in && vpn__config_read(&env, sizeof(env), in, ENV_LEAST) != 0)
        return VPN_EINVAL;
    if (env.reserved != 0 || !env.alloc != !env.free)
        return VPN_EINVAL;
    if (!env.alloc) {
        env.alloc = default_alloc;
        env.free = default_free;
    }
    if (!env.random)
        env.random = default_random;
    if (!env.wall)
        env.wall = default_wall;
    *out = env;
    return 0;
}

void *vpn__alloc(const vpn_env *env, size_t bytes)
{
    /* malloc(0) may give NULL, which would look like a failure */
    void *memory = env->alloc(env->user, bytes ? bytes : 1);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void *vpn__alloc_array(const vpn_env *env, size_t count, size_t bytes)
{
    if (bytes && count > SIZE_MAX / bytes)
        return NULL;
    return vpn__alloc(env, count * bytes);
}

void vpn__free(const vpn_env *env, void *memory, size_t bytes)
{
    if (!memory)
        return;
    vpn_wipe(memory, bytes);
    env->free(env->user, memory);
}

int vpn__random(const vpn_env *env, void *out, size_t bytes)
{
    if (bytes == 0 || env->random(env->user, out, bytes) == 0)
        return 0;
    vpn_wipe(out, bytes);
    return VPN_ERANDOM;
}

void vpn__wall(const vpn_env *env, vpn_wall *out)
{
    memset(out, 0, sizeof(*out));
    if (env->wall(env->user, out) != 0 || out->seconds >= WALL_SECONDS_END || out->nanoseconds > 999999999)
        memset(out, 0, sizeof(*out));
    out->reserved = 0;
}

/* The size that a structure claims, or 0 when it cannot be. */
static size_t claimed(const void *config, size_t least)
{
    uint32_t size;
    memcpy(&size, config, sizeof(size));
    return size < least || size > CONFIG_MOST ? 0 : size;
}

int vpn__config_read(void *out, size_t known, const void *in, size_t least)
{
    size_t size = claimed(in, least);
    if (size == 0)
        return VPN_EINVAL;
    for (size_t i = known; i < size; i++)
        if (((const uint8_t *)in)[i] != 0)
            return VPN_EINVAL;
    memset(out, 0, known);
    memcpy(out, in, size < known ? size : known);
    /* The copy has all known fields, so it is safe to read as a structure of that size again. */
    uint32_t whole = (uint32_t)known;
    memcpy(out, &whole, sizeof(whole));
    return 0;
}

int vpn__config_write(void *out, const void *in, size_t known, size_t least)
{
    size_t size = claimed(out, least);
    if (size == 0)
        return VPN_EINVAL;
    /* A caller that is newer than the library reads zero in the fields that only it knows. */
    memset((uint8_t *)out + sizeof(uint32_t), 0, size - sizeof(uint32_t));
    memcpy((uint8_t *)out + sizeof(uint32_t), (const uint8_t *)in + sizeof(uint32_t),
           (size < known ? size : known) - sizeof(uint32_t));
    return 0;
}
