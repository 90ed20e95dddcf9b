/* SPDX-License-Identifier: ISC */
/* What the hosts behind a peer are called on this host: AllowedIPs, as `Netmap = theirs` translates them. */
#ifndef VPN_LIB_POLICY_INSIDE_H
#define VPN_LIB_POLICY_INSIDE_H

#include <vpn/conf.h>
#include <vpn/prefixes.h>

/* Whether a peer has other addresses here than it has itself. */
int vpn__inside_differs(const vpn_conf_peer *peer);
/* Adds the addresses that lead to such a peer. 0, VPN_ENOMEM or VPN_ELIMIT. */
int vpn__inside_add(vpn_prefixes *set, const vpn_conf_peer *peer, const vpn_env *env);
/* The peer that an address leads to, UINT32_MAX without one: a translation comes before all AllowedIPs. */
uint32_t vpn__inside_peer(const vpn_conf *conf, uint8_t family, const uint8_t *addr);

#endif
