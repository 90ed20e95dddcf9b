/* SPDX-License-Identifier: ISC */
/* The system's own idea of the path to a peer, in IPv6, where only who sends a packet may cut it. */
#ifndef TUNNEL_PATH_SYSTEM_H
#define TUNNEL_PATH_SYSTEM_H

#include "path_peer.h"

/* Datagrams to the peer that are longer than `whole` leave in pieces from now on. Nothing over IPv4, or when it was done lately. */
void path_system_tell(paths *p, path_peer *peer, vpn_time now);
/* 1 for the report that comes back of it. */
int path_system_said(const vpn_pmtu_report *report);

#endif
