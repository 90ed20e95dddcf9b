/* SPDX-License-Identifier: ISC */
/* The lines of a set request, each read and checked by itself. What a line means beside others is the business of uapi_set. */
#ifndef VPN_LIB_CONFIG_UAPI_LINE_H
#define VPN_LIB_CONFIG_UAPI_LINE_H

#include <vpn/uapi.h>

#include <stddef.h>

enum vpn__uapi_key {
    VPN__UAPI_NONE, /* no key that is known */
    VPN__UAPI_SET,
    VPN__UAPI_PRIVATE_KEY,
    VPN__UAPI_LISTEN_PORT,
    VPN__UAPI_FWMARK,
    VPN__UAPI_REPLACE_PEERS,
    VPN__UAPI_PUBLIC_KEY,
    VPN__UAPI_REMOVE,
    VPN__UAPI_UPDATE_ONLY,
    VPN__UAPI_PRESHARED_KEY,
    VPN__UAPI_ENDPOINT,
    VPN__UAPI_KEEPALIVE,
    VPN__UAPI_REPLACE_ALLOWED_IPS,
    VPN__UAPI_ALLOWED_IP,
    VPN__UAPI_PROTOCOL_VERSION,
    VPN__UAPI_MORE /* "libvpn_" and anything */
};

/* A host as it was before it could say more. */
#define VPN__UAPI_HOST_LEAST offsetof(vpn_uapi_host, more)

/* Where the reading of a request stands: `at` is the first character of the line after line `number`. */
struct vpn__uapi_cursor {
    const char *text;
    size_t length;
    size_t at;
    uint32_t number;
    const vpn_uapi_host *host; /* whom to ask for scopes; NULL: nobody */
};

/* A line. Holds a secret when its key does: whoever reads lines wipes the last one. */
struct vpn__uapi_line {
    uint32_t number;
    enum vpn__uapi_key key;
    const char *name; /* the text of the key, inside the request; NULL when the line has none */
    size_t name_length;
    const char *value; /* VPN__UAPI_MORE: the text behind "=", and its length, which leaves room for a NUL */
    size_t value_length;
    const char *why; /* after a fault: what is wrong */
    const vpn_uapi_host *host;
    uint8_t secret[VPN_KEY_BYTES];
    vpn_endpoint endpoint;
    vpn_prefix prefix;
    int minus; /* the prefix is to be taken away */
    uint32_t integer;
};

/* Reads the next line. 1; 0 at the end of the request; VPN_EFORMAT, or VPN_EINVAL for a key or version that is not known. */
int vpn__uapi_next(struct vpn__uapi_cursor *cursor, struct vpn__uapi_line *line);

/* Whether a key may be one of the host's: "libvpn_", then a-z, 0-9 and "_", and room for a NUL. */
int vpn__uapi_is_more(const char *name, size_t length);
int vpn__uapi_has_control(const char *text, size_t length);

/* Fills in `error` unless it is NULL; `line` may be NULL. `number` is the answer's errno. Returns `code`. */
int vpn__uapi_blame(vpn_uapi_error *error, const struct vpn__uapi_line *line, int code, int32_t number,
                    const char *why);

/* The answer's errno for 0 or a VPN_E*. */
int32_t vpn__uapi_errno(int code);

#endif
