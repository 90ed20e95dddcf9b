/* SPDX-License-Identifier: ISC */
/* A WireGuard device as UAPI text tells of it: the answer to a get request, or a set request. */
#ifndef VPNCTL_DEVICE_H
#define VPNCTL_DEVICE_H

#include <vpn/vpn.h>

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
} device;

/* Reads `size` bytes of text with a NUL behind them. 0; else the number of the line that is wrong, and `why` is static text about
 * it. Either way device_free, which wipes the keys. */
size_t device_parse(device *out, const char *text, size_t size, const char **why);
void device_free(device *d);

#endif
