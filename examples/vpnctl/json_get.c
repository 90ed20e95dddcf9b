/* SPDX-License-Identifier: ISC */
/* What json_parse found. */
#include <stdlib.h>
#include <string.h>

#include "json.h"

void json_place(const json_document *d, const char *at, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (const char *c = d->text; c < at; c++) {
        *column = *c == '\n' ? 1 : *column + 1;
        *line += *c == '\n';
    }
}

const json_value *json_first(const json_document *d, const json_value *value)
{
    size_t index = (size_t)(value - d->values);

    return (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT) && value->next > index + 1 ? value + 1 : NULL;
}

const json_value *json_after(const json_document *d, const json_value *within, const json_value *value)
{
    return value->next < within->next ? &d->values[value->next] : NULL;
}

const json_value *json_find(const json_document *d, const json_value *value, const char *key)
{
    size_t length = strlen(key);

    if (value->kind != JSON_OBJECT)
        return NULL;
    for (const json_value *v = json_first(d, value); v != NULL; v = json_after(d, value, v)) {
        if (v->key_length == length && memcmp(v->key, key, length) == 0)
            return v;
    }
    return NULL;
}

int json_is(const json_value *value, const char *string)
{
    size_t length = strlen(string);

    return value->kind == JSON_STRING && value->length == length && memcmp(value->text, string, length) == 0;
}

int json_integer(const json_value *value, int64_t least, int64_t most, int64_t *out)
{
    char text[24];
    char *end;

    if (value->kind != JSON_NUMBER || value->length >= sizeof text)
        return -1;
    memcpy(text, value->text, value->length);
    text[value->length] = '\0';
    *out = strtoll(text, &end, 10);
    return *end == '\0' && *out >= least && *out <= most ? 0 : -1;
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* The code behind "\u" as UTF-8. Halves of a pair, and what moves cursors, are refused. Bytes that were written, or 0. */
static size_t put_code(char out[4], const char *digits)
{
    unsigned code = 0;

    for (int i = 0; i < 4; i++)
        code = code * 16 + (unsigned)hex(digits[i]);
    if ((code < ' ' && code != '\t') || (code >= 0xd800 && code < 0xe000))
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

int json_string(const json_value *value, char *out, size_t capacity)
{
    size_t length = 0;

    for (size_t i = 0; i < value->length; i++) {
        char c = value->text[i];
        size_t put = 1;

        if (capacity - length < 5)
            return -1;
        out[length] = c;
        if (c == '\\' && value->kind == JSON_STRING) {
            c = value->text[++i];
            if (c == 'u') {
                put = put_code(out + length, value->text + i + 1);
                i += 4;
            } else {
                put = strchr("bfnr", c) == NULL;
                out[length] = (char)(c == 't' ? '\t' : c);
            }
        }
        if (put == 0)
            return -1;
        length += put;
    }
    out[length] = '\0';
    return 0;
}
