/* SPDX-License-Identifier: ISC */
/* What a packet means for the flow that it belongs to. Pure: no table, no memory. */
#ifndef VPN_LIB_PACKET_FILTER_TRACK_H
#define VPN_LIB_PACKET_FILTER_TRACK_H

#include "packet/filter_flows.h"
#include "packet/filter_parse.h"

/* The key of a packet's flow. `direction` is VPN_FILTER_IN or VPN_FILTER_OUT; `peer` any number. */
void vpn__flow_key_of(struct vpn__flow_key *key, const struct vpn__filter_view *v, uint32_t direction, uint64_t peer);
/* The key that all fragments of a packet have, and nothing else. */
void vpn__flow_key_fragment(struct vpn__flow_key *key, const struct vpn__filter_view *v, uint32_t direction,
                            uint64_t peer);
/* The first bytes of the keys of a peer. */
void vpn__flow_key_peer(uint8_t out[8], uint64_t peer);
/* Whether a packet may make a flow. */
int vpn__flow_may_begin(const struct vpn__filter_view *v);
/* A flow that was just added, by this packet. */
void vpn__flow_begin(struct vpn__flow *flow, const struct vpn__filter_view *v, uint32_t direction);
/* A fragment entry that was just added, or is to begin again. */
void vpn__flow_begin_fragment(struct vpn__flow *flow, vpn_time now);
/* Whether a packet with the flow's key is part of it. If so, the flow has moved on. */
int vpn__flow_pass(struct vpn__flow *flow, const struct vpn__filter_view *v, uint32_t direction, vpn_time now);
/* The packet that made a flow, as rules see it. Its addresses lie in the flow. */
void vpn__flow_first(struct vpn__filter_view *v, const struct vpn__flow *flow);

#endif
