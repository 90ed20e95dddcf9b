/* SPDX-License-Identifier: ISC */
/* Questions to the facts about a host. */
#ifndef VPN_LIB_POLICY_HOST_H
#define VPN_LIB_POLICY_HOST_H

#include <vpn/policy.h>

/* A link by its index or name; NULL when there is none. */
const vpn_host_link *vpn__host_link(const vpn_host *host, uint32_t index);
const vpn_host_link *vpn__host_named(const vpn_host *host, const char *name);
/* Whether a packet to this address is the host's own. */
int vpn__host_owns(const vpn_host *host, uint8_t family, const uint8_t *addr);
/* Whether a prefix holds an address; false for other families. */
int vpn__prefix_holds(const vpn_prefix *prefix, uint8_t family, const uint8_t *addr);
/* The prefix with the bits past its length zero. */
vpn_prefix vpn__prefix_network(const vpn_prefix *prefix);
/* Same family, length and network. */
int vpn__prefix_same(const vpn_prefix *a, const vpn_prefix *b);
/* Whether it is one at all. */
int vpn__prefix_valid(const vpn_prefix *prefix);
/* The best route of a table to an address, longer than `suppress` (-1: of any length), or NULL. */
const vpn_host_route *vpn__host_route(const vpn_host *host, uint32_t table, uint8_t family, const uint8_t *addr,
                                      int32_t suppress);
/* Whether an address of a link, with its network, makes a LAN: on a link that is up, no tunnel and not the one of this name, and
   not longer than it takes to hold somebody else. */
int vpn__host_is_lan(const vpn_host *host, const char *tunnel, const vpn_host_address *address);
/* Whether all of a prefix is set aside for private or link-local use (RFC 1918, 3927, 4193, 4291). */
int vpn__prefix_private(const vpn_prefix *prefix);

#endif
