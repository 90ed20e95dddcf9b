/* SPDX-License-Identifier: ISC */
/**
 * @file cookie.h
 * @brief mac1, mac2 and cookie replies (WireGuard whitepaper sections 5.3, 5.4.4 and 5.4.7), usable alone.
 *
 * A checker is the receiver's side: it verifies macs on messages to us and makes cookie replies under load. A maker is the
 * sender's side, one for each peer: it adds macs to our messages and remembers the cookie that the peer sent.
 * Both are plain structures whose fields are private; wipe them after use. One thread at a time.
 */
#ifndef VPN_COOKIE_H
#define VPN_COOKIE_H

#include <vpn/crypto.h>
#include <vpn/handshake.h>
#include <vpn/packet.h>

VPN_BEGIN

#define VPN_MAC_BYTES 16 /**< mac1, mac2 and a cookie */

/** @brief The receiver's side. */
typedef struct vpn_cookie_checker {
    /** @cond private */
    uint32_t mac1_keyed[8];
    uint8_t cookie_key[VPN_KEY_BYTES];
    uint32_t secret_keyed[8];
    vpn_time secret_born; /**< VPN_NEVER: there is no secret yet */
    /** @endcond */
} vpn_cookie_checker;

/** @brief The sender's side. */
typedef struct vpn_cookie_maker {
    /** @cond private */
    uint8_t cookie[VPN_MAC_BYTES];
    uint8_t last_mac1[VPN_MAC_BYTES];
    vpn_time cookie_born; /**< VPN_NEVER: no cookie */
    uint32_t mac1_sent;   /**< 1: last_mac1 may be answered by a cookie */
    uint32_t reserved;
    /** @endcond */
} vpn_cookie_maker;

/** @brief Starts a checker for messages to a public key; there is no cookie secret until the first reply. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_cookie_checker_init(vpn_cookie_checker *checker,
                                                       const uint8_t public_key[VPN_KEY_BYTES]);

/** @brief Starts a maker that knows no cookie. Since 0.1. */
VPN_API VPN_NONNULL(1) void vpn_cookie_maker_init(vpn_cookie_maker *maker);

/**
 * @brief Verifies mac1 of an initiation or a response, in constant time.
 * @param length VPN_WG_INITIATION_BYTES or VPN_WG_RESPONSE_BYTES.
 * @return 0, VPN_EINVAL (another length) or VPN_EAUTH. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_mac1_check(const vpn_cookie_checker *checker, const uint8_t *message,
                                                          size_t length);

/**
 * @brief Verifies mac2: that the sender owns the address it writes from.
 * @param from IP address and port of the sender, which the cookie covers.
 * @return 0; VPN_EAUTH also when there is no secret; VPN_EEXPIRED when the secret is over 120 s old. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 4) int vpn_mac2_check(const vpn_cookie_checker *checker, const uint8_t *message,
                                                             size_t length, const vpn_endpoint *from, vpn_time now);

/**
 * @brief Makes the cookie reply to a message whose mac1 is valid. Draws a new secret when the old one is 120 s old.
 * @param reply 64 bytes; may be the message's own memory.
 * @param message the initiation or response that is answered; `length` as in vpn_mac1_check.
 * @return 0, VPN_EINVAL or VPN_ERANDOM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3, 5) int vpn_cookie_reply(
    vpn_cookie_checker *checker, uint8_t reply[VPN_WG_COOKIE_BYTES], const uint8_t *message, size_t length,
    const vpn_endpoint *from, const vpn_provider *provider, const vpn_env *env, vpn_time now);

/**
 * @brief Writes mac1, and mac2 when a cookie younger than 115 s is known, to the end of our message.
 * @param remote static public key of the message's receiver.
 * @param length VPN_WG_INITIATION_BYTES or VPN_WG_RESPONSE_BYTES.
 * @return 0 or VPN_EINVAL. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2, 4) int vpn_mac_add(vpn_cookie_maker *maker, uint8_t *message, size_t length,
                                             const uint8_t remote[VPN_KEY_BYTES], vpn_time now);

/**
 * @brief Reads a cookie reply. One cookie is taken for each mac1 that was sent.
 * @param remote static public key of the reply's sender.
 * @return 0, VPN_ESTATE (no mac1 waits for a cookie), VPN_EFORMAT or VPN_EAUTH; on error nothing has changed. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_cookie_read(vpn_cookie_maker *maker,
                                                              const uint8_t reply[VPN_WG_COOKIE_BYTES],
                                                              const uint8_t remote[VPN_KEY_BYTES],
                                                              const vpn_provider *provider, vpn_time now);

VPN_END

#endif
