/* SPDX-License-Identifier: ISC */
/* A file that lets Wireshark decrypt what this tunnel carries. */
#ifndef TUNNEL_KEYLOG_H
#define TUNNEL_KEYLOG_H

#include <vpn/keylog.h>

typedef struct keylog {
    int fd;
} keylog;

/* Appends to `path`, which is made readable for its owner alone; NULL: nothing. 0 or -1, with the reason in the log. */
int keylog_open(keylog *k, vpn_wg *wg, const char *path);
void keylog_close(keylog *k);

#endif
