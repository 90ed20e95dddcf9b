/* SPDX-License-Identifier: ISC */
#ifndef VPN_LIB_TUNNEL_ALLOWEDIPS_H
#define VPN_LIB_TUNNEL_ALLOWEDIPS_H

#include <vpn/allowedips.h>

/* Another number after each change of any owner; never 0. While it is the same, so is what every address gets. */
uint64_t vpn__allowedips_changes(const vpn_allowedips *table);

#endif
