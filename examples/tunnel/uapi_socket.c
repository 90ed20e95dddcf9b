/* SPDX-License-Identifier: ISC */
/*
 * A file that another daemon left behind is told from one that is in use by knocking: only the latter answers. Whoever
 * loses a race for the name notices that the file is no longer its own, and ends. wg(8) knocks as well, and removes what
 * does not answer, so ours gets its name only once it listens.
 */
#include "uapi_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

static int remember_file(uapi_socket *s, const char *path)
{
    struct stat found;

    if (lstat(path, &found) != 0)
        return -1;
    s->device = found.st_dev;
    s->inode = found.st_ino;
    return 0;
}

int uapi_socket_alive(const uapi_socket *s)
{
    struct stat found;

    if (s->address.sun_path[0] == '\0')
        return 1;
    if (lstat(s->address.sun_path, &found) != 0)
        return errno == EACCES;
    return found.st_dev == s->device && found.st_ino == s->inode;
}

static int make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
}

/* 1 when somebody listens at the address; EAGAIN is a listener whose backlog is full. */
static int answers(const struct sockaddr_un *address)
{
    int fd = make_socket();
    int result;

    if (fd < 0)
        return 0;
    result =
        connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN || errno == EINPROGRESS;
    (void)close(fd);
    return result;
}

static int make_directory(void)
{
    if (mkdir(UAPI_DIRECTORY, 0700) == 0 || errno == EEXIST)
        return 0;
    log_error("cannot make the directory %s: %s%s", UAPI_DIRECTORY, strerror(errno),
              errno == EACCES || errno == EPERM ? " (run as root)" : "");
    return -1;
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0177);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
    int error = errno;

    (void)umask(before);
    errno = error;
    return result;
}

static struct sockaddr_un address_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", UAPI_DIRECTORY, name);
    return address;
}

int uapi_socket_in_use(const char *name)
{
    struct sockaddr_un address = address_of(name);

    if (!answers(&address))
        return 0;
    log_error("already running: %s answers", address.sun_path);
    return 1;
}

/* 0 once it listens under its name, which takes the place of what has that name; or -1 and errno, and nothing is left. */
static int listen_as(uapi_socket *s, const char *name)
{
    struct sockaddr_un fresh = {.sun_family = AF_UNIX};
    int error;

    (void)snprintf(fresh.sun_path, sizeof fresh.sun_path, "%s/%s.%ld", UAPI_DIRECTORY, name, (long)getpid());
    (void)unlink(fresh.sun_path);
    if (bind_private(s->fd, &fresh) != 0)
        return -1;
    if (remember_file(s, fresh.sun_path) == 0 && listen(s->fd, 16) == 0 &&
        rename(fresh.sun_path, s->address.sun_path) == 0)
        return 0;
    error = errno;
    (void)unlink(fresh.sun_path);
    errno = error;
    return -1;
}

int uapi_socket_open(uapi_socket *s, const char *name)
{
    *s = (uapi_socket){.fd = -1, .address = address_of(name)};
    if (make_directory() != 0 || uapi_socket_in_use(name))
        return -1;
    s->fd = make_socket();
    if (s->fd < 0 || listen_as(s, name) != 0) {
        log_error("cannot make the socket %s: %s", s->address.sun_path, strerror(errno));
        return -1;
    }
    s->ours = 1;
    return 0;
}

int uapi_socket_take(uapi_socket *s, int fd)
{
    socklen_t length = sizeof s->address;
    int listening = 0;
    socklen_t size = sizeof listening;

    *s = (uapi_socket){.fd = fd};
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening ||
        getsockname(fd, (struct sockaddr *)&s->address, &length) != 0 || s->address.sun_family != AF_UNIX) {
        log_error("WG_UAPI_FD is no listening unix socket");
        return -1;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (remember_file(s, s->address.sun_path) != 0)
        s->address.sun_path[0] = '\0';
    return 0;
}

void uapi_socket_close(uapi_socket *s)
{
    if (s->ours && uapi_socket_alive(s))
        (void)unlink(s->address.sun_path);
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}
