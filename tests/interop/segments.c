/* SPDX-License-Identifier: ISC */
/*
 * Super-packets and the kernel, in the namespace that segments.sh makes.
 *
 * cut: super-packets go into one TUN device, the kernel routes them to another one that has no offloads, so it cuts them itself.
 * What comes out must be what vpn_segment_write makes, byte for byte, but for one hop.
 * join: segments of a small TCP client and of UDP are joined, and the kernel's own sockets must get what was sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include <vpn/vpn.h>

#include "common/flows.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#define UDP_LEVEL  17
#define UDP_GATHER 104 /* UDP_GRO, which not all headers have */

#define WAIT  3000 /* milliseconds, where nothing is expected to wait */
#define BATCH 40u

#define UDP_SEGMENTS 128u /* more than these the kernel refuses */

static uint64_t seed = 1;
static uint8_t payload[65536];
static uint32_t zeros; /* checksums that came to one of the zeros */
static uint8_t whole[65536], want[65536], have[65536 + VPN_VNET_BYTES];

static void die(const char *what)
{
    (void)fprintf(stderr, "segments: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint32_t below(uint32_t limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % limit;
}

static int open_tun(const char *name, short flags, unsigned offloads)
{
    struct ifreq ask = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | flags)};
    int fd = open("/dev/net/tun", O_RDWR);

    if (fd < 0)
        die("/dev/net/tun");
    (void)snprintf(ask.ifr_name, sizeof ask.ifr_name, "%s", name);
    if (ioctl(fd, TUNSETIFF, &ask) != 0)
        die(name);
    if (offloads != 0 && ioctl(fd, TUNSETOFFLOAD, offloads) != 0)
        die("TUNSETOFFLOAD");
    return fd;
}

static int readable(int fd, int milliseconds)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    return poll(&wait, 1, milliseconds) == 1;
}

static void address(uint8_t out[16], uint8_t version, const char *four, const char *six)
{
    if (inet_pton(version == 4 ? AF_INET : AF_INET6, version == 4 ? four : six, out) != 1)
        die("address");
}

static void write_tun(int fd, const vpn_offload *how, struct iovec *parts, int count)
{
    uint8_t header[VPN_VNET_BYTES];

    vpn_offload_write(header, how);
    parts[0] = (struct iovec){header, sizeof header};
    if (writev(fd, parts, count) < 0)
        die("the kernel does not take a packet");
}

/* --- cut --- */

static struct flow random_flow(void)
{
    struct flow flow = {.version = below(2) ? 4 : 6,
                        .protocol = below(2) ? FLOW_TCP : FLOW_UDP,
                        .tos = (uint8_t)below(256),
                        .ttl = (uint8_t)(2 + below(254)),
                        .flags = (uint8_t)below(256),
                        .id = (uint16_t)(below(4) ? below(65536) : 65535 - below(20)),
                        .fragment = below(2) ? FLOW_DF : 0,
                        .from = (uint16_t)below(65536),
                        .to = (uint16_t)below(65536),
                        .window = (uint16_t)below(65536),
                        .urgent = (uint16_t)below(65536),
                        .label = below(1u << 20),
                        .sequence = below(2) ? below(UINT32_MAX) : UINT32_MAX - below(10000),
                        .acknowledgement = below(UINT32_MAX),
                        .payload = payload};

    flow.ip_extra = (uint8_t)(below(3) != 0 ? 0 : flow.version == 4 ? below(11) * 4 : below(5) * 8);
    flow.tcp_extra = (uint8_t)(below(11) * 4);
    address(flow.src, flow.version, "10.78.0.2", "fd78::2");
    address(flow.dst, flow.version, "10.78.1.2", "fd78:1::2");
    return flow;
}

/* Brings the checksum of the first segment to zero. */
static void aim_at_zero(const struct flow *flow, uint32_t size)
{
    struct flow first;

    memset(payload, 0, 2);
    if (flow->length < 2 || size < 2 || !flow_segment(&first, flow, size, 0))
        return;
    (void)flow_packet(want, &first);
    memcpy(payload, want + flow_checksum_at(flow), 2);
}

/* The next packet that comes from the address; the kernel has things of its own to say. */
static uint32_t read_segment(int out, const struct flow *flow)
{
    while (readable(out, WAIT)) {
        ssize_t bytes = read(out, have, sizeof have);

        if (bytes < 0)
            die("read");
        if (bytes >= (flow->version == 4 ? 20 : 40) && have[0] >> 4 == flow->version &&
            memcmp(have + (flow->version == 4 ? 12 : 8), flow->src, flow->version == 4 ? 4 : 16) == 0)
            return (uint32_t)bytes;
    }
    return 0;
}

/* What a router changes. */
static void one_hop(uint8_t *packet)
{
    uint32_t header = (packet[0] & 15u) * 4;

    if (packet[0] >> 4 == 6) {
        packet[7]--;
        return;
    }
    packet[8]--;
    flow_put(packet + 10, 0, 2);
    flow_put(packet + 10, 0xffff - flow_sum(0, packet, header), 2);
}

static int differs(const struct flow *flow, const vpn_offload *how, uint32_t index, uint32_t length, uint32_t bytes)
{
    uint32_t at = 0;

    /* A router that changes a sum instead of making it anew may come to the other zero. */
    if (flow->version == 4 && want[10] == 0 && want[11] == 0 && have[10] == 0xff && have[11] == 0xff)
        memset(have + 10, 0, 2);
    if (bytes == length && memcmp(have, want, length) == 0)
        return 0;
    while (at < bytes && at < length && have[at] == want[at])
        at++;
    (void)fprintf(stderr,
                  "IPv%d, protocol %d, %u + %u bytes of options, payload %u in %u, flags %02x: segment %u has %u bytes "
                  "where the kernel's has %u, and byte %u is %02x where it is %02x\n",
                  flow->version, flow->protocol, flow->ip_extra, flow->tcp_extra, flow->length, how->gso_size,
                  flow->flags, index, length, bytes, at, want[at], have[at]);
    return 1;
}

/* A device that was just opened carries nothing for a while: packets until one comes out, and then until none does. */
static void wait_for_device(int in, int out, struct flow flow)
{
    static const vpn_offload none;

    for (int tries = 0; tries < 100; tries++) {
        struct iovec parts[2] = {[1] = {whole, flow_packet(whole, &flow)}};

        write_tun(in, &none, parts, 2);
        if (readable(out, 50) && read(out, have, sizeof have) > 0 && have[0] >> 4 == flow.version &&
            memcmp(have + (flow.version == 4 ? 12 : 8), flow.src, 4) == 0)
            break;
    }
    while (readable(out, 100))
        if (read(out, have, sizeof have) < 0)
            die("read");
}

/* One super-packet both ways; the segments it came to, or 0 when they differ. */
static uint32_t cut_one(int in, int out, int plain)
{
    struct flow flow = random_flow();
    struct iovec parts[2];
    vpn_segments plan;
    vpn_offload how;
    uint32_t size = 100 + below(below(8) ? 1400 : 20000), length;

    flow.length = below(below(4) ? 8 * size : 65535 - flow_header_bytes(&flow));
    if (flow.length > 65535 - flow_header_bytes(&flow))
        flow.length = 65535 - flow_header_bytes(&flow);
    if (flow.protocol == FLOW_UDP && !plain && flow.length > UDP_SEGMENTS * size)
        flow.length = UDP_SEGMENTS * size;
    /* The kernel takes these for super-packets at first, and then drops them. */
    if (flow.length <= size && flow.length + flow_header_bytes(&flow) - flow_ip_bytes(&flow) > size)
        plain = 1;
    for (uint32_t i = 0; i < flow.length; i++)
        payload[i] = (uint8_t)below(256);
    if (below(4) == 0)
        aim_at_zero(&flow, plain ? 65535 : size);
    length = flow_super(whole, &how, &flow, size);
    if (plain)
        how.gso = VPN_GSO_NONE;
    else if (flow.protocol == FLOW_TCP && (flow.flags & FLOW_CWR) != 0)
        how.gso |= VPN_GSO_ECN;
    if (vpn_segment_plan(&plan, &how, whole, length) != VPN_OK)
        die("the library does not take a packet");
    parts[1] = (struct iovec){whole, length};
    write_tun(in, &how, parts, 2);
    for (uint32_t i = 0; i < plan.count; i++) {
        uint32_t bytes = read_segment(out, &flow);

        length = vpn_segment_write(&plan, whole, i, want);
        one_hop(want);
        if (differs(&flow, &how, i, length, bytes))
            return 0;
        zeros += flow_sum(0, want + flow_checksum_at(&flow), 2) % 0xffff == 0;
    }
    return plan.count;
}

static int cut(const char *from, const char *to, uint32_t count)
{
    int in = open_tun(from, IFF_VNET_HDR, 0), out = open_tun(to, 0, 0);
    uint32_t segments = 0, failed = 0;
    struct flow flow;

    for (uint8_t version = 4; version <= 6; version += 2) {
        do
            flow = random_flow();
        while (flow.version != version);
        wait_for_device(in, out, flow);
    }
    for (uint32_t i = 0; i < count && failed < 5; i++) {
        uint32_t got = cut_one(in, out, i % 5 == 0);

        segments += got;
        failed += got == 0;
    }
    if (readable(out, 0) && read(out, have, sizeof have) > 0 && have[0] >> 4 == 4) {
        (void)fprintf(stderr, "the kernel made more than the library\n");
        failed++;
    }
    (void)printf("%u super-packets, %u segments, %u differ; %u checksums are zero\n", count, segments, failed, zeros);
    return failed != 0 || zeros == 0;
}

/* --- join --- */

/* A stream or a row of datagrams to a socket of the kernel. */
struct stream {
    struct flow flow;
    int socket;
    uint32_t sent; /* bytes of the payload */
};

static vpn_packet packets[VPN_COALESCE_MAX];
static uint8_t slab[VPN_COALESCE_MAX][2048];
static uint32_t used;

static void send_alone(int tun, const struct flow *flow)
{
    static const vpn_offload none;
    struct iovec parts[2] = {[1] = {whole, flow_packet(whole, flow)}};

    write_tun(tun, &none, parts, 2);
}

static int listening(const struct flow *flow)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(flow->to)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(flow->to)};
    int version4 = flow->version == 4, one = 1;
    int fd = socket(version4 ? AF_INET : AF_INET6, flow->protocol == FLOW_TCP ? SOCK_STREAM : SOCK_DGRAM, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, version4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, version4 ? sizeof four : sizeof six) !=
            0)
        die("socket");
    if (flow->protocol == FLOW_TCP && listen(fd, 1) != 0)
        die("listen");
    if (flow->protocol == FLOW_UDP && !version4 && setsockopt(fd, UDP_LEVEL, UDP_GATHER, &one, sizeof one) != 0)
        die("UDP_GRO");
    return fd;
}

/* Shakes hands with the kernel. */
static void connect_stream(int tun, struct stream *s)
{
    struct flow *flow = &s->flow;
    uint32_t ip = flow_ip_bytes(flow);
    int listener = s->socket;

    flow->flags = FLOW_SYN;
    send_alone(tun, flow);
    flow->sequence++;
    do {
        ssize_t bytes = readable(tun, WAIT) ? read(tun, have, sizeof have) : -1;

        if (bytes < (ssize_t)(VPN_VNET_BYTES + ip + 20))
            die("no answer to SYN");
    } while (have[VPN_VNET_BYTES] >> 4 != flow->version || flow_get(have + VPN_VNET_BYTES + ip + 2, 2) != flow->from ||
             have[VPN_VNET_BYTES + ip + 13] != (FLOW_SYN | FLOW_ACK));
    flow->acknowledgement = flow_get(have + VPN_VNET_BYTES + ip + 4, 4) + 1;
    flow->flags = FLOW_ACK;
    send_alone(tun, flow);
    if (!readable(listener, WAIT) || (s->socket = accept(listener, NULL, NULL)) < 0)
        die("accept");
    (void)close(listener);
}

static struct stream open_stream(int tun, uint32_t number)
{
    struct stream s = {.flow = {.version = number % 2 ? 6 : 4,
                                .protocol = number / 2 ? FLOW_UDP : FLOW_TCP,
                                .ttl = 64,
                                .fragment = FLOW_DF,
                                .from = (uint16_t)(1024 + below(60000)),
                                .to = (uint16_t)(5000 + number),
                                .window = 65535,
                                .sequence = UINT32_MAX - 100000,
                                .payload = payload}};

    address(s.flow.src, s.flow.version, "10.78.0.2", "fd78::2");
    address(s.flow.dst, s.flow.version, "10.78.0.1", "fd78::1");
    s.socket = listening(&s.flow);
    if (s.flow.protocol == FLOW_TCP)
        connect_stream(tun, &s);
    return s;
}

/* The next packet of a stream. */
static void add_packet(struct stream *s, uint32_t length, uint8_t flags)
{
    vpn_packet *packet = &packets[used];

    s->flow.length = length;
    s->flow.payload = payload + s->sent;
    s->flow.flags = (uint8_t)(FLOW_ACK | flags);
    *packet = (vpn_packet){.data = slab[used], .capacity = sizeof slab[used], .offset = 64, .verdict = VPN_TO_TUN};
    packet->length = flow_packet(packet->data + 64, &s->flow);
    s->flow.sequence += length;
    s->flow.id++;
    s->sent += length;
    used++;
}

/* Joins the batch and hands it to the kernel; how many super-packets it came to. */
static size_t hand_over(int tun)
{
    static vpn_super supers[VPN_COALESCE_MAX];
    uint16_t next[VPN_COALESCE_MAX];
    size_t count = vpn_coalesce(packets, used, VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6 | VPN_COALESCE_UDP, next, supers);

    for (size_t k = 0; k < count; k++) {
        struct iovec parts[1 + VPN_COALESCE_MAX];
        int n = 1;

        for (uint16_t i = supers[k].first; i != VPN_COALESCE_END; i = next[i])
            parts[n++] = (struct iovec){packets[i].data + packets[i].offset, packets[i].length};
        write_tun(tun, &supers[k].offload, parts, n);
    }
    used = 0;
    while (readable(tun, 0)) /* acknowledgements */
        if (read(tun, have, sizeof have) < 0)
            die("read");
    return count;
}

/* What a socket gives must be the payload. UDP gives datagrams one by one, or several at once where that was asked for: that it
   can shows that the kernel took a super-packet for one. */
static int gets(const struct stream *s, uint32_t size, uint32_t bytes)
{
    uint32_t got = 0, most = 0;

    while (got < bytes && readable(s->socket, WAIT)) {
        ssize_t part = recv(s->socket, have, sizeof have, 0);

        if (part <= 0 || got + (uint32_t)part > bytes ||
            memcmp(have, payload + s->sent - bytes + got, (size_t)part) != 0)
            break;
        if (s->flow.protocol == FLOW_UDP && s->flow.version == 4 && (uint32_t)part > size)
            break;
        got += (uint32_t)part;
        most = (uint32_t)part > most ? (uint32_t)part : most;
    }
    if (got != bytes || (s->flow.protocol == FLOW_UDP && s->flow.version == 6 && most != bytes)) {
        (void)fprintf(stderr, "IPv%d, protocol %d: %u of %u bytes, %u at most\n", s->flow.version, s->flow.protocol,
                      got, bytes, most);
        return 0;
    }
    return 1;
}

/* Two TCP streams and two of UDP in any order, each of which becomes one super-packet. */
static int join_round(int tun, struct stream streams[4], int last)
{
    uint32_t size = 100 + below(1300), left[4], tail = 1 + below(size), sent[4];
    int good;

    for (int s = 0; s < 4; s++) {
        left[s] = BATCH / 2 + below(11);
        sent[s] = streams[s].sent = 0;
    }
    while (left[0] + left[1] + left[2] + left[3] != 0) {
        uint32_t s = below(4);

        if (left[s] == 0)
            continue;
        left[s]--;
        add_packet(&streams[s], left[s] == 0 ? tail : size, left[s] == 0 && last && s < 2 ? FLOW_FIN : 0);
        sent[s] = streams[s].sent;
    }
    good = hand_over(tun) == 4;
    for (int s = 0; s < 4; s++)
        good &= gets(&streams[s], size, sent[s]);
    for (int s = 0; s < 2 && last; s++)
        good &= readable(streams[s].socket, WAIT) && recv(streams[s].socket, have, sizeof have, 0) == 0;
    return good;
}

static int join(const char *name, uint32_t rounds)
{
    int tun =
        open_tun(name, IFF_VNET_HDR, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6);
    struct stream streams[4];
    uint32_t failed = 0;

    for (uint32_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)below(256);
    for (uint32_t s = 0; s < 4; s++)
        streams[s] = open_stream(tun, s);
    for (uint32_t i = 0; i < rounds && failed == 0; i++)
        failed += !join_round(tun, streams, i + 1 == rounds);
    (void)printf("%u rounds of 4 super-packets, %u failed\n", rounds, failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "cut") == 0) {
        seed = strtoull(argv[5], NULL, 0);
        return cut(argv[2], argv[3], (uint32_t)strtoul(argv[4], NULL, 0));
    }
    if (argc == 5 && strcmp(argv[1], "join") == 0) {
        seed = strtoull(argv[4], NULL, 0);
        return join(argv[2], (uint32_t)strtoul(argv[3], NULL, 0));
    }
    (void)fprintf(stderr, "usage: segments cut FROM TO COUNT SEED | join TUN ROUNDS SEED\n");
    return 2;
}
