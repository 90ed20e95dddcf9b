/* SPDX-License-Identifier: ISC */
/* Elements of one size, named by dense 32-bit indices, in chunks that never move. */
#ifndef VPN_LIB_BASE_SLAB_H
#define VPN_LIB_BASE_SLAB_H

#include <vpn/base.h>

/* Elements lie at multiples of element_bytes rounded up to 16, from a chunk start aligned to 64: an element size that is
   a multiple of 64 gives elements aligned to 64, any other gives 16. */
struct vpn__slab {
    const vpn_env *env;
    uint8_t **chunks; /* aligned starts; the byte before each says how far the allocation lies before it */
    uint32_t chunk_count;
    uint32_t chunk_room; /* elements of `chunks` */
    uint32_t stride;     /* bytes from one element to the next */
    uint32_t shift;      /* log2 of the elements of a chunk */
    uint32_t high;
    uint32_t used;
    uint32_t free; /* head of the free list; UINT32_MAX when empty */
    uint32_t max;
};

/* Takes no memory yet. `env` outlives the slab; 0 < element_bytes <= 2^24; never more than `max` elements. */
void vpn__slab_init(struct vpn__slab *s, const vpn_env *env, size_t element_bytes, uint32_t max);
/* Wipes and frees everything, also elements that are in use. */
void vpn__slab_end(struct vpn__slab *s);
/* A zeroed element and its index; NULL: no memory, or `max` are in use. The index given back last comes first. */
void *vpn__slab_take(struct vpn__slab *s, uint32_t *index);
/* Wipes an element that is in use and makes its index free. */
void vpn__slab_give(struct vpn__slab *s, uint32_t index);
/* Elements that are in use. */
uint32_t vpn__slab_used(const struct vpn__slab *s);
/* Bytes taken from the allocator. */
size_t vpn__slab_memory(const struct vpn__slab *s);

/* Indices handed out so far are less than this. */
static inline uint32_t vpn__slab_high(const struct vpn__slab *s)
{
    return s->high;
}

/* As vpn__slab_at for a stride that the compiler knows, so that it needs no multiplication. */
static inline void *vpn__slab_at_stride(const struct vpn__slab *s, uint32_t index, uint32_t stride)
{
    uint32_t within = index & ((UINT32_C(1) << s->shift) - 1);
    return s->chunks[index >> s->shift] + (size_t)within * stride;
}

/* The element of an index, which must be less than vpn__slab_high. */
static inline void *vpn__slab_at(const struct vpn__slab *s, uint32_t index)
{
    return vpn__slab_at_stride(s, index, s->stride);
}

#endif
