/* SPDX-License-Identifier: ISC */
#include <vpn/queue.h>

#include "common/host.h"

static uint8_t buffer[70000];

static vpn_queue *make(struct host *host, uint64_t max_bytes)
{
    vpn_queue *queue;
    host_init(host);
    vpn_queue_config config = {.size = sizeof(config), .max_bytes = max_bytes, .env = &host->env};
    ck_assert_int_eq(vpn_queue_new(&queue, &config), 0);
    return queue;
}

static void finish(struct host *host, vpn_queue *queue)
{
    vpn_queue_free(queue);
    host_end(host);
}

/* Pushes `length` bytes that all say `mark`. */
static int push(vpn_queue *queue, vpn_peer_id peer, uint8_t mark, uint32_t length, uint32_t limit)
{
    vpn_packet packet = {.data = buffer, .capacity = sizeof(buffer), .offset = 32, .length = length, .peer = peer};
    packet.queue = limit;
    memset(buffer + 32, mark, length);
    int error = vpn_queue_push(queue, &packet);
    memset(buffer, 0, sizeof(buffer));
    return error;
}

/* The mark of the oldest packet, whose length must be `length`; a negative error when there is none. */
static int pop(vpn_queue *queue, vpn_peer_id peer, uint32_t length)
{
    vpn_packet packet = {.data = buffer, .capacity = sizeof(buffer), .offset = 16};
    int error = vpn_queue_pop(queue, peer, &packet);
    if (error)
        return error;
    ck_assert_uint_eq(packet.length, length);
    ck_assert_uint_eq(packet.offset, 16);
    ck_assert_uint_eq(packet.peer, peer);
    for (uint32_t i = 1; i < length; i++) {
        if (buffer[16 + i] != buffer[16])
            ck_abort_msg("byte %u is damaged", i);
    }
    return buffer[16];
}

START_TEST(defaults)
{
    vpn_queue *queue;
    ck_assert_int_eq(vpn_queue_new(&queue, NULL), 0);
    ck_assert_uint_eq(vpn_queue_count(queue, 0), 0);
    ck_assert_uint_eq(vpn_queue_count(queue, 7), 0);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 0);
    ck_assert_uint_eq(vpn_queue_purge(queue, 0), 0);
    ck_assert_uint_eq(vpn_queue_purge(queue, 7), 0);
    ck_assert_int_eq(pop(queue, 0, 0), VPN_ENOENT);
    ck_assert_int_eq(pop(queue, 7, 0), VPN_ENOENT);
    ck_assert_int_eq(push(queue, 7, 1, 20, 1), 0);
    vpn_queue_free(queue);
    vpn_queue_free(NULL);
}
END_TEST

START_TEST(arguments)
{
    struct host host;
    vpn_queue *queue;
    vpn_queue_config config = {.size = 4};
    ck_assert_int_eq(vpn_queue_new(&queue, &config), VPN_EINVAL);
    ck_assert_ptr_null(queue);
    config = (vpn_queue_config){.size = sizeof(config), .reserved = 1};
    ck_assert_int_eq(vpn_queue_new(&queue, &config), VPN_EINVAL);
    vpn_env bad = {.size = 1};
    config = (vpn_queue_config){.size = sizeof(config), .env = &bad};
    ck_assert_int_eq(vpn_queue_new(&queue, &config), VPN_EINVAL);

    queue = make(&host, 0);
    size_t calls = host.base.calls;
    ck_assert_int_eq(push(queue, 0, 1, 20, 9), VPN_EINVAL);
    const vpn_packet wrong[] = {
        {.data = buffer, .capacity = 10, .offset = 11, .peer = 1, .queue = 9},
        {.data = buffer, .capacity = 10, .offset = 5, .length = 6, .peer = 1, .queue = 9},
        {.data = buffer, .capacity = 10, .offset = 5, .length = UINT32_MAX, .peer = 1, .queue = 9},
        {.data = buffer, .capacity = 10, .offset = UINT32_MAX, .length = 5, .peer = 1, .queue = 9},
        {.capacity = 10, .length = 5, .peer = 1, .queue = 9},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        ck_assert_int_eq(vpn_queue_push(queue, &wrong[i]), VPN_EINVAL);
    ck_assert_uint_eq(vpn_queue_count(queue, 0), 0);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 0);
    ck_assert_uint_eq(host.base.calls, calls);
    finish(&host, queue);
}
END_TEST

START_TEST(first_in_first_out)
{
    struct host host;
    vpn_queue *queue = make(&host, 0);
    for (uint8_t i = 0; i < 50; i++) {
        ck_assert_int_eq(push(queue, 1, i, 100u + i, 64), 0);
        ck_assert_int_eq(push(queue, UINT64_MAX, (uint8_t)(i + 100), 20, 64), 0);
    }
    ck_assert_uint_eq(vpn_queue_count(queue, 1), 50);
    ck_assert_uint_eq(vpn_queue_count(queue, 2), 0);
    ck_assert_uint_eq(vpn_queue_count(queue, 0), 100);
    for (uint8_t i = 0; i < 50; i++)
        ck_assert_int_eq(pop(queue, 1, 100u + i), i);
    ck_assert_int_eq(pop(queue, 1, 0), VPN_ENOENT);
    for (uint8_t i = 0; i < 50; i++)
        ck_assert_int_eq(pop(queue, UINT64_MAX, 20), i + 100);
    ck_assert_uint_eq(vpn_queue_count(queue, 0), 0);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 0);
    finish(&host, queue);
}
END_TEST

START_TEST(lengths)
{
    struct host host;
    vpn_queue *queue = make(&host, 0);
    for (uint32_t length = 1; length < 65600; length += length < 50 ? 1 : 4999) {
        ck_assert_int_eq(push(queue, 1, 5, length, 64), 0);
        ck_assert_int_eq(pop(queue, 1, length), 5);
    }
    vpn_packet empty = {.peer = 3, .queue = 1};
    ck_assert_int_eq(vpn_queue_push(queue, &empty), 0);
    ck_assert_uint_eq(vpn_queue_count(queue, 3), 1);
    empty.length = 9;
    ck_assert_int_eq(vpn_queue_pop(queue, 3, &empty), 0);
    ck_assert_uint_eq(empty.length, 0);
    finish(&host, queue);
}
END_TEST

/* Every buffer from nothing to what is needed, and beyond. */
START_TEST(small_buffers)
{
    struct host host;
    vpn_queue *queue = make(&host, 0);
    ck_assert_int_eq(push(queue, 1, 5, 100, 64), 0);
    for (uint32_t capacity = 0; capacity < 116; capacity++) {
        uint8_t *memory = malloc(capacity + 1u);
        vpn_packet packet = {.data = memory, .capacity = capacity, .offset = 16, .length = 3, .peer = 9};
        ck_assert_int_eq(vpn_queue_pop(queue, 1, &packet), VPN_ESPACE);
        ck_assert_uint_eq(packet.length, 100);
        ck_assert_uint_eq(packet.peer, 9);
        free(memory);
    }
    vpn_packet none = {.capacity = 1000};
    ck_assert_int_eq(vpn_queue_pop(queue, 1, &none), VPN_ESPACE);
    ck_assert_uint_eq(vpn_queue_count(queue, 1), 1);
    uint8_t *memory = malloc(116);
    vpn_packet packet = {.data = memory, .capacity = 116, .offset = 16};
    ck_assert_int_eq(vpn_queue_pop(queue, 1, &packet), 0);
    ck_assert_uint_eq(memory[115], 5);
    free(memory);
    finish(&host, queue);
}
END_TEST

START_TEST(oldest_goes_first)
{
    struct host host;
    vpn_queue *queue = make(&host, 0);
    for (uint8_t i = 0; i < 10; i++)
        ck_assert_int_eq(push(queue, 1, i, 20, 4), 0);
    ck_assert_uint_eq(vpn_queue_count(queue, 1), 4);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 6);
    ck_assert_int_eq(push(queue, 1, 10, 20, 2), 0); /* the limit was lowered */
    ck_assert_uint_eq(vpn_queue_count(queue, 1), 2);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 9);
    ck_assert_int_eq(push(queue, 1, 11, 20, 0), VPN_ELIMIT);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 10);
    ck_assert_int_eq(pop(queue, 1, 20), 9);
    ck_assert_int_eq(pop(queue, 1, 20), 10);
    ck_assert_int_eq(push(queue, 1, 1, 20, 1), 0);
    ck_assert_int_eq(push(queue, 1, 2, 20, 1), 0);
    ck_assert_int_eq(pop(queue, 1, 20), 2);
    ck_assert_int_eq(pop(queue, 1, 20), VPN_ENOENT);
    ck_assert_int_eq(push(queue, 2, 0, 20, 0), VPN_ELIMIT);
    finish(&host, queue);
}
END_TEST

START_TEST(limit_of_a_peer)
{
    struct host host;
    vpn_queue *queue = make(&host, 0);
    for (uint32_t i = 0; i < VPN_QUEUE_PEER_MAX + 5; i++) {
        vpn_packet packet = {.data = buffer, .capacity = 64, .length = 20, .peer = 1, .queue = UINT32_MAX};
        if (vpn_queue_push(queue, &packet))
            ck_abort_msg("push %u", i);
    }
    ck_assert_uint_eq(vpn_queue_count(queue, 1), VPN_QUEUE_PEER_MAX);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 5);
    ck_assert_uint_eq(vpn_queue_purge(queue, 1), VPN_QUEUE_PEER_MAX);
    ck_assert_uint_eq(vpn_queue_count(queue, 0), 0);
    finish(&host, queue);
}
END_TEST

START_TEST(bytes_in_all)
{
    struct host host;
    vpn_queue *queue = make(&host, 1000);
    ck_assert_int_eq(push(queue, 1, 1, 1001, 9), VPN_ELIMIT);
    ck_assert_int_eq(push(queue, 1, 1, 1000, 9), 0);
    ck_assert_int_eq(push(queue, 2, 2, 20, 9), VPN_ELIMIT); /* it has nothing that could go instead */
    ck_assert_int_eq(push(queue, 1, 3, 400, 9), 0);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 3);
    ck_assert_int_eq(push(queue, 2, 4, 300, 9), 0);
    ck_assert_int_eq(push(queue, 2, 5, 300, 9), 0);
    ck_assert_int_eq(push(queue, 2, 6, 601, 9), VPN_ELIMIT); /* 400 are another's: its own two stay */
    ck_assert_uint_eq(vpn_queue_count(queue, 2), 2);
    ck_assert_int_eq(push(queue, 2, 7, 100, 9), 0);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 5);
    ck_assert_int_eq(pop(queue, 2, 300), 5);
    ck_assert_int_eq(pop(queue, 2, 100), 7);
    ck_assert_int_eq(pop(queue, 1, 400), 3);
    for (uint32_t i = 0; i < 100; i++) {
        vpn_packet empty = {.peer = 1, .queue = 1000};
        ck_assert_int_eq(vpn_queue_push(queue, &empty), 0);
    }
    ck_assert_uint_eq(vpn_queue_count(queue, 1), 62); /* 16 bytes each */
    finish(&host, queue);
}
END_TEST

/* A limit that no memory reaches is none. */
START_TEST(no_limit_of_bytes)
{
    struct host host;
    vpn_queue *queue = make(&host, UINT64_MAX);
    ck_assert_int_eq(push(queue, 1, 1, 60000, 9), 0);
    ck_assert_int_eq(push(queue, 1, 2, 60000, 9), 0);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 0);
    ck_assert_int_eq(pop(queue, 1, 60000), 1);
    ck_assert_int_eq(pop(queue, 1, 60000), 2);
    finish(&host, queue);
}
END_TEST

START_TEST(purge_and_free)
{
    struct host host;
    vpn_queue *queue = make(&host, 0);
    size_t bytes = 0;
    for (vpn_peer_id peer = 1; peer <= 300; peer++) {
        for (uint8_t i = 0; i < 5; i++)
            ck_assert_int_eq(push(queue, peer << 32 | 7, i, 40, 8), 0);
    }
    for (vpn_peer_id peer = 1; peer <= 300; peer += 2) {
        bytes = host.bytes;
        ck_assert_uint_eq(vpn_queue_purge(queue, peer << 32 | 7), 5);
        ck_assert_uint_lt(host.bytes, bytes);
        ck_assert_uint_eq(vpn_queue_purge(queue, peer << 32 | 7), 0);
    }
    ck_assert_uint_eq(vpn_queue_count(queue, 0), 750);
    ck_assert_uint_eq(vpn_queue_dropped(queue), 0);
    for (vpn_peer_id peer = 1; peer <= 300; peer++)
        ck_assert_uint_eq(vpn_queue_count(queue, peer << 32 | 7), peer % 2 ? 0 : 5);
    finish(&host, queue);
}
END_TEST

/* One array of packets in order of arrival, for all peers. */
struct model {
    struct {
        vpn_peer_id peer;
        uint8_t mark;
        uint32_t length;
    } packets[2000];
    size_t count;
    uint64_t dropped;
};

static size_t model_oldest(const struct model *m, vpn_peer_id peer)
{
    size_t i = 0;
    while (i < m->count && m->packets[i].peer != peer)
        i++;
    return i;
}

static void model_remove(struct model *m, size_t i)
{
    memmove(&m->packets[i], &m->packets[i + 1], (m->count - i - 1) * sizeof(m->packets[0]));
    m->count--;
}

static void model_sums(const struct model *m, vpn_peer_id peer, size_t *own, uint64_t *own_bytes, uint64_t *bytes)
{
    *own = 0;
    *own_bytes = *bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        *bytes += m->packets[i].length;
        *own += m->packets[i].peer == peer;
        *own_bytes += m->packets[i].peer == peer ? m->packets[i].length : 0;
    }
}

static int model_push(struct model *m, vpn_peer_id peer, uint8_t mark, uint32_t length, uint32_t limit, uint64_t max)
{
    size_t own;
    uint64_t own_bytes, bytes;
    model_sums(m, peer, &own, &own_bytes, &bytes);
    if (limit == 0 || bytes - own_bytes + length > max) {
        m->dropped++;
        return VPN_ELIMIT;
    }
    while (own >= limit || bytes + length > max) {
        model_remove(m, model_oldest(m, peer));
        m->dropped++;
        model_sums(m, peer, &own, &own_bytes, &bytes);
    }
    m->packets[m->count].peer = peer;
    m->packets[m->count].mark = mark;
    m->packets[m->count++].length = length;
    return 0;
}

START_TEST(against_a_model)
{
    static struct model model;
    struct host host;
    const uint64_t max = 20000;
    vpn_queue *queue = make(&host, max);
    uint64_t seed = 8;
    for (int step = 0; step < 6000; step++) {
        vpn_peer_id peer = 1 + test_below(&seed, step % 1000 < 500 ? 5 : 200);
        uint8_t mark = (uint8_t)step;
        uint32_t kind = host_below(&seed, 20);
        if (kind < 12) {
            uint32_t length = 16 + host_below(&seed, kind < 2 ? 9000 : 300), limit = host_below(&seed, 20);
            ck_assert_int_eq(push(queue, peer, mark, length, limit),
                             model_push(&model, peer, mark, length, limit, max));
        } else if (kind < 19) {
            size_t i = model_oldest(&model, peer);
            ck_assert_int_eq(pop(queue, peer, i < model.count ? model.packets[i].length : 0),
                             i < model.count ? model.packets[i].mark : VPN_ENOENT);
            if (i < model.count)
                model_remove(&model, i);
        } else {
            size_t before = model.count;
            for (size_t i = model_oldest(&model, peer); i < model.count; i = model_oldest(&model, peer))
                model_remove(&model, i);
            ck_assert_uint_eq(vpn_queue_purge(queue, peer), before - model.count);
        }
        ck_assert_uint_eq(vpn_queue_count(queue, 0), model.count);
        ck_assert_uint_eq(vpn_queue_dropped(queue), model.dropped);
    }
    ck_assert_uint_gt(model.dropped, 100);
    finish(&host, queue);
}
END_TEST

/* Each allocation of a push in turn fails: nothing is lost, not even the packet that would have had to go. */
START_TEST(allocation_failures)
{
    struct host host;
    vpn_queue *queue;
    host_init(&host);
    vpn_queue_config config = {.size = sizeof(config), .env = &host.env};
    host_fail_after(&host, 0);
    ck_assert_int_eq(vpn_queue_new(&queue, &config), VPN_ENOMEM);
    ck_assert_ptr_null(queue);
    host_heal(&host);
    ck_assert_int_eq(vpn_queue_new(&queue, &config), 0);
    size_t failures = 0;
    for (vpn_peer_id peer = 1; peer <= 40; peer++) {
        for (uint8_t i = 0; i < 3; i++) {
            size_t count = vpn_queue_count(queue, 0), own = vpn_queue_count(queue, peer);
            for (size_t fail = 0;; fail++) {
                host_fail_after(&host, fail);
                int error = push(queue, peer, i, 30, 2);
                if (!error)
                    break;
                failures++;
                ck_assert_int_eq(error, VPN_ENOMEM);
                ck_assert_uint_eq(vpn_queue_count(queue, 0), count);
                ck_assert_uint_eq(vpn_queue_count(queue, peer), own);
            }
        }
        ck_assert_uint_eq(vpn_queue_dropped(queue), peer);
    }
    ck_assert_uint_gt(failures, 160);
    for (vpn_peer_id peer = 1; peer <= 40; peer++) {
        ck_assert_int_eq(pop(queue, peer, 30), 1);
        ck_assert_int_eq(pop(queue, peer, 30), 2);
        ck_assert_int_eq(pop(queue, peer, 30), VPN_ENOENT);
    }
    finish(&host, queue);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("queue");
    test_add(s, "defaults", defaults);
    test_add(s, "arguments", arguments);
    test_add(s, "first_in_first_out", first_in_first_out);
    test_add(s, "lengths", lengths);
    test_add(s, "small_buffers", small_buffers);
    test_add(s, "oldest_goes_first", oldest_goes_first);
    test_add(s, "limit_of_a_peer", limit_of_a_peer);
    test_add(s, "bytes_in_all", bytes_in_all);
    test_add(s, "no_limit_of_bytes", no_limit_of_bytes);
    test_add(s, "purge_and_free", purge_and_free);
    test_add(s, "against_a_model", against_a_model);
    test_add(s, "allocation_failures", allocation_failures);
    return s;
}

TEST_MAIN(suite)
