/* SPDX-License-Identifier: ISC */
/* The reference provider. A slot is the key itself, and nothing is kept between packets, so there is no scratch. */
#include <vpn/crypto.h>

#include "crypto/sodium.h"

#include <string.h>

#define TEXT_MAX crypto_aead_chacha20poly1305_ietf_MESSAGEBYTES_MAX

static int init_key(void *slot, const uint8_t key[VPN_KEY_BYTES])
{
    memcpy(slot, key, VPN_KEY_BYTES);
    return 0;
}

/* The two below do not call vpn__sodium_ready, whose lock threads would share: vpn_provider_sodium has. */
static size_t seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t done = 0;
    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job *job = &jobs[i];
        job->done = job->length <= TEXT_MAX &&
                    crypto_aead_chacha20poly1305_ietf_encrypt(job->data, NULL, job->data, job->length, job->ad,
                                                              job->ad_length, NULL, job->nonce, job->key) == 0;
        done += job->done;
    }
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
    return done;
}

static size_t open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t done = 0;
    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job *job = &jobs[i];
        job->done = job->length <= TEXT_MAX && crypto_aead_chacha20poly1305_ietf_decrypt(
                                                   job->data, NULL, NULL, job->data, job->length + VPN_TAG_BYTES,
                                                   job->ad, job->ad_length, job->nonce, job->key) == 0;
        done += job->done;
    }
    vpn__sodium_burn(VPN__SODIUM_FRAMES);
    return done;
}

static const vpn_provider provider = {
    .size = sizeof(vpn_provider),
    .key_size = VPN_KEY_BYTES,
    .name = "sodium",
    .init_key = init_key,
    .seal = seal,
    .open = open,
    .x25519 = vpn_x25519,
    .xseal = vpn_xaead_seal,
    .xopen = vpn_xaead_open,
};

const vpn_provider *vpn_provider_sodium(void)
{
    vpn__sodium_ready();
    return &provider;
}
