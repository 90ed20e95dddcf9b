/* SPDX-License-Identifier: ISC */
/* Inner IPv4 and IPv6 packets: what a tunnel must know of them, and ECN across it. */
#ifndef VPN_LIB_PACKET_IP_H
#define VPN_LIB_PACKET_IP_H

#include <vpn/base.h>

#define VPN__IP4_HEADER 20
#define VPN__IP6_HEADER 40
#define VPN__IP_TCP     6
#define VPN__IP_UDP     17

struct vpn__ip {
    uint8_t version;    /* 4 or 6 */
    uint8_t tos;        /* TOS or traffic class */
    uint8_t protocol;   /* of the transport, after vpn__ip_transport */
    uint32_t total;     /* bytes of the packet by its own header; what follows is padding */
    const uint8_t *src; /* 4 or 16 bytes inside the packet */
    const uint8_t *dst;
};

/* Reads the fixed header. 0, or VPN_EFORMAT: the version, a header that does not fit, or a length of its own that is less
   than the header or more than `length`. Jumbograms are not supported: payload length 0 means an empty payload. */
int vpn__ip_parse(struct vpn__ip *out, const uint8_t *data, size_t length);

/* Where the transport header begins in a packet that vpn__ip_parse took, behind IPv4 options or IPv6 extension headers (RFC 8200
   section 4); also sets `protocol`. 0: a fragment, or a header that does not fit. */
uint32_t vpn__ip_transport(struct vpn__ip *ip, const uint8_t *packet);

/* Writes a header without options or extensions, of which `ip` says everything but a hop limit of 64; in IPv4 with DF, so that
   the identification means nothing (RFC 6864 section 4.1), and with its checksum. Returns its bytes. */
uint32_t vpn__ip_write(uint8_t *out, const struct vpn__ip *ip);

/* The outer TOS byte: DSCP 0, ECN copied (RFC 6040 section 4.1, normal mode). */
uint8_t vpn__ecn_outer(uint8_t inner_tos);

/* Brings the congestion mark of the outer header into the inner packet that `ip` was parsed from (RFC 6040 section 4.2),
   except that outer CE on an inner Not-ECT changes nothing, where the RFC would drop. */
void vpn__ecn_inner(uint8_t *packet, const struct vpn__ip *ip, uint8_t outer_tos);

#endif
