/* SPDX-License-Identifier: ISC */
#ifndef VPNCTL_NFT_H
#define VPNCTL_NFT_H

#include <stddef.h>

/*
 * Runs what `nft -f` would read, as one transaction: all of it or nothing.
 * `why` receives the first line of what libnftables says after an error. 0 or -1.
 */
int nft_run(const char *text, char *why, size_t capacity);

#endif
