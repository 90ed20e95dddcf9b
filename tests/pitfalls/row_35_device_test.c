/* SPDX-License-Identifier: ISC */
/* Defect 35 that shipped in other implementations: a small buffer that ends the process. Each length 0..200 of each buffer in
 * each call of a device; row_35_parts_test.c has the parts that are used alone. */
#define _DEFAULT_SOURCE
#include "pitfalls/edge.h"
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

#define LONGEST 200u

static struct snapshot_all before;

static struct duel *small_duel(uint64_t seed)
{
    vpn_wg_config config = {.sources = 16};
    return duel_new(seed, &config);
}

/* --- sending --- */

/* A whole IPv4 packet of `length` bytes to the forger, or what there is room for. */
static void put_inner(const struct duel *d, uint8_t *out, uint32_t length)
{
    uint8_t ip[LONGEST] = {0x45, 0, 0, (uint8_t)length, 0, 0, 0, 0, 64, 17};
    memcpy(ip + 12, d->a->inner4, 4);
    memcpy(ip + 16, d->inner4, 4);
    memcpy(out, ip, length);
}

static uint8_t send_reason(uint32_t capacity, uint32_t offset, uint32_t length)
{
    uint32_t padding = (16 - length % 16) % 16;
    if (length < 20)
        return VPN_REASON_INNER;
    return offset < 16 || capacity - offset - length < padding + 16 ? VPN_REASON_SPACE : VPN_REASON_NONE;
}

static void send_one(struct duel *d, int side, uint32_t capacity, uint32_t offset, uint32_t length)
{
    vpn_packet packet = {.data = edge(0, capacity, side), .capacity = capacity, .offset = offset, .length = length};
    uint8_t reason = send_reason(capacity, offset, length);
    put_inner(d, packet.data + offset, length);
    vpn_wg_send(d->a->wg, &packet, 1, node_now(d->a));
    if (packet.reason != reason || packet.verdict != (reason == VPN_REASON_NONE ? VPN_TO_NET : VPN_DROP))
        ck_abort_msg("%u bytes at %u of %u: '%s'", length, offset, capacity, vpn_reason_name(packet.reason));
}

START_TEST(pitfall_35_send)
{
    struct duel *d = small_duel(351);
    duel_from_forger(d);
    for (uint32_t capacity = 0; capacity <= LONGEST; capacity++)
        for (uint32_t length = 0; length <= capacity; length++) {
            uint32_t rest = capacity - length;
            const uint32_t offsets[] = {0, rest / 2, rest, rest < 15 ? rest : 15, rest < 16 ? rest : 16};
            for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
                send_one(d, _i, capacity, offsets[i], length);
        }
    ck_assert_uint_gt(node_stats(d->a).tx_packets, 1000);
    duel_free(d);
}
END_TEST

/* --- receiving --- */

/* `how` 0: whole, 1: in three phases, 2: fed again. */
static vpn_packet receive(struct duel *d, uint8_t *bytes, uint32_t capacity, uint32_t offset, uint32_t length, int how)
{
    vpn_packet packet = {.data = bytes, .capacity = capacity, .offset = offset, .length = length};
    packet.path.remote = d->f.at;
    if (how == 0) {
        vpn_wg_recv(d->a->wg, &packet, 1, node_now(d->a));
    } else if (how == 1) {
        vpn_wg_recv_begin(d->a->wg, &packet, 1, node_now(d->a));
        vpn_wg_crypt(d->a->wg->scratch, &packet, 1);
        vpn_wg_end(d->a->wg, &packet, 1, node_now(d->a));
    } else {
        vpn_wg_accept(d->a->wg, &packet, node_now(d->a));
    }
    return packet;
}

/* Of what has a session's index and nothing behind it. */
static uint8_t receive_reason(uint32_t type, uint32_t length)
{
    static const uint32_t whole[4] = {0, 148, 92, 64};
    if (length < 4)
        return VPN_REASON_LENGTH;
    if (type == 0 || type > 4)
        return VPN_REASON_TYPE;
    if (type == 4)
        return length < 32 ? VPN_REASON_LENGTH : VPN_REASON_AUTH;
    if (length != whole[type])
        return VPN_REASON_LENGTH;
    return type == 3 ? VPN_REASON_COOKIE : VPN_REASON_MAC1;
}

START_TEST(pitfall_35_receive)
{
    struct duel *d = small_duel(352);
    uint64_t counts[VPN_REASONS] = {0};
    duel_from_forger(d);
    uint8_t head[16] = {0, 0, 0, 0, 0, 0, 0, 0, 9};
    for (int i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(d->f.remote_index >> (8 * i));
    snapshot_take(d->a, &before);
    for (uint32_t capacity = 0; capacity <= LONGEST; capacity++)
        for (uint32_t length = 0; length <= capacity; length += length + 7 < capacity ? 7 : 1)
            for (uint32_t type = 0; type < 6; type++)
                for (int how = 0; how < 3; how++) {
                    uint8_t *bytes = edge(0, capacity, _i);
                    uint32_t offset = how == 2 ? 0 : capacity - length;
                    memset(bytes, 0, capacity);
                    head[0] = (uint8_t)type;
                    memcpy(bytes + offset, head, length < 16 ? length : 16);
                    vpn_packet packet = receive(d, bytes, capacity, offset, length, how);
                    uint8_t reason = receive_reason(type, length), key[32];
                    if (packet.verdict != VPN_DROP || packet.reason != reason)
                        ck_abort_msg("type %u, %u bytes: '%s'", type, length, vpn_reason_name(packet.reason));
                    counts[reason]++;
                    ck_assert_int_eq(vpn_wg_initiator(d->a->wg, &packet, key), VPN_ENOENT);
                }
    snapshot_unmoved_but(d->a, &before, counts);
    duel_free(d);
}
END_TEST

/* More said to be there than there is, in each call that takes a packet. */
START_TEST(pitfall_35_descriptor_says_too_much)
{
    struct duel *d = small_duel(353);
    uint64_t count = 0;
    uint8_t key[32];
    duel_from_forger(d);
    snapshot_take(d->a, &before);
    for (uint32_t capacity = 0; capacity <= LONGEST; capacity++)
        for (uint32_t more = 1; more <= LONGEST; more += 13)
            for (int how = 0; how < 4; how++, count++) {
                uint8_t *bytes = edge(0, capacity, _i);
                vpn_packet packet = {.data = bytes, .capacity = capacity, .length = capacity + more};
                ck_assert_int_eq(vpn_wg_initiator(d->a->wg, &packet, key), VPN_ENOENT);
                if (how == 3)
                    vpn_wg_send(d->a->wg, &packet, 1, node_now(d->a));
                else
                    packet = receive(d, bytes, capacity, more % 2 ? capacity + more : 0, more % 2 ? 0 : capacity + more,
                                     how);
                if (packet.verdict != VPN_DROP || packet.reason != VPN_REASON_ARGUMENT)
                    ck_abort_msg("%u more than %u: '%s'", more, capacity, vpn_reason_name(packet.reason));
            }
    snapshot_unmoved(d->a, &before, VPN_REASON_ARGUMENT, count);
    duel_free(d);
}
END_TEST

/* A remembered initiation that is fed again cut short is not taken for what it was. */
START_TEST(pitfall_35_accept)
{
    struct duel *d = small_duel(354);
    struct forger who;
    uint8_t message[148], stamp[12], key[32];
    forge_new(&who, 99, 9);
    forge_stamp(stamp, 1800000000, 0);
    forge_initiation(&who, message, d->a->public_key, stamp);
    ck_assert_uint_eq(node_feed(d->a, &who.at, message, 148).verdict, VPN_UNKNOWN);
    for (uint32_t length = 0; length < 148; length++) {
        uint8_t *bytes = edge_of(0, message, length, _i);
        vpn_packet packet = {.data = bytes, .capacity = length, .length = length};
        ck_assert_int_eq(vpn_wg_initiator(d->a->wg, &packet, key), VPN_ENOENT);
        packet = receive(d, bytes, length, 0, length, 2);
        ck_assert_uint_eq(packet.verdict, VPN_DROP);
        ck_assert_uint_eq(packet.reason, VPN_REASON_LENGTH);
    }
    vpn_packet packet = {.data = edge_of(0, message, 148, _i), .capacity = 148, .length = 148};
    ck_assert_int_eq(vpn_wg_initiator(d->a->wg, &packet, edge(1, 32, _i)), 0);
    ck_assert_mem_eq(edge(1, 32, _i), who.public_key, 32);
    duel_free(d);
}
END_TEST

START_TEST(pitfall_35_tick)
{
    struct duel *d = small_duel(355);
    for (uint32_t capacity = 0; capacity <= LONGEST; capacity++)
        for (uint32_t offset = 0; offset <= capacity + 1; offset++) {
            uint8_t *bytes = edge(0, capacity, _i);
            vpn_packet packet = {.data = bytes, .capacity = capacity, .offset = offset};
            ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
            d->net->now += SECONDS(6);
            size_t n = vpn_wg_tick(d->a->wg, &packet, 1, node_now(d->a));
            ck_assert_uint_eq(n, offset <= capacity && capacity - offset >= 148);
            ck_assert_uint_eq(packet.reason, n ? VPN_REASON_NONE : VPN_REASON_SPACE);
        }
    node_take_events(d->a);
    duel_free(d);
}
END_TEST

/* --- structures that say their size, text --- */

/* Memory that holds no more than what `size` says; where structures are aligned, unless they start where memory does. */
static void *sized(int which, uint32_t size, int side)
{
    uint8_t *memory = edge(which, size < 4 ? 4 : size, side);
    memset(memory, 0, size < 4 ? 4 : size);
    memcpy(memory, &size, 4);
    return memory;
}

START_TEST(pitfall_35_sizes_of_structures)
{
    struct duel *d = small_duel(356);
    uint32_t step = _i == EDGE_END ? 8 : 1, made = 0;
    for (uint32_t size = 0; size <= 2 * LONGEST; size += step) {
        vpn_wg *wg = NULL;
        vpn_queue *queue = NULL;
        vpn_scratch *scratch = NULL;
        vpn_peer_id id = 0;
        int error = vpn_wg_new(&wg, sized(0, size, _i));
        ck_assert(error == (wg != NULL ? 0 : VPN_EINVAL));
        made += wg != NULL;
        ck_assert_int_eq(vpn_wg_free(wg), 0);
        error = vpn_queue_new(&queue, sized(0, size, _i));
        ck_assert(error == (queue != NULL ? 0 : VPN_EINVAL));
        vpn_queue_free(queue);
        error = vpn_scratch_new(&scratch, NULL, sized(0, size, _i));
        ck_assert(error == (scratch != NULL ? 0 : VPN_EINVAL));
        vpn_scratch_free(scratch);
        error = vpn_wg_peer_add(d->a->wg, sized(0, size, _i), &id, node_now(d->a));
        ck_assert(error == (id != 0 ? 0 : VPN_EINVAL));
        if (id != 0)
            ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, id), 0);
        error = vpn_wg_peer_set(d->a->wg, d->id, sized(0, size, _i), node_now(d->a));
        ck_assert(error == 0 || error == VPN_EINVAL);
        error = vpn_wg_peer_get(d->a->wg, d->id, sized(0, size, _i));
        ck_assert(error == 0 || error == VPN_EINVAL);
        error = vpn_wg_get_stats(d->a->wg, sized(0, size, _i));
        ck_assert(error == 0 || error == VPN_EINVAL);
        error = vpn_wg_peer_get_stats(d->a->wg, d->id, sized(0, size, _i), node_now(d->a));
        ck_assert(error == 0 || error == VPN_EINVAL);
        size_t length;
        error = vpn_uapi_get(d->a->wg, sized(0, size, _i), NULL, 0, &length);
        ck_assert(error == VPN_ESPACE || error == VPN_EINVAL);
    }
    ck_assert_uint_gt(made, 10);
    duel_free(d);
}
END_TEST

static const char request[] =
    "set=1\nlisten_port=1\nprivate_key="
    "70076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c6a\nfwmark=7\npublic_key="
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddee11\nallowed_ip=10.0.0.0/8\n\n";

START_TEST(pitfall_35_configuration_text)
{
    struct duel *d = small_duel(357);
    uint32_t answers = 0;
    size_t need, length;
    for (uint32_t bytes = 0; bytes <= LONGEST; bytes++) {
        const char *text = (const char *)edge_of(0, request, bytes, _i);
        ck_assert_uint_eq(vpn_uapi_complete(text, bytes), 0);
        vpn_uapi_error error;
        (void)vpn_uapi_set(d->a->wg, text, bytes, NULL, node_now(d->a), &error);
        for (uint32_t room = 0; room <= LONGEST; room += room < 16 ? 1 : 23) {
            uint8_t *out = edge(1, room, _i);
            int status =
                vpn_uapi_serve(d->a->wg, text, bytes, NULL, (char *)out, room, &length, node_now(d->a), &error);
            ck_assert(status == 0 || (status == VPN_ESPACE && length > room));
            answers += status == 0;
            ck_assert(status != 0 || length <= room);
        }
    }
    ck_assert_uint_gt(answers, 100);
    ck_assert_int_eq(vpn_uapi_get(d->a->wg, NULL, NULL, 0, &need), VPN_ESPACE);
    ck_assert_uint_gt(need, LONGEST);
    for (uint32_t room = 0; room <= need; room++) {
        uint8_t *out = edge(1, room, _i);
        memset(out, 0xee, room);
        int status = vpn_uapi_get(d->a->wg, NULL, (char *)out, room, &length);
        ck_assert_int_eq(status, room == need ? 0 : VPN_ESPACE);
        ck_assert_uint_eq(length, need);
        ck_assert(status == 0 || test_is_zero(out, room));
    }
    duel_free(d);
}
END_TEST

/* What has one size takes no byte more. */
START_TEST(pitfall_35_fixed_sizes)
{
    struct duel *d = small_duel(358);
    vpn_wg *wg = d->a->wg;
    uint8_t *key = edge_of(0, d->f.public_key, 32, _i), *out = edge(1, 32, _i);
    ck_assert_uint_eq(vpn_wg_peer_find(wg, key), d->id);
    vpn_wg_private_key(wg, out);
    vpn_wg_public_key(wg, out);
    ck_assert_mem_eq(out, d->a->public_key, 32);
    vpn_wg_stamp(wg, edge(1, 12, _i));
    for (uint32_t family = 0; family <= LONGEST; family++) {
        uint32_t bytes = family == 4 ? 4 : family == 6 ? 16 : 0;
        uint8_t *addr = edge(1, bytes, _i);
        memcpy(addr, d->inner4, bytes < 4 ? bytes : 4);
        ck_assert_uint_eq(vpn_wg_route(wg, (uint8_t)family, addr), family == 4 ? d->id : 0);
        vpn_prefix prefix = {.family = family % 2 ? 6 : 4, .bits = (uint8_t)family};
        vpn_prefix *exact = (vpn_prefix *)(void *)edge_of(2, &prefix, sizeof prefix, _i);
        ck_assert_int_eq(vpn_wg_allow(wg, d->id, exact), family <= (family % 2 ? 128u : 32u) ? 0 : VPN_EINVAL);
        ck_assert_int_eq(vpn_wg_disallow(wg, d->id, exact), family <= (family % 2 ? 128u : 32u) ? 0 : VPN_EINVAL);
    }
    ck_assert_int_eq(vpn_wg_set_private_key(wg, edge_of(0, d->f.ephemeral, 32, _i), node_now(d->a)), 0);
    for (uint32_t i = 0; i <= LONGEST; i++)
        ck_assert(vpn_wg_event_name(i) != NULL && vpn_reason_name(i) != NULL && vpn_reason_text(i) != NULL &&
                  vpn_verdict_name(i) != NULL && vpn_strerror(-(int)i) != NULL);
    duel_free(d);
}
END_TEST

Suite *suite(void);

static void both_sides(Suite *s, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_loop_test(tcase, test, 0, EDGE_SIDES);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(s, tcase);
}

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/35 device");
    both_sides(s, "35 send", pitfall_35_send);
    both_sides(s, "35 receive", pitfall_35_receive);
    both_sides(s, "35 descriptor", pitfall_35_descriptor_says_too_much);
    both_sides(s, "35 accept", pitfall_35_accept);
    both_sides(s, "35 tick", pitfall_35_tick);
    both_sides(s, "35 structures", pitfall_35_sizes_of_structures);
    both_sides(s, "35 text", pitfall_35_configuration_text);
    both_sides(s, "35 fixed", pitfall_35_fixed_sizes);
    return s;
}

TEST_MAIN(suite)
