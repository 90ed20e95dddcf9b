/* SPDX-License-Identifier: ISC */
/* How a run ends badly: what was broken, in which world, and the command that plays that world again alone. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdint.h>

/* What was asked for on the command line. */
struct options {
    uint64_t seed;   /* of the first world */
    uint64_t seeds;  /* how many worlds, one after the other */
    uint64_t events; /* of a world before it heals */
    int fresh;       /* 1: the first seed was drawn */
    int endless;     /* 1: worlds until stopped */
    int trace;       /* 1: each event is printed */
    int fault;       /* FAULT_* that the simulator commits itself; 0: none */
};

/* Lies that the simulator tells itself on demand, so that each invariant is seen to fail. */
enum {
    FAULT_NONE,
    FAULT_TWICE,     /* a delivery is reported twice */
    FAULT_INVENTED,  /* a delivery of something that nobody sent */
    FAULT_CHANGED,   /* a delivery with one bit changed */
    FAULT_PEER,      /* a delivery in the name of another peer */
    FAULT_SOURCE,    /* a delivery whose source the peer may not use */
    FAULT_NONCE,     /* a nonce is used again */
    FAULT_PLAINTEXT, /* a part of an inner packet leaves in the clear */
    FAULT_KEY,       /* a part of a private key leaves */
    FAULT_SESSION,   /* a part of a session key leaves */
    FAULT_MEMORY,    /* the device's memory grows */
    FAULT_LEAK,      /* a device that is freed keeps some */
    FAULT_SESSIONS,  /* the device's table of sessions grows */
    FAULT_STUCK,     /* two hosts stay apart when the network heals */
    FAULT_CHATTER,   /* an idle host goes on sending */
    FAULT_SPIN,      /* a deadline stays in the past */
    FAULT_CRASH,     /* the program aborts */
    FAULTS
};

extern const char *const fault_names[FAULTS];

/* Sets what a report says; `now` and `events` point into the world. */
void report_begin(const char *program, const struct options *options, uint64_t seed, const uint64_t *now,
                  const uint64_t *events);
/* The world is still alive: the watchdog starts anew. */
void report_alive(void);

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
_Noreturn void
report_fail(const char *format, ...);

/* Fails with its own text when `condition` does not hold. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            report_fail("%s:%d: %s", __FILE__, __LINE__, #condition);                                                  \
    } while (0)

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void trace(const char *format, ...);
extern int trace_on;
#define TRACE(...)                                                                                                     \
    do {                                                                                                               \
        if (trace_on)                                                                                                  \
            trace(__VA_ARGS__);                                                                                        \
    } while (0)

#endif
