/* SPDX-License-Identifier: ISC */
/* What libvpn tells beyond wg(8), in the three forms. The order is that of the table, whatever that of the answer was. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out.h"
#include "show.h"

static void put_ago(uint64_t then, uint64_t now)
{
    if (then >= now)
        (void)fputs("now", stdout);
    else
        show_span(now - then);
    if (then < now)
        (void)fputs(" ago", stdout);
}

/* The sentence for the name of a reason, as daemons of a later version may have more of them. */
static const char *reason_text(const char *name)
{
    for (uint32_t i = 0; i < VPN_REASONS; i++) {
        if (strcmp(vpn_reason_name(i), name) == 0)
            return vpn_reason_text(i);
    }
    return NULL;
}

static void put_drop(const char *value)
{
    const char *name = more_word(value, 1);
    const char *text = reason_text(name);

    (void)printf("%" PRIu64 " %s", more_number(value), name);
    if (text != NULL)
        (void)printf(", %s", text);
}

static void put_move(const char *value, uint64_t now)
{
    const char *from = more_word(value, 1);
    const char *to = more_word(value, 2);

    put_ago(more_number(value), now);
    (void)printf(", %.*s -> %s", (int)(to - from - 1), from, to);
}

static void put_loaded(const char *value, uint64_t now)
{
    uint64_t count = more_number(value);
    uint64_t began = more_number(more_word(value, 1));
    uint64_t ended = more_number(more_word(value, 2));

    (void)printf("%" PRIu64 " time%s, last began ", count, count == 1 ? "" : "s");
    put_ago(began, now);
    if (ended != 0 && ended <= began)
        (void)fputs(", for less than a second", stdout);
    else if (ended != 0)
        (void)fputs(", for ", stdout);
    if (ended > began)
        show_span(ended - began);
}

static void put_counted(const char *value)
{
    uint64_t packets = more_number(value);

    (void)printf("%s: %" PRIu64 " packet%s, ", more_word(value, 2), packets, packets == 1 ? "" : "s");
    show_bytes(more_number(more_word(value, 1)));
}

static void put_text(const more_key *key, const char *value, uint64_t now)
{
    switch (key->kind) {
    case MORE_NUMBER:
    case MORE_TEXT:
        (void)fputs(value, stdout);
        break;
    case MORE_BYTES:
        show_bytes(more_number(value));
        break;
    case MORE_FLAG:
        (void)fputs(value[0] == '1' ? "yes" : "no", stdout);
        break;
    case MORE_SPAN:
        show_span(more_number(value));
        break;
    case MORE_AGE:
        put_ago(0, more_number(value));
        break;
    case MORE_DROP:
        put_drop(value);
        break;
    case MORE_MOVE:
        put_move(value, now);
        break;
    case MORE_LOADED:
        put_loaded(value, now);
        break;
    case MORE_COUNTED:
        put_counted(value);
        break;
    }
}

static void put_line(const more_key *key, const char *value, uint64_t now)
{
    int alarm = (key->flags & MORE_ALARM) != 0 && value[0] != '0';

    (void)printf("    %s%s%s: %s", out_colour(COLOUR_BOLD), key->label, out_plain(),
                 alarm ? out_colour(COLOUR_RED) : "");
    put_text(key, value, now);
    (void)printf("%s\n", alarm ? out_plain() : "");
}

void show_more_text(const device *d, const device_peer *p, uint64_t now)
{
    const char *value;

    if ((p == NULL ? d->more_count : p->more_count) == 0)
        return;
    (void)printf("  %slibvpn%s:\n", out_colour(COLOUR_CYAN), out_plain());
    for (size_t i = 0; more_at(i) != NULL; i++) {
        if (more_at(i)->label == NULL)
            continue;
        for (size_t at = 0; (value = device_told(d, p, more_at(i)->name, &at)) != NULL;)
            put_line(more_at(i), value, now);
    }
}

static void json_value_of(const char *name, const more_key *key, const char *value)
{
    switch (key->kind) {
    case MORE_NUMBER:
    case MORE_BYTES:
    case MORE_SPAN:
    case MORE_AGE:
        json_number(name, more_number(value));
        break;
    case MORE_FLAG:
        json_flag(name, value[0] == '1');
        break;
    case MORE_TEXT:
        json_text(name, value);
        break;
    case MORE_DROP:
        json_open(name, '{');
        json_text("reason", more_word(value, 1));
        json_number("count", more_number(value));
        json_close('}');
        break;
    case MORE_MOVE:
        json_open(name, '{');
        json_number("time", more_number(value));
        json_part("from", more_word(value, 1), (size_t)(more_word(value, 2) - more_word(value, 1)) - 1);
        json_text("to", more_word(value, 2));
        json_close('}');
        break;
    case MORE_LOADED:
        json_open(name, '{');
        json_number("count", more_number(value));
        json_number("began", more_number(more_word(value, 1)));
        json_number("ended", more_number(more_word(value, 2)));
        json_close('}');
        break;
    case MORE_COUNTED:
        json_open(name, '{');
        json_text("what", more_word(value, 2));
        json_number("packets", more_number(value));
        json_number("bytes", more_number(more_word(value, 1)));
        json_close('}');
        break;
    }
}

static void put_json_key(const device *d, const device_peer *p, const more_key *key)
{
    size_t at = 0;
    const char *value = device_told(d, p, key->name, &at);
    int many = (key->flags & MORE_MANY) != 0;

    if (value == NULL)
        return;
    if (many)
        json_open(key->name, '[');
    for (; value != NULL; value = device_told(d, p, key->name, &at))
        json_value_of(many ? NULL : key->name, key, value);
    if (many)
        json_close(']');
}

void show_more_json(const device *d, const device_peer *p)
{
    if ((p == NULL ? d->more_count : p->more_count) == 0)
        return;
    json_open("libvpn", '{');
    for (size_t i = 0; more_at(i) != NULL; i++)
        put_json_key(d, p, more_at(i));
    json_close('}');
}

static int is_of(const more_key *key, const char *word, unsigned place)
{
    return key->field != NULL && (key->flags & place) != 0 && strcmp(key->field, word) == 0;
}

static int has_field(const char *word, unsigned place)
{
    size_t i = 0;

    while (more_at(i) != NULL && !is_of(more_at(i), word, place))
        i++;
    return more_at(i) != NULL;
}

int show_more_is_field(const char *word)
{
    return has_field(word, MORE_DEVICE | MORE_PEER);
}

/* What a key has, each behind a tab but the first of the line; "(none)" where it has nothing. */
static void put_columns(const device *d, const device_peer *p, const more_key *key, int *columns)
{
    size_t at = 0;
    const char *value = device_told(d, p, key->name, &at);

    do {
        (void)printf("%s%s", (*columns)++ == 0 ? "" : "\t", value == NULL ? "(none)" : value);
        value = device_told(d, p, key->name, &at);
    } while (value != NULL);
}

static void put_row(const device *d, const device_peer *p, const char *word, int columns)
{
    for (size_t i = 0; more_at(i) != NULL; i++) {
        if (is_of(more_at(i), word, p == NULL ? MORE_DEVICE : MORE_PEER))
            put_columns(d, p, more_at(i), &columns);
    }
    (void)putchar('\n');
}

void show_more_field(const char *name, const device *d, const char *word, int named)
{
    char key[VPN_KEY_BASE64_CHARS + 1];

    if (has_field(word, MORE_DEVICE)) {
        (void)printf("%s%s", named ? name : "", named ? "\t" : "");
        put_row(d, NULL, word, 0);
    }
    for (size_t i = 0; has_field(word, MORE_PEER) && i < d->peer_count; i++) {
        vpn_key_to_base64(key, d->peers[i].public_key);
        (void)printf("%s%s%s", named ? name : "", named ? "\t" : "", key);
        put_row(d, &d->peers[i], word, 1);
    }
}
