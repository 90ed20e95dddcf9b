/* SPDX-License-Identifier: ISC */
/* What the daemon tells. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "diagnosis.h"
#include "drops.h"
#include "uapi_client.h"

const device_peer *device_peer_of(const device *d, const uint8_t key[VPN_KEY_BYTES])
{
    for (size_t i = 0; i < d->peer_count; i++) {
        if (memcmp(d->peers[i].public_key, key, VPN_KEY_BYTES) == 0)
            return &d->peers[i];
    }
    return NULL;
}

/* One answer to a request of one line. 0 or a negative errno; the caller frees it. */
static int ask(uapi_text *answer, const char *name, const char *what)
{
    uapi_text request = {.text = NULL};
    int error;

    uapi_text_put(&request, "%s\n\n", what);
    error = uapi_request(name, &request, answer);
    uapi_text_free(&request);
    return error;
}

int diagnosis_ask(device *out, const char *name)
{
    uapi_text answer = {.text = NULL};
    const char *why = NULL;
    int error = ask(&answer, name, "get=1");

    *out = (device){.port = 0};
    if (error == 0 && device_parse(out, answer.text, answer.length, &why) != 0)
        error = -EPROTO;
    uapi_text_free(&answer);
    return error;
}

int diagnosis_drops(const diagnosis *d, uint64_t drops[VPN_REASONS])
{
    uapi_text answer = {.text = NULL};
    int told = ask(&answer, d->l.name, "get=libvpn") == 0 && drops_read(drops, answer.text, d->seen.peer_key);

    uapi_text_free(&answer);
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
