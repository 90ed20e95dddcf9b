/* SPDX-License-Identifier: ISC */
/**
 * @file mss.h
 * @brief TCP MSS clamping: both ends of a connection are made to send segments that fit the tunnel, whatever becomes of
 * ICMP.
 *
 * Pure; any thread; nothing allocates.
 */
#ifndef VPN_MSS_H
#define VPN_MSS_H

#include <vpn/base.h>

VPN_BEGIN

/** @name Flags
 * @{ */
/** The TCP checksum is still to be completed by whoever sends the packet (VPN_OFFLOAD_CHECKSUM): it is left as it is. */
#define VPN_MSS_PARTIAL 0x1u
/** @} */

#define VPN_MSS_UNTOUCHED 0 /**< nothing was to be done */
#define VPN_MSS_CLAMPED   1 /**< the packet has changed */

/**
 * @brief Lowers the MSS option of a SYN or SYN-ACK over IPv4 or IPv6 to what fits an MTU, in place.
 *
 * The greatest MSS is the MTU less 40 bytes in IPv4 and 60 in IPv6: IP and TCP headers without options, for which the
 * sender allows by itself (RFC 9293 section 3.7.1). The option is lowered and never raised, in each place where it
 * stands, at even and odd offsets; nothing else changes but the checksum, which stays as right or as wrong as it was.
 *
 * Where the option is absent nothing is added: its default is 536 in IPv4 and 1220 in IPv6 (RFC 9293 section 3.7.1),
 * and no clamp goes below that, for a lower MTU counts as VPN_MTU_MIN_IPV4 or VPN_MTU_MIN_IPV6.
 *
 * TCP-AO (RFC 5925) may authenticate options, and a SYN that has changed is then refused by the other end; TCP-MD5 (RFC
 * 2385) does not.
 *
 * Left as they are: what is no TCP or has no SYN, later fragments, TCP behind an authentication header, and options
 * from the first one on whose length contradicts its header. Options of a wrong length for their kind are passed over.
 * @param packet `length` bytes from the IP header on.
 * @param mtu of the tunnel, from vpn_mtu_inner or the interface.
 * @param flags VPN_MSS_PARTIAL or 0.
 * @return VPN_MSS_CLAMPED, VPN_MSS_UNTOUCHED, VPN_EINVAL (unknown flags), or what vpn_ip_parse says of a packet that it
 * refuses; a packet that is clearly no SYN may not be looked at as closely. Since 0.1.
 */
VPN_API VPN_MUST_USE int vpn_mss_clamp(uint8_t *packet, size_t length, uint32_t mtu, uint32_t flags);

VPN_END

#endif
