/* SPDX-License-Identifier: ISC */
/*
 * `longest` is never greater than what fits on every way, unless the interface's MTU does; it may be less until the next tick.
 *
 * Probes go where packets go: to a peer that nothing was sent to since the last round, the next round waits. So a tunnel that
 * is not used stays silent.
 *
 * `first` is never later than what is due; when it has come, all peers are looked at and it is exact again. A report is
 * compared with all peers, as several may share an address; more than HEARD_MOST a second, which nobody's network sends, are not
 * looked at.
 */
#include "path.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "path_peer.h"
#include "path_system.h"

#define HEARD_AT_ONCE 64
#define HEARD_MOST    256u

static const char *const modes[] = {[PATH_OFF] = "off", [PATH_ERRORS] = "errors", [PATH_PROBE] = "probe"};

int path_mode_named(const char *name)
{
    for (int i = 0; i < (int)(sizeof modes / sizeof modes[0]); i++) {
        if (strcmp(name, modes[i]) == 0)
            return i;
    }
    return -1;
}

const char *path_mode_name(uint8_t mode)
{
    return modes[mode];
}

int path_open(paths *p, vpn_wg *wg, annexes *all, tun *t, udp *u)
{
    vpn_icmp_config config = {.size = sizeof config, .flags = VPN_ICMP_AS_DESTINATION};

    *p = (paths){
        .wg = wg, .annexes = all, .tun = t, .udp = u, .timer = PATH_TIMER, .longest = UINT32_MAX, .first = VPN_NEVER};
    p->memory = malloc(SLOT_BYTES);
    return p->memory == NULL || vpn_icmp_init(&p->icmp, &config) != VPN_OK ? -1 : 0;
}

void path_close(paths *p)
{
    free(p->memory);
    p->memory = NULL;
}

/* --- settings --- */

static void consider_all(paths *p, int anew, vpn_time now)
{
    for (vpn_peer_id id = 0; (id = vpn_wg_peer_next(p->wg, id)) != 0;) {
        path_peer *peer = p->mode == PATH_OFF ? path_peer_find(p, id) : path_peer_get(p, id);

        if (peer != NULL)
            path_peer_consider(p, peer, anew, now);
    }
    p->stale = 1; /* the interface may have another MTU */
}

static void look_at_flags(paths *p)
{
    p->on = p->asked || p->mode != PATH_OFF;
}

int path_set_mode(paths *p, uint8_t mode, vpn_time now)
{
    static const uint8_t manners[] = {[PATH_OFF] = UDP_DEAF, [PATH_ERRORS] = UDP_STRICT, [PATH_PROBE] = UDP_LOOSE};
    int error = udp_set_manner(p->udp, manners[mode]);

    if (error != 0)
        return error;
    p->mode = mode;
    look_at_flags(p);
    path_interface_changed(p, now);
    return 0;
}

void path_set_timer(paths *p, uint32_t seconds, vpn_time now)
{
    p->timer = seconds;
    consider_all(p, 0, now);
}

void path_set_clamp(paths *p, int asked)
{
    p->asked = asked != 0;
    look_at_flags(p);
}

void path_peers_gone(paths *p)
{
    p->stale = 1;
}

void path_peer_changed(paths *p, vpn_peer_id id, vpn_time now)
{
    path_peer *peer = p->mode == PATH_OFF ? path_peer_find(p, id) : path_peer_get(p, id);

    if (peer != NULL)
        path_peer_consider(p, peer, 0, now);
}

void path_network_changed(paths *p, vpn_time now)
{
    if (p->mode != PATH_OFF)
        consider_all(p, 1, now);
}

void path_interface_changed(paths *p, vpn_time now)
{
    if (p->mode != PATH_OFF)
        network_own(p->tun->name, p->ip4, p->ip6);
    consider_all(p, 0, now);
}

/* --- probes --- */

vpn_time path_deadline(const paths *p)
{
    return p->first;
}

/* No padding makes it longer: sizes are multiples of 16, or the MTU of the device. */
static void send_probe(paths *p, const path_peer *peer, uint32_t length, vpn_time now)
{
    vpn_packet packet = {
        .data = p->memory, .capacity = SLOT_BYTES, .offset = VPN_WG_HEADROOM, .length = length, .user = UDP_WHOLE};

    (void)vpn_wg_send(p->wg, &packet, 1, now);
    if (packet.verdict != VPN_TO_NET || packet.peer != peer->id)
        return;
    vpn_pmtu_sent(peer->pmtu, packet.data + packet.offset, packet.length, now);
    udp_send(p->udp, &packet, 1);
}

static void serve(paths *p, path_peer *peer, vpn_time now)
{
    while (path_peer_due(peer) <= now) {
        size_t bytes = SLOT_BYTES - VPN_WG_HEADROOM - VPN_WG_TAILROOM;

        if (!peer->asking && peer->config.probe_family != 0) {
            peer->idle = !peer->active;
            peer->active = 0;
            if (peer->idle)
                break;
        }
        if (vpn_pmtu_tick(peer->pmtu, p->memory + VPN_WG_HEADROOM, &bytes, now) == VPN_OK && bytes != 0)
            send_probe(p, peer, (uint32_t)bytes, now);
        path_peer_settle(p, peer);
    }
}

static void measure(paths *p)
{
    annex_cursor at = {0};
    uint32_t least = p->tun->mtu;

    for (const annex *a; (a = annex_each(p->annexes, &at)) != NULL;) {
        if (a->path != NULL && a->path->pmtu != NULL && a->path->mtu < least)
            least = a->path->mtu;
    }
    p->stale = 0;
    p->longest = least < p->tun->mtu ? least : UINT32_MAX;
}

void path_tick(paths *p, vpn_time now)
{
    annex_cursor at = {0};
    vpn_time first = VPN_NEVER;

    if (p->stale)
        measure(p);
    if (p->first > now)
        return;
    for (const annex *a; (a = annex_each(p->annexes, &at)) != NULL;) {
        vpn_time due;

        if (a->path == NULL)
            continue;
        serve(p, a->path, now);
        due = path_peer_due(a->path);
        first = due < first ? due : first;
    }
    p->first = first;
}

/* --- errors --- */

static int is_about(const vpn_pmtu_report *report, const path_peer *peer)
{
    return peer != NULL && peer->pmtu != NULL && report->remote.family == peer->remote.family &&
           memcmp(report->remote.addr, peer->remote.addr, sizeof peer->remote.addr) == 0 &&
           (report->kind == VPN_PMTU_QUOTE_NONE || report->remote.port == peer->remote.port);
}

static void judge(paths *p, const vpn_pmtu_report *report, vpn_time now)
{
    annex_cursor at = {0};
    int found = 0;

    if (path_system_said(report))
        return;
    for (const annex *a; (a = annex_each(p->annexes, &at)) != NULL;) {
        int result;

        if (!is_about(report, a->path))
            continue;
        found = 1;
        result = vpn_pmtu_error(a->path->pmtu, report, now);
        log_debug("peer(%s) an error says %u: %s", a->path->name, report->mtu, vpn_pmtu_result_text(result));
        path_peer_settle(p, a->path);
    }
    p->foreign += !found;
}

static int is_too_much(paths *p, vpn_time now)
{
    if (now - p->heard_at >= VPN_SECOND) {
        p->heard_at = now;
        p->heard = 0;
    }
    return p->heard++ >= HEARD_MOST;
}

void path_hear(paths *p, unsigned family, vpn_time now)
{
    uint8_t quote[UDP_QUOTE_BYTES];
    vpn_pmtu_report report;
    int said;

    for (int i = 0; i < HEARD_AT_ONCE && (said = udp_take_error(p->udp, family, &report, quote)) >= 0; i++) {
        if (said == 1 && p->mode != PATH_OFF && !is_too_much(p, now))
            judge(p, &report, now);
    }
}
