/* SPDX-License-Identifier: ISC */
/**
 * @file key.h
 * @brief 32-byte keys and their text forms, in constant time.
 *
 * Time and memory access of these functions depend on lengths and on whether the text is valid, never on the key.
 * All of them may be called from any thread.
 */
#ifndef VPN_KEY_H
#define VPN_KEY_H

#include <vpn/base.h>

VPN_BEGIN

#define VPN_KEY_BYTES        32 /**< a private, public or preshared key */
#define VPN_KEY_BASE64_CHARS 44 /**< its base64 text (RFC 4648 section 4, with padding), without a final NUL */
#define VPN_KEY_HEX_CHARS    64 /**< its text in hexadecimal, without a final NUL */

/**
 * @brief Makes a private key: random, then clamped as RFC 7748 section 5 says.
 * @param env where randomness comes from; NULL for the default.
 * @return 0, VPN_EINVAL (a bad `env`) or VPN_ERANDOM; on error `key` is all zero. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_key_private(uint8_t key[VPN_KEY_BYTES], const vpn_env *env);

/**
 * @brief Makes a preshared key: 32 random bytes.
 * @return 0, VPN_EINVAL (a bad `env`) or VPN_ERANDOM; on error `key` is all zero. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_key_preshared(uint8_t key[VPN_KEY_BYTES], const vpn_env *env);

/** @brief The public key of a private key (X25519 with the base point). Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_key_public(uint8_t out[VPN_KEY_BYTES], const uint8_t key[VPN_KEY_BYTES]);

/** @brief 1 when all 32 bytes are zero, else 0; in constant time. Since 0.1. */
VPN_API VPN_NONNULL(1) int vpn_key_is_zero(const uint8_t key[VPN_KEY_BYTES]);

/** @brief Writes 44 characters and a NUL. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_key_to_base64(char out[VPN_KEY_BASE64_CHARS + 1], const uint8_t key[VPN_KEY_BYTES]);

/**
 * @brief Reads base64: exactly 44 characters, the last one '=', the two spare bits zero.
 * @param text not NUL-terminated; `length` characters.
 * @return 0, or VPN_EFORMAT and then `key` is all zero. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_key_from_base64(uint8_t key[VPN_KEY_BYTES], const char *text,
                                                               size_t length);

/** @brief Writes 64 lower-case characters and a NUL. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_key_to_hex(char out[VPN_KEY_HEX_CHARS + 1], const uint8_t key[VPN_KEY_BYTES]);

/**
 * @brief Reads hexadecimal: exactly 64 characters, either case.
 * @param text not NUL-terminated; `length` characters.
 * @return 0, or VPN_EFORMAT and then `key` is all zero. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_key_from_hex(uint8_t key[VPN_KEY_BYTES], const char *text,
                                                            size_t length);

VPN_END

#endif
