/* SPDX-License-Identifier: ISC */
/* Threads that encrypt and decrypt, and batches that come back from them in the order in which they were given. */
#ifndef TUNNEL_CREW_H
#define TUNNEL_CREW_H

#include "platform.h"

/* Packets that one thread takes at a time: enough for ciphers that work on many side by side. */
#define CREW_PART 32

/* Batches that there are, on their way or being filled, and so the most threads that could have something to do at once. */
#define CREW_BATCHES 16
#define CREW_MOST    (CREW_BATCHES * BATCH / CREW_PART)

/* Packets that are begun together and ended together. */
typedef struct batch {
    vpn_packet packets[BATCH];
    size_t count;
    uint8_t *area; /* packets to send, one behind the other; nothing outlives its batch */
    size_t used;   /* bytes of it */
    size_t slots;  /* messages from the sockets whose last datagram is in here */

    struct batch *next; /* of those on their way, or of those that are free */
    size_t taken;       /* the crew's: packets that somebody works on, and those that are done */
    size_t finished;
} batch;

typedef struct crew crew;

/* A crew of so many threads, none of which runs yet. NULL: no memory or no descriptors. */
crew *crew_new(unsigned threads, const vpn_provider *provider);
/* Ends the threads. Nothing may be on its way. */
void crew_free(crew *c);
/* Starts the threads, which block all signals and have what the caller has; returns when all of them run. 0, or -1 with the
   reason in the log. */
int crew_start(crew *c);
/* A descriptor that is readable after the bell rang, and what empties it. */
int crew_bell(const crew *c);
void crew_hush(crew *c);

/* Nothing is on its way. */
int crew_is_idle(const crew *c);
/* Sends a batch on its way, of which begin said how many packets are pending. It stays the crew's until it comes back. */
void crew_give(crew *c, batch *b, size_t pending);
/* The batch that was given first, once it is finished; NULL while it is not, or there is none. */
batch *crew_collect(crew *c);
/* The same, and works on it and waits for it if it must. NULL: there is none. */
batch *crew_wait(crew *c);

/* What crew_idle found. */
#define CREW_BACK   0 /* the oldest batch is finished: collect it */
#define CREW_HELPED 1 /* the caller has done a part of the work itself */
#define CREW_AWAY   2 /* all parts are taken; the bell rings when the oldest batch is finished */

/* For a caller that has nothing else to do, while something is on its way. */
int crew_idle(crew *c);

#endif
