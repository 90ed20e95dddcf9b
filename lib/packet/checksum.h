/* SPDX-License-Identifier: ISC */
/* The Internet checksum (RFC 1071). A sum is kept in the byte order of memory, in which it needs no swapping, and folded at the
   end; sums of parts are added, when each part begins at an even place. */
#ifndef VPN_LIB_PACKET_CHECKSUM_H
#define VPN_LIB_PACKET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Sum of `bytes` bytes, at most 2^24; an odd one at the end counts as followed by zero. */
uint64_t vpn__sum(const uint8_t *p, size_t bytes);
/* Sum of one 16-bit number in network order. */
uint64_t vpn__sum16(uint16_t value);
/* Folded, in memory order, not complemented; the sum is of less than 2^16 terms. */
uint16_t vpn__sum_fold(uint64_t sum);
/* Writes the checksum: the complement of the folded sum. */
void vpn__sum_store(uint8_t out[2], uint64_t sum);
/* The pseudo-header of TCP and UDP: both addresses, `addresses` bytes in all, protocol and length. */
uint64_t vpn__sum_pseudo(const uint8_t *addresses, size_t bytes, uint8_t protocol, uint32_t length);

#endif
