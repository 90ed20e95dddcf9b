/* SPDX-License-Identifier: ISC */
/* Keys that are not known are passed over, as daemons may know more than we do. */
#include "device.h"

#include <stdlib.h>
#include <string.h>

/* A line in its two halves. */
typedef struct line {
    const char *key;
    size_t key_length;
    const char *value;
    size_t length;
} line;

static int is(const line *l, const char *key)
{
    return strlen(key) == l->key_length && memcmp(key, l->key, l->key_length) == 0;
}

static const char *read_key(const line *l, uint8_t key[VPN_KEY_BYTES])
{
    return vpn_key_from_hex(key, l->value, l->length) == 0 ? NULL : "not a key in hexadecimal";
}

static const char *read_number(const line *l, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;

    for (size_t i = 0; i < l->length; i++) {
        unsigned digit = (unsigned)(l->value[i] - '0');

        if (digit > 9 || number > (max - digit) / 10)
            return "not a number of this range";
        number = number * 10 + digit;
    }
    *out = number;
    return l->length == 0 ? "not a number" : NULL;
}

static const char *read_small(const line *l, uint64_t max, uint32_t *out)
{
    uint64_t number = 0;
    const char *why = read_number(l, max, &number);

    *out = (uint32_t)number;
    return why;
}

/* By hand: realloc would leave a copy of the preshared keys behind. */
static device_peer *fresh_peer(device *d)
{
    device_peer *peers = d->peers;

    if ((d->peer_count & (d->peer_count - 1)) == 0) {
        peers = calloc(d->peer_count == 0 ? 1 : d->peer_count * 2, sizeof *peers);
        if (peers == NULL)
            return NULL;
        if (d->peers != NULL) {
            memcpy(peers, d->peers, d->peer_count * sizeof *peers);
            vpn_wipe(d->peers, d->peer_count * sizeof *peers);
        }
        free(d->peers);
        d->peers = peers;
    }
    peers[d->peer_count] = (device_peer){.first_prefix = d->prefix_count, .first_more = d->more_all};
    return &peers[d->peer_count++];
}

static const char *read_prefix(device *d, device_peer *peer, const line *l)
{
    if ((d->prefix_count & (d->prefix_count - 1)) == 0) {
        size_t room = d->prefix_count == 0 ? 1 : d->prefix_count * 2;
        vpn_prefix *prefixes =
            room > SIZE_MAX / sizeof *prefixes ? NULL : realloc(d->prefixes, room * sizeof *prefixes);

        if (prefixes == NULL)
            return "out of memory";
        d->prefixes = prefixes;
    }
    if (vpn_prefix_parse(&d->prefixes[d->prefix_count], l->value, l->length) != 0)
        return "not a prefix";
    d->prefix_count++;
    peer->prefix_count++;
    return NULL;
}

/* It is shown on terminals, so it holds nothing but what belongs there. */
static const char *read_endpoint(device_peer *peer, const line *l)
{
    if (l->length >= sizeof peer->endpoint)
        return "too long for an endpoint";
    for (size_t i = 0; i < l->length; i++) {
        if (l->value[i] <= ' ' || l->value[i] >= 127)
            return "not an endpoint";
    }
    memcpy(peer->endpoint, l->value, l->length);
    peer->endpoint[l->length] = '\0';
    return NULL;
}

/* Room for one more fact, behind those that there are. */
static device_more *fresh_more(device *d)
{
    size_t room = d->more_all == 0 ? 1 : d->more_all * 2;
    device_more *more = d->more;

    if ((d->more_all & (d->more_all - 1)) == 0)
        more = room > SIZE_MAX / sizeof *more ? NULL : realloc(d->more, room * sizeof *more);
    if (more == NULL)
        return NULL;
    d->more = more;
    return &more[d->more_all];
}

static const char *keep_more(device *d, size_t *count, size_t key, const line *l)
{
    device_more *fact = fresh_more(d);

    if (fact == NULL)
        return "out of memory";
    fact->key = key;
    fact->value = strndup(l->value, l->length);
    if (fact->value == NULL)
        return "out of memory";
    d->more_all++;
    ++*count;
    return NULL;
}

/* What libvpn tells beyond; keys of later versions are passed over. */
static const char *read_more(device *d, device_peer *peer, const line *l)
{
    int key = more_find(l->key, l->key_length, peer == NULL ? MORE_DEVICE : MORE_PEER);
    size_t at = 0;
    const char *why;

    if (key < 0)
        return NULL;
    why = more_check(more_at((size_t)key)->kind, l->value, l->length);
    if (why != NULL)
        return why;
    if ((more_at((size_t)key)->flags & MORE_MANY) == 0 && device_told(d, peer, more_at((size_t)key)->name, &at) != NULL)
        return "said twice";
    return keep_more(d, peer == NULL ? &d->more_count : &peer->more_count, (size_t)key, l);
}

static const char *read_interface_line(device *d, const line *l)
{
    const char *why;

    if (is(l, "private_key")) {
        why = read_key(l, d->private_key);
        if (why == NULL && !vpn_key_is_zero(d->private_key))
            vpn_key_public(d->public_key, d->private_key);
        return why;
    }
    if (is(l, "listen_port"))
        return read_small(l, UINT16_MAX, &d->port);
    return is(l, "fwmark") ? read_small(l, UINT32_MAX, &d->fwmark) : read_more(d, NULL, l);
}

static const char *read_peer_line(device *d, device_peer *peer, const line *l)
{
    if (is(l, "preshared_key"))
        return read_key(l, peer->preshared_key);
    if (is(l, "endpoint"))
        return read_endpoint(peer, l);
    if (is(l, "allowed_ip"))
        return read_prefix(d, peer, l);
    if (is(l, "persistent_keepalive_interval"))
        return read_small(l, UINT16_MAX, &peer->keepalive);
    if (is(l, "last_handshake_time_sec"))
        return read_number(l, INT64_MAX, &peer->handshake);
    if (is(l, "last_handshake_time_nsec"))
        return read_number(l, INT64_MAX, &peer->handshake_rest);
    if (is(l, "rx_bytes"))
        return read_number(l, UINT64_MAX, &peer->received);
    if (is(l, "tx_bytes"))
        return read_number(l, UINT64_MAX, &peer->sent);
    return is(l, "remove") ? "a peer that is to be removed" : read_more(d, peer, l);
}

static const char *read_line(device *d, const line *l)
{
    device_peer *peer;

    if (is(l, "public_key")) {
        peer = fresh_peer(d);
        return peer == NULL ? "out of memory" : read_key(l, peer->public_key);
    }
    return d->peer_count == 0 ? read_interface_line(d, l) : read_peer_line(d, &d->peers[d->peer_count - 1], l);
}

/* NULL, or what is wrong with the line. */
static const char *split(line *l, const char *at, size_t length)
{
    const char *equals = memchr(at, '=', length);

    if (equals == NULL)
        return "a line KEY=VALUE is expected";
    l->key = at;
    l->key_length = (size_t)(equals - at);
    l->value = equals + 1;
    l->length = length - l->key_length - 1;
    return NULL;
}

size_t device_parse(device *out, const char *text, size_t size, const char **why)
{
    const char *at = text;
    size_t number = 1;

    *out = (device){.port = 0};
    *why = NULL;
    for (; *at != '\0'; number++) {
        size_t length = strcspn(at, "\n");
        line l;

        if (length > 0)
            *why = split(&l, at, length);
        if (length > 0 && *why == NULL)
            *why = read_line(out, &l);
        if (*why != NULL)
            return number;
        at += length + (at[length] == '\n');
    }
    /* What stands behind a NUL would be passed over in silence. */
    *why = at == text + size ? NULL : "a NUL is in the text";
    return *why == NULL ? 0 : number;
}

void device_free(device *d)
{
    if (d->peers != NULL)
        vpn_wipe(d->peers, d->peer_count * sizeof *d->peers);
    free(d->peers);
    free(d->prefixes);
    for (size_t i = 0; i < d->more_all; i++)
        free(d->more[i].value);
    free(d->more);
    vpn_wipe(d, sizeof *d);
}

const char *device_told(const device *d, const device_peer *peer, const char *key, size_t *at)
{
    size_t first = peer == NULL ? 0 : peer->first_more;
    size_t count = peer == NULL ? d->more_count : peer->more_count;

    while (*at < count) {
        const device_more *fact = &d->more[first + (*at)++];

        if (strcmp(more_at(fact->key)->name, key) == 0)
            return fact->value;
    }
    return NULL;
}
