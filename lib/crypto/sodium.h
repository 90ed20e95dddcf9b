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

#endif
