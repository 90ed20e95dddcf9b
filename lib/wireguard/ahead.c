/* SPDX-License-Identifier: ISC */
#include "wireguard/ahead.h"

#include <string.h>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "tunnel/allowedips.h"
#include "wireguard/crypt.h"
#include "wireguard/wire.h"

/* What a data packet touches of its peer: before it is encrypted, when it was received, when it was sent. */
#define PEER_BEGIN    VPN__LINE
#define PEER_RECEIVED offsetof(struct vpn__peer, timers.handshake_sent)
#define PEER_SENT     offsetof(struct vpn__peer, public_key)

/* Where a packet's address is searched: in a list by its number, nowhere, or it is known, or it was not looked at yet. */
enum { FOUR, SIX, NOWHERE, KNOWN, PENDING };

/* Addresses of one family. Neighbours are mostly of one flow, so an address that comes again at once is searched once. */
struct list {
    uint8_t addrs[VPN__AHEAD][16];
    uint32_t owners[VPN__AHEAD];
    uint32_t count;
};

struct search {
    struct list of[2];
    uint8_t which[VPN__AHEAD];
    uint8_t place[VPN__AHEAD]; /* its address in the list */
};

static int is_same(const uint8_t *a, const uint8_t *b, uint8_t which)
{
    if (which == FOUR)
        return vpn__load32le(a) == vpn__load32le(b);
    return ((vpn__load64le(a) ^ vpn__load64le(b)) | (vpn__load64le(a + 8) ^ vpn__load64le(b + 8))) == 0;
}

static void add(struct search *search, size_t i, uint8_t version, const uint8_t *addr)
{
    uint8_t which = version == 6 ? SIX : FOUR;
    struct list *list = &search->of[which];
    uint8_t *last = list->addrs[list->count - (list->count != 0)];

    if (list->count == 0 || !is_same(last, addr, which)) {
        last = list->addrs[list->count++];
        if (which == SIX)
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
    for (size_t i = 0; i < n; i++) {
        if (search->which[i] <= SIX)
            out->slot[i] = search->of[search->which[i]].owners[search->place[i]];
        else if (search->which[i] == NOWHERE)
            out->slot[i] = VPN__AHEAD_UNKNOWN;
    }
}

static int is_sound(const vpn_packet *packet)
{
    return packet->data != NULL && packet->offset <= packet->capacity &&
           packet->length <= packet->capacity - packet->offset;
}

/* Asks for the first `bytes` of a slot's peer, unless it is the one that was asked for last. NULL: none, or that one. */
static const struct vpn__peer *ask_peer(const vpn_wg *wg, uint32_t slot, size_t bytes, uint32_t *last)
{
    const struct vpn__peer *peer;

    if (slot == *last || slot >= vpn__slab_high(&wg->peers))
        return NULL;
    *last = slot;
    peer = vpn__wg_peer(wg, slot);
    vpn__prefetch_bytes(peer, bytes);
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
    uint32_t raw = wg->flags & VPN_WG_RAW, last = UINT32_MAX;

    search.of[0].count = search.of[1].count = 0;
    for (size_t i = 0; i < n; i++) {
        search.which[i] = NOWHERE;
        if (!is_sound(&packets[i]))
            continue;
        search.which[i] = raw ? NOWHERE : PENDING;
        vpn__prefetch(packets[i].data + packets[i].offset);
    }
    for (size_t i = 0; i < n; i++) {
        if (search.which[i] != PENDING)
            continue;
        search.which[i] = NOWHERE;
        if (vpn__ip_parse(&out->ip[i], packets[i].data + packets[i].offset, packets[i].length) == VPN_OK)
            add(&search, i, out->ip[i].version, out->ip[i].dst);
    }
    answer(wg, &search, n, out);
    for (size_t i = 0; i < n; i++)
        peer[i] = ask_peer(wg, raw ? (uint32_t)packets[i].peer : out->slot[i], PEER_BEGIN, &last);
    for (size_t i = 0; i < n; i++)
        if (peer[i] != NULL && peer[i]->ring.current != NULL)
            vpn__prefetch_bytes(peer[i]->ring.current, VPN__SESSION_SEND_BYTES);
}

/* The index that a data message asks for; 0 where there is none, which is as good as any. */
static uint32_t index_of(const vpn_packet *packet)
{
    const uint8_t *message;

    if (!is_sound(packet) || packet->length < VPN__DATA_LEAST)
        return 0;
    message = packet->data + packet->offset;
    return message[0] == VPN__DATA ? vpn__load32le(message + VPN__DATA_RECEIVER) : 0;
}

void vpn__ahead_recv(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out)
{
    uint32_t index[VPN__AHEAD];

    for (size_t i = 0; i < n; i++) {
        index[i] = index_of(&packets[i]);
        vpn__index_prefetch(&wg->by_index, index[i]);
    }
    for (size_t i = 0; i < n; i++) {
        const struct vpn__index_entry *entry = vpn__index_find(&wg->by_index, index[i]);

        out->session[i] = entry == NULL ? NULL : entry->object;
        if (out->session[i] != NULL)
            vpn__prefetch_bytes(out->session[i], sizeof(struct vpn_session));
    }
}

/* A peer mostly sends from one address: AllowedIPs gave it to the peer when its last packet came, and are what they were. */
static int knows(const struct vpn_session *session, const struct vpn__ip *ip, uint64_t changes)
{
    return session->source_at == changes && session->source_version == ip->version &&
           is_same(session->source, ip->src, ip->version == 6 ? SIX : FOUR);
}

/* The text of a packet that was opened. */
static void find_source(const vpn_wg *wg, const vpn_packet *packet, size_t i, struct search *search,
                        struct vpn__ahead *out)
{
    const struct vpn_session *session = packet->job.key;
    struct vpn__ip *ip = &out->ip[i];

    vpn__prefetch(word_of(&session->replay, packet->job.counter));
    if ((wg->flags & VPN_WG_RAW) != 0 || vpn__ip_parse(ip, packet->data + packet->offset + VPN_WG_HEADER_BYTES,
                                                       packet->length - VPN_WG_OVERHEAD) != VPN_OK)
        return;
    if (knows(session, ip, out->changes)) {
        search->which[i] = KNOWN;
        out->slot[i] = (uint32_t)session->peer;
    } else {
        out->searched |= UINT32_C(1) << i;
        add(search, i, ip->version, ip->src);
    }
}

/* First all that is asked for, then what has to be read for the next question. */
void vpn__ahead_end(const vpn_wg *wg, const vpn_packet *packets, size_t n, struct vpn__ahead *out)
{
    struct search search;
    uint32_t last = UINT32_MAX;
    int opened;

    out->changes = vpn__allowedips_changes(wg->allowed);
    out->searched = 0;
    search.of[0].count = search.of[1].count = 0;
    for (size_t i = 0; i < n; i++) {
        const vpn_packet *packet = &packets[i];

        search.which[i] = packet->verdict == VPN_PENDING && packet->job.key != NULL ? PENDING : NOWHERE;
        if (search.which[i] != PENDING)
            continue;
        opened = packet->job.state == VPN__JOB_OPENED;
        vpn__prefetch(packet->data + packet->offset + VPN_WG_HEADER_BYTES);
        if (ask_peer(wg, (uint32_t)packet->peer, opened ? PEER_RECEIVED : PEER_SENT, &last) != NULL)
            vpn__prefetch_bytes(packet->job.key, opened ? sizeof(struct vpn_session) : VPN__SESSION_SEND_BYTES);
    }
    for (size_t i = 0; i < n; i++) {
        if (search.which[i] != PENDING)
            continue;
        search.which[i] = NOWHERE;
        if (packets[i].job.state == VPN__JOB_OPENED)
            find_source(wg, &packets[i], i, &search, out);
    }
    answer(wg, &search, n, out);
}
