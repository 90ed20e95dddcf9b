/* SPDX-License-Identifier: ISC */
/*
 * Words with one blank between them: "undo", numbers in a fixed order, the name, the prefix and one string. Each type
 * of operation needs one string at most on its way: the ruleset or command that deletes, or the name of a sysctl. "-"
 * stands for none, and bytes of a string that are not plain are written as %XX.
 */
#include "state_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/uapi.h>

enum { NUMBERS = 19, FIXED_BYTES = 512, FIELD_BYTES = 64 };

/* The numbers of an operation, in the order of the line. */
static void numbers_of(const vpn_op *op, uint32_t out[NUMBERS])
{
    const vpn_rule *rule = &op->rule;
    const uint32_t all[NUMBERS] = {op->type,
                                   op->verb,
                                   op->value,
                                   op->before,
                                   op->mark,
                                   op->metric,
                                   op->resolver_system,
                                   op->dns_mode,
                                   op->fail_mode,
                                   rule->priority,
                                   rule->table,
                                   rule->mark,
                                   rule->mask,
                                   rule->uid_first,
                                   rule->uid_last,
                                   (uint32_t)rule->suppress,
                                   rule->family,
                                   (uint32_t)(rule->invert | rule->has_uid << 1 | rule->refuses << 2),
                                   op->prefix.bits};

    memcpy(out, all, sizeof all);
}

static void numbers_to(vpn_op *op, const uint32_t in[NUMBERS])
{
    vpn_rule *rule = &op->rule;

    op->type = (uint16_t)in[0];
    op->verb = (uint16_t)in[1];
    op->value = in[2];
    op->before = in[3];
    op->mark = in[4];
    op->metric = in[5];
    op->resolver_system = in[6];
    op->dns_mode = in[7];
    op->fail_mode = in[8];
    rule->priority = in[9];
    rule->table = in[10];
    rule->mark = in[11];
    rule->mask = in[12];
    rule->uid_first = in[13];
    rule->uid_last = in[14];
    rule->suppress = (int32_t)in[15];
    rule->family = (uint8_t)in[16];
    rule->invert = in[17] & 1;
    rule->has_uid = in[17] >> 1 & 1;
    rule->refuses = in[17] >> 2 & 1;
    op->prefix.bits = (uint8_t)in[18];
}

static const char *string_of(const vpn_op *op)
{
    return op->type == VPN_OP_SYSCTL ? op->text : op->undo;
}

static int is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '%' && c != '-';
}

/* Needs up to three times the bytes of the string. */
static void escape(char *out, const char *string)
{
    for (; *string != '\0'; string++) {
        if (is_plain(*string))
            *out++ = *string;
        else {
            (void)snprintf(out, 4, "%%%02x", (unsigned char)*string);
            out += 3;
        }
    }
    *out = '\0';
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c);

    return found == NULL ? -1 : (int)(found - digits);
}

/* 0, or -1 for what escape never writes. */
static int unescape(char *out, const char *in)
{
    while (*in != '\0') {
        if (*in != '%') {
            if (!is_plain(*in))
                return -1;
            *out++ = *in++;
            continue;
        }
        int high = digit(in[1]);
        int low = high < 0 ? -1 : digit(in[2]);

        if (low < 0 || high * 16 + low == 0)
            return -1;
        *out++ = (char)(high * 16 + low);
        in += 3;
    }
    *out = '\0';
    return 0;
}

/* An address needs all its bits, also those behind the length of its network. */
static void put_address(char out[FIELD_BYTES], const vpn_prefix *prefix)
{
    vpn_prefix whole = *prefix;

    whole.bits = prefix->family == 4 ? 32 : 128;
    if (prefix->family == 0)
        (void)snprintf(out, FIELD_BYTES, "-");
    else
        vpn_prefix_format(out, &whole);
}

static int read_address(vpn_prefix *out, const char *text)
{
    uint8_t bits = out->bits;

    if (strcmp(text, "-") == 0)
        return 0;
    if (vpn_prefix_parse(out, text, strlen(text)) != 0 || bits > out->bits)
        return -1;
    out->bits = bits;
    return 0;
}

char *state_line_write(const vpn_op *op)
{
    const char *string = string_of(op);
    size_t capacity = FIXED_BYTES + (string == NULL ? 0 : 3 * strlen(string));
    char *line = malloc(capacity);
    uint32_t numbers[NUMBERS];
    char address[FIELD_BYTES];
    size_t at;

    if (line == NULL)
        return NULL;
    numbers_of(op, numbers);
    put_address(address, &op->prefix);
    at = (size_t)snprintf(line, capacity, "undo");
    for (size_t i = 0; i < NUMBERS; i++)
        at += (size_t)snprintf(line + at, capacity - at, " %" PRIu32, numbers[i]);
    at += (size_t)snprintf(line + at, capacity - at, " %s %s %s", op->name, address, string == NULL ? "-" : "");
    if (string != NULL)
        escape(line + at, string);
    return line;
}

/* The next word of a line, which ends with a blank or the line; NULL when it is too long or none is left. */
static const char *word(char out[FIELD_BYTES], const char *line)
{
    size_t length = line == NULL ? 0 : strcspn(line, " ");

    if (length == 0 || length >= FIELD_BYTES)
        return NULL;
    memcpy(out, line, length);
    out[length] = '\0';
    return line[length] == ' ' ? line + length + 1 : line + length;
}

static const char *read_numbers(uint32_t out[NUMBERS], const char *line)
{
    char field[FIELD_BYTES];

    for (size_t i = 0; i < NUMBERS; i++) {
        char *end = field;
        unsigned long long value;

        line = word(field, line);
        value = line == NULL ? 0 : strtoull(field, &end, 10);
        if (line == NULL || field[0] < '0' || field[0] > '9' || *end != '\0' || value > UINT32_MAX)
            return NULL;
        out[i] = (uint32_t)value;
    }
    return line;
}

static int read_string(vpn_op *op, const char *text)
{
    char *string;

    if (strcmp(text, "-") == 0)
        return 0;
    string = malloc(strlen(text) + 1);
    if (string == NULL || unescape(string, text) != 0) {
        free(string);
        return -1;
    }
    if (op->type == VPN_OP_SYSCTL)
        op->text = string;
    else
        op->undo = string;
    return 0;
}

int state_line_read(vpn_op *op, const char *line)
{
    uint32_t numbers[NUMBERS];
    char field[FIELD_BYTES];

    memset(op, 0, sizeof *op);
    line = word(field, line);
    line = line == NULL || strcmp(field, "undo") != 0 ? NULL : read_numbers(numbers, line);
    line = word(field, line);
    if (line == NULL || strlen(field) >= sizeof op->name)
        return -1;
    numbers_to(op, numbers);
    memcpy(op->name, field, strlen(field) + 1);
    line = word(field, line);
    if (line == NULL || read_address(&op->prefix, field) != 0)
        return -1;
    return read_string(op, line);
}

/* What state_line_read made is not constant to its owner. */
static void drop(const char *string)
{
    void *owned;

    memcpy(&owned, &string, sizeof owned);
    free(owned);
}

void state_line_free(vpn_op *op)
{
    drop(op->type == VPN_OP_SYSCTL ? op->text : op->undo);
    op->text = NULL;
    op->undo = NULL;
}
