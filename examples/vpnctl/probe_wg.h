/* SPDX-License-Identifier: ISC */
/* A WireGuard handshake from a socket of our own. */
#ifndef VPNCTL_PROBE_WG_H
#define VPNCTL_PROBE_WG_H

#include "probe.h"

typedef struct probe_wg {
    const uint8_t *private_key;
    const uint8_t *peer;
    const uint8_t *preshared; /* zero: none */
    vpn_endpoint to;
    probe_way way;
    int ms; /* how long to wait for an answer */
} probe_wg;

/* Sends initiations until one is answered. A VPN_PROBE_*. The session that a true answer would make is given up. */
int probe_wg_run(const probe_wg *p);
/* Sends an empty datagram to a port where hardly anybody listens: a VPN_PROBE_*. */
int probe_wg_other_port(const vpn_endpoint *host, const probe_way *way, int ms);

#endif
