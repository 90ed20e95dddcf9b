/* SPDX-License-Identifier: ISC */
/*
 * Loaded before the C library: makes calls of vpn-tunnel fail as a plan says. The plan is the first page of the file that
 * INJECT names, mapped so that a script can change it while the program runs, whatever the program may open by then:
 *
 *     SERIAL CALL ERROR EVERY RUN
 *
 * Of EVERY times that CALL is made, RUN in a row fail with ERROR. For sendmmsg and recvmmsg the kernel's rules hold: a fault inside a batch ends
 * it early, with the number that went before, and only at the front is it an error. CALL is sendmmsg, sendmsg, send (either,
 * counted by message), runs (sendmmsg, for messages of many datagrams alone), recvmmsg, read or write (of the TUN device
 * only, whatever the pieces), supers (write, for super-packets alone), or listen. ERROR is a name, `short` (no error,
 * sendmmsg takes EVERY at a time), `kill` (the process ends as by kill -9) or `late` (half a second, then no error; of listen
 * alone). The second page says how many faults there
 * were since SERIAL last changed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

typedef struct plan {
    unsigned serial;
    char call[16];
    char error[16];
    unsigned every;
    unsigned run;
} plan;

static char *shared;
static int tun = -1;
static unsigned serial;
static unsigned seen;
static unsigned faults;

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"EIO", EIO},
    {"EINVAL", EINVAL},
    {"EMSGSIZE", EMSGSIZE},
    {"ENOBUFS", ENOBUFS},
    {"EPERM", EPERM},
    {"EAGAIN", EAGAIN},
    {"ENETUNREACH", ENETUNREACH},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"ENOMEM", ENOMEM},
    {"EINTR", EINTR},
    {"EMFILE", EMFILE},
    {"ENOSYS", ENOSYS},
    {"EOPNOTSUPP", EOPNOTSUPP},
};

__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv("INJECT");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    shared = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        abort();
    (void)close(fd);
}

/* The plan, if it is for this call. */
static int planned(plan *out, const char *call)
{
    char text[64];

    if (shared == NULL)
        return 0;
    memcpy(text, shared, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    if (sscanf(text, "%u %15s %15s %u %u", &out->serial, out->call, out->error, &out->every, &out->run) != 5 ||
        out->every == 0)
        return 0;
    if (out->serial != serial) {
        serial = out->serial;
        seen = 0;
        faults = 0;
    }
    if (strcmp(out->call, call) == 0)
        return 1;
    return strcmp(out->call, "send") == 0 && (strcmp(call, "sendmmsg") == 0 || strcmp(call, "sendmsg") == 0);
}

static int number_of(const char *name)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(errors[i].name, name) == 0)
            return errors[i].number;
    }
    abort();
}

/* 1 and errno when it is the turn of this call, or of this datagram, to fail. */
static int fails(const plan *p)
{
    if ((++seen + p->run - 1) % p->every >= p->run)
        return 0;
    if (strcmp(p->error, "kill") == 0)
        (void)raise(SIGKILL);
    (void)snprintf(shared + PAGE, 16, "%u\n", ++faults);
    errno = number_of(p->error);
    return 1;
}

/* The function that this object stands before; ISO C has no cast from an object to a function. */
static void next_of(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof found);
}

static int is_run(const struct msghdr *message)
{
    const struct cmsghdr *c = CMSG_FIRSTHDR(message);

    for (; c != NULL; c = CMSG_NXTHDR((struct msghdr *)message, (struct cmsghdr *)c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT)
            return 1;
    }
    return 0;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    int (*next)(int, struct mmsghdr *, unsigned, int);
    unsigned until = 0;
    plan p;

    next_of(&next, "sendmmsg");
    if (planned(&p, "runs")) {
        while (until < count && !is_run(&messages[until].msg_hdr))
            until++;
        if (until == 0 && fails(&p))
            return -1;
        return next(fd, messages, until == 0 ? 1 : until, flags);
    }
    if (!planned(&p, "sendmmsg"))
        return next(fd, messages, count, flags);
    if (strcmp(p.error, "short") == 0)
        return next(fd, messages, count < p.every ? count : p.every, flags);
    while (until < count && !fails(&p))
        until++;
    if (until == 0)
        return -1;
    /* The fault behind those that go shows up when the rest is tried: it must be its turn then. */
    if (until < count) {
        seen--;
        (void)snprintf(shared + PAGE, 16, "%u\n", --faults);
    }
    return next(fd, messages, until, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*next)(int, const struct msghdr *, int);
    plan p;

    next_of(&next, "sendmsg");
    return planned(&p, "sendmsg") && fails(&p) ? -1 : next(fd, message, flags);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    int (*next)(int, struct mmsghdr *, unsigned, int, struct timespec *);
    plan p;

    next_of(&next, "recvmmsg");
    return planned(&p, "recvmmsg") && fails(&p) ? -1 : next(fd, messages, count, flags, timeout);
}

ssize_t read(int fd, void *out, size_t room)
{
    ssize_t (*next)(int, void *, size_t);
    plan p;

    next_of(&next, "read");
    return planned(&p, "read") && fd == tun && fails(&p) ? -1 : next(fd, out, room);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    ssize_t (*next)(int, const void *, size_t);
    plan p;

    next_of(&next, "write");
    return planned(&p, "write") && fd == tun && fails(&p) ? -1 : next(fd, bytes, length);
}

ssize_t readv(int fd, const struct iovec *pieces, int count)
{
    ssize_t (*next)(int, const struct iovec *, int);
    plan p;

    next_of(&next, "readv");
    return planned(&p, "read") && fd == tun && fails(&p) ? -1 : next(fd, pieces, count);
}

/* The second byte of the header says what kind of super-packet follows. */
ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    ssize_t (*next)(int, const struct iovec *, int);
    int super = fd == tun && count > 1 && ((const unsigned char *)pieces[0].iov_base)[1] != 0;
    plan p;

    next_of(&next, "writev");
    if (planned(&p, "supers") ? super && fails(&p) : planned(&p, "write") && fd == tun && fails(&p))
        return -1;
    return next(fd, pieces, count);
}

/* The TUN device is there when the program listens, and only later may it have given up its right to ask. */
static void find_tun(void)
{
    struct stat found;

    for (int fd = 3; fd < 64; fd++) {
        if (fstat(fd, &found) == 0 && S_ISCHR(found.st_mode) && found.st_rdev == makedev(10, 200))
            tun = fd;
    }
}

int listen(int fd, int backlog)
{
    int (*next)(int, int);
    plan p;

    next_of(&next, "listen");
    find_tun();
    if (!planned(&p, "listen"))
        return next(fd, backlog);
    if (strcmp(p.error, "late") == 0)
        (void)usleep(500000);
    else if (fails(&p))
        return -1;
    return next(fd, backlog);
}
