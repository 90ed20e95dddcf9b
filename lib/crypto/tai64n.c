/* SPDX-License-Identifier: ISC */
/* Times and stamps may be anything here, also what a host restored from a broken file. Everything saturates: a stamp
 * that wrapped around would be small, and no peer would take one again. */
#include <vpn/tai64n.h>

#include "base/bytes.h"

#include <string.h>

/* The label of 1970-01-01 00:00:00 UTC. */
#define EPOCH ((UINT64_C(1) << 62) + 10)
/* Labels from 2^63 up are reserved. */
#define LABEL_MAX ((UINT64_C(1) << 63) - 1)

#define STEP            (UINT32_C(1) << 24)
#define NANOSECONDS     UINT32_C(1000000000)
#define ROUND(n)        ((n) & ~(STEP - 1))
#define NANOSECONDS_MAX ROUND(NANOSECONDS - 1)

static void store(uint8_t out[VPN_TAI64N_BYTES], uint64_t label, uint32_t nanoseconds)
{
    vpn__store64be(out, label);
    vpn__store32be(out + 8, nanoseconds);
}

void vpn_tai64n(uint8_t out[VPN_TAI64N_BYTES], const vpn_wall *wall)
{
    if (wall->seconds > LABEL_MAX - EPOCH)
        store(out, LABEL_MAX, NANOSECONDS_MAX);
    else if (wall->nanoseconds >= NANOSECONDS)
        store(out, EPOCH + wall->seconds, NANOSECONDS_MAX);
    else
        store(out, EPOCH + wall->seconds, ROUND(wall->nanoseconds));
}

/* The stamp one step after `last`. */
static void advance(uint8_t out[VPN_TAI64N_BYTES], const uint8_t last[VPN_TAI64N_BYTES])
{
    uint64_t label = vpn__load64be(last);
    uint32_t nanoseconds = vpn__load32be(last + 8);

    if (nanoseconds < NANOSECONDS_MAX)
        store(out, label, ROUND(nanoseconds) + STEP);
    else if (label < UINT64_MAX)
        store(out, label + 1, 0);
    else
        memset(out, 0xff, VPN_TAI64N_BYTES);
}

void vpn_tai64n_next(uint8_t out[VPN_TAI64N_BYTES], const uint8_t last[VPN_TAI64N_BYTES], const vpn_wall *wall)
{
    uint8_t stamp[VPN_TAI64N_BYTES];
    vpn_tai64n(stamp, wall);
    if (vpn_tai64n_compare(stamp, last) > 0)
        memcpy(out, stamp, sizeof(stamp));
    else
        advance(out, last);
}

int vpn_tai64n_compare(const uint8_t a[VPN_TAI64N_BYTES], const uint8_t b[VPN_TAI64N_BYTES])
{
    return memcmp(a, b, VPN_TAI64N_BYTES);
}
