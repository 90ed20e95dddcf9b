/* SPDX-License-Identifier: ISC */
/* The timers of one peer as pure arithmetic: what happened and when goes in, deadlines and actions come out. It sends
   nothing and knows no key. Whitepaper section 6; the names are those of its rules. */
#ifndef VPN_LIB_WIREGUARD_TIMERS_H
#define VPN_LIB_WIREGUARD_TIMERS_H

#include <vpn/base.h>

struct vpn__timers {
    /* Deadlines; VPN_NEVER: not armed. */
    vpn_time retransmit;    /* no response yet to our initiation */
    vpn_time keepalive;     /* passive keepalive: data came, nothing was sent since */
    vpn_time new_handshake; /* data was sent, nothing came since */
    vpn_time persistent;    /* persistent keepalive */
    vpn_time wipe;          /* all keys are too old to be of use */
    vpn_time session_end;   /* the current key can carry nothing more */
    vpn_time wanted;        /* since when an initiation is wanted; VPN_NEVER: it is not */
    uint16_t interval;      /* of the persistent keepalive in seconds; 0: off */
    uint8_t attempts;       /* initiations that were sent again */
    uint8_t another;        /* data came while the keepalive timer was armed */
    uint8_t last_minute;    /* a handshake was asked for on receiving, for this session */

    vpn_time
        handshake_sent; /* our last initiation or response; VPN_NEVER: never. Last, since data never asks for it. */
};

enum vpn__timer_action {
    VPN__TIMER_NOTHING,
    VPN__TIMER_SESSION_END, /* tell the host */
    VPN__TIMER_WIPE,        /* wipe the handshake and all keys */
    VPN__TIMER_GIVE_UP,     /* forget what waits for a session */
    VPN__TIMER_LOST,        /* nothing is heard: forget the cached source; an initiation is now wanted */
    VPN__TIMER_KEEPALIVE,   /* send an empty packet, or want an initiation when there is no key */
    VPN__TIMER_INITIATE     /* send an initiation */
};

void vpn__timers_init(struct vpn__timers *t);
/* When vpn__timers_expire has something to do. */
vpn_time vpn__timers_deadline(const struct vpn__timers *t);
/* The next thing that is due, which is due no longer then. */
enum vpn__timer_action vpn__timers_expire(struct vpn__timers *t, vpn_time now);

/* An initiation is wanted, by anything but a retransmission: attempts start anew. */
void vpn__timers_want(struct vpn__timers *t, vpn_time now);
void vpn__timers_initiation_sent(struct vpn__timers *t, vpn_time now, vpn_time jitter);
void vpn__timers_response_sent(struct vpn__timers *t, vpn_time now);
/* The handshake is complete: a valid response came, or the first data under the key of our response. */
void vpn__timers_handshake_complete(struct vpn__timers *t);
/* A session was derived, in either role. */
void vpn__timers_session_derived(struct vpn__timers *t, vpn_time now);
/* A session that was born at `born` is the current one from now on. */
void vpn__timers_session_current(struct vpn__timers *t, vpn_time born);
void vpn__timers_data_sent(struct vpn__timers *t, vpn_time now, vpn_time jitter);
void vpn__timers_data_received(struct vpn__timers *t, vpn_time now);
/* Any authenticated message, keepalives and handshakes included. */
void vpn__timers_authenticated_sent(struct vpn__timers *t, vpn_time now);
void vpn__timers_authenticated_received(struct vpn__timers *t, vpn_time now);
/* Changes the persistent keepalive; turning it on makes one due at once. */
void vpn__timers_persistent(struct vpn__timers *t, uint16_t interval, vpn_time now);
/* All keys are gone: nothing is armed but the persistent keepalive. */
void vpn__timers_reset(struct vpn__timers *t);

#endif
