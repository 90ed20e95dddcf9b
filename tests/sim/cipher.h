/* SPDX-License-Identifier: ISC */
/* Two providers that record every nonce and note every key. One is ChaCha20-Poly1305 and X25519 as they are. The other is many
   times as fast, and as strict towards those who live in the simulator, who do not calculate: SipHash makes the tag, a
   generator seeded by it the stream, and keys are agreed in a group of 64 bits, for which the linker sends vpn_key_public
   here. */
#ifndef SIM_CIPHER_H
#define SIM_CIPHER_H

#include <vpn/crypto.h>

#include "sim/nonces.h"
#include "sim/secrets.h"

/* Where both write from now on; `lie` 1: every hundredth nonce is recorded twice. */
void cipher_begin(struct nonces *nonces, struct secrets *secrets, int lie);
void cipher_end(void);
/* The one that is asked for last is the one of this world. */
const vpn_provider *cipher_real(void);
const vpn_provider *cipher_quick(void);
/* A recent session key, for the lie that sends it. */
const uint8_t *cipher_last_key(void);

#endif
