/* SPDX-License-Identifier: ISC */
/**
 * @file checksum.h
 * @brief The Internet checksum of IPv4, ICMP, TCP and UDP: whole (RFC 1071), and brought up to date after a change (RFC
 * 1624).
 *
 * Pure; any thread; nothing allocates. A checksum is a number here, and stands in a packet with its high byte first.
 * Lengths are at most 2^24 bytes; memory may have any alignment.
 */
#ifndef VPN_CHECKSUM_H
#define VPN_CHECKSUM_H

#include <vpn/base.h>

VPN_BEGIN

/**
 * @brief Checksum of an IPv4 header or of an ICMP message, whose own checksum field is zero meanwhile.
 * @param data `bytes` bytes; an odd one at the end counts as followed by zero.
 * @return the checksum; 0 over data that holds a valid one. Since 0.1.
 */
VPN_API VPN_MUST_USE uint16_t vpn_checksum(const uint8_t *data, size_t bytes);

/**
 * @brief Checksum of TCP, UDP or ICMPv6 with the pseudo-header (RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1).
 * @param version 4 or 6: `src` and `dst` have 4 or 16 bytes. With a routing header, `dst` is the final destination.
 * @param protocol of the pseudo-header; for UDP (17) the result is never 0, which would mean that there is none.
 * @param data transport header and payload, `bytes` bytes, whose own checksum field is zero meanwhile.
 * @return the checksum; over data that holds a valid one 0, or 0xffff for UDP. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(3, 4) uint16_t
    vpn_checksum_transport(uint8_t version, uint8_t protocol, const uint8_t *src, const uint8_t *dst,
                           const uint8_t *data, size_t bytes);

/**
 * @name Changes
 *
 * A change is a number that begins with 0 and collects what was overwritten: ~m + m' of RFC 1624 equation 3, for each
 * 16-bit word m that became m'. Changes add up in any order and can be kept, for example one for each prefix that is
 * translated. Applied to the checksum of anything that contains these words, they give what a new calculation would:
 * also 0x0000 where equation 2 gives 0xffff. A checksum that did not hold does not hold afterwards. The one exception
 * is that of the RFC: of data that is all zero afterwards, which no packet is.
 * @{ */

/** @brief A 16-bit word at an even place became another. Since 0.1. */
VPN_API VPN_MUST_USE uint16_t vpn_checksum_change16(uint16_t change, uint16_t from, uint16_t to);

/** @brief A 32-bit number at an even place became another. Since 0.1. */
VPN_API VPN_MUST_USE uint16_t vpn_checksum_change32(uint16_t change, uint32_t from, uint32_t to);

/**
 * @brief `bytes` bytes became others, as an address or an option does.
 * @param offset where they begin, counted from where the checksum's data begins; only whether it is odd matters. Since
 * 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(2, 3) uint16_t
    vpn_checksum_change(uint16_t change, const uint8_t *from, const uint8_t *to, size_t bytes, size_t offset);

/** @brief Brings the checksum at `at` up to date (RFC 1624 equation 3); a change of 0 leaves it as it is. Since 0.1. */
VPN_API VPN_NONNULL(1) void vpn_checksum_apply(uint8_t at[2], uint16_t change);

/**
 * @brief The same for UDP: 0 means that there is no checksum and stays, and what comes to 0 is written as 0xffff (RFC
 * 768). Since 0.1.
 */
VPN_API VPN_NONNULL(1) void vpn_checksum_apply_udp(uint8_t at[2], uint16_t change);
/** @} */

VPN_END

#endif
