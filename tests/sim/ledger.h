/* SPDX-License-Identifier: ISC */
/* Every inner packet that was ever sent: who may get it, and whether it was had. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <vpn/base.h>

#define LEDGER_LARGEST 2000
#define LEDGER_LEAST   64 /* room for an IPv6 header, the marker and the number */

struct ledger;

/* One inner packet. */
struct letter {
    vpn_time sent;   /* last handed to the network; 0: not yet */
    uint16_t source; /* whose inner address it bears */
    uint16_t target; /* whose inner address it is for */
    uint16_t from;   /* the host that sent it */
    uint16_t to;     /* the host whose key it was sealed to, once sent */
    uint16_t length;
    uint8_t family;
    uint8_t delivered;
};

/* `marker`: 8 bytes that every inner packet repeats. */
struct ledger *ledger_new(const uint8_t marker[8]);
void ledger_free(struct ledger *ledger);
/* Writes an inner packet of letter->length bytes and remembers it; returns its number. */
uint64_t ledger_write(struct ledger *ledger, const struct letter *letter, uint8_t *out);
/* The letter that bytes are, whole and unchanged, with its number; NULL when nobody wrote it. */
struct letter *ledger_read(struct ledger *ledger, const uint8_t *bytes, size_t length, uint64_t *number);
struct letter *ledger_at(struct ledger *ledger, uint64_t number);
uint64_t ledger_count(const struct ledger *ledger);
/* Whose inner address it is: 10.0.H.L or fd00::H:L. */
void ledger_address(uint8_t family, uint32_t host, uint8_t out[16]);

#endif
