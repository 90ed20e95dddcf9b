/* SPDX-License-Identifier: ISC */
/* The names of the functions below are those of the Noise specification, section 5.2. Every key is used for one message
   only, so its nonce is always zero and the key never leaves the function that derives it. */
#include "wireguard/noise.h"

#include <string.h>

#include "crypto/blake2s.h"

static const uint8_t zero_nonce[VPN_NONCE_BYTES];

int vpn__noise_dh(const vpn_provider *provider, uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    if (provider != NULL && provider->x25519 != NULL)
        return provider->x25519(out, scalar, point);
    return vpn_x25519(out, scalar, point);
}

static void mix_hash(struct vpn__noise *noise, const void *data, size_t bytes)
{
    vpn_blake2s state;

    vpn_blake2s_init(&state, 32, NULL, 0);
    vpn__blake2s_update(&state, noise->hash, 32);
    vpn__blake2s_update(&state, data, bytes);
    vpn__blake2s_final(&state, noise->hash);
    vpn__blake2s_burn();
}

static void mix_key(struct vpn__noise *noise, uint8_t *key, const uint8_t input[32])
{
    vpn_hkdf(noise->chaining, key, NULL, noise->chaining, input, 32);
}

static int mix_dh(struct vpn__noise *noise, uint8_t key[32], const vpn_provider *provider, const uint8_t scalar[32],
                  const uint8_t point[32])
{
    uint8_t shared[32];
    int error = vpn__noise_dh(provider, shared, scalar, point);

    if (error == VPN_OK)
        mix_key(noise, key, shared);
    vpn_wipe(shared, sizeof shared);
    return error;
}

/* In a handshake with a preshared key, e is mixed into the chaining key as well: section 9.2. */
static void mix_ephemeral(struct vpn__noise *noise, const uint8_t public_key[32])
{
    mix_hash(noise, public_key, 32);
    mix_key(noise, NULL, public_key);
}

static void mix_preshared(struct vpn__noise *noise, uint8_t key[32], const uint8_t preshared[32])
{
    uint8_t tau[32];

    vpn_hkdf(noise->chaining, tau, key, noise->chaining, preshared, 32);
    mix_hash(noise, tau, 32);
    vpn_wipe(tau, sizeof tau);
}

static void encrypt_and_hash(struct vpn__noise *noise, uint8_t *out, const uint8_t key[32], const uint8_t *text,
                             size_t bytes)
{
    vpn_aead_seal(out, text, bytes, noise->hash, 32, zero_nonce, key);
    mix_hash(noise, out, bytes + VPN_TAG_BYTES);
}

static int decrypt_and_hash(struct vpn__noise *noise, uint8_t *text, const uint8_t key[32], const uint8_t *in,
                            size_t bytes)
{
    int error = vpn_aead_open(text, in, bytes + VPN_TAG_BYTES, noise->hash, 32, zero_nonce, key);

    if (error == VPN_OK)
        mix_hash(noise, in, bytes + VPN_TAG_BYTES);
    return error;
}

void vpn__noise_begin(struct vpn__noise *noise, const void *prologue, size_t bytes, const uint8_t responder[32])
{
    static const char name[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

    vpn_blake2s_hash(noise->chaining, 32, name, sizeof name - 1, NULL, 0);
    memcpy(noise->hash, noise->chaining, 32);
    memset(noise->remote_ephemeral, 0, 32);
    mix_hash(noise, prologue, bytes);
    mix_hash(noise, responder, 32);
}

int vpn__noise_write_first(struct vpn__noise *noise, uint8_t *out, const struct vpn__noise_local *local,
                           const uint8_t remote[32], const uint8_t ss[32], const uint8_t ephemeral[32],
                           const uint8_t *payload, size_t bytes)
{
    uint8_t key[32];
    int error;

    vpn_key_public(out, ephemeral);
    mix_ephemeral(noise, out);
    error = mix_dh(noise, key, local->provider, ephemeral, remote);
    if (error == VPN_OK) {
        encrypt_and_hash(noise, out + 32, key, local->public_key, 32);
        mix_key(noise, key, ss);
        encrypt_and_hash(noise, out + 80, key, payload, bytes);
    }
    vpn_wipe(key, sizeof key);
    return error;
}

int vpn__noise_read_static(struct vpn__noise *noise, const uint8_t *in, const struct vpn__noise_local *local,
                           uint8_t remote[32])
{
    uint8_t key[32];
    int error;

    memcpy(noise->remote_ephemeral, in, 32);
    mix_ephemeral(noise, noise->remote_ephemeral);
    error = mix_dh(noise, key, local->provider, local->private_key, noise->remote_ephemeral);
    if (error == VPN_OK)
        error = decrypt_and_hash(noise, remote, key, in + 32, 32);
    vpn_wipe(key, sizeof key);
    return error;
}

int vpn__noise_read_payload(struct vpn__noise *noise, const uint8_t *in, const uint8_t ss[32], uint8_t *payload,
                            size_t bytes)
{
    uint8_t key[32];
    int error;

    mix_key(noise, key, ss);
    error = decrypt_and_hash(noise, payload, key, in + 80, bytes);
    vpn_wipe(key, sizeof key);
    return error;
}

int vpn__noise_write_second(struct vpn__noise *noise, uint8_t *out, const vpn_provider *provider,
                            const uint8_t remote[32], const uint8_t preshared[32], const uint8_t ephemeral[32],
                            const uint8_t *payload, size_t bytes)
{
    uint8_t key[32];
    int error;

    vpn_key_public(out, ephemeral);
    mix_ephemeral(noise, out);
    error = mix_dh(noise, key, provider, ephemeral, noise->remote_ephemeral);
    if (error == VPN_OK)
        error = mix_dh(noise, key, provider, ephemeral, remote);
    if (error == VPN_OK) {
        mix_preshared(noise, key, preshared);
        encrypt_and_hash(noise, out + 32, key, payload, bytes);
    }
    vpn_wipe(key, sizeof key);
    return error;
}

int vpn__noise_read_second(struct vpn__noise *noise, const uint8_t *in, const struct vpn__noise_local *local,
                           const uint8_t preshared[32], const uint8_t ephemeral[32], uint8_t *payload, size_t bytes)
{
    uint8_t key[32];
    int error;

    memcpy(noise->remote_ephemeral, in, 32);
    mix_ephemeral(noise, noise->remote_ephemeral);
    error = mix_dh(noise, key, local->provider, ephemeral, noise->remote_ephemeral);
    if (error == VPN_OK)
        error = mix_dh(noise, key, local->provider, local->private_key, noise->remote_ephemeral);
    if (error == VPN_OK) {
        mix_preshared(noise, key, preshared);
        error = decrypt_and_hash(noise, payload, key, in + 32, bytes);
    }
    vpn_wipe(key, sizeof key);
    return error;
}

void vpn__noise_split(const struct vpn__noise *noise, uint8_t first[32], uint8_t second[32])
{
    vpn_hkdf(first, second, NULL, noise->chaining, NULL, 0);
}
