/* SPDX-License-Identifier: ISC */
/* The socket where wg(8) configures the device. */
#ifndef TUNNEL_UAPI_SERVER_H
#define TUNNEL_UAPI_SERVER_H

#include "platform.h"

typedef struct uapi_server uapi_server;

#define UAPI_CLIENTS 32

typedef struct uapi_setup {
    vpn_wg *wg;
    const vpn_uapi_host *host;
    waiter *waiter;
    uint64_t listen_tag; /* the caller watches uapi_fd under it */
    uint64_t client_tag; /* client i is watched under client_tag + i */
    /* Called after each request, with the device possibly changed. */
    void (*served)(void *user);
    void *user;
} uapi_setup;

/* Opens the socket of interface `name`, or takes over `fd` unless that is -1. NULL, with the reason in the log. */
uapi_server *uapi_open(const char *name, int fd, const uapi_setup *setup);
/* Removes the socket's file if it is still ours. */
void uapi_close(uapi_server *s);

/* The listening descriptor, and its directory for watch_directory (NULL when the socket has no file). */
int uapi_fd(const uapi_server *s);
const char *uapi_directory(const uapi_server *s);
/* 1 while the socket's file is there and ours, or there never was one. */
int uapi_alive(const uapi_server *s);
/* What the file is called in that directory. */
const char *uapi_entry(const uapi_server *s);

void uapi_accept(uapi_server *s, vpn_time now);
/* One request of a client, at most. */
void uapi_client_ready(uapi_server *s, unsigned client, vpn_time now);
/* When a client has been still for too long in the middle of something, or can be let in again. */
vpn_time uapi_deadline(const uapi_server *s);
void uapi_expire(uapi_server *s, vpn_time now);

#endif
