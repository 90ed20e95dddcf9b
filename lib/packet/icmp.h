/* SPDX-License-Identifier: ISC */
#ifndef VPN_LIB_PACKET_ICMP_H
#define VPN_LIB_PACKET_ICMP_H

#include <vpn/icmp.h>

/* What an error says: type, code, and the 32 bits behind the checksum. */
struct vpn__icmp_message {
    uint8_t type, code;
    uint32_t word;
};

/* Reads a packet that an error may be about. Of one with a wrong checksum nothing is believed. As vpn_ip_parse. */
int vpn__icmp_read(vpn_ip *ip, const uint8_t *packet, size_t length);
/* 0, or the VPN_ICMP_* that forbids an error about it. */
int vpn__icmp_judge(const vpn_ip *ip);
/* Writes the error in the name of `source`, an address of the packet's family; NULL: VPN_EINVAL. `room` becomes the length, or
   the need. */
int vpn__icmp_answer(vpn_icmp *icmp, const uint8_t *source, uint8_t *out, size_t *room, const uint8_t *packet,
                     const vpn_ip *about, const struct vpn__icmp_message *message, vpn_time now);

#endif
