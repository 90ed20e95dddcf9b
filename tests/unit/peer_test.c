/* SPDX-License-Identifier: ISC */
#include "wireguard/peer.h"

#include "common/wg.h"

#define S VPN_SECOND

static struct wg_node node;
static vpn_peer_id none;

static void start(const vpn_wg_config *config)
{
    wg_node_init(&node, 0, config);
}

static void end(void)
{
    wg_node_end(&node);
}

static vpn_wg_peer settings(uint32_t number)
{
    uint64_t seed = number + 5000;
    vpn_wg_peer peer = {.size = sizeof(peer)};
    test_fill(&seed, peer.public_key, 32);
    return peer;
}

static vpn_peer_id add(uint32_t number)
{
    vpn_wg_peer peer = settings(number);
    vpn_peer_id id = 0;
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    ck_assert_uint_ne(id, 0);
    return id;
}

static vpn_wg_peer get(vpn_peer_id id)
{
    vpn_wg_peer peer = {.size = sizeof(peer)};
    ck_assert_int_eq(vpn_wg_peer_get(node.wg, id, &peer), 0);
    return peer;
}

START_TEST(defaults)
{
    start(NULL);
    vpn_wg_peer want = settings(1), have = get(add(1));
    ck_assert_mem_eq(have.public_key, want.public_key, 32);
    ck_assert(test_is_zero(have.preshared_key, 32) && test_is_zero(&have.endpoint, sizeof(have.endpoint)));
    ck_assert(have.expires == VPN_NEVER && have.keepalive == 0 && have.policy == VPN_WG_LEARN);
    ck_assert(have.padding == VPN_WG_PAD_STANDARD && have.queue == 128 && test_is_zero(have.stamp, 12));
    ck_assert_uint_eq(have.set, 0xff);
    end();
}
END_TEST

/* Values that differ from the defaults in every field. */
static vpn_wg_peer unusual(void)
{
    uint64_t seed = 6;
    vpn_wg_peer peer = settings(1);
    peer.set = 0xff;
    test_fill(&seed, peer.preshared_key, 32);
    test_fill(&seed, peer.stamp, 12);
    peer.endpoint = wg_endpoint(9, 51820);
    peer.expires = 1000 * S;
    peer.keepalive = 25;
    peer.policy = VPN_WG_ASK;
    peer.padding = VPN_WG_PAD_MTU;
    peer.queue = 3;
    return peer;
}

static void expect_equal(const vpn_wg_peer *have, const vpn_wg_peer *want)
{
    ck_assert_mem_eq(have->preshared_key, want->preshared_key, 32);
    ck_assert_mem_eq(&have->endpoint, &want->endpoint, sizeof(want->endpoint));
    ck_assert_mem_eq(have->stamp, want->stamp, 12);
    ck_assert(have->expires == want->expires && have->keepalive == want->keepalive);
    ck_assert(have->policy == want->policy && have->padding == want->padding && have->queue == want->queue);
}

static void copy_field(vpn_wg_peer *to, const vpn_wg_peer *from, uint32_t bit)
{
    switch (bit) {
    case VPN_WG_SET_PRESHARED:
        memcpy(to->preshared_key, from->preshared_key, 32);
        break;
    case VPN_WG_SET_ENDPOINT:
        to->endpoint = from->endpoint;
        break;
    case VPN_WG_SET_KEEPALIVE:
        to->keepalive = from->keepalive;
        break;
    case VPN_WG_SET_POLICY:
        to->policy = from->policy;
        break;
    case VPN_WG_SET_PADDING:
        to->padding = from->padding;
        break;
    case VPN_WG_SET_EXPIRES:
        to->expires = from->expires;
        break;
    case VPN_WG_SET_QUEUE:
        to->queue = from->queue;
        break;
    default:
        memcpy(to->stamp, from->stamp, 12);
    }
}

/* Exactly the fields that `set` names take effect, for each of the 256 choices, in add and in set. */
START_TEST(set_bits)
{
    start(NULL);
    for (uint32_t set = 0; set < 256; set++) {
        vpn_wg_peer want, have, change = unusual();
        vpn_peer_id id = add(1);
        want = get(id);
        for (uint32_t bit = 1; bit < 256; bit *= 2)
            if (set & bit)
                copy_field(&want, &change, bit);
        change.set = set;
        ck_assert_int_eq(vpn_wg_peer_set(node.wg, id, &change, 0), 0);
        have = get(id);
        expect_equal(&have, &want);
        ck_assert_int_eq(vpn_wg_peer_remove(node.wg, id), 0);
        ck_assert_int_eq(vpn_wg_peer_add(node.wg, &change, &id, 0), 0);
        have = get(id);
        expect_equal(&have, &want);
        ck_assert_int_eq(vpn_wg_peer_remove(node.wg, id), 0);
    }
    end();
}
END_TEST

static void expect_invalid(const vpn_wg_peer *bad, vpn_peer_id known)
{
    vpn_peer_id id = 77;
    vpn_wg_peer before = get(known), after;
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, bad, &id, 0), VPN_EINVAL);
    ck_assert_uint_eq(id, 0);
    ck_assert_int_eq(vpn_wg_peer_set(node.wg, known, bad, 0), VPN_EINVAL);
    after = get(known);
    ck_assert_mem_eq(&before, &after, sizeof(before));
    ck_assert_uint_eq(wg_stats(&node).peers, 1);
}

START_TEST(validation)
{
    start(NULL);
    vpn_peer_id id = add(1);
    for (uint32_t i = 0; i < 8; i++) {
        vpn_wg_peer bad = unusual();
        switch (i) {
        case 0:
            bad.set |= 0x100;
            break;
        case 1:
            bad.set |= UINT32_C(1) << 31;
            break;
        case 2:
            bad.policy = VPN_WG_ASK + 1;
            break;
        case 3:
            bad.padding = VPN_WG_PAD_MTU + 1;
            break;
        case 4:
            bad.endpoint.family = 5;
            break;
        case 5:
            bad.endpoint.port = 0;
            break;
        case 6:
            bad.size = 3;
            break;
        default:
            bad.reserved[3] = 1;
        }
        expect_invalid(&bad, id);
    }
    end();
}
END_TEST

/* What `set` does not name is not looked at. */
START_TEST(unnamed_fields)
{
    start(NULL);
    vpn_wg_peer peer = settings(1);
    peer.policy = 99;
    peer.padding = 99;
    peer.endpoint.family = 99;
    vpn_peer_id id;
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    vpn_wg_peer have = get(id);
    ck_assert(have.policy == VPN_WG_LEARN && have.padding == VPN_WG_PAD_STANDARD && have.endpoint.family == 0);
    end();
}
END_TEST

/* Older and newer callers: a shorter structure, and a longer one whose tail must be zero. */
START_TEST(sizes)
{
    struct {
        vpn_wg_peer known;
        uint8_t tail[8];
    } big;
    start(NULL);
    memset(&big, 0, sizeof(big));
    big.known = settings(1);
    big.known.size = sizeof(big);
    vpn_peer_id id;
    big.tail[7] = 1;
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &big.known, &id, 0), VPN_EINVAL);
    big.tail[7] = 0;
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &big.known, &id, 0), 0);
    memset(&big, 0xee, sizeof(big));
    big.known.size = sizeof(big);
    ck_assert_int_eq(vpn_wg_peer_get(node.wg, id, &big.known), 0);
    ck_assert(test_is_zero(big.tail, 8) && big.known.queue == 128);
    for (uint32_t size = 0; size <= sizeof(vpn_wg_peer); size++) {
        memset(&big, 0xee, sizeof(big));
        big.known.size = size;
        int least = size >= offsetof(vpn_wg_peer, preshared_key);
        ck_assert_int_eq(vpn_wg_peer_get(node.wg, id, &big.known), least ? 0 : VPN_EINVAL);
        ck_assert_uint_eq(((uint8_t *)&big)[size < 4 ? 4 : size], 0xee);
    }
    end();
}
END_TEST

START_TEST(same_key_twice)
{
    start(NULL);
    vpn_peer_id first = add(1), id = 0;
    vpn_wg_peer peer = unusual();
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), VPN_EEXIST);
    ck_assert_uint_eq(id, first);
    ck_assert_uint_eq(get(first).queue, 128);
    end();
}
END_TEST

START_TEST(own_key)
{
    start(NULL);
    vpn_wg_peer peer = settings(1);
    vpn_peer_id id = 5;
    memcpy(peer.public_key, node.public_key, 32);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), VPN_ESELF);
    ck_assert_uint_eq(id, 0);
    /* without an identity nobody is oneself, not even the key of zeros that the getter shows then */
    ck_assert_int_eq(vpn_wg_set_private_key(node.wg, NULL, 0), 0);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    memset(peer.public_key, 0, 32);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &none, 0), 0);
    ck_assert_int_eq(vpn_wg_set_private_key(node.wg, node.private_key, 0), 0);
    ck_assert_int_eq(vpn_wg_peer_remove(node.wg, id), VPN_ENOENT);
    ck_assert_uint_eq(wg_stats(&node).peers, 1);
    end();
}
END_TEST

START_TEST(limit)
{
    vpn_wg_config config = {.size = sizeof(config), .max_peers = 3};
    vpn_wg_peer peer = settings(4);
    vpn_peer_id id = 5, first;
    start(&config);
    first = add(1);
    add(2);
    add(3);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), VPN_ELIMIT);
    ck_assert_uint_eq(id, 0);
    peer = settings(1);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), VPN_EEXIST); /* which is there needs no room */
    ck_assert_uint_eq(id, first);
    peer = settings(4);
    ck_assert_int_eq(vpn_wg_peer_remove(node.wg, first), 0);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    ck_assert_uint_ne(id, first);
    end();
}
END_TEST

/* --- ids, walks and look-ups against a list --- */

#define MOST 40
static struct {
    vpn_peer_id id;
    uint32_t number;
} model[MOST];
static size_t count;
static vpn_peer_id past[4000]; /* ids of peers that are gone */
static size_t gone;

static void expect_model(void)
{
    size_t seen = 0;
    ck_assert_uint_eq(wg_stats(&node).peers, count);
    for (vpn_peer_id id = vpn_wg_peer_next(node.wg, 0); id != 0; id = vpn_wg_peer_next(node.wg, id)) {
        size_t i = 0;
        while (i < count && model[i].id != id)
            i++;
        ck_assert_uint_lt(i, count);
        if (++seen > count)
            ck_abort_msg("the walk does not end");
    }
    ck_assert_uint_eq(seen, count);
    ck_assert_uint_eq(vpn__keymap_count(&node.wg->by_key), count);
    for (size_t i = 0; i < count; i++) {
        vpn_wg_peer want = settings(model[i].number);
        ck_assert_uint_eq(vpn_wg_peer_find(node.wg, want.public_key), model[i].id);
    }
}

START_TEST(random_peers)
{
    uint64_t seed = 8;
    uint32_t number = 0;
    start(NULL);
    for (unsigned step = 0; step < 1500; step++) {
        size_t i = count ? test_below(&seed, count) : 0;
        if (count < MOST && (count == 0 || test_below(&seed, 2))) {
            model[count].number = ++number;
            model[count].id = add(number);
            for (size_t k = 0; k < gone; k++)
                ck_assert_uint_ne(past[k], model[count].id);
            count++;
        } else {
            past[gone++] = model[i].id;
            ck_assert_int_eq(vpn_wg_peer_remove(node.wg, model[i].id), 0);
            vpn_wg_peer was = settings(model[i].number);
            ck_assert_uint_eq(vpn_wg_peer_find(node.wg, was.public_key), 0);
            model[i] = model[--count];
        }
        expect_model();
    }
    end();
}
END_TEST

/* Removing while walking, which the page allows. */
START_TEST(remove_all_in_a_walk)
{
    start(NULL);
    for (uint32_t i = 0; i < 100; i++)
        add(i);
    unsigned removed = 0;
    for (vpn_peer_id id = 0; (id = vpn_wg_peer_next(node.wg, id)) != 0; removed++)
        ck_assert_int_eq(vpn_wg_peer_remove(node.wg, id), 0);
    ck_assert_uint_eq(removed, 100);
    ck_assert_uint_eq(vpn_wg_peer_next(node.wg, 0), 0);
    end();
}
END_TEST

/* An id that names nobody, any more or ever, is refused by every call. */
START_TEST(unknown_ids)
{
    start(NULL);
    add(2);
    vpn_peer_id old = add(1), keep = add(3);
    ck_assert_int_eq(vpn_wg_peer_remove(node.wg, old), 0);
    const vpn_peer_id bad[] = {
        old, 0, 1, UINT32_MAX, keep + 1, keep ^ UINT64_C(1) << 40, UINT64_MAX, keep & UINT32_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        vpn_wg_peer peer = unusual();
        vpn_wg_peer_stats stats = {.size = sizeof(stats)};
        vpn_prefix prefix = wg_prefix4(3, 24);
        uint64_t cursor = 0;
        ck_assert_int_eq(vpn_wg_peer_set(node.wg, bad[i], &peer, 0), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_peer_get(node.wg, bad[i], &peer), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_peer_remove(node.wg, bad[i]), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_allow(node.wg, bad[i], &prefix), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_disallow(node.wg, bad[i], &prefix), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_disallow(node.wg, bad[i], NULL), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_allowed(node.wg, bad[i], &cursor, &prefix), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_handshake(node.wg, bad[i], 0), VPN_ENOENT);
        ck_assert_int_eq(vpn_wg_peer_get_stats(node.wg, bad[i], &stats, 0), VPN_ENOENT);
        ck_assert_ptr_null(vpn__peer_find(node.wg, bad[i]));
    }
    ck_assert_uint_eq(wg_stats(&node).peers, 2);
    ck_assert_uint_eq(vpn_wg_peer_next(node.wg, old), keep);
    ck_assert_uint_eq(vpn_wg_peer_next(node.wg, UINT32_MAX), 0);
    ck_assert_uint_eq(vpn_wg_peer_next(node.wg, UINT64_MAX), 0);
    ck_assert_uint_eq(vpn_wg_peer_next(node.wg, keep + 1), 0);
    ck_assert_uint_eq(vpn_wg_peer_find(node.wg, (const uint8_t[32]){0}), 0);
    end();
}
END_TEST

START_TEST(allowed_ips)
{
    static const uint8_t inside[4] = {10, 0, 7, 9}, outside[4] = {10, 1, 0, 0};
    vpn_prefix wide = wg_prefix4(0, 16), narrow = wg_prefix4(7, 24), out;
    uint64_t cursor = 0;
    start(NULL);
    vpn_peer_id a = add(1), b = add(2);
    ck_assert_int_eq(vpn_wg_allow(node.wg, a, &wide), 0);
    ck_assert_int_eq(vpn_wg_allow(node.wg, b, &narrow), 0);
    ck_assert_uint_eq(vpn_wg_route(node.wg, 4, inside), b);
    ck_assert_uint_eq(vpn_wg_route(node.wg, 4, outside), 0);
    ck_assert_uint_eq(vpn_wg_route(node.wg, 5, inside), 0);
    ck_assert_int_eq(vpn_wg_disallow(node.wg, a, &narrow), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_allow(node.wg, a, &narrow), 0); /* taken from b */
    ck_assert_uint_eq(vpn_wg_route(node.wg, 4, inside), a);
    ck_assert_int_eq(vpn_wg_allowed(node.wg, b, &cursor, &out), VPN_ENOENT);
    cursor = 0;
    ck_assert_int_eq(vpn_wg_allowed(node.wg, a, &cursor, &out), 0);
    ck_assert_int_eq(vpn_wg_allowed(node.wg, a, &cursor, &out), 0);
    ck_assert_int_eq(vpn_wg_allowed(node.wg, a, &cursor, &out), VPN_ENOENT);
    ck_assert_int_eq(vpn_wg_disallow(node.wg, a, &narrow), 0);
    ck_assert_uint_eq(vpn_wg_route(node.wg, 4, inside), a);
    ck_assert_int_eq(vpn_wg_disallow(node.wg, a, NULL), 0);
    ck_assert_uint_eq(vpn_wg_route(node.wg, 4, inside), 0);
    narrow.bits = 33;
    ck_assert_int_eq(vpn_wg_allow(node.wg, a, &narrow), VPN_EINVAL);
    end();
}
END_TEST

/* A peer that takes the slot of one that was removed inherits nothing. */
START_TEST(slots_are_clean)
{
    static const uint8_t inside[4] = {10, 0, 7, 9};
    vpn_prefix prefix = wg_prefix4(7, 24), out;
    uint64_t cursor = 0;
    start(NULL);
    vpn_wg_peer peer = unusual();
    vpn_peer_id old, id;
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &old, 0), 0);
    ck_assert_int_eq(vpn_wg_allow(node.wg, old, &prefix), 0);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), 0);
    ck_assert_int_eq(vpn_wg_peer_remove(node.wg, old), 0);
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), VPN_NEVER);
    ck_assert_uint_eq(vpn_wg_route(node.wg, 4, inside), 0);
    id = add(1);
    ck_assert_uint_eq((uint32_t)id, (uint32_t)old);
    ck_assert_int_eq(vpn_wg_allowed(node.wg, id, &cursor, &out), VPN_ENOENT);
    vpn_wg_peer have = get(id);
    ck_assert(have.queue == 128 && have.expires == VPN_NEVER && test_is_zero(have.preshared_key, 32));
    ck_assert_uint_eq(vpn_wg_deadline(node.wg), VPN_NEVER);
    end();
}
END_TEST

/* Generations go round without 0, so that an id is never "no peer". */
START_TEST(generations_go_round)
{
    start(NULL);
    node.wg->serial = UINT32_MAX - 1;
    vpn_peer_id last = add(1), first = add(2);
    ck_assert_uint_eq(last >> 32, UINT32_MAX);
    ck_assert_uint_eq(first >> 32, 1);
    ck_assert(get(last).size && get(first).size);
    end();
}
END_TEST

/* Whichever allocation fails, the peer is not there afterwards, and is when it is tried again. */
START_TEST(allocation_failure)
{
    unsigned failures = 0;
    start(NULL);
    for (uint32_t number = 0; number < 300; number++) {
        vpn_wg_peer peer = settings(number);
        vpn_peer_id id = 9;
        int error = VPN_ENOMEM;
        for (size_t n = 0; error == VPN_ENOMEM; n++) {
            host_fail_after(&node.host, n);
            error = vpn_wg_peer_add(node.wg, &peer, &id, 0);
            host_heal(&node.host);
            if (error == 0)
                break;
            failures++;
            ck_assert_int_eq(error, VPN_ENOMEM);
            ck_assert(id == 0 && vpn_wg_peer_find(node.wg, peer.public_key) == 0);
            ck_assert_uint_eq(wg_stats(&node).peers, number);
            ck_assert_uint_lt(n, 10);
        }
        ck_assert_uint_ne(id, 0);
    }
    ck_assert_uint_gt(failures, 10);
    end();
}
END_TEST

START_TEST(clean_endpoints)
{
    vpn_wg_peer peer = settings(1);
    start(NULL);
    vpn_peer_id id = add(1);
    peer.set = VPN_WG_SET_ENDPOINT;
    peer.endpoint = wg_endpoint(3, 7);
    peer.endpoint.scope = 4;
    peer.endpoint.reserved = 1;
    peer.endpoint.addr[9] = 9;
    ck_assert_int_eq(vpn_wg_peer_set(node.wg, id, &peer, 0), 0);
    vpn_endpoint want = wg_endpoint(3, 7), have = get(id).endpoint;
    ck_assert_mem_eq(&have, &want, sizeof(want));
    peer.endpoint.family = 6;
    ck_assert_int_eq(vpn_wg_peer_set(node.wg, id, &peer, 0), 0);
    have = get(id).endpoint;
    ck_assert(have.family == 6 && have.scope == 4 && have.reserved == 0 && have.addr[9] == 9);
    peer.endpoint.family = 0;
    ck_assert_int_eq(vpn_wg_peer_set(node.wg, id, &peer, 0), 0);
    have = get(id).endpoint;
    ck_assert(test_is_zero(&have, sizeof(have)));
    end();
}
END_TEST

/* --- roaming --- */

static struct vpn__peer *roaming(uint8_t policy, uint8_t last)
{
    vpn_wg_peer peer = settings(1);
    vpn_peer_id id;
    peer.set = VPN_WG_SET_POLICY | VPN_WG_SET_ENDPOINT;
    peer.policy = policy;
    if (last)
        peer.endpoint = wg_endpoint(last, 7);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    return vpn__peer_find(node.wg, id);
}

static vpn_path path_from(uint8_t last)
{
    vpn_path path = {.remote = wg_endpoint(last, 7), .local = {127, 0, 0, 9}, .ifindex = 3};
    return path;
}

START_TEST(roam_learn)
{
    vpn_path path = path_from(2);
    start(NULL);
    struct vpn__peer *peer = roaming(VPN_WG_LEARN, 0);
    vpn__peer_roam(node.wg, peer, &path); /* the first address is no move */
    wg_no_event(&node);
    ck_assert_mem_eq(&peer->path, &path, sizeof(path));
    path = path_from(5);
    vpn__peer_roam(node.wg, peer, &path);
    vpn_wg_event_info event = wg_event(&node, VPN_WG_ROAMED);
    ck_assert(event.peer == peer->id && event.path.remote.addr[3] == 5 && event.from.addr[3] == 2);
    ck_assert_mem_eq(&peer->path, &path, sizeof(path));
    path = (vpn_path){.remote = {.family = 6, .port = 7, .scope = 2, .addr = {0xfe, 0x80}}};
    vpn__peer_roam(node.wg, peer, &path);
    wg_event(&node, VPN_WG_ROAMED);
    path.remote.scope = 3; /* the same address on another link */
    vpn__peer_roam(node.wg, peer, &path);
    event = wg_event(&node, VPN_WG_ROAMED);
    ck_assert(event.path.remote.scope == 3 && peer->path.remote.scope == 3 && event.from.scope == 2);
    path = path_from(5);
    vpn__peer_roam(node.wg, peer, &path);
    wg_event(&node, VPN_WG_ROAMED);
    path.ifindex = 8; /* another source address only */
    vpn__peer_roam(node.wg, peer, &path);
    wg_no_event(&node);
    ck_assert_uint_eq(peer->path.ifindex, 8);
    vpn__peer_forget_source(peer);
    ck_assert(peer->path.ifindex == 0 && test_is_zero(peer->path.local, 16) && peer->path.remote.port == 7);
    path.remote.family = 0; /* a host that does not tell */
    vpn__peer_roam(node.wg, peer, &path);
    ck_assert_uint_eq(peer->path.remote.family, 4);
    end();
}
END_TEST

START_TEST(roam_pin)
{
    vpn_path path = path_from(5);
    start(NULL);
    struct vpn__peer *peer = roaming(VPN_WG_PIN, 2);
    vpn__peer_roam(node.wg, peer, &path);
    wg_no_event(&node);
    ck_assert(peer->path.remote.addr[3] == 2 && peer->path.ifindex == 0);
    path = path_from(2);
    vpn__peer_roam(node.wg, peer, &path);
    ck_assert_uint_eq(peer->path.ifindex, 3);
    end();
}
END_TEST

START_TEST(roam_ask)
{
    vpn_path path = path_from(5);
    start(NULL);
    struct vpn__peer *peer = roaming(VPN_WG_ASK, 2);
    for (unsigned i = 0; i < 3; i++)
        vpn__peer_roam(node.wg, peer, &path);
    vpn_wg_event_info event = wg_event(&node, VPN_WG_ROAM_ASKED);
    ck_assert_uint_eq(event.path.remote.addr[3], 5);
    wg_no_event(&node); /* asked once for each address */
    ck_assert_uint_eq(peer->path.remote.addr[3], 2);
    path = path_from(6);
    vpn__peer_roam(node.wg, peer, &path);
    wg_event(&node, VPN_WG_ROAM_ASKED);
    end();
}
END_TEST

/* An endpoint that the host sets is whole: the source address that went with the old one goes, and asking begins anew. */
START_TEST(endpoint_set_by_the_host)
{
    vpn_wg_peer change = {.size = sizeof(change), .set = VPN_WG_SET_ENDPOINT, .endpoint = wg_endpoint(9, 7)};
    vpn_path path = path_from(2), other = path_from(5);
    start(NULL);
    struct vpn__peer *peer = roaming(VPN_WG_ASK, 2);
    vpn__peer_roam(node.wg, peer, &path);
    ck_assert_uint_eq(peer->path.ifindex, 3);
    vpn__peer_roam(node.wg, peer, &other);
    wg_event(&node, VPN_WG_ROAM_ASKED);
    ck_assert_int_eq(vpn_wg_peer_set(node.wg, peer->id, &change, 0), 0);
    ck_assert(peer->path.ifindex == 0 && test_is_zero(peer->path.local, 16) && peer->path.remote.addr[3] == 9);
    vpn__peer_roam(node.wg, peer, &other);
    wg_event(&node, VPN_WG_ROAM_ASKED);
    end();
}
END_TEST

START_TEST(low_order_key)
{
    vpn_wg_peer peer = settings(1);
    vpn_peer_id id;
    start(NULL);
    memset(peer.public_key, 0, 32);
    ck_assert_int_eq(vpn_wg_peer_add(node.wg, &peer, &id, 0), 0);
    ck_assert_int_eq(vpn__peer_agree(node.wg, vpn__peer_find(node.wg, id)), VPN_EKEY);
    ck_assert_int_eq(vpn__peer_agree(node.wg, vpn__peer_find(node.wg, id)), VPN_EKEY);
    end();
}
END_TEST

START_TEST(stats_of_a_fresh_peer)
{
    start(NULL);
    node.peer = add(1);
    vpn_wg_peer_stats stats = wg_peer_stats(&node, 5 * S);
    ck_assert(stats.state == VPN_WG_IDLE && stats.last_handshake == VPN_NEVER && stats.session_born == VPN_NEVER);
    ck_assert(stats.last_received == VPN_NEVER && stats.attempts == 0 && stats.initiator == 0);
    ck_assert(stats.last_handshake_wall.seconds == 0 && stats.handshakes == 0 && stats.path.remote.family == 0);
    stats.size = 7;
    ck_assert_int_eq(vpn_wg_peer_get_stats(node.wg, node.peer, &stats, 0), VPN_EINVAL);
    end();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("peer");
    test_add(s, "defaults", defaults);
    test_add(s, "set bits", set_bits);
    test_add(s, "validation", validation);
    test_add(s, "unnamed fields", unnamed_fields);
    test_add(s, "sizes", sizes);
    test_add(s, "same key twice", same_key_twice);
    test_add(s, "own key", own_key);
    test_add(s, "limit", limit);
    test_add(s, "random peers", random_peers);
    test_add(s, "remove all in a walk", remove_all_in_a_walk);
    test_add(s, "unknown ids", unknown_ids);
    test_add(s, "allowed ips", allowed_ips);
    test_add(s, "slots are clean", slots_are_clean);
    test_add(s, "generations_go_round", generations_go_round);
    test_add(s, "allocation failure", allocation_failure);
    test_add(s, "clean endpoints", clean_endpoints);
    test_add(s, "roam: learn", roam_learn);
    test_add(s, "roam: pin", roam_pin);
    test_add(s, "roam: ask", roam_ask);
    test_add(s, "endpoint set by the host", endpoint_set_by_the_host);
    test_add(s, "low-order key", low_order_key);
    test_add(s, "stats of a fresh peer", stats_of_a_fresh_peer);
    return s;
}

TEST_MAIN(suite)
