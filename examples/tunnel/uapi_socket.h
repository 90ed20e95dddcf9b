/* SPDX-License-Identifier: ISC */
/* The file of the configuration socket: made, recognised and removed. */
#ifndef TUNNEL_UAPI_SOCKET_H
#define TUNNEL_UAPI_SOCKET_H

#include <sys/stat.h>
#include <sys/un.h>

#define UAPI_DIRECTORY "/var/run/wireguard"

typedef struct uapi_socket {
    int fd;
    int ours; /* we made the file, so we remove it */
    struct sockaddr_un address;
    dev_t device;
    ino_t inode;
} uapi_socket;

/* 1 when a daemon answers at the socket of an interface, which the log then says; else 0. */
int uapi_socket_in_use(const char *name);
/* 0, or -1 with the reason in the log. */
int uapi_socket_open(uapi_socket *s, const char *name);
int uapi_socket_take(uapi_socket *s, int fd);
/* Whether the file is still ours; 1 also when this user may not look. */
int uapi_socket_alive(const uapi_socket *s);
void uapi_socket_close(uapi_socket *s);

#endif
