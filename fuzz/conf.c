/* SPDX-License-Identifier: ISC */
/* A file of wg-quick: it is refused at a place inside it, or what was read is written and reads as the same again. */
#include "fuzz.h"

#define ROOM (1u << 20)

static size_t write_to(const vpn_conf *conf, uint32_t target, char *out)
{
    size_t length;
    int error = vpn_conf_write(conf, target, out, ROOM, &length);

    FUZZ_CHECK(error == VPN_OK || (error == VPN_ESPACE && length > ROOM));
    return error == VPN_OK ? length : 0;
}

static void check_error(const vpn_conf_error *error, size_t size)
{
    FUZZ_CHECK(error->error == VPN_EFORMAT);
    FUZZ_CHECK(error->line >= 1 && error->line <= size + 1 && error->column <= size + 1);
    FUZZ_CHECK(error->why[0] != '\0' && memchr(error->why, '\0', sizeof error->why) != NULL);
    FUZZ_CHECK(memchr(error->key, '\0', sizeof error->key) != NULL);
}

/* A line of a filter is as it would be written, and so are its rules as a line, but for ports that stand twice. */
static void check_filter(const char *line)
{
    static vpn_filter_rule rules[VPN_FILTER_LINE_RULES], again[VPN_FILTER_LINE_RULES];
    char out[VPN_FILTER_LINE_CHARS];
    size_t count, other;
    int error = vpn_filter_rule_parse(rules, VPN_FILTER_LINE_RULES, &count, line, strlen(line), NULL);

    FUZZ_CHECK(error == VPN_OK && count > 0 && vpn_filter_check(rules, count, NULL) == VPN_OK);
    if (vpn_filter_rule_format(out, rules, count) != VPN_OK)
        return;
    error = vpn_filter_rule_parse(again, VPN_FILTER_LINE_RULES, &other, out, strlen(out), NULL);
    FUZZ_CHECK(error == VPN_OK && other == count && memcmp(rules, again, count * sizeof *rules) == 0);
}

static void check_rules(const vpn_conf_peer *peer)
{
    char out[VPN_NETMAP_LINE_CHARS];

    for (size_t i = 0; i < peer->filter_count; i++)
        check_filter(peer->filter[i]);
    FUZZ_CHECK(vpn_netmap_check(peer->netmap, peer->netmap_count, NULL) == VPN_OK);
    for (size_t i = 0; i < peer->netmap_count; i++) {
        vpn_netmap_rule rule;

        FUZZ_CHECK(vpn_netmap_rule_format(out, &peer->netmap[i]) == VPN_OK);
        FUZZ_CHECK(vpn_netmap_rule_parse(&rule, out, strlen(out), NULL) == VPN_OK);
        FUZZ_CHECK(memcmp(&rule, &peer->netmap[i], sizeof rule) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char first[ROOM], second[ROOM];
    struct fuzz_host host = {.seed = 1};
    vpn_env env = fuzz_env(&host);
    vpn_conf *conf, *again;
    vpn_conf_error error;
    char *text = malloc(size == 0 ? 1 : size);

    FUZZ_CHECK(text != NULL);
    if (size != 0)
        memcpy(text, data, size);
    if (vpn_conf_parse(&conf, text, size, &env, &error) != VPN_OK) {
        check_error(&error, size);
        FUZZ_CHECK(conf == NULL && host.live == 0);
        free(text);
        return 0;
    }
    for (size_t i = 0; i < conf->peer_count; i++)
        check_rules(&conf->peers[i]);
    for (uint32_t target = VPN_CONF_FOR_VPN; target <= VPN_CONF_FOR_WG; target++) {
        size_t length = write_to(conf, target, first);

        if (length == 0)
            continue;
        FUZZ_CHECK(vpn_conf_parse(&again, first, length, &env, &error) == VPN_OK);
        FUZZ_CHECK(write_to(again, target, second) == length && memcmp(first, second, length) == 0);
        FUZZ_CHECK(again->peer_count == conf->peer_count);
        vpn_conf_free(again);
    }
    vpn_conf_free(conf);
    FUZZ_CHECK(host.live == 0);
    free(text);
    return 0;
}
