/* SPDX-License-Identifier: ISC */
#include "history.h"

#include <stdlib.h>

static void note_move(annexes *all, const vpn_wg_event_info *event, uint64_t wall)
{
    annex *a = annex_get(all, event->peer);
    roaming *r;

    if (a == NULL)
        return;
    if (a->roaming == NULL)
        a->roaming = calloc(1, sizeof *a->roaming);
    r = a->roaming;
    if (r != NULL)
        r->moves[r->count++ % MOVES_KEPT] = (move){wall, event->from, event->path.remote};
}

void history_note(load_history *load, annexes *all, const vpn_wg_event_info *event, uint64_t wall)
{
    if (event->type == VPN_WG_ROAMED) {
        note_move(all, event, wall);
    } else if (event->type == VPN_WG_LOAD_ON) {
        *load = (load_history){.count = load->count + 1, .began = wall};
    } else if (event->type == VPN_WG_LOAD_OFF) {
        load->ended = wall;
    }
}
