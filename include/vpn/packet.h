/* SPDX-License-Identifier: ISC */
/**
 * @file packet.h
 * @brief The packet descriptor that every data call takes, its verdicts and the reasons for a drop.
 *
 * Memory is the caller's. A descriptor names a buffer and the packet inside it:
 *
 *     data                     data+offset            data+offset+length            data+capacity
 *     | headroom               | the packet           | tailroom                    |
 *
 * The library moves `offset` and `length` as it adds and removes headers, and keeps no pointer after the call (or, for
 * begin/crypt/end, after end). A descriptor whose fields contradict one another gets VPN_DROP with VPN_REASON_ARGUMENT.
 */
#ifndef VPN_PACKET_H
#define VPN_PACKET_H

#include <vpn/base.h>

VPN_BEGIN

/** @brief A peer: a slot in the low 32 bits, its generation in the high ones. 0 is no peer. Never used twice. */
typedef uint64_t vpn_peer_id;

/** @brief An address outside the tunnel. */
typedef struct vpn_endpoint {
    uint8_t family;   /**< 4, 6, or 0 for none */
    uint8_t reserved; /**< zero */
    uint16_t port;    /**< UDP port, in the host's byte order */
    uint32_t scope;   /**< IPv6 scope id (interface index of a link-local address), else 0 */
    uint8_t addr[16]; /**< network order; an IPv4 address in the first four bytes, the rest zero */
} vpn_endpoint;

/** @brief A way through the outer network: where to, and from which local address and interface (the sticky source). */
typedef struct vpn_path {
    vpn_endpoint remote; /**< where to; on receipt where from */
    uint8_t local[16];   /**< of the family of `remote`; all zero: let the system choose */
    uint32_t ifindex;    /**< 0: let the system choose */
    uint32_t reserved;   /**< zero */
} vpn_path;

/** @name Verdicts: what the caller does with the packet now
 * @{ */
#define VPN_DROP     0 /**< nothing; `reason` says why */
#define VPN_PENDING  1 /**< between begin and end: give it to crypt, then to end */
#define VPN_TO_NET   2 /**< send it to path.remote, from path.local if set, with `tos` in the outer IP header */
#define VPN_TO_TUN   3 /**< an inner packet from `peer`: hand it to the host */
#define VPN_DONE     4 /**< consumed; nothing to carry */
#define VPN_WAIT     5 /**< no session yet, a handshake is due: keep the packet and send it again when the peer is up */
#define VPN_UNKNOWN  6 /**< a valid initiation from a key that is no peer: see vpn_wg_initiator and vpn_wg_accept */
#define VPN_VERDICTS 7 /**< how many there are */
/** @} */

/** @name Reasons of VPN_DROP
 * Those from VPN_REASON_PEER_FIRST on are counted for the peer as well as for the device.
 * @{ */
#define VPN_REASON_NONE        0  /**< not dropped */
#define VPN_REASON_ARGUMENT    1  /**< the descriptor's fields contradict one another */
#define VPN_REASON_SPACE       2  /**< too little head- or tailroom, or a fresh buffer that is too small */
#define VPN_REASON_TYPE        3  /**< no known message type, or reserved bytes are set */
#define VPN_REASON_LENGTH      4  /**< a length that its message type cannot have */
#define VPN_REASON_MAC1        5  /**< mac1 is wrong: not meant for our public key */
#define VPN_REASON_RATE        6  /**< over the handshake budget of this source */
#define VPN_REASON_INDEX       7  /**< no session or handshake has this receiver index */
#define VPN_REASON_HANDSHAKE   8  /**< an initiation that does not decrypt, or whose keys are of low order */
#define VPN_REASON_NO_ROUTE    9  /**< no AllowedIPs prefix holds the destination */
#define VPN_REASON_INNER       10 /**< the packet to send is no IPv4 or IPv6 packet */
#define VPN_REASON_NO_IDENTITY 11 /**< the device has no private key */
#define VPN_REASON_MEMORY      12 /**< the allocator refused */
#define VPN_REASON_RANDOM      13 /**< the source of randomness failed */
#define VPN_REASON_NO_PEER     14 /**< the peer named in the descriptor does not exist, or was removed in flight */
#define VPN_REASON_NO_CRYPT    15 /**< crypt was not called, or with another provider's scratch */
#define VPN_REASON_SUSPENDED   16 /**< the device is suspended */
#define VPN_REASON_PEER_FIRST  17 /**< from here on a peer is known, and counts the drop too */
#define VPN_REASON_AUTH        17 /**< the AEAD tag is wrong */
#define VPN_REASON_REPLAY      18 /**< this counter was received before, or is older than the window */
#define VPN_REASON_EXPIRED     19 /**< the key is older than REJECT_AFTER_TIME */
#define VPN_REASON_COUNTER     20 /**< the counter is past REJECT_AFTER_MESSAGES */
#define VPN_REASON_TIMESTAMP   21 /**< an initiation whose time stamp is not greater than the last one: replayed */
#define VPN_REASON_SKEW        22 /**< an initiation whose time stamp lies too far in the future */
#define VPN_REASON_FLOOD       23 /**< an initiation sooner than 20 ms after the last one */
#define VPN_REASON_RESPONSE    24 /**< a response that does not decrypt */
#define VPN_REASON_STATE       25 /**< a response or cookie reply to nothing that is under way */
#define VPN_REASON_COOKIE      26 /**< a cookie reply that does not decrypt */
#define VPN_REASON_SOURCE      27 /**< AllowedIPs give the inner source address to another peer, or to none */
#define VPN_REASON_BAD_INNER   28 /**< authentic, but no IPv4 or IPv6 packet inside */
#define VPN_REASON_NO_ENDPOINT 29 /**< the peer's address is not known */
#define VPN_REASON_LOW_ORDER   30 /**< the peer's public key is of low order: no handshake is possible */
#define VPN_REASON_NO_SESSION  31 /**< no session, and the peer's queue limit is 0 */
#define VPN_REASON_WIPED       32 /**< the key was wiped while the packet was in flight */
#define VPN_REASONS            33 /**< how many there are */
/** @} */

/** @brief Fields of a packet that belong to the library between begin and end. */
typedef struct vpn_packet_job {
    /** @cond private */
    void *key;
    uint64_t counter;
    uint32_t state;
    uint32_t inner;
    /** @endcond */
} vpn_packet_job;

/**
 * @brief One packet. Set everything to zero, then `data`, `capacity`, `offset`, `length`, and for a datagram from the
 * network `path` and `tos`; the rest is output.
 */
typedef struct vpn_packet {
    uint8_t *data;      /**< start of the buffer */
    uint32_t capacity;  /**< bytes in the buffer */
    uint32_t offset;    /**< where the packet starts */
    uint32_t length;    /**< bytes in the packet */
    uint8_t verdict;    /**< out: VPN_DROP .. VPN_UNKNOWN */
    uint8_t reason;     /**< out: VPN_REASON_* */
    uint8_t tos;        /**< TOS or traffic class byte of the outer IP header: in for recv, out with VPN_TO_NET */
    uint8_t type;       /**< out: the WireGuard message type that came or goes, 1..4; 0 for none */
    vpn_peer_id peer;   /**< out: whose packet it is; in for vpn_wg_send in raw-payload mode */
    uint64_t user;      /**< the caller's own; never touched */
    vpn_path path;      /**< recv: where it came from; out with VPN_TO_NET: where it goes */
    vpn_packet_job job; /**< the library's, between begin and end; zero it once */
    uint32_t queue;     /**< out with VPN_WAIT: how many packets may be kept for this peer */
    uint32_t reserved;  /**< zero */
} vpn_packet;

/** @brief "drop", "to-net" and so on; "unknown verdict" outside the range. Static. Any thread. Since 0.1. */
VPN_API const char *vpn_verdict_name(uint32_t verdict);

/** @brief A short lower-case name such as "replay", the same in every version. "unknown" outside. Since 0.1. */
VPN_API const char *vpn_reason_name(uint32_t reason);

/** @brief A sentence for a person, such as "the counter was received before". Any thread. Since 0.1. */
VPN_API const char *vpn_reason_text(uint32_t reason);

VPN_END

#endif
