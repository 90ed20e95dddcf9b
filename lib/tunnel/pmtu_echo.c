/* SPDX-License-Identifier: ISC */
#include "tunnel/pmtu_echo.h"

#include <string.h>

#include <vpn/checksum.h>
#include <vpn/ip.h>

#include "base/bytes.h"
#include "packet/ip.h"

#define ICMP_HEADER 8u

#define REQUEST4 8
#define REPLY4   0
#define REQUEST6 128
#define REPLY6   129

static uint32_t header_of(uint8_t family)
{
    return family == 4 ? VPN__IP4_HEADER : VPN__IP6_HEADER;
}

static uint16_t checksum_of(uint8_t family, const uint8_t *packet, uint32_t at, uint32_t bytes)
{
    if (family == 4)
        return vpn_checksum(packet + at, bytes);
    return vpn_checksum_transport(6, VPN_IP_ICMP6, packet + 8, packet + 24, packet + at, bytes);
}

void vpn__pmtu_echo_write(uint8_t *out, const struct vpn__pmtu_ends *ends, const struct vpn__pmtu_echo *echo)
{
    struct vpn__ip ip = {.version = ends->family,
                         .protocol = ends->family == 4 ? VPN_IP_ICMP : VPN_IP_ICMP6,
                         .total = echo->bytes,
                         .src = ends->src,
                         .dst = ends->dst};
    uint32_t at = vpn__ip_write(out, &ip), token = at + ICMP_HEADER;

    memset(out + at, 0, echo->bytes - at);
    out[at] = ends->family == 4 ? REQUEST4 : REQUEST6;
    vpn__store16be(out + at + 4, echo->id);
    vpn__store16be(out + at + 6, echo->sequence);
    memcpy(out + token, echo->token, VPN__PMTU_TOKEN);
    vpn__store16be(out + at + 2, checksum_of(ends->family, out, at, echo->bytes - at));
}

/* The reply comes the other way round. */
static int is_between(const vpn_ip *ip, const struct vpn__pmtu_ends *ends)
{
    size_t bytes = ends->family == 4 ? 4 : 16;

    return memcmp(ip->src, ends->dst, bytes) == 0 && memcmp(ip->dst, ends->src, bytes) == 0;
}

int vpn__pmtu_echo_read(struct vpn__pmtu_echo *out, const struct vpn__pmtu_ends *ends, const uint8_t *packet,
                        size_t length)
{
    vpn_ip ip;

    /* Most packets are something else, which two bytes tell. Replies have no extension headers, as their requests had none. */
    if (length < header_of(ends->family) || packet[0] >> 4 != ends->family ||
        packet[ends->family == 4 ? 9 : 6] != (ends->family == 4 ? VPN_IP_ICMP : VPN_IP_ICMP6))
        return 0;
    if (vpn_ip_parse(&ip, packet, length) != VPN_OK || !is_between(&ip, ends))
        return 0;
    if ((ip.flags & VPN_IP_FRAGMENT) != 0 || ip.icmp_type != (ends->family == 4 ? REPLY4 : REPLY6) ||
        ip.icmp_code != 0 || ip.total - ip.transport < ICMP_HEADER + VPN__PMTU_TOKEN)
        return 0;
    if (checksum_of(ends->family, packet, ip.transport, ip.total - ip.transport) != 0)
        return 0;
    memcpy(out->token, packet + ip.transport + ICMP_HEADER, VPN__PMTU_TOKEN);
    out->bytes = ip.total;
    out->id = vpn__load16be(packet + ip.transport + 4);
    out->sequence = vpn__load16be(packet + ip.transport + 6);
    return 1;
}
