/* SPDX-License-Identifier: ISC */
/* Short arrays of 32-bit references, in sizes that grow by a third or a half, from chunks that never move. */
#ifndef VPN_LIB_TUNNEL_REFS_H
#define VPN_LIB_TUNNEL_REFS_H

#include <vpn/base.h>

#define VPN__REFS_CLASSES 10

struct vpn__refs {
    const vpn_env *env;
    uint8_t *chunk; /* the newest; each begins with the address of the one before */
    uint32_t left;  /* bytes of it that were never handed out */
    uint32_t chunks;
    void *free[VPN__REFS_CLASSES];
};

/* Takes no memory yet; `env` outlives the arrays. */
void vpn__refs_init(struct vpn__refs *r, const vpn_env *env);
/* Frees everything, also arrays that are in use. */
void vpn__refs_end(struct vpn__refs *r);
/* How many references an array of this class holds: 4 to 128. */
uint32_t vpn__refs_room(uint32_t class);
/* An array of a class below VPN__REFS_CLASSES, aligned to 16 bytes, its content undefined; NULL: no memory. */
uint32_t *vpn__refs_take(struct vpn__refs *r, uint32_t class);
void vpn__refs_give(struct vpn__refs *r, uint32_t *array, uint32_t class);
/* Bytes taken from the allocator. */
size_t vpn__refs_memory(const struct vpn__refs *r);

#endif
