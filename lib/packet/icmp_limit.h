/* SPDX-License-Identifier: ISC */
#ifndef VPN_LIB_PACKET_ICMP_LIMIT_H
#define VPN_LIB_PACKET_ICMP_LIMIT_H

#include <vpn/icmp.h>

/* Takes one error from the budget of all and one from that of an address (IPv4 in the first 4 bytes, then zeros). 1, or 0 and
   nothing was taken. */
int vpn__icmp_spend(vpn_icmp *icmp, const uint8_t addr[16], vpn_time now);

#endif
