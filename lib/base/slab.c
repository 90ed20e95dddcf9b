/* SPDX-License-Identifier: ISC */
/* Invariants:
 *
 * - `high` counts the elements that were ever handed out; those from `high` on are zero, as they came from the allocator.
 * - A free element below `high` is zero but for its first four bytes, which hold the next index of the free list.
 * - Chunks are only added, never moved or given back before the end, so a pointer holds as long as its element.
 */
#include "base/slab.h"

#include <string.h>

#include "base/env.h"

#define NONE        UINT32_MAX
#define CHUNK_BYTES 16384u
#define ALIGNMENT   64u

/* The allocator promises no more than malloc's alignment. The byte before the start always exists. */
static size_t chunk_bytes(const struct vpn__slab *s)
{
    return ((size_t)s->stride << s->shift) + ALIGNMENT;
}

void vpn__slab_init(struct vpn__slab *s, const vpn_env *env, size_t element_bytes, uint32_t max)
{
    memset(s, 0, sizeof(*s));
    s->env = env;
    s->stride = ((uint32_t)element_bytes + 15u) & ~15u;
    s->free = NONE;
    s->max = max;
    while (((uint64_t)s->stride << (s->shift + 1)) <= CHUNK_BYTES && (UINT64_C(1) << s->shift) < max)
        s->shift++;
}

void vpn__slab_end(struct vpn__slab *s)
{
    for (uint32_t i = 0; i < s->chunk_count; i++) {
        uint8_t *start = s->chunks[i];
        vpn__free(s->env, start - start[-1], chunk_bytes(s));
    }
    vpn__free(s->env, s->chunks, s->chunk_room * sizeof(*s->chunks));
    memset(s, 0, sizeof(*s));
    s->free = NONE;
}

static int directory_grow(struct vpn__slab *s)
{
    uint32_t room = s->chunk_room ? s->chunk_room * 2 : 4;
    uint8_t **chunks = vpn__alloc_array(s->env, room, sizeof(*chunks));
    if (!chunks)
        return VPN_ENOMEM;
    if (s->chunk_count)
        memcpy(chunks, s->chunks, s->chunk_count * sizeof(*chunks));
    vpn__free(s->env, s->chunks, s->chunk_room * sizeof(*chunks));
    s->chunks = chunks;
    s->chunk_room = room;
    return 0;
}

static int chunk_add(struct vpn__slab *s)
{
    if (s->chunk_count == s->chunk_room && directory_grow(s))
        return VPN_ENOMEM;
    uint8_t *memory = vpn__alloc(s->env, chunk_bytes(s));
    if (!memory)
        return VPN_ENOMEM;
    uint8_t skip = (uint8_t)(ALIGNMENT - ((uintptr_t)memory & (ALIGNMENT - 1)));
    uint8_t *start = memory + skip;
    start[-1] = skip;
    s->chunks[s->chunk_count++] = start;
    return 0;
}

void *vpn__slab_take(struct vpn__slab *s, uint32_t *index)
{
    if (s->free != NONE) {
        uint8_t *element = vpn__slab_at(s, s->free);
        *index = s->free;
        memcpy(&s->free, element, sizeof(s->free));
        memset(element, 0, sizeof(s->free));
        s->used++;
        return element;
    }
    if (s->high >= s->max)
        return NULL;
    if (s->high >> s->shift == s->chunk_count && chunk_add(s))
        return NULL;
    *index = s->high++;
    s->used++;
    return vpn__slab_at(s, *index);
}

void vpn__slab_give(struct vpn__slab *s, uint32_t index)
{
    void *element = vpn__slab_at(s, index);
    vpn_wipe(element, s->stride);
    memcpy(element, &s->free, sizeof(s->free));
    s->free = index;
    s->used--;
}

uint32_t vpn__slab_used(const struct vpn__slab *s)
{
    return s->used;
}

size_t vpn__slab_memory(const struct vpn__slab *s)
{
    return s->chunk_count * chunk_bytes(s) + s->chunk_room * sizeof(*s->chunks);
}
