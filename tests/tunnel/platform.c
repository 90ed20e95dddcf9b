/* SPDX-License-Identifier: ISC */
/* A platform on which nothing moves, for tests of parts. What a test wants to see it defines itself. */
#include "tunnel/platform.h"

#include <string.h>

#define UNLESS_A_TEST_DOES __attribute__((weak))

UNLESS_A_TEST_DOES vpn_time clock_now(void)
{
    return VPN_SECOND;
}

UNLESS_A_TEST_DOES int tun_write(tun *t, const vpn_offload *how, struct iovec *pieces, size_t n)
{
    (void)t;
    (void)how;
    (void)pieces;
    (void)n;
    return 0;
}

UNLESS_A_TEST_DOES void udp_send(udp *u, const vpn_packet *packets, size_t n)
{
    (void)u;
    (void)packets;
    (void)n;
}

UNLESS_A_TEST_DOES int udp_set_manner(udp *u, uint8_t manner)
{
    u->manner = manner;
    return 0;
}

UNLESS_A_TEST_DOES int udp_take_error(udp *u, unsigned family, vpn_pmtu_report *out, uint8_t *quote)
{
    (void)u;
    (void)family;
    (void)out;
    (void)quote;
    return -1;
}

UNLESS_A_TEST_DOES void network_own(const char *own, uint8_t ip4[4], uint8_t ip6[16])
{
    (void)own;
    memset(ip4, 0, 4);
    memset(ip6, 0, 16);
}
