/* SPDX-License-Identifier: ISC */
/* The set request that gives a daemon what a file says, and back. */
#include <stdio.h>
#include <string.h>

#include "convert.h"
#include "device.h"
#include "load.h"
#include "out.h"
#include "uapi_more.h"

static void put_key(const char *name, const uint8_t key[VPN_KEY_BYTES])
{
    char hex[VPN_KEY_HEX_CHARS + 1];

    vpn_key_to_hex(hex, key);
    (void)printf("%s=%s\n", name, hex);
    vpn_wipe(hex, sizeof hex);
}

static int put_endpoint(const vpn_conf_peer *peer)
{
    vpn_endpoint endpoint = peer->endpoint;
    char text[VPN_ENDPOINT_CHARS];

    if (peer->host == NULL)
        return 0;
    if (endpoint.family == 0)
        load_endpoint(&endpoint, peer);
    if (endpoint.family == 0)
        return out_error("a request needs the address of %s", peer->host);
    vpn_endpoint_format(text, &endpoint);
    (void)printf("endpoint=%s\n", text);
    return 0;
}

/* Lines that only libvpn's daemon knows. */
static int put_more(uapi_text *more)
{
    int failed = more->failed;

    if (more->text != NULL && !failed)
        (void)fputs(more->text, stdout);
    uapi_text_free(more);
    return failed ? out_error("out of memory") : 0;
}

static int put_peer(const vpn_conf_peer *peer)
{
    char text[VPN_PREFIX_CHARS];
    uapi_text more = {.text = NULL};

    put_key("public_key", peer->public_key);
    if (!vpn_key_is_zero(peer->preshared_key))
        put_key("preshared_key", peer->preshared_key);
    if (put_endpoint(peer) != 0)
        return -1;
    if (peer->keepalive != 0)
        (void)printf("persistent_keepalive_interval=%u\n", peer->keepalive);
    (void)puts("replace_allowed_ips=true");
    for (size_t i = 0; i < peer->allowed_ip_count; i++) {
        vpn_prefix_format(text, &peer->allowed_ips[i]);
        (void)printf("allowed_ip=%s\n", text);
    }
    uapi_more_put_peer(&more, peer);
    return put_more(&more);
}

int convert_to_uapi(const vpn_conf *conf)
{
    uapi_text more = {.text = NULL};

    (void)puts("set=1");
    if ((conf->set & VPN_CONF_SET_PRIVATE_KEY) != 0)
        put_key("private_key", conf->private_key);
    if ((conf->set & VPN_CONF_SET_LISTEN_PORT) != 0)
        (void)printf("listen_port=%u\n", conf->listen_port);
    if ((conf->set & VPN_CONF_SET_FWMARK) != 0)
        (void)printf("fwmark=%u\n", conf->fwmark);
    (void)puts("replace_peers=true");
    uapi_more_put_device(&more, conf);
    if (put_more(&more) != 0)
        return -1;
    for (size_t i = 0; i < conf->peer_count; i++) {
        if (put_peer(&conf->peers[i]) != 0)
            return -1;
    }
    (void)putchar('\n');
    return 0;
}

static void put_base64(uapi_text *out, const char *name, const uint8_t key[VPN_KEY_BYTES])
{
    char text[VPN_KEY_BASE64_CHARS + 1];

    if (vpn_key_is_zero(key))
        return;
    vpn_key_to_base64(text, key);
    uapi_text_put(out, "%s = %s\n", name, text);
    vpn_wipe(text, sizeof text);
}

/* What only vpn-tunnel knows, of a peer or with NULL of the device, as the keys of files. */
static void put_own(uapi_text *out, const device *d, const device_peer *p)
{
    static const struct {
        const char *key;
        const char *name;
    } known[] = {{"path_mtu_mode", "PathMTU"},        {"clamp_mss", "ClampMSS"},       {"filter", "Filter"},
                 {"filter_default", "FilterDefault"}, {"filter_flows", "FilterFlows"}, {"netmap", "Netmap"},
                 {"probe_address", "ProbeAddress"}};
    const char *value;

    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        for (size_t at = 0; (value = device_told(d, p, known[k].key, &at)) != NULL;)
            uapi_text_put(out, "%s = %s\n", known[k].name, value);
    }
}

static void put_device_peer(uapi_text *out, const device *d, const device_peer *p)
{
    char text[VPN_PREFIX_CHARS];

    uapi_text_put(out, "[Peer]\n");
    put_base64(out, "PublicKey", p->public_key);
    put_base64(out, "PresharedKey", p->preshared_key);
    for (size_t i = 0; i < p->prefix_count; i++) {
        vpn_prefix_format(text, &d->prefixes[p->first_prefix + i]);
        uapi_text_put(out, "AllowedIPs = %s\n", text);
    }
    if (p->endpoint[0] != '\0')
        uapi_text_put(out, "Endpoint = %s\n", p->endpoint);
    if (p->keepalive != 0)
        uapi_text_put(out, "PersistentKeepalive = %u\n", p->keepalive);
    put_own(out, d, p);
}

int convert_from_uapi(uapi_text *out, const char *name, const char *text, size_t length)
{
    const char *why;
    device d;
    size_t line = device_parse(&d, text, length, &why);

    if (line == 0) {
        uapi_text_put(out, "[Interface]\n");
        put_base64(out, "PrivateKey", d.private_key);
        if (d.port != 0)
            uapi_text_put(out, "ListenPort = %u\n", d.port);
        if (d.fwmark != 0)
            uapi_text_put(out, "FwMark = 0x%x\n", d.fwmark);
        put_own(out, &d, NULL);
        for (size_t i = 0; i < d.peer_count; i++)
            put_device_peer(out, &d, &d.peers[i]);
    }
    device_free(&d);
    return line == 0 ? 0 : out_error("%s:%zu: %s", name, line, why);
}
