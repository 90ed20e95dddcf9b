/* SPDX-License-Identifier: ISC */
/* What the administrators of two hosts do about the tunnel between them. Neither hears of the other's changes at once. */
#ifndef SIM_PEERS_H
#define SIM_PEERS_H

#include "sim/host.h"

void peers_bond(struct world *world, uint16_t a, uint16_t b);
/* Brings one side up to date: key, preshared key, address; adds the peer if it is missing. */
void peers_update(struct world *world, struct host *host, struct tunnel *tunnel);
void peers_remove(struct world *world, struct host *host, struct tunnel *tunnel);
/* The peer is gone, by itself. */
void peers_forget(struct host *host, struct tunnel *tunnel);
/* Writes down what must outlive the device. */
void peers_save(struct host *host);
/* Gives all inner addresses of a host to a tunnel; -1: to none. */
void peers_allow(struct world *world, struct host *host, uint16_t whose, int tunnel);
void peers_set_key(struct world *world, struct host *host);
void peers_set_psk(struct world *world, struct bond *bond);
/* Some smaller setting. */
void peers_fiddle(struct world *world, struct host *host, struct tunnel *tunnel);
/* An initiation came from a host that is no peer here: 1 when it was made one. */
int peers_demand(struct world *world, struct host *host, const uint8_t key[32]);

#endif
