/* SPDX-License-Identifier: ISC */
#include <vpn/mtu.h>

#define PADDING_MULTIPLE 16u

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define UDP_HEADER  8u
#define TCP_HEADER  32u /* with the time stamp that most hosts send, and the padding it takes */
#define LENGTH      2u

#define IPV4_OPTIONS_MAX 40u
#define IPV6_OPTIONS_MAX 2048u

_Static_assert(VPN_WG_OUTER_IPV4 == VPN_WG_OVERHEAD + UDP_HEADER + IPV4_HEADER, "as the table says");
_Static_assert(VPN_WG_OUTER_IPV6 == VPN_WG_OVERHEAD + UDP_HEADER + IPV6_HEADER, "as the table says");

/* Between the IP header and the inner packet. */
static uint32_t kind_overhead(uint32_t kind)
{
    switch (kind) {
    case VPN_MTU_WG_UDP:
        return UDP_HEADER + VPN_WG_OVERHEAD;
    case VPN_MTU_WG_TCP:
        return TCP_HEADER + LENGTH + VPN_WG_OVERHEAD;
    case VPN_MTU_WG_UDP_TCP:
        return TCP_HEADER + LENGTH + UDP_HEADER + VPN_WG_OVERHEAD;
    default:
        return 0;
    }
}

uint32_t vpn_mtu_overhead(uint32_t kind, uint8_t family, uint32_t options)
{
    uint32_t between = kind_overhead(kind);

    if (between != 0 && family == 4 && options <= IPV4_OPTIONS_MAX && options % 4 == 0)
        return IPV4_HEADER + options + between;
    if (between != 0 && family == 6 && options <= IPV6_OPTIONS_MAX && options % 8 == 0)
        return IPV6_HEADER + options + between;
    return 0;
}

uint32_t vpn_mtu_from_path(uint32_t kind, uint8_t family, uint32_t options, uint32_t path_mtu)
{
    uint32_t overhead = vpn_mtu_overhead(kind, family, options);

    if (overhead == 0 || path_mtu <= overhead)
        return 0;
    return (path_mtu < VPN_MTU_MAX ? path_mtu : VPN_MTU_MAX) - overhead;
}

uint32_t vpn_mtu_to_path(uint32_t kind, uint8_t family, uint32_t options, uint32_t inner_mtu)
{
    uint32_t overhead = vpn_mtu_overhead(kind, family, options);

    return overhead != 0 && inner_mtu <= VPN_MTU_MAX - overhead ? inner_mtu + overhead : 0;
}

uint32_t vpn_mtu_floor(uint32_t inner_mtu, uint32_t carries_ipv6)
{
    uint32_t least = carries_ipv6 != 0 ? VPN_MTU_MIN_IPV6 : VPN_MTU_MIN_IPV4;

    return inner_mtu < least ? least : inner_mtu < VPN_MTU_MAX ? inner_mtu : VPN_MTU_MAX;
}

uint32_t vpn_mtu_inner(uint32_t path_mtu, uint8_t family)
{
    return vpn_mtu_from_path(VPN_MTU_WG_UDP, family, 0, path_mtu);
}

uint32_t vpn_mtu_outer(uint32_t inner, uint32_t mtu, uint8_t family)
{
    uint32_t overhead = vpn_mtu_overhead(VPN_MTU_WG_UDP, family, 0);
    uint64_t outer = (uint64_t)inner + vpn_mtu_padding(inner, mtu) + overhead;
    return overhead != 0 && outer <= UINT32_MAX ? (uint32_t)outer : 0;
}

/* A packet longer than the MTU was joined from segments and is split again behind the tunnel: its last segment decides. */
uint32_t vpn_mtu_padding(uint32_t inner, uint32_t mtu)
{
    uint32_t last = mtu != 0 && inner > mtu ? inner % mtu : inner;
    uint32_t padding = (0u - last) % PADDING_MULTIPLE;
    return mtu != 0 && padding > mtu - last ? mtu - last : padding;
}
