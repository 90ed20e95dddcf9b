/* SPDX-License-Identifier: ISC */
/* What plan, explain, audit, up and down begin with: the file, the addresses of its endpoints, the facts and the plan. */
#ifndef VPNCTL_LOAD_H
#define VPNCTL_LOAD_H

#include <vpn/vpn.h>

#include "command.h"
#include "facts.h"
#include "file.h"

typedef struct loaded {
    char path[FILE_PATH_MAX];    /* of the file */
    char name[VPN_IFNAME_CHARS]; /* of the interface */
    vpn_conf *conf;
    vpn_endpoint *endpoints; /* one for each peer */
    facts facts;
    vpn_plan *plan;
} loaded;

/* Reads the file that a word of the command line names; the caller frees it. 0, or -1 after a message with file, line and column. */
int load_conf(vpn_conf **out, char path[FILE_PATH_MAX], const char *word);
/* The same from text that was read; `path` is for messages. */
int load_parse(vpn_conf **out, const char *path, const file *text);
/* The interface is called what the file is called, unless --interface says otherwise. 0, or -1 after a message. */
int load_name(char name[VPN_IFNAME_CHARS], const options *o, const char *word);
/* Looks up the name of an endpoint. The family stays 0 after a warning. */
void load_endpoint(vpn_endpoint *out, const vpn_conf_peer *peer);
/* All that comes after the file, which `out` owns from now on. 0, or -1 after a message; either way load_free. */
int load_rest(loaded *out, const options *o);
/* All of it, for the file that `word` names. 0, or -1 after a message; either way load_free. */
int load(loaded *out, const options *o, const char *word);
void load_free(loaded *l);

#endif
