/* SPDX-License-Identifier: ISC */
/**
 * @file conf.h
 * @brief Files of wg-quick(8) and wg(8): bytes in, plain data out, and back again. Opens no file and looks up no name.
 *
 * The keys of wg-quick(8) and of `wg setconf` are read as those programs read them: in any case, with comments after `#`, LF or
 * CRLF. Keys with lists (Address, DNS, AllowedIPs, the hooks, and the lists and rules below) add up when repeated, of the others
 * the last one counts. What wg or wg-quick would pass over or pass on unchecked is an error here: unknown keys, keys in the wrong
 * section, two peers with one key. A table is a number, or `main`, `default` or `local`; a port is a number.
 *
 * Keys of [Interface] that only libvpn knows:
 *
 * | key | value | meaning |
 * | --- | --- | --- |
 * | `Exclude` | prefixes | never go through the tunnel, whatever AllowedIPs say |
 * | `LanAccess` | `true`, `false` | whether more specific routes of the host, such as those of its LANs, win over the tunnel; as wg-quick: `true` |
 * | `FailMode` | `open`, `closed`, `closed-except` prefixes | what becomes of packets for the tunnel that would leave outside of it |
 * | `DNSMode` | `off`, `tunnel`, `split` | leave the resolver alone; all names to the servers of `DNS`; only names below `MatchDomains` |
 * | `SearchDomains`, `MatchDomains` | names | appended to short names; names that the servers of `DNS` are asked for |
 * | `Metric` | number | metric of the routes |
 * | `IncludeApp`, `ExcludeApp` | `uid N`, `uid N-M`, `cgroup PATH`, `mark N`, `mark N/MASK` | only these use the tunnel; these never do |
 * | `PathMTU` | `off`, `errors`, `probe` | whether the size of the path to each peer is followed: not; by ICMP errors; by probes as well |
 * | `ClampMSS` | `true`, `false` | whether connections are made to use segments that fit the path |
 *
 * And of [Peer]:
 *
 * | key | value | meaning |
 * | --- | --- | --- |
 * | `Filter` | a rule, see vpn/rules.h | which packets may pass between this peer and the host; of several the first that matches decides |
 * | `FilterDefault` | `allow`, `deny`, `reject` | what becomes of the others; with rules: `deny` |
 * | `FilterFlows` | number | flows that stateful rules remember; otherwise the host decides |
 * | `Netmap` | `ours` or `theirs`, prefix `as` prefix | our hosts, or the peer's, have other addresses inside than on its side; see vpn/netmap.h |
 * | `ProbeAddress` | an address, or one of each family | hosts behind this peer that answer probes of the path |
 *
 * The text holds secrets, and so does what was read: the caller wipes the text, vpn_conf_free the rest.
 */
#ifndef VPN_CONF_H
#define VPN_CONF_H

#include <vpn/allowedips.h>
#include <vpn/key.h>
#include <vpn/netmap.h>
#include <vpn/packet.h>

VPN_BEGIN

#define VPN_CONF_TEXT_MAX (16u << 20) /**< longest text that is read: 16 MiB */

/** @name Tables
 * @{ */
#define VPN_CONF_TABLE_AUTO 0          /**< as wg-quick's `auto`: main, or one of its own where that is needed */
#define VPN_CONF_TABLE_OFF  UINT32_MAX /**< no routes */
/** @} */

/** @name What was said in the file, beside what can be seen from the values: bits of vpn_conf.set
 * @{ */
#define VPN_CONF_SET_PRIVATE_KEY (1u << 0)  /**< `private_key` counts, also when zero */
#define VPN_CONF_SET_LISTEN_PORT (1u << 1)  /**< `listen_port` counts, also when zero */
#define VPN_CONF_SET_FWMARK      (1u << 2)  /**< `fwmark` counts, also when zero (`off`) */
#define VPN_CONF_SET_TABLE       (1u << 3)  /**< `table` counts, also when automatic */
#define VPN_CONF_SET_SAVE        (1u << 4)  /**< `save_config` counts */
#define VPN_CONF_SET_LAN_ACCESS  (1u << 5)  /**< `lan_access` counts; without it LAN access is on */
#define VPN_CONF_SET_FAIL_MODE   (1u << 6)  /**< `fail_mode` counts; without it: open */
#define VPN_CONF_SET_DNS_MODE    (1u << 7)  /**< `dns_mode` counts; without it vpn_conf_dns_mode decides */
#define VPN_CONF_SET_METRIC      (1u << 8)  /**< `metric` counts, also when zero */
#define VPN_CONF_SET_PATH_MTU    (1u << 9)  /**< `path_mtu` counts; without it the daemon decides */
#define VPN_CONF_SET_CLAMP_MSS   (1u << 10) /**< `clamp_mss` counts; without it the daemon decides */
/** @} */

/** @name The same of a peer: bits of vpn_conf_peer.set
 * @{ */
#define VPN_CONF_PEER_SET_DEFAULT (1u << 0) /**< `filter_default` counts */
#define VPN_CONF_PEER_SET_FLOWS   (1u << 1) /**< `filter_flows` counts, also when zero */
/** @} */

/** @name Fail modes
 * @{ */
#define VPN_FAIL_OPEN   0 /**< without the tunnel, packets go wherever the host's routes say */
#define VPN_FAIL_CLOSED 1 /**< packets for the tunnel go through it or nowhere; but those to `fail_except` may leave */
/** @} */

/** @name DNS modes
 * @{ */
#define VPN_DNS_OFF    0 /**< the resolver is left as it is */
#define VPN_DNS_TUNNEL 1 /**< all names are asked of the tunnel's servers */
#define VPN_DNS_SPLIT  2 /**< names below the match domains are asked of the tunnel's servers, others as before */
/** @} */

/** @name How the size of the path is followed
 * @{ */
#define VPN_PATH_MTU_OFF    0 /**< not at all */
#define VPN_PATH_MTU_ERRORS 1 /**< by the ICMP errors that come */
#define VPN_PATH_MTU_PROBE  2 /**< also by probes inside the tunnel */
/** @} */

/** @name Kinds of application selectors
 * @{ */
#define VPN_APP_UID    1 /**< users `first` to `last` */
#define VPN_APP_CGROUP 2 /**< processes below a path of the unified cgroup tree */
#define VPN_APP_MARK   3 /**< sockets with `(mark & last) == first` */
/** @} */

/** @brief Which applications. */
typedef struct vpn_conf_app {
    uint32_t kind;      /**< a `VPN_APP_*` */
    uint32_t exclude;   /**< 0: these use the tunnel, and those that nothing includes do not; 1: these never use it */
    uint32_t first;     /**< first user, or the mark */
    uint32_t last;      /**< last user, or the mask of the mark */
    const char *cgroup; /**< without leading slash, such as "user.slice/app.scope"; NULL for other kinds */
} vpn_conf_app;

/** @brief One [Peer]. */
typedef struct vpn_conf_peer {
    uint8_t public_key[VPN_KEY_BYTES];    /**< who it is */
    uint8_t preshared_key[VPN_KEY_BYTES]; /**< all zero: none */
    const vpn_prefix *allowed_ips;        /**< in the order of the file, bits past the length zero */
    size_t allowed_ip_count;              /**< of them */
    const char *host;                     /**< host of the endpoint as written, without brackets; NULL: no endpoint */
    vpn_endpoint endpoint;     /**< family 0 when `host` is a name or has a zone that is no number; the port counts */
    uint16_t keepalive;        /**< seconds; 0: off */
    uint16_t reserved;         /**< zero */
    uint32_t line;             /**< where [Peer] stood; 0 when it was not read from a text */
    const char *const *filter; /**< lines of `Filter`, each as vpn_filter_rule_parse reads it */
    size_t filter_count;       /**< of them */
    const vpn_netmap_rule *netmap; /**< of `Netmap` */
    size_t netmap_count;           /**< of them */
    const vpn_prefix *probes;      /**< of `ProbeAddress`: /32 and /128 */
    size_t probe_count;            /**< of them */
    uint32_t set;                  /**< bits `VPN_CONF_PEER_SET_*` */
    uint32_t filter_rules;         /**< rules that the lines of `filter` make, as read; ignored when written */
    uint32_t filter_flows;         /**< of `FilterFlows` */
    uint8_t filter_default;        /**< a `VPN_FILTER_*` of vpn/filter.h: an action */
    uint8_t reserved_too[3];       /**< zero */
} vpn_conf_peer;

/** @brief What a file says. Lists keep the order of the file; strings end with NUL; an empty list may be NULL. */
typedef struct vpn_conf {
    uint32_t size;                      /**< sizeof(vpn_conf) as its maker knows it */
    uint32_t set;                       /**< bits `VPN_CONF_SET_*` */
    uint8_t private_key[VPN_KEY_BYTES]; /**< as written */
    uint16_t listen_port;               /**< 0: any */
    uint16_t mtu;                       /**< 0: automatic */
    uint32_t fwmark;                    /**< of outer packets; 0: none */
    uint32_t table;                     /**< number of a table, or a `VPN_CONF_TABLE_*` */
    uint32_t metric;                    /**< of the routes */
    uint8_t save_config;                /**< 1: the file is written anew when the tunnel goes down */
    uint8_t lan_access;                 /**< 1 or 0 */
    uint8_t fail_mode;                  /**< a `VPN_FAIL_*` */
    uint8_t dns_mode;                   /**< a `VPN_DNS_*` */
    uint32_t reserved;                  /**< zero */
    const vpn_prefix *addresses;        /**< of the interface: whole addresses, bits past the length kept */
    size_t address_count;               /**< of them */
    const vpn_prefix *dns;              /**< servers: /32 and /128 */
    size_t dns_count;                   /**< of them */
    const char *const *search;          /**< domains of `DNS` and `SearchDomains` */
    size_t search_count;                /**< of them */
    const char *const *match;           /**< of `MatchDomains` */
    size_t match_count;                 /**< of them */
    const vpn_prefix *exclude;          /**< of `Exclude` */
    size_t exclude_count;               /**< of them */
    const vpn_prefix *fail_except;      /**< behind `closed-except` */
    size_t fail_except_count;           /**< of them */
    const vpn_conf_app *apps;           /**< of `IncludeApp` and `ExcludeApp` */
    size_t app_count;                   /**< of them */
    const char *const *pre_up;          /**< shell commands; "%i" stands for the interface */
    size_t pre_up_count;                /**< of them */
    const char *const *post_up;         /**< likewise */
    size_t post_up_count;               /**< of them */
    const char *const *pre_down;        /**< likewise */
    size_t pre_down_count;              /**< of them */
    const char *const *post_down;       /**< likewise */
    size_t post_down_count;             /**< of them */
    const vpn_conf_peer *peers;         /**< in the order of the file */
    size_t peer_count;                  /**< of them */
    uint8_t path_mtu;                   /**< a `VPN_PATH_MTU_*` */
    uint8_t clamp_mss;                  /**< 1 or 0 */
    uint8_t reserved_too[6];            /**< zero */
} vpn_conf;

/** @brief Why a text was refused. */
typedef struct vpn_conf_error {
    int32_t error;     /**< a `VPN_E*` */
    uint32_t line;     /**< 1 is the first; 0: no line is to blame */
    uint32_t column;   /**< in bytes, 1 is the first; 0: no column is to blame */
    uint32_t reserved; /**< zero */
    char key[20];      /**< the key of that line as wg-quick(8) spells it; empty if it has none that is known */
    char why[128];     /**< a sentence in one line; holds nothing of the text, so never a secret */
} vpn_conf_error;

/**
 * @brief Reads a file.
 * @param out receives what it says; the caller frees it with vpn_conf_free. NULL after an error.
 * @param text `length` bytes, not NUL-terminated; NULL only when `length` is 0.
 * @param env whose allocator is used; NULL for the defaults.
 * @param error where the fault is told; may be NULL.
 * @return 0, VPN_EFORMAT (the text), VPN_ELIMIT (longer than VPN_CONF_TEXT_MAX), VPN_EINVAL (`env`, or `text`) or VPN_ENOMEM.
 * On error no memory is kept and every key that was read is wiped. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_conf_parse(vpn_conf **out, const char *text, size_t length,
                                                       const vpn_env *env, vpn_conf_error *error);

/** @brief Wipes and frees what vpn_conf_parse made; NULL is allowed. Since 0.1. */
VPN_API void vpn_conf_free(vpn_conf *conf);

/** @name For whom a file is written
 * @{ */
#define VPN_CONF_FOR_VPN      0 /**< all of it; vpn_conf_parse reads the same again */
#define VPN_CONF_FOR_WG_QUICK 1 /**< without the keys that only libvpn knows; search domains stand in `DNS` */
#define VPN_CONF_FOR_WG       2 /**< only what `wg setconf` takes, as `wg-quick strip` does it */
/** @} */

/**
 * @brief Writes a file, which may have been read or filled by the caller.
 * @param target a `VPN_CONF_FOR_*`.
 * @param out `capacity` bytes; not NUL-terminated; holds keys, so the caller wipes it. NULL when `capacity` is 0.
 * @param length receives the bytes written, or with VPN_ESPACE those needed.
 * @return 0, VPN_ESPACE (and `out` is wiped), or VPN_EINVAL: `size`, `target`, a value outside its range, or a string that a
 * file cannot hold (line ends, `#`, spaces at its ends, commas in names). Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 5) int vpn_conf_write(const vpn_conf *conf, uint32_t target, char *out,
                                                          size_t capacity, size_t *length);

/**
 * @brief The DNS mode that counts: the one that was set, else VPN_DNS_OFF without servers, VPN_DNS_SPLIT with match domains, and
 * VPN_DNS_TUNNEL otherwise.
 * @return a `VPN_DNS_*`. Any thread. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1) uint32_t vpn_conf_dns_mode(const vpn_conf *conf);

VPN_END

#endif
