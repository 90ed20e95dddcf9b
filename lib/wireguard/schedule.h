/* SPDX-License-Identifier: ISC */
/* When the device has something to do next. */
#ifndef VPN_LIB_WIREGUARD_SCHEDULE_H
#define VPN_LIB_WIREGUARD_SCHEDULE_H

#include "wireguard/device.h"

/* After anything that may have changed a peer's deadline. */
void vpn__schedule(vpn_wg *wg, struct vpn__peer *peer);
/* The same, and the heap is exact for this peer afterwards. */
void vpn__schedule_exactly(vpn_wg *wg, struct vpn__peer *peer);
/* For a peer that is removed. */
void vpn__schedule_never(vpn_wg *wg, struct vpn__peer *peer);
/* At the end of every call that may have changed a deadline: makes the first one exact. */
void vpn__schedule_settle(vpn_wg *wg);

#endif
