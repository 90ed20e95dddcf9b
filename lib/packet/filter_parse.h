/* SPDX-License-Identifier: ISC */
/* What a filter must know of a packet. The only file of the filter that reads headers. */
#ifndef VPN_LIB_PACKET_FILTER_PARSE_H
#define VPN_LIB_PACKET_FILTER_PARSE_H

#include <vpn/base.h>

#define VPN__PROTO_ICMP    1
#define VPN__PROTO_TCP     6
#define VPN__PROTO_UDP     17
#define VPN__PROTO_DCCP    33
#define VPN__PROTO_ICMP6   58
#define VPN__PROTO_SCTP    132
#define VPN__PROTO_UDPLITE 136

#define VPN__TCP_FIN 0x01u
#define VPN__TCP_SYN 0x02u
#define VPN__TCP_RST 0x04u
#define VPN__TCP_ACK 0x10u

#define VPN__NO_PORT  65536u /* greater than every port */
#define VPN__NO_FLAGS 256u

enum vpn__filter_part { VPN__PART_WHOLE, VPN__PART_FIRST, VPN__PART_LATER };

enum vpn__filter_icmp { VPN__ICMP_NONE, VPN__ICMP_REQUEST, VPN__ICMP_REPLY, VPN__ICMP_ERROR, VPN__ICMP_OTHER };

struct vpn__filter_view {
    uint8_t family; /* 4 or 6 */
    uint8_t protocol;
    uint8_t part;           /* enum vpn__filter_part */
    uint8_t icmp;           /* enum vpn__filter_icmp: what kind of message, for packets that have one */
    uint16_t id;            /* of an echo */
    uint16_t flags;         /* of TCP; VPN__NO_FLAGS without */
    uint32_t ports[2];      /* source and destination, or ICMP type and code; VPN__NO_PORT without */
    uint32_t seq, ack, end; /* of TCP: sequence number, acknowledgement, and the number behind the segment */
    uint32_t fragment;      /* identification of a fragment */
    uint32_t quoted;        /* where the packet begins that an ICMP error quotes */
    uint32_t total;         /* bytes by the packet's own header, padding left out */
    const uint8_t *src;     /* inside the packet */
    const uint8_t *dst;
};

/* Reads a packet. 0, VPN_FILTER_BY_MALFORMED or VPN_FILTER_BY_TINY. */
uint8_t vpn__filter_parse(struct vpn__filter_view *v, const uint8_t *packet, size_t length);
/* Reads what an ICMP error quotes: it may be cut off behind 8 bytes of the transport header. Flags and numbers of TCP are
   not read. 0 or VPN_FILTER_BY_MALFORMED, also for later fragments. */
uint8_t vpn__filter_parse_quoted(struct vpn__filter_view *v, const uint8_t *packet, size_t length);
/* Whether the transport header begins with two ports. */
int vpn__filter_has_ports(uint32_t protocol);

#endif
