/* SPDX-License-Identifier: ISC */
/* The clock, the link and the log. Invariant: `flying` holds what is due now or later, in no order. */
#include "scenario/net.h"
#include "scenario/node.h"
#include "scenario/inner.h"

struct net *net_new(uint64_t seed)
{
    struct net *net = calloc(1, sizeof *net);
    ck_assert_ptr_nonnull(net);
    net->seed = seed;
    net->delay = MILLIS(10);
    net->tick_batch = 3;
    net->next_id = 1;
    return net;
}

static void datagrams_free(struct datagrams *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].bytes);
    free(list->items);
}

static struct datagram *datagrams_add(struct datagrams *list, const struct datagram *datagram)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 64 : list->room * 2;
        list->items = realloc(list->items, list->room * sizeof *list->items);
        ck_assert_ptr_nonnull(list->items);
    }
    struct datagram *copy = &list->items[list->count++];
    *copy = *datagram;
    copy->bytes = malloc(datagram->length);
    ck_assert_ptr_nonnull(copy->bytes);
    memcpy(copy->bytes, datagram->bytes, datagram->length);
    return copy;
}

/* Two data messages of one sender with the same receiver index and counter are one nonce used twice. */
static int compare_nonces(const void *a, const void *b)
{
    const struct datagram *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->type == 4 ? memcmp(x->bytes + 4, y->bytes + 4, 12) : 0;
}

static void check_nonces(struct net *net)
{
    if (net->log.count == 0)
        return;
    qsort(net->log.items, net->log.count, sizeof *net->log.items, compare_nonces);
    for (size_t i = 1; i < net->log.count; i++)
        ck_assert_msg(net->log.items[i].type != 4 || compare_nonces(&net->log.items[i - 1], &net->log.items[i]) != 0,
                      "a counter was used twice under one key");
}

void net_free(struct net *net)
{
    for (int i = 0; i < net->count; i++)
        node_free(net->nodes[i]);
    check_nonces(net);
    datagrams_free(&net->flying);
    datagrams_free(&net->log);
    free(net->arrived);
    free(net);
}

static int chance(struct net *net, uint32_t per_mille)
{
    return per_mille != 0 && test_below(&net->seed, 1000) < per_mille;
}

static void launch(struct net *net, struct datagram *datagram)
{
    datagram->order = net->order++;
    datagram->due = net->now + net->delay;
    if (net->jitter != 0)
        datagram->due += test_below(&net->seed, (size_t)net->jitter);
    if (chance(net, net->loss))
        return;
    struct datagram *copy = datagrams_add(&net->flying, datagram);
    if (chance(net, net->corrupt))
        copy->bytes[test_below(&net->seed, copy->length)] ^= (uint8_t)(1u << test_below(&net->seed, 8));
    if (net->hook != NULL && net->hook(net, copy) == 0) {
        free(copy->bytes);
        net->flying.count--;
    }
}

void net_launch(struct net *net, struct datagram *datagram)
{
    if (!net->no_log)
        datagrams_add(&net->log, datagram);
    launch(net, datagram);
    if (chance(net, net->duplicate))
        launch(net, datagram);
}

static struct node *node_at(const struct net *net, const vpn_endpoint *at)
{
    for (int i = 0; i < net->count; i++)
        if (net_endpoint_equal(&net->nodes[i]->at, at))
            return net->nodes[i];
    return NULL;
}

/* The one that arrives next, or NULL. */
static struct datagram *soonest(const struct net *net)
{
    struct datagram *best = NULL;
    for (size_t i = 0; i < net->flying.count; i++) {
        struct datagram *d = &net->flying.items[i];
        if (best == NULL || d->due < best->due || (d->due == best->due && d->order < best->order))
            best = d;
    }
    return best;
}

static void arrive(struct net *net, struct datagram *datagram)
{
    struct datagram d = *datagram;
    *datagram = net->flying.items[--net->flying.count];
    struct node *node = node_at(net, &d.path.remote);
    if (node != NULL)
        node_feed_tos(node, &d.from, d.bytes, d.length, d.tos);
    free(d.bytes);
}

static vpn_time next_time(const struct net *net)
{
    struct datagram *first = soonest(net);
    vpn_time next = first != NULL ? first->due : VPN_NEVER;
    for (int i = 0; i < net->count; i++) {
        vpn_time deadline = node_deadline(net->nodes[i]);
        next = deadline < next ? deadline : next;
    }
    return next;
}

void net_run_until(struct net *net, vpn_time until)
{
    uint32_t here = 0;
    for (;;) {
        vpn_time next = next_time(net);
        if (next > until)
            break;
        here = next > net->now ? 0 : here + 1;
        ck_assert_msg(here < 100000, "time stands still");
        net->now = next > net->now ? next : net->now;
        for (struct datagram *d = soonest(net); d != NULL && d->due <= net->now; d = soonest(net))
            arrive(net, d);
        for (int i = 0; i < net->count; i++)
            if (node_deadline(net->nodes[i]) <= net->now)
                node_service(net->nodes[i]);
    }
    net->now = until > net->now ? until : net->now;
}

void net_run(struct net *net, vpn_time span)
{
    net_run_until(net, net->now + span);
}

static int matches(const struct datagram *d, int source, uint8_t type)
{
    uint8_t kind = d->type;
    if (type == NET_KEEPALIVE && d->type == 4)
        kind = d->length == 32 ? NET_KEEPALIVE : 0;
    if (type == NET_DATA && d->type == 4)
        kind = d->length > 32 ? NET_DATA : 0;
    return (source < 0 || d->source == source) && (type == 0 || kind == type);
}

size_t net_logged(const struct net *net, int source, uint8_t type, vpn_time since)
{
    size_t n = 0;
    for (size_t i = 0; i < net->log.count; i++)
        n += net->log.items[i].sent >= since && matches(&net->log.items[i], source, type);
    return n;
}

const struct datagram *net_log_at(const struct net *net, int source, uint8_t type, size_t n)
{
    for (size_t i = 0; i < net->log.count; i++)
        if (matches(&net->log.items[i], source, type) && n-- == 0)
            return &net->log.items[i];
    return NULL;
}

const struct datagram *net_log_last(const struct net *net, int source, uint8_t type)
{
    for (size_t i = net->log.count; i > 0; i--)
        if (matches(&net->log.items[i - 1], source, type))
            return &net->log.items[i - 1];
    return NULL;
}

int net_endpoint_equal(const vpn_endpoint *a, const vpn_endpoint *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->addr, b->addr, 16) == 0;
}

void net_inner(struct net *net, uint8_t *out, uint8_t family, const uint8_t *from, const uint8_t *to, uint32_t length,
               uint8_t tos)
{
    if (net->next_id >= net->id_room) {
        size_t room = net->id_room == 0 ? 1024 : net->id_room * 2;
        net->arrived = realloc(net->arrived, room);
        ck_assert_ptr_nonnull(net->arrived);
        memset(net->arrived + net->id_room, 0, room - net->id_room);
        net->id_room = room;
    }
    inner_build(out, family, from, to, length, tos, net->next_id++);
}

void net_arrived(struct net *net, const uint8_t *inner, uint32_t length)
{
    uint64_t number;
    if (net->foreign)
        return;
    ck_assert_msg(inner_check(inner, length, &number) && number > 0 && number < net->next_id,
                  "a packet arrived that nobody sent");
    ck_assert_msg(net->arrived[number] == 0, "a packet arrived twice");
    net->arrived[number] = 1;
}
