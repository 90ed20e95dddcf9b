/* SPDX-License-Identifier: ISC */
#include <vpn/icmp.h>

#include <string.h>

#include <vpn/checksum.h>

#include "base/bytes.h"
#include "packet/icmp.h"
#include "packet/icmp_limit.h"
#include "packet/ip.h"

#define TCP_HEADER 20u

#define SEQUENCE 4u
#define ACK_FOR  8u
#define OFFSET   12u
#define FLAGS    13u
#define CHECKSUM 16u

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define ACK 0x10u

/* Sequence numbers that a segment takes, SYN and FIN counted (RFC 9293 section 3.4). */
static uint32_t numbers(const vpn_ip *ip, const uint8_t *tcp)
{
    uint32_t there = ip->total - ip->transport, header = (uint32_t)(tcp[OFFSET] >> 4) * 4;
    uint32_t data = header < there ? there - header : 0;

    return data + ((ip->tcp_flags & SYN) != 0) + ((ip->tcp_flags & FIN) != 0);
}

/* RFC 9293 section 3.10.7.1: with ACK, the reset has the number that it asks for; without, it acknowledges what came. */
static void write_tcp(uint8_t *out, const vpn_ip *ip, const uint8_t *tcp)
{
    memset(out, 0, TCP_HEADER);
    vpn__store16be(out, ip->dst_port);
    vpn__store16be(out + 2, ip->src_port);
    out[OFFSET] = TCP_HEADER / 4 << 4;
    out[FLAGS] = RST;
    if (ip->tcp_flags & ACK) {
        memcpy(out + SEQUENCE, tcp + ACK_FOR, 4);
        return;
    }
    vpn__store32be(out + ACK_FOR, vpn__load32be(tcp + SEQUENCE) + numbers(ip, tcp));
    out[FLAGS] = RST | ACK;
}

/* `room` becomes the length, or the need. */
static int reset(vpn_icmp *icmp, uint8_t *out, size_t *room, const uint8_t *packet, const vpn_ip *ip, vpn_time now)
{
    uint32_t header = ip->version == 4 ? VPN__IP4_HEADER : VPN__IP6_HEADER, total = header + TCP_HEADER;
    struct vpn__ip answer = {
        .version = ip->version, .protocol = VPN_IP_TCP, .total = total, .src = ip->dst, .dst = ip->src};
    size_t have = *room;
    int silent = vpn__icmp_judge(ip);

    *room = 0;
    if (silent == 0 && (ip->tcp_flags & RST) != 0)
        silent = VPN_ICMP_ERROR;
    if (silent != 0)
        return silent;
    if (have < total) {
        *room = total;
        return VPN_ESPACE;
    }
    if (!vpn__icmp_spend(icmp, ip->src, now))
        return VPN_ICMP_LIMITED;
    (void)vpn__ip_write(out, &answer);
    write_tcp(out + header, ip, packet + ip->transport);
    vpn__store16be(out + header + CHECKSUM,
                   vpn_checksum_transport(ip->version, VPN_IP_TCP, ip->dst, ip->src, out + header, TCP_HEADER));
    *room = total;
    return VPN_OK;
}

/* UDP and the like as if nobody listened, the rest as what is not allowed; by the destination in either case. */
static int unreachable(vpn_icmp *icmp, uint8_t *out, size_t *room, const uint8_t *packet, const vpn_ip *ip,
                       vpn_time now)
{
    uint32_t flags = icmp->flags, why = ip->flags & VPN_IP_PORTS ? VPN_ICMP_NO_PORT : VPN_ICMP_PROHIBITED;

    icmp->flags |= VPN_ICMP_AS_DESTINATION;
    int result = vpn_icmp_unreachable(icmp, out, room, packet, ip->total, why, now);
    icmp->flags = flags;
    return result;
}

int vpn_icmp_refuse(vpn_icmp *icmp, uint8_t *out, size_t *bytes, const uint8_t *packet, size_t length, vpn_time now)
{
    size_t room = *bytes;
    vpn_ip ip;
    int error = vpn__icmp_read(&ip, packet, length);

    *bytes = 0;
    if (error != VPN_OK)
        return error;
    error = ip.protocol == VPN_IP_TCP && (ip.flags & VPN_IP_PORTS) != 0
                ? reset(icmp, out, &room, packet, &ip, now)
                : unreachable(icmp, out, &room, packet, &ip, now);
    *bytes = room;
    return error;
}
