/* SPDX-License-Identifier: ISC */
/* Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s for any prologue and payload (Noise specification revision 34). It knows no
   message type, index, mac or time: those are the handshake's. */
#ifndef VPN_LIB_WIREGUARD_NOISE_H
#define VPN_LIB_WIREGUARD_NOISE_H

#include <vpn/crypto.h>

#define VPN__NOISE_FIRST(payload)  (32 + 32 + 16 + (payload) + 16)
#define VPN__NOISE_SECOND(payload) (32 + (payload) + 16)

/* The symmetric state, with what a side must remember of the other's ephemeral key. */
struct vpn__noise {
    uint8_t hash[32];
    uint8_t chaining[32];
    uint8_t remote_ephemeral[32];
};

/* Our side's static keys and who multiplies points. */
struct vpn__noise_local {
    uint8_t private_key[32];
    uint8_t public_key[32];
    const vpn_provider *provider; /* NULL or without x25519: libsodium */
};

/* X25519 by a provider. 0 or VPN_EKEY. */
int vpn__noise_dh(const vpn_provider *provider, uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32]);

void vpn__noise_begin(struct vpn__noise *noise, const void *prologue, size_t bytes, const uint8_t responder[32]);

/* -> e, es, s, ss: writes VPN__NOISE_FIRST(bytes) bytes. `ss` is the agreement of both static keys. 0 or VPN_EKEY. */
int vpn__noise_write_first(struct vpn__noise *noise, uint8_t *out, const struct vpn__noise_local *local,
                           const uint8_t remote[32], const uint8_t ss[32], const uint8_t ephemeral[32],
                           const uint8_t *payload, size_t bytes);
/* Reads e, es, s. 0, VPN_EAUTH or VPN_EKEY; then the state is of no use. */
int vpn__noise_read_static(struct vpn__noise *noise, const uint8_t *in, const struct vpn__noise_local *local,
                           uint8_t remote[32]);
/* Reads ss and the payload of the first message. 0 or VPN_EAUTH; then the state is of no use. */
int vpn__noise_read_payload(struct vpn__noise *noise, const uint8_t *in, const uint8_t ss[32], uint8_t *payload,
                            size_t bytes);

/* <- e, ee, se, psk: writes VPN__NOISE_SECOND(bytes) bytes. 0 or VPN_EKEY. */
int vpn__noise_write_second(struct vpn__noise *noise, uint8_t *out, const vpn_provider *provider,
                            const uint8_t remote[32], const uint8_t preshared[32], const uint8_t ephemeral[32],
                            const uint8_t *payload, size_t bytes);
/* 0, VPN_EAUTH or VPN_EKEY; then the state is of no use. */
int vpn__noise_read_second(struct vpn__noise *noise, const uint8_t *in, const struct vpn__noise_local *local,
                           const uint8_t preshared[32], const uint8_t ephemeral[32], uint8_t *payload, size_t bytes);

/* The initiator sends under `first` and receives under `second`. */
void vpn__noise_split(const struct vpn__noise *noise, uint8_t first[32], uint8_t second[32]);

#endif
