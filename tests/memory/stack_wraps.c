/* SPDX-License-Identifier: ISC */
/* The linker puts these between the modules (--wrap), so that every key the library uses is known to the scanner without the
   library's help. They pass pointers on, and leave nothing on the stack themselves. */
#include "memory/stack.h"

#include <sodium.h>

#include <vpn/crypto.h>

typedef unsigned long long length_t;

int __real_crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n, const unsigned char *p);
int __wrap_crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n, const unsigned char *p);
int __real_crypto_scalarmult_curve25519_base(unsigned char *q, const unsigned char *n);
int __wrap_crypto_scalarmult_curve25519_base(unsigned char *q, const unsigned char *n);
int __real_crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, length_t *c_length, const unsigned char *m,
                                                     length_t m_length, const unsigned char *ad, length_t ad_length,
                                                     const unsigned char *nsec, const unsigned char *npub,
                                                     const unsigned char *k);
int __wrap_crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, length_t *c_length, const unsigned char *m,
                                                     length_t m_length, const unsigned char *ad, length_t ad_length,
                                                     const unsigned char *nsec, const unsigned char *npub,
                                                     const unsigned char *k);
int __real_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *m, length_t *m_length, unsigned char *nsec,
                                                     const unsigned char *c, length_t c_length, const unsigned char *ad,
                                                     length_t ad_length, const unsigned char *npub,
                                                     const unsigned char *k);
int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *m, length_t *m_length, unsigned char *nsec,
                                                     const unsigned char *c, length_t c_length, const unsigned char *ad,
                                                     length_t ad_length, const unsigned char *npub,
                                                     const unsigned char *k);
void __real_vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[32], const void *input,
                     size_t bytes);
void __wrap_vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[32], const void *input,
                     size_t bytes);

int __wrap_crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
    int status = __real_crypto_scalarmult_curve25519(q, n, p);
    stack_secret("a private key", n, 32);
    if (status == 0 && !sodium_is_zero(q, 32))
        stack_secret("an agreed secret", q, 32);
    return status;
}

int __wrap_crypto_scalarmult_curve25519_base(unsigned char *q, const unsigned char *n)
{
    stack_secret("a private key", n, 32);
    return __real_crypto_scalarmult_curve25519_base(q, n);
}

int __wrap_crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, length_t *c_length, const unsigned char *m,
                                                     length_t m_length, const unsigned char *ad, length_t ad_length,
                                                     const unsigned char *nsec, const unsigned char *npub,
                                                     const unsigned char *k)
{
    stack_secret("a sealing key", k, 32);
    return __real_crypto_aead_chacha20poly1305_ietf_encrypt(c, c_length, m, m_length, ad, ad_length, nsec, npub, k);
}

int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *m, length_t *m_length, unsigned char *nsec,
                                                     const unsigned char *c, length_t c_length, const unsigned char *ad,
                                                     length_t ad_length, const unsigned char *npub,
                                                     const unsigned char *k)
{
    stack_secret("an opening key", k, 32);
    return __real_crypto_aead_chacha20poly1305_ietf_decrypt(m, m_length, nsec, c, c_length, ad, ad_length, npub, k);
}

void __wrap_vpn_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t salt[32], const void *input,
                     size_t bytes)
{
    static uint8_t prk[32], pad[32];
    vpn_hmac(prk, salt, 32, input, bytes); /* before an output takes the place of the salt */
    stack_secret("a pseudorandom key", prk, 32);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] = prk[i] ^ 0x36;
    stack_secret("an inner pad", pad, 32);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] = prk[i] ^ 0x5c;
    stack_secret("an outer pad", pad, 32);
    __real_vpn_hkdf(out1, out2, out3, salt, input, bytes);
    if (out1 != NULL)
        stack_secret("a chaining key", out1, 32);
    if (out2 != NULL)
        stack_secret("a derived key", out2, 32);
    if (out3 != NULL)
        stack_secret("a derived key", out3, 32);
}
