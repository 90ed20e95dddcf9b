/* SPDX-License-Identifier: ISC */
#include "selector.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "out.h"

static const struct {
    const char *name;
    uint8_t number;
} protocols[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmp6", 58}, {"sctp", 132}, {"gre", 47}, {"esp", 50}};

enum { PROTOCOLS = sizeof protocols / sizeof protocols[0] };

const char *selector_protocol(uint8_t protocol)
{
    for (int i = 0; i < PROTOCOLS; i++) {
        if (protocols[i].number == protocol)
            return protocols[i].name;
    }
    return NULL;
}

/* All words in one line. */
static int join(char room[SELECTOR_ROOM], char **words, int count)
{
    size_t length = 0;

    for (int i = 0; i < count; i++) {
        size_t more = strlen(words[i]);

        if (more >= SELECTOR_ROOM - 1 - length)
            return out_error("the selector is too long");
        memcpy(room + length, words[i], more);
        length += more;
        room[length++] = ' ';
    }
    room[length] = '\0';
    return 0;
}

static int read_to(vpn_selector *out, const char *text)
{
    vpn_prefix to;

    if (vpn_prefix_parse(&to, text, strlen(text)) != 0 || strchr(text, '/') != NULL)
        return out_error("'to' is followed by an address, not '%s'", text);
    out->family = to.family;
    memcpy(out->to, to.addr, sizeof out->to);
    return 0;
}

static int read_user(vpn_selector *out, const char *text)
{
    const struct passwd *entry;

    out->has_uid = 1;
    if (text[0] >= '0' && text[0] <= '9')
        return options_number("uid", text, UINT32_MAX, &out->uid);
    entry = getpwnam(text);
    if (entry == NULL)
        return out_error("there is no user '%s'", text);
    out->uid = (uint32_t)entry->pw_uid;
    return 0;
}

static int read_port(vpn_selector *out, const char *text)
{
    uint32_t port;

    if (options_number("port", text, UINT16_MAX, &port) != 0)
        return -1;
    out->port = (uint16_t)port;
    return 0;
}

static int read_protocol(vpn_selector *out, const char *text)
{
    uint32_t number;

    if (options_number("proto", text, UINT8_MAX, &number) != 0)
        return -1;
    out->protocol = (uint8_t)number;
    return 0;
}

/* A word that something follows. 0, -1 after a message, or 1: no such word. */
static int read_pair(vpn_selector *out, const char *word, const char *value)
{
    static const char *const words[] = {"to", "port", "proto", "uid", "cgroup", "mark"};
    size_t i;

    for (i = 0; i < sizeof words / sizeof words[0] && strcmp(words[i], word) != 0;)
        i++;
    if (i == sizeof words / sizeof words[0])
        return 1;
    if (value == NULL)
        return out_error("something is missing behind '%s'", word);
    switch (i) {
    case 0:
        return read_to(out, value);
    case 1:
        return read_port(out, value);
    case 2:
        return read_protocol(out, value);
    case 3:
        return read_user(out, value);
    case 4:
        out->cgroup = value[0] == '/' ? value + 1 : value;
        return 0;
    default:
        return options_number("mark", value, UINT32_MAX, &out->mark);
    }
}

/* A word that stands alone. "from" reads well before "uid". */
static int read_alone(vpn_selector *out, const char *word)
{
    for (int i = 0; i < PROTOCOLS; i++) {
        if (strcmp(protocols[i].name, word) == 0) {
            out->protocol = protocols[i].number;
            return 0;
        }
    }
    return strcmp(word, "from") == 0 ? 0 : out_error("the selector has no word '%s'", word);
}

/* Cuts the line into words. Their number. */
static int split(char *line, char *word[SELECTOR_ROOM / 2])
{
    int count = 0;

    for (char *c = line; *c != '\0'; c++) {
        if (*c == ' ' || *c == '\t')
            *c = '\0';
        else if (c == line || c[-1] == '\0')
            word[count++] = c;
    }
    return count;
}

int selector_read(vpn_selector *out, char room[SELECTOR_ROOM], char **words, int count)
{
    static char *word[SELECTOR_ROOM / 2];
    int found;

    *out = (vpn_selector){.family = 0};
    if (join(room, words, count) != 0)
        return -1;
    found = split(room, word);
    for (int i = 0; i < found; i++) {
        int result = read_pair(out, word[i], i + 1 < found ? word[i + 1] : NULL);

        if (result < 0 || (result == 1 && read_alone(out, word[i]) != 0))
            return -1;
        i += result == 0;
    }
    return out->family != 0 ? 0 : out_error("where does the packet go? 'to ADDRESS' tells");
}
