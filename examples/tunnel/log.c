/* SPDX-License-Identifier: ISC */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

static struct {
    int level;
    int syslog;
    char name[32];
} state = {.level = LOG_LEVEL_ERROR};

int log_level_named(const char *name)
{
    static const char *const names[] = {"silent", "error", "verbose", "debug"};

    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

void log_setup(int level, const char *name)
{
    state.level = level;
    (void)snprintf(state.name, sizeof state.name, "%s%s", name == NULL ? "" : name, name == NULL ? "" : ": ");
}

/* The time zone is a file as well. */
void log_open_syslog(void)
{
    tzset();
    openlog("vpn-tunnel", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_to_syslog(void)
{
    state.syslog = 1;
}

int log_enabled(int level)
{
    return state.level >= level;
}

static void put(int level, int priority, const char *format, va_list arguments)
{
    char line[512];

    if (!log_enabled(level))
        return;
    (void)vsnprintf(line, sizeof line, format, arguments);
    if (state.syslog)
        syslog(priority, "%s%s", state.name, line);
    else
        (void)fprintf(stderr, "vpn-tunnel: %s%s\n", state.name, line);
}

void log_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put(LOG_LEVEL_ERROR, LOG_ERR, format, arguments);
    va_end(arguments);
}

void log_verbose(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put(LOG_LEVEL_VERBOSE, LOG_INFO, format, arguments);
    va_end(arguments);
}

void log_debug(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put(LOG_LEVEL_DEBUG, LOG_DEBUG, format, arguments);
    va_end(arguments);
}
