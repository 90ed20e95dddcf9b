/* SPDX-License-Identifier: ISC */
#include "sim/report.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A world makes some ten thousand events a second; one that makes none for so long hangs. */
#define WATCHDOG_SECONDS 120

const char *const fault_names[FAULTS] = {"none",     "twice",     "invented", "changed", "peer",   "source",
                                         "nonce",    "plaintext", "key",      "session", "memory", "leak",
                                         "sessions", "stuck",     "chatter",  "spin",    "crash"};
int trace_on;

static const char *program;
static const struct options *options;
static uint64_t world_seed;
static const uint64_t *world_now, *world_events;
static char command[512];

/* Only what a signal handler may call. */
static void say(const char *text)
{
    size_t n = 0;
    while (text[n] != 0)
        n++;
    ssize_t written = write(STDERR_FILENO, text, n);
    (void)written;
}

static void on_signal(int number)
{
    say(number == SIGALRM ? "sim: FAILED: no event for two minutes: something hangs\n"
                          : "sim: FAILED: the program crashed or aborted\n");
    say(command);
    _exit(1);
}

void report_begin(const char *name, const struct options *asked, uint64_t seed, const uint64_t *now,
                  const uint64_t *events)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};
    program = name;
    options = asked;
    world_seed = seed;
    world_now = now;
    world_events = events;
    snprintf(command, sizeof command, "seed %" PRIu64 " fails; alone: %s --seed %" PRIu64 " --events %" PRIu64 "%s%s\n",
             seed, program, seed, options->events, options->fault != 0 ? " --break " : "",
             options->fault != 0 ? fault_names[options->fault] : "");
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], on_signal);
    report_alive();
}

void report_alive(void)
{
    alarm(WATCHDOG_SECONDS);
}

static void put_time(FILE *out)
{
    fprintf(out, "%" PRIu64 ".%06" PRIu64 " s", *world_now / 1000000000, *world_now / 1000 % 1000000);
}

_Noreturn void report_fail(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "sim: FAILED at ");
    put_time(stderr);
    fprintf(stderr, ", event %" PRIu64 ": ", *world_events);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n%s", command);
    fflush(stderr);
    _exit(1);
}

void trace(const char *format, ...)
{
    va_list arguments;
    printf("%8" PRIu64 "  ", *world_events);
    put_time(stdout);
    printf("  ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}
