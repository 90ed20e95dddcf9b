/* SPDX-License-Identifier: ISC */
#ifndef VPN_LIB_PACKET_PARSE_H
#define VPN_LIB_PACKET_PARSE_H

#include <vpn/ip.h>

/* As vpn_ip_parse, for a packet that an ICMP error quotes: it may end before its own length does, from behind the fixed header
   on. Where it ends before 8 bytes of its transport, VPN_IP_INCOMPLETE is set and the transport is not read. */
int vpn__ip_parse_quoted(vpn_ip *out, const uint8_t *data, size_t length);

#endif
