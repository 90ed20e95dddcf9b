/* SPDX-License-Identifier: ISC */
/* Rounds of probes of one size: what is under way, when it is too late, and what that means. */
#ifndef VPN_LIB_TUNNEL_PMTU_PROBE_H
#define VPN_LIB_TUNNEL_PMTU_PROBE_H

#include <vpn/pmtu.h>

#include "base/env.h"
#include "tunnel/pmtu_echo.h"

#define VPN__PMTU_GAP     (50 * VPN_MILLISECOND) /* least time from one pair of probes to the next */
#define VPN__PMTU_FLIGHTS 6u                     /* two for each of VPN_PMTU_MAX_PROBES pairs */

/* What goes on. */
enum vpn__pmtu_phase {
    VPN__PMTU_STOPPED,
    VPN__PMTU_RESTING, /* until the timer */
    VPN__PMTU_SENDING, /* from the timer on: what is pending */
    VPN__PMTU_WAITING  /* for replies, until the timer */
};

/* What came of it. */
enum vpn__pmtu_outcome {
    VPN__PMTU_NOTHING,
    VPN__PMTU_SMALL_BACK,
    VPN__PMTU_LARGE_BACK,
    VPN__PMTU_REPEATED, /* a reply that was here before */
    VPN__PMTU_VANISHED, /* the large ones, while small ones came back */
    VPN__PMTU_SILENCE   /* the small ones as well */
};

struct vpn__pmtu_flight {
    struct vpn__pmtu_echo echo; /* bytes 0: none */
    uint32_t back;
};

struct vpn__pmtu_probe {
    struct vpn__pmtu_flight flights[VPN__PMTU_FLIGHTS];
    vpn_time timer;    /* VPN_NEVER when stopped */
    vpn_time earliest; /* no pair before that */
    uint32_t size;     /* of the large one */
    uint32_t counted;  /* losses of the large one alone */
    uint32_t silent;   /* losses of both in a row */
    uint32_t back;     /* a small one came back since the last pair */
    uint32_t whole;    /* the pair was written, and not given up halfway */
    uint32_t pending;  /* of the pair, 2, 1 or 0 are still to be written */
    uint32_t next;     /* flight */
    uint32_t sequence;
    enum vpn__pmtu_phase phase;
};

void vpn__pmtu_probe_stop(struct vpn__pmtu_probe *p);
void vpn__pmtu_probe_rest(struct vpn__pmtu_probe *p, vpn_time until);

/* A round begins; what is under way is forgotten. */
void vpn__pmtu_probe_begin(struct vpn__pmtu_probe *p, uint32_t size, vpn_time now);

/* While SENDING: bytes of what is to be written next, and the writing of it. 0 or VPN_ERANDOM. The pair is lost at now + wait. */
uint32_t vpn__pmtu_probe_bytes(const struct vpn__pmtu_probe *p);
int vpn__pmtu_probe_write(struct vpn__pmtu_probe *p, uint8_t *out, const struct vpn__pmtu_ends *ends,
                          const vpn_env *env, vpn_time wait, vpn_time now);

/* While WAITING and the timer is due: NOTHING (another pair follows), VANISHED or SILENCE. */
enum vpn__pmtu_outcome vpn__pmtu_probe_late(struct vpn__pmtu_probe *p, vpn_time now);

/* NOTHING: no reply to a probe of this round. */
enum vpn__pmtu_outcome vpn__pmtu_probe_reply(struct vpn__pmtu_probe *p, const struct vpn__pmtu_echo *reply);

#endif
