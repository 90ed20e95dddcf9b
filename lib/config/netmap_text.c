/* SPDX-License-Identifier: ISC */
#include <string.h>

#include <vpn/uapi.h>

#include "config/rule_words.h"
#include "config/text.h"

#define A_PREFIX "not a prefix, such as 10.0.0.0/24 or fd00::/48"

static int read_rule(vpn_netmap_rule *rule, struct vpn__rule_words *words)
{
    rule->whose = VPN_NETMAP_THEIRS;
    if (!vpn__rule_take(words, "theirs")) {
        rule->whose = VPN_NETMAP_OURS;
        if (!vpn__rule_take(words, "ours"))
            return vpn__rule_fault(words, "\"ours\" or \"theirs\" comes first");
    }
    (void)vpn__rule_more(words);
    size_t inside = words->at;
    if (vpn__rule_prefix(words, &rule->inside, A_PREFIX))
        return VPN_EFORMAT;
    if (!vpn__rule_take(words, "as"))
        return vpn__rule_fault(words, "\"as\" and the prefix that the peer sees are expected");
    (void)vpn__rule_more(words);
    size_t outside = words->at;
    if (vpn__rule_prefix(words, &rule->outside, A_PREFIX))
        return VPN_EFORMAT;
    if (vpn__rule_more(words))
        return vpn__rule_fault(words, "nothing is expected here");
    words->at = outside;
    if (rule->inside.family != rule->outside.family)
        return vpn__rule_fault(words, "both prefixes must be of one family");
    if (rule->inside.bits != rule->outside.bits)
        return vpn__rule_fault(words, "both prefixes must have one length");
    words->at = inside;
    if (rule->inside.family == 6 && rule->inside.bits > VPN_NETMAP_BITS_MAX6)
        return vpn__rule_fault(words, "an IPv6 prefix has at most 112 bits here");
    return 0;
}

int vpn_netmap_rule_parse(vpn_netmap_rule *out, const char *text, size_t length, vpn_rule_error *error)
{
    struct vpn__rule_words words = {.text = text, .length = length};
    vpn_netmap_rule rule = {.whose = VPN_NETMAP_OURS};
    int result = read_rule(&rule, &words);
    if (!result)
        *out = rule;
    return vpn__rule_tell(&words, result, error);
}

int vpn_netmap_rule_format(char out[VPN_NETMAP_LINE_CHARS], const vpn_netmap_rule *rule)
{
    struct vpn__text text = {.out = out, .capacity = VPN_NETMAP_LINE_CHARS - 1};
    char prefix[VPN_PREFIX_CHARS];
    out[0] = '\0';
    if (vpn_netmap_check(rule, 1, NULL))
        return VPN_EINVAL;
    vpn__text_string(&text, rule->whose == VPN_NETMAP_OURS ? "ours " : "theirs ");
    vpn_prefix_format(prefix, &rule->inside);
    vpn__text_string(&text, prefix);
    vpn__text_string(&text, " as ");
    vpn_prefix_format(prefix, &rule->outside);
    vpn__text_string(&text, prefix);
    out[text.length] = '\0';
    return 0;
}
