# SPDX-License-Identifier: ISC
# What vpnctl finds out about a host, in a namespace whose links, routes and rules are known; and vpnctl up and down.
. "$(dirname -- "$0")/lib.sh"

[ -x "$VPNCTL" ] || skip "$VPNCTL is not built"
start_test
need python3 python3-minimal
need nft nftables
ns_new a
ns_new b
cable a b
in_ns a ip route add default via 10.99.0.2 metric 7 proto dhcp
in_ns a ip route add 10.1.0.0/16 nexthop via 10.99.0.2 dev out nexthop via 10.99.0.3 dev out
in_ns a ip route add blackhole 10.2.0.0/16 table 77
in_ns a ip -6 route add 2001:db8::/32 via fd99::2
in_ns a ip link add idle type veth peer name idle2
in_ns a ip address add 10.5.0.1 peer 10.5.0.2/32 dev out
in_ns a ip tuntap add dev t0 mode tun
in_ns a ip rule add fwmark 0x10/0xf0 lookup 77 priority 100
in_ns a ip rule add not fwmark 5 lookup main suppress_prefixlength 0 priority 101
in_ns a ip -6 rule add uidrange 1000-1999 unreachable priority 102
in_ns a ip rule add from 10.0.0.0/8 lookup 77 priority 103
in_ns a sysctl -q -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.out.rp_filter=1
in_ns a "$VPNCTL" plan --write-facts >"$scratch/facts.json" 2>"$scratch/facts.err"
check "facts" test -s "$scratch/facts.json"
check "a rule by source is not looked at" contains "1 of the policy rules" cat "$scratch/facts.err"

# fact WHAT EXPRESSION, over f, the facts, and link, their links by name
fact()
{
    check "$1" python3 -c "
import json, sys
f = json.load(open(sys.argv[1]))
link = {l['name']: l for l in f['links']}
rule = {r['priority']: r for r in f['rules'] if 100 <= r['priority'] <= 110}
to = {}
for r in f['routes']:
    to.setdefault((r['to'], r['table']), []).append(r)
assert $2, f" "$scratch/facts.json"
}

fact "a link" "link['out']['flags'] == ['up'] and link['out']['mtu'] == 1500"
fact "the loopback" "link['lo']['flags'] == ['up', 'loopback']"
fact "a tunnel" "link['t0']['flags'] == ['tunnel']"
fact "a link that is down" "link['idle']['flags'] == []"
fact "an address, all of it" "{'link': link['out']['index'], 'address': '10.99.0.1/24'} in f['addresses']"
fact "an address with a peer" "{'link': link['out']['index'], 'address': '10.5.0.1/32'} in f['addresses']"
fact "the default route" "to['0.0.0.0/0', 254] == [{'to': '0.0.0.0/0', 'link': link['out']['index'], 'table': 254,
    'metric': 7, 'protocol': 16, 'gateway': '10.99.0.2'}]"
fact "a route with two ways" "[r['gateway'] for r in to['10.1.0.0/16', 254]] == ['10.99.0.2', '10.99.0.3']"
fact "a route that refuses" "to['10.2.0.0/16', 77][0]['refuses'] is True and 'link' not in to['10.2.0.0/16', 77][0]"
fact "an IPv6 route" "to['2001:db8::/32', 254][0]['gateway'] == 'fd99::2'"
fact "nothing of the table local" "all(r['table'] != 255 for r in f['routes'])"
fact "a rule with a mark" "rule[100] == {'family': 4, 'priority': 100, 'table': 77, 'mark': 16, 'mask': 240}"
fact "a rule the other way" "rule[101]['invert'] is True and rule[101]['suppress'] == 0 and rule[101]['table'] == 254"
fact "a rule for users" "rule[102]['uid_first'] == 1000 and rule[102]['uid_last'] == 1999 and rule[102]['refuses'] is True"
fact "no rule by source" "103 not in rule"
fact "filters of reverse paths" "f['rp_filter'] == 2 and link['out']['rp_filter'] == 1"
check "read again, the same" sh -c "'$VPNCTL' plan --write-facts --facts '$scratch/facts.json' | cmp - '$scratch/facts.json'"

# Facts of a host that does not stand still. Many addresses make a dump of several parts, and the kernel says when a change came
# between two of them.
many_addresses()
{
    for many_number in $(seq 0 2999); do
        echo "address add 172.$((16 + many_number / 256)).$((many_number % 256)).1/32 dev lo"
    done | in_ns a ip -batch -
}

flap()
{
    while echo "address add 203.0.113.1/32 dev lo" && sleep 0.008 && echo "address del 203.0.113.1/32 dev lo"; do
        sleep 0.008
    done 2>/dev/null
}

restless()
{
    for restless_round in $(seq 40); do
        in_ns a "$VPNCTL" plan --write-facts >"$scratch/restless.json" 2>"$scratch/restless.err" || {
            cat "$scratch/restless.err"
            return 1
        }
        equal "$(grep -c '"address": "172' "$scratch/restless.json")" 3000 || return 1
    done
}

many_addresses
flap | ip netns exec "$(ns_name a)" ip -batch - &
check "a host whose addresses change all the time" restless
kill $!
wait $! 2>/dev/null
in_ns a ip address flush dev lo
in_ns a ip address add 127.0.0.1/8 dev lo

# resolvers TEXT: the facts with that as /etc/resolv.conf
resolvers()
{
    mkdir -p "/etc/netns/$(ns_name b)"
    printf '%b' "$1" >"/etc/netns/$(ns_name b)/resolv.conf"
    in_ns b "$VPNCTL" plan --write-facts
}
check "a name server" contains '"server": "192.0.2.53"' resolvers 'search x\nnameserver\t192.0.2.53 # ours\nnameserver 2001:db8::53\n'
check "another" contains '"server": "2001:db8::53"' resolvers 'nameserver 192.0.2.53\nnameserver 2001:db8::53'
check "systemd-resolved by its stub" contains '"resolver_system": "resolved"' resolvers 'nameserver 127.0.0.53\noptions edns0\n'
check "the stub is not a server" not contains '127.0.0.53' resolvers 'nameserver 127.0.0.53\n'
check "no server" contains '"resolvers": []' resolvers '# nameserver 192.0.2.1\nnameserver x\nnameservers 192.0.2.2\n'

# Up and down, by the command line.
keys a b
conf=$scratch/$(if_name a).conf
(umask 077 && cat >"$conf") <<END
[Interface]
PrivateKey = $(cat "$scratch/a.key")
Address = 10.77.0.1/24
Table = 1234
[Peer]
PublicKey = $(public b)
Endpoint = 10.99.0.2:51002
AllowedIPs = 10.77.0.0/24, 10.78.0.0/24
END
vpnctl()
{
    in_ns a "$VPNCTL" "$@"
}
state()
{
    in_ns a ip rule
    in_ns a ip route show table all | sort
    in_ns a ip -o address | sort
    in_ns a nft list ruleset
}
# looks: what explain and audit say, but for the time when it is up
looks()
{
    in_ns a "$VPNCTL" audit --json "$conf"
    for looks_to in 10.77.0.1 10.78.0.1 10.66.0.1 10.99.0.2 2001:db8::1; do
        in_ns a "$VPNCTL" explain "$conf" to "$looks_to"
    done
}
for mode in "Table = 1234" "FailMode = closed" "LanAccess = false"; do
    sed "s/^Table.*/$mode/" "$conf" >"$scratch/other" && cat "$scratch/other" >"$conf"
    in_ns a sysctl -q -w net.ipv4.conf.all.src_valid_mark=1
    looks >"$scratch/down.txt" 2>&1
    check "$mode: up" in_ns a "$VPNCTL" up --tunnel "$VPN_TUNNEL" "$conf"
    looks >"$scratch/up.txt" 2>&1
    check "$mode: looked at while it is up" diff "$scratch/down.txt" "$scratch/up.txt"
    check "$mode: down" in_ns a "$VPNCTL" down "$conf"
    sed "s/^$mode/Table = 1234/" "$conf" >"$scratch/other" && cat "$scratch/other" >"$conf"
done
state >"$scratch/before"
check "up" vpnctl up --tunnel "$VPN_TUNNEL" "$conf"
check "the route is there" contains 10.78.0.0/24 in_ns a ip route show table 1234
check "show" contains "$(public b)" vpnctl show "$(if_name a)"
check "not twice" contains "up already" vpnctl up --tunnel "$VPN_TUNNEL" "$conf"
check "a plan around it" contains "10.78.0.0/24" vpnctl plan --link-exists "$conf"
check "down, with JSON" contains '"state": "down"' vpnctl down --json "$conf"
state >"$scratch/after"
check "all as it was" diff "$scratch/before" "$scratch/after"
check "down again" vpnctl down "$conf"
sed "s/^Table.*/FailMode = closed/" "$conf" >"$scratch/other" && cat "$scratch/other" >"$conf"
check "up, fail-closed" vpnctl up --tunnel "$VPN_TUNNEL" "$conf"
check "down, but for the filter" vpnctl down --keep-filter "$conf"
check "the filter is there" contains "table inet" in_ns a nft list ruleset
check "up behind it" vpnctl up --tunnel "$VPN_TUNNEL" "$conf"
check "down, all of it" vpnctl down "$conf"
check "no filter is left" equal "$(in_ns a nft list ruleset)" ""
finish
