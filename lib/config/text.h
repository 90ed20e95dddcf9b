/* SPDX-License-Identifier: ISC */
/* Numbers and addresses as text, without the C library's sockets and stdio. */
#ifndef VPN_LIB_CONFIG_TEXT_H
#define VPN_LIB_CONFIG_TEXT_H

#include <vpn/allowedips.h>

/* Text being written. What does not fit is counted, not written, and then nothing more is written. */
struct vpn__text {
    char *out;
    size_t capacity;
    size_t length; /* the need; more than `capacity` when it did not fit */
};

void vpn__text_bytes(struct vpn__text *text, const char *bytes, size_t length);
void vpn__text_string(struct vpn__text *text, const char *string);
void vpn__text_decimal(struct vpn__text *text, uint64_t number);
/* With "0x" in front. */
void vpn__text_hex(struct vpn__text *text, uint32_t number);
/* The address alone, IPv6 by RFC 5952; nothing for a family that is none. */
void vpn__text_ip(struct vpn__text *text, uint8_t family, const uint8_t *addr);

/* Digits only, leading zeros allowed. 0, or VPN_EFORMAT: no digits, another character, or more than `max`. */
int vpn__read_decimal(uint32_t *out, const char *text, size_t length, uint32_t max);
/* Decimal, or hexadecimal after "0x" or "0X". 0 or VPN_EFORMAT. */
int vpn__read_number(uint32_t *out, const char *text, size_t length, uint32_t max);
/* As vpn_prefix_parse, but the bits past the length stay: the address of a host in its network. */
int vpn__read_address(vpn_prefix *out, const char *text, size_t length);

#endif
