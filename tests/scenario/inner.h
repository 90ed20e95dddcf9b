/* SPDX-License-Identifier: ISC */
/* Inner packets: UDP in IPv4 or IPv6, with valid checksums and a payload that is derived from a number. */
#ifndef SCENARIO_INNER_H
#define SCENARIO_INNER_H

#include <stdint.h>

#define INNER_LEAST4 36 /* with the eight bytes of the number */
#define INNER_LEAST6 56

/* Writes a packet of `length` bytes in all. */
void inner_build(uint8_t *out, uint8_t family, const uint8_t *from, const uint8_t *to, uint32_t length, uint8_t tos,
                 uint64_t number);

/* Verifies lengths, checksums and payload of a whole packet; 1 and its number when it is one of ours. */
int inner_check(const uint8_t *packet, uint32_t length, uint64_t *number);

/* The TOS or traffic class byte. */
uint8_t inner_tos(const uint8_t *packet);

#endif
