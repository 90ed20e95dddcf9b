/* SPDX-License-Identifier: ISC */
#include "scenario/node.h"

/* Before each block, in HEADER bytes so that the block is aligned as malloc's. */
struct node_block {
    struct node_block *previous, *next;
    size_t bytes;
};

#define HEADER 32

static int contains(const uint8_t *memory, size_t bytes, const uint8_t secret[32])
{
    for (size_t i = 0; i + 32 <= bytes; i++)
        if (memory[i] == secret[0] && memcmp(memory + i, secret, 32) == 0)
            return 1;
    return 0;
}

static int refuses(struct node_miser *miser)
{
    size_t call = miser == NULL ? 0 : ++miser->calls;
    if (call == 0 || miser->first == 0 || call < miser->first || call > miser->last)
        return 0;
    miser->refused++;
    return 1;
}

static void *env_alloc(void *user, size_t bytes)
{
    struct node_env *env = user;
    if (++env->calls == env->fail_at || refuses(env->miser))
        return NULL;
    struct node_block *block = malloc(HEADER + bytes);
    ck_assert_ptr_nonnull(block);
    memset(block, 0xa5, HEADER + bytes);
    block->bytes = bytes;
    block->previous = NULL;
    block->next = env->first;
    if (env->first != NULL)
        env->first->previous = block;
    env->first = block;
    env->bytes += bytes;
    env->blocks++;
    return (uint8_t *)block + HEADER;
}

static void env_free(void *user, void *memory)
{
    struct node_env *env = user;
    ck_assert_ptr_nonnull(memory);
    struct node_block *block = (struct node_block *)(void *)((uint8_t *)memory - HEADER);
    for (size_t i = 0; i < env->secret_count; i++)
        env->leaks += (size_t)contains(memory, block->bytes, env->secrets[i]);
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        env->first = block->next;
    if (block->next != NULL)
        block->next->previous = block->previous;
    env->bytes -= block->bytes;
    env->blocks--;
    free(block);
}

static int env_random(void *user, uint8_t *out, size_t bytes)
{
    struct node_env *env = user;
    if (env->random_status == 0)
        test_fill(&env->seed, out, bytes);
    return env->random_status;
}

static int env_wall(void *user, vpn_wall *out)
{
    struct node_env *env = user;
    *out = env->wall;
    if (!env->wall_stands) {
        uint64_t nanoseconds = env->wall.nanoseconds + *env->now;
        out->seconds += nanoseconds / VPN_SECOND;
        out->nanoseconds = (uint32_t)(nanoseconds % VPN_SECOND);
    }
    return env->wall_status;
}

vpn_env node_env_make(struct node_env *env)
{
    vpn_env out = {.size = sizeof out, .user = env};
    out.alloc = env_alloc;
    out.free = env_free;
    out.random = env_random;
    out.wall = env_wall;
    return out;
}

int node_env_holds(const struct node_env *env, const uint8_t secret[32])
{
    for (struct node_block *block = env->first; block != NULL; block = block->next)
        if (contains((const uint8_t *)block + HEADER, block->bytes, secret))
            return 1;
    return 0;
}
