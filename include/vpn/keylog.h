/* SPDX-License-Identifier: ISC */
/**
 * @file keylog.h
 * @brief Reveals the secrets of handshakes, so that Wireshark and tshark can decrypt a capture. For testing only.
 *
 * Whoever has these lines and a capture reads everything that went through the tunnel: forward secrecy is gone. That takes
 * two decisions: the library is built with the CMake option VPN_KEYLOG, which is off, and the program gives a device a
 * sink. A library built without the option holds no code that could reveal anything.
 */
#ifndef VPN_KEYLOG_H
#define VPN_KEYLOG_H

#include <vpn/wg.h>

VPN_BEGIN

/**
 * @brief Receives a line of a WireGuard key log, such as `LOCAL_EPHEMERAL_PRIVATE_KEY = ` and a key in base64.
 *
 * It is called from within the call that writes a handshake message, with the static private key, the peer's public key,
 * the ephemeral private key and the preshared key, in this order and before the message can have left. It may not call the
 * device.
 * @param line without a line break, ended by a zero byte; wiped when the function returns.
 */
typedef void (*vpn_keylog_line)(void *user, const char *line);

/**
 * @brief Sets who receives the key log of a device.
 * @param line NULL: nobody any more.
 * @param user handed to `line`; must outlive the device or the sink.
 * @return 0, or VPN_EUNSUPPORTED when the library was built without VPN_KEYLOG. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_wg_set_keylog(vpn_wg *wg, vpn_keylog_line line, void *user);

VPN_END

#endif
