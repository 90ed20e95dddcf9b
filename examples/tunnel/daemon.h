/* SPDX-License-Identifier: ISC */
/* Going to the background in such a way that the command returns 0 only when everything is ready. */
#ifndef TUNNEL_DAEMON_H
#define TUNNEL_DAEMON_H

/*
 * Leaves the caller behind: the rest of the program runs in a child, and the parent waits inside for daemon_ready, or for
 * the child's end, and ends with the child's status. Returns 0 in the child, -1 when there is none.
 */
int daemon_start(void);
/* Opens what daemon_ready needs, while that is still allowed. Nothing without daemon_start. */
void daemon_prepare(void);
/* Lets the parent go with status 0, and gives up its terminal. Nothing without daemon_start. */
void daemon_ready(void);
/* Closes what was inherited beyond standard error, but for `keep` descriptors (-1 allowed). */
void daemon_close_inherited(int keep, int keep_too);
/* Catches the signals that end the program; returns a descriptor that is readable after one came, or -1. */
int daemon_signals(int foreground);

#endif
