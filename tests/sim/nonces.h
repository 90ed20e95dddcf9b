/* SPDX-License-Identifier: ISC */
/* Every nonce that was ever used to seal under every key of a world: a bit for each counter of a key. */
#ifndef SIM_NONCES_H
#define SIM_NONCES_H

#include <stddef.h>
#include <stdint.h>

struct nonces;

struct nonces *nonces_new(void);
void nonces_free(struct nonces *nonces);
/* The number of a key, the same each time it comes. */
uint32_t nonces_key(struct nonces *nonces, const uint8_t key[32]);
/* Records a nonce; 0 when it was used under this key before. */
int nonces_use(struct nonces *nonces, uint32_t key, const uint8_t nonce[12]);
size_t nonces_keys(const struct nonces *nonces);
uint64_t nonces_used(const struct nonces *nonces);

#endif
