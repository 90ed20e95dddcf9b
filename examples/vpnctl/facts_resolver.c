/* SPDX-License-Identifier: ISC */
/*
 * Who looks after name servers, and which ones are in use. /etc/resolv.conf tells: it is a link into the directory of
 * systemd-resolved, or names its stub, or else belongs to resolvconf(8) where that is installed. Behind the stub stand the
 * servers that systemd-resolved lists in a file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "file.h"
#include "out.h"

#define RESOLV_CONF     "/etc/resolv.conf"
#define RESOLVED_PLACE  "/run/systemd/resolve/"
#define RESOLVED_UPLINK "/run/systemd/resolve/resolv.conf"
#define RESOLV_CONF_MAX 65536u

static int is_stub(const vpn_prefix *server)
{
    return server->family == 4 && server->addr[0] == 127 && server->addr[1] == 0 && server->addr[2] == 0 &&
           (server->addr[3] == 53 || server->addr[3] == 54);
}

/* 1 when a line is "nameserver ADDRESS". A scope behind "%" is of no matter here. */
static int server_of_line(vpn_prefix *out, const char *line, size_t length)
{
    static const char word[] = "nameserver";
    size_t at = sizeof word - 1;
    size_t end;

    if (length <= at || strncmp(line, word, at) != 0 || (line[at] != ' ' && line[at] != '\t'))
        return 0;
    while (at < length && (line[at] == ' ' || line[at] == '\t'))
        at++;
    for (end = at; end < length && strchr(" \t\r%#;", line[end]) == NULL;)
        end++;
    return vpn_prefix_parse(out, line + at, end - at) == 0;
}

/* Appends the servers of a file. 1 when the stub of systemd-resolved is among them, which is left out; -1: no memory. */
static int read_servers(facts *f, const file *from)
{
    int stub = 0;

    for (size_t at = 0, length; at < from->length; at += length + 1) {
        vpn_host_resolver *fresh;
        vpn_prefix server;

        length = strcspn(from->text + at, "\n");
        if (!server_of_line(&server, from->text + at, length))
            continue;
        if (is_stub(&server)) {
            stub = 1;
            continue;
        }
        fresh = facts_resolver(f);
        if (fresh == NULL)
            return out_error("out of memory");
        fresh->server = server;
    }
    return stub;
}

/* As read_servers; a file that is not there has no servers. */
static int read_path(facts *f, const char *path)
{
    file text;
    int result;

    if (access(path, F_OK) != 0)
        return 0;
    if (file_read(&text, path, RESOLV_CONF_MAX) != 0)
        return -1;
    result = read_servers(f, &text);
    file_free(&text);
    return result;
}

/* resolvectl calls itself resolvconf where systemd-resolved is. */
static int has_resolvconf(void)
{
    static const char *const places[] = {"/usr/sbin/resolvconf", "/sbin/resolvconf", "/usr/bin/resolvconf",
                                         "/usr/local/sbin/resolvconf"};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *real = access(places[i], X_OK) == 0 ? realpath(places[i], NULL) : NULL;
        int found = real != NULL && strstr(real, "resolvectl") == NULL;

        free(real);
        if (found)
            return 1;
    }
    return 0;
}

static int in_resolved_place(void)
{
    char *real = realpath(RESOLV_CONF, NULL);
    int result = real != NULL && strncmp(real, RESOLVED_PLACE, sizeof RESOLVED_PLACE - 1) == 0;

    free(real);
    return result;
}

int facts_gather_resolvers(facts *f)
{
    int stub = read_path(f, RESOLV_CONF);

    if (stub < 0)
        return -1;
    if (stub == 1 || in_resolved_place())
        f->host.resolver_system = VPN_RESOLVER_RESOLVED;
    else if (has_resolvconf())
        f->host.resolver_system = VPN_RESOLVER_RESOLVCONF;
    else
        f->host.resolver_system = VPN_RESOLVER_FILE;
    return stub == 1 && read_path(f, RESOLVED_UPLINK) < 0 ? -1 : 0;
}
