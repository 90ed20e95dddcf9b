/* SPDX-License-Identifier: ISC */
/*
 * Each turn serves every descriptor that is ready with one batch at most, so that a flood from one side leaves the other
 * side, the timers and the configuration their turns. Of the clients of the configuration socket one has its turn, since a
 * request can take as long as thousands of packets. What the library wants done at a time is the deadline of the wait.
 */
#include "loop.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "more.h"

enum {
    TAG_SIGNAL,
    TAG_TUN,
    TAG_TUN_CHANGED,
    TAG_UDP,
    TAG_UAPI = TAG_UDP + UDP_FAMILIES,
    TAG_DIRECTORY,
    TAG_NETWORK,
    TAG_CREW
};

#define TAG_CLIENT 256u
#define WAKES      64

/* Addresses and routes come in bursts: look once it is over. */
#define NETWORK_DELAY (VPN_SECOND / 2)

static int watch(loop *l, int fd, uint64_t tag)
{
    if (fd < 0 || waiter_watch(l->waiter, fd, WAKE_READ, tag) == 0)
        return 0;
    log_error("cannot wait for events: %s", strerror(errno));
    return -1;
}

static int watch_udp(loop *l)
{
    for (unsigned i = 0; i < UDP_FAMILIES; i++) {
        if (watch(l, l->flow.udp.fd[i], TAG_UDP + i) != 0)
            return -1;
    }
    return 0;
}

static int host_set_port(void *user, uint16_t port)
{
    loop *l = user;
    uint16_t before = l->flow.udp.port;
    int error = udp_bind(&l->flow.udp, port);

    if (error != 0) {
        log_error("cannot listen on port %u: %s; staying on %u", port, strerror(error), before);
        return error;
    }
    if (l->flow.udp.port == before)
        return 0;
    l->port_moved = 1;
    return watch_udp(l) == 0 ? 0 : EIO;
}

static uint16_t host_get_port(void *user)
{
    const loop *l = user;

    return l->flow.udp.port;
}

static int host_set_mark(void *user, uint32_t mark)
{
    loop *l = user;
    int error = udp_set_mark(&l->flow.udp, mark);

    if (error != 0)
        log_error("cannot mark datagrams: %s%s", strerror(error), error == EPERM ? " (CAP_NET_ADMIN is needed)" : "");
    return error;
}

static uint32_t host_get_mark(void *user)
{
    const loop *l = user;

    return l->flow.udp.mark;
}

static uint32_t host_scope(void *user, const char *name, size_t length)
{
    char text[IF_NAMESIZE] = {0};

    (void)user;
    if (length == 0 || length >= sizeof text)
        return 0;
    memcpy(text, name, length);
    return if_nametoindex(text);
}

static void host_more(void *user, vpn_peer_id peer, vpn_uapi_lines *lines)
{
    const loop *l = user;

    more_get(&l->flow, peer, lines);
}

static int host_set_more(void *user, uint32_t how, vpn_peer_id peer, const char *key, const char *value)
{
    loop *l = user;

    return more_set(&l->flow, how, peer, key, value);
}

static void host_changed(void *user, vpn_peer_id peer)
{
    loop *l = user;

    more_changed(&l->flow, peer);
}

/* Peers may have gone, and those that know us at the old port should hear from the new one. */
static void on_served(void *user)
{
    loop *l = user;

    parking_sweep(&l->flow.parking, l->flow.wg);
    annex_sweep(&l->flow.annexes, l->flow.wg);
    path_peers_gone(&l->flow.path);
    if (l->port_moved) {
        vpn_wg_network_changed(l->flow.wg, clock_now());
        path_network_changed(&l->flow.path, clock_now());
    }
    l->port_moved = 0;
}

static int watch_all(loop *l)
{
    const char *directory = uapi_directory(l->uapi);

    l->directory = directory == NULL ? -1 : watch_directory(directory);
    if (directory != NULL && l->directory < 0)
        log_error("cannot watch %s: %s; goes on when its socket is removed", directory, strerror(errno));
    l->network = watch_network();
    if (l->network < 0)
        log_error("cannot watch addresses and routes: %s; peers learn of changes by themselves", strerror(errno));
    l->network_was = network_print(l->flow.tun.name);
    if (watch(l, l->signals, TAG_SIGNAL) != 0 || watch(l, l->flow.tun.fd, TAG_TUN) != 0 ||
        watch(l, l->flow.tun.watch, TAG_TUN_CHANGED) != 0 || watch_udp(l) != 0 ||
        watch(l, uapi_fd(l->uapi), TAG_UAPI) != 0 || watch(l, l->directory, TAG_DIRECTORY) != 0 ||
        watch(l, l->network, TAG_NETWORK) != 0 || watch(l, flow_bell(&l->flow), TAG_CREW) != 0)
        return -1;
    return 0;
}

int loop_open(loop *l, const options *chosen, int signals)
{
    uapi_setup setup = {
        .host = &l->host, .listen_tag = TAG_UAPI, .client_tag = TAG_CLIENT, .served = on_served, .user = l};

    memset(l, 0, sizeof *l);
    l->signals = signals;
    l->directory = -1;
    l->network = -1;
    l->network_due = VPN_NEVER;
    l->host = (vpn_uapi_host){.size = sizeof l->host,
                              .user = l,
                              .set_listen_port = host_set_port,
                              .get_listen_port = host_get_port,
                              .set_fwmark = host_set_mark,
                              .get_fwmark = host_get_mark,
                              .peer_changed = host_changed,
                              .scope_of = host_scope,
                              .more = host_more,
                              .set_more = host_set_more};
    if (flow_open(&l->flow, chosen) != 0)
        return -1;
    l->waiter = waiter_new();
    if (l->waiter == NULL) {
        log_error("cannot wait for events: %s", strerror(errno));
        return -1;
    }
    setup.wg = l->flow.wg;
    setup.waiter = l->waiter;
    l->uapi = uapi_open(l->flow.tun.name, chosen->uapi_fd, &setup);
    return l->uapi == NULL ? -1 : watch_all(l);
}

void loop_close(loop *l)
{
    uapi_close(l->uapi);
    flow_close(&l->flow);
    if (l->directory >= 0)
        (void)close(l->directory);
    if (l->network >= 0)
        (void)close(l->network);
    waiter_free(l->waiter);
}

static void end(loop *l, const char *why)
{
    if (!l->ended)
        log_verbose("ending: %s", why);
    l->ended = 1;
}

/* The old descriptor may have been replaced, so it is watched anew. */
static void on_tun_changed(loop *l, vpn_time now)
{
    uint32_t before = l->flow.tun.mtu;

    watch_drain(l->flow.tun.watch);
    if (tun_refresh(&l->flow.tun) == TUN_GONE) {
        end(l, "the interface was deleted");
        return;
    }
    if (watch(l, l->flow.tun.watch, TAG_TUN_CHANGED) != 0)
        end(l, "the interface cannot be watched");
    if (l->flow.tun.mtu != before && vpn_wg_set_mtu(l->flow.wg, l->flow.tun.mtu) == 0)
        log_verbose("the MTU is now %u", l->flow.tun.mtu);
    path_interface_changed(&l->flow.path, now);
}

static void on_network_due(loop *l, vpn_time now)
{
    uint64_t is = network_print(l->flow.tun.name);

    l->network_due = VPN_NEVER;
    path_interface_changed(&l->flow.path, now);
    if (is == l->network_was)
        return;
    l->network_was = is;
    log_verbose("the network changed");
    vpn_wg_network_changed(l->flow.wg, now);
    path_network_changed(&l->flow.path, now);
}

static void on_wake(loop *l, const wake *woken, vpn_time now)
{
    uint64_t tag = woken->tag;
    int gone = 0;

    if (tag == TAG_TUN) {
        gone = flow_from_tun(&l->flow, now);
    } else if (tag >= TAG_UDP && tag < TAG_UDP + UDP_FAMILIES) {
        if ((woken->ready & WAKE_ERROR) != 0)
            path_hear(&l->flow.path, (unsigned)(tag - TAG_UDP), now);
        gone = flow_from_net(&l->flow, (unsigned)(tag - TAG_UDP), now);
    } else if (tag == TAG_CREW) {
        flow_hush(&l->flow);
    } else if (tag == TAG_UAPI) {
        uapi_accept(l->uapi, now);
    } else if (tag == TAG_TUN_CHANGED) {
        on_tun_changed(l, now);
    } else if (tag == TAG_NETWORK) {
        watch_drain(l->network);
        if (l->network_due == VPN_NEVER)
            l->network_due = now + NETWORK_DELAY;
    } else if (tag == TAG_DIRECTORY) {
        if (watch_lost(l->directory, uapi_entry(l->uapi)) || !uapi_alive(l->uapi))
            end(l, "the configuration socket was removed");
    } else {
        end(l, "told to");
    }
    if (gone == TUN_GONE)
        end(l, "the interface was deleted");
}

/* Of the clients that are ready, the next one after the one that came last. */
static void serve_client(loop *l, const wake *wakes, int n)
{
    unsigned least = UAPI_CLIENTS;

    for (int i = 0; i < n; i++) {
        if (wakes[i].tag >= TAG_CLIENT) {
            unsigned after = ((unsigned)(wakes[i].tag - TAG_CLIENT) + UAPI_CLIENTS - l->client - 1) % UAPI_CLIENTS;

            least = after < least ? after : least;
        }
    }
    if (least == UAPI_CLIENTS)
        return;
    l->client = (l->client + 1 + least) % UAPI_CLIENTS;
    uapi_client_ready(l->uapi, l->client, clock_now());
}

static vpn_time first_deadline(const loop *l)
{
    vpn_time first = vpn_wg_deadline(l->flow.wg);
    vpn_time uapi = uapi_deadline(l->uapi);
    vpn_time path = path_deadline(&l->flow.path);

    first = uapi < first ? uapi : first;
    first = path < first ? path : first;
    return l->network_due < first ? l->network_due : first;
}

/* Before it sleeps, it lends the crew a hand: a part at a time, and only while no descriptor is ready. */
static int wait_for_work(loop *l, wake *wakes)
{
    while (flow_is_busy(&l->flow)) {
        int n = waiter_poll(l->waiter, wakes, WAKES);
        int found = n == 0 ? flow_idle(&l->flow) : CREW_BACK;

        if (found == CREW_BACK)
            return n;
        if (found == CREW_AWAY)
            break;
    }
    return waiter_wait(l->waiter, first_deadline(l), wakes, WAKES);
}

int loop_run(loop *l)
{
    wake wakes[WAKES];

    while (!l->ended) {
        int n = wait_for_work(l, wakes);
        vpn_time now;

        if (n < 0) {
            log_error("cannot wait for events: %s", strerror(errno));
            return -1;
        }
        for (int i = 0; i < n && !l->ended; i++) {
            if (wakes[i].tag < TAG_CLIENT)
                on_wake(l, &wakes[i], clock_now());
        }
        if (!l->ended)
            serve_client(l, wakes, n);
        now = clock_now();
        if (l->network_due <= now)
            on_network_due(l, now);
        if (uapi_deadline(l->uapi) <= now)
            uapi_expire(l->uapi, now);
        if (flow_settle(&l->flow, now) == TUN_GONE || flow_tick(&l->flow, now) == TUN_GONE)
            end(l, "the interface was deleted");
    }
    return 0;
}
