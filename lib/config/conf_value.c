/* SPDX-License-Identifier: ISC */
/*
 * wg and wg-quick do not read lists alike: wg-quick takes commas and white space for the same, wg wants a comma between two
 * prefixes. Each key is read as the program that owns it would, and our own keys as wg-quick's.
 */
#include "config/conf_value.h"

#include <string.h>

#include <vpn/uapi.h>

#include "config/conf_rules.h"
#include "config/text.h"

#define NAME_CHARS    253u
#define CGROUP_CHARS  255u
#define LINK_CHARS    15u
#define OUT_OF_MEMORY "out of memory"

typedef struct vpn__conf_span span;
typedef struct vpn__conf_reader reader;
typedef const char *(*item_reader)(reader *r, span item, int which);

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

span vpn__conf_trim(const char *text, size_t length)
{
    while (length && is_space(text[length - 1]))
        length--;
    while (length && is_space(text[0])) {
        text++;
        length--;
    }
    return (span){text, length};
}

static int is(span s, const char *word)
{
    return vpn__conf_is(s.text, s.length, word);
}

static int is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_one_of(char c, const char *set)
{
    while (*set && *set != c)
        set++;
    return *set != '\0';
}

int vpn__conf_is_link(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_alnum(text[i]) && !is_one_of(text[i], "_=+.-"))
            return 0;
    }
    return length > 0 && length <= LINK_CHARS;
}

int vpn__conf_is_name(const char *text, size_t length)
{
    if (length == 0 || length > NAME_CHARS || text[0] == '.' || text[0] == '-')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_alnum(text[i]) && text[i] != '-' && text[i] != '_' && (text[i] != '.' || text[i - 1] == '.'))
            return 0;
    }
    return 1;
}

/* Such a path goes into shell words and nftables strings in quotes, so it holds nothing that could end those. */
int vpn__conf_is_path(const char *text, size_t length)
{
    if (length == 0 || length > CGROUP_CHARS || text[0] == '/' || text[length - 1] == '/')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_alnum(text[i]) && !is_one_of(text[i], "-_.@:/\\"))
            return 0;
    }
    return 1;
}

static const char *no_memory(reader *r)
{
    r->error = VPN_ENOMEM;
    return OUT_OF_MEMORY;
}

/* The list with the item behind it, or NULL. */
static void *push(reader *r, const void *list, size_t count, const void *item, size_t bytes)
{
    uint8_t *grown = vpn__arena_grow(&r->to->arena, (void *)list, count, bytes);
    if (grown)
        memcpy(grown + count * bytes, item, bytes);
    return grown;
}

static const char *push_prefix(reader *r, const vpn_prefix **list, size_t *count, vpn_prefix prefix)
{
    vpn_prefix *grown = push(r, *list, *count, &prefix, sizeof(prefix));
    if (!grown)
        return no_memory(r);
    *list = grown;
    ++*count;
    return NULL;
}

static const char *push_text(reader *r, const char *const **list, size_t *count, span text)
{
    const char *copy = vpn__arena_text(&r->to->arena, text.text, text.length);
    const char **grown = copy ? push(r, (const void *)*list, *count, (const void *)&copy, sizeof(copy)) : NULL;
    if (!grown)
        return no_memory(r);
    *list = grown;
    ++*count;
    return NULL;
}

/* Gives each item between commas, and with `loose` also between white space, to a function; stops at a fault. */
static const char *each(reader *r, span list, int loose, item_reader read, int which)
{
    size_t at = 0;
    const char *why = NULL;
    while (!why && at < list.length) {
        size_t end = at;
        while (end < list.length && list.text[end] != ',' && !(loose && is_space(list.text[end])))
            end++;
        span item = vpn__conf_trim(list.text + at, end - at);
        r->at = item.text;
        if (item.length || !loose)
            why = read(r, item, which);
        /* a comma at the end announces an item that is missing */
        if (!why && !loose && end + 1 == list.length) {
            r->at = list.text + end;
            why = read(r, (span){r->at, 0}, which);
        }
        at = end + 1;
    }
    return why;
}

static const char *read_prefix(reader *r, span item, int key)
{
    vpn_conf *c = &r->to->conf;
    vpn_prefix prefix;
    if (vpn_prefix_parse(&prefix, item.text, item.length))
        return "not a prefix, such as 10.0.0.0/8 or 2001:db8::/32";
    if (key == VPN__CONF_ALLOWED_IPS)
        return push_prefix(r, &r->peer->allowed_ips, &r->peer->allowed_ip_count, prefix);
    if (key == VPN__CONF_FAIL_MODE)
        return push_prefix(r, &c->fail_except, &c->fail_except_count, prefix);
    return push_prefix(r, &c->exclude, &c->exclude_count, prefix);
}

static const char *read_address(reader *r, span item, int key)
{
    vpn_prefix prefix;
    (void)key;
    if (vpn__read_address(&prefix, item.text, item.length))
        return "not an address, such as 10.0.0.2/24 or fd00::2/64";
    return push_prefix(r, &r->to->conf.addresses, &r->to->conf.address_count, prefix);
}

static const char *read_name(reader *r, span item, int key)
{
    vpn_conf *c = &r->to->conf;
    if (!vpn__conf_is_name(item.text, item.length))
        return "not the name of a domain";
    if (key == VPN__CONF_MATCH)
        return push_text(r, &c->match, &c->match_count, item);
    return push_text(r, &c->search, &c->search_count, item);
}

/* What looks like an address has to be one; the rest are search domains. */
static const char *read_server(reader *r, span item, int key)
{
    vpn_prefix prefix;
    size_t like = 0;
    while (like < item.length && ((item.text[like] >= '0' && item.text[like] <= '9') || item.text[like] == '.'))
        like++;
    if (like < item.length && !memchr(item.text, ':', item.length))
        return read_name(r, item, key);
    if (memchr(item.text, '/', item.length) || vpn__read_address(&prefix, item.text, item.length))
        return "not the address of a name server";
    return push_prefix(r, &r->to->conf.dns, &r->to->conf.dns_count, prefix);
}

static const char *read_uids(vpn_conf_app *app, span value)
{
    const char *dash = memchr(value.text, '-', value.length);
    size_t part = dash ? (size_t)(dash - value.text) : value.length;
    if (vpn__read_decimal(&app->first, value.text, part, UINT32_MAX - 1))
        return "not a user, such as 1000 or 1000-1999";
    app->last = app->first;
    if (dash && vpn__read_decimal(&app->last, dash + 1, value.length - part - 1, UINT32_MAX - 1))
        return "not a range of users, such as 1000-1999";
    return app->last < app->first ? "a range of users that ends before it begins" : NULL;
}

static const char *read_app_mark(vpn_conf_app *app, span value)
{
    const char *slash = memchr(value.text, '/', value.length);
    size_t part = slash ? (size_t)(slash - value.text) : value.length;
    app->last = UINT32_MAX;
    if (vpn__read_number(&app->first, value.text, part, UINT32_MAX) ||
        (slash && vpn__read_number(&app->last, slash + 1, value.length - part - 1, UINT32_MAX)))
        return "not a mark, such as 0x10 or 0x10/0xff";
    if (app->last == 0 || (app->first & ~app->last) != 0 || app->first == 0)
        return "a mark that is zero or has bits outside its mask";
    return NULL;
}

static const char *read_app(reader *r, span item, int key)
{
    vpn_conf *c = &r->to->conf;
    vpn_conf_app app = {.exclude = key == VPN__CONF_EXCLUDE_APP};
    size_t word = 0;
    const char *why = NULL;
    while (word < item.length && !is_space(item.text[word]))
        word++;
    span kind = {item.text, word}, value = vpn__conf_trim(item.text + word, item.length - word);
    if (is(kind, "uid")) {
        app.kind = VPN_APP_UID;
        why = read_uids(&app, value);
    } else if (is(kind, "mark")) {
        app.kind = VPN_APP_MARK;
        why = read_app_mark(&app, value);
    } else if (is(kind, "cgroup")) {
        app.kind = VPN_APP_CGROUP;
        if (!vpn__conf_is_path(value.text, value.length))
            return "not the path of a cgroup, without a slash at its ends";
        app.cgroup = vpn__arena_text(&r->to->arena, value.text, value.length);
        if (!app.cgroup)
            return no_memory(r);
    } else {
        return "an application is \"uid N\", \"cgroup PATH\" or \"mark N\"";
    }
    vpn_conf_app *grown = why ? NULL : push(r, c->apps, c->app_count, &app, sizeof(app));
    if (why || !grown)
        return why ? why : no_memory(r);
    c->apps = grown;
    c->app_count++;
    return NULL;
}

static const char *read_key(uint8_t key[VPN_KEY_BYTES], span value)
{
    return vpn_key_from_base64(key, value.text, value.length) ? "not a key: 44 characters of base64 are expected"
                                                              : NULL;
}

static const char *read_u16(uint16_t *out, span value, uint32_t least, const char *why)
{
    uint32_t number;
    if (vpn__read_decimal(&number, value.text, value.length, UINT16_MAX) || number < least)
        return why;
    *out = (uint16_t)number;
    return NULL;
}

static const char *read_mark(uint32_t *out, span value)
{
    if (is(value, "off")) {
        *out = 0;
        return NULL;
    }
    /* wg would read a leading zero as octal */
    if ((value.length > 1 && value.text[0] == '0' && value.text[1] != 'x' && value.text[1] != 'X') ||
        vpn__read_number(out, value.text, value.length, UINT32_MAX))
        return "not a mark: \"off\", or 32 bits, decimal or 0x and hexadecimal";
    return NULL;
}

static const char *read_table(uint32_t *out, span value)
{
    static const struct {
        const char *word;
        uint32_t table;
    } known[] = {
        {"off", VPN_CONF_TABLE_OFF}, {"auto", VPN_CONF_TABLE_AUTO}, {"main", 254}, {"default", 253}, {"local", 255}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is(value, known[i].word)) {
            *out = known[i].table;
            return NULL;
        }
    }
    if (vpn__read_number(out, value.text, value.length, UINT32_MAX - 1) || *out == 0)
        return "not a table: \"auto\", \"off\", \"main\", or a number from 1 on";
    return NULL;
}

static const char *read_bool(uint8_t *out, span value)
{
    if (!is(value, "true") && !is(value, "false"))
        return "neither true nor false";
    *out = is(value, "true") ? 1 : 0;
    return NULL;
}

static const char *read_fail_mode(reader *r, span value)
{
    static const char except[] = "closed-except";
    vpn_conf *c = &r->to->conf;
    size_t word = sizeof(except) - 1;
    c->fail_except = NULL; /* the last one counts */
    c->fail_except_count = 0;
    c->fail_mode = VPN_FAIL_CLOSED;
    if (is(value, "open"))
        c->fail_mode = VPN_FAIL_OPEN;
    else if (value.length > word && vpn__conf_is(value.text, word, except) && is_space(value.text[word]))
        return each(r, vpn__conf_trim(value.text + word, value.length - word), 1, read_prefix, VPN__CONF_FAIL_MODE);
    else if (!is(value, "closed"))
        return "\"open\", \"closed\", or \"closed-except\" and prefixes";
    return NULL;
}

/* The place of a word among three. */
static const char *read_mode(uint8_t *out, span value, const char *const modes[3], const char *why)
{
    for (size_t i = 0; i < 3; i++) {
        if (is(value, modes[i])) {
            *out = (uint8_t)i;
            return NULL;
        }
    }
    return why;
}

/* Whether a host between brackets is an IPv6 address, with or without the name or number of a link. */
static int is_ip6(span host)
{
    vpn_prefix ignored;
    const char *percent = memchr(host.text, '%', host.length);
    size_t part = percent ? (size_t)(percent - host.text) : host.length;
    if (!memchr(host.text, ':', part) || memchr(host.text, '/', part) || vpn__read_address(&ignored, host.text, part))
        return 0;
    return !percent || vpn__conf_is_link(percent + 1, host.length - part - 1);
}

int vpn__conf_endpoint(vpn_endpoint *out, span host, uint16_t port)
{
    char buffer[VPN_ENDPOINT_CHARS];
    struct vpn__text text = {.out = buffer, .capacity = sizeof(buffer)};
    int six = host.length && memchr(host.text, ':', host.length);
    if (six ? !is_ip6(host) : !vpn__conf_is_name(host.text, host.length))
        return VPN_EFORMAT;
    vpn__text_string(&text, six ? "[" : "");
    vpn__text_bytes(&text, host.text, host.length);
    vpn__text_string(&text, six ? "]:" : ":");
    vpn__text_decimal(&text, port);
    *out = (vpn_endpoint){.family = 0};
    /* what is no address stays a name, and an address may be too long for the buffer only with a zone that is one */
    if (text.length > text.capacity || vpn_endpoint_parse(out, buffer, text.length))
        *out = (vpn_endpoint){.port = port};
    return 0;
}

static const char *read_endpoint(reader *r, span value)
{
    vpn_conf_peer *peer = r->peer;
    size_t colon = value.length;
    uint16_t port;
    while (colon && value.text[colon - 1] != ':')
        colon--;
    if (colon < 2 || read_u16(&port, (span){value.text + colon, value.length - colon}, 0, "bad"))
        return "an endpoint is HOST:PORT, with a number for the port";
    span host = {value.text, colon - 1};
    if (host.text[0] == '[' && host.text[host.length - 1] == ']') {
        host = (span){host.text + 1, host.length - 2};
        if (!is_ip6(host))
            return "no IPv6 address between the brackets";
    } else if (memchr(host.text, ':', host.length)) {
        return "an IPv6 address needs brackets: [2001:db8::1]:51820";
    }
    if (vpn__conf_endpoint(&peer->endpoint, host, port))
        return "not a host: an address or a name is expected";
    peer->host = vpn__arena_text(&r->to->arena, host.text, host.length);
    return peer->host ? NULL : no_memory(r);
}

/* The keys of wg-quick may be left empty, and then say nothing. */
static const char *quick_value(reader *r, enum vpn__conf_key key, span value)
{
    vpn_conf *c = &r->to->conf;
    switch ((int)key) {
    case VPN__CONF_ADDRESS:
        return each(r, value, 1, read_address, (int)key);
    case VPN__CONF_DNS:
        return each(r, value, 1, read_server, (int)key);
    case VPN__CONF_MTU:
        c->mtu = 0;
        return value.length ? read_u16(&c->mtu, value, VPN__CONF_MTU_MIN, "not an MTU, 68 to 65535") : NULL;
    case VPN__CONF_TABLE:
        c->table = VPN_CONF_TABLE_AUTO;
        c->set = value.length ? c->set | VPN_CONF_SET_TABLE : c->set & ~VPN_CONF_SET_TABLE;
        return value.length ? read_table(&c->table, value) : NULL;
    case VPN__CONF_PRE_UP:
        return value.length ? push_text(r, &c->pre_up, &c->pre_up_count, value) : NULL;
    case VPN__CONF_POST_UP:
        return value.length ? push_text(r, &c->post_up, &c->post_up_count, value) : NULL;
    case VPN__CONF_PRE_DOWN:
        return value.length ? push_text(r, &c->pre_down, &c->pre_down_count, value) : NULL;
    default:
        return value.length ? push_text(r, &c->post_down, &c->post_down_count, value) : NULL;
    }
}

static const char *own_value(reader *r, enum vpn__conf_key key, span value)
{
    static const char *const dns_modes[] = {
        [VPN_DNS_OFF] = "off", [VPN_DNS_TUNNEL] = "tunnel", [VPN_DNS_SPLIT] = "split"};
    static const char *const path_modes[] = {
        [VPN_PATH_MTU_OFF] = "off", [VPN_PATH_MTU_ERRORS] = "errors", [VPN_PATH_MTU_PROBE] = "probe"};
    vpn_conf *c = &r->to->conf;
    switch ((int)key) {
    case VPN__CONF_EXCLUDE:
        return each(r, value, 1, read_prefix, (int)key);
    case VPN__CONF_LAN_ACCESS:
        c->set |= VPN_CONF_SET_LAN_ACCESS;
        return read_bool(&c->lan_access, value);
    case VPN__CONF_FAIL_MODE:
        c->set |= VPN_CONF_SET_FAIL_MODE;
        return read_fail_mode(r, value);
    case VPN__CONF_DNS_MODE:
        c->set |= VPN_CONF_SET_DNS_MODE;
        return read_mode(&c->dns_mode, value, dns_modes, "\"off\", \"tunnel\" or \"split\"");
    case VPN__CONF_SEARCH:
    case VPN__CONF_MATCH:
        return each(r, value, 1, read_name, (int)key);
    case VPN__CONF_METRIC:
        c->set |= VPN_CONF_SET_METRIC;
        return vpn__read_decimal(&c->metric, value.text, value.length, UINT32_MAX) ? "not a metric of 32 bits" : NULL;
    case VPN__CONF_PATH_MTU:
        c->set |= VPN_CONF_SET_PATH_MTU;
        return read_mode(&c->path_mtu, value, path_modes, "\"off\", \"errors\" or \"probe\"");
    case VPN__CONF_CLAMP_MSS:
        c->set |= VPN_CONF_SET_CLAMP_MSS;
        return read_bool(&c->clamp_mss, value);
    default:
        return each(r, value, 0, read_app, (int)key);
    }
}

static const char *rules_value(reader *r, enum vpn__conf_key key, span value)
{
    struct vpn__conf_rules rules = {.arena = &r->to->arena, .peer = r->peer};
    const char *why = vpn__conf_rules_value(&rules, key, value.text, value.length);
    r->at = rules.at;
    r->error = rules.error;
    return why;
}

static const char *peer_value(reader *r, enum vpn__conf_key key, span value)
{
    if (key >= VPN__CONF_FILTER)
        return rules_value(r, key, value);
    switch ((int)key) {
    case VPN__CONF_PUBLIC_KEY:
        return read_key(r->peer->public_key, value);
    case VPN__CONF_PRESHARED_KEY:
        return read_key(r->peer->preshared_key, value);
    case VPN__CONF_ALLOWED_IPS:
        return each(r, value, 0, read_prefix, (int)key);
    case VPN__CONF_ENDPOINT:
        return read_endpoint(r, value);
    default:
        if (!is(value, "off"))
            return read_u16(&r->peer->keepalive, value, 0, "neither \"off\" nor seconds, 0 to 65535");
        r->peer->keepalive = 0;
        return NULL;
    }
}

const char *vpn__conf_value(reader *r, enum vpn__conf_key key, span value)
{
    vpn_conf *c = &r->to->conf;
    r->at = value.text;
    r->error = VPN_EFORMAT;
    if (key >= VPN__CONF_FIRST_OF_PEER) {
        if (!value.length && key != VPN__CONF_ALLOWED_IPS)
            return "a value is missing";
        return peer_value(r, key, value);
    }
    if (key >= VPN__CONF_ADDRESS && key <= VPN__CONF_POST_DOWN)
        return quick_value(r, key, value);
    if (!value.length)
        return "a value is missing";
    switch ((int)key) {
    case VPN__CONF_PRIVATE_KEY:
        c->set |= VPN_CONF_SET_PRIVATE_KEY;
        return read_key(c->private_key, value);
    case VPN__CONF_LISTEN_PORT:
        c->set |= VPN_CONF_SET_LISTEN_PORT;
        return read_u16(&c->listen_port, value, 0, "not a port, 0 to 65535");
    case VPN__CONF_FWMARK:
        c->set |= VPN_CONF_SET_FWMARK;
        return read_mark(&c->fwmark, value);
    case VPN__CONF_SAVE:
        c->set |= VPN_CONF_SET_SAVE;
        return read_bool(&c->save_config, value);
    default:
        return own_value(r, key, value);
    }
}
