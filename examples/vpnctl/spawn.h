/* SPDX-License-Identifier: ISC */
#ifndef VPNCTL_SPAWN_H
#define VPNCTL_SPAWN_H

#include <stddef.h>

/*
 * Runs a program and waits for it. `argv` ends with NULL; the program is searched in PATH. `input` (`length` bytes, or
 * NULL) is its standard input, which is /dev/null otherwise; standard output goes to standard error. Returns its exit
 * status, 128 + signal, or -1 when it could not be started (127 when the program is missing).
 */
int spawn(const char *const *argv, const char *input, size_t length);

/* The same with a descriptor as standard input, which stays open here. */
int spawn_from(const char *const *argv, int input);

#endif
