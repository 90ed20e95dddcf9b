/* SPDX-License-Identifier: ISC */
/* A WireGuard device as UAPI text tells of it: the answer to a get request, or a set request. */
#ifndef VPNCTL_DEVICE_H
#define VPNCTL_DEVICE_H

#include <vpn/vpn.h>

#include "more.h"

/* A fact that libvpn tells beyond wg(8), in a form that more_check allows. */
typedef struct device_more {
    size_t key; /* more_at */
    char *value;
} device_more;

typedef struct device_peer {
    uint8_t public_key[VPN_KEY_BYTES];
    uint8_t preshared_key[VPN_KEY_BYTES]; /* zero: none */
    char endpoint[VPN_ENDPOINT_CHARS];    /* as the daemon wrote it; "": none */
    uint64_t handshake;                   /* seconds of the wall clock; 0: never */
    uint64_t handshake_rest;              /* nanoseconds */
    uint64_t received;                    /* bytes */
    uint64_t sent;
    uint32_t keepalive;  /* seconds; 0: off */
    size_t first_prefix; /* in `prefixes` of the device */
    size_t prefix_count;
    size_t first_more; /* in `more` of the device */
    size_t more_count;
} device_peer;

typedef struct device {
    uint8_t private_key[VPN_KEY_BYTES]; /* zero: none */
    uint8_t public_key[VPN_KEY_BYTES];
    uint32_t port;
    uint32_t fwmark;
    device_peer *peers;
    size_t peer_count;
    vpn_prefix *prefixes;
    size_t prefix_count;
    device_more *more; /* the device's own first */
    size_t more_count; /* of the device's own */
    size_t more_all;
} device;

/* Reads `size` bytes of text with a NUL behind them. 0; else the number of the line that is wrong, and `why` is static text about
 * it. Either way device_free, which wipes the keys. */
size_t device_parse(device *out, const char *text, size_t size, const char **why);
void device_free(device *d);

/* The value of a key such as "state" or "path_mtu" (the name behind "libvpn_"), of a peer, or of the device when `peer` is NULL: the
 * one after `*at`, which is 0 at first, for keys that are there more than once. NULL: no more, or the daemon did not say. */
const char *device_told(const device *d, const device_peer *peer, const char *key, size_t *at);

#endif
