/* SPDX-License-Identifier: ISC */
/* Reading headers, clamping the MSS and writing an ICMP error, beside the reader of the data path on the same packets. */
#include <vpn/icmp.h>
#include <vpn/mss.h>

#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/flows.h"
#include "packet/ip.h"

#define PACKETS 256u
#define ROOM    2048u

#define ROUNDS 400

enum { TRANSPORT, PARSE, CLAMP, SYN, TOO_BIG, WAYS };
static const char *const names[WAYS] = {"data path's reader", "vpn_ip_parse", "vpn_mss_clamp, data",
                                        "vpn_mss_clamp, SYN", "vpn_icmp_too_big"};

static struct {
    uint8_t *data, *syn;
    uint32_t lengths[PACKETS], syns[PACKETS];
} room;
static vpn_icmp icmp;
static uint64_t sink;
static int turn; /* a second each, so that the budgets of errors are full */

static void make(uint8_t version, uint8_t extra)
{
    static uint8_t payload[ROOM];

    for (uint32_t i = 0; i < PACKETS; i++) {
        struct flow flow = flow_example(version, FLOW_TCP, payload, 1300);
        flow.from = (uint16_t)i;
        flow.fragment = FLOW_DF;
        flow.ip_extra = extra;
        flow.tcp_extra = 12;
        room.lengths[i] = flow_packet(room.data + i * ROOM, &flow);
        flow.flags = FLOW_SYN;
        flow.length = 0;
        room.syns[i] = flow_packet(room.syn + i * ROOM, &flow);
    }
}

/* The option as most hosts send it, first of all, and again too large. */
static void open_again(uint8_t version, uint8_t extra)
{
    uint32_t at = (version == 4 ? 20u : 40u) + extra + 20;

    for (uint32_t i = 0; i < PACKETS; i++)
        flow_put(room.syn + i * ROOM + at, 0x020405b4, 4);
}

static void one(int way, uint32_t i, vpn_time now)
{
    static uint8_t out[VPN_ICMP_BYTES_MAX6];
    size_t bytes = sizeof out;
    const uint8_t *data = room.data + i * ROOM;
    struct vpn__ip fast;
    vpn_ip ip;

    switch (way) {
    case TRANSPORT:
        bench_must(vpn__ip_parse(&fast, data, room.lengths[i]) == VPN_OK, "a packet did not parse");
        sink += vpn__ip_transport(&fast, data);
        break;
    case PARSE:
        bench_must(vpn_ip_parse(&ip, data, room.lengths[i]) == VPN_OK, "a packet did not parse");
        sink += ip.src_port;
        break;
    case CLAMP:
        bench_must(vpn_mss_clamp(room.data + i * ROOM, room.lengths[i], 1420, 0) == VPN_MSS_UNTOUCHED,
                   "data was clamped");
        break;
    case SYN:
        bench_must(vpn_mss_clamp(room.syn + i * ROOM, room.syns[i], 1420, 0) == VPN_MSS_CLAMPED,
                   "a SYN was not clamped");
        break;
    default:
        bench_must(vpn_icmp_too_big(&icmp, out, &bytes, data, room.lengths[i], 1280, now) == VPN_OK,
                   "no error was made");
    }
}

static double round_of(int way)
{
    uint64_t begin = bench_now();

    turn++;
    for (uint32_t i = 0; i < PACKETS; i++)
        one(way, i, (vpn_time)turn * VPN_SECOND);
    return (double)(bench_now() - begin) / PACKETS;
}

static void bench_kind(const char *name, uint8_t version, uint8_t extra)
{
    static double medians[WAYS][BENCH_RUNS_MAX], rounds[WAYS][ROUNDS];
    int turns = bench_quick() ? 10 : ROUNDS;

    bench_progress("%s", name);
    make(version, extra);
    for (int run = -1; run < bench_runs(); run++) {
        for (int r = 0; r < turns; r++) {
            open_again(version, extra);
            for (int way = 0; way < WAYS; way++)
                rounds[way][r] = round_of(way);
        }
        for (int way = 0; run >= 0 && way < WAYS; way++)
            medians[way][run] = bench_median(rounds[way], turns);
    }
    for (int way = 0; way < WAYS; way++)
        bench_row(name, names[way], bench_median(medians[way], bench_runs()), "ns");
}

int main(int argc, char **argv)
{
    vpn_icmp_config config = {
        .size = sizeof config, .rate = 1000000, .source_rate = 1000000, .ip4 = {10}, .ip6 = {0xfd}};

    bench_options(argc, argv, "Headers read, MSS clamped, ICMP errors written; nanoseconds a packet.");
    bench_must(vpn_icmp_init(&icmp, &config) == VPN_OK, "no writer");
    room.data = bench_alloc((size_t)PACKETS * ROOM);
    room.syn = bench_alloc((size_t)PACKETS * ROOM);
    bench_kind("IPv4", 4, 0);
    bench_kind("IPv6", 6, 0);
    bench_kind("IPv6, two extension headers", 6, 16);
    return bench_report("packet");
}
