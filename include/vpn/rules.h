/* SPDX-License-Identifier: ISC */
/**
 * @file rules.h
 * @brief Rules of vpn/filter.h and vpn/netmap.h as text, one line each, as files and the UAPI have them.
 *
 * Words are read in any case with blanks between them, and written in one way: what is written reads as the same rule.
 *
 *     allow|deny|reject [in|out] [PROTOCOL] [from WHERE] [to WHERE] [flags SET/MASK] [stateful]
 *     ours|theirs INSIDE as OUTSIDE
 *
 * WHERE is a prefix or `any`, `port` and ports, or both; ports are a list such as `22,443,6000-6007`. PROTOCOL is `tcp`, `udp`,
 * `udplite`, `dccp`, `sctp`, `icmp`, `icmp6`, `esp`, `ah`, `gre` or `proto` with a number or one of these names; behind `icmp` and
 * `icmp6` may stand `type` with a name or number, and behind that `code` with a number. docs/filter.md has the whole of it.
 *
 * Pure; any thread; nothing allocates.
 */
#ifndef VPN_RULES_H
#define VPN_RULES_H

#include <vpn/filter.h>
#include <vpn/netmap.h>

VPN_BEGIN

#define VPN_FILTER_LINE_RULES 144 /**< most rules that one line of a filter makes: lists of 12 ports on both sides */
#define VPN_FILTER_LINE_CHARS 512 /**< enough for the text of any line of a filter and a NUL */
#define VPN_NETMAP_LINE_CHARS 112 /**< enough for the text of any rule of a translation and a NUL */

/** @brief Why a line was refused. */
typedef struct vpn_rule_error {
    size_t at;       /**< the byte that is to blame, from 0 on; `length` when something is missing at the end */
    const char *why; /**< static text without a full stop; never NULL after an error */
} vpn_rule_error;

/**
 * @brief Reads a line of a filter.
 *
 * A list of ports makes one rule for each of its elements; with lists on both sides one for each pair, those of one source port
 * behind one another. `user` of the rules is 0.
 * @param out room for `capacity` rules; VPN_FILTER_LINE_RULES always suffice. NULL when `capacity` is 0.
 * @param count receives how many rules the line makes; 0 after an error.
 * @param text `length` bytes, not NUL-terminated.
 * @param error where the fault is told; may be NULL.
 * @return 0; VPN_EFORMAT; VPN_ESPACE: `count` is the need. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(3, 4) int vpn_filter_rule_parse(vpn_filter_rule *out, size_t capacity, size_t *count,
                                                                 const char *text, size_t length,
                                                                 vpn_rule_error *error);

/**
 * @brief Writes the line that makes these rules, with a NUL.
 * @param rules `count` of them, at least one; `user` must be 0.
 * @return 0, or VPN_EINVAL (and `out` is empty): a rule is not valid, or no one line makes them all. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_filter_rule_format(char out[VPN_FILTER_LINE_CHARS],
                                                                  const vpn_filter_rule *rules, size_t count);

/** @brief Reads `allow`, `deny` or `reject`, in any case. @return VPN_FILTER_* or VPN_EFORMAT. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1) int vpn_filter_action_parse(const char *text, size_t length);

/** @brief The word for an action; NULL for a number that is none. Static. Since 0.1. */
VPN_API const char *vpn_filter_action_name(uint32_t action);

/**
 * @brief Reads a rule of a translation, such as `theirs 10.2.0.0/24 as 10.0.0.0/24`. Bits past a prefix's length are zeroed.
 * @param error where the fault is told; may be NULL.
 * @return 0 or VPN_EFORMAT; what vpn_netmap_check says of a rule by itself is among that. Since 0.1.
 */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_netmap_rule_parse(vpn_netmap_rule *out, const char *text, size_t length,
                                                                 vpn_rule_error *error);

/** @brief Writes a rule as vpn_netmap_rule_parse reads it, with a NUL. 0, or VPN_EINVAL and `out` is empty. Since 0.1. */
VPN_API VPN_MUST_USE VPN_NONNULL(1, 2) int vpn_netmap_rule_format(char out[VPN_NETMAP_LINE_CHARS],
                                                                  const vpn_netmap_rule *rule);

VPN_END

#endif
