/* SPDX-License-Identifier: ISC */
/* What people and programs read: messages, colours and JSON. Standard output has a buffer of ours, which is wiped at the end, so
 * secrets may go there; messages hold none. */
#ifndef VPNCTL_OUT_H
#define VPNCTL_OUT_H

#include <stddef.h>
#include <stdint.h>

#include <vpn/vpn.h>

#if defined(__GNUC__)
#define OUT_FORMAT(at) __attribute__((format(printf, at, (at) + 1)))
#else
#define OUT_FORMAT(at)
#endif

enum { COLOUR_NONE, COLOUR_BOLD, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_CYAN };

/* A line to standard error, after "vpnctl: ". Returns -1. */
int out_error(const char *format, ...) OUT_FORMAT(1);
/* Likewise, with "warning: ". */
void out_warn(const char *format, ...) OUT_FORMAT(1);

/* The text that begins a colour on standard output, and the one that ends it; "" unless that is a terminal and NO_COLOR is not
 * set. */
const char *out_colour(int colour);
const char *out_plain(void);

/* Gives standard output its buffer, and takes it away again. `out_end` gives 0, or -1: something could not be written. */
void out_begin(void);
int out_end(void);

/* "192.0.2.7/24": the whole address, which vpn_prefix_format would cut; and "192.0.2.7" alone. */
void out_prefix(char text[VPN_PREFIX_CHARS], const vpn_prefix *prefix);
void out_ip(char text[VPN_PREFIX_CHARS], const vpn_prefix *prefix);

/* JSON on standard output. `key` is NULL inside arrays and at the top. Strings that are no UTF-8 lose the bytes that are not. */
void json_open(const char *key, char bracket); /* '{' or '[' */
void json_close(char bracket);                 /* '}' or ']'; ends the line when it was the last one */
void json_text(const char *key, const char *text);
void json_part(const char *key, const char *text, size_t length);   /* of a string that goes on, to a NUL */
void json_key(const char *key, const uint8_t bytes[VPN_KEY_BYTES]); /* as base64 */
void json_number(const char *key, uint64_t number);
void json_signed(const char *key, int64_t number);
void json_flag(const char *key, int flag);
void json_null(const char *key);
void json_raw(const char *key, const char *text, size_t length); /* JSON already */
void json_prefix(const char *key, const vpn_prefix *prefix);

#endif
