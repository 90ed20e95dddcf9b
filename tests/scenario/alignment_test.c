/* SPDX-License-Identifier: ISC */
/* No bytes that a caller gives need an alignment. Each test runs with all of sixteen; UBSan and strict processors judge. */
#include "common/uapi.h"
#include "scenario/duel.h"

#define ALIGNMENTS 16

/* Memory of `bytes` bytes and no more that begins `shift` bytes behind an aligned address. */
static uint8_t *shifted(uint8_t **block, int shift, const void *content, size_t bytes)
{
    *block = malloc((size_t)shift + bytes);
    ck_assert_ptr_nonnull(*block);
    memcpy(*block + shift, content, bytes);
    return *block + shift;
}

/* Both directions differ in their alignment, and outside it is IPv4 and IPv6 in turn. */
static struct net *shifted_pair(int shift)
{
    struct net *net = net_new((uint64_t)shift + 1);
    struct node *a = net_node(net, NULL), *b = net_node(net, NULL);
    if (shift % 2) {
        node_set_ipv6(a);
        node_set_ipv6(b);
    }
    a->shift = (uint32_t)shift;
    b->shift = (uint32_t)(ALIGNMENTS - 1 - shift);
    net_connect(a, b);
    return net;
}

/* Handshakes from a tick and from a reply, a parked packet, data of all lengths around a block, keepalives, a rekeying. */
START_TEST(packets)
{
    struct net *net = shifted_pair(_i);
    struct node *a = net->nodes[0], *b = net->nodes[1];
    net_up(net);
    for (uint32_t payload = 8; payload < 40; payload++) {
        ck_assert_uint_eq(node_send(a, b, payload).verdict, VPN_TO_NET);
        ck_assert_uint_eq(node_send6(b, a, payload).verdict, VPN_TO_NET);
    }
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(a->delivered, 32);
    ck_assert_uint_eq(b->delivered, 33);
    vpn_time quiet = net->now;
    node_send(a, b, 1000);
    net_run(net, SECONDS(12));
    ck_assert_uint_eq(net_logged(net, 1, NET_KEEPALIVE, quiet), 1);
    net_run_until(net, SECONDS(130));
    node_send(a, b, 100);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(net_logged(net, 0, 1, 0), 2);
    ck_assert_uint_eq(net_logged(net, 1, 2, 0), 2);
    node_send(b, a, 100);
    net_run(net, SECONDS(1));
    ck_assert_uint_eq(a->delivered, 33);
    ck_assert_uint_eq(b->delivered, 35);
    net_free(net);
}
END_TEST

/* 5.4.7: a cookie that the device makes over an initiation, and one that it gets and uses in its next. */
START_TEST(cookies)
{
    vpn_wg_config config = {.load_rate = 1};
    struct duel *d = duel_new((uint64_t)_i + 1, &config);
    d->a->shift = (uint32_t)_i;
    ck_assert_uint_eq(duel_initiate(d).length, 92);
    vpn_packet reply = duel_initiate(d);
    ck_assert_uint_eq(reply.length, 64);
    ck_assert_int_eq(forge_read_cookie_reply(&d->f, reply.data + reply.offset), 0);
    net_run(d->net, MILLIS(500));
    ck_assert_uint_eq(duel_initiate(d).length, 92);

    net_run(d->net, SECONDS(6)); /* its answer counts as a handshake of its own */
    ck_assert_int_eq(vpn_wg_handshake(d->a->wg, d->id, node_now(d->a)), 0);
    net_run(d->net, 0);
    uint8_t cookie[16], message[64], mac2[16];
    forge_bytes(&d->f, cookie, 16);
    const struct datagram *first = net_log_last(d->net, 0, 1);
    ck_assert_ptr_nonnull(first);
    forge_cookie_reply(&d->f, message, first->bytes, 148, cookie);
    ck_assert_uint_eq(node_feed(d->a, &d->f.at, message, 64).verdict, VPN_DONE);
    net_run(d->net, SECONDS(6));
    ck_assert_uint_eq(duel_sent(d, 1, 0), 2);
    const struct datagram *second = net_log_last(d->net, 0, 1);
    vpn_blake2s_hash(mac2, 16, second->bytes, 132, cookie, 16);
    ck_assert_mem_eq(second->bytes + 132, mac2, 16);
    ck_assert_uint_eq(duel_respond(d).verdict, VPN_TO_NET);
    duel_free(d);
}
END_TEST

#define SETTINGS                                                                                                       \
    "private_key=" UAPI_PRIVATE "\nreplace_peers=true\npublic_key=" UAPI_KEY("1") "\npreshared_key=" UAPI_KEY(         \
        "2") "\nendpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"               \
             "allowed_ip=2001:db8::/32\n"

/* Requests and answers; what get says can be set again. */
START_TEST(uapi)
{
    static const char request[] = "get=1\n\n";
    vpn_wg *wg = uapi_device();
    vpn_uapi_error error;
    char want[UAPI_TEXT], *out;
    uint8_t *block, *answer;
    size_t length, again;
    const char *text = (const char *)shifted(&block, _i, SETTINGS, strlen(SETTINGS));
    ck_assert_int_eq(vpn_uapi_set(wg, text, strlen(SETTINGS), NULL, VPN_SECOND, &error), 0);
    free(block);
    ck_assert_int_eq(vpn_uapi_get(wg, NULL, want, sizeof want, &length), 0);
    out = (char *)shifted(&answer, _i, want, length);
    memset(out, 0, length);
    text = (const char *)shifted(&block, _i, request, strlen(request));
    ck_assert_uint_eq(vpn_uapi_complete(text, strlen(request)), strlen(request));
    ck_assert_int_eq(vpn_uapi_serve(wg, text, strlen(request), NULL, out, length, &again, VPN_SECOND, &error), 0);
    ck_assert_uint_eq(again, length);
    ck_assert_mem_eq(out, want, length);
    free(block);
    free(answer);
    ck_assert_int_eq(vpn_wg_free(wg), 0);
}
END_TEST

/* Keys as bytes and as text, endpoints and prefixes as text. */
START_TEST(keys)
{
    struct duel *d = duel_new(1, NULL);
    uint8_t key[32], *block, *text;
    uint8_t *public_key = shifted(&block, _i, d->f.public_key, 32);
    ck_assert_uint_eq(vpn_wg_peer_find(d->a->wg, public_key), d->id);
    free(block);
    uint8_t *private_key = shifted(&block, _i, d->a->private_key, 32);
    ck_assert_int_eq(vpn_wg_set_private_key(d->a->wg, private_key, node_now(d->a)), 0);
    vpn_key_public(key, private_key);
    ck_assert_mem_eq(key, d->a->public_key, 32);
    free(block);
    duel_from_node(d);

    text = shifted(&block, _i, UAPI_PRIVATE, 64);
    ck_assert_int_eq(vpn_key_from_hex(key, (const char *)text, 64), 0);
    test_expect_hex(key, 32, UAPI_PRIVATE);
    free(block);
    vpn_endpoint endpoint;
    text = shifted(&block, _i, "192.0.2.7:51820", 15);
    ck_assert_int_eq(vpn_endpoint_parse(&endpoint, (const char *)text, 15), 0);
    ck_assert(endpoint.family == 4 && endpoint.addr[3] == 7 && endpoint.port == 51820);
    free(block);
    duel_free(d);
}
END_TEST

/* Prefixes in and addresses looked up, alone and many at a time with an odd stride. */
START_TEST(allowedips)
{
    vpn_allowedips *table;
    uint64_t seed = 5;
    uint8_t *block, *prefix_block, many[64 * 19];
    uint32_t owners[64];
    ck_assert_int_eq(vpn_allowedips_new(&table, NULL), 0);
    for (uint32_t i = 0; i < 64; i++) {
        vpn_prefix prefix = {.family = 6, .bits = 128};
        test_fill(&seed, prefix.addr, 16);
        memcpy(many + i * 19, prefix.addr, 16);
        const vpn_prefix *given = (const vpn_prefix *)shifted(&prefix_block, _i, &prefix, sizeof prefix);
        ck_assert_int_eq(vpn_allowedips_insert(table, given, i), 0);
        free(prefix_block);
        const uint8_t *addr = shifted(&block, _i, prefix.addr, 16);
        ck_assert_uint_eq(vpn_allowedips_lookup(table, 6, addr), i);
        free(block);
    }
    const uint8_t *addrs = shifted(&block, _i, many, sizeof many);
    vpn_allowedips_lookup_many(table, 6, addrs, 19, owners, 64);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_uint_eq(owners[i], i);
    free(block);
    vpn_allowedips_free(table);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_loop_test(tcase, test, 0, ALIGNMENTS);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
}

static Suite *suite(void)
{
    Suite *s = suite_create("alignment");
    add(s, "packets", packets);
    add(s, "cookies", cookies);
    add(s, "uapi", uapi);
    add(s, "keys", keys);
    add(s, "allowedips", allowedips);
    return s;
}

TEST_MAIN(suite)
