/* SPDX-License-Identifier: ISC */
/**
 * @file select.h
 * @brief Which provider to trust, and which of them is the fastest here.
 *
 * Faster providers than the built-in one are libraries of their own, `vpn/provider/ipsec_mb.h` and
 * `vpn/provider/libcrypto.h`. A program names those that it links:
 *
 *     const vpn_provider *linked[] = {vpn_provider_ipsec_mb(), vpn_provider_libcrypto()};
 *     vpn_selection how = {.size = sizeof how, .candidates = linked, .count = 2, .clock = nanoseconds};
 *     static vpn_provider chosen;
 *     if (vpn_aead_select(&chosen, &how) == VPN_OK)
 *         config.provider = &chosen;
 */
#ifndef VPN_SELECT_H
#define VPN_SELECT_H

#include <vpn/crypto.h>

VPN_BEGIN

/**
 * @brief Compares a provider with libsodium on random messages: what it seals, what it opens, what it rejects, and X25519.
 * @param env for memory and randomness; NULL for the defaults.
 * @return 0; VPN_EINVAL: the table has holes; VPN_EAUTH: it disagrees; VPN_ENOMEM; VPN_ERANDOM; or what its init_scratch says.
 * Takes about a millisecond. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_provider_check(const vpn_provider *provider, const vpn_env *env);

/** @brief What vpn_aead_select may choose from; zero means the default. */
typedef struct vpn_selection {
    uint32_t size;                         /**< sizeof(vpn_selection) as the caller knows it */
    uint32_t length;                       /**< bytes of the packets to be fast at, 1..1500; default 1420 */
    const vpn_provider *const *candidates; /**< NULL elements are passed over; libsodium need not be among them */
    size_t count;                          /**< elements of `candidates` */
    const char *name;                      /**< choose this one; NULL: the fastest */
    /** Nanoseconds, or any other units, of a clock that only runs forward. NULL: nothing is timed, the first good one counts. */
    uint64_t (*clock)(void *user);
    void *user;         /**< handed to `clock` */
    const vpn_env *env; /**< for memory and randomness; NULL for the defaults */
} vpn_selection;

/**
 * @brief Chooses among the candidates and libsodium those that pass vpn_provider_check: the fastest AEAD, and with it the
 * fastest X25519, which may be another's. A candidate that does not pass is passed over.
 * @param out the choice, with the name of the AEAD's provider. It must outlive the objects that it is given to.
 * @param how NULL for libsodium alone.
 * @return 0; VPN_EINVAL; VPN_ENOENT: no candidate has that name; what vpn_provider_check said of the one that was named;
 * VPN_ENOMEM or VPN_ERANDOM. On error `out` is zero. Takes some milliseconds a candidate. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_aead_select(vpn_provider *out, const vpn_selection *how);

VPN_END

#endif
