/* SPDX-License-Identifier: ISC */
#include "config/conf_keys.h"

#include <string.h>

#define NAME_MAX_CHARS 19u /* of PersistentKeepalive */
#define WORD_CHARS     32u /* a longer word is like no key, and may be cut there */

static const char *const names[VPN__CONF_LAST + 1] = {[VPN__CONF_NONE] = "",
                                                      [VPN__CONF_PRIVATE_KEY] = "PrivateKey",
                                                      [VPN__CONF_LISTEN_PORT] = "ListenPort",
                                                      [VPN__CONF_FWMARK] = "FwMark",
                                                      [VPN__CONF_ADDRESS] = "Address",
                                                      [VPN__CONF_DNS] = "DNS",
                                                      [VPN__CONF_MTU] = "MTU",
                                                      [VPN__CONF_TABLE] = "Table",
                                                      [VPN__CONF_PRE_UP] = "PreUp",
                                                      [VPN__CONF_POST_UP] = "PostUp",
                                                      [VPN__CONF_PRE_DOWN] = "PreDown",
                                                      [VPN__CONF_POST_DOWN] = "PostDown",
                                                      [VPN__CONF_SAVE] = "SaveConfig",
                                                      [VPN__CONF_EXCLUDE] = "Exclude",
                                                      [VPN__CONF_LAN_ACCESS] = "LanAccess",
                                                      [VPN__CONF_FAIL_MODE] = "FailMode",
                                                      [VPN__CONF_DNS_MODE] = "DNSMode",
                                                      [VPN__CONF_SEARCH] = "SearchDomains",
                                                      [VPN__CONF_MATCH] = "MatchDomains",
                                                      [VPN__CONF_METRIC] = "Metric",
                                                      [VPN__CONF_INCLUDE_APP] = "IncludeApp",
                                                      [VPN__CONF_EXCLUDE_APP] = "ExcludeApp",
                                                      [VPN__CONF_PATH_MTU] = "PathMTU",
                                                      [VPN__CONF_CLAMP_MSS] = "ClampMSS",
                                                      [VPN__CONF_PUBLIC_KEY] = "PublicKey",
                                                      [VPN__CONF_PRESHARED_KEY] = "PresharedKey",
                                                      [VPN__CONF_ALLOWED_IPS] = "AllowedIPs",
                                                      [VPN__CONF_ENDPOINT] = "Endpoint",
                                                      [VPN__CONF_KEEPALIVE] = "PersistentKeepalive",
                                                      [VPN__CONF_FILTER] = "Filter",
                                                      [VPN__CONF_FILTER_DEFAULT] = "FilterDefault",
                                                      [VPN__CONF_FILTER_FLOWS] = "FilterFlows",
                                                      [VPN__CONF_NETMAP] = "Netmap",
                                                      [VPN__CONF_PROBE_ADDRESS] = "ProbeAddress"};

/* ASCII alone: what a locale calls a letter is not asked. */
static uint32_t lower(char c)
{
    uint32_t letter = (uint8_t)c;
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

int vpn__conf_is(const char *text, size_t length, const char *word)
{
    if (strlen(word) != length)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (lower(text[i]) != lower(word[i]))
            return 0;
    }
    return 1;
}

enum vpn__conf_key vpn__conf_key_find(const char *text, size_t length)
{
    for (uint32_t key = VPN__CONF_NONE + 1; length && key <= VPN__CONF_LAST; key++) {
        if (vpn__conf_is(text, length, names[key]))
            return (enum vpn__conf_key)key;
    }
    return VPN__CONF_NONE;
}

/* Levenshtein's distance: letters to add, drop or change; one row of the table is kept. */
static size_t distance(const char *text, size_t length, const char *name)
{
    size_t row[NAME_MAX_CHARS + 1], columns = strlen(name);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; i < length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            size_t change = diagonal + (lower(text[i]) != lower(name[j]));
            size_t drop = row[j + 1] + 1, add = row[j] + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < drop ? change : drop;
            if (add < row[j + 1])
                row[j + 1] = add;
        }
    }
    return row[columns];
}

enum vpn__conf_key vpn__conf_key_nearest(const char *text, size_t length, int peer)
{
    uint32_t first = peer ? VPN__CONF_FIRST_OF_PEER : VPN__CONF_NONE + 1;
    uint32_t end = peer ? VPN__CONF_LAST + 1 : VPN__CONF_FIRST_OF_PEER;
    uint32_t best = first;
    size_t least = SIZE_MAX;
    for (uint32_t key = first; key < end; key++) {
        size_t far = distance(text, length < WORD_CHARS ? length : WORD_CHARS, names[key]);
        if (far < least) {
            least = far;
            best = key;
        }
    }
    return (enum vpn__conf_key)best;
}

const char *vpn__conf_key_name(enum vpn__conf_key key)
{
    return names[key];
}
