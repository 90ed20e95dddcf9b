/* SPDX-License-Identifier: ISC */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vpn/vpn.h>

#include "out.h"

#define FIRST_ROOM 8192u

void file_free(file *f)
{
    vpn_wipe(f->text, f->room);
    free(f->text);
    *f = (file){.text = NULL};
}

/* By hand: realloc would leave a copy behind. */
static int grow(file *f)
{
    size_t room = f->room == 0 ? FIRST_ROOM : f->room * 2;
    char *text = malloc(room);

    if (text == NULL)
        return -1;
    if (f->length > 0)
        memcpy(text, f->text, f->length);
    vpn_wipe(f->text, f->room);
    free(f->text);
    f->text = text;
    f->room = room;
    return 0;
}

static int read_all(file *f, int fd, const char *name, size_t most)
{
    for (;;) {
        ssize_t got;

        if (f->room < f->length + 2 && grow(f) != 0)
            return out_error("%s: out of memory", name);
        got = read(fd, f->text + f->length, f->room - f->length - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return out_error("%s: %s", name, strerror(errno));
        if (got == 0)
            break;
        f->length += (size_t)got;
        if (f->length > most)
            return out_error("%s: longer than %zu bytes", name, most);
    }
    f->text[f->length] = '\0';
    return 0;
}

int file_read_fd(file *out, int fd, const char *name, size_t most)
{
    struct stat found;

    *out = (file){.text = NULL};
    if (fstat(fd, &found) == 0)
        out->world_readable = S_ISREG(found.st_mode) && (found.st_mode & S_IROTH) != 0;
    if (read_all(out, fd, name, most) == 0)
        return 0;
    file_free(out);
    return -1;
}

int file_read(file *out, const char *path, size_t most)
{
    int result;
    int fd;

    *out = (file){.text = NULL};
    if (strcmp(path, "-") == 0)
        return file_read_fd(out, STDIN_FILENO, "standard input", most);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return out_error("%s: %s", path, strerror(errno));
    result = file_read_fd(out, fd, path, most);
    (void)close(fd);
    return result;
}

/* What wg-quick takes for the name of an interface. */
static int is_name(const char *word)
{
    size_t length = strlen(word);
    size_t good = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-");

    return length > 0 && length < VPN_IFNAME_CHARS && good == length && strcmp(word, "-") != 0 &&
           (length <= 5 || strcmp(word + length - 5, ".conf") != 0);
}

int file_of_name(char path[FILE_PATH_MAX], const char *word)
{
    int name = is_name(word);

    if (strlen(word) >= FILE_PATH_MAX)
        return out_error("the name of the file is too long");
    (void)snprintf(path, FILE_PATH_MAX, "%s%s%s", name ? "/etc/wireguard/" : "", word, name ? ".conf" : "");
    return 0;
}
