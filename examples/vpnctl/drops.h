/* SPDX-License-Identifier: ISC */
/* Which packets a daemon on libvpn dropped and why, from its answer to get=libvpn. */
#ifndef VPNCTL_DROPS_H
#define VPNCTL_DROPS_H

#include <vpn/vpn.h>

/* Reads lines "libvpn_drop=NUMBER NAME" of text that ends with NUL: those about the device, and those about one peer in the place of
 * the former where a peer counts them. 1, or 0: there are none, nor other lines of libvpn. */
int drops_read(uint64_t out[VPN_REASONS], const char *text, const uint8_t peer[VPN_KEY_BYTES]);

#endif
