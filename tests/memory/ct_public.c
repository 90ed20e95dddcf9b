/* SPDX-License-Identifier: ISC */
/*
 * Where secrets become public. The linker prefers these functions to libsodium's own, also for libsodium's calls of itself.
 * Each calls the real one, and then tells Valgrind that what came out may be branched on, with the reason.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "memory/ct.h"

#include <dlfcn.h>
#include <sodium.h>

/* The real function of this name; the copy keeps a pointer to an object from being cast to one to a function. */
#define REAL(type, name)                                                                                               \
    type real;                                                                                                         \
    void *found = dlsym(RTLD_NEXT, name);                                                                              \
    if (found == NULL)                                                                                                 \
        abort();                                                                                                       \
    memcpy(&real, &found, sizeof real)

typedef int (*compare_fn)(const unsigned char *, const unsigned char *);
typedef int (*memcmp_fn)(const void *, const void *, size_t);
typedef int (*zero_fn)(const unsigned char *, size_t);
typedef int (*mult_fn)(unsigned char *, const unsigned char *, const unsigned char *);
typedef int (*base_fn)(unsigned char *, const unsigned char *);
typedef int (*seal_fn)(unsigned char *, unsigned long long *, const unsigned char *, unsigned long long,
                       const unsigned char *, unsigned long long, const unsigned char *, const unsigned char *,
                       const unsigned char *);
typedef int (*open_fn)(unsigned char *, unsigned long long *, unsigned char *, const unsigned char *,
                       unsigned long long, const unsigned char *, unsigned long long, const unsigned char *,
                       const unsigned char *);

/* Whether a tag is right: a forged packet is dropped and counted, which everyone may see. */
int crypto_verify_16(const unsigned char *x, const unsigned char *y)
{
    REAL(compare_fn, "crypto_verify_16");
    int verdict = real(x, y);
    ct_public(&verdict, sizeof verdict);
    return verdict;
}

/* Whether two keys or macs are equal, as a whole: vpn_equal exists to be branched on. Where they differ stays hidden. */
int sodium_memcmp(const void *a, const void *b, size_t bytes)
{
    REAL(memcmp_fn, "sodium_memcmp");
    int verdict = real(a, b, bytes);
    ct_public(&verdict, sizeof verdict);
    return verdict;
}

/* Whether a key is there at all: zero stands for "none", and a shared secret of zero for a key of low order. */
int sodium_is_zero(const unsigned char *memory, size_t bytes)
{
    REAL(zero_fn, "sodium_is_zero");
    int verdict = real(memory, bytes);
    ct_public(&verdict, sizeof verdict);
    return verdict;
}

/* Whether the other party's key is of low order, which that party chose. The product stays secret. */
int crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
    REAL(mult_fn, "crypto_scalarmult_curve25519");
    int verdict = real(q, n, p);
    ct_public(&verdict, sizeof verdict);
    return verdict;
}

/* A public key is made to be given away. */
int crypto_scalarmult_curve25519_base(unsigned char *q, const unsigned char *n)
{
    REAL(base_fn, "crypto_scalarmult_curve25519_base");
    int verdict = real(q, n);
    ct_public(q, 32);
    ct_public(&verdict, sizeof verdict);
    return verdict;
}

/* What was sealed goes over the wire. */
int crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *c_length, const unsigned char *m,
                                              unsigned long long m_length, const unsigned char *ad,
                                              unsigned long long ad_length, const unsigned char *nsec,
                                              const unsigned char *npub, const unsigned char *k)
{
    REAL(seal_fn, "crypto_aead_chacha20poly1305_ietf_encrypt");
    int verdict = real(c, c_length, m, m_length, ad, ad_length, nsec, npub, k);
    ct_public(c, (size_t)m_length + 16);
    return verdict;
}

/* Likewise. */
int crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *c_length, const unsigned char *m,
                                               unsigned long long m_length, const unsigned char *ad,
                                               unsigned long long ad_length, const unsigned char *nsec,
                                               const unsigned char *npub, const unsigned char *k)
{
    REAL(seal_fn, "crypto_aead_xchacha20poly1305_ietf_encrypt");
    int verdict = real(c, c_length, m, m_length, ad, ad_length, nsec, npub, k);
    ct_public(c, (size_t)m_length + 16);
    return verdict;
}

/* What the library opens with this cipher, and then acts on, is no key: the name of a peer, which a table looks up; a time
   stamp, which is compared; a packet, whose header is read. A cookie comes by the other cipher and stays secret. */
int crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *m, unsigned long long *m_length, unsigned char *nsec,
                                              const unsigned char *c, unsigned long long c_length,
                                              const unsigned char *ad, unsigned long long ad_length,
                                              const unsigned char *npub, const unsigned char *k)
{
    REAL(open_fn, "crypto_aead_chacha20poly1305_ietf_decrypt");
    int verdict = real(m, m_length, nsec, c, c_length, ad, ad_length, npub, k);
    if (m != NULL && c_length > 16)
        ct_public(m, (size_t)c_length - 16);
    return verdict;
}
