/* SPDX-License-Identifier: ISC */
#include "more.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "log.h"
#include "more_facts.h"
#include "path_more.h"
#include "rules_lines.h"

/* In the order in which they answer. The ways are asked for by the names of the rules, which so are taken before. */
static const more_room rooms[] = {
    {.get = more_means},
    {.get = more_losses},
    {.get = more_load},
    {.get = more_roaming},
    {.get = rules_lines_get, .set = rules_lines_set, .changed = rules_lines_changed},
    {.get = path_more_get, .set = path_more_set, .changed = path_more_changed},
};

#define ROOMS (sizeof rooms / sizeof rooms[0])

void more_get(const flow *f, vpn_peer_id peer, vpn_uapi_lines *lines)
{
    const annex *a = annex_find(&f->annexes, peer);

    for (size_t i = 0; i < ROOMS; i++) {
        if (rooms[i].get != NULL)
            rooms[i].get(f, peer, a, lines);
    }
}

int more_set(flow *f, uint32_t how, vpn_peer_id peer, const char *key, const char *value)
{
    for (size_t i = 0; i < ROOMS; i++) {
        int said = rooms[i].set == NULL ? MORE_OTHERS : rooms[i].set(f, how, peer, key, value);

        if (said == MORE_OTHERS)
            continue;
        if (said != 0 && (how & VPN_UAPI_MORE_APPLY) != 0)
            rules_refused(&f->rules, peer);
        return said;
    }
    return EINVAL;
}

void more_changed(flow *f, vpn_peer_id peer)
{
    for (size_t i = 0; i < ROOMS; i++) {
        if (rooms[i].changed != NULL)
            rooms[i].changed(f, peer);
    }
}

void more_line(vpn_uapi_lines *lines, const char *key, const char *format, ...)
{
    char value[VPN_UAPI_MORE_VALUE_CHARS];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof value || vpn_uapi_line(lines, key, value) != 0)
        log_error("no line for %s: its value is none", key);
}

void more_count(vpn_uapi_lines *lines, const char *key, uint64_t count)
{
    if (count != 0)
        more_line(lines, key, "%llu", (unsigned long long)count);
}
