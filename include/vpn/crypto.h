/* SPDX-License-Identifier: ISC */
/**
 * @file crypto.h
 * @brief BLAKE2s, HMAC and HKDF on it, and the provider of X25519 and AEAD that an object is given.
 *
 * All functions here may be called from any thread; a state, a key slot or a scratch belongs to one thread at a time,
 * except that key slots are only read by `seal` and `open` and so may be shared by many.
 */
#ifndef VPN_CRYPTO_H
#define VPN_CRYPTO_H

#include <vpn/base.h>
#include <vpn/key.h>

VPN_BEGIN

#define VPN_BLAKE2S_BYTES       32 /**< longest output */
#define VPN_BLAKE2S_KEY_BYTES   32 /**< longest key */
#define VPN_BLAKE2S_BLOCK_BYTES 64 /**< input block */
#define VPN_TAG_BYTES           16 /**< Poly1305 tag */
#define VPN_NONCE_BYTES         12 /**< ChaCha20-Poly1305, RFC 8439 */
#define VPN_XNONCE_BYTES        24 /**< XChaCha20-Poly1305, draft-irtf-cfrg-xchacha-03 */

/** @brief A BLAKE2s computation in progress (RFC 7693). The fields are private. */
typedef struct vpn_blake2s {
    /** @cond private */
    uint32_t h[8];
    uint64_t count;
    uint8_t block[VPN_BLAKE2S_BLOCK_BYTES];
    uint32_t fill;
    uint32_t out_bytes;
    /** @endcond */
} vpn_blake2s;

/**
 * @brief Starts a computation.
 * @param out_bytes 1..32: part of what is hashed, so a short output is no prefix of a longer one.
 * @param key NULL when key_bytes is 0.
 * @param key_bytes 0..32.
 * @return 0, or VPN_EINVAL for a length outside its range. Since 0.1.
 */
VPN_API VPN_NONNULL(1) int vpn_blake2s_init(vpn_blake2s *state, size_t out_bytes, const uint8_t *key, size_t key_bytes);

/** @brief Adds input; `data` may be NULL when `bytes` is 0. Since 0.1. */
VPN_API VPN_NONNULL(1) void vpn_blake2s_update(vpn_blake2s *state, const void *data, size_t bytes);

/** @brief Writes `out_bytes` bytes, as given to init, and wipes the state. Since 0.1. */
VPN_API VPN_NONNULL(1, 2) void vpn_blake2s_final(vpn_blake2s *state, uint8_t *out);

/**
 * @brief The three calls in one.
 * @return 0, or VPN_EINVAL for a length outside its range. Since 0.1.
 */
VPN_API VPN_NONNULL(1) int vpn_blake2s_hash(uint8_t *out, size_t out_bytes, const void *data, size_t bytes,
                                            const uint8_t *key, size_t key_bytes);

/** @brief HMAC (RFC 2104) with BLAKE2s-256; `key_bytes` may be anything. Since 0.1. */
VPN_API VPN_NONNULL(1) void vpn_hmac(uint8_t out[VPN_BLAKE2S_BYTES], const uint8_t *key, size_t key_bytes,
                                     const void *data, size_t bytes);

/**
 * @brief HKDF (RFC 5869) with HMAC-BLAKE2s and an empty info, as the Noise specification section 4.3 uses it.
 * @param out1,out2,out3 results of 32 bytes each; a later one may be NULL and is then not computed.
 * @param salt 32 bytes, the chaining key; may be the memory of an output.
 * @param input `bytes` bytes; NULL when 0. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 4) void vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3,
                                        const uint8_t salt[VPN_BLAKE2S_BYTES], const void *input, size_t bytes);

/**
 * @brief One message for an AEAD, worked on in place.
 *
 * Sealing reads `length` bytes of text at `data` and writes as many bytes of ciphertext and then the 16-byte tag; opening
 * reads `length` bytes of ciphertext and then the tag. When opening fails, the text is left as it was or zeroed.
 */
typedef struct vpn_aead_job {
    const void *key;                /**< a key slot that init_key filled */
    uint8_t *data;                  /**< length + VPN_TAG_BYTES bytes */
    size_t length;                  /**< of the text, without the tag; may be 0 */
    const uint8_t *ad;              /**< associated data; NULL when ad_length is 0 */
    size_t ad_length;               /**< of `ad`; may be 0 */
    uint8_t nonce[VPN_NONCE_BYTES]; /**< never twice under one key */
    uint32_t done;                  /**< out: 1 when sealed, or when opened and authentic; else 0 */
} vpn_aead_job;

/** @brief Greatest `key_size` of a provider. */
#define VPN_PROVIDER_KEY_MAX 1024
/** @brief Greatest `scratch_size` of a provider. */
#define VPN_PROVIDER_SCRATCH_MAX 16777216

/**
 * @brief A provider of primitives. All providers agree bit for bit, including on what they reject.
 *
 * `seal` and `open` never write a key slot: what a provider must change per packet lives in the scratch of the thread
 * that calls. A member that may be NULL falls back to libsodium.
 */
typedef struct vpn_provider {
    uint32_t size;       /**< sizeof(vpn_provider) as the provider knows it */
    uint32_t key_size;   /**< bytes of a key slot, 1..VPN_PROVIDER_KEY_MAX; slots are aligned to 64 bytes */
    size_t scratch_size; /**< bytes of scratch for one thread, 0..VPN_PROVIDER_SCRATCH_MAX */
    const char *name;    /**< short, lower case, such as "sodium" */
    /** Prepares a slot for a ChaCha20-Poly1305 key. A slot is plain memory: it is wiped by overwriting, never moved. */
    int (*init_key)(void *slot, const uint8_t key[VPN_KEY_BYTES]);
    /** Prepares `scratch_size` bytes aligned to 64. 0 or a VPN_E*. NULL when nothing has to be done. */
    int (*init_scratch)(void *scratch);
    /** Gives back what init_scratch took. NULL when nothing has to be done. */
    void (*end_scratch)(void *scratch);
    /** Seals each job; returns how many are done. */
    size_t (*seal)(void *scratch, vpn_aead_job *jobs, size_t n);
    /** Opens each job; returns how many are done. */
    size_t (*open)(void *scratch, vpn_aead_job *jobs, size_t n);
    /** X25519 (RFC 7748). 0, or VPN_EKEY when the result is all zero, and then `out` is zero too. May be NULL. */
    int (*x25519)(uint8_t out[VPN_KEY_BYTES], const uint8_t scalar[VPN_KEY_BYTES], const uint8_t point[VPN_KEY_BYTES]);
    /** As vpn_xaead_seal. May be NULL. */
    void (*xseal)(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad, size_t ad_length,
                  const uint8_t nonce[VPN_XNONCE_BYTES], const uint8_t key[VPN_KEY_BYTES]);
    /** As vpn_xaead_open. May be NULL. */
    int (*xopen)(uint8_t *out, const uint8_t *sealed, size_t length, const uint8_t *ad, size_t ad_length,
                 const uint8_t nonce[VPN_XNONCE_BYTES], const uint8_t key[VPN_KEY_BYTES]);
} vpn_provider;

/**
 * @brief The built-in provider and reference: libsodium.
 * @return a static object. Any thread. Since 0.1.
 */
VPN_API const vpn_provider *vpn_provider_sodium(void);

/**
 * @brief X25519 (RFC 7748 section 5) by libsodium.
 * @return 0, or VPN_EKEY when the result is all zero (a point of low order), and then `out` is zero too. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2, 3) int vpn_x25519(uint8_t out[VPN_KEY_BYTES],
                                                         const uint8_t scalar[VPN_KEY_BYTES],
                                                         const uint8_t point[VPN_KEY_BYTES]);

/**
 * @brief Seals one message with ChaCha20-Poly1305 (RFC 8439) by libsodium: out = ciphertext, then tag.
 * @param out `length` + 16 bytes; may be `text` itself.
 * @param length at most 2^38 - 64, the limit of the cipher; a longer text is zeroed instead of sealed. Since 0.1.
 */
VPN_API VPN_NONNULL(1, 6, 7) void vpn_aead_seal(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad,
                                                size_t ad_length, const uint8_t nonce[VPN_NONCE_BYTES],
                                                const uint8_t key[VPN_KEY_BYTES]);

/**
 * @brief Opens one message with ChaCha20-Poly1305 (RFC 8439) by libsodium.
 * @param out `length` - 16 bytes; may be `sealed` itself. Zeroed when the call fails.
 * @param length of the ciphertext and its tag.
 * @return 0, or VPN_EAUTH (also for a `length` under 16). Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(2, 6, 7) int vpn_aead_open(uint8_t *out, const uint8_t *sealed, size_t length,
                                                            const uint8_t *ad, size_t ad_length,
                                                            const uint8_t nonce[VPN_NONCE_BYTES],
                                                            const uint8_t key[VPN_KEY_BYTES]);

/** @brief As vpn_aead_seal, with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 section 2). Since 0.1. */
VPN_API VPN_NONNULL(1, 6, 7) void vpn_xaead_seal(uint8_t *out, const uint8_t *text, size_t length, const uint8_t *ad,
                                                 size_t ad_length, const uint8_t nonce[VPN_XNONCE_BYTES],
                                                 const uint8_t key[VPN_KEY_BYTES]);

/** @brief As vpn_aead_open, with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 section 2). Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(2, 6, 7) int vpn_xaead_open(uint8_t *out, const uint8_t *sealed, size_t length,
                                                             const uint8_t *ad, size_t ad_length,
                                                             const uint8_t nonce[VPN_XNONCE_BYTES],
                                                             const uint8_t key[VPN_KEY_BYTES]);

VPN_END

#endif
