/* SPDX-License-Identifier: ISC */
/* What is done to packets because of their size. */
#include <string.h>

#include "path_peer.h"

#define IP4_LEAST   20u
#define IP6_BYTES   40u
#define TCP         6
#define TCP_FLAGS   13u /* where they stand in its header */
#define SYN         0x02
#define ICMP        1
#define ICMP6       58
#define ECHO_REPLY  0
#define ECHO_REPLY6 129

#define ECHO 0xecf0u /* in `user` of a packet, until it leaves: an echo reply */

/* --- which peer --- */

/* The peer that AllowedIPs lead a packet to, if anything is known of its way. */
static path_peer *peer_of(const paths *p, const uint8_t *packet, uint32_t length)
{
    vpn_peer_id id = 0;

    if (length >= IP4_LEAST && packet[0] >> 4 == 4)
        id = vpn_wg_route(p->wg, 4, packet + 16);
    else if (length >= IP6_BYTES && packet[0] >> 4 == 6)
        id = vpn_wg_route(p->wg, 6, packet + 24);
    return id == 0 ? NULL : path_peer_find(p, id);
}

static uint32_t mtu_of(const paths *p, const path_peer *peer)
{
    return peer != NULL && peer->mtu < p->tun->mtu ? peer->mtu : p->tun->mtu;
}

/* --- segments of TCP --- */

/* 0: it is certainly no SYN; that is found out for each packet. */
static int may_be_syn(const uint8_t *packet, uint32_t length)
{
    uint32_t at = IP6_BYTES;
    int others = 0;

    if (length < IP4_LEAST)
        return 0;
    if (packet[0] >> 4 == 4) {
        at = (uint32_t)(packet[0] & 15) * 4;
        if (packet[9] != TCP)
            return 0;
    } else if (packet[6] != TCP) {
        others = packet[6] == 0 || packet[6] == 43 || packet[6] == 60; /* headers that TCP may stand behind */
        if (!others)
            return 0;
    }
    return others || (length > at + TCP_FLAGS && (packet[at + TCP_FLAGS] & SYN) != 0);
}

/*
 * Maybe to a probe of the peer's. What the peer finds must not depend on what was found out here; and two that answer each
 * other's probes are not in use.
 */
static int is_echo_reply(const uint8_t *packet, uint32_t length)
{
    uint32_t header = (uint32_t)(packet[0] & 15) * 4;

    if (length < IP4_LEAST)
        return 0;
    if (packet[0] >> 4 == 4)
        return packet[9] == ICMP && length > header && packet[header] == ECHO_REPLY;
    return packet[6] == ICMP6 && length > IP6_BYTES && packet[IP6_BYTES] == ECHO_REPLY6;
}

void path_outbound(paths *p, vpn_packet *packets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *packet = packets[i].data + packets[i].offset;
        uint32_t length = packets[i].length;

        if (may_be_syn(packet, length))
            p->clamped += vpn_mss_clamp(packet, length, mtu_of(p, peer_of(p, packet, length)), 0) == VPN_MSS_CLAMPED;
        packets[i].user = is_echo_reply(packet, length) ? ECHO : 0;
    }
}

/* --- packets that are too big --- */

/* An error about a packet whose addresses were translated on the way out is translated on the way in, as one of the peer's. */
static int is_for_us(const paths *p, const path_peer *peer, uint8_t *error, size_t bytes)
{
    const annex *a = annex_find(p->annexes, peer->id);
    int result =
        a->netmap == NULL ? VPN_NETMAP_UNTOUCHED : vpn_netmap_translate(a->netmap, VPN_NETMAP_IN, error, bytes, 0);

    return result == VPN_NETMAP_UNTOUCHED || result == VPN_NETMAP_TRANSLATED;
}

int path_refuses(paths *p, const vpn_segments *plan, const uint8_t *packet, vpn_time now)
{
    path_peer *peer = peer_of(p, packet, plan->each);
    const uint8_t *about = packet;
    uint8_t error[VPN_ICMP_BYTES_MAX6];
    struct iovec pieces[2];
    vpn_offload plain = {.flags = 0};
    size_t bytes = sizeof error;
    int result;

    if (peer == NULL || plan->each <= peer->mtu || is_echo_reply(packet, plan->each))
        return 0;
    if (plan->count > 1) {
        (void)vpn_segment_write(plan, packet, 0, p->memory);
        about = p->memory;
    }
    result = vpn_icmp_too_big(&p->icmp, error, &bytes, about, plan->each, peer->mtu, now);
    if (result == VPN_ICMP_FITS || result == VPN_ICMP_DIVISIBLE)
        return 0;
    peer->too_big += plan->count;
    if (result == VPN_OK && is_for_us(p, peer, error, bytes)) {
        pieces[1] = (struct iovec){error, bytes};
        (void)tun_write(p->tun, &plain, pieces, 1); /* that the interface has gone is seen at the next read */
    }
    return 1;
}

/* --- packets of both directions that a peer is known of --- */

/* One that is longer than what passes whole may be fragmented, in a mode where others may not. */
static void leave(const paths *p, path_peer *peer, vpn_packet *packet)
{
    uint32_t outer = peer->remote.family == 6 ? VPN_WG_OUTER_IPV6 : VPN_WG_OUTER_IPV4;

    peer->active |= packet->user != ECHO;
    packet->user = UDP_AS_OTHERS;
    if (p->mode == PATH_ERRORS && packet->length + outer - VPN_WG_OVERHEAD > peer->whole)
        packet->user = UDP_CUT;
}

/* The last datagram of a batch to a peer stands for all of them. */
static void left(paths *p, path_peer *peer, const vpn_packet *last, vpn_time now)
{
    vpn_pmtu_sent(peer->pmtu, last->data + last->offset, last->length, now);
    if (peer->idle && peer->active) {
        peer->idle = 0;
        p->first = 0;
    }
}

static void arrive(paths *p, path_peer *peer, vpn_packet *packet, vpn_time now)
{
    uint8_t *inner = packet->data + packet->offset;

    if (peer != NULL && peer->pmtu != NULL && peer->asking &&
        vpn_pmtu_reply(peer->pmtu, inner, packet->length, now) == VPN_OK) {
        packet->verdict = VPN_DONE;
        path_peer_settle(p, peer);
    } else if (may_be_syn(inner, packet->length)) {
        p->clamped += vpn_mss_clamp(inner, packet->length, mtu_of(p, peer), 0) == VPN_MSS_CLAMPED;
    }
}

void path_carry(paths *p, vpn_packet *packets, size_t n)
{
    const vpn_packet *last = NULL;
    path_peer *peer = NULL;
    vpn_peer_id whose = 0;
    vpn_time now = clock_now();

    for (size_t i = 0; i < n; i++) {
        vpn_packet *packet = &packets[i];

        if (packet->verdict != VPN_TO_NET && packet->verdict != VPN_TO_TUN)
            continue;
        if (packet->peer != whose) {
            if (last != NULL)
                left(p, peer, last, now);
            last = NULL;
            whose = packet->peer;
            peer = path_peer_find(p, whose);
        }
        if (packet->verdict == VPN_TO_TUN) {
            arrive(p, peer, packet, now);
        } else if (peer != NULL && peer->pmtu != NULL && packet->type == 4 && packet->length > VPN_WG_OVERHEAD) {
            leave(p, peer, packet);
            last = packet;
        } else {
            packet->user = UDP_AS_OTHERS;
        }
    }
    if (last != NULL)
        left(p, peer, last, now);
}
