/* SPDX-License-Identifier: ISC */
/**
 * @file mtu.h
 * @brief MTU arithmetic of WireGuard. Pure; any thread.
 *
 * A WireGuard data message carries 16 bytes of header and 16 bytes of tag; with UDP (8) and IPv4 (20, without options) or
 * IPv6 (40, without extension headers) that makes 60 or 80 bytes around an inner packet.
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

VPN_END

#endif
