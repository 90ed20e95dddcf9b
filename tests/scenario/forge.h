/* SPDX-License-Identifier: ISC */
/*
 * A WireGuard party written out by hand from the whitepaper (section 5.4), on the library's primitives alone. It has no
 * rules, timers or limits of its own, so a test can send with it what no honest party sends.
 */
#ifndef SCENARIO_FORGE_H
#define SCENARIO_FORGE_H

#include <vpn/vpn.h>

struct forger {
    uint64_t seed;
    uint8_t private_key[32], public_key[32], psk[32];
    uint8_t remote[32]; /* static public key of the other party */
    uint8_t ephemeral[32], remote_ephemeral[32];
    uint8_t chain[32], hash[32];
    uint8_t send[32], receive[32];
    uint8_t cookie[16], last_mac1[16];
    int has_cookie;
    int weak_static;    /* 1: public_key is of low order, and all that is agreed with it is zero */
    int weak_ephemeral; /* 1: likewise `point`, which goes out as the ephemeral key */
    uint8_t point[32];
    uint32_t index, remote_index; /* of the session: ours and theirs */
    uint64_t counter;
    vpn_endpoint at;
};

/* A party with a key of its own, at 198.51.100.N:1000. */
void forge_new(struct forger *f, uint64_t seed, uint8_t n);
void forge_bytes(struct forger *f, uint8_t *out, size_t bytes);

/* TAI64N of a wall-clock time, rounded down to 2^24 ns. */
void forge_stamp(uint8_t out[12], uint64_t seconds, uint32_t nanoseconds);

/* Adds mac1, and mac2 when a cookie is held. */
void forge_macs(struct forger *f, uint8_t *message, size_t length);

/* 5.4.2. The index is drawn anew. */
void forge_initiation(struct forger *f, uint8_t out[148], const uint8_t remote[32], const uint8_t stamp[12]);

/* An initiation that names any static key, which needs no private key: sealed under es alone; the time stamp's seal fails. */
void forge_claim(struct forger *f, uint8_t out[148], const uint8_t remote[32], const uint8_t claimed[32]);

/* 5.4.2, the reader; 0 when authentic. */
int forge_read_initiation(struct forger *f, const uint8_t message[148], uint8_t stamp[12]);

/* 5.4.3: answers the initiation that was read; the keys are those of a responder then. */
void forge_response(struct forger *f, uint8_t out[92]);

/* 5.4.3, the reader; 0 when authentic, and the keys are those of an initiator then. */
int forge_read_response(struct forger *f, const uint8_t message[92]);

/* 5.4.7: a cookie reply to a message of ours to them. */
void forge_cookie_reply(struct forger *f, uint8_t out[64], const uint8_t *message, size_t length,
                        const uint8_t cookie[16]);
int forge_read_cookie_reply(struct forger *f, const uint8_t message[64]);

/* 5.4.6: `length` bytes of text, sealed under `counter`; returns the length of the message. */
uint32_t forge_data(struct forger *f, uint8_t *out, uint64_t counter, const uint8_t *text, uint32_t length);

/* Opens a data message to us; the length of its text, or -1. */
int forge_open(const struct forger *f, const uint8_t *message, uint32_t length, uint8_t *text, uint64_t *counter);

uint32_t forge_le32(const uint8_t *p);
uint64_t forge_le64(const uint8_t *p);

#endif
