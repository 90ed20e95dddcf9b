/* SPDX-License-Identifier: ISC */
/* vpnctl diagnose: why a tunnel does not work, layer by layer. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vpn/vpn.h>

#include "convert.h"
#include "diagnose_text.h"
#include "diagnosis.h"
#include "options.h"
#include "out.h"
#include "uapi_client.h"

enum { SECONDS = 6, SECONDS_MAX = 60 };

/* The daemon's own word in the place of a file. */
static int load_running(loaded *l, const options *o, const char *name)
{
    uapi_text request = {.text = NULL};
    uapi_text answer = {.text = NULL};
    uapi_text text = {.text = NULL};
    vpn_conf_error why;
    int result = -1;

    uapi_text_put(&request, "get=1\n\n");
    if (load_name(l->name, o, name) != 0)
        return -1;
    if (uapi_request(name, &request, &answer) != 0)
        (void)out_error("there is neither %s nor a daemon for %s", l->path, name);
    else if (convert_from_uapi(&text, name, answer.text, answer.length) == 0)
        result = vpn_conf_parse(&l->conf, text.text, text.length, NULL, &why);
    uapi_text_free(&request);
    uapi_text_free(&answer);
    uapi_text_free(&text);
    return result == 0 ? load_rest(l, o) : -1;
}

/* A name whose file is not there is one of an interface. */
static int load_either(diagnosis *d, const options *o)
{
    const char *word = o->words[0];

    if (file_of_name(d->l.path, word) != 0)
        return -1;
    d->has_file = access(d->l.path, F_OK) == 0 || strcmp(d->l.path, word) == 0;
    return d->has_file ? load(&d->l, o, word) : load_running(&d->l, o, word);
}

static vpn_prefix host_of(const vpn_prefix *prefix)
{
    vpn_prefix host = *prefix;

    host.bits = prefix->family == 4 ? 32 : 128;
    return host;
}

static int is_single(const vpn_prefix *prefix)
{
    return prefix->bits == (prefix->family == 4 ? 32 : 128);
}

/* How long the prefix of a peer is that holds an address; -1: none does. */
static int holds(const vpn_conf_peer *peer, const vpn_prefix *address)
{
    int best = -1;

    for (size_t i = 0; i < peer->allowed_ip_count; i++) {
        if (prefix_holds(&peer->allowed_ips[i], address) && peer->allowed_ips[i].bits > best)
            best = peer->allowed_ips[i].bits;
    }
    for (size_t i = 0; i < peer->netmap_count; i++) {
        const vpn_netmap_rule *rule = &peer->netmap[i];

        if (rule->whose == VPN_NETMAP_THEIRS && prefix_holds(&rule->inside, address) && rule->inside.bits > best)
            best = rule->inside.bits;
    }
    return best;
}

/* What this side calls some of the peer's addresses, which differ in the tunnel; NULL: nothing is renamed. */
static const vpn_prefix *renamed(const vpn_conf_peer *peer)
{
    for (size_t i = 0; i < peer->netmap_count; i++) {
        if (peer->netmap[i].whose == VPN_NETMAP_THEIRS)
            return &peer->netmap[i].inside;
    }
    return NULL;
}

static int find_key(diagnosis *d, const char *text)
{
    const vpn_conf *conf = d->l.conf;
    uint8_t key[VPN_KEY_BYTES];

    if (vpn_key_from_base64(key, text, strlen(text)) != 0)
        return out_error("--peer: not a public key");
    for (size_t i = 0; i < conf->peer_count; i++) {
        d->index = (uint32_t)i;
        if (memcmp(conf->peers[i].public_key, key, VPN_KEY_BYTES) == 0)
            return 0;
    }
    return out_error("there is no such peer in %s", d->has_file ? d->l.path : d->l.name);
}

static int find_target(diagnosis *d, const char *text)
{
    int best = -1;

    if (vpn_prefix_parse(&d->seen.target, text, strlen(text)) != 0 || !is_single(&d->seen.target))
        return out_error("--target is an address, not '%s'", text);
    for (size_t i = 0; i < d->l.conf->peer_count; i++) {
        int bits = holds(&d->l.conf->peers[i], &d->seen.target);

        if (bits > best)
            d->index = (uint32_t)i;
        best = bits > best ? bits : best;
    }
    return best >= 0 ? 0 : out_error("no peer has %s among its AllowedIPs", text);
}

/* The first peer that has no session, which is the one to ask about; else the first. */
static void find_quiet(diagnosis *d)
{
    device now;

    if (diagnosis_ask(&now, d->l.name, 0) == 0) {
        for (size_t i = d->l.conf->peer_count; i-- > 0;) {
            const device_peer *peer = device_peer_of(&now, d->l.conf->peers[i].public_key);

            if (peer == NULL || !device_peer_lives(peer))
                d->index = (uint32_t)i;
        }
    }
    device_free(&now);
}

/* Somebody behind the peer, when the command line names nobody. */
static void guess_target(diagnosis *d)
{
    const vpn_conf_peer *peer = &d->l.conf->peers[d->index];

    for (size_t i = 0; i < peer->allowed_ip_count && d->seen.target.family == 0; i++) {
        if (renamed(peer) == NULL && is_single(&peer->allowed_ips[i]))
            d->seen.target = peer->allowed_ips[i];
    }
    for (size_t i = 0; i < d->l.conf->dns_count && d->seen.target.family == 0; i++) {
        if (holds(peer, &d->l.conf->dns[i]) >= 0)
            d->seen.target = d->l.conf->dns[i];
    }
}

/* Whoever that would be: the first address of a prefix of the peer, or in the tunnel's own network when the peer has everything. */
static void guess_nudge(diagnosis *d)
{
    const vpn_conf *conf = d->l.conf;
    const vpn_conf_peer *peer = &conf->peers[d->index];
    const vpn_prefix *from = renamed(peer);

    d->nudge = d->seen.target;
    for (size_t i = 0; i < conf->address_count && from == NULL; i++) {
        if (!is_single(&conf->addresses[i]) && holds(peer, &conf->addresses[i]) >= 0)
            from = &conf->addresses[i];
    }
    for (size_t i = 0; i < peer->allowed_ip_count && from == NULL; i++) {
        if (peer->allowed_ips[i].bits >= 8)
            from = &peer->allowed_ips[i];
    }
    if (d->nudge.family != 0 || from == NULL)
        return;
    d->nudge = host_of(from);
    /* another one close by, inside the prefix */
    d->nudge.addr[from->family == 4 ? 3 : 15] ^= from->bits + 1 >= d->nudge.bits ? 1 : 3;
}

static int find_peer(diagnosis *d, const options *o)
{
    if (d->l.conf->peer_count == 0)
        return out_error("%s has no peers", d->has_file ? d->l.path : d->l.name);
    find_quiet(d);
    if (o->value[OPTION_TARGET] != NULL && find_target(d, o->value[OPTION_TARGET]) != 0)
        return -1;
    if (o->value[OPTION_PEER] != NULL && find_key(d, o->value[OPTION_PEER]) != 0)
        return -1;
    memcpy(d->seen.peer_key, d->l.conf->peers[d->index].public_key, VPN_KEY_BYTES);
    guess_target(d);
    guess_nudge(d);
    return 0;
}

static int is_broken(const vpn_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (checks[i].result == VPN_RESULT_BROKEN)
            return 1;
    }
    return 0;
}

/* 1: something is broken; 0; -1 after a message. */
static int walk(diagnosis *d, int json)
{
    static void (*const gather[VPN_LAYERS])(diagnosis * d) = {
        [VPN_LAYER_CONTROL] = gather_control,
        [VPN_LAYER_OUTER] = gather_outer,
        [VPN_LAYER_INTERFACE] = gather_interface,
        [VPN_LAYER_ROUTES] = gather_routes,
        [VPN_LAYER_FIREWALL] = gather_firewall,
        [VPN_LAYER_DNS] = gather_dns,
        [VPN_LAYER_MTU] = gather_mtu,
    };
    int broken = 0;

    for (uint32_t layer = VPN_LAYER_CONTROL; layer < VPN_LAYERS && (d->all || !broken); layer++) {
        static vpn_check checks[VPN_LAYER_CHECKS];
        size_t count;

        gather[layer](d);
        if (vpn_diagnose(&d->seen, layer, checks, &count) != 0)
            return out_error("what was seen contradicts itself");
        broken |= is_broken(checks, count);
        diagnose_put_layer(checks, count, d->all, json);
    }
    return broken;
}

static int run(diagnosis *d, const options *o)
{
    int json = o->value[OPTION_JSON] != NULL;
    int broken;

    if (facts_gather(&d->now) != 0 || find_peer(d, o) != 0)
        return STATUS_FAILED;
    memcpy(d->seen.name, d->l.name, sizeof d->seen.name);
    diagnose_begin(&d->l, d->index, json);
    broken = walk(d, json);
    if (broken >= 0)
        diagnose_end(&d->l, broken, d->all, json);
    return broken < 0 ? STATUS_FAILED : broken ? STATUS_FOUND : STATUS_FINE;
}

int command_diagnose(const options *o)
{
    static diagnosis d; /* all zero: there is one in a process */
    const char *text = o->value[OPTION_TIMEOUT];
    uint32_t seconds = SECONDS;
    int status = STATUS_FAILED;

    if (text != NULL && options_number("--timeout", text, SECONDS_MAX, &seconds) != 0)
        return STATUS_FAILED;
    if (seconds == 0)
        return out_error("--timeout is a second at least"), STATUS_FAILED;
    d.all = o->value[OPTION_ALL] != NULL;
    d.passive = o->value[OPTION_PASSIVE] != NULL;
    d.ms = (int)seconds * 1000;
    d.seen.size = sizeof d.seen;
    facts_init(&d.now);
    if (load_either(&d, o) == 0)
        status = run(&d, o);
    device_free(&d.before);
    facts_free(&d.now);
    load_free(&d.l);
    return status;
}
