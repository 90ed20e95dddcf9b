/* SPDX-License-Identifier: ISC */
/*
 * The tunnel never waits for its log: a line that cannot be written at once is lost, and counted. syslog(3) waits for a
 * system log that is stuck, so what it would send is sent from here, without waiting.
 */
#include "log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#ifndef _PATH_LOG
#define _PATH_LOG "/dev/log"
#endif

static struct {
    int level;
    int syslog; /* lines go there */
    int fd;     /* to the system log, or -1 */
    unsigned long lost;
    char name[32];
} state = {.level = LOG_LEVEL_ERROR, .fd = -1};

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

static int connect_syslog(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (fd < 0)
        return -1;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* The time zone is a file as well. */
void log_open_syslog(void)
{
    tzset();
    state.fd = connect_syslog();
}

void log_to_syslog(void)
{
    state.syslog = 1;
}

int log_enabled(int level)
{
    return state.level >= level;
}

static int put_stderr(const char *line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    char text[640];
    int length = snprintf(text, sizeof text, "vpn-tunnel: %s%s\n", state.name, line);

    /* A pipe that is writable takes a short line whole. */
    if (poll(&out, 1, 0) >= 0 && (out.revents & POLLOUT) == 0)
        return -1;
    return write(STDERR_FILENO, text, (size_t)length) == length ? 0 : -1;
}

/* Once more after a failure: the system log may have been started anew. */
static int put_syslog(int priority, const char *line)
{
    char text[704];
    char stamp[32] = "";
    time_t seconds = time(NULL);
    struct tm now;
    int length;

    if (localtime_r(&seconds, &now) != NULL)
        (void)strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &now);
    length = snprintf(text, sizeof text, "<%d>%s vpn-tunnel[%ld]: %s%s", LOG_DAEMON | priority, stamp, (long)getpid(),
                      state.name, line);
    for (int i = 0; i < 2; i++) {
        if (state.fd >= 0 && send(state.fd, text, (size_t)length, MSG_NOSIGNAL) == length)
            return 0;
        if (state.fd >= 0)
            (void)close(state.fd);
        state.fd = connect_syslog();
    }
    return -1;
}

static int put_line(int priority, const char *line)
{
    return state.syslog ? put_syslog(priority, line) : put_stderr(line);
}

static void put(int level, int priority, const char *format, va_list arguments)
{
    char line[512];

    if (!log_enabled(level))
        return;
    if (state.lost > 0) {
        (void)snprintf(line, sizeof line, "%lu lines of the log were lost here", state.lost);
        if (put_line(LOG_ERR, line) == 0)
            state.lost = 0;
    }
    (void)vsnprintf(line, sizeof line, format, arguments);
    if (put_line(priority, line) != 0)
        state.lost++;
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
