/* SPDX-License-Identifier: ISC */
/* As `wg show` prints a device, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "show.h"

static void put_label(const char *label)
{
    (void)printf("  %s%s%s: ", out_colour(COLOUR_BOLD), label, out_plain());
}

static void put_key(const uint8_t key[VPN_KEY_BYTES])
{
    char text[VPN_KEY_BASE64_CHARS + 1];

    vpn_key_to_base64(text, key);
    (void)fputs(text, stdout);
    vpn_wipe(text, sizeof text);
}

static void put_secret(const char *label, const uint8_t key[VPN_KEY_BYTES], int keys)
{
    if (vpn_key_is_zero(key))
        return;
    put_label(label);
    if (keys)
        put_key(key);
    else
        (void)fputs("(hidden)", stdout);
    (void)putchar('\n');
}

/* A year has 365 days. */
void show_span(uint64_t seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"year", 31536000}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    int some = 0;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t count = seconds / units[i].seconds;

        seconds %= units[i].seconds;
        if (count > 0)
            (void)printf("%s%" PRIu64 " %s%s", some++ ? ", " : "", count, units[i].name, count == 1 ? "" : "s");
    }
}

void show_bytes(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double shown = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        (void)printf("%" PRIu64 " B", bytes);
        return;
    }
    for (uint64_t left = bytes >> 20; left > 0 && unit < 3; left >>= 10) {
        shown /= 1024;
        unit++;
    }
    (void)printf("%.2f %s", shown, units[unit]);
}

static void put_handshake(const device_peer *p, uint64_t now)
{
    put_label("latest handshake");
    if (p->handshake == now) {
        (void)puts("Now");
    } else if (p->handshake > now) {
        (void)puts("(System clock wound backward; connection problems may ensue.)");
    } else {
        show_span(now - p->handshake);
        (void)puts(" ago");
    }
}

static void put_prefixes(const device *d, const device_peer *p)
{
    char text[VPN_PREFIX_CHARS];

    put_label("allowed ips");
    for (size_t i = 0; i < p->prefix_count; i++) {
        vpn_prefix_format(text, &d->prefixes[p->first_prefix + i]);
        (void)printf("%s%s", i == 0 ? "" : ", ", text);
    }
    (void)puts(p->prefix_count == 0 ? "(none)" : "");
}

static void put_peer(const device *d, const device_peer *p, uint64_t now, int keys)
{
    (void)printf("\n%speer%s: ", out_colour(COLOUR_YELLOW), out_plain());
    put_key(p->public_key);
    (void)putchar('\n');
    put_secret("preshared key", p->preshared_key, keys);
    if (p->endpoint[0] != '\0') {
        put_label("endpoint");
        (void)puts(p->endpoint);
    }
    put_prefixes(d, p);
    if (p->handshake != 0)
        put_handshake(p, now);
    if (p->received != 0 || p->sent != 0) {
        put_label("transfer");
        show_bytes(p->received);
        (void)fputs(" received, ", stdout);
        show_bytes(p->sent);
        (void)puts(" sent");
    }
    if (p->keepalive != 0) {
        put_label("persistent keepalive");
        (void)fputs("every ", stdout);
        show_span(p->keepalive);
        (void)putchar('\n');
    }
    show_more_text(d, p, now);
}

/* The latest handshake first; peers without one keep their order, which addresses in one array give. */
static int by_handshake(const void *left, const void *right)
{
    const device_peer *a = *(const device_peer *const *)left;
    const device_peer *b = *(const device_peer *const *)right;

    if (a->handshake != b->handshake)
        return a->handshake > b->handshake ? -1 : 1;
    if (a->handshake_rest != b->handshake_rest)
        return a->handshake_rest > b->handshake_rest ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void put_peers(const device *d, uint64_t now, int keys)
{
    const device_peer **order = calloc(d->peer_count + 1, sizeof *order);

    if (order == NULL) {
        (void)out_error("out of memory");
        return;
    }
    for (size_t i = 0; i < d->peer_count; i++)
        order[i] = &d->peers[i];
    qsort(order, d->peer_count, sizeof *order, by_handshake);
    for (size_t i = 0; i < d->peer_count; i++)
        put_peer(d, order[i], now, keys);
    free(order);
}

void show_text(const char *name, const device *d, uint64_t now, int keys)
{
    (void)printf("%sinterface%s: %s\n", out_colour(COLOUR_GREEN), out_plain(), name);
    if (!vpn_key_is_zero(d->private_key)) {
        put_label("public key");
        put_key(d->public_key);
        (void)putchar('\n');
    }
    put_secret("private key", d->private_key, keys);
    if (d->port != 0) {
        put_label("listening port");
        (void)printf("%u\n", d->port);
    }
    if (d->fwmark != 0) {
        put_label("fwmark");
        (void)printf("0x%x\n", d->fwmark);
    }
    show_more_text(d, NULL, now);
    put_peers(d, now, keys);
}
