/* SPDX-License-Identifier: ISC */
/* Asking for memory before it is needed, so that waiting for one line hides the waiting for others. Only ever a hint. */
#ifndef VPN_LIB_BASE_PREFETCH_H
#define VPN_LIB_BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define VPN__LINE 64u /* bytes of a cache line, near enough everywhere */

static inline void vpn__prefetch(const void *p)
{
#if defined(__GNUC__)
    __builtin_prefetch(p);
#else
    (void)p;
#endif
}

/* The lines of the first `bytes` bytes of an object that begins at a line. */
static inline void vpn__prefetch_bytes(const void *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += VPN__LINE)
        vpn__prefetch((const uint8_t *)p + i);
}

#endif
