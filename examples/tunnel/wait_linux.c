/* SPDX-License-Identifier: ISC */
/*
 * Waiting: epoll for descriptors, and a timer on the clock that counts time asleep, so that a deadline which passed in sleep
 * is served at waking. The timer is set only when the deadline changes.
 */
#include "platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TIMER_TAG UINT64_MAX
#define WAKES_MAX 64

struct waiter {
    int epoll;
    int timer;
    vpn_time armed;
};

vpn_time clock_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (vpn_time)now.tv_sec * VPN_SECOND + (vpn_time)now.tv_nsec;
}

waiter *waiter_new(void)
{
    waiter *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->armed = VPN_NEVER;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->epoll < 0 || w->timer < 0 || waiter_watch(w, w->timer, WAKE_READ, TIMER_TAG) != 0) {
        waiter_free(w);
        return NULL;
    }
    return w;
}

void waiter_free(waiter *w)
{
    if (w == NULL)
        return;
    if (w->epoll >= 0)
        (void)close(w->epoll);
    if (w->timer >= 0)
        (void)close(w->timer);
    free(w);
}

int waiter_watch(waiter *w, int fd, uint32_t wanted, uint64_t tag)
{
    struct epoll_event event = {.data = {.u64 = tag}};

    if (wanted & WAKE_READ)
        event.events |= EPOLLIN;
    if (wanted & WAKE_WRITE)
        event.events |= EPOLLOUT;
    if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return errno == EEXIST && epoll_ctl(w->epoll, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : -1;
}

void waiter_forget(waiter *w, int fd)
{
    struct epoll_event event = {.events = 0};

    (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, &event);
}

/* A deadline of 0 would stop the timer, so the earliest is 1 ns. */
static void arm(waiter *w, vpn_time deadline)
{
    struct itimerspec at = {.it_value = {.tv_sec = 0}};

    if (deadline == w->armed)
        return;
    if (deadline != VPN_NEVER) {
        at.it_value.tv_sec = (time_t)(deadline / VPN_SECOND);
        at.it_value.tv_nsec = (long)(deadline % VPN_SECOND);
        if (deadline == 0)
            at.it_value.tv_nsec = 1;
    }
    if (timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL) == 0)
        w->armed = deadline;
}

static int take(waiter *w, int timeout, wake *out, int n)
{
    struct epoll_event events[WAKES_MAX];
    int got;
    int kept = 0;

    got = epoll_wait(w->epoll, events, n < WAKES_MAX ? n : WAKES_MAX, timeout);
    if (got < 0)
        return errno == EINTR ? 0 : -1;
    for (int i = 0; i < got; i++) {
        uint32_t ready = 0;

        if (events[i].data.u64 == TIMER_TAG) {
            uint64_t count;

            (void)!read(w->timer, &count, sizeof count);
            w->armed = VPN_NEVER; /* it has fired and stands still */
            continue;
        }
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
            ready |= WAKE_READ;
        if (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            ready |= WAKE_WRITE;
        if (events[i].events & EPOLLERR)
            ready |= WAKE_ERROR;
        out[kept++] = (wake){.tag = events[i].data.u64, .ready = ready};
    }
    return kept;
}

int waiter_wait(waiter *w, vpn_time deadline, wake *out, int n)
{
    arm(w, deadline);
    return take(w, -1, out, n);
}

int waiter_poll(waiter *w, wake *out, int n)
{
    return take(w, 0, out, n);
}

int watch_directory(const char *path)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 && inotify_add_watch(fd, path, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF) < 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* After an overrun nobody knows, so the caller has to look. */
int watch_lost(int fd, const char *name)
{
    union {
        struct inotify_event event;
        char bytes[1024];
    } buffer;
    struct inotify_event event;
    ssize_t got;
    int lost = 0;

    do {
        got = read(fd, buffer.bytes, sizeof buffer.bytes);
        for (size_t at = 0; got > 0 && at < (size_t)got; at += sizeof event + event.len) {
            memcpy(&event, buffer.bytes + at, sizeof event);
            if ((event.mask & (IN_DELETE_SELF | IN_IGNORED)) != 0 ||
                (event.len > 0 && strcmp(buffer.bytes + at + sizeof event, name) == 0))
                lost = 1;
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    return lost;
}

/* An overrun of either kind of descriptor says only that more changed, which the caller looks up anyway. */
void watch_drain(int fd)
{
    char buffer[1024];
    ssize_t got;

    do
        got = read(fd, buffer, sizeof buffer);
    while (got > 0 || (got < 0 && (errno == EINTR || errno == ENOBUFS)));
}
