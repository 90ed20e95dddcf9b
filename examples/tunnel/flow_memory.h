/* SPDX-License-Identifier: ISC */
/* The memory that packets are in. */
#ifndef TUNNEL_FLOW_MEMORY_H
#define TUNNEL_FLOW_MEMORY_H

#include "flow.h"

#define FLOW_AREA_BYTES (4 * SLOT_BYTES) /* of each batch */

/* All of it, and the crew, of which no thread runs yet. 0 or -1; flow_free_memory also after that. */
int flow_get_memory(flow *f, unsigned threads, const vpn_provider *provider);
/* But for the crew. */
void flow_free_memory(flow *f);
/* One of those that are free, of which there is one. */
batch *flow_take_batch(flow *f);

#endif
