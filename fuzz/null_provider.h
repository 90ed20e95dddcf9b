/* SPDX-License-Identifier: ISC */
/*
 * A provider without cryptography: a tag is 16 zeros, text stays text, and every agreement has the same result. So a fuzzer
 * that changes a byte of a data message still gets past its tag, into the state machine behind it.
 */
#ifndef VPN_FUZZ_NULL_PROVIDER_H
#define VPN_FUZZ_NULL_PROVIDER_H

#include <string.h>

#include <vpn/crypto.h>

static inline int null_init_key(void *slot, const uint8_t key[VPN_KEY_BYTES])
{
    memcpy(slot, key, VPN_KEY_BYTES);
    return 0;
}

static inline size_t null_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        memset(jobs[i].data + jobs[i].length, 0, VPN_TAG_BYTES);
        jobs[i].done = 1;
    }
    return n;
}

static inline size_t null_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    static const uint8_t zero[VPN_TAG_BYTES];
    size_t done = 0;

    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        jobs[i].done = memcmp(jobs[i].data + jobs[i].length, zero, VPN_TAG_BYTES) == 0;
        done += jobs[i].done;
    }
    return done;
}

static inline int null_x25519(uint8_t out[VPN_KEY_BYTES], const uint8_t scalar[VPN_KEY_BYTES],
                              const uint8_t point[VPN_KEY_BYTES])
{
    (void)scalar;
    (void)point;
    memset(out, 1, VPN_KEY_BYTES);
    return 0;
}

static inline const vpn_provider *null_provider(void)
{
    static const vpn_provider provider = {.size = sizeof(vpn_provider),
                                          .key_size = VPN_KEY_BYTES,
                                          .name = "null",
                                          .init_key = null_init_key,
                                          .seal = null_seal,
                                          .open = null_open,
                                          .x25519 = null_x25519};
    return &provider;
}

#endif
