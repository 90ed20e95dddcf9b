/* SPDX-License-Identifier: ISC */
/* Reading headers, clamping the MSS, translating addresses and writing an ICMP error, beside the reader of the data path on the same
   packets. */
#include <vpn/icmp.h>
#include <vpn/mss.h>
#include <vpn/netmap.h>

#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/flows.h"
#include "packet/ip.h"

#define PACKETS 256u
#define ROOM    2048u

#define ROUNDS 400

#define RULES 100u

enum { TRANSPORT, PARSE, CLAMP, SYN, NETMAP, TOO_BIG, WAYS };
static const char *const names[WAYS] = {"data path's reader",
                                        "vpn_ip_parse",
                                        "vpn_mss_clamp, data",
                                        "vpn_mss_clamp, SYN",
                                        "vpn_netmap_translate, 100 rules",
                                        "vpn_icmp_too_big"};

static struct {
    uint8_t *data, *syn;
    uint32_t lengths[PACKETS], syns[PACKETS];
} room;
static vpn_icmp icmp;
static vpn_netmap *netmap, *other_end; /* what one does the other undoes */
static int undo;
static uint64_t sink;
static int turn; /* a second each, so that the budgets of errors are full */

/* Rules for both addresses of every packet, in both families, among many others. */
static vpn_netmap *make_netmap(uint32_t ours)
{
    static const uint8_t none[1];
    vpn_netmap_rule rules[RULES] = {{0}};
    struct flow flow = flow_example(6, FLOW_TCP, none, 0);
    vpn_netmap *made = NULL;

    for (uint32_t i = 0; i < RULES; i++) {
        vpn_netmap_rule *rule = &rules[i];
        rule->whose = i % 2 == 0 ? ours : 1 - ours;
        rule->inside.family = rule->outside.family = i / 2 % 2 ? 4 : 6;
        rule->inside.bits = rule->outside.bits = i / 2 % 2 ? 24 : 48;
        memcpy(rule->inside.addr, i % 2 == 0 ? flow.src : flow.dst, 16);
        memcpy(rule->outside.addr, rule->inside.addr, 16);
        rule->inside.addr[1] ^= (uint8_t)(i / 4);
        rule->outside.addr[0] ^= 8;
        rule->outside.addr[1] ^= (uint8_t)(i / 4);
    }
    bench_must(vpn_netmap_new(&made, rules, RULES, NULL) == VPN_OK, "no table");
    return made;
}

static void make(uint8_t version, uint8_t extra)
{
    static uint8_t payload[ROOM];

    undo = 0;
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
    case NETMAP:
        bench_must(vpn_netmap_translate(undo ? other_end : netmap, undo ? VPN_NETMAP_IN : VPN_NETMAP_OUT,
                                        room.data + i * ROOM, room.lengths[i], 0) == VPN_NETMAP_TRANSLATED,
                   "a packet was not translated");
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
    undo ^= way == NETMAP;
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

    bench_options(argc, argv,
                  "Headers read, MSS clamped, addresses translated, ICMP errors written; nanoseconds a packet.");
    bench_must(vpn_icmp_init(&icmp, &config) == VPN_OK, "no writer");
    netmap = make_netmap(VPN_NETMAP_OURS);
    other_end = make_netmap(VPN_NETMAP_THEIRS);
    room.data = bench_alloc((size_t)PACKETS * ROOM);
    room.syn = bench_alloc((size_t)PACKETS * ROOM);
    bench_kind("IPv4", 4, 0);
    bench_kind("IPv6", 6, 0);
    bench_kind("IPv6, two extension headers", 6, 16);
    vpn_netmap_free(netmap);
    vpn_netmap_free(other_end);
    return bench_report("packet");
}
