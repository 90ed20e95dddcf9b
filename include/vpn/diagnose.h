/* SPDX-License-Identifier: ISC */
/**
 * @file diagnose.h
 * @brief Why a tunnel does not work: observations in, checks with evidence and remedies out, layer by layer.
 *
 * Pure judgement. The caller looks and tries (asks the daemon, the system's routes and the network) and writes down what
 * it saw; vpn_diagnose tells what it means. Nothing here touches a system. A field that is zero was not looked at, and
 * then its check is VPN_RESULT_UNKNOWN, never VPN_RESULT_FINE.
 *
 * The layers stand on one another, in the order of their numbers: where one is broken, what is seen of those above it
 * proves nothing. So a caller gathers for one layer, asks, and goes on only while nothing is broken.
 *
 * A WireGuard peer keeps silent when it cannot authenticate somebody, and so does a network that blocks. What tells the
 * two apart: a response that comes and does not verify, datagrams that arrive and what they are (`heard`), what the
 * daemon dropped and why (`drops`), and whether other datagrams reach the peer's host (`echo`, `other_port`). Where
 * nothing does, the cause is VPN_CAUSE_EITHER, and the remedy says how to find out.
 *
 * Any thread. docs/diagnose.md has the table of what is judged from what.
 */
#ifndef VPN_DIAGNOSE_H
#define VPN_DIAGNOSE_H

#include <vpn/allowedips.h>
#include <vpn/key.h>
#include <vpn/packet.h>
#include <vpn/policy.h>

VPN_BEGIN

/** @name Layers
 * @{ */
#define VPN_LAYER_CONTROL   1 /**< the daemon, keys, the peer, its clock, the handshake */
#define VPN_LAYER_OUTER     2 /**< the socket, the way to the endpoint, datagrams, NAT */
#define VPN_LAYER_INTERFACE 3 /**< the link, its addresses, its MTU */
#define VPN_LAYER_ROUTES    4 /**< whether packets enter the tunnel */
#define VPN_LAYER_FIREWALL  5 /**< packet filters, reverse paths */
#define VPN_LAYER_DNS       6 /**< name servers */
#define VPN_LAYER_MTU       7 /**< sizes */
#define VPN_LAYERS          8 /**< one more than the last */
/** @} */

/** @name Checks, in order
 * @{ */
#define VPN_CHECK_DAEMON       1  /**< control: somebody answers for the interface */
#define VPN_CHECK_IDENTITY     2  /**< control: it has the private key of the file */
#define VPN_CHECK_PEER         3  /**< control: it knows the peer, as the file has it */
#define VPN_CHECK_CLOCK        4  /**< control: time stamps go forward */
#define VPN_CHECK_HANDSHAKE    5  /**< control: handshakes authenticate */
#define VPN_CHECK_SOCKET       6  /**< outer: the UDP socket */
#define VPN_CHECK_ENDPOINT     7  /**< outer: the peer's address is known */
#define VPN_CHECK_WAY          8  /**< outer: the system's route to it, around the tunnel */
#define VPN_CHECK_DATAGRAMS    9  /**< outer: datagrams pass */
#define VPN_CHECK_NAT          10 /**< outer: a mapping that may expire */
#define VPN_CHECK_LINK         11 /**< interface: it is there and up */
#define VPN_CHECK_ADDRESSES    12 /**< interface: those of the file */
#define VPN_CHECK_SIZE         13 /**< interface: a plausible MTU */
#define VPN_CHECK_ROUTES       14 /**< routes: AllowedIPs enter the tunnel */
#define VPN_CHECK_FOREIGN      15 /**< routes: none of somebody else wins over them */
#define VPN_CHECK_FILTER       16 /**< firewall: the one that the file wants is there */
#define VPN_CHECK_REVERSE_PATH 17 /**< firewall: answers to outer packets pass the reverse-path filter */
#define VPN_CHECK_INSIDE       18 /**< firewall: a packet through the tunnel and its answer */
#define VPN_CHECK_RESOLVER     19 /**< DNS: the servers of the file are in use */
#define VPN_CHECK_QUERY        20 /**< DNS: one answers */
#define VPN_CHECK_BLACK_HOLE   21 /**< MTU: large packets come back as small ones do */
#define VPN_CHECKS             22 /**< one more than the last */
/** @} */

/** @name Results
 * @{ */
#define VPN_RESULT_UNKNOWN 0 /**< could not be looked at */
#define VPN_RESULT_FINE    1 /**< as it should be */
#define VPN_RESULT_BROKEN  2 /**< this is why it does not work */
#define VPN_RESULT_SKIPPED 3 /**< not needed here */
#define VPN_RESULTS        4 /**< how many there are */
/** @} */

/** @name Causes of what is broken
 * @{ */
#define VPN_CAUSE_NONE           0 /**< nothing is broken */
#define VPN_CAUSE_SETTING        1 /**< the host or the daemon is not as it should be */
#define VPN_CAUSE_AUTHENTICATION 2 /**< datagrams arrive, and do not prove what they should: keys or clocks */
#define VPN_CAUSE_TRANSPORT      3 /**< packets do not arrive */
#define VPN_CAUSE_EITHER         4 /**< authentication or transport: from here the two look the same */
#define VPN_CAUSE_LOAD           5 /**< the peer is under load */
#define VPN_CAUSES               6 /**< how many there are */
/** @} */

/** @name Answers to a question of yes and no
 * @{ */
#define VPN_SEEN_NOTHING 0 /**< not looked at */
#define VPN_SEEN_YES     1 /**< it is so */
#define VPN_SEEN_NO      2 /**< it is not so */
/** @} */

/** @name What became of a datagram or packet that was sent to find out
 * @{ */
#define VPN_PROBE_NONE        0  /**< none was sent */
#define VPN_PROBE_ANSWERED    1  /**< a true answer came */
#define VPN_PROBE_COOKIE      2  /**< cookie replies came, and nothing else */
#define VPN_PROBE_FALSE       3  /**< an answer came that does not verify */
#define VPN_PROBE_SILENT      4  /**< nothing came */
#define VPN_PROBE_REFUSED     5  /**< ICMP: nobody listens at that port */
#define VPN_PROBE_UNREACHABLE 6  /**< ICMP: no way to that network or host */
#define VPN_PROBE_PROHIBITED  7  /**< ICMP: a filter on the way forbids it */
#define VPN_PROBE_NO_ROUTE    8  /**< the own system has no route */
#define VPN_PROBE_HELD        9  /**< the own system's packet filter did not let it out */
#define VPN_PROBE_LOST        10 /**< an answer reached the own link, but not the socket */
#define VPN_PROBE_TOO_BIG     11 /**< ICMP: the packet is larger than the path takes, and its sender is told */
#define VPN_PROBES            12 /**< how many there are */
/** @} */

/** @name Where a route leads
 * @{ */
#define VPN_WAY_NOTHING 0 /**< not looked at */
#define VPN_WAY_LINK    1 /**< out of another link */
#define VPN_WAY_TUNNEL  2 /**< into the tunnel */
#define VPN_WAY_NONE    3 /**< nowhere */
#define VPN_WAYS        4 /**< how many there are */
/** @} */

#define VPN_SECONDS_NEVER UINT64_MAX /**< of `handshake_age`: there was none */

/** @brief Datagrams to the own port that were seen on the wire while looking. */
typedef struct vpn_heard {
    uint32_t all;         /**< of all kinds */
    uint32_t wrong_mac1;  /**< handshakes that are for another public key than ours */
    uint32_t unreadable;  /**< handshakes for us that do not decrypt */
    uint32_t strangers;   /**< true initiations of a key that the daemon does not know */
    uint32_t initiations; /**< true initiations of the peer */
    uint32_t responses;   /**< responses for us */
    uint32_t answers;     /**< responses that the daemon sent to the peer */
    uint32_t behind;      /**< seconds by which the stamp of the peer's last initiation was behind our clock */
    uint32_t seconds;     /**< how long somebody listened; 0: not at all, and the rest means nothing */
    uint8_t stranger[VPN_KEY_BYTES]; /**< public key of the last one */
} vpn_heard;

/** @brief What was seen of a tunnel and one of its peers. Zero where nothing was. `VPN_SEEN_*` unless a page says else. */
typedef struct vpn_observed {
    uint32_t size;                     /**< sizeof(vpn_observed) as the caller knows it */
    char name[VPN_IFNAME_CHARS];       /**< of the interface, with NUL */
    uint8_t public_key[VPN_KEY_BYTES]; /**< our own; zero: not known */
    uint8_t peer_key[VPN_KEY_BYTES];   /**< public key of the peer */
    uint8_t daemon;                    /**< control: a daemon answers */
    uint8_t private_key;               /**< control: it has a private key */
    uint8_t identity;                  /**< control: which is that of the file */
    uint8_t peer;                      /**< control: it knows the peer */
    uint8_t preshared;                 /**< control: with the preshared key of the file */
    uint8_t clock;                     /**< control: the own clock is plausible */
    uint8_t probe;                     /**< control, outer: a `VPN_PROBE_*`: a handshake from another port */
    uint8_t echo;                      /**< outer: the endpoint's host answers pings */
    uint8_t other_port;                /**< outer: it refuses a datagram to a port where nobody listens */
    uint8_t tried;                   /**< control, outer: the daemon got a packet for the peer, and all the time that an
                                            answer or a handshake may take; `received` tells what came of it */
    uint8_t socket;                  /**< outer: its port is open on this host */
    uint8_t way;                     /**< outer: a `VPN_WAY_*` to the endpoint */
    uint8_t translated;              /**< outer: our source address is private and the endpoint is not */
    uint8_t named;                   /**< outer: 1: the endpoint in the file is a name */
    uint8_t link;                    /**< interface: it exists */
    uint8_t link_up;                 /**< interface: it is up */
    uint8_t addresses;               /**< interface: it has those of the file; else `address` */
    uint8_t routes;                  /**< routes: AllowedIPs enter it; else `route` */
    uint8_t route_way;               /**< routes: a `VPN_WAY_*` that `route` takes instead */
    uint8_t foreign;                 /**< routes: somebody's route `foreign_route` wins over the tunnel's */
    uint8_t filter_wanted;           /**< firewall: the file says fail-closed */
    uint8_t filter;                  /**< firewall: that filter is there */
    uint8_t reverse_path;            /**< firewall: the strict filter sees the marks of outer packets, where needed */
    uint8_t inside;                  /**< firewall: a `VPN_PROBE_*`: an echo to `target` */
    uint8_t resolver_wanted;         /**< DNS: the file has name servers */
    uint8_t resolver;                /**< DNS: they are in use; else `server` is not */
    uint8_t query;                   /**< DNS: a `VPN_PROBE_*`: a query to `server` */
    uint8_t large;                   /**< MTU: a `VPN_PROBE_*`: an echo of `link_mtu` bytes to `target` */
    uint16_t keepalive;              /**< seconds; 0: off */
    uint16_t port;                   /**< own UDP port; 0: none */
    uint32_t others_alive;           /**< how many other peers of the device have a session */
    uint32_t waited;                 /**< seconds that a probe was given */
    uint32_t link_mtu;               /**< bytes */
    uint32_t wanted_mtu;             /**< of the file; 0: automatic */
    uint32_t passes;                 /**< MTU: the largest packet that came back; 0: none did */
    uint8_t apps;                    /**< routes: only the applications of the file's `IncludeApp` use the tunnel */
    uint8_t resolver_local;          /**< DNS: a name server of this host is in use, which may ask others */
    uint8_t reserved[2];             /**< zero */
    uint64_t handshake_age;          /**< seconds since the last handshake, or VPN_SECONDS_NEVER; with `peer` */
    uint64_t received;               /**< bytes that came from the peer while looking, and were authentic */
    const uint64_t *drops;           /**< by `VPN_REASON_*`: packets dropped while looking; NULL: not told */
    size_t drop_count;               /**< of them */
    vpn_endpoint endpoint;           /**< of the peer; family 0: not known */
    vpn_prefix source;               /**< own address towards it; family 0: not known */
    vpn_prefix address;              /**< one of the file that is missing */
    vpn_prefix route;                /**< one of AllowedIPs that does not enter the tunnel */
    vpn_prefix foreign_route;        /**< that wins */
    vpn_prefix target;               /**< an address behind the peer; family 0: none is known */
    vpn_prefix server;               /**< the name server that was asked, or is not in use */
    char way_link[VPN_IFNAME_CHARS]; /**< where `way` leads out */
    char route_link[VPN_IFNAME_CHARS];   /**< where `route` leads instead */
    char foreign_link[VPN_IFNAME_CHARS]; /**< where `foreign_route` leads */
    vpn_heard heard;                     /**< control, outer */
} vpn_observed;

#define VPN_CHECK_CHARS 320 /**< room for a sentence and a NUL */

/** @brief What one check says. */
typedef struct vpn_check {
    uint32_t layer;                 /**< a `VPN_LAYER_*` */
    uint32_t code;                  /**< a `VPN_CHECK_*` */
    uint32_t result;                /**< a `VPN_RESULT_*` */
    uint32_t cause;                 /**< a `VPN_CAUSE_*` */
    char evidence[VPN_CHECK_CHARS]; /**< what was seen, in a sentence */
    char remedy[VPN_CHECK_CHARS];   /**< what to do, with the command; never empty when it is broken; else often is */
} vpn_check;

#define VPN_LAYER_CHECKS 5 /**< most checks of one layer */

/**
 * @brief Judges one layer.
 * @param layer VPN_LAYER_CONTROL to VPN_LAYER_MTU.
 * @param out room for VPN_LAYER_CHECKS.
 * @param count receives how many there are, at least 1; 0 after an error.
 * @return 0 or VPN_EINVAL (`size`, `layer`, or a value outside its range). Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 3, 4) int vpn_diagnose(const vpn_observed *seen, uint32_t layer, vpn_check *out,
                                                           size_t *count);

/** @brief "control plane", "outer path" and so on; "unknown layer" outside. Static. Any thread. Since 0.1. */
VPN_API const char *vpn_layer_name(uint32_t layer);

/** @brief A short name such as "handshake"; "unknown check" outside. Static. Any thread. Since 0.1. */
VPN_API const char *vpn_check_name(uint32_t code);

/** @brief "fine", "broken", "unknown" or "not needed"; "unknown result" outside. Static. Any thread. Since 0.1. */
VPN_API const char *vpn_result_name(uint32_t result);

/** @brief "authentication", "transport" and so on; "unknown cause" outside. Static. Any thread. Since 0.1. */
VPN_API const char *vpn_cause_name(uint32_t cause);

VPN_END

#endif
