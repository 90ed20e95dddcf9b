/* SPDX-License-Identifier: ISC */
/*
 * A file as JSON: the keys of the file, lists as arrays, numbers as numbers. Going back, each member becomes a line again and the
 * reader of files judges it, so the only care taken here is that one member cannot become two lines.
 */
#include <stdio.h>
#include <string.h>

#include "convert.h"
#include "json.h"
#include "out.h"

/* Keys whose values are lists; of the second kind each line is one element, commas and all. */
static const char *const lists[] = {"Address",       "DNS",          "AllowedIPs",  "Exclude",
                                    "SearchDomains", "MatchDomains", "ProbeAddress"};
static const char *const lines[] = {"PreUp",      "PostUp",     "PreDown", "PostDown",
                                    "IncludeApp", "ExcludeApp", "Filter",  "Netmap"};

enum { LISTS = sizeof lists / sizeof lists[0], LINES = sizeof lines / sizeof lines[0], VALUE_MAX = 65536 };

static int among(const char *const *names, size_t count, const char *key, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], key, length) == 0)
            return 1;
    }
    return 0;
}

static int is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* A value as JSON; `typed`: numbers and truth are more than strings. */
static void put_element(const char *key, const char *text, size_t length, int typed)
{
    size_t digits = strspn(text, "0123456789");

    if (typed && length > 0 && digits >= length && length < 11 && (text[0] != '0' || length == 1))
        json_raw(key, text, length);
    else if (typed && (is_word(text, length, "true") || is_word(text, length, "false")))
        json_flag(key, text[0] == 't');
    else
        json_part(key, text, length);
}

static void put_list(const char *text, size_t length)
{
    while (length > 0) {
        const char *comma = memchr(text, ',', length);
        size_t part = comma == NULL ? length : (size_t)(comma - text);

        put_element(NULL, text, part, 0);
        part += strspn(text + part, ", ");
        part = part > length ? length : part;
        text += part;
        length -= part;
    }
}

/* One "Key = value" line; `open` is the array that the line before left open, "" for none. */
static void put_line(char open[32], const char *line, size_t length)
{
    size_t key_length = strcspn(line, " =");
    const char *value = line + key_length + 3;
    size_t value_length = length - key_length - 3;
    int is_list = among(lists, LISTS, line, key_length);
    char key[32];

    (void)snprintf(key, sizeof key, "%.*s", (int)key_length, line);
    if (open[0] != '\0' && strcmp(open, key) != 0) {
        json_close(']');
        open[0] = '\0';
    }
    if (!is_list && !among(lines, LINES, line, key_length)) {
        put_element(key, value, value_length, 1);
        return;
    }
    if (open[0] == '\0')
        json_open(key, '[');
    memcpy(open, key, sizeof key);
    if (is_list)
        put_list(value, value_length);
    else
        put_element(NULL, value, value_length, 0);
}

static void put_section(int *peers, const char *line)
{
    if (line[1] == 'I') {
        json_open("Interface", '{');
        return;
    }
    json_close('}');
    if (!*peers)
        json_open("Peers", '[');
    *peers = 1;
    json_open(NULL, '{');
}

void convert_to_json(const char *text)
{
    char open[32] = "";
    int peers = 0;

    json_open(NULL, '{');
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");

        if (open[0] != '\0' && length == 0) {
            json_close(']');
            open[0] = '\0';
        }
        if (*at == '[')
            put_section(&peers, at);
        else if (length > 0)
            put_line(open, at, length);
        at += length + (at[length] == '\n');
    }
    if (open[0] != '\0')
        json_close(']');
    json_close('}');
    if (peers)
        json_close(']');
    json_close('}');
}

typedef struct reader {
    const char *name;
    json_document d;
    uapi_text *out;
} reader;

static int wrong(const reader *r, const char *at, const char *why)
{
    uint32_t line;
    uint32_t column;

    json_place(&r->d, at, &line, &column);
    return out_error("%s:%u:%u: %s", r->name, line, column, why);
}

/* "Key = value"; a comment or an end of the line in a value would be something else in the file. */
static int put_member(const reader *r, const json_value *member, const json_value *v)
{
    static char text[VALUE_MAX];

    if (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT || v->kind == JSON_NULL)
        return wrong(r, v->text, "a string, a number, true or false is expected");
    if (memchr(member->key, '\\', member->key_length) != NULL)
        return wrong(r, member->key, "there is no such key");
    if (v->kind == JSON_TRUE || v->kind == JSON_FALSE)
        (void)snprintf(text, sizeof text, "%s", v->kind == JSON_TRUE ? "true" : "false");
    else if (json_string(v, text, sizeof text) != 0 || strchr(text, '#') != NULL)
        return wrong(r, v->text, "a file cannot hold this value");
    uapi_text_put(r->out, "%.*s = %s\n", (int)member->key_length, member->key, text);
    vpn_wipe(text, sizeof text);
    return 0;
}

static int put_members(const reader *r, const json_value *object)
{
    if (object->kind != JSON_OBJECT)
        return wrong(r, object->text, "an object is expected");
    for (const json_value *v = json_first(&r->d, object); v != NULL; v = json_after(&r->d, object, v)) {
        if (v->kind != JSON_ARRAY && put_member(r, v, v) != 0)
            return -1;
        if (v->kind != JSON_ARRAY)
            continue;
        for (const json_value *e = json_first(&r->d, v); e != NULL; e = json_after(&r->d, v, e)) {
            if (put_member(r, v, e) != 0)
                return -1;
        }
    }
    return 0;
}

static int put_peers(const reader *r, const json_value *peers)
{
    if (peers->kind != JSON_ARRAY)
        return wrong(r, peers->text, "an array of peers is expected");
    for (const json_value *v = json_first(&r->d, peers); v != NULL; v = json_after(&r->d, peers, v)) {
        uapi_text_put(r->out, "[Peer]\n");
        if (put_members(r, v) != 0)
            return -1;
    }
    return 0;
}

static int put_file(const reader *r)
{
    const json_value *whole = &r->d.values[0];
    const json_value *interface = json_find(&r->d, whole, "Interface");
    const json_value *peers = json_find(&r->d, whole, "Peers");

    for (const json_value *v = json_first(&r->d, whole); v != NULL; v = json_after(&r->d, whole, v)) {
        if (v != interface && v != peers)
            return wrong(r, v->key, "only Interface and Peers stand here, once");
    }
    if (interface == NULL)
        return wrong(r, whole->text, "the key Interface is missing");
    uapi_text_put(r->out, "[Interface]\n");
    if (put_members(r, interface) != 0)
        return -1;
    return peers == NULL ? 0 : put_peers(r, peers);
}

int convert_from_json(uapi_text *out, const char *name, const char *text, size_t length)
{
    reader r = {.name = name, .out = out};
    int result;

    if (json_parse(&r.d, text, length) != 0)
        result = wrong(&r, text + r.d.at, r.d.why);
    else
        result = put_file(&r);
    json_free(&r.d);
    return result;
}
