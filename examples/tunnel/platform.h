/* SPDX-License-Identifier: ISC */
/*
 * All that the tunnel asks of an operating system beyond POSIX. A port to another system implements this header and touches
 * nothing else. Functions that fail during start-up say why in the log, in words that a person can act on.
 */
#ifndef TUNNEL_PLATFORM_H
#define TUNNEL_PLATFORM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vpn/vpn.h>

/* Packets that move in one go: two super-packets, few enough that nobody waits long. */
#define BATCH 128

/* Messages that one call receives; each may be many datagrams of one size. */
#define MESSAGES 64

/* Room for the longest datagram or super-packet with the head- and tailroom of the library, in whole pages so that no page is
   shared. */
#define SLOT_BYTES ((size_t)17 * 4096)

/* -- The interface ------------------------------------------------------------------------------------------------- */

#define TUN_NAME_BYTES 16
#define TUN_GONE       (-1) /* the interface was deleted */
#define TUN_REFUSED    1    /* the host did not take the packet: an interface that is down */
#define TUN_UNJOINED   2    /* the host does not take super-packets of this kind */

typedef struct tun {
    int fd;
    int watch;     /* readable when the interface may have changed: then tun_refresh, which may replace it; or -1 */
    uint64_t home; /* this and the next are the platform's own */
    int followed;
    uint32_t mtu;
    uint32_t kinds; /* VPN_COALESCE_*: super-packets that the host takes */
    uint8_t header; /* packets go with a header that says what they are */
    char name[TUN_NAME_BYTES];
} tun;

/* Why a name cannot be that of an interface, or NULL. */
const char *tun_name_fault(const char *name);
/* Makes the interface, or takes it over from `fd` unless that is -1; sets its MTU. 0 or -1. */
int tun_open(tun *t, const char *name, int fd);
void tun_close(tun *t);
/* Bytes of the packet or super-packet that was read, 0 when there is none, or TUN_GONE. */
int tun_read(tun *t, uint8_t *out, uint32_t room, vpn_offload *how);
/* Writes a packet from pieces[1] .. pieces[n]; pieces[0] is left free for a header. 0, TUN_REFUSED, TUN_UNJOINED or TUN_GONE. */
int tun_write(tun *t, const vpn_offload *how, struct iovec *pieces, size_t n);
/* Reads name and MTU anew, also after a move to another network namespace. 0 or TUN_GONE. */
int tun_refresh(tun *t);

/* -- The sockets --------------------------------------------------------------------------------------------------- */

#define UDP_FAMILIES    2 /* 0 is IPv4, 1 is IPv6 */
#define UDP_QUOTE_BYTES 64

typedef struct udp_batch udp_batch;

/* What becomes of datagrams that are too long for the way, and whether we are told. */
#define UDP_DEAF   0 /* they are fragmented, here or on the way; of errors nothing is heard */
#define UDP_LOOSE  1 /* they are fragmented; errors about those that are not are heard */
#define UDP_STRICT 2 /* they are lost; errors are heard */

/* In `user` of a packet, unless UDP_DEAF: what becomes of this one. */
#define UDP_AS_OTHERS 0
#define UDP_WHOLE     1 /* it passes whole, or is lost */
#define UDP_CUT       2 /* it is fragmented where it must be */

typedef struct udp {
    int fd[UDP_FAMILIES]; /* -1 where the family is not there */
    uint16_t port;
    uint8_t chosen; /* the port was chosen by the system */
    uint32_t mark;
    uint8_t manner;                /* UDP_DEAF .. */
    uint8_t runs[UDP_FAMILIES];    /* many datagrams may leave in one message */
    uint32_t plain[UDP_FAMILIES];  /* so many still leave alone after a refusal */
    uint8_t gathers[UDP_FAMILIES]; /* datagrams of one sender may come in one message */
    uint64_t unsent;               /* datagrams that the system did not take */
    udp_batch *batch;
} udp;

/* 0 or -1; no socket is open yet. */
int udp_init(udp *u);
void udp_close(udp *u);
/* Opens the sockets of both families on one port, 0 for any, and only then closes the old ones. 0 or an errno. */
int udp_bind(udp *u, uint16_t port);
/* 0 or an errno, and then the old mark stays. */
int udp_set_mark(udp *u, uint32_t mark);
/* Now, and for sockets that come. 0 or an errno. */
int udp_set_manner(udp *u, uint8_t manner);
/* Takes an error of the socket's queue. 1: it says "too big", and stands in `out` (of `quote`, which is UDP_QUOTE_BYTES of
   memory, as much as there is). 0: it says something else. -1: there is none. */
int udp_take_error(udp *u, unsigned family, vpn_pmtu_report *out, uint8_t *quote);
/* Fills at most MESSAGES messages, whose slots are ready, with length, path and tos; each is made of datagrams of `each` bytes, the
   last of which may be shorter. Returns how many came. */
size_t udp_receive(udp *u, unsigned family, vpn_packet *messages, uint32_t *each, size_t n);
/* Sends those of at most BATCH packets whose verdict is VPN_TO_NET; what cannot be sent is lost, and counted. */
void udp_send(udp *u, const vpn_packet *packets, size_t n);

/* -- Time and waiting ---------------------------------------------------------------------------------------------- */

typedef struct waiter waiter;

#define WAKE_READ  1u
#define WAKE_WRITE 2u
#define WAKE_ERROR 4u

typedef struct wake {
    uint64_t tag;
    uint32_t ready; /* WAKE_*; an error counts as all of them */
} wake;

/* Nanoseconds on a clock that counts time asleep. */
vpn_time clock_now(void);

waiter *waiter_new(void);
void waiter_free(waiter *w);
/* Adds a descriptor or changes what is wanted of it. 0 or -1. */
int waiter_watch(waiter *w, int fd, uint32_t wanted, uint64_t tag);
void waiter_forget(waiter *w, int fd);
/* Waits until something is ready or the deadline has come. Returns how many, 0 for the deadline or a signal, or -1. */
int waiter_wait(waiter *w, vpn_time deadline, wake *out, int n);
/* The same at once, whatever is ready now. */
int waiter_poll(waiter *w, wake *out, int n);

/* -- Watching ------------------------------------------------------------------------------------------------------ */

/* A descriptor that is readable after something changed in a directory; -1 when it cannot be watched. */
int watch_directory(const char *path);
/* A descriptor that is readable after addresses or routes of the outer network changed; -1 when there is no such thing. */
int watch_network(void);
/* Empties either. */
void watch_drain(int fd);
/* Empties that of a directory. 1 when the entry of this name went, or another came in its place, else 0. */
int watch_lost(int fd, const char *name);
/* A number that changes when an address, or a default route, of another interface than `own` comes or goes. */
uint64_t network_print(const char *own);
/* An address of interface `own` in each family, the best one; all zero where there is none. */
void network_own(const char *own, uint8_t ip4[4], uint8_t ip6[16]);

/* -- Privileges ---------------------------------------------------------------------------------------------------- */

typedef struct privileges {
    int keep;       /* nothing is dropped */
    int other_user; /* the next two are set */
    uint32_t uid;
    uint32_t gid;
} privileges;

/*
 * Gives up what only the start needed, for ever: everything above must have been opened, and network_print called once.
 * Later calls above go on to work, but for those that the manual names under --user. Files in the directory (may be NULL)
 * can still be removed. It holds for the thread that calls and for those that it makes afterwards. 0 or -1.
 */
int privileges_drop(const privileges *chosen, const char *directory);
/* Then, once all threads run: no system calls but those that the program needs from now on, in any of them. 0 or -1. */
int privileges_close(const privileges *chosen);

#endif
