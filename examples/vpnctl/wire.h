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
/* The next IP packet, cut to `room`: its length; 0: none now. */
size_t wire_next(int fd, uint8_t *packet, size_t room, int *outgoing);

#endif
