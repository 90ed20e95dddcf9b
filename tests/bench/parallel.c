/* SPDX-License-Identifier: ISC */
/* One device, and its second phase on one thread or on several, each with a part of the batch: how much more they carry together,
   with what begin and end take in between. The order is that of the batch, which the third phase looks after. */
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

/* Millions of packets a second through all three phases; the workers' part in the second. */
static double repeat(const struct crowd *crowd, uint32_t turns)
{
    uint64_t took = 0;
    for (uint32_t turn = 0; turn < turns; turn++) {
        fill();
        uint64_t begin = bench_now();
        if (vpn_wg_send_begin(crowd->wg, room.packets, PACKETS, CROWD_NOW) != PACKETS)
            wrong("packets were dropped");
        (void)pthread_barrier_wait(&room.begin);
        (void)pthread_barrier_wait(&room.end);
        if (vpn_wg_end(crowd->wg, room.packets, PACKETS, CROWD_NOW) != PACKETS)
            wrong("packets were dropped");
        took += bench_now() - begin;
    }
    for (uint32_t i = 1; i < PACKETS; i++)
        if (counter_of(i) != counter_of(i - 1) + 1)
            wrong("packets are out of order");
    return (double)turns * PACKETS * 1e3 / (double)took;
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

static void bench_provider(const vpn_provider *provider)
{
    double rates[THREADS][BENCH_RUNS_MAX], ratio[BENCH_RUNS_MAX];
    struct crowd *crowd = crowd_new(1, provider);
    crowd_connect(crowd, 0, provider);
    for (int run = -1; run < bench_runs(); run++)
        for (uint32_t threads = 1; threads <= THREADS; threads++) {
            start(provider, threads);
            double rate = repeat(crowd, bench_quick() ? 2 : 100);
            stop(threads);
            if (run >= 0) /* the first one warms up */
                rates[threads - 1][run] = rate;
        }
    for (int run = 0; run < bench_runs(); run++)
        ratio[run] = rates[1][run] / rates[0][run];
    bench_row(provider->name, "one thread", bench_median(rates[0], bench_runs()), "M/s");
    bench_row(provider->name, "two threads", bench_median(rates[1], bench_runs()), "M/s");
    bench_target(provider->name, "two threads / one", bench_median(ratio, bench_runs()), "x", 1.8, 0);
    crowd_free(crowd);
}

int main(int argc, char **argv)
{
    struct test_providers all;
    bench_options(argc, argv, "The second phase of sending on one thread and on two, beside each other, 1420 bytes.");
    room.slab = bench_alloc((size_t)PACKETS * STRIDE);
    test_providers_begin(&all);
    for (size_t i = 0; i < all.count; i++)
        bench_provider(all.of[i].provider);
    return bench_report("parallel");
}
