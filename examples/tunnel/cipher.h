/* SPDX-License-Identifier: ISC */
/* Which of the ciphers that this program was built with encrypts its packets. */
#ifndef TUNNEL_CIPHER_H
#define TUNNEL_CIPHER_H

#include <vpn/vpn.h>

/* The provider of that name, or the fastest on this machine for NULL. NULL: there is none, and the log says which there are. */
const vpn_provider *cipher_choose(const char *name);
/* The names that there are, separated by blanks. */
const char *cipher_names(void);

#endif
