/* SPDX-License-Identifier: ISC */
/* Packets made of facts, and the filter as anyone would write it first: rule after rule, bit after bit. It shares nothing with
   the library but the public structures. */
#ifndef VPN_TESTS_COMMON_FILTER_H
#define VPN_TESTS_COMMON_FILTER_H

#include <string.h>

#include <vpn/filter.h>

#define FACTS_BYTES 256u
#define FACTS_NONE  UINT32_MAX

struct facts {
    uint32_t direction;
    uint8_t family;
    uint8_t protocol;
    uint8_t src[16], dst[16];
    uint16_t ports[2]; /* ICMP: type and code in the low bytes */
    uint8_t flags;     /* of TCP */
    uint16_t id;       /* of an ICMP echo */
    uint32_t seq, ack;
    uint32_t payload;
    uint32_t fragment;  /* identification */
    uint16_t offset;    /* of a fragment, in bytes: a multiple of 8 */
    uint8_t more;       /* fragments follow */
    uint8_t extensions; /* destination options headers in front, IPv6 */
};

static inline int facts_has_ports(const struct facts *f)
{
    static const uint8_t with[] = {6, 17, 33, 132, 136};
    return memchr(with, f->protocol, sizeof(with)) != NULL;
}

static inline int facts_is_icmp(const struct facts *f)
{
    return f->protocol == (f->family == 4 ? 1 : 58);
}

static inline void facts_put16(uint8_t *out, uint32_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

static inline void facts_put32(uint8_t *out, uint32_t v)
{
    facts_put16(out, v >> 16);
    facts_put16(out + 2, v & 0xffff);
}

/* The transport header; a later fragment has 8 bytes of noise in its place. */
static inline size_t facts_transport(const struct facts *f, uint8_t *out)
{
    size_t header = 8;
    memset(out, 0, 20);
    if (f->offset != 0) {
        memset(out, 0x5a, 8);
        return 8;
    }
    if (f->protocol == 6) {
        header = 20;
        facts_put32(out + 4, f->seq);
        facts_put32(out + 8, f->ack);
        out[12] = 0x50;
        out[13] = f->flags;
    } else if (f->protocol == 33 || f->protocol == 132) {
        header = 12;
    }
    if (facts_is_icmp(f)) {
        out[0] = (uint8_t)f->ports[0];
        out[1] = (uint8_t)f->ports[1];
        facts_put16(out + 4, f->id);
    } else if (facts_has_ports(f)) {
        facts_put16(out, f->ports[0]);
        facts_put16(out + 2, f->ports[1]);
    }
    return header;
}

/* Writes the packet, less than FACTS_BYTES without its payload; returns its length. */
static inline size_t facts_write(const struct facts *f, uint8_t *out)
{
    int fragment = f->offset != 0 || f->more;
    size_t at = f->family == 4 ? 20 : 40;
    uint8_t *next = &out[6];

    memset(out, 0, at);
    if (f->family == 4) {
        out[0] = 0x45;
        out[8] = 64;
        out[9] = f->protocol;
        facts_put16(out + 4, f->fragment & 0xffff);
        facts_put16(out + 6, (f->more ? 0x2000u : 0) | f->offset / 8u);
        memcpy(out + 12, f->src, 4);
        memcpy(out + 16, f->dst, 4);
    } else {
        out[0] = 0x60;
        out[7] = 64;
        memcpy(out + 8, f->src, 16);
        memcpy(out + 24, f->dst, 16);
        for (uint32_t i = 0; i < f->extensions; i++, at += 8) {
            *next = 60;
            next = &out[at];
            memset(next, 0, 8);
            next[2] = 1;
            next[3] = 4;
        }
        if (fragment) {
            *next = 44;
            next = &out[at];
            memset(next, 0, 8);
            facts_put16(out + at + 2, f->offset | (f->more ? 1u : 0));
            facts_put32(out + at + 4, f->fragment);
            at += 8;
        }
        *next = f->protocol;
    }
    at += facts_transport(f, out + at);
    memset(out + at, 0, f->payload);
    at += f->payload;
    facts_put16(out + (f->family == 4 ? 2 : 4), (uint32_t)at - (f->family == 4 ? 0 : 40));
    return at;
}

static inline int naive_holds(const vpn_prefix *prefix, uint8_t family, const uint8_t *addr)
{
    if (prefix->family == 0)
        return 1;
    if (prefix->family != family)
        return 0;
    for (uint32_t bit = 0; bit < prefix->bits; bit++)
        if (((prefix->addr[bit / 8] ^ addr[bit / 8]) >> (7 - bit % 8) & 1) != 0)
            return 0;
    return 1;
}

static inline int naive_matches(const vpn_filter_rule *r, const struct facts *f)
{
    int later = f->offset != 0;
    uint32_t match = r->match, ports = VPN_FILTER_MATCH_SRC_PORT | VPN_FILTER_MATCH_DST_PORT;

    if (r->direction != VPN_FILTER_BOTH && r->direction != f->direction)
        return 0;
    if ((match & VPN_FILTER_MATCH_PROTOCOL) && r->protocol != f->protocol)
        return 0;
    if (!naive_holds(&r->src, f->family, f->src) || !naive_holds(&r->dst, f->family, f->dst))
        return 0;
    if ((match & ~VPN_FILTER_MATCH_PROTOCOL) == 0)
        return 1;
    if (later || ((match & ports) && !facts_has_ports(f)))
        return 0;
    if ((match & VPN_FILTER_MATCH_SRC_PORT) && (f->ports[0] < r->src_port_min || f->ports[0] > r->src_port_max))
        return 0;
    if ((match & VPN_FILTER_MATCH_DST_PORT) && (f->ports[1] < r->dst_port_min || f->ports[1] > r->dst_port_max))
        return 0;
    if ((match & VPN_FILTER_MATCH_ICMP_TYPE) && (!facts_is_icmp(f) || (f->ports[0] & 255) != r->icmp_type))
        return 0;
    if ((match & VPN_FILTER_MATCH_ICMP_CODE) && (f->ports[1] & 255) != r->icmp_code)
        return 0;
    return !(match & VPN_FILTER_MATCH_TCP_FLAGS) || (f->flags & r->tcp_mask) == r->tcp_flags;
}

/* The first rule that matches, or FACTS_NONE. */
static inline uint32_t naive_first(const vpn_filter_rule *rules, uint32_t count, const struct facts *f)
{
    for (uint32_t i = 0; i < count; i++)
        if (naive_matches(&rules[i], f))
            return i;
    return FACTS_NONE;
}

#endif
