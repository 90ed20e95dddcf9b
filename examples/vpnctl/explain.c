/* SPDX-License-Identifier: ISC */
/* vpnctl explain: where a packet goes, what decided, and who sees what of it. */
#include <stdio.h>
#include <string.h>

#include <vpn/vpn.h>

#include "load.h"
#include "out.h"
#include "selector.h"

static const struct {
    uint32_t bit;
    const char *name;  /* in JSON */
    const char *words; /* for people */
} sights[] = {
    {VPN_SEES_PACKET, "packet", "the packet itself"},
    {VPN_SEES_DESTINATION, "destination", "whom it is for"},
    {VPN_SEES_SOURCE, "source", "this host's address"},
    {VPN_SEES_TUNNEL_ADDRESS, "tunnel_address", "the address in the tunnel"},
    {VPN_SEES_ENDPOINT, "endpoint", "the endpoint"},
    {VPN_SEES_TIMING, "timing", "when and how much"},
};

enum { SIGHTS = sizeof sights / sizeof sights[0] };

static const char *path_name(uint32_t path)
{
    return path == VPN_PATH_TUNNEL ? "tunnel" : path == VPN_PATH_LOCAL ? "local" : "blocked";
}

static int path_colour(uint32_t path)
{
    return path == VPN_PATH_TUNNEL ? COLOUR_GREEN : path == VPN_PATH_LOCAL ? COLOUR_YELLOW : COLOUR_RED;
}

static const char *link_name(const loaded *l, uint32_t index)
{
    for (size_t i = 0; i < l->facts.host.link_count; i++) {
        if (l->facts.host.links[i].index == index)
            return l->facts.host.links[i].name;
    }
    return NULL;
}

static void put_observer(const char *who, uint32_t bits)
{
    int some = 0;

    (void)printf("  %-13s  ", who);
    for (int i = 0; i < SIGHTS; i++) {
        if ((bits & sights[i].bit) != 0)
            (void)printf("%s%s", some++ ? ", " : "", sights[i].words);
    }
    (void)printf("%s\n", some ? "" : "nothing");
}

static void put_packet(const vpn_selector *s)
{
    vpn_prefix to = {.family = s->family, .bits = s->family == 4 ? 32 : 128};
    char text[VPN_PREFIX_CHARS];

    memcpy(to.addr, s->to, sizeof to.addr);
    out_ip(text, &to);
    (void)printf("packet   to %s", text);
    if (s->port != 0)
        (void)printf(" port %u", s->port);
    if (selector_protocol(s->protocol) != NULL)
        (void)printf(" %s", selector_protocol(s->protocol));
    else if (s->protocol != 0)
        (void)printf(" proto %u", s->protocol);
    if (s->has_uid)
        (void)printf(" from uid %u", s->uid);
    if (s->cgroup != NULL)
        (void)printf(" cgroup %s", s->cgroup);
    if (s->mark != 0)
        (void)printf(" mark 0x%x", s->mark);
    (void)putchar('\n');
}

static void put_path(const loaded *l, const vpn_explanation *e)
{
    const char *name = link_name(l, e->link);
    char key[VPN_KEY_BASE64_CHARS + 1];

    (void)printf("path     %s%s%s", out_colour(path_colour(e->path)), path_name(e->path), out_plain());
    if (e->path == VPN_PATH_TUNNEL) {
        (void)printf(" %s", l->name);
        if (e->peer < l->conf->peer_count) {
            vpn_key_to_base64(key, l->conf->peers[e->peer].public_key);
            (void)printf(", peer %u (%s)", e->peer + 1, key);
        }
    } else if (name != NULL) {
        (void)printf(", by %s", name);
    }
    (void)putchar('\n');
}

static void put_text(const loaded *l, const vpn_selector *s, const vpn_explanation *e)
{
    char route[VPN_PREFIX_CHARS];

    put_packet(s);
    put_path(l, e);
    (void)printf("because  %s\n", e->rule);
    if (e->route.family != 0) {
        vpn_prefix_format(route, &e->route);
        (void)printf("route    %s in table %u\n", route, e->table);
    }
    (void)puts("who sees");
    put_observer("local network", e->local_network);
    put_observer("ISP", e->isp);
    if (e->path == VPN_PATH_TUNNEL)
        put_observer("VPN endpoint", e->endpoint);
    put_observer("destination", e->destination);
}

static void put_sights(const char *who, uint32_t bits)
{
    json_open(who, '[');
    for (int i = 0; i < SIGHTS; i++) {
        if ((bits & sights[i].bit) != 0)
            json_text(NULL, sights[i].name);
    }
    json_close(']');
}

static void put_json(const loaded *l, const vpn_explanation *e)
{
    json_open(NULL, '{');
    json_text("path", path_name(e->path));
    json_text("because", e->rule);
    if (e->path == VPN_PATH_TUNNEL && e->peer < l->conf->peer_count)
        json_key("peer", l->conf->peers[e->peer].public_key);
    if (link_name(l, e->link) != NULL)
        json_text("link", link_name(l, e->link));
    if (e->route.family != 0)
        json_prefix("route", &e->route);
    json_number("table", e->table);
    json_open("sees", '{');
    put_sights("local_network", e->local_network);
    put_sights("isp", e->isp);
    put_sights("endpoint", e->endpoint);
    put_sights("destination", e->destination);
    json_close('}');
    json_close('}');
}

static int explain(const loaded *l, const vpn_selector *s, int json)
{
    vpn_explanation e;
    int error = vpn_plan_explain(l->plan, s, &e);

    if (error != 0)
        return out_error("cannot explain: %s", vpn_strerror(error));
    if (json)
        put_json(l, &e);
    else
        put_text(l, s, &e);
    return 0;
}

int command_explain(const options *o)
{
    char room[SELECTOR_ROOM];
    vpn_selector packet;
    loaded l;
    int result;

    if (selector_read(&packet, room, o->words + 1, o->word_count - 1) != 0)
        return STATUS_FAILED;
    result = load(&l, o, o->words[0]);
    if (result == 0)
        result = explain(&l, &packet, o->value[OPTION_JSON] != NULL);
    load_free(&l);
    return result == 0 ? STATUS_FINE : STATUS_FAILED;
}
