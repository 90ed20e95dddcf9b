/* SPDX-License-Identifier: ISC */
/**
 * @file base.h
 * @brief Version, errors, time and the three things the library takes from its host.
 *
 * Every function of the library that can fail returns 0 or a negative `VPN_E*`. Numbers are pinned: a value that
 * shipped never changes its meaning and is never used again. No function prints, aborts or keeps a pointer into
 * memory that the caller owns, unless its own page says so.
 *
 * Thread rule of the whole library: there are no globals but constants, so different objects may be used from different
 * threads freely; one object is used by one thread at a time, except where a page says "any thread".
 */
#ifndef VPN_BASE_H
#define VPN_BASE_H

#include <stddef.h>
#include <stdint.h>

/** @cond private: attributes of the prototypes; other compilers do without */
#if defined(__GNUC__)
#define VPN_API          __attribute__((visibility("default")))
#define VPN_MUST_USE     __attribute__((warn_unused_result))
#define VPN_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define VPN_PURE         __attribute__((pure))
#else
#define VPN_API
#define VPN_MUST_USE
#define VPN_NONNULL(...)
#define VPN_PURE
#endif

#ifdef __cplusplus
#define VPN_BEGIN extern "C" {
#define VPN_END   }
#else
#define VPN_BEGIN
#define VPN_END
#endif
/** @endcond */

VPN_BEGIN

#define VPN_VERSION_MAJOR  0       /**< changes when the ABI breaks */
#define VPN_VERSION_MINOR  1       /**< changes when something is added */
#define VPN_VERSION_PATCH  0       /**< changes when something is mended */
#define VPN_VERSION_STRING "0.1.0" /**< the three, as vpn_version gives them */

/**
 * @brief Version of the library that is linked, which may be newer than the header that was compiled against.
 * @return a static string such as "0.1.0". Any thread. Since 0.1.
 */
VPN_API const char *vpn_version(void);

/**
 * @brief Nanoseconds on a monotonic clock that goes on counting while the machine sleeps (CLOCK_BOOTTIME on Linux,
 * mach_continuous_time on macOS). The zero point is the caller's choice. Values from VPN_TIME_MAX up are reserved.
 *
 * A time that is smaller than one given before is harmless: nothing expires early, and nothing that was due is lost.
 */
typedef uint64_t vpn_time;

/** @brief "No deadline": greater than every time. */
#define VPN_NEVER UINT64_MAX
/** @brief Greatest time that may be given, 2^63 - 1 ns (292 years). */
#define VPN_TIME_MAX (UINT64_MAX >> 1)
/** @brief One second in units of vpn_time. */
#define VPN_SECOND UINT64_C(1000000000)
/** @brief One millisecond in units of vpn_time. */
#define VPN_MILLISECOND UINT64_C(1000000)

/** @name Errors
 * @{ */
#define VPN_OK           0    /**< done */
#define VPN_EINVAL       (-1) /**< an argument is outside what the call's page allows */
#define VPN_ENOMEM       (-2) /**< the allocator refused; nothing has changed */
#define VPN_ESPACE       (-3) /**< the output does not fit; where the call has a length pointer it now holds the need */
#define VPN_ENOENT       (-4) /**< no such peer, prefix or event */
#define VPN_EEXIST       (-5) /**< it is there already */
#define VPN_ELIMIT       (-6) /**< a documented limit is reached (peers, prefixes, queue) */
#define VPN_EBUSY        (-7) /**< packets are between begin and end */
#define VPN_EAUTH        (-8) /**< not authentic: a MAC, a tag or a signature does not hold */
#define VPN_EREPLAY      (-9) /**< seen before, or older than what is remembered */
#define VPN_EEXPIRED     (-10) /**< a key or a cookie has reached its age or message limit */
#define VPN_EKEY         (-11) /**< a public key of low order: no secret can be agreed with it */
#define VPN_EFORMAT      (-12) /**< bytes or text that do not parse */
#define VPN_ESTATE       (-13) /**< not possible in the object's present state */
#define VPN_ERANDOM      (-14) /**< the source of randomness failed */
#define VPN_ESELF        (-15) /**< a peer that bears the device's own public key */
#define VPN_EUNSUPPORTED (-16) /**< this build of the library cannot do it */
/** @} */

/**
 * @brief What an error means, in a few words for a person.
 * @param error 0 or a `VPN_E*`; any other number gives "unknown error".
 * @return a static string, never NULL. Any thread. Since 0.1.
 */
VPN_API const char *vpn_strerror(int error);

/** @brief A prefix of IPv4 or IPv6 addresses, such as AllowedIPs and filters have. */
typedef struct vpn_prefix {
    uint8_t family;      /**< 4 or 6 */
    uint8_t bits;        /**< 0..32 or 0..128 */
    uint8_t reserved[2]; /**< zero */
    uint8_t addr[16];    /**< network order; IPv4 in the first four bytes; bits past `bits` are ignored on input */
} vpn_prefix;

/**
 * @brief Wall-clock time: seconds and nanoseconds since 1970-01-01 UTC.
 */
typedef struct vpn_wall {
    uint64_t seconds;     /**< since 1970-01-01 UTC, without leap seconds */
    uint32_t nanoseconds; /**< 0 .. 999,999,999 */
    uint32_t reserved;    /**< zero */
} vpn_wall;

/**
 * @brief The allocator, the randomness and the wall clock that an object uses for its whole life.
 *
 * A function pointer that is NULL means the default: malloc and free, libsodium's randombytes, clock_gettime. `alloc`
 * and `free` are replaced together or not at all. The structure is copied; what `user` points to must outlive the object.
 */
typedef struct vpn_env {
    uint32_t size;     /**< sizeof(vpn_env) as the caller knows it */
    uint32_t reserved; /**< zero */
    void *user;        /**< handed to each of the functions */
    /** Memory aligned as malloc aligns it, or NULL. Its content need not be set. */
    void *(*alloc)(void *user, size_t bytes);
    /** Gives back what alloc returned; never called with NULL. Secrets have been wiped before. */
    void (*free)(void *user, void *memory);
    /** Fills `bytes` bytes with cryptographically strong randomness. 0, or anything else on failure. */
    int (*random)(void *user, uint8_t *out, size_t bytes);
    /** Reads the wall clock. 0, or anything else when there is no clock (then it counts as 1970). */
    int (*wall)(void *user, vpn_wall *out);
} vpn_env;

/**
 * @brief Overwrites memory in a way that the compiler may not remove.
 * @param memory `bytes` bytes; NULL only when `bytes` is 0. Any thread. Since 0.1.
 */
VPN_API void vpn_wipe(void *memory, size_t bytes);

/**
 * @brief Compares secrets in time that depends on `bytes` alone.
 * @return 1 when equal, else 0. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE int vpn_equal(const void *a, const void *b, size_t bytes);

VPN_END

#endif
