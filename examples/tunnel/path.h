/* SPDX-License-Identifier: ISC */
/*
 * How large a packet may be on the way to each peer, and what becomes of larger ones. vpn/pmtu.h finds it out, from the errors
 * that the sockets hear of and from probes; here it is joined to them and to the packets.
 *
 * A packet that is too large is not sent and its sender is told, unless it may be fragmented; both ends of a TCP connection are
 * made to send segments that fit. All of it costs one look at `on` for each batch while it is off, and one comparison for each
 * read from the interface.
 */
#ifndef TUNNEL_PATH_H
#define TUNNEL_PATH_H

#include "annex.h"
#include "platform.h"

enum { PATH_OFF, PATH_ERRORS, PATH_PROBE };

#define PATH_TIMER      2u /* seconds that a probe may take */
#define PATH_TIMER_MOST 60u

typedef struct paths {
    vpn_wg *wg;
    annexes *annexes;
    tun *tun;
    udp *udp;
    uint8_t mode;     /* PATH_OFF .. */
    uint8_t asked;    /* the MSS is clamped in any mode */
    uint8_t on;       /* packets are looked at, and the MSS is clamped */
    uint32_t timer;   /* seconds */
    uint32_t longest; /* packets up to that length fit on every way */
    uint8_t stale;    /* it may be greater than it is */
    vpn_time first;   /* nothing is due before */
    uint8_t *memory;  /* for a probe, or one segment: SLOT_BYTES */
    uint8_t ip4[4];   /* own addresses in the tunnel; all zero: none */
    uint8_t ip6[16];
    vpn_icmp icmp;
    vpn_time heard_at; /* the second in which `heard` reports were looked at */
    uint32_t heard;
    uint64_t foreign; /* reports about nobody's datagrams */
    uint64_t clamped; /* SYNs that were changed */
} paths;

/* PATH_* by its name, or -1; and its name. */
int path_mode_named(const char *name);
const char *path_mode_name(uint8_t mode);

/* 0, or -1 without memory. path_close also after that; the annexes go with the flow. */
int path_open(paths *p, vpn_wg *wg, annexes *all, tun *t, udp *u);
void path_close(paths *p);
/* 0 or an errno, and then all is as before. */
int path_set_mode(paths *p, uint8_t mode, vpn_time now);
void path_set_timer(paths *p, uint32_t seconds, vpn_time now);
void path_set_clamp(paths *p, int asked);

/* The peer has another endpoint, other AllowedIPs, another probe address, or may have. */
void path_peer_changed(paths *p, vpn_peer_id id, vpn_time now);
/* The outer network changed, or the interface: its MTU, its addresses. */
void path_network_changed(paths *p, vpn_time now);
void path_interface_changed(paths *p, vpn_time now);
/* Peers have gone, and their annexes. */
void path_peers_gone(paths *p);

/* Probes that are due. */
vpn_time path_deadline(const paths *p);
void path_tick(paths *p, vpn_time now);
/* Errors that a socket heard of. */
void path_hear(paths *p, unsigned family, vpn_time now);

/* While `on`: packets before they are sent, and both directions before verdicts are carried out. */
void path_outbound(paths *p, vpn_packet *packets, size_t n);
void path_carry(paths *p, vpn_packet *packets, size_t n);
/* For segments of a packet of the interface that are longer than `longest`: 1 when they go nowhere, and their sender was told if
   he may be. */
int path_refuses(paths *p, const vpn_segments *plan, const uint8_t *packet, vpn_time now);

#endif
