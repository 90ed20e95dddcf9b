/* SPDX-License-Identifier: ISC */
/**
 * @file icmp.h
 * @brief ICMP and ICMPv6 errors about inner packets: "too big" and "unreachable" are written, connections refused, and
 * errors that came are read.
 *
 * Nothing allocates. A vpn_icmp is used by one thread at a time; vpn_icmp_error_parse is pure.
 *
 * An error goes back to the sender of the packet that is refused: write it to the interface that the packet was read
 * from. None is written where RFC 1812 section 4.3.2.7 and RFC 4443 section 2.4 (e) forbid it; the result says why.
 */
#ifndef VPN_ICMP_H
#define VPN_ICMP_H

#include <vpn/ip.h>

VPN_BEGIN

#define VPN_ICMP_BYTES_MAX4 576  /**< longest error in IPv4 (RFC 1812 section 4.3.2.3) */
#define VPN_ICMP_BYTES_MAX6 1280 /**< longest error in IPv6 (RFC 4443 section 2.4 (c)) */

/**
 * @name Why there is no error to send
 *
 * Results of the writers that are neither 0 nor an error of a call. Appended, never used again.
 * @{ */
#define VPN_ICMP_FITS      1 /**< the packet is no longer than the MTU */
#define VPN_ICMP_DIVISIBLE 2 /**< IPv4 without DF: fragment the packet, or let it pass and be fragmented outside */
#define VPN_ICMP_ERROR     3 /**< the packet is an ICMP error or redirect itself, or a TCP reset that is to be refused */
#define VPN_ICMP_MANY      4 /**< it was sent to a multicast address or to 255.255.255.255 */
#define VPN_ICMP_NOBODY    5 /**< its source is no single host: unspecified, loopback, multicast, 0/8 or 240/4 */
#define VPN_ICMP_LATER     6 /**< it is a fragment and not the first */
#define VPN_ICMP_LIMITED   7 /**< enough errors were sent, to this source or in all */
#define VPN_ICMP_RESULTS   8 /**< how many there are, 0 counted */
/** @} */

/** @name Reasons of vpn_icmp_unreachable
 * @{ */
#define VPN_ICMP_NO_ROUTE   0 /**< no route: 3/0, ICMPv6 1/0 */
#define VPN_ICMP_PROHIBITED 1 /**< a filter or kill switch forbids it: 3/13, ICMPv6 1/1 */
#define VPN_ICMP_NO_HOST    2 /**< nobody there, or the peer is down: 3/1, ICMPv6 1/3 */
#define VPN_ICMP_NO_PORT    3 /**< 3/3, ICMPv6 1/4; makes a refused connection of UDP */
/** @} */

/** @name Flags of a writer
 * @{ */
/**
 * Errors come from where the packet was sent to, as if the host there had said it, whatever addresses are set. For a
 * system that takes no packet from an interface with a source that is its own address: Linux in IPv4, unless told to
 * (accept_local).
 */
#define VPN_ICMP_AS_DESTINATION 0x1u
/** @} */

/** @brief Settings of a writer; zero means the default, except for the addresses. */
typedef struct vpn_icmp_config {
    uint32_t size;        /**< sizeof(vpn_icmp_config) as the caller knows it */
    uint32_t rate;        /**< errors a second in all, and as many at once, 1..1000000; default 100 */
    uint32_t source_rate; /**< errors a second to one address, and as many at once, 1..1000000; default 10 */
    uint8_t ip4[4];       /**< source of errors in IPv4, an address of the tunnel; all zero: none are written */
    uint8_t ip6[16];      /**< source of errors in IPv6; all zero: none are written */
    uint32_t flags;       /**< VPN_ICMP_AS_DESTINATION */
} vpn_icmp_config;

#define VPN_ICMP_SOURCES 32 /**< addresses whose errors are counted at one time */

/** @brief Who writes errors, and how many more may be written now. */
typedef struct vpn_icmp {
    /** @cond private */
    struct {
        uint8_t addr[16];
        vpn_time full;
    } sources[VPN_ICMP_SOURCES];
    vpn_time full;
    uint32_t rate, source_rate;
    uint8_t ip4[4], ip6[16];
    uint32_t flags;
    /** @endcond */
} vpn_icmp;

/** @brief Starts a writer, whose budgets are full. @return 0 or VPN_EINVAL. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_icmp_init(vpn_icmp *icmp, const vpn_icmp_config *config);

/**
 * @brief Tells the sender of a packet that it is too big: ICMP "fragmentation needed" with the MTU (RFC 1191 section 4)
 * or ICMPv6 "packet too big" (RFC 4443 section 3.2).
 *
 * Of two budgets, of the source and of all, one error is taken from each, and only when both have one. A source for
 * which there is no place takes that of the one whose budget is full the soonest; the budget of all bounds them
 * together.
 * @param out memory for the error, from its IP header on; not that of `packet`. VPN_ICMP_BYTES_MAX6 always suffices.
 * @param bytes in: room; out: length of the error, which quotes as much of the packet as is allowed; 0 when there is
 * none.
 * @param packet `length` bytes as they were read from the interface. Its IPv4 header checksum must hold.
 * @param mtu greatest packet that passes, at least 68. In IPv6 less than 1280 counts as 1280 (RFC 8200 section 5), and
 * a packet that is no longer than that fits: its outer packet is fragmented.
 * @return 0: send it. VPN_ICMP_*: there is none, and why. VPN_ESPACE: `bytes` holds the need, and no budget was used.
 * VPN_EINVAL: no source address is set for this family, or the MTU is under 68. VPN_EFORMAT or VPN_ELIMIT: as
 * vpn_ip_parse says, or the checksum of the header. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_icmp_too_big(vpn_icmp *icmp, uint8_t *out, size_t *bytes,
                                                               const uint8_t *packet, size_t length, uint32_t mtu,
                                                               vpn_time now);

/**
 * @brief Tells the sender of a packet that it does not get through (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section
 * 3.1), so that its program fails at once instead of waiting.
 * @param why VPN_ICMP_NO_ROUTE .. VPN_ICMP_NO_PORT.
 * @return as vpn_icmp_too_big, but neither VPN_ICMP_FITS nor VPN_ICMP_DIVISIBLE. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_icmp_unreachable(vpn_icmp *icmp, uint8_t *out, size_t *bytes,
                                                                   const uint8_t *packet, size_t length, uint32_t why,
                                                                   vpn_time now);

/**
 * @brief Refuses a packet in the name of its destination, so that its sender fails at once: TCP by a reset (RFC 9293 section
 * 3.10.7.1), UDP and others with ports as if nobody listened (3/3, ICMPv6 1/4), the rest as prohibited (3/13, ICMPv6 1/1).
 *
 * The answer comes from where the packet went, as a reset must; so it also passes wherever answers of that host may, and no
 * address of the writer's own is needed. None is written about a reset. It takes from the same budgets as errors do.
 * @return as vpn_icmp_unreachable, but VPN_EINVAL never. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_icmp_refuse(vpn_icmp *icmp, uint8_t *out, size_t *bytes,
                                                              const uint8_t *packet, size_t length, vpn_time now);

/** @brief What a result of the writers means, in a few words; other numbers give "unknown result". Any thread. Since 0.1. */
VPN_API const char *vpn_icmp_result_text(int result);

/** @name Kinds of errors that came
 * @{ */
#define VPN_ICMP_KIND_OTHER       0 /**< redirect, source quench, parameter problem and unknown ones */
#define VPN_ICMP_KIND_TOO_BIG     1 /**< 3/4, ICMPv6 2 */
#define VPN_ICMP_KIND_UNREACHABLE 2 /**< 3, ICMPv6 1 */
#define VPN_ICMP_KIND_EXPIRED     3 /**< time exceeded: 11, ICMPv6 3 */
/** @} */

/** @brief An ICMP or ICMPv6 error. */
typedef struct vpn_icmp_error {
    uint32_t kind;   /**< VPN_ICMP_KIND_* */
    uint32_t mtu;    /**< too big: of the next hop; 0: a router that does not say (RFC 1191 section 5) */
    uint32_t offset; /**< where the quoted packet begins */
    uint32_t bytes;  /**< of it that are there, without extensions behind it (RFC 4884) */
    vpn_ip outer;    /**< the error itself, with its type and code */
    vpn_ip quoted;   /**< what it is about, as we or ours sent it; VPN_IP_INCOMPLETE where it ends too soon */
} vpn_icmp_error;

/**
 * @brief Reads an ICMP or ICMPv6 error and the packet that it quotes.
 *
 * Whoever acts on it checks first that the quoted packet is one that was sent: its addresses and ports are at least as
 * hard to guess as anything else in here (RFC 5927).
 * @param packet `length` bytes from the IP header on.
 * @return 0; VPN_ENOENT: a sound packet, but no ICMP error; VPN_EFORMAT or VPN_ELIMIT: as vpn_ip_parse says of it or of
 * what it quotes, a fragment, a checksum that does not hold, a quoted packet of another family or that is an error
 * itself. On an error `out` is all zero. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_icmp_error_parse(vpn_icmp_error *out, const uint8_t *packet, size_t length);

VPN_END

#endif
