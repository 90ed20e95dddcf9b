/* SPDX-License-Identifier: ISC */
/*
 * One pass, without recursion: `open` holds the arrays and objects that have not ended, at most DEPTH_MAX of them. Where a value
 * ends, the innermost one that is open says whether a comma, a bracket or the end of the text may follow.
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

typedef struct reader {
    json_document *d;
    size_t open[DEPTH_MAX];
    int depth;
} reader;

static int wrong(json_document *d, const char *why)
{
    d->why = why;
    return -1;
}

static char here(const json_document *d)
{
    if (d->at < d->length)
        return d->text[d->at];
    return '\0';
}

static void skip_blanks(json_document *d)
{
    while (d->at < d->length && strchr(" \t\r\n", d->text[d->at]) != NULL && d->text[d->at] != '\0')
        d->at++;
}

static json_value *fresh(json_document *d)
{
    if ((d->count & (d->count - 1)) == 0) {
        size_t room = d->count == 0 ? 1 : d->count * 2;
        json_value *values = room > SIZE_MAX / sizeof *values ? NULL : realloc(d->values, room * sizeof *values);

        if (values == NULL)
            return NULL;
        d->values = values;
    }
    d->values[d->count] = (json_value){.kind = JSON_NULL, .text = d->text + d->at};
    return &d->values[d->count++];
}

/* The characters behind a backslash. */
static int read_escape(json_document *d)
{
    char c = here(d);

    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL ? 0 : wrong(d, "no such escape");
    for (int i = 0; i < 4; i++) {
        d->at++;
        if (here(d) == '\0' || strchr("0123456789abcdefABCDEF", here(d)) == NULL)
            return wrong(d, "\\u is followed by four hexadecimal digits");
    }
    return 0;
}

/* Begins at the quote and ends behind the other one. */
static int read_string(json_document *d, const char **text, size_t *length)
{
    d->at++;
    *text = d->text + d->at;
    while (here(d) != '"') {
        if (d->at >= d->length)
            return wrong(d, "a string does not end");
        if ((unsigned char)here(d) < ' ')
            return wrong(d, "a control character in a string");
        if (here(d) == '\\') {
            d->at++;
            if (read_escape(d) != 0)
                return -1;
        }
        d->at++;
    }
    *length = (size_t)(d->text + d->at - *text);
    d->at++;
    return 0;
}

static size_t digits(const json_document *d, size_t at)
{
    size_t from = at;

    while (at < d->length && d->text[at] >= '0' && d->text[at] <= '9')
        at++;
    return at - from;
}

static int read_number(json_document *d, json_value *v)
{
    size_t at = d->at + (here(d) == '-');
    size_t whole = digits(d, at);

    if (whole == 0 || (whole > 1 && d->text[at] == '0'))
        return wrong(d, "a number is expected");
    at += whole;
    if (at < d->length && d->text[at] == '.') {
        if (digits(d, at + 1) == 0)
            return wrong(d, "digits are expected behind the point");
        at += 1 + digits(d, at + 1);
    }
    if (at < d->length && (d->text[at] == 'e' || d->text[at] == 'E')) {
        size_t sign = at + 1 < d->length && (d->text[at + 1] == '+' || d->text[at + 1] == '-');

        if (digits(d, at + 1 + sign) == 0)
            return wrong(d, "digits are expected in the exponent");
        at += 1 + sign + digits(d, at + 1 + sign);
    }
    v->kind = JSON_NUMBER;
    v->length = at - d->at;
    d->at = at;
    return 0;
}

static int read_word(json_document *d, json_value *v)
{
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i].word);

        if (d->length - d->at >= length && memcmp(d->text + d->at, words[i].word, length) == 0) {
            v->kind = words[i].kind;
            d->at += length;
            return 0;
        }
    }
    return wrong(d, "a value is expected");
}

static int read_bracket(reader *r, json_value *v)
{
    v->kind = here(r->d) == '{' ? JSON_OBJECT : JSON_ARRAY;
    if (r->depth == DEPTH_MAX)
        return wrong(r->d, "nested too deeply");
    r->open[r->depth++] = r->d->count - 1;
    r->d->at++;
    return 0;
}

static int read_key(json_document *d, const char **key, size_t *length)
{
    if (here(d) != '"')
        return wrong(d, "a key in quotes is expected");
    if (read_string(d, key, length) != 0)
        return -1;
    skip_blanks(d);
    if (here(d) != ':')
        return wrong(d, "':' is expected behind a key");
    d->at++;
    skip_blanks(d);
    return 0;
}

/* A value, or the bracket that begins one. 1 when it has ended with that, 0 when it is open, or -1. */
static int read_value(reader *r)
{
    json_document *d = r->d;
    const char *key = NULL;
    size_t key_length = 0;
    json_value *v;
    int result;

    if (r->depth > 0 && d->values[r->open[r->depth - 1]].kind == JSON_OBJECT && read_key(d, &key, &key_length) != 0)
        return -1;
    v = fresh(d);
    if (v == NULL)
        return wrong(d, "out of memory");
    v->key = key;
    v->key_length = key_length;
    if (here(d) == '{' || here(d) == '[')
        return read_bracket(r, v);
    if (here(d) == '"') {
        v->kind = JSON_STRING;
        result = read_string(d, &v->text, &v->length);
    } else {
        result = here(d) == '-' || digits(d, d->at) > 0 ? read_number(d, v) : read_word(d, v);
    }
    v->next = d->count;
    return result == 0 ? 1 : -1;
}

/* What follows a value: 0 when another value must come, 1 when nothing must, or -1. */
static int read_behind(reader *r)
{
    json_document *d = r->d;

    for (;;) {
        json_value *within;

        skip_blanks(d);
        if (r->depth == 0)
            return d->at == d->length ? 1 : wrong(d, "something follows the end");
        within = &d->values[r->open[r->depth - 1]];
        if (here(d) == ',') {
            d->at++;
            skip_blanks(d);
            return 0;
        }
        if (here(d) != (within->kind == JSON_OBJECT ? '}' : ']'))
            return wrong(d, within->kind == JSON_OBJECT ? "',' or '}' is expected" : "',' or ']' is expected");
        within->next = d->count;
        r->depth--;
        d->at++;
    }
}

/* 1 when the array or object that began has nothing in it. */
static int is_empty(const reader *r)
{
    const json_document *d = r->d;

    return here(d) == (d->values[r->open[r->depth - 1]].kind == JSON_OBJECT ? '}' : ']');
}

int json_parse(json_document *out, const char *text, size_t length)
{
    reader r = {.d = out};
    int behind = 0;

    *out = (json_document){.text = text, .length = length};
    skip_blanks(out);
    while (behind == 0) {
        int ended = read_value(&r);

        if (ended < 0)
            return -1;
        skip_blanks(out);
        if (ended == 1 || is_empty(&r))
            behind = read_behind(&r);
    }
    return behind == 1 ? 0 : -1;
}

void json_free(json_document *d)
{
    free(d->values);
    d->values = NULL;
    d->count = 0;
}
