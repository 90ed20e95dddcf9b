/* SPDX-License-Identifier: ISC */
/* What the rooms of the device share: its structure, its peers, and the few calls between those rooms.

   Invariants:
   - `now` never decreases. A time from the caller that lies up to a second back is taken as no time passed; one further back
     moves `offset`, so that what was due stays as far away as it was.
   - The timer heap holds for each peer a moment that is not later than its true deadline, and for the first one exactly it:
     a deadline that moves away costs nothing until it comes to the top.
   - A session is in exactly one of: a ring, or retired with pins. Its index entry exists while it is in a ring.
   - A handshake slot and its index entry exist exactly while peer->handshake is set.
   - Only vpn_wg_new, peer_add, allow and handshakes allocate. */
#ifndef VPN_LIB_WIREGUARD_DEVICE_H
#define VPN_LIB_WIREGUARD_DEVICE_H

#include <vpn/cookie.h>
#include <vpn/wg.h>

#include "base/heap.h"
#include "base/index.h"
#include "base/keymap.h"
#include "base/slab.h"
#include "wireguard/crypt.h"
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

struct vpn__peer {
    vpn_peer_id id; /* 0: the slot is free */
    struct vpn__keyring ring;
    struct vpn__timers timers;
    vpn_path path;
    uint8_t policy;
    uint8_t padding;
    uint8_t agreement;
    uint8_t waiting; /* a packet had verdict WAIT since the last session came up */
    uint32_t queue;
    vpn_time expires;
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    vpn_time last_received;

    uint8_t public_key[32];
    uint8_t preshared[32];
    uint8_t ss[32];
    struct vpn__handshake *handshake; /* our initiation that waits for its response */
    uint32_t handshake_slot;
    uint32_t revived; /* had a session when the device was suspended */
    vpn_cookie_maker cookie;
    uint8_t stamp_received[VPN_TAI64N_BYTES];
    uint8_t stamp_sent[VPN_TAI64N_BYTES];
    vpn_time initiation_taken; /* VPN_NEVER: none */
    vpn_time last_handshake;   /* VPN_NEVER: never */
    vpn_wall last_handshake_wall;
    vpn_endpoint asked; /* the last one that ROAM_ASKED told of */
    struct vpn__latch latch;
    uint64_t handshakes;
    uint64_t drops[VPN__PEER_REASONS];
};

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
};

/* --- device.c --- */
/* Moves `wg->now` on and returns it. Every call that is given a time begins with it. */
vpn_time vpn__wg_enter(vpn_wg *wg, vpn_time now);
/* A moment of the device on the caller's clock. */
vpn_time vpn__wg_outside(const vpn_wg *wg, vpn_time at);
/* 0 .. VPN__REKEY_JITTER - 1. Not secret. */
vpn_time vpn__wg_jitter(vpn_wg *wg);
/* Counts a drop for the device and, when `peer` is not NULL, for the peer. */
void vpn__wg_count(vpn_wg *wg, struct vpn__peer *peer, uint8_t reason);
void vpn__wg_drop(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet, uint8_t reason);
/* Tells the host; `path` may be NULL. */
void vpn__wg_tell(vpn_wg *wg, uint32_t type, struct vpn__peer *peer, const vpn_path *path);

/* --- peer.c --- */
static inline struct vpn__peer *vpn__wg_peer(const vpn_wg *wg, uint32_t slot)
{
    return (struct vpn__peer *)vpn__slab_at(&wg->peers, slot);
}
static inline uint32_t vpn__peer_slot(const struct vpn__peer *peer)
{
    return (uint32_t)peer->id;
}
/* NULL when the id names no peer. */
struct vpn__peer *vpn__wg_find(const vpn_wg *wg, vpn_peer_id id);
/* Computes static-static if that is due. 0 or VPN_EKEY. */
int vpn__peer_agree(vpn_wg *wg, struct vpn__peer *peer);
void vpn__peer_remove(vpn_wg *wg, struct vpn__peer *peer);
/* An authentic packet came along `path`: follow it as the peer's policy says. */
void vpn__peer_roam(vpn_wg *wg, struct vpn__peer *peer, const vpn_path *path);
void vpn__peer_forget_source(struct vpn__peer *peer);

/* --- keys.c --- */
/* Takes a fresh receiver index and a session slot and fills it from a complete handshake, which is wiped. The index of
   `handshake` is kept when it already has one (initiator). NULL: `*error` is VPN_ENOMEM or VPN_ERANDOM. */
struct vpn_session *vpn__keys_session(vpn_wg *wg, struct vpn__peer *peer, struct vpn__handshake *handshake, int *error);
/* Draws a receiver index that is not in use and enters it. 0, VPN_ENOMEM or VPN_ERANDOM. */
int vpn__keys_index(vpn_wg *wg, const struct vpn__peer *peer, uint32_t *index);
/* Retires what a move put out of the ring; `wiped`: packets in flight are dropped. */
void vpn__keys_retire(vpn_wg *wg, struct vpn__keyring_out out, int wiped);
void vpn__keys_unpin(vpn_wg *wg, struct vpn_session *session);
/* Ends our handshake in progress; its index goes unless `keep_index`. */
void vpn__keys_end_handshake(vpn_wg *wg, struct vpn__peer *peer, int keep_index);
/* Wipes the handshake and all keys of a peer. */
void vpn__keys_wipe(vpn_wg *wg, struct vpn__peer *peer);

/* --- emit.c: messages of our own --- */
/* Each writes to packet->data + packet->offset, sets the path and the verdict VPN_TO_NET, and returns 0 or a VPN_REASON_*;
   then nothing was written. */
uint8_t vpn__emit_initiation(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet);
uint8_t vpn__emit_keepalive(vpn_wg *wg, struct vpn__peer *peer, vpn_packet *packet);
/* Something was sent under current: is it time for new keys? */
void vpn__emit_rekey(vpn_wg *wg, struct vpn__peer *peer);
/* Fills the fields of a packet that goes to a peer's endpoint. */
void vpn__emit_address(const struct vpn__peer *peer, vpn_packet *packet, uint8_t type, uint32_t length, uint8_t tos);

/* --- receive.c: handshake messages --- */
void vpn__receive_handshake(vpn_wg *wg, vpn_packet *packet, uint8_t type, int admitted);
/* Under next a first valid message came, or a response: the session carries data now. */
void vpn__receive_up(vpn_wg *wg, struct vpn__peer *peer);

/* --- tick.c --- */
/* After anything that may have changed a peer's deadline. */
void vpn__tick_schedule(vpn_wg *wg, const struct vpn__peer *peer);
/* At the end of every call that may have changed a deadline: makes the first one exact. */
void vpn__tick_settle(vpn_wg *wg);

#endif
