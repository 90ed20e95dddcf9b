/* SPDX-License-Identifier: ISC */
/* Facts about the host: from the system, or from a file that --write-facts made. */
#ifndef VPNCTL_FACTS_H
#define VPNCTL_FACTS_H

#include <vpn/vpn.h>

/* The lists that can grow; `host` points to them. */
typedef struct facts {
    vpn_host host;
    vpn_host_link *links;
    vpn_host_address *addresses;
    vpn_host_route *routes;
    vpn_rule *rules;
    vpn_host_resolver *resolvers;
    size_t foreign_rules; /* of the host, that vpn_rule cannot say: by source, interface and so on */
} facts;

void facts_init(facts *f);
void facts_free(facts *f);

/* A new one at the end of its list, all zero; NULL when there is no memory. */
vpn_host_link *facts_link(facts *f);
vpn_host_address *facts_address(facts *f);
vpn_host_route *facts_route(facts *f);
vpn_rule *facts_rule(facts *f);
vpn_host_resolver *facts_resolver(facts *f);

/* Each gives 0, or -1 after a message; what was read stays in `f` until facts_free. */
int facts_gather(facts *f);                                                   /* all of it, from this host */
int facts_gather_resolvers(facts *f);                                         /* facts_gather calls it */
int facts_read(facts *f, const char *path);                                   /* JSON */
int facts_parse(facts *f, const char *name, const char *text, size_t length); /* JSON that ends with a NUL */
void facts_write(const facts *f);                                             /* JSON, to standard output */

/* Takes out a tunnel that is up, and what leads there. 1, or 0: there is no such link. */
int facts_forget(facts *f, const char *name);

/* "192.0.2.7/24", host bits kept. 0 or VPN_EFORMAT. */
int facts_prefix(vpn_prefix *out, const char *text, size_t length);

#endif
