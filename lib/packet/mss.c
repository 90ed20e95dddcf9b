/* SPDX-License-Identifier: ISC */
#include <vpn/mss.h>

#include <vpn/checksum.h>
#include <vpn/ip.h>

#include "base/bytes.h"
#include "packet/ip.h"

#define TCP_HEADER   20u
#define TCP_OFFSET   12
#define TCP_FLAGS    13
#define TCP_CHECKSUM 16
#define FLAG_SYN     0x02u

#define OPTION_END  0
#define OPTION_NONE 1
#define OPTION_MSS  2
#define MSS_BYTES   4u

#define MTU_LEAST4 576u
#define MTU_LEAST6 1280u

static uint16_t greatest(uint8_t version, uint32_t mtu)
{
    uint32_t least = version == 4 ? MTU_LEAST4 : MTU_LEAST6;
    uint32_t mss = (mtu > least ? mtu : least) - TCP_HEADER - (version == 4 ? VPN__IP4_HEADER : VPN__IP6_HEADER);

    return (uint16_t)(mss < 0xffff ? mss : 0xffff);
}

/* Most packets are told by a few bytes: another protocol or TCP without SYN right behind a fixed header, and a whole packet. */
static int is_other(const uint8_t *packet, size_t length)
{
    uint32_t at = packet[0] == 0x45 ? VPN__IP4_HEADER : packet[0] >> 4 == 6 ? VPN__IP6_HEADER : 0;

    if (at == 0 || length < at + TCP_HEADER)
        return 0;
    if (at == VPN__IP4_HEADER && packet[9] != VPN_IP_AH &&
        (packet[9] != VPN_IP_TCP || (vpn__load16be(packet + 6) & 0x1fffu) != 0))
        return 1;
    if (at == VPN__IP6_HEADER && packet[6] == VPN_IP_UDP)
        return 1;
    return packet[at == VPN__IP4_HEADER ? 9 : 6] == VPN_IP_TCP && (packet[at + TCP_FLAGS] & FLAG_SYN) == 0;
}

/* Lowers one option, whose value is `at` bytes behind the beginning of the TCP header. */
static uint16_t lower(uint8_t *tcp, uint32_t at, uint16_t mss, uint16_t change)
{
    uint8_t value[2];

    vpn__store16be(value, mss);
    change = vpn_checksum_change(change, tcp + at, value, sizeof value, at);
    tcp[at] = value[0];
    tcp[at + 1] = value[1];
    return change;
}

/* What the options from `at` to `end` add to the checksum. */
static uint16_t clamp_options(uint8_t *tcp, uint32_t end, uint16_t mss)
{
    uint16_t change = 0;

    for (uint32_t at = TCP_HEADER; at < end && tcp[at] != OPTION_END;) {
        if (tcp[at] == OPTION_NONE) {
            at++;
            continue;
        }
        if (end - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > end - at)
            break;
        if (tcp[at] == OPTION_MSS && tcp[at + 1] == MSS_BYTES && vpn__load16be(tcp + at + 2) > mss)
            change = lower(tcp, at + 2, mss, change);
        at += tcp[at + 1];
    }
    return change;
}

int vpn_mss_clamp(uint8_t *packet, size_t length, uint32_t mtu, uint32_t flags)
{
    uint32_t header, there;
    uint16_t change;
    uint8_t *tcp;
    vpn_ip ip;
    int error;

    if ((flags & ~VPN_MSS_PARTIAL) != 0)
        return VPN_EINVAL;
    if (length != 0 && is_other(packet, length))
        return VPN_MSS_UNTOUCHED;
    error = vpn_ip_parse(&ip, packet, length);
    if (error != VPN_OK)
        return error;
    if (ip.protocol != VPN_IP_TCP || (ip.tcp_flags & FLAG_SYN) == 0 || (ip.flags & VPN_IP_PROTECTED) != 0)
        return VPN_MSS_UNTOUCHED;
    tcp = packet + ip.transport;
    header = (uint32_t)(tcp[TCP_OFFSET] >> 4) * 4;
    there = ip.total - ip.transport; /* less than the header in a first fragment that is short */
    change = clamp_options(tcp, header < there ? header : there, greatest(ip.version, mtu));
    if (change == 0)
        return VPN_MSS_UNTOUCHED;
    if ((flags & VPN_MSS_PARTIAL) == 0)
        vpn_checksum_apply(tcp + TCP_CHECKSUM, change);
    return VPN_MSS_CLAMPED;
}
