/* SPDX-License-Identifier: ISC */
/* The keys of [Peer] that only libvpn knows: filter, translation, and whom to probe. */
#ifndef VPN_LIB_CONFIG_CONF_RULES_H
#define VPN_LIB_CONFIG_CONF_RULES_H

#include <vpn/conf.h>

#include "base/arena.h"
#include "config/conf_keys.h"
#include "config/text.h"

/* Where a value stands, and after a fault what is to blame and a VPN_E*. */
struct vpn__conf_rules {
    struct vpn__arena *arena;
    vpn_conf_peer *peer;
    const char *at;
    int error;
};

/* Reads the value of one of these keys. NULL, or a static text that says what is wrong. */
const char *vpn__conf_rules_value(struct vpn__conf_rules *to, enum vpn__conf_key key, const char *text, size_t length);
/* Writes the lines of a peer. 0, or VPN_EINVAL: something that no file can hold. */
int vpn__conf_rules_write(struct vpn__text *text, const vpn_conf_peer *peer);

#endif
