/* SPDX-License-Identifier: ISC */
/*
 * The control plane, and what it tells about the outer path. Where the tunnel has no session, it is given a packet, so that the daemon begins a
 * handshake, and its port is listened to. Where that brings nothing, a handshake from a socket of our own tells more: what is
 * wrong with an answer, and which ICMP error comes instead. It makes the peer believe for a moment that we are at that socket, so a
 * tunnel whose session is young is never asked that way.
 */
#include "diagnosis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>

#include "out.h"
#include "probe_echo.h"
#include "probe_wg.h"
#include "wire.h"

enum {
    STEP_MS = 200,   /* between questions to the daemon */
    FIRST_MS = 1000, /* what a tunnel that works needs at most */
    PROBE_MS = 3000,
    ECHO_MS = 1000,
    SETTLE_MS = 2000, /* between a handshake and its session, at most */
    RETRY_MS = 5500,
    KEEPALIVE_MS = 11000,
    NUDGE_BYTES = 112,      /* of ECHO_SMALL as the tunnel carries it; two keepalives are less, an initiation is more */
    PLAUSIBLE = 1700000000, /* November 2023: no clock that is right is behind */
};

/* What goes on while we wait. */
typedef struct watch {
    diagnosis *d;
    ear ear;
    int wire;
    echo echo;
    uint64_t began;
    uint64_t heard;    /* when the peer's first handshake was; 0: not yet */
    uint64_t received; /* from the peer, when it began */
    uint64_t sent;     /* to the peer, when it began */
    int is_sent;       /* the daemon sent something because of the nudge */
    int nudged;        /* the daemon has a packet for the peer */
} watch;

static void look_at_keys(diagnosis *d)
{
    const vpn_conf *conf = d->l.conf;

    d->seen.private_key = yes_no(!vpn_key_is_zero(d->before.private_key));
    memcpy(d->seen.public_key, d->before.public_key, VPN_KEY_BYTES);
    if (d->has_file && (conf->set & VPN_CONF_SET_PRIVATE_KEY) != 0)
        d->seen.identity = yes_no(vpn_equal(conf->private_key, d->before.private_key, VPN_KEY_BYTES) == 1);
}

static void look_at_peer(diagnosis *d, const device *now)
{
    const vpn_conf_peer *wanted = &d->l.conf->peers[d->index];
    const device_peer *peer = device_peer_of(now, wanted->public_key);
    vpn_endpoint used;

    d->seen.peer = yes_no(peer != NULL);
    d->seen.handshake_age = VPN_SECONDS_NEVER;
    d->seen.endpoint = d->l.endpoints[d->index];
    d->seen.named = yes_no(wanted->host != NULL && wanted->endpoint.family == 0);
    d->seen.others_alive = 0;
    for (size_t i = 0; i < now->peer_count; i++)
        d->seen.others_alive += &now->peers[i] != peer && device_peer_lives(&now->peers[i]);
    if (peer == NULL)
        return;
    d->seen.preshared = yes_no(vpn_equal(wanted->preshared_key, peer->preshared_key, VPN_KEY_BYTES) == 1);
    d->seen.handshake_age = device_peer_age(peer);
    d->seen.keepalive = (uint16_t)peer->keepalive;
    /* where the daemon sends to counts; the file may have been overtaken by roaming */
    if (vpn_endpoint_parse(&used, peer->endpoint, strlen(peer->endpoint)) == 0)
        d->seen.endpoint = used;
}

/* The daemon took a packet for the peer. */
static void nudge(watch *w)
{
    probe_way way = {.device = w->d->l.name};
    int why;

    w->echo.fd = -1;
    if (w->d->passive || w->d->nudge.family == 0 || echo_open(&w->echo, &w->d->nudge, &way, &why) != 0)
        return;
    w->nudged = echo_send(&w->echo, ECHO_SMALL) == VPN_PROBE_SILENT;
}

static void hear(watch *w)
{
    uint8_t packet[512];
    size_t length;
    int outgoing;

    for (int i = 0; i < WIRE_BATCH && (length = wire_next(w->wire, packet, sizeof packet, &outgoing)) > 0; i++) {
        if (outgoing >= 0)
            ear_take(&w->ear, packet, length, outgoing, (uint64_t)time(NULL));
    }
}

/* Takes in what the daemon tells now. 1: the tunnel lives, since something has come back. */
static int is_alive(watch *w)
{
    const device_peer *peer;
    device now;
    int alive = 0;

    if (diagnosis_ask(&now, w->d->l.name, 0) == 0) {
        look_at_peer(w->d, &now);
        peer = device_peer_of(&now, w->d->seen.peer_key);
        if (peer != NULL && peer->received >= w->received)
            w->d->seen.received = peer->received - w->received;
        w->is_sent |= peer != NULL && peer->sent >= w->sent + NUDGE_BYTES;
        alive = peer != NULL && device_peer_lives(peer) && (w->d->seen.received > 0 || !w->nudged);
    }
    device_free(&now);
    return alive;
}

/* What arrived says what is wrong; a true handshake does when nothing has come of it for a while. */
static int has_heard(watch *w)
{
    if (w->ear.heard.initiations > 0 && w->heard == 0)
        w->heard = probe_clock();
    return ear_knows(&w->ear) || (w->heard != 0 && probe_clock() - w->heard >= SETTLE_MS);
}

/* Until `ms` have gone by since it began, or more need not be known. 1: the tunnel lives. */
static int wait_until(watch *w, int ms)
{
    uint64_t next = 0;

    for (;;) {
        int ends;

        hear(w);
        ends = probe_clock() - w->began >= (uint64_t)ms || has_heard(w);
        if (ends || probe_clock() >= next) {
            if (is_alive(w))
                return 1;
            next = probe_clock() + STEP_MS;
        }
        if (ends)
            return 0;
        (void)probe_wait(w->wire, STEP_MS);
    }
}

/* What is short when little time was given. */
static int at_most(const diagnosis *d, int ms)
{
    return d->ms / 2 < ms ? d->ms / 2 : ms;
}

static void ping_endpoint(diagnosis *d)
{
    vpn_prefix host = {.family = d->seen.endpoint.family, .bits = d->seen.endpoint.family == 4 ? 32 : 128};
    probe_way way = {.mark = d->mark};
    int why;
    echo e;

    memcpy(host.addr, d->seen.endpoint.addr, sizeof host.addr);
    if (echo_open(&e, &host, &way, &why) == 0) {
        int what = echo_try(&e, ECHO_SMALL, 2, at_most(d, ECHO_MS));

        if (what != VPN_PROBE_NONE)
            d->seen.echo = yes_no(what == VPN_PROBE_ANSWERED);
    }
    echo_close(&e);
}

/* Not where the peer calls us, and its address is one that it may have had once. */
static void probe_peer(diagnosis *d)
{
    const vpn_conf_peer *peer = &d->l.conf->peers[d->index];
    probe_wg p = {.private_key = d->has_file ? d->l.conf->private_key : d->before.private_key,
                  .peer = peer->public_key,
                  .preshared = peer->preshared_key,
                  .to = d->seen.endpoint,
                  .way = {.mark = d->mark},
                  .ms = d->ms < PROBE_MS ? d->ms : PROBE_MS};

    if (d->passive || d->seen.endpoint.family == 0 || vpn_key_is_zero(p.private_key) ||
        (d->has_file && peer->host == NULL))
        return;
    d->seen.probe = (uint8_t)probe_wg_run(&p);
    if (d->seen.probe != VPN_PROBE_SILENT)
        return;
    ping_endpoint(d);
    d->seen.other_port = yes_no(probe_wg_other_port(&p.to, &p.way, at_most(d, ECHO_MS)) == VPN_PROBE_REFUSED);
}

/* Whether the daemon sent something and had all the time that it may need: without a session it tries every 5 s, and of one that
 * lives a passive keepalive comes within 10 s (whitepaper section 6). A filter in the daemon may drop the nudge. */
static int is_in_vain(const watch *w, int young)
{
    return w->nudged && w->is_sent && probe_clock() - w->began >= (uint64_t)(young ? KEEPALIVE_MS : RETRY_MS);
}

static void try_peer(watch *w)
{
    diagnosis *d = w->d;
    int young = d->seen.handshake_age < REJECT_AFTER_TIME;

    nudge(w);
    if (wait_until(w, at_most(d, FIRST_MS)))
        return;
    if (young && (!w->nudged || !w->is_sent || wait_until(w, 2 * d->ms)))
        return;
    if (!young) {
        probe_peer(d);
        if ((d->seen.probe == VPN_PROBE_ANSWERED || d->seen.probe == VPN_PROBE_NONE) && wait_until(w, d->ms))
            return;
    }
    hear(w);
    d->seen.tried = yes_no(is_in_vain(w, young));
    d->seen.waited = (uint32_t)(probe_clock() - w->began + 999) / 1000;
}

static void watch_peer(diagnosis *d, const device_peer *peer)
{
    watch w = {
        .d = d, .began = probe_clock(), .received = peer->received, .sent = peer->sent, .wire = -1, .echo = {.fd = -1}};

    ear_init(&w.ear, &d->before, d->seen.peer_key, &d->seen.endpoint, &d->now);
    if (d->before.port != 0)
        w.wire = wire_open(WIRE_UDP, (uint16_t)d->before.port, NULL);
    try_peer(&w);
    d->seen.heard = w.ear.heard;
    if (w.wire >= 0) {
        d->seen.heard.seconds = (uint32_t)((probe_clock() - w.began + 999) / 1000);
        (void)close(w.wire);
    }
    echo_close(&w.echo);
    vpn_wipe(&w, sizeof w);
}

/* What it drops meanwhile says more. */
static void watch_drops(diagnosis *d, const device_peer *peer)
{
    uint64_t before[VPN_REASONS];
    int told = diagnosis_drops(before, d->l.name, d->seen.peer_key);

    watch_peer(d, peer);
    if (!told || !diagnosis_drops(d->drops, d->l.name, d->seen.peer_key))
        return;
    for (size_t i = 0; i < VPN_REASONS; i++)
        d->drops[i] = d->drops[i] > before[i] ? d->drops[i] - before[i] : 0;
    d->seen.drops = d->drops;
    d->seen.drop_count = VPN_REASONS;
}

/* An interface of the kernel has no daemon, and we do not speak to it. */
static int is_of_kernel(const char *name)
{
    char path[64];
    char line[64];
    FILE *from;
    int found = 0;

    (void)snprintf(path, sizeof path, "/sys/class/net/%s/uevent", name);
    from = fopen(path, "re");
    while (from != NULL && !found && fgets(line, sizeof line, from) != NULL)
        found = strcmp(line, "DEVTYPE=wireguard\n") == 0;
    if (from != NULL)
        (void)fclose(from);
    return found;
}

void gather_control(diagnosis *d)
{
    const device_peer *peer;
    int error = diagnosis_ask(&d->before, d->l.name, 0);

    d->seen.clock = yes_no(time(NULL) >= PLAUSIBLE);
    if (error != 0) {
        if (is_of_kernel(d->l.name))
            out_warn("%s is an interface of the kernel, whose keys and peers only wg(8) can ask for", d->l.name);
        else if (error == -ENOENT || error == -ECONNREFUSED)
            d->seen.daemon = VPN_SEEN_NO;
        else
            out_warn("cannot ask %s: %s", d->l.name, strerror(-error));
        d->seen.endpoint = d->l.endpoints[d->index];
        if (d->all && d->has_file && d->seen.daemon == VPN_SEEN_NO && if_nametoindex(d->l.name) == 0)
            probe_peer(d);
        return;
    }
    d->seen.daemon = VPN_SEEN_YES;
    d->seen.port = (uint16_t)d->before.port;
    d->mark = d->before.fwmark;
    look_at_keys(d);
    look_at_peer(d, &d->before);
    peer = device_peer_of(&d->before, d->seen.peer_key);
    if (peer != NULL && d->seen.private_key == VPN_SEEN_YES && d->seen.identity != VPN_SEEN_NO)
        watch_drops(d, peer);
}
