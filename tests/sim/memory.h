/* SPDX-License-Identifier: ISC */
/* A host's allocator, randomness and wall clock, as vpn_env hands them to a device. Counts bytes; fails on demand. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include "sim/clock.h"

struct memory {
    uint64_t rng;
    const struct clock *clock;
    const vpn_time *now;
    size_t bytes, blocks;
    uint32_t scarce; /* of a thousand allocations and draws, so many fail */
    uint64_t refused;
};

vpn_env memory_env(struct memory *memory);

#endif
