/* SPDX-License-Identifier: ISC */
#ifndef VPN_LIB_PACKET_ICMP_ERROR_H
#define VPN_LIB_PACKET_ICMP_ERROR_H

#include <vpn/ip.h>

/* How much of the `rest` behind the 8 bytes of header of an ICMP error is the packet that it quotes, when extensions follow that (RFC
   4884 section 3). `icmp` is that header, `ip` the error's packet. */
uint32_t vpn__icmp_quote_bytes(const vpn_ip *ip, const uint8_t *icmp, uint32_t rest);

#endif
