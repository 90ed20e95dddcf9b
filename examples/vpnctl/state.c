/* SPDX-License-Identifier: ISC */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "state_line.h"

enum { BOOT_BYTES = 64, LOCK_ROUNDS = 40, LOCK_MS = 25 };

static int complain(state *s, const char *what)
{
    (void)snprintf(s->why, sizeof s->why, "%s: %s: %s", s->path, what, strerror(errno));
    return -1;
}

/* Changes with each start of the kernel. */
static void boot_id(char out[BOOT_BYTES])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (file == NULL || fscanf(file, "%63[0-9a-f-]", out) != 1)
        (void)snprintf(out, BOOT_BYTES, "unknown");
    if (file != NULL)
        (void)fclose(file);
}

/* The name becomes a part of paths. */
static int is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < VPN_IFNAME_CHARS && name[0] != '.' && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-") == length;
}

/* Nobody else may put a journal there, since it says what root will do. */
static int make_directory(state *s, const char *directory)
{
    struct stat found;

    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return complain(s, "cannot make its directory");
    if (lstat(directory, &found) != 0)
        return complain(s, "its directory");
    if (S_ISDIR(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 022) == 0)
        return 0;
    (void)snprintf(s->why, sizeof s->why, "%s must be a directory that only its user can write to", directory);
    return -1;
}

/* A short while: a daemon that starts for somebody who was killed holds the lock until it is there. */
static int take_lock(state *s, const char *directory, const char *name)
{
    struct timespec nap = {.tv_nsec = LOCK_MS * 1000000L};
    char path[STATE_PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/%s.lock", directory, name);
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0)
        return complain(s, "cannot open its lock");
    for (int i = 0; i < LOCK_ROUNDS; i++) {
        if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK)
            return complain(s, "cannot lock it");
        (void)nanosleep(&nap, NULL);
    }
    (void)snprintf(s->why, sizeof s->why, "another vpnctl is at work on %s", name);
    return -1;
}

static state_entry *add_entry(state *s)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity == 0 ? 32 : 2 * s->capacity;
        state_entry *bigger = realloc(s->entries, capacity * sizeof *bigger);

        if (bigger == NULL)
            return NULL;
        s->entries = bigger;
        s->capacity = capacity;
    }
    s->entries[s->count] = (state_entry){.gone = 0};
    return &s->entries[s->count++];
}

/* A line without its line feed. 0, or -1 when it is none of ours. */
static int read_line(state *s, const char *line)
{
    state_entry *entry;
    char boot[BOOT_BYTES];
    char *end;

    s->up = strcmp(line, "up") == 0;
    if (s->up || strcmp(line, "down") == 0)
        return 0;
    if (strncmp(line, "gone ", 5) == 0) {
        unsigned long index = strtoul(line + 5, &end, 10);

        if (*end != '\0' || index >= s->count)
            return -1;
        s->entries[index].gone = 1;
        return 0;
    }
    if (sscanf(line, "vpnctl 1 %63s", boot) == 1)
        return 0;
    entry = add_entry(s);
    if (entry == NULL)
        return -1;
    if (state_line_read(&entry->undo, line) == 0)
        return 0;
    s->count--;
    return -1;
}

/* What the first line says must be what this boot would write. */
static int same_boot(const char *text)
{
    char expected[BOOT_BYTES + 16];
    char boot[BOOT_BYTES];

    boot_id(boot);
    (void)snprintf(expected, sizeof expected, "vpnctl 1 %s\n", boot);
    return strncmp(text, expected, strlen(expected)) == 0;
}

/* Goes through whole lines; what is behind the last one is cut off, so that the next line begins well. */
static int read_lines(state *s, char *text)
{
    char *line = text;

    s->same_boot = same_boot(text);
    for (char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
        *end = '\0';
        if (read_line(s, line) != 0) {
            (void)snprintf(s->why, sizeof s->why, "%s: byte %zu: this is no line of a journal", s->path,
                           (size_t)(line - text));
            return -1;
        }
        line = end + 1;
    }
    s->up = s->up && s->same_boot;
    return ftruncate(s->fd, line - text) == 0 && lseek(s->fd, 0, SEEK_END) >= 0 ? 0 : complain(s, "cannot cut it");
}

static int read_journal(state *s)
{
    struct stat found;
    char *text;
    ssize_t got;
    int failed;

    if (fstat(s->fd, &found) != 0)
        return complain(s, "cannot read it");
    if (!S_ISREG(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 022) != 0) {
        (void)snprintf(s->why, sizeof s->why, "%s: others could have written it", s->path);
        return -1;
    }
    text = malloc((size_t)found.st_size + 1);
    if (text == NULL)
        return complain(s, "cannot read it");
    got = read(s->fd, text, (size_t)found.st_size);
    if (got != found.st_size) {
        free(text);
        return complain(s, "cannot read it");
    }
    text[got] = '\0';
    failed = read_lines(s, text);
    free(text);
    return failed;
}

/* Where a journal is made before it has its name. */
static void draft_path(const state *s, char out[STATE_PATH_BYTES + 8])
{
    (void)snprintf(out, STATE_PATH_BYTES + 8, "%s.new", s->path);
}

int state_open(state *s, const char *directory, const char *name)
{
    char draft[STATE_PATH_BYTES + 8];

    *s = (state){.fd = -1, .lock = -1};
    if (!is_name(name)) {
        (void)snprintf(s->why, sizeof s->why, "that is no name of an interface");
        return -1;
    }
    if (strlen(directory) + VPN_IFNAME_CHARS + sizeof "/.journal" > sizeof s->path) {
        (void)snprintf(s->why, sizeof s->why, "the path of the journals is too long");
        return -1;
    }
    (void)snprintf(s->path, sizeof s->path, "%s/%s.journal", directory, name);
    if (make_directory(s, directory) != 0 || take_lock(s, directory, name) != 0)
        return -1;
    draft_path(s, draft);
    (void)unlink(draft);
    s->fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (s->fd < 0)
        return errno == ENOENT ? 0 : complain(s, "cannot open it");
    s->exists = 1;
    return read_journal(s);
}

void state_close(state *s)
{
    for (size_t i = 0; i < s->count; i++)
        state_line_free(&s->entries[i].undo);
    free(s->entries);
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->lock >= 0)
        (void)close(s->lock);
    s->entries = NULL;
    s->count = 0;
}

/* A name in a directory is on disk when the directory is. */
static void sync_directory(const state *s)
{
    char path[STATE_PATH_BYTES];
    char *slash;
    int fd;

    memcpy(path, s->path, sizeof path);
    slash = strrchr(path, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* Half a line is taken out again, since others may follow. */
static int append(state *s, const char *line, size_t length)
{
    off_t before = lseek(s->fd, 0, SEEK_CUR);
    int result;

    if (write(s->fd, line, length) == (ssize_t)length && fsync(s->fd) == 0)
        return 0;
    result = complain(s, "cannot write to it");
    if (before >= 0 && ftruncate(s->fd, before) == 0)
        (void)lseek(s->fd, before, SEEK_SET);
    return result;
}

int state_word(state *s, const char *word)
{
    char line[32];
    int length = snprintf(line, sizeof line, "%s\n", word);

    return append(s, line, (size_t)length);
}

int state_begin(state *s)
{
    char draft[STATE_PATH_BYTES + 8];
    char line[BOOT_BYTES + 16];
    char boot[BOOT_BYTES];
    int length;

    boot_id(boot);
    length = snprintf(line, sizeof line, "vpnctl 1 %s\n", boot);
    draft_path(s, draft);
    s->fd = open(draft, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0)
        return complain(s, "cannot make it");
    if (append(s, line, (size_t)length) != 0)
        return -1;
    if (rename(draft, s->path) != 0)
        return complain(s, "cannot name it");
    sync_directory(s);
    s->exists = 1;
    return 0;
}

int state_record(state *s, const vpn_op *undo)
{
    char *line = state_line_write(undo);
    state_entry *entry = line == NULL ? NULL : add_entry(s);
    int failed = -1;

    if (entry == NULL || state_line_read(&entry->undo, line) != 0)
        (void)complain(s, "cannot write to it");
    else {
        size_t length = strlen(line);

        line[length] = '\n';
        failed = append(s, line, length + 1);
        line[length] = '\0';
    }
    free(line);
    if (failed && entry != NULL) {
        state_line_free(&entry->undo);
        s->count--;
    }
    return failed;
}

int state_gone(state *s, size_t index)
{
    char line[32];

    s->entries[index].gone = 1;
    (void)snprintf(line, sizeof line, "gone %zu", index);
    return state_word(s, line);
}

int state_end(state *s)
{
    if (unlink(s->path) != 0 && errno != ENOENT)
        return complain(s, "cannot delete it");
    sync_directory(s);
    s->exists = 0;
    return 0;
}
