/* SPDX-License-Identifier: ISC */
/*
 * Defect 29 that shipped in other implementations: threads that crypt while the thread that owns the devices removes peers and changes keys, and
 * memory without alignment. The provider notices a key slot that is written while it is in use, with or without a tool that
 * watches threads; its own reads are in plain sight of such a tool, which libsodium's are not.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "common/wg.h"

#define WORKERS 3
#define LANES   3 /* batches in flight in each direction */
#define PACKETS 12
#define ROUNDS  240
#define TASKS   (2 * 2 * LANES)

/* --- a provider whose slot is a key and its complement --- */

struct tally {
    size_t jobs, torn;
};

static pthread_mutex_t tally_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tally total;

static int slot_init(void *slot, const uint8_t key[32])
{
    uint8_t *to = slot;
    for (int i = 0; i < 32; i++) {
        to[i] = key[i];
        to[32 + i] = (uint8_t)~key[i];
    }
    return 0;
}

static size_t slot_read(uint8_t key[32], const void *slot)
{
    const uint8_t *from = slot;
    size_t torn = 0;
    for (int i = 0; i < 32; i++) {
        key[i] = from[i];
        torn |= (from[32 + i] ^ key[i]) != 0xff;
    }
    return torn;
}

static int tally_start(void *scratch)
{
    *(struct tally *)scratch = (struct tally){0};
    return 0;
}

static void tally_end(void *scratch)
{
    struct tally *own = scratch;
    pthread_mutex_lock(&tally_lock);
    total.jobs += own->jobs;
    total.torn += own->torn;
    pthread_mutex_unlock(&tally_lock);
}

static size_t run_jobs(void *scratch, vpn_aead_job *jobs, size_t n, int seal)
{
    struct tally *own = scratch;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job *job = &jobs[i];
        uint8_t key[32], again[32];
        own->torn += slot_read(key, job->key);
        job->done = 1;
        if (seal)
            vpn_aead_seal(job->data, job->data, job->length, job->ad, job->ad_length, job->nonce, key);
        else
            job->done =
                vpn_aead_open(job->data, job->data, job->length + 16, job->ad, job->ad_length, job->nonce, key) == 0;
        own->torn += slot_read(again, job->key) || memcmp(key, again, 32) != 0;
        own->jobs++;
        done += job->done;
    }
    return done;
}

static size_t seal_jobs(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return run_jobs(scratch, jobs, n, 1);
}

static size_t open_jobs(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return run_jobs(scratch, jobs, n, 0);
}

static const vpn_provider provider = {
    .size = sizeof(vpn_provider),
    .key_size = 64,
    .scratch_size = sizeof(struct tally),
    .name = "watched",
    .init_key = slot_init,
    .init_scratch = tally_start,
    .end_scratch = tally_end,
    .seal = seal_jobs,
    .open = open_jobs,
};

/* --- workers --- */

struct task {
    vpn_packet *packets;
    size_t n;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct task tasks[TASKS];
    size_t taken, given, finished;
    int stop;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

static void *worker(void *scratch)
{
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.taken == pool.given && !pool.stop)
            pthread_cond_wait(&pool.work, &pool.lock);
        if (pool.taken == pool.given)
            break;
        struct task task = pool.tasks[pool.taken++ % TASKS];
        pthread_mutex_unlock(&pool.lock);
        vpn_wg_crypt(scratch, task.packets, task.n);
        pthread_mutex_lock(&pool.lock);
        if (++pool.finished == pool.given)
            pthread_cond_signal(&pool.idle);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

static void give(vpn_packet *packets, size_t n)
{
    pthread_mutex_lock(&pool.lock);
    pool.tasks[pool.given++ % TASKS] = (struct task){packets, n};
    pthread_cond_signal(&pool.work);
    pthread_mutex_unlock(&pool.lock);
}

static void wait_for_workers(void)
{
    pthread_mutex_lock(&pool.lock);
    while (pool.finished != pool.given)
        pthread_cond_wait(&pool.idle, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

/* --- the thread that owns the devices --- */

struct lane {
    vpn_packet packets[PACKETS];
    struct wg_buffer buffers[PACKETS];
};

static struct wg_node pair[2];
static struct lane sending[LANES], receiving[LANES];
static vpn_time now;
static uint8_t preshared[32];
static size_t sent, delivered;

/* What timers want goes nowhere: a lossy network. */
static void drain(struct wg_node *node)
{
    struct wg_buffer buffer;
    while (vpn_wg_deadline(node->wg) <= now)
        wg_tick(node, &buffer, now);
    wg_forget_events(node);
}

static void connect_pair(unsigned by)
{
    static struct wg_buffer buffer;
    vpn_packet *packet = NULL;
    drain(&pair[0]);
    drain(&pair[1]);
    now += 6 * VPN_SECOND;
    pair[0].host.base.now.seconds += 10;
    pair[1].host.base.now.seconds += 10;
    ck_assert_int_eq(vpn_wg_handshake(pair[by].wg, pair[by].peer, now), 0);
    do {
        packet = wg_tick(&pair[by], &buffer, now);
        ck_assert_ptr_nonnull(packet);
    } while (packet->type != 1);
    for (unsigned to = !by, hops = 0; hops < 3; to = !to, hops++) {
        uint8_t verdict = wg_recv(&pair[to], packet, &pair[!to].at, now);
        ck_assert_msg(verdict == (hops < 2 ? VPN_TO_NET : VPN_DONE), "hop %u: %s", hops,
                      vpn_reason_name(packet->reason));
    }
    wg_forget_events(&pair[0]);
    wg_forget_events(&pair[1]);
}

static void set_preshared_key(unsigned who)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_PRESHARED};
    memcpy(peer.preshared_key, preshared, 32);
    ck_assert_int_eq(vpn_wg_peer_set(pair[who].wg, pair[who].peer, &peer, now), 0);
}

static void meet_again(unsigned who)
{
    ck_assert_int_eq(vpn_wg_peer_remove(pair[who].wg, pair[who].peer), 0);
    wg_node_meet(&pair[who], &pair[!who], now);
    set_preshared_key(who);
}

static void change_private_key(unsigned who, uint64_t seed)
{
    test_fill(&seed, pair[who].private_key, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(pair[who].wg, pair[who].private_key, now), 0);
    vpn_wg_public_key(pair[who].wg, pair[who].public_key);
    meet_again(!who);
}

static void change_preshared_key(uint64_t seed)
{
    test_fill(&seed, preshared, 32);
    set_preshared_key(0);
    set_preshared_key(1);
}

static void disturb(unsigned round)
{
    unsigned who = round / 8 % 2;
    switch (round % 8) {
    case 0:
        connect_pair(who);
        return;
    case 1:
        meet_again(who);
        break;
    case 2:
        change_private_key(who, round);
        break;
    case 3:
        change_preshared_key(round);
        break;
    case 4:
        vpn_wg_suspend(pair[who].wg);
        vpn_wg_resume(pair[who].wg, now);
        break;
    case 5:
        ck_assert_int_eq(vpn_wg_free(pair[0].wg), VPN_EBUSY);
        return;
    default:
        return;
    }
    connect_pair(who);
}

/* Every second lane goes to the workers in two parts. */
static void hand_out(struct lane *lane, int parts)
{
    for (int i = 0; i < parts; i++)
        give(lane->packets + i * PACKETS / parts, (size_t)(PACKETS / parts));
}

static void begin_round(void)
{
    for (int l = 0; l < LANES; l++) {
        for (int i = 0; i < PACKETS; i++)
            sending[l].packets[i] = *wg_inner(&sending[l].buffers[i], 0, 1, 60 + 20 * (uint32_t)i);
        vpn_wg_send_begin(pair[0].wg, sending[l].packets, PACKETS, now);
        hand_out(&sending[l], 1 + l % 2);
        vpn_wg_recv_begin(pair[1].wg, receiving[l].packets, PACKETS, now);
        hand_out(&receiving[l], 1 + l % 2);
    }
}

static void end_round(void)
{
    wait_for_workers();
    for (int l = 0; l < LANES; l++) {
        sent += vpn_wg_end(pair[0].wg, sending[l].packets, PACKETS, now);
        delivered += vpn_wg_end(pair[1].wg, receiving[l].packets, PACKETS, now);
        for (int i = 0; i < PACKETS; i++) {
            vpn_packet *out = &sending[l].packets[i];
            int leaves = out->verdict == VPN_TO_NET;
            ck_assert(leaves || out->verdict == VPN_WAIT || out->reason == VPN_REASON_WIPED ||
                      out->reason == VPN_REASON_NO_PEER);
            receiving[l].packets[i] = leaves ? *wg_copy(&receiving[l].buffers[i], out) : (vpn_packet){0};
            wg_arrive(&receiving[l].packets[i], &pair[0].at);
        }
    }
}

START_TEST(pitfall_29_threads_crypt_while_keys_change)
{
    vpn_wg_config config = {.size = sizeof config, .provider = &provider};
    pthread_t threads[WORKERS];
    vpn_scratch *scratch[WORKERS];
    wg_pair_init(pair, &config);
    now = 1000 * VPN_SECOND;
    connect_pair(0);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(vpn_scratch_new(&scratch[i], &provider, NULL), 0);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, worker, scratch[i]), 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        begin_round();
        disturb(round);
        end_round();
    }
    pthread_mutex_lock(&pool.lock);
    pool.stop = 1;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        vpn_scratch_free(scratch[i]);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(wg_drops(&pair[i], VPN_REASON_AUTH), 0);
        ck_assert_uint_eq(wg_drops(&pair[i], VPN_REASON_NO_CRYPT), 0);
    }
    ck_assert_uint_ge(wg_drops(&pair[0], VPN_REASON_NO_PEER), LANES * PACKETS);
    ck_assert_uint_ge(wg_drops(&pair[0], VPN_REASON_WIPED), LANES * PACKETS);
    ck_assert_uint_eq(wg_stats(&pair[0]).tx_packets, sent);
    ck_assert_uint_eq(wg_stats(&pair[1]).rx_packets, delivered);
    ck_assert_uint_ge(sent, ROUNDS * LANES * PACKETS / 2);
    ck_assert_uint_ge(delivered, ROUNDS * LANES * PACKETS / 4);
    wg_pair_end(pair);
    ck_assert_uint_eq(total.torn, 0);
    ck_assert_uint_ge(total.jobs, sent + delivered);
}
END_TEST

/* --- the trie --- */

static vpn_allowedips *table;
static uint8_t addresses[512][16];
static uint32_t owners[512][2];

static void *look_up(void *unused)
{
    uint8_t memory[32];
    size_t wrong = 0;
    (void)unused;
    for (int i = 0; i < 512; i++)
        for (size_t offset = 0; offset < 16; offset++) {
            memcpy(memory + offset, addresses[i], 16);
            wrong += vpn_allowedips_lookup(table, 4, memory + offset) != owners[i][0];
            wrong += vpn_allowedips_lookup(table, 6, memory + offset) != owners[i][1];
        }
    return wrong == 0 ? NULL : addresses;
}

START_TEST(pitfall_29_trie_reads_any_alignment)
{
    pthread_t threads[WORKERS];
    uint64_t seed = 29;
    void *wrong;
    ck_assert_int_eq(vpn_allowedips_new(&table, NULL), 0);
    for (uint32_t i = 0; i < 2000; i++) {
        struct {
            uint8_t gap;
            vpn_prefix prefix;
        } odd = {.prefix = {.family = i % 2 ? 4 : 6}};
        odd.prefix.bits = (uint8_t)test_below(&seed, odd.prefix.family == 4 ? 33 : 129);
        test_fill(&seed, odd.prefix.addr, 2);
        ck_assert_int_eq(vpn_allowedips_insert(table, &odd.prefix, i % 50), 0);
    }
    for (int i = 0; i < 512; i++) {
        test_fill(&seed, addresses[i], 16);
        owners[i][0] = vpn_allowedips_lookup(table, 4, addresses[i]);
        owners[i][1] = vpn_allowedips_lookup(table, 6, addresses[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, look_up, NULL), 0);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    vpn_allowedips_free(table);
}
END_TEST

/* Packets that start anywhere in memory, of each kind. */
START_TEST(pitfall_29_packets_have_no_alignment)
{
    static uint8_t out[4096], in[4096];
    wg_pair_init(pair, NULL);
    now = 1000 * VPN_SECOND;
    connect_pair(0);
    for (uint32_t offset = 16; offset < 80; offset++) {
        struct wg_buffer inner;
        wg_inner(&inner, 0, 1, 100);
        memcpy(out + offset, inner.packet.data + inner.packet.offset, 100);
        vpn_packet packet = {.data = out + offset - 16, .capacity = 200, .offset = 16, .length = 100};
        ck_assert_uint_eq(wg_send(&pair[0], &packet, now), VPN_TO_NET);
        memcpy(in + offset, packet.data + packet.offset, packet.length);
        vpn_packet arrived = {.data = in + offset, .capacity = packet.length, .length = packet.length};
        ck_assert_uint_eq(wg_recv(&pair[1], &arrived, &pair[0].at, now), VPN_TO_TUN);
        ck_assert_mem_eq(arrived.data + arrived.offset, inner.packet.data + inner.packet.offset, 100);
    }
    for (uint32_t offset = 0; offset < 16; offset++) {
        struct wg_buffer buffer;
        drain(&pair[0]);
        drain(&pair[1]);
        now += 6 * VPN_SECOND;
        pair[0].host.base.now.seconds += 10;
        vpn_packet *packet = wg_initiate(&pair[0], &buffer, now);
        memcpy(in + offset, packet->data + packet->offset, 148);
        vpn_packet arrived = {.data = in + offset, .capacity = 148, .length = 148};
        ck_assert_uint_eq(wg_recv(&pair[1], &arrived, &pair[0].at, now), VPN_TO_NET);
        ck_assert_uint_eq(wg_recv(&pair[0], &arrived, &pair[1].at, now), VPN_TO_NET);
        ck_assert_uint_eq(wg_recv(&pair[1], &arrived, &pair[0].at, now), VPN_DONE);
    }
    wg_pair_end(pair);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/29");
    test_add(s, "29 threads", pitfall_29_threads_crypt_while_keys_change);
    test_add(s, "29 trie", pitfall_29_trie_reads_any_alignment);
    test_add(s, "29 alignment", pitfall_29_packets_have_no_alignment);
    return s;
}

TEST_MAIN(suite)
