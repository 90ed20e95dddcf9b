/* SPDX-License-Identifier: ISC */
/**
 * @file pmtu.h
 * @brief The MTU of the path to one peer: learned from ICMP errors that prove to be about our own datagrams (RFC 1191,
 * RFC 8201), and found by probes where a network drops large packets without a word (RFC 8899 in spirit).
 *
 * Nothing is sent or read here. The caller hands over what the error queue of its socket said and the echo replies that
 * came out of the tunnel; it sends the echo requests that vpn_pmtu_tick writes, each as an inner packet to the peer,
 * whose datagram must not be fragmented (IP_PMTUDISC_PROBE) and not be padded past its own length (vpn_wg_set_mtu with
 * the length of the probe, and back). docs/embedding.md shows both.
 *
 * All sizes are those of inner packets, unless a page says "path": bytes of the outer IP packet.
 *
 * | state | what goes on | in use |
 * | --- | --- | --- |
 * | VPN_PMTU_OFF | not started, or the peer has no address | the start value |
 * | VPN_PMTU_PASSIVE | no probes: only errors are listened to | the greatest that no error speaks against |
 * | VPN_PMTU_BASE | is anybody there, and does the base pass? | the start value, or less |
 * | VPN_PMTU_SEARCHING | between a size that passed and one that did not, by halves | the greatest that passed |
 * | VPN_PMTU_COMPLETE | the size is known, and confirmed now and then | that size |
 * | VPN_PMTU_ERROR | small packets pass and the base does not | the least allowed |
 * | VPN_PMTU_DOWN | nothing comes back, not even small packets: nothing is concluded | as before |
 *
 * A large probe never goes alone: a small one goes with it, and that the large one vanished counts only when the small
 * one came back. After VPN_PMTU_MAX_PROBES such losses a size counts as too large. A search takes at most
 * 2 + log2(greatest - base) sizes.
 *
 * A reply is as long as its request, so what is found passes both ways. The peer's own MTU bounds it as well, since a
 * longer reply comes in fragments, which are no reply; and where the peer pads to a multiple of 16, so is the result.
 *
 * Memory is taken by vpn_pmtu_new alone. One thread at a time for each object; one object for each peer.
 */
#ifndef VPN_PMTU_H
#define VPN_PMTU_H

#include <vpn/mtu.h>
#include <vpn/packet.h>

VPN_BEGIN

#define VPN_PMTU_MAX_PROBES 3    /**< losses after which a size is too large (RFC 8899 section 5.1.2) */
#define VPN_PMTU_BASE_SIZE  1200 /**< what a search begins with, unless the least allowed is more */
#define VPN_PMTU_SMALL      68 /**< bytes of the small probe that goes with a large one: what every link carries (RFC 791) */
#define VPN_PMTU_ROUNDS     8 /**< rounds without any reply, after which probing rests for `raise_timer` */

/** @brief The peer. Opaque. */
typedef struct vpn_pmtu vpn_pmtu;

/** @name States
 * @{ */
#define VPN_PMTU_OFF       0 /**< not started */
#define VPN_PMTU_PASSIVE   1 /**< no probes */
#define VPN_PMTU_BASE      2 /**< the base is probed */
#define VPN_PMTU_SEARCHING 3 /**< a search is under way */
#define VPN_PMTU_COMPLETE  4 /**< the size is known */
#define VPN_PMTU_ERROR     5 /**< the base does not pass */
#define VPN_PMTU_DOWN      6 /**< nobody answers */
#define VPN_PMTU_STATES    7 /**< how many there are */
/** @} */

/** @name What happened last, and in events
 * @{ */
#define VPN_PMTU_WHY_NONE     0  /**< nothing yet */
#define VPN_PMTU_WHY_START    1  /**< vpn_pmtu_start */
#define VPN_PMTU_WHY_PASSED   2  /**< a probe of that size came back: raised */
#define VPN_PMTU_WHY_COMPLETE 3  /**< the search has ended */
#define VPN_PMTU_WHY_VANISHED 4  /**< probes of the size in use vanish while small ones return: lowered */
#define VPN_PMTU_WHY_ICMP     5  /**< an error about a packet of ours: lowered */
#define VPN_PMTU_WHY_SYSTEM   6  /**< the own system refuses longer datagrams: lowered */
#define VPN_PMTU_WHY_AGED     7  /**< the last error is `raise_timer` old: larger sizes are tried again */
#define VPN_PMTU_WHY_DIVIDE   8  /**< the least allowed does not pass whole: fragment outer packets */
#define VPN_PMTU_WHY_DOWN     9  /**< nobody answers */
#define VPN_PMTU_WHY_ANSWERED 10 /**< somebody answers again */
#define VPN_PMTU_WHY_GAVE_UP  11 /**< nobody answered in VPN_PMTU_ROUNDS rounds: probing rests */
#define VPN_PMTU_WHYS         12 /**< how many there are */
/** @} */

/** @name Flags of a configuration
 * @{ */
#define VPN_PMTU_INNER_IPV6 0x1u /**< the tunnel carries IPv6: never less than 1280 (RFC 8200 section 5) */
/** Believe errors that quote too little to see the WireGuard header, as RFC 792 lets IPv4 routers; addresses and ports
 * must still match. Whoever knows these can then lower the MTU to the least allowed. */
#define VPN_PMTU_SHORT_QUOTES 0x2u
/** @} */

/** @brief Settings of one peer; zero means the default. */
typedef struct vpn_pmtu_config {
    uint32_t size;  /**< sizeof(vpn_pmtu_config) as the caller knows it */
    uint32_t flags; /**< VPN_PMTU_INNER_IPV6, VPN_PMTU_SHORT_QUOTES */
    uint32_t start; /**< in use until something is known; 0: the base with probes, the greatest without */
    uint32_t limit; /**< never more than that; default: as much as the link takes */
    /** Results are multiples of that, or the greatest that the link takes: 1 (default), 2, 4, 8, 16. Take 16 where
     * peers with different MTUs share a device, whose padding knows only one. */
    uint32_t multiple;
    uint8_t probe_family;  /**< 4 or 6: of the echo requests; 0: no probes */
    uint8_t reserved[3];   /**< zero */
    uint8_t probe_src[16]; /**< own address in the tunnel; IPv4 in the first 4 bytes */
    uint8_t probe_dst[16]; /**< an address behind the peer that answers pings, best that of the peer */
    /** How long a probe may take, 1 s .. 60 s; default 2 s (PROBE_TIMER). */
    vpn_time probe_timer;
    /** The size in use is confirmed so long after it passed, or after a search that is under way then; 5 s .. 1 h,
     * default 60 s. */
    vpn_time confirm_timer;
    /** Until larger sizes are tried again, 5 min .. 1 day; default 10 min (PMTU_RAISE_TIMER, and the age of RFC 1191
     * section 6.3). */
    vpn_time raise_timer;
    const vpn_env *env; /**< copied; NULL for the defaults */
} vpn_pmtu_config;

/** @brief The way to the peer, as it is now. */
typedef struct vpn_pmtu_route {
    uint32_t size;       /**< sizeof(vpn_pmtu_route) as the caller knows it */
    uint32_t link_mtu;   /**< path: MTU of the interface towards the peer; default 1500 */
    uint16_t local_port; /**< of the own socket; 0: not known, and not checked */
    uint16_t reserved;   /**< zero */
    uint32_t reserved2;  /**< zero */
    /** `remote` as the device has it, a family of 0: there is none. `local` all zero: not known, and not checked. */
    vpn_path path;
} vpn_pmtu_route;

/** @brief What goes on. */
typedef struct vpn_pmtu_status {
    uint32_t size;     /**< in: sizeof(vpn_pmtu_status) as the caller knows it */
    uint32_t mtu;      /**< to use now */
    uint32_t path_mtu; /**< path: what `mtu` needs; 0 when there is no path */
    uint32_t state;    /**< VPN_PMTU_OFF .. VPN_PMTU_DOWN */
    uint32_t why;      /**< VPN_PMTU_WHY_*: of the last event */
    /** Not 0: packets of `mtu` bytes do not pass whole, and `mtu` may not be less. The caller lets outer packets be
     * fragmented; probes stay whole. */
    uint32_t divide;
    uint32_t passed;   /**< greatest size that is known to pass; 0: none */
    uint32_t vanished; /**< least size that is known not to; 0: none */
    uint32_t probing;  /**< size that is probed now; 0: none */
    uint32_t reserved; /**< zero */
    uint64_t probes;   /**< echo requests that were written */
    uint64_t replies;  /**< of them that came back */
    uint64_t lowered;  /**< reports that were believed and changed something */
    uint64_t refused;  /**< reports with a result of VPN_PMTU_FOREIGN or more */
    vpn_time deadline; /**< as vpn_pmtu_deadline */
} vpn_pmtu_status;

/** @brief Something happened. */
typedef struct vpn_pmtu_event {
    uint32_t size;  /**< in: sizeof(vpn_pmtu_event) as the caller knows it */
    uint32_t why;   /**< VPN_PMTU_WHY_START .. */
    uint32_t state; /**< afterwards */
    uint32_t from;  /**< MTU before */
    uint32_t to;    /**< MTU afterwards */
    uint32_t lost;  /**< events before this one for which there was no room */
    vpn_time time;  /**< when */
} vpn_pmtu_event;

/** @name What a report quotes
 * @{ */
#define VPN_PMTU_QUOTE_NONE   0 /**< nothing: the own system refused a datagram (EMSGSIZE, SO_EE_ORIGIN_LOCAL) */
#define VPN_PMTU_QUOTE_PACKET 1 /**< the outer packet from its IP header on, as an ICMP error carries it */
#define VPN_PMTU_QUOTE_PAYLOAD                                                                                         \
    2 /**< from behind the UDP header on, as the error queue of Linux gives it, with the address
                                    that it was sent to; the system has found the socket by the rest */
/** @} */

/** @brief An error that says that a packet is too big. */
typedef struct vpn_pmtu_report {
    uint32_t size;        /**< sizeof(vpn_pmtu_report) as the caller knows it */
    uint32_t mtu;         /**< path: what it says would pass (ee_info); 0: an old router that does not say */
    uint32_t kind;        /**< VPN_PMTU_QUOTE_* */
    uint32_t length;      /**< bytes of `quote` */
    const uint8_t *quote; /**< what is quoted; may be NULL when there is none */
    vpn_endpoint remote;  /**< with VPN_PMTU_QUOTE_PAYLOAD: where the packet was sent to (msg_name) */
} vpn_pmtu_report;

/** @name Results of vpn_pmtu_error
 * @{ */
#define VPN_PMTU_LOWERED    0 /**< believed: the MTU is lower now */
#define VPN_PMTU_NOT_LOWER  1 /**< believed, but what is in use is no more than that: an error never raises it */
#define VPN_PMTU_FOREIGN    2 /**< about a packet of others: family, addresses, ports or protocol */
#define VPN_PMTU_UNKNOWN    3 /**< no data message with this receiver index and counter was sent lately */
#define VPN_PMTU_SHORT      4 /**< quotes too little to see whether it is ours */
#define VPN_PMTU_IMPOSSIBLE 5 /**< under 68 in IPv4 or 1280 in IPv6, or no less than the packet that it is about */
#define VPN_PMTU_RESULTS    6 /**< how many there are */
/** @} */

/**
 * @brief Makes the object of a peer, in state VPN_PMTU_OFF.
 * @return 0, VPN_EINVAL or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_pmtu_new(vpn_pmtu **out, const vpn_pmtu_config *config);

/** @brief Frees it; NULL is allowed. Since 0.1. */
VPN_API void vpn_pmtu_free(vpn_pmtu *pmtu);

/**
 * @brief Starts, or starts again: the peer has an address, roamed, or the outer network changed. What was found about
 * another way is forgotten; the next probe is due at once, but not within 50 ms of the last.
 * @param route copied; a family of 0 stops.
 * @return 0 or VPN_EINVAL, and then nothing has changed. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_pmtu_start(vpn_pmtu *pmtu, const vpn_pmtu_route *route, vpn_time now);

/**
 * @brief Notes that a datagram was sent to the peer, so that errors about it can be told from invented ones. Cheap; of
 * a batch the last datagram suffices, since counters run up.
 * @param message `length` bytes from the WireGuard header on; what is no data message is passed over. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) void vpn_pmtu_sent(vpn_pmtu *pmtu, const uint8_t *message, size_t length, vpn_time now);

/**
 * @brief Takes an error that says "too big" (RFC 8899 section 4.6). It lowers the MTU only if the packet that it quotes
 * was sent to this peer in the last 10 to 30 s, and never under what vpn_pmtu_config allows.
 * @return VPN_PMTU_LOWERED .. VPN_PMTU_IMPOSSIBLE; VPN_ESTATE: not started; VPN_EINVAL: the report contradicts itself;
 * VPN_EFORMAT or VPN_ELIMIT: as vpn_ip_parse says of the quoted packet. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 2) int vpn_pmtu_error(vpn_pmtu *pmtu, const vpn_pmtu_report *report, vpn_time now);

/**
 * @brief Looks whether an inner packet from the peer is the reply to a probe. Cheap for those that are not.
 * @return 0: it is, and goes nowhere else; VPN_ENOENT: it is not, or it comes after its round has been judged: deliver
 * it. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_pmtu_reply(vpn_pmtu *pmtu, const uint8_t *packet, size_t length,
                                                          vpn_time now);

/** @brief When vpn_pmtu_tick has something to do; VPN_NEVER: nothing. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) vpn_time vpn_pmtu_deadline(const vpn_pmtu *pmtu);

/**
 * @brief Does one thing that is due: writes a probe, or judges what did not come back. To be called while
 * vpn_pmtu_deadline is not later than `now`; before that it does nothing.
 * @param out memory for an inner packet.
 * @param bytes in: room; the greatest MTU always suffices. Out: length of the probe to send; 0: there is none.
 * @return 0; VPN_ESPACE: `bytes` holds the need, and the probe stays due; VPN_ERANDOM: the probe counts as lost with
 * its small one. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_pmtu_tick(vpn_pmtu *pmtu, uint8_t *out, size_t *bytes, vpn_time now);

/** @brief The MTU to use now, as in vpn_pmtu_status. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) uint32_t vpn_pmtu_mtu(const vpn_pmtu *pmtu);

/** @brief Tells what goes on. @return 0 or VPN_EINVAL. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) int vpn_pmtu_get(const vpn_pmtu *pmtu, vpn_pmtu_status *out);

/**
 * @brief Takes the oldest event; 16 are kept, then the oldest goes.
 * @return 0, VPN_ENOENT: there is none, or VPN_EINVAL. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_pmtu_event_next(vpn_pmtu *pmtu, vpn_pmtu_event *out);

/** @brief "searching" and so on; "unknown state" outside the range. Any thread. Since 0.1. */
VPN_API const char *vpn_pmtu_state_text(uint32_t state);

/** @brief What a VPN_PMTU_WHY_* means, in a few words; "unknown event" outside the range. Any thread. Since 0.1. */
VPN_API const char *vpn_pmtu_why_text(uint32_t why);

/** @brief A result of vpn_pmtu_error in a few words; other numbers give "unknown result". Any thread. Since 0.1. */
VPN_API const char *vpn_pmtu_result_text(int result);

VPN_END

#endif
