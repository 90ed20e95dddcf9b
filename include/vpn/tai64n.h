/* SPDX-License-Identifier: ISC */
/**
 * @file tai64n.h
 * @brief The 12-byte time stamp of a WireGuard initiation, which only ever increases.
 *
 * A stamp is BE64(2^62 + 10 + unix seconds), then BE32(nanoseconds rounded down to a multiple of 2^24): about 16.8 ms, so
 * that stamps tell little about the sender's clock. Stamps compare as byte strings. Any thread.
 */
#ifndef VPN_TAI64N_H
#define VPN_TAI64N_H

#include <vpn/base.h>

VPN_BEGIN

#define VPN_TAI64N_BYTES 12 /**< seconds in 8 bytes, nanoseconds in 4, big-endian */

/** @brief The stamp of a wall-clock time. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_tai64n(uint8_t out[VPN_TAI64N_BYTES], const vpn_wall *wall);

/**
 * @brief The next stamp to send: that of `wall`, or, when this would not be greater than `last`, `last` plus one step of
 * 2^24 ns with carry. So stamps increase although the clock stands still or steps back.
 * @param out may be `last` itself.
 * @param last the greatest stamp sent so far; all zero for none. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2, 3) void vpn_tai64n_next(uint8_t out[VPN_TAI64N_BYTES], const uint8_t last[VPN_TAI64N_BYTES],
                                                  const vpn_wall *wall);

/**
 * @brief Compares two stamps.
 * @return less than, equal to or greater than 0 as `a` is earlier than, equal to or later than `b`. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_tai64n_compare(const uint8_t a[VPN_TAI64N_BYTES],
                                                              const uint8_t b[VPN_TAI64N_BYTES]);

VPN_END

#endif
