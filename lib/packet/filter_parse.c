/* SPDX-License-Identifier: ISC */
/*
 * A filter is only as good as its view of the packet: where it and the host could read different things, the packet is refused.
 *
 * It has a walk of its own beside vpn_ip_parse. That one refuses what the filter must tell apart, since it counts reasons: tiny first
 * fragments, and later ones that reach into the header, which vpn_ip_parse lets pass. It refuses lengths and options that a filter has
 * no business with, copies the addresses, which the filter only points at, and takes half as long again. What both
 * take they understand alike, as unit/filter_parse sees.
 */
#include "packet/filter_parse.h"

#include <string.h>
#include <vpn/filter.h>
#include <vpn/ip.h>

#include "base/bytes.h"

#define MALFORMED VPN_FILTER_BY_MALFORMED
#define TINY      VPN_FILTER_BY_TINY

#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define PACKET_MAX 65535u

/* IPv6 extension headers, RFC 8200 section 4, RFC 4302, RFC 5533 */
#define HOP_BY_HOP     0
#define ROUTING        43
#define FRAGMENT       44
#define AUTHENTICATION 51
#define DESTINATION    60
#define SHIM6          140

#define QUOTED_LEAST 8u /* RFC 792: 64 bits of the original datagram's data */

/* The walk over the headers of one packet. */
struct walk {
    const uint8_t *data;
    uint32_t end;    /* of the packet, and of what there is of it */
    uint32_t at;     /* of the header to come */
    uint32_t offset; /* of a fragment, in bytes */
    int quoted;
};

int vpn__filter_has_ports(uint32_t protocol)
{
    return protocol == VPN__PROTO_TCP || protocol == VPN__PROTO_UDP || protocol == VPN__PROTO_DCCP ||
           protocol == VPN__PROTO_SCTP || protocol == VPN__PROTO_UDPLITE;
}

static int is_icmp(const struct vpn__filter_view *v)
{
    return v->protocol == (v->family == 4 ? VPN__PROTO_ICMP : VPN__PROTO_ICMP6);
}

/* Bytes that a transport header has at least: the first fragment must hold them, no later one may reach into them. */
static uint32_t header_least(const struct vpn__filter_view *v)
{
    switch (v->protocol) {
    case VPN__PROTO_TCP:
        return 20;
    case VPN__PROTO_UDP:
    case VPN__PROTO_UDPLITE:
        return 8;
    case VPN__PROTO_DCCP:
    case VPN__PROTO_SCTP:
        return 12;
    default:
        return is_icmp(v) ? 8 : 0;
    }
}

static uint8_t read4(struct vpn__filter_view *v, struct walk *w)
{
    if (w->end < IP4_HEADER)
        return MALFORMED;
    uint32_t header = (uint32_t)(w->data[0] & 15) * 4, total = vpn__load16be(w->data + 2);
    if (header < IP4_HEADER || total < header || header > w->end || (total > w->end && !w->quoted))
        return MALFORMED;
    v->family = 4;
    v->protocol = w->data[9];
    v->src = w->data + 12;
    v->dst = w->data + 16;
    v->total = total;
    uint32_t word = vpn__load16be(w->data + 6);
    w->offset = (word & 0x1fffu) * 8;
    if (w->offset + (total - header) > PACKET_MAX)
        return MALFORMED;
    if (w->offset != 0)
        v->part = VPN__PART_LATER;
    else if (word & 0x2000u)
        v->part = VPN__PART_FIRST;
    v->fragment = vpn__load16be(w->data + 4);
    w->at = header;
    return 0;
}

/* An atomic fragment, the first and the last one, is a whole packet (RFC 6946). */
static uint8_t fragment6(struct vpn__filter_view *v, struct walk *w)
{
    uint32_t word = vpn__load16be(w->data + w->at + 2);
    v->fragment = vpn__load32be(w->data + w->at + 4);
    w->offset = word & 0xfff8u;
    if (w->offset != 0)
        v->part = VPN__PART_LATER;
    else if (word & 1)
        v->part = VPN__PART_FIRST;
    return w->offset + (v->total - w->at - 8) > PACKET_MAX ? MALFORMED : 0;
}

static int is_extension(uint8_t header)
{
    return header == HOP_BY_HOP || header == ROUTING || header == FRAGMENT || header == AUTHENTICATION ||
           header == DESTINATION || header == SHIM6;
}

static uint32_t extension_length(uint8_t header, uint8_t field)
{
    if (header == FRAGMENT)
        return 8;
    return header == AUTHENTICATION ? ((uint32_t)field + 2) * 4 : ((uint32_t)field + 1) * 8;
}

/* Steps over one extension header. A later fragment begins in the middle of things: when the first header there was an
   extension, nothing tells the protocol. */
static uint8_t extension(struct vpn__filter_view *v, struct walk *w)
{
    uint8_t header = v->protocol;
    /* The whole of it, for a hop-by-hop header may only stand first, and two fragment headers hide a packet twice. */
    if (w->end - w->at < 8 || (header == HOP_BY_HOP && w->at != IP6_HEADER) ||
        (header == FRAGMENT && (w->offset != 0 || v->part != VPN__PART_WHOLE)))
        return v->part == VPN__PART_FIRST && w->end - w->at < 8 ? TINY : MALFORMED;
    uint32_t length = extension_length(header, w->data[w->at + 1]);
    if (header == FRAGMENT && fragment6(v, w))
        return MALFORMED;
    v->protocol = w->data[w->at];
    if (length > w->end - w->at)
        return v->part == VPN__PART_FIRST ? TINY : MALFORMED;
    w->at += length;
    return v->part == VPN__PART_LATER && is_extension(v->protocol) ? MALFORMED : 0;
}

static uint8_t read6(struct vpn__filter_view *v, struct walk *w)
{
    if (w->end < IP6_HEADER)
        return MALFORMED;
    v->family = 6;
    v->protocol = w->data[6];
    v->src = w->data + 8;
    v->dst = w->data + 24;
    v->total = IP6_HEADER + vpn__load16be(w->data + 4);
    if (v->total > w->end && !w->quoted)
        return MALFORMED;
    if (v->total < w->end)
        w->end = v->total;
    w->at = IP6_HEADER;
    for (int steps = 0; is_extension(v->protocol); steps++) {
        uint8_t bad = steps == VPN_IP_EXTENSIONS_MAX ? MALFORMED : extension(v, w);
        if (bad)
            return bad;
    }
    return 0;
}

static uint8_t read_tcp(struct vpn__filter_view *v, const struct walk *w)
{
    const uint8_t *tcp = w->data + w->at;
    uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
    if (header < 20 || (v->part == VPN__PART_WHOLE && header > w->end - w->at))
        return MALFORMED;
    v->seq = vpn__load32be(tcp + 4);
    v->ack = vpn__load32be(tcp + 8);
    v->flags = tcp[13];
    uint32_t payload = w->end - w->at > header ? w->end - w->at - header : 0;
    v->end = v->seq + payload + ((v->flags & VPN__TCP_SYN) != 0) + ((v->flags & VPN__TCP_FIN) != 0);
    return 0;
}

static uint8_t icmp_kind(uint8_t family, uint8_t type)
{
    if (family == 6) {
        if (type == 128 || type == 129)
            return type == 128 ? VPN__ICMP_REQUEST : VPN__ICMP_REPLY;
        return type >= 1 && type <= 4 ? VPN__ICMP_ERROR : VPN__ICMP_OTHER;
    }
    if (type == 8 || type == 0)
        return type == 8 ? VPN__ICMP_REQUEST : VPN__ICMP_REPLY;
    return type == 3 || type == 11 || type == 12 ? VPN__ICMP_ERROR : VPN__ICMP_OTHER;
}

static void read_icmp(struct vpn__filter_view *v, const struct walk *w)
{
    const uint8_t *icmp = w->data + w->at;
    v->ports[0] = icmp[0];
    v->ports[1] = icmp[1];
    v->icmp = icmp_kind(v->family, icmp[0]);
    v->id = vpn__load16be(icmp + 4);
    v->quoted = w->at + 8;
}

static uint8_t read_transport(struct vpn__filter_view *v, const struct walk *w)
{
    uint32_t least = header_least(v);
    if (v->part == VPN__PART_LATER)
        return w->offset < least ? TINY : 0;
    if (w->quoted && least > QUOTED_LEAST)
        least = QUOTED_LEAST;
    if (w->end - w->at < least)
        return v->part == VPN__PART_FIRST ? TINY : MALFORMED;
    if (is_icmp(v))
        read_icmp(v, w);
    else if (vpn__filter_has_ports(v->protocol)) {
        v->ports[0] = vpn__load16be(w->data + w->at);
        v->ports[1] = vpn__load16be(w->data + w->at + 2);
    }
    return v->protocol == VPN__PROTO_TCP && !w->quoted ? read_tcp(v, w) : 0;
}

static uint8_t parse(struct vpn__filter_view *v, const uint8_t *packet, size_t length, int quoted)
{
    memset(v, 0, sizeof(*v));
    v->ports[0] = v->ports[1] = VPN__NO_PORT;
    v->flags = VPN__NO_FLAGS;
    if (length == 0)
        return MALFORMED;
    /* No packet is longer than its 16-bit length says; jumbograms are not supported. */
    struct walk w = {packet, length > IP6_HEADER + PACKET_MAX ? IP6_HEADER + PACKET_MAX : (uint32_t)length, 0, 0,
                     quoted};
    uint8_t bad = MALFORMED;
    if (packet[0] >> 4 == 4) {
        bad = read4(v, &w);
        if (!bad && v->total < w.end)
            w.end = v->total;
    } else if (packet[0] >> 4 == 6) {
        bad = read6(v, &w);
    }
    return bad ? bad : read_transport(v, &w);
}

uint8_t vpn__filter_parse(struct vpn__filter_view *v, const uint8_t *packet, size_t length)
{
    return parse(v, packet, length, 0);
}

uint8_t vpn__filter_parse_quoted(struct vpn__filter_view *v, const uint8_t *packet, size_t length)
{
    uint8_t bad = parse(v, packet, length, 1);
    return bad || v->part == VPN__PART_LATER ? MALFORMED : 0;
}
