/* SPDX-License-Identifier: ISC */
/**
 * @file replay.h
 * @brief The anti-replay window of RFC 6479, usable alone.
 *
 * A bitmap of B bits (a power of two, 128..8192) remembers which of the last counters were received. A counter is too
 * old when it is more than B - 64 below the greatest one received. Counters start from 0 and use the whole 64 bits.
 * Call it only for authentic packets. One thread at a time.
 */
#ifndef VPN_REPLAY_H
#define VPN_REPLAY_H

#include <vpn/base.h>

VPN_BEGIN

#define VPN_REPLAY_BITS_MIN 128  /**< smallest bitmap: a window of 64 */
#define VPN_REPLAY_BITS_MAX 8192 /**< largest bitmap: a window of 8128 */
/** @brief Elements of the bitmap for a window of `bits` bits. */
#define VPN_REPLAY_WORDS(bits) ((bits) / 64)

/** @brief A window. The fields are private. */
typedef struct vpn_replay {
    /** @cond private */
    uint64_t greatest;
    uint64_t *map;
    uint32_t words;
    uint32_t reserved;
    /** @endcond */
} vpn_replay;

/**
 * @brief Starts an empty window.
 * @param map VPN_REPLAY_WORDS(bits) elements that live as long as the window.
 * @return 0, or VPN_EINVAL when `bits` is no power of two in 128..8192. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_replay_init(vpn_replay *window, uint64_t *map, uint32_t bits);

/**
 * @brief Would vpn_replay_accept take this counter?
 * @return 0 or VPN_EREPLAY. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_replay_check(const vpn_replay *window, uint64_t counter);

/**
 * @brief Takes a counter that was not taken before.
 * @return 0, or VPN_EREPLAY when it was taken before or is too old, and then nothing has changed. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_replay_accept(vpn_replay *window, uint64_t counter);

VPN_END

#endif
