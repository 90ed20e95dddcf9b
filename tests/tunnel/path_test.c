/* SPDX-License-Identifier: ISC */
/* What vpn-tunnel does to packets because of their size: TCP that is opened, what is too large, and what it is told of settings. */
#include "tunnel/path_more.h"
#include "tunnel/path_peer.h"

#include <errno.h>

/* Its `flow` is a description of packets, vpn-tunnel's is what carries them. */
#define flow described
#include "common/flows.h"
#undef flow

#include "common/test.h"

#define PATH_MTU 1360u /* inner 1300, and 1296 as a multiple of 16 */
#define INNER    1296u

static flow f;
static vpn_peer_id peer;
static struct described example;
static uint8_t packet[65536], payload[65536];
static uint8_t written[VPN_ICMP_BYTES_MAX6];
static size_t written_bytes;
static uint64_t writes;

int tun_write(tun *t, const vpn_offload *how, struct iovec *pieces, size_t n)
{
    (void)t;
    ck_assert_uint_eq(how->gso, VPN_GSO_NONE);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_le(pieces[1].iov_len, sizeof written);
    memcpy(written, pieces[1].iov_base, pieces[1].iov_len);
    written_bytes = pieces[1].iov_len;
    writes++;
    return 0;
}

/* A peer that everything is sent to, and whose way was once said to be narrow. */
static void setup(void)
{
    vpn_wg_peer settings = {.size = sizeof settings, .set = VPN_WG_SET_ENDPOINT, .public_key = {9}};
    vpn_prefix all = {.family = 4};
    uint64_t seed = 3;

    test_fill(&seed, payload, sizeof payload);
    f = (flow){.tun = {.fd = -1, .mtu = VPN_MTU_DEFAULT}};
    settings.endpoint = (vpn_endpoint){.family = 4, .port = 7, .addr = {192, 0, 2, 1}};
    ck_assert_int_eq(vpn_wg_new(&f.wg, NULL), 0);
    ck_assert_int_eq(vpn_wg_peer_add(f.wg, &settings, &peer, VPN_SECOND), 0);
    for (all.family = 4; all.family <= 6; all.family += 2)
        ck_assert_int_eq(vpn_wg_allow(f.wg, peer, &all), 0);
    ck_assert_int_eq(path_open(&f.path, f.wg, &f.annexes, &f.tun, &f.udp), 0);
    writes = 0;
}

static void teardown(void)
{
    path_close(&f.path);
    annexes_close(&f.annexes);
    ck_assert_int_eq(vpn_wg_free(f.wg), 0);
}

static void narrow(void)
{
    vpn_pmtu_report report = {.size = sizeof report, .mtu = PATH_MTU, .kind = VPN_PMTU_QUOTE_NONE};
    path_peer *part;

    ck_assert_int_eq(path_set_mode(&f.path, PATH_ERRORS, VPN_SECOND), 0);
    part = path_peer_find(&f.path, peer);
    ck_assert_ptr_nonnull(part);
    ck_assert_int_eq(vpn_pmtu_error(part->pmtu, &report, VPN_SECOND), VPN_PMTU_LOWERED);
    path_peer_settle(&f.path, part);
    ck_assert_uint_eq(part->mtu, INNER);
    ck_assert_uint_eq(f.path.longest, INNER);
}

/* --- MSS --- */

/* A SYN with an MSS of 1460 as its first option, behind `extra` bytes of options or extension headers. */
static uint32_t make_syn(uint8_t version, uint8_t flags, uint8_t extra)
{
    uint32_t length, at;

    example = flow_example(version, FLOW_TCP, payload, 0);
    example.flags = flags;
    example.tcp_extra = 4;
    example.ip_extra = extra;
    length = flow_packet(packet, &example);
    at = length - 4;
    memcpy(packet + at, "\x02\x04\x05\xb4", 4);
    return length;
}

static uint32_t mss_of(uint32_t length)
{
    return flow_get(packet + length - 2, 2);
}

static vpn_packet whole(uint32_t length, uint8_t verdict)
{
    return (vpn_packet){.data = packet, .capacity = sizeof packet, .length = length, .verdict = verdict, .peer = peer};
}

static void both_ways(uint32_t mtu)
{
    for (uint8_t version = 4; version <= 6; version += 2)
        for (uint8_t extra = 0; extra <= 8; extra += 8)
            for (int out = 0; out < 2; out++)
                for (uint32_t flags = 0; flags < 0x20; flags++) {
                    uint32_t length = make_syn(version, (uint8_t)flags, extra);
                    vpn_packet one = whole(length, VPN_TO_TUN);

                    if (out)
                        path_outbound(&f.path, &one, 1);
                    else
                        path_carry(&f.path, &one, 1);
                    ck_assert_uint_eq(mss_of(length), flags & FLOW_SYN ? mtu - (version == 4 ? 40 : 60) : 1460);
                    ck_assert_uint_eq(one.verdict, VPN_TO_TUN);
                }
}

START_TEST(clamps)
{
    ck_assert_uint_eq(f.path.on, 0);
    path_set_clamp(&f.path, 1);
    ck_assert_uint_eq(f.path.on, 1);
    both_ways(VPN_MTU_DEFAULT);
    narrow();
    both_ways(INNER);
    path_set_clamp(&f.path, 0);
    ck_assert_uint_eq(f.path.on, 1);
    ck_assert_int_eq(path_set_mode(&f.path, PATH_OFF, VPN_SECOND), 0);
    ck_assert_uint_eq(f.path.on, 0);
    path_tick(&f.path, VPN_SECOND);
    ck_assert_uint_eq(f.path.longest, UINT32_MAX);
}
END_TEST

/* --- probes --- */

void network_own(const char *own, uint8_t ip4[4], uint8_t ip6[16])
{
    static const uint8_t here[4] = {10, 0, 0, 5};

    (void)own;
    memcpy(ip4, here, 4);
    memset(ip6, 0, 16);
}

/* Probes bear the addresses that the peer knows, whichever of both names is configured. */
START_TEST(probes_are_translated)
{
    const vpn_netmap_rule names[] = {{.whose = VPN_NETMAP_OURS,
                                      .inside = {.family = 4, .bits = 24, .addr = {10, 0, 0}},
                                      .outside = {.family = 4, .bits = 24, .addr = {10, 1, 0}}},
                                     {.whose = VPN_NETMAP_THEIRS,
                                      .inside = {.family = 4, .bits = 24, .addr = {10, 2, 0}},
                                      .outside = {.family = 4, .bits = 24, .addr = {10, 0, 0}}}};
    const uint8_t src[4] = {10, 1, 0, 5}, dst[4] = {10, 0, 0, 9}, plain[4] = {10, 0, 0, 5};
    path_peer *part;

    ck_assert_int_eq(path_set_mode(&f.path, PATH_PROBE, VPN_SECOND), 0);
    part = path_peer_find(&f.path, peer);
    memcpy(part->probe4, (const uint8_t[]){10, 0, 0, 9}, 4);
    path_peer_changed(&f.path, peer, VPN_SECOND);
    ck_assert_mem_eq(part->config.probe_src, plain, 4);
    ck_assert_mem_eq(part->config.probe_dst, dst, 4);
    ck_assert_int_eq(vpn_netmap_new(&annex_find(&f.annexes, peer)->netmap, names, 2, NULL), 0);
    for (uint8_t network = 0; network <= 2; network += 2) {
        memcpy(part->probe4, (const uint8_t[]){10, network, 0, 9}, 4);
        path_peer_changed(&f.path, peer, VPN_SECOND);
        ck_assert_uint_eq(part->config.probe_family, 4);
        ck_assert_mem_eq(part->config.probe_src, src, 4);
        ck_assert_mem_eq(part->config.probe_dst, dst, 4);
    }
}
END_TEST

/* --- too big --- */

static int refuses(const vpn_offload *how, uint32_t length)
{
    vpn_segments plan;

    ck_assert_int_eq(vpn_segment_plan(&plan, how, packet, length), 0);
    return plan.each > f.path.longest && path_refuses(&f.path, &plan, packet, VPN_SECOND);
}

static uint32_t make(uint8_t version, uint8_t protocol, uint32_t bytes, uint16_t fragment)
{
    example = flow_example(version, protocol, payload, 0);
    example.length = bytes - flow_header_bytes(&example);
    example.fragment = fragment;
    return flow_packet(packet, &example);
}

START_TEST(too_big)
{
    vpn_offload plain = {.flags = 0};

    narrow();
    ck_assert_int_eq(refuses(&plain, make(4, FLOW_UDP, INNER, FLOW_DF)), 0);
    ck_assert_int_eq(refuses(&plain, make(4, FLOW_UDP, INNER + 1, 0)), 0);
    ck_assert_int_eq(refuses(&plain, make(6, FLOW_UDP, INNER, 0)), 0);
    ck_assert_uint_eq(writes, 0);
    ck_assert_int_eq(refuses(&plain, make(4, FLOW_UDP, INNER + 1, FLOW_DF)), 1);
    ck_assert_uint_eq(writes, 1);
    ck_assert_uint_eq(written[9], 1);
    ck_assert_uint_eq(flow_get(written + 20, 2), 0x304);
    ck_assert_uint_eq(flow_get(written + 26, 2), INNER);
    ck_assert_mem_eq(written + 16, example.src, 4);
    ck_assert_mem_eq(written + 12, example.dst, 4);
    ck_assert_mem_eq(written + 28, packet, written_bytes - 28);
    ck_assert_int_eq(refuses(&plain, make(6, FLOW_UDP, INNER + 1, 0)), 1);
    ck_assert_uint_eq(writes, 2);
    ck_assert_uint_eq(flow_get(written + 40, 2), 0x200);
    ck_assert_uint_eq(flow_get(written + 44, 4), INNER);
    ck_assert_uint_eq(path_peer_find(&f.path, peer)->too_big, 2);
    for (int i = 0; i < 20; i++) /* at most ten a second to each */
        ck_assert_int_eq(refuses(&plain, make(6, FLOW_UDP, INNER + 1, 0)), 1);
    ck_assert_uint_eq(writes, 11);
}
END_TEST

/* What counts of a super-packet is how long its segments are, and the first of them is quoted. */
START_TEST(super_packets)
{
    vpn_offload how = {.flags = VPN_OFFLOAD_CHECKSUM, .gso = VPN_GSO_TCP4, .csum_start = 20, .csum_offset = 16};
    static uint8_t first[2048];
    vpn_segments plan;
    uint32_t length = make(4, FLOW_TCP, 20000, FLOW_DF), header = flow_header_bytes(&example);

    narrow();
    how.gso_size = (uint16_t)(INNER - header);
    ck_assert_int_eq(refuses(&how, length), 0);
    how.gso_size++;
    ck_assert_int_eq(refuses(&how, length), 1);
    ck_assert_uint_eq(writes, 1);
    ck_assert_int_eq(vpn_segment_plan(&plan, &how, packet, length), 0);
    ck_assert_uint_eq(vpn_segment_write(&plan, packet, 0, first), INNER + 1);
    ck_assert_mem_eq(written + 28, first, written_bytes - 28);
    ck_assert_uint_eq(path_peer_find(&f.path, peer)->too_big, plan.count);
}
END_TEST

/* --- settings --- */

static int set_line(vpn_peer_id id, const char *key, const char *value)
{
    uint32_t how = id == 0 ? 0 : VPN_UAPI_MORE_PEER;
    int judged = path_more_set(&f, how, 0, key, value);
    int applied = judged == 0 ? path_more_set(&f, how | VPN_UAPI_MORE_APPLY, id, key, value) : judged;

    ck_assert_int_eq(judged, applied);
    return applied;
}

START_TEST(settings)
{
    static const char *const bad[][2] = {
        {"libvpn_path_mtu_mode", "on"}, {"libvpn_path_mtu_mode", ""}, {"libvpn_clamp_mss", "1"},
        {"libvpn_probe_timer", "0"},    {"libvpn_probe_timer", "61"}, {"libvpn_probe_timer", "1s"},
        {"libvpn_probe_timer", "-1"},   {"libvpn_probe_timer", ""},   {"libvpn_probe_timer", "18446744073709551617"},
    };
    static const char *const bad_address[] = {"", "10.0.0.1/32", "10.0.0", "nobody", "none "};
    path_peer *part;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(set_line(0, bad[i][0], bad[i][1]), EINVAL);
    for (size_t i = 0; i < sizeof bad_address / sizeof bad_address[0]; i++)
        ck_assert_int_eq(set_line(peer, "libvpn_probe_address", bad_address[i]), EINVAL);
    ck_assert_ptr_null(path_peer_find(&f.path, peer));
    ck_assert_int_eq(set_line(0, "libvpn_probe_address", "10.0.0.1"), MORE_OTHERS);
    ck_assert_int_eq(set_line(peer, "libvpn_clamp_mss", "true"), MORE_OTHERS);
    ck_assert_int_eq(set_line(0, "libvpn_else", "true"), MORE_OTHERS);
    ck_assert_int_eq(set_line(0, "libvpn_path_mtu_mode", "probe"), 0);
    ck_assert_uint_eq(f.path.mode, PATH_PROBE);
    ck_assert_uint_eq(f.udp.manner, UDP_LOOSE);
    ck_assert_int_eq(set_line(0, "libvpn_probe_timer", "60"), 0);
    ck_assert_uint_eq(f.path.timer, 60);
    ck_assert_int_eq(set_line(peer, "libvpn_probe_address", "10.0.0.1"), 0);
    ck_assert_int_eq(set_line(peer, "libvpn_probe_address", "fd00::1"), 0);
    part = path_peer_find(&f.path, peer);
    ck_assert_mem_eq(part->probe4, ((uint8_t[]){10, 0, 0, 1}), 4);
    ck_assert_mem_eq(part->probe6, ((uint8_t[16]){0xfd, [15] = 1}), 16);
    ck_assert_int_eq(set_line(peer, "libvpn_probe_address", "none"), 0);
    ck_assert_mem_eq(part->probe4, ((uint8_t[4]){0}), 4);
    ck_assert_mem_eq(part->probe6, ((uint8_t[16]){0}), 16);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("path");
    TCase *tcase = tcase_create("path");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, clamps);
    tcase_add_test(tcase, probes_are_translated);
    tcase_add_test(tcase, too_big);
    tcase_add_test(tcase, super_packets);
    tcase_add_test(tcase, settings);
    suite_add_tcase(s, tcase);
    return s;
}

TEST_MAIN(suite)
