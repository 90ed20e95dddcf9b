/* SPDX-License-Identifier: ISC */
/* What is joined and what is not, rule by rule; then at random against a model that knows the descriptions of the packets. */
#include <vpn/offload.h>

#include "base/bytes.h"
#include "common/flows.h"
#include "common/test.h"

#define ALL      (VPN_COALESCE_TCP4 | VPN_COALESCE_TCP6 | VPN_COALESCE_UDP)
#define MOST     160u
#define HEADROOM 37u
#define SIZE     100u

static uint8_t payload[65536];

/* A batch, and the packets as they came. */
static vpn_packet packets[MOST];
static uint8_t *came[MOST];
static uint32_t lengths[MOST];
static uint16_t next[MOST];
static vpn_super supers[MOST];
static size_t used;

static void clear(void)
{
    for (size_t i = 0; i < used; i++) {
        free(packets[i].data);
        free(came[i]);
    }
    used = 0;
}

/* Adds a packet, in memory that ends with `trailing` bytes behind it. */
static void add(const struct flow *flow, uint32_t trailing)
{
    static uint8_t made[65536 + 100];
    uint32_t length = flow_packet(made, flow) + trailing;
    vpn_packet *packet = &packets[used];
    memset(made + length - trailing, 0, trailing);
    memset(packet, 0, sizeof *packet);
    packet->data = malloc(HEADROOM + length);
    came[used] = malloc(length);
    ck_assert(packet->data != NULL && came[used] != NULL);
    memcpy(packet->data + HEADROOM, made, length);
    packet->capacity = HEADROOM + length;
    packet->offset = HEADROOM;
    packet->length = length;
    packet->verdict = VPN_TO_TUN;
    lengths[used++] = length;
}

/* After a batch was changed by hand. */
static size_t coalesce(uint32_t kinds)
{
    for (size_t i = 0; i < used; i++)
        memcpy(came[i], packets[i].data + HEADROOM, lengths[i]);
    memset(next, 0x77, sizeof next);
    return vpn_coalesce(packets, used, kinds, next, supers);
}

static struct flow example(uint8_t version, uint8_t protocol)
{
    uint64_t seed = version * 100u + protocol;
    struct flow flow = {.version = version,
                        .protocol = protocol,
                        .tos = 0xb8,
                        .ttl = 63,
                        .tcp_extra = 12,
                        .flags = FLOW_ACK,
                        .id = 1000,
                        .from = 5001,
                        .to = 443,
                        .window = 502,
                        .label = 0xabcde,
                        .sequence = 0x01020304,
                        .acknowledgement = 0x0a0b0c0d,
                        .stamp = 99,
                        .payload = payload,
                        .length = SIZE};
    test_fill(&seed, flow.src, 16);
    test_fill(&seed, flow.dst, 16);
    test_fill(&seed, payload, sizeof payload);
    return flow;
}

/* What follows it. */
static struct flow after(const struct flow *flow)
{
    struct flow then = *flow;
    then.sequence += flow->length;
    then.id++;
    return then;
}

static uint8_t *packet_of(size_t i)
{
    return packets[i].data + HEADROOM;
}

/* Whole, from several places. */
static uint32_t gather(uint8_t *out, const vpn_super *super)
{
    uint32_t length = 0;
    size_t count = 0;
    for (uint16_t i = super->first; i != VPN_COALESCE_END; i = next[i]) {
        ck_assert_uint_lt(i, used);
        ck_assert_uint_le(packets[i].offset + packets[i].length, packets[i].capacity);
        memcpy(out + length, packets[i].data + packets[i].offset, packets[i].length);
        length += packets[i].length;
        count++;
    }
    ck_assert_uint_eq(length, super->length);
    ck_assert_uint_eq(count, super->count);
    return length;
}

static void check_alone(const vpn_super *super)
{
    static const vpn_offload none;
    size_t i = super->first;
    ck_assert_mem_eq(&super->offload, &none, sizeof none);
    ck_assert_uint_eq(packets[i].offset, HEADROOM);
    ck_assert_uint_eq(packets[i].length, lengths[i]);
    ck_assert_mem_eq(packet_of(i), came[i], lengths[i]);
}

/* Cut again it becomes the packets that it came from, but for an identification that means nothing. */
static void check_super(const vpn_super *super)
{
    static uint8_t whole[65536], one[65536];
    vpn_segments plan;
    uint32_t length = gather(whole, super), index = 0, at = super->offload.csum_start;
    struct flow flow = {.version = whole[0] >> 4, .protocol = super->offload.gso == VPN_GSO_UDP ? FLOW_UDP : FLOW_TCP};
    memcpy(flow.src, whole + (flow.version == 4 ? 12 : 8), flow.version == 4 ? 4 : 16);
    memcpy(flow.dst, whole + (flow.version == 4 ? 16 : 24), flow.version == 4 ? 4 : 16);
    ck_assert_uint_eq(flow_get(whole + at + super->offload.csum_offset, 2), flow_pseudo(&flow, length - at));
    if (flow.protocol == FLOW_UDP)
        ck_assert_uint_eq(flow_get(whole + at + 4, 2), length - at);
    if (flow.version == 4)
        ck_assert_uint_eq(flow_sum(0, whole, 20), 0xffff);
    ck_assert_int_eq(vpn_segment_plan(&plan, &super->offload, whole, length), VPN_OK);
    ck_assert_uint_eq(plan.count, super->count);
    ck_assert_uint_eq(super->offload.header, plan.each - super->offload.gso_size);
    for (uint16_t i = super->first; i != VPN_COALESCE_END; i = next[i]) {
        ck_assert_uint_eq(vpn_segment_write(&plan, whole, index, one), lengths[i]);
        if (flow.version == 4 && (one[6] & 0x40) != 0) {
            memcpy(one + 4, came[i] + 4, 2);
            memcpy(one + 10, came[i] + 10, 2);
        }
        if (memcmp(one, came[i], lengths[i]) != 0)
            ck_abort_msg("packet %u is not what it was", i);
        index++;
    }
}

/* `want`: for each packet the number of its super-packet as a letter, '.' for one that is passed over. */
static void expect(uint32_t kinds, const char *want)
{
    char have[MOST + 1] = {0};
    size_t count = coalesce(kinds);
    memset(have, '.', used);
    for (size_t k = 0; k < count; k++) {
        for (uint16_t i = supers[k].first; i != VPN_COALESCE_END; i = next[i])
            have[i] = (char)('a' + k);
        if (supers[k].count > 1)
            check_super(&supers[k]);
        else
            check_alone(&supers[k]);
    }
    ck_assert_str_eq(have, want);
    clear();
}

/* With each kind: several in a row are one. */
START_TEST(joins)
{
    for (int kind = 0; kind < 4; kind++)
        for (int fragment = 0; fragment < 3; fragment++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP);
            flow.id = 0xfffe;
            flow.sequence = 0xffffffff - SIZE;
            flow.fragment = fragment ? FLOW_DF : 0;
            for (int i = 0; i < 5; i++) {
                add(&flow, 0);
                flow = after(&flow);
                flow.id = (uint16_t)(fragment == 2 ? flow.id * 7 : flow.id);
            }
            expect(ALL, "aaaaa");
        }
}
END_TEST

/* Two packets that would be joined, were it not for a change to one of them. */
#define APART(change_flow, change_bytes)                                                                               \
    do {                                                                                                               \
        for (size_t side = 0; side < 2; side++) {                                                                      \
            struct flow both[2];                                                                                       \
            both[0] = example(version, protocol);                                                                      \
            both[1] = after(&both[0]);                                                                                 \
            add(&both[0], 0);                                                                                          \
            add(&both[1], 0);                                                                                          \
            expect(ALL, "aa");                                                                                         \
            struct flow *f = &both[side];                                                                              \
            (void)f;                                                                                                   \
            change_flow;                                                                                               \
            add(&both[0], 0);                                                                                          \
            add(&both[1], 0);                                                                                          \
            uint8_t *p = packet_of(side), *t = p + flow_ip_bytes(f);                                                   \
            (void)t;                                                                                                   \
            change_bytes;                                                                                              \
            expect(ALL, "ab");                                                                                         \
        }                                                                                                              \
    } while (0)

#define NOTHING (void)0

/* The checksum of TCP or UDP anew, after a change by hand. */
static void mend(uint8_t *p, const struct flow *flow)
{
    uint32_t ip = flow_ip_bytes(flow), at = flow_checksum_at(flow), bytes = flow_header_bytes(flow) + flow->length - ip;
    flow_put(p + at, 0, 2);
    flow_put(p + at, 0xffff - flow_sum(flow_pseudo(flow, bytes), p + ip, bytes), 2);
}

START_TEST(tcp_rules)
{
    for (uint8_t version = 4; version <= 6; version += 2) {
        uint8_t protocol = FLOW_TCP;
        APART(f->sequence++, NOTHING);
        APART(f->sequence--, NOTHING);
        APART(f->sequence += 0x80000000u, NOTHING);
        APART(f->acknowledgement++, NOTHING);
        APART(f->acknowledgement ^= 0x01000000, NOTHING);
        APART(f->window++, NOTHING);
        APART(f->window ^= 0x8000, NOTHING);
        APART(f->stamp++, NOTHING);
        APART(f->tcp_extra = 16, NOTHING);
        APART(f->tcp_extra = 8, NOTHING);
        APART(f->flags |= FLOW_SYN, NOTHING);
        APART(f->flags |= FLOW_RST, NOTHING);
        APART(f->flags |= FLOW_URG, NOTHING);
        APART(f->flags |= FLOW_CWR, NOTHING);
        APART(f->flags |= FLOW_ECE, NOTHING);
        APART(f->flags = 0, NOTHING);
        APART(f->urgent = 1, NOTHING);
        APART(NOTHING, (t[12] |= 1, mend(p, f)));
        APART(NOTHING, (t[12] |= 8, mend(p, f)));
        APART(NOTHING, t[12] = 0x40);
        APART(NOTHING, t[12] = 0);
        APART(both[0].flags |= FLOW_FIN, NOTHING);
        APART(both[0].flags |= FLOW_PSH, NOTHING);
        APART((f->length = 0, both[1].sequence = both[0].sequence + both[0].length), NOTHING);
        /* The other way round, and the same twice. */
        struct flow first = example(version, protocol), second = after(&first);
        add(&second, 0);
        add(&first, 0);
        expect(ALL, "ab");
        add(&first, 0);
        add(&first, 0);
        expect(ALL, "ab");
        first.flags |= FLOW_ECE;
        second.flags |= FLOW_ECE;
        add(&first, 0);
        add(&second, 0);
        expect(ALL, "aa");
    }
}
END_TEST

START_TEST(udp_rules)
{
    for (uint8_t version = 4; version <= 6; version += 2) {
        uint8_t protocol = FLOW_UDP;
        APART(f->no_checksum = 1, NOTHING);
        APART(both[1].length++, NOTHING);
        APART(both[0].length--, NOTHING);
        APART(f->length = 0, NOTHING);
        APART(NOTHING, (t[5]--, mend(p, f)));
        APART(NOTHING, (t[5]++, mend(p, f)));
        APART(NOTHING, (t[4]++, mend(p, f)));
        /* No sequence: whatever comes first is first. */
        struct flow first = example(version, protocol), second = after(&first);
        second.payload += SIZE;
        second.id = (uint16_t)(first.id - 1);
        add(&second, 0);
        add(&first, 0);
        expect(ALL, "aa");
    }
}
END_TEST

/* What holds for both, by a damaged byte or by a header. */
START_TEST(common_rules)
{
    for (int kind = 0; kind < 4; kind++) {
        uint8_t version = kind / 2 ? 6 : 4, protocol = kind % 2 ? FLOW_UDP : FLOW_TCP;
        APART(f->tos ^= 0x80, NOTHING);
        APART(f->tos ^= 0x01, NOTHING);
        APART(f->ttl++, NOTHING);
        APART(f->from++, NOTHING);
        APART(f->to++, NOTHING);
        APART(f->src[3]++, NOTHING);
        APART(f->dst[0]++, NOTHING);
        APART(f->ip_extra = 8, NOTHING);
        APART((both[0].ip_extra = both[1].ip_extra = 8), NOTHING);
        APART(NOTHING, p[flow_checksum_at(f)] ^= 1);
        APART(NOTHING, p[flow_checksum_at(f) + 1] ^= 0x80);
        APART(NOTHING, t[40] ^= 4);
        APART(NOTHING, p[flow_header_bytes(f) + SIZE - 1] ^= 0x10);
        APART(NOTHING, p[0] ^= 0x30);
        APART(NOTHING, lengths[side] = --packets[side].length);
        APART(NOTHING, lengths[side] = packets[side].length = 0);
        if (version == 6) {
            APART(f->label++, NOTHING);
            APART(f->label ^= 0x80000, NOTHING);
            APART(f->src[15]++, NOTHING);
            APART(f->dst[15]++, NOTHING);
            continue;
        }
        APART(f->id++, NOTHING);
        APART(f->id += 0x100, NOTHING);
        APART(f->fragment = FLOW_DF, NOTHING);
        APART(f->fragment = 0x8000, NOTHING);
        APART(f->fragment = 0x2000, NOTHING);
        APART(f->fragment = 1, NOTHING);
        APART((both[0].fragment = both[1].fragment = 0x2000), NOTHING);
        APART((both[0].fragment = both[1].fragment = 0x1000), NOTHING);
        APART(NOTHING, p[10] ^= 1);
        APART(NOTHING, p[11] ^= 0x40);
    }
}
END_TEST

/* What closes a super-packet, and what begins the next. */
START_TEST(closing)
{
    for (int kind = 0; kind < 4; kind++)
        for (int how = 0; how < 4; how++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP), one;
            if (how != 0 && kind % 2)
                continue;
            for (int i = 0; i < 6; i++) {
                one = flow;
                one.length -= how == 0 && i == 2;
                one.flags |= (uint8_t)(i != 2     ? 0
                                       : how == 1 ? FLOW_PSH
                                       : how == 2 ? FLOW_FIN
                                       : how == 3 ? FLOW_CWR
                                                  : 0);
                add(&one, 0);
                flow = after(&one);
                flow.length = SIZE;
                flow.flags = FLOW_ACK;
            }
            expect(ALL, how == 3 ? "aabccc" : "aaabbb");
        }
}
END_TEST

/* A packet with bytes behind it, or with a header that runs past it, is handed on as it is; what came before it stays before it. */
START_TEST(padded)
{
    for (int kind = 0; kind < 4; kind++)
        for (int behind = 1; behind < 30; behind += 7) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP), then = after(&flow);
            add(&flow, 0);
            add(&then, (uint32_t)behind);
            then = kind % 2 ? after(&then) : then;
            add(&then, 0);
            then = after(&then);
            add(&then, 0);
            expect(ALL, "abcc");
        }
}
END_TEST

START_TEST(longest)
{
    for (int kind = 0; kind < 4; kind++) {
        struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP);
        uint32_t header = flow_header_bytes(&flow);
        for (uint32_t last = 65535 - header - 2 * 30000; last <= 65536 - header - 2 * 30000; last++) {
            flow.length = 30000;
            for (int i = 0; i < 3; i++) {
                if (i == 2)
                    flow.length = last;
                add(&flow, 0);
                flow = after(&flow);
            }
            expect(ALL, last + header + 60000 > 65535 ? "aab" : "aaa");
        }
    }
}
END_TEST

/* Each set of kinds joins these and no others. */
START_TEST(kinds)
{
    static const uint32_t bits[] = {VPN_COALESCE_TCP4, VPN_COALESCE_UDP, VPN_COALESCE_TCP6, VPN_COALESCE_UDP};
    for (uint32_t wanted = 0; wanted < 8; wanted++)
        for (int kind = 0; kind < 4; kind++) {
            struct flow flow = example(kind / 2 ? 6 : 4, kind % 2 ? FLOW_UDP : FLOW_TCP);
            add(&flow, 0);
            flow = after(&flow);
            add(&flow, 0);
            expect(wanted, wanted & bits[kind] ? "aa" : "ab");
        }
    struct flow flow = example(4, 1); /* another protocol */
    flow.length = 100;
    add(&flow, 0);
    add(&flow, 0);
    expect(ALL, "ab");
}
END_TEST

START_TEST(verdicts)
{
    for (uint8_t verdict = 0; verdict < VPN_VERDICTS; verdict++) {
        struct flow flow = example(4, FLOW_TCP);
        if (verdict == VPN_TO_TUN)
            continue;
        add(&flow, 0);
        add(&flow, 0);
        packets[1].verdict = verdict;
        flow = after(&flow);
        add(&flow, 0);
        size_t count = coalesce(ALL);
        ck_assert_uint_eq(count, 1);
        ck_assert_uint_eq(packets[1].offset, HEADROOM);
        ck_assert_uint_eq(packets[1].length, lengths[1]);
        ck_assert_mem_eq(packet_of(1), came[1], lengths[1]);
        ck_assert_uint_eq(next[0], 2);
        ck_assert_uint_eq(next[1], VPN_COALESCE_END);
        ck_assert_uint_eq(next[2], VPN_COALESCE_END);
        clear();
    }
}
END_TEST

START_TEST(more_than_fit)
{
    struct flow flow = example(6, FLOW_UDP);
    for (uint32_t i = 0; i < MOST; i++)
        add(&flow, 0);
    ck_assert_uint_eq(coalesce(ALL), 1);
    ck_assert_uint_eq(supers[0].count, VPN_COALESCE_MAX);
    check_super(&supers[0]);
    for (uint32_t i = VPN_COALESCE_MAX; i < MOST; i++) {
        ck_assert_uint_eq(next[i], VPN_COALESCE_END);
        ck_assert_uint_eq(packets[i].offset, HEADROOM);
        ck_assert_mem_eq(packet_of(i), came[i], lengths[i]);
    }
    ck_assert_uint_eq(vpn_coalesce(packets, 0, ALL, next, supers), 0);
    clear();
    /* As many flows as packets. */
    for (uint32_t i = 0; i < VPN_COALESCE_MAX; i++) {
        flow.from = (uint16_t)(i / 2 * 256);
        add(&flow, 0);
    }
    ck_assert_uint_eq(coalesce(ALL), VPN_COALESCE_MAX / 2);
    clear();
}
END_TEST

/* --- at random --- */

#define FLOWS 12u

/* What the model knows of a packet: its description, and whether it is damaged. */
static struct flow said[MOST];
static uint32_t flow_of[MOST];
static int damaged[MOST];

static struct flow random_flow(uint64_t *seed, uint32_t number)
{
    struct flow flow = example(number % 2 ? 4 : 6, number % 4 < 2 ? FLOW_TCP : FLOW_UDP);
    flow.from = (uint16_t)(number * 64);
    flow.fragment = test_below(seed, 2) ? FLOW_DF : 0;
    flow.length = 1 + (uint32_t)test_below(seed, 30);
    flow.sequence = (uint32_t)test_random(seed);
    flow.id = (uint16_t)test_random(seed);
    return flow;
}

/* A packet of the flow, seldom a strange one, and what follows it. */
static void add_random(uint64_t *seed, struct flow *flow, uint32_t number)
{
    struct flow one = *flow;
    uint32_t trailing = 0;
    one.payload = payload + test_below(seed, 60000);
    switch (test_below(seed, 40)) {
    case 0:
        one.flags ^= (uint8_t)(1u << test_below(seed, 8));
        break;
    case 1:
        one.length = 1 + (uint32_t)test_below(seed, 40);
        break;
    case 2:
        one.ttl++;
        break;
    case 3:
        one.sequence += (uint32_t)test_below(seed, 3) - 1;
        break;
    case 4:
        one.id += (uint16_t)test_below(seed, 3);
        break;
    case 5:
        one.ip_extra = 8;
        break;
    case 6:
        one.window++;
        break;
    case 7:
        trailing = 1 + (uint32_t)test_below(seed, 16);
        break;
    case 8:
        one.length = 0;
        break;
    default:
        break;
    }
    said[used] = one;
    flow_of[used] = number;
    damaged[used] = trailing != 0;
    add(&one, trailing);
    if (test_below(seed, 40) == 0) {
        damaged[used - 1] = 1;
        packets[used - 1].data[HEADROOM + flow_checksum_at(&one)] ^= 0x11;
    }
    flow->sequence = one.sequence + one.length;
    flow->id = (uint16_t)(one.id + 1);
}

static int may_join(size_t i)
{
    const struct flow *f = &said[i];
    if (damaged[i] || f->ip_extra != 0 || f->length == 0)
        return 0;
    return f->protocol == FLOW_UDP || (f->flags & ~(FLOW_FIN | FLOW_PSH | FLOW_ECE)) == FLOW_ACK;
}

/* `head` began a super-packet of `count` packets up to `last`: is `i` of the same flow the next one? */
static int model_joins(size_t head, size_t last, size_t count, size_t i)
{
    const struct flow *a = &said[head], *z = &said[last], *b = &said[i];
    if (!may_join(head) || !may_join(i) || z->length < a->length || b->length > a->length || a->ttl != b->ttl)
        return 0;
    if (a->version == 4 && a->fragment == 0 && b->id != (uint16_t)(a->id + count))
        return 0;
    return a->protocol == FLOW_UDP ||
           ((z->flags & (FLOW_FIN | FLOW_PSH)) == 0 && ((a->flags ^ b->flags) & FLOW_ECE) == 0 &&
            a->window == b->window && b->sequence == z->sequence + z->length);
}

/* The letters that `expect` compares. */
static void model(char *want)
{
    size_t heads[FLOWS], lasts[FLOWS], counts[FLOWS] = {0};
    char names[FLOWS], name = 'a';
    for (size_t i = 0; i < used; i++) {
        uint32_t f = flow_of[i];
        if (counts[f] == 0 || !model_joins(heads[f], lasts[f], counts[f], i)) {
            heads[f] = i;
            counts[f] = 0;
            names[f] = name++;
        }
        lasts[f] = i;
        counts[f]++;
        want[i] = names[f];
    }
    want[used] = 0;
}

/* Many flows in any order: what is joined is what the model joins, and no packet of a flow overtakes another. */
START_TEST(random_flows)
{
    uint64_t seed = 11;
    uint32_t joined = 0;
    for (int round = 0; round < 2000; round++) {
        struct flow flows[FLOWS];
        char want[MOST + 1];
        size_t n = 1 + test_below(&seed, VPN_COALESCE_MAX), many = 1 + test_below(&seed, FLOWS), last[FLOWS] = {0};
        for (uint32_t f = 0; f < many; f++)
            flows[f] = random_flow(&seed, f);
        for (size_t i = 0; i < n; i++) {
            uint32_t f = (uint32_t)test_below(&seed, many);
            add_random(&seed, &flows[f], f);
        }
        size_t count = coalesce(ALL), seen = 0;
        for (size_t k = 0; k < count; k++)
            for (uint16_t i = supers[k].first; i != VPN_COALESCE_END; i = next[i]) {
                ck_assert_uint_le(last[flow_of[i]], i);
                last[flow_of[i]] = i;
                joined += supers[k].count > 1;
                seen++;
            }
        ck_assert_uint_eq(seen, n);
        for (size_t i = 0; i < n; i++) { /* once more from the beginning */
            packets[i].offset = HEADROOM;
            packets[i].length = lengths[i];
            memcpy(packet_of(i), came[i], lengths[i]);
        }
        model(want);
        expect(ALL, want);
    }
    ck_assert_uint_gt(joined, 20000);
}
END_TEST

/* A super-packet, cut and joined, is what it was, byte for byte. */
START_TEST(there_and_back)
{
    static uint8_t whole[65536], again[65536];
    uint64_t seed = 12;
    for (int round = 0; round < 1000; round++) {
        struct flow flow = random_flow(&seed, (uint32_t)round % 8), segment;
        vpn_offload how;
        uint32_t size = 1 + (uint32_t)test_below(&seed, 500), index = 0;
        flow.length = size + 1 + (uint32_t)test_below(&seed, 127 * size);
        flow.flags |= (uint8_t)(test_random(&seed) & (FLOW_FIN | FLOW_PSH | FLOW_ECE));
        flow.tcp_extra = (uint8_t)(test_below(&seed, 11) * 4);
        uint32_t length = flow_super(whole, &how, &flow, size);
        vpn_segments plan;
        ck_assert_int_eq(vpn_segment_plan(&plan, &how, whole, length), VPN_OK);
        for (; flow_segment(&segment, &flow, size, index); index++) {
            add(&segment, 0);
            ck_assert_uint_eq(vpn_segment_write(&plan, whole, index, packet_of(index)), lengths[index]);
        }
        ck_assert_uint_eq(coalesce(ALL), 1);
        ck_assert_uint_eq(gather(again, &supers[0]), length);
        ck_assert_mem_eq(again, whole, length);
        ck_assert_mem_eq(&supers[0].offload, &how, sizeof how);
        clear();
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("coalesce");
    test_add(s, "joins", joins);
    test_add(s, "tcp_rules", tcp_rules);
    test_add(s, "udp_rules", udp_rules);
    test_add(s, "common_rules", common_rules);
    test_add(s, "closing", closing);
    test_add(s, "padded", padded);
    test_add(s, "longest", longest);
    test_add(s, "kinds", kinds);
    test_add(s, "verdicts", verdicts);
    test_add(s, "more_than_fit", more_than_fit);
    test_add(s, "random_flows", random_flows);
    test_add(s, "there_and_back", there_and_back);
    return s;
}

TEST_MAIN(suite)
