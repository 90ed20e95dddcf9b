/* SPDX-License-Identifier: ISC */
/**
 * @file offload.h
 * @brief Segmentation offload without I/O: a super-packet of a TUN device into packets that fit the tunnel, and received
 * packets of one flow into a super-packet.
 *
 * A TUN device with IFF_VNET_HDR gives and takes a header of 10 bytes before each packet (struct virtio_net_hdr of Virtio 1.2
 * section 5.1.6, in the host's byte order). Pure; any thread; nothing allocates.
 */
#ifndef VPN_OFFLOAD_H
#define VPN_OFFLOAD_H

#include <vpn/packet.h>

VPN_BEGIN

#define VPN_VNET_BYTES 10 /**< header of a TUN device with IFF_VNET_HDR */

/** @name Flags
 * @{ */
#define VPN_OFFLOAD_CHECKSUM                                                                                           \
    0x1u /**< the transport checksum holds the pseudo-header's sum alone, and is to be completed */
#define VPN_OFFLOAD_VALID 0x2u /**< the checksums were verified */
/** @} */

/** @name Kinds of super-packets
 * @{ */
#define VPN_GSO_NONE 0    /**< a packet as it is */
#define VPN_GSO_TCP4 1    /**< TCP over IPv4 */
#define VPN_GSO_TCP6 4    /**< TCP over IPv6 */
#define VPN_GSO_UDP  5    /**< UDP over either, each datagram with a header of its own */
#define VPN_GSO_ECN  0x80 /**< with TCP: the flag CWR is on the first segment alone */
/** @} */

/** @brief What a host says of a packet; zero for a packet as it is. */
typedef struct vpn_offload {
    uint8_t flags;        /**< VPN_OFFLOAD_* */
    uint8_t gso;          /**< VPN_GSO_* */
    uint16_t header;      /**< bytes of all headers; a hint, computed anew */
    uint16_t gso_size;    /**< payload bytes of each segment but the last */
    uint16_t csum_start;  /**< where the transport header begins */
    uint16_t csum_offset; /**< where its checksum is, from there */
    uint16_t reserved;    /**< zero */
} vpn_offload;

/** @brief Reads the header of a TUN device. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_offload_read(vpn_offload *out, const uint8_t in[VPN_VNET_BYTES]);

/** @brief Writes the header of a TUN device. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_offload_write(uint8_t out[VPN_VNET_BYTES], const vpn_offload *in);

/** @brief How a packet is cut; made by vpn_segment_plan. */
typedef struct vpn_segments {
    uint32_t count; /**< packets, at least 1 */
    uint32_t each;  /**< bytes of each but the last */
    uint32_t last;  /**< bytes of the last */
    /** @cond private */
    uint32_t header;
    uint32_t transport;
    uint32_t size;
    uint64_t ip_sum;
    uint64_t pseudo_sum;
    uint8_t version;
    uint8_t protocol;
    uint8_t complete;
    uint8_t reserved[5];
    /** @endcond */
} vpn_segments;

/**
 * @brief Plans how to cut a packet; one that is no super-packet is one segment.
 * @param packet `length` bytes from the IP header on, 1..65535.
 * @return 0, or VPN_EFORMAT: what `how` says does not fit the packet. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_segment_plan(vpn_segments *out, const vpn_offload *how,
                                                               const uint8_t *packet, uint32_t length);

/**
 * @brief Writes one segment: headers with their lengths, identification, sequence number and flags, payload, checksums.
 * @param packet as it was given to vpn_segment_plan.
 * @param index 0 .. count - 1.
 * @param out `each` bytes, or `last` for the last; not inside `packet`.
 * @return bytes written, or 0 for an index past the end. Since 0.1. What Linux makes from the same packet is the reference.
 */
VPN_API VPN_NONNULL(1, 2, 4) uint32_t
    vpn_segment_write(const vpn_segments *plan, const uint8_t *packet, uint32_t index, uint8_t *out);

/**
 * @brief Completes the checksum of a packet that is no super-packet, in place.
 * @return 0, or VPN_EFORMAT as vpn_segment_plan. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_offload_complete(const vpn_offload *how, uint8_t *packet,
                                                                uint32_t length);

#define VPN_COALESCE_MAX  128     /**< packets that are joined in one call */
#define VPN_COALESCE_END  0xffffu /**< as `next`: the last of its super-packet */
#define VPN_COALESCE_TCP4 0x1u    /**< join TCP over IPv4 */
#define VPN_COALESCE_TCP6 0x2u    /**< join TCP over IPv6 */
#define VPN_COALESCE_UDP  0x4u    /**< join UDP over both */

/** @brief A packet that may consist of several. */
typedef struct vpn_super {
    vpn_offload offload; /**< what to tell the host of it */
    uint32_t length;     /**< bytes in all */
    uint16_t first;      /**< index of its first packet */
    uint16_t count;      /**< how many packets */
    /** @cond private */
    uint32_t sequence;
    uint16_t transport;
    uint16_t header;
    uint16_t size;
    uint16_t last;
    uint8_t version;
    uint8_t protocol;
    uint8_t closed;
    uint8_t flags;
    /** @endcond */
} vpn_super;

/**
 * @brief Joins received packets of one flow, as a network card does (GRO).
 *
 * Packets with verdict VPN_TO_TUN are looked at, others passed over. TCP segments follow one another without a gap, with the same
 * acknowledgement, window, flags and options; datagrams have the same size; the last one may be shorter. Only packets
 * whose checksums hold are joined. Of a super-packet's packets the first keeps its headers, which now speak of the whole, and the
 * others keep their payload alone (offset and length change), so that a host writes it from several places at once. The
 * order within a flow stays.
 * @param n at most VPN_COALESCE_MAX; those past it are passed over.
 * @param kinds VPN_COALESCE_*: what to join.
 * @param next `n` elements: of each packet the index of the one behind it in its super-packet, or VPN_COALESCE_END.
 * @param out room for `n`.
 * @return super-packets, those of one packet included. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 4, 5) size_t
    vpn_coalesce(vpn_packet *packets, size_t n, uint32_t kinds, uint16_t *next, vpn_super *out);

VPN_END

#endif
