/* SPDX-License-Identifier: ISC */
/*
 * The child keeps standard error until it is ready, so its messages reach whoever started the command; then it writes one
 * byte to the pipe. A pipe that closes without that byte means that the child has ended.
 */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

static int ready_pipe = -1;
static int signal_pipe = -1;
static int null = -1;

static void wait_for_child(int fd, pid_t child)
{
    char byte;
    ssize_t got;
    int status = 0;

    do
        got = read(fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        log_error("was killed by signal %d before it was ready", WTERMSIG(status));
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

int daemon_start(void)
{
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0) {
        log_error("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    child = fork();
    if (child < 0) {
        log_error("cannot start a process: %s", strerror(errno));
        return -1;
    }
    (void)close(ends[child == 0 ? 0 : 1]);
    if (child != 0)
        wait_for_child(ends[0], child);
    ready_pipe = ends[1];
    (void)fcntl(ready_pipe, F_SETFD, FD_CLOEXEC);
    (void)setsid();
    return 0;
}

void daemon_prepare(void)
{
    if (ready_pipe < 0)
        return;
    if (chdir("/") != 0)
        log_error("cannot leave the working directory: %s", strerror(errno));
    log_open_syslog();
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
}

void daemon_ready(void)
{
    ssize_t put;

    if (ready_pipe < 0)
        return;
    log_to_syslog();
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        (void)close(null);
    do
        put = write(ready_pipe, "", 1);
    while (put < 0 && errno == EINTR);
    (void)close(ready_pipe);
    ready_pipe = -1;
}

void daemon_close_inherited(int keep, int keep_too)
{
    DIR *directory = opendir("/dev/fd");
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);

        if (fd > 2 && fd != keep && fd != keep_too && fd != dirfd(directory))
            (void)close(fd);
    }
    (void)closedir(directory);
}

static void on_signal(int number)
{
    int saved = errno;

    (void)number;
    (void)!write(signal_pipe, "", 1);
    errno = saved;
}

int daemon_signals(int foreground)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int ends[2];

    if (pipe(ends) != 0) {
        log_error("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    signal_pipe = ends[1];
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGHUP, foreground ? &action : &ignore, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return ends[0];
}
