/* SPDX-License-Identifier: ISC */
/* The host's allocator, randomness and wall clock, and the reading of sized configuration structures. */
#ifndef VPN_LIB_BASE_ENV_H
#define VPN_LIB_BASE_ENV_H

#include <vpn/base.h>

/* Copies `in` (NULL: all defaults), with every NULL function replaced by its default. 0 or VPN_EINVAL. */
int vpn__env_init(vpn_env *out, const vpn_env *in);

/* Zeroed memory, or NULL. */
void *vpn__alloc(const vpn_env *env, size_t bytes);
/* `count` elements of `bytes` bytes, zeroed; NULL also when the product overflows. */
void *vpn__alloc_array(const vpn_env *env, size_t count, size_t bytes);
/* Wipes `bytes` bytes, then frees. NULL is allowed. */
void vpn__free(const vpn_env *env, void *memory, size_t bytes);
/* 0 or VPN_ERANDOM, and then `out` is all zero. */
int vpn__random(const vpn_env *env, void *out, size_t bytes);
/* The wall clock; 1970 when there is none or it is out of range. */
void vpn__wall(const vpn_env *env, vpn_wall *out);

/* Reads a structure that begins with uint32_t size into `out`, which has `known` bytes: the tail that `in` lacks is zero,
   the tail that we do not know must be zero. 0, or VPN_EINVAL (size under `least`, or an unknown tail that is set). */
int vpn__config_read(void *out, size_t known, const void *in, size_t least);
/* Writes such a structure out: at most as many bytes as `out->size` says, which stays as it is. 0 or VPN_EINVAL. */
int vpn__config_write(void *out, const void *in, size_t known, size_t least);

#endif
