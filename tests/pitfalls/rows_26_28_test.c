/* SPDX-License-Identifier: ISC */
/* Defects that shipped in other implementations, by number: padding, events before authentication, and the text of what did not
 * open. */
#include "pitfalls/snapshot.h"
#include "scenario/duel.h"

/* Section 5.4.6: zeros to a multiple of 16, never past the MTU. */
START_TEST(pitfall_26_padding)
{
    static const uint32_t mtus[] = {1420, 1333, 1280, 100};
    static uint8_t text[2048];
    uint8_t inner[1500];
    uint64_t counter;
    for (size_t m = 0; m < 4; m++) {
        vpn_wg_config config = {.mtu = mtus[m]};
        struct duel *d = duel_new(50 + m, &config);
        duel_from_forger(d);
        for (uint32_t length = 36; length <= mtus[m]; length++) {
            net_inner(d->net, inner, 4, d->a->inner4, d->inner4, length, 0);
            ck_assert_uint_eq(node_send_bytes(d->a, inner, length).verdict, VPN_TO_NET);
            const struct datagram *sent = &d->net->log.items[d->net->log.count - 1];
            uint32_t whole = (length + 15) / 16 * 16;
            ck_assert_int_eq(forge_open(&d->f, sent->bytes, sent->length, text, &counter),
                             (int)(whole < mtus[m] ? whole : mtus[m]));
            ck_assert_mem_eq(text, inner, length);
            ck_assert(test_is_zero(text + length, sent->length - 32 - length));
        }
        duel_free(d);
    }
}
END_TEST

/* What comes back has no padding, whatever the sender added. */
START_TEST(pitfall_26_padding_is_trimmed)
{
    struct duel *d = duel_new(54, NULL);
    uint8_t inner[200] = {0};
    duel_from_forger(d);
    for (uint32_t padding = 0; padding < 100; padding++) {
        net_inner(d->net, inner, 4, d->inner4, d->a->inner4, 52, 0);
        vpn_packet packet = duel_text(d, &d->f.at, d->f.counter++, inner, 52 + padding);
        ck_assert_uint_eq(packet.verdict, VPN_TO_TUN);
        ck_assert_uint_eq(packet.length, 52);
    }
    duel_free(d);
}
END_TEST

START_TEST(pitfall_27_no_event_before_authentication)
{
    struct duel *d = duel_new(60, NULL);
    uint8_t message[148], good[148], response[92], data[32], stranger[32];
    vpn_endpoint other = d->f.at;
    struct forger who;
    other.port++;
    /* An unknown key that anybody can name is no unknown peer. */
    forge_new(&who, 61, 9);
    memset(stranger, 9, 32);
    forge_claim(&who, message, d->a->public_key, stranger);
    snapshot_attack(d->a, &who.at, message, 148, VPN_REASON_HANDSHAKE);
    /* A forged response brings nothing up. */
    ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, 0), 0);
    net_run(d->net, 0);
    forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, message);
    forge_response(&d->f, response);
    response[50] ^= 1;
    forge_macs(&d->f, response, 92);
    snapshot_attack(d->a, &other, response, 92, VPN_REASON_RESPONSE);
    /* A message under next that does not open brings nothing up; the true one does. */
    net_run(d->net, SECONDS(1));
    vpn_packet packet = duel_initiate(d);
    ck_assert_int_eq(forge_read_response(&d->f, packet.data + packet.offset), 0);
    forge_data(&d->f, data, 0, NULL, 0);
    for (int i = 8; i < 32; i++) {
        memcpy(good, data, 32);
        good[i] ^= 0x40;
        snapshot_attack(d->a, &other, good, 32, VPN_REASON_AUTH);
    }
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 0);
    ck_assert_uint_eq(node_feed(d->a, &other, data, 32).verdict, VPN_DONE);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_UP), 1);
    ck_assert_uint_eq(node_events(d->a, VPN_WG_ROAMED), 1);
    /* Replayed from a third address: no roaming. */
    other.port++;
    snapshot_attack(d->a, &other, data, 32, VPN_REASON_REPLAY);
    duel_free(d);
}
END_TEST

/* In three phases the event comes with the third. */
START_TEST(pitfall_27_event_comes_with_the_end)
{
    static const uint8_t policies[] = {VPN_WG_LEARN, VPN_WG_ASK};
    vpn_scratch *scratch;
    vpn_wg_event_info event;
    ck_assert_int_eq(vpn_scratch_new(&scratch, NULL, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct duel *d = duel_new(62, NULL);
        uint8_t data[32];
        vpn_wg_peer change = {.policy = policies[i]};
        duel_from_forger(d);
        node_set(d->a, d->id, &change, VPN_WG_SET_POLICY);
        forge_data(&d->f, data, d->f.counter++, NULL, 0);
        vpn_packet packet = {.data = data, .capacity = 32, .length = 32, .path = {.remote = d->f.at}};
        packet.path.remote.port++;
        ck_assert_uint_eq(vpn_wg_recv_begin(d->a->wg, &packet, 1, node_now(d->a)), 1);
        ck_assert_int_eq(vpn_wg_event(d->a->wg, &event), VPN_ENOENT);
        vpn_wg_crypt(scratch, &packet, 1);
        ck_assert_int_eq(vpn_wg_event(d->a->wg, &event), VPN_ENOENT);
        vpn_wg_end(d->a->wg, &packet, 1, node_now(d->a));
        ck_assert_int_eq(vpn_wg_event(d->a->wg, &event), 0);
        ck_assert_uint_eq(event.type, i == 0 ? VPN_WG_ROAMED : VPN_WG_ROAM_ASKED);
        ck_assert_int_eq(vpn_wg_event(d->a->wg, &event), VPN_ENOENT);
        duel_free(d);
    }
    vpn_scratch_free(scratch);
}
END_TEST

/* Eight bytes of the text in its place: chance makes that once in 2^64. */
static int shows(const uint8_t *memory, const uint8_t *text, size_t bytes)
{
    for (size_t i = 0; i + 8 <= bytes; i += 4)
        if (memcmp(memory + i, text + i, 8) == 0)
            return 1;
    return 0;
}

START_TEST(pitfall_28_failed_open_shows_no_text)
{
    struct duel *d = duel_new(70, NULL);
    uint8_t text[256], message[288], broken[288];
    duel_from_forger(d);
    test_fill(&d->net->seed, text, sizeof text);
    net_inner(d->net, text, 4, d->inner4, d->a->inner4, 36, 0);
    uint32_t length = forge_data(&d->f, message, 1000, text, sizeof text);
    for (uint32_t i = 8; i < length; i++) {
        memcpy(broken, message, length);
        broken[i] ^= (uint8_t)(1u << i % 8);
        snapshot_attack(d->a, &d->f.at, broken, length, VPN_REASON_AUTH);
        ck_assert(!shows(d->a->held + 16, text, sizeof text));
    }
    for (uint32_t cut = 1; cut < 200; cut++) {
        snapshot_attack(d->a, &d->f.at, message, length - cut, VPN_REASON_AUTH);
        ck_assert(!shows(d->a->held + 16, text, sizeof text - cut));
    }
    ck_assert_uint_eq(d->a->delivered, 0);
    duel_free(d);
}
END_TEST

/* Handshake messages are opened on a copy: a bad one stays as it came. */
START_TEST(pitfall_28_failed_handshake_stays_as_it_came)
{
    struct duel *d = duel_new(71, NULL);
    uint8_t message[148], broken[148], stamp[12];
    forge_stamp(stamp, 1800000000, 0);
    forge_initiation(&d->f, message, d->a->public_key, stamp);
    for (uint32_t i = 8; i < 116; i++) {
        memcpy(broken, message, 148);
        broken[i] ^= (uint8_t)(i == 39 ? 1 : 1u << i % 8);
        forge_macs(&d->f, broken, 148);
        snapshot_attack(d->a, &d->f.at, broken, 148, VPN_REASON_HANDSHAKE);
        ck_assert_mem_eq(d->a->held, broken, 148);
    }
    ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, 0), 0);
    net_run(d->net, 0);
    forge_read_initiation(&d->f, net_log_last(d->net, 0, 1)->bytes, stamp);
    forge_response(&d->f, message);
    for (uint32_t i = 12; i < 60; i++) {
        memcpy(broken, message, 92);
        broken[i] ^= 1;
        forge_macs(&d->f, broken, 92);
        snapshot_attack(d->a, &d->f.at, broken, 92, VPN_REASON_RESPONSE);
        ck_assert_mem_eq(d->a->held, broken, 92);
    }
    forge_macs(&d->f, message, 92);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 92).verdict, VPN_TO_NET);
    duel_free(d);
}
END_TEST

Suite *suite(void);

Suite *suite(void)
{
    Suite *s = suite_create("pitfalls/26-28");
    test_add(s, "26 padding", pitfall_26_padding);
    test_add(s, "26 trimming", pitfall_26_padding_is_trimmed);
    test_add(s, "27 events", pitfall_27_no_event_before_authentication);
    test_add(s, "27 phases", pitfall_27_event_comes_with_the_end);
    test_add(s, "28 data", pitfall_28_failed_open_shows_no_text);
    test_add(s, "28 handshakes", pitfall_28_failed_handshake_stays_as_it_came);
    return s;
}

TEST_MAIN(suite)
