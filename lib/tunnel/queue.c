/* SPDX-License-Identifier: ISC */
/* A lane is the line of packets of one peer. Invariants:
 *
 * - A lane is in the table exactly as long as it has packets, so the table is no greater than what is parked.
 * - `bytes` and `count` of the queue are the sums over its lanes, and bytes <= max_bytes.
 * - A push takes all memory that it needs before it changes anything.
 */
#include <vpn/queue.h>

#include <string.h>

#include "base/env.h"

#define DEFAULT_MAX_BYTES (UINT64_C(16) << 20)
#define COST_MIN          16u
#define ROOM_MIN          16u
#define CONFIG_LEAST      (offsetof(vpn_queue_config, env) + sizeof(const vpn_env *))

struct parked {
    struct parked *next;
    uint32_t length;
    uint8_t data[];
};

struct lane {
    struct lane *next; /* in its bucket */
    vpn_peer_id peer;
    struct parked *first;
    struct parked *last; /* valid while `first` is not NULL */
    uint64_t bytes;
    uint32_t count;
};

struct vpn_queue {
    vpn_env env;
    struct lane **buckets;
    size_t room; /* elements of `buckets`: 0 or a power of two */
    size_t lanes;
    size_t count;
    uint64_t bytes;
    uint64_t max_bytes;
    uint64_t dropped;
};

int vpn_queue_new(vpn_queue **out, const vpn_queue_config *config)
{
    *out = NULL;
    vpn_queue_config settings = {.size = sizeof(settings)};
    if (config && vpn__config_read(&settings, sizeof(settings), config, CONFIG_LEAST))
        return VPN_EINVAL;
    vpn_env env;
    int error = settings.reserved ? VPN_EINVAL : vpn__env_init(&env, settings.env);
    if (error)
        return error;
    vpn_queue *queue = vpn__alloc(&env, sizeof(*queue));
    if (!queue)
        return VPN_ENOMEM;
    queue->env = env;
    queue->max_bytes = settings.max_bytes ? settings.max_bytes : DEFAULT_MAX_BYTES;
    /* Then the size of a packet that fits never overflows with its header. */
    if (queue->max_bytes > SIZE_MAX / 2)
        queue->max_bytes = SIZE_MAX / 2;
    *out = queue;
    return 0;
}

static uint64_t cost_of(uint32_t length)
{
    return length > COST_MIN ? length : COST_MIN;
}

/* Ids are given out by a device, not by an attacker; multiplying spreads their low bits. */
static struct lane **bucket_of(struct lane **buckets, size_t room, vpn_peer_id peer)
{
    return &buckets[(size_t)((peer ^ peer >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1)];
}

/* What points to the lane of a peer, or to the end of its bucket; NULL while there is no table. */
static struct lane **link_of(const vpn_queue *queue, vpn_peer_id peer)
{
    if (!queue->room)
        return NULL;
    struct lane **link = bucket_of(queue->buckets, queue->room, peer);
    while (*link && (*link)->peer != peer)
        link = &(*link)->next;
    return link;
}

static struct lane *lane_of(const vpn_queue *queue, vpn_peer_id peer)
{
    struct lane **link = link_of(queue, peer);
    return link ? *link : NULL;
}

static void parked_free(vpn_queue *queue, struct parked *parked)
{
    vpn__free(&queue->env, parked, sizeof(*parked) + parked->length);
}

static void first_drop(vpn_queue *queue, struct lane *lane)
{
    struct parked *parked = lane->first;
    lane->first = parked->next;
    lane->count--;
    lane->bytes -= cost_of(parked->length);
    queue->count--;
    queue->bytes -= cost_of(parked->length);
    parked_free(queue, parked);
}

/* Takes an empty lane out of the table. */
static void lane_remove(vpn_queue *queue, struct lane **link)
{
    struct lane *lane = *link;
    *link = lane->next;
    queue->lanes--;
    vpn__free(&queue->env, lane, sizeof(*lane));
}

size_t vpn_queue_purge(vpn_queue *queue, vpn_peer_id peer)
{
    struct lane **link = link_of(queue, peer);
    if (!link || !*link)
        return 0;
    struct lane *lane = *link;
    size_t count = lane->count;
    while (lane->first)
        first_drop(queue, lane);
    lane_remove(queue, link);
    return count;
}

void vpn_queue_free(vpn_queue *queue)
{
    if (!queue)
        return;
    for (size_t i = 0; i < queue->room; i++) {
        while (queue->buckets[i])
            (void)vpn_queue_purge(queue, queue->buckets[i]->peer);
    }
    vpn_env env = queue->env;
    vpn__free(&env, queue->buckets, queue->room * sizeof(struct lane *));
    vpn__free(&env, queue, sizeof(*queue));
}

/* Room for one more lane, with at most one lane to a bucket on average. */
static int table_reserve(vpn_queue *queue)
{
    if (queue->lanes < queue->room)
        return 0;
    size_t room = queue->room ? queue->room * 2 : ROOM_MIN;
    struct lane **buckets = vpn__alloc_array(&queue->env, room, sizeof(struct lane *));
    if (!buckets)
        return VPN_ENOMEM;
    for (size_t i = 0; i < queue->room; i++) {
        for (struct lane *lane = queue->buckets[i], *next; lane; lane = next) {
            struct lane **bucket = bucket_of(buckets, room, lane->peer);
            next = lane->next;
            lane->next = *bucket;
            *bucket = lane;
        }
    }
    vpn__free(&queue->env, queue->buckets, queue->room * sizeof(struct lane *));
    queue->buckets = buckets;
    queue->room = room;
    return 0;
}

/* The lane of a peer, made if there is none; NULL for want of memory. */
static struct lane *lane_get(vpn_queue *queue, vpn_peer_id peer)
{
    struct lane *lane = lane_of(queue, peer);
    if (lane || table_reserve(queue))
        return lane;
    lane = vpn__alloc(&queue->env, sizeof(*lane));
    if (!lane)
        return NULL;
    lane->peer = peer;
    *link_of(queue, peer) = lane;
    queue->lanes++;
    return lane;
}

static int park(vpn_queue *queue, const vpn_packet *packet, uint32_t limit)
{
    struct parked *parked = vpn__alloc(&queue->env, sizeof(*parked) + packet->length);
    if (!parked)
        return VPN_ENOMEM;
    parked->length = packet->length;
    if (packet->length)
        memcpy(parked->data, packet->data + packet->offset, packet->length);
    struct lane *lane = lane_get(queue, packet->peer);
    if (!lane) {
        parked_free(queue, parked);
        return VPN_ENOMEM;
    }
    uint64_t cost = cost_of(packet->length);
    for (; lane->count >= limit || queue->bytes + cost > queue->max_bytes; queue->dropped++)
        first_drop(queue, lane);
    if (lane->first)
        lane->last->next = parked;
    else
        lane->first = parked;
    lane->last = parked;
    lane->count++;
    lane->bytes += cost;
    queue->count++;
    queue->bytes += cost;
    return 0;
}

int vpn_queue_push(vpn_queue *queue, const vpn_packet *packet)
{
    if (packet->peer == 0 || packet->offset > packet->capacity || packet->length > packet->capacity - packet->offset ||
        (packet->length && !packet->data))
        return VPN_EINVAL;
    uint32_t limit = packet->queue < VPN_QUEUE_PEER_MAX ? packet->queue : VPN_QUEUE_PEER_MAX;
    const struct lane *lane = lane_of(queue, packet->peer);
    uint64_t others = queue->bytes - (lane ? lane->bytes : 0);
    if (limit == 0 || cost_of(packet->length) > queue->max_bytes - others) {
        queue->dropped++;
        return VPN_ELIMIT;
    }
    return park(queue, packet, limit);
}

int vpn_queue_pop(vpn_queue *queue, vpn_peer_id peer, vpn_packet *packet)
{
    struct lane **link = link_of(queue, peer);
    if (!link || !*link)
        return VPN_ENOENT;
    struct lane *lane = *link;
    uint32_t length = lane->first->length;
    packet->length = length;
    if (packet->offset > packet->capacity || length > packet->capacity - packet->offset || (length && !packet->data))
        return VPN_ESPACE;
    if (length)
        memcpy(packet->data + packet->offset, lane->first->data, length);
    packet->peer = peer;
    first_drop(queue, lane);
    if (!lane->first)
        lane_remove(queue, link);
    return 0;
}

size_t vpn_queue_count(const vpn_queue *queue, vpn_peer_id peer)
{
    if (peer == 0)
        return queue->count;
    const struct lane *lane = lane_of(queue, peer);
    return lane ? lane->count : 0;
}

uint64_t vpn_queue_dropped(const vpn_queue *queue)
{
    return queue->dropped;
}
