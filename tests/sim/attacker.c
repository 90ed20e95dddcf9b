/* SPDX-License-Identifier: ISC */
/* An attacker knows what is public and what passes by. He has no key of a host, so nothing of his making may ever arrive. */
#include "sim/attacker.h"

#include "sim/host.h"
#include "scenario/forge.h"

#define SEEN   512
#define COPIES 64

enum way {
    REPLAY,    /* as it was, from where it came or from elsewhere */
    CHANGE,    /* with some bytes changed */
    INITIATE,  /* an initiation with valid macs, which costs the host a key agreement */
    CLAIM,     /* an initiation that names a real peer's key */
    DATA,      /* a data message to a session that exists */
    JUNK,      /* anything, of the right length or not */
    REFLECT,   /* back to who sent it */
    MISDIRECT, /* to somebody else */
    WAYS
};

struct seen {
    struct datagram d;
    uint8_t bytes[256]; /* longer ones are not kept */
};

struct attacker {
    struct seen seen[SEEN];
    size_t next, count;
    uint32_t left; /* of the flood */
    vpn_time due, gap;
    enum way way;
    uint16_t target;
    int steals; /* holds back one datagram in so many; 0: none */
    struct forger forger;
    uint16_t port;
    vpn_cookie_maker maker;        /* of initiations to `target` */
    vpn_cookie_maker past[COPIES]; /* as it was after each of the last ones: any of them may be answered */
    size_t made;
};

struct attacker *attacker_new(struct world *world)
{
    struct attacker *a = calloc(1, sizeof *a);
    MUST(a != NULL);
    forge_new(&a->forger, test_random(&world->rng), 7);
    a->due = VPN_NEVER;
    return a;
}

void attacker_free(struct attacker *a)
{
    free(a);
}

vpn_time attacker_due(const struct attacker *a)
{
    return a->due;
}

void attacker_stop(struct attacker *a)
{
    a->due = VPN_NEVER;
    a->left = 0;
    a->steals = 0;
}

int attacker_sees(struct world *world, const struct datagram *d)
{
    struct attacker *a = world->attacker;
    int kept = a->steals != 0 && d->length <= sizeof a->seen[0].bytes && world_below(world, (uint32_t)a->steals) == 0;
    if (d->length <= sizeof a->seen[0].bytes) {
        struct seen *place = &a->seen[a->next++ % SEEN];
        place->d = *d;
        memcpy(place->bytes, d->bytes, d->length);
        a->count = a->count < SEEN ? a->count + 1 : SEEN;
    }
    if (kept) {
        TRACE("an attacker keeps a datagram of %u", d->sender);
        world_count(world, LOST);
    }
    return kept;
}

void attacker_gets(struct world *world, const struct datagram *d)
{
    struct attacker *a = world->attacker;
    if (d->sender == NOBODY || d->length != VPN_WG_COOKIE_BYTES || d->bytes[0] != 3)
        return;
    for (size_t i = 0; i < COPIES; i++) {
        if (vpn_cookie_read(&a->past[i], d->bytes, world->hosts[d->sender].public_key, NULL, world->now) != VPN_OK)
            continue;
        a->maker = a->past[i];
        TRACE("an attacker has a cookie of %u", d->sender);
        break;
    }
}

void attacker_flood(struct world *world)
{
    static const uint32_t sizes[] = {1, 5, 60, 400};
    struct attacker *a = world->attacker;
    a->way = (enum way)world_below(world, WAYS);
    a->target = (uint16_t)world_below(world, (uint32_t)world->host_count);
    a->left = 1 + world_below(world, sizes[world_below(world, 4)]);
    a->gap = world_chance(world, 300) ? MILLIS(300) : MILLIS(1);
    a->due = world->now;
    a->steals = world_chance(world, 200) ? 2 + (int)world_below(world, 20) : 0;
    a->port = (uint16_t)(1000 + world_below(world, 8));
    vpn_cookie_maker_init(&a->maker);
    for (size_t i = 0; i < COPIES; i++)
        a->past[i] = a->maker;
    TRACE("an attacker begins: way %d, %u datagrams to %u", (int)a->way, a->left, a->target);
}

/* --- what he sends --- */

static void change(struct world *world, uint8_t *bytes, uint32_t *length)
{
    uint32_t how = world_below(world, 4);
    if (how == 0)
        *length = world_below(world, *length + 1);
    for (uint32_t i = 0; i <= how && *length > 0; i++)
        bytes[world_below(world, *length)] ^= (uint8_t)(1 + world_below(world, 255));
    /* A mac that holds takes a change past the first gate. */
    if (how == 3 && (*length == VPN_WG_INITIATION_BYTES || *length == VPN_WG_RESPONSE_BYTES))
        (void)vpn_mac_add(&world->attacker->maker, bytes, *length, world->hosts[world->attacker->target].public_key,
                          world->now);
}

static uint32_t make_initiation(struct world *world, uint8_t *bytes)
{
    struct attacker *a = world->attacker;
    test_fill(&world->rng, bytes, VPN_WG_INITIATION_BYTES);
    memcpy(bytes, "\1\0\0\0", 4);
    (void)vpn_mac_add(&a->maker, bytes, VPN_WG_INITIATION_BYTES, world->hosts[a->target].public_key, world->now);
    a->past[a->made++ % COPIES] = a->maker;
    return VPN_WG_INITIATION_BYTES;
}

static uint32_t make_claim(struct world *world, uint8_t *bytes)
{
    struct attacker *a = world->attacker;
    uint32_t other = world_below(world, (uint32_t)world->host_count);
    uint8_t stamp[12];
    forge_stamp(stamp, 1800000000, 0);
    if (world_chance(world, 500))
        forge_claim(&a->forger, bytes, world->hosts[a->target].public_key, world->hosts[other].public_key);
    else
        forge_initiation(&a->forger, bytes, world->hosts[a->target].public_key, stamp);
    return VPN_WG_INITIATION_BYTES;
}

/* With the index of a session that was seen, and a counter near, past or far from those that were. */
static uint32_t make_data(struct world *world, const struct seen *seen, uint8_t *bytes)
{
    uint32_t length = 32 + 16 * world_below(world, 8);
    test_fill(&world->rng, bytes, length);
    memcpy(bytes, "\4\0\0\0", 4);
    if (seen->d.length >= 16)
        memcpy(bytes + 4, seen->bytes + 4, 12);
    if (world_chance(world, 300))
        memset(bytes + 8, 0xff, 8);
    else
        bytes[8] = (uint8_t)(bytes[8] + world_below(world, 64));
    return length;
}

static uint32_t make_junk(struct world *world, uint8_t *bytes)
{
    static const uint32_t lengths[] = {0, 1, 4, 16, 31, 32, 48, 64, 92, 148, 200};
    uint32_t length = lengths[world_below(world, 11)];
    test_fill(&world->rng, bytes, length);
    if (length >= 4 && world_chance(world, 700)) {
        memset(bytes, 0, 4);
        bytes[0] = (uint8_t)world_below(world, 6);
    }
    return length;
}

static void compose(struct world *world, const struct seen *seen, struct datagram *d)
{
    struct attacker *a = world->attacker;
    memcpy(d->bytes, seen->bytes, seen->d.length);
    switch (a->way) {
    case CHANGE:
        change(world, d->bytes, &d->length);
        break;
    case INITIATE:
        d->to = world->hosts[a->target].at;
        d->length = make_initiation(world, d->bytes);
        break;
    case CLAIM:
        d->to = world->hosts[a->target].at;
        d->length = make_claim(world, d->bytes);
        break;
    case DATA:
        d->length = make_data(world, seen, d->bytes);
        break;
    case JUNK:
        d->to = world->hosts[a->target].at;
        d->length = make_junk(world, d->bytes);
        break;
    case REFLECT:
        d->to = seen->d.from;
        break;
    case MISDIRECT:
        d->to = world->hosts[a->target].at;
        break;
    case REPLAY:
    case WAYS:
        break;
    }
}

void attacker_strike(struct world *world)
{
    struct attacker *a = world->attacker;
    uint8_t bytes[512];
    struct seen none = {.d = {.sender = NOBODY}};
    const struct seen *seen = a->count != 0 ? &a->seen[world_below(world, (uint32_t)a->count)] : &none;
    struct datagram d;
    d = seen->d;
    d.bytes = bytes;
    compose(world, seen, &d);
    /* Mostly from an address of his own, where replies come back to him; else from somebody's. */
    if (world_chance(world, 600) || d.from.family == 0) {
        memset(&d.from, 0, sizeof d.from);
        d.from = a->forger.at;
        d.from.port = a->port;
    }
    d.sender = NOBODY;
    if (d.to.family != 0)
        link_launch(world, &d);
    a->due = --a->left == 0 ? VPN_NEVER : world->now + a->gap;
}
