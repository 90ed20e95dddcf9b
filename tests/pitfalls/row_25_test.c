/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: session indices that can be foretold, or that are given out twice. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"
#include "wireguard/peer.h"

static struct duel *small_duel(uint64_t seed)
{
    vpn_wg_config config = {.sources = 16, .load_rate = 1000000};
    return duel_new(seed, &config);
}

/* --- statistics --- */

#define INDICES 2048
#define SIGMA   23 /* of the count of ones among so many bits: sqrt(INDICES) / 2 */

struct indices {
    uint32_t items[INDICES];
    size_t count;
};

static int take_index(struct net *net, struct datagram *datagram)
{
    struct indices *all = net->hook_user;
    if (datagram->type == 1 && all->count < INDICES)
        all->items[all->count++] = forge_le32(datagram->bytes + 4);
    return 0;
}

/* Of initiations that the device repeats and begins anew. */
static void of_initiations(struct duel *d, struct indices *all)
{
    d->net->no_log = 1;
    d->net->hook = take_index;
    d->net->hook_user = all;
    while (all->count < INDICES) {
        vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
        net_run(d->net, SECONDS(6));
    }
}

/* Of responses. */
static void of_responses(struct duel *d, struct indices *all)
{
    d->net->no_log = 1;
    while (all->count < INDICES) {
        vpn_packet packet = duel_initiate(d);
        ck_assert_uint_eq(packet.length, 92);
        all->items[all->count++] = forge_le32(packet.data + packet.offset + 4);
        net_run(d->net, MILLIS(20));
    }
}

/* All 32 bits of `n` words are ones about half of the time: within five standard deviations. */
static void expect_balance(const uint32_t *words, size_t n)
{
    for (int bit = 0; bit < 32; bit++) {
        size_t ones = 0;
        for (size_t i = 0; i < n; i++)
            ones += words[i] >> bit & 1;
        duel_between(ones, n / 2 - 5 * SIGMA, n / 2 + 5 * SIGMA);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* So few of 2^32 values hardly ever meet: once in 2,000 runs, and this run is always the same one. */
static void expect_distinct(const uint32_t *words, size_t n)
{
    static uint32_t sorted[2 * INDICES];
    ck_assert_uint_le(n, 2 * INDICES);
    memcpy(sorted, words, n * sizeof *words);
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 1; i < n; i++)
        ck_assert_uint_ne(sorted[i], sorted[i - 1]);
}

/* Each value of each byte about as often as the others: chi-square over 256 cells, mean 255, standard deviation 23. */
static void expect_even_bytes(const uint32_t *words)
{
    for (int shift = 0; shift < 32; shift += 8) {
        int64_t cells[256] = {0}, sum = 0;
        for (size_t i = 0; i < INDICES; i++)
            cells[words[i] >> shift & 255]++;
        for (int i = 0; i < 256; i++)
            sum += (cells[i] - INDICES / 256) * (cells[i] - INDICES / 256);
        duel_between((uint64_t)sum / (INDICES / 256), 255 - 5 * 23, 255 + 5 * 23);
    }
}

static uint32_t inverse(uint32_t odd)
{
    uint32_t x = odd;
    for (int i = 0; i < 5; i++)
        x *= 2 - odd * x;
    return x;
}

/* No step is like the one before: neither the same step, nor the same bits changed, nor a congruence whose multiplier two steps
 * give away, which is how a counter, a Gray code and a linear generator would be caught. */
static void expect_no_relation(const uint32_t *words)
{
    static uint32_t steps[INDICES], changes[INDICES];
    size_t foretold = 0;
    for (size_t i = 0; i + 1 < INDICES; i++) {
        steps[i] = words[i + 1] - words[i];
        changes[i] = words[i + 1] ^ words[i];
    }
    expect_distinct(steps, INDICES - 1);
    expect_distinct(changes, INDICES - 1);
    expect_balance(steps, INDICES - 1);
    expect_balance(changes, INDICES - 1);
    for (size_t i = 0; i + 3 < INDICES; i++)
        foretold += steps[i] % 2 == 1 && steps[i + 1] * (steps[i + 1] * inverse(steps[i])) == steps[i + 2];
    ck_assert_uint_eq(foretold, 0);
}

START_TEST(pitfall_25_unpredictable_index)
{
    static struct indices all;
    struct duel *d = small_duel(2500 + (uint64_t)_i);
    if (_i)
        of_responses(d, &all);
    else
        of_initiations(d, &all);
    ck_assert_uint_eq(all.count, INDICES);
    expect_balance(all.items, INDICES);
    expect_distinct(all.items, INDICES);
    expect_even_bytes(all.items);
    expect_no_relation(all.items);
    duel_free(d);
}
END_TEST

/* The same keys, peers and messages, but other randomness: other indices, without relation to the first ones. */
START_TEST(pitfall_25_another_device_has_other_indices)
{
    static struct indices first, second;
    static uint32_t together[2 * INDICES], change[INDICES];
    struct duel *d = small_duel(2510);
    of_responses(d, &first);
    duel_free(d);
    d = small_duel(2510);
    d->a->env.seed++;
    of_responses(d, &second);
    duel_free(d);
    for (size_t i = 0; i < INDICES; i++)
        change[i] = first.items[i] ^ second.items[i];
    memcpy(together, first.items, sizeof first.items);
    memcpy(together + INDICES, second.items, sizeof second.items);
    expect_distinct(together, 2 * INDICES);
    expect_distinct(change, INDICES);
    expect_balance(change, INDICES);
}
END_TEST

/* --- reuse --- */

#define PEERS 6
#define TRIES 16 /* draws before the device takes its randomness for broken */

/* A source that repeats what is given out already: of draws of four bytes `repeats` collide, then one is fresh, and so on. */
static struct {
    uint32_t live[4 * PEERS];
    size_t count, repeats, draws;
} stale;

static int stale_random(void *user, uint8_t *out, size_t bytes)
{
    struct node_env *env = user;
    if (bytes != 4 || stale.draws % (stale.repeats + 1) == stale.repeats)
        test_fill(&env->seed, out, bytes);
    else
        memcpy(out, &stale.live[(stale.draws * 7 + 3) % stale.count], 4);
    stale.draws += bytes == 4;
    return 0;
}

struct crowd {
    struct duel *d;
    struct forger f[PEERS];
    vpn_peer_id ids[PEERS];
    uint8_t inner4[PEERS][4];
};

static void be(struct crowd *c, int i)
{
    c->d->f = c->f[i];
    c->d->id = c->ids[i];
    memcpy(c->d->inner4, c->inner4[i], 4);
}

/* What is live; no index is there twice. */
static void note_live(const struct crowd *c)
{
    stale.count = 0;
    for (int i = 0; i < PEERS; i++) {
        const struct vpn__peer *peer = vpn__peer_find(c->d->a->wg, c->ids[i]);
        const struct vpn_session *const sessions[3] = {peer->ring.previous, peer->ring.current, peer->ring.next};
        for (int k = 0; k < 3; k++)
            if (sessions[k] != NULL)
                stale.live[stale.count++] = sessions[k]->local_index;
        if (peer->handshake != 0)
            stale.live[stale.count++] = vpn__wg_handshake(c->d->a->wg, peer)->local_index;
    }
    ck_assert_uint_eq(stale.count, vpn__index_count(&c->d->a->wg->by_index));
    expect_distinct(stale.live, stale.count);
}

/* Peers with two sessions each, and with a handshake under way. */
static void gather(struct crowd *c, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    memset(&stale, 0, sizeof stale);
    c->d = small_duel(seed);
    for (int i = 0; i < PEERS; i++) {
        const uint8_t inner4[4] = {10, 1, 1, (uint8_t)i};
        memcpy(c->inner4[i], inner4, 4);
        forge_new(&c->f[i], seed + 1000 + (uint64_t)i, (uint8_t)(10 + i));
        c->ids[i] = duel_add(c->d->a, &c->f[i], inner4);
        be(c, i);
        duel_from_forger(c->d);
        net_run(c->d->net, SECONDS(1));
        duel_from_forger(c->d);
        c->f[i] = c->d->f;
    }
    net_run(c->d->net, SECONDS(6));
    for (int i = 0; i < PEERS; i++)
        ck_assert_int_eq(vpn_wg_handshake(c->d->a->wg, c->ids[i], node_now(c->d->a)), 0);
    net_run(c->d->net, 0);
    note_live(c);
    ck_assert_uint_eq(stale.count, 3 * PEERS);
    c->d->a->wg->env.random = stale_random;
}

/* Every session still belongs to the peer that it was made with. */
static void expect_all_alive(struct crowd *c)
{
    for (int i = 0; i < PEERS; i++) {
        be(c, i);
        ck_assert_uint_eq(duel_data(c->d).verdict, VPN_TO_TUN);
        ck_assert_uint_eq(c->d->a->last_peer, c->ids[i]);
        c->f[i] = c->d->f;
    }
}

static int is_live(uint32_t index)
{
    for (size_t i = 0; i < stale.count; i++)
        if (stale.live[i] == index)
            return 1;
    return 0;
}

/* With repeats a new index is drawn until it is nobody's, for responses and initiations. */
START_TEST(pitfall_25_live_index_is_not_reused)
{
    struct crowd c;
    gather(&c, 2520);
    for (int i = 0; i < PEERS; i++) {
        note_live(&c);
        stale.draws = 0;
        stale.repeats = (size_t)_i;
        be(&c, i);
        vpn_packet packet = duel_initiate(c.d);
        ck_assert_uint_eq(packet.length, 92);
        ck_assert_uint_eq(stale.draws, (size_t)_i + 1);
        ck_assert_int_eq(is_live(forge_le32(packet.data + 4)), 0);
        ck_assert_int_eq(forge_read_response(&c.d->f, packet.data + packet.offset), 0);
        c.f[i] = c.d->f;
        expect_all_alive(&c);
    }
    size_t sent = net_logged(c.d->net, 0, 1, 0);
    for (int i = 0; i < PEERS; i++) {
        note_live(&c);
        for (int k = 0; k < PEERS; k++)
            ck_assert_int_eq(vpn_wg_handshake(c.d->a->wg, c.ids[k], node_now(c.d->a)), 0);
        net_run(c.d->net, SECONDS(6));
        note_live(&c);
        expect_all_alive(&c);
    }
    ck_assert_uint_ge(net_logged(c.d->net, 0, 1, 0), sent + PEERS * PEERS);
    duel_free(c.d);
}
END_TEST

/* Nothing but repeats: no session comes to be, and none is harmed. */
START_TEST(pitfall_25_broken_randomness_takes_no_index)
{
    struct crowd c;
    gather(&c, 2521);
    stale.repeats = SIZE_MAX - 1;
    uint32_t sessions = node_stats(c.d->a).sessions;
    for (int i = 0; i < PEERS; i++) {
        note_live(&c);
        stale.draws = 0;
        be(&c, i);
        vpn_packet packet = duel_initiate(c.d);
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        ck_assert_uint_eq(packet.reason, VPN_REASON_RANDOM);
        ck_assert_uint_eq(stale.draws, TRIES);
        ck_assert_uint_eq(node_stats(c.d->a).sessions, sessions);
        note_live(&c);
        expect_all_alive(&c);
    }
    duel_free(c.d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/25");
    test_loop(s, "statistics", pitfall_25_unpredictable_index, 2);
    test_loop(s, "devices", pitfall_25_another_device_has_other_indices, 1);
    test_loop(s, "reuse", pitfall_25_live_index_is_not_reused, TRIES);
    test_loop(s, "broken", pitfall_25_broken_randomness_takes_no_index, 1);
    return s;
}

TEST_MAIN(suite)
