/* SPDX-License-Identifier: ISC */
/* A host: its device, its queue and what it does with each verdict. */
#include "scenario/node.h"

vpn_time node_now(const struct node *node)
{
    return (vpn_time)((int64_t)node->net->now + node->skew);
}

vpn_time node_deadline(const struct node *node)
{
    vpn_time deadline = vpn_wg_deadline(node->wg);
    if (deadline == VPN_NEVER)
        return VPN_NEVER;
    int64_t there = (int64_t)deadline - node->skew;
    return there < 0 ? 0 : (vpn_time)there;
}

static void env_start(struct node_env *env, uint64_t seed, struct net *net)
{
    env->seed = seed;
    env->wall.seconds = 1700000000;
    env->now = &net->now;
}

struct node *net_node_blank(struct net *net, const vpn_wg_config *config)
{
    ck_assert_int_lt(net->count, NET_NODES);
    struct node *node = calloc(1, sizeof *node);
    ck_assert_ptr_nonnull(node);
    node->net = net;
    node->number = net->count;
    env_start(&node->env, test_random(&net->seed), net);
    env_start(&node->queue_env, test_random(&net->seed), net);
    vpn_env env = node_env_make(&node->env), queue_env = node_env_make(&node->queue_env);
    vpn_wg_config settings = {0};
    if (config != NULL)
        settings = *config;
    settings.size = sizeof settings;
    settings.env = &env;
    node->mtu = settings.mtu != 0 ? settings.mtu : VPN_MTU_DEFAULT;
    node->raw = (settings.flags & VPN_WG_RAW) != 0;
    node->tailroom = VPN_WG_TAILROOM;
    ck_assert_int_eq(vpn_wg_new(&node->wg, &settings), 0);
    vpn_queue_config parking = {.size = sizeof parking, .env = &queue_env};
    ck_assert_int_eq(vpn_queue_new(&node->queue, &parking), 0);
    const uint8_t n = (uint8_t)(node->number + 1);
    const uint8_t at[4] = {192, 0, 2, n}, inner4[4] = {10, 0, 0, n}, inner6[16] = {0xfd, [15] = n};
    node->at.family = 4;
    node->at.port = 51820;
    memcpy(node->at.addr, at, 4);
    memcpy(node->inner4, inner4, 4);
    memcpy(node->inner6, inner6, 16);
    net->nodes[net->count++] = node;
    return node;
}

struct node *net_node(struct net *net, const vpn_wg_config *config)
{
    struct node *node = net_node_blank(net, config);
    vpn_env env = node_env_make(&node->env);
    ck_assert_int_eq(vpn_key_private(node->private_key, &env), 0);
    vpn_key_public(node->public_key, node->private_key);
    node_secret(node, node->private_key);
    ck_assert_int_eq(vpn_wg_set_private_key(node->wg, node->private_key, node_now(node)), 0);
    return node;
}

void node_secret(struct node *node, const uint8_t secret[32])
{
    ck_assert_uint_lt(node->env.secret_count, NET_SECRETS);
    memcpy(node->env.secrets[node->env.secret_count++], secret, 32);
}

int node_holds(const struct node *node, const uint8_t secret[32])
{
    return node_env_holds(&node->env, secret);
}

void node_free(struct node *node)
{
    ck_assert_int_eq(vpn_wg_free(node->wg), 0);
    vpn_queue_free(node->queue);
    ck_assert_uint_eq(node->env.bytes, 0);
    ck_assert_uint_eq(node->env.blocks, 0);
    ck_assert_msg(node->env.leaks == 0, "a secret was in memory that came back");
    ck_assert_uint_eq(node->queue_env.blocks, 0);
    free(node->held);
    free(node);
}

void node_set_ipv6(struct node *node)
{
    const uint8_t at[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(node->number + 1)};
    node->at.family = 6;
    memcpy(node->at.addr, at, 16);
}

void node_allow(struct node *a, vpn_peer_id id, uint8_t family, const uint8_t *addr, uint8_t bits)
{
    vpn_prefix prefix = {.family = family, .bits = bits};
    memcpy(prefix.addr, addr, family == 4 ? 4 : 16);
    ck_assert_int_eq(vpn_wg_allow(a->wg, id, &prefix), 0);
}

vpn_peer_id node_add(struct node *a, struct node *b, const vpn_wg_peer *more)
{
    vpn_wg_peer peer = {.set = VPN_WG_SET_ENDPOINT, .endpoint = b->at};
    if (more != NULL) {
        peer = *more;
        if ((peer.set & VPN_WG_SET_ENDPOINT) == 0) {
            peer.set |= VPN_WG_SET_ENDPOINT;
            peer.endpoint = b->at;
        }
    }
    peer.size = sizeof peer;
    memcpy(peer.public_key, b->public_key, 32);
    vpn_peer_id id = 0;
    ck_assert_int_eq(vpn_wg_peer_add(a->wg, &peer, &id, node_now(a)), 0);
    ck_assert_uint_ne(id, 0);
    node_allow(a, id, 4, b->inner4, 32);
    node_allow(a, id, 6, b->inner6, 128);
    a->peers[b->number] = id;
    return id;
}

void net_connect(struct node *a, struct node *b)
{
    node_add(a, b, NULL);
    node_add(b, a, NULL);
}

void node_set(struct node *a, vpn_peer_id id, vpn_wg_peer *change, uint32_t what)
{
    change->size = sizeof *change;
    change->set = what;
    ck_assert_int_eq(vpn_wg_peer_set(a->wg, id, change, node_now(a)), 0);
    node_take_events(a);
}

struct net *net_pair(uint64_t seed)
{
    struct net *net = net_new(seed);
    struct node *a = net_node(net, NULL), *b = net_node(net, NULL);
    net_connect(a, b);
    return net;
}

void net_up(struct net *net)
{
    struct node *a = net->nodes[0], *b = net->nodes[1];
    uint64_t before = b->delivered;
    node_send(a, b, 8);
    net_run(net, 6 * net->delay + MILLIS(1));
    ck_assert_uint_eq(b->delivered, before + 1);
    ck_assert_uint_eq(node_state(a, b), VPN_WG_CONNECTED);
    ck_assert_uint_eq(node_state(b, a), VPN_WG_CONNECTED);
}

/* Section 5.4: the form of each message, and how it is marked. */
static void check_form(const struct node *node, const vpn_packet *packet)
{
    static const uint32_t sizes[5] = {0, 148, 92, 64, 0};
    const uint8_t *bytes = packet->data + packet->offset;
    ck_assert_uint_eq(packet->verdict, VPN_TO_NET);
    ck_assert_uint_le((uint64_t)packet->offset + packet->length, packet->capacity);
    ck_assert(packet->path.remote.family == 4 || packet->path.remote.family == 6);
    ck_assert_uint_ge(packet->length, 32);
    ck_assert(bytes[0] >= 1 && bytes[0] <= 4 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0);
    ck_assert_uint_eq(packet->type, bytes[0]);
    if (bytes[0] < 4)
        ck_assert_uint_eq(packet->length, sizes[bytes[0]]);
    else if (!node->raw && packet->length - 32 != node->mtu)
        ck_assert_msg(packet->length - 32 > node->mtu || packet->length % 16 == 0, "length %u", packet->length);
    ck_assert_uint_eq(packet->tos & 0xfcu, bytes[0] <= 2 ? 0x88 : 0);
    if (bytes[0] == 3 || packet->length == 32)
        ck_assert_uint_eq(packet->tos, 0);
}

void node_transmit(struct node *node, const vpn_packet *packet)
{
    check_form(node, packet);
    struct datagram d = {.sent = node->net->now, .source = node->number, .target = -1, .from = node->at};
    d.path = packet->path;
    d.type = packet->type;
    d.tos = packet->tos;
    d.length = packet->length;
    d.bytes = packet->data + packet->offset;
    net_launch(node->net, &d);
}

void node_outcome(struct node *node, const vpn_packet *packet)
{
    ck_assert_uint_lt(packet->verdict, VPN_VERDICTS);
    ck_assert_uint_ne(packet->verdict, VPN_PENDING);
    ck_assert_uint_lt(packet->reason, VPN_REASONS);
    ck_assert_msg((packet->verdict == VPN_DROP) == (packet->reason != VPN_REASON_NONE), "verdict %u, reason %u",
                  packet->verdict, packet->reason);
    node->verdicts[packet->verdict]++;
    if (packet->verdict == VPN_DROP)
        node->drops[packet->reason]++;
    if (packet->verdict == VPN_TO_NET)
        node_transmit(node, packet);
    if (packet->verdict == VPN_WAIT) {
        const struct node_miser *miser = node->queue_env.miser;
        int error = vpn_queue_push(node->queue, packet);
        ck_assert_int_eq(error, error == VPN_ENOMEM && miser != NULL && miser->refused > 0 ? VPN_ENOMEM : 0);
    }
    if (packet->verdict == VPN_TO_TUN) {
        if (!node->raw)
            net_arrived(node->net, packet->data + packet->offset, packet->length);
        memcpy(node->last_inner, packet->data + packet->offset, packet->length);
        node->last_length = packet->length;
        node->last_peer = packet->peer;
        node->delivered++;
    }
}

/* A buffer as this node has them, in a block that is to be freed. */
static uint8_t *buffer_in(const struct node *node, size_t bytes, uint8_t **block)
{
    *block = malloc(node->shift + bytes + (node->shift + bytes == 0));
    ck_assert_ptr_nonnull(*block);
    return *block + node->shift;
}

static vpn_packet send_in(struct node *from, uint8_t *buffer, uint32_t capacity, uint32_t length, vpn_peer_id peer)
{
    vpn_packet packet = {.data = buffer, .capacity = capacity, .offset = VPN_WG_HEADROOM, .length = length};
    packet.peer = from->raw ? peer : 0;
    packet.user = 0x55aa;
    size_t n = vpn_wg_send(from->wg, &packet, 1, node_now(from));
    ck_assert_uint_eq(n, packet.verdict == VPN_TO_NET);
    ck_assert_uint_eq(packet.user, 0x55aa);
    node_outcome(from, &packet);
    packet.data = NULL;
    return packet;
}

/* Sends what was parked for a peer that is up now; stops when it has to wait again. */
static void unpark(struct node *node, vpn_peer_id peer)
{
    size_t parked = vpn_queue_count(node->queue, peer);
    uint32_t capacity = VPN_WG_HEADROOM + node->mtu + 2000;
    uint8_t *block, *buffer = buffer_in(node, capacity, &block);
    for (; parked > 0; parked--) {
        vpn_packet packet = {.data = buffer, .capacity = capacity, .offset = VPN_WG_HEADROOM};
        ck_assert_int_eq(vpn_queue_pop(node->queue, peer, &packet), 0);
        send_in(node, buffer, VPN_WG_HEADROOM + packet.length + node->tailroom, packet.length, peer);
    }
    free(block);
}

void node_take_events(struct node *node)
{
    vpn_wg_event_info event;
    while (vpn_wg_event(node->wg, &event) == 0) {
        ck_assert(event.type >= VPN_WG_UP && event.type <= VPN_WG_UNKNOWN_PEER);
        ck_assert_uint_eq(event.reserved, 0);
        node->events[node->event_count++ % NET_EVENTS] = event;
        node->event_types[event.type]++;
        if (event.type == VPN_WG_UP)
            unpark(node, event.peer);
        if (event.type == VPN_WG_GAVE_UP || event.type == VPN_WG_PEER_EXPIRED)
            vpn_queue_purge(node->queue, event.peer);
    }
}

void node_service(struct node *node)
{
    uint8_t *block, *room = buffer_in(node, (size_t)node->net->tick_batch * VPN_WG_FRESH_BYTES, &block);
    for (uint32_t round = 0; vpn_wg_deadline(node->wg) <= node_now(node); round++) {
        vpn_packet fresh[64] = {{0}};
        uint32_t n = node->net->tick_batch < 64 ? node->net->tick_batch : 64;
        for (uint32_t i = 0; i < n; i++) {
            fresh[i].data = room + (size_t)i * VPN_WG_FRESH_BYTES;
            fresh[i].capacity = VPN_WG_FRESH_BYTES;
        }
        size_t written = vpn_wg_tick(node->wg, fresh, n, node_now(node));
        node->ticks++;
        ck_assert_uint_le(written, n);
        for (size_t i = 0; i < written; i++)
            node_transmit(node, &fresh[i]);
        ck_assert_msg(written == n || vpn_wg_deadline(node->wg) > node_now(node), "a deadline that is past after tick");
        ck_assert_uint_lt(round, 1000000);
    }
    free(block);
    node_take_events(node);
}

vpn_packet node_send_bytes(struct node *from, const uint8_t *inner, uint32_t length)
{
    uint32_t capacity = VPN_WG_HEADROOM + length + from->tailroom;
    uint8_t *block, *buffer = buffer_in(from, capacity, &block);
    memcpy(buffer + VPN_WG_HEADROOM, inner, length);
    vpn_packet packet = send_in(from, buffer, capacity, length, from->peers[from->number == 0 ? 1 : 0]);
    free(block);
    node_take_events(from);
    return packet;
}

vpn_packet node_send(struct node *from, struct node *to, uint32_t payload)
{
    uint8_t inner[2048];
    ck_assert(payload >= 8 && payload + 28 <= sizeof inner);
    net_inner(from->net, inner, 4, from->inner4, to->inner4, payload + 28, 0);
    return node_send_bytes(from, inner, payload + 28);
}

vpn_packet node_send6(struct node *from, struct node *to, uint32_t payload)
{
    uint8_t inner[2048];
    ck_assert(payload >= 8 && payload + 48 <= sizeof inner);
    net_inner(from->net, inner, 6, from->inner6, to->inner6, payload + 48, 0);
    return node_send_bytes(from, inner, payload + 48);
}

static vpn_packet receive(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length,
                          uint8_t tos)
{
    free(node->held);
    uint8_t *buffer = buffer_in(node, length, &node->held);
    memcpy(buffer, bytes, length);
    vpn_packet packet = {.data = buffer, .capacity = length, .length = length, .tos = tos};
    packet.path.remote = *from;
    if (node->net->sticky) {
        memcpy(packet.path.local, node->at.addr, 16);
        packet.path.ifindex = 7;
    }
    size_t n = vpn_wg_recv(node->wg, &packet, 1, node_now(node));
    ck_assert_uint_eq(n, packet.verdict == VPN_TO_NET || packet.verdict == VPN_TO_TUN);
    node->replies += packet.verdict == VPN_TO_NET;
    if (packet.verdict == VPN_TO_NET)
        ck_assert_uint_le(packet.length, length);
    return packet;
}

vpn_packet node_feed_tos(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length,
                         uint8_t tos)
{
    vpn_packet packet = receive(node, from, bytes, length, tos);
    node_outcome(node, &packet);
    node_take_events(node);
    return packet;
}

vpn_packet node_feed(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length)
{
    return node_feed_tos(node, from, bytes, length, 0);
}

vpn_packet node_poke(struct node *node, const vpn_endpoint *from, const uint8_t *bytes, uint32_t length)
{
    vpn_packet packet = receive(node, from, bytes, length, 0);
    if (packet.verdict == VPN_TO_NET)
        check_form(node, &packet);
    else
        node_outcome(node, &packet);
    node_take_events(node);
    return packet;
}

size_t node_events(const struct node *node, uint32_t type)
{
    return node->event_types[type];
}

const vpn_wg_event_info *node_event_last(const struct node *node, uint32_t type)
{
    for (uint32_t i = node->event_count; i > 0 && node->event_count - i < NET_EVENTS; i--)
        if (node->events[(i - 1) % NET_EVENTS].type == type)
            return &node->events[(i - 1) % NET_EVENTS];
    return NULL;
}

vpn_wg_stats node_stats(const struct node *node)
{
    vpn_wg_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    ck_assert_int_eq(vpn_wg_get_stats(node->wg, &stats), 0);
    ck_assert_uint_eq(stats.memory, node->env.bytes);
    return stats;
}

vpn_wg_peer_stats node_peer_stats(const struct node *node, vpn_peer_id id)
{
    vpn_wg_peer_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    ck_assert_int_eq(vpn_wg_peer_get_stats(node->wg, id, &stats, node_now(node)), 0);
    return stats;
}

uint32_t node_state(const struct node *node, const struct node *peer)
{
    return node_peer_stats(node, node->peers[peer->number]).state;
}

struct snapshot node_snapshot(struct node *node, vpn_peer_id id)
{
    struct snapshot shot;
    memset(&shot, 0, sizeof shot);
    shot.device = node_stats(node);
    if (id != 0)
        shot.peer = node_peer_stats(node, id);
    shot.deadline = vpn_wg_deadline(node->wg);
    shot.delivered = node->delivered;
    shot.events = node->event_count;
    shot.log = node->net->log.count;
    return shot;
}

void node_unmoved(struct node *node, vpn_peer_id id, const struct snapshot *before, uint32_t reason, uint64_t count)
{
    struct snapshot after = node_snapshot(node, id), want = *before;
    want.device.drops[reason] += count;
    if (id != 0 && reason >= VPN_REASON_PEER_FIRST)
        want.peer.drops[reason] += count;
    ck_assert_mem_eq(after.device.drops, want.device.drops, sizeof want.device.drops);
    ck_assert_mem_eq(&after.device, &want.device, sizeof want.device);
    ck_assert_mem_eq(after.peer.drops, want.peer.drops, sizeof want.peer.drops);
    ck_assert_mem_eq(&after.peer, &want.peer, sizeof want.peer);
    ck_assert_uint_eq(after.deadline, want.deadline);
    ck_assert_uint_eq(after.delivered, want.delivered);
    ck_assert_uint_eq(after.events, want.events);
    ck_assert_uint_eq(after.log, want.log);
}
