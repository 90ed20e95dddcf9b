/* SPDX-License-Identifier: ISC */
/* Words of shell commands. */
#ifndef VPN_LIB_POLICY_SHELL_H
#define VPN_LIB_POLICY_SHELL_H

#include <vpn/policy.h>

#include "config/text.h"

/* A string, an address with its length, an address alone, each as it stands. */
void vpn__shell_put(struct vpn__text *text, const char *string);
void vpn__shell_prefix(struct vpn__text *text, const vpn_prefix *prefix);
void vpn__shell_ip(struct vpn__text *text, const vpn_prefix *prefix);
/* A hook with "%i" replaced, in a subshell. Nothing for NULL. */
void vpn__shell_hook(struct vpn__text *text, const char *command, const char *name);

#endif
