/* SPDX-License-Identifier: ISC */
#include "probe_echo.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { HEADER4 = 20, HEADER6 = 40, ICMP_HEADER = 8, REQUEST4 = 8, REPLY4 = 0, REQUEST6 = 128, REPLY6 = 129 };

int echo_open(echo *e, const vpn_prefix *to, const probe_way *way, int *why)
{
    int whole = 3; /* IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE: whole, whatever is known of the path */
    int four = to->family == 4;

    *why = VPN_PROBE_NONE;
    *e = (echo){.fd = -1, .to = {.family = to->family}};
    memcpy(e->to.addr, to->addr, sizeof e->to.addr);
    if (getrandom(&e->id, sizeof e->id, 0) != sizeof e->id)
        return -1;
    e->fd = probe_open(&e->to, SOCK_RAW, four ? IPPROTO_ICMP : IPPROTO_ICMPV6, way, why);
    if (e->fd < 0)
        return -1;
    if (setsockopt(e->fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &whole,
                   sizeof whole) != 0)
        return -1;
    return 0;
}

void echo_close(echo *e)
{
    if (e->fd >= 0)
        (void)close(e->fd);
    e->fd = -1;
}

static void put16(uint8_t *at, uint16_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

int echo_send(echo *e, size_t bytes)
{
    static uint8_t packet[UINT16_MAX];
    size_t length = bytes - (e->to.family == 4 ? HEADER4 : HEADER6);

    if (bytes < ECHO_SMALL || length > sizeof packet)
        return VPN_PROBE_NONE;
    memset(packet, 0, length);
    packet[0] = e->to.family == 4 ? REQUEST4 : REQUEST6;
    put16(packet + 4, e->id);
    put16(packet + 6, ++e->sequence);
    /* the system makes the one of ICMPv6 */
    if (e->to.family == 4)
        put16(packet + 2, vpn_checksum(packet, length));
    if (send(e->fd, packet, length, 0) < 0)
        return errno == EMSGSIZE ? VPN_PROBE_NONE : probe_errno(errno);
    return VPN_PROBE_SILENT;
}

/* A raw socket of IPv4 gives the IP header too. */
static int is_answer(const echo *e, const uint8_t *data, size_t length)
{
    size_t at = e->to.family == 4 ? (size_t)(data[0] & 15) * 4 : 0;

    if (length < at + ICMP_HEADER || data[at] != (e->to.family == 4 ? REPLY4 : REPLY6))
        return 0;
    return data[at + 4] == e->id >> 8 && data[at + 5] == (e->id & 255) && data[at + 6] == e->sequence >> 8 &&
           data[at + 7] == (e->sequence & 255);
}

int echo_wait(echo *e, int ms)
{
    uint64_t until = probe_clock() + (uint64_t)ms;
    uint8_t data[128];

    for (uint64_t now = probe_clock(); probe_wait(e->fd, now < until ? (int)(until - now) : 0); now = probe_clock()) {
        ssize_t got = recv(e->fd, data, sizeof data, 0);
        int error = got < 0 ? probe_error(e->fd, &e->to) : VPN_PROBE_NONE;

        if (got > 0 && is_answer(e, data, (size_t)got))
            return VPN_PROBE_ANSWERED;
        if (error != VPN_PROBE_NONE)
            return error;
        if (now >= until)
            break;
    }
    return VPN_PROBE_SILENT;
}

int echo_try(echo *e, size_t bytes, int times, int ms)
{
    int what = VPN_PROBE_NONE;

    for (int i = 0; i < times; i++) {
        what = echo_send(e, bytes);
        if (what == VPN_PROBE_SILENT)
            what = echo_wait(e, ms / times);
        if (what != VPN_PROBE_SILENT)
            return what;
    }
    return what;
}
