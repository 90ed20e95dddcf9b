/* SPDX-License-Identifier: ISC */
/* The keys of a wg-quick file: their names, their sections, and which of them a word was meant to be. */
#ifndef VPN_LIB_CONFIG_CONF_KEYS_H
#define VPN_LIB_CONFIG_CONF_KEYS_H

#include <vpn/base.h>

enum vpn__conf_key {
    VPN__CONF_NONE,
    /* [Interface], as `wg setconf` has it */
    VPN__CONF_PRIVATE_KEY,
    VPN__CONF_LISTEN_PORT,
    VPN__CONF_FWMARK,
    /* [Interface], as wg-quick adds it */
    VPN__CONF_ADDRESS,
    VPN__CONF_DNS,
    VPN__CONF_MTU,
    VPN__CONF_TABLE,
    VPN__CONF_PRE_UP,
    VPN__CONF_POST_UP,
    VPN__CONF_PRE_DOWN,
    VPN__CONF_POST_DOWN,
    VPN__CONF_SAVE,
    /* [Interface], as we add it */
    VPN__CONF_EXCLUDE,
    VPN__CONF_LAN_ACCESS,
    VPN__CONF_FAIL_MODE,
    VPN__CONF_DNS_MODE,
    VPN__CONF_SEARCH,
    VPN__CONF_MATCH,
    VPN__CONF_METRIC,
    VPN__CONF_INCLUDE_APP,
    VPN__CONF_EXCLUDE_APP,
    VPN__CONF_PATH_MTU,
    VPN__CONF_CLAMP_MSS,
    /* [Peer] */
    VPN__CONF_PUBLIC_KEY,
    VPN__CONF_PRESHARED_KEY,
    VPN__CONF_ALLOWED_IPS,
    VPN__CONF_ENDPOINT,
    VPN__CONF_KEEPALIVE,
    /* [Peer], as we add it */
    VPN__CONF_FILTER,
    VPN__CONF_FILTER_DEFAULT,
    VPN__CONF_FILTER_FLOWS,
    VPN__CONF_NETMAP,
    VPN__CONF_PROBE_ADDRESS
};

#define VPN__CONF_FIRST_OF_PEER VPN__CONF_PUBLIC_KEY
#define VPN__CONF_LAST          VPN__CONF_PROBE_ADDRESS

/* 1 when a text is a word, whatever the case of its ASCII letters. */
int vpn__conf_is(const char *text, size_t length, const char *word);
/* The key of that name in any case, or VPN__CONF_NONE. */
enum vpn__conf_key vpn__conf_key_find(const char *text, size_t length);
/* The key of a section (`peer`: of [Peer]) that takes the fewest changes of letters to become this text. */
enum vpn__conf_key vpn__conf_key_nearest(const char *text, size_t length, int peer);
/* As wg-quick(8) spells it; "" for VPN__CONF_NONE. */
const char *vpn__conf_key_name(enum vpn__conf_key key);

#endif
