/* SPDX-License-Identifier: ISC */
/* A command of vpnctl: what it takes and what runs it. A new command is a line in main.c and a function. */
#ifndef VPNCTL_COMMAND_H
#define VPNCTL_COMMAND_H

#include <stdint.h>

/* Exit statuses. */
enum { STATUS_FINE, STATUS_FOUND, STATUS_FAILED };

enum option {
    OPTION_JSON,
    OPTION_SHELL,
    OPTION_UNDO,
    OPTION_FACTS,
    OPTION_WRITE_FACTS,
    OPTION_ALLOW_HOOKS,
    OPTION_LINK_EXISTS,
    OPTION_NO_LOOKUP,
    OPTION_INTERFACE,
    OPTION_TO,
    OPTION_KEYS,
    OPTION_KIND,
    OPTION_FAMILY,
    OPTION_EXTRA,
    OPTION_PATH,
    OPTION_INNER,
    OPTION_TUNNEL,
    OPTION_VERBOSE,
    OPTION_KEEP_FILTER,
    OPTION_PEER,
    OPTION_TARGET,
    OPTION_PASSIVE,
    OPTION_ALL,
    OPTION_TIMEOUT,
    OPTION_COUNT
};

#define TAKES(option) (1u << (option))

struct command;

/* What stood behind the name of the command. */
typedef struct options {
    const struct command *command;
    const char *value[OPTION_COUNT]; /* NULL: not given; "" when the option has no value */
    char **words;                    /* the operands */
    int word_count;
} options;

typedef struct command {
    const char *name;
    const char *summary;  /* for the list of commands */
    const char *operands; /* for the usage line */
    const char *help;     /* more, after the usage line */
    uint32_t takes;       /* bits TAKES */
    int least;            /* operands */
    int most;             /* -1: any number */
    int (*run)(const options *o);
} command;

int command_audit(const options *o);
int command_convert(const options *o);
int command_diagnose(const options *o);
int command_down(const options *o);
int command_explain(const options *o);
int command_genkey(const options *o);
int command_genpsk(const options *o);
int command_mtu(const options *o);
int command_plan(const options *o);
int command_pubkey(const options *o);
int command_show(const options *o);
int command_up(const options *o);

#endif
