/* SPDX-License-Identifier: ISC */
#include "packet/parse.h"

#include "common/flows.h"
#include "common/test.h"

#define ROOM 16384

/* A packet that is put together header by header, with what a reader should say of it. */
struct made {
    uint8_t data[ROOM];
    uint32_t length; /* so far */
    uint32_t link;   /* where the next header's number goes */
    vpn_ip want;
};

static void begin(struct made *m, uint8_t version, uint64_t *seed)
{
    vpn_ip *want = &m->want;
    memset(m, 0, sizeof *m);
    m->length = want->header = version == 4 ? 20 : 40;
    test_fill(seed, m->data, m->length);
    want->version = version;
    want->tos = (uint8_t)test_random(seed);
    want->hop_limit = (uint8_t)test_random(seed);
    if (version == 4) {
        flow_put(m->data, 0x4500u | want->tos, 2);
        want->id = flow_get(m->data + 4, 2);
        m->data[6] = m->data[7] = 0;
        m->data[8] = want->hop_limit;
        m->link = 9;
    } else {
        flow_put(m->data, 0x60000000u | (uint32_t)want->tos << 20 | (uint32_t)test_below(seed, 1u << 20), 4);
        m->data[7] = want->hop_limit;
        m->link = 6;
    }
    memcpy(want->src, m->data + (version == 4 ? 12 : 8), version == 4 ? 4 : 16);
    memcpy(want->dst, m->data + (version == 4 ? 16 : 24), version == 4 ? 4 : 16);
}

/* Options that are sound: single bytes, and pairs of kind and length. `first` is the least length that a pair says. */
static void put_options(struct made *m, uint32_t bytes, uint32_t first, uint8_t pad, uint64_t *seed)
{
    uint32_t end = m->length + bytes;
    while (m->length < end) {
        uint32_t left = end - m->length;
        uint32_t body = (uint32_t)test_below(seed, left < 14 ? left : 14);
        if (left < 2 || test_below(seed, 3) == 0) {
            m->data[m->length++] = pad;
            continue;
        }
        if (body > left - 2)
            body = left - 2;
        m->data[m->length] = (uint8_t)(2 + test_below(seed, 0xc0));
        m->data[m->length + 1] = (uint8_t)(body + first);
        test_fill(seed, m->data + m->length + 2, body);
        m->length += 2 + body;
    }
}

static void put_options4(struct made *m, uint64_t *seed)
{
    uint32_t words = (uint32_t)test_below(seed, 11);
    put_options(m, words * 4, 2, 1, seed);
    m->data[0] = (uint8_t)(0x45 + words);
    m->want.header += words * 4;
    if (words)
        m->want.flags |= VPN_IP_EXTENDED;
}

static void put_extension(struct made *m, uint8_t kind, uint64_t *seed)
{
    uint32_t at = m->length, units = 1 + (uint32_t)test_below(seed, test_below(seed, 8) == 0 ? 60 : 3);
    m->data[m->link] = kind;
    m->link = at;
    m->want.flags |= VPN_IP_EXTENDED;
    if (kind == VPN_IP_AH) {
        uint32_t bytes = m->want.version == 4 ? 12 + 4 * (uint32_t)test_below(seed, 9) : 16 + 8 * (units % 5);
        test_fill(seed, m->data + at, bytes);
        m->data[at + 1] = (uint8_t)(bytes / 4 - 2);
        m->length += bytes;
        m->want.flags |= VPN_IP_PROTECTED;
        return;
    }
    m->data[at + 1] = (uint8_t)(units - 1);
    m->length += 2;
    if (kind == 43 || kind == 140) {
        test_fill(seed, m->data + m->length, units * 8 - 2);
        m->length += units * 8 - 2;
    } else {
        put_options(m, units * 8 - 2, 0, 0, seed);
    }
}

static void put_fragment6(struct made *m, uint32_t offset, int more, uint64_t *seed)
{
    m->data[m->link] = 44;
    m->link = m->length;
    test_fill(seed, m->data + m->length, 8);
    flow_put(m->data + m->length + 2, offset | (uint32_t)test_below(seed, 4) << 1 | (uint32_t)more, 2);
    m->want.id = flow_get(m->data + m->length + 4, 4);
    m->length += 8;
    m->want.flags |= VPN_IP_EXTENDED;
}

static void want_fragment(vpn_ip *want, uint32_t offset, int more)
{
    want->fragment_offset = offset;
    if (offset)
        want->flags |= VPN_IP_LATER | VPN_IP_FRAGMENT;
    if (more)
        want->flags |= VPN_IP_MORE | VPN_IP_FRAGMENT;
}

static void put_ports(struct made *m, uint32_t at)
{
    m->want.flags |= VPN_IP_PORTS;
    m->want.src_port = (uint16_t)flow_get(m->data + at, 2);
    m->want.dst_port = (uint16_t)flow_get(m->data + at + 2, 2);
}

static void put_control(struct made *m, uint32_t at, uint64_t *seed)
{
    static const uint8_t errors[] = {3, 4, 5, 11, 12};
    vpn_ip *want = &m->want;
    uint8_t type = (uint8_t)(test_below(seed, 2) ? test_below(seed, 20) : 120 + test_below(seed, 20));
    m->data[at] = want->icmp_type = type;
    want->icmp_code = m->data[at + 1];
    want->flags |= VPN_IP_CONTROL;
    if (want->version == 4 ? memchr(errors, type, 5) != NULL : type <= 127 || type == 137)
        want->flags |= VPN_IP_ERROR;
    if (want->version == 4 ? type == 0 || type == 8 : type == 128 || type == 129)
        want->icmp_id = (uint16_t)flow_get(m->data + at + 4, 2);
}

static const uint8_t protocols[] = {6, 17, 1, 58, 50, 59, 132, 136, 33, 47, 135, 139, 2};

/* A transport of `bytes` bytes at least, which are a multiple of 8. */
static void put_transport(struct made *m, uint8_t protocol, uint64_t *seed)
{
    uint32_t at = m->length, bytes = 24 + 8 * (uint32_t)test_below(seed, 12);
    int later = (m->want.flags & VPN_IP_LATER) != 0;
    if (later && test_below(seed, 2)) /* which is not there to be read */
        protocol = (uint8_t[]){0, 43, 44, 60, 140, VPN_IP_AH}[test_below(seed, 6)];
    m->data[m->link] = m->want.protocol = protocol;
    test_fill(seed, m->data + at, bytes);
    m->length += bytes;
    m->want.transport = at;
    if (later)
        return;
    if (protocol == 6) {
        m->data[at + 12] = (uint8_t)((5 + test_below(seed, bytes < 60 ? bytes / 4 - 4 : 11)) << 4);
        m->want.tcp_flags = m->data[at + 13];
    }
    if (protocol == 17)
        flow_put(m->data + at + 4, 8 + (uint32_t)test_below(seed, bytes - 7), 2);
    if (protocol == 6 || protocol == 17 || protocol == 132 || protocol == 136 || protocol == 33)
        put_ports(m, at);
    if (protocol == (m->want.version == 4 ? 1 : 58))
        put_control(m, at, seed);
}

static void finish(struct made *m)
{
    m->want.total = m->length;
    if (m->want.version == 4)
        flow_put(m->data + 2, m->length, 2);
    else
        flow_put(m->data + 4, m->length - 40, 2);
}

static void make4(struct made *m, uint64_t *seed)
{
    uint32_t offset = test_below(seed, 4) ? 0 : 8 * (uint32_t)test_below(seed, 8000), more = test_below(seed, 4) == 0;
    uint32_t other = (uint32_t)test_below(seed, 4); /* DF and the reserved flag */
    begin(m, 4, seed);
    put_options4(m, seed);
    flow_put(m->data + 6, other << 14 | more << 13 | offset / 8, 2);
    if (other & 1)
        m->want.flags |= VPN_IP_DF;
    want_fragment(&m->want, offset, (int)more);
    if (!offset && test_below(seed, 3) == 0)
        put_extension(m, VPN_IP_AH, seed);
    while (more && (m->length - m->want.header) % 8)
        m->data[m->length++] = 0;
    if ((m->want.flags & VPN_IP_PROTECTED) && more) { /* the padding stands where the transport would be */
        m->data[m->link + 1] = (uint8_t)((m->length - m->link) / 4 - 2);
    }
    put_transport(m, protocols[test_below(seed, sizeof protocols)], seed);
    finish(m);
}

static void make6(struct made *m, uint64_t *seed)
{
    static const uint8_t kinds[] = {43, 60, 140, VPN_IP_AH};
    uint32_t count = (uint32_t)test_below(seed, VPN_IP_EXTENSIONS_MAX + 1), fragment = (uint32_t)test_below(seed, 20);
    uint32_t offset = test_below(seed, 2) ? 0 : 8 * (uint32_t)test_below(seed, 7000), more = test_below(seed, 2) == 0;
    begin(m, 6, seed);
    for (uint32_t i = 0; i < count; i++) {
        if (i == fragment) {
            put_fragment6(m, offset, (int)more, seed);
            want_fragment(&m->want, offset, (int)more);
            if (offset)
                break;
        } else {
            put_extension(m, i == 0 && test_below(seed, 2) ? 0 : kinds[test_below(seed, sizeof kinds)], seed);
        }
    }
    put_transport(m, protocols[test_below(seed, sizeof protocols)], seed);
    finish(m);
}

/* Parses a copy of exactly `length` bytes, so that a sanitizer sees a read past the end. */
static int parse(vpn_ip *out, const uint8_t *data, size_t length, int quoted)
{
    uint8_t *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, length);
    memset(out, 0xa5, sizeof *out);
    int error = quoted ? vpn__ip_parse_quoted(out, copy, length) : vpn_ip_parse(out, copy, length);
    if (error && !test_is_zero(out, sizeof *out))
        ck_abort_msg("an error leaves something behind");
    free(copy);
    return error;
}

static void make(struct made *m, uint8_t version, uint64_t *seed)
{
    if (version == 4)
        make4(m, seed);
    else
        make6(m, seed);
}

START_TEST(whole)
{
    static struct made m;
    uint64_t seed = (uint64_t)_i;
    vpn_ip have;
    for (int i = 0; i < 50000; i++) {
        make(&m, _i ? 6 : 4, &seed);
        int error = parse(&have, m.data, m.length + test_below(&seed, 40), 0);
        if (error || memcmp(&have, &m.want, sizeof have))
            ck_abort_msg("packet %d: %d, flags %03x not %03x", i, error, have.flags, m.want.flags);
    }
}
END_TEST

/* A packet that is cut off contradicts its length. One that is quoted says what is there, and what is there is the same. */
START_TEST(cut)
{
    static struct made m;
    uint64_t seed = 7 + (uint64_t)_i;
    for (int i = 0; i < 300; i++) {
        make(&m, _i ? 6 : 4, &seed);
        for (uint32_t length = 0; length < m.length; length++) {
            vpn_ip have, want = m.want;
            if (parse(&have, m.data, length, 0) != VPN_EFORMAT)
                ck_abort_msg("packet %d: %u of %u bytes", i, length, m.length);
            int error = parse(&have, m.data, length, 1);
            if (length < want.header) {
                if (error != VPN_EFORMAT)
                    ck_abort_msg("packet %d: quoted without a header", i);
                continue;
            }
            if (error)
                ck_abort_msg("packet %d: %u of %u bytes quoted: %d", i, length, m.length, error);
            if (have.flags & VPN_IP_INCOMPLETE) {
                if (length >= want.transport + 8 || have.transport > length ||
                    have.flags & (VPN_IP_PORTS | VPN_IP_CONTROL))
                    ck_abort_msg("packet %d: %u of %u bytes quoted should do", i, length, m.length);
                continue;
            }
            if (length < want.transport + 14)
                want.tcp_flags = 0;
            if (memcmp(&have, &want, sizeof have))
                ck_abort_msg("packet %d: %u of %u bytes quoted read otherwise", i, length, m.length);
        }
        vpn_ip have;
        ck_assert_int_eq(parse(&have, m.data, m.length, 1), 0);
        ck_assert_mem_eq(&have, &m.want, sizeof have);
    }
}
END_TEST

/* Whatever is changed: an error, or offsets that lie in the packet. */
START_TEST(damaged)
{
    static struct made m;
    uint64_t seed = 3 + (uint64_t)_i;
    uint32_t errors = 0, sound = 0;
    for (int i = 0; i < 100000; i++) {
        make(&m, _i ? 6 : 4, &seed);
        for (size_t n = 1 + test_below(&seed, 3); n; n--)
            m.data[test_below(&seed, 2) ? test_below(&seed, m.length) : test_below(&seed, 50)] ^=
                (uint8_t)(1u << test_below(&seed, 8));
        vpn_ip have;
        if (parse(&have, m.data, m.length, (int)test_below(&seed, 2))) {
            errors++;
            continue;
        }
        sound++;
        if (have.header > have.transport || have.transport > have.total || have.transport > m.length)
            ck_abort_msg("packet %d", i);
    }
    ck_assert_uint_gt(errors, 2000);
    ck_assert_uint_gt(sound, 2000);
}
END_TEST

START_TEST(random_bytes)
{
    uint64_t seed = 5;
    for (int i = 0; i < 200000; i++) {
        uint8_t data[128];
        vpn_ip have;
        size_t length = test_below(&seed, sizeof data + 1);
        test_fill(&seed, data, sizeof data);
        data[0] = i % 2 ? 0x45 : 0x60;
        data[2] = data[4] = 0;
        int error = parse(&have, data, length, i / 2 % 2);
        if (error && error != VPN_EFORMAT && error != VPN_ELIMIT)
            ck_abort_msg("%d", error);
    }
}
END_TEST

/* A small packet to break: IPv6, up to two extension headers of 8 bytes, zeros in them, then UDP. */
static void with_extensions(struct made *m, uint8_t first, int second)
{
    uint64_t seed = 9;
    begin(m, 6, &seed);
    for (int i = 0; i < (second < 0 ? 1 : 2); i++) {
        m->data[m->link] = i ? (uint8_t)second : first;
        m->link = m->length;
        memset(m->data + m->length, 0, 8);
        m->length += 8;
    }
    put_transport(m, 17, &seed);
    finish(m);
}

static void with_extension(struct made *m, uint8_t kind)
{
    with_extensions(m, kind, -1);
}

START_TEST(hop_by_hop)
{
    static struct made m;
    vpn_ip have;
    with_extension(&m, 0);
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), 0);
    m.data[42] = 0xc2; /* a jumbogram, RFC 2675 section 2 */
    m.data[43] = 4;
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
    m.data[4] = m.data[5] = 0;
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
    with_extension(&m, 60);
    m.data[42] = 0xc2; /* means nothing among destination options */
    m.data[43] = 4;
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), 0);
    m.data[43] = 5; /* one byte past its header */
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
    with_extension(&m, 60);
    m.data[47] = 1; /* a kind without a length */
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
    with_extensions(&m, 0, 60);
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), 0);
    with_extensions(&m, 60, 0); /* not the first */
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
}
END_TEST

START_TEST(bounded)
{
    static struct made m;
    uint64_t seed = 11;
    vpn_ip have;
    for (uint32_t count = 0; count < VPN_IP_EXTENSIONS_MAX + 4; count++) {
        begin(&m, 6, &seed);
        for (uint32_t i = 0; i < count; i++)
            put_extension(&m, 60, &seed);
        put_transport(&m, 17, &seed);
        finish(&m);
        ck_assert_int_eq(parse(&have, m.data, m.length, 0), count <= VPN_IP_EXTENSIONS_MAX ? 0 : VPN_ELIMIT);
    }
}
END_TEST

START_TEST(fragments)
{
    static struct made m;
    vpn_ip have;
    with_extension(&m, 44);
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), 0);
    ck_assert_uint_eq(have.flags & (VPN_IP_FRAGMENT | VPN_IP_PORTS), VPN_IP_PORTS); /* RFC 6946 */
    with_extensions(&m, 44, 60);
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), 0);
    with_extensions(&m, 44, 44); /* twice */
    ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
    for (uint32_t payload = 0; payload <= 24; payload++) {
        for (uint32_t more = 0; more < 2; more++)
            for (uint32_t offset = 8; offset < 65536; offset = offset == 8 ? 65400 : offset + 8) {
                with_extension(&m, 44);
                flow_put(m.data + 4, 8 + payload, 2);
                flow_put(m.data + 42, offset | more, 2);
                int fits = payload != 0 && offset + payload <= 65535 && (!more || payload % 8 == 0);
                if (parse(&have, m.data, 48 + payload, 0) != (fits ? 0 : VPN_EFORMAT))
                    ck_abort_msg("payload %u more %u offset %u", payload, more, offset);
                uint8_t four[44] = {0x45, 0, 0, (uint8_t)(20 + payload), 0, 0, 0, 0, 64, 17};
                flow_put(four + 6, more << 13 | offset / 8, 2);
                fits = payload != 0 && 20 + offset + payload <= 65535 && (!more || payload % 8 == 0);
                if (parse(&have, four, 20 + payload, 0) != (fits ? 0 : VPN_EFORMAT))
                    ck_abort_msg("IPv4: payload %u more %u offset %u", payload, more, offset);
            }
    }
}
END_TEST

/* Each protocol with each length of what is left for it, whole and as a first fragment. */
START_TEST(transports)
{
    vpn_ip have;
    for (uint32_t kind = 0; kind < 256; kind++)
        for (uint32_t bytes = 0; bytes <= 64; bytes++)
            for (uint32_t more = 0; more < 2; more++) {
                uint8_t four[84] = {0x45,         0, 0, (uint8_t)(20 + bytes), 0, 0, (uint8_t)(more << 5), 0, 64,
                                    (uint8_t)kind};
                uint32_t least = kind == 6 ? (more ? 24 : 40) : kind == 17 || kind == 136 || kind == 1 ? 8 : 0;
                if (kind == 132 || kind == 33)
                    least = more ? 16 : 12;
                if (kind == VPN_IP_AH)
                    continue;
                four[25] = 8;
                if (kind == 6)
                    four[32] = 0xa0; /* a header of 40 bytes */
                int fits = bytes >= least && (!more || (bytes && bytes % 8 == 0));
                if (parse(&have, four, 20 + bytes, 0) != (fits ? 0 : VPN_EFORMAT))
                    ck_abort_msg("protocol %u bytes %u more %u", kind, bytes, more);
                if (parse(&have, four, 20 + bytes, 1) != (fits ? 0 : VPN_EFORMAT))
                    ck_abort_msg("protocol %u bytes %u more %u, quoted", kind, bytes, more);
            }
}
END_TEST

START_TEST(transport_lengths)
{
    uint8_t four[60] = {0x45, 0, 0, 60, 0, 0, 0, 0, 64, 6};
    vpn_ip have;
    for (uint32_t words = 0; words < 16; words++) {
        four[32] = (uint8_t)(words << 4);
        ck_assert_int_eq(parse(&have, four, 60, 0), words >= 5 && words <= 10 ? 0 : VPN_EFORMAT);
    }
    four[9] = 17;
    for (uint32_t length = 0; length < 300; length++) {
        flow_put(four + 24, length, 2);
        ck_assert_int_eq(parse(&have, four, 60, 0), length >= 8 && length <= 40 ? 0 : VPN_EFORMAT);
        four[6] = 0x20; /* a first fragment: the length is that of all */
        ck_assert_int_eq(parse(&have, four, 60, 0), length >= 8 ? 0 : VPN_EFORMAT);
        four[6] = 0;
    }
}
END_TEST

START_TEST(options4)
{
    uint8_t four[32] = {0x47, 0, 0, 32, 0, 0, 0, 0, 64, 59};
    vpn_ip have;
    for (uint32_t length = 0; length < 256; length++) {
        four[20] = 7;
        four[21] = (uint8_t)length;
        ck_assert_int_eq(parse(&have, four, 32, 0), length >= 2 && length <= 8 ? 0 : VPN_EFORMAT);
        four[20] = 0; /* behind the end of the list anything goes */
        ck_assert_int_eq(parse(&have, four, 32, 0), 0);
    }
    memset(four + 20, 1, 8);
    four[27] = 7; /* a kind without a length */
    ck_assert_int_eq(parse(&have, four, 32, 0), VPN_EFORMAT);
}
END_TEST

/* RFC 4302 section 2.2: at least the fixed part, and whole units of 8 bytes in IPv6. */
START_TEST(authentication)
{
    static struct made m;
    vpn_ip have;
    for (uint32_t words = 0; words < 256; words++) {
        uint32_t bytes = (words + 2) * 4;
        uint64_t seed = words;
        begin(&m, _i ? 6 : 4, &seed);
        m.data[m.link] = VPN_IP_AH;
        m.data[m.length] = VPN_IP_NOTHING;
        m.data[m.length + 1] = (uint8_t)words;
        m.length += bytes;
        finish(&m);
        int fits = bytes >= 12 && (!_i || bytes % 8 == 0);
        ck_assert_int_eq(parse(&have, m.data, m.length, 0), fits ? 0 : VPN_EFORMAT);
        if (!fits)
            continue;
        ck_assert_uint_eq(have.protocol, VPN_IP_NOTHING);
        ck_assert_uint_eq(have.transport, m.length);
        m.length--; /* one byte is missing */
        finish(&m);
        ck_assert_int_eq(parse(&have, m.data, m.length, 0), VPN_EFORMAT);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("parse");
    test_loop(s, "whole", whole, 2);
    test_loop(s, "cut", cut, 2);
    test_loop(s, "damaged", damaged, 2);
    test_add(s, "random_bytes", random_bytes);
    test_add(s, "hop_by_hop", hop_by_hop);
    test_add(s, "bounded", bounded);
    test_add(s, "fragments", fragments);
    test_add(s, "transports", transports);
    test_add(s, "transport_lengths", transport_lengths);
    test_add(s, "options4", options4);
    test_loop(s, "authentication", authentication, 2);
    return s;
}

TEST_MAIN(suite)
