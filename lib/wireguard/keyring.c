/* SPDX-License-Identifier: ISC */
#include "wireguard/keyring.h"

#include <stddef.h>

struct vpn__keyring_out vpn__keyring_initiated(struct vpn__keyring *ring, struct vpn_session *fresh)
{
    struct vpn__keyring_out out = {{ring->previous, NULL, NULL}};

    /* The unconfirmed next is newer than current: the peer may be sending under it. */
    if (ring->next != NULL) {
        out.session[1] = ring->current;
        ring->previous = ring->next;
        ring->next = NULL;
    } else {
        ring->previous = ring->current;
    }
    ring->current = fresh;
    return out;
}

struct vpn__keyring_out vpn__keyring_responded(struct vpn__keyring *ring, struct vpn_session *fresh)
{
    struct vpn__keyring_out out = {{ring->previous, ring->next, NULL}};

    ring->previous = NULL;
    ring->next = fresh;
    return out;
}

struct vpn__keyring_out vpn__keyring_confirmed(struct vpn__keyring *ring)
{
    struct vpn__keyring_out out = {{ring->previous, NULL, NULL}};

    ring->previous = ring->current;
    ring->current = ring->next;
    ring->next = NULL;
    return out;
}

struct vpn__keyring_out vpn__keyring_clear(struct vpn__keyring *ring)
{
    struct vpn__keyring_out out = {{ring->previous, ring->current, ring->next}};

    ring->previous = NULL;
    ring->current = NULL;
    ring->next = NULL;
    return out;
}
