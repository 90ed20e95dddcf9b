/* SPDX-License-Identifier: ISC */
/* Understands the handshakes that arrive at a device's port, with its private key. Reads what anybody may have sent. */
#ifndef VPNCTL_EAR_H
#define VPNCTL_EAR_H

#include <vpn/vpn.h>

#include "device.h"
#include "facts.h"

enum { EAR_HANDSHAKES = 64 }; /* more are counted, and not read: each takes key agreements */

typedef struct ear {
    const device *device;
    const uint8_t *peer;      /* its public key */
    const vpn_endpoint *from; /* where it is; family 0: anywhere */
    const facts *local;       /* our addresses */
    vpn_cookie_checker checker;
    uint32_t index; /* of the peer's last initiation */
    int named;      /* there is one */
    int left;       /* of EAR_HANDSHAKES */
    vpn_heard heard;
} ear;

/* What is pointed to outlives it, and the endpoint may change. Wipe it in the end. */
void ear_init(ear *e, const device *d, const uint8_t peer[VPN_KEY_BYTES], const vpn_endpoint *from, const facts *local);
/* Takes an IP packet, which may be cut; `now` is the wall clock in seconds. */
void ear_take(ear *e, const uint8_t *packet, size_t length, int outgoing, uint64_t now);
/* 1: what was heard of the peer says already what is wrong. */
int ear_knows(const ear *e);

#endif
