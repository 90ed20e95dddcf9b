# SPDX-License-Identifier: ISC
# The outer network goes and comes back, ports are taken, the interface disappears under traffic: the tunnel waits, refuses, or
# ends, and says which.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
need nft nftables
pair
log=$scratch/a.log

# b is also a host that is reached by a route.
in_ns b ip address add 10.98.0.2/32 dev lo
in_ns a ip route add 10.98.0.0/24 via 10.99.0.2
wg set "$(if_name a)" peer "$(public b)" endpoint 10.98.0.2:51002
check "by a route: data" pings a 10.77.0.2

# lost: nothing passes for now, but wg is answered, and the daemon is there.
lost()
{
    not in_ns a ping -n -q -c 3 -i 0.05 -W 0.3 10.77.0.2 && timeout 2 wg show "$(if_name a)" && running "$a_pid"
}

# back: data passes within a few seconds, and then without loss.
back()
{
    wait_for 6 in_ns a ping -n -q -c 1 -W 0.3 10.77.0.2 && pings a 10.77.0.2 && pings b 10.77.0.1
}

# without WHAT DO UNDO: what is done cuts the network, and is undone; words for ip(8), in a.
without()
{
    # shellcheck disable=SC2086
    in_ns a ip $2
    check "$1: nothing passes" lost
    # shellcheck disable=SC2086
    in_ns a ip $3
    check "$1: over, data again" back
}

route=10.98.0.0/24
without "no route (ENETUNREACH)" "route del $route" "route add $route via 10.99.0.2"
without "a route to nowhere (EHOSTUNREACH)" "route replace unreachable $route" "route replace $route via 10.99.0.2"
without "a route that forbids (EACCES)" "route replace prohibit $route" "route replace $route via 10.99.0.2"
without "a route that swallows (EINVAL)" "route replace blackhole $route" "route replace $route via 10.99.0.2"
without "a router that is not there" "route replace $route via 10.99.0.77" "route replace $route via 10.99.0.2"
in_ns a ip route del unreachable $route 2>/dev/null

in_ns a nft 'add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o udp dport 51002 reject'
check "a filter that rejects (EPERM): nothing passes" lost
in_ns a nft delete table inet t
check "a filter that rejects (EPERM): over, data again" back

# The address and the link, with the endpoint next to us.
wg set "$(if_name a)" peer "$(public b)" endpoint 10.99.0.2:51002
check "next to us: data" back
without "no address" "address del 10.99.0.1/24 dev out" "address add 10.99.0.1/24 dev out"
without "the link is down" "link set out down" "link set out up"
in_ns a ip address del 10.99.0.1/24 dev out
in_ns a ip address add 10.99.0.5/24 dev out
check "another address: data" back
check "another address: the peer follows" endpoint_is b 10.99.0.5:51001
in_ns a ip address del 10.99.0.5/24 dev out
in_ns a ip address add 10.99.0.1/24 dev out
check "the first address again: data" back

# Flaps faster than anybody looks at them.
in_ns a ip route add $route via 10.99.0.2 2>/dev/null
from=$(cpu "$a_pid")
# shellcheck disable=SC2016
in_ns a sh -c 'i=0
while [ $i -lt 40 ]; do
    ip address del 10.99.0.1/24 dev out
    ip address add 10.99.0.1/24 dev out
    ip link set out down
    ip link set out up
    ip route replace "$1" via 10.99.0.2
    i=$((i + 1))
done' sh $route
check "two hundred flaps: little work" at_most $(($(cpu "$a_pid") - from)) 60
check "two hundred flaps: data" back
check "two hundred flaps: the daemon is the same" running "$a_pid"

# Ports: of one family alone, and by the protocol's own number for the error.
take()
{
    ip netns exec "$(ns_name a)" python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "6":
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind(("", int(sys.argv[2])))
time.sleep(60)' "$1" "$2" &
    wait_for 5 in_ns a sh -c "ss -lun | grep -q :$2"
}

answer()
{
    # The request is a format.
    # shellcheck disable=SC2059
    printf "$1" | timeout 5 python3 "$here/uapi_client.py" raw "/var/run/wireguard/$(if_name a).sock"
}

was=$(wg showconf "$(if_name a)" | sha256sum)
for family in 4 6; do
    take $family 5109$family
    taker=$!
    check "a port taken for IPv$family: EADDRINUSE" equal "$(answer "set=1\nlisten_port=5109$family\n\n")" "errno=-98"
    check "a port taken for IPv$family: it is said" contains "cannot listen on port 5109$family: Address already in use" cat "$log"
    check "a port taken for IPv$family: nothing changed" equal "$(wg showconf "$(if_name a)" | sha256sum)" "$was"
    check "a port taken for IPv$family: data" pings a 10.77.0.2
    check "a port taken for IPv$family: data to the old port" pings b 10.77.0.1
    kill $taker
    wait $taker 2>/dev/null
    check "a port taken for IPv$family: free again, it is ours" wg set "$(if_name a)" listen-port 5109$family
    wg set "$(if_name a)" listen-port 51001
done
take 4 52222
taker=$!
range=$(in_ns a sysctl -n net.ipv4.ip_local_port_range)
in_ns a sysctl -q -w "net.ipv4.ip_local_port_range=52222 52222"
in_ns a timeout 10 "$VPN_TUNNEL" "$(if_name c)" >"$scratch/said" 2>&1
check "no port is free at the start: status 1" [ $? = 1 ]
check "no port is free at the start: it is said" contains "cannot open a UDP socket: Address already in use" cat "$scratch/said"
check "no port is free at the start: nothing stays" not in_ns a ip link show "$(if_name c)"
in_ns a sysctl -q -w "net.ipv4.ip_local_port_range=$range"
kill $taker
wait $taker 2>/dev/null

# ended WHAT PID: soon, with status 0, a message and no socket.
ended()
{
    check "$1: the daemon ends" wait_for 2 not running "$2"
    running "$2" && kill -9 "$2"
    wait "$2"
    check "$1: with status 0" [ $? = 0 ]
    check "$1: it is said" contains "ending: the interface was deleted" cat "$log"
    check "$1: its socket is removed" not test -e "/var/run/wireguard/$(if_name a).sock"
}

# The interface goes, with traffic from both sides and clients in the middle of requests.
ip netns exec "$(ns_name a)" ping -n -q -i 0.002 -w 20 10.77.0.2 >/dev/null 2>&1 &
ping_a=$!
ip netns exec "$(ns_name b)" ping -n -q -i 0.002 -w 20 10.77.0.1 >/dev/null 2>&1 &
ping_b=$!
timeout 20 python3 "$here/uapi_client.py" crowd "/var/run/wireguard/$(if_name a).sock" 10 &
sleep 1
in_ns a ip link del "$(if_name a)"
ended "the interface is deleted under traffic" "$a_pid"
kill $ping_a $ping_b
: >"$log"
daemon_up a vpn
pair_end a 1 b 2
check "started again: data" pings a 10.77.0.2
# A namespace goes with the interface in it, and is not held by the daemon.
ns_new c
in_ns a ip link set "$(if_name a)" netns "$(ns_name c)"
addresses c 1 2>/dev/null
in_ns c ip link set "$(if_name a)" up
ip netns del "$(ns_name c)"
ended "its namespace is deleted" "$daemon_pid"
finish
