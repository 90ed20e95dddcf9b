/* SPDX-License-Identifier: ISC */
/*
 * systemd-resolved and resolvconf are told by their own programs and keep what they are told under the link's name.
 *
 * Where nobody looks after /etc/resolv.conf, it is written in place, since it may be a mount or a link to elsewhere,
 * and what was in it lies beside the path as resolv.conf.vpnctl-NAME until the tunnel is down. That file is written
 * whole before the first byte of the other changes, and survives a reboot. Our first line tells our own file from one
 * that somebody has written since: that one stays.
 */
#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vpn/uapi.h>

#include "rtnl.h"
#include "spawn.h"
#include "uapi_client.h"

enum { PATH_BYTES = 512, COPY_MAX = 1 << 20 };

static const char ours[] = "# By vpnctl, for ";

/* The address of a server without its length. */
static void server(char out[VPN_PREFIX_CHARS], const vpn_prefix *prefix)
{
    vpn_prefix_format(out, prefix);
    out[strcspn(out, "/")] = '\0';
}

static int no_memory(char *why, size_t capacity)
{
    (void)snprintf(why, capacity, "out of memory");
    return -1;
}

static int run(const char *const *argv, const uapi_text *input, char *why, size_t capacity)
{
    int status = spawn(argv, input == NULL ? NULL : input->text, input == NULL ? 0 : input->length);

    if (status == 0)
        return 0;
    (void)snprintf(why, capacity, "'%s %s' ended with %d%s", argv[0], argv[1], status,
                   status == 127 ? ": is it installed?" : "");
    return -1;
}

/* The words of a command line, each with a NUL behind it. */
typedef struct command {
    uapi_text words;
    size_t count;
} command;

static void word(command *c, const char *prefix, const char *string)
{
    uapi_text_put(&c->words, "%s%s%c", prefix, string, '\0');
    c->count++;
}

static command resolvectl(const char *verb, const char *name)
{
    command c = {.count = 0};

    word(&c, "", "resolvectl");
    word(&c, "", verb);
    word(&c, "", name);
    return c;
}

/* Runs and frees it. */
static int run_command(command *c, char *why, size_t capacity)
{
    const char **argv = c->words.failed ? NULL : malloc((c->count + 1) * sizeof *argv);
    const char *at = c->words.text;
    int failed = -1;

    if (argv == NULL)
        (void)no_memory(why, capacity);
    else {
        for (size_t i = 0; i < c->count; i++) {
            argv[i] = at;
            at += strlen(at) + 1;
        }
        argv[c->count] = NULL;
        failed = run(argv, NULL, why, capacity);
    }
    free(argv);
    uapi_text_free(&c->words);
    return failed;
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
    command servers = resolvectl("dns", op->name);
    command domains = resolvectl("domain", op->name);
    command general = resolvectl("default-route", op->name);
    char address[VPN_PREFIX_CHARS];
    int failed;

    for (size_t i = 0; i < op->prefix_count; i++) {
        server(address, &op->prefixes[i]);
        word(&servers, "", address);
    }
    if (all || op->match_count + op->search_count == 0)
        word(&domains, "", all ? "~." : "");
    for (size_t i = 0; i < op->match_count; i++)
        word(&domains, "~", op->match[i]);
    for (size_t i = 0; i < op->search_count; i++)
        word(&domains, "", op->search[i]);
    word(&general, "", all ? "yes" : "no");
    failed = run_command(&servers, why, capacity);
    if (failed == 0)
        failed = run_command(&domains, why, capacity);
    if (failed == 0)
        failed = run_command(&general, why, capacity);
    uapi_text_free(&domains.words);
    uapi_text_free(&general.words);
    return failed;
}

static void put_names(uapi_text *t, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        uapi_text_put(t, " %s", names[i]);
}

static void put_lines(uapi_text *t, const vpn_op *op)
{
    char address[VPN_PREFIX_CHARS];

    for (size_t i = 0; i < op->prefix_count; i++) {
        server(address, &op->prefixes[i]);
        uapi_text_put(t, "nameserver %s\n", address);
    }
    if (op->match_count + op->search_count == 0)
        return;
    uapi_text_put(t, "search");
    put_names(t, op->match, op->match_count);
    put_names(t, op->search, op->search_count);
    uapi_text_put(t, "\n");
}

/* Private servers are asked for the domains that are listed with them, exclusive ones for all (openresolv's resolvconf(8)). */
static int resolvconf_add(const vpn_op *op, char *why, size_t capacity)
{
    const char *const all[] = {"resolvconf", "-a", op->name, "-m", "0", "-x", NULL};
    const char *const some[] = {"resolvconf", "-a", op->name, "-p", NULL};
    uapi_text t = {.text = NULL};
    int failed;

    put_lines(&t, op);
    failed = t.failed ? no_memory(why, capacity) : run(op->dns_mode == VPN_DNS_SPLIT ? some : all, &t, why, capacity);
    uapi_text_free(&t);
    return failed;
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

enum { DRAFT_BYTES = PATH_BYTES + sizeof ".new" };

static void draft_path(char out[DRAFT_BYTES], const char *path)
{
    (void)snprintf(out, DRAFT_BYTES, "%s.new", path);
}

/* A new file that is there whole or not at all. */
static int write_new(const char *path, const char *bytes, size_t length)
{
    char draft[DRAFT_BYTES];
    int fd;
    int failed;

    draft_path(draft, path);
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

/* Never empty in between, and never both: the old bytes are cut to the new length, then the new ones go over them at
 * once. */
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
    char draft[DRAFT_BYTES];
    char kept[PATH_BYTES];
    size_t length = 0;
    char *bytes;
    int failed;

    if (kept_path(kept, file, name, why, capacity) != 0)
        return -1;
    draft_path(draft, kept);
    (void)unlink(draft);
    bytes = read_file(kept, &length);
    if (bytes == NULL)
        return errno == ENOENT ? 0 : complain(kept, why, capacity);
    failed = is_ours(file, name) && write_over(file, bytes, length) != 0;
    free(bytes);
    if (failed)
        return complain(file, why, capacity);
    return unlink(kept) == 0 || errno == ENOENT ? 0 : complain(kept, why, capacity);
}

/* Keeps the bytes of the file beside it. */
static int keep(const char *file, const char *kept, char *why, size_t capacity)
{
    size_t length = 0;
    char *bytes = read_file(file, &length);
    int failed;

    if (bytes == NULL)
        return complain(file, why, capacity);
    failed = write_new(kept, bytes, length) != 0;
    free(bytes);
    return failed ? complain(kept, why, capacity) : 0;
}

static int file_add(const vpn_op *op, const char *file, char *why, size_t capacity)
{
    uapi_text t = {.text = NULL};
    char kept[PATH_BYTES];
    int failed;

    /* The first is for one that is left from before a reboot. */
    if (kept_path(kept, file, op->name, why, capacity) != 0 || file_delete(op->name, file, why, capacity) != 0 ||
        keep(file, kept, why, capacity) != 0)
        return -1;
    uapi_text_put(&t, "%s%s\n# What was here before is in %s.\n", ours, op->name, kept);
    put_lines(&t, op);
    if (t.failed)
        failed = no_memory(why, capacity);
    else
        failed = write_over(file, t.text, t.length) == 0 ? 0 : complain(file, why, capacity);
    uapi_text_free(&t);
    return failed;
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
