/* SPDX-License-Identifier: ISC */
/* Memory that is given back all at once, wiped: for results made of many lists and strings. */
#ifndef VPN_LIB_BASE_ARENA_H
#define VPN_LIB_BASE_ARENA_H

#include <vpn/base.h>

struct vpn__arena_block;

/* All zero but `env`: empty. */
struct vpn__arena {
    vpn_env env;
    struct vpn__arena_block *blocks; /* the newest first */
};

/* Zeroed memory, aligned for any type of the library; NULL when there is none. */
void *vpn__arena_alloc(struct vpn__arena *arena, size_t bytes);
/* A copy with a NUL behind it, or NULL. */
char *vpn__arena_text(struct vpn__arena *arena, const char *text, size_t length);
/* A list of `count` elements of `bytes` bytes that has room for one more at least: the list itself, or a longer copy, when
   all growth goes through here. NULL when there is no memory; the old one stays valid either way. */
void *vpn__arena_grow(struct vpn__arena *arena, void *list, size_t count, size_t bytes);
/* Wipes and frees everything. */
void vpn__arena_end(struct vpn__arena *arena);

#endif
