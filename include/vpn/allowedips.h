/* SPDX-License-Identifier: ISC */
/**
 * @file allowedips.h
 * @brief Longest-prefix match from IPv4 and IPv6 prefixes to owners (cryptokey routing), usable alone.
 *
 * Each prefix has at most one owner; giving it to another owner moves it. Owners are small numbers chosen by the caller,
 * 0..VPN_ALLOWEDIPS_OWNER_MAX, best dense: the table spends 4 bytes for each up to the greatest. Lookups never allocate.
 * One thread at a time; several threads may look up while none changes the table.
 */
#ifndef VPN_ALLOWEDIPS_H
#define VPN_ALLOWEDIPS_H

#include <vpn/base.h>

VPN_BEGIN

/** @brief The table. Opaque. */
typedef struct vpn_allowedips vpn_allowedips;

/** @brief Greatest number that an owner may have. */
#define VPN_ALLOWEDIPS_OWNER_MAX 0xfffffeu
/** @brief "No owner". */
#define VPN_ALLOWEDIPS_NONE UINT32_MAX
/** @brief Most prefixes in a table. */
#define VPN_ALLOWEDIPS_MAX 0x3fffffffu

/**
 * @brief Makes an empty table.
 * @param out receives the table; the caller frees it with vpn_allowedips_free.
 * @param env NULL for the defaults.
 * @return 0, VPN_EINVAL (a bad `env`) or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_allowedips_new(vpn_allowedips **out, const vpn_env *env);

/** @brief Frees a table; NULL is allowed. Since 0.1. */
VPN_API void vpn_allowedips_free(vpn_allowedips *table);

/**
 * @brief Gives a prefix to an owner, taking it from the owner it had.
 * @return 0, VPN_EINVAL (family, length, reserved bytes or owner), VPN_ELIMIT or VPN_ENOMEM; on error nothing has changed. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_allowedips_insert(vpn_allowedips *table, const vpn_prefix *prefix,
                                                                 uint32_t owner);

/**
 * @brief Removes a prefix if it belongs to this owner.
 * @return 0, VPN_EINVAL, or VPN_ENOENT when the prefix is not in the table or another's. Never fails for want of memory.
 * Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) int vpn_allowedips_remove(vpn_allowedips *table, const vpn_prefix *prefix, uint32_t owner);

/** @brief Removes all prefixes of an owner, in time proportional to their number. Since 0.1. */
VPN_API VPN_NONNULL(1) void vpn_allowedips_remove_owner(vpn_allowedips *table, uint32_t owner);

/**
 * @brief The owner of the longest prefix that holds an address.
 * @param family 4 or 6; anything else gives VPN_ALLOWEDIPS_NONE.
 * @param addr 4 or 16 bytes in network order; no alignment is needed.
 * @return an owner or VPN_ALLOWEDIPS_NONE. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) uint32_t
    vpn_allowedips_lookup(const vpn_allowedips *table, uint8_t family, const uint8_t *addr);

/**
 * @brief The owners of the longest prefixes that hold each of several addresses of one family.
 *
 * Gives what vpn_allowedips_lookup gives for each, but lets the memory accesses of up to 16 lookups overlap: in a table
 * larger than the caches this is several times faster.
 * @param family 4 or 6; with anything else all owners are VPN_ALLOWEDIPS_NONE.
 * @param addrs the first address, 4 or 16 bytes in network order; no alignment is needed.
 * @param stride bytes from the start of one address to the start of the next: any number, such as the size of a structure
 * that holds one address.
 * @param owners receives `count` owners, each VPN_ALLOWEDIPS_NONE where no prefix holds the address.
 * @param count any number of addresses, also 0.
 * Since 0.1.
 */
VPN_API VPN_NONNULL(1, 3, 5) void vpn_allowedips_lookup_many(const vpn_allowedips *table, uint8_t family,
                                                             const uint8_t *addrs, size_t stride, uint32_t *owners,
                                                             size_t count);

/**
 * @brief The next prefix of an owner, in the order in which it got them.
 * @param cursor 0 to start; the call moves it. Removing the prefix that was returned last is allowed in between,
 * any other change ends the walk.
 * @param out the prefix, bits past its length zero.
 * @return 0, or VPN_ENOENT at the end. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3, 4) int vpn_allowedips_next(const vpn_allowedips *table, uint32_t owner,
                                                                  uint64_t *cursor, vpn_prefix *out);

/** @brief How many prefixes are in the table. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) size_t vpn_allowedips_count(const vpn_allowedips *table);

/** @brief Bytes that the table has taken from its allocator. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) size_t vpn_allowedips_memory(const vpn_allowedips *table);

VPN_END

#endif
