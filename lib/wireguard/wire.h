/* SPDX-License-Identifier: ISC */
/* The four messages of WireGuard, whitepaper section 5.4: sizes, offsets, constants, and the one place that classifies a
   datagram. All integers on the wire are little-endian. */
#ifndef VPN_LIB_WIREGUARD_WIRE_H
#define VPN_LIB_WIREGUARD_WIRE_H

#include <vpn/handshake.h>
#include <vpn/packet.h>

#define VPN__INITIATION   1
#define VPN__RESPONSE     2
#define VPN__COOKIE_REPLY 3
#define VPN__DATA         4

#define VPN__INITIATION_SENDER 4
#define VPN__INITIATION_NOISE  8 /* ephemeral 32, static 32 + 16, stamp 12 + 16 */
#define VPN__INITIATION_MAC1   116
#define VPN__RESPONSE_SENDER   4
#define VPN__RESPONSE_RECEIVER 8
#define VPN__RESPONSE_NOISE    12 /* ephemeral 32, nothing 0 + 16 */
#define VPN__RESPONSE_MAC1     60
#define VPN__COOKIE_RECEIVER   4
#define VPN__COOKIE_NONCE      8
#define VPN__COOKIE_SEALED     32
#define VPN__DATA_RECEIVER     4
#define VPN__DATA_COUNTER      8
#define VPN__DATA_LEAST        32

/* Whitepaper section 6.1, and where it is silent what is usual on the wire. */
#define VPN__REKEY_AFTER_MESSAGES  (UINT64_C(1) << 60)
#define VPN__REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))
#define VPN__REKEY_AFTER_TIME      (120 * VPN_SECOND)
#define VPN__REJECT_AFTER_TIME     (180 * VPN_SECOND)
#define VPN__REKEY_TIMEOUT         (5 * VPN_SECOND)
#define VPN__REKEY_JITTER          (333 * VPN_MILLISECOND)
#define VPN__KEEPALIVE_TIMEOUT     (10 * VPN_SECOND)
#define VPN__REKEY_ON_RECEIVE      (VPN__REJECT_AFTER_TIME - VPN__KEEPALIVE_TIMEOUT - VPN__REKEY_TIMEOUT)
#define VPN__NEW_HANDSHAKE         (VPN__KEEPALIVE_TIMEOUT + VPN__REKEY_TIMEOUT)
#define VPN__WIPE_AFTER            (3 * VPN__REJECT_AFTER_TIME)
#define VPN__RETRIES               19 /* after the first initiation */
#define VPN__COOKIE_SECRET_AGE     (120 * VPN_SECOND)
#define VPN__COOKIE_AGE            (115 * VPN_SECOND)
#define VPN__FLOOD_GAP             (20 * VPN_MILLISECOND)

/* DSCP AF41 of handshake messages. */
#define VPN__HANDSHAKE_TOS 0x88

/* The type of a datagram whose length suits it: 1..4. Else 0, and `reason` is VPN_REASON_TYPE or VPN_REASON_LENGTH. */
uint8_t vpn__wire_type(const uint8_t *data, size_t length, uint8_t *reason);

/* Where mac1 stands in an initiation or a response of this length; 0 for another length. mac2 follows. */
size_t vpn__wire_mac1(size_t length);

#endif
