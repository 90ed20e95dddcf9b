/* SPDX-License-Identifier: ISC */
/* As `wg show IF FIELD` prints a device, for programs; and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out.h"
#include "show.h"

enum field {
    PUBLIC_KEY,
    PRIVATE_KEY,
    LISTEN_PORT,
    FWMARK,
    PEERS, /* from here on: a line for each peer */
    PRESHARED_KEYS,
    ENDPOINTS,
    ALLOWED_IPS,
    HANDSHAKES,
    TRANSFER,
    KEEPALIVE,
    DUMP,
    FIELDS
};

static const char *const fields[FIELDS] = {"public-key",
                                           "private-key",
                                           "listen-port",
                                           "fwmark",
                                           "peers",
                                           "preshared-keys",
                                           "endpoints",
                                           "allowed-ips",
                                           "latest-handshakes",
                                           "transfer",
                                           "persistent-keepalive",
                                           "dump"};

static enum field field_named(const char *name)
{
    int i = 0;

    while (i < FIELDS && strcmp(fields[i], name) != 0)
        i++;
    return (enum field)i;
}

int show_is_field(const char *word)
{
    return field_named(word) != FIELDS || show_more_is_field(word);
}

static void put_key(const uint8_t key[VPN_KEY_BYTES])
{
    char text[VPN_KEY_BASE64_CHARS + 1];

    vpn_key_to_base64(text, key);
    (void)fputs(vpn_key_is_zero(key) ? "(none)" : text, stdout);
    vpn_wipe(text, sizeof text);
}

static void put_secret(const uint8_t key[VPN_KEY_BYTES], int keys)
{
    if (keys || vpn_key_is_zero(key))
        put_key(key);
    else
        (void)fputs("(hidden)", stdout);
}

static void put_fwmark(const device *d)
{
    if (d->fwmark == 0)
        (void)fputs("off", stdout);
    else
        (void)printf("0x%x", d->fwmark);
}

static void put_prefixes(const device *d, const device_peer *p, char between)
{
    char text[VPN_PREFIX_CHARS];

    if (p->prefix_count == 0)
        (void)fputs("(none)", stdout);
    for (size_t i = 0; i < p->prefix_count; i++) {
        if (i > 0)
            (void)putchar(between);
        vpn_prefix_format(text, &d->prefixes[p->first_prefix + i]);
        (void)fputs(text, stdout);
    }
}

static void put_keepalive(const device_peer *p)
{
    if (p->keepalive == 0)
        (void)fputs("off", stdout);
    else
        (void)printf("%u", p->keepalive);
}

static void put_endpoint(const device_peer *p)
{
    (void)fputs(p->endpoint[0] == '\0' ? "(none)" : p->endpoint, stdout);
}

static void put_device_field(const device *d, enum field field, int keys)
{
    switch (field) {
    case PUBLIC_KEY:
        put_key(d->public_key);
        break;
    case PRIVATE_KEY:
        put_secret(d->private_key, keys);
        break;
    case LISTEN_PORT:
        (void)printf("%u", d->port);
        break;
    case FWMARK:
        put_fwmark(d);
        break;
    default: /* DUMP */
        put_secret(d->private_key, keys);
        (void)putchar('\t');
        put_key(d->public_key);
        (void)printf("\t%u\t", d->port);
        put_fwmark(d);
        break;
    }
}

static void put_dump(const device *d, const device_peer *p, int keys)
{
    put_secret(p->preshared_key, keys);
    (void)putchar('\t');
    put_endpoint(p);
    (void)putchar('\t');
    put_prefixes(d, p, ',');
    (void)printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t", p->handshake, p->received, p->sent);
    put_keepalive(p);
}

static void put_peer_field(const device *d, const device_peer *p, enum field field, int keys)
{
    put_key(p->public_key);
    if (field != PEERS)
        (void)putchar('\t');
    switch (field) {
    case PRESHARED_KEYS:
        put_secret(p->preshared_key, keys);
        break;
    case ENDPOINTS:
        put_endpoint(p);
        break;
    case ALLOWED_IPS:
        put_prefixes(d, p, ' ');
        break;
    case HANDSHAKES:
        (void)printf("%" PRIu64, p->handshake);
        break;
    case TRANSFER:
        (void)printf("%" PRIu64 "\t%" PRIu64, p->received, p->sent);
        break;
    case KEEPALIVE:
        put_keepalive(p);
        break;
    case DUMP:
        put_dump(d, p, keys);
        break;
    default: /* PEERS */
        break;
    }
}

void show_field(const char *name, const device *d, const char *word, int named, int keys)
{
    enum field field = field_named(word);

    if (field == FIELDS) {
        show_more_field(name, d, word, named);
        return;
    }
    if (field < PEERS || field == DUMP) {
        (void)printf("%s%s", named ? name : "", named ? "\t" : "");
        put_device_field(d, field, keys);
        (void)putchar('\n');
    }
    for (size_t i = 0; field >= PEERS && i < d->peer_count; i++) {
        (void)printf("%s%s", named ? name : "", named ? "\t" : "");
        put_peer_field(d, &d->peers[i], field, keys);
        (void)putchar('\n');
    }
}

static void put_json_peer(const device *d, const device_peer *p)
{
    json_open(NULL, '{');
    json_key("public_key", p->public_key);
    json_flag("has_preshared_key", !vpn_key_is_zero(p->preshared_key));
    if (p->endpoint[0] != '\0')
        json_text("endpoint", p->endpoint);
    json_open("allowed_ips", '[');
    for (size_t i = 0; i < p->prefix_count; i++)
        json_prefix(NULL, &d->prefixes[p->first_prefix + i]);
    json_close(']');
    json_number("latest_handshake", p->handshake);
    json_number("received", p->received);
    json_number("sent", p->sent);
    json_number("persistent_keepalive", p->keepalive);
    show_more_json(d, p);
    json_close('}');
}

void show_json(const char *name, const device *d)
{
    json_open(NULL, '{');
    json_text("interface", name);
    if (!vpn_key_is_zero(d->private_key))
        json_key("public_key", d->public_key);
    json_number("listen_port", d->port);
    json_number("fwmark", d->fwmark);
    show_more_json(d, NULL);
    json_open("peers", '[');
    for (size_t i = 0; i < d->peer_count; i++)
        put_json_peer(d, &d->peers[i]);
    json_close(']');
    json_close('}');
}
