/* SPDX-License-Identifier: ISC */
#include "policy/diagnose_say.h"

#include <string.h>

#include <vpn/uapi.h>

#include "config/text.h"

typedef struct vpn__text text;

static void put_key(text *t, const uint8_t key[VPN_KEY_BYTES])
{
    char base64[VPN_KEY_BASE64_CHARS + 1];
    vpn_key_to_base64(base64, key);
    vpn__text_string(t, base64);
}

static void put_link(text *t, const char name[VPN_IFNAME_CHARS])
{
    for (size_t i = 0; i < VPN_IFNAME_CHARS && name[i]; i++)
        vpn__text_bytes(t, name + i, 1);
}

static void put_prefix(text *t, const vpn_prefix *prefix)
{
    char string[VPN_PREFIX_CHARS];
    vpn_prefix_format(string, prefix);
    vpn__text_string(t, string);
}

static void put_endpoint(text *t, const vpn_endpoint *endpoint)
{
    char string[VPN_ENDPOINT_CHARS];
    vpn_endpoint_format(string, endpoint);
    vpn__text_string(t, string);
}

/* Keys, links, addresses. 0: the letter means none of them. */
static int put_name(text *t, const vpn_observed *seen, char letter)
{
    switch (letter) {
    case 'i':
        return put_link(t, seen->name), 1;
    case 'w':
        return put_link(t, seen->way_link), 1;
    case 'R':
        return put_link(t, seen->route_link), 1;
    case 'F':
        return put_link(t, seen->foreign_link), 1;
    case 'k':
        return put_key(t, seen->public_key), 1;
    case 'K':
        return put_key(t, seen->peer_key), 1;
    case 'x':
        return put_key(t, seen->heard.stranger), 1;
    case 'e':
        return put_endpoint(t, &seen->endpoint), 1;
    case 'h':
        return vpn__text_ip(t, seen->endpoint.family, seen->endpoint.addr), 1;
    case 's':
        return vpn__text_ip(t, seen->source.family, seen->source.addr), 1;
    case 't':
        return vpn__text_ip(t, seen->target.family, seen->target.addr), 1;
    case 'd':
        return vpn__text_ip(t, seen->server.family, seen->server.addr), 1;
    case 'a':
        return vpn__text_ip(t, seen->address.family, seen->address.addr), 1;
    case 'r':
        return put_prefix(t, &seen->route), 1;
    case 'f':
        return put_prefix(t, &seen->foreign_route), 1;
    }
    return 0;
}

static void put_number(text *t, const vpn_observed *seen, char letter)
{
    uint64_t number = 0;
    switch (letter) {
    case 'p':
        number = seen->port;
        break;
    case 'm':
        number = seen->link_mtu;
        break;
    case 'M':
        number = seen->wanted_mtu;
        break;
    case 'n':
        number = seen->passes;
        break;
    case 'A':
        number = seen->handshake_age;
        break;
    case 'b':
        number = seen->heard.behind;
        break;
    case 'l':
        number = seen->heard.seconds;
        break;
    case 'W':
        number = seen->waited;
        break;
    case 'c':
        number = seen->heard.all;
        break;
    case 'o':
        number = seen->others_alive;
        break;
    default:
        vpn__text_bytes(t, &letter, 1);
        return;
    }
    vpn__text_decimal(t, number);
}

static void fill(char out[VPN_CHECK_CHARS], const vpn_observed *seen, const char *sentence)
{
    text t = {.out = out, .capacity = VPN_CHECK_CHARS - 1};
    memset(out, 0, VPN_CHECK_CHARS);
    for (; *sentence; sentence++) {
        if (*sentence != '%')
            vpn__text_bytes(&t, sentence, 1);
        else if (!put_name(&t, seen, *++sentence))
            put_number(&t, seen, *sentence);
    }
}

void vpn__check_say(vpn_check *check, const vpn_observed *seen, uint32_t result, uint32_t cause, const char *evidence,
                    const char *remedy)
{
    check->result = result;
    check->cause = cause;
    fill(check->evidence, seen, evidence);
    fill(check->remedy, seen, remedy);
}
