/* SPDX-License-Identifier: ISC */
/* Only the fixed header is read: lengths and addresses decide what a tunnel does, everything else is the hosts' affair. */
#include "packet/ip.h"

#include <string.h>

#include <vpn/checksum.h>

#include "base/bytes.h"

#define ECN_MASK 3u
#define ECN_CE   3u

#define HOP_LIMIT 64
#define DF        0x4000

static int parse4(struct vpn__ip *out, const uint8_t *data, size_t length)
{
    if (length < VPN__IP4_HEADER)
        return VPN_EFORMAT;
    uint32_t header = (uint32_t)(data[0] & 15) * 4;
    uint32_t total = vpn__load16be(data + 2);
    if (header < VPN__IP4_HEADER || total < header || total > length)
        return VPN_EFORMAT;
    out->version = 4;
    out->tos = data[1];
    out->total = total;
    out->src = data + 12;
    out->dst = data + 16;
    return 0;
}

static int parse6(struct vpn__ip *out, const uint8_t *data, size_t length)
{
    if (length < VPN__IP6_HEADER)
        return VPN_EFORMAT;
    uint32_t total = VPN__IP6_HEADER + (uint32_t)vpn__load16be(data + 4);
    if (total > length)
        return VPN_EFORMAT;
    out->version = 6;
    out->tos = (uint8_t)((data[0] & 15) << 4 | data[1] >> 4);
    out->total = total;
    out->src = data + 8;
    out->dst = data + 24;
    return 0;
}

int vpn__ip_parse(struct vpn__ip *out, const uint8_t *data, size_t length)
{
    if (length == 0)
        return VPN_EFORMAT;
    switch (data[0] >> 4) {
    case 4:
        return parse4(out, data, length);
    case 6:
        return parse6(out, data, length);
    default:
        return VPN_EFORMAT;
    }
}

/* IPv6 extension headers that may stand before a transport header, and those that end the way. */
#define HOP_BY_HOP  0
#define ROUTING     43
#define DESTINATION 60
#define FRAGMENT    44

static uint32_t transport6(struct vpn__ip *ip, const uint8_t *packet)
{
    uint32_t at = VPN__IP6_HEADER;

    ip->protocol = packet[6];
    while (ip->protocol == HOP_BY_HOP || ip->protocol == ROUTING || ip->protocol == DESTINATION) {
        if (ip->total - at < 8)
            return 0;
        ip->protocol = packet[at];
        at += ((uint32_t)packet[at + 1] + 1) * 8;
        if (at > ip->total)
            return 0;
    }
    return ip->protocol == FRAGMENT ? 0 : at;
}

uint32_t vpn__ip_transport(struct vpn__ip *ip, const uint8_t *packet)
{
    if (ip->version == 6)
        return transport6(ip, packet);
    ip->protocol = packet[9];
    return (vpn__load16be(packet + 6) & 0x3fffu) == 0 ? (uint32_t)(packet[0] & 15) * 4 : 0;
}

uint32_t vpn__ip_write(uint8_t *out, const struct vpn__ip *ip)
{
    if (ip->version == 6) {
        memset(out, 0, VPN__IP6_HEADER);
        out[0] = (uint8_t)(0x60 | ip->tos >> 4);
        out[1] = (uint8_t)(ip->tos << 4);
        vpn__store16be(out + 4, (uint16_t)(ip->total - VPN__IP6_HEADER));
        out[6] = ip->protocol;
        out[7] = HOP_LIMIT;
        memcpy(out + 8, ip->src, 16);
        memcpy(out + 24, ip->dst, 16);
        return VPN__IP6_HEADER;
    }
    memset(out, 0, VPN__IP4_HEADER);
    out[0] = 0x45;
    out[1] = ip->tos;
    vpn__store16be(out + 2, (uint16_t)ip->total);
    vpn__store16be(out + 6, DF);
    out[8] = HOP_LIMIT;
    out[9] = ip->protocol;
    memcpy(out + 12, ip->src, 4);
    memcpy(out + 16, ip->dst, 4);
    vpn__store16be(out + 10, vpn_checksum(out, VPN__IP4_HEADER));
    return VPN__IP4_HEADER;
}

uint8_t vpn__ecn_outer(uint8_t inner_tos)
{
    return inner_tos & ECN_MASK;
}

static void set_tos4(uint8_t *packet, uint8_t tos)
{
    uint16_t word = vpn__load16be(packet);

    packet[1] = tos;
    vpn_checksum_apply(packet + 10, vpn_checksum_change16(0, word, vpn__load16be(packet)));
}

/* RFC 6040 figure 4: the inner mark stays, but for ECT and outer CE, which make CE, and for ECT(0) and outer ECT(1),
   which make ECT(1). */
void vpn__ecn_inner(uint8_t *packet, const struct vpn__ip *ip, uint8_t outer_tos)
{
    uint8_t inner = ip->tos & ECN_MASK;
    uint8_t outer = outer_tos & ECN_MASK;
    uint8_t ecn = inner;
    if (inner != 0 && outer == ECN_CE)
        ecn = ECN_CE;
    else if (inner == 2 && outer == 1)
        ecn = 1;
    if (ecn == inner)
        return;
    if (ip->version == 4)
        set_tos4(packet, (uint8_t)((ip->tos & ~ECN_MASK) | ecn));
    else
        packet[1] = (uint8_t)((packet[1] & 0xcfu) | (uint32_t)ecn << 4);
}
