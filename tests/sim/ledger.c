/* SPDX-License-Identifier: ISC */
/* A packet is its letter: header, number and filling are made from it again to compare, so nothing but letters is kept. */
#include "sim/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "sim/report.h"

struct ledger {
    struct letter *letters;
    size_t count, room;
    uint8_t marker[8];
};

struct ledger *ledger_new(const uint8_t marker[8])
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    MUST(ledger != NULL);
    memcpy(ledger->marker, marker, 8);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->letters);
    free(ledger);
}

void ledger_address(uint8_t family, uint32_t host, uint8_t out[16])
{
    memset(out, 0, 16);
    out[0] = family == 4 ? 10 : 0xfd;
    uint8_t *end = out + (family == 4 ? 2 : 14);
    end[0] = (uint8_t)(host >> 8);
    end[1] = (uint8_t)host;
}

static void put64(uint8_t *p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static void write_head(const struct letter *letter, uint8_t *out)
{
    uint8_t source[16], target[16];
    uint32_t length = letter->length;
    ledger_address(letter->family, letter->source, source);
    ledger_address(letter->family, letter->target, target);
    memset(out, 0, 40);
    if (letter->family == 4) {
        out[0] = 0x45;
        out[2] = (uint8_t)(length >> 8);
        out[3] = (uint8_t)length;
        out[8] = 64;
        out[9] = 253; /* for experiments, RFC 3692 */
        memcpy(out + 12, source, 4);
        memcpy(out + 16, target, 4);
    } else {
        out[0] = 0x60;
        out[4] = (uint8_t)((length - 40) >> 8);
        out[5] = (uint8_t)(length - 40);
        out[6] = 253;
        out[7] = 64;
        memcpy(out + 8, source, 16);
        memcpy(out + 24, target, 16);
    }
}

static void write_letter(const struct ledger *ledger, const struct letter *letter, uint64_t number, uint8_t *out)
{
    write_head(letter, out);
    put64(out + 40, number);
    for (uint32_t i = 48; i < letter->length; i += 8) {
        uint8_t piece[8];
        memcpy(piece, ledger->marker, 8);
        if (i / 8 % 4 == 3)
            put64(piece, number * UINT64_C(0x9e3779b97f4a7c15) + i);
        memcpy(out + i, piece, letter->length - i < 8 ? letter->length - i : 8);
    }
}

uint64_t ledger_write(struct ledger *ledger, const struct letter *letter, uint8_t *out)
{
    MUST(letter->length >= LEDGER_LEAST && letter->length <= LEDGER_LARGEST);
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room == 0 ? 1024 : ledger->room * 2;
        ledger->letters = realloc(ledger->letters, ledger->room * sizeof *ledger->letters);
        MUST(ledger->letters != NULL);
    }
    size_t number = ledger->count++;
    ledger->letters[number] = *letter;
    write_letter(ledger, letter, number, out);
    return number;
}

struct letter *ledger_read(struct ledger *ledger, const uint8_t *bytes, size_t length, uint64_t *number)
{
    uint8_t want[LEDGER_LARGEST + 8];
    if (length < LEDGER_LEAST || length > LEDGER_LARGEST)
        return NULL;
    *number = 0;
    for (int i = 0; i < 8; i++)
        *number |= (uint64_t)bytes[40 + i] << (8 * i);
    if (*number >= ledger->count || ledger->letters[*number].length != length)
        return NULL;
    write_letter(ledger, &ledger->letters[*number], *number, want);
    return memcmp(want, bytes, length) == 0 ? &ledger->letters[*number] : NULL;
}

struct letter *ledger_at(struct ledger *ledger, uint64_t number)
{
    MUST(number < ledger->count);
    return &ledger->letters[number];
}

uint64_t ledger_count(const struct ledger *ledger)
{
    return ledger->count;
}
