/* SPDX-License-Identifier: ISC */
/* One device, and its second phase on one thread or on several, each with a part of the batch: how much more they encrypt together,
   and how much more the device carries, whose first and third phases are one thread's in between. The order is that of the batch,
   which the third phase looks after. */
#include <vpn/vpn.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench.h"
#include "common/providers.h"
#include "crowd.h"

#define PACKETS 1024u
#define STRIDE  1536u
#define LENGTH  1420u
#define THREADS 2u

struct worker {
    pthread_t thread;
    vpn_scratch *scratch;
    size_t first, count;
};

static struct {
    vpn_packet packets[PACKETS];
    struct worker workers[THREADS];
    pthread_barrier_t begin, end;
    int stop;
    uint8_t *slab;
} room;

static void wrong(const char *what)
{
    bench_progress("%s", what);
    exit(1);
}

static void *work(void *argument)
{
    const struct worker *w = argument;
    for (;;) {
        (void)pthread_barrier_wait(&room.begin);
        if (room.stop)
            return NULL;
        vpn_wg_crypt(w->scratch, room.packets + w->first, w->count);
        (void)pthread_barrier_wait(&room.end);
    }
}

static void fill(void)
{
    for (uint32_t i = 0; i < PACKETS; i++) {
        vpn_packet *packet = &room.packets[i];
        packet->data = room.slab + i * STRIDE;
        packet->capacity = STRIDE;
        packet->offset = 32;
        packet->length = LENGTH;
        crowd_header(packet->data + 32, 0, LENGTH, 0);
    }
}

static uint64_t counter_of(uint32_t i)
{
    const vpn_packet *packet = &room.packets[i];
    return vpn__load64le(packet->data + packet->offset + 8);
}

/* Millions of packets a second. */
struct rates {
    double crypt; /* through the second phase, waking of the workers included */
    double all;   /* through all three */
};

static struct rates repeat(const struct crowd *crowd, uint32_t turns)
{
    uint64_t crypt = 0, all = 0;
    double packets = (double)turns * PACKETS;
    for (uint32_t turn = 0; turn < turns; turn++) {
        fill();
        uint64_t begin = bench_now();
        if (vpn_wg_send_begin(crowd->wg, room.packets, PACKETS, CROWD_NOW) != PACKETS)
            wrong("packets were dropped");
        uint64_t begun = bench_now();
        (void)pthread_barrier_wait(&room.begin);
        (void)pthread_barrier_wait(&room.end);
        crypt += bench_now() - begun;
        if (vpn_wg_end(crowd->wg, room.packets, PACKETS, CROWD_NOW) != PACKETS)
            wrong("packets were dropped");
        all += bench_now() - begin;
    }
    for (uint32_t i = 1; i < PACKETS; i++)
        if (counter_of(i) != counter_of(i - 1) + 1)
            wrong("packets are out of order");
    return (struct rates){packets * 1e3 / (double)crypt, packets * 1e3 / (double)all};
}

static void start(const vpn_provider *provider, uint32_t threads)
{
    if (pthread_barrier_init(&room.begin, NULL, threads + 1) != 0 ||
        pthread_barrier_init(&room.end, NULL, threads + 1) != 0)
        wrong("no barrier");
    room.stop = 0;
    for (uint32_t i = 0; i < threads; i++) {
        struct worker *w = &room.workers[i];
        w->first = i * (PACKETS / threads);
        w->count = PACKETS / threads;
        if (vpn_scratch_new(&w->scratch, provider, NULL) != VPN_OK || pthread_create(&w->thread, NULL, work, w) != 0)
            wrong("no worker");
    }
}

static void stop(uint32_t threads)
{
    room.stop = 1;
    (void)pthread_barrier_wait(&room.begin);
    for (uint32_t i = 0; i < threads; i++) {
        (void)pthread_join(room.workers[i].thread, NULL);
        vpn_scratch_free(room.workers[i].scratch);
    }
    (void)pthread_barrier_destroy(&room.begin);
    (void)pthread_barrier_destroy(&room.end);
}

static double median(const struct rates rates[BENCH_RUNS_MAX], const struct rates *over, int all)
{
    double values[BENCH_RUNS_MAX];
    for (int i = 0; i < bench_runs(); i++) {
        values[i] = all ? rates[i].all : rates[i].crypt;
        if (over != NULL)
            values[i] /= all ? over[i].all : over[i].crypt;
    }
    return bench_median(values, bench_runs());
}

static void bench_provider(const vpn_provider *provider)
{
    struct rates rates[THREADS][BENCH_RUNS_MAX];
    struct crowd *crowd = crowd_new(1, provider);
    crowd_connect(crowd, 0, provider);
    for (int run = -1; run < bench_runs(); run++)
        for (uint32_t threads = 1; threads <= THREADS; threads++) {
            start(provider, threads);
            struct rates now = repeat(crowd, bench_quick() ? 2 : 100);
            stop(threads);
            if (run >= 0) /* the first one warms up */
                rates[threads - 1][run] = now;
        }
    bench_row(provider->name, "crypt, one thread", median(rates[0], NULL, 0), "M/s");
    bench_row(provider->name, "crypt, two threads", median(rates[1], NULL, 0), "M/s");
    bench_target(provider->name, "crypt, two threads / one", median(rates[1], rates[0], 0), "x", 1.8, 0);
    bench_row(provider->name, "all phases, one thread", median(rates[0], NULL, 1), "M/s");
    bench_row(provider->name, "all phases, two threads", median(rates[1], NULL, 1), "M/s");
    bench_row(provider->name, "all phases, two threads / one", median(rates[1], rates[0], 1), "x");
    crowd_free(crowd);
}

int main(int argc, char **argv)
{
    struct test_providers all;
    bench_options(argc, argv, "The second phase of sending on one thread and on two, beside each other, 1420 bytes.");
    room.slab = bench_alloc((size_t)PACKETS * STRIDE);
    test_providers_begin(&all);
    for (size_t i = 0; i < all.count; i++)
        if (bench_wants(all.of[i].provider->name))
            bench_provider(all.of[i].provider);
    return bench_report("parallel");
}
