/* SPDX-License-Identifier: ISC */
/* Those who see every datagram and can hold back, repeat, change and make up any. They know all public keys. */
#ifndef SIM_ATTACKER_H
#define SIM_ATTACKER_H

#include "sim/link.h"

struct attacker *attacker_new(struct world *world);
void attacker_free(struct attacker *attacker);
/* A datagram leaves a host; 1 when the attacker keeps it. */
int attacker_sees(struct world *world, const struct datagram *datagram);
/* A datagram comes to an address that is no host's. */
void attacker_gets(struct world *world, const struct datagram *datagram);
/* Begins a flood. */
void attacker_flood(struct world *world);
/* When the next datagram of a flood is due; VPN_NEVER without one. */
vpn_time attacker_due(const struct attacker *attacker);
void attacker_strike(struct world *world);
void attacker_stop(struct attacker *attacker);

#endif
