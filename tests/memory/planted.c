/* SPDX-License-Identifier: ISC */
/* What valgrind.sh must catch before it is believed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Volatile, so that the compiler does not see the defects itself. */
static unsigned char *volatile block;

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    block = malloc(10);
    if (block == NULL)
        return 2;
    if (strcmp(what, "leak") == 0) {
        block = NULL;
        return 0;
    }
    if (strcmp(what, "overrun") == 0)
        printf("%d\n", block[10]);
    else if (strcmp(what, "undefined") == 0 && block[3] > 7)
        puts("more");
    free(block);
    return 0;
}
