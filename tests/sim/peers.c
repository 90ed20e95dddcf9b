/* SPDX-License-Identifier: ISC */
#include "sim/peers.h"

void peers_bond(struct world *world, uint16_t a, uint16_t b)
{
    const uint16_t ends[2] = {a, b};
    struct bond *bond = &world->bonds[world->bond_count++];
    memcpy(bond->ends, ends, sizeof ends);
    if (world_chance(world, 500))
        peers_set_psk(world, bond);
    for (int i = 0; i < 2; i++) {
        struct host *host = &world->hosts[ends[i]];
        struct tunnel *tunnel = &host->tunnels[host->tunnel_count++];
        MUST(host->tunnel_count <= TUNNELS_MAX);
        memset(tunnel, 0, sizeof *tunnel);
        tunnel->bond = bond;
        tunnel->other = ends[1 - i];
        tunnel->keepalive = (uint16_t)(world_chance(world, 300) ? 5 + world_below(world, 60) : 0);
    }
}

static int index_of(const struct host *host, const struct tunnel *tunnel)
{
    return (int)(tunnel - host->tunnels);
}

/* Where nobody can tell, the side behind the NAT speaks first. */
static vpn_endpoint address_of(const struct host *other)
{
    const vpn_endpoint none = {0};
    return other->hidden ? none : other->at;
}

static void settings_of(struct world *world, const struct tunnel *tunnel, vpn_wg_peer *out)
{
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    memcpy(out->public_key, tunnel->key, 32);
    memcpy(out->preshared_key, tunnel->psk, 32);
    memcpy(out->stamp, tunnel->stamp, VPN_TAI64N_BYTES);
    out->endpoint = address_of(&world->hosts[tunnel->other]);
    out->keepalive = tunnel->keepalive;
    out->policy = tunnel->policy;
    out->padding = tunnel->padding;
    out->queue = 16;
    out->expires = VPN_NEVER;
    out->set = VPN_WG_SET_PRESHARED | VPN_WG_SET_KEEPALIVE | VPN_WG_SET_POLICY | VPN_WG_SET_PADDING | VPN_WG_SET_QUEUE |
               VPN_WG_SET_STAMP | VPN_WG_SET_EXPIRES;
    if (out->endpoint.family != 0)
        out->set |= VPN_WG_SET_ENDPOINT;
}

static void save(struct host *host, struct tunnel *tunnel)
{
    vpn_wg_peer now = {.size = sizeof now};
    if (tunnel->id == 0)
        return;
    if (vpn_wg_peer_get(host->wg, tunnel->id, &now) == VPN_OK)
        memcpy(tunnel->stamp, now.stamp, VPN_TAI64N_BYTES);
}

void peers_save(struct host *host)
{
    vpn_wg_stamp(host->wg, host->stamp);
    for (int i = 0; i < host->tunnel_count; i++)
        save(host, &host->tunnels[i]);
}

void peers_forget(struct host *host, struct tunnel *tunnel)
{
    int number = index_of(host, tunnel);
    if (tunnel->id == 0)
        return;
    host->by_slot[(uint32_t)tunnel->id] = -1;
    tunnel->id = 0;
    for (int i = 0; i < HOSTS_MAX; i++)
        if (host->owner[i] == number)
            host->owner[i] = -1;
}

void peers_remove(struct world *world, struct host *host, struct tunnel *tunnel)
{
    (void)world;
    if (tunnel->id == 0)
        return;
    save(host, tunnel);
    (void)vpn_queue_purge(host->queue, tunnel->id);
    MUST(vpn_wg_peer_remove(host->wg, tunnel->id) == VPN_OK);
    peers_forget(host, tunnel);
}

static void add(struct world *world, struct host *host, struct tunnel *tunnel)
{
    vpn_wg_peer settings;
    vpn_peer_id id;
    memcpy(tunnel->psk, tunnel->bond->psk, 32);
    settings_of(world, tunnel, &settings);
    int error = vpn_wg_peer_add(host->wg, &settings, &id, host_now(world, host));
    if (error != VPN_OK) {
        MUST(host->memory.scarce != 0 && error == VPN_ENOMEM);
        return;
    }
    MUST((uint32_t)id < sizeof host->by_slot && host->by_slot[(uint32_t)id] == -1);
    tunnel->id = id;
    host->by_slot[(uint32_t)id] = (int8_t)index_of(host, tunnel);
    peers_allow(world, host, tunnel->other, index_of(host, tunnel));
}

void peers_update(struct world *world, struct host *host, struct tunnel *tunnel)
{
    const struct host *other = &world->hosts[tunnel->other];
    vpn_wg_peer settings;
    if (host->blank)
        vpn_wg_set_private_key(host->wg, host->private_key, host_now(world, host));
    host->blank = 0;
    if (memcmp(tunnel->key, other->public_key, 32) != 0) {
        peers_remove(world, host, tunnel);
        memcpy(tunnel->key, other->public_key, 32);
        memset(tunnel->stamp, 0, sizeof tunnel->stamp);
    }
    if (tunnel->id == 0) {
        add(world, host, tunnel);
        return;
    }
    memcpy(tunnel->psk, tunnel->bond->psk, 32);
    settings_of(world, tunnel, &settings);
    settings.set &= ~VPN_WG_SET_STAMP;
    MUST(vpn_wg_peer_set(host->wg, tunnel->id, &settings, host_now(world, host)) == VPN_OK);
}

/* Both families together, so that one model does for both; a refusal leaves the first or none, and is mended at once. */
void peers_allow(struct world *world, struct host *host, uint16_t whose, int number)
{
    uint32_t scarce = host->memory.scarce;
    (void)world;
    host->memory.scarce = 0;
    for (uint8_t family = 4; family <= 6; family += 2) {
        vpn_prefix prefix = {.family = family, .bits = family == 4 ? 32 : 128};
        ledger_address(family, whose, prefix.addr);
        if (number >= 0)
            MUST(vpn_wg_allow(host->wg, host->tunnels[number].id, &prefix) == VPN_OK);
        else if (host->owner[whose] >= 0)
            MUST(vpn_wg_disallow(host->wg, host->tunnels[host->owner[whose]].id, &prefix) == VPN_OK);
    }
    host->owner[whose] = (int8_t)number;
    host->memory.scarce = scarce;
}

void peers_set_key(struct world *world, struct host *host)
{
    vpn_env env = memory_env(&host->memory);
    uint32_t scarce = host->memory.scarce;
    host->memory.scarce = 0;
    MUST(vpn_key_private(host->private_key, &env) == VPN_OK);
    host->memory.scarce = scarce;
    vpn_key_public(host->public_key, host->private_key);
    secrets_keep(world->secrets, host->private_key, 32);
    host->blank = 0;
    if (host->wg != NULL)
        vpn_wg_set_private_key(host->wg, host->private_key, host_now(world, host));
}

void peers_set_psk(struct world *world, struct bond *bond)
{
    test_fill(&world->rng, bond->psk, 32);
    secrets_keep(world->secrets, bond->psk, 32);
}

void peers_fiddle(struct world *world, struct host *host, struct tunnel *tunnel)
{
    vpn_time now = host_now(world, host);
    vpn_wg_peer change = {.size = sizeof change};
    switch (world_below(world, 6)) {
    case 0:
        change.set = VPN_WG_SET_KEEPALIVE;
        change.keepalive = tunnel->keepalive = (uint16_t)(world_chance(world, 500) ? 0 : 1 + world_below(world, 60));
        break;
    case 1:
        /* Who pins the address of somebody behind a NAT has lost it. */
        change.set = VPN_WG_SET_POLICY;
        change.policy = tunnel->policy =
            (uint8_t)(world->hosts[tunnel->other].hidden ? VPN_WG_ASK * world_below(world, 2) : world_below(world, 3));
        break;
    case 2:
        change.set = VPN_WG_SET_PADDING;
        change.padding = tunnel->padding = (uint8_t)world_below(world, 2);
        break;
    case 3:
        change.set = VPN_WG_SET_EXPIRES;
        change.expires = now + test_below(&world->rng, (size_t)SECONDS(300));
        break;
    case 4:
        change.set = VPN_WG_SET_QUEUE;
        change.queue = world_below(world, 40);
        break;
    default:
        MUST(vpn_wg_handshake(host->wg, tunnel->id, now) == VPN_OK);
        return;
    }
    MUST(vpn_wg_peer_set(host->wg, tunnel->id, &change, now) == VPN_OK);
}

int peers_demand(struct world *world, struct host *host, const uint8_t key[32])
{
    for (int i = 0; i < host->tunnel_count; i++) {
        struct tunnel *tunnel = &host->tunnels[i];
        if (memcmp(world->hosts[tunnel->other].public_key, key, 32) != 0)
            continue;
        if (world->phase == STORM && world_chance(world, 500))
            return 0;
        peers_update(world, host, tunnel);
        return tunnel->id != 0;
    }
    return 0;
}
