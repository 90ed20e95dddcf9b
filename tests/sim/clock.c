/* SPDX-License-Identifier: ISC */
#include "sim/clock.h"

#define MILLION 1000000

void clock_start(struct clock *clock, vpn_time now)
{
    clock->since = now;
    clock->shows = UINT64_C(10000000) * VPN_SECOND;
    clock->ppm = 0;
    clock->stepped = 0;
    clock->wall = 1700000000;
}

vpn_time clock_read(const struct clock *clock, vpn_time now)
{
    int64_t passed = (int64_t)(now - clock->since);
    return clock->shows + (vpn_time)(passed + passed / MILLION * clock->ppm);
}

vpn_time clock_when(const struct clock *clock, vpn_time here, vpn_time now)
{
    if (here == VPN_NEVER)
        return VPN_NEVER;
    if (clock_read(clock, now) >= here)
        return now;
    /* The clock advances by whole millionths, so this is at most one step off. */
    vpn_time passed = (here - clock->shows) / (vpn_time)(MILLION + clock->ppm) * MILLION;
    vpn_time when = clock->since + passed;
    when = when > now ? when : now;
    while (clock_read(clock, when) < here)
        when += here - clock_read(clock, when);
    return when;
}

void clock_drift(struct clock *clock, vpn_time now, int64_t ppm)
{
    clock->shows = clock_read(clock, now);
    clock->since = now;
    clock->ppm = ppm;
}

void clock_step(struct clock *clock, vpn_time now, int64_t by)
{
    clock_drift(clock, now, clock->ppm);
    if (by < 0 && clock->shows < 1000000 * VPN_SECOND)
        by = -by;
    clock->shows += (vpn_time)by;
    clock->stepped = now;
}

void clock_wall(const struct clock *clock, vpn_time now, vpn_wall *out)
{
    vpn_time here = clock_read(clock, now);
    out->seconds = (uint64_t)((int64_t)(here / VPN_SECOND) + clock->wall);
    out->nanoseconds = (uint32_t)(here % VPN_SECOND);
    out->reserved = 0;
}
