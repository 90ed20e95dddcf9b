/* SPDX-License-Identifier: ISC */
/* The packet filter of a plan: as an nftables table, and as an answer. */
#ifndef VPN_LIB_POLICY_RULESET_H
#define VPN_LIB_POLICY_RULESET_H

#include "policy/choose.h"

/* Whether the plan needs a filter at all. */
int vpn__ruleset_wanted(const vpn_plan *plan);
/* What `nft -f` reads to add it; and to take it away. NULL: no memory. */
const char *vpn__ruleset_text(vpn_plan *plan);
const char *vpn__ruleset_undo(vpn_plan *plan);

/* The mark that a packet has behind the chain that marks applications. */
uint32_t vpn__ruleset_mark(const vpn_plan *plan, const vpn_selector *packet);
/* Whether the filter drops a packet that would leave by another link than the tunnel or the loopback. */
int vpn__ruleset_drops(const vpn_plan *plan, const vpn_selector *packet);

#endif
