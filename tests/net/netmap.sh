# SPDX-License-Identifier: ISC
# Two sites with the same addresses, 10.0.0.0/24 and fd00::/48, behind routers ra and rb that run vpn-tunnel; a host in each LAN,
# ha and hb, reaches the other one under names that translations give: by both ends, or by one that does it for both.
. "$(dirname -- "$0")/rules_lib.sh"
start_rules
ns_new ha
ns_new ra
ns_new rb
ns_new hb
cable ra rb
keys ra rb

# lan HOST ROUTER: .10 and ::10 behind .1 and ::1
lan()
{
    ip link add lan netns "$(ns_name "$1")" type veth peer name lan netns "$(ns_name "$2")"
    in_ns "$1" ip address add 10.0.0.10/24 dev lan
    in_ns "$1" ip address add fd00::10/64 dev lan nodad
    in_ns "$2" ip address add 10.0.0.1/24 dev lan
    in_ns "$2" ip address add fd00::1/64 dev lan nodad
    in_ns "$1" ip link set lan up
    in_ns "$2" ip link set lan up
    in_ns "$1" ip route add default via 10.0.0.1
    in_ns "$1" ip -6 route add default via fd00::1
    in_ns "$2" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    wait_for 3 contains "state UP" in_ns "$1" ip link show lan
}
lan ha ra
lan hb rb
serves ha 7001 7008
serves hb 7001

# ends RA-ALLOWED RA-LINES RB-ALLOWED RB-LINES
ends()
{
    file ra rb 2 "Address = 10.0.0.1/32, fd00::1/128" "AllowedIPs = $1
$2"
    file rb ra 1 "Address = 10.0.0.1/32, fd00::1/128" "AllowedIPs = $3
$4"
    up ra && up rb
}

both_down()
{
    down ra && down rb
}

# unreached NS ADDRESS
unreached()
{
    not in_ns "$1" ping -n -q -c 1 -W 1 "$2"
}

# expired NS TTL ADDRESS WHO: a packet that ends on the way says by whom.
expired()
{
    contains "From $4 " in_ns "$1" ping -n -c 1 -W 2 -t "$2" "$3"
}

# reach NAME FROM TO TO6 ROUTER: one direction, under the names of the other side
reach()
{
    reach_name=$1
    reach_from=$2
    reach_to=$3
    reach_to6=$4
    reach_router=$5
    check "$reach_name: ping" pings "$reach_from" "$reach_to" 2
    check "$reach_name: ping by IPv6" pings "$reach_from" "$reach_to6" 2
    check "$reach_name: TCP" echoes "$reach_from" tcp "$reach_to" 7001 3000000
    check "$reach_name: TCP by IPv6" echoes "$reach_from" tcp "$reach_to6" 7001 3000000
    check "$reach_name: UDP" echoes "$reach_from" udp "$reach_to" 7001 1200
    check "$reach_name: UDP in fragments" echoes "$reach_from" udp "$reach_to" 7001 4000
    check "$reach_name: UDP by IPv6" echoes "$reach_from" udp "$reach_to6" 7001 1200
    check "$reach_name: a port that is closed" refused "$reach_from" tcp "$reach_to" 7009
    check "$reach_name: the error about a datagram quotes what was sent" refused "$reach_from" udp "$reach_to" 7009
    check "$reach_name: by IPv6 too" refused "$reach_from" udp "$reach_to6" 7009
    check "$reach_name: traceroute sees the router behind the tunnel" expired "$reach_from" 2 "$reach_to" "$reach_router"
}

# RFC 6296: what a prefix of 48 bits adds to the sum is taken from the 16 bits behind it.
check "without translations: up" ends "10.2.0.0/24, fd00:0:2::/48" "" "10.1.0.0/24, fd00:0:1::/48" ""
check "without translations: nobody is reached" unreached ha 10.2.0.10
check "without translations: by IPv6 neither" unreached ha fd00:0:2:fffd::10
check "without translations: down" both_down

each()
{
    check "$1: up" ends "10.2.0.0/24, fd00:0:2::/48" "Netmap = ours 10.0.0.0/24 as 10.1.0.0/24
Netmap = ours fd00::/48 as fd00:0:1::/48" "10.1.0.0/24, fd00:0:1::/48" "Netmap = ours 10.0.0.0/24 as 10.2.0.0/24
Netmap = ours fd00::/48 as fd00:0:2::/48"
    reach "$1" ha 10.2.0.10 fd00:0:2:fffd::10 10.2.0.1
    reach "$1, back" hb 10.1.0.10 fd00:0:1:fffe::10 10.1.0.1
}
each "each its own"
check "each its own: the daemon tells" contains "libvpn_netmap=ours 10.0.0.0/24 as 10.1.0.0/24" lines_of ra
check "each its own: down" both_down

# One side for both: the other has a plain file, and its hosts see those of the first as 10.1.0.0/24.
one()
{
    check "$1: up" ends "10.0.0.0/24, fd00::/48" "Netmap = ours 10.0.0.0/24 as 10.1.0.0/24
Netmap = ours fd00::/48 as fd00:0:1::/48
Netmap = theirs 10.2.0.0/24 as 10.0.0.0/24
Netmap = theirs fd00:0:2::/48 as fd00::/48
FilterDefault = allow
Filter = reject in tcp to fd00::10 port 7008
Filter = reject in tcp to 10.0.0.10 port 7008
Filter = reject in udp to 10.0.0.10 port 7008" "10.1.0.0/24, fd00:0:1::/48" ""
    check "$1: the tunnel has the route of the names" contains 10.2.0.0/24 in_ns ra ip route show dev "$(if_name ra)"
    check "$1: and not that of the LAN" not contains 10.0.0.0/24 in_ns ra ip route show dev "$(if_name ra)"
    reach "$1" ha 10.2.0.10 fd00:0:2:fffd::10 10.2.0.1
    reach "$1, back" hb 10.1.0.10 fd00:0:1:fffe::10 10.1.0.1
    check "$1: what the filter refuses is refused under the names of the other side" refused hb tcp 10.1.0.10 7008
    check "$1: UDP too" refused hb udp 10.1.0.10 7008
    check "$1: by IPv6 too" refused hb tcp fd00:0:1:fffe::10 7008
}
one "one for both"
check "one for both: explain knows the peer" contains "tunnel" in_ns ra "$vpnctl" explain "$scratch/$(if_name ra).conf" to 10.2.0.10
check "the translation is taken away at run time" changes ra rb libvpn_replace_netmap=true
check "then nobody is reached" unreached ha 10.2.0.10
check "and given back" changes ra rb "libvpn_netmap=ours 10.0.0.0/24 as 10.1.0.0/24" \
    "libvpn_netmap=theirs 10.2.0.0/24 as 10.0.0.0/24"
check "then they are" pings ha 10.2.0.10 1
check "a second translation of a prefix is refused" not changes ra rb "libvpn_netmap=ours 10.0.0.0/24 as 10.3.0.0/24"
check "and the first one stays" pings ha 10.2.0.10 1
check "one for both: down" both_down

with_threads 2
one "two threads"
check "two threads: down" both_down
finish
