/* SPDX-License-Identifier: ISC */
/*
 * A budget is the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371): spending moves it on
 * by one interval, and it may lie ahead of now by a second and no further. An entry whose moment has passed is as good as empty.
 *
 * The table is small and searched from end to end: who is asked is only as fast as the budget of all allows, and nobody can
 * choose addresses that collide.
 */
#include "packet/icmp_limit.h"

#include <string.h>

#define WINDOW VPN_SECOND

/* Further ahead than that means that the clock was set back; then at most a second passes until there is something left. */
static int has_left(vpn_time *full, vpn_time now, vpn_time interval)
{
    if (*full > now + WINDOW)
        *full = now + WINDOW;
    if (*full < now)
        *full = now;
    return *full - now + interval <= WINDOW;
}

int vpn__icmp_spend(vpn_icmp *icmp, const uint8_t addr[16], vpn_time now)
{
    vpn_time interval = VPN_SECOND / icmp->rate, source_interval = VPN_SECOND / icmp->source_rate, fresh = now;
    size_t place = 0;
    int known = 0, source_has, all_have;

    for (size_t i = 0; i < VPN_ICMP_SOURCES && !known; i++) {
        known = memcmp(icmp->sources[i].addr, addr, 16) == 0;
        if (known || icmp->sources[i].full < icmp->sources[place].full)
            place = i;
    }
    source_has = has_left(known ? &icmp->sources[place].full : &fresh, now, source_interval);
    all_have = has_left(&icmp->full, now, interval);
    if (!source_has || !all_have)
        return 0;
    if (!known) {
        memcpy(icmp->sources[place].addr, addr, 16);
        icmp->sources[place].full = now;
    }
    icmp->sources[place].full += source_interval;
    icmp->full += interval;
    return 1;
}
