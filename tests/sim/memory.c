/* SPDX-License-Identifier: ISC */
#include "sim/memory.h"

#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "sim/report.h"

#define HEADER 32 /* keeps the alignment of malloc */

static int refuses(struct memory *m)
{
    int refused = m->scarce != 0 && test_below(&m->rng, 1000) < m->scarce;
    m->refused += (uint64_t)refused;
    return refused;
}

static void *take(void *user, size_t bytes)
{
    struct memory *m = user;
    if (refuses(m))
        return NULL;
    uint8_t *block = malloc(HEADER + bytes);
    MUST(block != NULL);
    memcpy(block, &bytes, sizeof bytes);
    memset(block + HEADER, 0xa5, bytes);
    m->bytes += bytes;
    m->blocks++;
    return block + HEADER;
}

static void give(void *user, void *memory)
{
    struct memory *m = user;
    size_t bytes;
    uint8_t *block = (uint8_t *)memory - HEADER;
    memcpy(&bytes, block, sizeof bytes);
    MUST(m->blocks > 0 && m->bytes >= bytes);
    m->bytes -= bytes;
    m->blocks--;
    free(block);
}

static int draw(void *user, uint8_t *out, size_t bytes)
{
    struct memory *m = user;
    if (refuses(m))
        return -1;
    test_fill(&m->rng, out, bytes);
    return 0;
}

static int wall(void *user, vpn_wall *out)
{
    struct memory *m = user;
    clock_wall(m->clock, *m->now, out);
    return 0;
}

vpn_env memory_env(struct memory *memory)
{
    vpn_env env = {.size = sizeof env, .user = memory};
    env.alloc = take;
    env.free = give;
    env.random = draw;
    env.wall = wall;
    return env;
}
