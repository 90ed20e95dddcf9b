/* SPDX-License-Identifier: ISC */
/*
 * Each try is a new initiation, since a responder takes no stamp twice. A cookie asks for another one at once, with its mac2; one
 * that follows within 20 ms would be dropped as a flood.
 */
#include "probe_wg.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "wire.h"

enum { TRY_MS = 1000, COOKIE_MS = 50, TRACEROUTE_PORT = 33434 };

typedef struct attempt {
    const probe_wg *p;
    vpn_handshake *handshake;
    vpn_cookie_maker macs;
    int fd;
    int wire;
    uint32_t index;
    uint64_t next;  /* when to send again */
    int cookies;    /* that were taken */
    int is_refused; /* an answer did not verify */
} attempt;

static vpn_time now(void)
{
    return probe_clock() * VPN_MILLISECOND;
}

/* VPN_PROBE_NONE, or why it cannot be sent. */
static int send_initiation(attempt *a)
{
    uint8_t message[VPN_WG_INITIATION_BYTES];
    uint8_t stamp[VPN_TAI64N_BYTES];
    const uint8_t *preshared = vpn_key_is_zero(a->p->preshared) ? NULL : a->p->preshared;
    struct timespec clock;
    vpn_wall wall;

    (void)clock_gettime(CLOCK_REALTIME, &clock);
    wall = (vpn_wall){.seconds = (uint64_t)clock.tv_sec, .nanoseconds = (uint32_t)clock.tv_nsec};
    vpn_tai64n(stamp, &wall);
    a->next = probe_clock() + TRY_MS;
    a->index++; /* a late response to an earlier one is passed over, and not taken for a false one */
    if (vpn_handshake_initiate(a->handshake, message, a->p->peer, preshared, a->index, stamp) != 0 ||
        vpn_mac_add(&a->macs, message, sizeof message, a->p->peer, now()) != 0)
        return VPN_PROBE_SILENT;
    if (send(a->fd, message, sizeof message, 0) >= 0)
        return VPN_PROBE_NONE;
    /* what an earlier one met is in the error queue */
    return errno == ECONNREFUSED ? VPN_PROBE_NONE : probe_errno(errno);
}

/* VPN_PROBE_ANSWERED, or VPN_PROBE_NONE: go on. */
static int take(attempt *a, const uint8_t *message, size_t length)
{
    if (length == VPN_WG_RESPONSE_BYTES && message[0] == 2) {
        int error = vpn_handshake_read_response(a->handshake, message);

        a->is_refused |= error == VPN_EAUTH;
        return error == 0 ? VPN_PROBE_ANSWERED : VPN_PROBE_NONE;
    }
    if (length == VPN_WG_COOKIE_BYTES && message[0] == 3 &&
        vpn_cookie_read(&a->macs, message, a->p->peer, NULL, now()) == 0 && a->cookies++ == 0)
        a->next = probe_clock() + COOKIE_MS;
    return VPN_PROBE_NONE;
}

/* An answer that the link carried and no socket got. */
static int was_lost(const attempt *a)
{
    const vpn_endpoint *to = &a->p->to;
    uint8_t packet[256];
    size_t length;
    int outgoing;
    vpn_ip ip;

    for (int i = 0; i < WIRE_BATCH && (length = wire_next(a->wire, packet, sizeof packet, &outgoing)) > 0; i++) {
        if (outgoing == 0 && vpn_ip_parse(&ip, packet, length) == 0 && ip.version == to->family &&
            ip.src_port == to->port && memcmp(ip.src, to->addr, to->family == 4 ? 4 : 16) == 0)
            return 1;
    }
    return 0;
}

static int conclude(const attempt *a)
{
    if (a->is_refused)
        return VPN_PROBE_FALSE;
    if (a->cookies > 0)
        return VPN_PROBE_COOKIE;
    return was_lost(a) ? VPN_PROBE_LOST : VPN_PROBE_SILENT;
}

static int step(attempt *a, uint64_t until)
{
    uint64_t at = probe_clock();
    uint64_t next = a->next < until ? a->next : until;
    uint8_t message[VPN_WG_INITIATION_BYTES];
    int what = VPN_PROBE_NONE;

    if (at >= a->next)
        return send_initiation(a);
    if (probe_wait(a->fd, (int)(next - at))) {
        ssize_t got = recv(a->fd, message, sizeof message, 0);

        what = got > 0 ? take(a, message, (size_t)got) : probe_error(a->fd, &a->p->to);
    }
    return what;
}

/* An answer ends it; so does a false one after its try, and an error, which a filter may send as well as the host. */
static int converse(attempt *a)
{
    uint64_t until = probe_clock() + (uint64_t)a->p->ms;
    int what = VPN_PROBE_NONE;

    while (what == VPN_PROBE_NONE && probe_clock() < until && !a->is_refused)
        what = step(a, until);
    return what == VPN_PROBE_NONE ? conclude(a) : what;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    socklen_t length = sizeof own;

    if (getsockname(fd, (struct sockaddr *)&own, &length) != 0)
        return 0;
    memcpy(&four, &own, sizeof four);
    memcpy(&six, &own, sizeof six);
    return ntohs(own.ss_family == AF_INET ? four.sin_port : six.sin6_port);
}

int probe_wg_run(const probe_wg *p)
{
    attempt a = {.p = p, .wire = -1};
    int what = VPN_PROBE_NONE;

    vpn_cookie_maker_init(&a.macs);
    a.fd = probe_open(&p->to, SOCK_DGRAM, 0, &p->way, &what);
    if (a.fd < 0)
        return what;
    a.wire = wire_open(WIRE_UDP, port_of(a.fd), NULL);
    if (getrandom(&a.index, sizeof a.index, 0) == sizeof a.index &&
        vpn_handshake_new(&a.handshake, p->private_key, NULL, NULL) == 0) {
        what = converse(&a);
        vpn_handshake_free(a.handshake);
    }
    vpn_wipe(&a.macs, sizeof a.macs);
    if (a.wire >= 0)
        (void)close(a.wire);
    (void)close(a.fd);
    return what;
}

int probe_wg_other_port(const vpn_endpoint *host, const probe_way *way, int ms)
{
    vpn_endpoint to = *host;
    int what;
    int fd;

    to.port = host->port == TRACEROUTE_PORT ? TRACEROUTE_PORT + 1 : TRACEROUTE_PORT;
    fd = probe_open(&to, SOCK_DGRAM, 0, way, &what);
    if (fd < 0)
        return what;
    what = VPN_PROBE_SILENT;
    if (send(fd, "", 0, 0) < 0)
        what = probe_errno(errno);
    else if (probe_wait(fd, ms))
        what = probe_error(fd, &to);
    (void)close(fd);
    return what;
}
