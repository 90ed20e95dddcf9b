/* SPDX-License-Identifier: ISC */
/*
 * macOS has neither marks nor policy rules. There the daemon binds its socket to the physical link, which keeps the outer packets
 * out of the tunnel, and a default route is two halves, since the system's own has to stay. What has no counterpart is said in
 * a comment, so that nobody takes the script for more than it is.
 */
#include <vpn/uapi.h>

#include "policy/render.h"
#include "policy/shell.h"

typedef struct vpn__text text;

static void put(text *t, const char *string)
{
    vpn__shell_put(t, string);
}

static void put_anchor(text *t, const vpn_op *op)
{
    put(t, "pfctl -q -a com.apple/vpn-");
    put(t, op->name);
}

static void put_pass(text *t, const char *what)
{
    put(t, "pass out quick ");
    put(t, what);
    put(t, "\n");
}

static void put_endpoints(text *t, const vpn_op *op)
{
    for (size_t i = 0; i < op->endpoint_count; i++) {
        const vpn_endpoint *endpoint = &op->endpoints[i];
        if (!endpoint->family)
            continue;
        put(t, "pass out quick proto udp to ");
        vpn__text_ip(t, endpoint->family, endpoint->addr);
        put(t, " port ");
        vpn__text_decimal(t, endpoint->port);
        put(t, "\n");
    }
}

static void put_filter(text *t, const vpn_op *op)
{
    if (op->fail_mode != VPN_FAIL_CLOSED) {
        put(t, "# nothing to filter: the tunnel fails open\n");
        return;
    }
    if (op->verb != VPN_VERB_ADD) {
        put_anchor(t, op);
        put(t, " -F rules\n");
        return;
    }
    put(t, "pfctl -q -E\n");
    put_anchor(t, op);
    put(t, " -f - <<'END'\ntable <held> {");
    for (size_t i = 0; i < op->prefix_count; i++) {
        put(t, " ");
        vpn__shell_prefix(t, &op->prefixes[i]);
    }
    put(t, " }\npass out quick on lo0\npass out quick on ");
    put(t, op->name);
    put(t, "\n");
    put_endpoints(t, op);
    put_pass(t, "inet6 proto icmp6 icmp6-type { routersol, routeradv, neighbrsol, neighbradv }");
    put_pass(t, "proto udp from port 68 to port 67");
    put_pass(t, "proto udp from port 546 to port 547");
    if (op->dns_mode == VPN_DNS_TUNNEL)
        put(t, "block drop out quick proto { tcp, udp } to port { 53, 853 }\n");
    put(t, "block drop out quick to <held>\nEND\n");
}

static void put_ifconfig(text *t, const vpn_op *op)
{
    put(t, "ifconfig ");
    put(t, op->name);
}

static void put_link(text *t, const vpn_op *op)
{
    put(t, op->verb == VPN_VERB_ADD ? "wireguard-go " : "rm -f /var/run/wireguard/");
    put(t, op->name);
    put(t, op->verb == VPN_VERB_ADD ? "\n" : ".sock\n");
}

static void put_device(text *t, const vpn_op *op)
{
    put(t, "wg setconf ");
    put(t, op->name);
    put(t, op->verb == VPN_VERB_ADD ? " \"${WG_CONF:?the file for wg setconf}\"\n" : " /dev/null\n");
}

static void put_address(text *t, const vpn_op *op)
{
    put_ifconfig(t, op);
    put(t, op->prefix.family == 4 ? " inet " : " inet6 ");
    vpn__shell_prefix(t, &op->prefix);
    if (op->prefix.family == 4 && op->verb == VPN_VERB_ADD) {
        put(t, " ");
        vpn__shell_ip(t, &op->prefix);
    }
    put(t, op->verb == VPN_VERB_ADD ? " alias\n" : " -alias\n");
}

static void put_one_route(text *t, const vpn_op *op, vpn_prefix prefix)
{
    put(t, "route -q -n ");
    put(t, op->verb == VPN_VERB_ADD ? "add" : "delete");
    put(t, prefix.family == 4 ? " -inet " : " -inet6 ");
    vpn__shell_prefix(t, &prefix);
    put(t, " -interface ");
    put(t, op->name);
    put(t, "\n");
}

static void put_route(text *t, const vpn_op *op)
{
    vpn_prefix half = op->prefix;
    if (half.bits) {
        put_one_route(t, op, half);
        return;
    }
    half.bits = 1;
    put_one_route(t, op, half);
    half.addr[0] = 0x80;
    put_one_route(t, op, half);
}

static void put_list(text *t, const char *key, const char *const *list, size_t count)
{
    if (!count)
        return;
    put(t, "d.add ");
    put(t, key);
    put(t, " *");
    for (size_t i = 0; i < count; i++) {
        put(t, " ");
        put(t, list[i]);
    }
    put(t, "\n");
}

static void put_resolver(text *t, const vpn_op *op)
{
    static const char *const all[] = {"\"\""};
    put(t, "scutil <<'END'\n");
    if (op->verb == VPN_VERB_ADD) {
        put(t, "d.init\nd.add ServerAddresses *");
        for (size_t i = 0; i < op->prefix_count; i++) {
            put(t, " ");
            vpn__shell_ip(t, &op->prefixes[i]);
        }
        put(t, "\n");
        put_list(t, "SearchDomains", op->search, op->search_count);
        if (op->dns_mode == VPN_DNS_SPLIT)
            put_list(t, "SupplementalMatchDomains", op->match, op->match_count);
        else
            put_list(t, "SupplementalMatchDomains", all, 1);
    }
    put(t, op->verb == VPN_VERB_ADD ? "set" : "remove");
    put(t, " State:/Network/Service/vpn-");
    put(t, op->name);
    put(t, "/DNS\nEND\n");
}

static void put_mtu(text *t, const vpn_op *op)
{
    if (!op->value)
        return;
    put_ifconfig(t, op);
    put(t, " mtu ");
    vpn__text_decimal(t, op->value);
    put(t, "\n");
}

void vpn__render_macos(text *t, const vpn_op *op)
{
    switch (op->type) {
    case VPN_OP_FILTER:
        put_filter(t, op);
        return;
    case VPN_OP_SYSCTL:
        put(t, "# no ");
        put(t, op->text);
        put(t, " on macOS\n");
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
        put_ifconfig(t, op);
        put(t, op->verb == VPN_VERB_ADD ? " up\n" : " down\n");
        return;
    case VPN_OP_ROUTE:
        put_route(t, op);
        return;
    case VPN_OP_RULE:
        put(t, op->rule.has_uid || op->rule.refuses
                   ? "# no policy rules on macOS: applications cannot be told apart\n"
                   : "# no policy rules on macOS: the daemon binds its socket to a link\n");
        return;
    case VPN_OP_RESOLVER:
        put_resolver(t, op);
        return;
    }
}
