/* SPDX-License-Identifier: ISC */
/*
 * Inner packets of many kinds, made from a description without the library. All but the addresses and the checksums comes from the
 * seed, so what a translated packet should be is the packet that the same description makes with other addresses. Beside that, a
 * naive translation of addresses, bit for bit and rule for rule.
 */
#ifndef VPN_TESTS_COMMON_INNER_H
#define VPN_TESTS_COMMON_INNER_H

#include <vpn/netmap.h>

#include "common/flows.h"

#define INNER_ICMP    1
#define INNER_GRE     47
#define INNER_DCCP    33
#define INNER_ICMP6   58
#define INNER_UDPLITE 136

#define INNER_ROOM 2048

enum { INNER_WHOLE, INNER_FIRST, INNER_LATER };

struct inner {
    uint8_t version, protocol;
    uint8_t src[16], dst[16];
    uint64_t seed;
    uint8_t extras;      /* IPv4 options or IPv6 extension headers, 0..3 */
    uint8_t fragment;    /* INNER_WHOLE .. INNER_LATER */
    uint8_t no_checksum; /* UDP: send none */
    uint8_t extended;    /* an error with extensions behind the quote (RFC 4884) */
    uint8_t type;        /* of an error */
    uint32_t payload;    /* bytes behind the transport header */
    uint32_t quote;      /* bytes of the quoted packet in an error, at most */
    const struct inner *quoted;
};

static inline uint32_t inner_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static inline void inner_fill(uint64_t *seed, uint8_t *out, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)inner_random(seed);
}

static inline uint32_t inner_put_ip4(uint8_t *out, const struct inner *in, uint64_t *seed)
{
    uint32_t header = 20 + in->extras * 8u;
    inner_fill(seed, out, 20);
    memset(out + 20, 1, header - 20);
    out[0] = (uint8_t)(0x40 | header / 4);
    out[6] = out[7] = 0;
    out[9] = in->protocol;
    memcpy(out + 12, in->src, 4);
    memcpy(out + 16, in->dst, 4);
    return header;
}

/* The header with hop-by-hop, destination and routing headers, and a fragment header for fragments. */
static inline uint32_t inner_put_ip6(uint8_t *out, const struct inner *in, uint64_t *seed, uint32_t *fragment)
{
    static const uint8_t kinds[] = {0, 60, 43};
    uint32_t at = 40, link = 6;
    inner_fill(seed, out, 40);
    out[0] = 0x60;
    memcpy(out + 8, in->src, 16);
    memcpy(out + 24, in->dst, 16);
    for (uint32_t i = 0; i < in->extras; i++) {
        out[link] = kinds[i];
        flow_write_extension(out + at, 8 + 8 * (i % 2), 0);
        link = at;
        at += 8 + 8 * (i % 2);
    }
    if (in->fragment != INNER_WHOLE) {
        out[link] = 44;
        *fragment = link = at;
        inner_fill(seed, out + at, 8);
        at += 8;
    }
    out[link] = in->protocol;
    return at;
}

/* The sum of the pseudo-header. */
static inline uint32_t inner_pseudo(const struct inner *in, uint32_t bytes)
{
    struct flow flow = {.version = in->version, .protocol = in->protocol};
    memcpy(flow.src, in->src, 16);
    memcpy(flow.dst, in->dst, 16);
    return flow_pseudo(&flow, bytes);
}

static inline uint32_t inner_packet(uint8_t *out, const struct inner *in);

/* An ICMP error behind its first 8 bytes. Returns its bytes. */
static inline uint32_t inner_put_quote(uint8_t *icmp, const struct inner *in, uint64_t *seed)
{
    uint8_t quoted[INNER_ROOM] = {0};
    uint32_t bytes = inner_packet(quoted, in->quoted), unit = in->version == 4 ? 4 : 8;
    bytes = bytes < in->quote ? bytes : in->quote;
    icmp[0] = in->type;
    memset(icmp + 4, 0, 4);
    if (in->extended) { /* padded to a multiple of the unit, and to 128 bytes */
        bytes = bytes < 128 ? 128 : bytes - bytes % unit;
        icmp[in->version == 4 ? 5 : 4] = (uint8_t)(bytes / unit);
    }
    memcpy(icmp + 8, quoted, bytes);
    if (in->extended) {
        inner_fill(seed, icmp + 8 + bytes, 24);
        bytes += 24;
    }
    return 8 + bytes;
}

/* The transport as it is in the whole packet. Returns its bytes. */
static inline uint32_t inner_put_transport(uint8_t *at, const struct inner *in, uint64_t *seed)
{
    int icmp = in->protocol == (in->version == 4 ? INNER_ICMP : INNER_ICMP6), udp = in->protocol == FLOW_UDP;
    uint32_t header = in->protocol == FLOW_TCP ? 20 : in->protocol == INNER_DCCP ? 16 : 8;
    uint32_t field = in->protocol == FLOW_TCP ? 16 : icmp ? 2 : 6, bytes = header + in->payload, sum;
    inner_fill(seed, at, bytes);
    if (icmp && in->quoted)
        bytes = inner_put_quote(at, in, seed);
    else if (icmp)
        at[0] = in->version == 4 ? 8 : 128;
    if (in->protocol == FLOW_TCP)
        at[12] = 0x50;
    if (udp || in->protocol == INNER_UDPLITE) /* the latter's checksum is over everything */
        flow_put(at + 4, udp ? bytes : 0, 2);
    if (in->protocol == INNER_GRE)
        return bytes;
    if (!icmp) { /* ports that no dissector wants */
        flow_put(at, 30000 + flow_get(at, 2) % 1000, 2);
        flow_put(at + 2, 31000 + flow_get(at + 2, 2) % 1000, 2);
    }
    flow_put(at + field, 0, 2);
    sum = 0xffff - flow_sum(icmp && in->version == 4 ? 0 : inner_pseudo(in, bytes), at, bytes);
    if (udp || in->protocol == INNER_UDPLITE)
        sum = udp && in->no_checksum ? 0 : sum == 0 ? 0xffff : sum;
    flow_put(at + field, sum, 2);
    return bytes;
}

/* Where a packet of `bytes` bytes of transport is cut in two. */
static inline uint32_t inner_cut(uint32_t bytes)
{
    return bytes / 16 * 8 < 24 ? 24 : bytes / 16 * 8;
}

/* Writes the packet and returns its length. Fragments take a payload of at least 24 bytes. */
static inline uint32_t inner_packet(uint8_t *out, const struct inner *in)
{
    uint64_t seed = in->seed;
    uint8_t own[2 * INNER_ROOM];
    uint32_t extension = 0,
             ip = in->version == 4 ? inner_put_ip4(out, in, &seed) : inner_put_ip6(out, in, &seed, &extension);
    uint32_t bytes = inner_put_transport(own, in, &seed), cut = inner_cut(bytes), begin = 0, end = bytes;
    if (in->fragment == INNER_FIRST)
        end = cut;
    if (in->fragment == INNER_LATER)
        begin = cut;
    memcpy(out + ip, own + begin, end - begin);
    if (in->version == 4) {
        flow_put(out + 2, ip + end - begin, 2);
        flow_put(out + 6, begin / 8 | (in->fragment == INNER_FIRST ? 0x2000u : 0), 2);
        flow_put(out + 10, 0, 2);
        flow_put(out + 10, 0xffff - flow_sum(0, out, ip), 2);
    } else {
        flow_put(out + 4, ip - 40 + end - begin, 2);
        if (extension)
            flow_put(out + extension + 2, begin | (in->fragment == INNER_FIRST ? 1u : 0), 2);
    }
    return ip + end - begin;
}

/* --- addresses --- */

static inline uint32_t inner_bit(const uint8_t *addr, uint32_t bit)
{
    return (uint32_t)addr[bit / 8] >> (7 - bit % 8) & 1;
}

static inline int inner_starts(const uint8_t *addr, const vpn_prefix *prefix)
{
    for (uint32_t bit = 0; bit < prefix->bits; bit++)
        if (inner_bit(addr, bit) != inner_bit(prefix->addr, bit))
            return 0;
    return 1;
}

/* RFC 6296, in numbers: what the words of `from` amounted to more than those of `to`, and the word that gets it. */
static inline int inner_neutral(uint8_t *to, const uint8_t *from, uint32_t bits)
{
    uint32_t before = 0, after = 0;
    for (uint32_t word = 0; word < 8; word++) {
        before += flow_get(from + 2 * word, 2);
        after += flow_get(to + 2 * word, 2);
    }
    if (before % 65535 == after % 65535)
        return VPN_NETMAP_TRANSLATED;
    for (uint32_t word = bits <= 48 ? 3 : 4; word < (bits <= 48 ? 4 : 8); word++) {
        uint32_t value = flow_get(to + 2 * word, 2);
        if (16 * word < bits || value == 65535)
            continue;
        flow_put(to + 2 * word, (value + before % 65535 + 65535 - after % 65535) % 65535, 2);
        return VPN_NETMAP_TRANSLATED;
    }
    return VPN_NETMAP_UNMAPPABLE;
}

/* One way, without asking for the way back. */
static inline int inner_one_way(const vpn_netmap_rule *rules, size_t count, uint32_t direction, uint32_t whose,
                                uint8_t family, uint8_t *addr)
{
    const vpn_netmap_rule *best = NULL;
    const vpn_prefix *to;
    uint8_t before[16];
    for (size_t i = 0; i < count; i++) {
        const vpn_prefix *from = direction == VPN_NETMAP_OUT ? &rules[i].inside : &rules[i].outside;
        if (rules[i].whose == whose && from->family == family && inner_starts(addr, from) &&
            (!best || best->inside.bits < from->bits))
            best = &rules[i];
    }
    if (!best)
        return VPN_NETMAP_UNTOUCHED;
    memcpy(before, addr, 16);
    to = direction == VPN_NETMAP_OUT ? &best->outside : &best->inside;
    for (uint32_t bit = 0; bit < to->bits; bit++) {
        addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        addr[bit / 8] |= (uint8_t)(inner_bit(to->addr, bit) << (7 - bit % 8));
    }
    return family == 6 ? inner_neutral(addr, before, to->bits) : VPN_NETMAP_TRANSLATED;
}

/* What should become of an address of 16 bytes, of which IPv4 has the first four. */
static inline int inner_map(const vpn_netmap_rule *rules, size_t count, uint32_t direction, uint32_t whose,
                            uint8_t family, uint8_t *addr)
{
    uint8_t there[16], back[16];
    memcpy(there, addr, 16);
    if (inner_one_way(rules, count, direction, whose, family, there) == VPN_NETMAP_UNMAPPABLE)
        return VPN_NETMAP_UNMAPPABLE;
    memcpy(back, there, 16);
    if (inner_one_way(rules, count, 3 - direction, whose, family, back) == VPN_NETMAP_UNMAPPABLE ||
        memcmp(back, addr, 16))
        return VPN_NETMAP_TAKEN;
    if (memcmp(there, addr, 16) == 0)
        return VPN_NETMAP_UNTOUCHED;
    memcpy(addr, there, 16);
    return VPN_NETMAP_TRANSLATED;
}

/* What should become of the addresses of a packet; `source` tells whose the source is. */
static inline int inner_translate(const vpn_netmap_rule *rules, size_t count, uint32_t direction, uint32_t source,
                                  struct inner *in)
{
    int src = inner_map(rules, count, direction, source, in->version, in->src),
        dst = inner_map(rules, count, direction, 1 - source, in->version, in->dst);
    return src > dst ? src : dst;
}

#endif
