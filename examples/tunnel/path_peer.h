/* SPDX-License-Identifier: ISC */
/* What is known of the way to one peer: a part of its annex, which frees it. */
#ifndef TUNNEL_PATH_PEER_H
#define TUNNEL_PATH_PEER_H

#include "path.h"

#define PATH_NAME_CHARS 16

typedef struct path_peer {
    vpn_peer_id id;
    vpn_pmtu *pmtu;         /* NULL: switched off, or no endpoint */
    vpn_pmtu_config config; /* that it was made with */
    vpn_endpoint remote;    /* that it was started with */
    uint32_t mtu;           /* greatest inner packet */
    uint32_t whole;         /* outer packets up to that length pass whole */
    uint32_t told;          /* what the system was told of the path, and when */
    vpn_time told_at;
    uint8_t asking;    /* a probe is under way */
    uint8_t active;    /* something was sent since the last round of probes */
    uint8_t idle;      /* a round is due, and waits until something is sent */
    uint8_t probe4[4]; /* addresses to probe that were chosen; all zero: none */
    uint8_t probe6[16];
    uint64_t too_big; /* packets that went nowhere */
    char name[PATH_NAME_CHARS];
} path_peer;

/* NULL: there is none. */
path_peer *path_peer_find(const paths *p, vpn_peer_id id);
/* Finds or makes it. NULL: no memory, or no such peer. */
path_peer *path_peer_get(paths *p, vpn_peer_id id);
/* Makes, starts, starts again or ends what finds out its MTU, as the peer is now; `anew` also when nothing changed. */
void path_peer_consider(paths *p, path_peer *peer, int anew, vpn_time now);
/* After each call of vpn_pmtu: looks at what came of it. */
void path_peer_settle(paths *p, path_peer *peer);
/* When something is due; VPN_NEVER: nothing. */
vpn_time path_peer_due(const path_peer *peer);

#endif
