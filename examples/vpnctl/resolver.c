/* SPDX-License-Identifier: ISC */
/*
 * systemd-resolved and resolvconf are told by their own programs and keep what they are told under the link's name.
 *
 * Where nobody looks after /etc/resolv.conf, it is written in place, since it may be a mount or a link to elsewhere, and what
 * was in it lies beside the path as resolv.conf.vpnctl-NAME until the tunnel is down. That file is written whole before the first byte of
 * the other changes, and survives a reboot. Our first line tells our own file from one that somebody has written since: that
 * one stays.
 */
#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vpn/uapi.h>

#include "rtnl.h"
#include "spawn.h"

enum { TEXT_BYTES = 4096, WORDS_MAX = 128, PATH_BYTES = 512, COPY_MAX = 1 << 20 };

static const char ours[] = "# By vpnctl, for ";

/* Text that must fit. */
typedef struct text {
    char bytes[TEXT_BYTES];
    size_t length;
    int full;
} text;

static void put(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(text *t, const char *format, ...)
{
    va_list arguments;
    int need;

    va_start(arguments, format);
    need = vsnprintf(t->bytes + t->length, sizeof t->bytes - t->length, format, arguments);
    va_end(arguments);
    if (need < 0 || (size_t)need >= sizeof t->bytes - t->length)
        t->full = 1;
    else
        t->length += (size_t)need;
}

/* The address of a server without its length. */
static void server(char out[VPN_PREFIX_CHARS], const vpn_prefix *prefix)
{
    vpn_prefix_format(out, prefix);
    out[strcspn(out, "/")] = '\0';
}

static int run(const char *const *argv, const text *input, char *why, size_t capacity)
{
    int status = spawn(argv, input == NULL ? NULL : input->bytes, input == NULL ? 0 : input->length);

    if (status == 0)
        return 0;
    (void)snprintf(why, capacity, "'%s %s' ended with %d%s", argv[0], argv[1], status,
                   status == 127 ? ": is it installed?" : "");
    return -1;
}

/* The words of a command line; each is copied into one text, and they stand there one behind the other. */
typedef struct command {
    const char *words[WORDS_MAX];
    size_t count;
    text room;
} command;

static void word(command *c, const char *prefix, const char *string)
{
    size_t at = c->room.length;

    if (c->count + 1 >= WORDS_MAX)
        c->room.full = 1;
    if (c->room.full)
        return;
    put(&c->room, "%s%s", prefix, string);
    c->words[c->count++] = c->room.bytes + at;
    c->words[c->count] = NULL;
    if (c->room.length + 1 < sizeof c->room.bytes)
        c->room.length++;
    else
        c->room.full = 1;
}

static void resolvectl(command *c, const char *verb, const char *name)
{
    c->count = 0;
    c->room.length = 0;
    c->room.full = 0;
    word(c, "", "resolvectl");
    word(c, "", verb);
    word(c, "", name);
}

static int run_command(const command *c, char *why, size_t capacity)
{
    if (!c->room.full)
        return run(c->words, NULL, why, capacity);
    (void)snprintf(why, capacity, "too many servers or domains");
    return -1;
}

static int resolved_delete(const char *name, char *why, size_t capacity)
{
    const char *const argv[] = {"resolvectl", "revert", name, NULL};

    /* systemd-resolved forgets a link that is gone by itself. */
    return rtnl_index(name) == 0 ? 0 : run(argv, NULL, why, capacity);
}

/* A link with "~." is asked for every name, one without only for those below its own domains (systemd-resolved(8)). */
static int resolved_add(const vpn_op *op, char *why, size_t capacity)
{
    int all = op->dns_mode == VPN_DNS_TUNNEL;
    char address[VPN_PREFIX_CHARS];
    command c;
    int failed;

    resolvectl(&c, "dns", op->name);
    for (size_t i = 0; i < op->prefix_count; i++) {
        server(address, &op->prefixes[i]);
        word(&c, "", address);
    }
    failed = run_command(&c, why, capacity);
    resolvectl(&c, "domain", op->name);
    if (all || op->match_count + op->search_count == 0)
        word(&c, "", all ? "~." : "");
    for (size_t i = 0; i < op->match_count; i++)
        word(&c, "~", op->match[i]);
    for (size_t i = 0; i < op->search_count; i++)
        word(&c, "", op->search[i]);
    if (failed == 0)
        failed = run_command(&c, why, capacity);
    resolvectl(&c, "default-route", op->name);
    word(&c, "", all ? "yes" : "no");
    return failed != 0 ? failed : run_command(&c, why, capacity);
}

static int lines(text *t, const vpn_op *op, char *why, size_t capacity)
{
    char address[VPN_PREFIX_CHARS];

    for (size_t i = 0; i < op->prefix_count; i++) {
        server(address, &op->prefixes[i]);
        put(t, "nameserver %s\n", address);
    }
    for (size_t i = 0; i < op->search_count; i++)
        put(t, "%s%s", i == 0 ? "search " : " ", op->search[i]);
    if (op->search_count > 0)
        put(t, "\n");
    if (!t->full)
        return 0;
    (void)snprintf(why, capacity, "too many servers or domains");
    return -1;
}

static int resolvconf_add(const vpn_op *op, char *why, size_t capacity)
{
    const char *const argv[] = {"resolvconf", "-a", op->name, "-m", "0", "-x", NULL};
    text t = {.length = 0};

    return lines(&t, op, why, capacity) != 0 ? -1 : run(argv, &t, why, capacity);
}

static int resolvconf_delete(const char *name, char *why, size_t capacity)
{
    const char *const argv[] = {"resolvconf", "-d", name, "-f", NULL};

    return run(argv, NULL, why, capacity);
}

static int complain(const char *path, char *why, size_t capacity)
{
    (void)snprintf(why, capacity, "%s: %s", path, strerror(errno));
    return -1;
}

/* Where the file's old bytes lie; `out` has PATH_BYTES. */
static int kept_path(char *out, const char *file, const char *name, char *why, size_t capacity)
{
    int length = snprintf(out, PATH_BYTES, "%s.vpnctl-%s", file, name);

    if (length > 0 && length < PATH_BYTES)
        return 0;
    errno = ENAMETOOLONG;
    return complain(file, why, capacity);
}

/* All of a small file; the caller frees it. */
static char *read_file(const char *path, size_t *length)
{
    struct stat found;
    char *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &found) == 0 && found.st_size >= 0 && found.st_size <= COPY_MAX)
        bytes = malloc((size_t)found.st_size + 1);
    if (bytes != NULL) {
        ssize_t got = read(fd, bytes, (size_t)found.st_size);

        *length = got < 0 ? 0 : (size_t)got;
        if (got != found.st_size) {
            free(bytes);
            bytes = NULL;
            errno = EIO;
        }
    }
    (void)close(fd);
    return bytes;
}

/* A new file that is there whole or not at all. */
static int write_new(const char *path, const char *bytes, size_t length)
{
    char draft[PATH_BYTES + sizeof ".new"];
    int fd;
    int failed;

    (void)snprintf(draft, sizeof draft, "%s.new", path);
    fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -1;
    failed = write(fd, bytes, length) != (ssize_t)length || fsync(fd) != 0;
    (void)close(fd);
    if (failed || rename(draft, path) != 0) {
        (void)unlink(draft);
        return -1;
    }
    return 0;
}

/* Never empty in between, and never both: the old bytes are cut to the new length, then the new ones go over them at once. */
static int write_over(const char *path, const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    struct stat found;
    int failed;

    if (fd < 0)
        return -1;
    failed = fstat(fd, &found) != 0 || (found.st_size > (off_t)length && ftruncate(fd, (off_t)length) != 0) ||
             write(fd, bytes, length) != (ssize_t)length || fsync(fd) != 0;
    (void)close(fd);
    return failed ? -1 : 0;
}

/* A file that was cut within our first line was on its way back when something stopped us. */
static int is_ours(const char *file, const char *name)
{
    char expected[sizeof ours + VPN_IFNAME_CHARS];
    size_t length = 0;
    char *bytes = read_file(file, &length);
    int same;

    (void)snprintf(expected, sizeof expected, "%s%s\n", ours, name);
    if (length > strlen(expected))
        length = strlen(expected);
    same = bytes != NULL && memcmp(bytes, expected, length) == 0;
    free(bytes);
    return same;
}

static int file_delete(const char *name, const char *file, char *why, size_t capacity)
{
    char kept[PATH_BYTES];
    size_t length = 0;
    char *bytes;
    int failed;

    if (kept_path(kept, file, name, why, capacity) != 0)
        return -1;
    bytes = read_file(kept, &length);
    if (bytes == NULL)
        return errno == ENOENT ? 0 : complain(kept, why, capacity);
    failed = is_ours(file, name) && write_over(file, bytes, length) != 0;
    free(bytes);
    if (failed)
        return complain(file, why, capacity);
    return unlink(kept) == 0 || errno == ENOENT ? 0 : complain(kept, why, capacity);
}

static int file_add(const vpn_op *op, const char *file, char *why, size_t capacity)
{
    char kept[PATH_BYTES];
    text t = {.length = 0};
    size_t length = 0;
    char *bytes;
    int failed;

    if (kept_path(kept, file, op->name, why, capacity) != 0)
        return -1;
    put(&t, "%s%s\n# What was here before is in %s.\n", ours, op->name, kept);
    if (lines(&t, op, why, capacity) != 0)
        return -1;
    /* One that is left from before a reboot. */
    if (file_delete(op->name, file, why, capacity) != 0)
        return -1;
    bytes = read_file(file, &length);
    if (bytes == NULL)
        return complain(file, why, capacity);
    failed = write_new(kept, bytes, length) != 0;
    free(bytes);
    if (failed)
        return complain(kept, why, capacity);
    return write_over(file, t.bytes, t.length) == 0 ? 0 : complain(file, why, capacity);
}

int resolver_delete(uint32_t system, const char *name, const char *file, char *why, size_t capacity)
{
    switch (system) {
    case VPN_RESOLVER_RESOLVED:
        return resolved_delete(name, why, capacity);
    case VPN_RESOLVER_RESOLVCONF:
        return resolvconf_delete(name, why, capacity);
    default:
        return file_delete(name, file, why, capacity);
    }
}

int resolver_add(const vpn_op *op, const char *file, char *why, size_t capacity)
{
    char ignored[128];
    int failed;

    switch (op->resolver_system) {
    case VPN_RESOLVER_RESOLVED:
        failed = resolved_add(op, why, capacity);
        break;
    case VPN_RESOLVER_RESOLVCONF:
        failed = resolvconf_add(op, why, capacity);
        break;
    default:
        failed = file_add(op, file, why, capacity);
        break;
    }
    if (failed != 0)
        (void)resolver_delete(op->resolver_system, op->name, file, ignored, sizeof ignored);
    return failed;
}
