/* SPDX-License-Identifier: ISC */
/* A host's clocks. The monotonic one runs too fast or too slow, jumps, and even steps back, which no good one does; the wall
   clock is set by hand. True time is the world's. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <vpn/base.h>

struct clock {
    vpn_time since;   /* true time */
    vpn_time shows;   /* what the clock showed then */
    int64_t ppm;      /* how much faster than true time it runs since */
    int64_t wall;     /* what the wall clock shows more than the monotonic one, in seconds */
    vpn_time stepped; /* when it was set to another time, on the world's clock; 0: never */
};

void clock_start(struct clock *clock, vpn_time now);
vpn_time clock_read(const struct clock *clock, vpn_time now);
/* The first true time from `now` on at which the clock shows `here` or more. */
vpn_time clock_when(const struct clock *clock, vpn_time here, vpn_time now);
void clock_drift(struct clock *clock, vpn_time now, int64_t ppm);
/* Forward or back; never so far back that the clock would show less than nothing. */
void clock_step(struct clock *clock, vpn_time now, int64_t by);
void clock_wall(const struct clock *clock, vpn_time now, vpn_wall *out);

#endif
