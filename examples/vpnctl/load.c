/* SPDX-License-Identifier: ISC */
#include "load.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "file.h"
#include "out.h"

static void tell_error(const char *path, const vpn_conf_error *e, int error)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    const char *why = e->why[0] == '\0' ? vpn_strerror(error) : e->why;
    const char *colon = e->key[0] == '\0' ? "" : ": ";

    if (e->line == 0)
        (void)out_error("%s: %s%s%s", name, e->key, colon, why);
    else if (e->column == 0)
        (void)out_error("%s:%u: %s%s%s", name, e->line, e->key, colon, why);
    else
        (void)out_error("%s:%u:%u: %s%s%s", name, e->line, e->column, e->key, colon, why);
}

/* As wg-quick does: a file with keys is no matter of others. */
static void warn_of_world(const char *path, const file *text, const vpn_conf *conf)
{
    int secret = (conf->set & VPN_CONF_SET_PRIVATE_KEY) != 0;

    for (size_t i = 0; i < conf->peer_count; i++)
        secret |= !vpn_key_is_zero(conf->peers[i].preshared_key);
    if (text->world_readable && secret)
        out_warn("others can read %s, which holds keys", path);
}

int load_parse(vpn_conf **out, const char *path, const file *text)
{
    vpn_conf_error why = {.error = 0};
    int error = vpn_conf_parse(out, text->text, text->length, NULL, &why);

    if (error == 0)
        warn_of_world(path, text, *out);
    else
        tell_error(path, &why, error);
    return error == 0 ? 0 : -1;
}

int load_conf(vpn_conf **out, char path[FILE_PATH_MAX], const char *word)
{
    file text;
    int result;

    *out = NULL;
    if (file_of_name(path, word) != 0 || file_read(&text, path, VPN_CONF_TEXT_MAX) != 0)
        return -1;
    result = load_parse(out, path, &text);
    file_free(&text);
    return result;
}

int load_name(char name[VPN_IFNAME_CHARS], const options *o, const char *word)
{
    const char *base = strrchr(word, '/');
    size_t length;

    base = base == NULL ? word : base + 1;
    base = o->value[OPTION_INTERFACE] == NULL ? base : o->value[OPTION_INTERFACE];
    length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".conf") == 0)
        length -= 5;
    if (length == 0 || length >= VPN_IFNAME_CHARS || strcmp(base, "-") == 0)
        return out_error("'%s' cannot name an interface; --interface does", base);
    memset(name, 0, VPN_IFNAME_CHARS);
    memcpy(name, base, length);
    return 0;
}

static void put_address(vpn_endpoint *out, const struct addrinfo *found, uint16_t port)
{
    *out = (vpn_endpoint){.port = port};
    if (found->ai_family == AF_INET && found->ai_addrlen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in four;

        memcpy(&four, found->ai_addr, sizeof four);
        out->family = 4;
        memcpy(out->addr, &four.sin_addr, 4);
    } else if (found->ai_family == AF_INET6 && found->ai_addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 six;

        memcpy(&six, found->ai_addr, sizeof six);
        out->family = 6;
        out->scope = six.sin6_scope_id;
        memcpy(out->addr, &six.sin6_addr, 16);
    }
}

void load_endpoint(vpn_endpoint *out, const vpn_conf_peer *peer)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(peer->host, NULL, &hints, &found);

    if (error != 0)
        out_warn("cannot look up %s: %s", peer->host, gai_strerror(error));
    else
        put_address(out, found, peer->endpoint.port);
    if (found != NULL)
        freeaddrinfo(found);
}

/* An endpoint that is a name and is not looked up keeps the family 0. */
static int find_endpoints(loaded *l, const options *o)
{
    l->endpoints = calloc(l->conf->peer_count + 1, sizeof *l->endpoints);
    if (l->endpoints == NULL)
        return out_error("out of memory");
    for (size_t i = 0; i < l->conf->peer_count; i++) {
        const vpn_conf_peer *peer = &l->conf->peers[i];

        l->endpoints[i] = peer->endpoint;
        if (peer->host != NULL && peer->endpoint.family == 0 && o->value[OPTION_NO_LOOKUP] == NULL)
            load_endpoint(&l->endpoints[i], peer);
    }
    return 0;
}

static int has_hooks(const vpn_conf *c)
{
    return c->pre_up_count + c->post_up_count + c->pre_down_count + c->post_down_count > 0;
}

static int make_plan(loaded *l, const options *o)
{
    vpn_policy policy = {.size = sizeof policy, .conf = l->conf, .host = &l->facts.host, .endpoints = l->endpoints};
    int error;

    memcpy(policy.name, l->name, sizeof policy.name);
    if (o->value[OPTION_LINK_EXISTS] != NULL)
        policy.flags |= VPN_POLICY_LINK_EXISTS;
    if (o->value[OPTION_ALLOW_HOOKS] != NULL)
        policy.flags |= VPN_POLICY_HOOKS;
    else if (has_hooks(l->conf) && (o->command->takes & TAKES(OPTION_ALLOW_HOOKS)) != 0)
        out_warn("the hooks in %s are left out without --allow-hooks", l->path);
    error = vpn_plan_new(&l->plan, &policy, NULL);
    if (error == VPN_EEXIST)
        return out_error("the interface %s is there already; --link-exists plans around it", l->name);
    if (error == VPN_ENOENT)
        return out_error("--link-exists: there is no interface %s", l->name);
    if (error == VPN_EINVAL)
        return out_error("cannot plan: '%s' cannot name an interface, or a fact is outside its range", l->name);
    return error == 0 ? 0 : out_error("cannot plan: %s", vpn_strerror(error));
}

/* A command that only looks may be asked about a tunnel that is up; one that changes something may not. */
static void forget_running(loaded *l, const options *o)
{
    if ((o->command->takes & TAKES(OPTION_ALLOW_HOOKS)) == 0 && o->value[OPTION_LINK_EXISTS] == NULL)
        (void)facts_forget(&l->facts, l->name);
}

int load_rest(loaded *out, const options *o)
{
    const char *path = o->value[OPTION_FACTS];

    facts_init(&out->facts);
    if (find_endpoints(out, o) != 0)
        return -1;
    if ((path == NULL ? facts_gather(&out->facts) : facts_read(&out->facts, path)) != 0)
        return -1;
    forget_running(out, o);
    return make_plan(out, o);
}

int load(loaded *out, const options *o, const char *word)
{
    *out = (loaded){.plan = NULL};
    if (load_conf(&out->conf, out->path, word) != 0 || load_name(out->name, o, word) != 0)
        return -1;
    return load_rest(out, o);
}

void load_free(loaded *l)
{
    vpn_plan_free(l->plan);
    facts_free(&l->facts);
    free(l->endpoints);
    vpn_conf_free(l->conf);
    *l = (loaded){.plan = NULL};
}
