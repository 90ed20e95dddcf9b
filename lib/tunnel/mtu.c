/* SPDX-License-Identifier: ISC */
#include <vpn/mtu.h>

#define PADDING_MULTIPLE 16u

static uint32_t outer_overhead(uint8_t family)
{
    return family == 4 ? VPN_WG_OUTER_IPV4 : family == 6 ? VPN_WG_OUTER_IPV6 : 0;
}

uint32_t vpn_mtu_inner(uint32_t path_mtu, uint8_t family)
{
    uint32_t overhead = outer_overhead(family);
    if (overhead == 0 || path_mtu <= overhead)
        return 0;
    return (path_mtu < VPN_MTU_MAX ? path_mtu : VPN_MTU_MAX) - overhead;
}

uint32_t vpn_mtu_outer(uint32_t inner, uint32_t mtu, uint8_t family)
{
    uint32_t overhead = outer_overhead(family);
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
