/* SPDX-License-Identifier: ISC */
/* What may never be seen on the wire: private, preshared and session keys, shared secrets, and the marker that every inner
   packet is full of. A datagram is searched for each aligned 8 bytes of each of them, at every offset. */
#ifndef SIM_SECRETS_H
#define SIM_SECRETS_H

#include <stddef.h>
#include <stdint.h>

struct secrets;

struct secrets *secrets_new(void);
void secrets_free(struct secrets *secrets);
/* Kept until the world ends; `bytes` is a multiple of 8. */
void secrets_keep(struct secrets *secrets, const uint8_t *secret, size_t bytes);
/* Kept until some thousand later ones have come: keys of sessions. */
void secrets_note(struct secrets *secrets, const uint8_t *secret, size_t bytes);
/* 1 when there is a piece of a secret. */
int secrets_leak(const struct secrets *secrets, const uint8_t *bytes, size_t length);

#endif
