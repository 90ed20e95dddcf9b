/* SPDX-License-Identifier: ISC */
/* A world: hosts, what joins them, who attacks them, and true time. Everything in it comes from its seed. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <vpn/vpn.h>

#include "common/test.h"
#include "sim/ledger.h"
#include "sim/memory.h"
#include "sim/nonces.h"
#include "sim/report.h"
#include "sim/secrets.h"

#define HOSTS_MAX   256
#define TUNNELS_MAX 64 /* of one host */
#define NOBODY      UINT16_MAX

#define SECONDS(n) ((vpn_time)(n)*VPN_SECOND)
#define MILLIS(n)  ((vpn_time)(n)*VPN_MILLISECOND)

/* What counts as an event; each happens once in the simulated world. */
enum kind {
    DELIVERED, /* a datagram is handed to a device */
    LOST,      /* a datagram is dropped on its way, or there is nobody where it goes */
    SENT,      /* an inner packet is handed to a device */
    TICKED,    /* a device is called because its deadline came */
    FAULT,     /* a link, an address, a clock or a host is broken or mended */
    ADMIN,     /* somebody changes a setting */
    KINDS
};

enum phase {
    STORM, /* everything goes wrong */
    HEAL,  /* nothing does any more, and traffic must flow */
    IDLE   /* there is no traffic, and all must fall silent */
};

/* Two hosts who want a tunnel, and what both should come to know. */
struct bond {
    uint16_t ends[2];
    uint8_t psk[32];
};

/* One host's side of a bond. */
struct tunnel {
    struct bond *bond;
    uint16_t other;
    vpn_peer_id id;     /* 0: the peer is not configured */
    uint8_t key[32];    /* what this side believes */
    uint8_t psk[32];    /* likewise */
    uint8_t stamp[12];  /* greatest one had from `key`, kept over removals and restarts */
    uint16_t keepalive; /* seconds */
    uint8_t policy, padding;
    vpn_time flowed; /* after the healing: when a letter sent since arrived first; 0: not yet */
};

struct host {
    uint16_t number;
    vpn_wg *wg; /* NULL: down */
    vpn_queue *queue;
    struct memory memory, queue_memory;
    struct clock clock;
    uint8_t private_key[32], public_key[32];
    uint8_t stamp[12]; /* greatest one sent, kept over restarts */
    vpn_endpoint at;   /* where datagrams for it arrive */
    int hidden;        /* behind a NAT: nobody knows where it is until it speaks */
    uint32_t epoch;    /* of its address */
    uint32_t group;    /* hosts of different groups cannot reach each other */
    vpn_time back;     /* when it wakes or starts; 0: it is up */
    int blank;         /* its device has no key */
    int suspended;     /* it went to sleep in good order */
    uint32_t load_rate, replay_bits, mtu;
    struct tunnel tunnels[TUNNELS_MAX];
    int tunnel_count;
    int8_t owner[HOSTS_MAX]; /* tunnel that AllowedIPs give a host's inner addresses to; -1: none */
    int8_t by_slot[TUNNELS_MAX + 8];
    uint32_t most_peers; /* since it was started */
    vpn_time wake;       /* true time of its deadline */
    int silent;          /* idle phase: it may send nothing more */
    uint64_t verdicts[VPN_VERDICTS], drops[VPN_REASONS];
};

struct link;
struct attacker;

struct world {
    const struct options *options;
    uint64_t seed, rng;
    vpn_time now;
    enum phase phase;
    vpn_time healed, quiet; /* when the phases began */
    uint64_t events, kinds[KINDS];
    struct host *hosts;
    int host_count;
    struct bond *bonds;
    int bond_count;
    struct link *link;
    struct attacker *attacker;
    struct ledger *ledger;
    struct nonces *nonces;
    struct secrets *secrets;
    const vpn_provider *provider;
    vpn_scratch *scratch;
    uint8_t marker[8];
    uint32_t scarce; /* for the hosts' memories during the storm */
    vpn_time next_traffic, next_act;
    vpn_time traffic_gap, act_gap; /* means, of the whole world */
    uint64_t arrived;              /* had by hosts */
    int one_sided;                 /* after the healing one side of each tunnel speaks first */
    vpn_time slowest;              /* from healing to flowing */
};

struct world *world_new(const struct options *options, uint64_t seed, const char *program);
void world_free(struct world *world);
/* The storm, the healing and the silence; does not return when an invariant breaks. */
void world_run(struct world *world);

static inline void world_count(struct world *world, enum kind kind)
{
    world->events++;
    world->kinds[kind]++;
}

static inline int world_chance(struct world *world, uint32_t per_mille)
{
    return per_mille != 0 && test_below(&world->rng, 1000) < per_mille;
}

static inline uint32_t world_below(struct world *world, uint32_t limit)
{
    return (uint32_t)test_below(&world->rng, limit);
}

#endif
