/* SPDX-License-Identifier: ISC */
/* An operation as a line of a journal: what is needed to do it, not all of it. */
#ifndef VPNCTL_STATE_LINE_H
#define VPNCTL_STATE_LINE_H

#include <vpn/policy.h>

/* The line, with a NUL in the place of the line feed, for free(); NULL when there is no memory. */
char *state_line_write(const vpn_op *op);
/* 0, or -1 when the line says no operation. The strings are given back with state_line_free. */
int state_line_read(vpn_op *op, const char *line);
void state_line_free(vpn_op *op);

#endif
