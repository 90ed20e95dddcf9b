/* SPDX-License-Identifier: ISC */
/**
 * @file mtu.h
 * @brief MTU arithmetic. Pure; any thread.
 *
 * A WireGuard data message carries 16 bytes of header and 16 bytes of tag; with UDP (8) and IPv4 (20, without options)
 * or IPv6 (40, without extension headers) that makes 60 or 80 bytes around an inner packet. Other ways to carry it have
 * a kind.
 *
 * | kind | between the IP header and the inner packet | bytes | over IPv4 | over IPv6 |
 * | --- | --- | --- | --- | --- |
 * | VPN_MTU_WG_UDP | UDP 8, WireGuard 32 | 40 | 60 | 80 |
 * | VPN_MTU_WG_TCP | TCP 20 + 12, length 2, WireGuard 32 | 66 | 86 | 106 |
 * | VPN_MTU_WG_UDP_TCP | TCP 20 + 12, length 2, UDP 8, WireGuard 32 | 74 | 94 | 114 |
 */
#ifndef VPN_MTU_H
#define VPN_MTU_H

#include <vpn/base.h>

VPN_BEGIN

#define VPN_WG_OVERHEAD   32    /**< header and tag */
#define VPN_WG_OUTER_IPV4 60    /**< with UDP and IPv4 */
#define VPN_WG_OUTER_IPV6 80    /**< with UDP and IPv6 */
#define VPN_MTU_DEFAULT   1420  /**< fits a path of 1500 over either family */
#define VPN_MTU_MIN_IPV4  576   /**< every IPv4 host accepts as much (RFC 791) */
#define VPN_MTU_MIN_IPV6  1280  /**< least link MTU of IPv6 (RFC 8200 section 5) */
#define VPN_MTU_MAX       65535 /**< longest IP packet that a 16-bit length can say */

/**
 * @brief Greatest inner packet whose outer packet fits a path.
 * @param path_mtu bytes of the greatest outer IP packet; more than VPN_MTU_MAX counts as VPN_MTU_MAX.
 * @param family 4 or 6: of the outer network.
 * @return bytes, or 0 when nothing fits or `family` is neither. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_inner(uint32_t path_mtu, uint8_t family);

/**
 * @brief Size of the outer IP packet that carries an inner packet of `inner` bytes, standard padding included.
 * @param inner bytes of the inner packet; 0 is a keepalive.
 * @param mtu inner MTU, past which no padding goes; 0 for none.
 * @param family 4 or 6.
 * @return bytes, or 0 when `family` is neither or the sum leaves 32 bits. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_outer(uint32_t inner, uint32_t mtu, uint8_t family);

/**
 * @brief Zeros that follow an inner packet: up to a multiple of 16, never past the MTU. A packet longer than the MTU
 * is padded as its last segment of `mtu` bytes would be.
 * @param mtu inner MTU; 0 for none.
 * @return 0..15. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_padding(uint32_t inner, uint32_t mtu);

/**
 * @name Kinds of encapsulation
 *
 * In a TCP stream each message stands behind a length of 2 bytes, as in RFC 9329. A stream has no packets, so
 * what the table says of TCP is how long a message may be to fill one segment, whose header holds a time stamp (RFC
 * 7323). Numbers are never used again; ESP gets its own.
 * @{ */
#define VPN_MTU_WG_UDP     1 /**< WireGuard as it is: a message in a UDP datagram */
#define VPN_MTU_WG_TCP     2 /**< a message in a TCP stream */
#define VPN_MTU_WG_UDP_TCP 3 /**< a datagram with its UDP header in a TCP stream */
/** @} */

/**
 * @brief Bytes around an inner packet, outer IP header included, standard padding not.
 * @param kind VPN_MTU_*.
 * @param family 4 or 6: of the outer network.
 * @param options bytes of IPv4 options (0..40, a multiple of 4) or of IPv6 extension headers (a multiple of 8, at most
 * 2048) in the outer packets.
 * @return bytes, or 0: an argument is not as it must be. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_overhead(uint32_t kind, uint8_t family, uint32_t options);

/**
 * @brief Greatest inner packet that fits a path: the inner MTU.
 * @param path_mtu bytes of the greatest outer IP packet; more than VPN_MTU_MAX counts as VPN_MTU_MAX.
 * @return bytes, or 0: nothing fits, or vpn_mtu_overhead is 0. May be less than vpn_mtu_floor allows. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_from_path(uint32_t kind, uint8_t family, uint32_t options, uint32_t path_mtu);

/**
 * @brief Path MTU that an inner MTU needs, so that no outer packet is fragmented; the inverse of vpn_mtu_from_path.
 * @param inner_mtu of the tunnel, past which no padding goes.
 * @return bytes, or 0: vpn_mtu_overhead is 0, or the outer packet would be longer than VPN_MTU_MAX. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_to_path(uint32_t kind, uint8_t family, uint32_t options, uint32_t inner_mtu);

/**
 * @brief An inner MTU that may be set: not under VPN_MTU_MIN_IPV6 where the tunnel carries IPv6 (RFC 8200 section 5),
 * nor under VPN_MTU_MIN_IPV4. Where the result is greater than `inner_mtu`, outer packets of that size need
 * fragmentation.
 * @param carries_ipv6 not 0: there is inner IPv6.
 * @return VPN_MTU_MIN_IPV4 .. VPN_MTU_MAX. Since 0.1.
 */
VPN_API VPN_MUST_USE uint32_t vpn_mtu_floor(uint32_t inner_mtu, uint32_t carries_ipv6);

VPN_END

#endif
