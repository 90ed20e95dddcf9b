/* SPDX-License-Identifier: ISC */
/* What net.c and node.c need of each other. */
#ifndef SCENARIO_NODE_H
#define SCENARIO_NODE_H

#include "scenario/net.h"

void node_free(struct node *node);

/* Logs a datagram and puts it on the link. */
void net_launch(struct net *net, struct datagram *datagram);

/* Verifies an inner packet that a device delivered. */
void net_arrived(struct net *net, const uint8_t *inner, uint32_t length);

/* The host side of a device: memory that is counted and scanned, repeatable randomness, a wall clock. */
vpn_env node_env_make(struct node_env *env);
int node_env_holds(const struct node_env *env, const uint8_t secret[32]);

#endif
