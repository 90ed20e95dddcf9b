/* SPDX-License-Identifier: ISC */
/* What vpnctl diagnose gathers, layer by layer, for vpn/diagnose.h to judge. */
#ifndef VPNCTL_DIAGNOSIS_H
#define VPNCTL_DIAGNOSIS_H

#include <vpn/vpn.h>

#include "device.h"
#include "ear.h"
#include "load.h"

typedef struct diagnosis {
    loaded l;                    /* the file, or what the daemon says in its place; facts and plan without the tunnel */
    int has_file;                /* there is one */
    int all;                     /* go on after what is broken */
    int passive;                 /* send nothing */
    int ms;                      /* how long an answer may take */
    uint32_t index;              /* of the peer in the file */
    facts now;                   /* with the tunnel */
    device before;               /* as the daemon told it first */
    uint32_t mark;               /* of outer packets */
    uint64_t drops[VPN_REASONS]; /* while we looked */
    vpn_prefix nudge;            /* an address behind the peer, whether anybody is there or not; family 0: none */
    vpn_observed seen;
} diagnosis;

/* Each looks at its layers and writes what it saw into `seen`. */
void gather_control(diagnosis *d);
void gather_outer(diagnosis *d);
void gather_interface(diagnosis *d);
void gather_routes(diagnosis *d);
void gather_firewall(diagnosis *d);
void gather_dns(diagnosis *d);
void gather_mtu(diagnosis *d);

enum { REJECT_AFTER_TIME = 180 }; /* seconds that a session can be used (whitepaper section 6.1) */

/* Seconds since its last handshake, or VPN_SECONDS_NEVER; and whether it is young enough for a session. */
uint64_t device_peer_age(const device_peer *peer);
int device_peer_lives(const device_peer *peer);
/* The peer of a device with this key, or NULL. */
const device_peer *device_peer_of(const device *d, const uint8_t key[VPN_KEY_BYTES]);
/* Asks the daemon, for more than wg(8) would with `more`. 0 or a negative errno; either way device_free. */
int diagnosis_ask(device *out, const char *name, int more);
/* Asks it what it dropped so far, and of the peer, where peers count. 1, or 0: it does not tell, as only those on libvpn do. */
int diagnosis_drops(uint64_t drops[VPN_REASONS], const char *name, const uint8_t key[VPN_KEY_BYTES]);
/* A link among the facts, or NULL. */
const vpn_host_link *diagnosis_link(const diagnosis *d, uint32_t index);
/* Whether a prefix holds the address that another one is. */
int prefix_holds(const vpn_prefix *prefix, const vpn_prefix *address);
/* Whether two addresses are the same, whatever their networks. */
int prefix_same_address(const vpn_prefix *a, const vpn_prefix *b);

static inline uint8_t yes_no(int holds)
{
    return holds ? VPN_SEEN_YES : VPN_SEEN_NO;
}

#endif
