/* SPDX-License-Identifier: ISC */
/* libsodium, made ready. */
#ifndef VPN_LIB_CRYPTO_SODIUM_H
#define VPN_LIB_CRYPTO_SODIUM_H

#include <sodium.h>

/* Every way into libsodium goes through here first: sodium_init chooses the code for this processor, and must not do so
   while another thread computes. It is cheap when done. If it fails, libsodium stays with portable code, which gives the
   same results; randomness, which does depend on it, looks at the status itself. */
static inline void vpn__sodium_ready(void)
{
    int status = sodium_init();
    (void)status;
}

/* libsodium wipes its copies of keys, but not what the compiler spilled of them: ChaCha20 on AVX2 leaves half a key behind at
   some lengths. `bytes` is what the calls before may have used of the stack below the caller. */
#define VPN__SODIUM_FRAMES 4096

static inline void vpn__sodium_burn(size_t bytes)
{
    sodium_stackzero(bytes);
}

#endif
