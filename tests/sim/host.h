/* SPDX-License-Identifier: ISC */
/* What a host does, as the opening page of wg.h tells it to; and what must hold after each of its steps. */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "sim/link.h"

#define HOST_MTU 1420

void host_init(struct world *world, struct host *host, uint16_t number);
/* Makes its device, with what it knew before; and takes it away. */
void host_start(struct world *world, struct host *host);
void host_stop(struct world *world, struct host *host);
/* Up, and not asleep. */
int host_is_up(const struct host *host);
vpn_time host_now(const struct world *world, const struct host *host);

/* Sends a letter of this host; `source` is itself unless it lies. */
void host_write(struct world *world, struct host *host, uint16_t source, uint16_t target, uint32_t length);
void host_receive(struct world *world, struct host *host, const struct datagram *datagram);
/* Does what is due. */
void host_tick(struct world *world, struct host *host);
/* After each call of its device: events, deadline, bounds. */
void host_settle(struct world *world, struct host *host);
/* Gives a datagram to the network. */
void host_transmit(struct world *world, struct host *host, const vpn_packet *packet);
/* The tunnel of a peer, or NULL. */
struct tunnel *host_tunnel(struct host *host, vpn_peer_id id);

#endif
