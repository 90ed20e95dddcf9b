/* SPDX-License-Identifier: ISC */
/* What a program with keys does before anything else. */
#ifndef EXAMPLES_PROCESS_H
#define EXAMPLES_PROCESS_H

/* A descriptor of 0, 1 or 2 must never become a socket, the interface or a file with keys. What is written to such a one fails. */
void process_fill_descriptors(void);

/* A core file would hold keys. */
void process_no_core(void);

#endif
