/* SPDX-License-Identifier: ISC */
#include "probe_dns.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { PORT = 53, HEADER = 12, QUERY = 17, TRIES = 2, ANSWER_BIT = 0x80 };

int probe_dns_is_answer(const uint8_t *message, size_t length, uint16_t id)
{
    return length >= HEADER && message[0] == id >> 8 && message[1] == (id & 255) && (message[2] & ANSWER_BIT) != 0;
}

/* One question (RFC 1035 section 4.1): recursion is desired; the root, NS, IN. */
static void write_query(uint8_t out[QUERY], uint16_t id)
{
    static const uint8_t rest[QUERY] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};

    memcpy(out, rest, QUERY);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
}

/* VPN_PROBE_NONE: nothing yet. */
static int receive(int fd, const vpn_endpoint *to, uint16_t id)
{
    uint8_t message[512];
    ssize_t got = recv(fd, message, sizeof message, 0);

    if (got < 0)
        return probe_error(fd, to);
    return probe_dns_is_answer(message, (size_t)got, id) ? VPN_PROBE_ANSWERED : VPN_PROBE_FALSE;
}

static int ask(int fd, const vpn_endpoint *to, uint16_t id, int ms)
{
    uint8_t query[QUERY];
    int what = VPN_PROBE_NONE;

    write_query(query, id);
    for (int i = 0; i < TRIES && what == VPN_PROBE_NONE; i++) {
        if (send(fd, query, sizeof query, 0) < 0 && errno != ECONNREFUSED)
            return probe_errno(errno);
        if (probe_wait(fd, ms / TRIES))
            what = receive(fd, to, id);
    }
    return what == VPN_PROBE_NONE ? VPN_PROBE_SILENT : what;
}

int probe_dns(const vpn_prefix *server, int ms)
{
    vpn_endpoint to = {.family = server->family, .port = PORT};
    probe_way way = {.mark = 0};
    uint16_t id;
    int what;
    int fd;

    memcpy(to.addr, server->addr, sizeof to.addr);
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        return VPN_PROBE_NONE;
    fd = probe_open(&to, SOCK_DGRAM, 0, &way, &what);
    if (fd < 0)
        return what;
    what = ask(fd, &to, id, ms);
    (void)close(fd);
    return what;
}
