/* SPDX-License-Identifier: ISC */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

/* In the order of `enum option`. */
static const struct known {
    const char *name;
    const char *value; /* what the usage calls its value; NULL: it has none */
    const char *help;
} known[OPTION_COUNT] = {
    {"--json", NULL, "print JSON"},
    {"--shell", "SYSTEM", "print a shell script for `linux` or `macos`"},
    {"--undo", NULL, "the way down instead of the way up"},
    {"--facts", "FILE", "read the facts about the host from FILE, as --write-facts printed them"},
    {"--write-facts", NULL, "print the facts about this host as JSON, and do nothing else"},
    {"--allow-hooks", NULL, "the plan runs PreUp, PostUp, PreDown and PostDown"},
    {"--link-exists", NULL, "a daemon has made the interface already"},
    {"--no-lookup", NULL, "do not look up the names of endpoints"},
    {"--interface", "NAME", "the name of the interface, when it is not that of the file"},
    {"--to", "FORM", "vpn, wg-quick, wg, json or uapi"},
    {"--keys", NULL, "print secrets too"},
    {"--kind", "KIND", "udp, tcp or udp-tcp"},
    {"--family", "4|6", "of the outer network"},
    {"--extra", "BYTES", "IPv4 options or IPv6 extension headers in the outer packets"},
    {"--path", "BYTES", "path MTU: prints the inner MTU"},
    {"--inner", "BYTES", "inner MTU: prints the path MTU that it needs"},
    {"--tunnel", "PROGRAM", "the daemon that makes the interface; vpn-tunnel"},
    {"--verbose", NULL, "tell each operation once it is done"},
    {"--keep-filter", NULL, "leave the packet filter, so that nothing leaks until the next up"},
    {"--peer", "KEY", "which peer, by its public key"},
    {"--target", "ADDRESS", "somebody behind the peer who answers pings"},
    {"--passive", NULL, "send nothing, only look and listen"},
    {"--all", NULL, "go on after the first that is broken"},
    {"--timeout", "SECONDS", "how long to wait for a handshake; 6"},
};

static void print_help(const command *c)
{
    (void)printf("usage: vpnctl %s [OPTIONS]%s%s\n\n%c%s.\n%s\n", c->name, c->operands[0] == '\0' ? "" : " ",
                 c->operands, c->summary[0] - 'a' + 'A', c->summary + 1, c->help);
    for (int i = 0; i < OPTION_COUNT; i++) {
        char left[32];

        if ((c->takes & TAKES(i)) == 0)
            continue;
        (void)snprintf(left, sizeof left, "%s%s%s", known[i].name, known[i].value == NULL ? "" : " ",
                       known[i].value == NULL ? "" : known[i].value);
        (void)printf("  %-18s  %s\n", left, known[i].help);
    }
    (void)printf("  %-18s  %s\n", "--help", "print this text");
}

static int wrong(const command *c, const char *what, const char *detail)
{
    (void)fprintf(stderr, "vpnctl %s: %s%s%s\nTry 'vpnctl %s --help'.\n", c->name, what, detail == NULL ? "" : " ",
                  detail == NULL ? "" : detail, c->name);
    return OPTIONS_WRONG;
}

/* The option that a word names, with "--name" or "--name=value"; OPTION_COUNT: none that the command takes. */
static int option_named(const command *c, const char *word, const char **value)
{
    size_t length = strcspn(word, "=");

    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((c->takes & TAKES(i)) == 0 || strlen(known[i].name) != length || strncmp(known[i].name, word, length) != 0)
            continue;
        *value = word[length] == '=' ? word + length + 1 : NULL;
        return i;
    }
    return OPTION_COUNT;
}

/* Takes the option at argv[i], and its value. The last argument that was taken, or -1 after a message. */
static int option_take(options *out, int i, int argc, char **argv)
{
    const char *value = NULL;
    int option = option_named(out->command, argv[i], &value);

    if (option == OPTION_COUNT)
        return wrong(out->command, "unknown option", argv[i]), -1;
    if (known[option].value == NULL) {
        if (value != NULL)
            return wrong(out->command, "this option has no value:", known[option].name), -1;
        out->value[option] = "";
        return i;
    }
    if (value == NULL && ++i < argc)
        value = argv[i];
    if (value == NULL)
        return wrong(out->command, "a value is missing behind", known[option].name), -1;
    out->value[option] = value;
    return i;
}

int options_read(options *out, const command *c, int argc, char **argv)
{
    int only_words = 0;

    *out = (options){.command = c, .words = argv};
    for (int i = 1; i < argc; i++) {
        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[out->word_count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = 1;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(c);
            return OPTIONS_DONE;
        } else {
            i = option_take(out, i, argc, argv);
            if (i < 0)
                return OPTIONS_WRONG;
        }
    }
    if (out->word_count < c->least)
        return wrong(c, "something is missing:", c->operands);
    if (c->most >= 0 && out->word_count > c->most)
        return wrong(c, "one word too many:", out->words[c->most]);
    return OPTIONS_RUN;
}

int options_number(const char *what, const char *text, uint32_t max, uint32_t *out)
{
    char *end;
    unsigned long long value;
    int hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

    errno = 0;
    value = strtoull(text, &end, hex ? 16 : 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' || value > max)
        return out_error("%s is a number up to %u, not '%s'", what, max, text);
    *out = (uint32_t)value;
    return 0;
}
