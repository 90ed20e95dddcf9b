/* SPDX-License-Identifier: ISC */
#include "more.h"

#include <stdlib.h>
#include <string.h>

#define BOTH (MORE_DEVICE | MORE_PEER)

/* In the order in which they are shown. */
static const more_key keys[] = {
    {"version", MORE_TEXT, MORE_DEVICE, "version", "version"},
    {"cipher", MORE_TEXT, MORE_DEVICE, "cipher", "cipher"},
    {"threads", MORE_NUMBER, MORE_DEVICE, "threads", "threads"},
    {"offload", MORE_TEXT, MORE_DEVICE, "offload", "offload"},
    {"memory", MORE_BYTES, MORE_DEVICE, "memory", NULL},
    {"under_load", MORE_FLAG, MORE_DEVICE | MORE_ALARM, "under load", "load"},
    {"load", MORE_LOADED, MORE_DEVICE, "was under load", "load"},
    {"policy", MORE_TEXT, MORE_PEER, "endpoint policy", NULL},
    {"padding", MORE_TEXT, MORE_PEER, "padding", NULL},
    {"expires", MORE_SPAN, MORE_PEER, "expires in", NULL},
    {"state", MORE_TEXT, MORE_PEER, "state", "state"},
    {"attempts", MORE_NUMBER, MORE_PEER | MORE_ALARM, "initiations without an answer", "state"},
    {"sessions", MORE_NUMBER, MORE_DEVICE, "sessions", "sessions"},
    {"handshakes", MORE_NUMBER, MORE_PEER, "handshakes", "sessions"},
    {"session_age", MORE_AGE, MORE_PEER, "session began", "sessions"},
    {"role", MORE_TEXT, MORE_PEER, "session as", "sessions"},
    {"received_age", MORE_AGE, MORE_PEER, "last received", "sessions"},
    {"mtu", MORE_NUMBER, MORE_PEER, "mtu", "path-mtu"},
    {"path_mtu", MORE_NUMBER, MORE_PEER, "path mtu", "path-mtu"},
    {"path_mtu_state", MORE_TEXT, MORE_PEER, "path mtu is", "path-mtu"},
    {"initiations_sent", MORE_NUMBER, MORE_DEVICE, "initiations sent", "handshakes"},
    {"initiations_received", MORE_NUMBER, MORE_DEVICE, "initiations received", "handshakes"},
    {"responses_sent", MORE_NUMBER, MORE_DEVICE, "responses sent", "handshakes"},
    {"responses_received", MORE_NUMBER, MORE_DEVICE, "responses received", "handshakes"},
    {"cookies_sent", MORE_NUMBER, MORE_DEVICE, "cookies sent", "handshakes"},
    {"cookies_received", MORE_NUMBER, MORE_DEVICE, "cookies received", "handshakes"},
    {"unknown_initiators", MORE_NUMBER, MORE_DEVICE, "initiations by strangers", "handshakes"},
    {"keepalives_sent", MORE_NUMBER, MORE_DEVICE, "keepalives sent", NULL},
    {"keepalives_received", MORE_NUMBER, MORE_DEVICE, "keepalives received", NULL},
    {"rx_packets", MORE_NUMBER, BOTH, "packets received", "packets"},
    {"tx_packets", MORE_NUMBER, BOTH, "packets sent", "packets"},
    {"events_lost", MORE_NUMBER, MORE_DEVICE, "events lost", NULL},
    {"unsent", MORE_NUMBER, MORE_DEVICE | MORE_ALARM, "not sent by the system", "losses"},
    {"refused", MORE_NUMBER, MORE_DEVICE | MORE_ALARM, "not taken by the system", "losses"},
    {"malformed", MORE_NUMBER, MORE_DEVICE | MORE_ALARM, "no packets, from the system", "losses"},
    {"drop", MORE_DROP, BOTH | MORE_MANY | MORE_ALARM, "dropped", "drops"},
    {"filter", MORE_TEXT, MORE_PEER | MORE_MANY, NULL, NULL},
    {"filter_count", MORE_COUNTED, MORE_PEER | MORE_MANY, "filter", "filter"},
    {"filter_default", MORE_TEXT, MORE_PEER, NULL, NULL},
    {"filter_default_count", MORE_COUNTED, MORE_PEER, "filter, the rest", "filter"},
    {"filter_flows", MORE_NUMBER, MORE_PEER, "flows, at most", "flows"},
    {"filter_flows_used", MORE_NUMBER, MORE_PEER, "flows", "flows"},
    {"filter_evicted", MORE_NUMBER, MORE_PEER, "flows that gave way", "flows"},
    {"filter_by", MORE_DROP, MORE_PEER | MORE_MANY, "decided by", NULL},
    {"filter_unanswered", MORE_NUMBER, MORE_DEVICE, "rejected in silence", NULL},
    {"netmap", MORE_TEXT, MORE_PEER | MORE_MANY, "netmap", "netmap"},
    {"netmap_drop", MORE_DROP, MORE_PEER | MORE_MANY | MORE_ALARM, "not translated", "netmap"},
    {"netmap_forged", MORE_NUMBER, MORE_DEVICE | MORE_ALARM, "under names of others", NULL},
    {"path_mtu_mode", MORE_TEXT, MORE_DEVICE, "path mtu by", NULL},
    {"clamp_mss", MORE_TEXT, MORE_DEVICE, "clamps the MSS", NULL},
    {"probe_address", MORE_TEXT, MORE_PEER | MORE_MANY, "probes", NULL},
    {"roams", MORE_NUMBER, MORE_PEER, "roamed, times", "roaming"},
    {"roamed", MORE_MOVE, MORE_PEER | MORE_MANY, "roamed", "roaming"},
};

#define KEYS (sizeof keys / sizeof keys[0])

const more_key *more_at(size_t i)
{
    return i < KEYS ? &keys[i] : NULL;
}

int more_find(const char *key, size_t length, unsigned place)
{
    if (length < 7 || memcmp(key, "libvpn_", 7) != 0)
        return -1;
    for (size_t i = 0; i < KEYS; i++) {
        if (strlen(keys[i].name) == length - 7 && memcmp(keys[i].name, key + 7, length - 7) == 0)
            return (keys[i].flags & place) != 0 ? (int)i : -1;
    }
    return -1;
}

/* A decimal number up to a blank or the end. Its length, or 0 when there is none of 64 bits. */
static size_t number_at(const char *value, size_t length)
{
    uint64_t number = 0;
    size_t i = 0;

    for (; i < length && value[i] != ' '; i++) {
        unsigned digit = (unsigned)(value[i] - '0');

        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return 0;
        number = number * 10 + digit;
    }
    return i;
}

/* Numbers and words, each of at least one character, with one blank between. */
static int has_parts(const char *value, size_t length, unsigned numbers, unsigned words)
{
    size_t at = 0;

    for (unsigned i = 0; i < numbers + words; i++) {
        const char *part = value + at;
        size_t left = length - at;
        const char *blank = memchr(part, ' ', left);
        size_t bytes = i < numbers ? number_at(part, left) : blank == NULL ? left : (size_t)(blank - part);

        if (bytes == 0 || (i + 1 < numbers + words ? at + bytes + 1 > length : at + bytes != length))
            return 0;
        at += bytes + 1;
    }
    return 1;
}

/* Two numbers, and what is left. */
static int is_counted(const char *value, size_t length)
{
    size_t first = number_at(value, length);
    size_t at = first + 1;
    size_t second = first == 0 || at >= length ? 0 : number_at(value + at, length - at);

    return second != 0 && at + second + 1 < length;
}

static int is_text(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (value[i] < ' ' || value[i] >= 127)
            return 0;
    }
    return length > 0;
}

const char *more_check(enum more_kind kind, const char *value, size_t length)
{
    if (!is_text(value, length))
        return "not text for a terminal";
    switch (kind) {
    case MORE_NUMBER:
    case MORE_BYTES:
    case MORE_SPAN:
    case MORE_AGE:
        return has_parts(value, length, 1, 0) ? NULL : "not a number";
    case MORE_FLAG:
        return length == 1 && (value[0] == '0' || value[0] == '1') ? NULL : "neither 0 nor 1";
    case MORE_TEXT:
        return NULL;
    case MORE_DROP:
        return has_parts(value, length, 1, 1) ? NULL : "not a number and a word";
    case MORE_MOVE:
        return has_parts(value, length, 1, 2) ? NULL : "not a time and two endpoints";
    case MORE_LOADED:
        return has_parts(value, length, 3, 0) ? NULL : "not three numbers";
    case MORE_COUNTED:
        return is_counted(value, length) ? NULL : "not two numbers and a word";
    }
    return "of no kind";
}

uint64_t more_number(const char *value)
{
    return strtoull(value, NULL, 10);
}

const char *more_word(const char *value, unsigned blanks)
{
    for (; blanks > 0; blanks--)
        value = strchr(value, ' ') + 1;
    return value;
}
