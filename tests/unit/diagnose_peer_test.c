/* SPDX-License-Identifier: ISC */
/* The control plane and the outer path: what tells authentication from transport. */
#include "policy/diagnose_peer.h"

#include "common/diagnose.h"

START_TEST(daemon)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_DAEMON, "wg0");
    seen.daemon = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_DAEMON, VPN_CAUSE_SETTING, "vpnctl up wg0");
    seen.daemon = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_DAEMON, "");
}
END_TEST

START_TEST(keys)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_IDENTITY, "AQEB");
    seen.identity = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_IDENTITY, VPN_CAUSE_SETTING, "another private key");
    seen.private_key = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_IDENTITY, VPN_CAUSE_SETTING, "no private key");
    diagnose_well(&seen);
    seen.identity = VPN_SEEN_NOTHING; /* there is no file */
    diagnose_fine(&seen, VPN_CHECK_IDENTITY, "AQEB");
    diagnose_fine(&seen, VPN_CHECK_PEER, "AgIC");
    seen.preshared = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_PEER, VPN_CAUSE_SETTING, "another preshared key");
    seen.peer = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_PEER, VPN_CAUSE_SETTING, "does not know the peer");
}
END_TEST

/* A session proves the path for 180 s, unless it was tried and nothing came of it. */
START_TEST(sessions)
{
    vpn_observed seen;
    diagnose_quiet(&seen);
    seen.handshake_age = 179;
    diagnose_fine(&seen, VPN_CHECK_HANDSHAKE, "179 s ago");
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "both ways");
    seen.handshake_age = 180;
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "");
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "");
    seen.handshake_age = 20;
    seen.tried = VPN_SEEN_YES;
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "");
    seen.probe = VPN_PROBE_NONE; /* a young session is not disturbed */
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "gets no answers");
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_EITHER, "lost the session");
    seen.probe = VPN_PROBE_SILENT;
    seen.received = 1;
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "both ways");
    seen.received = 0;
    seen.tried = VPN_SEEN_NO;
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "both ways");
    seen.peer = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "");
}
END_TEST

/* What a handshake from another port met: the handshake is to blame only where datagrams pass. */
START_TEST(probes)
{
    vpn_observed seen;
    diagnose_quiet(&seen);
    seen.probe = VPN_PROBE_ANSWERED;
    diagnose_fine(&seen, VPN_CHECK_HANDSHAKE, "the keys are right");
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "both ways");
    seen.tried = VPN_SEEN_YES;
    diagnose_fine(&seen, VPN_CHECK_HANDSHAKE, "the keys are right");
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "port 51820");
    seen.probe = VPN_PROBE_FALSE;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "PresharedKey");
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "both ways");
    seen.probe = VPN_PROBE_COOKIE;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_LOAD, "under load");
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "both ways");
    seen.probe = VPN_PROBE_NONE;
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "no handshake was tried");
    diagnose_unknown(&seen, VPN_CHECK_DATAGRAMS, "Run it as root");
}
END_TEST

START_TEST(icmp_errors)
{
    static const struct {
        uint8_t probe;
        const char *words;
    } errors[] = {
        {VPN_PROBE_REFUSED, "Nobody listens at 192.0.2.1:51821"},
        {VPN_PROBE_UNREACHABLE, "no way to 192.0.2.1"},
        {VPN_PROBE_PROHIBITED, "filter on the way"},
        {VPN_PROBE_NO_ROUTE, "no route"},
        {VPN_PROBE_HELD, "filter of this host"},
        {VPN_PROBE_LOST, "input chain"},
    };
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        vpn_observed seen;
        diagnose_quiet(&seen);
        seen.probe = errors[i].probe;
        seen.echo = VPN_SEEN_YES; /* which means nothing then */
        seen.other_port = VPN_SEEN_YES;
        diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "outer path");
        diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, errors[i].words);
    }
}
END_TEST

START_TEST(silence)
{
    vpn_observed seen;
    diagnose_quiet(&seen);
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "outer path");
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "neither of pings nor of handshakes");
    seen.echo = VPN_SEEN_YES;
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_EITHER, "answers pings");
    seen.other_port = VPN_SEEN_NO;
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "outer path");
    seen.other_port = VPN_SEEN_YES;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "there ours, AQEB");
}
END_TEST

/* At the end that is called. */
static void called(vpn_observed *seen)
{
    diagnose_quiet(seen);
    seen->probe = VPN_PROBE_NONE;
    seen->endpoint = (vpn_endpoint){.family = 0};
    seen->heard.seconds = 6;
}

START_TEST(arrivals)
{
    vpn_observed seen;
    called(&seen);
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "");
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "No datagram at all arrived at port 51820 in 6 s");
    seen.heard.all = 1;
    seen.probe = VPN_PROBE_REFUSED; /* which says more than that something arrives */
    diagnose_broken(&seen, VPN_CHECK_DATAGRAMS, VPN_CAUSE_TRANSPORT, "Nobody listens");
    seen.probe = VPN_PROBE_NONE;
    diagnose_fine(&seen, VPN_CHECK_DATAGRAMS, "arrive");
    seen.heard.initiations = 1;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "does not answer");
    seen.heard.answers = 1;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_EITHER, "PresharedKey");
    seen.heard.responses = 1;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "Responses of the peer arrive");
    seen.heard.strangers = 1;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "set PublicKey = AAAA");
    seen.heard.unreadable = 1;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "do not decrypt");
    seen.heard.wrong_mac1 = 1;
    diagnose_broken(&seen, VPN_CHECK_HANDSHAKE, VPN_CAUSE_AUTHENTICATION, "set PublicKey = AQEB");
    seen.heard.seconds = 0; /* nobody listened */
    diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "");
    diagnose_unknown(&seen, VPN_CHECK_DATAGRAMS, "");
    seen.heard.seconds = 6;
    seen.handshake_age = 1;
    diagnose_fine(&seen, VPN_CHECK_HANDSHAKE, "1 s ago");
}
END_TEST

START_TEST(clocks)
{
    vpn_observed seen;
    called(&seen);
    diagnose_fine(&seen, VPN_CHECK_CLOCK, "");
    seen.heard.initiations = 1;
    seen.heard.behind = 4;
    diagnose_fine(&seen, VPN_CHECK_CLOCK, "");
    seen.heard.behind = 5;
    diagnose_broken(&seen, VPN_CHECK_CLOCK, VPN_CAUSE_AUTHENTICATION, "5 s behind");
    seen.handshake_age = 1;
    diagnose_fine(&seen, VPN_CHECK_CLOCK, "");
    seen.handshake_age = VPN_SECONDS_NEVER;
    seen.heard.answers = 1;
    diagnose_fine(&seen, VPN_CHECK_CLOCK, "");
    seen.heard.answers = 0;
    seen.heard.seconds = 0;
    diagnose_fine(&seen, VPN_CHECK_CLOCK, "");
    seen.clock = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_CLOCK, "");
    seen.clock = VPN_SEEN_NO;
    diagnose_broken(&seen, VPN_CHECK_CLOCK, VPN_CAUSE_SETTING, "timedatectl");
}
END_TEST

/* A daemon that tells what it drops needs no ears. */
START_TEST(drops)
{
    static const struct {
        uint32_t reason, code;
        const char *words;
    } reasons[] = {
        {VPN_REASON_TIMESTAMP, VPN_CHECK_CLOCK, "not greater"},
        {VPN_REASON_SKEW, VPN_CHECK_CLOCK, "future"},
        {VPN_REASON_MAC1, VPN_CHECK_HANDSHAKE, "another public key"},
        {VPN_REASON_HANDSHAKE, VPN_CHECK_HANDSHAKE, "do not decrypt"},
        {VPN_REASON_RESPONSE, VPN_CHECK_HANDSHAKE, "PresharedKey"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        uint64_t dropped[VPN_REASONS] = {0};
        vpn_observed seen;
        called(&seen);
        seen.heard.seconds = 0;
        seen.drops = dropped;
        seen.drop_count = VPN_REASONS;
        diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "");
        diagnose_fine(&seen, VPN_CHECK_CLOCK, "");
        dropped[reasons[i].reason] = 1;
        diagnose_broken(&seen, reasons[i].code, VPN_CAUSE_AUTHENTICATION, reasons[i].words);
        seen.drop_count = reasons[i].reason;
        diagnose_unknown(&seen, VPN_CHECK_HANDSHAKE, "");
        seen.drop_count = VPN_REASONS;
        seen.handshake_age = 3;
        diagnose_fine(&seen, reasons[i].code, "");
    }
}
END_TEST

START_TEST(sockets)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_SOCKET, "51820");
    seen.socket = VPN_SEEN_NO;
    diagnose_unknown(&seen, VPN_CHECK_SOCKET, "namespace");
    seen.port = 0;
    diagnose_unknown(&seen, VPN_CHECK_SOCKET, "tells no UDP port");
}
END_TEST

START_TEST(ways)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_fine(&seen, VPN_CHECK_ENDPOINT, "192.0.2.1:51821");
    diagnose_fine(&seen, VPN_CHECK_WAY, "eth0");
    seen.way = VPN_WAY_TUNNEL;
    diagnose_broken(&seen, VPN_CHECK_WAY, VPN_CAUSE_SETTING, "Exclude = 192.0.2.1");
    seen.way = VPN_WAY_NONE;
    diagnose_broken(&seen, VPN_CHECK_WAY, VPN_CAUSE_TRANSPORT, "no route");
    seen.way = VPN_WAY_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_WAY, "");
    seen.endpoint.family = 0;
    diagnose_skipped(&seen, VPN_CHECK_WAY, "");
    diagnose_skipped(&seen, VPN_CHECK_ENDPOINT, "call first");
    seen.named = VPN_SEEN_YES;
    diagnose_broken(&seen, VPN_CHECK_ENDPOINT, VPN_CAUSE_SETTING, "has no address");
}
END_TEST

START_TEST(mappings)
{
    vpn_observed seen;
    diagnose_well(&seen);
    diagnose_skipped(&seen, VPN_CHECK_NAT, "");
    seen.translated = VPN_SEEN_YES;
    diagnose_unknown(&seen, VPN_CHECK_NAT, "persistent-keepalive 25");
    seen.keepalive = 25;
    diagnose_fine(&seen, VPN_CHECK_NAT, "10.0.0.9 is behind a NAT");
    seen.translated = VPN_SEEN_NOTHING;
    diagnose_unknown(&seen, VPN_CHECK_NAT, "");
    seen.endpoint.family = 0;
    diagnose_skipped(&seen, VPN_CHECK_NAT, "");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("diagnose_peer");
    test_add(suite, "daemon", daemon);
    test_add(suite, "keys", keys);
    test_add(suite, "sessions", sessions);
    test_add(suite, "probes", probes);
    test_add(suite, "errors", icmp_errors);
    test_add(suite, "silence", silence);
    test_add(suite, "arrivals", arrivals);
    test_add(suite, "clocks", clocks);
    test_add(suite, "drops", drops);
    test_add(suite, "sockets", sockets);
    test_add(suite, "ways", ways);
    test_add(suite, "mappings", mappings);
    return suite;
}

TEST_MAIN(make_suite)
