/* SPDX-License-Identifier: ISC */
/*
 * Silence is what a peer that cannot authenticate us and a network that blocks us have in common. So each of these looks for
 * something that only one of them does: an answer that is false, a handshake that arrives and what is wrong with it, an ICMP
 * error, another datagram that does get there. The handshake is to blame only where something shows that datagrams pass; else
 * its check stays unknown, and the one of the datagrams tells.
 */
#include "policy/diagnose_peer.h"

#include "policy/diagnose_say.h"

#define BEHIND            5   /* seconds */
#define REJECT_AFTER_TIME 180 /* seconds that a session can be used (whitepaper section 6.1) */

#define AGAIN "vpnctl down %i; vpnctl up %i"

#define FINE(evidence)                  vpn__check_say(check, seen, VPN_RESULT_FINE, VPN_CAUSE_NONE, evidence, "")
#define SKIPPED(evidence)               vpn__check_say(check, seen, VPN_RESULT_SKIPPED, VPN_CAUSE_NONE, evidence, "")
#define UNKNOWN(evidence, remedy)       vpn__check_say(check, seen, VPN_RESULT_UNKNOWN, VPN_CAUSE_NONE, evidence, remedy)
#define BROKEN(cause, evidence, remedy) vpn__check_say(check, seen, VPN_RESULT_BROKEN, cause, evidence, remedy)

/* A session that is young enough; where it was tried, something has to have come of it. */
static int lives(const vpn_observed *seen)
{
    return seen->peer == VPN_SEEN_YES && seen->handshake_age < REJECT_AFTER_TIME &&
           (seen->tried != VPN_SEEN_YES || seen->received > 0);
}

static uint64_t dropped(const vpn_observed *seen, uint32_t reason)
{
    return seen->drops && reason < seen->drop_count ? seen->drops[reason] : 0;
}

/* What came, when somebody listened. */
static uint32_t heard(const vpn_observed *seen, uint32_t count)
{
    return seen->heard.seconds ? count : 0;
}

void vpn__judge_daemon(const vpn_observed *seen, vpn_check *check)
{
    if (seen->daemon == VPN_SEEN_YES)
        FINE("A daemon answers for %i.");
    else if (seen->daemon == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "No daemon answers for %i.", "Bring the tunnel up: vpnctl up %i");
    else
        UNKNOWN("Nobody asked the daemon of %i.", "");
}

void vpn__judge_identity(const vpn_observed *seen, vpn_check *check)
{
    if (seen->private_key == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "The daemon of %i has no private key.", "Give it the one of the file: " AGAIN);
    else if (seen->identity == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "The daemon of %i has another private key than the file; its public key is %k.",
               "Give it the one of the file: " AGAIN);
    else if (seen->private_key == VPN_SEEN_YES)
        FINE("Our public key is %k.");
    else
        UNKNOWN("The private key was not looked at.", "");
}

void vpn__judge_peer(const vpn_observed *seen, vpn_check *check)
{
    if (seen->peer == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "The daemon of %i does not know the peer %K.", "Give it what the file says: " AGAIN);
    else if (seen->preshared == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "The daemon of %i has another preshared key for the peer %K than the file.",
               "Give it the one of the file: " AGAIN);
    else if (seen->peer == VPN_SEEN_YES)
        FINE("The daemon knows the peer %K.");
    else
        UNKNOWN("The peers were not looked at.", "");
}

/* True initiations of the peer that stay without an answer, with stamps that no network delays so long. */
static int is_behind(const vpn_observed *seen)
{
    return heard(seen, seen->heard.initiations) && !seen->heard.answers && seen->heard.behind >= BEHIND;
}

void vpn__judge_clock(const vpn_observed *seen, vpn_check *check)
{
    if (seen->clock == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING,
               "The clock of this host is years behind, so its handshakes look replayed to the peer.",
               "Set it: timedatectl set-ntp true");
    else if (!lives(seen) && is_behind(seen))
        BROKEN(VPN_CAUSE_AUTHENTICATION,
               "Handshakes of the peer arrive and stay without an answer: their time stamps are %b s behind our clock, "
               "so they "
               "look replayed.",
               "Set the clock of the peer, there: timedatectl set-ntp true. To forget its last stamp, here: " AGAIN);
    else if (!lives(seen) && dropped(seen, VPN_REASON_TIMESTAMP))
        BROKEN(VPN_CAUSE_AUTHENTICATION,
               "Handshakes of the peer are refused as replayed: their time stamps are not greater than its last one.",
               "Set the clock of the peer, there: timedatectl set-ntp true. To forget its last stamp, here: " AGAIN);
    else if (!lives(seen) && dropped(seen, VPN_REASON_SKEW))
        BROKEN(VPN_CAUSE_AUTHENTICATION,
               "Handshakes of the peer are refused: their time stamps lie too far in the future.",
               "Compare the clocks of both ends; on each: timedatectl set-ntp true");
    else if (seen->clock == VPN_SEEN_YES)
        FINE("Nothing speaks against the clocks.");
    else
        UNKNOWN("The clock was not looked at.", "");
}

/* What arrives and proves nothing. 1: that is it. */
static int judge_arrivals(const vpn_observed *seen, vpn_check *check)
{
    const vpn_heard *h = &seen->heard;
    if (heard(seen, h->wrong_mac1) || dropped(seen, VPN_REASON_MAC1))
        BROKEN(VPN_CAUSE_AUTHENTICATION, "Handshakes arrive at port %p that are for another public key than ours.",
               "At the peer, set PublicKey = %k, which is ours.");
    else if (heard(seen, h->unreadable) || dropped(seen, VPN_REASON_HANDSHAKE))
        BROKEN(VPN_CAUSE_AUTHENTICATION, "Handshakes for our public key arrive at port %p and do not decrypt.",
               "See that both ends speak WireGuard of the same kind, and that nothing on the way changes datagrams.");
    else if (heard(seen, h->strangers))
        BROKEN(VPN_CAUSE_AUTHENTICATION, "True handshakes arrive at port %p of a key that is no peer: %x.",
               "If that is the peer, set PublicKey = %x here; else give the other end the private key of %K.");
    else
        return 0;
    return 1;
}

/* The responder's view of a peer that calls. 1: that is it. */
static int judge_calls(const vpn_observed *seen, vpn_check *check)
{
    const vpn_heard *h = &seen->heard;
    if (heard(seen, h->responses) || dropped(seen, VPN_REASON_RESPONSE))
        BROKEN(VPN_CAUSE_AUTHENTICATION, "Responses of the peer arrive at port %p, and there is no session.",
               "Set the same PresharedKey at both ends, or none: wg set %i peer %K preshared-key FILE");
    else if (heard(seen, h->initiations) && h->answers)
        BROKEN(VPN_CAUSE_EITHER, "Handshakes of the peer arrive at port %p and are answered, and it does not go on.",
               "Set the same PresharedKey at both ends. If it is the same, something holds back what we send to %e: "
               "vpnctl diagnose, at the peer, tells.");
    else if (heard(seen, h->initiations))
        BROKEN(
            VPN_CAUSE_AUTHENTICATION, "True handshakes of the peer arrive at port %p, and the daemon does not answer.",
            "Read the daemon's log; it may take them for replayed, which the peer's clock explains, or be suspended.");
    else
        return 0;
    return 1;
}

static void judge_probe(const vpn_observed *seen, vpn_check *check)
{
    switch (seen->probe) {
    case VPN_PROBE_NONE:
        if (seen->handshake_age < REJECT_AFTER_TIME)
            UNKNOWN("The last handshake was %A s ago, and its session gets no answers.", "");
        else
            UNKNOWN("There is no session, and no handshake was tried.", "");
        return;
    case VPN_PROBE_SILENT:
        if (seen->other_port != VPN_SEEN_YES)
            break;
        BROKEN(VPN_CAUSE_AUTHENTICATION,
               "%e keeps silent, while its host refuses datagrams to a closed port: so they get there, and it does not "
               "know us.",
               "Compare the keys. Here PublicKey has to be the peer's, now %K; there ours, %k. vpnctl diagnose, at the "
               "peer, tells which is wrong.");
        return;
    default:
        break;
    }
    UNKNOWN("Our handshake was not answered; the outer path may tell why.", "");
}

void vpn__judge_handshake(const vpn_observed *seen, vpn_check *check)
{
    if (lives(seen))
        FINE("The last handshake was %A s ago.");
    else if (seen->probe == VPN_PROBE_ANSWERED)
        FINE("There is no session now; the peer answered a handshake from another port, so the keys are right.");
    else if (seen->probe == VPN_PROBE_FALSE)
        BROKEN(VPN_CAUSE_AUTHENTICATION, "The peer answers our handshake, and the answer does not authenticate.",
               "Set the same PresharedKey at both ends, or none: wg set %i peer %K preshared-key FILE");
    else if (judge_arrivals(seen, check) || judge_calls(seen, check))
        return;
    else if (seen->probe == VPN_PROBE_COOKIE)
        BROKEN(VPN_CAUSE_LOAD, "The peer is under load: it answers handshakes with cookies, and with nothing else.",
               "Wait, and try again. At the peer, see who floods port and handshakes: vpnctl show");
    else
        judge_probe(seen, check);
}

void vpn__judge_socket(const vpn_observed *seen, vpn_check *check)
{
    if (seen->port == 0)
        UNKNOWN("The daemon tells no UDP port; it may open one when the link comes up.", "");
    else if (seen->socket == VPN_SEEN_YES)
        FINE("UDP port %p is open.");
    else if (seen->socket == VPN_SEEN_NO)
        UNKNOWN("UDP port %p is not open in this network namespace; the daemon may have it in another one.", "");
    else
        UNKNOWN("The sockets of this host were not looked at.", "");
}

void vpn__judge_endpoint(const vpn_observed *seen, vpn_check *check)
{
    if (seen->endpoint.family)
        FINE("The peer is at %e.");
    else if (seen->named == VPN_SEEN_YES)
        BROKEN(VPN_CAUSE_SETTING, "The name of the endpoint has no address.",
               "Ask for it: getent ahosts NAME. Then see to the name servers, or write an address.");
    else
        SKIPPED("The peer has no endpoint: it has to call first.");
}

void vpn__judge_way(const vpn_observed *seen, vpn_check *check)
{
    if (!seen->endpoint.family)
        SKIPPED("Without an endpoint there is no way to look at.");
    else if (seen->way == VPN_WAY_LINK)
        FINE("Packets to %h leave by %w.");
    else if (seen->way == VPN_WAY_TUNNEL)
        BROKEN(VPN_CAUSE_SETTING, "Packets to the endpoint %h would enter the tunnel %i itself.",
               "Leave out Table, so that marks keep them apart, or set Exclude = %h; then: " AGAIN);
    else if (seen->way == VPN_WAY_NONE)
        BROKEN(VPN_CAUSE_TRANSPORT, "This host has no route to the endpoint %h.",
               "See to the network below: ip route get %h; ip route show default");
    else
        UNKNOWN("The route to %h was not looked at.", "");
}

/* Nothing comes back. Whether anything gets there is all that can still be told. */
static void judge_silence(const vpn_observed *seen, vpn_check *check)
{
    if (seen->echo == VPN_SEEN_YES)
        BROKEN(
            VPN_CAUSE_EITHER,
            "%h answers pings, and handshakes from %s to %e vanish: their port is blocked, or the peer does not know "
            "our key.",
            "vpnctl diagnose, at the peer, tells which. If nothing arrives there, allow UDP to %e on the way; else "
            "compare keys: ours is %k.");
    else
        BROKEN(VPN_CAUSE_TRANSPORT, "Nothing comes back from %h within %W s, neither of pings nor of handshakes.",
               "See whether the host is up and UDP to %e is allowed on the way: traceroute -U -p PORT %h. Then: vpnctl "
               "diagnose, at the peer.");
}

static void judge_errors(const vpn_observed *seen, vpn_check *check)
{
    switch (seen->probe) {
    case VPN_PROBE_REFUSED:
        BROKEN(VPN_CAUSE_TRANSPORT, "Nobody listens at %e: its host says so by ICMP.",
               "Start the daemon there, or correct the port of Endpoint; wg show, at the peer, tells it.");
        break;
    case VPN_PROBE_UNREACHABLE:
        BROKEN(VPN_CAUSE_TRANSPORT, "The network says by ICMP that there is no way to %h.",
               "Correct the address of Endpoint, or see to the network: traceroute %h");
        break;
    case VPN_PROBE_PROHIBITED:
        BROKEN(VPN_CAUSE_TRANSPORT, "A packet filter on the way to %e says by ICMP that it forbids this.",
               "Have it allow UDP to %e; traceroute %h tells where it is.");
        break;
    case VPN_PROBE_NO_ROUTE:
        BROKEN(VPN_CAUSE_TRANSPORT, "This host has no route to the endpoint %h.",
               "See to the network below: ip route get %h; ip route show default");
        break;
    case VPN_PROBE_HELD:
        BROKEN(VPN_CAUSE_TRANSPORT, "The packet filter of this host lets no datagram to %e out.",
               "Find the rule and allow it: nft list ruleset");
        break;
    case VPN_PROBE_LOST:
        BROKEN(VPN_CAUSE_TRANSPORT,
               "Answers of %e reach this host, and its packet filter drops them before they reach a socket.",
               "Find the rule of the input chain and allow UDP from %e: nft list ruleset");
        break;
    default:
        judge_silence(seen, check);
    }
}

/* Whatever it was, something came back. */
static int is_answered(const vpn_observed *seen)
{
    return seen->probe == VPN_PROBE_ANSWERED || seen->probe == VPN_PROBE_FALSE || seen->probe == VPN_PROBE_COOKIE;
}

void vpn__judge_datagrams(const vpn_observed *seen, vpn_check *check)
{
    int in_vain = seen->probe == VPN_PROBE_ANSWERED && seen->tried == VPN_SEEN_YES;
    if (lives(seen) || (is_answered(seen) && !in_vain))
        FINE("Datagrams pass both ways.");
    else if (in_vain)
        BROKEN(VPN_CAUSE_TRANSPORT,
               "The peer answers a handshake from another port, and the daemon at port %p gets none in %W s.",
               "Look for a rule about UDP port %p, here and on the way: nft list ruleset. Another ListenPort may do.");
    else if (seen->probe != VPN_PROBE_NONE)
        judge_errors(seen, check);
    else if (heard(seen, seen->heard.all))
        FINE("Datagrams arrive at port %p.");
    else if (seen->tried == VPN_SEEN_YES && seen->handshake_age < REJECT_AFTER_TIME)
        BROKEN(VPN_CAUSE_EITHER,
               "The session is young, and nothing came back from %e in %W s: the way there is blocked, or the peer has "
               "lost the session.",
               "See whether UDP to %e is allowed on the way. vpnctl diagnose, at the peer, tells what arrives.");
    else if (seen->heard.seconds && !seen->endpoint.family)
        BROKEN(VPN_CAUSE_TRANSPORT, "No datagram at all arrived at port %p in %l s.",
               "Have the peer try meanwhile. If it does, allow UDP port %p on the way, or correct Endpoint there.");
    else
        UNKNOWN("There is no session, and nothing was tried or listened to.",
                "Run it as root and without --passive, so that it can send and look at packets.");
}

void vpn__judge_nat(const vpn_observed *seen, vpn_check *check)
{
    if (seen->translated == VPN_SEEN_NO || !seen->endpoint.family)
        SKIPPED("No address translation can be seen from here.");
    else if (seen->translated != VPN_SEEN_YES)
        UNKNOWN("Our source address was not looked at.", "");
    else if (seen->keepalive)
        FINE("%s is behind a NAT, whose mapping the keepalive keeps.");
    else
        UNKNOWN("%s is behind a NAT. Without keepalive its mapping expires, and the peer cannot reach us.",
                "If the peer has to reach us: wg set %i peer %K persistent-keepalive 25");
}
