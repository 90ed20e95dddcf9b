/* SPDX-License-Identifier: ISC */
/* JSON by RFC 8259, two blanks for each level. `depth` and `first` are what the writer knows between calls. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out.h"

enum { DEPTH_MAX = 16 };

static int depth;
static int first[DEPTH_MAX] = {1};

/* What stands before a value. */
static void begin(const char *key)
{
    if (depth > 0)
        (void)printf("%s\n%*s", first[depth] ? "" : ",", 2 * depth, "");
    first[depth] = 0;
    if (key != NULL)
        (void)printf("\"%s\": ", key);
}

void json_open(const char *key, char bracket)
{
    begin(key);
    (void)putchar(bracket);
    if (depth < DEPTH_MAX - 1)
        depth++;
    first[depth] = 1;
}

void json_close(char bracket)
{
    int empty = first[depth];

    if (depth > 0)
        depth--;
    if (!empty)
        (void)printf("\n%*s", 2 * depth, "");
    (void)putchar(bracket);
    if (depth == 0) {
        (void)putchar('\n');
        first[0] = 1;
    }
}

/* How many bytes of well-formed UTF-8 begin here; 0: none. RFC 3629 section 4. */
static size_t utf8(const unsigned char *s)
{
    size_t more = s[0] >= 0xc2 && s[0] <= 0xdf ? 1 : (s[0] & 0xf0) == 0xe0 ? 2 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 3 : 0;

    if (more == 0)
        return s[0] < 0x80;
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return more + 1;
}

void json_part(const char *key, const char *text, size_t length)
{
    const char *end = text + length;

    begin(key);
    (void)putchar('"');
    while (text < end) {
        size_t here = utf8((const unsigned char *)text);

        if (here == 1 && (*text == '"' || *text == '\\'))
            (void)printf("\\%c", *text);
        else if (here == 1 && ((unsigned char)*text < ' ' || *text == 127))
            (void)printf("\\u%04x", (unsigned)*text);
        else if (here <= (size_t)(end - text))
            (void)fwrite(text, 1, here, stdout);
        text += here == 0 ? 1 : here;
    }
    (void)putchar('"');
}

void json_text(const char *key, const char *text)
{
    json_part(key, text, strlen(text));
}

void json_key(const char *key, const uint8_t bytes[VPN_KEY_BYTES])
{
    char text[VPN_KEY_BASE64_CHARS + 1];

    vpn_key_to_base64(text, bytes);
    json_text(key, text);
    vpn_wipe(text, sizeof text);
}

void json_number(const char *key, uint64_t number)
{
    begin(key);
    (void)printf("%" PRIu64, number);
}

void json_signed(const char *key, int64_t number)
{
    begin(key);
    (void)printf("%" PRId64, number);
}

void json_flag(const char *key, int flag)
{
    begin(key);
    (void)fputs(flag ? "true" : "false", stdout);
}

void json_null(const char *key)
{
    begin(key);
    (void)fputs("null", stdout);
}

void json_raw(const char *key, const char *text, size_t length)
{
    begin(key);
    (void)fwrite(text, 1, length, stdout);
}

void json_prefix(const char *key, const vpn_prefix *prefix)
{
    char text[VPN_PREFIX_CHARS];

    out_prefix(text, prefix);
    json_text(key, text);
}
