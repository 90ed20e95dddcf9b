/* SPDX-License-Identifier: ISC */
/* A line of a rule, word by word. */
#ifndef VPN_LIB_CONFIG_RULE_WORDS_H
#define VPN_LIB_CONFIG_RULE_WORDS_H

#include <vpn/rules.h>

/* What has been read is before `at`. After a fault `why` is set, and `at` is the byte to blame. */
struct vpn__rule_words {
    const char *text;
    size_t length;
    size_t at;
    const char *why;
};

/* Passes over blanks. 1 when there is more. */
int vpn__rule_more(struct vpn__rule_words *words);
/* The next word, whose end is a blank or a comma, without taking it; its length, 0 at the end. */
size_t vpn__rule_peek(struct vpn__rule_words *words);
/* Takes the next word if it is this one, in any case. 1 or 0. */
int vpn__rule_take(struct vpn__rule_words *words, const char *word);
/* Takes the next word if it is a number up to `max`. 0, or VPN_EFORMAT and `why` is told. */
int vpn__rule_number(struct vpn__rule_words *words, uint32_t *out, uint32_t max, const char *why);
/* The same for a prefix. */
int vpn__rule_prefix(struct vpn__rule_words *words, vpn_prefix *out, const char *why);
/* Tells what is wrong with what comes next. VPN_EFORMAT. */
int vpn__rule_fault(struct vpn__rule_words *words, const char *why);
/* Hands a fault to the caller of the library. Returns `result`. */
int vpn__rule_tell(const struct vpn__rule_words *words, int result, vpn_rule_error *error);

#endif
