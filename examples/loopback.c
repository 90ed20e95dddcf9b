/* SPDX-License-Identifier: ISC */
/*
 * Two devices in one process: no socket, no interface, no privilege. What one device wants sent is handed to the other,
 * and the clock is a number that jumps from deadline to deadline. This is the whole use of the library in one page.
 */
#include <stdio.h>
#include <string.h>

#include <vpn/vpn.h>

#define ROOM  256u
#define PINGS 30u

struct side {
    vpn_wg *wg;
    uint8_t inner[4]; /* its address inside the tunnel */
    uint8_t outer[4]; /* and outside */
    unsigned got;
};

static vpn_packet packet_at(uint8_t *buffer, uint32_t length)
{
    return (vpn_packet){.data = buffer, .capacity = ROOM, .offset = VPN_WG_HEADROOM, .length = length};
}

static int introduce(struct side *self, const struct side *other)
{
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = {.family = 4, .port = 51820}};
    vpn_prefix prefix = {.family = 4, .bits = 32};
    vpn_peer_id id;

    vpn_wg_public_key(other->wg, peer.public_key);
    memcpy(peer.endpoint.addr, other->outer, sizeof other->outer);
    memcpy(prefix.addr, other->inner, sizeof other->inner);
    return vpn_wg_peer_add(self->wg, &peer, &id, 0) != 0 ? -1 : vpn_wg_allow(self->wg, id, &prefix);
}

/* Carries a datagram across, and the replies back and forth until there are none. A reply is written in place. */
static void deliver(struct side *from, struct side *to, vpn_packet *packet, vpn_time now)
{
    while (packet->verdict == VPN_TO_NET) {
        struct side *next = from;

        packet->path = (vpn_path){.remote = {.family = 4, .port = 51820}};
        memcpy(packet->path.remote.addr, from->outer, sizeof from->outer);
        (void)vpn_wg_recv(to->wg, packet, 1, now);
        if (packet->verdict == VPN_TO_TUN)
            to->got++;
        from = to;
        to = next;
    }
}

/* An IPv4 header and 64 bytes: as much of a ping as the tunnel looks at. */
static uint8_t ping(struct side *from, struct side *to, vpn_time now)
{
    static const uint8_t header[12] = {0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0};
    uint8_t buffer[ROOM] = {0};
    vpn_packet packet = packet_at(buffer, 84);
    uint8_t verdict;

    memcpy(buffer + packet.offset, header, sizeof header);
    memcpy(buffer + packet.offset + 12, from->inner, sizeof from->inner);
    memcpy(buffer + packet.offset + 16, to->inner, sizeof to->inner);
    (void)vpn_wg_send(from->wg, &packet, 1, now);
    verdict = packet.verdict;
    deliver(from, to, &packet, now);
    return verdict;
}

/* Nothing happens between deadlines, so the clock jumps from one to the next. */
static void sleep_until(struct side *a, struct side *b, vpn_time until)
{
    uint8_t buffer[ROOM];

    for (;;) {
        struct side *from = vpn_wg_deadline(a->wg) <= vpn_wg_deadline(b->wg) ? a : b;
        vpn_time due = vpn_wg_deadline(from->wg);
        vpn_packet packet = packet_at(buffer, 0);

        if (due > until)
            return;
        if (vpn_wg_tick(from->wg, &packet, 1, due) == 1)
            deliver(from, from == a ? b : a, &packet, due);
    }
}

static int new_side(struct side *side)
{
    uint8_t key[VPN_KEY_BYTES];

    if (vpn_wg_new(&side->wg, NULL) != 0 || vpn_key_private(key, NULL) != 0)
        return -1;
    (void)vpn_wg_set_private_key(side->wg, key, 0);
    vpn_wipe(key, sizeof key);
    return 0;
}

int main(void)
{
    struct side a = {.inner = {10, 0, 0, 1}, .outer = {192, 0, 2, 1}};
    struct side b = {.inner = {10, 0, 0, 2}, .outer = {192, 0, 2, 2}};
    vpn_wg_stats stats = {.size = sizeof stats};

    if (new_side(&a) != 0 || new_side(&b) != 0 || introduce(&a, &b) != 0 || introduce(&b, &a) != 0)
        return 1;
    printf("a ping before any session: %s\n", vpn_verdict_name(ping(&a, &b, VPN_SECOND)));
    for (vpn_time now = VPN_SECOND; now <= 10 * VPN_SECOND * PINGS; now += 10 * VPN_SECOND) {
        sleep_until(&a, &b, now);
        (void)ping(&a, &b, now);
        (void)ping(&b, &a, now);
    }
    (void)vpn_wg_get_stats(a.wg, &stats);
    printf("in %u virtual seconds: %u of %u pings crossed, %u of %u back, %u handshakes\n", PINGS * 10, b.got, PINGS,
           a.got, PINGS, (unsigned)stats.responses_received);
    (void)vpn_wg_free(a.wg);
    (void)vpn_wg_free(b.wg);
    return a.got == PINGS && b.got == PINGS ? 0 : 1;
}
