/* SPDX-License-Identifier: ISC */
/* Asks the system which way a packet would take. */
#ifndef VPNCTL_WAY_H
#define VPNCTL_WAY_H

#include <vpn/vpn.h>

typedef struct system_way {
    int kind;          /* a VPN_WAY_*, but never VPN_WAY_TUNNEL: the caller knows its link */
    uint32_t link;     /* index */
    vpn_prefix source; /* family 0: not told */
} system_way;

/* The way to an address with a firewall mark. VPN_WAY_NOTHING when the system does not say. */
void way_ask(system_way *out, uint8_t family, const uint8_t *addr, uint32_t mark);

#endif
