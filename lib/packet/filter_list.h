/* SPDX-License-Identifier: ISC */
/* Rules with their counters and what they were compiled to. */
#ifndef VPN_LIB_PACKET_FILTER_LIST_H
#define VPN_LIB_PACKET_FILTER_LIST_H

#include "packet/filter_classify.h"

struct vpn__filter_list {
    uint32_t count;
    vpn_filter_rule *rules;
    vpn_filter_count *counts;
    struct vpn__classifier classifier;
};

/* Checks and compiles rules. `stateful`: whether they may be that; `env` outlives the list. 0, VPN_EINVAL, VPN_ELIMIT or
   VPN_ENOMEM, and then there is nothing to end. */
int vpn__filter_list_init(struct vpn__filter_list *list, const vpn_env *env, const vpn_filter_rule *rules, size_t count,
                          int stateful);
/* Also of a list that is all zero. */
void vpn__filter_list_end(struct vpn__filter_list *list, const vpn_env *env);
/* Gives each rule of `list` the counters of a rule of `old` that equals it, in order; `hash_key` has 16 bytes. 0, or
   VPN_ENOMEM and nothing has changed. */
int vpn__filter_list_inherit(struct vpn__filter_list *list, const struct vpn__filter_list *old, const vpn_env *env,
                             const uint8_t *hash_key);
size_t vpn__filter_list_memory(const struct vpn__filter_list *list);

#endif
