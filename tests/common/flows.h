/* SPDX-License-Identifier: ISC */
/*
 * TCP and UDP packets made from a description, byte by byte and without the library: what a segment should be is the packet that
 * its own description makes.
 */
#ifndef VPN_TESTS_COMMON_FLOWS_H
#define VPN_TESTS_COMMON_FLOWS_H

#include <stdint.h>
#include <string.h>

#include <vpn/offload.h>

#define FLOW_TCP 6
#define FLOW_UDP 17

#define FLOW_FIN 0x01u
#define FLOW_SYN 0x02u
#define FLOW_RST 0x04u
#define FLOW_PSH 0x08u
#define FLOW_ACK 0x10u
#define FLOW_URG 0x20u
#define FLOW_ECE 0x40u
#define FLOW_CWR 0x80u

#define FLOW_DF 0x4000u

struct flow {
    uint8_t version; /* 4 or 6 */
    uint8_t protocol;
    uint8_t tos, ttl;
    uint8_t ip_extra;  /* bytes of IPv4 options, a multiple of 4, or of IPv6 extension headers, of 8 */
    uint8_t tcp_extra; /* bytes of TCP options, a multiple of 4 */
    uint8_t flags;
    uint8_t no_checksum; /* UDP: send none */
    uint16_t id, fragment;
    uint16_t from, to, window, urgent;
    uint32_t label, sequence, acknowledgement, stamp;
    uint8_t src[16], dst[16];
    const uint8_t *payload;
    uint32_t length; /* of the payload */
};

/* One of a kind: addresses, ports and the rest are the same each time. */
static inline struct flow flow_example(uint8_t version, uint8_t protocol, const uint8_t *payload, uint32_t length)
{
    struct flow flow = {.version = version,
                        .protocol = protocol,
                        .tos = 0xb8,
                        .ttl = 63,
                        .flags = FLOW_ACK,
                        .id = 1000,
                        .from = 5001,
                        .to = 443,
                        .window = 502,
                        .label = 0xabcde,
                        .sequence = 0x01020304,
                        .acknowledgement = 0x0a0b0c0d,
                        .stamp = 99,
                        .payload = payload,
                        .length = length};
    for (uint32_t i = 0; i < 16; i++) {
        flow.src[i] = (uint8_t)(i * 29 + 10);
        flow.dst[i] = (uint8_t)(i * 53 + 172);
    }
    return flow;
}

static inline void flow_put(uint8_t *out, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static inline uint32_t flow_get(const uint8_t *in, uint32_t bytes)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

/* The ones' complement sum, a byte at a time and with a carry at each step. */
static inline uint32_t flow_sum(uint32_t sum, const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return sum;
}

static inline uint32_t flow_ip_bytes(const struct flow *flow)
{
    return (flow->version == 4 ? 20u : 40u) + flow->ip_extra;
}

static inline uint32_t flow_header_bytes(const struct flow *flow)
{
    return flow_ip_bytes(flow) + (flow->protocol == FLOW_TCP ? 20u + flow->tcp_extra : 8u);
}

/* The sum of the pseudo-header. */
static inline uint32_t flow_pseudo(const struct flow *flow, uint32_t bytes)
{
    uint8_t tail[6] = {0};
    size_t address = flow->version == 4 ? 4 : 16;
    uint32_t sum = flow_sum(0, flow->src, address);
    flow_put(tail, bytes, 4);
    tail[5] = flow->protocol;
    return flow_sum(flow_sum(sum, flow->dst, address), tail, 6);
}

static inline void flow_write_ip4(uint8_t *out, const struct flow *flow, uint32_t total)
{
    uint32_t header = flow_ip_bytes(flow);
    memset(out, 1, header); /* options that do nothing */
    out[0] = (uint8_t)(0x40 | header / 4);
    out[1] = flow->tos;
    flow_put(out + 2, total, 2);
    flow_put(out + 4, flow->id, 2);
    flow_put(out + 6, flow->fragment, 2);
    out[8] = flow->ttl;
    out[9] = flow->protocol;
    flow_put(out + 10, 0, 2);
    memcpy(out + 12, flow->src, 4);
    memcpy(out + 16, flow->dst, 4);
    flow_put(out + 10, 0xffff - flow_sum(0, out, header), 2);
}

/* An extension header that holds padding. */
static inline void flow_write_extension(uint8_t *out, uint32_t bytes, uint8_t next)
{
    memset(out, 0, bytes);
    out[0] = next;
    out[1] = (uint8_t)(bytes / 8 - 1);
    out[2] = 1;
    out[3] = (uint8_t)(bytes - 4);
}

/* Hop-by-hop options, and from 16 bytes on destination options behind them. */
static inline void flow_write_ip6(uint8_t *out, const struct flow *flow, uint32_t total)
{
    flow_put(out, 0x60000000u | (uint32_t)flow->tos << 20 | flow->label, 4);
    flow_put(out + 4, total - 40, 2);
    out[6] = flow->ip_extra == 0 ? flow->protocol : 0;
    out[7] = flow->ttl;
    memcpy(out + 8, flow->src, 16);
    memcpy(out + 24, flow->dst, 16);
    if (flow->ip_extra != 0)
        flow_write_extension(out + 40, 8, flow->ip_extra > 8 ? 60 : flow->protocol);
    if (flow->ip_extra > 8)
        flow_write_extension(out + 48, flow->ip_extra - 8u, flow->protocol);
}

static inline void flow_write_tcp(uint8_t *out, const struct flow *flow)
{
    flow_put(out + 4, flow->sequence, 4);
    flow_put(out + 8, flow->acknowledgement, 4);
    out[12] = (uint8_t)((20u + flow->tcp_extra) / 4 << 4);
    out[13] = flow->flags;
    flow_put(out + 14, flow->window, 2);
    flow_put(out + 18, flow->urgent, 2);
    memset(out + 20, 1, flow->tcp_extra);
    if (flow->tcp_extra >= 12) { /* a time stamp (RFC 7323) */
        flow_put(out + 22, 0x080a, 2);
        flow_put(out + 24, flow->stamp, 4);
        flow_put(out + 28, 7, 4);
    }
}

/* Where the checksum of TCP or UDP is. */
static inline uint32_t flow_checksum_at(const struct flow *flow)
{
    return flow_ip_bytes(flow) + (flow->protocol == FLOW_TCP ? 16 : 6);
}

/* Writes the packet and returns its length. */
static inline uint32_t flow_packet(uint8_t *out, const struct flow *flow)
{
    uint32_t ip = flow_ip_bytes(flow), header = flow_header_bytes(flow), total = header + flow->length, sum;
    if (flow->version == 4)
        flow_write_ip4(out, flow, total);
    else
        flow_write_ip6(out, flow, total);
    flow_put(out + ip, flow->from, 2);
    flow_put(out + ip + 2, flow->to, 2);
    if (flow->protocol == FLOW_TCP)
        flow_write_tcp(out + ip, flow);
    else
        flow_put(out + ip + 4, total - ip, 2);
    flow_put(out + flow_checksum_at(flow), 0, 2);
    for (uint32_t i = 0; i < flow->length; i++)
        out[header + i] = flow->payload[i];
    sum = 0xffff - flow_sum(flow_pseudo(flow, total - ip), out + ip, total - ip);
    if (flow->protocol == FLOW_UDP)
        sum = flow->no_checksum ? 0 : sum == 0 ? 0xffff : sum;
    flow_put(out + flow_checksum_at(flow), sum, 2);
    return total;
}

/* The same with a checksum that is still to be completed, and what a host says of it. */
static inline uint32_t flow_super(uint8_t *out, vpn_offload *how, const struct flow *flow, uint32_t size)
{
    uint32_t total = flow_packet(out, flow);
    memset(how, 0, sizeof *how);
    how->flags = VPN_OFFLOAD_CHECKSUM;
    how->gso = flow->protocol == FLOW_UDP ? VPN_GSO_UDP : flow->version == 4 ? VPN_GSO_TCP4 : VPN_GSO_TCP6;
    how->header = (uint16_t)flow_header_bytes(flow);
    how->gso_size = (uint16_t)size;
    how->csum_start = (uint16_t)flow_ip_bytes(flow);
    how->csum_offset = flow->protocol == FLOW_TCP ? 16 : 6;
    flow_put(out + flow_checksum_at(flow), flow_pseudo(flow, total - flow_ip_bytes(flow)), 2);
    return total;
}

/* The description of one segment, 0 past the last. */
static inline int flow_segment(struct flow *out, const struct flow *flow, uint32_t size, uint32_t index)
{
    uint32_t begin = index * size, last = flow->length == 0 ? 0 : (flow->length - 1) / size;
    if (index > last)
        return 0;
    *out = *flow;
    out->payload = flow->payload + begin;
    out->length = flow->length - begin < size ? flow->length - begin : size;
    out->id = (uint16_t)(flow->id + index);
    out->sequence = flow->sequence + begin;
    if (index < last)
        out->flags &= (uint8_t) ~(FLOW_FIN | FLOW_PSH);
    if (index > 0)
        out->flags &= (uint8_t)~FLOW_CWR;
    return 1;
}

#endif
