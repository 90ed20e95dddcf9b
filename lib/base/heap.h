/* SPDX-License-Identifier: ISC */
/* A heap of deadlines, one for each of the dense ids 0, 1, 2 and so on. */
#ifndef VPN_LIB_BASE_HEAP_H
#define VPN_LIB_BASE_HEAP_H

#include <vpn/base.h>

struct vpn__heap_node {
    vpn_time at;
    uint32_t id;
    uint32_t reserved;
};

struct vpn__heap {
    const vpn_env *env;
    struct vpn__heap_node *nodes; /* a 4-ary heap: the children of i are 4i+1 .. 4i+4 */
    uint32_t *where;              /* id -> place in nodes; UINT32_MAX when it has no deadline */
    uint32_t count;
    uint32_t room; /* ids that fit */
};

/* Takes no memory yet; `env` outlives the heap. */
void vpn__heap_init(struct vpn__heap *h, const vpn_env *env);
void vpn__heap_end(struct vpn__heap *h);
/* Afterwards ids < `ids` may be set. 0, or VPN_ENOMEM and nothing has changed. Grows geometrically. */
int vpn__heap_reserve(struct vpn__heap *h, uint32_t ids);
/* Gives a reserved id a deadline or moves the one it has; VPN_NEVER takes it away. O(log n). */
void vpn__heap_set(struct vpn__heap *h, uint32_t id, vpn_time at);
/* The deadline of any id; VPN_NEVER when it has none. O(1). */
vpn_time vpn__heap_at(const struct vpn__heap *h, uint32_t id);
/* The least deadline and whose it is; VPN_NEVER, and `*id` UINT32_MAX, when there is none. `id` may be NULL. O(1). */
vpn_time vpn__heap_top(const struct vpn__heap *h, uint32_t *id);
/* Bytes taken from the allocator. */
size_t vpn__heap_memory(const struct vpn__heap *h);

#endif
