/* SPDX-License-Identifier: ISC */
/*
 * Line by line, as wg and wg-quick go through a file: what follows a "#" is dropped, even in a hook; then a section in brackets,
 * or a key, "=" and a value. A fault ends the reading, and then nothing is kept.
 */
#include <string.h>

#include "base/env.h"
#include "base/sort.h"
#include "config/conf_value.h"
#include "config/text.h"

enum section { NO_SECTION, INTERFACE, PEER };

struct parse {
    struct vpn__conf_reader reader;
    vpn_conf_error *error;
    enum section section;
    enum vpn__conf_key key; /* of the present line */
    const char *line;       /* its first byte; NULL: no line is to blame */
    uint32_t number;
    int has_key; /* the present peer has its public key */
    uint32_t section_line;
};

static void tell(vpn_conf_error *error, int code, const char *why, const char *more)
{
    struct vpn__text text = {.out = error->why, .capacity = sizeof(error->why) - 1};
    error->error = code;
    vpn__text_string(&text, why);
    vpn__text_string(&text, more);
}

/* Blames the byte at `at` of the present line, or the line as a whole. */
static int blame(struct parse *p, const char *at, int code, const char *why, const char *more)
{
    if (!p->error)
        return code;
    tell(p->error, code, why, more);
    p->error->line = p->number;
    p->error->column = p->line && at ? (uint32_t)(at - p->line) + 1 : 0;
    struct vpn__text key = {.out = p->error->key, .capacity = sizeof(p->error->key) - 1};
    vpn__text_string(&key, vpn__conf_key_name(p->key));
    return code;
}

/* Each peer needs its key; looked at where its section ends. */
static int end_section(struct parse *p)
{
    if (p->section != PEER || p->has_key)
        return 0;
    p->number = p->section_line;
    p->line = NULL;
    p->key = VPN__CONF_NONE;
    return blame(p, NULL, VPN_EFORMAT, "this peer has no PublicKey", "");
}

static int start_peer(struct parse *p)
{
    vpn_conf *conf = &p->reader.to->conf;
    vpn_conf_peer *peers = vpn__arena_grow(&p->reader.to->arena, (void *)conf->peers, conf->peer_count, sizeof(*peers));
    if (!peers)
        return blame(p, p->line, VPN_ENOMEM, "out of memory", "");
    conf->peers = peers;
    p->reader.peer = &peers[conf->peer_count++];
    memset(p->reader.peer, 0, sizeof(*peers));
    p->reader.peer->line = p->number;
    p->section = PEER;
    p->has_key = 0;
    return 0;
}

static int read_section(struct parse *p, struct vpn__conf_span line)
{
    uint32_t number = p->number;
    int error = end_section(p);
    if (error)
        return error;
    p->section_line = number;
    p->reader.peer = NULL;
    if (vpn__conf_is(line.text, line.length, "[Interface]")) {
        p->section = INTERFACE;
        return 0;
    }
    if (vpn__conf_is(line.text, line.length, "[Peer]"))
        return start_peer(p);
    return blame(p, line.text, VPN_EFORMAT, "the sections are [Interface] and [Peer]", "");
}

/* What is wrong with a key in the present section: told, and an error; else 0. */
static int check_key(struct parse *p, struct vpn__conf_span name)
{
    int of_peer = p->key >= VPN__CONF_FIRST_OF_PEER;
    if (p->section == NO_SECTION)
        return blame(p, name.text, VPN_EFORMAT, "a key before any section: [Interface] comes first", "");
    if (p->key == VPN__CONF_NONE) {
        enum vpn__conf_key near = vpn__conf_key_nearest(name.text, name.length, p->section == PEER);
        return blame(p, name.text, VPN_EFORMAT, "not a key of this section; the nearest one is ",
                     vpn__conf_key_name(near));
    }
    if (of_peer != (p->section == PEER))
        return blame(p, name.text, VPN_EFORMAT, "this key belongs to the section ", of_peer ? "[Peer]" : "[Interface]");
    return 0;
}

static int read_pair(struct parse *p, struct vpn__conf_span line)
{
    const char *equals = memchr(line.text, '=', line.length);
    size_t part = equals ? (size_t)(equals - line.text) : line.length;
    struct vpn__conf_span name = vpn__conf_trim(line.text, part);
    p->key = vpn__conf_key_find(name.text, name.length);
    int error = check_key(p, name);
    if (error)
        return error;
    if (!equals)
        return blame(p, line.text + line.length, VPN_EFORMAT, "\"=\" and a value are missing", "");
    struct vpn__conf_span value = vpn__conf_trim(equals + 1, line.length - part - 1);
    const char *why = vpn__conf_value(&p->reader, p->key, value);
    if (why)
        return blame(p, p->reader.at, p->reader.error, why, "");
    p->has_key |= p->key == VPN__CONF_PUBLIC_KEY;
    return 0;
}

/* The first byte that no text has, or NULL. */
static const char *control(struct vpn__conf_span line)
{
    for (size_t i = 0; i < line.length; i++) {
        uint8_t c = (uint8_t)line.text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return line.text + i;
    }
    return NULL;
}

static int read_line(struct parse *p, const char *text, size_t length)
{
    const char *comment = length ? memchr(text, '#', length) : NULL;
    struct vpn__conf_span whole = vpn__conf_trim(text, length);
    struct vpn__conf_span line = vpn__conf_trim(text, comment ? (size_t)(comment - text) : length);
    const char *bad = control(whole);
    p->line = text;
    p->number++;
    p->key = VPN__CONF_NONE;
    if (bad)
        return blame(p, bad, VPN_EFORMAT, "a control character", "");
    if (line.length == 0)
        return 0;
    return line.text[0] == '[' ? read_section(p, line) : read_pair(p, line);
}

static int by_key(const void *a, const void *b)
{
    const vpn_conf_peer *x = *(const vpn_conf_peer *const *)a, *y = *(const vpn_conf_peer *const *)b;
    int order = memcmp(x->public_key, y->public_key, VPN_KEY_BYTES);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* wg would let a second section of a peer replace what the first one said. */
static int check_twins(struct parse *p)
{
    const vpn_conf *conf = &p->reader.to->conf;
    const vpn_env *env = &p->reader.to->arena.env;
    size_t count = conf->peer_count;
    int error = 0;
    if (count < 2)
        return 0;
    p->line = NULL;
    p->number = 0;
    p->key = VPN__CONF_NONE;
    const vpn_conf_peer **sorted = vpn__alloc_array(env, count, sizeof(*sorted));
    if (!sorted)
        return blame(p, NULL, VPN_ENOMEM, "out of memory", "");
    for (size_t i = 0; i < count; i++)
        sorted[i] = &conf->peers[i];
    vpn__sort((void *)sorted, count, sizeof(*sorted), by_key);
    for (size_t i = 1; i < count && !error; i++) {
        if (memcmp(sorted[i - 1]->public_key, sorted[i]->public_key, VPN_KEY_BYTES) != 0)
            continue;
        p->number = sorted[i]->line;
        error = blame(p, NULL, VPN_EFORMAT, "this peer has the PublicKey of one before", "");
    }
    vpn__free(env, (void *)sorted, count * sizeof(*sorted));
    return error;
}

static int read_text(struct parse *p, const char *text, size_t length)
{
    int error = 0;
    for (size_t at = 0; at < length && !error;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t part = end ? (size_t)(end - text) - at : length - at;
        error = read_line(p, text + at, part);
        at += part + 1;
    }
    if (!error)
        error = end_section(p);
    if (!error)
        error = check_twins(p);
    return error;
}

static struct vpn__conf *make(const vpn_env *env)
{
    struct vpn__conf *made = vpn__alloc(env, sizeof(*made));
    if (made) {
        made->arena.env = *env;
        made->conf.size = sizeof(made->conf);
        made->conf.lan_access = 1;
    }
    return made;
}

int vpn_conf_parse(vpn_conf **out, const char *text, size_t length, const vpn_env *env, vpn_conf_error *error)
{
    struct parse p = {.error = error};
    vpn_env host;
    *out = NULL;
    if (error)
        memset(error, 0, sizeof(*error));
    if (vpn__env_init(&host, env) || (!text && length))
        return blame(&p, NULL, VPN_EINVAL, "an argument is not allowed", "");
    if (length > VPN_CONF_TEXT_MAX)
        return blame(&p, NULL, VPN_ELIMIT, "the text is too long", "");
    struct vpn__conf *made = make(&host);
    if (!made)
        return blame(&p, NULL, VPN_ENOMEM, "out of memory", "");
    p.reader.to = made;
    int result = read_text(&p, text, length);
    if (result)
        vpn_conf_free(&made->conf);
    else
        *out = &made->conf;
    return result;
}

void vpn_conf_free(vpn_conf *conf)
{
    struct vpn__conf *made = (struct vpn__conf *)conf;
    if (!made)
        return;
    vpn_env env = made->arena.env;
    vpn__arena_end(&made->arena);
    vpn__free(&env, made, sizeof(*made));
}

uint32_t vpn_conf_dns_mode(const vpn_conf *conf)
{
    if (conf->set & VPN_CONF_SET_DNS_MODE)
        return conf->dns_mode;
    if (!conf->dns_count)
        return VPN_DNS_OFF;
    return conf->match_count ? VPN_DNS_SPLIT : VPN_DNS_TUNNEL;
}
