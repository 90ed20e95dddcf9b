/* SPDX-License-Identifier: ISC */
/*
 * The limit that a tunnel on this machine can come to: vpn-tunnel's own way between the interface and the sockets, with
 * the device behind it replaced by one that has one peer, no handshake and no state but a counter. Packets go in the clear,
 * or through the bare AEAD under a fixed key. Nothing here protects anything.
 */
#include <vpn/vpn.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/forward.h"
#include "tunnel/log.h"

flow forward_flow;
static vpn_endpoint peer;
static int bare; /* no AEAD at all */

struct vpn_wg {
    const vpn_provider *provider;
    void *slot, *scratch;
    uint64_t counter;
    vpn_aead_job jobs[BATCH];
};

static void *aligned(size_t bytes)
{
    return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

/* --- the device that flow.c asks for, as little as it gets by with --- */

int vpn_wg_new(vpn_wg **out, const vpn_wg_config *config)
{
    vpn_wg *wg = calloc(1, sizeof *wg);

    *out = wg;
    if (wg == NULL)
        return VPN_ENOMEM;
    wg->provider = config->provider;
    wg->slot = aligned(wg->provider->key_size);
    wg->scratch = aligned(wg->provider->scratch_size);
    if (wg->slot == NULL || wg->scratch == NULL ||
        (wg->provider->init_scratch != NULL && wg->provider->init_scratch(wg->scratch) != VPN_OK))
        return VPN_ENOMEM;
    return wg->provider->init_key(wg->slot, (const uint8_t *)"a key that everybody knows: 32 B");
}

int vpn_wg_free(vpn_wg *wg)
{
    free(wg);
    return VPN_OK;
}

static void job(vpn_wg *wg, size_t i, vpn_packet *packet, uint64_t counter)
{
    wg->jobs[i] = (vpn_aead_job){.key = wg->slot,
                                 .data = packet->data + packet->offset + VPN_WG_HEADER_BYTES,
                                 .length = packet->length - VPN_WG_OVERHEAD};
    vpn__store64le(wg->jobs[i].nonce + 4, counter);
}

size_t vpn_wg_send(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    (void)now;
    for (size_t i = 0; i < n; i++) {
        vpn_packet *packet = &packets[i];

        packet->offset -= VPN_WG_HEADER_BYTES;
        packet->length += VPN_WG_OVERHEAD;
        memset(packet->data + packet->offset, 0, VPN_WG_HEADER_BYTES);
        vpn__store64le(packet->data + packet->offset + 8, wg->counter);
        job(wg, i, packet, wg->counter++);
        packet->path.remote = peer;
        packet->verdict = VPN_TO_NET;
    }
    if (!bare)
        (void)wg->provider->seal(wg->scratch, wg->jobs, n);
    return n;
}

size_t vpn_wg_recv(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    size_t taken = 0;

    (void)now;
    for (size_t i = 0; i < n; i++) {
        if (packets[i].length < VPN_WG_OVERHEAD)
            return 0;
        job(wg, i, &packets[i], vpn__load64le(packets[i].data + packets[i].offset + 8));
    }
    if (!bare)
        (void)wg->provider->open(wg->scratch, wg->jobs, n);
    for (size_t i = 0; i < n; i++) {
        packets[i].verdict = bare || wg->jobs[i].done ? VPN_TO_TUN : VPN_DROP;
        taken += packets[i].verdict == VPN_TO_TUN;
        packets[i].offset += VPN_WG_HEADER_BYTES;
        packets[i].length -= VPN_WG_OVERHEAD;
    }
    return taken;
}

/* There is no crew. */
size_t vpn_wg_send_begin(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    (void)wg;
    (void)packets;
    (void)n;
    (void)now;
    return 0;
}

size_t vpn_wg_recv_begin(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    return vpn_wg_send_begin(wg, packets, n, now);
}

size_t vpn_wg_end(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    return vpn_wg_send_begin(wg, packets, n, now);
}

int vpn_wg_set_mtu(vpn_wg *wg, uint32_t mtu)
{
    (void)wg;
    (void)mtu;
    return VPN_OK;
}

int vpn_wg_get_stats(const vpn_wg *wg, vpn_wg_stats *out)
{
    (void)wg;
    (void)out;
    return VPN_EUNSUPPORTED;
}

int vpn_wg_peer_get_stats(const vpn_wg *wg, vpn_peer_id id, vpn_wg_peer_stats *out, vpn_time now)
{
    (void)wg;
    (void)id;
    (void)out;
    (void)now;
    return VPN_ENOENT;
}

int vpn_wg_peer_get(const vpn_wg *wg, vpn_peer_id id, vpn_wg_peer *out)
{
    (void)wg;
    (void)id;
    (void)out;
    return VPN_ENOENT;
}

vpn_peer_id vpn_wg_peer_next(const vpn_wg *wg, vpn_peer_id id)
{
    (void)wg;
    (void)id;
    return 0;
}

int vpn_wg_allowed(const vpn_wg *wg, vpn_peer_id id, uint64_t *cursor, vpn_prefix *out)
{
    (void)wg;
    (void)id;
    (void)cursor;
    (void)out;
    return VPN_ENOENT;
}

vpn_peer_id vpn_wg_route(const vpn_wg *wg, uint8_t family, const uint8_t *addr)
{
    (void)wg;
    (void)family;
    (void)addr;
    return 0;
}

int vpn_wg_event(vpn_wg *wg, vpn_wg_event_info *out)
{
    (void)wg;
    (void)out;
    return VPN_ENOENT;
}

const char *vpn_wg_event_name(uint32_t type)
{
    (void)type;
    return "";
}

vpn_time vpn_wg_deadline(const vpn_wg *wg)
{
    (void)wg;
    return VPN_NEVER;
}

size_t vpn_wg_tick(vpn_wg *wg, vpn_packet *packets, size_t n, vpn_time now)
{
    (void)wg;
    (void)packets;
    (void)n;
    (void)now;
    return 0;
}

int vpn_wg_set_keylog(vpn_wg *wg, vpn_keylog_line line, void *user)
{
    (void)wg;
    (void)line;
    (void)user;
    return VPN_EUNSUPPORTED;
}

/* --- the loop --- */

enum { TAG_SIGNAL, TAG_TUN, TAG_UDP };

static int run(flow *f, int signals)
{
    waiter *w = waiter_new();
    wake wakes[8];

    if (w == NULL || waiter_watch(w, signals, WAKE_READ, TAG_SIGNAL) != 0 ||
        waiter_watch(w, f->tun.fd, WAKE_READ, TAG_TUN) != 0)
        return 1;
    for (unsigned i = 0; i < UDP_FAMILIES; i++)
        if (f->udp.fd[i] >= 0 && waiter_watch(w, f->udp.fd[i], WAKE_READ, TAG_UDP + i) != 0)
            return 1;
    for (;;) {
        int n = waiter_wait(w, VPN_NEVER, wakes, 8);

        for (int i = 0; i < n; i++) {
            int gone = 0;

            if (wakes[i].tag == TAG_SIGNAL)
                return 0;
            if (wakes[i].tag == TAG_TUN)
                gone = flow_from_tun(f, clock_now());
            else
                gone = flow_from_net(f, (unsigned)(wakes[i].tag - TAG_UDP), clock_now());
            if (gone != 0)
                return 1;
        }
    }
}

int main(int argc, char **argv)
{
    options chosen = {.tun_fd = -1, .uapi_fd = -1};
    flow *f = &forward_flow;
    sigset_t ends;
    int status;

    if (argc != 5) {
        (void)fprintf(
            stderr,
            "usage: %s IFACE PORT PEER CIPHER\n\nCarries the packets of IFACE to PEER, an address and a port, in "
            "UDP datagrams from PORT.\nCIPHER is none, sodium, ipsec-mb or libcrypto. For benchmarks only.\n",
            argv[0]);
        return 2;
    }
    log_setup(LOG_LEVEL_ERROR, argv[1]);
    bare = strcmp(argv[4], "none") == 0;
    chosen.name = argv[1];
    chosen.cipher = bare ? "sodium" : argv[4];
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    if (vpn_endpoint_parse(&peer, argv[3], strlen(argv[3])) != VPN_OK || flow_open(f, &chosen) != 0 ||
        udp_bind(&f->udp, (uint16_t)strtoul(argv[2], NULL, 10)) != 0) {
        (void)fprintf(stderr, "forward: cannot begin\n");
        return 1;
    }
    status = run(f, signalfd(-1, &ends, SFD_CLOEXEC));
    flow_close(f);
    return status;
}
