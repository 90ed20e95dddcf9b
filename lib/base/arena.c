/* SPDX-License-Identifier: ISC */
/*
 * Blocks in a list, each filled from its front. What a list outgrows stays where it is until the end; since lists double, that is
 * never more than what is in use.
 */
#include "base/arena.h"

#include <string.h>

#include "base/env.h"

#define BLOCK_BYTES 4096u
#define ALIGNMENT   16u
#define LIST_LEAST  4u

struct vpn__arena_block {
    struct vpn__arena_block *next;
    size_t bytes; /* behind the head */
    size_t used;
};

#define HEAD ((sizeof(struct vpn__arena_block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

static struct vpn__arena_block *new_block(struct vpn__arena *arena, size_t bytes)
{
    size_t room = bytes < BLOCK_BYTES ? BLOCK_BYTES : bytes;
    if (room > SIZE_MAX - HEAD)
        return NULL;
    struct vpn__arena_block *block = vpn__alloc(&arena->env, HEAD + room);
    if (!block)
        return NULL;
    block->bytes = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *vpn__arena_alloc(struct vpn__arena *arena, size_t bytes)
{
    struct vpn__arena_block *block = arena->blocks;
    if (bytes > SIZE_MAX - ALIGNMENT)
        return NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!block || bytes > block->bytes - block->used)
        block = new_block(arena, bytes);
    if (!block)
        return NULL;
    void *memory = (uint8_t *)block + HEAD + block->used;
    block->used += bytes;
    return memory;
}

char *vpn__arena_text(struct vpn__arena *arena, const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? vpn__arena_alloc(arena, length + 1) : NULL;
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

void *vpn__arena_grow(struct vpn__arena *arena, void *list, size_t count, size_t bytes)
{
    size_t room = count < LIST_LEAST ? LIST_LEAST : 2 * count;
    if (list && (count < LIST_LEAST || (count & (count - 1)) != 0))
        return list;
    if (count > SIZE_MAX / 2 || room > SIZE_MAX / bytes)
        return NULL;
    void *longer = vpn__arena_alloc(arena, room * bytes);
    if (longer && list && count)
        memcpy(longer, list, count * bytes);
    return longer;
}

void vpn__arena_end(struct vpn__arena *arena)
{
    struct vpn__arena_block *block = arena->blocks;
    while (block) {
        struct vpn__arena_block *next = block->next;
        vpn__free(&arena->env, block, HEAD + block->bytes);
        block = next;
    }
    arena->blocks = NULL;
}
