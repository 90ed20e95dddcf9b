/* SPDX-License-Identifier: ISC */
#include <vpn/uapi.h>

#include "base/env.h"
#include "config/uapi_line.h"
#include "config/uapi_more.h"

static void put_key(struct vpn__text *text, const char *name, const uint8_t key[VPN_KEY_BYTES])
{
    char hex[VPN_KEY_HEX_CHARS + 1];
    vpn_key_to_hex(hex, key);
    vpn__text_string(text, name);
    vpn__text_bytes(text, hex, VPN_KEY_HEX_CHARS);
    vpn__text_string(text, "\n");
    vpn_wipe(hex, sizeof(hex));
}

static void put_number(struct vpn__text *text, const char *name, uint64_t number)
{
    vpn__text_string(text, name);
    vpn__text_decimal(text, number);
    vpn__text_string(text, "\n");
}

static void put_string(struct vpn__text *text, const char *name, const char *string)
{
    vpn__text_string(text, name);
    vpn__text_string(text, string);
    vpn__text_string(text, "\n");
}

static void put_device(struct vpn__text *text, const vpn_wg *wg, const vpn_uapi_host *host)
{
    uint8_t key[VPN_KEY_BYTES];
    vpn_wg_private_key(wg, key);
    if (!vpn_key_is_zero(key))
        put_key(text, "private_key=", key);
    vpn_wipe(key, sizeof(key));
    uint16_t port = host->get_listen_port ? host->get_listen_port(host->user) : 0;
    if (port)
        put_number(text, "listen_port=", port);
    uint32_t mark = host->get_fwmark ? host->get_fwmark(host->user) : 0;
    if (mark)
        put_number(text, "fwmark=", mark);
}

static void put_settings(struct vpn__text *text, const vpn_wg_peer *peer)
{
    put_key(text, "public_key=", peer->public_key);
    put_key(text, "preshared_key=", peer->preshared_key);
    put_number(text, "protocol_version=", 1);
}

static void put_stats(struct vpn__text *text, const vpn_wg_peer_stats *stats)
{
    if (stats->path.remote.family) {
        char endpoint[VPN_ENDPOINT_CHARS];
        vpn_endpoint_format(endpoint, &stats->path.remote);
        put_string(text, "endpoint=", endpoint);
    }
    put_number(text, "last_handshake_time_sec=", stats->last_handshake_wall.seconds);
    put_number(text, "last_handshake_time_nsec=", stats->last_handshake_wall.nanoseconds);
    put_number(text, "tx_bytes=", stats->tx_bytes);
    put_number(text, "rx_bytes=", stats->rx_bytes);
}

static void put_peer(struct vpn__text *text, const vpn_wg *wg, vpn_peer_id id)
{
    vpn_wg_peer peer = {.size = sizeof(peer)};
    vpn_wg_peer_stats stats = {.size = sizeof(stats)};
    vpn_prefix prefix;
    uint64_t cursor = 0;
    /* The time only matters for the state, which is not shown. */
    if (!vpn_wg_peer_get(wg, id, &peer) && !vpn_wg_peer_get_stats(wg, id, &stats, 0)) {
        put_settings(text, &peer);
        put_stats(text, &stats);
        put_number(text, "persistent_keepalive_interval=", peer.keepalive);
        while (!vpn_wg_allowed(wg, id, &cursor, &prefix)) {
            char allowed[VPN_PREFIX_CHARS];
            vpn_prefix_format(allowed, &prefix);
            put_string(text, "allowed_ip=", allowed);
        }
    }
    vpn_wipe(&peer, sizeof(peer));
}

int vpn__uapi_answer(const vpn_wg *wg, const vpn_uapi_host *host, struct vpn_uapi_lines *lines, char *out,
                     size_t capacity, size_t *length)
{
    struct vpn__text *text = &lines->text;
    vpn_uapi_host known = {.size = sizeof(known)};
    *text = (struct vpn__text){.out = out, .capacity = capacity};
    *length = 0;
    if (host && vpn__config_read(&known, sizeof(known), host, VPN__UAPI_HOST_LEAST))
        return VPN_EINVAL;
    put_device(text, wg, &known);
    if (lines->more)
        vpn__uapi_more(lines, wg, &known, 0);
    for (vpn_peer_id id = vpn_wg_peer_next(wg, 0); id; id = vpn_wg_peer_next(wg, id)) {
        put_peer(text, wg, id);
        if (lines->more)
            vpn__uapi_more(lines, wg, &known, id);
    }
    vpn__text_string(text, "errno=0\n\n");
    *length = text->length;
    if (text->length <= capacity)
        return 0;
    if (capacity)
        vpn_wipe(out, capacity);
    return VPN_ESPACE;
}

int vpn_uapi_get(const vpn_wg *wg, const vpn_uapi_host *host, char *out, size_t capacity, size_t *length)
{
    struct vpn_uapi_lines lines = {.more = 0};
    return vpn__uapi_answer(wg, host, &lines, out, capacity, length);
}
