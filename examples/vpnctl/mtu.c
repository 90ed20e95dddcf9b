/* SPDX-License-Identifier: ISC */
/* vpn/mtu.h on the command line. */
#include <stdio.h>
#include <string.h>

#include <vpn/vpn.h>

#include "command.h"
#include "options.h"
#include "out.h"

static const struct {
    const char *name;
    const char *what;
    uint32_t kind;
} kinds[] = {
    {"udp", "WireGuard in UDP", VPN_MTU_WG_UDP},
    {"tcp", "WireGuard in a TCP stream", VPN_MTU_WG_TCP},
    {"udp-tcp", "UDP datagrams in a TCP stream", VPN_MTU_WG_UDP_TCP},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], ETHERNET = 1500 };

typedef struct question {
    int kinds_first;
    int kinds_last;
    uint8_t family_first;
    uint8_t family_last;
    uint32_t extra;
    uint32_t path; /* 0: not given */
    uint32_t inner;
} question;

static int read_kind(question *q, const char *text)
{
    q->kinds_last = KINDS - 1;
    if (text == NULL)
        return 0;
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, text) == 0) {
            q->kinds_first = q->kinds_last = i;
            return 0;
        }
    }
    return out_error("--kind is udp, tcp or udp-tcp, not '%s'", text);
}

static int read_family(question *q, const char *text)
{
    q->family_first = 4;
    q->family_last = 6;
    if (text == NULL)
        return 0;
    if (strcmp(text, "4") != 0 && strcmp(text, "6") != 0)
        return out_error("--family is 4 or 6, not '%s'", text);
    q->family_first = q->family_last = (uint8_t)(text[0] - '0');
    return 0;
}

static int read_sizes(question *q, const options *o)
{
    const char *path = o->value[OPTION_PATH];
    const char *inner = o->value[OPTION_INNER];
    const char *extra = o->value[OPTION_EXTRA];

    if (path != NULL && inner != NULL)
        return out_error("--path and --inner contradict each other");
    if (path != NULL && (options_number("--path", path, VPN_MTU_MAX, &q->path) != 0))
        return -1;
    if (inner != NULL && (options_number("--inner", inner, VPN_MTU_MAX, &q->inner) != 0))
        return -1;
    if ((path != NULL && q->path == 0) || (inner != NULL && q->inner == 0))
        return out_error("an MTU is at least 1");
    return extra == NULL ? 0 : options_number("--extra", extra, 2048, &q->extra);
}

static uint32_t path_of(const question *q, int kind, uint8_t family)
{
    if (q->inner == 0)
        return q->path == 0 ? ETHERNET : q->path;
    return vpn_mtu_to_path(kinds[kind].kind, family, q->extra, q->inner);
}

static uint32_t inner_of(const question *q, int kind, uint8_t family)
{
    if (q->inner != 0)
        return q->inner;
    return vpn_mtu_from_path(kinds[kind].kind, family, q->extra, q->path == 0 ? ETHERNET : q->path);
}

static void put_json(const question *q, int kind, uint8_t family)
{
    json_open(NULL, '{');
    json_text("kind", kinds[kind].name);
    json_number("family", family);
    json_number("overhead", vpn_mtu_overhead(kinds[kind].kind, family, q->extra));
    json_number("path_mtu", path_of(q, kind, family));
    json_number("inner_mtu", inner_of(q, kind, family));
    json_flag("carries_ipv6", inner_of(q, kind, family) >= VPN_MTU_MIN_IPV6);
    json_close('}');
}

static void put_row(const question *q, int kind, uint8_t family)
{
    uint32_t path = path_of(q, kind, family);
    uint32_t inner = inner_of(q, kind, family);

    (void)printf("%-8s  IPv%u   %8u  ", kinds[kind].name, family, vpn_mtu_overhead(kinds[kind].kind, family, q->extra));
    if (path == 0 || inner == 0)
        (void)printf("%8s  %9s  does not fit\n", path == 0 ? "-" : "", inner == 0 ? "-" : "");
    else
        (void)printf("%8u  %9u  %s\n", path, inner,
                     inner < VPN_MTU_MIN_IPV6 ? "too small for IPv6 inside (1280)" : kinds[kind].what);
}

/* 0, or -1: the outer header cannot have so many extra bytes, or nothing fits. */
static int put_all(const question *q, int json)
{
    int fit = 0;

    for (int kind = q->kinds_first; kind <= q->kinds_last; kind++) {
        for (uint8_t family = q->family_first; family <= q->family_last; family = (uint8_t)(family + 2)) {
            if (vpn_mtu_overhead(kinds[kind].kind, family, q->extra) == 0)
                continue;
            fit = 1;
            if (json)
                put_json(q, kind, family);
            else
                put_row(q, kind, family);
        }
    }
    return fit ? 0 : -1;
}

int command_mtu(const options *o)
{
    question q = {.extra = 0};
    int json = o->value[OPTION_JSON] != NULL;
    int result;

    if (read_kind(&q, o->value[OPTION_KIND]) != 0 || read_family(&q, o->value[OPTION_FAMILY]) != 0 ||
        read_sizes(&q, o) != 0)
        return STATUS_FAILED;
    if (json)
        json_open(NULL, '[');
    else
        (void)printf("%s%-8s  %-5s  %8s  %8s  %9s%s\n", out_colour(COLOUR_BOLD), "kind", "outer", "overhead",
                     "path MTU", "inner MTU", out_plain());
    result = put_all(&q, json);
    if (json)
        json_close(']');
    if (result != 0)
        return out_error("--extra: IPv4 options are a multiple of 4 up to 40, IPv6 extension headers of 8 up to 2048"),
               STATUS_FAILED;
    return STATUS_FINE;
}
