/* SPDX-License-Identifier: ISC */
/* Invariant: `heap` is a binary heap by time of arrival, then by order of departure. */
#include "sim/link.h"

#include "sim/attacker.h"
#include "sim/host.h"

struct link {
    struct weather weather;
    struct datagram *heap;
    size_t count, room;
    uint64_t order;
};

struct link *link_new(void)
{
    struct link *link = calloc(1, sizeof *link);
    MUST(link != NULL);
    link_clear(link);
    return link;
}

void link_free(struct link *link)
{
    for (size_t i = 0; i < link->count; i++)
        free(link->heap[i].bytes);
    free(link->heap);
    free(link);
}

struct weather *link_weather(struct link *link)
{
    return &link->weather;
}

void link_clear(struct link *link)
{
    memset(&link->weather, 0, sizeof link->weather);
    link->weather.delay = MILLIS(10);
    link->weather.mtu = 1500;
}

/* --- addresses: 100.64.0.0/10 or 2001:db8::/32, with the host's number and the epoch of its address inside --- */

int link_same(const vpn_endpoint *a, const vpn_endpoint *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->addr, b->addr, 16) == 0;
}

struct host *link_host_at(struct world *world, const vpn_endpoint *at)
{
    uint32_t number = at->family == 4 ? at->addr[1] - 64u : at->addr[4];
    if (at->family == 4 ? at->addr[0] != 100 : at->addr[0] != 0x20)
        return NULL;
    number = number << 4 | (at->family == 4 ? at->addr[2] : at->addr[5]);
    if (number >= (uint32_t)world->host_count || !link_same(&world->hosts[number].at, at))
        return NULL;
    return &world->hosts[number];
}

void link_move(struct world *world, struct host *host, int port)
{
    vpn_endpoint *at = &host->at;
    uint8_t high = (uint8_t)(host->number >> 4), low = (uint8_t)(host->number & 15);
    if (port) {
        at->port = (uint16_t)(at->port == 65535 ? 1024 : at->port + 1);
        return;
    }
    host->epoch++;
    memset(at, 0, sizeof *at);
    at->family = world_chance(world, 250) ? 6 : 4;
    at->port = (uint16_t)(1024 + world_below(world, 60000));
    if (at->family == 4) {
        const uint8_t addr[4] = {100, (uint8_t)(64 + high), low, (uint8_t)host->epoch};
        memcpy(at->addr, addr, 4);
    } else {
        const uint8_t addr[8] = {0x20, 0x01, 0x0d, 0xb8, high, low, (uint8_t)(host->epoch >> 8), (uint8_t)host->epoch};
        memcpy(at->addr, addr, 8);
    }
}

/* --- under way --- */

static int before(const struct datagram *a, const struct datagram *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct link *link, const struct datagram *datagram)
{
    if (link->count == link->room) {
        link->room = link->room == 0 ? 256 : link->room * 2;
        link->heap = realloc(link->heap, link->room * sizeof *link->heap);
        MUST(link->heap != NULL);
    }
    size_t i = link->count++;
    for (; i > 0 && before(datagram, &link->heap[(i - 1) / 2]); i = (i - 1) / 2)
        link->heap[i] = link->heap[(i - 1) / 2];
    link->heap[i] = *datagram;
}

static struct datagram pop(struct link *link)
{
    struct datagram top = link->heap[0], last = link->heap[--link->count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < link->count) {
        if (child + 1 < link->count && before(&link->heap[child + 1], &link->heap[child]))
            child++;
        if (!before(&link->heap[child], &last))
            break;
        link->heap[i] = link->heap[child];
        i = child;
    }
    if (link->count > 0)
        link->heap[i] = last;
    return top;
}

/* A few bits turn, the end is lost, or something is behind it. */
static void corrupt(struct world *world, struct datagram *d)
{
    uint32_t how = world_below(world, 8);
    if (how == 0 && d->length > 0)
        d->length = world_below(world, d->length);
    else if (how == 1)
        d->bytes[d->length++] = (uint8_t)world_below(world, 256);
    else
        for (uint32_t i = 0; i < how && d->length > 0; i++)
            d->bytes[world_below(world, d->length)] ^= (uint8_t)(1u << world_below(world, 8));
}

static void send_copy(struct world *world, const struct datagram *datagram)
{
    struct link *link = world->link;
    const struct weather *weather = &link->weather;
    struct datagram d = *datagram;
    d.order = link->order++;
    d.due = world->now + weather->delay;
    if (weather->jitter != 0)
        d.due += test_below(&world->rng, (size_t)weather->jitter);
    if (world_chance(world, weather->reorder))
        d.due += test_below(&world->rng, (size_t)SECONDS(1));
    if (world_chance(world, weather->mark))
        d.tos |= 3;
    d.bytes = malloc((size_t)d.length + 1);
    MUST(d.bytes != NULL);
    memcpy(d.bytes, datagram->bytes, d.length);
    if (world_chance(world, weather->corrupt))
        corrupt(world, &d);
    MUST(d.due - world->now <= LINK_LONGEST);
    push(link, &d);
}

static int is_cut(struct world *world, const struct datagram *d)
{
    const struct host *target = link_host_at(world, &d->to);
    if (d->sender == NOBODY || target == NULL)
        return 0;
    return world->hosts[d->sender].group != target->group;
}

void link_launch(struct world *world, const struct datagram *datagram)
{
    const struct weather *weather = &world->link->weather;
    uint32_t outer = datagram->length + 8 + (datagram->to.family == 6 ? 40 : 20);
    if (datagram->sender != NOBODY && attacker_sees(world, datagram))
        return;
    if (world_chance(world, weather->loss) || outer > weather->mtu || is_cut(world, datagram)) {
        world_count(world, LOST);
        return;
    }
    send_copy(world, datagram);
    if (world_chance(world, weather->duplicate))
        send_copy(world, datagram);
}

vpn_time link_due(const struct link *link)
{
    return link->count == 0 ? VPN_NEVER : link->heap[0].due;
}

size_t link_flying(const struct link *link)
{
    return link->count;
}

void link_arrive(struct world *world)
{
    struct datagram d = pop(world->link);
    struct host *host = link_host_at(world, &d.to);
    if (host == NULL)
        attacker_gets(world, &d);
    if (host == NULL || !host_is_up(host)) {
        world_count(world, LOST);
    } else {
        world_count(world, DELIVERED);
        TRACE("%u gets %u bytes of type %u from %s", host->number, d.length, d.length > 0 ? d.bytes[0] : 0,
              d.sender == NOBODY ? "an attacker" : "a host");
        host_receive(world, host, &d);
    }
    free(d.bytes);
}
