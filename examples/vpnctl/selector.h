/* SPDX-License-Identifier: ISC */
/* A packet, as words of the command line say it. */
#ifndef VPNCTL_SELECTOR_H
#define VPNCTL_SELECTOR_H

#include <vpn/vpn.h>

/* Reads `count` words, each of which may hold several with blanks between them. What they are is in `room`, which outlives
 * `out`. 0, or -1 after a message. */
#define SELECTOR_ROOM 384
int selector_read(vpn_selector *out, char room[SELECTOR_ROOM], char **words, int count);

/* The name of a protocol of IP, or NULL. */
const char *selector_protocol(uint8_t protocol);

#endif
