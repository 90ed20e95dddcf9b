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

#endif
