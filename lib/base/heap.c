/* SPDX-License-Identifier: ISC */
/* Invariants:
 *
 * - nodes[0 .. count) is a heap: no node is earlier than its parent.
 * - nodes[where[id]].id == id for each id that has a deadline, and where[id] is NONE for all others below `room`.
 *
 * Four children to a node halve the depth of a binary heap, and they lie in one or two cache lines.
 */
#include "base/heap.h"

#include <string.h>

#include "base/env.h"

#define NONE     UINT32_MAX
#define CHILDREN 4u

void vpn__heap_init(struct vpn__heap *h, const vpn_env *env)
{
    memset(h, 0, sizeof(*h));
    h->env = env;
}

void vpn__heap_end(struct vpn__heap *h)
{
    vpn__free(h->env, h->nodes, h->room * sizeof(*h->nodes));
    vpn__free(h->env, h->where, h->room * sizeof(*h->where));
    vpn__heap_init(h, h->env);
}

int vpn__heap_reserve(struct vpn__heap *h, uint32_t ids)
{
    if (ids <= h->room)
        return 0;
    uint64_t wanted = (uint64_t)h->room * 2;
    uint32_t room = wanted > ids ? (uint32_t)(wanted < NONE ? wanted : NONE) : ids;
    room = room < 16 ? 16 : room;
    struct vpn__heap_node *nodes = vpn__alloc_array(h->env, room, sizeof(*nodes));
    uint32_t *where = vpn__alloc_array(h->env, room, sizeof(*where));
    if (!nodes || !where) {
        vpn__free(h->env, nodes, nodes ? room * sizeof(*nodes) : 0);
        vpn__free(h->env, where, where ? room * sizeof(*where) : 0);
        return VPN_ENOMEM;
    }
    memset(where, 0xff, room * sizeof(*where));
    if (h->room) {
        memcpy(nodes, h->nodes, h->count * sizeof(*nodes));
        memcpy(where, h->where, h->room * sizeof(*where));
    }
    uint32_t count = h->count;
    vpn__heap_end(h);
    h->nodes = nodes;
    h->where = where;
    h->count = count;
    h->room = room;
    return 0;
}

static void place(struct vpn__heap *h, uint32_t i, struct vpn__heap_node node)
{
    h->nodes[i] = node;
    h->where[node.id] = i;
}

/* The hole at `i` moves towards the root until `node` may fill it. */
static void rise(struct vpn__heap *h, uint32_t i, struct vpn__heap_node node)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / CHILDREN;
        if (h->nodes[parent].at <= node.at)
            break;
        place(h, i, h->nodes[parent]);
        i = parent;
    }
    place(h, i, node);
}

/* The hole at `i` moves towards the leaves until `node` may fill it. */
static void sink(struct vpn__heap *h, uint32_t i, struct vpn__heap_node node)
{
    for (;;) {
        uint64_t first = (uint64_t)i * CHILDREN + 1;
        if (first >= h->count)
            break;
        uint32_t least = (uint32_t)first;
        uint32_t end = h->count - least < CHILDREN ? h->count : least + CHILDREN;
        for (uint32_t child = least + 1; child < end; child++)
            least = h->nodes[child].at < h->nodes[least].at ? child : least;
        if (h->nodes[least].at >= node.at)
            break;
        place(h, i, h->nodes[least]);
        i = least;
    }
    place(h, i, node);
}

static void settle(struct vpn__heap *h, uint32_t i, struct vpn__heap_node node)
{
    if (i > 0 && h->nodes[(i - 1) / CHILDREN].at > node.at)
        rise(h, i, node);
    else
        sink(h, i, node);
}

static void take_out(struct vpn__heap *h, uint32_t id)
{
    uint32_t i = h->where[id];
    if (i == NONE)
        return;
    h->where[id] = NONE;
    h->count--;
    if (i < h->count)
        settle(h, i, h->nodes[h->count]);
}

void vpn__heap_set(struct vpn__heap *h, uint32_t id, vpn_time at)
{
    if (at == VPN_NEVER) {
        take_out(h, id);
        return;
    }
    uint32_t i = h->where[id];
    if (i == NONE)
        i = h->count++;
    else if (h->nodes[i].at == at)
        return;
    settle(h, i, (struct vpn__heap_node){.at = at, .id = id});
}

vpn_time vpn__heap_at(const struct vpn__heap *h, uint32_t id)
{
    if (id >= h->room || h->where[id] == NONE)
        return VPN_NEVER;
    return h->nodes[h->where[id]].at;
}

vpn_time vpn__heap_top(const struct vpn__heap *h, uint32_t *id)
{
    if (id)
        *id = h->count ? h->nodes[0].id : NONE;
    return h->count ? h->nodes[0].at : VPN_NEVER;
}

size_t vpn__heap_memory(const struct vpn__heap *h)
{
    return h->room * (sizeof(*h->nodes) + sizeof(*h->where));
}
