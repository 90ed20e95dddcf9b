/* SPDX-License-Identifier: ISC */
/* BLAKE2s without the wiping of the stack after each call, for whoever makes many calls and wipes it once, or has no secrets;
   and with the state after a first block kept, for many hashes that begin with the same key. */
#ifndef VPN_LIB_CRYPTO_BLAKE2S_H
#define VPN_LIB_CRYPTO_BLAKE2S_H

#include <vpn/crypto.h>

/* As vpn_blake2s_update and vpn_blake2s_final, but words of what was hashed may stay on the stack until vpn__blake2s_burn. */
void vpn__blake2s_update(vpn_blake2s *state, const void *data, size_t bytes);
void vpn__blake2s_final(vpn_blake2s *state, uint8_t *out);
void vpn__blake2s_burn(void);

/* The chaining value after the first block of 64 bytes, which is not the last, under the parameters of these lengths. */
void vpn__blake2s_first(uint32_t state[8], size_t out_bytes, size_t key_bytes,
                        const uint8_t block[VPN_BLAKE2S_BLOCK_BYTES]);
/* What every MAC of `out_bytes` bytes under a key begins with: the chaining value after the block of the key. */
void vpn__blake2s_keyed(uint32_t keyed[8], size_t out_bytes, const uint8_t *key, size_t key_bytes);
/* The rest of the hash: `bytes` > 0 bytes after such a first block. What is hashed stays on the stack until
   vpn__blake2s_burn. */
void vpn__blake2s_resume(uint8_t *out, size_t out_bytes, const uint32_t state[8], const uint8_t *data, size_t bytes);

#endif
