/* SPDX-License-Identifier: ISC */
/* What befalls a world: one thing after the other, at random. */
#ifndef SIM_ACTS_H
#define SIM_ACTS_H

#include "sim/world.h"

void acts_something(struct world *world);
/* A change of settings that may fall between the phases of a packet. */
void acts_between(struct world *world, struct host *host);
void acts_traffic(struct world *world);
void acts_wake(struct world *world, struct host *host);

#endif
