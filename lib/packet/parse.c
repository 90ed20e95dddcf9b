/* SPDX-License-Identifier: ISC */
/*
 * A cursor walks from header to header: `ip->transport` is where it stands, `ip->protocol` what stands there. It moves on only
 * after fits() has said that the next header lies within the packet and within what is there, so nothing else is read.
 */
#include "packet/parse.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/ip.h"

#define HOP_BY_HOP  0
#define ROUTING     43
#define FRAGMENT    44
#define DESTINATION 60
#define SHIM6       140

#define OPTION_PAD1  0
#define OPTION_JUMBO 0xc2

#define FRAGMENT_UNIT 8u
#define PACKET_MAX    65535u /* of an IPv4 packet, and of the payload of an IPv6 packet */
#define QUOTE_LEAST   8u     /* bytes of a transport that every ICMP error quotes (RFC 792) */

struct reader {
    vpn_ip *ip;
    const uint8_t *data;
    size_t end; /* of what is there, within the packet */
    int quoted;
};

/* What fits() says besides 0 and VPN_EFORMAT: a quote was cut off here. */
#define CUT 1

/* Are there `bytes` bytes at `at`? */
static int fits(const struct reader *r, uint32_t at, uint32_t bytes)
{
    if (bytes > r->ip->total - at)
        return VPN_EFORMAT;
    return bytes > r->end - at ? CUT : 0;
}

/* --- fragments --- */

/* `payload`: bytes behind the header that says so; `before`: bytes in front of it that the whole packet has as well and that
   count for its length. */
static int take_fragment(vpn_ip *ip, uint32_t offset, int more, uint32_t before, uint32_t payload)
{
    ip->fragment_offset = offset;
    if (offset == 0 && !more)
        return 0;
    ip->flags |= VPN_IP_FRAGMENT | (offset != 0 ? VPN_IP_LATER : 0) | (more ? VPN_IP_MORE : 0);
    if (payload == 0 || before + offset + payload > PACKET_MAX)
        return VPN_EFORMAT;
    return more && payload % FRAGMENT_UNIT != 0 ? VPN_EFORMAT : 0;
}

static int step_fragment(struct reader *r, uint32_t at, uint32_t *bytes)
{
    vpn_ip *ip = r->ip;
    uint32_t word;
    int error = fits(r, at, 8);

    if (error != 0)
        return error;
    if (*bytes != 0)
        return VPN_EFORMAT;
    *bytes = 8;
    word = vpn__load16be(r->data + at + 2);
    ip->id = vpn__load32be(r->data + at + 4);
    return take_fragment(ip, word & 0xfff8u, (word & 1) != 0, at - VPN__IP6_HEADER, ip->total - at - 8);
}

/* --- options and extension headers --- */

/* Hop-by-hop and destination options (RFC 8200 section 4.2): pairs of kind and length, and single zeros. */
static int check_options(const uint8_t *option, uint32_t bytes, int hop_by_hop)
{
    uint32_t at = 0;

    while (at < bytes) {
        if (option[at] == OPTION_PAD1) {
            at++;
            continue;
        }
        if (bytes - at < 2 || bytes - at - 2 < option[at + 1])
            return VPN_EFORMAT;
        if (hop_by_hop && option[at] == OPTION_JUMBO)
            return VPN_EFORMAT;
        at += 2u + option[at + 1];
    }
    return 0;
}

/* RFC 791 section 3.1; the list may end early. */
static int check_options4(const uint8_t *option, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes && option[at] != 0;) {
        if (option[at] == 1) {
            at++;
            continue;
        }
        if (bytes - at < 2 || option[at + 1] < 2 || option[at + 1] > bytes - at)
            return VPN_EFORMAT;
        at += option[at + 1];
    }
    return 0;
}

static int step_options(struct reader *r, uint32_t at, uint32_t *bytes)
{
    uint8_t kind = r->ip->protocol;
    int error = fits(r, at, 8);

    if (error != 0)
        return error;
    *bytes = ((uint32_t)r->data[at + 1] + 1) * 8;
    error = fits(r, at, *bytes);
    if (error != 0 || kind == ROUTING || kind == SHIM6)
        return error;
    return check_options(r->data + at + 2, *bytes - 2, kind == HOP_BY_HOP);
}

/* RFC 4302 section 2.2: 32-bit words, less two; of 8 bytes each in IPv6. */
static int step_auth(struct reader *r, uint32_t at, uint32_t *bytes)
{
    int error = fits(r, at, 12);

    if (error != 0)
        return error;
    r->ip->flags |= VPN_IP_PROTECTED;
    *bytes = ((uint32_t)r->data[at + 1] + 2) * 4;
    if (*bytes < 12 || (r->ip->version == 6 && *bytes % 8 != 0))
        return VPN_EFORMAT;
    return fits(r, at, *bytes);
}

static int is_extension(const vpn_ip *ip)
{
    if ((ip->flags & VPN_IP_LATER) != 0)
        return 0;
    if (ip->version == 4)
        return ip->protocol == VPN_IP_AH;
    return ip->protocol == HOP_BY_HOP || ip->protocol == ROUTING || ip->protocol == FRAGMENT ||
           ip->protocol == DESTINATION || ip->protocol == VPN_IP_AH || ip->protocol == SHIM6;
}

/* `fragment`: bytes of the fragment header that was seen. */
static int step(struct reader *r, uint32_t *fragment)
{
    uint32_t at = r->ip->transport, bytes = 0;
    int error;

    if (r->ip->protocol == FRAGMENT) {
        error = step_fragment(r, at, fragment);
        bytes = 8;
    } else if (r->ip->protocol == VPN_IP_AH) {
        error = step_auth(r, at, &bytes);
    } else if (r->ip->protocol == HOP_BY_HOP && at != VPN__IP6_HEADER) {
        error = VPN_EFORMAT;
    } else {
        error = step_options(r, at, &bytes);
    }
    if (error != 0)
        return error;
    r->ip->flags |= VPN_IP_EXTENDED;
    r->ip->protocol = r->data[at];
    r->ip->transport = at + bytes;
    return 0;
}

static int walk(struct reader *r)
{
    uint32_t fragment = 0;

    for (uint32_t seen = 0; is_extension(r->ip); seen++) {
        int error = seen < VPN_IP_EXTENSIONS_MAX ? step(r, &fragment) : VPN_ELIMIT;
        if (error != 0)
            return error;
    }
    return 0;
}

/* --- transports --- */

static int is_control(const vpn_ip *ip)
{
    return ip->protocol == (ip->version == 4 ? VPN_IP_ICMP : VPN_IP_ICMP6);
}

/* Bytes of the shortest header, 0 for a protocol that is not read. */
static uint32_t least_header(const vpn_ip *ip)
{
    switch (ip->protocol) {
    case VPN_IP_TCP:
        return 20;
    case VPN_IP_UDP:
    case VPN_IP_UDPLITE:
        return 8;
    case VPN_IP_SCTP:
    case VPN_IP_DCCP:
        return 12;
    default:
        return is_control(ip) ? 8 : 0;
    }
}

/* RFC 1122 section 3.2.2 and RFC 4443 sections 2.1 and 2.4 (e). */
static int is_error(uint8_t version, uint8_t type)
{
    if (version == 6)
        return type < 128 || type == 137;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static void read_control(vpn_ip *ip, const uint8_t *icmp)
{
    uint8_t request = ip->version == 4 ? 8 : 128, reply = ip->version == 4 ? 0 : 129;

    ip->flags |= VPN_IP_CONTROL;
    ip->icmp_type = icmp[0];
    ip->icmp_code = icmp[1];
    if (is_error(ip->version, icmp[0]))
        ip->flags |= VPN_IP_ERROR;
    if (icmp[0] == request || icmp[0] == reply)
        ip->icmp_id = vpn__load16be(icmp + 4);
}

/* A first fragment need only hold the fixed part. */
static int read_tcp(struct reader *r, const uint8_t *tcp)
{
    vpn_ip *ip = r->ip;
    uint32_t header;

    if (r->end - ip->transport < 14)
        return 0; /* a quote; others have 20 */
    header = (uint32_t)(tcp[12] >> 4) * 4;
    ip->tcp_flags = tcp[13];
    if (header < 20)
        return VPN_EFORMAT;
    return (ip->flags & VPN_IP_FRAGMENT) == 0 && header > ip->total - ip->transport ? VPN_EFORMAT : 0;
}

static int read_transport(struct reader *r)
{
    vpn_ip *ip = r->ip;
    const uint8_t *at = r->data + ip->transport;
    uint32_t least = least_header(ip), length;
    int error;

    if ((ip->flags & VPN_IP_LATER) != 0 || least == 0)
        return 0;
    if (least > ip->total - ip->transport)
        return VPN_EFORMAT;
    error = fits(r, ip->transport, r->quoted ? QUOTE_LEAST : least);
    if (error != 0)
        return error;
    if (is_control(ip)) {
        read_control(ip, at);
        return 0;
    }
    ip->flags |= VPN_IP_PORTS;
    ip->src_port = vpn__load16be(at);
    ip->dst_port = vpn__load16be(at + 2);
    if (ip->protocol == VPN_IP_TCP)
        return read_tcp(r, at);
    if (ip->protocol != VPN_IP_UDP)
        return 0;
    length = vpn__load16be(at + 4);
    if (length < 8 || ((ip->flags & VPN_IP_FRAGMENT) == 0 && length > ip->total - ip->transport))
        return VPN_EFORMAT;
    return 0;
}

/* --- the fixed header --- */

static int read4(struct reader *r)
{
    vpn_ip *ip = r->ip;
    uint32_t word = vpn__load16be(r->data + 6);
    int error;

    ip->header = (uint32_t)(r->data[0] & 15) * 4;
    ip->transport = ip->header;
    ip->hop_limit = r->data[8];
    ip->protocol = r->data[9];
    ip->id = vpn__load16be(r->data + 4);
    ip->flags = (word & 0x4000u) != 0 ? VPN_IP_DF : 0;
    if (ip->header > r->end)
        return VPN_EFORMAT;
    if (ip->header > VPN__IP4_HEADER)
        ip->flags |= VPN_IP_EXTENDED;
    error = check_options4(r->data + VPN__IP4_HEADER, ip->header - VPN__IP4_HEADER);
    if (error != 0)
        return error;
    return take_fragment(ip, (word & 0x1fffu) * FRAGMENT_UNIT, (word & 0x2000u) != 0, ip->header,
                         ip->total - ip->header);
}

static int read6(struct reader *r)
{
    r->ip->header = VPN__IP6_HEADER;
    r->ip->transport = VPN__IP6_HEADER;
    r->ip->protocol = r->data[6];
    r->ip->hop_limit = r->data[7];
    return 0;
}

static int read_packet(struct reader *r, const struct vpn__ip *fixed)
{
    int error = fixed->version == 4 ? read4(r) : read6(r);

    if (error == 0)
        error = walk(r);
    if (error == 0)
        error = read_transport(r);
    if (error == CUT) {
        r->ip->flags |= VPN_IP_INCOMPLETE;
        error = 0;
    }
    return error;
}

static int read_from(vpn_ip *ip, const struct vpn__ip *fixed, const uint8_t *data, size_t length, int quoted)
{
    size_t address = fixed->version == 4 ? 4 : 16;
    struct reader r;
    int error;

    ip->version = fixed->version;
    ip->tos = fixed->tos;
    ip->total = fixed->total;
    memcpy(ip->src, fixed->src, address);
    memcpy(ip->dst, fixed->dst, address);
    r.ip = ip;
    r.data = data;
    r.end = length < ip->total ? length : ip->total;
    r.quoted = quoted;
    error = read_packet(&r, fixed);
    if (error != 0)
        memset(ip, 0, sizeof *ip);
    return error;
}

int vpn_ip_parse(vpn_ip *out, const uint8_t *data, size_t length)
{
    struct vpn__ip fixed;

    memset(out, 0, sizeof *out);
    if (vpn__ip_parse(&fixed, data, length) != 0)
        return VPN_EFORMAT;
    return read_from(out, &fixed, data, length, 0);
}

/* The fixed header is there; vpn__ip_parse reads no more than that, so its own length may be anything. */
int vpn__ip_parse_quoted(vpn_ip *out, const uint8_t *data, size_t length)
{
    struct vpn__ip fixed;

    memset(out, 0, sizeof *out);
    if (length < VPN__IP4_HEADER || (data[0] >> 4 == 6 && length < VPN__IP6_HEADER))
        return VPN_EFORMAT;
    if (vpn__ip_parse(&fixed, data, SIZE_MAX) != 0)
        return VPN_EFORMAT;
    return read_from(out, &fixed, data, length, 1);
}
