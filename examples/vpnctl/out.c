/* SPDX-License-Identifier: ISC */
#include "out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_line(const char *before, const char *format, va_list arguments)
{
    char line[1024];

    (void)vsnprintf(line, sizeof line, format, arguments);
    (void)fprintf(stderr, "vpnctl: %s%s\n", before, line);
}

int out_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put_line("", format, arguments);
    va_end(arguments);
    return -1;
}

void out_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put_line("warning: ", format, arguments);
    va_end(arguments);
}

/* https://no-color.org: any value but the empty one. */
static int coloured(void)
{
    const char *no = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return (no == NULL || no[0] == '\0') && (terminal == NULL || strcmp(terminal, "dumb") != 0) &&
           isatty(STDOUT_FILENO);
}

const char *out_colour(int colour)
{
    static const char *const codes[] = {"", "\033[1m", "\033[1;31m", "\033[1;32m", "\033[1;33m", "\033[1;36m"};

    return coloured() ? codes[colour] : "";
}

const char *out_plain(void)
{
    return coloured() ? "\033[0m" : "";
}

/* With a buffer that is given to it, stdio keeps no other copy of what passes through. */
static char buffer[1 << 16];

void out_begin(void)
{
    (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

int out_end(void)
{
    int failed = ferror(stdout);

    failed |= fflush(stdout);
    vpn_wipe(buffer, sizeof buffer);
    return failed == 0 ? 0 : out_error("cannot write to standard output");
}

void out_ip(char text[VPN_PREFIX_CHARS], const vpn_prefix *prefix)
{
    vpn_prefix whole = *prefix;

    whole.bits = prefix->family == 4 ? 32 : 128;
    vpn_prefix_format(text, &whole);
    text[strcspn(text, "/")] = '\0';
}

void out_prefix(char text[VPN_PREFIX_CHARS], const vpn_prefix *prefix)
{
    size_t length;

    out_ip(text, prefix);
    length = strlen(text);
    (void)snprintf(text + length, VPN_PREFIX_CHARS - length, "/%u", prefix->bits);
}
