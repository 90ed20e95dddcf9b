/* SPDX-License-Identifier: ISC */
/* A provider has no place for a world of its own, so the present one is kept here; worlds live one after the other. */
#include "sim/cipher.h"

#include <sodium.h>
#include <string.h>

#include "sim/report.h"

struct slot {
    uint8_t key[32];
    uint32_t number;
};

static struct {
    struct nonces *nonces;
    struct secrets *secrets;
    int lie;
    uint64_t sealed;
    uint8_t last_key[32];
    int quick; /* public keys of the quick provider are wanted */
} at;

void cipher_begin(struct nonces *nonces, struct secrets *secrets, int lie)
{
    memset(&at, 0, sizeof at);
    at.nonces = nonces;
    at.secrets = secrets;
    at.lie = lie;
}

void cipher_end(void)
{
    memset(&at, 0, sizeof at);
}

const uint8_t *cipher_last_key(void)
{
    return at.last_key;
}

static int init_key(void *memory, const uint8_t key[VPN_KEY_BYTES])
{
    struct slot *slot = memory;
    memcpy(slot->key, key, 32);
    slot->number = nonces_key(at.nonces, key);
    memcpy(at.last_key, key, 32);
    secrets_note(at.secrets, key, 32);
    return 0;
}

static void record(const vpn_aead_job *job)
{
    const struct slot *slot = job->key;
    int unused = nonces_use(at.nonces, slot->number, job->nonce);
    if (at.lie && ++at.sealed % 100 == 0)
        unused = nonces_use(at.nonces, slot->number, job->nonce);
    if (!unused)
        report_fail("a nonce was used twice under one key");
}

/* --- ChaCha20-Poly1305 --- */

static size_t real(void *scratch, vpn_aead_job *jobs, size_t n, int seal)
{
    const vpn_provider *sodium = vpn_provider_sodium();
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        vpn_aead_job job = jobs[i];
        job.key = ((const struct slot *)jobs[i].key)->key;
        if (seal)
            record(&jobs[i]);
        (void)(seal ? sodium->seal(scratch, &job, 1) : sodium->open(scratch, &job, 1));
        jobs[i].done = job.done;
        done += job.done;
    }
    return done;
}

static size_t real_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return real(scratch, jobs, n, 1);
}

static size_t real_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return real(scratch, jobs, n, 0);
}

static int real_x25519(uint8_t out[VPN_KEY_BYTES], const uint8_t scalar[VPN_KEY_BYTES],
                       const uint8_t point[VPN_KEY_BYTES])
{
    int error = vpn_x25519(out, scalar, point);
    if (error == VPN_OK)
        secrets_note(at.secrets, out, 32);
    return error;
}

static vpn_provider recorded(void)
{
    vpn_provider provider;
    provider = *vpn_provider_sodium();
    provider.size = sizeof provider;
    provider.key_size = sizeof(struct slot);
    provider.name = "recorded";
    provider.init_key = init_key;
    provider.seal = real_seal;
    provider.open = real_open;
    provider.x25519 = real_x25519;
    return provider;
}

const vpn_provider *cipher_real(void)
{
    static vpn_provider provider;
    provider = recorded();
    at.quick = 0;
    return &provider;
}

/* --- the quick ones --- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A key for this message alone. */
static void message_key(uint8_t out[16], const vpn_aead_job *job)
{
    const struct slot *slot = job->key;
    uint8_t input[28];
    memcpy(input, slot->key + 16, 16);
    memcpy(input + 16, job->nonce, 12);
    crypto_shorthash_siphashx24(out, input, sizeof input, slot->key);
}

static void stream(const uint8_t key[16], uint8_t *data, size_t length)
{
    uint64_t seed, word;
    memcpy(&seed, key, 8);
    for (size_t i = 0; i < length; i += 8) {
        size_t n = length - i < 8 ? length - i : 8;
        word = mix(seed += UINT64_C(0x9e3779b97f4a7c15));
        uint8_t pad[8];
        memcpy(pad, &word, 8);
        for (size_t k = 0; k < n; k++)
            data[i + k] ^= pad[k];
    }
}

static void tag_of(uint8_t out[16], const uint8_t key[16], const vpn_aead_job *job)
{
    MUST(job->ad_length == 0); /* WireGuard's data messages have none */
    crypto_shorthash_siphashx24(out, job->data, job->length, key);
}

static size_t quick_seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        uint8_t key[16];
        record(&jobs[i]);
        message_key(key, &jobs[i]);
        stream(key, jobs[i].data, jobs[i].length);
        tag_of(jobs[i].data + jobs[i].length, key, &jobs[i]);
        jobs[i].done = 1;
    }
    return n;
}

static size_t quick_open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    size_t done = 0;
    (void)scratch;
    for (size_t i = 0; i < n; i++) {
        uint8_t key[16], tag[16];
        message_key(key, &jobs[i]);
        tag_of(tag, key, &jobs[i]);
        jobs[i].done = memcmp(tag, jobs[i].data + jobs[i].length, 16) == 0;
        if (jobs[i].done)
            stream(key, jobs[i].data, jobs[i].length);
        done += jobs[i].done;
    }
    return done;
}

/* A group in which everything is quick: odd numbers of 64 bits under multiplication, four of them side by side. */
static void multiply(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    for (size_t i = 0; i < 32; i += 8) {
        uint64_t s, p;
        memcpy(&s, scalar + i, 8);
        memcpy(&p, point + i, 8);
        p *= s | 1;
        memcpy(out + i, &p, 8);
    }
}

static int quick_x25519(uint8_t out[VPN_KEY_BYTES], const uint8_t scalar[VPN_KEY_BYTES],
                        const uint8_t point[VPN_KEY_BYTES])
{
    multiply(out, scalar, point);
    secrets_note(at.secrets, out, 32);
    return 0;
}

/* Every call of vpn_key_public in the program comes here: no provider makes public keys. */
void __real_vpn_key_public(uint8_t out[VPN_KEY_BYTES], const uint8_t key[VPN_KEY_BYTES]);
void __wrap_vpn_key_public(uint8_t out[VPN_KEY_BYTES], const uint8_t key[VPN_KEY_BYTES]);

void __wrap_vpn_key_public(uint8_t out[VPN_KEY_BYTES], const uint8_t key[VPN_KEY_BYTES])
{
    static const uint8_t base[32] = "seven is odd, and so is eleven.";
    if (!at.quick)
        __real_vpn_key_public(out, key);
    else
        multiply(out, key, base);
}

const vpn_provider *cipher_quick(void)
{
    static vpn_provider provider;
    provider = recorded();
    at.quick = 1;
    provider.name = "quick";
    provider.seal = quick_seal;
    provider.open = quick_open;
    provider.x25519 = quick_x25519;
    return &provider;
}
