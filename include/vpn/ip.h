/* SPDX-License-Identifier: ISC */
/**
 * @file ip.h
 * @brief Reads the headers of an IPv4 or IPv6 packet once, into checked values, for filters, translation and logs.
 *
 * Pure; any thread; nothing allocates. Only bytes within the packet's own length are read, and no more of them than a
 * bounded number of headers. Checksums are not verified: see vpn/checksum.h.
 */
#ifndef VPN_IP_H
#define VPN_IP_H

#include <vpn/base.h>

VPN_BEGIN

#define VPN_IP_EXTENSIONS_MAX 16 /**< extension headers that are read; a packet with more is refused */

/** @name Protocols that the reader knows
 * @{ */
#define VPN_IP_ICMP    1   /**< RFC 792; only in IPv4 */
#define VPN_IP_TCP     6   /**< RFC 9293 */
#define VPN_IP_UDP     17  /**< RFC 768 */
#define VPN_IP_DCCP    33  /**< RFC 4340 */
#define VPN_IP_ESP     50  /**< RFC 4303: what follows is sealed */
#define VPN_IP_AH      51  /**< RFC 4302: passed over */
#define VPN_IP_ICMP6   58  /**< RFC 4443; only in IPv6 */
#define VPN_IP_NOTHING 59  /**< no next header (RFC 8200 section 4.7) */
#define VPN_IP_SCTP    132 /**< RFC 9260 */
#define VPN_IP_UDPLITE 136 /**< RFC 3828 */
/** @} */

/** @name What is said of a packet
 * @{ */
#define VPN_IP_DF         0x001u /**< IPv4: routers must not fragment it */
#define VPN_IP_FRAGMENT   0x002u /**< a part of a packet. One that is whole, with a fragment header (RFC 6946), is none */
#define VPN_IP_LATER      0x004u /**< a fragment that is not the first: it has no transport header */
#define VPN_IP_MORE       0x008u /**< a fragment that is not the last */
#define VPN_IP_PORTS      0x010u /**< `src_port` and `dst_port` are set: TCP, UDP, UDP-Lite, SCTP, DCCP */
#define VPN_IP_CONTROL    0x020u /**< `icmp_type`, `icmp_code` and `icmp_id` are set: ICMP or ICMPv6 */
#define VPN_IP_ERROR      0x040u /**< it is an ICMP error or redirect, about which no ICMP error is ever sent */
#define VPN_IP_PROTECTED  0x080u /**< there is an authentication header: what is changed does not arrive */
#define VPN_IP_EXTENDED   0x100u /**< there are IPv4 options or IPv6 extension headers */
#define VPN_IP_INCOMPLETE 0x200u /**< quoted in an ICMP error, and cut off before its transport header could be read */
/** @} */

/** @brief A packet's headers. What does not apply is zero. */
typedef struct vpn_ip {
    uint8_t version;          /**< 4 or 6 */
    uint8_t tos;              /**< TOS or traffic class: DSCP and ECN */
    uint8_t hop_limit;        /**< or TTL */
    uint8_t protocol;         /**< of the transport, behind all extension headers; VPN_IP_* */
    uint32_t flags;           /**< VPN_IP_DF .. VPN_IP_INCOMPLETE */
    uint32_t header;          /**< bytes of the IP header: IPv4 with its options, IPv6 always 40 */
    uint32_t total;           /**< bytes of the packet by its own length; what follows is padding */
    uint32_t transport;       /**< where the transport header begins, or what stands in its place */
    uint32_t fragment_offset; /**< bytes */
    uint32_t id;              /**< IPv4, or IPv6 with a fragment header: identification */
    uint16_t src_port;        /**< with VPN_IP_PORTS */
    uint16_t dst_port;        /**< with VPN_IP_PORTS */
    uint16_t icmp_id;         /**< of an echo request or reply */
    uint8_t icmp_type;        /**< with VPN_IP_CONTROL */
    uint8_t icmp_code;        /**< with VPN_IP_CONTROL */
    uint8_t tcp_flags;        /**< CWR 0x80, ECE, URG, ACK 0x10, PSH, RST, SYN 0x02, FIN 0x01 */
    uint8_t reserved[3];      /**< zero */
    uint8_t src[16];          /**< source; IPv4 in the first 4 bytes */
    uint8_t dst[16];          /**< destination; that of the header, also with a routing header */
} vpn_ip;

/**
 * @brief Reads all headers up to the transport's.
 *
 * Refused is what contradicts itself, since two readers would understand it differently: lengths that do not fit into
 * one another, options that run out of their header, a hop-by-hop header that is not the first (RFC 8200 section 4.1),
 * two fragment headers, fragments that cannot be part of a packet of 65535 bytes or end between multiples of 8, and a
 * transport header of a known protocol that is not whole, also in a first fragment (RFC 7112, RFC 1858). Jumbograms
 * (RFC 2675) are refused as well.
 *
 * Passed over, in any order and number up to VPN_IP_EXTENSIONS_MAX: hop-by-hop options, routing, fragment, destination
 * options, Shim6 and authentication headers, the last also in IPv4. Mobility and HIP headers count as transports. With
 * VPN_IP_ESP and VPN_IP_NOTHING nothing behind is read. vpn/filter.h passes over the same, but for IPv4 authentication
 * headers, behind which it does not look.
 * @param out set whole; on an error all zero.
 * @param data `length` bytes from the IP header on.
 * @return 0; VPN_EFORMAT: as above, or no IPv4 or IPv6; VPN_ELIMIT: too many extension headers. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_ip_parse(vpn_ip *out, const uint8_t *data, size_t length);

VPN_END

#endif
