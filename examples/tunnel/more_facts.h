/* SPDX-License-Identifier: ISC */
/* Rooms of more.c that only tell, of what the packets passed on their way. */
#ifndef TUNNEL_MORE_FACTS_H
#define TUNNEL_MORE_FACTS_H

#include "more.h"

/* As `get` of a room: what encrypts and sends; what got lost outside the library; when there was load; where a peer moved. */
void more_means(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines);
void more_losses(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines);
void more_load(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines);
void more_roaming(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines);

#endif
