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

    if (k->fd >= 0 && length > 0 && write(k->fd, text, (size_t)length) != length) {
        log_error("the key log ends here: %s", errno != 0 ? strerror(errno) : "the file is full");
        keylog_close(k);
    }
    vpn_wipe(text, sizeof text);
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
    k->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (k->fd < 0 || fchmod(k->fd, 0600) != 0) {
        log_error("--keylog: cannot write %s: %s", path, strerror(errno));
        keylog_close(k);
        return -1;
    }
    log_error("warning: the keys of all handshakes go to %s; whoever reads it reads the tunnel", path);
    return 0;
}

void keylog_close(keylog *k)
{
    if (k->fd >= 0)
        (void)close(k->fd);
    k->fd = -1;
}
