/* SPDX-License-Identifier: ISC */
/* Pages become real when a packet of their length comes; most never do. */
#include "flow_memory.h"

#include <stdlib.h>

static int get_batches(flow *f, size_t count)
{
    f->batches = calloc(count, sizeof *f->batches);
    if (f->batches == NULL)
        return -1;
    for (; f->batch_count < count; f->batch_count++) {
        batch *b = &f->batches[f->batch_count];

        b->next = f->free;
        f->free = b;
        b->area = malloc(FLOW_AREA_BYTES);
        if (b->area == NULL)
            return -1;
    }
    return 0;
}

batch *flow_take_batch(flow *f)
{
    batch *b = f->free;

    f->free = b->next;
    return b;
}

int flow_get_memory(flow *f, unsigned threads, const vpn_provider *provider)
{
    f->slot_count = threads == 0 ? MESSAGES : 2 * MESSAGES;
    f->inbox = malloc(SLOT_BYTES);
    f->slots = malloc(f->slot_count * SLOT_BYTES);
    f->messages = calloc(MESSAGES, sizeof *f->messages);
    if (f->inbox == NULL || f->slots == NULL || f->messages == NULL || deliver_open(&f->host) != 0 ||
        get_batches(f, threads == 0 ? 1 : CREW_BATCHES) != 0)
        return -1;
    f->batch = flow_take_batch(f);
    if (threads > 0)
        f->crew = crew_new(threads, provider);
    return threads > 0 && f->crew == NULL ? -1 : 0;
}

void flow_free_memory(flow *f)
{
    deliver_close(&f->host);
    for (size_t i = 0; i < f->batch_count; i++)
        free(f->batches[i].area);
    free(f->batches);
    free(f->inbox);
    free(f->slots);
    free(f->messages);
}
