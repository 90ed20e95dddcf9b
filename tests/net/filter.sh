# SPDX-License-Identifier: ISC
# A login that reaches only the ports that it should: a is the site, b the login. What is not allowed is not answered, what is
# rejected is refused at once, answers come back, and other rules at run time keep the connections that they allow.
. "$(dirname -- "$0")/rules_lib.sh"
start_rules
ns_new a
ns_new b
cable a b
keys a b
serves a 7001 7002 7003 7004
serves b 7001

# ends LINES: brings both up, with these lines about the peer in the file of a.
ends()
{
    file a b 2 "Address = 10.77.0.1/24, fd77::1/64
PathMTU = errors
ClampMSS = true" "AllowedIPs = 10.77.0.2/32, fd77::2/128
ProbeAddress = 10.77.0.2, fd77::2
$1"
    file b a 1 "Address = 10.77.0.2/24, fd77::2/64" "AllowedIPs = 10.77.0.1/32, fd77::1/128"
    up a && up b
}

both_down()
{
    down a && down b
}

check "without rules: up" ends ""
check "without rules: a port" echoes b tcp 10.77.0.1 7004
check "without rules: another" echoes b tcp 10.77.0.1 7002
check "without rules: from the site" echoes a tcp 10.77.0.2 7001
check "without rules: the daemon tells of none" not contains libvpn_filter lines_of a
check "without rules: down" both_down

rules="FilterFlows = 64
Filter = allow in tcp to 10.77.0.1 port 7001,7003 stateful
Filter = allow in tcp to fd77::1 port 7001 stateful
Filter = allow in udp to port 7001 stateful
Filter = allow in icmp type echo-request stateful
Filter = allow in icmp6 type echo-request stateful
Filter = reject in tcp to port 7002
Filter = reject in udp to port 7002
Filter = reject out tcp to port 7001"

# round NAME: what holds with these rules.
round()
{
    check "$1: up" ends "$rules"
    check "$1: a port that is allowed" echoes b tcp 10.77.0.1 7001
    check "$1: another of the list" echoes b tcp 10.77.0.1 7003
    check "$1: by IPv6" echoes b tcp fd77::1 7001
    check "$1: UDP" echoes b udp 10.77.0.1 7001 600
    check "$1: much of it" echoes b tcp 10.77.0.1 7001 3000000
    check "$1: ping" pings b 10.77.0.1 2
    check "$1: ping by IPv6" pings b fd77::1 2
    check "$1: a port that is rejected is refused" refused b tcp 10.77.0.1 7002
    check "$1: by IPv6 too" refused b tcp fd77::1 7002
    check "$1: UDP too" refused b udp 10.77.0.1 7002
    check "$1: UDP by IPv6 too" refused b udp fd77::1 7002
    check "$1: a port that is not allowed does not answer" unanswered b tcp 10.77.0.1 7004
    check "$1: by IPv6 neither" unanswered b tcp fd77::1 7003
    check "$1: what goes to the login is rejected" refused a tcp 10.77.0.2 7001
    check "$1: by IPv6 too" refused a tcp fd77::2 7001
    check "$1: UDP to the login is not allowed" unanswered a udp 10.77.0.2 7001
}

round "rules"
lines_of a >"$scratch/lines"
check "the daemon tells the rules" contains "libvpn_filter=allow in tcp to 10.77.0.1/32 port 7001,7003 stateful" cat "$scratch/lines"
check "the default" contains "libvpn_filter_default=deny" cat "$scratch/lines"
check "how the path is followed" contains "libvpn_path_mtu_mode=errors" cat "$scratch/lines"
check "that connections are clamped" contains "libvpn_clamp_mss=true" cat "$scratch/lines"
check "whom to probe" contains "libvpn_probe_address=fd77::2" cat "$scratch/lines"
check "the flows" contains "libvpn_filter_flows=64" cat "$scratch/lines"
# counted WORDS: packets of the rule
counted()
{
    sed -n "s/^libvpn_filter_count=\([0-9]*\) [0-9]* $1.*/\1/p" "$scratch/lines"
}
check "the first rule counts both ways" test "$(counted "allow in tcp to 10.77")" -gt 1000
check "so does that of echoes" equal "$(counted "allow in icmp type")" 4
check "and the rejected" test "$(counted "reject in udp")" -ge 1
check "vpnctl shows them" contains "filter: reject out tcp to port 7001: " in_ns a "$vpnctl" show "$(if_name a)"
check "packets that no rule took are counted" contains "default" grep ^libvpn_filter_by "$scratch/lines"

# A connection that goes on while the rules change. Only the site talks, to whom no rule allows it, so all hangs on the flow.
talk a tick 7005 >>"$scratch/tick.log" 2>&1 &
wait_for 5 contains :7005 in_ns a ss -ltn
check "the rules are added to" changes a b "libvpn_filter=allow in tcp to port 7005 stateful"
talk b hear 10.77.0.1 7005 "$scratch/heard" >>"$scratch/tick.log" 2>&1 &
heard()
{
    wc -l <"$scratch/heard"
}
more_than()
{
    [ "$(heard)" -gt "$1" ]
}
grows()
{
    wait_for 3 more_than "$(($(heard) + 3))"
}
wait_for 3 test -s "$scratch/heard"
check "a connection" grows
check "other rules at run time" changes a b libvpn_replace_filter=true libvpn_filter_flows=64 libvpn_filter_default=reject \
    "libvpn_filter=allow in tcp to port 7004,7005 stateful"
check "the connection goes on" grows
check "what is allowed now" echoes b tcp 10.77.0.1 7004
check "what is no longer allowed is refused by the default" refused b tcp 10.77.0.1 7003
check "a line that is none changes nothing" not changes a b libvpn_replace_filter=true "libvpn_filter=allow in tcp to port x"
check "the connection goes on still" grows
check "stateful rules without flows are not taken" not changes a b libvpn_filter_flows=0
check "the connection goes on even so" grows
check "rules that no longer allow the connection" changes a b libvpn_replace_filter=true libvpn_filter_flows=64 \
    "libvpn_filter=allow in tcp to port 7004 stateful"
sleep 0.2
before=$(heard)
sleep 0.5
check "it stands still" equal "$(heard)" "$before"
check "no rules at all" changes a b libvpn_replace_filter=true
check "it comes back" wait_for 8 more_than "$before"
check "everything passes" echoes b tcp 10.77.0.1 7002
check "down" both_down

with_threads 2
round "two threads"
check "two threads: down" both_down

# A daemon that knows nothing of it.
if command -v wireguard-go >/dev/null 2>&1; then
    program=wireguard-go
    check "another daemon is told apart" contains "does not know" not ends "$rules"
    check "nothing is left of it" not in_ns a ip link show "$(if_name a)"
fi
finish
