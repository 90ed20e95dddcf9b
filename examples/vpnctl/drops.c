/* SPDX-License-Identifier: ISC */
#include "drops.h"

#include <stdlib.h>
#include <string.h>

/* The value of a line, or NULL: it has another key. */
static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);

    return strncmp(line, key, length) == 0 && line[length] == '=' ? line + length + 1 : NULL;
}

static uint32_t reason_of(const char *name, size_t length)
{
    for (uint32_t reason = 0; reason < VPN_REASONS; reason++) {
        if (strlen(vpn_reason_name(reason)) == length && memcmp(vpn_reason_name(reason), name, length) == 0)
            return reason;
    }
    return VPN_REASONS;
}

/* Of the reasons that peers count, those of `peer` alone matter. */
static void take(uint64_t out[VPN_REASONS], const char *value, int of_peer)
{
    char *end;
    uint64_t number = strtoull(value, &end, 10);
    uint32_t reason = *end == ' ' ? reason_of(end + 1, strcspn(end + 1, "\n")) : VPN_REASONS;

    if (reason < VPN_REASONS && of_peer == (reason >= VPN_REASON_PEER_FIRST))
        out[reason] = number;
}

int drops_read(uint64_t out[VPN_REASONS], const char *text, const uint8_t peer[VPN_KEY_BYTES])
{
    char wanted[VPN_KEY_HEX_CHARS + 1];
    int where = 0; /* 0: the device, 1: the peer, 2: another one */
    int told = 0;

    memset(out, 0, VPN_REASONS * sizeof out[0]);
    vpn_key_to_hex(wanted, peer);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *key = value_of(line, "public_key");
        const char *drop = value_of(line, "libvpn_drop");

        if (key != NULL)
            where = strncmp(key, wanted, VPN_KEY_HEX_CHARS) == 0 ? 1 : 2;
        if (drop != NULL && where < 2)
            take(out, drop, where);
        told |= strncmp(line, "libvpn_", strlen("libvpn_")) == 0;
    }
    return told;
}
