/* SPDX-License-Identifier: ISC */
/* The parts of a line have one order, so that a line has one reading; all but the action may be missing. */
#include "config/filter_line.h"

#include <vpn/ip.h>
#include <vpn/uapi.h>

#include "config/rule_words.h"

typedef struct vpn__filter_line line;
typedef struct vpn__rule_words words;

static int read_action(line *l, words *w)
{
    size_t length = vpn__rule_peek(w);
    int action = vpn_filter_action_parse(w->text + w->at, length);
    if (action < 0)
        return vpn__rule_fault(w, "\"allow\", \"deny\" or \"reject\" comes first");
    w->at += length;
    l->base.action = (uint8_t)action;
    if (vpn__rule_take(w, "in"))
        l->base.direction = VPN_FILTER_IN;
    else if (vpn__rule_take(w, "out"))
        l->base.direction = VPN_FILTER_OUT;
    return 0;
}

static int read_icmp(line *l, words *w)
{
    uint32_t number;
    if (!vpn__rule_take(w, "type"))
        return 0;
    size_t length = vpn__rule_peek(w);
    int type = vpn__filter_icmp(l->base.protocol, w->text + w->at, length);
    if (type >= 0)
        w->at += length;
    else if (vpn__rule_number(w, &number, UINT8_MAX, "not a type of ICMP, such as echo-request or 0 to 255"))
        return VPN_EFORMAT;
    else
        type = (int)number;
    l->base.icmp_type = (uint8_t)type;
    l->base.match |= VPN_FILTER_MATCH_ICMP_TYPE;
    if (!vpn__rule_take(w, "code"))
        return 0;
    if (vpn__rule_number(w, &number, UINT8_MAX, "not a code of ICMP, 0 to 255"))
        return VPN_EFORMAT;
    l->base.icmp_code = (uint8_t)number;
    l->base.match |= VPN_FILTER_MATCH_ICMP_CODE;
    return 0;
}

static int read_protocol(line *l, words *w)
{
    int named = vpn__rule_take(w, "proto");
    size_t length = vpn__rule_peek(w);
    int protocol = vpn__filter_protocol(w->text + w->at, length);
    uint32_t number;
    if (protocol >= 0)
        w->at += length;
    else if (!named)
        return 0;
    else if (vpn__rule_number(w, &number, UINT8_MAX, "not a protocol, such as tcp or 0 to 255"))
        return VPN_EFORMAT;
    else
        protocol = (int)number;
    l->base.protocol = (uint8_t)protocol;
    l->base.match |= VPN_FILTER_MATCH_PROTOCOL;
    return protocol == VPN_IP_ICMP || protocol == VPN_IP_ICMP6 ? read_icmp(l, w) : 0;
}

/* "22" or "6000-6007" */
static int read_range(struct vpn__port_range *out, words *w)
{
    const char *text;
    uint32_t min, max;
    size_t length = vpn__rule_peek(w), dash = 0;
    text = w->text + w->at;
    while (dash < length && text[dash] != '-')
        dash++;
    if (vpn__read_decimal(&min, text, dash, UINT16_MAX))
        return vpn__rule_fault(w, "not a port, 0 to 65535");
    max = min;
    if (dash < length && vpn__read_decimal(&max, text + dash + 1, length - dash - 1, UINT16_MAX))
        return vpn__rule_fault(w, "not a range of ports, such as 6000-6007");
    if (max < min)
        return vpn__rule_fault(w, "a range of ports that ends before it begins");
    *out = (struct vpn__port_range){(uint16_t)min, (uint16_t)max};
    w->at += length;
    return 0;
}

static int read_ports(line *l, words *w, struct vpn__port_list *out)
{
    (void)vpn__rule_more(w);
    size_t word = w->at;
    if (!vpn__rule_take(w, "port"))
        return 0;
    if (!vpn__filter_line_has_ports(l->base.protocol)) {
        w->at = word;
        return vpn__rule_fault(w, "ports need a protocol that has some: tcp, udp, udplite, dccp or sctp");
    }
    for (;;) {
        if (out->count == VPN__PORTS_MAX)
            return vpn__rule_fault(w, "a list has at most 12 ports and ranges");
        if (read_range(&out->ranges[out->count++], w))
            return VPN_EFORMAT;
        if (!vpn__rule_more(w) || w->text[w->at] != ',')
            return 0;
        w->at++;
    }
}

/* An address of IPv4 in a rule for ICMPv6 would match nothing, in silence. */
static int check_family(const line *l, words *w, const vpn_prefix *prefix)
{
    if (l->base.src.family && l->base.dst.family && l->base.src.family != l->base.dst.family)
        return vpn__rule_fault(w, "both prefixes must be of one family");
    if ((l->base.protocol == VPN_IP_ICMP && prefix->family == 6) ||
        (l->base.protocol == VPN_IP_ICMP6 && prefix->family == 4))
        return vpn__rule_fault(w, "icmp is of IPv4, and icmp6 of IPv6");
    return 0;
}

static int read_where(line *l, words *w, const char *word, vpn_prefix *prefix, struct vpn__port_list *ports)
{
    if (!vpn__rule_take(w, word))
        return 0;
    if (!vpn__rule_take(w, "any")) {
        size_t before = w->at;
        if (vpn__rule_take(w, "port")) {
            w->at = before;
            return read_ports(l, w, ports);
        }
        (void)vpn__rule_more(w);
        size_t at = w->at;
        if (vpn__rule_prefix(w, prefix,
                             "neither a prefix, such as 10.0.0.0/8 or 2001:db8::/32, nor \"any\" or \"port\""))
            return VPN_EFORMAT;
        size_t after = w->at;
        w->at = at;
        if (check_family(l, w, prefix))
            return VPN_EFORMAT;
        w->at = after;
    }
    return read_ports(l, w, ports);
}

/* Letters up to `end`, each at most once. */
static int read_letters(words *w, size_t end, uint8_t *out)
{
    for (; w->at < end; w->at++) {
        uint32_t letter = (uint8_t)w->text[w->at] & 0xdfu, bit = 0;
        while (bit < 8 && (uint8_t)vpn__filter_flag(bit) != letter)
            bit++;
        if (bit == 8 || (*out >> bit & 1))
            return vpn__rule_fault(w, "not a flag of TCP: each of FSRPAUEW at most once");
        *out = (uint8_t)(*out | 1u << bit);
    }
    return 0;
}

/* "S/SA": of SYN and ACK, SYN is set and ACK is not. */
static int read_flags(line *l, words *w)
{
    (void)vpn__rule_more(w);
    size_t word = w->at;
    if (!vpn__rule_take(w, "flags"))
        return 0;
    size_t length = vpn__rule_peek(w), start = w->at, slash = start, end = start + length;
    while (slash < end && w->text[slash] != '/')
        slash++;
    if (l->base.protocol != VPN_IP_TCP) {
        w->at = word;
        return vpn__rule_fault(w, "flags are of tcp");
    }
    if (end - slash < 2)
        return vpn__rule_fault(w, "flags are SET/MASK, such as S/SA");
    if (read_letters(w, slash, &l->base.tcp_flags))
        return VPN_EFORMAT;
    w->at = slash + 1;
    if (read_letters(w, end, &l->base.tcp_mask))
        return VPN_EFORMAT;
    if (l->base.tcp_flags & ~l->base.tcp_mask) {
        w->at = start;
        return vpn__rule_fault(w, "a flag that is set must be in the mask");
    }
    l->base.match |= VPN_FILTER_MATCH_TCP_FLAGS;
    return 0;
}

static int read_end(line *l, words *w)
{
    (void)vpn__rule_more(w);
    size_t word = w->at;
    if (vpn__rule_take(w, "stateful")) {
        l->base.flags = VPN_FILTER_STATEFUL;
        if (l->base.action != VPN_FILTER_ALLOW) {
            w->at = word;
            return vpn__rule_fault(w, "only what is allowed can be stateful");
        }
    }
    if (vpn__rule_more(w))
        return vpn__rule_fault(
            w, "not expected here; the order is action, in or out, protocol, from, to, flags, stateful");
    return 0;
}

static int read_line(line *l, words *w)
{
    if (read_action(l, w) || read_protocol(l, w) || read_where(l, w, "from", &l->base.src, &l->src) ||
        read_where(l, w, "to", &l->base.dst, &l->dst) || read_flags(l, w))
        return VPN_EFORMAT;
    return read_end(l, w);
}

int vpn__filter_line_read(line *out, const char *text, size_t length, vpn_rule_error *error)
{
    words w = {.text = text, .length = length};
    *out = (line){.src = {.count = 0}};
    return vpn__rule_tell(&w, read_line(out, &w), error);
}

static void write_protocol(const vpn_filter_rule *rule, struct vpn__text *text)
{
    const char *name = vpn__filter_protocol_name(rule->protocol);
    if (!(rule->match & VPN_FILTER_MATCH_PROTOCOL))
        return;
    vpn__text_string(text, name ? " " : " proto ");
    if (name)
        vpn__text_string(text, name);
    else
        vpn__text_decimal(text, rule->protocol);
    if (!(rule->match & VPN_FILTER_MATCH_ICMP_TYPE))
        return;
    vpn__text_string(text, " type ");
    name = vpn__filter_icmp_name(rule->protocol, rule->icmp_type);
    if (name)
        vpn__text_string(text, name);
    else
        vpn__text_decimal(text, rule->icmp_type);
    if (!(rule->match & VPN_FILTER_MATCH_ICMP_CODE))
        return;
    vpn__text_string(text, " code ");
    vpn__text_decimal(text, rule->icmp_code);
}

static void write_where(const char *word, const vpn_prefix *prefix, const struct vpn__port_list *ports,
                        struct vpn__text *text)
{
    char buffer[VPN_PREFIX_CHARS];
    if (!prefix->family && !ports->count)
        return;
    vpn__text_string(text, word);
    if (prefix->family) {
        vpn_prefix_format(buffer, prefix);
        vpn__text_string(text, " ");
        vpn__text_string(text, buffer);
    }
    for (uint32_t i = 0; i < ports->count; i++) {
        vpn__text_string(text, i ? "," : " port ");
        vpn__text_decimal(text, ports->ranges[i].min);
        if (ports->ranges[i].max == ports->ranges[i].min)
            continue;
        vpn__text_string(text, "-");
        vpn__text_decimal(text, ports->ranges[i].max);
    }
}

static void write_letters(uint32_t flags, struct vpn__text *text)
{
    for (uint32_t bit = 0; bit < 8; bit++) {
        char letter = vpn__filter_flag(bit);
        if (flags >> bit & 1)
            vpn__text_bytes(text, &letter, 1);
    }
}

void vpn__filter_line_write(const line *l, struct vpn__text *text)
{
    static const char *const directions[] = {
        [VPN_FILTER_BOTH] = "", [VPN_FILTER_IN] = " in", [VPN_FILTER_OUT] = " out"};
    vpn__text_string(text, vpn_filter_action_name(l->base.action));
    vpn__text_string(text, directions[l->base.direction]);
    write_protocol(&l->base, text);
    write_where(" from", &l->base.src, &l->src, text);
    write_where(" to", &l->base.dst, &l->dst, text);
    if (l->base.match & VPN_FILTER_MATCH_TCP_FLAGS) {
        vpn__text_string(text, " flags ");
        write_letters(l->base.tcp_flags, text);
        vpn__text_string(text, "/");
        write_letters(l->base.tcp_mask, text);
    }
    if (l->base.flags & VPN_FILTER_STATEFUL)
        vpn__text_string(text, " stateful");
}
