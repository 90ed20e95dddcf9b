/* SPDX-License-Identifier: ISC */
/*
 * Links, addresses, routes and policy rules by rtnetlink. Calls return 0 or a negative errno. Deleting what is not
 * there, and changing a link that is not there on the way down, is the caller's to judge: see rtnl_is_gone.
 */
#ifndef VPNCTL_RTNL_H
#define VPNCTL_RTNL_H

#include <vpn/policy.h>

/* 1 for the errors with which the kernel says that what should be deleted is not there. */
int rtnl_is_gone(int error);
/* The index of a link, or 0. */
uint32_t rtnl_index(const char *name);
int rtnl_link_delete(const char *name);
int rtnl_link_mtu(const char *name, uint32_t mtu);
int rtnl_link_up(const char *name, int up);
/* `add` is 1 to add, 0 to delete. */
int rtnl_address(int add, const char *name, const vpn_prefix *prefix);
int rtnl_route(int add, const char *name, const vpn_prefix *to, uint32_t table, uint32_t metric);
int rtnl_rule(int add, const vpn_rule *rule);

#endif
