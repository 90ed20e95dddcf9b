/* SPDX-License-Identifier: ISC */
/* Initiations back to back left an index, a session or a handshake behind, until memory was gone. A million of them are made
 * here, and the tables keep their size (a tenth of it under sanitizers). So that this takes seconds, the linker puts quick functions in the place of X25519 and
 * HKDF, for both sides: what is left is real. */
#include "base/index.h"
#include "base/slab.h"
#include "scenario/duel.h"
#include "wireguard/device.h"

#define PEERS 3
#ifdef __SANITIZE_ADDRESS__
#define RECEIVED 100000u
#else
#define RECEIVED 1000000u
#endif
#define OWN  200000u
#define WARM 300u /* rounds until every table has been as full as it gets */

void __wrap_vpn_key_public(uint8_t out[32], const uint8_t key[32]);
int __wrap_vpn_x25519(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32]);
void __wrap_vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[32], const void *input,
                     size_t bytes);

/* A group in which everything is quick: odd numbers of 64 bits under multiplication, four of them side by side. */
int __wrap_vpn_x25519(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    uint64_t s, p;
    for (size_t i = 0; i < 32; i += 8) {
        memcpy(&s, scalar + i, 8);
        memcpy(&p, point + i, 8);
        p *= s | 1;
        memcpy(out + i, &p, 8);
    }
    return 0;
}

void __wrap_vpn_key_public(uint8_t out[32], const uint8_t key[32])
{
    static const uint8_t base[32] = "one of these numbers is odd too";
    (void)__wrap_vpn_x25519(out, key, base);
}

/* Everything that goes in reaches every word that comes out. */
void __wrap_vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[32], const void *input,
                     size_t bytes)
{
    uint8_t *outputs[3] = {out1, out2, out3};
    uint64_t words[8] = {0}, state = bytes;
    memcpy(words, salt, 32);
    if (bytes != 0)
        memcpy(words + 4, input, bytes < 32 ? bytes : 32);
    for (size_t i = 0; i < 8; i++)
        state = test_random(&state) ^ words[i];
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 4 && outputs[i] != NULL; k++) {
            uint64_t word = test_random(&state);
            memcpy(outputs[i] + 8 * k, &word, 8);
        }
    }
}

/* --- tables --- */

/* Check writes to a file at each of its assertions, which would be all that the time goes into. */
static void must(int holds, const char *what, uint64_t i)
{
    if (!holds)
        ck_abort_msg("%s, at %llu", what, (unsigned long long)i);
}

struct tables {
    uint64_t memory;
    size_t allocations;
    uint32_t sessions, handshakes, index; /* the most that there ever was room for */
};

static struct tables tables_of(const struct duel *d)
{
    const vpn_wg *wg = d->a->wg;
    struct tables t = {d->a->env.bytes, d->a->env.calls, vpn__slab_high(&wg->sessions), vpn__slab_high(&wg->handshakes),
                       wg->by_index.room};
    return t;
}

static uint32_t sessions_of(const vpn_wg *wg, const struct vpn__peer *peer, uint64_t i)
{
    const struct vpn_session *slots[3] = {peer->ring.previous, peer->ring.current, peer->ring.next};
    uint32_t n = 0;
    for (int k = 0; k < 3; k++) {
        if (slots[k] == NULL)
            continue;
        const struct vpn__index_entry *entry = vpn__index_find(&wg->by_index, slots[k]->local_index);
        must(entry != NULL && entry->object == slots[k], "a session without its index", i);
        n++;
    }
    return n;
}

/* What is in use is what the peers hold, one by one. */
static void expect_exact(const struct duel *d, uint64_t i)
{
    const vpn_wg *wg = d->a->wg;
    uint32_t sessions = 0, handshakes = 0;
    for (vpn_peer_id id = vpn_wg_peer_next(wg, 0); id != 0; id = vpn_wg_peer_next(wg, id)) {
        const struct vpn__peer *peer = vpn__wg_peer(wg, (uint32_t)id);
        sessions += sessions_of(wg, peer, i);
        handshakes += peer->handshake != 0;
    }
    must(vpn__slab_used(&wg->sessions) == sessions, "a session leaked", i);
    must(vpn__slab_used(&wg->handshakes) == handshakes, "a handshake leaked", i);
    must(vpn__index_count(&wg->by_index) == sessions + handshakes, "an index leaked", i);
}

static void expect_same(const struct duel *d, const struct tables *before, uint64_t i)
{
    struct tables now = tables_of(d);
    expect_exact(d, i);
    must(now.memory == before->memory, "memory grew", i);
    must(now.allocations == before->allocations, "something was allocated", i);
    must(now.sessions == before->sessions, "the pool of sessions grew", i);
    must(now.handshakes == before->handshakes, "the pool of handshakes grew", i);
    must(now.index == before->index, "the table of indices grew", i);
}

/* --- whoever takes turns as the forger of the duel --- */

struct party {
    struct forger f;
    vpn_peer_id id;
    uint8_t last[148]; /* initiation to it */
};

static struct party parties[PEERS];

static struct duel *crowd(uint64_t seed, const vpn_wg_config *config)
{
    struct duel *d = duel_new(seed, config);
    parties[0].f = d->f;
    parties[0].id = d->id;
    for (uint8_t i = 1; i < PEERS; i++) {
        const uint8_t inner4[4] = {10, 1, i, 1};
        forge_new(&parties[i].f, seed + i, i + 1);
        parties[i].id = duel_add(d->a, &parties[i].f, inner4);
    }
    return d;
}

static void turn(struct duel *d, uint32_t from, uint32_t to)
{
    parties[from % PEERS].f = d->f;
    d->f = parties[to % PEERS].f;
    d->id = parties[to % PEERS].id;
}

static vpn_packet feed(struct duel *d, uint8_t *message, uint32_t length)
{
    vpn_packet packet = {.data = message, .capacity = length, .length = length, .path = {.remote = d->f.at}};
    vpn_wg_recv(d->a->wg, &packet, 1, node_now(d->a));
    return packet;
}

static vpn_packet initiate(struct duel *d, uint8_t message[148])
{
    uint8_t stamp[12];
    forge_stamp(stamp, d->wall++, 0);
    forge_initiation(&d->f, message, d->a->public_key, stamp);
    return feed(d, message, 148);
}

static vpn_packet answer(struct duel *d, uint32_t i)
{
    uint8_t message[92], stamp[12];
    must(forge_read_initiation(&d->f, parties[i % PEERS].last, stamp) == 0, "no initiation", i);
    forge_response(&d->f, message);
    return feed(d, message, 92);
}

/* Ticks at each deadline until a time, keeps the initiations and counts who was given up. */
static uint32_t run_until(struct duel *d, vpn_time until)
{
    uint8_t room[VPN_WG_FRESH_BYTES];
    vpn_wg_event_info event;
    uint32_t gave_up = 0;
    for (vpn_time at; (at = vpn_wg_deadline(d->a->wg)) <= until;) {
        vpn_packet fresh = {.data = room, .capacity = sizeof room};
        d->net->now = at > d->net->now ? at : d->net->now;
        if (vpn_wg_tick(d->a->wg, &fresh, 1, node_now(d->a)) == 1 && fresh.type == 1)
            memcpy(parties[fresh.path.remote.addr[3] - 1].last, room, 148);
        while (vpn_wg_event(d->a->wg, &event) == 0)
            gave_up += event.type == VPN_WG_GAVE_UP;
    }
    d->net->now = until;
    return gave_up;
}

static void expect_empty_at_last(struct duel *d, const struct tables *before)
{
    run_until(d, d->net->now + SECONDS(2000));
    expect_same(d, before, 0);
    ck_assert_uint_eq(vpn__index_count(&d->a->wg->by_index), 0);
    ck_assert_uint_eq(node_stats(d->a).sessions, 0);
    ck_assert_uint_eq(node_stats(d->a).memory, before->memory);
}

/* --- 12: the responder --- */

/* Most initiations are not confirmed; some are; some come too early, and some are refused. */
static void receive(struct duel *d, uint32_t i)
{
    uint8_t message[148];
    vpn_packet packet = initiate(d, message);
    must(packet.verdict == VPN_TO_NET && packet.length == 92, "no response", i);
    if (i % 16 == 0) {
        must(forge_read_response(&d->f, message) == 0, "no sound response", i);
        must(feed(d, message, forge_data(&d->f, message, 0, NULL, 0)).verdict == VPN_DONE, "not confirmed", i);
    }
    if (i % 32 == 5)
        must(initiate(d, message).reason == VPN_REASON_FLOOD, "too early and taken", i);
    if (i % 64 == 7) {
        forge_claim(&d->f, message, d->a->public_key, d->f.public_key);
        must(feed(d, message, 148).reason == VPN_REASON_HANDSHAKE, "false and taken", i);
    }
}

START_TEST(pitfall_12_a_million_initiations_received)
{
    vpn_wg_config config = {.load_rate = 100000, .sources = 16, .replay_bits = 128};
    struct duel *d = crowd(120, &config);
    struct tables before = {0};
    for (uint32_t i = 0; i < RECEIVED; i++) {
        receive(d, i);
        turn(d, i, i + 1);
        if (i % PEERS == PEERS - 1)
            run_until(d, d->net->now + MILLIS(20));
        if (i == WARM)
            before = tables_of(d);
        if (i > WARM)
            expect_same(d, &before, i);
    }
    ck_assert_uint_eq(node_stats(d->a).initiations_received, RECEIVED);
    ck_assert_uint_le(node_stats(d->a).sessions, 3 * PEERS);
    expect_empty_at_last(d, &before);
    duel_free(d);
}
END_TEST

/* --- 12: the initiator --- */

/* One after the other without an answer, until the device gives up and beyond; some are answered, some cross an initiation of
 * the other side, some fail for want of randomness. */
START_TEST(pitfall_12_own_initiations)
{
    vpn_wg_config config = {.sources = 16};
    struct duel *d = crowd(124, &config);
    uint8_t message[148];
    struct tables before = {0};
    uint32_t gave_up = 0;
    for (uint32_t i = 0; d->a->wg->stats.initiations_sent < OWN; i++) {
        d->a->env.random_status = i % 20 == 19 ? -1 : 0;
        must(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)) == 0, "no handshake", i);
        gave_up += run_until(d, d->net->now + SECONDS(5));
        d->a->env.random_status = 0;
        if (i % 20 == 0)
            must(answer(d, i).verdict == VPN_TO_NET, "no session", i);
        if (i % 20 == 8)
            must(initiate(d, message).length == 92, "no response", i);
        if (i % 20 == 12) /* 20 more, then it gives up */
            gave_up += run_until(d, d->net->now + SECONDS(120));
        turn(d, i, i + 1);
        if (i == WARM)
            before = tables_of(d);
        if (i > WARM)
            expect_same(d, &before, i);
    }
    ck_assert_uint_gt(gave_up, 1000);
    ck_assert_uint_gt(node_stats(d->a).responses_received, 1000);
    ck_assert_uint_gt(node_stats(d->a).drops[VPN_REASON_RANDOM], 1000);
    expect_empty_at_last(d, &before);
    duel_free(d);
}
END_TEST

/* --- 12: what fails half-way --- */

static int refuses;

static int refusing_key(void *slot, const uint8_t key[32])
{
    return refuses ? VPN_ENOMEM : vpn_provider_sodium()->init_key(slot, key);
}

/* The session cannot be made when its index already exists, in both roles. */
START_TEST(pitfall_12_failures_give_the_index_back)
{
    vpn_provider provider = *vpn_provider_sodium();
    provider.init_key = refusing_key;
    vpn_wg_config config = {.provider = &provider, .sources = 16};
    struct duel *d = crowd(128, &config);
    uint8_t message[148];
    struct tables before = {0};
    for (uint32_t i = 0; i < 3000; i++) {
        refuses = i > 1;
        must(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)) == 0, "no handshake", i);
        run_until(d, d->net->now + SECONDS(5));
        must(answer(d, 0).reason == (refuses ? VPN_REASON_MEMORY : 0), "initiator", i);
        expect_exact(d, i);
        must(initiate(d, message).reason == (refuses ? VPN_REASON_MEMORY : 0), "responder", i);
        if (i == 1)
            before = tables_of(d);
        if (i > 1)
            expect_same(d, &before, i);
    }
    expect_empty_at_last(d, &before);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/12");
    TCase *tcase = tcase_create("12");
    tcase_add_test(tcase, pitfall_12_a_million_initiations_received);
    tcase_add_test(tcase, pitfall_12_own_initiations);
    tcase_add_test(tcase, pitfall_12_failures_give_the_index_back);
    tcase_set_timeout(tcase, 280);
    suite_add_tcase(s, tcase);
    return s;
}

TEST_MAIN(suite)
