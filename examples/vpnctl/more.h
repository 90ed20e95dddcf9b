/* SPDX-License-Identifier: ISC */
/*
 * What libvpn's daemons tell beyond wg(8), in lines whose keys begin with "libvpn_". All that vpnctl knows of such a key is a
 * line of the table in more.c: how its value is checked, and how it is shown. vpn-tunnel(8) says what each means.
 */
#ifndef VPNCTL_MORE_H
#define VPNCTL_MORE_H

#include <stddef.h>
#include <stdint.h>

enum more_kind {
    MORE_NUMBER,
    MORE_BYTES,
    MORE_FLAG,   /* 0 or 1 */
    MORE_SPAN,   /* seconds that something takes */
    MORE_AGE,    /* seconds since something was */
    MORE_TEXT,   /* for a terminal */
    MORE_DROP,   /* "COUNT REASON" */
    MORE_MOVE,   /* "SECONDS-SINCE-1970 FROM TO" */
    MORE_LOADED, /* "COUNT BEGAN ENDED", seconds since 1970 */
    MORE_COUNTED /* "PACKETS BYTES WHAT" */
};

#define MORE_DEVICE 1u /* stands before the first peer */
#define MORE_PEER   2u /* stands behind a public_key */
#define MORE_MANY   4u /* may be there more than once */
#define MORE_ALARM  8u /* shown in red, unless it is 0 */

typedef struct more_key {
    const char *name; /* behind "libvpn_"; also the name in JSON */
    enum more_kind kind;
    unsigned flags;
    const char *label; /* in text; NULL: not there, since another key says the same and more */
    const char *field; /* `vpnctl show IF FIELD`, which prints all keys of that field; NULL: none */
} more_key;

/* Key number `i`, or NULL behind the last. */
const more_key *more_at(size_t i);
/* The number of a key, which is text of `length`, "libvpn_" included; -1: not known, or not in this place (MORE_DEVICE or MORE_PEER). */
int more_find(const char *key, size_t length, unsigned place);
/* NULL, or what is wrong with a value. */
const char *more_check(enum more_kind kind, const char *value, size_t length);

/* The parts of a value that was checked. */
uint64_t more_number(const char *value);
/* What stands behind so many blanks. */
const char *more_word(const char *value, unsigned blanks);

#endif
