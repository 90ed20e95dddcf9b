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

/* Splitmix64, for rules and facts at random. */
static inline uint32_t naive_below(uint64_t *seed, uint32_t limit)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % limit);
}

/* Few different addresses, so that prefixes nest and packets meet them. */
static inline void naive_address(uint64_t *seed, uint8_t addr[16], uint8_t family)
{
    static const uint8_t bytes[] = {0, 10, 0x7f, 0x80, 0xff};
    memset(addr, 0, 16);
    for (uint32_t i = 0; i < (family == 4 ? 4u : 16u); i++)
        addr[i] = i == 0 || i == 3 || i == 7 || i == 8 || i == 15 ? bytes[naive_below(seed, 5)] : 0;
}

static inline vpn_prefix naive_prefix(uint64_t *seed, uint8_t family)
{
    vpn_prefix p = {.family = family};
    uint32_t most = family == 4 ? 32 : 128;
    p.bits = (uint8_t)(naive_below(seed, 3) == 0 ? most : naive_below(seed, most + 1));
    naive_address(seed, p.addr, family);
    return p;
}

static inline uint16_t naive_port(uint64_t *seed)
{
    static const uint16_t ports[] = {0, 1, 22, 53, 80, 443, 1023, 1024, 32768, 65534, 65535};
    return naive_below(seed, 4) == 0 ? (uint16_t)naive_below(seed, 65536) : ports[naive_below(seed, 11)];
}

static inline void naive_ports(uint64_t *seed, uint16_t *min, uint16_t *max)
{
    uint16_t a = naive_port(seed), b = naive_below(seed, 2) == 0 ? a : naive_port(seed);
    *min = a < b ? a : b;
    *max = a < b ? b : a;
}

static inline uint8_t naive_protocol(uint64_t *seed)
{
    static const uint8_t protocols[] = {6, 6, 17, 17, 1, 58, 132, 47, 0, 255};
    return protocols[naive_below(seed, 10)];
}

static inline void naive_transport(uint64_t *seed, vpn_filter_rule *r)
{
    r->match = VPN_FILTER_MATCH_PROTOCOL;
    r->protocol = naive_protocol(seed);
    struct facts like = {.family = 4, .protocol = r->protocol};
    if (facts_has_ports(&like) && naive_below(seed, 2)) {
        r->match |= VPN_FILTER_MATCH_SRC_PORT;
        naive_ports(seed, &r->src_port_min, &r->src_port_max);
    }
    if (facts_has_ports(&like) && naive_below(seed, 3)) {
        r->match |= VPN_FILTER_MATCH_DST_PORT;
        naive_ports(seed, &r->dst_port_min, &r->dst_port_max);
    }
    if ((r->protocol == 1 || r->protocol == 58) && naive_below(seed, 2)) {
        r->match |= VPN_FILTER_MATCH_ICMP_TYPE;
        r->icmp_type = (uint8_t)(naive_below(seed, 2) ? 8 : 128);
        if (naive_below(seed, 2)) {
            r->match |= VPN_FILTER_MATCH_ICMP_CODE;
            r->icmp_code = (uint8_t)naive_below(seed, 2);
        }
    }
    if (r->protocol == 6 && naive_below(seed, 4) == 0) {
        r->match |= VPN_FILTER_MATCH_TCP_FLAGS;
        r->tcp_mask = (uint8_t)(1 + naive_below(seed, 255));
        r->tcp_flags = (uint8_t)(naive_below(seed, 256) & r->tcp_mask);
    }
}

/* A rule that is valid and not stateful. */
static inline void naive_rule(uint64_t *seed, vpn_filter_rule *r)
{
    uint8_t family = naive_below(seed, 2) ? 4 : 6;
    memset(r, 0, sizeof(*r));
    r->action = (uint8_t)naive_below(seed, 3);
    r->direction = (uint8_t)naive_below(seed, 3);
    if (naive_below(seed, 3))
        r->src = naive_prefix(seed, family);
    if (naive_below(seed, 3))
        r->dst = naive_prefix(seed, family);
    if (naive_below(seed, 4))
        naive_transport(seed, r);
}

static inline void naive_facts(uint64_t *seed, struct facts *f)
{
    memset(f, 0, sizeof(*f));
    f->family = naive_below(seed, 2) ? 4 : 6;
    f->direction = 1 + naive_below(seed, 2);
    do
        f->protocol = naive_protocol(seed);
    while (f->family == 6 && f->protocol == 0); /* an extension header there */
    naive_address(seed, f->src, f->family);
    naive_address(seed, f->dst, f->family);
    f->ports[0] = facts_is_icmp(f) ? (uint16_t)(naive_below(seed, 2) ? 8 : 128) : naive_port(seed);
    f->ports[1] = facts_is_icmp(f) ? (uint16_t)naive_below(seed, 3) : naive_port(seed);
    f->flags = (uint8_t)naive_below(seed, 256);
    f->payload = naive_below(seed, 32);
    f->extensions = (uint8_t)(f->family == 6 ? naive_below(seed, 3) : 0);
    if (naive_below(seed, 8) == 0) {
        f->offset = (uint16_t)(24 + 8 * naive_below(seed, 4));
        f->more = (uint8_t)naive_below(seed, 2);
        f->fragment = naive_below(seed, 65536);
    }
}

/* Takes a rule's own values into facts, so that the rule is likely to match. */
static inline void naive_aim(uint64_t *seed, struct facts *f, const vpn_filter_rule *r)
{
    uint8_t family = r->src.family ? r->src.family : r->dst.family;
    if (family && family != f->family)
        return;
    for (uint32_t b = 0; b < r->src.bits; b++)
        f->src[b / 8] = (uint8_t)((f->src[b / 8] & ~(0x80u >> b % 8)) | (r->src.addr[b / 8] & 0x80u >> b % 8));
    for (uint32_t b = 0; b < r->dst.bits; b++)
        f->dst[b / 8] = (uint8_t)((f->dst[b / 8] & ~(0x80u >> b % 8)) | (r->dst.addr[b / 8] & 0x80u >> b % 8));
    static const uint8_t extensions[] = {0, 43, 44, 51, 60, 140};
    if ((r->match & VPN_FILTER_MATCH_PROTOCOL) &&
        !(f->family == 6 && memchr(extensions, r->protocol, sizeof(extensions)) != NULL))
        f->protocol = r->protocol;
    if (r->match & VPN_FILTER_MATCH_SRC_PORT)
        f->ports[0] = naive_below(seed, 2) ? r->src_port_min : r->src_port_max;
    if (r->match & VPN_FILTER_MATCH_DST_PORT)
        f->ports[1] = naive_below(seed, 2) ? r->dst_port_min : r->dst_port_max;
    if (facts_is_icmp(f)) {
        f->ports[0] &= 255;
        f->ports[1] &= 255;
    }
}

#endif
