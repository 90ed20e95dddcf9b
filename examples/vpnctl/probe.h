/* SPDX-License-Identifier: ISC */
/* What the probes of vpnctl diagnose share: sockets whose ICMP errors can be told apart, and time. */
#ifndef VPNCTL_PROBE_H
#define VPNCTL_PROBE_H

#include <vpn/vpn.h>

/* How a probe leaves this host. */
typedef struct probe_way {
    uint32_t mark;      /* firewall mark; 0: none */
    const char *device; /* the only link that it may leave by; NULL: any */
} probe_way;

/* Milliseconds on a clock that only goes forward. */
uint64_t probe_clock(void);

/* A connected socket that does not block, with its error queue on. Its descriptor, or -1 and errno; *why is then the VPN_PROBE_*
 * that it means, or VPN_PROBE_NONE. */
int probe_open(const vpn_endpoint *to, int type, int protocol, const probe_way *way, int *why);
/* What an error of a call means: a VPN_PROBE_*, or VPN_PROBE_NONE. */
int probe_errno(int error);
/* What the error queue says. An ICMP error that says "port unreachable" and comes from somebody else than `to` is a filter's. */
int probe_error(int fd, const vpn_endpoint *to);
/* Waits up to `ms` for something to read, or an error. 1 or 0. */
int probe_wait(int fd, int ms);

#endif
