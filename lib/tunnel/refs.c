/* SPDX-License-Identifier: ISC */
/* Invariants:
 *
 * - Each chunk is one allocation of CHUNK_BYTES; the list of chunks and what is left of the newest say all that was taken.
 * - A free array holds the address of the next free one of its class. Arrays do not change their class: what a table has
 *   needed once it mostly needs again, and joining neighbours would cost each array a header.
 */
#include "tunnel/refs.h"

#include <string.h>

#include "base/env.h"

#define CHUNK_BYTES 16384u
#define ALIGNMENT   16u

static const uint8_t rooms[VPN__REFS_CLASSES] = {4, 8, 12, 16, 24, 32, 48, 64, 96, 128};

void vpn__refs_init(struct vpn__refs *r, const vpn_env *env)
{
    memset(r, 0, sizeof(*r));
    r->env = env;
}

void vpn__refs_end(struct vpn__refs *r)
{
    while (r->chunk) {
        uint8_t *before;
        memcpy(&before, r->chunk, sizeof(before));
        vpn__free(r->env, r->chunk, CHUNK_BYTES);
        r->chunk = before;
    }
    vpn__refs_init(r, r->env);
}

uint32_t vpn__refs_room(uint32_t class)
{
    return rooms[class];
}

static int chunk_add(struct vpn__refs *r)
{
    uint8_t *chunk = vpn__alloc(r->env, CHUNK_BYTES);
    if (!chunk)
        return VPN_ENOMEM;
    memcpy(chunk, &r->chunk, sizeof(r->chunk));
    r->chunk = chunk;
    r->chunks++;
    r->left = (CHUNK_BYTES - sizeof(chunk)) / ALIGNMENT * ALIGNMENT;
    /* The allocator promises malloc's alignment, which may be 8 bytes on 32-bit machines. */
    if (((uintptr_t)chunk + CHUNK_BYTES) % ALIGNMENT != 0)
        r->left -= ALIGNMENT;
    return 0;
}

uint32_t *vpn__refs_take(struct vpn__refs *r, uint32_t class)
{
    uint32_t bytes = rooms[class] * (uint32_t)sizeof(uint32_t);
    void *array = r->free[class];
    if (array) {
        memcpy(&r->free[class], array, sizeof(void *));
        return array;
    }
    if (r->left < bytes && chunk_add(r))
        return NULL;
    uintptr_t end = ((uintptr_t)r->chunk + CHUNK_BYTES) / ALIGNMENT * ALIGNMENT;
    array = r->chunk + (end - r->left - (uintptr_t)r->chunk);
    r->left -= bytes;
    return array;
}

void vpn__refs_give(struct vpn__refs *r, uint32_t *array, uint32_t class)
{
    const void *next = r->free[class];
    memcpy(array, &next, sizeof next);
    r->free[class] = array;
}

size_t vpn__refs_memory(const struct vpn__refs *r)
{
    return (size_t)r->chunks * CHUNK_BYTES;
}
