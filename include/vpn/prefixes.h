/* SPDX-License-Identifier: ISC */
/**
 * @file prefixes.h
 * @brief Sets of IPv4 and IPv6 addresses, given and listed as prefixes: union, difference, and the fewest prefixes.
 *
 * A set holds addresses, not the prefixes it was made from: two sets that hold the same addresses are equal and list the same
 * prefixes. Both families live in one set and never mix; an IPv4-mapped address is IPv6. A call with lists of n and m prefixes takes
 * O((n + m) log m) time and no recursion. One thread at a time; several threads may read while none changes the set.
 */
#ifndef VPN_PREFIXES_H
#define VPN_PREFIXES_H

#include <vpn/allowedips.h>

VPN_BEGIN

/** @brief The set. Opaque. */
typedef struct vpn_prefixes vpn_prefixes;

/** @brief Most ranges that a set holds in each family. */
#define VPN_PREFIXES_MAX 0x3ffffffu

/**
 * @brief Makes an empty set.
 * @param out receives the set; the caller frees it with vpn_prefixes_free.
 * @param env NULL for the defaults.
 * @return 0, VPN_EINVAL (a bad `env`) or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_prefixes_new(vpn_prefixes **out, const vpn_env *env);

/** @brief Frees a set; NULL is allowed. Since 0.1. */
VPN_API void vpn_prefixes_free(vpn_prefixes *set);

/**
 * @brief Adds the addresses of a list of prefixes, which may overlap and stand in any order. One call with a long list is
 * much cheaper than many with short ones.
 * @param prefixes NULL only when `count` is 0; bits past a prefix's length are ignored.
 * @return 0, VPN_EINVAL (a family, length or reserved byte), VPN_ELIMIT or VPN_ENOMEM; on error nothing has changed. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_prefixes_add(vpn_prefixes *set, const vpn_prefix *prefixes, size_t count);

/** @brief Takes the addresses of a list of prefixes out; as vpn_prefixes_add otherwise. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_prefixes_subtract(vpn_prefixes *set, const vpn_prefix *prefixes,
                                                              size_t count);

/** @brief Adds what `other` holds. 0, VPN_ELIMIT or VPN_ENOMEM; on error nothing has changed. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_prefixes_add_set(vpn_prefixes *set, const vpn_prefixes *other);

/** @brief Takes out what `other` holds. 0, VPN_ELIMIT or VPN_ENOMEM; on error nothing has changed. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_prefixes_subtract_set(vpn_prefixes *set, const vpn_prefixes *other);

/**
 * @brief Whether an address is in the set.
 * @param family 4 or 6; anything else is in no set.
 * @param addr 4 or 16 bytes in network order.
 * @return 1 or 0. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) int vpn_prefixes_contains(const vpn_prefixes *set, uint8_t family,
                                                                 const uint8_t *addr);

/** @brief 1 when all addresses of a prefix are in the set, else 0, also for a prefix that is none. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_prefixes_covers(const vpn_prefixes *set, const vpn_prefix *prefix);

/** @brief 1 when at least one address of a prefix is in the set, else 0, also for a prefix that is none. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_prefixes_overlaps(const vpn_prefixes *set, const vpn_prefix *prefix);

/** @brief 1 when two sets hold the same addresses, else 0. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_prefixes_equal(const vpn_prefixes *a, const vpn_prefixes *b);

/** @brief How many prefixes vpn_prefixes_list writes. Takes time proportional to it. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) size_t vpn_prefixes_count(const vpn_prefixes *set);

/**
 * @brief Lists the set as the fewest prefixes, disjoint, IPv4 before IPv6, each family in ascending order.
 * @param out room for `capacity` prefixes; NULL when `capacity` is 0.
 * @param count receives how many there are.
 * @return 0, or VPN_ESPACE and then `count` is the need and `out` holds the first `capacity`. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 4) int vpn_prefixes_list(const vpn_prefixes *set, vpn_prefix *out, size_t capacity,
                                                             size_t *count);

VPN_END

#endif
