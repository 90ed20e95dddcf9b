/* SPDX-License-Identifier: ISC */
#include "memory/failures.h"

#include "scenario/node.h"

int failures_ok(const struct world *w, int error)
{
    if (error == VPN_OK)
        return 1;
    ck_assert_int_eq(error, VPN_ENOMEM);
    ck_assert_msg(!w->strict && w->miser.refused > 0, "out of memory with memory left");
    return 0;
}

static void forget(struct node *from, struct node *to)
{
    vpn_peer_id id = vpn_wg_peer_find(from->wg, to->public_key);
    if (id == 0)
        return;
    ck_assert_int_eq(vpn_wg_peer_remove(from->wg, id), 0);
    ck_assert_uint_eq(vpn_wg_peer_find(from->wg, to->public_key), 0);
    (void)vpn_queue_purge(from->queue, id);
    from->peers[to->number] = 0;
}

void failures_fresh(struct world *w)
{
    vpn_wg_resume(w->a->wg, node_now(w->a));
    vpn_wg_resume(w->b->wg, node_now(w->b));
    forget(w->a, w->b);
    forget(w->b, w->a);
}

/* A refused prefix leaves the one that had the address before. */
static void allow(struct world *w, struct node *from, vpn_peer_id id, uint8_t family, const uint8_t *addr, uint8_t bits)
{
    vpn_prefix prefix = {.family = family, .bits = bits};
    vpn_peer_id before = vpn_wg_route(from->wg, family, addr);
    memcpy(prefix.addr, addr, family == 4 ? 4 : 16);
    int done = failures_ok(w, vpn_wg_allow(from->wg, id, &prefix));
    ck_assert_uint_eq(vpn_wg_route(from->wg, family, addr), done ? id : before);
}

static vpn_peer_id add_peer(struct world *w, struct node *from, const vpn_wg_peer *peer)
{
    const uint32_t before = node_stats(from).peers;
    vpn_peer_id id = 77;
    if (failures_ok(w, vpn_wg_peer_add(from->wg, peer, &id, node_now(from)))) {
        ck_assert_uint_eq(vpn_wg_peer_find(from->wg, peer->public_key), id);
        return id;
    }
    ck_assert_uint_eq(id, 0);
    ck_assert_uint_eq(vpn_wg_peer_find(from->wg, peer->public_key), 0);
    ck_assert_uint_eq(node_stats(from).peers, before);
    return 0;
}

void failures_add(struct world *w, struct node *from, struct node *to, const uint8_t *psk)
{
    vpn_wg_peer peer = {
        .size = sizeof peer, .set = VPN_WG_SET_ENDPOINT | VPN_WG_SET_QUEUE, .endpoint = to->at, .queue = 8};
    memcpy(peer.public_key, to->public_key, 32);
    if (psk != NULL) {
        memcpy(peer.preshared_key, psk, 32);
        peer.set |= VPN_WG_SET_PRESHARED;
    }
    vpn_peer_id id = add_peer(w, from, &peer);
    from->peers[to->number] = id;
    if (id == 0)
        return;
    allow(w, from, id, 4, to->inner4, 32);
    allow(w, from, id, 6, to->inner6, 128);
}

void failures_reach(struct world *w, struct node *from, struct node *to)
{
    uint64_t before = to->delivered;
    node_send(from, to, 8);
    for (int i = 0; i < 60 && to->delivered == before; i++)
        net_run(w->net, MILLIS(500));
    ck_assert_uint_le(to->delivered, before + 1 + 8);
    STRICT(w, to->delivered > before);
}

void failures_up(struct world *w)
{
    failures_fresh(w);
    failures_add(w, w->a, w->b, NULL);
    failures_add(w, w->b, w->a, NULL);
    failures_reach(w, w->a, w->b);
    STRICT(w, node_state(w->a, w->b) == VPN_WG_CONNECTED);
}

/* --- the scenarios --- */

#define CROWD 40

static void handshake(struct world *w)
{
    static const uint8_t psk[32] = {1, 2, 3};
    failures_fresh(w);
    failures_add(w, w->a, w->b, psk);
    failures_add(w, w->b, w->a, psk);
    failures_reach(w, w->a, w->b);
    failures_reach(w, w->b, w->a);
}

static void handshake_backwards(struct world *w)
{
    failures_fresh(w);
    failures_add(w, w->a, w->b, NULL);
    failures_add(w, w->b, w->a, NULL);
    failures_reach(w, w->b, w->a);
    failures_reach(w, w->a, w->b);
}

/* Both begin at once, more than once. */
static void handshakes_cross(struct world *w)
{
    failures_up(w);
    for (int i = 0; i < 3; i++) {
        if (w->a->peers[w->b->number] != 0)
            vpn_wg_handshake(w->a->wg, w->a->peers[w->b->number], node_now(w->a));
        if (w->b->peers[w->a->number] != 0)
            vpn_wg_handshake(w->b->wg, w->b->peers[w->a->number], node_now(w->b));
        net_run(w->net, SECONDS(7));
    }
    failures_reach(w, w->a, w->b);
    failures_reach(w, w->b, w->a);
}

/* Traffic for longer than a session is used. */
static void rekey(struct world *w)
{
    failures_up(w);
    uint64_t before = node_stats(w->a).responses_received;
    for (int i = 0; i < 13; i++) {
        net_run(w->net, SECONDS(10));
        node_send(w->a, w->b, 8);
        node_send(w->b, w->a, 8);
    }
    net_run(w->net, SECONDS(10));
    STRICT(w, node_stats(w->a).responses_received > before);
    failures_reach(w, w->a, w->b);
}

/* What is parked while there is no session. */
static void parking(struct world *w)
{
    failures_fresh(w);
    failures_add(w, w->a, w->b, NULL);
    failures_add(w, w->b, w->a, NULL);
    uint64_t before = w->b->delivered;
    for (int i = 0; i < 12; i++)
        node_send(w->a, w->b, 8 + (uint32_t)i * 100);
    ck_assert_uint_le(vpn_queue_count(w->a->queue, 0), 8);
    STRICT(w, vpn_queue_count(w->a->queue, 0) == 8);
    net_run(w->net, SECONDS(10));
    STRICT(w, w->b->delivered == before + 8);
    failures_reach(w, w->b, w->a);
}

static void roaming(struct world *w)
{
    failures_up(w);
    w->a->at.port = (uint16_t)(w->a->at.port % 60000 + 1);
    failures_reach(w, w->a, w->b);
    if (w->strict) {
        vpn_wg_peer_stats stats = node_peer_stats(w->b, w->b->peers[w->a->number]);
        ck_assert(net_endpoint_equal(&stats.path.remote, &w->a->at));
    }
    failures_reach(w, w->b, w->a);
}

/* b is under load, so that a needs a cookie. */
static void cookies(struct world *w)
{
    struct forger f;
    uint8_t message[148], stamp[12];
    failures_fresh(w);
    forge_new(&f, 1000 + w->net->now, 90);
    failures_add(w, w->a, w->b, NULL);
    failures_add(w, w->b, w->a, NULL);
    uint64_t before = node_stats(w->a).cookies_received;
    for (int i = 0; i < 10; i++) {
        forge_stamp(stamp, 2000000000 + (uint64_t)i, 0);
        forge_initiation(&f, message, w->b->public_key, stamp);
        node_poke(w->b, &f.at, message, 148);
    }
    failures_reach(w, w->a, w->b);
    STRICT(w, node_stats(w->a).cookies_received > before);
}

/* a becomes somebody else under traffic; b is told. */
static void identity(struct world *w)
{
    failures_up(w);
    node_send(w->a, w->b, 8);
    forget(w->b, w->a);
    w->a->private_key[5] ^= 0x55;
    vpn_key_public(w->a->public_key, w->a->private_key);
    ck_assert_int_eq(vpn_wg_set_private_key(w->a->wg, w->a->private_key, node_now(w->a)), 0);
    failures_add(w, w->b, w->a, NULL);
    failures_reach(w, w->a, w->b);
    failures_reach(w, w->b, w->a);
}

/* Peers go while a handshake is under way, and by themselves. */
static void removal(struct world *w)
{
    vpn_wg_peer brief = {.size = sizeof brief, .set = VPN_WG_SET_EXPIRES | VPN_WG_SET_ENDPOINT | VPN_WG_SET_KEEPALIVE};
    failures_fresh(w);
    failures_add(w, w->a, w->b, NULL);
    failures_add(w, w->b, w->a, NULL);
    node_send(w->a, w->b, 8);
    net_run(w->net, MILLIS(5));
    forget(w->b, w->a);
    net_run(w->net, SECONDS(1));
    forget(w->a, w->b);
    brief.public_key[0] = 9;
    brief.endpoint = w->b->at;
    brief.keepalive = 1;
    brief.expires = node_now(w->a) + SECONDS(7);
    (void)add_peer(w, w->a, &brief);
    net_run(w->net, SECONDS(10));
    ck_assert_uint_eq(vpn_wg_peer_find(w->a->wg, brief.public_key), 0);
    failures_up(w);
}

/* More peers than one chunk, table or heap holds, each with prefixes, one of them taken from another. */
static void many_peers(struct world *w)
{
    vpn_wg_peer peer = {.size = sizeof peer};
    vpn_peer_id ids[80];
    failures_fresh(w);
    const uint32_t before = node_stats(w->a).peers;
    for (uint8_t i = 0; i < 80; i++) {
        const uint8_t inner4[4] = {10, 7, (uint8_t)(i / 2), 0};
        memset(peer.public_key, i + 100, 32);
        ids[i] = add_peer(w, w->a, &peer);
        if (ids[i] != 0)
            allow(w, w->a, ids[i], 4, inner4, (uint8_t)(24 + i % 2));
    }
    STRICT(w, node_stats(w->a).peers == before + 80);
    for (size_t i = 0; i < 80; i++)
        if (ids[i] != 0)
            ck_assert_int_eq(vpn_wg_peer_remove(w->a->wg, ids[i]), 0);
    ck_assert_uint_eq(node_stats(w->a).peers, before);
    failures_up(w);
}

/* More sessions than one chunk holds, made by others; each that got its answer can be used. */
static void crowd(struct world *w)
{
    struct forger *crew = calloc(CROWD, sizeof *crew);
    uint8_t message[148], stamp[12], empty[32];
    vpn_peer_id ids[CROWD];
    ck_assert_ptr_nonnull(crew);
    failures_fresh(w);
    for (uint8_t i = 0; i < CROWD; i++) {
        vpn_wg_peer peer = {.size = sizeof peer};
        forge_new(&crew[i], 500 + (uint64_t)i, i);
        memcpy(peer.public_key, crew[i].public_key, 32);
        ids[i] = add_peer(w, w->a, &peer);
    }
    for (uint8_t i = 0; i < CROWD; i++) {
        forge_stamp(stamp, 2000000000, 0);
        forge_initiation(&crew[i], message, w->a->public_key, stamp);
        vpn_packet packet = node_poke(w->a, &crew[i].at, message, 148);
        STRICT(w, packet.verdict == VPN_TO_NET);
        if (packet.verdict != VPN_TO_NET)
            continue;
        ck_assert_int_eq(forge_read_response(&crew[i], packet.data), 0);
        forge_data(&crew[i], empty, 0, NULL, 0);
        ck_assert_uint_eq(node_poke(w->a, &crew[i].at, empty, 32).verdict, VPN_DONE);
    }
    for (size_t i = 0; i < CROWD; i++)
        if (ids[i] != 0)
            ck_assert_int_eq(vpn_wg_peer_remove(w->a->wg, ids[i]), 0);
    ck_assert_uint_eq(node_stats(w->a).sessions, 0);
    free(crew);
}

/* A stranger knocks, and is let in on the same initiation. */
static void stranger(struct world *w)
{
    failures_fresh(w);
    failures_add(w, w->a, w->b, NULL);
    vpn_time start = w->net->now;
    node_send(w->a, w->b, 8);
    net_run(w->net, SECONDS(1));
    if (net_logged(w->net, w->a->number, 1, start) == 0)
        return; /* no memory for a handshake */
    const struct datagram *knock = net_log_last(w->net, w->a->number, 1);
    uint8_t bytes[148];
    memcpy(bytes, knock->bytes, 148);
    vpn_packet packet = {.data = bytes, .capacity = 148, .length = 148};
    packet.path.remote = w->a->at;
    failures_add(w, w->b, w->a, NULL);
    if (w->b->peers[w->a->number] == 0)
        return;
    vpn_wg_accept(w->b->wg, &packet, node_now(w->b));
    STRICT(w, packet.verdict == VPN_TO_NET);
    node_outcome(w->b, &packet);
    net_run(w->net, SECONDS(1));
    STRICT(w, node_state(w->a, w->b) == VPN_WG_CONNECTED);
    failures_reach(w, w->b, w->a);
}

static void sleep_and_wake(struct world *w)
{
    failures_up(w);
    vpn_wg_suspend(w->a->wg);
    node_send(w->a, w->b, 8);
    net_run(w->net, SECONDS(40));
    vpn_wg_resume(w->a->wg, node_now(w->a));
    vpn_wg_network_changed(w->a->wg, node_now(w->a));
    net_run(w->net, SECONDS(1));
    failures_reach(w, w->a, w->b);
    failures_reach(w, w->b, w->a);
}

/* --- configuration text --- */

#define UAPI_PEERS    6
#define UAPI_PREFIXES 5

static void uapi_key(uint8_t key[32], int peer, uint8_t kind)
{
    memset(key, 0x40 + peer, 32);
    key[0] = kind;
}

static size_t uapi_text(char *out, size_t room)
{
    char hex[VPN_KEY_HEX_CHARS + 1];
    uint8_t key[32];
    size_t n = 0;
    for (int i = 0; i < UAPI_PEERS; i++) {
        uapi_key(key, i, 1);
        vpn_key_to_hex(hex, key);
        n += (size_t)snprintf(out + n, room - n, "public_key=%s\n", hex);
        uapi_key(key, i, 2);
        vpn_key_to_hex(hex, key);
        n += (size_t)snprintf(out + n, room - n, "preshared_key=%s\nreplace_allowed_ips=true\n", hex);
        for (int p = 0; p < UAPI_PREFIXES; p++)
            n += (size_t)snprintf(out + n, room - n, "allowed_ip=10.9.%d.%d/32\n", i, p);
    }
    ck_assert_uint_lt(n, room);
    return n;
}

/* A set that ended for want of memory: sections before are whole, the one that failed and later ones are not there. */
static void uapi_half(struct world *w, const vpn_uapi_error *error)
{
    const int section = (int)(error->line - 1) / (UAPI_PREFIXES + 3);
    ck_assert_int_eq(error->error, VPN_ENOMEM);
    ck_assert_int_eq(error->number, -12);
    ck_assert_ptr_nonnull(error->why);
    ck_assert_int_lt(section, UAPI_PEERS);
    for (int i = 0; i < UAPI_PEERS; i++) {
        uint8_t key[32], psk[32];
        uapi_key(key, i, 1);
        uapi_key(psk, i, 2);
        vpn_peer_id id = vpn_wg_peer_find(w->a->wg, key);
        ck_assert_int_eq(id != 0, i < section);
        if (id == 0)
            continue;
        vpn_wg_peer peer = {.size = sizeof peer};
        ck_assert_int_eq(vpn_wg_peer_get(w->a->wg, id, &peer), 0);
        ck_assert_mem_eq(peer.preshared_key, psk, 32);
        for (int p = 0; p < UAPI_PREFIXES; p++) {
            const uint8_t addr[4] = {10, 9, (uint8_t)i, (uint8_t)p};
            ck_assert_uint_eq(vpn_wg_route(w->a->wg, 4, addr), id);
        }
    }
}

static void uapi(struct world *w)
{
    static char text[8192], out[16384];
    vpn_uapi_error error;
    size_t length;
    failures_fresh(w);
    for (int i = 0; i < UAPI_PEERS; i++) {
        uint8_t key[32];
        uapi_key(key, i, 1);
        (void)vpn_wg_peer_remove(w->a->wg, vpn_wg_peer_find(w->a->wg, key));
    }
    length = uapi_text(text, sizeof text);
    /* Twice: what is there already takes no memory. */
    for (int i = 0; i < 2; i++) {
        int result = vpn_uapi_set(w->a->wg, text, length, NULL, node_now(w->a), &error);
        if (!failures_ok(w, result)) {
            uapi_half(w, &error);
            continue;
        }
        ck_assert_uint_eq(node_stats(w->a).peers, UAPI_PEERS);
    }
    ck_assert_int_eq(vpn_uapi_get(w->a->wg, NULL, out, sizeof out, &length), 0);
    failures_up(w);
    forget(w->a, w->b);
}

/* --- objects by themselves --- */

/* Asserts that nothing is left of an object that could not be made. */
static int made(struct world *w, int error, const void *object, size_t bytes_before)
{
    int done = failures_ok(w, error);
    ck_assert_int_eq(object != NULL, done);
    if (!done)
        ck_assert_uint_eq(w->env.bytes, bytes_before);
    return done;
}

static void device(struct world *w)
{
    vpn_env env = node_env_make(&w->env);
    vpn_wg_config config = {.size = sizeof config, .env = &env};
    vpn_wg_peer peer = {.size = sizeof peer, .set = VPN_WG_SET_ENDPOINT, .endpoint = w->b->at};
    vpn_prefix all = {.family = 4};
    vpn_wg *wg = (vpn_wg *)&config;
    uint8_t inner[64], fresh[VPN_WG_FRESH_BYTES];
    vpn_peer_id id;
    size_t before = w->env.bytes;
    int error = vpn_wg_new(&wg, &config);
    if (!made(w, error, wg, before))
        return;
    memcpy(peer.public_key, w->b->public_key, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(wg, w->c->private_key, 0), 0);
    if (failures_ok(w, vpn_wg_peer_add(wg, &peer, &id, 0)) && failures_ok(w, vpn_wg_allow(wg, id, &all))) {
        vpn_packet packet = {.data = inner, .capacity = 64, .length = 36},
                   first = {.data = fresh, .capacity = sizeof fresh};
        net_inner(w->net, inner, 4, w->a->inner4, w->b->inner4, 36, 0);
        vpn_wg_send(wg, &packet, 1, 0);
        ck_assert_uint_eq(packet.verdict, VPN_WAIT);
        size_t n = vpn_wg_tick(wg, &first, 1, 0);
        STRICT(w, n == 1);
        ck_assert_uint_gt(vpn_wg_deadline(wg), 0);
    }
    ck_assert_int_eq(vpn_wg_free(wg), 0);
    ck_assert_uint_eq(w->env.bytes, before);
}

static void objects(struct world *w)
{
    const vpn_session_keys keys = {.send = {1}, .receive = {2}};
    const uint8_t addr[4] = {10, 0, 0, 9};
    vpn_env env = node_env_make(&w->env);
    vpn_queue_config parking_config = {.size = sizeof parking_config, .env = &env};
    vpn_handshake *shake = (vpn_handshake *)&env;
    vpn_session *session = (vpn_session *)&env;
    vpn_scratch *scratch = (vpn_scratch *)&env;
    vpn_queue *queue = (vpn_queue *)&env;
    vpn_allowedips *table = (vpn_allowedips *)&env;
    size_t before = w->env.bytes;
    int error = vpn_handshake_new(&shake, w->a->private_key, NULL, &env);
    made(w, error, shake, before);
    before = w->env.bytes;
    error = vpn_session_new(&session, &keys, 0, NULL, &env, 0);
    made(w, error, session, before);
    before = w->env.bytes;
    error = vpn_scratch_new(&scratch, NULL, &env);
    made(w, error, scratch, before);
    before = w->env.bytes;
    error = vpn_queue_new(&queue, &parking_config);
    made(w, error, queue, before);
    before = w->env.bytes;
    error = vpn_allowedips_new(&table, &env);
    made(w, error, table, before);
    for (uint8_t i = 0; table != NULL && i < 100; i++) {
        vpn_prefix prefix = {.family = 4, .bits = 32, .addr = {10, 0, 0, i}};
        size_t count = vpn_allowedips_count(table), memory = vpn_allowedips_memory(table);
        if (failures_ok(w, vpn_allowedips_insert(table, &prefix, i)))
            continue;
        ck_assert_uint_eq(vpn_allowedips_count(table), count);
        ck_assert_uint_ge(vpn_allowedips_memory(table), memory);
        ck_assert_uint_eq(vpn_allowedips_lookup(table, 4, prefix.addr), VPN_ALLOWEDIPS_NONE);
        ck_assert(i <= 9 || count < 10 || vpn_allowedips_lookup(table, 4, addr) == 9);
    }
    for (uint32_t i = 0; queue != NULL && i < 60; i++) {
        uint8_t data[40] = {0};
        vpn_packet packet = {.data = data, .capacity = 40, .length = 40, .peer = 1 + i % 30, .queue = 9};
        size_t count = vpn_queue_count(queue, 0);
        int parked = failures_ok(w, vpn_queue_push(queue, &packet));
        ck_assert_uint_eq(vpn_queue_count(queue, 0), parked ? count + 1 : count);
    }
    vpn_handshake_free(shake);
    vpn_session_free(session);
    vpn_scratch_free(scratch);
    vpn_queue_free(queue);
    vpn_allowedips_free(table);
    ck_assert_uint_eq(w->env.bytes, 0);
}

const struct failures_row failures_rows[] = {
    {"handshake", handshake, 0},
    {"handshake backwards", handshake_backwards, 0},
    {"handshakes cross", handshakes_cross, 0},
    {"rekey", rekey, 0},
    {"parking", parking, 0},
    {"roaming", roaming, 0},
    {"cookies", cookies, 1},
    {"identity", identity, 0},
    {"removal", removal, 0},
    {"many peers", many_peers, 0},
    {"crowd", crowd, 0},
    {"stranger", stranger, 0},
    {"sleep and wake", sleep_and_wake, 0},
    {"uapi", uapi, 0},
    {"device", device, 0},
    {"objects", objects, 0},
};
const size_t failures_row_count = sizeof failures_rows / sizeof failures_rows[0];
