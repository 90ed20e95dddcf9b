/* SPDX-License-Identifier: ISC */
/* Name servers of a tunnel, by whoever looks after them on this host. Calls return 0 or -1, and `why` tells. */
#ifndef VPNCTL_RESOLVER_H
#define VPNCTL_RESOLVER_H

#include <stddef.h>

#include <vpn/policy.h>

#define RESOLVER_FILE "/etc/resolv.conf"

/* Does all of a VPN_OP_RESOLVER, or nothing. `file` is the one that VPN_RESOLVER_FILE writes. */
int resolver_add(const vpn_op *op, const char *file, char *why, size_t capacity);
/* Takes it back; nothing to take back is no error. */
int resolver_delete(uint32_t system, const char *name, const char *file, char *why, size_t capacity);

#endif
