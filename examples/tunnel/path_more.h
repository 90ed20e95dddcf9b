/* SPDX-License-Identifier: ISC */
/* What the room for path MTUs answers and takes beyond wg(8); see more.h. */
#ifndef TUNNEL_PATH_MORE_H
#define TUNNEL_PATH_MORE_H

#include "more.h"

void path_more_get(const flow *f, vpn_peer_id id, const annex *a, vpn_uapi_lines *lines);
int path_more_set(flow *f, uint32_t how, vpn_peer_id id, const char *key, const char *value);
void path_more_changed(flow *f, vpn_peer_id id);

#endif
