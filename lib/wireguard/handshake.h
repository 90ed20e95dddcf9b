/* SPDX-License-Identifier: ISC */
/* Initiation and response of WireGuard on top of Noise. A handshake is plain memory that belongs to one peer or to one
   call; whoever owns it wipes it. */
#ifndef VPN_LIB_WIREGUARD_HANDSHAKE_H
#define VPN_LIB_WIREGUARD_HANDSHAKE_H

#include <vpn/handshake.h>

#include "wireguard/noise.h"

enum vpn__handshake_step {
    VPN__HANDSHAKE_NONE,
    VPN__HANDSHAKE_INITIATED, /* an initiation was sent */
    VPN__HANDSHAKE_OPENED,    /* an initiation was read as far as its static key */
    VPN__HANDSHAKE_PROVED,    /* an initiation was read to its end */
    VPN__HANDSHAKE_COMPLETE   /* both sides can derive the session */
};

struct vpn__handshake {
    struct vpn__noise noise;
    uint8_t ephemeral[32]; /* private; of the initiator until the response came */
    uint8_t preshared[32]; /* as it was when the handshake began */
    uint32_t local_index;
    uint32_t remote_index;
    uint32_t initiator;
    enum vpn__handshake_step step;
};

/* Writes the bytes before mac1. On error the handshake is wiped. */
int vpn__handshake_initiate(struct vpn__handshake *h, uint8_t *message, const struct vpn__noise_local *local,
                            const uint8_t remote[32], const uint8_t ss[32], const uint8_t preshared[32], uint32_t index,
                            const uint8_t stamp[12], const vpn_env *env);
/* es and the static key, which is not proved yet. On error `h` is wiped. */
int vpn__handshake_open(struct vpn__handshake *h, const uint8_t *message, const struct vpn__noise_local *local,
                        uint8_t remote[32]);
/* ss and the stamp: now the static key is proved. On error `h` is wiped. */
int vpn__handshake_prove(struct vpn__handshake *h, const uint8_t *message, const uint8_t ss[32], uint8_t stamp[12]);
/* Writes the bytes before mac1; afterwards the handshake is complete. `message` may be the initiation's memory. */
int vpn__handshake_respond(struct vpn__handshake *h, uint8_t *message, const vpn_provider *provider,
                           const uint8_t remote[32], const uint8_t preshared[32], uint32_t index, const vpn_env *env);
/* Works on a copy: an error leaves `h` as it was. */
int vpn__handshake_read_response(struct vpn__handshake *h, const uint8_t *message,
                                 const struct vpn__noise_local *local);
/* Derives the keys of a complete handshake and wipes it. */
void vpn__handshake_derive(struct vpn__handshake *h, vpn_session_keys *keys);

#endif
