/* SPDX-License-Identifier: ISC */
/*
 * Linux cuts what we send at the MTU that it has heard of, and behind a black hole it hears of none. No option of a socket
 * makes it cut smaller (IPV6_MTU is looked at only when the packet is longer than that MTU), and routes take a privilege. So it
 * is told in the way in which a router would: with an ICMPv6 "packet too big", which is written to our interface. It quotes
 * a datagram of ours in which there is no WireGuard message, by which we know the error when our socket hears of it.
 *
 * The interface is in the namespace of the sockets, since an address of ours was found on it: without one nothing is probed.
 */
#include "path_system.h"

#include <string.h>

#define AGAIN (5 * VPN_SECOND) /* it forgets after ten minutes, and whenever routes change */

#define IPV6_BYTES 40u
#define UDP        17

static void put16(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

/* A datagram to the peer, `length` bytes from its IP header on: zeros. */
static void write_datagram(uint8_t *out, uint32_t length, const vpn_path *way, uint16_t port)
{
    memset(out, 0, length);
    out[0] = 0x60;
    put16(out + 4, length - IPV6_BYTES);
    out[6] = UDP;
    out[7] = 64;
    memcpy(out + 8, way->local, 16);
    memcpy(out + 24, way->remote.addr, 16);
    put16(out + 40, port);
    put16(out + 42, way->remote.port);
    put16(out + 44, length - IPV6_BYTES);
}

/* From an address behind the interface, where a filter of sources expects it. */
static int write_error(const paths *p, const path_peer *peer, const vpn_path *way, size_t *bytes, vpn_time now)
{
    vpn_icmp_config config = {.size = sizeof config, .flags = VPN_ICMP_AS_DESTINATION};
    uint8_t *datagram = p->memory + VPN_ICMP_BYTES_MAX6;
    vpn_icmp icmp;

    if (peer->config.probe_family == 6) {
        config.flags = 0;
        memcpy(config.ip6, peer->config.probe_dst, 16);
    }
    *bytes = VPN_ICMP_BYTES_MAX6;
    write_datagram(datagram, peer->whole + 8, way, p->udp->port);
    if (vpn_icmp_init(&icmp, &config) != VPN_OK)
        return -1;
    return vpn_icmp_too_big(&icmp, p->memory, bytes, datagram, peer->whole + 8, peer->whole, now);
}

void path_system_tell(paths *p, path_peer *peer, vpn_time now)
{
    static const uint8_t none[16];
    static const vpn_offload plain = {.flags = 0};
    vpn_wg_peer_stats stats = {.size = sizeof stats};
    struct iovec pieces[2];
    size_t bytes;

    if (peer->remote.family != 6 || (peer->told == peer->whole && now - peer->told_at < AGAIN))
        return;
    if (vpn_wg_peer_get_stats(p->wg, peer->id, &stats, now) != VPN_OK || memcmp(stats.path.local, none, 16) == 0 ||
        write_error(p, peer, &stats.path, &bytes, now) != VPN_OK)
        return;
    pieces[1] = (struct iovec){p->memory, bytes};
    if (tun_write(p->tun, &plain, pieces, 1) == 0) {
        peer->told = peer->whole;
        peer->told_at = now;
    }
}

int path_system_said(const vpn_pmtu_report *report)
{
    static const uint8_t none[4];

    return report->kind == VPN_PMTU_QUOTE_PAYLOAD && report->length >= sizeof none &&
           memcmp(report->quote, none, sizeof none) == 0;
}
