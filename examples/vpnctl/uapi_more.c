/* SPDX-License-Identifier: ISC */
#include "uapi_more.h"

#include <errno.h>
#include <string.h>

#include <vpn/rules.h>
#include <vpn/uapi.h>

static int has_filter(const vpn_conf_peer *peer)
{
    return peer->filter_count > 0 || peer->set != 0;
}

int uapi_more_wanted(const vpn_conf *conf)
{
    int wanted = (conf->set & (VPN_CONF_SET_PATH_MTU | VPN_CONF_SET_CLAMP_MSS)) != 0;

    for (size_t i = 0; i < conf->peer_count; i++) {
        const vpn_conf_peer *peer = &conf->peers[i];

        wanted |= has_filter(peer) || peer->netmap_count > 0 || peer->probe_count > 0;
    }
    return wanted;
}

void uapi_more_put_device(uapi_text *t, const vpn_conf *conf)
{
    static const char *const modes[] = {
        [VPN_PATH_MTU_OFF] = "off", [VPN_PATH_MTU_ERRORS] = "errors", [VPN_PATH_MTU_PROBE] = "probe"};

    if (conf->set & VPN_CONF_SET_PATH_MTU)
        uapi_text_put(t, "libvpn_path_mtu_mode=%s\n", modes[conf->path_mtu]);
    if (conf->set & VPN_CONF_SET_CLAMP_MSS)
        uapi_text_put(t, "libvpn_clamp_mss=%s\n", conf->clamp_mss ? "true" : "false");
}

static void put_filter(uapi_text *t, const vpn_conf_peer *peer)
{
    uapi_text_put(t, "libvpn_replace_filter=true\n");
    if (peer->set & VPN_CONF_PEER_SET_DEFAULT)
        uapi_text_put(t, "libvpn_filter_default=%s\n", vpn_filter_action_name(peer->filter_default));
    if (peer->set & VPN_CONF_PEER_SET_FLOWS)
        uapi_text_put(t, "libvpn_filter_flows=%lu\n", (unsigned long)peer->filter_flows);
    for (size_t i = 0; i < peer->filter_count; i++)
        uapi_text_put(t, "libvpn_filter=%s\n", peer->filter[i]);
}

static void put_netmap(uapi_text *t, const vpn_conf_peer *peer)
{
    char text[VPN_NETMAP_LINE_CHARS];

    uapi_text_put(t, "libvpn_replace_netmap=true\n");
    for (size_t i = 0; i < peer->netmap_count; i++) {
        if (vpn_netmap_rule_format(text, &peer->netmap[i]) == 0)
            uapi_text_put(t, "libvpn_netmap=%s\n", text);
    }
}

static void put_probes(uapi_text *t, const vpn_conf_peer *peer)
{
    char text[VPN_PREFIX_CHARS];

    for (size_t i = 0; i < peer->probe_count; i++) {
        vpn_prefix_format(text, &peer->probes[i]);
        uapi_text_put(t, "libvpn_probe_address=%.*s\n", (int)strcspn(text, "/"), text);
    }
}

void uapi_more_put_peer(uapi_text *t, const vpn_conf_peer *peer)
{
    if (has_filter(peer))
        put_filter(t, peer);
    if (peer->netmap_count > 0)
        put_netmap(t, peer);
    put_probes(t, peer);
}

int uapi_more_ask(const char *name)
{
    uapi_text request = {.text = NULL};
    uapi_text answer;
    int error;
    int told;

    uapi_text_put(&request, "get=libvpn\n\n");
    error = uapi_request(name, &request, &answer);
    told = answer.text != NULL && strstr(answer.text, "errno=") != NULL;
    uapi_text_free(&answer);
    uapi_text_free(&request);
    /* a daemon that hangs up has refused as well */
    return error == 0 || (!told && error != -EPROTO && error != -ECONNRESET) ? error : -EPROTONOSUPPORT;
}
