/* SPDX-License-Identifier: ISC */
/**
 * @file netmap.h
 * @brief Networks under other addresses: prefixes are translated one to one, without state, so that sites whose address
 * spaces overlap reach each other.
 *
 * A rule joins two prefixes of one length. Inside is how this side writes the addresses, outside how the tunnel's peer
 * does. Rules of OURS are about the hosts here: a packet to the peer gets another source, a packet from it another
 * destination. Rules of THEIRS are about the hosts behind the peer: a packet to it gets another destination, one from
 * it another source. The longest inside prefix that holds an address decides; an address without a rule stays.
 *
 * For the addresses of either side one direction is the exact inverse of the other. Where it could not be, since the result
 * would stand for another address as well, the packet is refused. So answers find their way back, and no host can take on the
 * address of another by way of the rules.
 *
 * IPv4: the bits behind the prefix stay, and checksums follow by their differences (RFC 1624): that of the IP header, and
 * those of TCP, UDP, UDP-Lite and DCCP, which know the addresses; they stay as right or as wrong as they were. Of
 * fragments, the first has the checksum. IPv6: the difference of the two prefixes is made up for in a word of the
 * address (RFC 6296), so that no checksum changes, of any protocol: bits 48 to 63 with prefixes up to /48, otherwise the
 * first word behind bit 64 and the prefix that is not 0xffff. In both families the packet that an ICMP error quotes is
 * translated as well, the other way round, with its checksums, as far as it is there.
 *
 * Not translated: addresses that a protocol carries in its data (FTP, SIP, DNS, SCTP's), source routes and other
 * options, the gateway of a redirect, neighbour discovery, and what is inside tunnels and ESP. The translation of one
 * address for other uses, such as DNS, is vpn_netmap_address.
 *
 * A table never changes: any number of threads may use it. Only making one allocates.
 */
#ifndef VPN_NETMAP_H
#define VPN_NETMAP_H

#include <vpn/base.h>

VPN_BEGIN

/** @brief The table of one peer. Opaque. */
typedef struct vpn_netmap vpn_netmap;

/** @name Directions, as in vpn/filter.h
 * @{ */
#define VPN_NETMAP_IN  1 /**< from the peer: outside to inside. After vpn_wg_recv */
#define VPN_NETMAP_OUT 2 /**< to the peer: inside to outside. Before vpn_wg_send */
/** @} */

/** @name Whose addresses a rule is about
 * @{ */
#define VPN_NETMAP_OURS   0 /**< hosts here: sources of what goes to the peer, destinations of what comes from it */
#define VPN_NETMAP_THEIRS 1 /**< hosts behind the peer: the other way round */
/** @} */

/** @name Flags
 * @{ */
/** The checksum of TCP or UDP is still to be completed by whoever sends the packet (VPN_OFFLOAD_CHECKSUM): what stands there
 * is the sum of the pseudo-header, and is kept so. */
#define VPN_NETMAP_PARTIAL 0x1u
/** @} */

/**
 * @name What became of a packet or an address
 *
 * From VPN_NETMAP_TAKEN on nothing has changed, and the packet must not be carried. Appended, never used again.
 * @{ */
#define VPN_NETMAP_UNTOUCHED  0 /**< no rule is for it: carry it as it is */
#define VPN_NETMAP_TRANSLATED 1 /**< it has changed */
#define VPN_NETMAP_TAKEN      2 /**< an address that stands for another one on the other side; nobody's, or forged */
#define VPN_NETMAP_UNMAPPABLE 3 /**< IPv6: every word that could make up for the difference is 0xffff (RFC 6296) */
#define VPN_NETMAP_PROTECTED  4 /**< there is an authentication header, which would not hold (RFC 4302) */
#define VPN_NETMAP_RESULTS    5 /**< how many there are */
/** @} */

#define VPN_NETMAP_RULES_MAX 1024 /**< most rules of a table */
#define VPN_NETMAP_BITS_MAX6 112  /**< longest prefix in IPv6: one word is needed behind it */

/** @brief Two prefixes that stand for each other. The layout is final. */
typedef struct vpn_netmap_rule {
    uint32_t whose;     /**< VPN_NETMAP_OURS or VPN_NETMAP_THEIRS */
    uint32_t reserved;  /**< zero */
    vpn_prefix inside;  /**< as this side writes it */
    vpn_prefix outside; /**< as the peer writes it; of the same family and length */
} vpn_netmap_rule;

/**
 * @brief Looks for the first rule that is not valid by itself or beside those before it.
 *
 * Among rules of OURS, and likewise among those of THEIRS, no two have the same inside prefix, and outside prefixes do not
 * overlap. Inside prefixes may lie within one another: the longest decides. What the shorter rule would have made of
 * those addresses is then nobody's (VPN_NETMAP_TAKEN). A rule with the same prefix on both sides is an exception from a
 * shorter one.
 * @param rules `count` rules; NULL only when that is 0.
 * @param bad receives its place, or `count` when all are valid or there are too many; may be NULL.
 * @return 0; VPN_EINVAL: a field, two families or lengths, or more than VPN_NETMAP_BITS_MAX6; VPN_EEXIST: an overlap as
 * above; VPN_ELIMIT: more than VPN_NETMAP_RULES_MAX. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE int vpn_netmap_check(const vpn_netmap_rule *rules, size_t count, size_t *bad);

/**
 * @brief Makes a table; it takes about 80 bytes a rule.
 * @param out receives the table; the caller frees it with vpn_netmap_free.
 * @param rules `count` rules, copied; without any, every packet is untouched.
 * @param env NULL for the defaults.
 * @return 0, what vpn_netmap_check says, VPN_EINVAL (a bad `env`) or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_netmap_new(vpn_netmap **out, const vpn_netmap_rule *rules, size_t count,
                                                       const vpn_env *env);

/** @brief Frees a table; NULL is allowed. Since 0.1. */
VPN_API void vpn_netmap_free(vpn_netmap *netmap);

/**
 * @brief Translates a packet in place.
 *
 * What this table did to a packet on its way to the peer, a table for the peer's end undoes there, bit for bit: of the same
 * rules, but each of the other `whose`. One exception: an IPv4, TCP, DCCP or ICMP checksum of 0xffff, which no sender
 * that calculates writes, comes back as 0x0000, which says the same; and with VPN_NETMAP_PARTIAL a sum of 0x0000, which no
 * pseudo-header has, as 0xffff. A UDP checksum of 0 is none and stays.
 * @param direction VPN_NETMAP_IN or VPN_NETMAP_OUT.
 * @param packet `length` bytes from the IP header on; what follows the length in that header is padding and stays. NULL
 * only when it is 0.
 * @param flags VPN_NETMAP_PARTIAL or 0.
 * @return VPN_NETMAP_*; VPN_EINVAL: direction or flags; VPN_EFORMAT or VPN_ELIMIT: as vpn_ip_parse says of the packet or of what
 * it quotes, or an ICMP error that does not quote both addresses of a packet of its family. The packet changes with
 * VPN_NETMAP_TRANSLATED only. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_netmap_translate(const vpn_netmap *netmap, uint32_t direction,
                                                             uint8_t *packet, size_t length, uint32_t flags);

/**
 * @brief Translates one address in place, as it would be in a packet.
 * @param direction VPN_NETMAP_IN: from outside to inside; VPN_NETMAP_OUT: from inside to outside.
 * @param whose VPN_NETMAP_OURS or VPN_NETMAP_THEIRS.
 * @param family 4 or 6.
 * @param addr 4 or 16 bytes in network order.
 * @return VPN_NETMAP_* (never VPN_NETMAP_PROTECTED) or VPN_EINVAL. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 5) int vpn_netmap_address(const vpn_netmap *netmap, uint32_t direction,
                                                              uint32_t whose, uint8_t family, uint8_t *addr);

/** @brief What a result means, in a few words; other numbers give "unknown result". Any thread. Since 0.1. */
VPN_API const char *vpn_netmap_result_text(int result);

VPN_END

#endif
