/* SPDX-License-Identifier: ISC */
/* What begin, crypt and end take, beside the bare AEAD of the same provider on the same memory, in turn with it. */
#include <vpn/vpn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/providers.h"
#include "crowd.h"

#define BATCH  64u
#define STRIDE 2048u
#define OFFSET 64u

/* Means of one repetition, nanoseconds a packet. */
struct sample {
    double raw, begin, crypt, end;
};

struct series {
    struct sample of[BENCH_RUNS_MAX];
};

static struct {
    uint8_t *slab;
    vpn_packet packets[BATCH];
    uint32_t who[BATCH];
    vpn_aead_job jobs[BATCH];
    void *slot, *scratch; /* of the bare provider */
    vpn_scratch *crypt;   /* of the second phase */
} room;

static void *aligned(size_t bytes)
{
    uint8_t *memory = bench_alloc(bytes + 64);
    return memory + (64 - (uintptr_t)memory % 64) % 64;
}

static void wrong(const char *what)
{
    bench_progress("%s", what);
    exit(1);
}

/* The bare AEAD: seals, and opens when asked, as many bytes under as many nonces; the time of what was asked for. */
static uint64_t raw(const vpn_provider *provider, uint32_t text, uint64_t turn, int open)
{
    uint64_t begin;
    for (uint32_t i = 0; i < BATCH; i++) {
        uint64_t counter = turn * BATCH + i;
        room.jobs[i] = (vpn_aead_job){.key = room.slot, .data = room.slab + i * STRIDE + OFFSET, .length = text};
        memcpy(room.jobs[i].nonce + 4, &counter, 8);
    }
    if (!open)
        begin = bench_now();
    if (provider->seal(room.scratch, room.jobs, BATCH) != BATCH)
        wrong("the provider did not seal");
    if (open) {
        begin = bench_now();
        if (provider->open(room.scratch, room.jobs, BATCH) != BATCH)
            wrong("the provider did not open");
    }
    return bench_now() - begin;
}

/* A batch of inner packets to peers in no order. */
static void to_send(const struct crowd *crowd, uint32_t length, uint64_t *seed)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        vpn_packet *packet = &room.packets[i];
        room.who[i] = (uint32_t)(bench_random(seed) % crowd->count);
        packet->data = room.slab + i * STRIDE;
        packet->capacity = STRIDE;
        packet->offset = OFFSET;
        packet->length = length;
        crowd_header(packet->data + OFFSET, room.who[i], length, 0);
    }
}

/* The same from those peers, sealed by them. */
static void to_receive(const struct crowd *crowd, uint32_t length, uint64_t *seed)
{
    to_send(crowd, length, seed);
    for (uint32_t i = 0; i < BATCH; i++) {
        vpn_packet *packet = &room.packets[i];
        crowd_header(packet->data + OFFSET, room.who[i], length, 1);
        if (vpn_session_seal(crowd->remotes[room.who[i]], packet, vpn_mtu_padding(length, 1420), CROWD_NOW) != VPN_OK)
            wrong("a peer could not seal");
        packet->path.remote = (vpn_endpoint){.family = 4, .port = 51820};
        crowd_address(room.who[i], packet->path.remote.addr);
    }
}

static void phases(const struct crowd *crowd, int receive, uint64_t took[3])
{
    uint64_t t0 = bench_now(), t1, t2;
    size_t n = receive ? vpn_wg_recv_begin(crowd->wg, room.packets, BATCH, CROWD_NOW)
                       : vpn_wg_send_begin(crowd->wg, room.packets, BATCH, CROWD_NOW);
    t1 = bench_now();
    vpn_wg_crypt(room.crypt, room.packets, BATCH);
    t2 = bench_now();
    if (n != BATCH || vpn_wg_end(crowd->wg, room.packets, BATCH, CROWD_NOW) != BATCH)
        wrong("packets were dropped");
    took[2] += bench_now() - t2;
    took[1] += t2 - t1;
    took[0] += t1 - t0;
}

/* Batches of the bare AEAD and of the three phases in turn. */
static struct sample repeat(const struct crowd *crowd, const vpn_provider *provider, uint32_t length, int receive,
                            uint32_t batches)
{
    uint32_t text = length + vpn_mtu_padding(length, 1420);
    static uint64_t turn, seed = 7;
    uint64_t bare = 0, took[3] = {0, 0, 0};
    double packets = (double)batches * BATCH;
    for (uint32_t b = 0; b < batches; b++) {
        bare += raw(provider, text, turn++, receive);
        if (receive)
            to_receive(crowd, length, &seed);
        else
            to_send(crowd, length, &seed);
        phases(crowd, receive, took);
    }
    return (struct sample){(double)bare / packets, (double)took[0] / packets, (double)took[1] / packets,
                           (double)took[2] / packets};
}

enum figure { RAW, BEGIN, CRYPT, END, STATE, EXTRA, RATIO };

static double figure(const struct series *series, enum figure which)
{
    double values[BENCH_RUNS_MAX];
    for (int i = 0; i < bench_runs(); i++) {
        const struct sample *s = &series->of[i];
        double total = s->begin + s->crypt + s->end;
        const double all[] = {s->raw, s->begin, s->crypt, s->end, s->begin + s->end, total - s->raw, total / s->raw};
        values[i] = all[which];
    }
    return bench_median(values, bench_runs());
}

static void report(const char *group, const struct series *series, uint32_t peers, uint32_t length, double most_ratio)
{
    double state = figure(series, STATE);
    bench_row(group, "bare AEAD", figure(series, RAW), "ns");
    bench_row(group, "begin", figure(series, BEGIN), "ns");
    bench_row(group, "crypt", figure(series, CRYPT), "ns");
    bench_row(group, "end", figure(series, END), "ns");
    if (length > 1000 && peers <= 1000) {
        bench_target(group, "begin + end", state, "ns", 60, 1);
        bench_row(group, "total - bare AEAD", figure(series, EXTRA), "ns");
        bench_target(group, "total / bare AEAD", figure(series, RATIO), "x", most_ratio, 1);
    } else {
        bench_row(group, "begin + end", state, "ns");
        bench_row(group, "total", 1e3 / (state + figure(series, CRYPT)), "M/s");
    }
}

/* Names of groups live on until the report. */
static const char *group_name(const vpn_provider *provider, int kind, uint32_t length, uint32_t peers)
{
    static char names[64][64];
    static size_t used;
    char *name = names[used++ % 64];
    (void)snprintf(name, sizeof names[0], "%s %s, %u bytes, %u peers", provider->name, kind % 2 ? "receive" : "send",
                   length, peers);
    return name;
}

#define KINDS 4

static uint32_t length_of(int kind)
{
    return kind / 2 == 0 ? 1420 : 64;
}

static void bench_crowd(const vpn_provider *provider, uint32_t peers)
{
    static struct series series[KINDS];
    double most_ratio = strcmp(provider->name, "sodium") == 0 ? 1.05 : 1.12;
    const char *names[KINDS];
    struct crowd *crowd;
    int wanted = 0;

    for (int kind = 0; kind < KINDS; kind++) {
        names[kind] = group_name(provider, kind, length_of(kind), peers);
        wanted += bench_wants(names[kind]);
    }
    if (wanted == 0)
        return;
    bench_progress("%s, %u peers", provider->name, peers);
    crowd = crowd_new(peers, provider);
    for (uint32_t i = 0; i < peers; i++)
        crowd_connect(crowd, i, provider);
    for (int run = -1; run < bench_runs(); run++)
        for (int kind = 0; kind < KINDS; kind++)
            if (bench_wants(names[kind])) {
                struct sample sample = repeat(crowd, provider, length_of(kind), kind % 2, bench_quick() ? 8 : 400);
                if (run >= 0) /* the first one warms up */
                    series[kind].of[run] = sample;
            }
    for (int kind = 0; kind < KINDS; kind++)
        if (bench_wants(names[kind]))
            report(names[kind], &series[kind], peers, length_of(kind), most_ratio);
    crowd_free(crowd);
}

static void bench_provider(const struct test_provider *with)
{
    static const uint32_t sizes[] = {1, 1000, 100000};
    const vpn_provider *provider = with->provider;

    room.slot = with->slot;
    room.scratch = with->scratch;
    if (provider->init_key(room.slot, (const uint8_t *)"thirty-two bytes of a bench key.") != VPN_OK ||
        vpn_scratch_new(&room.crypt, provider, NULL) != VPN_OK)
        wrong("the provider does not work");
    for (size_t i = 0; i < (bench_quick() ? 1 : 3); i++)
        bench_crowd(provider, sizes[i]);
    vpn_scratch_free(room.crypt);
}

int main(int argc, char **argv)
{
    struct test_providers all;

    bench_options(argc, argv,
                  "Batches of 64 packets through the three phases, each packet to or from a peer at random.");
    room.slab = aligned(BATCH * STRIDE);
    test_providers_begin(&all);
    for (size_t i = 0; i < all.count; i++)
        bench_provider(&all.of[i]);
    return bench_report("datapath");
}
