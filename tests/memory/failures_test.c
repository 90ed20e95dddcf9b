/* SPDX-License-Identifier: ISC */
/*
 * Every scenario of failures_bodies.c, with the i-th allocation refused, for every i: once by itself and once with all that
 * follow, until memory is back. Then nothing is inconsistent, others were served meanwhile, the same scenario succeeds, and
 * all memory comes back wiped.
 */
#include "memory/failures.h"

#include "scenario/node.h"
#include "wireguard/device.h"

#define LASTING SIZE_MAX

static void watch(struct world *w, struct node *node)
{
    node->env.miser = &w->miser;
    node->queue_env.miser = &w->miser;
}

static void world_new(struct world *w, const struct failures_row *row, uint64_t seed)
{
    vpn_wg_config config = {.load_rate = row->load_rate};
    memset(w, 0, sizeof *w);
    w->net = net_new(seed);
    w->a = net_node(w->net, NULL);
    w->b = net_node(w->net, &config);
    w->c = net_node(w->net, NULL);
    net_connect(w->c, w->b);
    node_send(w->c, w->b, 8);
    net_run(w->net, SECONDS(1));
    ck_assert_uint_eq(w->b->delivered, 1);
    w->met = w->net->now;
    w->env.seed = seed + 1;
    w->env.wall.seconds = 1700000000;
    w->env.now = &w->net->now;
    w->env.miser = &w->miser;
    watch(w, w->a);
    watch(w, w->b);
    watch(w, w->c);
}

/* Whoever has a session goes on as if nothing had happened: the data path takes no memory. */
static void bystander(struct world *w)
{
    if (w->net->now - w->met > SECONDS(170))
        return;
    uint64_t at_b = w->b->delivered, at_c = w->c->delivered;
    node_send(w->c, w->b, 8);
    net_run(w->net, MILLIS(20));
    node_send(w->b, w->c, 8);
    net_run(w->net, MILLIS(20));
    ck_assert_uint_ge(w->b->delivered, at_b + 1);
    ck_assert_uint_ge(w->c->delivered, at_c + 1);
}

/* The invariants of wireguard/device.h, counted from the peers up: the first that does not hold, or NULL. */
#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return #condition;                                                                                         \
    } while (0)

struct tally {
    uint32_t peers, sessions, handshakes;
};

static const char *look_at_peer(const vpn_wg *wg, vpn_peer_id id, struct tally *tally)
{
    const struct vpn__peer *peer = vpn__wg_peer(wg, (uint32_t)id);
    const struct vpn_session *ring[3] = {peer->ring.previous, peer->ring.current, peer->ring.next};
    const struct vpn__index_entry *entry;
    uint64_t cursor = 0;
    vpn_prefix prefix;
    tally->peers++;
    HOLDS(vpn_wg_peer_find(wg, peer->public_key) == id);
    if (peer->handshake != 0) {
        tally->handshakes++;
        entry = vpn__index_find(&wg->by_index, vpn__wg_handshake(wg, peer)->local_index);
        HOLDS(entry != NULL && entry->object == NULL && entry->peer == (uint32_t)id);
    }
    for (size_t i = 0; i < 3; i++) {
        if (ring[i] == NULL)
            continue;
        tally->sessions++;
        entry = vpn__index_find(&wg->by_index, ring[i]->local_index);
        HOLDS(entry != NULL && entry->object == ring[i]);
        HOLDS(ring[i]->pins == 0 && ring[i]->peer == id);
    }
    while (vpn_wg_allowed(wg, id, &cursor, &prefix) == 0)
        HOLDS(vpn_wg_route(wg, prefix.family, prefix.addr) != 0);
    return NULL;
}

static const char *look_over(struct node *node)
{
    const vpn_wg *wg = node->wg;
    struct tally tally = {0, 0, 0};
    for (vpn_peer_id id = vpn_wg_peer_next(wg, 0); id != 0; id = vpn_wg_peer_next(wg, id)) {
        const char *fault = look_at_peer(wg, id, &tally);
        if (fault != NULL)
            return fault;
    }
    vpn_wg_stats stats = node_stats(node); /* asserts that stats.memory is what the allocator counts */
    HOLDS(stats.peers == tally.peers);
    HOLDS(stats.sessions == tally.sessions);
    HOLDS(vpn__slab_used(&wg->handshakes) == tally.handshakes);
    HOLDS(vpn__keymap_count(&wg->by_key) == tally.peers);
    HOLDS(vpn__index_count(&wg->by_index) == tally.sessions + tally.handshakes);
    HOLDS(wg->in_flight == 0);
    return NULL;
}

static void look_over_all(struct world *w)
{
    for (int i = 0; i < w->net->count; i++) {
        const char *fault = look_over(w->net->nodes[i]);
        ck_assert_msg(fault == NULL, "node %d, allocation %zu: %s does not hold", i, w->miser.first, fault);
    }
    ck_assert_uint_eq(w->env.bytes, 0);
    ck_assert_uint_eq(w->env.blocks, 0);
}

/* Returns 0 when the scenario takes fewer than `i` allocations. */
static int refuse(const struct failures_row *row, size_t i, size_t how_many)
{
    struct world w;
    world_new(&w, row, 1 + i);
    w.miser.first = i;
    w.miser.last = how_many == LASTING ? SIZE_MAX : i + how_many - 1;
    row->body(&w);
    int reached = w.miser.refused > 0;
    bystander(&w);
    look_over_all(&w);
    w.miser.first = 0;
    w.strict = 1;
    row->body(&w);
    look_over_all(&w);
    net_free(w.net); /* asserts that all memory comes back, without keys */
    return reached;
}

START_TEST(every_allocation)
{
    static const size_t lengths[] = {1, 2, LASTING};
    const struct failures_row *row = &failures_rows[_i];
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        size_t i = 1;
        while (refuse(row, i, lengths[l]))
            i++;
        ck_assert_msg(i > 3, "%s takes next to no memory: nothing was tested", row->name);
        if (getenv("FAILURES_VERBOSE") != NULL)
            fprintf(stderr, "%s: %zu allocations\n", row->name, i - 1);
    }
}
END_TEST

/* The judge is judged: each table is spoilt once, and it is seen. */
START_TEST(the_look_sees)
{
    struct world w;
    uint32_t slot;
    world_new(&w, &failures_rows[0], 1);
    vpn_wg *wg = w.b->wg;
    ck_assert_ptr_null(look_over(w.b));
    if (_i == 0)
        vpn__index_remove(&wg->by_index, vpn__wg_peer(wg, 0)->ring.current->local_index);
    else if (_i == 1)
        ck_assert_ptr_nonnull(vpn__slab_take(&wg->handshakes, &slot));
    else if (_i == 2)
        ck_assert_ptr_nonnull(vpn__slab_take(&wg->sessions, &slot));
    else if (_i == 3)
        vpn__keymap_remove(&wg->by_key, w.c->public_key, 0);
    else
        ck_assert_int_eq(vpn__index_insert(&wg->by_index, 5, 0, NULL), 0);
    ck_assert_ptr_nonnull(look_over(w.b));
    net_free(w.net);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("memory/failures");
    TCase *tcase = tcase_create("every allocation");
    tcase_add_loop_test(tcase, every_allocation, 0, (int)failures_row_count);
    tcase_add_loop_test(tcase, the_look_sees, 0, 5);
    tcase_set_timeout(tcase, 240);
    suite_add_tcase(s, tcase);
    return s;
}

TEST_MAIN(suite)
