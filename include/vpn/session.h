/* SPDX-License-Identifier: ISC */
/**
 * @file session.h
 * @brief A WireGuard session: the keys of one handshake, their counters, limits and replay window. Usable alone.
 *
 * A session seals inner packets into data messages and opens them, in place. It enforces REJECT_AFTER_TIME (180 s) and
 * REJECT_AFTER_MESSAGES (2^64 - 2^13 - 1) in both directions; when to rekey is the caller's matter. One thread at a time.
 */
#ifndef VPN_SESSION_H
#define VPN_SESSION_H

#include <vpn/crypto.h>
#include <vpn/handshake.h>
#include <vpn/packet.h>

VPN_BEGIN

/** @brief A session. Opaque. */
typedef struct vpn_session vpn_session;

/**
 * @brief Makes a session.
 * @param keys as vpn_handshake_finish gives them; copied, the caller wipes its own.
 * @param replay_bits of the window, as in vpn/replay.h; 0 for 8192.
 * @param provider NULL for libsodium; must outlive the session.
 * @param env NULL for the defaults; copied.
 * @param now birth of the session.
 * @return 0, VPN_EINVAL or VPN_ENOMEM, or what the provider says. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_session_new(vpn_session **out, const vpn_session_keys *keys,
                                                           uint32_t replay_bits, const vpn_provider *provider,
                                                           const vpn_env *env, vpn_time now);

/** @brief Wipes and frees; NULL is allowed. Since 0.1. */
VPN_API void vpn_session_free(vpn_session *session);

/**
 * @brief Seals an inner packet: 16 bytes of header before it, `padding` zeros and 16 bytes of tag behind it.
 * @return 0; VPN_EINVAL (the descriptor); VPN_ESPACE (head- or tailroom), and then no counter was used; VPN_EEXPIRED.
 * Since 0.1. Whitepaper section 5.4.6.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_session_seal(vpn_session *session, vpn_packet *packet, uint32_t padding,
                                                            vpn_time now);

/**
 * @brief Opens a data message: leaves the inner packet with its padding.
 * @return 0; VPN_EINVAL (the descriptor); VPN_EFORMAT (no data message, or not this session's index); VPN_EEXPIRED;
 * VPN_EAUTH; VPN_EREPLAY. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_session_open(vpn_session *session, vpn_packet *packet, vpn_time now);

VPN_END

#endif
