/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "config/text.h"
#include "config/uapi_line.h"
#include "config/uapi_more.h"

/* "errno=-2147483648" and two line feeds: room for it is asked for before a set changes anything */
#define ANSWER_CHARS 19

static const char get_request[] = "get=1\n\n";
static const char more_request[] = "get=libvpn\n\n";
static const char get_line[] = "get=1\n";
static const char more_line[] = "get=libvpn\n";
static const char set_line[] = "set=1\n";

size_t vpn_uapi_complete(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        if (!end)
            return 0;
        size_t start = at;
        at = (size_t)(end - text) + 1;
        if (at == start + 1)
            return at;
    }
    return 0;
}

static int starts(const char *text, size_t length, const char *with)
{
    return length >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static int is(const char *text, size_t length, const char *what)
{
    return length == strlen(what) && memcmp(text, what, length) == 0;
}

static int refuse(vpn_uapi_error *error, const struct vpn__uapi_line *line, const char *why)
{
    return vpn__uapi_blame(error, line, VPN_EFORMAT, vpn__uapi_errno(VPN_EFORMAT), why);
}

/* Everything but a get that is well formed. The fault, if any, is in `error`. */
static void perform(vpn_wg *wg, const char *text, size_t length, const vpn_uapi_host *host, vpn_time now,
                    vpn_uapi_error *error)
{
    struct vpn__uapi_line line = {.number = 1};
    if (vpn_uapi_complete(text, length) != length || length == 0)
        (void)refuse(error, NULL, "not one request with an empty line at its end");
    else if (starts(text, length, set_line))
        (void)vpn_uapi_set(wg, text, length, host, now, error);
    else if (starts(text, length, get_line) || starts(text, length, more_line)) {
        line.number = 2;
        (void)refuse(error, &line, "a get has no further lines");
    } else {
        (void)refuse(error, &line, "neither get=1, get=libvpn nor set=1");
    }
}

int vpn_uapi_serve(vpn_wg *wg, const char *text, size_t text_length, const vpn_uapi_host *host, char *out,
                   size_t capacity, size_t *length, vpn_time now, vpn_uapi_error *error)
{
    struct vpn__text answer = {.out = out, .capacity = capacity};
    struct vpn_uapi_lines lines = {.now = now, .more = is(text, text_length, more_request)};
    vpn_uapi_error fault = {.line = 0};
    if (error)
        *error = fault;
    if (lines.more || is(text, text_length, get_request)) {
        int code = vpn__uapi_answer(wg, host, &lines, out, capacity, length);
        if (code != VPN_EINVAL)
            return code;
        (void)vpn__uapi_blame(&fault, NULL, code, vpn__uapi_errno(code), "a host structure of the wrong size");
    } else if (capacity >= ANSWER_CHARS) {
        perform(wg, text, text_length, host, now, &fault);
    }
    *length = ANSWER_CHARS;
    if (capacity < ANSWER_CHARS)
        return VPN_ESPACE;
    vpn__text_string(&answer, fault.number < 0 ? "errno=-" : "errno=");
    vpn__text_decimal(&answer, (uint64_t) - (int64_t)fault.number);
    vpn__text_string(&answer, "\n\n");
    *length = answer.length;
    if (error)
        *error = fault;
    return 0;
}
