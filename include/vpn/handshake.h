/* SPDX-License-Identifier: ISC */
/**
 * @file handshake.h
 * @brief The WireGuard handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, usable alone.
 *
 * One object is one side of one handshake:
 *
 *     initiator: initiate            ->  read_response -> finish
 *     responder: read_initiation -> (look the key up) -> respond -> finish
 *
 * Messages are written and read without their macs, which are the cookie's matter (vpn/cookie.h): call vpn_mac_add after
 * writing and vpn_mac1_check before reading. The caller also remembers the greatest time stamp of each key (replays), and
 * limits the rate. A message that does not verify changes nothing, so the true one may still come. One thread at a time.
 */
#ifndef VPN_HANDSHAKE_H
#define VPN_HANDSHAKE_H

#include <vpn/crypto.h>
#include <vpn/tai64n.h>

VPN_BEGIN

#define VPN_WG_INITIATION_BYTES 148 /**< type 1 with its macs */
#define VPN_WG_RESPONSE_BYTES   92  /**< type 2 with its macs */
#define VPN_WG_COOKIE_BYTES     64  /**< type 3 */
#define VPN_WG_HEADER_BYTES     16  /**< of type 4 */

/** @brief One side of one handshake. Opaque. */
typedef struct vpn_handshake vpn_handshake;

/** @brief What both sides know after a handshake. Wipe it after use. */
typedef struct vpn_session_keys {
    uint8_t send[VPN_KEY_BYTES];    /**< seals what we send */
    uint8_t receive[VPN_KEY_BYTES]; /**< opens what we receive */
    uint32_t local_index;           /**< names the session in messages to us */
    uint32_t remote_index;          /**< names the session in messages from us */
    uint32_t initiator;             /**< 1 when this side initiated, else 0 */
    uint32_t reserved;              /**< zero */
} vpn_session_keys;

/**
 * @brief Makes a side of a handshake.
 * @param private_key our static key.
 * @param provider of X25519; NULL for libsodium. Must outlive the object.
 * @param env NULL for the defaults; copied.
 * @return 0, VPN_EINVAL or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_handshake_new(vpn_handshake **out,
                                                             const uint8_t private_key[VPN_KEY_BYTES],
                                                             const vpn_provider *provider, const vpn_env *env);

/** @brief Wipes and frees; NULL is allowed. Since 0.1. */
VPN_API void vpn_handshake_free(vpn_handshake *handshake);

/**
 * @brief Writes an initiation with a fresh ephemeral key; forgets any earlier one.
 * @param message receives the bytes before mac1 (116); the rest is zeroed.
 * @param remote static public key of the responder.
 * @param preshared 32 bytes, or NULL for none.
 * @param index names this handshake, and then the session, in messages to us.
 * @param stamp greater than every stamp sent to this responder before.
 * @return 0, VPN_EKEY (low order) or VPN_ERANDOM. Since 0.1. Whitepaper section 5.4.2.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3, 6) int vpn_handshake_initiate(vpn_handshake *handshake,
                                                                        uint8_t message[VPN_WG_INITIATION_BYTES],
                                                                        const uint8_t remote[VPN_KEY_BYTES],
                                                                        const uint8_t *preshared, uint32_t index,
                                                                        const uint8_t stamp[VPN_TAI64N_BYTES]);

/**
 * @brief Reads an initiation.
 * @param remote receives the initiator's static public key, proved by its key agreement.
 * @param stamp receives its time stamp; the caller refuses one that is not greater than the last of this key.
 * @return 0, VPN_EFORMAT, VPN_EAUTH or VPN_EKEY; on error the state is as it was. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3,
                                 4) int vpn_handshake_read_initiation(vpn_handshake *handshake,
                                                                      const uint8_t message[VPN_WG_INITIATION_BYTES],
                                                                      uint8_t remote[VPN_KEY_BYTES],
                                                                      uint8_t stamp[VPN_TAI64N_BYTES]);

/**
 * @brief Writes the response to the initiation that was read.
 * @param message receives the bytes before mac1 (60); the rest is zeroed. May be the initiation's memory.
 * @return 0, VPN_ESTATE (no initiation was read), VPN_EKEY or VPN_ERANDOM. Since 0.1. Section 5.4.3.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_handshake_respond(vpn_handshake *handshake,
                                                                 uint8_t message[VPN_WG_RESPONSE_BYTES],
                                                                 const uint8_t *preshared, uint32_t index);

/**
 * @brief Reads the response to the initiation that was sent.
 * @return 0, VPN_EFORMAT, VPN_ESTATE (nothing sent, or another index), VPN_EAUTH or VPN_EKEY; on error the state is as it
 * was. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_handshake_read_response(vpn_handshake *handshake,
                                                                       const uint8_t message[VPN_WG_RESPONSE_BYTES]);

/**
 * @brief Derives the session's keys, once, and wipes the handshake. Section 5.4.5.
 * @return 0 or VPN_ESTATE. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_handshake_finish(vpn_handshake *handshake, vpn_session_keys *keys);

VPN_END

#endif
