/* SPDX-License-Identifier: ISC */
/* Lines of a filter are kept as text in their one form, since a line may be many rules. */
#include "config/conf_rules.h"

#include <string.h>

#include <vpn/rules.h>
#include <vpn/uapi.h>

#include "config/filter_line.h"
#include "packet/netmap_table.h"

#define NO_FLOWS "stateful rules need FilterFlows, and it is 0"

typedef struct vpn__conf_rules rules;

static const char *no_memory(rules *to)
{
    to->error = VPN_ENOMEM;
    return "out of memory";
}

/* The list with the item behind it, or NULL. */
static void *push(rules *to, const void *list, size_t count, const void *item, size_t bytes)
{
    uint8_t *grown = vpn__arena_grow(to->arena, (void *)list, count, bytes);
    if (grown)
        memcpy(grown + count * bytes, item, bytes);
    return grown;
}

static int flows_are_off(const vpn_conf_peer *peer)
{
    return (peer->set & VPN_CONF_PEER_SET_FLOWS) && peer->filter_flows == 0;
}

static size_t rules_of(const struct vpn__filter_line *line)
{
    return (size_t)(line->src.count ? line->src.count : 1) * (line->dst.count ? line->dst.count : 1);
}

static const char *read_filter(rules *to, const char *text, size_t length)
{
    char buffer[VPN_FILTER_LINE_CHARS];
    struct vpn__text written = {.out = buffer, .capacity = sizeof(buffer)};
    vpn_conf_peer *peer = to->peer;
    struct vpn__filter_line line;
    vpn_rule_error error;
    if (vpn__filter_line_read(&line, text, length, &error)) {
        to->at = text + error.at;
        return error.why;
    }
    if ((line.base.flags & VPN_FILTER_STATEFUL) && flows_are_off(peer))
        return NO_FLOWS;
    if (peer->filter_rules + rules_of(&line) > VPN_FILTER_RULES_MAX)
        return "a peer has at most 32000 rules";
    vpn__filter_line_write(&line, &written);
    const char *copy = vpn__arena_text(to->arena, buffer, written.length);
    const char **grown =
        copy ? push(to, (const void *)peer->filter, peer->filter_count, (const void *)&copy, sizeof(copy)) : NULL;
    if (!grown)
        return no_memory(to);
    peer->filter = grown;
    peer->filter_count++;
    peer->filter_rules += (uint32_t)rules_of(&line);
    return NULL;
}

static const char *read_flows(rules *to, const char *text, size_t length)
{
    static const char word[] = " stateful";
    vpn_conf_peer *peer = to->peer;
    if (vpn__read_decimal(&peer->filter_flows, text, length, VPN_FILTER_FLOWS_MAX))
        return "not a number of flows, 0 to 16777216";
    peer->set |= VPN_CONF_PEER_SET_FLOWS;
    for (size_t i = 0; i < peer->filter_count && peer->filter_flows == 0; i++) {
        size_t end = strlen(peer->filter[i]);
        if (end >= sizeof(word) && !memcmp(peer->filter[i] + end - (sizeof(word) - 1), word, sizeof(word) - 1))
            return NO_FLOWS;
    }
    return NULL;
}

static const char *read_default(rules *to, const char *text, size_t length)
{
    int action = vpn_filter_action_parse(text, length);
    if (action < 0)
        return "\"allow\", \"deny\" or \"reject\"";
    to->peer->filter_default = (uint8_t)action;
    to->peer->set |= VPN_CONF_PEER_SET_DEFAULT;
    return NULL;
}

static const char *read_netmap(rules *to, const char *text, size_t length)
{
    vpn_conf_peer *peer = to->peer;
    vpn_rule_error error;
    vpn_netmap_rule rule;
    if (vpn_netmap_rule_parse(&rule, text, length, &error)) {
        to->at = text + error.at;
        return error.why;
    }
    if (peer->netmap_count == VPN_NETMAP_RULES_MAX)
        return "a peer has at most 1024 translations";
    vpn_netmap_rule *grown = push(to, peer->netmap, peer->netmap_count, &rule, sizeof(rule));
    if (!grown)
        return no_memory(to);
    peer->netmap = grown;
    peer->netmap_count++;
    if (vpn__netmap_check_rule(grown, peer->netmap_count - 1))
        return "a prefix of this peer has another translation, or its peer's side overlaps that of another";
    return NULL;
}

static const char *read_probes(rules *to, const char *text, size_t length)
{
    vpn_conf_peer *peer = to->peer;
    for (size_t at = 0, end; at < length; at = end + 1) {
        vpn_prefix address;
        for (end = at; end < length && text[end] != ',' && text[end] != ' ' && text[end] != '\t'; end++)
            ;
        if (end == at)
            continue;
        to->at = text + at;
        if (memchr(text + at, '/', end - at) || vpn__read_address(&address, text + at, end - at))
            return "not an address, such as 10.0.0.1 or fd00::1";
        for (size_t i = 0; i < peer->probe_count; i++) {
            if (peer->probes[i].family == address.family)
                return "a peer has one address of each family to probe";
        }
        vpn_prefix *grown = push(to, peer->probes, peer->probe_count, &address, sizeof(address));
        if (!grown)
            return no_memory(to);
        peer->probes = grown;
        peer->probe_count++;
    }
    return NULL;
}

const char *vpn__conf_rules_value(rules *to, enum vpn__conf_key key, const char *text, size_t length)
{
    to->at = text;
    to->error = VPN_EFORMAT;
    switch ((int)key) {
    case VPN__CONF_FILTER:
        return read_filter(to, text, length);
    case VPN__CONF_FILTER_DEFAULT:
        return read_default(to, text, length);
    case VPN__CONF_FILTER_FLOWS:
        return read_flows(to, text, length);
    case VPN__CONF_NETMAP:
        return read_netmap(to, text, length);
    default:
        return read_probes(to, text, length);
    }
}

static void put(struct vpn__text *text, enum vpn__conf_key key, const char *value)
{
    vpn__text_string(text, vpn__conf_key_name(key));
    vpn__text_string(text, " = ");
    vpn__text_string(text, value);
    vpn__text_string(text, "\n");
}

/* A line that a caller put there is read first, since it could be two. */
static int write_filter(struct vpn__text *text, const char *value)
{
    struct vpn__filter_line read;
    if (vpn__filter_line_read(&read, value, strlen(value), NULL))
        return VPN_EINVAL;
    vpn__text_string(text, vpn__conf_key_name(VPN__CONF_FILTER));
    vpn__text_string(text, " = ");
    vpn__filter_line_write(&read, text);
    vpn__text_string(text, "\n");
    return 0;
}

static int write_probes(struct vpn__text *text, const vpn_conf_peer *peer)
{
    if (!peer->probe_count)
        return 0;
    vpn__text_string(text, vpn__conf_key_name(VPN__CONF_PROBE_ADDRESS));
    for (size_t i = 0; i < peer->probe_count; i++) {
        const vpn_prefix *address = &peer->probes[i];
        if ((address->family != 4 && address->family != 6) || address->bits != (address->family == 4 ? 32 : 128))
            return VPN_EINVAL;
        vpn__text_string(text, i ? ", " : " = ");
        vpn__text_ip(text, address->family, address->addr);
    }
    vpn__text_string(text, "\n");
    return 0;
}

static int write_flows(struct vpn__text *text, const vpn_conf_peer *peer)
{
    if (!(peer->set & VPN_CONF_PEER_SET_FLOWS))
        return 0;
    if (peer->filter_flows > VPN_FILTER_FLOWS_MAX)
        return VPN_EINVAL;
    vpn__text_string(text, vpn__conf_key_name(VPN__CONF_FILTER_FLOWS));
    vpn__text_string(text, " = ");
    vpn__text_decimal(text, peer->filter_flows);
    vpn__text_string(text, "\n");
    return 0;
}

int vpn__conf_rules_write(struct vpn__text *text, const vpn_conf_peer *peer)
{
    char netmap[VPN_NETMAP_LINE_CHARS];
    int error = vpn_filter_action_name(peer->filter_default) ? 0 : VPN_EINVAL;
    if (!error && (peer->set & VPN_CONF_PEER_SET_DEFAULT))
        put(text, VPN__CONF_FILTER_DEFAULT, vpn_filter_action_name(peer->filter_default));
    if (!error)
        error = write_flows(text, peer);
    for (size_t i = 0; i < peer->filter_count && !error; i++)
        error = write_filter(text, peer->filter[i]);
    for (size_t i = 0; i < peer->netmap_count && !error; i++) {
        error = vpn_netmap_rule_format(netmap, &peer->netmap[i]);
        put(text, VPN__CONF_NETMAP, netmap);
    }
    return error ? error : write_probes(text, peer);
}
