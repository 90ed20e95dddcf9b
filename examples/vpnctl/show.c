/* SPDX-License-Identifier: ISC */
/* vpnctl show: any userspace WireGuard, through its socket. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vpn/vpn.h>

#include "command.h"
#include "device_ask.h"
#include "out.h"
#include "show.h"
#include "uapi_client.h"

enum { NAMES_MAX = 4096 };

typedef struct names {
    char (*of)[VPN_IFNAME_CHARS];
    size_t count;
} names;

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* "NAME.sock", with a name that fits an interface. */
static int is_socket(const char *file)
{
    size_t length = strlen(file);

    return length > 5 && length - 5 < VPN_IFNAME_CHARS && strcmp(file + length - 5, ".sock") == 0;
}

static int add(names *n, const char *file)
{
    if (n->of == NULL)
        n->of = calloc(NAMES_MAX, sizeof n->of[0]);
    if (n->of == NULL || n->count == NAMES_MAX)
        return -1;
    memcpy(n->of[n->count], file, strlen(file) - 5);
    n->count += uapi_answers(n->of[n->count]) != 0;
    return 0;
}

/* Those that answer, in order. The caller frees the list. */
static int find_names(names *n)
{
    DIR *directory = opendir(UAPI_CLIENT_DIRECTORY);
    struct dirent *entry;
    int result = 0;

    *n = (names){.of = NULL};
    if (directory == NULL)
        return errno == ENOENT ? 0 : out_error("%s: %s", UAPI_CLIENT_DIRECTORY, strerror(errno));
    while (result == 0 && (entry = readdir(directory)) != NULL) {
        if (is_socket(entry->d_name))
            result = add(n, entry->d_name);
        if (n->of != NULL && n->count < NAMES_MAX)
            memset(n->of[n->count], 0, sizeof n->of[0]);
    }
    (void)closedir(directory);
    if (result != 0)
        return out_error("too many interfaces");
    if (n->count > 0)
        qsort(n->of, n->count, sizeof n->of[0], by_name);
    return 0;
}

/* Asks a daemon, for `more` than wg(8) would. 0, or -1 after a message; either way device_free. */
static int ask(const char *name, int more, device *d)
{
    const char *why = NULL;
    size_t line = 0;
    int error = device_ask(d, name, more, &line, &why);

    if (error == 0)
        return 0;
    return line == 0 ? out_error("cannot ask %s: %s", name, strerror(-error))
                     : out_error("%s answers something strange, line %zu: %s", name, line, why);
}

static void put(const char *name, const device *d, const options *o, int named)
{
    int keys = o->value[OPTION_KEYS] != NULL;

    if (o->value[OPTION_JSON] != NULL)
        show_json(name, d);
    else if (o->word_count > 1)
        show_field(name, d, o->words[1], named, keys);
    else
        show_text(name, d, (uint64_t)time(NULL), keys);
}

static int show_one(const char *name, const options *o, int named)
{
    device d;
    int result;

    if (name[0] == '\0' || strlen(name) >= VPN_IFNAME_CHARS || strchr(name, '/') != NULL)
        return out_error("'%s' cannot be an interface", name);
    result = ask(name, o->word_count < 2 || show_more_is_field(o->words[1]), &d);
    if (result == 0)
        put(name, &d, o, named);
    device_free(&d);
    return result;
}

static int show_all(const options *o)
{
    names n;
    int result = find_names(&n);

    for (size_t i = 0; i < n.count; i++) {
        if (i > 0 && o->word_count < 2 && o->value[OPTION_JSON] == NULL)
            (void)putchar('\n');
        if (show_one(n.of[i], o, 1) != 0)
            result = -1;
    }
    free(n.of);
    return result;
}

static int show_names(int json)
{
    names n;
    int result = find_names(&n);

    for (size_t i = 0; i < n.count; i++) {
        if (json)
            json_text(NULL, n.of[i]);
        else
            (void)printf("%s%s", i == 0 ? "" : " ", n.of[i]);
    }
    if (!json && n.count > 0)
        (void)putchar('\n');
    free(n.of);
    return result;
}

static int show(const options *o)
{
    const char *name = o->word_count == 0 ? "all" : o->words[0];

    if (strcmp(name, "interfaces") == 0)
        return o->word_count > 1 ? out_error("'interfaces' stands alone") : show_names(o->value[OPTION_JSON] != NULL);
    return strcmp(name, "all") == 0 ? show_all(o) : show_one(name, o, 0);
}

int command_show(const options *o)
{
    int json = o->value[OPTION_JSON] != NULL;
    int result;

    if (o->word_count > 1 && !show_is_field(o->words[1]))
        return out_error("there is no field '%s'", o->words[1]), STATUS_FAILED;
    if (json && (o->word_count > 1 || o->value[OPTION_KEYS] != NULL))
        return out_error("--json shows all fields but the secrets"), STATUS_FAILED;
    if (json)
        json_open(NULL, '[');
    result = show(o);
    if (json)
        json_close(']');
    return result == 0 ? STATUS_FINE : STATUS_FAILED;
}
