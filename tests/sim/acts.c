/* SPDX-License-Identifier: ISC */
#include "sim/acts.h"

#include "sim/attacker.h"
#include "sim/peers.h"

/* How long a host may be away without the storm being over before it is back. */
static vpn_time some_time(struct world *world)
{
    static const uint32_t most[] = {2, 20, 200, 20000};
    return MILLIS(1) + test_below(&world->rng, (size_t)SECONDS(most[world_below(world, 4)]));
}

static struct host *any_host(struct world *world)
{
    return &world->hosts[world_below(world, (uint32_t)world->host_count)];
}

static struct host *any_up(struct world *world)
{
    for (int i = 0; i < 8; i++) {
        struct host *host = any_host(world);
        if (host_is_up(host))
            return host;
    }
    return NULL;
}

static struct tunnel *any_tunnel(struct world *world, struct host *host)
{
    return host->tunnel_count == 0 ? NULL : &host->tunnels[world_below(world, (uint32_t)host->tunnel_count)];
}

/* --- the network --- */

static void weather(struct world *world)
{
    struct weather *w = link_weather(world->link);
    static const uint32_t rates[] = {0, 0, 10, 50, 300};
    static const uint32_t mtus[] = {1500, 1500, 1500, 1280, 576};
    w->loss = rates[world_below(world, 5)];
    w->duplicate = rates[world_below(world, 5)];
    w->corrupt = rates[world_below(world, 4)];
    w->reorder = rates[world_below(world, 5)];
    w->mark = rates[world_below(world, 4)];
    w->mtu = mtus[world_below(world, 5)];
    w->delay = MILLIS(1 + world_below(world, 400));
    w->jitter = world_chance(world, 500) ? MILLIS(1 + world_below(world, 1000)) : 0;
    TRACE("weather: loss %u, duplicates %u, corruption %u, mtu %u", w->loss, w->duplicate, w->corrupt, w->mtu);
    world_count(world, FAULT);
}

static void partition(struct world *world)
{
    uint32_t groups = world_chance(world, 600) ? 1 : 2 + world_below(world, 2);
    for (int i = 0; i < world->host_count; i++)
        world->hosts[i].group = world_below(world, groups);
    world_count(world, FAULT);
}

static void isolate(struct world *world)
{
    any_host(world)->group = world_chance(world, 700) ? 0 : 1 + world_below(world, 3);
    world_count(world, FAULT);
}

static void roam(struct world *world)
{
    struct host *host = any_host(world);
    link_move(world, host, 0);
    world_count(world, FAULT);
    if (host_is_up(host) && world_chance(world, 500)) {
        vpn_wg_network_changed(host->wg, host_now(world, host));
        host_settle(world, host);
    }
}

/* A NAT gives the host another port, and the host does not know. */
static void rebind(struct world *world)
{
    link_move(world, any_host(world), 1);
    world_count(world, FAULT);
}

/* --- clocks and sleep --- */

/* A host that polls looks at its clock now and then, and so learns of a step before its next deadline. */
static void look(struct world *world, struct host *host)
{
    world_count(world, FAULT);
    if (host_is_up(host))
        host_tick(world, host);
}

static void drift(struct world *world)
{
    struct host *host = any_host(world);
    clock_drift(&host->clock, world->now, (int64_t)world_below(world, 1001) - 500);
    look(world, host);
}

static void jump(struct world *world)
{
    struct host *host = any_host(world);
    clock_step(&host->clock, world->now, (int64_t)some_time(world));
    look(world, host);
}

static void step_back(struct world *world)
{
    struct host *host = any_host(world);
    clock_step(&host->clock, world->now, -(int64_t)some_time(world));
    look(world, host);
}

static void set_wall(struct world *world)
{
    struct host *host = any_host(world);
    host->clock.wall += (int64_t)world_below(world, 20000) - 10000;
    world_count(world, FAULT);
}

static void fall_asleep(struct world *world)
{
    struct host *host = any_up(world);
    if (host == NULL)
        return;
    host->back = world->now + some_time(world);
    host->suspended = (int)world_below(world, 2);
    TRACE("%u sleeps until %llu", host->number, (unsigned long long)host->back);
    if (host->suspended) {
        vpn_wg_suspend(host->wg);
        MUST(vpn_wg_deadline(host->wg) == VPN_NEVER);
    }
    host->wake = VPN_NEVER;
    world_count(world, FAULT);
}

/* Nobody has anything to say for hours. */
static void night(struct world *world)
{
    world->next_traffic = world->now + SECONDS(600 + world_below(world, 7200));
    world->next_act = world->next_traffic - MILLIS(1);
    world_count(world, FAULT);
}

static void restart(struct world *world)
{
    struct host *host = any_up(world);
    if (host == NULL)
        return;
    host_stop(world, host);
    TRACE("%u stops", host->number);
    world_count(world, FAULT);
    host->back = world->now + (world_chance(world, 500) ? 1 : some_time(world));
}

void acts_wake(struct world *world, struct host *host)
{
    host->back = 0;
    world_count(world, FAULT);
    TRACE("%u is back", host->number);
    if (host->wg == NULL) {
        host_start(world, host);
        return;
    }
    if (host->suspended)
        vpn_wg_resume(host->wg, host_now(world, host));
    host->suspended = 0;
    host_tick(world, host);
}

/* --- administrators --- */

static void change_key(struct world *world)
{
    struct host *host = any_up(world);
    if (host == NULL)
        return;
    peers_set_key(world, host);
    TRACE("%u has another key", host->number);
    world_count(world, ADMIN);
    host_settle(world, host);
}

/* It has no key at all, until somebody sets it again. */
static void lose_key(struct world *world)
{
    struct host *host = any_up(world);
    if (host == NULL)
        return;
    host->blank = 1;
    vpn_wg_set_private_key(host->wg, NULL, host_now(world, host));
    world_count(world, ADMIN);
    host_settle(world, host);
}

static void change_psk(struct world *world)
{
    peers_set_psk(world, &world->bonds[world_below(world, (uint32_t)world->bond_count)]);
    world_count(world, ADMIN);
}

static void move_prefix(struct world *world, struct host *host)
{
    uint16_t whose = (uint16_t)world_below(world, (uint32_t)world->host_count);
    int number = (int)world_below(world, (uint32_t)host->tunnel_count + 1) - 1;
    if (number >= 0 && host->tunnels[number].id == 0)
        return;
    peers_allow(world, host, whose, number);
}

static void administer(struct world *world, struct host *host)
{
    struct tunnel *tunnel = any_tunnel(world, host);
    if (tunnel == NULL)
        return;
    world_count(world, ADMIN);
    switch (world_below(world, 10)) {
    case 0:
        peers_remove(world, host, tunnel);
        break;
    case 1:
        move_prefix(world, host);
        break;
    case 2:
    case 3:
        if (tunnel->id != 0)
            peers_fiddle(world, host, tunnel);
        break;
    case 4:
        MUST(vpn_wg_set_mtu(host->wg, host->mtu = 576 + world_below(world, HOST_MTU - 575)) == VPN_OK);
        break;
    default:
        /* Somebody sees to it that what does not work is mended, if not all of it at once. */
        peers_update(world, host, tunnel);
        if (tunnel->id != 0)
            peers_allow(world, host, tunnel->other, (int)(tunnel - host->tunnels));
    }
}

static void change_settings(struct world *world)
{
    struct host *host = any_up(world);
    if (host == NULL)
        return;
    administer(world, host);
    host_settle(world, host);
}

void acts_between(struct world *world, struct host *host)
{
    if (world_chance(world, 100)) {
        peers_set_key(world, host);
        world_count(world, ADMIN);
    } else {
        administer(world, host);
    }
}

/* --- choosing --- */

static void attack(struct world *world)
{
    attacker_flood(world);
    world_count(world, FAULT);
}

void acts_something(struct world *world)
{
    static const struct {
        uint32_t weight;
        void (*act)(struct world *);
    } acts[] = {{20, attack},    {10, weather}, {2, partition},  {6, isolate},  {10, roam},           {10, rebind},
                {6, drift},      {3, jump},     {3, step_back},  {4, set_wall}, {6, restart},         {6, fall_asleep},
                {2, change_key}, {2, lose_key}, {4, change_psk}, {1, night},    {30, change_settings}};
    uint32_t sum = 0, pick;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        sum += acts[i].weight;
    pick = world_below(world, sum);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (pick < acts[i].weight) {
            acts[i].act(world);
            return;
        }
        pick -= acts[i].weight;
    }
}

static uint32_t some_length(struct world *world)
{
    if (world_chance(world, 800))
        return LEDGER_LEAST + world_below(world, 120);
    return LEDGER_LEAST + world_below(world, HOST_MTU - LEDGER_LEAST + 1);
}

void acts_traffic(struct world *world)
{
    struct host *host = any_up(world);
    struct tunnel *tunnel = host != NULL ? any_tunnel(world, host) : NULL;
    if (tunnel == NULL)
        return;
    /* Now and then a host lies about its own address, or writes to somebody whom it has no tunnel to. */
    uint16_t source = world_chance(world, 30) ? any_host(world)->number : host->number;
    uint16_t target = world_chance(world, 10) ? any_host(world)->number : tunnel->other;
    host_write(world, host, source, target, some_length(world));
}
