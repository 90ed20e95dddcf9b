/* SPDX-License-Identifier: ISC */
#include "rules_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum key { KEY_FILTER, KEY_REPLACE_FILTER, KEY_DEFAULT, KEY_FLOWS, KEY_NETMAP, KEY_REPLACE_NETMAP, KEYS };

static const char *const keys[KEYS] = {"libvpn_filter",       "libvpn_replace_filter", "libvpn_filter_default",
                                       "libvpn_filter_flows", "libvpn_netmap",         "libvpn_replace_netmap"};

static int key_of(const char *key)
{
    int i = 0;

    while (i < KEYS && strcmp(key, keys[i]) != 0)
        i++;
    return i;
}

int rules_peer_knows(const char *key)
{
    return key_of(key) < KEYS;
}

/* -- sets ---------------------------------------------------------------------------------------------------------- */

static void clear_filter(rules_set *s)
{
    for (size_t i = 0; i < s->line_count; i++)
        free(s->lines[i].text);
    free(s->lines);
    s->lines = NULL;
    s->line_count = 0;
    s->rule_count = 0;
    s->stateful = 0;
    s->has_fallback = 0;
    s->fallback = VPN_FILTER_DENY;
    s->has_flows = 0;
    s->flows = 0;
}

static void clear_netmap(rules_set *s)
{
    free(s->maps);
    s->maps = NULL;
    s->map_count = 0;
}

static void clear(rules_set *s)
{
    clear_filter(s);
    clear_netmap(s);
}

/* Room for one more, in steps of powers of two. NULL: no memory, and the list is as it was. */
static void *room(void *list, size_t count, size_t bytes)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return list;
    return realloc(list, (count == 0 ? 1 : count * 2) * bytes);
}

static int add_line(rules_set *s, const char *text, uint32_t rules)
{
    rules_line *lines, *last;

    if (s->rule_count + rules > VPN_FILTER_RULES_MAX)
        return ENOSPC;
    lines = room(s->lines, s->line_count, sizeof *lines);
    if (lines == NULL)
        return ENOMEM;
    s->lines = lines;
    last = &lines[s->line_count];
    last->rules = rules;
    last->text = strdup(text);
    if (last->text == NULL)
        return ENOMEM;
    s->line_count++;
    s->rule_count += rules;
    return 0;
}

static int add_map(rules_set *s, const vpn_netmap_rule *rule)
{
    vpn_netmap_rule *maps;

    if (s->map_count == VPN_NETMAP_RULES_MAX)
        return ENOSPC;
    maps = room(s->maps, s->map_count, sizeof *maps);
    if (maps == NULL)
        return ENOMEM;
    s->maps = maps;
    maps[s->map_count++] = *rule;
    return 0;
}

static int copy(rules_set *to, const rules_set *from)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < from->line_count; i++)
        error = add_line(to, from->lines[i].text, from->lines[i].rules);
    for (size_t i = 0; error == 0 && i < from->map_count; i++)
        error = add_map(to, &from->maps[i]);
    to->stateful = from->stateful;
    to->has_fallback = from->has_fallback;
    to->fallback = from->fallback;
    to->has_flows = from->has_flows;
    to->flows = from->flows;
    return error;
}

/* -- lines --------------------------------------------------------------------------------------------------------- */

/* A line as it will be written. 0 or an errno. */
static int read_filter(rules_set *s, const char *value)
{
    static vpn_filter_rule rules[VPN_FILTER_LINE_RULES]; /* too many for a stack; one thread configures */
    char text[VPN_FILTER_LINE_CHARS];
    size_t count;

    if (vpn_filter_rule_parse(rules, VPN_FILTER_LINE_RULES, &count, value, strlen(value), NULL) != 0)
        return EINVAL;
    if (s == NULL)
        return 0;
    s->stateful |= (rules[0].flags & VPN_FILTER_STATEFUL) != 0;
    /* a port that stands twice on one side may have no line that says so in another way */
    return add_line(s, vpn_filter_rule_format(text, rules, count) == 0 ? text : value, (uint32_t)count);
}

static int read_default(rules_set *s, const char *value)
{
    int action = vpn_filter_action_parse(value, strlen(value));

    if (action < 0)
        return EINVAL;
    if (s != NULL) {
        s->has_fallback = 1;
        s->fallback = (uint8_t)action;
    }
    return 0;
}

static int read_flows(rules_set *s, const char *value)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number > VPN_FILTER_FLOWS_MAX)
        return EINVAL;
    if (s != NULL) {
        s->has_flows = 1;
        s->flows = (uint32_t)number;
    }
    return 0;
}

static int read_netmap(rules_set *s, const char *value)
{
    vpn_netmap_rule rule;
    int error;

    if (vpn_netmap_rule_parse(&rule, value, strlen(value), NULL) != 0)
        return EINVAL;
    error = s == NULL ? 0 : add_map(s, &rule);
    if (error == 0 && s != NULL && vpn_netmap_check(s->maps, s->map_count, NULL) != 0)
        return EEXIST;
    return error;
}

/* Into a set, or into nothing when that is NULL. */
static int read_line(rules_set *s, const char *key, const char *value)
{
    int which = key_of(key);

    if (which == KEY_FILTER)
        return read_filter(s, value);
    if (which == KEY_DEFAULT)
        return read_default(s, value);
    if (which == KEY_FLOWS)
        return read_flows(s, value);
    if (which == KEY_NETMAP)
        return read_netmap(s, value);
    if (strcmp(value, "true") != 0)
        return EINVAL;
    if (s != NULL && which == KEY_REPLACE_FILTER)
        clear_filter(s);
    else if (s != NULL)
        clear_netmap(s);
    return 0;
}

int rules_peer_check(const char *key, const char *value)
{
    return read_line(NULL, key, value);
}

int rules_peer_gather(rules_peer *p, const char *key, const char *value)
{
    int error = 0;

    if (!p->gathers) {
        p->gathers = 1;
        p->failed = 0;
        error = copy(&p->next, &p->now);
    }
    if (error == 0)
        error = read_line(&p->next, key, value);
    if (error == 0 && p->next.stateful && p->next.has_flows && p->next.flows == 0)
        error = EINVAL;
    p->failed |= error != 0;
    return error;
}

/* -- taking them --------------------------------------------------------------------------------------------------- */

static int has_filter(const rules_set *s)
{
    return s->line_count > 0 || s->has_fallback;
}

/* All rules in a row; the caller frees them. NULL: no memory. */
static vpn_filter_rule *rules_of(const rules_set *s)
{
    vpn_filter_rule *rules = calloc(s->rule_count + 1u, sizeof *rules);
    size_t at = 0;

    for (size_t i = 0; rules != NULL && i < s->line_count; i++) {
        const char *text = s->lines[i].text;
        size_t count;

        (void)!vpn_filter_rule_parse(rules + at, s->rule_count - at, &count, text, strlen(text), NULL);
        at += count;
    }
    return rules;
}

/* A filter with as many flows goes on with other rules; another number of flows is another filter. */
static int take_rules(rules_peer *p, const rules_set *s, vpn_filter **filter)
{
    int error;
    vpn_filter_rule *rules = rules_of(s);
    uint32_t flows = s->has_flows ? s->flows : s->stateful ? RULES_FLOWS : 0;
    vpn_filter_config config = {
        .size = sizeof config, .fallback = s->fallback, .flows = flows, .count = s->rule_count, .rules = rules};
    vpn_filter *made = NULL;

    if (rules == NULL)
        return VPN_ENOMEM;
    if (*filter != NULL && flows == p->flows) {
        error = vpn_filter_replace(*filter, rules, s->rule_count);
        if (error == 0)
            error = vpn_filter_set_fallback(*filter, s->fallback);
    } else {
        error = vpn_filter_new(&made, &config);
    }
    free(rules);
    if (error == 0 && made != NULL) {
        vpn_filter_free(*filter);
        *filter = made;
        p->flows = flows;
    }
    return error;
}

static int take(rules_peer *p, const rules_set *s, vpn_filter **filter, vpn_netmap **netmap)
{
    vpn_netmap *made = NULL;
    int error = s->map_count == 0 ? 0 : vpn_netmap_new(&made, s->maps, s->map_count, NULL);

    if (error == 0 && has_filter(s))
        error = take_rules(p, s, filter);
    if (error != 0) {
        vpn_netmap_free(made);
        return error;
    }
    vpn_netmap_free(*netmap);
    *netmap = made;
    if (!has_filter(s)) {
        vpn_filter_free(*filter);
        *filter = NULL;
    }
    return 0;
}

int rules_peer_commit(rules_peer *p, vpn_filter **filter, vpn_netmap **netmap)
{
    int error;

    if (!p->gathers || p->failed) {
        clear(&p->next);
        p->gathers = 0;
        return 0;
    }
    error = take(p, &p->next, filter, netmap);
    clear(&p->now);
    p->now = p->next;
    p->next = (rules_set){.lines = NULL};
    p->gathers = 0;
    p->broken = error != 0;
    return error == 0 ? 0 : -1;
}

int rules_peer_counts(const rules_peer *p)
{
    return p->broken || has_filter(&p->now) || p->now.map_count > 0;
}

void rules_peer_free(rules_peer *p)
{
    if (p == NULL)
        return;
    clear(&p->now);
    clear(&p->next);
    free(p);
}
