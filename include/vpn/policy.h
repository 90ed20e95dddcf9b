/* SPDX-License-Identifier: ISC */
/**
 * @file policy.h
 * @brief What a host must change so that the right packets enter a tunnel: a plan, what it means, and what is wrong with it.
 *
 * Pure planning. The caller gathers facts about the host (links, addresses, routes, resolvers) as plain data; vpn_plan_new makes
 * an ordered list of operations out of them and a vpn_conf; the caller carries them out. Nothing here touches a system.
 *
 * **All or nothing.** Each operation has an inverse, vpn_op_inverse. Going up is the list from front to back; going down, or
 * back after a failure, is the inverses of what was done, from the last one to the first.
 *
 * **Fail-closed.** With VPN_FAIL_CLOSED the first operation installs a packet filter that lets packets to the tunnel's addresses
 * leave through the tunnel only, and its inverse is the last one to run. So no state between leaks, a crash in any of them does
 * not either, and the filter outlives the link, the daemon and the process that ran the plan. Where the tunnel has all of one
 * family and nothing of the other, the other family is held back as well.
 *
 * **Outer packets** are kept out of the tunnel by their firewall mark, never by a route to the server. They must carry the mark
 * that vpn_plan_mark gives, and nothing else may.
 *
 * Where the routes go, with `Table = auto`: into a table of their own, which policy rules ask for all packets without the mark,
 * when the tunnel has a default route, holds the address of an endpoint, picks applications, fails closed or denies LAN access;
 * else into the main table, as wg-quick does. With LAN access the main table's routes other than the default are asked first.
 *
 * Prefixes of peers are merged and `Exclude` is taken out; the routes are the fewest prefixes for the rest.
 *
 * One thread at a time for each object; reading a plan is allowed from several threads.
 */
#ifndef VPN_POLICY_H
#define VPN_POLICY_H

#include <vpn/conf.h>
#include <vpn/prefixes.h>

VPN_BEGIN

#define VPN_IFNAME_CHARS 16 /**< room for the name of a link and a NUL */

/** @name Facts: links
 * @{ */
#define VPN_LINK_UP       (1u << 0) /**< it is up */
#define VPN_LINK_LOOPBACK (1u << 1) /**< the host's own */
#define VPN_LINK_TUNNEL   (1u << 2) /**< virtual: another tunnel; what it carries is no LAN */
/** @} */

/** @brief A link. */
typedef struct vpn_host_link {
    uint32_t index;              /**< its number, not 0 */
    uint32_t mtu;                /**< bytes */
    uint32_t flags;              /**< bits `VPN_LINK_*` */
    uint32_t rp_filter;          /**< IPv4 reverse-path filter: 0 off, 1 strict, 2 loose */
    char name[VPN_IFNAME_CHARS]; /**< with NUL */
} vpn_host_link;

/** @brief An address of a link. */
typedef struct vpn_host_address {
    uint32_t link;     /**< index */
    vpn_prefix prefix; /**< the whole address, with the length of its network */
} vpn_host_address;

#define VPN_TABLE_DEFAULT 253 /**< number of the table `default` */
#define VPN_TABLE_MAIN    254 /**< number of the table `main` */
#define VPN_TABLE_LOCAL   255 /**< number of the table `local` */

#define VPN_PROTOCOL_KERNEL 2  /**< the system made the route for an address */
#define VPN_PROTOCOL_STATIC 4  /**< an administrator did */
#define VPN_PROTOCOL_DHCP   16 /**< DHCP did */

/** @brief A route. */
typedef struct vpn_host_route {
    vpn_prefix to;       /**< whereto */
    uint32_t link;       /**< index; 0 when `refuses` */
    uint32_t table;      /**< number */
    uint32_t metric;     /**< the smallest wins among equal prefixes */
    uint8_t protocol;    /**< number of who made it, such as VPN_PROTOCOL_DHCP */
    uint8_t has_gateway; /**< 1: over `gateway`; 0: on the link */
    uint8_t refuses;     /**< 1: blackhole, unreachable or prohibit */
    uint8_t reserved;    /**< zero */
    uint8_t gateway[16]; /**< of the family of `to` */
} vpn_host_route;

/** @brief A policy rule: which table to ask for which packets. */
typedef struct vpn_rule {
    uint32_t priority;  /**< the smallest first */
    uint32_t table;     /**< number */
    uint32_t mark;      /**< with `mask`: packets with (their mark & mask) == mark */
    uint32_t mask;      /**< 0: the mark does not matter */
    uint32_t uid_first; /**< first user, when `has_uid` */
    uint32_t uid_last;  /**< last user */
    int32_t suppress;   /**< routes of this length or shorter do not count; -1: all count */
    uint8_t family;     /**< 4 or 6 */
    uint8_t invert;     /**< 1: packets for which mark and user do not hold */
    uint8_t has_uid;    /**< 1: only packets of sockets of these users */
    uint8_t refuses;    /**< 1: no table is asked, the packet is unreachable */
} vpn_rule;

/** @brief A name server in use. */
typedef struct vpn_host_resolver {
    uint32_t link;     /**< index of the link it belongs to; 0: of the host */
    vpn_prefix server; /**< /32 or /128 */
} vpn_host_resolver;

/** @name Who looks after name servers
 * @{ */
#define VPN_RESOLVER_FILE       0 /**< nobody: /etc/resolv.conf is a file */
#define VPN_RESOLVER_RESOLVED   1 /**< systemd-resolved */
#define VPN_RESOLVER_RESOLVCONF 2 /**< resolvconf(8) */
/** @} */

/** @brief Facts about a host. A list may be NULL when it is empty. */
typedef struct vpn_host {
    uint32_t size;                      /**< sizeof(vpn_host) as the caller knows it */
    uint32_t resolver_system;           /**< a `VPN_RESOLVER_*` */
    uint32_t rp_filter;                 /**< net.ipv4.conf.all.rp_filter; the greater of this and the link's counts */
    uint32_t src_valid_mark;            /**< net.ipv4.conf.all.src_valid_mark */
    const vpn_host_link *links;         /**< all links */
    size_t link_count;                  /**< of them */
    const vpn_host_address *addresses;  /**< all addresses */
    size_t address_count;               /**< of them */
    const vpn_host_route *routes;       /**< of all tables, but for `local` */
    size_t route_count;                 /**< of them */
    const vpn_rule *rules;              /**< all policy rules; none: as after boot (local, main, default) */
    size_t rule_count;                  /**< of them */
    const vpn_host_resolver *resolvers; /**< name servers in use */
    size_t resolver_count;              /**< of them */
} vpn_host;

/** @name Choices of vpn_policy
 * @{ */
#define VPN_POLICY_HOOKS       (1u << 0) /**< the plan runs PreUp, PostUp, PreDown and PostDown */
#define VPN_POLICY_LINK_EXISTS (1u << 1) /**< a daemon made the link already: the plan neither makes nor deletes it */
/** @} */

/** @brief What to plan for. `conf`, `host` and what they point to outlive the plan. */
typedef struct vpn_policy {
    uint32_t size;               /**< sizeof(vpn_policy) as the caller knows it */
    uint32_t flags;              /**< bits `VPN_POLICY_*` */
    const vpn_conf *conf;        /**< what the file says */
    const vpn_host *host;        /**< facts */
    char name[VPN_IFNAME_CHARS]; /**< of the link: 1 to 15 of `a-zA-Z0-9_=+.-`, as wg-quick has it */
    const vpn_endpoint
        *endpoints; /**< one for each peer of `conf`, where names were looked up; NULL, or family 0: that of `conf` */
} vpn_policy;

/** @name Operations
 * @{ */
#define VPN_OP_FILTER  1  /**< add or delete the nftables table `text` (or its pf counterpart); atomic */
#define VPN_OP_SYSCTL  2  /**< set `text` from `before` to `value` */
#define VPN_OP_HOOK    3  /**< run a shell command: `text` to add, `undo` to delete; NULL: nothing */
#define VPN_OP_LINK    4  /**< make or delete the WireGuard link */
#define VPN_OP_DEVICE  5  /**< give the device its keys, port, peers and `mark`; deleting takes them away */
#define VPN_OP_ADDRESS 6  /**< add or delete `prefix` at the link, with its connected route */
#define VPN_OP_MTU     7  /**< set the link's MTU from `before` to `value` (0: whatever it was made with) */
#define VPN_OP_UP      8  /**< bring the link up (add) or down (delete) */
#define VPN_OP_ROUTE   9  /**< add or delete `prefix` at the link in `rule.table` with `metric` */
#define VPN_OP_RULE    10 /**< add or delete the policy rule `rule` */
#define VPN_OP_RESOLVER                                                                                                \
    11 /**< add or delete the link's name servers `prefixes`, `search` and `match`, by `resolver_system` */
/** @} */

/** @name What is done
 * @{ */
#define VPN_VERB_ADD 1 /**< make it; it is not there */
#define VPN_VERB_DEL 2 /**< take it away; it is there */
#define VPN_VERB_SET 3 /**< from `before` to `value` */
/** @} */

/** @brief One operation. Fields that its type does not name are zero. Lists and strings live as long as the plan. */
typedef struct vpn_op {
    uint16_t type;            /**< a `VPN_OP_*` */
    uint16_t verb;            /**< a `VPN_VERB_*` */
    uint32_t value;           /**< MTU, sysctl */
    uint32_t before;          /**< likewise, as it was */
    uint32_t mark;            /**< DEVICE: the firewall mark of outer packets; FILTER: likewise; 0: none */
    uint32_t metric;          /**< ROUTE */
    uint32_t resolver_system; /**< RESOLVER: a `VPN_RESOLVER_*` */
    uint32_t dns_mode;  /**< RESOLVER: a `VPN_DNS_*`; FILTER: VPN_DNS_TUNNEL holds queries outside the tunnel back */
    uint32_t fail_mode; /**< FILTER: a `VPN_FAIL_*` */
    char name[VPN_IFNAME_CHARS]; /**< the link */
    vpn_prefix prefix;           /**< ADDRESS, ROUTE */
    vpn_rule rule;               /**< RULE; its `table` for ROUTE */
    const char *text; /**< FILTER: what `nft -f` reads to add it; SYSCTL: the name with dots; HOOK: a command */
    const char
        *undo; /**< FILTER: what `nft -f` reads to delete it; HOOK: the command that goes with it on the way down */
    const vpn_prefix *prefixes;    /**< FILTER: addresses that only the tunnel may carry; RESOLVER: servers */
    size_t prefix_count;           /**< of them */
    const char *const *search;     /**< RESOLVER: domains appended to short names */
    size_t search_count;           /**< of them */
    const char *const *match;      /**< RESOLVER: domains that these servers are asked for, with VPN_DNS_SPLIT */
    size_t match_count;            /**< of them */
    const vpn_endpoint *endpoints; /**< FILTER: where outer packets go, as far as it is known */
    size_t endpoint_count;         /**< of them */
} vpn_op;

/** @brief An ordered list of operations. Opaque. */
typedef struct vpn_plan vpn_plan;

/**
 * @brief Plans.
 * @param out receives the plan; the caller frees it with vpn_plan_free. NULL after an error.
 * @param env NULL for the defaults.
 * @return 0; VPN_EINVAL (a structure, the name, a value outside its range); VPN_EEXIST: a link of that name is there and
 * VPN_POLICY_LINK_EXISTS is not set; VPN_ENOENT: it is not there and the flag is set; VPN_ELIMIT: no table, mark or priority is
 * free; VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_plan_new(vpn_plan **out, const vpn_policy *policy, const vpn_env *env);

/** @brief Frees a plan; NULL is allowed. Since 0.1. */
VPN_API void vpn_plan_free(vpn_plan *plan);

/** @brief How many operations it has. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) size_t vpn_plan_count(const vpn_plan *plan);

/** @brief An operation, 0 is the first; NULL past the end. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) const vpn_op *vpn_plan_op(const vpn_plan *plan, size_t index);

/** @brief The firewall mark that outer packets must carry; 0: none is needed. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) uint32_t vpn_plan_mark(const vpn_plan *plan);

/** @brief The table that the tunnel's routes are in; 0: none. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) uint32_t vpn_plan_table(const vpn_plan *plan);

/** @brief The operation that undoes another: add and delete change places, and so do `value` and `before`. The inverse of an
 * inverse is the operation itself. Any thread. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_op_inverse(vpn_op *out, const vpn_op *op);

/** @name Forms of a plan as text
 * @{ */
#define VPN_RENDER_LINUX 1 /**< a shell script for Linux: ip, nft, wg, sysctl, resolvectl or resolvconf */
#define VPN_RENDER_MACOS 2 /**< a shell script for macOS: ifconfig, route, scutil, pfctl; says what it cannot do */
#define VPN_RENDER_JSON  3 /**< an array of objects, one for each operation, its inverse among them */
/** @} */

/**
 * @brief Writes a plan as text. It holds no keys: the script leaves them to a file for `wg setconf`.
 * @param form a `VPN_RENDER_*`.
 * @param undo 0: the way up; 1: the way down, the inverses from the last one to the first.
 * @param out `capacity` bytes; not NUL-terminated. NULL when `capacity` is 0.
 * @param length receives the bytes written, or with VPN_ESPACE those needed.
 * @return 0, VPN_ESPACE or VPN_EINVAL (`form`, `undo`). Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 6) int vpn_plan_render(const vpn_plan *plan, uint32_t form, uint32_t undo,
                                                           char *out, size_t capacity, size_t *length);

/** @brief Writes one operation in a form, each command on a line of its own; as vpn_plan_render otherwise. Any thread. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 5) int vpn_op_render(const vpn_op *op, uint32_t form, char *out, size_t capacity,
                                                         size_t *length);

/** @brief A packet that somebody on this host sends. */
typedef struct vpn_selector {
    uint8_t family;     /**< 4 or 6 */
    uint8_t protocol;   /**< of IP: 6 TCP, 17 UDP, ...; 0: any */
    uint16_t port;      /**< destination port; 0: any */
    uint32_t mark;      /**< firewall mark of the socket; 0: none */
    uint32_t has_uid;   /**< 1: `uid` counts */
    uint32_t uid;       /**< user of the socket */
    const char *cgroup; /**< path of the process, without leading slash; NULL: none that matters */
    uint8_t to[16];     /**< destination; IPv4 in the first four bytes */
} vpn_selector;

/** @name Where a packet goes
 * @{ */
#define VPN_PATH_TUNNEL  1 /**< through the tunnel */
#define VPN_PATH_LOCAL   2 /**< to the host itself, or out of another link */
#define VPN_PATH_BLOCKED 3 /**< nowhere */
/** @} */

/** @name What an observer sees: bits
 * @{ */
#define VPN_SEES_PACKET         (1u << 0) /**< the packet as the application made it, with what that left unencrypted */
#define VPN_SEES_DESTINATION    (1u << 1) /**< whom it is for */
#define VPN_SEES_SOURCE         (1u << 2) /**< the address that the host has where it is connected */
#define VPN_SEES_TUNNEL_ADDRESS (1u << 3) /**< the address that the host has in the tunnel, or that the peer gives it */
#define VPN_SEES_ENDPOINT       (1u << 4) /**< that the host speaks to the peer's endpoint */
#define VPN_SEES_TIMING         (1u << 5) /**< when, and about how much */
/** @} */

/** @brief What becomes of a packet once the plan stands. */
typedef struct vpn_explanation {
    uint32_t path;          /**< a `VPN_PATH_*` */
    uint32_t peer;          /**< index in `conf`, with VPN_PATH_TUNNEL; else UINT32_MAX */
    uint32_t link;          /**< index of the link it leaves by; 0: none, or the tunnel */
    uint32_t table;         /**< that decided; 0: none did */
    vpn_prefix route;       /**< that decided; family 0: none did */
    uint32_t local_network; /**< bits `VPN_SEES_*` of who shares the link */
    uint32_t isp;           /**< of who carries the packets between networks */
    uint32_t endpoint;      /**< of the peer */
    uint32_t destination;   /**< of whom the packet is for */
    char rule[128];         /**< what decided, in a sentence */
} vpn_explanation;

/**
 * @brief Explains a packet, by the plan and the facts it was made from.
 * @return 0 or VPN_EINVAL (the family). Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_plan_explain(const vpn_plan *plan, const vpn_selector *packet,
                                                               vpn_explanation *out);

/** @name Severities
 * @{ */
#define VPN_SEVERITY_NOTE    1 /**< worth knowing */
#define VPN_SEVERITY_WARNING 2 /**< something leaks or fails in some networks */
#define VPN_SEVERITY_ERROR   3 /**< something leaks or fails now */
/** @} */

/** @name Findings
 * @{ */
#define VPN_FINDING_DNS_LEAK      1 /**< names would be asked outside the tunnel */
#define VPN_FINDING_IPV6_LEAK     2 /**< one family goes through the tunnel, the other around it */
#define VPN_FINDING_ENDPOINT_LOOP 3 /**< the endpoint would be reached through its own tunnel */
#define VPN_FINDING_LAN_OVERLAP   4 /**< a LAN has addresses of the tunnel (LocalNet) */
#define VPN_FINDING_FOREIGN_ROUTE 5 /**< somebody else's more specific route pulls packets out (TunnelVision) */
#define VPN_FINDING_SITE_OVERLAP  6 /**< peers claim the same addresses */
#define VPN_FINDING_MTU           7 /**< packets would not fit the path */
#define VPN_FINDING_RP_FILTER     8 /**< no reverse-path filter, so others can probe the tunnel's addresses */
#define VPN_FINDING_NO_ENDPOINT   9 /**< the endpoint's address is not known, so nothing about it could be looked at */
/** @} */

/** @brief Something that is wrong. */
typedef struct vpn_finding {
    uint32_t code;      /**< a `VPN_FINDING_*` */
    uint32_t severity;  /**< a `VPN_SEVERITY_*` */
    uint32_t peer;      /**< index in `conf`, or UINT32_MAX */
    uint32_t link;      /**< index of a link, or 0 */
    vpn_prefix prefix;  /**< which addresses; family 0: none in particular */
    char evidence[160]; /**< what was seen, in a sentence */
    char remedy[160];   /**< what to do, in a sentence */
} vpn_finding;

/**
 * @brief Looks for what leaks or fails once the plan stands.
 * @param out room for `capacity` findings, the gravest first; NULL when `capacity` is 0.
 * @param count receives how many there are.
 * @return 0, VPN_ESPACE (and `out` holds the first `capacity`) or VPN_ENOMEM. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 4) int vpn_plan_audit(const vpn_plan *plan, vpn_finding *out, size_t capacity,
                                                          size_t *count);

VPN_END

#endif
