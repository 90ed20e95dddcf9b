/* SPDX-License-Identifier: ISC */
/* The state of a device and of its peers, its clock, its counters and its voice. What happens to that state is in the rooms
   above: keys, peer, emit, receive, data, tick, lifecycle.

   Invariants:
   - `now` never decreases. A time from the caller that lies up to a second back is taken as no time passed; one further back
     moves `offset`, so that what was due stays as far away as it was.
   - The timer heap holds for each peer a moment that is not later than its true deadline, and for the first one exactly it:
     a deadline that moves away costs nothing until it comes to the top.
   - A session is in exactly one of: a ring, or retired with pins. Its index entry exists while it is in a ring.
   - A handshake slot and its index entry exist exactly while peer->handshake is not 0.
   - Only vpn_wg_new, peer_add, allow and handshakes allocate. */
#ifndef VPN_LIB_WIREGUARD_DEVICE_H
#define VPN_LIB_WIREGUARD_DEVICE_H

#include <vpn/cookie.h>
#include <vpn/keylog.h>
#include <vpn/wg.h>

#include "base/heap.h"
#include "base/index.h"
#include "base/keymap.h"
#include "base/slab.h"
#include "wireguard/events.h"
#include "wireguard/handshake.h"
#include "wireguard/keyring.h"
#include "wireguard/limiter.h"
#include "wireguard/session.h"
#include "wireguard/timers.h"

#define VPN__PEER_REASONS (VPN_REASONS - VPN_REASON_PEER_FIRST)

enum vpn__agreement {
    VPN__AGREEMENT_DUE,       /* static-static was not computed yet */
    VPN__AGREEMENT_MADE,      /* peer->ss holds it */
    VPN__AGREEMENT_IMPOSSIBLE /* the public key is of low order */
};

/* Data packets touch what stands before public_key: before they are encrypted the first cache line alone, when they were received
   three, when they were sent a fourth. All of it is eight lines, since there are a million peers: what is rarely needed refers
   by slots instead of addresses. */
struct vpn__peer {
    _Alignas(64) struct vpn__keyring ring; /* first: the slab keeps its list in the first bytes of a free slot */
    vpn_peer_id id;                        /* 0: the slot is free */
    uint32_t queue;
    uint8_t policy;
    uint8_t padding;
    uint8_t agreement;
    uint8_t waiting; /* a packet had verdict WAIT since the last session came up */
    vpn_path path;
    vpn_time expires;
    vpn_time due; /* what the heap holds for this peer; VPN_NEVER: nothing */
    uint64_t rx_packets, rx_bytes;
    vpn_time last_received;
    struct vpn__timers timers;
    uint64_t tx_packets, tx_bytes;

    uint8_t public_key[32];
    uint8_t preshared[32];
    uint8_t ss[32];
    uint32_t handshake : 24; /* slot + 1 of our initiation that waits for its response; 0: none */
    uint32_t revived : 8;    /* had a session, or packets that wait, when the device was suspended */
    uint32_t last_handshake_nanoseconds;
    vpn_cookie_maker cookie;
    uint8_t stamp_received[VPN_TAI64N_BYTES];
    uint8_t stamp_sent[VPN_TAI64N_BYTES];
    vpn_time initiation_taken;       /* VPN_NEVER: none */
    vpn_time last_handshake;         /* VPN_NEVER: never */
    uint64_t last_handshake_seconds; /* of the host's wall clock */
    uint64_t asked;                  /* keyed hash of the last endpoint that ROAM_ASKED told of; 0: none */
    struct vpn__latch latch;
    uint64_t handshakes;
    uint32_t drops[VPN__PEER_REASONS]; /* stop at UINT32_MAX: there are a million peers */
};

_Static_assert(sizeof(struct vpn__peer) <= 512, "eight cache lines");
_Static_assert(offsetof(struct vpn__peer, path.remote.family) < 64, "on the first line");
_Static_assert(offsetof(struct vpn__peer, timers.handshake_sent) <= 192, "three lines");
_Static_assert(VPN_WG_PEERS_MAX < VPN__LATCH_NONE, "slots fit in 24 bits");

/* An initiation from an unknown key that may come back through vpn_wg_accept. */
#define VPN__UNKNOWN_MAX 64
#define VPN__UNKNOWN_AGE (5 * VPN_SECOND)
struct vpn__unknown {
    uint8_t mac1[VPN_MAC_BYTES];
    uint8_t key[VPN_KEY_BYTES];
    vpn_time at; /* VPN_NEVER: empty */
};

struct vpn_wg {
    vpn_env env;
    uint32_t flags;
    uint32_t mtu;
    uint32_t replay_bits;
    uint32_t max_skew;
    vpn_time now;
    vpn_time offset; /* now = the caller's time + offset */
    uint32_t serial; /* generation of the peer that was added last */
    uint32_t in_flight;
    uint8_t suspended;
    uint8_t has_identity;
    uint8_t load_told; /* LOAD_ON was told and LOAD_OFF not yet */
    uint64_t jitter_state;

    struct vpn__noise_local local;
    vpn_cookie_checker checker;
    uint8_t nonce[VPN_XNONCE_BYTES]; /* of the last cookie reply */
    uint32_t nonces_left;            /* replies until another one is drawn */
    struct vpn__limiter limiter;
    uint8_t stamp_floor[VPN_TAI64N_BYTES];    /* every stamp is greater */
    uint8_t stamp_greatest[VPN_TAI64N_BYTES]; /* of those sent */

    struct vpn__slab peers;
    struct vpn__slab sessions;
    struct vpn__slab handshakes;
    struct vpn__keymap by_key;
    struct vpn__index by_index;
    struct vpn__heap heap;
    vpn_allowedips *allowed;
    struct vpn__events events;
    struct vpn_scratch *scratch; /* for the simple calls and for keepalives */

    struct vpn__unknown unknown[VPN__UNKNOWN_MAX];
    uint32_t unknown_next;
    vpn_wg_stats stats;
#ifdef VPN_KEYLOG
    vpn_keylog_line keylog;
    void *keylog_user;
#endif
};

/* Moves `wg->now` on and returns it. Every call that is given a time begins with it. */
vpn_time vpn__wg_enter(vpn_wg *wg, vpn_time now);
/* A moment of the caller's clock on the device's, and back; VPN_NEVER stays. */
vpn_time vpn__wg_inside(const vpn_wg *wg, vpn_time at);
vpn_time vpn__wg_outside(const vpn_wg *wg, vpn_time at);
/* 0 .. VPN__REKEY_JITTER - 1. Not secret. */
vpn_time vpn__wg_jitter(vpn_wg *wg);
/* Counts a drop for the device and, when `peer` is not NULL, for the peer. */
void vpn__wg_count(vpn_wg *wg, struct vpn__peer *peer, uint8_t reason);
void vpn__wg_drop(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet, uint8_t reason);
/* Tells the host of something about a peer (NULL: none); `path` may be NULL. */
void vpn__wg_tell(vpn_wg *wg, uint32_t type, struct vpn__peer *peer, const vpn_path *path);
/* VPN_WG_ROAMED: the peer, which has its new path already, was at `from`. */
void vpn__wg_tell_roamed(vpn_wg *wg, struct vpn__peer *peer, const vpn_endpoint *from);

static inline struct vpn__peer *vpn__wg_peer(const vpn_wg *wg, uint32_t slot)
{
    return (struct vpn__peer *)vpn__slab_at_stride(&wg->peers, slot, sizeof(struct vpn__peer));
}

/* Our initiation that waits for its response; `handshake` is not 0. */
static inline struct vpn__handshake *vpn__wg_handshake(const vpn_wg *wg, const struct vpn__peer *peer)
{
    return (struct vpn__handshake *)vpn__slab_at(&wg->handshakes, peer->handshake - 1);
}

static inline uint32_t vpn__peer_slot(const struct vpn__peer *peer)
{
    return (uint32_t)peer->id;
}

#endif
