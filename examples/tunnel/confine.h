/* SPDX-License-Identifier: ISC */
/* What the kernel refuses a process that capabilities alone would let through. Both only ever take away. */
#ifndef TUNNEL_CONFINE_H
#define TUNNEL_CONFINE_H

/*
 * No file can be opened, made, changed or removed any more, but for removing those in the directory (may be NULL); no TCP, no
 * signals to others, no abstract sockets of others, as far as this kernel's Landlock goes. What is open stays so. 0, or an
 * errno; ENOSYS or EOPNOTSUPP without Landlock.
 */
int confine_files(const char *directory);
/* Only the system calls that the program needs once it runs, in all of its threads. 0, or an errno; ENOSYS in a build without the filter. */
int confine_calls(void);

#endif
