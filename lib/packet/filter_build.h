/* SPDX-License-Identifier: ISC */
/* Makes a classifier out of rules. */
#ifndef VPN_LIB_PACKET_FILTER_BUILD_H
#define VPN_LIB_PACKET_FILTER_BUILD_H

#include "packet/filter_classify.h"

/* `rules` were read by vpn__filter_rule_read, at most VPN_FILTER_RULES_MAX, and are not needed afterwards; `env` outlives the
   classifier. 0, or VPN_ENOMEM and then there is nothing to end. */
int vpn__classifier_init(struct vpn__classifier *c, const vpn_env *env, const vpn_filter_rule *rules, uint32_t count);
void vpn__classifier_end(struct vpn__classifier *c);
/* Bytes taken from the allocator. */
size_t vpn__classifier_memory(const struct vpn__classifier *c);

#endif
