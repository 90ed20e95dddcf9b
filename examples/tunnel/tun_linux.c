/* SPDX-License-Identifier: ISC */
/*
 * The TUN descriptor stays good wherever its interface goes. What is asked about the interface (its MTU) must be asked in
 * the namespace where it is now, and is asked from here (place_linux.c). The process itself stays in the namespace where it
 * was started, there its UDP sockets are; `home` is that namespace's number.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "log.h"
#include "place.h"

/* From <linux/if_tun.h>, for headers that are older than the kernel. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

/* The request is an unsigned long to glibc and an int to musl, where it is too large; the kernel looks at 32 bits. */
#ifdef __GLIBC__
#define ASK_TUN TUNGETIFF
#else
#define ASK_TUN ((int)TUNGETIFF)
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

static uint64_t inode_of(int fd)
{
    struct stat found;

    return fstat(fd, &found) == 0 ? (uint64_t)found.st_ino : 0;
}

static uint64_t own_namespace(void)
{
    struct stat found;

    return stat("/proc/self/ns/net", &found) == 0 ? (uint64_t)found.st_ino : 0;
}

static int ask_name(const tun *t, char name[TUN_NAME_BYTES])
{
    struct ifreq request = {.ifr_flags = 0};

    if (ioctl(t->fd, ASK_TUN, &request) != 0)
        return -errno;
    memcpy(name, request.ifr_name, TUN_NAME_BYTES);
    name[TUN_NAME_BYTES - 1] = '\0';
    return 0;
}

/* In the namespace `there`, or -1 when that may not be known: then the interface may still be at home. */
static int ask_mtu(tun *t, int there)
{
    struct ifreq request = {.ifr_flags = 0};

    if (there >= 0 && inode_of(there) != t->home)
        return place_mtu(there, t->name, &t->mtu);
    memcpy(request.ifr_name, t->name, TUN_NAME_BYTES);
    if (ioctl(t->watch, SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= 0)
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
    there = ioctl(t->fd, TUNGETDEVNETNS);
    if (ask_mtu(t, there) == 0)
        t->followed = 1;
    else if (t->followed) {
        log_verbose("the interface is in a namespace that cannot be asked; its MTU is not followed there");
        t->followed = 0;
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

/* The most that this kernel offers: older ones segment UDP by themselves, or checksums as well. */
static void offer_offloads(tun *t)
{
    static const struct {
        unsigned flags;
        uint32_t kinds;
    } offers[] = {
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
         VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6 | VPN_COALESCE_UDP},
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6},
        {0, VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6},
    };
    int bytes = VPN_VNET_BYTES;

    t->header = 1;
    (void)ioctl(t->fd, TUNSETVNETHDRSZ, &bytes);
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        t->kinds = offers[i].kinds;
        if (ioctl(t->fd, TUNSETOFFLOAD, offers[i].flags) == 0)
            return;
    }
}

static int attach(tun *t, const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

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
    offer_offloads(t);
    return 0;
}

static int take_over(tun *t, int fd)
{
    struct ifreq request = {.ifr_flags = 0};

    t->fd = fd;
    if (ioctl(fd, ASK_TUN, &request) != 0) {
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
    *t = (tun){.fd = -1, .watch = -1, .home = own_namespace(), .followed = 1};
    if (fd >= 0 ? take_over(t, fd) != 0 : attach(t, name) != 0)
        return -1;
    t->watch = place_watch();
    if (ask_name(t, t->name) != 0 || t->watch < 0) {
        log_error("cannot watch the interface: %s", strerror(errno));
        return -1;
    }
    return set_mtu(t);
}

void tun_close(tun *t)
{
    int *fds[] = {&t->fd, &t->watch};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
}

int tun_read(tun *t, uint8_t *out, uint32_t room, vpn_offload *how)
{
    uint8_t header[VPN_VNET_BYTES];
    struct iovec pieces[2] = {{header, sizeof header}, {out, room}};
    ssize_t got;

    *how = (vpn_offload){.flags = 0};
    do
        got = t->header ? readv(t->fd, pieces, 2) : read(t->fd, out, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EBADFD || errno == EBADF ? TUN_GONE : 0;
    if (!t->header)
        return (int)got;
    if (got < VPN_VNET_BYTES)
        return 0;
    vpn_offload_read(how, header);
    return (int)got - VPN_VNET_BYTES;
}

int tun_write(tun *t, const vpn_offload *how, struct iovec *pieces, size_t n)
{
    uint8_t header[VPN_VNET_BYTES];
    ssize_t put;

    vpn_offload_write(header, how);
    pieces[0] = (struct iovec){header, sizeof header};
    do
        put = t->header ? writev(t->fd, pieces, (int)n + 1) : writev(t->fd, pieces + 1, (int)n);
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return 0;
    if (errno == EBADFD || errno == EBADF)
        return TUN_GONE;
    return errno == EINVAL && how->gso != VPN_GSO_NONE ? TUN_UNJOINED : TUN_REFUSED;
}
