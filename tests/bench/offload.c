/* SPDX-License-Identifier: ISC */
/* Cutting a super-packet and joining packets, beside a plain copy of the same bytes, in turn with it. */
#include <vpn/offload.h>

#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/flows.h"

#define PACKET 1420u
#define COUNT  45u
#define STRIDE 2048u
#define OFFSET 64u

#define BATCHES 2000

struct rates {
    double copy[BENCH_RUNS_MAX], cut[BENCH_RUNS_MAX], join[BENCH_RUNS_MAX];
};

static struct {
    uint8_t *whole, *slab;
    uint32_t length;
    vpn_offload how;
    vpn_packet packets[COUNT];
    uint16_t next[COUNT];
    vpn_super supers[COUNT];
} room;

static void wrong(const char *what)
{
    bench_progress("%s", what);
    exit(1);
}

/* As many whole packets as fit. */
static void make_super(uint8_t version, uint8_t protocol)
{
    static uint8_t payload[65536];
    struct flow flow = {.version = version,
                        .protocol = protocol,
                        .ttl = 64,
                        .flags = FLOW_ACK,
                        .tcp_extra = 12,
                        .src = {10, 0, 0, 1},
                        .dst = {10, 0, 0, 2},
                        .payload = payload};
    uint64_t seed = 1;
    uint32_t size = PACKET - flow_header_bytes(&flow);

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)bench_random(&seed);
    flow.length = COUNT * size;
    room.length = flow_super(room.whole, &room.how, &flow, size);
}

static uint64_t copy(void)
{
    uint64_t begin = bench_now();

    for (uint32_t i = 0; i < COUNT; i++)
        memcpy(room.slab + i * STRIDE + OFFSET, room.whole + i * (room.length / COUNT), PACKET);
    return bench_now() - begin;
}

static uint64_t cut(void)
{
    uint64_t begin = bench_now();
    vpn_segments plan;

    if (vpn_segment_plan(&plan, &room.how, room.whole, room.length) != VPN_OK || plan.count != COUNT)
        wrong("a super-packet was not cut");
    for (uint32_t i = 0; i < COUNT; i++)
        if (vpn_segment_write(&plan, room.whole, i, room.slab + i * STRIDE + OFFSET) != PACKET)
            wrong("a segment has another length");
    return bench_now() - begin;
}

/* What was cut before. */
static uint64_t join(void)
{
    uint64_t begin;

    for (uint32_t i = 0; i < COUNT; i++)
        room.packets[i] = (vpn_packet){.data = room.slab + i * STRIDE,
                                       .capacity = STRIDE,
                                       .offset = OFFSET,
                                       .length = PACKET,
                                       .verdict = VPN_TO_TUN};
    begin = bench_now();
    if (vpn_coalesce(room.packets, COUNT, VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6 | VPN_COALESCE_UDP, room.next,
                     room.supers) != 1)
        wrong("packets were not joined");
    return bench_now() - begin;
}

/* Nanoseconds a packet: of the three in turn, many times, the median, since a batch takes no longer than an interruption. */
static void repeat(struct rates *rates, int run)
{
    static double took[3][BATCHES];
    int batches = bench_quick() ? 20 : BATCHES;

    for (int b = 0; b < batches; b++) {
        took[0][b] = (double)copy();
        took[1][b] = (double)cut();
        took[2][b] = (double)join();
    }
    if (run < 0) /* warms up */
        return;
    rates->copy[run] = bench_median(took[0], batches) / COUNT;
    rates->cut[run] = bench_median(took[1], batches) / COUNT;
    rates->join[run] = bench_median(took[2], batches) / COUNT;
}

static void bench_kind(const char *name, uint8_t version, uint8_t protocol)
{
    static struct rates rates;

    bench_progress("%s", name);
    make_super(version, protocol);
    for (int run = -1; run < bench_runs(); run++)
        repeat(&rates, run);
    double base = bench_median(rates.copy, bench_runs()), made = bench_median(rates.cut, bench_runs());
    double joined = bench_median(rates.join, bench_runs());
    bench_row(name, "memcpy", base, "ns");
    bench_row(name, "cut", made, "ns");
    bench_row(name, "cut / memcpy", made / base, "x");
    bench_row(name, "join", joined, "ns");
    bench_row(name, "join / memcpy", joined / base, "x");
}

int main(int argc, char **argv)
{
    bench_options(argc, argv, "Super-packets of 45 times 1420 bytes, cut and joined; nanoseconds a packet.");
    room.whole = bench_alloc(65536);
    room.slab = bench_alloc((size_t)COUNT * STRIDE);
    bench_kind("TCP over IPv4", 4, FLOW_TCP);
    if (!bench_quick()) {
        bench_kind("TCP over IPv6", 6, FLOW_TCP);
        bench_kind("UDP over IPv4", 4, FLOW_UDP);
    }
    return bench_report("offload");
}
