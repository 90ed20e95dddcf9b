/* SPDX-License-Identifier: ISC */
/**
 * @file filter.h
 * @brief An ordered list of rules that decides which inner packets may pass between a peer and the host.
 *
 * The first rule that matches a packet decides, as if the list was read from its top; where none does, the default. Thousands
 * of rules cost hardly more than ten. A rule that is stateful also lets the answers to what it allowed pass, which a table of
 * fixed size remembers. An object serves one peer, or all peers that share a policy; flows of different peers are apart.
 *
 * What is in an IPv6 packet stands behind its extension headers: hop-by-hop options (as the first one only), routing,
 * destination options, authentication, shim6 and fragment, at most 16; any other number is a protocol, and what it carries is not
 * looked at, nor is what an IPv4 authentication header carries. A packet that cannot be read to its transport header is denied.
 *
 * Fragments: the first one has the ports and is decided like a packet. Later ones have none, so a rule that looks at ports,
 * ICMP types or TCP flags never matches them; with flows, those that follow an allowed first fragment of a stateful rule pass for
 * 30 seconds. A first fragment that is too short for the transport header is denied, as is a later one that would overwrite it
 * (RFC 1858, RFC 3128, RFC 7112), whatever the rules say.
 *
 * One thread at a time. Only vpn_filter_new and vpn_filter_replace allocate. Deciding takes a bounded number of steps: for each
 * 512 rules at most six words of 64 bytes, a binary search for each field, and with flows 16 entries of their table.
 */
#ifndef VPN_FILTER_H
#define VPN_FILTER_H

#include <vpn/base.h>
#include <vpn/packet.h>

VPN_BEGIN

/** @brief The filter. Opaque. */
typedef struct vpn_filter vpn_filter;

/** @name Actions
 * @{ */
#define VPN_FILTER_DENY   0 /**< forget the packet */
#define VPN_FILTER_ALLOW  1 /**< carry it */
#define VPN_FILTER_REJECT 2 /**< do not carry it; the caller may tell the sender, by a TCP RST or an ICMP error */
/** @} */

/** @name Directions
 * @{ */
#define VPN_FILTER_BOTH 0 /**< in rules only */
#define VPN_FILTER_IN   1 /**< from the peer to the host: what vpn_wg_recv delivers */
#define VPN_FILTER_OUT  2 /**< from the host to the peer: what vpn_wg_send is given */
/** @} */

/** @name What a rule looks at, beside direction and prefixes
 * @{ */
#define VPN_FILTER_MATCH_PROTOCOL  0x01u /**< `protocol` */
#define VPN_FILTER_MATCH_SRC_PORT  0x02u /**< `src_port_min` to `src_port_max`; TCP, UDP, UDP-Lite, DCCP and SCTP only */
#define VPN_FILTER_MATCH_DST_PORT  0x04u /**< `dst_port_min` to `dst_port_max`; the same protocols */
#define VPN_FILTER_MATCH_ICMP_TYPE 0x08u /**< `icmp_type`; protocols 1 (ICMP over IPv4) and 58 (ICMPv6) only */
#define VPN_FILTER_MATCH_ICMP_CODE 0x10u /**< `icmp_code`; with VPN_FILTER_MATCH_ICMP_TYPE only */
#define VPN_FILTER_MATCH_TCP_FLAGS 0x20u /**< the bits `tcp_mask` of the flags are `tcp_flags`; protocol 6 only */
/** @} */

/** @name Flags of a rule
 * @{ */
#define VPN_FILTER_STATEFUL 0x01u /**< what it allows makes a flow, whose answers pass; with VPN_FILTER_ALLOW only */
/** @} */

/** @brief Most rules of a filter. */
#define VPN_FILTER_RULES_MAX 32000u
/** @brief Most flows of a filter. */
#define VPN_FILTER_FLOWS_MAX 0x1000000u
/** @brief In place of the number of a rule: the default decided. */
#define VPN_FILTER_DEFAULT UINT32_MAX
/** @brief In place of the number of a rule: the packet itself forbids it, whatever rules and default say. */
#define VPN_FILTER_NO_RULE (UINT32_MAX - 1)

/**
 * @brief A rule: all that it names must hold. Set to zero, it denies every packet.
 *
 * A field whose bit in `match` is not set must be zero, so that a forgotten bit is an error and not a wider rule. An address of
 * a family never matches a packet of the other. The layout is final.
 */
typedef struct vpn_filter_rule {
    uint8_t action;        /**< VPN_FILTER_DENY, VPN_FILTER_ALLOW or VPN_FILTER_REJECT */
    uint8_t direction;     /**< VPN_FILTER_BOTH, VPN_FILTER_IN or VPN_FILTER_OUT */
    uint8_t flags;         /**< 0 or VPN_FILTER_STATEFUL */
    uint8_t protocol;      /**< IPv4 protocol, or IPv6 next header behind the extension headers */
    uint16_t match;        /**< VPN_FILTER_MATCH_*; 0: the prefixes alone decide */
    uint8_t icmp_type;     /**< 0..255 */
    uint8_t icmp_code;     /**< 0..255 */
    uint8_t tcp_mask;      /**< which of the eight flags count, not 0: 0x01 FIN, 0x02 SYN, 0x04 RST, 0x10 ACK, ... */
    uint8_t tcp_flags;     /**< how they must be */
    uint16_t src_port_min; /**< host's byte order */
    uint16_t src_port_max; /**< not less than src_port_min */
    uint16_t dst_port_min; /**< host's byte order */
    uint16_t dst_port_max; /**< not less than dst_port_min */
    uint8_t reserved[6];   /**< zero */
    vpn_prefix src;        /**< where the packet comes from; family 0 (then all zero): from anywhere */
    vpn_prefix dst;        /**< where it goes; family 0: anywhere. Both of one family, when both have one */
    uint64_t user;         /**< the caller's own; part of what makes two rules equal */
} vpn_filter_rule;

/** @brief Settings of a filter. */
typedef struct vpn_filter_config {
    uint32_t size;        /**< sizeof(vpn_filter_config) as the caller knows it */
    uint8_t fallback;     /**< the default: VPN_FILTER_DENY, VPN_FILTER_ALLOW or VPN_FILTER_REJECT */
    uint8_t no_fragments; /**< 1: every fragment is denied; 0: as above */
    uint8_t reserved[2];  /**< zero */
    uint32_t flows;       /**< entries of the flow table, rounded up to 8 times a power of two; 0: no stateful rules */
    uint32_t count;       /**< rules, at most VPN_FILTER_RULES_MAX */
    const vpn_filter_rule *rules; /**< copied; may be NULL when `count` is 0 */
    const vpn_env *env;           /**< copied; NULL for the defaults */
} vpn_filter_config;

/** @name Why it was decided so. Append only.
 * @{ */
#define VPN_FILTER_BY_RULE      0 /**< the rule matched */
#define VPN_FILTER_BY_DEFAULT   1 /**< no rule did */
#define VPN_FILTER_BY_FLOW      2 /**< part of a flow of the rule */
#define VPN_FILTER_BY_RELATED   3 /**< an ICMP error about a packet of a flow of the rule */
#define VPN_FILTER_BY_FOLLOWER  4 /**< a later fragment of what the rule allowed */
#define VPN_FILTER_BY_MALFORMED 5 /**< no IPv4 or IPv6 packet, or one that cannot be read to its transport header */
#define VPN_FILTER_BY_TINY                                                                                             \
    6 /**< a first fragment without all of the transport header, or a later one that reaches into it */
#define VPN_FILTER_BY_FRAGMENT 7 /**< a fragment, and there may be none */
#define VPN_FILTER_BY_ARGUMENT 8 /**< the direction or the time is none */
#define VPN_FILTER_REASONS     9 /**< how many there are */
/** @} */

/** @brief What was decided about a packet. */
typedef struct vpn_filter_verdict {
    uint8_t action;      /**< VPN_FILTER_DENY, VPN_FILTER_ALLOW or VPN_FILTER_REJECT */
    uint8_t reason;      /**< VPN_FILTER_BY_* */
    uint8_t reserved[2]; /**< zero */
    uint32_t rule;       /**< its place in the list, VPN_FILTER_DEFAULT or VPN_FILTER_NO_RULE */
    uint64_t user;       /**< of the rule; else 0 */
} vpn_filter_verdict;

/** @brief What a rule has decided, packets of its flows among it. */
typedef struct vpn_filter_count {
    uint64_t packets; /**< how many */
    uint64_t bytes;   /**< of them, by the lengths that were given */
} vpn_filter_count;

/** @brief What a filter has done since it was made. */
typedef struct vpn_filter_stats {
    uint32_t size;                        /**< sizeof(vpn_filter_stats) as the caller knows it */
    uint32_t rules;                       /**< in the list */
    uint32_t flows;                       /**< entries in use, some of which may have run out of time */
    uint32_t flows_max;                   /**< entries in all */
    uint64_t evicted;                     /**< flows that were alive and had to give way */
    uint64_t memory;                      /**< bytes taken from the allocator */
    uint64_t packets[VPN_FILTER_REASONS]; /**< decided, by VPN_FILTER_BY_* */
} vpn_filter_stats;

/**
 * @brief Looks for the first rule that is not valid.
 * @param bad receives its place, or `count` when all are valid; may be NULL.
 * @return 0, VPN_EINVAL, or VPN_ELIMIT (more than VPN_FILTER_RULES_MAX). Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE int vpn_filter_check(const vpn_filter_rule *rules, size_t count, size_t *bad);

/**
 * @brief Makes a filter.
 *
 * Memory: about 100 bytes a rule, and for what its fields say, in lists of n rules, at most about 1 KiB a rule at n = 10,000 and
 * 2.5 KiB at n = 32,000, however they overlap; a flow takes 100 bytes. While rules are loaded, as much again for a moment. Loading
 * takes O(n log n) steps and O(n * n / 512) bytes written, for every list.
 * @param out receives the filter; the caller frees it with vpn_filter_free.
 * @param config NULL for one that denies everything.
 * @return 0, VPN_EINVAL (a setting, a rule, or a stateful rule without flows), VPN_ELIMIT, VPN_ENOMEM or VPN_ERANDOM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_filter_new(vpn_filter **out, const vpn_filter_config *config);

/** @brief Frees a filter; NULL is allowed. Since 0.1. */
VPN_API void vpn_filter_free(vpn_filter *filter);

/**
 * @brief Takes other rules in place of those it has: all of them, or on an error none.
 *
 * A rule that equals one of before in every field goes on with its counters. A flow lives on exactly if the packet that made it
 * would be allowed by a stateful rule again; that is found out when its next packet comes. Later fragments of what was allowed before
 * are forgotten.
 * @return 0, VPN_EINVAL, VPN_ELIMIT or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_filter_replace(vpn_filter *filter, const vpn_filter_rule *rules,
                                                           size_t count);

/**
 * @brief Changes the default; flows, rules and counters stay.
 * @param fallback VPN_FILTER_DENY, VPN_FILTER_ALLOW or VPN_FILTER_REJECT.
 * @return 0 or VPN_EINVAL. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_filter_set_fallback(vpn_filter *filter, uint32_t fallback);

/**
 * @brief Decides about an inner packet and counts it. Never allocates.
 *
 * Flows are asked first, then the rules. Answers: packets between the same two addresses and ports the other way, but for TCP
 * no SYN without ACK; for ICMP echo requests, replies with the same identifier; ICMP errors to the sender of a packet
 * of the flow that they quote (RFC 5927: addresses, protocol and ports must all be those of the flow; an error changes nothing).
 * Other ICMP messages make no flow, nor does a TCP packet with RST or with both SYN and ACK.
 *
 * A flow ends when it has been silent for: TCP 7440 s, or 240 s until it is answered and after it was closed (RFC 5382, REQ-5);
 * other protocols 30 s until it is answered, then 180 s (RFC 4787, REQ-5, asks for 120); ICMP echo 30 s. TCP counts as
 * closed when each side's FIN was acknowledged by exactly its number, or after a RST whose number is exactly the next one that the
 * other side awaits (RFC 5961, section 3.2): another RST passes, and closes nothing. Where the table is full, a flow that
 * has run out, is not answered or is closed gives way first, then the one that was silent for longest.
 * @param direction VPN_FILTER_IN or VPN_FILTER_OUT.
 * @param peer whose packet it is, as in vpn_packet; any number, such as 0, where the filter has one peer only.
 * @param packet `length` bytes from the IP header on; what follows the length in that header is padding. NULL only when it is 0.
 * @param now a time smaller than one before is harmless. Only flows look at it.
 * @param out the verdict; may be NULL.
 * @return the action, VPN_FILTER_*; VPN_FILTER_DENY also for what is no packet. Since 0.1.
 */
VPN_API VPN_NONNULL(1) int vpn_filter_decide(vpn_filter *filter, uint32_t direction, vpn_peer_id peer,
                                             const uint8_t *packet, size_t length, vpn_time now,
                                             vpn_filter_verdict *out);

/** @brief Forgets the flows of a peer, or with 0 all flows; looks at every entry of the table. Since 0.1. */
VPN_API VPN_NONNULL(1) void vpn_filter_forget(vpn_filter *filter, vpn_peer_id peer);

/**
 * @brief A rule of the list, bits past its prefixes zero.
 * @return 0, or VPN_ENOENT past the end. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) int vpn_filter_get(const vpn_filter *filter, uint32_t rule,
                                                          vpn_filter_rule *out);

/**
 * @brief What a rule has decided, or with VPN_FILTER_DEFAULT the default.
 * @return 0, or VPN_ENOENT past the end. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3) int vpn_filter_counted(const vpn_filter *filter, uint32_t rule,
                                                              vpn_filter_count *out);

/**
 * @brief Numbers about the whole.
 * @param out `size` set by the caller.
 * @return 0 or VPN_EINVAL. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_filter_get_stats(const vpn_filter *filter, vpn_filter_stats *out);

VPN_END

#endif
