/* SPDX-License-Identifier: ISC */
/* Little- and big-endian loads and stores from memory of any alignment. */
#ifndef VPN_LIB_BASE_BYTES_H
#define VPN_LIB_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t vpn__load16be(const uint8_t *p)
{
    return (uint16_t)(((uint32_t)p[0] << 8) | p[1]);
}

static inline void vpn__store16be(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline uint32_t vpn__load32be(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline void vpn__store32be(uint8_t *p, uint32_t v)
{
    vpn__store16be(p, (uint16_t)(v >> 16));
    vpn__store16be(p + 2, (uint16_t)v);
}

static inline uint64_t vpn__load64be(const uint8_t *p)
{
    return ((uint64_t)vpn__load32be(p) << 32) | vpn__load32be(p + 4);
}

static inline void vpn__store64be(uint8_t *p, uint64_t v)
{
    vpn__store32be(p, (uint32_t)(v >> 32));
    vpn__store32be(p + 4, (uint32_t)v);
}

/* Compilers see a load in the shifts that make one up, but not always a store. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VPN__LITTLE_ENDIAN 1
#else
#define VPN__LITTLE_ENDIAN 0
#endif

static inline uint32_t vpn__load32le(const uint8_t *p)
{
    return ((uint32_t)p[3] << 24) | ((uint32_t)p[2] << 16) | ((uint32_t)p[1] << 8) | p[0];
}

static inline void vpn__store32le(uint8_t *p, uint32_t v)
{
    if (VPN__LITTLE_ENDIAN) {
        memcpy(p, &v, sizeof v);
        return;
    }
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static inline uint64_t vpn__load64le(const uint8_t *p)
{
    return ((uint64_t)vpn__load32le(p + 4) << 32) | vpn__load32le(p);
}

static inline void vpn__store64le(uint8_t *p, uint64_t v)
{
    if (VPN__LITTLE_ENDIAN) {
        memcpy(p, &v, sizeof v);
        return;
    }
    vpn__store32le(p, (uint32_t)v);
    vpn__store32le(p + 4, (uint32_t)(v >> 32));
}

#endif
