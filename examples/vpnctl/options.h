/* SPDX-License-Identifier: ISC */
/* The command line behind the name of the command. */
#ifndef VPNCTL_OPTIONS_H
#define VPNCTL_OPTIONS_H

#include "command.h"

enum { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* OPTIONS_RUN; OPTIONS_DONE after --help; OPTIONS_WRONG, and then standard error says why. `argv` begins with the name of the
 * command; the operands are gathered in it. */
int options_read(options *out, const command *c, int argc, char **argv);

/* A number of the command line that is at most `max`. 0, or -1 and standard error says what is wrong. */
int options_number(const char *what, const char *text, uint32_t max, uint32_t *out);

#endif
