/* SPDX-License-Identifier: ISC */
/* The command line and the environment. */
#ifndef TUNNEL_OPTIONS_H
#define TUNNEL_OPTIONS_H

#include "platform.h"

enum { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

typedef struct options {
    const char *name; /* of the interface */
    int foreground;
    int level; /* LOG_LEVEL_* */
    int tun_fd;
    const char *cipher; /* name of a provider; NULL: the fastest */
    const char *keylog; /* file, or NULL */
    const char *user;   /* as it was named, or NULL; read into `privileges` */
    unsigned threads;   /* that encrypt beside the one that does the rest, 0 .. CREW_MOST */
    uint8_t path_mtu;   /* PATH_* */
    int clamp_mss;      /* in any mode */
    int uapi_fd;        /* inherited descriptors, or -1 */
    privileges privileges;
} options;

/* OPTIONS_RUN; OPTIONS_DONE after --help or --version; OPTIONS_WRONG, and then standard error says why. */
int options_read(options *out, int argc, char **argv);

#endif
