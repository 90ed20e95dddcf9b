/* SPDX-License-Identifier: ISC */
/*
 * What this program answers to get=libvpn beside the library, and lines of its own in a set. Each feature has a room, which is a
 * line of the table in more.c: how it says its facts, and how it takes its settings.
 */
#ifndef TUNNEL_MORE_H
#define TUNNEL_MORE_H

#include "flow.h"

/* A room's `set` for a key that belongs to another; no errno. */
#define MORE_OTHERS (-1)

typedef struct more_room {
    /* Lines about the device (peer 0, and no annex) or a peer, whose annex may be NULL. */
    void (*get)(const flow *f, vpn_peer_id peer, const annex *a, vpn_uapi_lines *lines);
    /* As set_more in vpn/uapi.h: 0, an errno or MORE_OTHERS. Lines are gathered with VPN_UAPI_MORE_APPLY until `changed`. */
    int (*set)(flow *f, uint32_t how, vpn_peer_id peer, const char *key, const char *value);
    /* All lines of a peer have come, or it was removed. */
    void (*changed)(flow *f, vpn_peer_id peer);
} more_room;

void more_get(const flow *f, vpn_peer_id peer, vpn_uapi_lines *lines);
int more_set(flow *f, uint32_t how, vpn_peer_id peer, const char *key, const char *value);
void more_changed(flow *f, vpn_peer_id peer);

/* Adds a line to an answer, with a value as of printf. */
void more_line(vpn_uapi_lines *lines, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a counter, unless it is 0. */
void more_count(vpn_uapi_lines *lines, const char *key, uint64_t count);

#endif
