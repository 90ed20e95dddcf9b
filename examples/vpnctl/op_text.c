/* SPDX-License-Identifier: ISC */
#include "op_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "out.h"

const char *op_verb(const vpn_op *op)
{
    return op->verb == VPN_VERB_ADD ? "add" : op->verb == VPN_VERB_DEL ? "delete" : "set";
}

const char *op_type(const vpn_op *op)
{
    static const char *const names[] = {"",        "filter", "sysctl", "hook",  "link", "device",
                                        "address", "mtu",    "up",     "route", "rule", "resolver"};

    return op->type < sizeof names / sizeof names[0] ? names[op->type] : "?";
}

static void put(char text[OP_TEXT_CHARS], const char *format, ...) OUT_FORMAT(2);

static void put(char text[OP_TEXT_CHARS], const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text + length, OP_TEXT_CHARS - length, format, arguments);
    va_end(arguments);
}

static void put_names(char text[OP_TEXT_CHARS], const char *before, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(text, "%s%s", i == 0 ? before : ", ", names[i]);
}

static void put_filter(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    char prefix[VPN_PREFIX_CHARS];

    put(text, "nftables: fail %s", op->fail_mode == VPN_FAIL_CLOSED ? "closed" : "open");
    if (op->dns_mode == VPN_DNS_TUNNEL)
        put(text, ", holds DNS back");
    for (size_t i = 0; i < op->prefix_count && i < 4; i++) {
        vpn_prefix_format(prefix, &op->prefixes[i]);
        put(text, "%s%s", i == 0 ? ", only the tunnel carries " : ", ", prefix);
    }
    if (op->prefix_count > 4)
        put(text, " and %zu more", op->prefix_count - 4);
}

static void put_rule(char text[OP_TEXT_CHARS], const vpn_rule *r)
{
    put(text, "%u: IPv%u", r->priority, r->family);
    if (r->invert)
        put(text, " not");
    if (r->mask != 0)
        put(text, " mark 0x%x/0x%x", r->mark, r->mask);
    if (r->has_uid)
        put(text, " uid %u-%u", r->uid_first, r->uid_last);
    if (r->refuses)
        put(text, " unreachable");
    else
        put(text, " table %u", r->table);
    if (r->suppress >= 0)
        put(text, " but for routes up to /%d", r->suppress);
}

static void put_resolver(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    static const char *const systems[] = {"/etc/resolv.conf", "systemd-resolved", "resolvconf"};
    char server[VPN_PREFIX_CHARS];

    put(text, "%s:", op->resolver_system < 3 ? systems[op->resolver_system] : "?");
    for (size_t i = 0; i < op->prefix_count; i++) {
        out_ip(server, &op->prefixes[i]);
        put(text, "%s %s", i == 0 ? "" : ",", server);
    }
    put(text, op->dns_mode == VPN_DNS_SPLIT ? ", for some names" : ", for all names");
    put_names(text, ": ", op->match, op->dns_mode == VPN_DNS_SPLIT ? op->match_count : 0);
    put_names(text, ", search ", op->search, op->search_count);
}

static void put_route(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    char prefix[VPN_PREFIX_CHARS];

    vpn_prefix_format(prefix, &op->prefix);
    put(text, "%s dev %s table %u", prefix, op->name, op->rule.table);
    if (op->metric != 0)
        put(text, " metric %u", op->metric);
}

/* The way back names what will be there again. */
static void put_mtu(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    if (op->value == 0)
        put(text, "%s: as it was", op->name);
    else if (op->before == 0)
        put(text, "%s: %u", op->name, op->value);
    else
        put(text, "%s: %u, was %u", op->name, op->value, op->before);
}

static void put_device(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    put(text, "%s: keys, port and peers", op->name);
    if (op->mark != 0)
        put(text, ", mark 0x%x", op->mark);
}

static void put_detail(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    char prefix[VPN_PREFIX_CHARS];
    const char *command = op->verb == VPN_VERB_DEL ? op->undo : op->text;

    switch (op->type) {
    case VPN_OP_FILTER:
        put_filter(text, op);
        break;
    case VPN_OP_SYSCTL:
        put(text, "%s = %u, was %u", op->text, op->value, op->before);
        break;
    case VPN_OP_HOOK:
        put(text, "%s", command == NULL ? "nothing" : command);
        break;
    case VPN_OP_DEVICE:
        put_device(text, op);
        break;
    case VPN_OP_ADDRESS:
        out_prefix(prefix, &op->prefix);
        put(text, "%s dev %s", prefix, op->name);
        break;
    case VPN_OP_MTU:
        put_mtu(text, op);
        break;
    case VPN_OP_ROUTE:
        put_route(text, op);
        break;
    case VPN_OP_RULE:
        put_rule(text, &op->rule);
        break;
    case VPN_OP_RESOLVER:
        put_resolver(text, op);
        break;
    default:
        put(text, "%s", op->name);
        break;
    }
}

/* What a file says must not move the cursor of the terminal. */
void op_text(char text[OP_TEXT_CHARS], const vpn_op *op)
{
    text[0] = '\0';
    put_detail(text, op);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    }
}
