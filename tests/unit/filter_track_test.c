/* SPDX-License-Identifier: ISC */
#include "packet/filter_track.h"

#include <vpn/filter.h>

#include "common/test.h"

#define IN  VPN_FILTER_IN
#define OUT VPN_FILTER_OUT

#define SYN VPN__TCP_SYN
#define ACK VPN__TCP_ACK
#define RST VPN__TCP_RST
#define FIN VPN__TCP_FIN

static const uint8_t here[16] = {10, 0, 0, 1}, there[16] = {10, 0, 0, 2};
static struct vpn__flow flow;

/* From the peer at `there`, port 4000, to the host's port 80, or back. */
static struct vpn__filter_view tcp(uint32_t direction, uint32_t flags, uint32_t seq, uint32_t ack, uint32_t payload)
{
    struct vpn__filter_view v = {.family = 4, .protocol = 6, .flags = (uint16_t)flags, .seq = seq, .ack = ack};
    v.src = direction == IN ? there : here;
    v.dst = direction == IN ? here : there;
    v.ports[direction == IN] = 80;
    v.ports[direction != IN] = 4000;
    v.end = seq + payload + ((flags & SYN) != 0) + ((flags & FIN) != 0);
    return v;
}

static int pass(uint32_t direction, uint32_t flags, uint32_t seq, uint32_t ack, uint32_t payload)
{
    struct vpn__filter_view v = tcp(direction, flags, seq, ack, payload);
    return vpn__flow_pass(&flow, &v, direction, 0);
}

static void open_flow(void)
{
    struct vpn__filter_view v = tcp(IN, SYN, 100, 0, 0);
    memset(&flow, 0, sizeof(flow));
    vpn__flow_key_of(&flow.key, &v, IN, 0);
    ck_assert(vpn__flow_may_begin(&v));
    vpn__flow_begin(&flow, &v, IN);
    ck_assert_uint_eq(flow.life, 240 * VPN_SECOND);
    ck_assert(pass(OUT, SYN | ACK, 500, 101, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
    ck_assert_uint_eq(flow.life, 7440 * VPN_SECOND);
    ck_assert(pass(IN, ACK, 101, 501, 10));
    ck_assert(pass(OUT, ACK, 501, 111, 20));
    ck_assert(pass(IN, ACK, 111, 521, 0));
}

START_TEST(keys_are_the_same_both_ways)
{
    struct vpn__filter_view a = tcp(IN, SYN, 0, 0, 0), b = tcp(OUT, SYN, 0, 0, 0);
    struct vpn__flow_key x, y;
    vpn__flow_key_of(&x, &a, IN, 5);
    vpn__flow_key_of(&y, &b, OUT, 5);
    ck_assert_mem_eq(&x, &y, sizeof(x));
    vpn__flow_key_of(&y, &b, OUT, 6); /* another peer */
    ck_assert_mem_ne(&x, &y, sizeof(x));
    vpn__flow_key_of(&y, &a, OUT, 5); /* the same addresses and ports the other way are another flow */
    ck_assert_mem_ne(&x, &y, sizeof(x));
    b.ports[0]++;
    vpn__flow_key_of(&y, &b, OUT, 5);
    ck_assert_mem_ne(&x, &y, sizeof(x));
    b = tcp(OUT, SYN, 0, 0, 0);
    b.protocol = 17;
    vpn__flow_key_of(&y, &b, OUT, 5);
    ck_assert_mem_ne(&x, &y, sizeof(x));
    b.protocol = 6;
    b.family = 6;
    vpn__flow_key_of(&y, &b, OUT, 5);
    ck_assert_mem_ne(&x, &y, sizeof(x));
}
END_TEST

START_TEST(closed_by_both)
{
    open_flow();
    ck_assert(pass(IN, FIN | ACK, 111, 521, 5)); /* takes 6 numbers */
    ck_assert(pass(OUT, ACK, 521, 117, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN); /* half closed, RFC 9293 */
    ck_assert(pass(OUT, FIN | ACK, 521, 117, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
    ck_assert(pass(IN, ACK, 117, 522, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_CLOSING);
    ck_assert_uint_eq(flow.life, 240 * VPN_SECOND);
    ck_assert(pass(OUT, ACK, 522, 117, 0)); /* late */
    ck_assert_uint_eq(flow.state, VPN__FLOW_CLOSING);
    ck_assert(!pass(OUT, SYN, 9, 0, 0));
    ck_assert(pass(IN, SYN, 900, 0, 0)); /* the same ports again */
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPENING);
    ck_assert(pass(OUT, SYN | ACK, 1, 901, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
}
END_TEST

/* RFC 5961: only a RST with exactly the number that its receiver awaits. */
START_TEST(blind_resets)
{
    static const uint32_t wrong[] = {0, 1, 519, 520, 522, 523, 521 + 65535, 521u - 65535, UINT32_MAX};
    open_flow();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert(pass(OUT, RST, wrong[i], 0, 0));
        ck_assert(pass(OUT, RST | ACK, wrong[i], 111, 0));
        ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
        ck_assert_uint_eq(flow.life, 7440 * VPN_SECOND);
    }
    ck_assert(pass(OUT, RST, 521, 0, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_CLOSING);
    open_flow();
    ck_assert(pass(IN, RST, 110, 0, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
    ck_assert(pass(IN, RST, 111, 0, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_CLOSING);
}
END_TEST

/* A forged FIN, with whatever number, closes nothing: it is never acknowledged. */
START_TEST(blind_fins)
{
    open_flow();
    ck_assert(pass(IN, FIN | ACK, 111, 521, 0));
    ck_assert(pass(OUT, FIN | ACK, 777777, 112, 0));
    ck_assert(pass(IN, ACK, 112, 521, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
    ck_assert(pass(OUT, FIN | ACK, 521, 112, 0));
    ck_assert(pass(IN, ACK, 112, 522, 0));
    ck_assert_uint_eq(flow.state, VPN__FLOW_CLOSING);
}
END_TEST

/* A connection from the other end is no answer. */
START_TEST(no_syn_back)
{
    open_flow();
    ck_assert(!pass(OUT, SYN, 1, 0, 0));
    ck_assert(!pass(OUT, SYN | VPN__TCP_FIN, 1, 0, 0));
    ck_assert(pass(OUT, SYN | ACK, 1, 2, 0));
    ck_assert(pass(IN, SYN, 100, 0, 0)); /* sent again */
    ck_assert_uint_eq(flow.state, VPN__FLOW_OPEN);
}
END_TEST

START_TEST(what_may_begin)
{
    static const struct {
        uint32_t flags;
        int may;
    } rows[] = {{SYN, 1}, {ACK, 1}, {0, 1}, {SYN | ACK, 0}, {RST, 0}, {RST | ACK, 0}, {FIN | ACK, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vpn__filter_view v = tcp(IN, rows[i].flags, 1, 1, 0);
        ck_assert_int_eq(vpn__flow_may_begin(&v), rows[i].may);
        v.part = VPN__PART_LATER;
        ck_assert(!vpn__flow_may_begin(&v));
    }
    struct vpn__filter_view v = {.family = 4, .protocol = 1, .flags = VPN__NO_FLAGS};
    for (v.icmp = VPN__ICMP_REQUEST; v.icmp <= VPN__ICMP_OTHER; v.icmp++)
        ck_assert_int_eq(vpn__flow_may_begin(&v), v.icmp == VPN__ICMP_REQUEST);
    v.icmp = VPN__ICMP_REQUEST;
    v.ports[1] = 1;
    ck_assert(!vpn__flow_may_begin(&v));
}
END_TEST

START_TEST(datagrams)
{
    struct vpn__filter_view v = tcp(IN, 0, 0, 0, 0);
    v.protocol = 17;
    v.flags = VPN__NO_FLAGS;
    memset(&flow, 0, sizeof(flow));
    vpn__flow_key_of(&flow.key, &v, IN, 0);
    vpn__flow_begin(&flow, &v, IN);
    ck_assert_uint_eq(flow.life, 30 * VPN_SECOND);
    ck_assert(vpn__flow_pass(&flow, &v, IN, 7));
    ck_assert_uint_eq(flow.life, 30 * VPN_SECOND);
    ck_assert_uint_eq(flow.seen, 7);
    ck_assert(vpn__flow_pass(&flow, &v, OUT, 3)); /* time runs back */
    ck_assert_uint_eq(flow.seen, 7);
    ck_assert_uint_eq(flow.life, 180 * VPN_SECOND);
    ck_assert(vpn__flow_pass(&flow, &v, IN, 9));
    ck_assert_uint_eq(flow.life, 180 * VPN_SECOND);
    ck_assert_uint_eq(flow.seen, 9);
}
END_TEST

START_TEST(echoes)
{
    struct vpn__filter_view request = tcp(IN, 0, 0, 0, 0), reply, first;
    struct vpn__flow_key key;
    request.protocol = 1;
    request.icmp = VPN__ICMP_REQUEST;
    request.flags = VPN__NO_FLAGS;
    request.id = 42;
    request.ports[0] = 8;
    request.ports[1] = 0;
    reply = request;
    reply.icmp = VPN__ICMP_REPLY;
    reply.src = request.dst;
    reply.dst = request.src;
    reply.ports[0] = 0;
    memset(&flow, 0, sizeof(flow));
    vpn__flow_key_of(&flow.key, &request, IN, 0);
    vpn__flow_key_of(&key, &reply, OUT, 0);
    ck_assert_mem_eq(&key, &flow.key, sizeof(key));
    vpn__flow_begin(&flow, &request, IN);
    ck_assert(vpn__flow_pass(&flow, &request, IN, 0));
    ck_assert(vpn__flow_pass(&flow, &reply, OUT, 0));
    ck_assert(!vpn__flow_pass(&flow, &request, OUT, 0));
    ck_assert(!vpn__flow_pass(&flow, &reply, IN, 0));
    ck_assert_uint_eq(flow.life, 30 * VPN_SECOND);
    vpn__flow_first(&first, &flow);
    ck_assert_uint_eq(first.ports[0], 8);
    ck_assert_uint_eq(first.ports[1], 0);
    /* the other end asks with the same identifier: another flow */
    reply.icmp = VPN__ICMP_REQUEST;
    vpn__flow_key_of(&key, &reply, OUT, 0);
    ck_assert_mem_ne(&key, &flow.key, sizeof(key));
}
END_TEST

START_TEST(first_packets)
{
    for (uint32_t direction = IN; direction <= OUT; direction++) {
        struct vpn__filter_view v = tcp(direction, SYN, 1, 0, 0), first;
        memset(&flow, 0, sizeof(flow));
        vpn__flow_key_of(&flow.key, &v, direction, 9);
        vpn__flow_begin(&flow, &v, direction);
        vpn__flow_first(&first, &flow);
        ck_assert_uint_eq(first.family, 4);
        ck_assert_uint_eq(first.protocol, 6);
        ck_assert_uint_eq(first.flags, SYN);
        ck_assert_uint_eq(first.ports[0], v.ports[0]);
        ck_assert_uint_eq(first.ports[1], v.ports[1]);
        ck_assert_mem_eq(first.src, v.src, 4);
        ck_assert_mem_eq(first.dst, v.dst, 4);
        v.protocol = 47;
        v.ports[0] = v.ports[1] = VPN__NO_PORT;
        vpn__flow_key_of(&flow.key, &v, direction, 9);
        vpn__flow_first(&first, &flow);
        ck_assert_uint_eq(first.ports[1], VPN__NO_PORT);
    }
}
END_TEST

START_TEST(fragments)
{
    struct vpn__filter_view v = tcp(IN, SYN, 1, 0, 0);
    struct vpn__flow_key a, b;
    v.fragment = 0x01020304;
    vpn__flow_key_fragment(&a, &v, IN, 0);
    vpn__flow_key_of(&b, &v, IN, 0);
    ck_assert_mem_ne(&a, &b, sizeof(a));
    vpn__flow_key_fragment(&b, &v, OUT, 0);
    ck_assert_mem_ne(&a, &b, sizeof(a));
    v.ports[0] = v.ports[1] = VPN__NO_PORT;
    vpn__flow_key_fragment(&b, &v, IN, 0);
    ck_assert_mem_eq(&a, &b, sizeof(a));
    v.fragment++;
    vpn__flow_key_fragment(&b, &v, IN, 0);
    ck_assert_mem_ne(&a, &b, sizeof(a));
    memset(&flow, 0, sizeof(flow));
    vpn__flow_begin_fragment(&flow, 4);
    ck_assert_uint_eq(flow.seen, 4);
    ck_assert_uint_eq(flow.life, 30 * VPN_SECOND);
    vpn__flow_begin_fragment(&flow, 2);
    ck_assert_uint_eq(flow.seen, 4);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("filter_track");
    test_add(s, "keys_are_the_same_both_ways", keys_are_the_same_both_ways);
    test_add(s, "closed_by_both", closed_by_both);
    test_add(s, "blind_resets", blind_resets);
    test_add(s, "blind_fins", blind_fins);
    test_add(s, "no_syn_back", no_syn_back);
    test_add(s, "what_may_begin", what_may_begin);
    test_add(s, "datagrams", datagrams);
    test_add(s, "echoes", echoes);
    test_add(s, "first_packets", first_packets);
    test_add(s, "fragments", fragments);
    return s;
}

TEST_MAIN(suite)
