/* SPDX-License-Identifier: ISC */
#include "wireguard/ahead.h"

#include <string.h>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "packet/ip.h"
#include "wireguard/crypt.h"
#include "wireguard/wire.h"

/* What a data packet touches of its peer. */
#define PEER_BYTES offsetof(struct vpn__peer, public_key)

/* As a packet's list: not looked at yet. */
#define PENDING 3

/* Addresses of one family. Neighbours are mostly of one flow, so an address that comes again at once is searched once. */
struct list {
    uint8_t addrs[VPN__AHEAD][16];
    uint32_t owners[VPN__AHEAD];
    uint32_t count;
};

struct search {
    struct list of[2];         /* IPv4, IPv6 */
    uint8_t which[VPN__AHEAD]; /* the packet's list; 2: none */
    uint8_t place[VPN__AHEAD]; /* its address in the list */
};

static int is_same(const uint8_t *a, const uint8_t *b, uint8_t which)
{
    if (which == 0)
        return vpn__load32le(a) == vpn__load32le(b);
    return ((vpn__load64le(a) ^ vpn__load64le(b)) | (vpn__load64le(a + 8) ^ vpn__load64le(b + 8))) == 0;
}

static void add(struct search *search, size_t i, uint8_t version, const uint8_t *addr)
{
    uint8_t which = version == 6;
    struct list *list = &search->of[which];
    uint8_t *last = list->addrs[list->count - (list->count != 0)];

    if (list->count == 0 || !is_same(last, addr, which)) {
        last = list->addrs[list->count++];
        if (which)
            memcpy(last, addr, 16);
        else
            memcpy(last, addr, 4);
    }
    search->which[i] = which;
    search->place[i] = (uint8_t)(list->count - 1);
}

static void answer(const vpn_wg *wg, struct search *search, size_t n, struct vpn__ahead *out)
{
    for (uint8_t which = 0; which < 2; which++) {
        struct list *list = &search->of[which];

        if (list->count != 0)
            vpn_allowedips_lookup_many(wg->allowed, which ? 6 : 4, list->addrs[0], 16, list->owners, list->count);
    }
    for (size_t i = 0; i < n; i++)
        out->slot[i] =
            search->which[i] == 2 ? VPN__AHEAD_UNKNOWN : search->of[search->which[i]].owners[search->place[i]];
}

static int is_sound(const vpn_packet *packet)
{
    return packet->data != NULL && packet->offset <= packet->capacity &&
           packet->length <= packet->capacity - packet->offset;
}

/* Asks for the memory of a slot's peer, unless it is the one that was asked for last. NULL: none, or that one. */
static const struct vpn__peer *ask_peer(const vpn_wg *wg, uint32_t slot, uint32_t *last)
{
    const struct vpn__peer *peer;

    if (slot == *last || slot >= vpn__slab_high(&wg->peers))
        return NULL;
    *last = slot;
    peer = vpn__wg_peer(wg, slot);
    vpn__prefetch_bytes(peer, PEER_BYTES);
    return peer;
}

/* Where the window notes a counter. */
static const uint64_t *word_of(const vpn_replay *window, uint64_t counter)
{
    return &window->map[counter / 64 & (window->words - 1)];
}

void vpn__ahead_send(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out)
{
    struct search search;
    const struct vpn__peer *peer[VPN__AHEAD];
    uint32_t last = UINT32_MAX;
    struct vpn__ip ip;

    search.of[0].count = search.of[1].count = 0;
    for (size_t i = 0; i < n; i++)
        if (is_sound(&packets[i]))
            vpn__prefetch(packets[i].data + packets[i].offset);
    for (size_t i = 0; i < n; i++) {
        search.which[i] = 2;
        if ((wg->flags & VPN_WG_RAW) == 0 && is_sound(&packets[i]) &&
            vpn__ip_parse(&ip, packets[i].data + packets[i].offset, packets[i].length) == VPN_OK)
            add(&search, i, ip.version, ip.dst);
    }
    answer(wg, &search, n, out);
    for (size_t i = 0; i < n; i++)
        peer[i] = ask_peer(wg, wg->flags & VPN_WG_RAW ? (uint32_t)packets[i].peer : out->slot[i], &last);
    for (size_t i = 0; i < n; i++)
        if (peer[i] != NULL && peer[i]->ring.current != NULL)
            vpn__prefetch_bytes(peer[i]->ring.current, sizeof(struct vpn_session));
}

/* The data messages among some packets; neighbours of one session count as one. */
struct arrivals {
    uint32_t index[VPN__AHEAD];
    uint64_t counter[VPN__AHEAD];
    const struct vpn_session *session[VPN__AHEAD];
    uint32_t count;
};

static void find_arrivals(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct arrivals *out)
{
    out->count = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *message;
        uint32_t index;

        if (!is_sound(&packets[i]) || packets[i].length < VPN__DATA_LEAST)
            continue;
        message = packets[i].data + packets[i].offset;
        index = vpn__load32le(message + VPN__DATA_RECEIVER);
        if (message[0] != VPN__DATA || (out->count != 0 && index == out->index[out->count - 1]))
            continue;
        out->index[out->count] = index;
        out->counter[out->count++] = vpn__load64le(message + VPN__DATA_COUNTER);
        vpn__index_prefetch(&wg->by_index, index);
    }
}

void vpn__ahead_recv(const vpn_wg *wg, const vpn_packet *packets, size_t n)
{
    struct arrivals data;
    uint32_t last = UINT32_MAX;

    find_arrivals(wg, packets, n, &data);
    for (uint32_t i = 0; i < data.count; i++) {
        const struct vpn__index_entry *entry = vpn__index_find(&wg->by_index, data.index[i]);

        data.session[i] = entry == NULL ? NULL : entry->object;
        if (data.session[i] == NULL)
            continue;
        vpn__prefetch_bytes(data.session[i], sizeof(struct vpn_session));
        (void)ask_peer(wg, entry->peer, &last);
    }
    for (uint32_t i = 0; i < data.count; i++)
        if (data.session[i] != NULL)
            vpn__prefetch(word_of(&data.session[i]->replay, data.counter[i]));
}

/* First all that is asked for, then what has to be read for the next question. */
void vpn__ahead_end(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out)
{
    struct search search;
    uint32_t last = UINT32_MAX;
    struct vpn__ip ip;

    search.of[0].count = search.of[1].count = 0;
    for (size_t i = 0; i < n; i++) {
        const vpn_packet *packet = &packets[i];

        search.which[i] = packet->verdict == VPN_PENDING && packet->job.key != NULL ? PENDING : 2;
        if (search.which[i] != PENDING)
            continue;
        vpn__prefetch(packet->data + packet->offset + VPN_WG_HEADER_BYTES);
        if (ask_peer(wg, (uint32_t)packet->peer, &last) != NULL)
            vpn__prefetch_bytes(packet->job.key, sizeof(struct vpn_session));
    }
    for (size_t i = 0; i < n; i++) {
        const vpn_packet *packet = &packets[i];
        const struct vpn_session *session = packet->job.key;

        if (search.which[i] != PENDING)
            continue;
        search.which[i] = 2;
        if (packet->job.state != VPN__JOB_OPENED)
            continue;
        vpn__prefetch(word_of(&session->replay, packet->job.counter));
        if ((wg->flags & VPN_WG_RAW) == 0 && vpn__ip_parse(&ip, packet->data + packet->offset + VPN_WG_HEADER_BYTES,
                                                           packet->length - VPN_WG_OVERHEAD) == VPN_OK)
            add(&search, i, ip.version, ip.src);
    }
    answer(wg, &search, n, out);
}
