/* SPDX-License-Identifier: ISC */
/* How a flow begins and ends: everything that it has. */
#ifndef TUNNEL_FLOW_OPEN_H
#define TUNNEL_FLOW_OPEN_H

#include "flow.h"

#define FLOW_AREA_BYTES (4 * SLOT_BYTES) /* of each batch */

/* The end of flow_close: the crew has nothing any more. */
void flow_release(flow *f);
/* One of the batches that are free, of which there is one. */
batch *flow_take_batch(flow *f);

#endif
