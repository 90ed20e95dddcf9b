/* SPDX-License-Identifier: ISC */
/*
 * For packets.sh: a capture of what the library made of inner packets, and a table of what another reader should see in
 * it, a row for each. Clamped SYNs, translated addresses and ports, whole prefixes that were translated, also in what an ICMP error
 * quotes, and ICMP errors of all kinds, in both families.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/vpn.h>

#include "common/flows.h"
#include "common/inner.h"

#define LINK_RAW 101 /* begins with the IP header */

static uint64_t seed;
static uint8_t payload[2048], packet[2048], out[2048];
static FILE *capture;

static uint32_t below(uint32_t limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % limit;
}

static void must(int fine, const char *what)
{
    if (fine)
        return;
    (void)fprintf(stderr, "packets: %s\n", what);
    exit(1);
}

static void put_frame(const uint8_t *data, uint32_t length)
{
    uint32_t head[4] = {1, 0, length, length};

    must(fwrite(head, 1, sizeof head, capture) == sizeof head && fwrite(data, 1, length, capture) == length, "write");
}

static struct flow any_flow(uint32_t i, uint8_t protocol)
{
    struct flow flow = flow_example(i % 2 ? 4 : 6, protocol, payload, below(1200));

    flow.ip_extra = (uint8_t)(8 * below(3));
    flow.from = (uint16_t)(30000 + below(1000)); /* ports that no dissector wants */
    flow.to = (uint16_t)(31000 + below(1000));
    flow.id = (uint16_t)below(65536);
    flow.sequence = below(1u << 31);
    flow.fragment = FLOW_DF;
    flow.src[0] = 10;
    flow.dst[0] = 172;
    for (uint32_t k = 1; k < 16; k++)
        flow.src[k] = (uint8_t)below(256);
    return flow;
}

/* The option at any place among NOPs. */
static void put_syn(uint32_t i)
{
    struct flow flow = any_flow(i, FLOW_TCP);
    uint32_t at = below(17), mss = below(4) ? 1000 + below(9000) : below(65536), mtu = 1280 + below(300), length, ip,
             limit;
    uint8_t option[4] = {2, 4};

    flow.flags = i % 3 ? FLOW_SYN : FLOW_SYN | FLOW_ACK;
    flow.tcp_extra = 20;
    length = flow_packet(packet, &flow);
    ip = flow_ip_bytes(&flow);
    memset(packet + ip + 20, 1, 20);
    flow_put(option + 2, mss, 2);
    memcpy(packet + ip + 20 + at, option, 4);
    flow_put(packet + ip + 16, 0, 2);
    flow_put(packet + ip + 16, 0xffff - flow_sum(flow_pseudo(&flow, length - ip), packet + ip, length - ip), 2);
    limit = mtu - (flow.version == 4 ? 40 : 60);
    must(vpn_mss_clamp(packet, length, mtu, 0) == (mss > limit), "a SYN was not clamped as it should be");
    put_frame(packet, length);
    (void)printf("syn\t%u\t%u\n", flow.version, mss > limit ? limit : mss);
}

/* Other addresses and ports, by differences alone. */
static void put_translated(uint32_t i)
{
    struct flow flow = any_flow(i, i / 2 % 2 ? FLOW_UDP : FLOW_TCP);
    uint32_t length = flow_packet(packet, &flow), ip = flow_ip_bytes(&flow), from = flow.version == 4 ? 12 : 8;
    uint32_t bytes = flow.version == 4 ? 8 : 32;
    uint8_t fresh[32], ports[4];
    uint16_t change;

    for (uint32_t k = 0; k < 32; k++)
        fresh[k] = (uint8_t)below(256);
    fresh[0] = fresh[bytes / 2] = 10;
    flow_put(ports, 32000 + below(1000), 2);
    flow_put(ports + 2, 33000 + below(1000), 2);
    change = vpn_checksum_change(0, packet + from, fresh, bytes, from);
    memcpy(packet + from, fresh, bytes);
    if (flow.version == 4)
        vpn_checksum_apply(packet + 10, change);
    change = vpn_checksum_change32(change, flow_get(packet + ip, 4), flow_get(ports, 4));
    memcpy(packet + ip, ports, 4);
    if (flow.protocol == FLOW_UDP)
        vpn_checksum_apply_udp(packet + ip + 6, change);
    else
        vpn_checksum_apply(packet + ip + 16, change);
    put_frame(packet, length);
    (void)printf("nat\t%u\t%u\t%u\n", flow.version, flow_get(ports, 2), flow_get(ports + 2, 2));
}

static void put_error(vpn_icmp *icmp, uint32_t i)
{
    static const uint8_t codes[][2] = {{0, 0}, {13, 1}, {1, 3}, {3, 4}};
    struct flow flow = any_flow(i, i / 2 % 2 ? FLOW_UDP : FLOW_TCP);
    uint32_t why = below(5), mtu = 1280 + below(100), length, type, code;
    size_t bytes = sizeof out;
    int result;

    if (why == 4)
        flow.length = 1400;
    length = flow_packet(packet, &flow);
    if (why == 4) {
        result = vpn_icmp_too_big(icmp, out, &bytes, packet, length, mtu, (vpn_time)i * VPN_SECOND);
        type = flow.version == 4 ? 3 : 2;
        code = flow.version == 4 ? 4 : 0;
    } else {
        result = vpn_icmp_unreachable(icmp, out, &bytes, packet, length, why, (vpn_time)i * VPN_SECOND);
        type = flow.version == 4 ? 3 : 1;
        code = codes[why][flow.version == 4 ? 0 : 1];
    }
    must(result == VPN_OK, "an error was not written");
    put_frame(out, (uint32_t)bytes);
    (void)printf("icmp\t%u\t%u\t%u\t", flow.version, type, code);
    if (why == 4)
        (void)printf("%u", mtu);
    (void)printf("\t%u\t%u\n", flow.from, flow.to);
}

static const vpn_netmap_rule rules[] = {
    {VPN_NETMAP_OURS, 0, {4, 24, {0}, {10, 0, 0}}, {4, 24, {0}, {172, 16, 1}}},
    {VPN_NETMAP_THEIRS, 0, {4, 24, {0}, {172, 16, 2}}, {4, 24, {0}, {10, 0, 0}}},
    {VPN_NETMAP_OURS, 0, {6, 48, {0}, {0xfd, 1}}, {6, 48, {0}, {0x20, 1, 0xd, 0xb8, 0, 1}}},
    {VPN_NETMAP_THEIRS, 0, {6, 60, {0}, {0x20, 1, 0xd, 0xb8, 0, 2}}, {6, 60, {0}, {0xfd, 1}}},
};
#define RULES (sizeof rules / sizeof *rules)

/* An address of the rules of one kind, as this side writes it. */
static void any_address(uint8_t *addr, uint8_t version, uint32_t whose)
{
    memcpy(addr, rules[(version == 6 ? 2 : 0) + whose].inside.addr, 16);
    if (version == 4)
        addr[3] = (uint8_t)below(256);
    for (uint32_t i = 8; version == 6 && i < 16; i++)
        addr[i] = (uint8_t)below(256);
}

static void print_address(const uint8_t *addr, uint8_t version)
{
    (void)printf("\t");
    for (uint32_t i = 0; i < (version == 4 ? 4u : 16u); i++)
        (void)printf("%02x", addr[i]);
}

static void row_of(const struct inner *in, const char *kind)
{
    (void)printf("%s\t%u", kind, in->version);
    print_address(in->src, in->version);
    print_address(in->dst, in->version);
}

/* A packet, or an error together with all of the packet that it quotes, which is put into the capture once more by itself: tshark does
   not judge the sums of a quote. */
static void put_mapped(const vpn_netmap *netmap, uint32_t i)
{
    static const uint8_t protocols[] = {FLOW_TCP, FLOW_UDP, INNER_UDPLITE};
    struct inner quoted = {.version = i % 2 ? 4 : 6, .protocol = protocols[below(3)], .payload = 1 + below(100)};
    struct inner in = quoted;
    uint32_t length, bytes;

    quoted.seed = in.seed = seed;
    in.extras = quoted.extras = (uint8_t)below(3);
    any_address(in.src, in.version, VPN_NETMAP_OURS);
    any_address(in.dst, in.version, VPN_NETMAP_THEIRS);
    if (i / 2 % 2) {
        memcpy(quoted.src, in.dst, 16);
        memcpy(quoted.dst, in.src, 16);
        in.protocol = in.version == 4 ? INNER_ICMP : INNER_ICMP6;
        in.type = in.version == 4 ? 11 : 3;
        in.quoted = &quoted;
        in.quote = 1000;
    }
    length = inner_packet(packet, &in);
    must(vpn_netmap_translate(netmap, VPN_NETMAP_OUT, packet, length, 0) == VPN_NETMAP_TRANSLATED, "not translated");
    put_frame(packet, length);
    (void)inner_translate(rules, RULES, VPN_NETMAP_OUT, VPN_NETMAP_OURS, &in);
    row_of(&in, in.quoted ? "maperror" : "map");
    if (in.quoted) {
        (void)inner_translate(rules, RULES, VPN_NETMAP_OUT, VPN_NETMAP_THEIRS, &quoted);
        print_address(quoted.src, in.version);
        print_address(quoted.dst, in.version);
        (void)printf("\n");
        bytes = inner_packet(out, &quoted);
        put_frame(packet + length - bytes, bytes);
        row_of(&quoted, "map");
    }
    (void)printf("\n");
}

int main(int argc, char **argv)
{
    static const uint32_t head[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, LINK_RAW};
    uint16_t version[2] = {2, 4};
    vpn_icmp_config config = {.size = sizeof config, .ip4 = {10, 9, 8, 7}, .ip6 = {0xfd, 9}};
    uint32_t first[6];
    vpn_netmap *netmap = NULL;
    vpn_icmp icmp;

    must(argc == 4, "usage: packets CAPTURE COUNT SEED");
    seed = strtoull(argv[3], NULL, 10);
    capture = fopen(argv[1], "wb");
    must(capture != NULL && vpn_icmp_init(&icmp, &config) == VPN_OK &&
             vpn_netmap_new(&netmap, rules, RULES, NULL) == VPN_OK,
         "cannot begin");
    memcpy(first, head, sizeof first);
    memcpy(first + 1, version, sizeof version);
    must(fwrite(first, 1, sizeof first, capture) == sizeof first, "write");
    for (uint32_t k = 0; k < sizeof payload; k++)
        payload[k] = (uint8_t)below(256);
    for (uint32_t i = 0; i < strtoul(argv[2], NULL, 10); i++) {
        put_syn(i);
        put_translated(i);
        put_error(&icmp, i);
        put_mapped(netmap, i);
    }
    vpn_netmap_free(netmap);
    return fclose(capture) != 0;
}
