/* SPDX-License-Identifier: ISC */
/**
 * @file queue.h
 * @brief Parks packets with verdict VPN_WAIT per peer until the peer is up. Optional, usable with any protocol.
 *
 * The queue keeps copies, so the caller's buffers are free again at once. It is bounded per peer and in total; when a
 * bound is reached the oldest packet of the same peer goes (and when the peer has none, the new one). One thread at a time.
 */
#ifndef VPN_QUEUE_H
#define VPN_QUEUE_H

#include <vpn/packet.h>

VPN_BEGIN

/** @brief The queue. Opaque. */
typedef struct vpn_queue vpn_queue;

/** @brief Settings of a queue. */
typedef struct vpn_queue_config {
    uint32_t size;      /**< sizeof(vpn_queue_config) as the caller knows it */
    uint32_t reserved;  /**< zero */
    uint64_t max_bytes; /**< of packets in all, each counted as at least 16; 0 for the default, 16 MiB */
    const vpn_env *env; /**< copied; NULL for the defaults */
} vpn_queue_config;

/** @brief Most packets of one peer, whatever `packet.queue` says. */
#define VPN_QUEUE_PEER_MAX 65536

/**
 * @brief Makes a queue.
 * @param config NULL for the defaults.
 * @return 0, VPN_EINVAL or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_queue_new(vpn_queue **out, const vpn_queue_config *config);

/** @brief Frees a queue and wipes the packets in it; NULL is allowed. Since 0.1. */
VPN_API void vpn_queue_free(vpn_queue *queue);

/**
 * @brief Parks a copy of an inner packet for `packet->peer`, at most `packet->queue` for that peer.
 * @return 0; VPN_ELIMIT when the packet itself was dropped (limit 0, or no room in max_bytes even without the peer's other
 * packets, which then stay); VPN_EINVAL (no peer, or not within the buffer); VPN_ENOMEM and nothing has changed. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) int vpn_queue_push(vpn_queue *queue, const vpn_packet *packet);

/**
 * @brief Takes the oldest packet of a peer, copied to `packet->data + packet->offset`; sets `length` and `peer`.
 * @return 0; VPN_ENOENT when there is none; VPN_ESPACE when it does not fit, and then `length` is the need and the packet
 * stays. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) int vpn_queue_pop(vpn_queue *queue, vpn_peer_id peer, vpn_packet *packet);

/** @brief Drops and wipes all packets of a peer; returns how many. Since 0.1. */
VPN_API VPN_NONNULL(1) size_t vpn_queue_purge(vpn_queue *queue, vpn_peer_id peer);

/** @brief Packets that are parked for a peer; for all peers when `peer` is 0. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) size_t vpn_queue_count(const vpn_queue *queue, vpn_peer_id peer);

/** @brief Packets that were dropped because a bound was reached, since the queue was made. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) uint64_t vpn_queue_dropped(const vpn_queue *queue);

VPN_END

#endif
