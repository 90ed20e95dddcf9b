/* SPDX-License-Identifier: ISC */
/* Files of wg-quick for tests: two keys, reading with a fault that is expected, and comparing what was read. */
#ifndef VPN_TESTS_COMMON_CONF_H
#define VPN_TESTS_COMMON_CONF_H

#include <vpn/conf.h>
#include <vpn/uapi.h>

#include "common/test.h"

#define CONF_KEY_A "oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM="
#define CONF_KEY_B "GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU="
#define CONF_KEY_C "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak="
#define CONF_PEER  "[Peer]\nPublicKey = " CONF_KEY_B "\n"

/* The text stands in a block of its own size, so that a sanitizer sees a read past its end. */
static inline int conf_parse_bytes(vpn_conf **out, const char *text, size_t length, const vpn_env *env,
                                   vpn_conf_error *error)
{
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    int result = vpn_conf_parse(out, copy, length, env, error);
    free(copy);
    return result;
}

/* Reads what has no fault. */
static inline vpn_conf *conf_good(const char *text)
{
    vpn_conf *conf;
    vpn_conf_error error;
    int result = conf_parse_bytes(&conf, text, strlen(text), NULL, &error);
    ck_assert_msg(result == 0, "%u:%u: %s\n%s", error.line, error.column, error.why, text);
    return conf;
}

/* Reads what has a fault at a place, about which a part of the sentence is given. */
static inline void conf_bad(const char *text, uint32_t line, uint32_t column, const char *why)
{
    vpn_conf *conf;
    vpn_conf_error error;
    int result = conf_parse_bytes(&conf, text, strlen(text), NULL, &error);
    ck_assert_msg(result == VPN_EFORMAT, "%d for\n%s", result, text);
    ck_assert_ptr_null(conf);
    ck_assert_int_eq(error.error, VPN_EFORMAT);
    ck_assert_msg(error.line == line && error.column == column, "%u:%u: %s\n%s", error.line, error.column, error.why,
                  text);
    ck_assert_msg(strstr(error.why, why) != NULL, "%s\n%s", error.why, text);
}

static inline void conf_expect_prefixes(const vpn_prefix *list, size_t count, const char *want)
{
    char have[4096] = "";
    for (size_t i = 0; i < count; i++) {
        char text[VPN_PREFIX_CHARS];
        vpn_prefix_format(text, &list[i]);
        strcat(strcat(have, i ? " " : ""), text);
    }
    ck_assert_str_eq(have, want);
}

static inline void conf_expect_texts(const char *const *list, size_t count, const char *want)
{
    char have[4096] = "";
    for (size_t i = 0; i < count; i++)
        strcat(strcat(have, i ? "|" : ""), list[i]);
    ck_assert_str_eq(have, want);
}

static inline int conf_same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    if (a_count != b_count)
        return 0;
    for (size_t i = 0; i < a_count; i++) {
        if (strcmp(a[i], b[i]))
            return 0;
    }
    return 1;
}

static inline int conf_same_prefixes(const vpn_prefix *a, size_t a_count, const vpn_prefix *b, size_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
}

static inline int conf_same_apps(const vpn_conf *a, const vpn_conf *b)
{
    if (a->app_count != b->app_count)
        return 0;
    for (size_t i = 0; i < a->app_count; i++) {
        const vpn_conf_app *x = &a->apps[i], *y = &b->apps[i];
        if (x->kind != y->kind || x->exclude != y->exclude || x->first != y->first || x->last != y->last ||
            (x->cgroup ? !y->cgroup || strcmp(x->cgroup, y->cgroup) : y->cgroup != NULL))
            return 0;
    }
    return 1;
}

static inline int conf_same_peers(const vpn_conf *a, const vpn_conf *b)
{
    if (a->peer_count != b->peer_count)
        return 0;
    for (size_t i = 0; i < a->peer_count; i++) {
        const vpn_conf_peer *x = &a->peers[i], *y = &b->peers[i];
        if (memcmp(x->public_key, y->public_key, VPN_KEY_BYTES) ||
            memcmp(x->preshared_key, y->preshared_key, VPN_KEY_BYTES) ||
            !conf_same_prefixes(x->allowed_ips, x->allowed_ip_count, y->allowed_ips, y->allowed_ip_count) ||
            (x->host ? !y->host || strcmp(x->host, y->host) : y->host != NULL) ||
            memcmp(&x->endpoint, &y->endpoint, sizeof(x->endpoint)) || x->keepalive != y->keepalive)
            return 0;
    }
    return 1;
}

/* What peers have that only libvpn knows. */
static inline int conf_same_rules(const vpn_conf *a, const vpn_conf *b)
{
    for (size_t i = 0; i < a->peer_count; i++) {
        const vpn_conf_peer *x = &a->peers[i], *y = &b->peers[i];
        if (!conf_same_texts(x->filter, x->filter_count, y->filter, y->filter_count) ||
            !conf_same_prefixes(x->probes, x->probe_count, y->probes, y->probe_count) ||
            x->netmap_count != y->netmap_count || x->set != y->set || x->filter_flows != y->filter_flows ||
            x->filter_default != y->filter_default || x->filter_rules != y->filter_rules)
            return 0;
        if (x->netmap_count && memcmp(x->netmap, y->netmap, x->netmap_count * sizeof(*x->netmap)))
            return 0;
    }
    return 1;
}

/* Whether two files say the same, but for where their lines stand. */
static inline int conf_same(const vpn_conf *a, const vpn_conf *b)
{
    return a->set == b->set && memcmp(a->private_key, b->private_key, VPN_KEY_BYTES) == 0 &&
           a->listen_port == b->listen_port && a->mtu == b->mtu && a->fwmark == b->fwmark && a->table == b->table &&
           a->metric == b->metric && a->save_config == b->save_config && a->lan_access == b->lan_access &&
           a->fail_mode == b->fail_mode && a->dns_mode == b->dns_mode &&
           conf_same_prefixes(a->addresses, a->address_count, b->addresses, b->address_count) &&
           conf_same_prefixes(a->dns, a->dns_count, b->dns, b->dns_count) &&
           conf_same_prefixes(a->exclude, a->exclude_count, b->exclude, b->exclude_count) &&
           conf_same_prefixes(a->fail_except, a->fail_except_count, b->fail_except, b->fail_except_count) &&
           conf_same_texts(a->search, a->search_count, b->search, b->search_count) &&
           conf_same_texts(a->match, a->match_count, b->match, b->match_count) &&
           conf_same_texts(a->pre_up, a->pre_up_count, b->pre_up, b->pre_up_count) &&
           conf_same_texts(a->post_up, a->post_up_count, b->post_up, b->post_up_count) &&
           conf_same_texts(a->pre_down, a->pre_down_count, b->pre_down, b->pre_down_count) &&
           conf_same_texts(a->post_down, a->post_down_count, b->post_down, b->post_down_count) &&
           conf_same_apps(a, b) && conf_same_peers(a, b) && conf_same_rules(a, b) && a->path_mtu == b->path_mtu &&
           a->clamp_mss == b->clamp_mss;
}

#endif
