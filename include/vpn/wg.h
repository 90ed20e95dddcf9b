/* SPDX-License-Identifier: ISC */
/**
 * @file wg.h
 * @brief The WireGuard device: one identity, many peers.
 *
 * The device holds the private key, the peers, their sessions and timers, AllowedIPs, cookies and limits. It does no I/O. A
 * host runs this loop:
 *
 *     read packets from the TUN      -> vpn_wg_send -> verdict TO_NET: send;  WAIT: park;  DROP: forget
 *     read datagrams from the socket -> vpn_wg_recv -> verdict TO_TUN: write; TO_NET: send (a reply, in place)
 *     pull vpn_wg_event until VPN_ENOENT; on VPN_WG_UP send the peer's parked packets, on VPN_WG_GAVE_UP forget them
 *     while vpn_wg_deadline <= now: vpn_wg_tick, send what it wrote
 *     sleep until vpn_wg_deadline, or until there is something to read
 *
 * Every call takes the time; none reads a clock, except that a handshake asks the wall clock of vpn_env for its stamp.
 * One thread at a time for each device, except vpn_wg_crypt.
 */
#ifndef VPN_WG_H
#define VPN_WG_H

#include <vpn/allowedips.h>
#include <vpn/crypto.h>
#include <vpn/handshake.h>
#include <vpn/mtu.h>
#include <vpn/packet.h>
#include <vpn/tai64n.h>

VPN_BEGIN

/** @brief A device. Opaque. */
typedef struct vpn_wg vpn_wg;

#define VPN_WG_PEERS_MAX   1048576u /**< most peers of a device (2^20) */
#define VPN_WG_HEADROOM    16       /**< bytes before an inner packet that vpn_wg_send needs */
#define VPN_WG_TAILROOM    31       /**< bytes behind it: padding and tag; with VPN_WG_PAD_MTU: mtu - length + 16 */
#define VPN_WG_FRESH_BYTES 148      /**< bytes that vpn_wg_tick needs in each packet */
#define VPN_WG_BATCH_MAX   128 /**< packets that crypt hands to the provider at once; longer arrays are cut inside */

/** @name Flags of a device
 * @{ */
/** The payload is no IP packet: no inner check, no AllowedIPs, no padding, no ECN. The caller names the peer to send to. */
#define VPN_WG_RAW 0x1u
/** @} */

/** @brief Settings of a device; zero means the default. */
typedef struct vpn_wg_config {
    uint32_t size;                /**< sizeof(vpn_wg_config) as the caller knows it */
    uint32_t flags;               /**< VPN_WG_RAW */
    const vpn_env *env;           /**< copied; NULL for the defaults */
    const vpn_provider *provider; /**< must outlive the device; NULL for libsodium */
    uint32_t mtu;                 /**< of the inner packets, 68..65535; default 1420 */
    uint32_t replay_bits;         /**< 128..8192, a power of two; default 8192 */
    uint32_t max_peers;           /**< 1..VPN_WG_PEERS_MAX; default VPN_WG_PEERS_MAX */
    uint32_t events;              /**< length of the event ring, 8..65536; default 256 */
    uint32_t load_rate;           /**< handshakes a second without proof of address before "under load"; default 1000 */
    uint32_t sources;             /**< entries of the source limiter, 16..1048576; default 1024 */
    uint32_t max_skew;            /**< seconds that an initiator's clock may be ahead; 0: any. Needs a wall clock */
    uint8_t stamp_floor[VPN_TAI64N_BYTES]; /**< our stamps will be greater: restore what vpn_wg_stamp gave */
} vpn_wg_config;

/**
 * @brief Makes a device without a private key and without peers.
 * @param config NULL for all defaults.
 * @return 0, VPN_EINVAL, VPN_ENOMEM or VPN_ERANDOM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_wg_new(vpn_wg **out, const vpn_wg_config *config);

/**
 * @brief Wipes and frees a device; NULL is allowed.
 * @return 0, or VPN_EBUSY while packets are between begin and end, and then nothing has changed. Since 0.1.
 */
VPN_API int vpn_wg_free(vpn_wg *wg);

/**
 * @brief Changes the private key. Handshakes in progress are dropped, nothing more is sent under the present sessions
 * (receiving goes on), and a peer that bears our own key is removed. Setting the key that is set already changes nothing.
 * @param key clamped by the call; NULL or all zero: the device has no identity and makes no handshake. Since 0.1.
 * @return 0 always; the value is there for later versions.
 */
VPN_API VPN_NONNULL(1) int vpn_wg_set_private_key(vpn_wg *wg, const uint8_t *key, vpn_time now);

/** @brief Copies the private key (all zero: none); the caller wipes it. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_wg_private_key(const vpn_wg *wg, uint8_t out[VPN_KEY_BYTES]);

/** @brief Copies the public key (all zero: none). Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_wg_public_key(const vpn_wg *wg, uint8_t out[VPN_KEY_BYTES]);

/** @brief Changes the inner MTU, which bounds padding. 0 or VPN_EINVAL. Since 0.1. */
VPN_API VPN_NONNULL(1) int vpn_wg_set_mtu(vpn_wg *wg, uint32_t mtu);

/**
 * @brief The greatest stamp that was sent. A host without a clock stores it and gives it back as `stamp_floor`, else its
 * handshakes are refused as replays after a restart. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) void vpn_wg_stamp(const vpn_wg *wg, uint8_t out[VPN_TAI64N_BYTES]);

/** @name Endpoint policy: what an authentic packet from another address does
 * @{ */
#define VPN_WG_LEARN 0 /**< the peer's endpoint follows (roaming) */
#define VPN_WG_PIN   1 /**< the endpoint stays; replies go to it */
#define VPN_WG_ASK   2 /**< the endpoint stays, and event VPN_WG_ROAM_ASKED tells the host, who may set it */
/** @} */

/** @name Padding policy
 * @{ */
#define VPN_WG_PAD_STANDARD 0 /**< to a multiple of 16, never past the MTU */
#define VPN_WG_PAD_MTU      1 /**< to the MTU: hides the sizes of packets; costs bandwidth and tailroom */
/** @} */

/** @name Which fields of vpn_wg_peer are given
 * @{ */
#define VPN_WG_SET_PRESHARED 0x01u /**< `preshared_key` is given */
#define VPN_WG_SET_ENDPOINT  0x02u /**< `endpoint` is given */
#define VPN_WG_SET_KEEPALIVE 0x04u /**< `keepalive` is given */
#define VPN_WG_SET_POLICY    0x08u /**< `policy` is given */
#define VPN_WG_SET_PADDING   0x10u /**< `padding` is given */
#define VPN_WG_SET_EXPIRES   0x20u /**< `expires` is given */
#define VPN_WG_SET_QUEUE     0x40u /**< `queue` is given */
#define VPN_WG_SET_STAMP     0x80u /**< `stamp` is given */
/** @} */

#define VPN_WG_QUEUE_DEFAULT 128u /**< packets that a peer may park */

/** @brief Settings of a peer. All of them may change under traffic. */
typedef struct vpn_wg_peer {
    uint32_t size;                        /**< sizeof(vpn_wg_peer) as the caller knows it */
    uint32_t set;                         /**< VPN_WG_SET_*: the fields below that hold a value */
    uint8_t public_key[VPN_KEY_BYTES];    /**< for vpn_wg_peer_add; ignored by vpn_wg_peer_set */
    uint8_t preshared_key[VPN_KEY_BYTES]; /**< all zero: none. Takes effect at the next handshake */
    vpn_endpoint endpoint;                /**< family 0: forget it */
    vpn_time expires;                     /**< when the peer is removed by itself; VPN_NEVER: never (default) */
    uint16_t keepalive;                   /**< persistent keepalive in seconds; 0: off (default) */
    uint8_t policy;                       /**< VPN_WG_LEARN (default), VPN_WG_PIN or VPN_WG_ASK */
    uint8_t padding;                      /**< VPN_WG_PAD_STANDARD (default) or VPN_WG_PAD_MTU */
    uint32_t queue;                       /**< packets that may be parked; 0: drop instead of VPN_WAIT */
    uint8_t stamp[VPN_TAI64N_BYTES];      /**< greatest stamp received: restore it, else an old initiation replays */
    uint8_t reserved[4];                  /**< zero */
} vpn_wg_peer;

/**
 * @brief Adds a peer.
 * @param peer fields that `set` does not name take their defaults.
 * @param id receives its id.
 * @return 0; VPN_EINVAL; VPN_EEXIST (and `id` is that peer's); VPN_ESELF; VPN_ELIMIT; VPN_ENOMEM; VPN_ERANDOM. On error nothing
 * has changed. A key of low order is no error here: no packet will ever go to such a peer. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_wg_peer_add(vpn_wg *wg, const vpn_wg_peer *peer, vpn_peer_id *id,
                                                              vpn_time now);

/** @brief Changes the settings that `peer->set` names. 0, VPN_EINVAL (nothing has changed) or VPN_ENOENT. Since 0.1. */
VPN_API VPN_NONNULL(1, 3) int vpn_wg_peer_set(vpn_wg *wg, vpn_peer_id id, const vpn_wg_peer *peer, vpn_time now);

/**
 * @brief Reads a peer's settings, all of them; `out->size` is set by the caller. The caller wipes the preshared key.
 * @return 0, VPN_EINVAL or VPN_ENOENT. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) int vpn_wg_peer_get(const vpn_wg *wg, vpn_peer_id id, vpn_wg_peer *out);

/** @brief Wipes and removes a peer with its AllowedIPs and sessions, also with packets in flight. 0 or VPN_ENOENT. Since 0.1. */
VPN_API VPN_NONNULL(1) int vpn_wg_peer_remove(vpn_wg *wg, vpn_peer_id id);

/** @brief The peer after `id`, in the order of slots; the first one for 0; 0 at the end. Removing `id` first is allowed. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) vpn_peer_id vpn_wg_peer_next(const vpn_wg *wg, vpn_peer_id id);

/** @brief The peer that has a public key, or 0. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) vpn_peer_id vpn_wg_peer_find(const vpn_wg *wg, const uint8_t key[VPN_KEY_BYTES]);

/** @brief Gives a prefix to a peer, taking it from another. 0, VPN_EINVAL, VPN_ENOENT, VPN_ELIMIT or VPN_ENOMEM. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) int vpn_wg_allow(vpn_wg *wg, vpn_peer_id id, const vpn_prefix *prefix);

/** @brief Takes a prefix from a peer; all of its prefixes when `prefix` is NULL. 0, VPN_EINVAL or VPN_ENOENT. Since 0.1. */
VPN_API VPN_NONNULL(1) int vpn_wg_disallow(vpn_wg *wg, vpn_peer_id id, const vpn_prefix *prefix);

/** @brief The next prefix of a peer, as vpn_allowedips_next. 0 or VPN_ENOENT. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3, 4) int vpn_wg_allowed(const vpn_wg *wg, vpn_peer_id id, uint64_t *cursor,
                                                             vpn_prefix *out);

/** @brief The peer that AllowedIPs give an address to, or 0; `family` 4 or 6, `addr` 4 or 16 bytes. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) vpn_peer_id vpn_wg_route(const vpn_wg *wg, uint8_t family, const uint8_t *addr);

/**
 * @brief Sends inner packets: begin, crypt and end in a row.
 *
 * Verdicts: VPN_TO_NET (the packet is now a datagram for `path.remote`), VPN_WAIT (no session; unchanged) or VPN_DROP.
 * Never allocates.
 * @return packets with verdict VPN_TO_NET. Since 0.1.
 */
VPN_API VPN_NONNULL(1) size_t vpn_wg_send(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/**
 * @brief Receives datagrams: begin, crypt and end in a row.
 *
 * Verdicts: VPN_TO_TUN (the packet is now the inner packet from `peer`), VPN_TO_NET (it is now a reply: response, cookie or
 * keepalive), VPN_DONE, VPN_UNKNOWN (unchanged) or VPN_DROP (the content is then undefined, but never plaintext that was not
 * authentic). A reply fits where its request was: the buffer needs no more room than the datagram.
 * @return packets with verdict VPN_TO_TUN or VPN_TO_NET. Since 0.1.
 */
VPN_API VPN_NONNULL(1) size_t vpn_wg_recv(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/** @brief Scratch of one thread for vpn_wg_crypt. Opaque. */
typedef struct vpn_scratch vpn_scratch;

/**
 * @brief Makes a scratch.
 * @param provider the device's; NULL for libsodium. Must outlive the scratch.
 * @return 0, VPN_EINVAL or VPN_ENOMEM, or what the provider says. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_scratch_new(vpn_scratch **out, const vpn_provider *provider,
                                                        const vpn_env *env);

/** @brief Frees a scratch; NULL is allowed. Since 0.1. */
VPN_API void vpn_scratch_free(vpn_scratch *scratch);

/**
 * @brief First phase of sending: finds peers and keys, writes headers, takes counters. Packets that go on have verdict
 * VPN_PENDING and pin their key until vpn_wg_end. Each begin needs exactly one end for the same packets.
 * @return packets that are pending. Since 0.1.
 */
VPN_API VPN_NONNULL(1) size_t vpn_wg_send_begin(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/** @brief First phase of receiving: handles handshake messages whole, finds keys. Else as vpn_wg_send_begin. Since 0.1. */
VPN_API VPN_NONNULL(1) size_t vpn_wg_recv_begin(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/**
 * @brief Second phase: the AEAD, on pending packets of either direction; others are passed over, and so is a packet that
 * was done. Touches the packets and the scratch alone, so different batches, or parts of one, may run on different threads.
 * Since 0.1.
 */
VPN_API VPN_NONNULL(1) void vpn_wg_crypt(vpn_scratch *scratch, vpn_packet *packets, size_t n);

/**
 * @brief Third phase, for packets of either begin, in their order: replay window, roaming, timers, source check. A packet
 * without its crypt is dropped.
 * @return packets with verdict VPN_TO_TUN or VPN_TO_NET. Since 0.1.
 */
VPN_API VPN_NONNULL(1) size_t vpn_wg_end(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/**
 * @brief The static key behind a packet with verdict VPN_UNKNOWN. The device remembers the last 64 of them for 5 s.
 * @return 0, or VPN_ENOENT when it is not, or no longer, remembered. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_wg_initiator(const vpn_wg *wg, const vpn_packet *packet,
                                                               uint8_t key[VPN_KEY_BYTES]);

/**
 * @brief Receives an initiation that had verdict VPN_UNKNOWN again, after its peer was added. mac2 and the limits are passed
 * over if the device remembers the datagram; else this is vpn_wg_recv for one packet.
 * @return 1 when the packet is now a reply to send, else 0. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) size_t vpn_wg_accept(vpn_wg *wg, vpn_packet *packet, vpn_time now);

/** @brief When to call vpn_wg_tick next: exact, in constant time. VPN_NEVER when nothing is due. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) vpn_time vpn_wg_deadline(const vpn_wg *wg);

/**
 * @brief Does what is due, and writes messages to fresh packets, at most one to each.
 * @param packets `data`, `capacity` and `offset` are given, with VPN_WG_FRESH_BYTES behind the offset; verdict, length and path
 * are set.
 * @return packets written, all with verdict VPN_TO_NET. When it is `n`, more may be due. Since 0.1.
 */
VPN_API VPN_NONNULL(1) size_t vpn_wg_tick(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now);

/** @brief Makes a handshake with a peer due, as soon as 5 s have passed since the last one. 0 or VPN_ENOENT. Since 0.1. */
VPN_API VPN_NONNULL(1) int vpn_wg_handshake(vpn_wg *wg, vpn_peer_id id, vpn_time now);

/**
 * @brief The outer network changed (another link, another address): forgets the local address of every path; peers with a
 * session send a keepalive at once, so that they are found at the new address, and make a handshake, and so do peers with a
 * persistent keepalive. Since 0.1.
 */
VPN_API VPN_NONNULL(1) void vpn_wg_network_changed(vpn_wg *wg, vpn_time now);

/**
 * @brief The machine goes to sleep: wipes all sessions and handshakes; there is no deadline and no packet passes until
 * vpn_wg_resume. Since 0.1.
 */
VPN_API VPN_NONNULL(1) void vpn_wg_suspend(vpn_wg *wg);

/**
 * @brief The machine woke: peers that had a session or packets with verdict VPN_WAIT, or that have a persistent keepalive, make
 * a handshake at once. Since 0.1.
 */
VPN_API VPN_NONNULL(1) void vpn_wg_resume(vpn_wg *wg, vpn_time now);

/** @name Events
 * @{ */
#define VPN_WG_UP              1 /**< a session can carry data: send what was parked. Never lost */
#define VPN_WG_SESSION_EXPIRED 2 /**< the session can no longer carry data, and none replaced it */
#define VPN_WG_GAVE_UP         3 /**< no answer to 20 initiations, or none can be sent: forget what was parked. Never lost */
#define VPN_WG_ROAMED          4 /**< the endpoint moved to `path` */
#define VPN_WG_ROAM_ASKED      5 /**< policy VPN_WG_ASK: an authentic packet came from `path` */
#define VPN_WG_PEER_EXPIRED    6 /**< a temporary peer was removed; its id is no longer valid */
#define VPN_WG_LOAD_ON         7 /**< under load: handshakes need a cookie */
#define VPN_WG_LOAD_OFF        8 /**< no longer under load */
#define VPN_WG_UNKNOWN_PEER    9 /**< an initiation from `public_key`, which is no peer */
/** @} */

/** @brief An event. */
typedef struct vpn_wg_event_info {
    uint32_t type;                     /**< VPN_WG_UP .. */
    uint32_t reserved;                 /**< zero */
    vpn_time time;                     /**< when it happened */
    vpn_peer_id peer;                  /**< 0 for none */
    uint8_t public_key[VPN_KEY_BYTES]; /**< the peer's, or the unknown initiator's; else zero */
    vpn_path path;                     /**< with UP, ROAMED, ROAM_ASKED and UNKNOWN_PEER; else zero */
    vpn_endpoint from;                 /**< with ROAMED, where the peer was before; else zero */
} vpn_wg_event_info;

/**
 * @brief Takes the oldest event. The ring is bounded: when it is full new events are lost and counted, except VPN_WG_UP and
 * VPN_WG_GAVE_UP, which are kept with their peer.
 * @return 0, or VPN_ENOENT when there is none. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_wg_event(vpn_wg *wg, vpn_wg_event_info *out);

/** @brief A short lower-case name such as "roamed"; "unknown" outside the range. Any thread. Since 0.1. */
VPN_API const char *vpn_wg_event_name(uint32_t type);

/** @brief Counters of a device, since it was made. */
typedef struct vpn_wg_stats {
    uint32_t size;                 /**< set by the caller */
    uint32_t peers;                /**< peers now */
    uint32_t sessions;             /**< key slots now */
    uint32_t under_load;           /**< 1 or 0, now */
    uint64_t rx_packets;           /**< inner packets to the TUN */
    uint64_t rx_bytes;             /**< authentic data messages, whole, from the network */
    uint64_t tx_packets;           /**< inner packets to the network */
    uint64_t tx_bytes;             /**< data messages, whole, to the network */
    uint64_t initiations_sent;     /**< first tries and repeats */
    uint64_t initiations_received; /**< accepted */
    uint64_t responses_sent;       /**< each answers an initiation */
    uint64_t responses_received;   /**< accepted */
    uint64_t cookies_sent;         /**< replies under load */
    uint64_t cookies_received;     /**< accepted */
    uint64_t keepalives_sent;      /**< persistent and passive ones */
    uint64_t keepalives_received;  /**< authentic and not replayed */
    uint64_t unknown_initiators;   /**< packets with verdict VPN_UNKNOWN */
    uint64_t events_lost;          /**< because the ring was full */
    uint64_t memory;               /**< bytes taken from the allocator now */
    uint64_t drops[VPN_REASONS];   /**< by VPN_REASON_* */
} vpn_wg_stats;

/** @brief Reads a device's counters. 0 or VPN_EINVAL (`out->size`). Since 0.1. */
VPN_API VPN_NONNULL(1, 2) int vpn_wg_get_stats(const vpn_wg *wg, vpn_wg_stats *out);

/** @name State of a peer
 * @{ */
#define VPN_WG_IDLE       0 /**< no session and no handshake */
#define VPN_WG_CONNECTING 1 /**< a handshake is due or under way */
#define VPN_WG_CONNECTED  2 /**< a session can carry data */
/** @} */

/** @brief State and counters of a peer. */
typedef struct vpn_wg_peer_stats {
    uint32_t size;                /**< set by the caller */
    uint32_t state;               /**< VPN_WG_IDLE .. VPN_WG_CONNECTED */
    vpn_path path;                /**< endpoint and sticky source; family 0: none */
    vpn_time last_handshake;      /**< on the caller's clock; VPN_NEVER: never */
    vpn_wall last_handshake_wall; /**< all zero: never */
    vpn_time session_born;        /**< of the current session; VPN_NEVER: none */
    vpn_time last_received;       /**< last authentic message; VPN_NEVER: never */
    uint32_t attempts;            /**< initiations sent without an answer */
    uint32_t initiator;           /**< 1 when we initiated the current session */
    uint64_t rx_packets;          /**< as in vpn_wg_stats */
    uint64_t rx_bytes;            /**< all authentic messages from the network, handshakes included */
    uint64_t tx_packets;          /**< as in vpn_wg_stats */
    uint64_t tx_bytes;            /**< all messages to the network, handshakes included */
    uint64_t handshakes;          /**< sessions made */
    uint64_t
        drops[VPN_REASONS]; /**< by VPN_REASON_*; those under VPN_REASON_PEER_FIRST stay 0, none exceeds 2^32 - 1 */
} vpn_wg_peer_stats;

/** @brief Reads a peer's state and counters. 0, VPN_EINVAL (`out->size`) or VPN_ENOENT. Since 0.1. */
VPN_API VPN_NONNULL(1, 3) int vpn_wg_peer_get_stats(const vpn_wg *wg, vpn_peer_id id, vpn_wg_peer_stats *out,
                                                    vpn_time now);

VPN_END

#endif
