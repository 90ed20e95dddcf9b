/* SPDX-License-Identifier: ISC */
/*
 * The journal of a tunnel: what to take back. Plain text, one line for each thing that happened, only appended to:
 *
 *     vpnctl 1 BOOT-ID      the first line
 *     undo ...              the inverse of an operation that is about to be done
 *     gone N                the Nth of them (0 is the first) has been taken back, or was not done after all
 *     up                    all were done
 *     down                  taking back begins
 *
 * A line is written with one call and is on disk before the caller goes on; one that lacks its line feed never counted.
 * There are no keys in it, but commands of hooks, so only root may read it.
 */
#ifndef VPNCTL_STATE_H
#define VPNCTL_STATE_H

#include <stddef.h>

#include <vpn/policy.h>

enum { STATE_PATH_BYTES = 512 };

typedef struct state_entry {
    vpn_op undo; /* its strings belong to the journal */
    int gone;
} state_entry;

typedef struct state {
    int fd;
    int lock;
    int exists;    /* there is a journal */
    int same_boot; /* the journal is of this boot */
    int up;        /* its last word is "up", and it is of this boot */
    char path[STATE_PATH_BYTES];
    char why[STATE_PATH_BYTES + 128]; /* after an error */
    state_entry *entries;
    size_t count;
    size_t capacity;
} state;

/* Locks the name and reads its journal, if there is one. 0, or -1 and `why` tells. state_close is called in both cases.
 * */
int state_open(state *s, const char *directory, const char *name);
void state_close(state *s);

/* Begins a journal. 0 or -1. */
int state_begin(state *s);
/* Remembers what will take an operation back. 0 or -1. */
int state_record(state *s, const vpn_op *undo);
int state_gone(state *s, size_t index);
int state_word(state *s, const char *word);
/* Deletes the journal. 0 or -1. */
int state_end(state *s);

#endif
