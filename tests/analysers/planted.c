/* SPDX-License-Identifier: ISC */
/* Not part of any program: every analyser must find the defect here before its silence on the rest counts. */
#include <stdlib.h>

int planted(int wanted);

int planted(int wanted)
{
    int *memory = malloc(sizeof *memory);

    if (memory == NULL)
        return 0;
    free(memory);
    *memory += wanted;
    return *memory;
}
