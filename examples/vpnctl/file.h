/* SPDX-License-Identifier: ISC */
/* Whole files in memory, which are wiped before they are given back. */
#ifndef VPNCTL_FILE_H
#define VPNCTL_FILE_H

#include <stddef.h>

#define FILE_PATH_MAX 1024

typedef struct file {
    char *text; /* with a NUL behind it that `length` does not count */
    size_t length;
    size_t room;
    int world_readable; /* others than owner and group may read it */
} file;

/* Reads a file, or standard input for "-". 0, or -1 after a message. */
int file_read(file *out, const char *path, size_t most);
/* The same from a descriptor, which stays open; `name` is for messages. */
int file_read_fd(file *out, int fd, const char *name, size_t most);
void file_free(file *f);

/* As wg-quick(8): a word that can name an interface is /etc/wireguard/WORD.conf, unless it ends in ".conf" already; any other
 * is a file. 0, or -1 after a message. */
int file_of_name(char path[FILE_PATH_MAX], const char *word);

#endif
