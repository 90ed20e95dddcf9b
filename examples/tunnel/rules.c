/* SPDX-License-Identifier: ISC */
/*
 * Which peer a packet is for must be known before its rules are: a name that a translation gives to the hosts of a peer says so,
 * and otherwise AllowedIPs. A translated packet is checked against AllowedIPs, so that no peer is sent what was translated for
 * another; and a source that another peer's hosts are called by is forged, whatever AllowedIPs say of it on the wire.
 */
#include "rules.h"

#include <string.h>

#include "rules_peer.h"

#define IP4_LEAST 20u
#define IP6_LEAST 40u

/* An address in a packet: 4 or 6, and where it is; 0 for what is no packet. */
static uint8_t find_address(const uint8_t *packet, uint32_t length, int source, const uint8_t **out)
{
    if (length >= IP4_LEAST && packet[0] >> 4 == 4) {
        *out = packet + (source ? 12 : 16);
        return 4;
    }
    if (length >= IP6_LEAST && packet[0] >> 4 == 6) {
        *out = packet + (source ? 8 : 24);
        return 6;
    }
    return 0;
}

/* Whose hosts are called so; 0: nobody's. */
static vpn_peer_id named(rules *r, uint8_t family, const uint8_t *addr)
{
    uint32_t owner;

    if (r->stale)
        rules_settle(r);
    owner = r->names == NULL ? VPN_ALLOWEDIPS_NONE : vpn_allowedips_lookup(r->names, family, addr);

    return owner < r->owner_count ? r->owners[owner] : 0;
}

static int drop(annex *a, unsigned reason)
{
    a->rules->drops[reason]++;
    return 0;
}

/* 1, or 0 and the drop is counted. */
static int translate(annex *a, uint32_t direction, uint8_t *packet, uint32_t length, uint32_t flags)
{
    int result =
        a->netmap == NULL ? VPN_NETMAP_UNTOUCHED : vpn_netmap_translate(a->netmap, direction, packet, length, flags);

    if (result < 0)
        return drop(a, RULES_MALFORMED);
    return result < VPN_NETMAP_TAKEN ? 1 : drop(a, (unsigned)result);
}

/* -- to a peer ----------------------------------------------------------------------------------------------------- */

/* A refusal of what the host wrote goes straight back. */
static void refuse_host(rules *r, tun *t, const uint8_t *packet, uint32_t length, vpn_time now)
{
    static const vpn_offload plain = {.flags = 0};
    uint8_t answer[VPN_ICMP_BYTES_MAX6];
    size_t bytes = sizeof answer;
    struct iovec pieces[2];

    if (vpn_icmp_refuse(&r->icmp, answer, &bytes, packet, length, now) != VPN_OK) {
        r->unanswered++;
        return;
    }
    pieces[1] = (struct iovec){answer, bytes};
    (void)tun_write(t, &plain, pieces, 1); /* that the interface has gone is seen at the next read */
}

int rules_outbound(rules *r, tun *t, const vpn_offload *how, uint8_t *packet, uint32_t length, vpn_time now)
{
    const uint8_t *to;
    uint8_t family = find_address(packet, length, 0, &to);
    vpn_peer_id name = family == 0 ? 0 : named(r, family, to);
    vpn_peer_id peer = family == 0 ? 0 : name != 0 ? name : vpn_wg_route(r->wg, family, to);
    annex *a = peer == 0 ? NULL : annex_find(r->annexes, peer);
    uint32_t flags = (how->flags & VPN_OFFLOAD_CHECKSUM) != 0 ? VPN_NETMAP_PARTIAL : 0;
    int action = VPN_FILTER_ALLOW;

    if (a == NULL || a->rules == NULL)
        return 1;
    if (a->rules->broken)
        return drop(a, RULES_BROKEN);
    if (a->filter != NULL)
        action = vpn_filter_decide(a->filter, VPN_FILTER_OUT, peer, packet, length, now, NULL);
    if (action == VPN_FILTER_REJECT)
        refuse_host(r, t, packet, length, now);
    if (action != VPN_FILTER_ALLOW || !translate(a, VPN_NETMAP_OUT, packet, length, flags))
        return 0;
    return name == 0 || vpn_wg_route(r->wg, family, to) == peer ? 1 : drop(a, RULES_NO_ROUTE);
}

/* -- from a peer --------------------------------------------------------------------------------------------------- */

/* A refusal goes to the peer under the addresses that it knows. */
static void refuse_peer(rules *r, annex *a, const uint8_t *packet, uint32_t length, vpn_time now)
{
    uint8_t *answer = r->answers == NULL ? NULL : r->answers + (size_t)r->answer_count * VPN_ICMP_BYTES_MAX6;
    size_t bytes = VPN_ICMP_BYTES_MAX6;

    if (answer == NULL || r->answer_count == RULES_ANSWERS ||
        vpn_icmp_refuse(&r->icmp, answer, &bytes, packet, length, now) != VPN_OK ||
        !translate(a, VPN_NETMAP_OUT, answer, (uint32_t)bytes, 0)) {
        r->unanswered++;
        return;
    }
    r->lengths[r->answer_count++] = (uint32_t)bytes;
}

const uint8_t *rules_answer(rules *r, uint32_t *length)
{
    if (r->answer_count == 0)
        return NULL;
    *length = r->lengths[--r->answer_count];
    return r->answers + (size_t)r->answer_count * VPN_ICMP_BYTES_MAX6;
}

/* A source by which the hosts of another peer are called. */
static int is_forged(rules *r, vpn_peer_id peer, const uint8_t *packet, uint32_t length)
{
    const uint8_t *from;
    uint8_t family = find_address(packet, length, 1, &from);
    vpn_peer_id name = family == 0 ? 0 : named(r, family, from);

    return name != 0 && name != peer;
}

/* The annex of a peer with rules, or NULL. 1 when the host may have the packet. */
static int arrive(rules *r, annex *a, vpn_peer_id peer, uint8_t *packet, uint32_t length, vpn_time now)
{
    int action = VPN_FILTER_ALLOW;

    if (a != NULL && a->rules->broken)
        return drop(a, RULES_BROKEN);
    if (a != NULL && !translate(a, VPN_NETMAP_IN, packet, length, 0))
        return 0;
    if ((r->names != NULL || r->stale) && is_forged(r, peer, packet, length)) {
        r->forged++;
        return 0;
    }
    if (a != NULL && a->filter != NULL)
        action = vpn_filter_decide(a->filter, VPN_FILTER_IN, peer, packet, length, now, NULL);
    if (action == VPN_FILTER_REJECT)
        refuse_peer(r, a, packet, length, now);
    return action == VPN_FILTER_ALLOW;
}

void rules_inbound(rules *r, vpn_packet *packets, size_t n, vpn_time now)
{
    vpn_peer_id whose = 0;
    annex *a = NULL;

    for (size_t i = 0; i < n; i++) {
        vpn_packet *packet = &packets[i];

        if (packet->verdict != VPN_TO_TUN)
            continue;
        if (packet->peer != whose) {
            whose = packet->peer;
            a = annex_find(r->annexes, whose);
            a = a != NULL && a->rules != NULL ? a : NULL;
        }
        if (!arrive(r, a, whose, packet->data + packet->offset, packet->length, now))
            packet->verdict = VPN_DROP;
    }
}
