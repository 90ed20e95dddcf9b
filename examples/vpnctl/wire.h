/* SPDX-License-Identifier: ISC */
/* Sees packets as the links of this host carry them: what comes in before any packet filter, what goes out after. */
#ifndef VPNCTL_WIRE_H
#define VPNCTL_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_UDP, WIRE_ECHO };

/* Packets of UDP from or to a port, or echo replies of an identifier; of one link, or of all when `device` is NULL. The descriptor,
 * which does not block, or -1: this process may not look. */
int wire_open(int kind, uint16_t value, const char *device);
/* At most so many are taken at once, lest a flood keep us. */
enum { WIRE_BATCH = 512 };

/* The next IP packet, cut to `room`: its length; 0: none now. *outgoing: 1 or 0, or -1: it is for another host. */
size_t wire_next(int fd, uint8_t *packet, size_t room, int *outgoing);

#endif
