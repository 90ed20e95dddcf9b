/* SPDX-License-Identifier: ISC */
#ifndef VPN_LIB_PACKET_ICMP_H
#define VPN_LIB_PACKET_ICMP_H

#include <vpn/icmp.h>

/* Reads a packet that an error may be about. Of one with a wrong checksum nothing is believed. As vpn_ip_parse. */
int vpn__icmp_read(vpn_ip *ip, const uint8_t *packet, size_t length);
/* 0, or the VPN_ICMP_* that forbids an error about it. */
int vpn__icmp_judge(const vpn_ip *ip);

#endif
