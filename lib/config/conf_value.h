/* SPDX-License-Identifier: ISC */
/* The values of a wg-quick file, read into a vpn_conf that is being made. */
#ifndef VPN_LIB_CONFIG_CONF_VALUE_H
#define VPN_LIB_CONFIG_CONF_VALUE_H

#include <vpn/conf.h>

#include "base/arena.h"
#include "config/conf_keys.h"

#define VPN__CONF_MTU_MIN 68u /* RFC 791 */

/* A vpn_conf and its memory, so that freeing does not depend on what its holder did to the lists. */
struct vpn__conf {
    vpn_conf conf;
    struct vpn__arena arena;
};

/* A part of the text, which is not changed and holds no NUL. */
struct vpn__conf_span {
    const char *text;
    size_t length;
};

struct vpn__conf_reader {
    struct vpn__conf *to;
    vpn_conf_peer *peer; /* whose section this is; NULL in [Interface] */
    const char *at;      /* what is to blame for a fault */
    int error;           /* VPN_EFORMAT or VPN_ENOMEM after a fault */
};

/* Cuts white space off both ends. */
struct vpn__conf_span vpn__conf_trim(const char *text, size_t length);
/* Reads the value of a key of the present section. NULL, or a static text that says what was expected. */
const char *vpn__conf_value(struct vpn__conf_reader *reader, enum vpn__conf_key key, struct vpn__conf_span value);

/* What the name of a link may be, as wg-quick has it. */
int vpn__conf_is_link(const char *text, size_t length);
/* What a host name or a domain may be. Also for the writer. */
int vpn__conf_is_name(const char *text, size_t length);
/* What the path of a cgroup may be. */
int vpn__conf_is_path(const char *text, size_t length);
/* Whether `host` and `port` would be read as an endpoint, which they then give. */
int vpn__conf_endpoint(vpn_endpoint *out, struct vpn__conf_span host, uint16_t port);

#endif
