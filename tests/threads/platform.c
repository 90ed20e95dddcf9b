/* SPDX-License-Identifier: ISC */
#include "threads/platform.h"

#include <stdlib.h>
#include <string.h>

#include "tunnel/cipher.h"

#define INNER_HEADER 28 /* IPv4 and UDP */

struct host hosts[HOSTS];
vpn_time platform_now;
uint32_t platform_path;
int platform_tells;
uint32_t platform_joined;

void platform_reset(void)
{
    for (int i = 0; i < HOSTS; i++) {
        for (size_t k = hosts[i].wire_first; k < hosts[i].wire_count; k++)
            free(hosts[i].wire[k]);
        free(hosts[i].wire);
        hosts[i] = (struct host){.to_read = 0};
    }
    platform_now = VPN_SECOND;
    platform_path = 0;
    platform_tells = 0;
    platform_joined = 1;
}

const vpn_provider *cipher_choose(const char *name)
{
    (void)name;
    return vpn_provider_sodium();
}

vpn_time clock_now(void)
{
    return platform_now;
}

/* --- the interface --- */

int tun_open(tun *t, const char *name, int fd)
{
    (void)name;
    *t = (tun){.fd = fd, .watch = -1, .mtu = VPN_MTU_DEFAULT, .name = {(char)('0' + fd)}};
    return 0;
}

void tun_close(tun *t)
{
    t->fd = -1;
}

static void put_sum(uint8_t *at, const uint8_t *bytes, uint32_t length)
{
    uint16_t sum = vpn_checksum(bytes, length);

    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

/* Answers an echo request, as the host does, and hears errors. */
static void take_icmp(struct host *h, const uint8_t *packet, uint32_t length)
{
    uint8_t *reply = h->echo[h->echo_count % 4];

    if (packet[20] == 3) {
        h->told++;
        h->told_mtu = (uint32_t)packet[26] << 8 | packet[27];
        return;
    }
    if (packet[20] != 8 || h->echo_count == 4)
        return;
    memcpy(reply, packet, length);
    memcpy(reply + 12, packet + 16, 4);
    memcpy(reply + 16, packet + 12, 4);
    memset(reply + 20, 0, 4);
    put_sum(reply + 22, reply + 20, length - 20);
    h->echo_count++;
}

static int read_echo(struct host *h, uint8_t *out)
{
    uint32_t length = (uint32_t)h->echo[h->echo_count - 1][2] << 8 | h->echo[h->echo_count - 1][3];

    memcpy(out, h->echo[--h->echo_count], length);
    return (int)length;
}

/* Lengths differ, so that padding and places in a batch do. */
int tun_read(tun *t, uint8_t *out, uint32_t room, vpn_offload *how)
{
    struct host *h = &hosts[t->fd];
    uint32_t length = INNER_HEADER + 4 + h->given / 16 * 37 % 1300;
    uint32_t number = h->given;

    (void)room;
    *how = (vpn_offload){.flags = 0};
    if (h->gone)
        return TUN_GONE;
    if (h->echo_count > 0)
        return read_echo(h, out);
    if (h->given == h->to_read)
        return 0;
    memset(out, (int)(number & 0xff), length);
    memcpy(out, "\x45\0\0\0\0\0\0\0\x40\x11\0\0", 12);
    out[2] = (uint8_t)(length >> 8);
    out[3] = (uint8_t)length;
    memcpy(out + 12, "\x0a\0\0\x01\x0a\0\0\x01", 8);
    out[15] = (uint8_t)(1 + t->fd);
    out[19] = (uint8_t)(2 - t->fd);
    out[24] = (uint8_t)((length - 20) >> 8);
    out[25] = (uint8_t)(length - 20);
    out[6] = h->whole ? 0x40 : 0;
    put_sum(out + 10, out, 20);
    memcpy(out + INNER_HEADER, &number, sizeof number);
    h->given++;
    return (int)length;
}

int tun_write(tun *t, const vpn_offload *how, struct iovec *pieces, size_t n)
{
    struct host *h = &hosts[t->fd];
    const uint8_t *packet = pieces[1].iov_base;
    uint32_t number;

    (void)how;
    if (h->gone)
        return TUN_GONE;
    if (packet[9] == 1) {
        take_icmp(h, packet, (uint32_t)pieces[1].iov_len);
        return 0;
    }
    memcpy(&number, packet + INNER_HEADER, sizeof number);
    h->disorder += n != 1 || number < h->next;
    h->gaps += number > h->next;
    for (size_t i = INNER_HEADER + 4; i < pieces[1].iov_len; i++)
        h->disorder += packet[i] != (number & 0xff);
    h->next = number + 1;
    h->taken++;
    return 0;
}

/* --- the socket --- */

int udp_init(udp *u)
{
    *u = (udp){.fd = {-1, -1}};
    return 0;
}

int udp_bind(udp *u, uint16_t port)
{
    (void)u;
    (void)port;
    return 0;
}

void udp_close(udp *u)
{
    u->fd[0] = -1;
}

int udp_set_manner(udp *u, uint8_t manner)
{
    u->manner = manner;
    return 0;
}

void network_own(const char *own, uint8_t ip4[4], uint8_t ip6[16])
{
    memcpy(ip4, (uint8_t[]){10, 0, 0, (uint8_t)(own[0] - '0' + 1)}, 4);
    memset(ip6, 0, 16);
}

/* 0: it is too long for the wire, and lost. */
static int passes(udp *u, const vpn_packet *p, struct host *to)
{
    struct host *from = &hosts[u->fd[0]];

    if (platform_path == 0 || p->length + VPN_WG_OUTER_IPV4 - VPN_WG_OVERHEAD <= platform_path)
        return 1;
    if (p->user == UDP_CUT || (p->user != UDP_WHOLE && u->manner != UDP_STRICT)) {
        to->cut++;
        return 1;
    }
    if (platform_tells) {
        from->report = platform_path;
        memcpy(from->quote, p->data + p->offset, sizeof from->quote);
    }
    return 0;
}

int udp_take_error(udp *u, unsigned family, vpn_pmtu_report *out, uint8_t *quote)
{
    struct host *h = &hosts[u->fd[0]];

    (void)family;
    if (h->report == 0)
        return -1;
    memcpy(quote, h->quote, sizeof h->quote);
    *out = (vpn_pmtu_report){.size = sizeof *out,
                             .mtu = h->report,
                             .kind = VPN_PMTU_QUOTE_PAYLOAD,
                             .quote = quote,
                             .length = sizeof h->quote,
                             .remote = {.family = 4, .port = 7, .addr = {127, 0, 0, (uint8_t)(1 - u->fd[0])}}};
    h->report = 0;
    return 1;
}

/* The host is named by the last byte of its address. */
void udp_send(udp *u, const vpn_packet *packets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const vpn_packet *p = &packets[i];
        struct host *to = &hosts[p->path.remote.addr[3] % HOSTS];
        struct datagram *d;

        if (p->verdict != VPN_TO_NET || !passes(u, p, to))
            continue;
        if (to->wire_count == to->wire_room) {
            to->wire_room = to->wire_room == 0 ? 64 : to->wire_room * 2;
            to->wire = realloc(to->wire, to->wire_room * sizeof to->wire[0]);
        }
        d = malloc(sizeof *d);
        if (to->wire == NULL || d == NULL || p->length > sizeof d->bytes)
            abort();
        d->length = p->length;
        memcpy(d->bytes, p->data + p->offset, p->length);
        to->wire[to->wire_count++] = d;
    }
}

static int joins(const struct host *h, uint32_t each, uint32_t in_message, uint32_t bytes)
{
    return h->wire_first < h->wire_count && in_message < platform_joined && h->wire[h->wire_first]->length <= each &&
           bytes + each <= SLOT_BYTES;
}

/* Datagrams in a row, the last of which may be shorter, come as one message. */
static uint32_t receive_message(struct host *h, vpn_packet *message, uint32_t *each)
{
    uint32_t count = 0;

    *each = h->wire[h->wire_first]->length;
    message->length = 0;
    while (message->length == count * *each && joins(h, *each, count, message->length)) {
        struct datagram *d = h->wire[h->wire_first++];

        memcpy(message->data + message->length, d->bytes, d->length);
        message->length += d->length;
        count++;
        free(d);
    }
    return count;
}

size_t udp_receive(udp *u, unsigned family, vpn_packet *messages, uint32_t *each, size_t n)
{
    struct host *h = &hosts[u->fd[0]];
    size_t got = 0;

    (void)family;
    for (; got < n && h->wire_first < h->wire_count; got++) {
        (void)receive_message(h, &messages[got], &each[got]);
        messages[got].path.remote = (vpn_endpoint){.family = 4, .port = 7, .addr = {127, 0, 0, 0}};
        messages[got].path.remote.addr[3] = (uint8_t)(1 - u->fd[0]);
    }
    if (h->wire_first == h->wire_count)
        h->wire_first = h->wire_count = 0;
    return got;
}
