/* SPDX-License-Identifier: ISC */
/* An object for an operation: "op", "verb", then the fields that its type has. RFC 8259. */
#include "policy/render.h"

typedef struct vpn__text text;

static void put(text *t, const char *string)
{
    vpn__text_string(t, string);
}

/* How many bytes of well-formed UTF-8 begin here; 0: none. RFC 3629, section 4. */
static size_t utf8(const uint8_t *s)
{
    size_t more = s[0] >= 0xc2 && s[0] <= 0xdf ? 1 : (s[0] & 0xf0) == 0xe0 ? 2 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 3 : 0;
    if (!more)
        return s[0] < 0x80 && s[0] != 0;
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return more + 1;
}

static void put_escape(text *t, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    vpn__text_bytes(t, escape, sizeof(escape));
}

/* Bytes that are no UTF-8 stand as U+FFFD. */
static void put_string(text *t, const char *string)
{
    put(t, "\"");
    while (*string) {
        size_t length = utf8((const uint8_t *)string);
        if (!length)
            put(t, "\xef\xbf\xbd");
        else if (*string == '"' || *string == '\\' || (uint8_t)*string < ' ')
            put_escape(t, (uint8_t)*string);
        else
            vpn__text_bytes(t, string, length);
        string += length ? length : 1;
    }
    put(t, "\"");
}

static void key(text *t, const char *name)
{
    put(t, ", \"");
    put(t, name);
    put(t, "\": ");
}

static void put_number(text *t, const char *name, uint64_t number)
{
    key(t, name);
    vpn__text_decimal(t, number);
}

static void put_text(text *t, const char *name, const char *string)
{
    if (!string)
        return;
    key(t, name);
    put_string(t, string);
}

static void put_prefix(text *t, const vpn_prefix *prefix, int bare)
{
    put(t, "\"");
    vpn__text_ip(t, prefix->family, prefix->addr);
    if (!bare) {
        put(t, "/");
        vpn__text_decimal(t, prefix->bits);
    }
    put(t, "\"");
}

static void put_prefixes(text *t, const char *name, const vpn_prefix *list, size_t count, int bare)
{
    key(t, name);
    put(t, "[");
    for (size_t i = 0; i < count; i++) {
        put(t, i ? ", " : "");
        put_prefix(t, &list[i], bare);
    }
    put(t, "]");
}

static void put_names(text *t, const char *name, const char *const *list, size_t count)
{
    key(t, name);
    put(t, "[");
    for (size_t i = 0; i < count; i++) {
        put(t, i ? ", " : "");
        put_string(t, list[i]);
    }
    put(t, "]");
}

static void put_rule(text *t, const vpn_rule *rule)
{
    put_number(t, "family", rule->family);
    put_number(t, "priority", rule->priority);
    if (rule->invert) {
        key(t, "not");
        put(t, "true");
    }
    if (rule->mask) {
        put_number(t, "mark", rule->mark);
        put_number(t, "mask", rule->mask);
    }
    if (rule->has_uid) {
        put_number(t, "uid_first", rule->uid_first);
        put_number(t, "uid_last", rule->uid_last);
    }
    if (rule->suppress >= 0)
        put_number(t, "suppress_prefixlength", (uint64_t)rule->suppress);
    if (rule->refuses)
        put_text(t, "action", "unreachable");
    else
        put_number(t, "table", rule->table);
}

static void put_filter(text *t, const vpn_op *op)
{
    put_text(t, "fail_mode", op->fail_mode == VPN_FAIL_CLOSED ? "closed" : "open");
    put_number(t, "mark", op->mark);
    put_prefixes(t, "held", op->prefixes, op->prefix_count, 0);
    put_text(t, "nft", op->verb == VPN_VERB_ADD ? op->text : op->undo);
}

static void put_resolver(text *t, const vpn_op *op)
{
    static const char *const systems[] = {"file", "resolved", "resolvconf"};
    put_text(t, "system", systems[op->resolver_system <= VPN_RESOLVER_RESOLVCONF ? op->resolver_system : 0]);
    put_text(t, "mode", op->dns_mode == VPN_DNS_SPLIT ? "split" : "tunnel");
    put_prefixes(t, "servers", op->prefixes, op->prefix_count, 1);
    put_names(t, "search", op->search, op->search_count);
    put_names(t, "match", op->match, op->match_count);
}

static void put_set(text *t, const vpn_op *op)
{
    put_number(t, "value", op->value);
    put_number(t, "before", op->before);
}

static void put_fields(text *t, const vpn_op *op)
{
    switch (op->type) {
    case VPN_OP_FILTER:
        put_filter(t, op);
        return;
    case VPN_OP_SYSCTL:
        put_text(t, "name", op->text);
        put_set(t, op);
        return;
    case VPN_OP_HOOK:
        put_text(t, "command", op->verb == VPN_VERB_ADD ? op->text : op->undo);
        return;
    case VPN_OP_DEVICE:
        put_number(t, "mark", op->mark);
        return;
    case VPN_OP_ADDRESS:
        key(t, "address");
        put_prefix(t, &op->prefix, 0);
        return;
    case VPN_OP_MTU:
        put_set(t, op);
        return;
    case VPN_OP_ROUTE:
        key(t, "to");
        put_prefix(t, &op->prefix, 0);
        put_number(t, "table", op->rule.table);
        put_number(t, "metric", op->metric);
        return;
    case VPN_OP_RULE:
        put_rule(t, &op->rule);
        return;
    case VPN_OP_RESOLVER:
        put_resolver(t, op);
        return;
    }
}

static void put_object(text *t, const vpn_op *op)
{
    static const char *const names[] = {"",        "filter", "sysctl", "hook",  "link", "device",
                                        "address", "mtu",    "up",     "route", "rule", "resolver"};
    static const char *const verbs[] = {"", "add", "delete", "set"};
    put(t, "{\"op\": ");
    put_string(t, names[op->type <= VPN_OP_RESOLVER ? op->type : 0]);
    put_text(t, "verb", verbs[op->verb <= VPN_VERB_SET ? op->verb : 0]);
    put_text(t, "link", op->name);
    put_fields(t, op);
}

void vpn__render_json(text *t, const vpn_op *op)
{
    vpn_op inverse;
    put_object(t, op);
    vpn_op_inverse(&inverse, op);
    key(t, "inverse");
    put_object(t, &inverse);
    put(t, "}}");
}
