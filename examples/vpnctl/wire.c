/* SPDX-License-Identifier: ISC */
#include "wire.h"

#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#define LOAD8(at)          BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (at))
#define LOAD16(at)         BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (at))
#define LOAD16_BEHIND(at)  BPF_STMT(BPF_LD | BPF_H | BPF_IND, (at))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define TAKE(bytes)        BPF_STMT(BPF_RET | BPF_K, (bytes))

/* Whole packets of a protocol with `value` at one of two places behind the IP header. The labels count instructions. */
static int attach(int fd, uint8_t four, uint8_t six, uint32_t a, uint32_t b, uint16_t value)
{
    struct sock_filter program[] = {
        LOAD8(0),                                            /* 0 */
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),              /* 1 */
        IF(4, 1, 0),                                         /* 2: to 4 */
        IF(6, 9, 16),                                        /* 3: to 13 or 20 */
        LOAD16(6),                                           /* 4: fragments that are not the first */
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 14, 0), /* 5: to 20 */
        LOAD8(9),                                            /* 6 */
        IF(four, 0, 12),                                     /* 7: to 20 */
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),              /* 8 */
        LOAD16_BEHIND(a),                                    /* 9 */
        IF(value, 8, 0),                                     /* 10: to 19 */
        LOAD16_BEHIND(b),                                    /* 11 */
        IF(value, 6, 7),                                     /* 12: to 19 or 20 */
        LOAD8(6),                                            /* 13 */
        IF(six, 0, 5),                                       /* 14: to 20 */
        LOAD16(40 + a),                                      /* 15 */
        IF(value, 2, 0),                                     /* 16: to 19 */
        LOAD16(40 + b),                                      /* 17 */
        IF(value, 0, 1),                                     /* 18: to 19 or 20 */
        TAKE(UINT16_MAX),                                    /* 19 */
        TAKE(0),                                             /* 20 */
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

/* With no protocol a socket gets nothing, so the filter is there before the first packet. */
int wire_open(int kind, uint16_t value, const char *device)
{
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (device != NULL)
        link.sll_ifindex = (int)if_nametoindex(device);
    if ((device == NULL || link.sll_ifindex != 0) &&
        (kind == WIRE_UDP ? attach(fd, IPPROTO_UDP, IPPROTO_UDP, 0, 2, value)
                          : attach(fd, IPPROTO_ICMP, IPPROTO_ICMPV6, 4, 4, value)) == 0 &&
        bind(fd, (const struct sockaddr *)&link, sizeof link) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

size_t wire_next(int fd, uint8_t *packet, size_t room, int *outgoing)
{
    struct sockaddr_ll from = {.sll_pkttype = 0};
    socklen_t length = sizeof from;
    ssize_t got = fd < 0 ? -1 : recvfrom(fd, packet, room, MSG_DONTWAIT, (struct sockaddr *)&from, &length);

    *outgoing = from.sll_pkttype == PACKET_OUTGOING ? 1 : from.sll_pkttype == PACKET_HOST ? 0 : -1;
    return got > 0 ? (size_t)got : 0;
}
