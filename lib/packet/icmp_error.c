/* SPDX-License-Identifier: ISC */
#include <vpn/icmp.h>

#include <string.h>

#include <vpn/checksum.h>

#include "base/bytes.h"
#include "packet/icmp_error.h"
#include "packet/parse.h"

#define ICMP_HEADER 8u
#define REDIRECT6   137 /* quotes a packet in an option, if at all */

static uint32_t kind_of(const vpn_ip *ip)
{
    uint8_t type = ip->icmp_type;

    if (ip->version == 4) {
        if (type == 3)
            return ip->icmp_code == 4 ? VPN_ICMP_KIND_TOO_BIG : VPN_ICMP_KIND_UNREACHABLE;
        return type == 11 ? VPN_ICMP_KIND_EXPIRED : VPN_ICMP_KIND_OTHER;
    }
    return type == 2   ? VPN_ICMP_KIND_TOO_BIG
           : type == 1 ? VPN_ICMP_KIND_UNREACHABLE
           : type == 3 ? VPN_ICMP_KIND_EXPIRED
                       : VPN_ICMP_KIND_OTHER;
}

static int checksum_holds(const vpn_ip *ip, const uint8_t *packet)
{
    const uint8_t *icmp = packet + ip->transport;
    uint32_t bytes = ip->total - ip->transport;

    if (ip->version == 4)
        return vpn_checksum(icmp, bytes) == 0;
    return vpn_checksum_transport(6, VPN_IP_ICMP6, ip->src, ip->dst, icmp, bytes) == 0;
}

/* A length of 0 says that there are no extensions, and older senders write anything there. */
uint32_t vpn__icmp_quote_bytes(const vpn_ip *ip, const uint8_t *icmp, uint32_t rest)
{
    uint32_t bytes = 0;

    if (ip->version == 4 && (ip->icmp_type == 3 || ip->icmp_type == 11 || ip->icmp_type == 12))
        bytes = icmp[5] * 4u;
    else if (ip->version == 6 && (ip->icmp_type == 1 || ip->icmp_type == 3))
        bytes = icmp[4] * 8u;
    return bytes != 0 && bytes < rest ? bytes : rest;
}

static int read_error(vpn_icmp_error *out, const uint8_t *packet, size_t length)
{
    vpn_ip *ip = &out->outer;
    const uint8_t *icmp;
    int error = vpn_ip_parse(ip, packet, length);

    if (error != VPN_OK)
        return error;
    if ((ip->flags & VPN_IP_ERROR) == 0 || (ip->version == 6 && ip->icmp_type == REDIRECT6))
        return VPN_ENOENT;
    if ((ip->flags & VPN_IP_FRAGMENT) != 0 || !checksum_holds(ip, packet))
        return VPN_EFORMAT;
    icmp = packet + ip->transport;
    out->kind = kind_of(ip);
    if (out->kind == VPN_ICMP_KIND_TOO_BIG)
        out->mtu = ip->version == 4 ? vpn__load16be(icmp + 6) : vpn__load32be(icmp + 4);
    out->offset = ip->transport + ICMP_HEADER;
    out->bytes = vpn__icmp_quote_bytes(ip, icmp, ip->total - out->offset);
    error = vpn__ip_parse_quoted(&out->quoted, packet + out->offset, out->bytes);
    if (error != VPN_OK)
        return error;
    if (out->quoted.version != ip->version || (out->quoted.flags & VPN_IP_ERROR) != 0)
        return VPN_EFORMAT;
    if (out->bytes > out->quoted.total)
        out->bytes = out->quoted.total;
    return VPN_OK;
}

int vpn_icmp_error_parse(vpn_icmp_error *out, const uint8_t *packet, size_t length)
{
    int error;

    memset(out, 0, sizeof *out);
    error = read_error(out, packet, length);
    if (error != VPN_OK)
        memset(out, 0, sizeof *out);
    return error;
}
