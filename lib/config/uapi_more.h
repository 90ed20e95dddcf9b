/* SPDX-License-Identifier: ISC */
/* What get=libvpn says beyond get=1. */
#ifndef VPN_LIB_CONFIG_UAPI_MORE_H
#define VPN_LIB_CONFIG_UAPI_MORE_H

#include <vpn/uapi.h>

#include "config/text.h"

struct vpn_uapi_lines {
    struct vpn__text text;
    int more; /* get=libvpn */
    vpn_time now;
};

/* As vpn_uapi_get; `lines` has all but the text set. */
int vpn__uapi_answer(const vpn_wg *wg, const vpn_uapi_host *host, struct vpn_uapi_lines *lines, char *out,
                     size_t capacity, size_t *length);

/* The lines about a peer, or about the device when `peer` is 0: the library's and then the host's. */
void vpn__uapi_more(struct vpn_uapi_lines *lines, const vpn_wg *wg, const vpn_uapi_host *host, vpn_peer_id peer);

#endif
