/* SPDX-License-Identifier: ISC */
/* The outer path, as far as this host knows it; what becomes of datagrams was seen with the control plane. */
#include <stdio.h>
#include <string.h>

#include "diagnosis.h"
#include "way.h"

/* A line of /proc/net/udp has the local address and port in hexadecimal behind its number. */
static int has_port(const char *path, uint32_t port)
{
    char line[512];
    FILE *from = fopen(path, "re");
    int found = from == NULL ? -1 : 0;

    while (from != NULL && found == 0 && fgets(line, sizeof line, from) != NULL) {
        unsigned number;

        found = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x", &number) == 1 && number == port;
    }
    if (from != NULL)
        (void)fclose(from);
    return found;
}

/* Addresses that the internet does not carry (RFC 1918, 3927, 4193, 4291, 6598). */
static int is_private(uint8_t family, const uint8_t *a)
{
    if (family == 6)
        return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
    return a[0] == 10 || a[0] == 127 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
           (a[0] == 169 && a[1] == 254) || (a[0] == 100 && (a[1] & 0xc0) == 64);
}

static void look_at_way(diagnosis *d)
{
    const vpn_endpoint *to = &d->seen.endpoint;
    const vpn_host_link *link;
    system_way way;

    way_ask(&way, to->family, to->addr, d->mark);
    link = diagnosis_link(d, way.link);
    d->seen.way = (uint8_t)way.kind;
    d->seen.source = way.source;
    if (way.kind != VPN_WAY_LINK || link == NULL)
        return;
    memcpy(d->seen.way_link, link->name, sizeof d->seen.way_link);
    if (strcmp(link->name, d->l.name) == 0)
        d->seen.way = VPN_WAY_TUNNEL;
    if (way.source.family != 0)
        d->seen.translated = yes_no(is_private(to->family, way.source.addr) && !is_private(to->family, to->addr));
}

void gather_outer(diagnosis *d)
{
    int four = has_port("/proc/net/udp", d->seen.port);
    int six = has_port("/proc/net/udp6", d->seen.port);

    if (four >= 0 || six >= 0)
        d->seen.socket = yes_no(four == 1 || six == 1);
    if (d->seen.endpoint.family != 0)
        look_at_way(d);
}
