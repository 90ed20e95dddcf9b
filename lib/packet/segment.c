/* SPDX-License-Identifier: ISC */
/* What a host promised about a super-packet is held against its bytes before anything is cut: afterwards every offset is known to
   lie inside. */
#include <vpn/offload.h>

#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/ip.h"

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

/* Places in the TCP and UDP headers. */
#define TCP_SEQUENCE 4
#define TCP_OFFSET   12
#define TCP_FLAGS    13
#define TCP_CHECKSUM 16
#define UDP_LENGTH   4
#define UDP_CHECKSUM 6

static uint16_t load16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

void vpn_offload_read(vpn_offload *out, const uint8_t in[VPN_VNET_BYTES])
{
    memset(out, 0, sizeof *out);
    out->flags = in[0];
    out->gso = in[1];
    out->header = load16(in + 2);
    out->gso_size = load16(in + 4);
    out->csum_start = load16(in + 6);
    out->csum_offset = load16(in + 8);
}

void vpn_offload_write(uint8_t out[VPN_VNET_BYTES], const vpn_offload *in)
{
    out[0] = in->flags;
    out[1] = in->gso;
    memcpy(out + 2, &in->header, 2);
    memcpy(out + 4, &in->gso_size, 2);
    memcpy(out + 6, &in->csum_start, 2);
    memcpy(out + 8, &in->csum_offset, 2);
}

/* A packet that is not cut: whole, and with a checksum to complete or not. */
static int plan_one(vpn_segments *out, const vpn_offload *how, uint32_t length)
{
    out->count = 1;
    out->each = out->last = out->header = length;
    if ((how->flags & VPN_OFFLOAD_CHECKSUM) == 0)
        return VPN_OK;
    if ((uint32_t)how->csum_start + how->csum_offset + 2 > length || how->csum_offset % 2 != 0)
        return VPN_EFORMAT;
    out->complete = 1;
    out->transport = how->csum_start;
    out->size = how->csum_offset;
    return VPN_OK;
}

/* Which protocol a kind of super-packet is of; 0: no such kind. */
static uint8_t protocol_of(uint8_t gso, uint8_t version)
{
    switch (gso & ~(uint32_t)VPN_GSO_ECN) {
    case VPN_GSO_TCP4:
        return version == 4 ? VPN__IP_TCP : 0;
    case VPN_GSO_TCP6:
        return version == 6 ? VPN__IP_TCP : 0;
    case VPN_GSO_UDP:
        return gso == VPN_GSO_UDP ? VPN__IP_UDP : 0;
    default:
        return 0;
    }
}

/* Bytes of the transport header; 0 when it does not fit. */
static uint32_t transport_header(const uint8_t *transport, uint32_t bytes, uint8_t protocol)
{
    uint32_t header = 8;

    if (protocol == VPN__IP_TCP)
        header = bytes >= 20 ? (uint32_t)(transport[TCP_OFFSET] >> 4) * 4 : 0;
    return header <= bytes && header >= (protocol == VPN__IP_TCP ? 20u : 8u) ? header : 0;
}

/* The sums of all that is the same in every segment: what changes is added to them. */
static void prepare_sums(vpn_segments *out, const uint8_t *packet, const struct vpn__ip *ip)
{
    uint32_t addresses = ip->version == 4 ? 8 : 32;

    out->pseudo_sum = vpn__sum_pseudo(ip->src, addresses, out->protocol, 0);
    if (ip->version != 4)
        return;
    /* Without length, identification and checksum. */
    out->ip_sum = vpn__sum(packet, 2) + vpn__sum(packet + 6, 4) + vpn__sum(packet + 12, out->transport - 12);
}

int vpn_segment_plan(vpn_segments *out, const vpn_offload *how, const uint8_t *packet, uint32_t length)
{
    struct vpn__ip ip;
    uint32_t header, payload;

    memset(out, 0, sizeof *out);
    if (length == 0 || length > 65535)
        return VPN_EFORMAT;
    if (how->gso == VPN_GSO_NONE)
        return plan_one(out, how, length);
    if ((how->flags & VPN_OFFLOAD_CHECKSUM) == 0 || how->gso_size == 0 ||
        vpn__ip_parse(&ip, packet, length) != VPN_OK || ip.total != length)
        return VPN_EFORMAT;
    out->version = ip.version;
    out->protocol = protocol_of(how->gso, ip.version);
    out->transport = vpn__ip_transport(&ip, packet);
    if (out->protocol == 0 || out->transport == 0 || ip.protocol != out->protocol ||
        how->csum_start != out->transport ||
        how->csum_offset != (out->protocol == VPN__IP_TCP ? TCP_CHECKSUM : UDP_CHECKSUM))
        return VPN_EFORMAT;
    header = transport_header(packet + out->transport, length - out->transport, out->protocol);
    if (header == 0)
        return VPN_EFORMAT;
    out->header = out->transport + header;
    payload = length - out->header;
    out->size = how->gso_size < payload || payload == 0 ? how->gso_size : payload;
    out->count = payload == 0 ? 1 : (payload + out->size - 1) / out->size;
    out->last = out->header + payload - (out->count - 1) * out->size;
    out->each = out->count == 1 ? out->last : out->header + out->size;
    prepare_sums(out, packet, &ip);
    return VPN_OK;
}

static void write_ip(const vpn_segments *plan, uint8_t *out, uint32_t index, uint32_t length)
{
    uint16_t id;

    if (plan->version == 6) {
        vpn__store16be(out + 4, (uint16_t)(length - VPN__IP6_HEADER));
        return;
    }
    id = (uint16_t)(vpn__load16be(out + 4) + index);
    vpn__store16be(out + 2, (uint16_t)length);
    vpn__store16be(out + 4, id);
    vpn__sum_store(out + 10, plan->ip_sum + vpn__sum(out + 2, 4));
}

/* Fields that differ between segments; where the checksum is. */
static uint8_t *write_transport(const vpn_segments *plan, uint8_t *out, uint32_t index, uint32_t length)
{
    uint8_t *transport = out + plan->transport;

    if (plan->protocol == VPN__IP_UDP) {
        vpn__store16be(transport + UDP_LENGTH, (uint16_t)(length - plan->transport));
        return transport + UDP_CHECKSUM;
    }
    vpn__store32be(transport + TCP_SEQUENCE, vpn__load32be(transport + TCP_SEQUENCE) + index * plan->size);
    if (index + 1 < plan->count)
        transport[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (index > 0)
        transport[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
    return transport + TCP_CHECKSUM;
}

/* RFC 768: a sum that comes to zero is sent as ones, since zero means that there is none. */
static void store_nonzero(uint8_t *at, uint64_t sum)
{
    vpn__sum_store(at, sum);
    if (at[0] == 0 && at[1] == 0)
        at[0] = at[1] = 0xff;
}

/* The field holds the pseudo-header's sum, so it is summed with the rest. Which protocol it is does not matter: for others than
   UDP both zeros are the same number, and Linux writes ones too, unless it cuts. */
static void complete(uint8_t *packet, uint32_t length, uint32_t start, uint32_t offset)
{
    store_nonzero(packet + start + offset, vpn__sum(packet + start, length - start));
}

uint32_t vpn_segment_write(const vpn_segments *plan, const uint8_t *packet, uint32_t index, uint8_t *out)
{
    uint32_t length = index + 1 < plan->count ? plan->each : plan->last;
    uint8_t *checksum;
    uint64_t sum;

    if (index >= plan->count)
        return 0;
    memcpy(out, packet, plan->header);
    if (plan->protocol == 0) {
        if (plan->complete)
            complete(out, length, plan->transport, plan->size);
        return length;
    }
    memcpy(out + plan->header, packet + plan->header + (size_t)index * plan->size, length - plan->header);
    write_ip(plan, out, index, length);
    checksum = write_transport(plan, out, index, length);
    memset(checksum, 0, 2);
    sum = plan->pseudo_sum + vpn__sum16((uint16_t)(length - plan->transport));
    sum += vpn__sum(out + plan->transport, length - plan->transport);
    if (plan->protocol == VPN__IP_UDP || plan->count == 1)
        store_nonzero(checksum, sum);
    else
        vpn__sum_store(checksum, sum);
    return length;
}

int vpn_offload_complete(const vpn_offload *how, uint8_t *packet, uint32_t length)
{
    vpn_segments plan;
    int error = how->gso == VPN_GSO_NONE ? vpn_segment_plan(&plan, how, packet, length) : VPN_EFORMAT;

    if (error == VPN_OK && plan.complete)
        complete(packet, length, plan.transport, plan.size);
    return error;
}
