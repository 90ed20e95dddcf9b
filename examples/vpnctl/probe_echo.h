/* SPDX-License-Identifier: ISC */
/* Pings of any size that are never fragmented. */
#ifndef VPNCTL_PROBE_ECHO_H
#define VPNCTL_PROBE_ECHO_H

#include "probe.h"

enum { ECHO_SMALL = 68 }; /* bytes of an IP packet that every link carries */

typedef struct echo {
    int fd; /* -1: none */
    vpn_endpoint to;
    uint16_t id;
    uint16_t sequence; /* of the last one */
} echo;

/* 0, or -1: *why is then the VPN_PROBE_* that says why not, VPN_PROBE_NONE when this process may not. Either way echo_close. */
int echo_open(echo *e, const vpn_prefix *to, const probe_way *way, int *why);
void echo_close(echo *e);
/* Sends one of so many bytes with its IP header. VPN_PROBE_SILENT, or why not; VPN_PROBE_NONE when the link takes no such size. */
int echo_send(echo *e, size_t bytes);
/* Waits for the answer to the last one: VPN_PROBE_ANSWERED, an error, or VPN_PROBE_SILENT. */
int echo_wait(echo *e, int ms);
/* Some of them, until one is answered or `ms` are over. */
int echo_try(echo *e, size_t bytes, int times, int ms);

#endif
