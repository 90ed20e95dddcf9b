/* SPDX-License-Identifier: ISC */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/vpn.h>

#include "cipher.h"
#include "crew.h"
#include "log.h"
#include "path.h"
#include "platform.h"

static const char help[] =
    "usage: vpn-tunnel [OPTIONS] IFACE\n"
    "\n"
    "Makes the interface IFACE and carries its packets over WireGuard. Goes to the background once the\n"
    "interface is there and wg(8) can configure it; bring it up with ip(8), or use wg-quick(8).\n"
    "\n"
    "  -f, --foreground  stay in the foreground and log to standard error\n"
    "      --cipher NAME the library that encrypts: sodium, ipsec-mb, libcrypto, or the fastest of them (default)\n"
    "      --ciphers     print which of them there are\n"
    "      --threads N   encrypt on N more threads, 0 (default) to 64\n"
    "      --path-mtu MODE\n"
    "                    find out how large packets may be on the way to each peer: off (default), errors (by\n"
    "                    what routers say), or probe (also by probes inside the tunnel)\n"
    "      --clamp-mss   make TCP send segments that fit; errors and probe do so by themselves\n"
    "      --keylog FILE append the secrets of handshakes, to decrypt captures; only in builds for that\n"
    "      --user NAME   run as this user, without any capability: then the firewall mark cannot be\n"
    "                    changed, ports below 1024 cannot be chosen, the MTU is not followed into\n"
    "                    other namespaces, and the socket stays behind\n"
    "      --keep-privileges\n"
    "                    give up nothing once ready, for debuggers\n"
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

/* A number that fits, or -1. */
static int64_t number(const char *text)
{
    char *end;
    unsigned long long value;

    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    value = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' || value >= UINT32_MAX ? -1 : (int64_t)value;
}

/* A number need not be in the list of users; its group is then the same number. */
static int user_read(privileges *out, const char *name)
{
    const struct passwd *entry = getpwnam(name);
    int64_t uid = number(name);

    if (entry == NULL && uid >= 0)
        entry = getpwuid((uid_t)uid);
    if (entry == NULL && uid < 0)
        return wrong("--user: there is no user", name);
    out->uid = entry == NULL ? (uint32_t)uid : (uint32_t)entry->pw_uid;
    out->gid = entry == NULL ? (uint32_t)uid : (uint32_t)entry->pw_gid;
    if (out->uid == 0)
        return wrong("--user: that is root; without the option, root gives up its privileges too", NULL);
    out->other_user = 1;
    return OPTIONS_RUN;
}

/* -- options with a value ------------------------------------------------------------------------------------------ */

static int user_take(options *out, const char *text)
{
    out->user = text;
    return OPTIONS_RUN;
}

static int keylog_take(options *out, const char *text)
{
    out->keylog = text;
    return OPTIONS_RUN;
}

static int cipher_take(options *out, const char *text)
{
    out->cipher = strcmp(text, "fastest") == 0 ? NULL : text;
    return OPTIONS_RUN;
}

static int threads_take(options *out, const char *text)
{
    int64_t threads = number(text);

    if (threads < 0 || threads > CREW_MOST)
        return wrong("--threads is 0 to 64, as there are never more than 64 parts of batches to work on; not", text);
    out->threads = (unsigned)threads;
    return OPTIONS_RUN;
}

static int path_mtu_take(options *out, const char *text)
{
    int mode = path_mode_named(text);

    if (mode < 0)
        return wrong("--path-mtu is off, errors or probe; not", text);
    out->path_mtu = (uint8_t)mode;
    return OPTIONS_RUN;
}

static const struct valued {
    const char *name;
    const char *missing;
    int (*take)(options *out, const char *text);
} valued[] = {
    {"--cipher", "--cipher needs a name", cipher_take},
    {"--keylog", "--keylog needs a file", keylog_take},
    {"--path-mtu", "--path-mtu needs a word", path_mtu_take},
    {"--threads", "--threads needs a number", threads_take},
    {"--user", "--user needs a name", user_take},
};

/* NULL: it is none of them. */
static const struct valued *valued_named(const char *word)
{
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++) {
        if (strcmp(word, valued[i].name) == 0)
            return &valued[i];
    }
    return NULL;
}

/* -- and without --------------------------------------------------------------------------------------------------- */

static int flag_take(options *out, const char *word)
{
    if (strcmp(word, "-f") == 0 || strcmp(word, "--foreground") == 0) {
        out->foreground = 1;
    } else if (strcmp(word, "--keep-privileges") == 0) {
        out->privileges.keep = 1;
    } else if (strcmp(word, "--clamp-mss") == 0) {
        out->clamp_mss = 1;
    } else if (strcmp(word, "--ciphers") == 0) {
        (void)puts(cipher_names());
        return OPTIONS_DONE;
    } else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        (void)fputs(help, stdout);
        return OPTIONS_DONE;
    } else if (strcmp(word, "--version") == 0) {
        (void)printf("vpn-tunnel %s\n", vpn_version());
        return OPTIONS_DONE;
    } else {
        return wrong("unknown option", word);
    }
    return OPTIONS_RUN;
}

static int name_take(options *out, const char *word)
{
    if (out->name != NULL)
        return wrong("one interface only, not also", word);
    out->name = word;
    return OPTIONS_RUN;
}

static int arguments_read(options *out, int argc, char **argv)
{
    int only_names = 0;
    int what = OPTIONS_RUN;

    for (int i = 1; i < argc && what == OPTIONS_RUN; i++) {
        const struct valued *option = only_names ? NULL : valued_named(argv[i]);

        if (option != NULL)
            what = ++i == argc ? wrong(option->missing, NULL) : option->take(out, argv[i]);
        else if (only_names || argv[i][0] != '-')
            what = name_take(out, argv[i]);
        else if (strcmp(argv[i], "--") == 0)
            only_names = 1;
        else
            what = flag_take(out, argv[i]);
    }
    if (what != OPTIONS_RUN)
        return what;
    if (out->name == NULL)
        return wrong("which interface?", NULL);
    if (out->user != NULL && out->privileges.keep)
        return wrong("--user and --keep-privileges contradict each other", NULL);
    return out->user == NULL ? OPTIONS_RUN : user_read(&out->privileges, out->user);
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
