/* SPDX-License-Identifier: ISC */
#ifndef VPNCTL_PROBE_DNS_H
#define VPNCTL_PROBE_DNS_H

#include "probe.h"

/* Asks a name server for those of the root, by UDP, up to `ms`: a VPN_PROBE_*. Any DNS answer is one; VPN_PROBE_FALSE: something
 * else came. */
int probe_dns(const vpn_prefix *server, int ms);
/* 1: this is an answer to that query. */
int probe_dns_is_answer(const uint8_t *message, size_t length, uint16_t id);

#endif
