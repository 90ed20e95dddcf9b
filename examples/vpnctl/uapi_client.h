/* SPDX-License-Identifier: ISC */
/* The client's side of the UAPI: the socket of a daemon, by the name of its interface. */
#ifndef VPNCTL_UAPI_CLIENT_H
#define VPNCTL_UAPI_CLIENT_H

#include <stddef.h>

#include <vpn/policy.h>

#define UAPI_CLIENT_DIRECTORY "/var/run/wireguard"

/* Text with keys in it: wiped wherever it is left. */
typedef struct uapi_text {
    char *text;
    size_t length;
    size_t capacity;
    int failed; /* out of memory: what was put is incomplete */
} uapi_text;

void uapi_text_put(uapi_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void uapi_text_free(uapi_text *t);

/*
 * Sends a request, which ends with an empty line, and reads the answer up to its own; the caller frees it. Gives up
 * after some seconds. 0, or a negative errno: -ENOENT and -ECONNREFUSED when no daemon is there, else what the daemon
 * answered.
 */
int uapi_request(const char *name, const uapi_text *request, uapi_text *answer);

/* Gives a daemon all that a file says about the device, and the mark; `endpoints` as in vpn_policy. 0 or a negative
 * errno: -EPROTONOSUPPORT when the file has keys that this daemon does not know, and then nothing has changed. */
int uapi_configure(const char *name, const vpn_conf *conf, const vpn_endpoint *endpoints, uint32_t mark);
/* Takes keys, peers and mark away. 0 or a negative errno. */
int uapi_clear(const char *name);

/* 1 when a daemon answers. */
int uapi_answers(const char *name);
/* Deletes the socket of a daemon that was killed; one that answers stays. */
void uapi_sweep(const char *name);

#endif
