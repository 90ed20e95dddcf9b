/* SPDX-License-Identifier: ISC */
#include "policy/diagnose_host.h"

#include <vpn/mtu.h>

#include "policy/diagnose_say.h"

#define AGAIN "vpnctl down %i; vpnctl up %i"

#define FINE(evidence)                  vpn__check_say(check, seen, VPN_RESULT_FINE, VPN_CAUSE_NONE, evidence, "")
#define SKIPPED(evidence)               vpn__check_say(check, seen, VPN_RESULT_SKIPPED, VPN_CAUSE_NONE, evidence, "")
#define UNKNOWN(evidence, remedy)       vpn__check_say(check, seen, VPN_RESULT_UNKNOWN, VPN_CAUSE_NONE, evidence, remedy)
#define BROKEN(cause, evidence, remedy) vpn__check_say(check, seen, VPN_RESULT_BROKEN, cause, evidence, remedy)

void vpn__judge_link(const vpn_observed *seen, vpn_check *check)
{
    if (seen->link == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "There is no interface %i in this network namespace.",
               "Bring the tunnel up: vpnctl up %i");
    else if (seen->link_up == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "The interface %i is down.", "Bring it up: ip link set dev %i up");
    else if (seen->link == VPN_SEEN_YES && seen->link_up == VPN_SEEN_YES)
        FINE("The interface %i is up.");
    else
        UNKNOWN("The interface %i was not looked at.", "");
}

void vpn__judge_addresses(const vpn_observed *seen, vpn_check *check)
{
    if (seen->addresses == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING, "The interface %i lacks the address %a of the file.",
               "Add it: ip address add %a dev %i. Or all of the file: " AGAIN);
    else if (seen->addresses == VPN_SEEN_YES)
        FINE("It has the addresses of the file.");
    else
        UNKNOWN("No file says which addresses it should have.", "");
}

/* What RFC 791 and RFC 8200 ask of a link; which of the two counts here, the addresses of the tunnel say elsewhere. */
void vpn__judge_size(const vpn_observed *seen, vpn_check *check)
{
    if (!seen->link_mtu)
        UNKNOWN("The MTU of %i was not looked at.", "");
    else if (seen->wanted_mtu && seen->wanted_mtu != seen->link_mtu)
        BROKEN(VPN_CAUSE_SETTING, "The MTU of %i is %m, and the file says %M.",
               "Set it: ip link set dev %i mtu %M. Or write MTU = %m.");
    else if (seen->link_mtu < VPN_MTU_MIN_IPV4)
        BROKEN(VPN_CAUSE_SETTING, "The MTU of %i is %m, which no host has to take.",
               "Leave MTU out, or set it to 1280 at least: ip link set dev %i mtu 1280");
    else
        FINE("The MTU of %i is %m.");
}

void vpn__judge_routes(const vpn_observed *seen, vpn_check *check)
{
    if (seen->apps == VPN_SEEN_YES)
        UNKNOWN(
            "Only the applications of IncludeApp use the tunnel; the routes that others have say nothing of theirs.",
            "");
    else if (seen->routes == VPN_SEEN_YES)
        FINE("The system's routes to the peer's addresses lead into %i.");
    else if (seen->routes != VPN_SEEN_NO)
        UNKNOWN("No route was looked at.", "");
    else if (seen->route_way == VPN_WAY_LINK)
        BROKEN(VPN_CAUSE_SETTING, "Packets to %r leave by %R, and not through %i.",
               "Give back the tunnel's routes: " AGAIN ". Where another route wins: ip route show table all");
    else
        BROKEN(VPN_CAUSE_SETTING, "There is no route to %r, which the peer should have.",
               "Give back the tunnel's routes: " AGAIN ". Or by hand: ip route add %r dev %i");
}

void vpn__judge_foreign(const vpn_observed *seen, vpn_check *check)
{
    if (seen->apps == VPN_SEEN_YES)
        UNKNOWN("The routes of others were not compared: only the applications of IncludeApp use the tunnel.", "");
    else if (seen->foreign == VPN_SEEN_YES)
        BROKEN(VPN_CAUSE_SETTING, "The route %f over %F, which is not the tunnel's, wins over it.",
               "If packets to %f belong into the tunnel: ip route del %f dev %F. To hold back such routes: FailMode = "
               "closed, or LanAccess = false.");
    else if (seen->foreign == VPN_SEEN_NO)
        FINE("No route of others draws the tunnel's packets out.");
    else
        UNKNOWN("Without a file, the routes of others were not compared.", "");
}

void vpn__judge_filter(const vpn_observed *seen, vpn_check *check)
{
    if (seen->filter_wanted == VPN_SEEN_NO)
        SKIPPED("The file does not ask to fail closed.");
    else if (seen->filter_wanted != VPN_SEEN_YES || seen->filter == VPN_SEEN_NOTHING)
        UNKNOWN("The packet filter was not looked at.", "");
    else if (seen->filter == VPN_SEEN_YES)
        FINE("The filter that keeps packets in the tunnel is there.");
    else
        BROKEN(VPN_CAUSE_SETTING, "The file says FailMode = closed, and the filter of %i is not there.",
               "Put it back: " AGAIN ". To look: nft list tables");
}

void vpn__judge_reverse_path(const vpn_observed *seen, vpn_check *check)
{
    if (seen->reverse_path == VPN_SEEN_YES)
        FINE("The reverse-path filter lets answers to outer packets pass.");
    else if (seen->reverse_path == VPN_SEEN_NO)
        BROKEN(VPN_CAUSE_SETTING,
               "The strict reverse-path filter of this host forgets the marks of outer packets, and drops what comes "
               "back.",
               "Have it look at marks: sysctl -w net.ipv4.conf.all.src_valid_mark=1");
    else
        UNKNOWN("The reverse-path filter was not looked at.", "");
}

void vpn__judge_inside(const vpn_observed *seen, vpn_check *check)
{
    switch (seen->inside) {
    case VPN_PROBE_ANSWERED:
        FINE("%t answers through the tunnel.");
        break;
    case VPN_PROBE_HELD:
        BROKEN(VPN_CAUSE_SETTING, "The packet filter of this host lets no ping to %t out by %i.",
               "Find the rule of the output chain and allow it: nft list ruleset");
        break;
    case VPN_PROBE_LOST:
        BROKEN(VPN_CAUSE_SETTING,
               "%t answers through the tunnel, and the packet filter of this host drops the answers.",
               "Find the rule of the input chain and allow what comes in by %i: nft list ruleset");
        break;
    case VPN_PROBE_NO_ROUTE:
        BROKEN(VPN_CAUSE_SETTING, "This host refuses to send to %t.", "See why: ip route get %t");
        break;
    case VPN_PROBE_REFUSED:
    case VPN_PROBE_UNREACHABLE:
    case VPN_PROBE_PROHIBITED:
        BROKEN(VPN_CAUSE_TRANSPORT, "Pings to %t go into the tunnel, and ICMP says that they do not get there.",
               "At the peer, see to routes and filters: ip route get %t; sysctl net.ipv4.ip_forward; nft list ruleset");
        break;
    case VPN_PROBE_SILENT:
        UNKNOWN("%t does not answer pings through the tunnel: it never does, or a filter behind the peer drops them.",
                "Name one that answers: --target ADDRESS. At the peer: AllowedIPs have to hold our address; nft list "
                "ruleset");
        break;
    default:
        UNKNOWN("Nothing was sent through the tunnel.",
                seen->target.family ? "" : "Name an address that answers pings: --target ADDRESS");
    }
}

void vpn__judge_resolver(const vpn_observed *seen, vpn_check *check)
{
    if (seen->resolver_wanted == VPN_SEEN_NO)
        SKIPPED("The file asks for no name servers.");
    else if (seen->resolver_wanted != VPN_SEEN_YES || seen->resolver == VPN_SEEN_NOTHING)
        UNKNOWN("The name servers were not looked at.", "");
    else if (seen->resolver == VPN_SEEN_YES)
        FINE("The name servers of the file are in use.");
    else if (seen->resolver_local == VPN_SEEN_YES)
        UNKNOWN("A name server of this host is in use; whether it asks %d of the file cannot be seen.", "");
    else
        BROKEN(VPN_CAUSE_SETTING, "The name server %d of the file is not in use.",
               "Put it back: " AGAIN ". To look: resolvectl status, or /etc/resolv.conf");
}

void vpn__judge_query(const vpn_observed *seen, vpn_check *check)
{
    switch (seen->query) {
    case VPN_PROBE_ANSWERED:
        FINE("The name server %d answers.");
        break;
    case VPN_PROBE_FALSE:
        BROKEN(VPN_CAUSE_TRANSPORT, "What answers at %d port 53 speaks no DNS.",
               "Set DNS to a name server, or start one there.");
        break;
    case VPN_PROBE_SILENT:
    case VPN_PROBE_LOST:
        BROKEN(VPN_CAUSE_TRANSPORT, "The name server %d does not answer within %W s.",
               "There, see that it runs and takes queries from our address. Or set DNS to another one.");
        break;
    case VPN_PROBE_REFUSED:
        BROKEN(VPN_CAUSE_TRANSPORT, "Nobody listens at %d port 53: its host says so by ICMP.",
               "Start the name server there, or set DNS to another one.");
        break;
    case VPN_PROBE_UNREACHABLE:
    case VPN_PROBE_PROHIBITED:
    case VPN_PROBE_NO_ROUTE:
    case VPN_PROBE_HELD:
        BROKEN(VPN_CAUSE_TRANSPORT, "Queries do not get to the name server %d.",
               "See to the way there: ip route get %d; nft list ruleset");
        break;
    default:
        if (seen->resolver_wanted == VPN_SEEN_NO)
            SKIPPED("There is no name server to ask.");
        else
            UNKNOWN("No name server was asked.", "");
    }
}

void vpn__judge_black_hole(const vpn_observed *seen, vpn_check *check)
{
    if (seen->large == VPN_PROBE_ANSWERED)
        FINE("Packets of %m bytes come back from %t.");
    else if (seen->large == VPN_PROBE_TOO_BIG)
        FINE("Who sends packets to %t that are too big is told so.");
    else if (seen->large == VPN_PROBE_SILENT && seen->passes)
        BROKEN(VPN_CAUSE_TRANSPORT, "Packets of %n bytes come back from %t, and larger ones up to %m vanish.",
               "Set MTU = %n in the file, and now: ip link set dev %i mtu %n. Or have the daemon find it: vpn-tunnel "
               "--path-mtu probe");
    else
        UNKNOWN("No sizes were tried, since nobody answers through the tunnel.",
                seen->target.family ? "" : "Name an address that answers pings: --target ADDRESS");
}
