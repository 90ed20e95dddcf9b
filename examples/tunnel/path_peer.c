/* SPDX-License-Identifier: ISC */
/*
 * Of one peer: what to ask, whom, and what follows from the answers.
 *
 * The MTU of our interface is the greatest size, and what is used until something is known: in the mode that probes nothing is
 * lost by it, since datagrams may be fragmented; and hosts that were told a small size keep it for ten minutes. The MTU of the
 * outer interface need not be asked for: the system refuses what is longer, and that is heard like any other error.
 *
 * Sizes are multiples of 16, since the padding of a device knows only one MTU, that of our interface.
 */
#include "path_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "path_system.h"

#define CONFIRM 5u /* so many times as long as a probe may take, until the size in use is confirmed */

static const uint8_t none[16];

path_peer *path_peer_find(const paths *p, vpn_peer_id id)
{
    const annex *a = annex_find(p->annexes, id);

    return a == NULL ? NULL : a->path;
}

/* The ends of the key, as everywhere in the log. */
static int give_name(const paths *p, path_peer *peer)
{
    vpn_wg_peer settings = {.size = sizeof settings};
    char key[VPN_KEY_BASE64_CHARS + 1];

    if (vpn_wg_peer_get(p->wg, peer->id, &settings) != VPN_OK)
        return -1;
    vpn_wipe(settings.preshared_key, sizeof settings.preshared_key);
    vpn_key_to_base64(key, settings.public_key);
    (void)snprintf(peer->name, sizeof peer->name, "%.4s…%.4s", key, key + 39);
    return 0;
}

path_peer *path_peer_get(paths *p, vpn_peer_id id)
{
    path_peer *peer = path_peer_find(p, id);
    annex *a;

    if (peer != NULL)
        return peer;
    peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return NULL;
    peer->id = id;
    peer->mtu = p->tun->mtu;
    a = give_name(p, peer) == 0 ? annex_get(p->annexes, id) : NULL;
    if (a == NULL) {
        free(peer);
        return NULL;
    }
    a->path = peer;
    return peer;
}

/* --- what to ask --- */

/* What AllowedIPs say of a peer. */
struct allowed {
    int ipv6;          /* there is any */
    uint8_t host4[16]; /* a prefix of one address; all zero: there is none */
    uint8_t host6[16];
};

static void read_allowed(const paths *p, vpn_peer_id id, struct allowed *out)
{
    vpn_prefix prefix;
    uint64_t cursor = 0;

    *out = (struct allowed){.ipv6 = 0};
    while (vpn_wg_allowed(p->wg, id, &cursor, &prefix) == VPN_OK) {
        if (prefix.family == 4 && prefix.bits == 32 && memcmp(out->host4, none, 4) == 0)
            memcpy(out->host4, prefix.addr, 4);
        if (prefix.family == 6 && prefix.bits == 128 && memcmp(out->host6, none, 16) == 0)
            memcpy(out->host6, prefix.addr, 16);
        out->ipv6 |= prefix.family == 6;
    }
}

/* An address as it is written on the wire; one that has no other name there stays. */
static void translate(const paths *p, const path_peer *peer, uint32_t whose, uint8_t family, uint8_t *addr)
{
    const annex *a = annex_find(p->annexes, peer->id);

    if (a != NULL && a->netmap != NULL)
        (void)!vpn_netmap_address(a->netmap, VPN_NETMAP_OUT, whose, family, addr);
}

/* 1: there is an address to probe in this family, and one of ours, and AllowedIPs lead to the peer. */
static int choose_probe(const paths *p, const path_peer *peer, uint8_t family, const struct allowed *allowed,
                        vpn_pmtu_config *c)
{
    size_t bytes = family == 4 ? 4 : 16;
    uint8_t src[16], dst[16];

    memcpy(src, family == 4 ? p->ip4 : p->ip6, bytes);
    memcpy(dst, family == 4 ? peer->probe4 : peer->probe6, bytes);
    if (memcmp(src, none, bytes) == 0)
        return 0;
    if (memcmp(dst, none, bytes) == 0)
        memcpy(dst, family == 4 ? allowed->host4 : allowed->host6, bytes);
    else
        translate(p, peer, VPN_NETMAP_THEIRS, family, dst);
    if (memcmp(dst, none, bytes) == 0 || vpn_wg_route(p->wg, family, dst) != peer->id)
        return 0;
    translate(p, peer, VPN_NETMAP_OURS, family, src);
    c->probe_family = family;
    memcpy(c->probe_src, src, bytes);
    memcpy(c->probe_dst, dst, bytes);
    return 1;
}

static void choose(const paths *p, const path_peer *peer, vpn_pmtu_config *c)
{
    struct allowed allowed;
    int ipv6;

    read_allowed(p, peer->id, &allowed);
    ipv6 = allowed.ipv6 && p->tun->mtu >= VPN_MTU_MIN_IPV6;
    memset(c, 0, sizeof *c);
    c->size = sizeof *c;
    c->flags = ipv6 ? VPN_PMTU_INNER_IPV6 : 0;
    c->limit = p->tun->mtu > VPN_MTU_MIN_IPV4 ? p->tun->mtu : VPN_MTU_MIN_IPV4;
    c->start = c->limit;
    c->multiple = 16;
    c->probe_timer = p->timer * VPN_SECOND;
    c->confirm_timer = CONFIRM * c->probe_timer;
    if (p->mode == PATH_PROBE && !choose_probe(p, peer, 4, &allowed, c) && ipv6)
        (void)choose_probe(p, peer, 6, &allowed, c);
}

/* --- what came of it --- */

static void tell(const path_peer *peer)
{
    vpn_pmtu_event event = {.size = sizeof event};

    while (vpn_pmtu_event_next(peer->pmtu, &event) == VPN_OK)
        log_verbose("peer(%s) path MTU %s: %s, inner MTU %u", peer->name, vpn_pmtu_state_text(event.state),
                    vpn_pmtu_why_text(event.why), event.to);
}

vpn_time path_peer_due(const path_peer *peer)
{
    return peer->pmtu == NULL || peer->idle ? VPN_NEVER : vpn_pmtu_deadline(peer->pmtu);
}

void path_peer_settle(paths *p, path_peer *peer)
{
    vpn_pmtu_status status = {.size = sizeof status};
    uint32_t before = peer->mtu;
    vpn_time due = path_peer_due(peer);

    (void)vpn_pmtu_get(peer->pmtu, &status);
    peer->mtu = status.mtu;
    peer->asking = status.probing != 0;
    peer->whole = status.path_mtu;
    if (status.divide != 0)
        peer->whole = peer->remote.family == 6 ? VPN_MTU_MIN_IPV6 : 0;
    if (p->mode == PATH_PROBE && (status.divide != 0 || (status.state == VPN_PMTU_COMPLETE && status.vanished != 0)))
        path_system_tell(p, peer, clock_now());
    tell(peer);
    if (peer->mtu > before)
        p->stale = 1;
    else if (peer->mtu < p->longest && peer->mtu < p->tun->mtu)
        p->longest = peer->mtu;
    if (due < p->first)
        p->first = due;
}

/* --- as the peer is now --- */

static void end(paths *p, path_peer *peer)
{
    vpn_pmtu_free(peer->pmtu);
    peer->pmtu = NULL;
    peer->mtu = p->tun->mtu;
    peer->asking = 0;
    p->stale = 1;
}

static void start(paths *p, path_peer *peer, const vpn_path *way, vpn_time now)
{
    vpn_pmtu_route route = {.size = sizeof route, .link_mtu = VPN_MTU_MAX, .path = *way};

    if (vpn_pmtu_start(peer->pmtu, &route, now) != VPN_OK)
        return;
    peer->remote = way->remote;
    peer->told = 0;
    peer->active = 0;
    peer->idle = peer->config.probe_family != 0; /* nothing is asked for a peer that nothing is sent to */
    path_peer_settle(p, peer);
}

void path_peer_consider(paths *p, path_peer *peer, int anew, vpn_time now)
{
    vpn_wg_peer_stats stats = {.size = sizeof stats};
    vpn_pmtu_config config;

    if (vpn_wg_peer_get_stats(p->wg, peer->id, &stats, now) != VPN_OK)
        return;
    if (p->mode == PATH_OFF || stats.path.remote.family == 0) {
        end(p, peer);
        return;
    }
    choose(p, peer, &config);
    if (peer->pmtu == NULL || memcmp(&config, &peer->config, sizeof config) != 0) {
        end(p, peer);
        if (vpn_pmtu_new(&peer->pmtu, &config) != VPN_OK)
            return;
        peer->config = config;
        if (p->mode == PATH_PROBE && config.probe_family == 0)
            log_verbose("peer(%s) cannot be probed: no address of its own, or of ours, is known", peer->name);
        anew = 1;
    }
    if (anew || memcmp(&peer->remote, &stats.path.remote, sizeof peer->remote) != 0)
        start(p, peer, &stats.path, now);
}
