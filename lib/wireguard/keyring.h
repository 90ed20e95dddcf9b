/* SPDX-License-Identifier: ISC */
/* The three key slots of a peer and how sessions move through them. Pure: it never looks inside a session. */
#ifndef VPN_LIB_WIREGUARD_KEYRING_H
#define VPN_LIB_WIREGUARD_KEYRING_H

struct vpn_session;

struct vpn__keyring {
    struct vpn_session *previous; /* received under, until its age ends it */
    struct vpn_session *current;  /* sent and received under */
    struct vpn_session *next;     /* responder's: not yet confirmed by the initiator, received under only */
};

/* Sessions that a move put out of the ring; NULL where there is none. */
struct vpn__keyring_out {
    struct vpn_session *session[3];
};

/* A session that we initiated is confirmed by its response: it is current at once. */
struct vpn__keyring_out vpn__keyring_initiated(struct vpn__keyring *ring, struct vpn_session *fresh);
/* A session that we responded to waits in next for the initiator's first message. */
struct vpn__keyring_out vpn__keyring_responded(struct vpn__keyring *ring, struct vpn_session *fresh);
/* The first valid message under next came: next becomes current. */
struct vpn__keyring_out vpn__keyring_confirmed(struct vpn__keyring *ring);
/* Empties the ring. */
struct vpn__keyring_out vpn__keyring_clear(struct vpn__keyring *ring);

#endif
