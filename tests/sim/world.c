/* SPDX-License-Identifier: ISC */
#include "sim/world.h"

#include "sim/acts.h"
#include "sim/attacker.h"
#include "sim/cipher.h"
#include "sim/host.h"
#include "sim/peers.h"

/* Promises. After the healing every direction of every tunnel carries packets within FLOW; and the packets that are sent in
   the PROOF after that all arrive, unless an end's clock has stepped since its session may have begun. After the last packet
   nothing is sent later than QUIET; and when all keys are wiped, so that STILL is reached, no device holds a session or has a
   deadline. */
#define FLOW    SECONDS(45)
#define PROOF   SECONDS(20)
#define LAST    SECONDS(6)   /* until what was sent in the proof has come; a rekey may be under way */
#define SESSION SECONDS(180) /* how long one carries data (whitepaper section 6.1) */
#define QUIET   SECONDS(30)
#define STILL   SECONDS(700)

/* --- making --- */

/* Who is joined to whom: a line with some more at random, a star, or a few pairs. */
static void join(struct world *world)
{
    uint16_t n = (uint16_t)world->host_count;
    uint32_t shape = world_below(world, 3);
    for (uint16_t i = 1; i < n; i++) {
        uint16_t other = shape == 0 ? 0 : (uint16_t)(i - 1);
        if (world->hosts[i].tunnel_count >= TUNNELS_MAX - 1 || world->hosts[other].tunnel_count >= TUNNELS_MAX - 1)
            continue;
        if (world->hosts[i].hidden && world->hosts[other].hidden)
            world->hosts[i].hidden = 0;
        peers_bond(world, i, other);
        uint16_t more = (uint16_t)world_below(world, i);
        if (shape == 2 && more != other && !(world->hosts[i].hidden && world->hosts[more].hidden) &&
            world->hosts[more].tunnel_count < TUNNELS_MAX - 1)
            peers_bond(world, i, more);
    }
}

static int some_hosts(struct world *world)
{
    static const uint32_t most[] = {2, 4, 8, 12, 24, 64, 200};
    uint32_t n = most[world_below(world, 7)];
    return (int)(n <= 4 ? n : n / 2 + world_below(world, n / 2));
}

static void populate(struct world *world)
{
    world->host_count = some_hosts(world);
    world->hosts = calloc((size_t)world->host_count, sizeof *world->hosts);
    world->bonds = calloc((size_t)world->host_count * 2, sizeof *world->bonds);
    MUST(world->hosts != NULL && world->bonds != NULL);
    for (int i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        host_init(world, host, (uint16_t)i);
        host->hidden = i > 0 && world_chance(world, 300);
        peers_set_key(world, host);
    }
    join(world);
    for (int i = 0; i < world->host_count; i++) {
        world->hosts[i].memory.scarce = world->scarce;
        host_start(world, &world->hosts[i]);
    }
}

struct world *world_new(const struct options *options, uint64_t seed, const char *program)
{
    static const uint32_t gaps[] = {30, 200, 1000, 5000, 20000};
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        abort();
    world->options = options;
    world->seed = seed;
    world->rng = seed * UINT64_C(0xd1342543de82ef95) + 1;
    world->now = SECONDS(1);
    world->one_sided = (int)world_below(world, 2);
    report_begin(program, options, seed, &world->now, &world->events);
    test_fill(&world->rng, world->marker, sizeof world->marker);
    world->ledger = ledger_new(world->marker);
    world->nonces = nonces_new();
    world->secrets = secrets_new();
    secrets_keep(world->secrets, world->marker, sizeof world->marker);
    cipher_begin(world->nonces, world->secrets, options->fault == FAULT_NONCE);
    world->provider = world_chance(world, 125) ? cipher_real() : cipher_quick();
    MUST(vpn_scratch_new(&world->scratch, world->provider, NULL) == VPN_OK);
    world->scarce = world_chance(world, 200) ? 1 + world_below(world, 100) : 0;
    world->link = link_new();
    world->attacker = attacker_new(world);
    populate(world);
    world->traffic_gap = MILLIS(gaps[world_below(world, 5)]) / (vpn_time)world->host_count;
    world->act_gap = world->traffic_gap * (2 + world_below(world, 20));
    return world;
}

void world_free(struct world *world)
{
    for (int i = 0; i < world->host_count; i++)
        host_stop(world, &world->hosts[i]);
    attacker_free(world->attacker);
    link_free(world->link);
    vpn_scratch_free(world->scratch);
    cipher_end();
    secrets_free(world->secrets);
    nonces_free(world->nonces);
    ledger_free(world->ledger);
    free(world->hosts);
    free(world->bonds);
    free(world);
}

/* --- time --- */

static vpn_time soon(struct world *world, vpn_time mean)
{
    return world->now + 1 + test_below(&world->rng, (size_t)(2 * mean));
}

/* The host whose turn comes first, and when. */
static struct host *first_host(const struct world *world, vpn_time *when)
{
    struct host *first = NULL;
    *when = VPN_NEVER;
    for (int i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        vpn_time turn = host->back != 0 ? host->back : host->wake;
        if (turn < *when) {
            *when = turn;
            first = host;
        }
    }
    return first;
}

static vpn_time earliest(vpn_time a, vpn_time b)
{
    return a < b ? a : b;
}

/* Does what comes next, if it comes until then; 0: nothing does. */
static int step(struct world *world, vpn_time until)
{
    vpn_time host_turn, link_turn = link_due(world->link), attack_turn = attacker_due(world->attacker);
    struct host *host = first_host(world, &host_turn);
    vpn_time next = earliest(earliest(host_turn, link_turn), attack_turn);
    next = earliest(next, earliest(world->next_traffic, world->next_act));
    if (next > until)
        return 0;
    world->now = next > world->now ? next : world->now;
    if (link_turn <= world->now) {
        link_arrive(world);
    } else if (host_turn <= world->now) {
        if (host->back != 0)
            acts_wake(world, host);
        else
            host_tick(world, host);
    } else if (attack_turn <= world->now) {
        attacker_strike(world);
    } else if (world->next_traffic <= world->now) {
        world->next_traffic = soon(world, world->traffic_gap);
        acts_traffic(world);
    } else {
        world->next_act = soon(world, world->act_gap);
        acts_something(world);
    }
    return 1;
}

static void run_until(struct world *world, vpn_time until)
{
    uint64_t here = 0;
    vpn_time last = world->now;
    while (step(world, until)) {
        here = world->now == last ? here + 1 : 0;
        last = world->now;
        if (here > 1000000)
            report_fail("time stands still");
        if (world->events % 65536 < 8)
            report_alive();
    }
    world->now = until;
}

/* --- the phases --- */

static void storm(struct world *world)
{
    uint64_t kept = 0, since = 0;
    world->phase = STORM;
    world->next_traffic = world->now;
    world->next_act = soon(world, world->act_gap);
    while (world->events < world->options->events && since < 1000000) {
        (void)step(world, VPN_TIME_MAX);
        since = world->events == kept ? since + 1 : 0;
        kept = world->events;
        if (world->events % 65536 < 8)
            report_alive();
    }
    MUST(since == 0);
}

static void heal_host(struct world *world, struct host *host)
{
    host->memory.scarce = 0;
    host->group = world->options->fault == FAULT_STUCK && host->number == 0 ? 1 : 0;
    if (host->back != 0)
        acts_wake(world, host);
}

static void heal_tunnels(struct world *world, struct host *host)
{
    for (int i = 0; i < host->tunnel_count; i++) {
        struct tunnel *tunnel = &host->tunnels[i];
        if (tunnel->policy == VPN_WG_PIN)
            tunnel->policy = VPN_WG_LEARN;
        peers_update(world, host, tunnel);
    }
    for (int i = 0; i < world->host_count; i++)
        peers_allow(world, host, (uint16_t)i, -1);
    for (int i = 0; i < host->tunnel_count; i++)
        peers_allow(world, host, host->tunnels[i].other, i);
    host_settle(world, host);
}

/* Whether this side of a tunnel speaks by itself. When only one of them does, it is not one that must wait until the other
   has shown where it is. */
static int speaks(const struct world *world, const struct host *host, const struct tunnel *tunnel)
{
    if (world->phase != HEAL || !world->one_sided)
        return 1;
    return host->hidden || (!world->hosts[tunnel->other].hidden && host->number < tunnel->other);
}

/* Each side of each tunnel, or one of them, writes once every two seconds. */
static void talk(struct world *world, vpn_time until)
{
    for (; world->now < until; run_until(world, world->now + SECONDS(2)))
        for (int i = 0; i < world->host_count; i++)
            for (int k = 0; k < world->hosts[i].tunnel_count; k++)
                if (speaks(world, &world->hosts[i], &world->hosts[i].tunnels[k]))
                    host_write(world, &world->hosts[i], (uint16_t)i, world->hosts[i].tunnels[k].other,
                               LEDGER_LEAST + 20);
}

static void check_tunnel(const struct world *world, const struct host *host, const struct tunnel *tunnel)
{
    const struct host *other = &world->hosts[tunnel->other];
    for (int i = 0; i < other->tunnel_count; i++)
        if (other->tunnels[i].bond == tunnel->bond && !speaks(world, other, &other->tunnels[i]))
            return;
    if (tunnel->flowed == 0)
        report_fail("nothing comes from host %u to host %u although the network healed %u s ago", other->number,
                    host->number, (unsigned)(FLOW / VPN_SECOND));
}

static void check_flow(struct world *world)
{
    for (int i = 0; i < world->host_count; i++)
        for (int k = 0; k < world->hosts[i].tunnel_count; k++)
            check_tunnel(world, &world->hosts[i], &world->hosts[i].tunnels[k]);
}

/* A session from before a step of one end's clock ends there at another time than here, and what is then under way is lost. */
static int clock_stepped(const struct world *world, uint16_t number, vpn_time since)
{
    return world->hosts[number].clock.stepped > since;
}

/* What was sent in the proof has all arrived. */
static void check_proof(const struct world *world, uint64_t from, uint64_t end)
{
    vpn_time since = world->now - LAST - PROOF - SESSION;

    for (uint64_t i = from; i < end; i++) {
        const struct letter *letter = ledger_at(world->ledger, i);
        if (!letter->delivered && !clock_stepped(world, letter->from, since) &&
            !clock_stepped(world, letter->target, since))
            report_fail("packet %llu from host %u to host %u is lost in a network that healed", (unsigned long long)i,
                        letter->from, letter->target);
    }
}

static void heal(struct world *world)
{
    world->phase = HEAL;
    world->healed = VPN_NEVER;
    world->next_traffic = world->next_act = VPN_NEVER;
    attacker_stop(world->attacker);
    link_clear(world->link);
    for (int i = 0; i < world->host_count; i++)
        heal_host(world, &world->hosts[i]);
    run_until(world,
              world->now + LINK_LONGEST); /* what the storm left under way; it may still mislead about addresses */
    for (int i = 0; i < world->host_count; i++)
        heal_tunnels(world, &world->hosts[i]);
    world->healed = world->now;
    TRACE("the network has healed");
    talk(world, world->healed + FLOW);
    check_flow(world);
    uint64_t proof = ledger_count(world->ledger);
    talk(world, world->now + PROOF);
    uint64_t end = ledger_count(world->ledger);
    run_until(world, world->now + LAST);
    check_proof(world, proof, end);
}

static void fall_silent(struct world *world)
{
    vpn_wg_peer change = {.size = sizeof change, .set = VPN_WG_SET_KEEPALIVE};
    world->phase = IDLE;
    world->quiet = world->now;
    for (int i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        for (int k = 0; k < host->tunnel_count && world->options->fault != FAULT_CHATTER; k++)
            MUST(vpn_wg_peer_set(host->wg, host->tunnels[k].id, &change, host_now(world, host)) == VPN_OK);
        if (world->options->fault == FAULT_CHATTER) {
            change.keepalive = 25;
            MUST(vpn_wg_peer_set(host->wg, host->tunnels[0].id, &change, host_now(world, host)) == VPN_OK);
        }
        host_settle(world, host);
    }
    run_until(world, world->quiet + QUIET);
    for (int i = 0; i < world->host_count; i++)
        world->hosts[i].silent = 1;
    run_until(world, world->quiet + STILL);
    for (int i = 0; i < world->host_count; i++) {
        struct host *host = &world->hosts[i];
        vpn_wg_stats stats = {.size = sizeof stats};
        MUST(vpn_wg_get_stats(host->wg, &stats) == VPN_OK);
        if (stats.sessions != 0 || vpn_wg_deadline(host->wg) != VPN_NEVER)
            report_fail("host %d is idle and has %u sessions and %s", i, stats.sessions,
                        vpn_wg_deadline(host->wg) != VPN_NEVER ? "a deadline" : "no deadline");
    }
}

void world_run(struct world *world)
{
    storm(world);
    heal(world);
    fall_silent(world);
    MUST(link_flying(world->link) == 0);
}
