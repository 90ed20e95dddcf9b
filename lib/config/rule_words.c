/* SPDX-License-Identifier: ISC */
#include "config/rule_words.h"

#include <vpn/uapi.h>

#include "config/conf_keys.h"
#include "config/text.h"

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int vpn__rule_more(struct vpn__rule_words *words)
{
    while (words->at < words->length && is_blank(words->text[words->at]))
        words->at++;
    return words->at < words->length;
}

size_t vpn__rule_peek(struct vpn__rule_words *words)
{
    size_t end;
    (void)vpn__rule_more(words);
    for (end = words->at; end < words->length && !is_blank(words->text[end]) && words->text[end] != ','; end++)
        ;
    return end - words->at;
}

int vpn__rule_take(struct vpn__rule_words *words, const char *word)
{
    size_t length = vpn__rule_peek(words);
    if (!vpn__conf_is(words->text + words->at, length, word))
        return 0;
    words->at += length;
    return 1;
}

int vpn__rule_fault(struct vpn__rule_words *words, const char *why)
{
    (void)vpn__rule_more(words);
    words->why = why;
    return VPN_EFORMAT;
}

int vpn__rule_number(struct vpn__rule_words *words, uint32_t *out, uint32_t max, const char *why)
{
    size_t length = vpn__rule_peek(words);
    if (vpn__read_decimal(out, words->text + words->at, length, max))
        return vpn__rule_fault(words, why);
    words->at += length;
    return 0;
}

int vpn__rule_prefix(struct vpn__rule_words *words, vpn_prefix *out, const char *why)
{
    size_t length = vpn__rule_peek(words);
    if (vpn_prefix_parse(out, words->text + words->at, length))
        return vpn__rule_fault(words, why);
    words->at += length;
    return 0;
}

int vpn__rule_tell(const struct vpn__rule_words *words, int result, vpn_rule_error *error)
{
    if (error && result == VPN_EFORMAT)
        *error = (vpn_rule_error){words->at, words->why};
    return result;
}
