/* SPDX-License-Identifier: ISC */
#include "keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* One write for each line, so that a reader never sees half of one; a file that takes no more ends the log, not the tunnel. */
static void put(void *user, const char *line)
{
    keylog *k = user;
    char text[128];
    int length = snprintf(text, sizeof text, "%s\n", line);
    struct stat found;
    ssize_t written;

    if (k->fd >= 0 && length > 0) {
        written = write(k->fd, text, (size_t)length);
        if (written != length) {
            log_error("the key log ends here: %s", strerror(written < 0 ? errno : ENOSPC));
            if (written > 0 && fstat(k->fd, &found) == 0)
                (void)!ftruncate(k->fd, found.st_size - written);
            keylog_close(k);
        }
    }
    vpn_wipe(text, sizeof text);
}

/* Opening a pipe would wait for its reader, and the mode of a device is not ours to change. */
static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat found = {.st_mode = 0};

    if (fd >= 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && fchmod(fd, 0600) == 0)
        return fd;
    if (fd < 0 ? errno == ENXIO : !S_ISREG(found.st_mode))
        log_error("--keylog: %s is no regular file", path);
    else
        log_error("--keylog: cannot write %s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

int keylog_open(keylog *k, vpn_wg *wg, const char *path)
{
    k->fd = -1;
    if (path == NULL)
        return 0;
    if (vpn_wg_set_keylog(wg, put, k) != VPN_OK) {
        log_error("--keylog: this build of libvpn reveals no keys; build it with -DVPN_KEYLOG=ON");
        return -1;
    }
    k->fd = open_file(path);
    if (k->fd < 0)
        return -1;
    log_error("warning: the keys of all handshakes go to %s; whoever reads it reads the tunnel", path);
    return 0;
}

void keylog_close(keylog *k)
{
    if (k->fd >= 0)
        (void)close(k->fd);
    k->fd = -1;
}
