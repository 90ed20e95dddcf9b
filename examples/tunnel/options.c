/* SPDX-License-Identifier: ISC */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/vpn.h>

#include "log.h"
#include "platform.h"

static const char help[] =
    "usage: vpn-tunnel [-f] IFACE\n"
    "\n"
    "Makes the interface IFACE and carries its packets over WireGuard. Goes to the background once the\n"
    "interface is there and wg(8) can configure it; bring it up with ip(8), or use wg-quick(8).\n"
    "\n"
    "  -f, --foreground  stay in the foreground and log to standard error\n"
    "      --keylog FILE append the secrets of handshakes, to decrypt captures; only in builds for that\n"
    "      --help        print this text\n"
    "      --version     print the version\n"
    "\n"
    "environment:\n"
    "  LOG_LEVEL                silent, error (default), verbose or debug\n"
    "  WG_PROCESS_FOREGROUND=1  as --foreground\n"
    "  WG_TUN_FD, WG_UAPI_FD    descriptors of a TUN device and of a listening socket to use\n";

static int wrong(const char *what, const char *detail)
{
    (void)fprintf(stderr, "vpn-tunnel: %s%s%s\nTry 'vpn-tunnel --help'.\n", what, detail == NULL ? "" : " ",
                  detail == NULL ? "" : detail);
    return OPTIONS_WRONG;
}

static int arguments_read(options *out, int argc, char **argv)
{
    int only_names = 0;

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (only_names || word[0] != '-') {
            if (out->name != NULL)
                return wrong("one interface only, not also", word);
            out->name = word;
        } else if (strcmp(word, "--") == 0) {
            only_names = 1;
        } else if (strcmp(word, "-f") == 0 || strcmp(word, "--foreground") == 0) {
            out->foreground = 1;
        } else if (strcmp(word, "--keylog") == 0) {
            if (++i == argc)
                return wrong("--keylog needs a file", NULL);
            out->keylog = argv[i];
        } else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
            (void)fputs(help, stdout);
            return OPTIONS_DONE;
        } else if (strcmp(word, "--version") == 0) {
            (void)printf("vpn-tunnel %s\n", vpn_version());
            return OPTIONS_DONE;
        } else {
            return wrong("unknown option", word);
        }
    }
    return out->name == NULL ? wrong("which interface?", NULL) : OPTIONS_RUN;
}

/* -1 when the variable is not set, -2 when it names no open descriptor. */
static int inherited(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    long value;

    if (text == NULL || text[0] == '\0')
        return -1;
    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < 0 || value > 1 << 20 || fcntl((int)value, F_GETFD) < 0)
        return -2;
    return (int)value;
}

static int environment_read(options *out)
{
    const char *level = getenv("LOG_LEVEL");
    const char *foreground = getenv("WG_PROCESS_FOREGROUND");

    if (foreground != NULL && strcmp(foreground, "1") == 0)
        out->foreground = 1;
    if (level != NULL && level[0] != '\0') {
        out->level = log_level_named(level);
        if (out->level < 0)
            return wrong("LOG_LEVEL is silent, error, verbose or debug, not", level);
    }
    out->tun_fd = inherited("WG_TUN_FD");
    if (out->tun_fd == -2)
        return wrong("WG_TUN_FD is no open descriptor:", getenv("WG_TUN_FD"));
    out->uapi_fd = inherited("WG_UAPI_FD");
    if (out->uapi_fd == -2)
        return wrong("WG_UAPI_FD is no open descriptor:", getenv("WG_UAPI_FD"));
    return OPTIONS_RUN;
}

int options_read(options *out, int argc, char **argv)
{
    const char *fault;
    int what;

    *out = (options){.level = LOG_LEVEL_ERROR, .tun_fd = -1, .uapi_fd = -1};
    what = arguments_read(out, argc, argv);
    if (what == OPTIONS_RUN)
        what = environment_read(out);
    if (what != OPTIONS_RUN)
        return what;
    fault = tun_name_fault(out->name);
    if (fault != NULL) {
        (void)fprintf(stderr, "vpn-tunnel: '%s' cannot be an interface: %s\n", out->name, fault);
        return OPTIONS_WRONG;
    }
    return OPTIONS_RUN;
}
