/* SPDX-License-Identifier: ISC */
/*
 * The TUN descriptor stays good wherever its interface goes. What is asked about the interface (its MTU) must be asked in
 * the namespace where it is now, so `watch` is a route socket in that namespace, made anew after each move. The process
 * itself stays in the namespace where it was started: there its UDP sockets are, and `home` leads back to it.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "log.h"

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

const char *tun_name_fault(const char *name)
{
    size_t length = strlen(name);

    if (length == 0)
        return "the name is empty";
    if (length >= TUN_NAME_BYTES)
        return "the name is longer than 15 characters";
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strpbrk(name, "/:% \t\n\r\v\f") != NULL)
        return "'/', ':', '%' and blanks are not allowed in it";
    return NULL;
}

static int route_socket(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static uint64_t inode_of(int fd)
{
    struct stat found;

    return fd >= 0 && fstat(fd, &found) == 0 ? (uint64_t)found.st_ino : 0;
}

/* Watches the interface in the namespace `there`. Without the right to do so the MTU is no longer followed, no more. */
static void follow(tun *t, int there)
{
    int fd = -1;

    if (there >= 0 && t->home >= 0 && setns(there, CLONE_NEWNET) == 0) {
        fd = route_socket();
        if (setns(t->home, CLONE_NEWNET) != 0)
            log_error("cannot return to the first network namespace: %s", strerror(errno));
    }
    if (fd < 0)
        log_verbose("the interface moved to a namespace that cannot be watched; its MTU is no longer followed");
    if (t->watch >= 0)
        (void)close(t->watch);
    t->watch = fd;
    t->place = inode_of(there);
}

static int ask_name(const tun *t, char name[TUN_NAME_BYTES])
{
    struct ifreq request = {.ifr_flags = 0};

    if (ioctl(t->fd, TUNGETIFF, &request) != 0)
        return -errno;
    memcpy(name, request.ifr_name, TUN_NAME_BYTES);
    name[TUN_NAME_BYTES - 1] = '\0';
    return 0;
}

static int ask_mtu(tun *t)
{
    struct ifreq request = {.ifr_flags = 0};

    memcpy(request.ifr_name, t->name, TUN_NAME_BYTES);
    if (t->watch < 0 || ioctl(t->watch, SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= 0)
        return -1;
    t->mtu = (uint32_t)request.ifr_mtu;
    return 0;
}

int tun_refresh(tun *t)
{
    char name[TUN_NAME_BYTES];
    int there;

    if (ask_name(t, name) != 0)
        return TUN_GONE;
    if (strcmp(name, t->name) != 0)
        log_verbose("the interface is now called %s", name);
    memcpy(t->name, name, sizeof name);
    if (t->watch < 0)
        return 0;
    there = ioctl(t->fd, TUNGETDEVNETNS);
    if ((there >= 0 && inode_of(there) != t->place) || ask_mtu(t) != 0) {
        follow(t, there);
        (void)ask_mtu(t);
    }
    if (there >= 0)
        (void)close(there);
    return 0;
}

static int set_mtu(tun *t)
{
    struct ifreq request = {.ifr_mtu = VPN_MTU_DEFAULT};

    memcpy(request.ifr_name, t->name, TUN_NAME_BYTES);
    if (ioctl(t->watch, SIOCSIFMTU, &request) != 0) {
        log_error("cannot set the MTU: %s", strerror(errno));
        return -1;
    }
    t->mtu = VPN_MTU_DEFAULT;
    return 0;
}

static void explain_device(int error)
{
    if (error == ENOENT || error == ENODEV || error == ENXIO)
        log_error("/dev/net/tun is missing: load the module tun, or hand the device to this container");
    else if (error == EACCES || error == EPERM)
        log_error("no permission to open /dev/net/tun: run as root");
    else
        log_error("cannot open /dev/net/tun: %s", strerror(error));
}

static void explain_attach(int error)
{
    if (error == EBUSY)
        log_error("the interface exists and another program uses it");
    else if (error == EPERM || error == EACCES)
        log_error("no permission to make an interface: run as root, or with CAP_NET_ADMIN");
    else if (error == EINVAL)
        log_error("the interface exists and is no TUN device: remove it, or choose another name");
    else
        log_error("cannot make the interface: %s", strerror(error));
}

static int attach(tun *t, const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0) {
        explain_device(errno);
        return -1;
    }
    memcpy(request.ifr_name, name, strlen(name) + 1); /* tun_name_fault bounds it */
    if (ioctl(t->fd, TUNSETIFF, &request) != 0) {
        explain_attach(errno);
        return -1;
    }
    return 0;
}

static int take_over(tun *t, int fd)
{
    struct ifreq request = {.ifr_flags = 0};

    t->fd = fd;
    if (ioctl(fd, TUNGETIFF, &request) != 0) {
        log_error("WG_TUN_FD is no TUN device: %s", strerror(errno));
        return -1;
    }
    if ((request.ifr_flags & (IFF_NO_PI | IFF_TUN | IFF_VNET_HDR)) != (IFF_NO_PI | IFF_TUN)) {
        log_error("WG_TUN_FD must be a TUN device with IFF_NO_PI and without IFF_VNET_HDR");
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

int tun_open(tun *t, const char *name, int fd)
{
    *t = (tun){.fd = -1, .watch = -1, .home = -1};
    if (fd >= 0 ? take_over(t, fd) != 0 : attach(t, name) != 0)
        return -1;
    t->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    t->place = inode_of(t->home);
    t->watch = route_socket();
    if (ask_name(t, t->name) != 0 || t->watch < 0) {
        log_error("cannot watch the interface: %s", strerror(errno));
        return -1;
    }
    return set_mtu(t);
}

void tun_close(tun *t)
{
    int *fds[] = {&t->fd, &t->watch, &t->home};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
}

int tun_read(tun *t, uint8_t *out, uint32_t room)
{
    ssize_t got;

    do
        got = read(t->fd, out, room);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return (int)got;
    return errno == EBADFD || errno == EBADF ? TUN_GONE : 0;
}

int tun_write(tun *t, const uint8_t *packet, uint32_t length)
{
    ssize_t put;

    do
        put = write(t->fd, packet, length);
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return 0;
    return errno == EBADFD || errno == EBADF ? TUN_GONE : 1;
}
