/* SPDX-License-Identifier: ISC */
/* A counter that is 0, and what is as it is by default, has no line: most of a crowd of peers then take one line each. */
#include "config/uapi_more.h"

#include <string.h>

#include "config/uapi_line.h"

int vpn_uapi_line(vpn_uapi_lines *lines, const char *key, const char *value)
{
    size_t length = strlen(value);
    if (!vpn__uapi_is_more(key, strlen(key)) || length >= VPN_UAPI_MORE_VALUE_CHARS ||
        vpn__uapi_has_control(value, length))
        return VPN_EINVAL;
    vpn__text_string(&lines->text, key);
    vpn__text_string(&lines->text, "=");
    vpn__text_string(&lines->text, value);
    vpn__text_string(&lines->text, "\n");
    return 0;
}

static void put_number(struct vpn_uapi_lines *lines, const char *name, uint64_t number)
{
    vpn__text_string(&lines->text, name);
    vpn__text_decimal(&lines->text, number);
    vpn__text_string(&lines->text, "\n");
}

static void put_count(struct vpn_uapi_lines *lines, const char *name, uint64_t count)
{
    if (count)
        put_number(lines, name, count);
}

/* Whole seconds between two moments, of which the first may lie after the second by the step of a clock. */
static void put_seconds(struct vpn_uapi_lines *lines, const char *name, vpn_time from, vpn_time to)
{
    put_number(lines, name, to > from ? (to - from) / VPN_SECOND : 0);
}

static void put_drops(struct vpn_uapi_lines *lines, const uint64_t drops[VPN_REASONS])
{
    for (uint32_t reason = 0; reason < VPN_REASONS; reason++) {
        if (!drops[reason])
            continue;
        vpn__text_string(&lines->text, "libvpn_drop=");
        vpn__text_decimal(&lines->text, drops[reason]);
        vpn__text_string(&lines->text, " ");
        vpn__text_string(&lines->text, vpn_reason_name(reason));
        vpn__text_string(&lines->text, "\n");
    }
}

static void put_messages(struct vpn_uapi_lines *lines, const vpn_wg_stats *stats)
{
    put_count(lines, "libvpn_initiations_sent=", stats->initiations_sent);
    put_count(lines, "libvpn_initiations_received=", stats->initiations_received);
    put_count(lines, "libvpn_responses_sent=", stats->responses_sent);
    put_count(lines, "libvpn_responses_received=", stats->responses_received);
    put_count(lines, "libvpn_cookies_sent=", stats->cookies_sent);
    put_count(lines, "libvpn_cookies_received=", stats->cookies_received);
    put_count(lines, "libvpn_keepalives_sent=", stats->keepalives_sent);
    put_count(lines, "libvpn_keepalives_received=", stats->keepalives_received);
    put_count(lines, "libvpn_unknown_initiators=", stats->unknown_initiators);
}

static void put_device(struct vpn_uapi_lines *lines, const vpn_wg *wg)
{
    vpn_wg_stats stats = {.size = sizeof(stats)};
    (void)vpn_wg_get_stats(wg, &stats);
    (void)vpn_uapi_line(lines, "libvpn_version", vpn_version());
    put_number(lines, "libvpn_under_load=", stats.under_load);
    put_count(lines, "libvpn_sessions=", stats.sessions);
    put_messages(lines, &stats);
    put_count(lines, "libvpn_rx_packets=", stats.rx_packets);
    put_count(lines, "libvpn_tx_packets=", stats.tx_packets);
    put_count(lines, "libvpn_events_lost=", stats.events_lost);
    put_count(lines, "libvpn_memory=", stats.memory);
    put_drops(lines, stats.drops);
}

static const char *state_name(uint32_t state)
{
    return state == VPN_WG_CONNECTED ? "connected" : state == VPN_WG_CONNECTING ? "connecting" : "idle";
}

static void put_session(struct vpn_uapi_lines *lines, const vpn_wg_peer_stats *stats)
{
    if (stats->session_born == VPN_NEVER)
        return;
    put_seconds(lines, "libvpn_session_age=", stats->session_born, lines->now);
    (void)vpn_uapi_line(lines, "libvpn_role", stats->initiator ? "initiator" : "responder");
}

static void put_stats(struct vpn_uapi_lines *lines, const vpn_wg_peer_stats *stats)
{
    (void)vpn_uapi_line(lines, "libvpn_state", state_name(stats->state));
    put_count(lines, "libvpn_attempts=", stats->attempts);
    put_count(lines, "libvpn_handshakes=", stats->handshakes);
    put_session(lines, stats);
    if (stats->last_received != VPN_NEVER)
        put_seconds(lines, "libvpn_received_age=", stats->last_received, lines->now);
    put_count(lines, "libvpn_rx_packets=", stats->rx_packets);
    put_count(lines, "libvpn_tx_packets=", stats->tx_packets);
    put_drops(lines, stats->drops);
}

static void put_settings(struct vpn_uapi_lines *lines, const vpn_wg_peer *peer)
{
    if (peer->policy != VPN_WG_LEARN)
        (void)vpn_uapi_line(lines, "libvpn_policy", peer->policy == VPN_WG_PIN ? "pin" : "ask");
    if (peer->padding != VPN_WG_PAD_STANDARD)
        (void)vpn_uapi_line(lines, "libvpn_padding", "mtu");
    if (peer->expires != VPN_NEVER)
        put_seconds(lines, "libvpn_expires=", lines->now, peer->expires);
}

static void put_peer(struct vpn_uapi_lines *lines, const vpn_wg *wg, vpn_peer_id id)
{
    vpn_wg_peer peer = {.size = sizeof(peer)};
    vpn_wg_peer_stats stats = {.size = sizeof(stats)};
    if (!vpn_wg_peer_get(wg, id, &peer) && !vpn_wg_peer_get_stats(wg, id, &stats, lines->now)) {
        put_settings(lines, &peer);
        put_stats(lines, &stats);
    }
    vpn_wipe(&peer, sizeof(peer));
}

void vpn__uapi_more(struct vpn_uapi_lines *lines, const vpn_wg *wg, const vpn_uapi_host *host, vpn_peer_id peer)
{
    if (peer)
        put_peer(lines, wg, peer);
    else
        put_device(lines, wg);
    if (host->more)
        host->more(host->user, peer, lines);
}
