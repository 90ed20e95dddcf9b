/* SPDX-License-Identifier: ISC */
/*
 * Packets are taken in order. Each flow has one super-packet that may still grow, the one that began last; whatever cannot be
 * joined to it closes it, so that nothing overtakes. Invariants:
 *
 * - A super-packet with more than one packet has equal payloads of `size` bytes, but for the last one, which closes it when it is
 *   shorter.
 * - The checksums of all its packets were right, so the one that the host computes in the end is right too.
 */
#include <vpn/offload.h>

#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/ip.h"

#define TABLE 256u /* places of flows; at most half are used */
#define EMPTY 0xffffu

#define TCP_SEQUENCE 4
#define TCP_ACK      8
#define TCP_OFFSET   12
#define TCP_FLAGS    13
#define TCP_WINDOW   14
#define TCP_CHECKSUM 16
#define TCP_URGENT   18
#define UDP_LENGTH   4
#define UDP_CHECKSUM 6

#define FLAG_FIN 0x01u
#define FLAG_PSH 0x08u
#define FLAG_ACK 0x10u
#define FLAG_ECE 0x40u

/* A packet that belongs to a flow. */
struct segment {
    const uint8_t *packet;
    uint32_t transport; /* where the transport header begins */
    uint32_t header;    /* bytes of all headers */
    uint32_t length;
    uint8_t version, protocol;
    uint8_t fit; /* may be joined to others */
};

/* The private fields of a super-packet: `sequence` that comes next, `size` of the first payload, index of its `last` packet,
   whether it is `closed`, FIN and PSH of all but the first. */
struct joiner {
    vpn_packet *packets;
    uint16_t *next;
    vpn_super *out;
    size_t count;
    uint32_t kinds;
    uint16_t table[TABLE]; /* the super-packet of a flow */
};

/* --- what a packet is --- */

static int checksum_holds(const struct segment *s)
{
    const uint8_t *transport = s->packet + s->transport;
    uint32_t length = s->length - s->transport, addresses = s->version == 4 ? 8 : 32;
    uint64_t sum = vpn__sum_pseudo(s->packet + (s->version == 4 ? 12 : 8), addresses, s->protocol, length);

    return vpn__sum_fold(sum + vpn__sum(transport, length)) == 0xffff;
}

static int ip_fits(const struct segment *s)
{
    if (s->version == 6)
        return s->transport == VPN__IP6_HEADER;
    return s->transport == VPN__IP4_HEADER && vpn__sum_fold(vpn__sum(s->packet, VPN__IP4_HEADER)) == 0xffff;
}

/* Payload, no flags but these, nothing urgent. */
static int tcp_fits(const struct segment *s)
{
    const uint8_t *tcp = s->packet + s->transport;

    return s->length > s->header && (tcp[TCP_FLAGS] & ~(FLAG_FIN | FLAG_PSH | FLAG_ECE)) == FLAG_ACK &&
           (tcp[TCP_OFFSET] & 15) == 0 && vpn__load16be(tcp + TCP_URGENT) == 0 && checksum_holds(s);
}

static int udp_fits(const struct segment *s)
{
    const uint8_t *udp = s->packet + s->transport;

    return s->length > s->header && vpn__load16be(udp + UDP_LENGTH) == s->length - s->transport &&
           vpn__load16be(udp + UDP_CHECKSUM) != 0 && checksum_holds(s);
}

static int is_wanted(const struct segment *s, uint32_t kinds)
{
    switch (s->protocol) {
    case VPN__IP_UDP:
        return (kinds & VPN_COALESCE_UDP) != 0;
    case VPN__IP_TCP:
        return (kinds & (s->version == 4 ? VPN_COALESCE_TCP4 : VPN_COALESCE_TCP6)) != 0;
    default:
        return 0;
    }
}

/* True when the packet belongs to a flow of a kind that is wanted, also when it is damaged or padded: nothing may overtake it. */
static int read_segment(struct segment *out, const vpn_packet *packet, uint32_t kinds)
{
    struct vpn__ip ip;
    uint32_t least, header;

    out->packet = packet->data + packet->offset;
    if (vpn__ip_parse(&ip, out->packet, packet->length) != VPN_OK)
        return 0;
    out->length = ip.total;
    out->transport = vpn__ip_transport(&ip, out->packet);
    out->version = ip.version;
    out->protocol = ip.protocol;
    least = ip.protocol == VPN__IP_UDP ? 8 : 20;
    if (out->transport == 0 || !is_wanted(out, kinds) || ip.total - out->transport < least)
        return 0;
    header = least;
    if (ip.protocol == VPN__IP_TCP)
        header = (uint32_t)(out->packet[out->transport + TCP_OFFSET] >> 4) * 4;
    out->fit = header >= least && header <= ip.total - out->transport && ip.total == packet->length;
    out->header = out->transport + (out->fit ? header : least);
    if (out->fit)
        out->fit = (uint8_t)(ip_fits(out) && (ip.protocol == VPN__IP_UDP ? udp_fits(out) : tcp_fits(out)));
    return 1;
}

/* --- flows --- */

/* The first packet of a super-packet, with its headers. */
static const uint8_t *head(const struct joiner *j, const vpn_super *super)
{
    return j->packets[super->first].data + j->packets[super->first].offset;
}

static int is_same_flow(const struct joiner *j, const vpn_super *super, const struct segment *s)
{
    const uint8_t *first = head(j, super);
    size_t at = s->version == 4 ? 12 : 8, bytes = s->version == 4 ? 8 : 32;

    return super->version == s->version && super->protocol == s->protocol &&
           memcmp(first + at, s->packet + at, bytes) == 0 &&
           memcmp(first + super->transport, s->packet + s->transport, 4) == 0;
}

/* Not secret, and crowding it costs an attacker more than it costs us: a call has 128 packets. */
static uint32_t hash(const struct segment *s)
{
    size_t at = s->version == 4 ? 12 : 8, end = s->version == 4 ? 20 : 40;
    uint32_t h = vpn__load32le(s->packet + s->transport) ^ s->protocol;

    for (; at < end; at += 4)
        h = (h ^ vpn__load32le(s->packet + at)) * 0x9e3779b1u;
    return (h ^ h >> 15) % TABLE;
}

/* The place of a flow in the table: that of its super-packet, or an empty one. */
static uint16_t *find(struct joiner *j, const struct segment *s)
{
    uint32_t i = hash(s);

    while (j->table[i] != EMPTY && !is_same_flow(j, &j->out[j->table[i]], s))
        i = (i + 1) % TABLE;
    return &j->table[i];
}

/* --- joining --- */

/* Version, class, flow label, hop limit, protocol; the identification counts on, unless fragmenting is forbidden and it means
   nothing (RFC 6864). */
static int ip_continues(const uint8_t *a, const struct segment *s, uint32_t behind)
{
    const uint8_t *b = s->packet;

    if (s->version == 6)
        return memcmp(a, b, 4) == 0 && a[7] == b[7];
    if (a[1] != b[1] || a[8] != b[8] || vpn__load16be(a + 6) != vpn__load16be(b + 6))
        return 0;
    return (a[6] & 0x40) != 0 || vpn__load16be(b + 4) == (uint16_t)(vpn__load16be(a + 4) + behind);
}

/* The same acknowledgement, header length, ECE, window and options, and the sequence number that comes next. */
static int tcp_continues(const vpn_super *super, const uint8_t *a, const struct segment *s)
{
    const uint8_t *b = s->packet + s->transport;

    return vpn__load32be(b + TCP_SEQUENCE) == super->sequence && memcmp(a + TCP_ACK, b + TCP_ACK, 5) == 0 &&
           ((a[TCP_FLAGS] ^ b[TCP_FLAGS]) & FLAG_ECE) == 0 && memcmp(a + TCP_WINDOW, b + TCP_WINDOW, 2) == 0 &&
           memcmp(a + 20, b + 20, s->header - s->transport - 20) == 0;
}

static int continues(const struct joiner *j, const vpn_super *super, const struct segment *s)
{
    const uint8_t *first = head(j, super);
    uint32_t payload = s->length - s->header;

    return s->fit && !super->closed && s->header == super->header && payload <= super->size &&
           super->length + payload <= 65535 && ip_continues(first, s, super->count) &&
           (s->protocol == VPN__IP_UDP || tcp_continues(super, first + super->transport, s));
}

static void join(struct joiner *j, vpn_super *super, const struct segment *s, uint16_t index)
{
    uint32_t payload = s->length - s->header;
    uint8_t flags = s->protocol == VPN__IP_TCP ? s->packet[s->transport + TCP_FLAGS] & (FLAG_FIN | FLAG_PSH) : 0;

    j->next[super->last] = index;
    super->last = index;
    super->sequence += payload;
    super->flags |= flags;
    super->closed = flags != 0 || payload < super->size;
    super->length += payload;
    super->count++;
    j->packets[index].offset += s->header;
    j->packets[index].length = payload;
}

/* A super-packet of one; `s` is NULL where there is no flow. */
static uint16_t begin(struct joiner *j, const struct segment *s, uint16_t index)
{
    vpn_super *super = &j->out[j->count];

    memset(super, 0, sizeof *super);
    super->first = index;
    super->last = index;
    super->count = 1;
    super->length = j->packets[index].length;
    if (s != NULL) {
        super->version = s->version;
        super->protocol = s->protocol;
        super->transport = (uint16_t)s->transport;
        super->header = (uint16_t)s->header;
        super->size = (uint16_t)(s->length - s->header);
        super->closed = !s->fit;
    }
    if (s != NULL && s->protocol == VPN__IP_TCP) {
        const uint8_t *tcp = s->packet + s->transport;

        super->sequence = vpn__load32be(tcp + TCP_SEQUENCE) + super->size;
        super->closed |= (tcp[TCP_FLAGS] & (FLAG_FIN | FLAG_PSH)) != 0;
    }
    return (uint16_t)j->count++;
}

/* --- the end --- */

/* The headers of the first packet come to speak of all. */
static void finish(const struct joiner *j, vpn_super *super)
{
    uint8_t *packet = j->packets[super->first].data + j->packets[super->first].offset;
    uint32_t transport = super->transport, bytes = super->length - transport;
    int tcp = super->protocol == VPN__IP_TCP, four = super->version == 4;
    uint8_t *checksum = packet + transport + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
    uint16_t partial = vpn__sum_fold(vpn__sum_pseudo(packet + (four ? 12 : 8), four ? 8 : 32, super->protocol, bytes));

    if (four) {
        vpn__store16be(packet + 2, (uint16_t)super->length);
        memset(packet + 10, 0, 2);
        vpn__sum_store(packet + 10, vpn__sum(packet, VPN__IP4_HEADER));
    } else {
        vpn__store16be(packet + 4, (uint16_t)(super->length - VPN__IP6_HEADER));
    }
    if (tcp)
        packet[transport + TCP_FLAGS] |= super->flags;
    else
        vpn__store16be(packet + transport + UDP_LENGTH, (uint16_t)bytes);
    memcpy(checksum, &partial, sizeof partial);
    super->offload = (vpn_offload){.flags = VPN_OFFLOAD_CHECKSUM,
                                   .gso = !tcp   ? VPN_GSO_UDP
                                          : four ? VPN_GSO_TCP4
                                                 : VPN_GSO_TCP6,
                                   .header = super->header,
                                   .gso_size = super->size,
                                   .csum_start = (uint16_t)transport,
                                   .csum_offset = tcp ? TCP_CHECKSUM : UDP_CHECKSUM};
}

static void take(struct joiner *j, uint16_t index)
{
    struct segment s;
    uint16_t *place;

    if (!read_segment(&s, &j->packets[index], j->kinds)) {
        (void)begin(j, NULL, index);
        return;
    }
    place = find(j, &s);
    if (*place != EMPTY && continues(j, &j->out[*place], &s))
        join(j, &j->out[*place], &s, index);
    else
        *place = begin(j, &s, index);
}

size_t vpn_coalesce(vpn_packet *packets, size_t n, uint32_t kinds, uint16_t *next, vpn_super *out)
{
    struct joiner j;

    j.packets = packets;
    j.next = next;
    j.out = out;
    j.count = 0;
    j.kinds = kinds;
    memset(j.table, 0xff, sizeof j.table);
    for (size_t i = 0; i < n; i++)
        next[i] = VPN_COALESCE_END;
    for (size_t i = 0; i < n && i < VPN_COALESCE_MAX; i++)
        if (packets[i].verdict == VPN_TO_TUN)
            take(&j, (uint16_t)i);
    for (size_t i = 0; i < j.count; i++)
        if (out[i].count > 1)
            finish(&j, &out[i]);
    return j.count;
}
