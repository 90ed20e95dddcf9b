/* SPDX-License-Identifier: ISC */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child, which hears all signals again. execvp only reads the words, though its type lacks the const. */
static void become(const char *const *argv, int input)
{
    char *const *words;
    sigset_t none;

    memcpy(&words, &argv, sizeof words);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        (void)execvp(argv[0], words);
    _exit(127);
}

/* A pipe with all of the input in it; it must fit, so that nobody waits for anybody. */
static int input_of(const char *text, size_t length)
{
    int ends[2];
    ssize_t put;

    if (text == NULL)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    put = write(ends[1], text, length);
    (void)close(ends[1]);
    if (put == (ssize_t)length && fcntl(ends[0], F_SETFL, 0) == 0)
        return ends[0];
    (void)close(ends[0]);
    return -1;
}

int spawn_from(const char *const *argv, int input)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        become(argv, input);
    if (child < 0)
        return -1;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int spawn(const char *const *argv, const char *input, size_t length)
{
    int from = input_of(input, length);
    int status;

    if (from < 0)
        return -1;
    status = spawn_from(argv, from);
    (void)close(from);
    return status;
}
