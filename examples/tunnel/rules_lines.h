/* SPDX-License-Identifier: ISC */
/* Rules of peers as lines of the UAPI: a room of more.h. */
#ifndef TUNNEL_RULES_LINES_H
#define TUNNEL_RULES_LINES_H

#include "more.h"

void rules_lines_get(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines);
int rules_lines_set(flow *f, uint32_t how, vpn_peer_id peer, const char *key, const char *value);
void rules_lines_changed(flow *f, vpn_peer_id peer);

#endif
