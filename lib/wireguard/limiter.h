/* SPDX-License-Identifier: ISC */
/* Two budgets for handshake messages: one for each source that proved its address by mac2, and one for all others. */
#ifndef VPN_LIB_WIREGUARD_LIMITER_H
#define VPN_LIB_WIREGUARD_LIMITER_H

#include <vpn/packet.h>

struct vpn__limiter_entry {
    uint64_t source; /* keyed hash of an address prefix */
    vpn_time ready;  /* when its budget is full again; an entry that is ready is free */
};

struct vpn__limiter {
    const vpn_env *env;
    struct vpn__limiter_entry *entries;
    uint32_t room;       /* a power of two */
    uint32_t rate;       /* of the global budget, messages a second */
    vpn_time interval;   /* between two of them */
    vpn_time ready;      /* of the global budget */
    vpn_time load_until; /* under load before this; 0: not */
    uint8_t hash_key[16];
};

/* `sources` is rounded up to a power of two. 0, VPN_ENOMEM or VPN_ERANDOM. */
int vpn__limiter_init(struct vpn__limiter *l, const vpn_env *env, uint32_t sources, uint32_t rate);
void vpn__limiter_end(struct vpn__limiter *l);
/* Spends from the budget of a source whose address is proved: 20 a second, 5 at once. 1 when there was some left. A source
   for which the table has no place has none. */
int vpn__limiter_source(struct vpn__limiter *l, const vpn_endpoint *from, vpn_time now);
/* Spends from the global budget. 1 when there was some left; 0 starts "under load", for 1 s from the last time. */
int vpn__limiter_global(struct vpn__limiter *l, vpn_time now);
int vpn__limiter_under_load(const struct vpn__limiter *l, vpn_time now);
size_t vpn__limiter_memory(const struct vpn__limiter *l);

#endif
