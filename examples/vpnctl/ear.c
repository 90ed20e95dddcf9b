/* SPDX-License-Identifier: ISC */
#include "ear.h"

#include <string.h>

enum { UDP_HEADER = 8, INITIATION = 1, RESPONSE = 2, SENDER = 4, RECEIVER_OF_RESPONSE = 8 };

/* TAI64 labels begin at 2^62, and the stamps of WireGuard at ten seconds more (vpn/tai64n.h). */
#define TAI64_EPOCH UINT64_C(0x400000000000000a)

void ear_init(ear *e, const device *d, const uint8_t peer[VPN_KEY_BYTES], const vpn_endpoint *from, const facts *local)
{
    *e = (ear){.device = d, .peer = peer, .from = from, .local = local, .left = EAR_HANDSHAKES};
    vpn_cookie_checker_init(&e->checker, d->public_key);
}

static uint32_t load32(const uint8_t *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof number);
    return number;
}

static uint32_t seconds_behind(const uint8_t stamp[VPN_TAI64N_BYTES], uint64_t now)
{
    uint64_t label = 0;

    for (int i = 0; i < 8; i++)
        label = label << 8 | stamp[i];
    label -= TAI64_EPOCH;
    return label > now ? 0 : now - label > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - label);
}

static int is_peer(const ear *e, const uint8_t key[VPN_KEY_BYTES])
{
    for (size_t i = 0; i < e->device->peer_count; i++) {
        if (memcmp(e->device->peers[i].public_key, key, VPN_KEY_BYTES) == 0)
            return 1;
    }
    return 0;
}

static void take_true(ear *e, const uint8_t *message, const uint8_t key[VPN_KEY_BYTES],
                      const uint8_t stamp[VPN_TAI64N_BYTES], uint64_t now)
{
    if (memcmp(key, e->peer, VPN_KEY_BYTES) == 0) {
        e->heard.initiations++;
        e->heard.behind = seconds_behind(stamp, now);
        e->index = load32(message + SENDER);
        e->named = 1;
    } else if (!is_peer(e, key)) {
        e->heard.strangers++;
        memcpy(e->heard.stranger, key, VPN_KEY_BYTES);
    }
}

static void take_initiation(ear *e, const uint8_t *message, uint64_t now)
{
    uint8_t key[VPN_KEY_BYTES];
    uint8_t stamp[VPN_TAI64N_BYTES];
    vpn_handshake *h;

    if (vpn_mac1_check(&e->checker, message, VPN_WG_INITIATION_BYTES) != 0) {
        e->heard.wrong_mac1++;
        return;
    }
    if (e->left == 0 || vpn_handshake_new(&h, e->device->private_key, NULL, NULL) != 0)
        return;
    e->left--;
    if (vpn_handshake_read_initiation(h, message, key, stamp) == 0)
        take_true(e, message, key, stamp, now);
    else
        e->heard.unreadable++;
    vpn_handshake_free(h);
}

static size_t address_bytes(int family)
{
    return family == 4 ? 4 : 16;
}

/* Other peers send to the port as well. */
static int is_from_peer(const ear *e, const vpn_ip *ip)
{
    return e->from->family == 0 ||
           (e->from->family == ip->version && memcmp(e->from->addr, ip->src, address_bytes(ip->version)) == 0);
}

/* Of packets to the port, those that are forwarded are not the daemon's. */
static int is_to_us(const ear *e, const vpn_ip *ip)
{
    for (size_t i = 0; i < e->local->host.address_count; i++) {
        const vpn_prefix *own = &e->local->addresses[i].prefix;

        if (own->family == ip->version && memcmp(own->addr, ip->dst, address_bytes(ip->version)) == 0)
            return 1;
    }
    return e->local->host.address_count == 0;
}

static void take_message(ear *e, const uint8_t *message, size_t length, int from_peer, uint64_t now)
{
    e->heard.all += from_peer != 0;
    if (length == VPN_WG_INITIATION_BYTES && message[0] == INITIATION)
        take_initiation(e, message, now);
    else if (length == VPN_WG_RESPONSE_BYTES && message[0] == RESPONSE && from_peer &&
             vpn_mac1_check(&e->checker, message, length) == 0)
        e->heard.responses++;
}

static void take_own(ear *e, const uint8_t *message, size_t length)
{
    if (length == VPN_WG_RESPONSE_BYTES && message[0] == RESPONSE && e->named &&
        load32(message + RECEIVER_OF_RESPONSE) == e->index)
        e->heard.answers++;
}

void ear_take(ear *e, const uint8_t *packet, size_t length, int outgoing, uint64_t now)
{
    vpn_ip ip;
    size_t at;

    if (vpn_ip_parse(&ip, packet, length) != 0 || ip.protocol != VPN_IP_UDP || (ip.flags & VPN_IP_FRAGMENT) != 0)
        return;
    at = (size_t)ip.transport + UDP_HEADER;
    if (ip.total < length)
        length = ip.total;
    if (length <= at)
        return;
    if (outgoing && ip.src_port == e->device->port)
        take_own(e, packet + at, length - at);
    else if (!outgoing && ip.dst_port == e->device->port && is_to_us(e, &ip))
        take_message(e, packet + at, length - at, is_from_peer(e, &ip), now);
}

int ear_knows(const ear *e)
{
    return e->heard.wrong_mac1 + e->heard.unreadable + e->heard.strangers + e->heard.responses > 0;
}
