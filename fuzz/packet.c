/* SPDX-License-Identifier: ISC */
/*
 * One packet to everything that reads or changes inner packets, from memory that ends with it: the reader of headers,
 * the clamp of the MSS, the writers of ICMP errors, and the reader of those that came. What they say has to agree with
 * one another and with naive sums.
 */
#include "fuzz.h"

#include "../tests/common/flows.h"

#define LONGEST 2048u

static uint8_t *copy_of(const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(length != 0 ? length : 1);

    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data, length);
    return copy;
}

static int is_zero(const void *memory, size_t bytes)
{
    const uint8_t *p = memory;

    for (size_t i = 0; i < bytes; i++)
        if (p[i] != 0)
            return 0;
    return 1;
}

/* --- headers --- */

static void check_sound(const vpn_ip *ip, size_t there)
{
    FUZZ_CHECK(ip->version == 4 || ip->version == 6);
    FUZZ_CHECK(ip->header <= ip->transport && ip->transport <= ip->total && ip->transport <= there);
    FUZZ_CHECK((ip->flags & VPN_IP_LATER) == 0 || (ip->flags & VPN_IP_FRAGMENT) != 0);
    FUZZ_CHECK(((ip->flags & VPN_IP_LATER) != 0) == (ip->fragment_offset != 0));
    FUZZ_CHECK((ip->flags & (VPN_IP_LATER | VPN_IP_INCOMPLETE)) == 0 ||
               (ip->flags & (VPN_IP_PORTS | VPN_IP_CONTROL)) == 0);
    FUZZ_CHECK((ip->flags & VPN_IP_ERROR) == 0 || (ip->flags & VPN_IP_CONTROL) != 0);
    FUZZ_CHECK((ip->flags & VPN_IP_PORTS) != 0 || (ip->src_port | ip->dst_port) == 0);
}

/* The packet's own length decides, not what follows it. */
static int read_headers(vpn_ip *ip, const uint8_t *packet, size_t length)
{
    int error = vpn_ip_parse(ip, packet, length);
    vpn_ip again;

    if (error != VPN_OK) {
        FUZZ_CHECK((error == VPN_EFORMAT || error == VPN_ELIMIT) && is_zero(ip, sizeof *ip));
        return error;
    }
    check_sound(ip, length);
    FUZZ_CHECK(ip->total <= length && (ip->flags & VPN_IP_INCOMPLETE) == 0);
    FUZZ_CHECK(vpn_ip_parse(&again, packet, ip->total) == VPN_OK && memcmp(ip, &again, sizeof again) == 0);
    FUZZ_CHECK(vpn_ip_parse(&again, packet, ip->total - 1) == VPN_EFORMAT);
    return VPN_OK;
}

/* --- MSS --- */

/* The sum of the transport, without the pseudo-header, which stays the same. 0 and 0xffff are the same sum. */
static uint32_t sum_of(const vpn_ip *ip, const uint8_t *packet)
{
    return flow_sum(0, packet + ip->transport, ip->total - ip->transport) % 0xffff;
}

/* Nothing differs but values of the MSS option, which are lower, and the checksum. */
static void check_clamped(const vpn_ip *ip, const uint8_t *before, const uint8_t *after, size_t length, uint32_t limit)
{
    const uint8_t *old = before + ip->transport, *tcp = after + ip->transport;
    uint32_t end = (uint32_t)(old[12] >> 4) * 4, there = ip->total - ip->transport, at = 20, changed = 0;

    FUZZ_CHECK(memcmp(before, after, ip->transport + 16) == 0 && memcmp(old + 18, tcp + 18, 2) == 0);
    end = end < there ? end : there;
    while (at < end && old[at] != 0) {
        uint32_t bytes = old[at] == 1 ? 1 : end - at < 2 ? 0 : old[at + 1];
        if (bytes == 0 || (bytes == 1 && old[at] != 1) || bytes > end - at)
            break;
        if (old[at] == 2 && bytes == 4) {
            uint32_t was = flow_get(old + at + 2, 2), is = flow_get(tcp + at + 2, 2);
            FUZZ_CHECK(is == (was > limit ? limit : was) && memcmp(old + at, tcp + at, 2) == 0);
            changed |= is != was;
        } else {
            FUZZ_CHECK(memcmp(old + at, tcp + at, bytes) == 0);
        }
        at += bytes;
    }
    FUZZ_CHECK(changed && memcmp(old + at, tcp + at, length - ip->transport - at) == 0);
}

static void clamp(struct fuzz_input *in, const uint8_t *packet, size_t length)
{
    uint32_t mtu = (uint32_t)fuzz_number(in, 2), flags = fuzz_byte(in) & VPN_MSS_PARTIAL;
    uint8_t *copy = copy_of(packet, length);
    int result = vpn_mss_clamp(copy, length, mtu, flags);
    vpn_ip before, after;

    if (result != VPN_MSS_CLAMPED) {
        FUZZ_CHECK(memcmp(copy, packet, length) == 0);
        free(copy);
        return;
    }
    FUZZ_CHECK(read_headers(&before, packet, length) == VPN_OK && read_headers(&after, copy, length) == VPN_OK);
    FUZZ_CHECK(memcmp(&before, &after, sizeof before) == 0 && before.protocol == VPN_IP_TCP);
    FUZZ_CHECK((before.tcp_flags & FLOW_SYN) != 0 && (before.flags & (VPN_IP_LATER | VPN_IP_PROTECTED)) == 0);
    check_clamped(&before, packet, copy, length,
                  before.version == 4 ? (mtu > 576 ? mtu : 576) - 40 : (mtu > 1280 ? mtu : 1280) - 60);
    if (flags == 0)
        FUZZ_CHECK(sum_of(&before, packet) == sum_of(&before, copy));
    else
        FUZZ_CHECK(memcmp(packet + before.transport + 16, copy + before.transport + 16, 2) == 0);
    FUZZ_CHECK(vpn_mss_clamp(copy, length, mtu, flags) == VPN_MSS_UNTOUCHED);
    free(copy);
}

/* --- ICMP --- */

/* An error that was written parses, quotes the packet and is never answered itself. */
static void check_written(vpn_icmp *icmp, const vpn_ip *about, const uint8_t *packet, uint8_t *out, size_t bytes)
{
    uint8_t again[VPN_ICMP_BYTES_MAX6];
    size_t room = sizeof again;
    vpn_icmp_error error;

    FUZZ_CHECK(bytes <= (about->version == 4 ? VPN_ICMP_BYTES_MAX4 : VPN_ICMP_BYTES_MAX6));
    FUZZ_CHECK(vpn_icmp_error_parse(&error, out, bytes) == VPN_OK && error.outer.total == bytes);
    FUZZ_CHECK(memcmp(error.outer.dst, about->src, 16) == 0);
    FUZZ_CHECK(memcmp(out + error.offset, packet, error.bytes) == 0 && error.offset + error.bytes == bytes);
    FUZZ_CHECK(error.quoted.total == about->total && memcmp(error.quoted.src, about->src, 16) == 0);
    if ((error.quoted.flags & VPN_IP_INCOMPLETE) == 0)
        FUZZ_CHECK(error.quoted.protocol == about->protocol && error.quoted.src_port == about->src_port &&
                   error.quoted.dst_port == about->dst_port && error.quoted.flags == about->flags);
    FUZZ_CHECK(vpn_icmp_unreachable(icmp, again, &room, out, bytes, VPN_ICMP_NO_ROUTE, 0) == VPN_ICMP_ERROR);
    FUZZ_CHECK(room == 0);
}

static void answer(struct fuzz_input *in, const uint8_t *packet, size_t length)
{
    vpn_icmp_config config = {.size = sizeof config, .ip4 = {10, 0, 0, 1}, .ip6 = {0xfd, 1}};
    size_t room = fuzz_number(in, 2) % 1400, bytes = room;
    uint32_t mtu = (uint32_t)fuzz_number(in, 2), why = fuzz_byte(in) % 6;
    uint8_t *out = malloc(room != 0 ? room : 1);
    vpn_icmp icmp;
    vpn_ip about;
    int result;

    FUZZ_CHECK(out != NULL && vpn_icmp_init(&icmp, &config) == VPN_OK);
    result = why < 5 ? vpn_icmp_unreachable(&icmp, out, &bytes, packet, length, why, 0)
                     : vpn_icmp_too_big(&icmp, out, &bytes, packet, length, mtu, 0);
    if (result == VPN_OK) {
        FUZZ_CHECK(bytes <= room && read_headers(&about, packet, length) == VPN_OK);
        check_written(&icmp, &about, packet, out, bytes);
    } else {
        FUZZ_CHECK(result == VPN_ESPACE ? bytes > room : bytes == 0);
        FUZZ_CHECK(result < VPN_ICMP_RESULTS && result != VPN_ICMP_LIMITED);
    }
    free(out);
}

static void read_error(const uint8_t *packet, size_t length)
{
    vpn_icmp_error error;
    int status = vpn_icmp_error_parse(&error, packet, length);

    if (status != VPN_OK) {
        FUZZ_CHECK(status == VPN_EFORMAT || status == VPN_ELIMIT || status == VPN_ENOENT);
        FUZZ_CHECK(is_zero(&error, sizeof error));
        return;
    }
    check_sound(&error.outer, length);
    check_sound(&error.quoted, error.bytes);
    FUZZ_CHECK((error.outer.flags & VPN_IP_ERROR) != 0 && (error.quoted.flags & VPN_IP_ERROR) == 0);
    FUZZ_CHECK(error.quoted.version == error.outer.version && error.offset + error.bytes <= error.outer.total);
    FUZZ_CHECK(error.mtu == 0 || error.kind == VPN_ICMP_KIND_TOO_BIG);
}

/* --- the packet --- */

/* Sums that hold, where the packet is sound enough to have them: few inputs would get so far by themselves. */
static void mend(uint8_t *packet, size_t length)
{
    uint32_t header, at, bytes, sum = 0;
    vpn_ip ip;

    if (length >= 20 && packet[0] >> 4 == 4 && (header = (packet[0] & 15u) * 4) >= 20 && header <= length) {
        flow_put(packet + 10, 0, 2);
        flow_put(packet + 10, 0xffff - flow_sum(0, packet, header), 2);
    }
    if (vpn_ip_parse(&ip, packet, length) != VPN_OK || (ip.flags & VPN_IP_CONTROL) == 0)
        return;
    at = ip.transport + 2;
    bytes = ip.total - ip.transport;
    if (ip.version == 6) {
        struct flow flow = {.version = 6, .protocol = VPN_IP_ICMP6};
        memcpy(flow.src, ip.src, 16);
        memcpy(flow.dst, ip.dst, 16);
        sum = flow_pseudo(&flow, bytes);
    }
    flow_put(packet + at, 0, 2);
    flow_put(packet + at, 0xffff - flow_sum(sum, packet + ip.transport, bytes), 2);
}

/* A change by way of its difference is what a new calculation gives. */
static void change(struct fuzz_input *in, const uint8_t *packet, size_t length)
{
    uint8_t *copy = copy_of(packet, length), sum[2];
    size_t at, bytes;

    if (length != 0) {
        at = fuzz_number(in, 2) % length;
        bytes = fuzz_byte(in) % (length - at + 1);
        flow_put(sum, 0xffff - flow_sum(0, packet, length), 2);
        fuzz_bytes(in, copy + at, bytes);
        vpn_checksum_apply(sum, vpn_checksum_change(0, packet + at, copy + at, bytes, at));
        FUZZ_CHECK(is_zero(copy, length) || vpn_checksum(copy, length) == flow_get(sum, 2));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint32_t how = fuzz_byte(&in);
    struct fuzz_input more = in;
    uint8_t settings[10], *packet;
    size_t length;
    vpn_ip ip;

    fuzz_bytes(&in, settings, sizeof settings);
    more.left = more.left < sizeof settings ? more.left : sizeof settings;
    length = in.left < LONGEST ? in.left : LONGEST;
    packet = copy_of(in.data, length);
    if (how & 4)
        mend(packet, length);
    (void)read_headers(&ip, packet, length);
    read_error(packet, length);
    switch (how & 3) {
    case 0:
        clamp(&more, packet, length);
        break;
    case 1:
        change(&more, packet, length);
        break;
    default:
        answer(&more, packet, length);
    }
    free(packet);
    return 0;
}
