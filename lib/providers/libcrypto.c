/* SPDX-License-Identifier: ISC */
/* What OpenSSL changes with every packet is a context, so each scratch has one of its own. A key slot is the key itself: to put it
   into a context costs less than to find the context that has it. */
#include <vpn/provider/libcrypto.h>

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define LENGTH_MAX 0x7ffffff0u /* of a text or its associated data: OpenSSL counts in int */

struct scratch {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *context;
};

static int init_key(void *slot, const uint8_t key[VPN_KEY_BYTES])
{
    memcpy(slot, key, VPN_KEY_BYTES);
    return VPN_OK;
}

static void end_scratch(void *memory)
{
    struct scratch *scratch = memory;

    EVP_CIPHER_CTX_free(scratch->context);
    EVP_CIPHER_free(scratch->cipher);
    memset(scratch, 0, sizeof *scratch);
}

/* The algorithm is fetched once, and the context bound to it. */
static int init_scratch(void *memory)
{
    struct scratch *scratch = memory;

    scratch->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    scratch->context = EVP_CIPHER_CTX_new();
    if (scratch->cipher != NULL && scratch->context != NULL &&
        EVP_CipherInit_ex2(scratch->context, scratch->cipher, NULL, NULL, 1, NULL) == 1)
        return VPN_OK;
    end_scratch(scratch);
    return VPN_ENOMEM;
}

/* The same for both directions: key, nonce, associated data, text. The tag of a text to open is given before its end. */
static int compute(EVP_CIPHER_CTX *context, vpn_aead_job *job, int sealing)
{
    uint8_t *tag = job->data + job->length;
    uint8_t nothing[16];
    int written = 0;

    if (job->length > LENGTH_MAX || job->ad_length > LENGTH_MAX)
        return 0;
    if (EVP_CipherInit_ex2(context, NULL, job->key, job->nonce, sealing, NULL) != 1)
        return 0;
    if (!sealing && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, VPN_TAG_BYTES, tag) != 1)
        return 0;
    if (job->ad_length != 0 && EVP_CipherUpdate(context, NULL, &written, job->ad, (int)job->ad_length) != 1)
        return 0;
    if (job->length != 0 && EVP_CipherUpdate(context, job->data, &written, job->data, (int)job->length) != 1)
        return 0;
    if (EVP_CipherFinal_ex(context, nothing, &written) != 1)
        return 0;
    return !sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, VPN_TAG_BYTES, tag) == 1;
}

static size_t seal(void *memory, vpn_aead_job *jobs, size_t n)
{
    const struct scratch *scratch = memory;
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        jobs[i].done = (uint32_t)compute(scratch->context, &jobs[i], 1);
        done += jobs[i].done;
    }
    return done;
}

static size_t open(void *memory, vpn_aead_job *jobs, size_t n)
{
    const struct scratch *scratch = memory;
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        vpn_aead_job *job = &jobs[i];

        job->done = (uint32_t)compute(scratch->context, job, 0);
        if (!job->done && job->length <= LENGTH_MAX)
            memset(job->data, 0, job->length);
        done += job->done;
    }
    return done;
}

/* A key pair with the public half given, which would cost as much again to compute and is not needed to agree on a secret. */
static EVP_PKEY *private_key(const uint8_t scalar[VPN_KEY_BYTES])
{
    static const uint8_t unused[VPN_KEY_BYTES] = {9};
    uint8_t secret[VPN_KEY_BYTES], public[VPN_KEY_BYTES];
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM parts[3];

    memcpy(secret, scalar, VPN_KEY_BYTES);
    memcpy(public, unused, VPN_KEY_BYTES);
    parts[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret, VPN_KEY_BYTES);
    parts[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, VPN_KEY_BYTES);
    parts[2] = OSSL_PARAM_construct_end();
    if (maker == NULL || EVP_PKEY_fromdata_init(maker) != 1 ||
        EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, parts) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(maker);
    vpn_wipe(secret, sizeof secret);
    return key;
}

static int x25519(uint8_t out[VPN_KEY_BYTES], const uint8_t scalar[VPN_KEY_BYTES], const uint8_t point[VPN_KEY_BYTES])
{
    uint8_t shared[VPN_KEY_BYTES] = {0};
    size_t bytes = sizeof shared;
    EVP_PKEY *ours = private_key(scalar);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, VPN_KEY_BYTES);
    EVP_PKEY_CTX *agreement = ours != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL) : NULL;
    int status = VPN_EKEY;

    if (theirs != NULL && agreement != NULL && EVP_PKEY_derive_init(agreement) == 1 &&
        EVP_PKEY_derive_set_peer_ex(agreement, theirs, 0) == 1 && EVP_PKEY_derive(agreement, shared, &bytes) == 1 &&
        bytes == sizeof shared && !vpn_key_is_zero(shared))
        status = VPN_OK;
    memset(out, 0, VPN_KEY_BYTES);
    if (status == VPN_OK)
        memcpy(out, shared, VPN_KEY_BYTES);
    vpn_wipe(shared, sizeof shared);
    EVP_PKEY_CTX_free(agreement);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
    return status;
}

static const vpn_provider provider = {
    .size = sizeof(vpn_provider),
    .key_size = VPN_KEY_BYTES,
    .scratch_size = sizeof(struct scratch),
    .name = "libcrypto",
    .init_key = init_key,
    .init_scratch = init_scratch,
    .end_scratch = end_scratch,
    .seal = seal,
    .open = open,
    .x25519 = x25519,
};

const vpn_provider *vpn_provider_libcrypto(void)
{
    struct scratch scratch;

    if (init_scratch(&scratch) != VPN_OK)
        return NULL;
    end_scratch(&scratch);
    return &provider;
}
