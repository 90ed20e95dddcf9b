/* SPDX-License-Identifier: ISC */
/* Reads JSON (RFC 8259) into a flat list of values, which lives beside the text that it points into. */
#ifndef VPNCTL_JSON_H
#define VPNCTL_JSON_H

#include <stddef.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Values stand in the order of the text; those inside a value follow it at once, and `next` is behind them. */
typedef struct json_value {
    enum json_kind kind;
    const char *text; /* where it begins; of a string the first character, without what a backslash means being read */
    size_t length;    /* of a string or number */
    const char *key;  /* in an object */
    size_t key_length;
    size_t next;
} json_value;

typedef struct json_document {
    const char *text;
    size_t length;
    json_value *values; /* the first is the whole */
    size_t count;
    size_t at;       /* where reading stands, or failed */
    const char *why; /* after an error */
} json_document;

/* Reads `length` bytes, which must outlive the document and end with a NUL. 0, or -1, and then `at` and `why` tell; either way
 * json_free. */
int json_parse(json_document *out, const char *text, size_t length);
void json_free(json_document *d);

/* The line and column of a place in the text, from 1. */
void json_place(const json_document *d, const char *at, uint32_t *line, uint32_t *column);

/* The value under a key of an object; NULL: none, or `value` is no object. */
const json_value *json_find(const json_document *d, const json_value *value, const char *key);
/* The first value inside an array or object, and the one after another in it; NULL: no more. */
const json_value *json_first(const json_document *d, const json_value *value);
const json_value *json_after(const json_document *d, const json_value *within, const json_value *value);
/* 1 when it is that string. */
int json_is(const json_value *value, const char *string);
/* 0, or -1: no whole number from `least` to `most`. */
int json_integer(const json_value *value, int64_t least, int64_t most, int64_t *out);
/* A string with its escapes read, or a number as it stands, with a NUL. 0, or -1: longer than `capacity` - 5, or it holds what a
 * line of text cannot. */
int json_string(const json_value *value, char *out, size_t capacity);

#endif
