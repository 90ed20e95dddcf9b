/* SPDX-License-Identifier: ISC */
/* iproute2, nftables, wg(8), sysctl(8) and whichever resolver the host has. */
#include "policy/render.h"
#include "policy/shell.h"

typedef struct vpn__text text;

static void put(text *t, const char *string)
{
    vpn__shell_put(t, string);
}

static const char *verb(const vpn_op *op)
{
    return op->verb == VPN_VERB_ADD ? "add" : "delete";
}

static const char *ip(uint8_t family)
{
    return family == 4 ? "ip -4 " : "ip -6 ";
}

static void put_filter(text *t, const vpn_op *op)
{
    put(t, "nft -f - <<'END'\n");
    put(t, op->verb == VPN_VERB_ADD ? op->text : op->undo);
    put(t, "END\n");
}

static void put_link(text *t, const vpn_op *op)
{
    put(t, "ip link ");
    put(t, verb(op));
    put(t, " dev ");
    put(t, op->name);
    put(t, op->verb == VPN_VERB_ADD ? " type wireguard\n" : "\n");
}

/* The file has what `wg setconf` takes; the script does not, since it is no place for keys. */
static void put_device(text *t, const vpn_op *op)
{
    put(t, "wg setconf ");
    put(t, op->name);
    put(t, op->verb == VPN_VERB_ADD ? " \"${WG_CONF:?the file for wg setconf}\"\n" : " /dev/null\n");
    if (!op->mark || op->verb != VPN_VERB_ADD)
        return;
    put(t, "wg set ");
    put(t, op->name);
    put(t, " fwmark ");
    vpn__text_hex(t, op->mark);
    put(t, "\n");
}

static void put_address(text *t, const vpn_op *op)
{
    put(t, ip(op->prefix.family));
    put(t, "address ");
    put(t, verb(op));
    put(t, " ");
    vpn__shell_prefix(t, &op->prefix);
    put(t, " dev ");
    put(t, op->name);
    put(t, "\n");
}

static void put_mtu(text *t, const vpn_op *op)
{
    if (!op->value)
        return;
    put(t, "ip link set mtu ");
    vpn__text_decimal(t, op->value);
    put(t, " dev ");
    put(t, op->name);
    put(t, "\n");
}

static void put_up(text *t, const vpn_op *op)
{
    put(t, "ip link set ");
    put(t, op->verb == VPN_VERB_ADD ? "up" : "down");
    put(t, " dev ");
    put(t, op->name);
    put(t, "\n");
}

static void put_route(text *t, const vpn_op *op)
{
    put(t, ip(op->prefix.family));
    put(t, "route ");
    put(t, verb(op));
    put(t, " ");
    vpn__shell_prefix(t, &op->prefix);
    put(t, " dev ");
    put(t, op->name);
    put(t, " table ");
    vpn__text_decimal(t, op->rule.table);
    if (op->metric) {
        put(t, " metric ");
        vpn__text_decimal(t, op->metric);
    }
    put(t, "\n");
}

static void put_rule(text *t, const vpn_op *op)
{
    const vpn_rule *rule = &op->rule;
    put(t, ip(rule->family));
    put(t, "rule ");
    put(t, verb(op));
    put(t, rule->invert ? " not" : "");
    if (rule->mask) {
        put(t, " fwmark ");
        vpn__text_hex(t, rule->mark);
        put(t, "/");
        vpn__text_hex(t, rule->mask);
    }
    if (rule->has_uid) {
        put(t, " uidrange ");
        vpn__text_decimal(t, rule->uid_first);
        put(t, "-");
        vpn__text_decimal(t, rule->uid_last);
    }
    if (rule->refuses) {
        put(t, " unreachable");
    } else {
        put(t, " lookup ");
        vpn__text_decimal(t, rule->table);
    }
    if (rule->suppress >= 0) {
        put(t, " suppress_prefixlength ");
        vpn__text_decimal(t, (uint64_t)rule->suppress);
    }
    put(t, " priority ");
    vpn__text_decimal(t, rule->priority);
    put(t, "\n");
}

static void put_servers(text *t, const vpn_op *op)
{
    for (size_t i = 0; i < op->prefix_count; i++) {
        put(t, " ");
        vpn__shell_ip(t, &op->prefixes[i]);
    }
}

static void put_names(text *t, const char *before, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(t, " ");
        put(t, before);
        put(t, list[i]);
        put(t, before[0] ? "'" : "");
    }
}

/* Links with "~." get every name, those without it only what is below their own domains (systemd-resolved(8)). */
static void put_resolved(text *t, const vpn_op *op)
{
    int all = op->dns_mode == VPN_DNS_TUNNEL;
    if (op->verb != VPN_VERB_ADD) {
        put(t, "resolvectl revert ");
        put(t, op->name);
        put(t, "\n");
        return;
    }
    put(t, "resolvectl dns ");
    put(t, op->name);
    put_servers(t, op);
    put(t, "\nresolvectl domain ");
    put(t, op->name);
    put(t, all ? " '~.'" : "");
    put_names(t, "'~", op->match, op->match_count);
    put_names(t, "", op->search, op->search_count);
    put(t, all || op->match_count || op->search_count ? "\n" : " ''\n");
    put(t, "resolvectl default-route ");
    put(t, op->name);
    put(t, all ? " yes\n" : " no\n");
}

/* "nameserver" and "search" lines as the arguments of printf. openresolv takes the domains of a split from the latter. */
static void put_printf(text *t, const vpn_op *op)
{
    put(t, "{ printf 'nameserver %s\\n'");
    put_servers(t, op);
    put(t, "; ");
    if (op->search_count || op->match_count) {
        put(t, "echo search");
        put_names(t, "", op->match, op->match_count);
        put_names(t, "", op->search, op->search_count);
        put(t, "; ");
    }
    put(t, "}");
}

static void put_resolvconf(text *t, const vpn_op *op)
{
    if (op->verb == VPN_VERB_ADD) {
        put_printf(t, op);
        put(t, " | resolvconf -a ");
        put(t, op->name);
        put(t, op->dns_mode == VPN_DNS_SPLIT ? " -p\n" : " -m 0 -x\n");
        return;
    }
    put(t, "resolvconf -d ");
    put(t, op->name);
    put(t, " -f\n");
}

static void put_file(text *t, const vpn_op *op)
{
    if (op->verb == VPN_VERB_ADD) {
        put(t, "cp -p /etc/resolv.conf /etc/resolv.conf.");
        put(t, op->name);
        put(t, "\n");
        put_printf(t, op);
        put(t, " > /etc/resolv.conf\n");
        return;
    }
    put(t, "mv -f /etc/resolv.conf.");
    put(t, op->name);
    put(t, " /etc/resolv.conf\n");
}

static void put_sysctl(text *t, const vpn_op *op)
{
    put(t, "sysctl -q -w ");
    put(t, op->text);
    put(t, "=");
    vpn__text_decimal(t, op->value);
    put(t, "\n");
}

void vpn__render_linux(text *t, const vpn_op *op)
{
    switch (op->type) {
    case VPN_OP_FILTER:
        put_filter(t, op);
        return;
    case VPN_OP_SYSCTL:
        put_sysctl(t, op);
        return;
    case VPN_OP_HOOK:
        vpn__shell_hook(t, op->verb == VPN_VERB_ADD ? op->text : op->undo, op->name);
        return;
    case VPN_OP_LINK:
        put_link(t, op);
        return;
    case VPN_OP_DEVICE:
        put_device(t, op);
        return;
    case VPN_OP_ADDRESS:
        put_address(t, op);
        return;
    case VPN_OP_MTU:
        put_mtu(t, op);
        return;
    case VPN_OP_UP:
        put_up(t, op);
        return;
    case VPN_OP_ROUTE:
        put_route(t, op);
        return;
    case VPN_OP_RULE:
        put_rule(t, op);
        return;
    case VPN_OP_RESOLVER:
        if (op->resolver_system == VPN_RESOLVER_RESOLVED)
            put_resolved(t, op);
        else if (op->resolver_system == VPN_RESOLVER_RESOLVCONF)
            put_resolvconf(t, op);
        else
            put_file(t, op);
        return;
    }
}
