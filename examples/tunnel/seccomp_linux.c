/* SPDX-License-Identifier: ISC */
/*
 * The system calls of the loop, of threads that encrypt, of the libraries below and of nothing else; with their arguments where
 * a call can do more than we ask of it. No file is opened any more: what is read later (routes) stays open from the start.
 *
 * A call that is not listed fails with EPERM, it does not kill. Which calls a C library makes for a function changes with its
 * version; a tunnel that dies at the first one that is new is worse for its user than one whose function reports an error.
 * An intruder gains nothing by it, since the call is not made either way.
 *
 * A new option of a socket or request of a device must be added here, or it is refused.
 */
#include "confine.h"

#include <errno.h>

#ifdef TUNNEL_SECCOMP

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <seccomp.h>

#include "udp_linux.h"

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

#define COUNT(array)    (sizeof(array) / sizeof(array)[0])
#define INT_BITS        UINT64_C(0xffffffff) /* the kernel looks at these of an int; what is above is whatever was there */
#define SOCKET_KIND     UINT64_C(0xf)        /* of a type, without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define IS(index, what) SCMP_CMP64(index, SCMP_CMP_MASKED_EQ, INT_BITS, (uint64_t)(uint32_t)(what))
#define KIND_IS(what)   SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, SOCKET_KIND, (uint64_t)(what))

/* Whatever their arguments. Those that are there twice are old and new forms, of which a C library takes its choice. */
static const int plain[] = {
    /* packets and clients */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvmmsg), SCMP_SYS(recvmmsg_time64),
    SCMP_SYS(sendmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(recv),
    SCMP_SYS(send), SCMP_SYS(accept), SCMP_SYS(accept4),
    /* another port, addresses of the host, the log */
    SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(getpid), SCMP_SYS(lseek),
    SCMP_SYS(_llseek), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(close),
    /* waiting */
    SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_settime64), SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64),
    /* is the socket's file still there, and its removal */
    SCMP_SYS(lstat), SCMP_SYS(lstat64), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(fstat),
    SCMP_SYS(fstat64), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
#ifdef VPN_KEYLOG
    /* half a line of a log that is full */
    SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64),
#endif
    /* memory, randomness, the end */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getrandom), SCMP_SYS(exit),
    SCMP_SYS(exit_group)};

/* Not F_SETOWN, which sends signals to others. */
static const int fcntl_commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL};

static const uint32_t ioctl_requests[] = {TUNGETIFF, TUNGETDEVNETNS, SIOCGIFMTU, SIOCGIFINDEX};

/* Without these, the right to administer the network would be a right to replace the firewall. */
static const struct {
    int level;
    int name;
} socket_options[] = {
    {SOL_SOCKET, SO_RCVBUF},          {SOL_SOCKET, SO_RCVBUFFORCE},    {SOL_SOCKET, SO_SNDBUF},
    {SOL_SOCKET, SO_SNDBUFFORCE},     {SOL_SOCKET, SO_MARK},           {SOL_UDP, UDP_GRO},
    {IPPROTO_IP, IP_PKTINFO},         {IPPROTO_IP, IP_RECVTOS},        {IPPROTO_IP, IP_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_V6ONLY},      {IPPROTO_IPV6, IPV6_RECVTCLASS}, {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO}, {IPPROTO_IP, IP_RECVERR},        {IPPROTO_IPV6, IPV6_RECVERR}};

static int allow_plain(scmp_filter_ctx filter)
{
    int error = 0;

    for (size_t i = 0; i < COUNT(plain) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    return error;
}

/* UDP, datagrams to the log, and questions about addresses. No stream: those lead to services that trust root. */
static int allow_sockets(scmp_filter_ctx filter)
{
    static const int family[] = {AF_INET, AF_INET6};
    int error = 0;

    for (size_t i = 0; i < COUNT(family) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, IS(0, family[i]), KIND_IS(SOCK_DGRAM),
                                 IS(2, IPPROTO_UDP));
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, IS(0, AF_UNIX), KIND_IS(SOCK_DGRAM));
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, IS(0, AF_NETLINK), KIND_IS(SOCK_RAW),
                                 IS(2, NETLINK_ROUTE));
    for (size_t i = 0; i < COUNT(socket_options) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, IS(1, socket_options[i].level),
                                 IS(2, socket_options[i].name));
    return error;
}

static int allow_descriptors(scmp_filter_ctx filter)
{
    static const int forms[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
    int error = 0;

    for (size_t i = 0; i < COUNT(fcntl_commands) * COUNT(forms) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, forms[i % COUNT(forms)], 1,
                                 IS(1, fcntl_commands[i / COUNT(forms)]));
    for (size_t i = 0; i < COUNT(ioctl_requests) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, IS(1, ioctl_requests[i]));
    return error;
}

/* Memory that cannot become code. */
static int allow_memory(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
    int error = 0;

    for (size_t i = 0; i < COUNT(calls) && error == 0; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1, SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return error;
}

int confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int error;

    if (filter == NULL)
        return ENOMEM;
    error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (error == 0)
        error = allow_plain(filter);
    if (error == 0)
        error = allow_sockets(filter);
    if (error == 0)
        error = allow_descriptors(filter);
    if (error == 0)
        error = allow_memory(filter);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return -error;
}

#else

int confine_calls(void)
{
    return ENOSYS;
}

#endif
