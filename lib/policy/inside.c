/* SPDX-License-Identifier: ISC */
/*
 * AllowedIPs are about the addresses on the wire. Those that a translation gives another name are not reached by their own: to
 * this host the translation stands in their place. Of a translation that AllowedIPs hold a part of, all has a route, since the
 * bits behind a prefix of IPv6 do not stay the same; what is not allowed ends in the daemon.
 */
#include "policy/inside.h"

#include "policy/host.h"

int vpn__inside_differs(const vpn_conf_peer *peer)
{
    for (size_t i = 0; i < peer->netmap_count; i++) {
        if (peer->netmap[i].whose == VPN_NETMAP_THEIRS)
            return 1;
    }
    return 0;
}

static int translate(vpn_prefixes *named, const vpn_prefixes *allowed, const vpn_conf_peer *peer)
{
    int error = vpn_prefixes_add_set(named, allowed);
    for (size_t i = 0; i < peer->netmap_count && !error; i++) {
        if (peer->netmap[i].whose == VPN_NETMAP_THEIRS)
            error = vpn_prefixes_subtract(named, &peer->netmap[i].outside, 1);
    }
    for (size_t i = 0; i < peer->netmap_count && !error; i++) {
        const vpn_netmap_rule *rule = &peer->netmap[i];
        if (rule->whose == VPN_NETMAP_THEIRS && vpn_prefixes_overlaps(allowed, &rule->outside))
            error = vpn_prefixes_add(named, &rule->inside, 1);
    }
    return error;
}

int vpn__inside_add(vpn_prefixes *set, const vpn_conf_peer *peer, const vpn_env *env)
{
    vpn_prefixes *allowed = NULL, *named = NULL;
    int error = vpn_prefixes_new(&allowed, env);
    if (!error)
        error = vpn_prefixes_new(&named, env);
    if (!error)
        error = vpn_prefixes_add(allowed, peer->allowed_ips, peer->allowed_ip_count);
    if (!error)
        error = translate(named, allowed, peer);
    if (!error)
        error = vpn_prefixes_add_set(set, named);
    vpn_prefixes_free(allowed);
    vpn_prefixes_free(named);
    return error;
}

/* Whether an address of a peer is called otherwise here. */
static int has_other_name(const vpn_conf_peer *peer, uint8_t family, const uint8_t *addr)
{
    for (size_t i = 0; i < peer->netmap_count; i++) {
        if (peer->netmap[i].whose == VPN_NETMAP_THEIRS && vpn__prefix_holds(&peer->netmap[i].outside, family, addr))
            return 1;
    }
    return 0;
}

static uint32_t by_name(const vpn_conf *conf, uint8_t family, const uint8_t *addr)
{
    uint32_t peer = UINT32_MAX, bits = 0;
    for (size_t i = 0; i < conf->peer_count; i++) {
        for (size_t k = 0; k < conf->peers[i].netmap_count; k++) {
            const vpn_netmap_rule *rule = &conf->peers[i].netmap[k];
            if (rule->whose == VPN_NETMAP_THEIRS && vpn__prefix_holds(&rule->inside, family, addr) &&
                (peer == UINT32_MAX || rule->inside.bits > bits)) {
                peer = (uint32_t)i;
                bits = rule->inside.bits;
            }
        }
    }
    return peer;
}

uint32_t vpn__inside_peer(const vpn_conf *conf, uint8_t family, const uint8_t *addr)
{
    uint32_t peer = by_name(conf, family, addr), bits = 0;
    if (peer != UINT32_MAX)
        return peer;
    for (size_t i = 0; i < conf->peer_count; i++) {
        const vpn_conf_peer *candidate = &conf->peers[i];
        for (size_t k = 0; k < candidate->allowed_ip_count; k++) {
            const vpn_prefix *prefix = &candidate->allowed_ips[k];
            /* of equal prefixes the last one counts: it took the place of the others */
            if (vpn__prefix_holds(prefix, family, addr) && (peer == UINT32_MAX || prefix->bits >= bits)) {
                peer = (uint32_t)i;
                bits = prefix->bits;
            }
        }
    }
    return peer != UINT32_MAX && has_other_name(&conf->peers[peer], family, addr) ? UINT32_MAX : peer;
}
