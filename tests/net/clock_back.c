/* SPDX-License-Identifier: ISC */
/* Loaded before the C library: the wall clock is CLOCK_BACK seconds slow. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const char *back = getenv("CLOCK_BACK");
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && clock == CLOCK_REALTIME && back != NULL)
        now->tv_sec -= strtol(back, NULL, 10);
    return result;
}
