/* SPDX-License-Identifier: ISC */
/*
 * Carries out what lib/policy plans: all of it or nothing.
 *
 * Before an operation is begun its inverse is in a journal on disk, so whatever stops the process, even a kill -9 or a
 * reboot, apply_down knows what to take back. Taking back something that is gone already is no error; so it can be
 * asked for again and again.
 */
#ifndef VPNCTL_APPLY_H
#define VPNCTL_APPLY_H

#include <stddef.h>
#include <stdint.h>

#include <vpn/policy.h>

#define APPLY_STATE_DIRECTORY "/run/vpnctl"

/* Where an operation is, when apply_options.step is called. */
enum {
    APPLY_BEGIN, /* its inverse is in the journal; nothing else has happened */
    APPLY_DONE   /* it is done */
};

/* What the journal says about a tunnel. */
enum {
    APPLY_IS_DOWN, /* there is none */
    APPLY_IS_UP,   /* all operations were done */
    APPLY_IS_HELD, /* only the packet filter is left, since a down kept it: apply_up goes on behind it */
    APPLY_IS_CUT   /* an up or a down was cut short, or the host was started anew since: only apply_down helps */
};

/* A pointer that is not needed may be NULL. */
typedef struct apply_options {
    const vpn_conf *conf;          /* up: the keys, port and peers of the device */
    const vpn_endpoint *endpoints; /* up: as in vpn_policy */
    const char *tunnel_program;    /* up: path of vpn-tunnel, or its name for PATH; NULL: "vpn-tunnel" */
    const char *state_directory;   /* NULL: APPLY_STATE_DIRECTORY */
    const char *resolv_conf;       /* NULL: "/etc/resolv.conf" */
    int allow_hooks;               /* 0: a plan with hooks is refused, and those in a journal are passed over */
    int keep_filter;               /* down: all but the packet filter is taken back, so that an up can follow unseen */
    void *user;                    /* for the two functions */
    /* A line for a person, without its end; never a secret. */
    void (*say)(void *user, const char *line);
    /* Called around each operation, also of the way down. Not 0 with APPLY_BEGIN: the operation is taken as failed. */
    int (*step)(void *user, int stage, const vpn_op *op);
} apply_options;

/* 0, or -1 after a message: then all that was done has been taken back, unless a message says what could not be. */
int apply_up(const vpn_plan *plan, const char *name, const apply_options *how);

/* 0, also when there is nothing to take back; -1 after a message: then the rest was taken back, and the journal is
 * kept. */
int apply_down(const char *name, const apply_options *how);

/* An APPLY_IS_*, or -1 after a message. To be asked before facts are gathered for a plan. */
int apply_state(const char *name, const apply_options *how);

#endif
