/* SPDX-License-Identifier: ISC */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

void facts_init(facts *f)
{
    *f = (facts){.host = {.size = sizeof f->host}};
}

void facts_free(facts *f)
{
    free(f->links);
    free(f->addresses);
    free(f->routes);
    free(f->rules);
    free(f->resolvers);
    facts_init(f);
}

/* Room for one more than `count`; lists double at powers of two. */
static void *grown(void *list, size_t count, size_t each)
{
    if ((count & (count - 1)) != 0)
        return list;
    if (count > SIZE_MAX / 2 / each)
        return NULL;
    return realloc(list, (count == 0 ? 1 : count * 2) * each);
}

vpn_host_link *facts_link(facts *f)
{
    vpn_host_link *list = grown(f->links, f->host.link_count, sizeof *list);

    if (list == NULL)
        return NULL;
    f->links = list;
    f->host.links = list;
    list[f->host.link_count] = (vpn_host_link){.index = 0};
    return &list[f->host.link_count++];
}

vpn_host_address *facts_address(facts *f)
{
    vpn_host_address *list = grown(f->addresses, f->host.address_count, sizeof *list);

    if (list == NULL)
        return NULL;
    f->addresses = list;
    f->host.addresses = list;
    list[f->host.address_count] = (vpn_host_address){.link = 0};
    return &list[f->host.address_count++];
}

vpn_host_route *facts_route(facts *f)
{
    vpn_host_route *list = grown(f->routes, f->host.route_count, sizeof *list);

    if (list == NULL)
        return NULL;
    f->routes = list;
    f->host.routes = list;
    list[f->host.route_count] = (vpn_host_route){.link = 0};
    return &list[f->host.route_count++];
}

vpn_rule *facts_rule(facts *f)
{
    vpn_rule *list = grown(f->rules, f->host.rule_count, sizeof *list);

    if (list == NULL)
        return NULL;
    f->rules = list;
    f->host.rules = list;
    list[f->host.rule_count] = (vpn_rule){.suppress = -1};
    return &list[f->host.rule_count++];
}

vpn_host_resolver *facts_resolver(facts *f)
{
    vpn_host_resolver *list = grown(f->resolvers, f->host.resolver_count, sizeof *list);

    if (list == NULL)
        return NULL;
    f->resolvers = list;
    f->host.resolvers = list;
    list[f->host.resolver_count] = (vpn_host_resolver){.link = 0};
    return &list[f->host.resolver_count++];
}

/* vpn_prefix_parse clears what is past the length, so the address is read alone and the length with it. */
int facts_prefix(vpn_prefix *out, const char *text, size_t length)
{
    const char *slash = memchr(text, '/', length);
    vpn_prefix whole;
    int error = vpn_prefix_parse(&whole, text, length);

    if (error != 0)
        return error;
    error = vpn_prefix_parse(out, text, slash == NULL ? length : (size_t)(slash - text));
    out->bits = whole.bits;
    return error;
}
