/* SPDX-License-Identifier: ISC */
/* What receiving and sending share: the arrays that recvmmsg and sendmmsg work on. */
#ifndef TUNNEL_UDP_LINUX_H
#define TUNNEL_UDP_LINUX_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "platform.h"

#define CONTROL_BYTES 128

/* From <linux/udp.h>, for headers that are older than the kernel. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

union control {
    uint8_t bytes[CONTROL_BYTES];
    size_t aligned;
};

/* Packets `first` .. `first` + `count` - 1 of those that are sent: all of `each` bytes, but for the `last`. */
struct run {
    size_t first, count;
    uint32_t each, last, bytes;
};

/* Datagrams that go to one socket, and how they are grouped. */
struct outgoing {
    const vpn_packet *packets[BATCH];
    struct run runs[BATCH];
    size_t packet_count, run_count;
};

/* One message for each datagram, or for each run of datagrams to one place, and a spare one. */
struct udp_batch {
    struct outgoing out;
    struct mmsghdr header[BATCH + 1];
    struct iovec vector[BATCH + 1];
    union address address[BATCH + 1];
    union control control[BATCH + 1];
};

/* musl's macro subtracts pointers from sizes, which is right and warned about all the same. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static inline struct cmsghdr *udp_next_control(struct msghdr *header, struct cmsghdr *c)
{
    return CMSG_NXTHDR(header, c);
}
#pragma GCC diagnostic pop

/* Sets what becomes of datagrams of a socket that are too long, and whether errors are kept. 0 or an errno. */
int udp_impose(int fd, int ipv6, uint8_t manner);
/* As udp_send, for packets whose `user` is all the same and in force. */
void udp_send_alike(udp *u, const vpn_packet *packets, size_t n);
/* As udp_send, with what `user` says. */
void udp_send_marked(udp *u, const vpn_packet *packets, size_t n);

#endif
