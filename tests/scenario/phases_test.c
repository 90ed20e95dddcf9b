/* SPDX-License-Identifier: ISC */
/* Reserve, crypt, commit: batches, what may happen between the phases, and buffers that are too small. See vpn/wg.h. */
#include "scenario/duel.h"

#define N 8

/* N packets with buffers of exactly the size that vpn_wg_send asks for. */
struct batch {
    vpn_packet packets[N];
    uint8_t *buffers[N];
};

static void batch_free(struct batch *batch)
{
    for (int i = 0; i < N; i++)
        free(batch->buffers[i]);
}

static void batch_put(struct batch *batch, int i, const uint8_t *bytes, uint32_t length, uint32_t head, uint32_t tail)
{
    batch->buffers[i] = malloc(head + length + tail + 1);
    ck_assert_ptr_nonnull(batch->buffers[i]);
    memcpy(batch->buffers[i] + head, bytes, length);
    batch->packets[i] = (vpn_packet){.data = batch->buffers[i], .offset = head, .length = length};
    batch->packets[i].capacity = head + length + tail;
}

/* Inner packets from a to the forger. */
static void batch_to_send(struct duel *d, struct batch *batch)
{
    uint8_t inner[100];
    for (int i = 0; i < N; i++) {
        net_inner(d->net, inner, 4, d->a->inner4, d->inner4, 40 + (uint32_t)i, 0);
        batch_put(batch, i, inner, 40 + (uint32_t)i, 16, 31);
    }
}

/* Data messages from the forger; `texts` keeps what is in them. */
static void batch_to_receive(struct duel *d, struct batch *batch)
{
    uint8_t inner[64] = {0}, message[96];
    for (int i = 0; i < N; i++) {
        net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 40, 0);
        uint32_t length = forge_data(&d->f, message, d->f.counter++, inner, 48);
        batch_put(batch, i, message, length, 0, 0);
        batch->packets[i].path.remote = d->f.at;
    }
}

static void outcome(struct duel *d, struct batch *batch)
{
    for (int i = 0; i < N; i++)
        node_outcome(d->a, &batch->packets[i]);
    node_take_events(d->a);
}

/* One bad packet never harms the rest, and order is kept. */
START_TEST(batch_with_bad_packets)
{
    struct duel *d = duel_new(1, NULL);
    struct batch out = {0}, in = {0};
    uint64_t counter;
    uint8_t text[256];
    duel_from_forger(d);
    batch_to_send(d, &out);
    out.buffers[1][16] = 0x15;    /* no IP */
    out.buffers[3][16 + 19] = 99; /* no route */
    out.packets[5].data = NULL;
    out.packets[6].capacity -= 31;
    ck_assert_uint_eq(vpn_wg_send(d->a->wg, out.packets, N, node_now(d->a)), 4);
    const uint8_t reasons[N] = {0, VPN_REASON_INNER, 0, VPN_REASON_NO_ROUTE, 0, VPN_REASON_ARGUMENT, VPN_REASON_SPACE,
                                0};
    uint64_t next = 0;
    for (int i = 0; i < N; i++) {
        ck_assert_uint_eq(out.packets[i].reason, reasons[i]);
        if (reasons[i] != 0)
            continue;
        ck_assert_int_gt(
            forge_open(&d->f, out.packets[i].data + out.packets[i].offset, out.packets[i].length, text, &counter), 0);
        ck_assert_uint_eq(counter, next++);
    }
    outcome(d, &out);
    batch_to_receive(d, &in);
    in.buffers[0][40] ^= 1;
    in.buffers[2][0] = 9;
    in.buffers[4][4] ^= 1;
    memcpy(in.buffers[6], in.buffers[5], in.packets[5].length);
    ck_assert_uint_eq(vpn_wg_recv(d->a->wg, in.packets, N, node_now(d->a)), 4);
    const uint8_t why[N] = {VPN_REASON_AUTH, 0, VPN_REASON_TYPE, 0, VPN_REASON_INDEX, 0, VPN_REASON_REPLAY, 0};
    for (int i = 0; i < N; i++)
        ck_assert_uint_eq(in.packets[i].reason, why[i]);
    outcome(d, &in);
    ck_assert_uint_eq(d->a->delivered, 4);
    batch_free(&out);
    batch_free(&in);
    duel_free(d);
}
END_TEST

/* A skipped crypt never sends plaintext and never accepts anything; a batch must still be ended. */
START_TEST(no_crypt)
{
    struct duel *d = duel_new(2, NULL);
    struct batch out = {0}, in = {0};
    duel_from_forger(d);
    struct snapshot before = node_snapshot(d->a, d->id);
    batch_to_send(d, &out);
    batch_to_receive(d, &in);
    ck_assert_uint_eq(vpn_wg_send_begin(d->a->wg, out.packets, N, node_now(d->a)), N);
    ck_assert_uint_eq(vpn_wg_recv_begin(d->a->wg, in.packets, N, node_now(d->a)), N);
    ck_assert_int_eq(vpn_wg_free(d->a->wg), VPN_EBUSY);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, in.packets, N, node_now(d->a)), 0);
    ck_assert_int_eq(vpn_wg_free(d->a->wg), VPN_EBUSY);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, out.packets, N, node_now(d->a)), 0);
    for (int i = 0; i < N; i++) {
        ck_assert_uint_eq(out.packets[i].verdict, VPN_DROP);
        ck_assert_uint_eq(in.packets[i].verdict, VPN_DROP);
        ck_assert_uint_eq(out.packets[i].reason, VPN_REASON_NO_CRYPT);
        ck_assert_uint_eq(in.packets[i].reason, VPN_REASON_NO_CRYPT);
    }
    node_unmoved(d->a, d->id, &before, VPN_REASON_NO_CRYPT, 2 * N);
    /* Counters are never given back; what was not accepted may still come. */
    duel_send(d);
    ck_assert_uint_eq(forge_le64(net_log_last(d->net, 0, 4)->bytes + 8), N);
    duel_data_at(d, d->f.counter - 1);
    ck_assert_uint_eq(d->a->delivered, 1);
    /* A second end of the same packets changes nothing. */
    before = node_snapshot(d->a, d->id);
    vpn_wg_end(d->a->wg, out.packets, N, node_now(d->a));
    node_unmoved(d->a, d->id, &before, 0, 0);
    batch_free(&out);
    batch_free(&in);
    duel_free(d);
}
END_TEST

/* Crypt is done once for each packet: in parts, in any order, again, or with packets that are not pending. */
START_TEST(crypt_in_parts)
{
    struct duel *d = duel_new(3, NULL);
    struct batch out = {0}, in = {0};
    vpn_scratch *one, *two;
    uint64_t counter;
    uint8_t text[256], inner[N][64];
    ck_assert_int_eq(vpn_scratch_new(&one, NULL, NULL), 0);
    ck_assert_int_eq(vpn_scratch_new(&two, NULL, NULL), 0);
    duel_from_forger(d);
    batch_to_send(d, &out);
    for (int i = 0; i < N; i++)
        memcpy(inner[i], out.buffers[i] + 16, out.packets[i].length);
    vpn_wg_crypt(one, out.packets, N);
    vpn_wg_send_begin(d->a->wg, out.packets, N, node_now(d->a));
    vpn_wg_crypt(two, out.packets + 5, 3);
    vpn_wg_crypt(one, out.packets + 3, 3);
    vpn_wg_crypt(one, out.packets, N);
    vpn_wg_crypt(two, out.packets, N);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, out.packets, N, node_now(d->a)), N);
    vpn_wg_crypt(two, out.packets, N);
    for (int i = 0; i < N; i++) {
        vpn_packet *p = &out.packets[i];
        ck_assert_int_ge(forge_open(&d->f, p->data + p->offset, p->length, text, &counter), 40 + i);
        ck_assert_uint_eq(counter, (uint64_t)i);
        ck_assert_mem_eq(text, inner[i], 40 + (size_t)i);
    }
    outcome(d, &out);
    batch_to_receive(d, &in);
    vpn_wg_recv_begin(d->a->wg, in.packets, N, node_now(d->a));
    vpn_wg_crypt(two, in.packets + 4, 4);
    vpn_wg_crypt(one, in.packets, N);
    vpn_wg_crypt(one, in.packets, N);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, in.packets, N, node_now(d->a)), N);
    outcome(d, &in);
    ck_assert_uint_eq(d->a->delivered, N);
    batch_free(&out);
    batch_free(&in);
    vpn_scratch_free(one);
    vpn_scratch_free(two);
    duel_free(d);
}
END_TEST

/* A scratch of another provider does nothing. */
START_TEST(other_provider)
{
    struct duel *d = duel_new(4, NULL);
    struct batch out = {0};
    vpn_provider other = *vpn_provider_sodium();
    vpn_scratch *scratch;
    ck_assert_int_eq(vpn_scratch_new(&scratch, &other, NULL), 0);
    duel_from_forger(d);
    batch_to_send(d, &out);
    vpn_wg_send_begin(d->a->wg, out.packets, N, node_now(d->a));
    vpn_wg_crypt(scratch, out.packets, N);
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, out.packets, N, node_now(d->a)), 0);
    for (int i = 0; i < N; i++)
        ck_assert_uint_eq(out.packets[i].reason, VPN_REASON_NO_CRYPT);
    batch_free(&out);
    vpn_scratch_free(scratch);
    duel_free(d);
}
END_TEST

/* What happens to the peer between begin and end. */
enum between { REMOVED, REPLACED, SUSPENDED, NEW_KEY, ROTATED, ROTATED_TWICE, WIPED_BY_AGE };

static void meanwhile(struct duel *d, enum between what)
{
    uint8_t key[32];
    memset(key, 0x42, 32);
    switch (what) {
    case REPLACED:
        ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), 0);
        d->id = duel_add(d->a, &d->f, d->inner4);
        break;
    case REMOVED:
        ck_assert_int_eq(vpn_wg_peer_remove(d->a->wg, d->id), 0);
        break;
    case SUSPENDED:
        vpn_wg_suspend(d->a->wg);
        vpn_wg_resume(d->a->wg, node_now(d->a));
        break;
    case NEW_KEY:
        vpn_wg_set_private_key(d->a->wg, key, node_now(d->a));
        break;
    case ROTATED_TWICE:
        net_run(d->net, SECONDS(1));
        duel_from_forger(d);
        net_run(d->net, SECONDS(1));
        duel_from_forger(d);
        break;
    case ROTATED:
        net_run(d->net, SECONDS(1));
        duel_from_forger(d);
        break;
    case WIPED_BY_AGE:
        duel_at(d, SECONDS(541));
        break;
    }
}

static const struct {
    enum between what;
    uint8_t send, receive; /* reasons; 0: goes through */
} expectations[] = {{REMOVED, VPN_REASON_NO_PEER, VPN_REASON_NO_PEER},
                    {REPLACED, VPN_REASON_NO_PEER, VPN_REASON_NO_PEER},
                    {SUSPENDED, VPN_REASON_WIPED, VPN_REASON_WIPED},
                    {NEW_KEY, VPN_REASON_WIPED, 0},
                    {ROTATED, 0, 0},
                    {ROTATED_TWICE, 0, 0},
                    {WIPED_BY_AGE, VPN_REASON_WIPED, VPN_REASON_WIPED}};

START_TEST(change_in_flight)
{
    struct duel *d = duel_new(5, NULL);
    struct batch out = {0}, in = {0};
    vpn_scratch *scratch;
    ck_assert_int_eq(vpn_scratch_new(&scratch, NULL, NULL), 0);
    duel_from_forger(d);
    struct forger old = d->f;
    node_secret(d->a, old.send);
    batch_to_send(d, &out);
    batch_to_receive(d, &in);
    vpn_wg_send_begin(d->a->wg, out.packets, N, node_now(d->a));
    vpn_wg_recv_begin(d->a->wg, in.packets, N, node_now(d->a));
    vpn_wg_crypt(scratch, out.packets, N / 2);
    vpn_wg_crypt(scratch, in.packets, N / 2);
    meanwhile(d, expectations[_i].what);
    vpn_wg_crypt(scratch, out.packets, N);
    vpn_wg_crypt(scratch, in.packets, N);
    ck_assert_int_eq(vpn_wg_free(d->a->wg), VPN_EBUSY);
    vpn_wg_end(d->a->wg, out.packets, N, node_now(d->a));
    vpn_wg_end(d->a->wg, in.packets, N, node_now(d->a));
    for (int i = 0; i < N; i++) {
        ck_assert_uint_eq(out.packets[i].reason, expectations[_i].send);
        ck_assert_uint_eq(in.packets[i].reason, expectations[_i].receive);
        ck_assert_uint_eq(in.packets[i].verdict, expectations[_i].receive ? VPN_DROP : VPN_TO_TUN);
    }
    outcome(d, &out);
    outcome(d, &in);
    if (expectations[_i].what != ROTATED && expectations[_i].what != NEW_KEY)
        ck_assert(!node_holds(d->a, old.send));
    vpn_scratch_free(scratch);
    batch_free(&out);
    batch_free(&in);
    duel_free(d);
}
END_TEST

/* A session that is being confirmed twice in one batch, and one that is no longer next at the end. */
START_TEST(confirmed_in_flight)
{
    struct duel *d = duel_new(6, NULL);
    struct batch in = {0};
    vpn_scratch *scratch;
    ck_assert_int_eq(vpn_scratch_new(&scratch, NULL, NULL), 0);
    vpn_packet response = duel_initiate(d);
    ck_assert_int_eq(forge_read_response(&d->f, response.data), 0);
    batch_to_receive(d, &in);
    vpn_wg_recv_begin(d->a->wg, in.packets, N, node_now(d->a));
    vpn_wg_crypt(scratch, in.packets, N);
    if (_i) { /* another handshake takes the place of next */
        net_run(d->net, SECONDS(1));
        ck_assert_uint_eq(duel_initiate(d).verdict, VPN_TO_NET);
    }
    ck_assert_uint_eq(vpn_wg_end(d->a->wg, in.packets, N, node_now(d->a)), N);
    outcome(d, &in);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), _i ? 0 : 1);
    ck_assert_uint_eq(node_peer_stats(d->a, d->id).state == VPN_WG_CONNECTED, _i == 0);
    ck_assert_uint_eq(node_stats(d->a).sessions, 1);
    vpn_scratch_free(scratch);
    batch_free(&in);
    duel_free(d);
}
END_TEST

/* Too little room is found before a counter is taken. */
START_TEST(space)
{
    struct duel *d = duel_new(7, NULL);
    uint8_t inner[100];
    uint64_t next = 0;
    duel_from_forger(d);
    for (uint32_t head = 0; head <= 17; head++) {
        for (uint32_t tail = 0; tail <= 32; tail++) {
            struct batch one = {0};
            uint32_t length = 40 + tail % 9, pad = (16 - length % 16) % 16;
            net_inner(d->net, inner, 4, d->a->inner4, d->inner4, length, 0);
            batch_put(&one, 0, inner, length, head, tail);
            vpn_wg_send(d->a->wg, one.packets, 1, node_now(d->a));
            int good = head >= 16 && tail >= pad + 16;
            ck_assert_uint_eq(one.packets[0].reason, good ? 0 : VPN_REASON_SPACE);
            if (good)
                ck_assert_uint_eq(forge_le64(one.buffers[0] + one.packets[0].offset + 8), next++);
            else
                ck_assert_mem_eq(one.buffers[0] + head, inner, length);
            batch_free(&one);
        }
    }
    duel_free(d);
}
END_TEST

/* Descriptors that contradict themselves, in each call that takes one. */
START_TEST(contradictions)
{
    static const uint32_t bad[][3] = {/* capacity, offset, length */
                                      {100, 101, 0},        {100, 0, 101}, {100, 60, 41}, {100, UINT32_MAX, 2},
                                      {100, 2, UINT32_MAX}, {0, 1, 0},     {0, 0, 1},     {100, 100, UINT32_MAX}};
    struct duel *d = duel_new(8, NULL);
    uint8_t buffer[100] = {0x45};
    duel_from_forger(d);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0] + 1; i++) {
        for (int call = 0; call < 3; call++) {
            vpn_packet p = {.data = i == 8 ? NULL : buffer, .capacity = 100, .length = 100};
            if (i < 8)
                p.capacity = bad[i][0], p.offset = bad[i][1], p.length = bad[i][2];
            p.path.remote = d->f.at;
            struct snapshot before = node_snapshot(d->a, d->id);
            size_t n = call == 0   ? vpn_wg_send(d->a->wg, &p, 1, node_now(d->a))
                       : call == 1 ? vpn_wg_recv(d->a->wg, &p, 1, node_now(d->a))
                                   : vpn_wg_accept(d->a->wg, &p, node_now(d->a));
            ck_assert_uint_eq(n, 0);
            ck_assert_uint_eq(p.verdict, VPN_DROP);
            ck_assert_uint_eq(p.reason, VPN_REASON_ARGUMENT);
            node_unmoved(d->a, d->id, &before, VPN_REASON_ARGUMENT, 1);
            uint8_t key[32];
            ck_assert_int_eq(vpn_wg_initiator(d->a->wg, &p, key), VPN_ENOENT);
        }
    }
    duel_free(d);
}
END_TEST

/* Every length 0..200 of every buffer, exactly allocated: nothing is read or written outside. */
START_TEST(small_buffers)
{
    struct duel *d = duel_new(9, NULL);
    if (_i)
        duel_from_forger(d);
    for (uint32_t length = 0; length <= 200; length++) {
        uint8_t *exact = malloc(length == 0 ? 1 : length);
        ck_assert_ptr_nonnull(exact);
        for (int kind = 0; kind < 4; kind++) {
            test_fill(&d->net->seed, exact, length);
            if (length > 0)
                exact[0] = kind == 0 ? 0x45 : kind == 1 ? 0x60 : 1;
            if (kind == 0 && length >= 20)
                memcpy(exact + 16, d->inner4, 4);
            vpn_packet p = {.data = exact, .capacity = length, .length = length};
            p.path.remote = d->f.at;
            if (kind < 2)
                vpn_wg_send(d->a->wg, &p, 1, node_now(d->a));
            else if (kind == 2)
                vpn_wg_accept(d->a->wg, &p, node_now(d->a));
            ck_assert(p.verdict == VPN_DROP || p.verdict == VPN_WAIT);
        }
        for (uint32_t offset = 0; offset <= length; offset += 7) {
            vpn_packet p = {.data = exact, .capacity = length, .offset = offset};
            vpn_wg_handshake(d->a->wg, d->id, node_now(d->a));
            net_run(d->net, 0);
            d->net->now += SECONDS(6);
            size_t n = vpn_wg_tick(d->a->wg, &p, 1, node_now(d->a));
            ck_assert_uint_le(n, length - offset >= 148);
            if (length - offset < 148)
                ck_assert_uint_eq(p.reason, VPN_REASON_SPACE);
            node_take_events(d->a);
        }
        free(exact);
    }
    duel_free(d);
}
END_TEST

/* Nothing of all this happens to a tick without packets, or to one that is early. */
START_TEST(tick_early)
{
    struct duel *d = duel_new(10, NULL);
    uint8_t buffer[148];
    vpn_packet p = {.data = buffer, .capacity = 148};
    ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &p, 1, 0), 0);
    duel_send(d);
    ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &p, 0, 0), 0);
    ck_assert_uint_le(vpn_wg_deadline(d->a->wg), 0);
    net_run(d->net, 0);
    ck_assert_uint_eq(duel_sent(d, 1, 0), 1);
    vpn_time deadline = vpn_wg_deadline(d->a->wg);
    for (vpn_time t = 0; t < deadline; t += MILLIS(97))
        ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &p, 1, t), 0);
    ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &p, 1, deadline - 1), 0);
    ck_assert_uint_eq(vpn_wg_deadline(d->a->wg), deadline);
    ck_assert_uint_eq(vpn_wg_tick(d->a->wg, &p, 1, deadline), 1);
    d->net->now = deadline;
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("scenario/phases");
    test_add(s, "batch with bad packets", batch_with_bad_packets);
    test_add(s, "no crypt", no_crypt);
    test_add(s, "crypt in parts", crypt_in_parts);
    test_add(s, "other provider", other_provider);
    test_add(s, "space", space);
    test_add(s, "contradictions", contradictions);
    test_add(s, "tick early", tick_early);
    TCase *loops = tcase_create("loops");
    tcase_add_loop_test(loops, change_in_flight, 0, 7);
    tcase_add_loop_test(loops, confirmed_in_flight, 0, 2);
    tcase_add_loop_test(loops, small_buffers, 0, 2);
    tcase_set_timeout(loops, 60);
    suite_add_tcase(s, loops);
    return s;
}

TEST_MAIN(suite)
