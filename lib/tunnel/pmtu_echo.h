/* SPDX-License-Identifier: ISC */
/* Echo requests of an exact size, and their replies. */
#ifndef VPN_LIB_TUNNEL_PMTU_ECHO_H
#define VPN_LIB_TUNNEL_PMTU_ECHO_H

#include <vpn/base.h>

#define VPN__PMTU_TOKEN 16

/* One request: what the reply has to say again. */
struct vpn__pmtu_echo {
    uint8_t token[VPN__PMTU_TOKEN]; /* random */
    uint32_t bytes;                 /* of the packet, at least VPN_PMTU_SMALL */
    uint16_t id, sequence;
};

/* Between whom. */
struct vpn__pmtu_ends {
    uint8_t family; /* 4 or 6 */
    uint8_t src[16], dst[16];
};

/* Writes the request, which is echo->bytes long. */
void vpn__pmtu_echo_write(uint8_t *out, const struct vpn__pmtu_ends *ends, const struct vpn__pmtu_echo *echo);

/* Reads an echo reply between the ends, whose checksum holds. 1, or 0: it is none, or too short for a token. */
int vpn__pmtu_echo_read(struct vpn__pmtu_echo *out, const struct vpn__pmtu_ends *ends, const uint8_t *packet,
                        size_t length);

#endif
