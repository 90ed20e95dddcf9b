/* SPDX-License-Identifier: ISC */
/* What the daemon tells. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diagnosis.h"
#include "device_ask.h"

const device_peer *device_peer_of(const device *d, const uint8_t key[VPN_KEY_BYTES])
{
    for (size_t i = 0; i < d->peer_count; i++) {
        if (memcmp(d->peers[i].public_key, key, VPN_KEY_BYTES) == 0)
            return &d->peers[i];
    }
    return NULL;
}

/* A daemon that answers something strange is one that cannot be asked. */
int diagnosis_ask(device *out, const char *name, int more)
{
    const char *why;
    size_t line;

    return device_ask(out, name, more, &line, &why);
}

/* "NUMBER REASON"; 0: it is another reason. */
static uint64_t number_of(const char *drop, uint32_t reason)
{
    char *end;
    uint64_t number = strtoull(drop, &end, 10);

    return *end == ' ' && strcmp(end + 1, vpn_reason_name(reason)) == 0 ? number : 0;
}

/* Of what peers count, the peer's own number matters. */
static uint64_t dropped(const device *d, const device_peer *peer, uint32_t reason)
{
    const char *drop;
    uint64_t number = 0;
    size_t at = 0;

    while ((drop = device_told(d, reason >= VPN_REASON_PEER_FIRST ? peer : NULL, "drop", &at)) != NULL && number == 0)
        number = number_of(drop, reason);
    return number;
}

int diagnosis_drops(uint64_t drops[VPN_REASONS], const char *name, const uint8_t key[VPN_KEY_BYTES])
{
    const device_peer *peer = NULL;
    device now;
    int told = 0;

    if (diagnosis_ask(&now, name, 1) == 0) {
        size_t at = 0;

        peer = device_peer_of(&now, key);
        told = peer != NULL && device_told(&now, NULL, "version", &at) != NULL;
    }
    for (uint32_t reason = 0; reason < VPN_REASONS && told; reason++)
        drops[reason] = dropped(&now, peer, reason);
    device_free(&now);
    return told;
}

uint64_t device_peer_age(const device_peer *peer)
{
    time_t now = time(NULL);

    if (peer->handshake == 0)
        return VPN_SECONDS_NEVER;
    return now < 0 || (uint64_t)now < peer->handshake ? 0 : (uint64_t)now - peer->handshake;
}

int device_peer_lives(const device_peer *peer)
{
    return device_peer_age(peer) < REJECT_AFTER_TIME;
}
