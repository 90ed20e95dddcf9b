# SPDX-License-Identifier: ISC
# Two sites behind gateways with a provider between them: hosts of the LANs reach each other by IPv4 and IPv6, the
# gateways are the only hops, and the provider sees no inner packet; also when a gateway restarts or crashes.
#
#   h1 -- g1 -- isp -- g2 -- h2
. "$(dirname -- "$0")/net_lib.sh"
start_net
ns_new h1
ns_new h2
router g1 isp g2
wire h1 g1 10.1.0 fd01
wire g1 isp 192.0.2 2001:db8:2
wire g2 isp 198.51.100 2001:db8:51
wire h2 g2 10.2.0 fd02
for site in 1 2; do
    via h$site 10.$site.0.2 default
    via h$site fd0$site::2 default
done
via g1 192.0.2.2 default
via g1 2001:db8:2::2 default
via g2 198.51.100.2 default
via g2 2001:db8:51::2 default
keys g1 g2
inner="net 10.0.0.0/8 or net fd01::/64 or net fd02::/64 or net fd77::/64"
echo_server h2

# gateway SITE OTHER ENDPOINT: its tunnel goes up.
gateway()
{
    tunnel_file "g$1" <<END
[Interface]
PrivateKey = $(cat "$scratch/g$1.key")
ListenPort = 51820
Address = 10.77.0.$1/24, fd77::$1/64
FailMode = closed

[Peer]
PublicKey = $(public "g$2")
AllowedIPs = 10.77.0.$2/32, fd77::$2/128, 10.$2.0.0/24, fd0$2::/64
Endpoint = $3
PersistentKeepalive = 25
END
    tunnel_up "g$1"
}

sites_talk()
{
    pings h1 10.2.0.1 && pings h1 fd02::1 && pings h2 10.1.0.1 && pings h2 fd01::1
}

goes_through()
{
    hops h1 "$1" 3 >"$scratch/hops"
    printf '%s\n' "$2" "$3" "$1" | diff - "$scratch/hops"
}

carries()
{
    for address in 10.2.0.1 fd02::1; do
        check "$1: TCP to $address" echo_tcp h1 $address 2000000
        check "$1: UDP to $address" echo_udp h1 $address 20 "plain words"
    done
    check "$1: the hops by IPv4 are the gateways" goes_through 10.2.0.1 10.1.0.2 10.77.0.2
    check "$1: the hops by IPv6 are the gateways" goes_through fd02::1 fd01::2 fd77::2
}

# The LANs see the very words that the provider must not see.
secret()
{
    check "$1: the LAN sees them" sees 80 h1 g1 "udp port $echo_port and (net 10.2.0.0/24 or net fd02::/64)"
    check "$1: the LAN sees what they say" grep -q "plain words" "$scratch/h1-g1.pcap"
    check "$1: the provider sees outer packets" sees 200 isp g1 "udp port 51820 and $2"
    check "$1: the provider sees no inner address" sees_none isp g1 "$inner"
    check "$1: the provider sees nothing else" sees_none isp g1 \
        "not (udp port 51820 and $2) and not arp and not icmp and not icmp6"
    check "$1: the provider cannot read it" not grep -q "plain words" "$scratch/isp-g1.pcap"
}

round()
{
    capture isp g1
    capture h1 g1
    check "$1: the first gateway goes up" gateway 1 2 "$2"
    check "$1: the second gateway goes up" gateway 2 1 "$3"
    check "$1: the sites talk" sites_talk
    carries "$1"
    secret "$1" "$4"
}

check "without a tunnel there is no way" silent h1 10.2.0.1
round "over IPv4" 198.51.100.1:51820 192.0.2.1:51820 ip

# What restarts has forgotten the session that the other gateway holds, and speaks first, because of its keepalive.
check "a gateway restarts: down" tunnel_down g1
check "a gateway restarts: up" tunnel_up g1
check "a gateway restarts: the sites talk" wait_for 3 pings h2 10.1.0.1 1
check "a gateway restarts: in all directions" sites_talk
kill -9 "$(daemon_of g2)"
check "a gateway crashes: its link is gone" wait_for 3 not in_ns g2 ip link show "$(if_name g2)"
capture isp g2
check "a gateway crashes: there is no way" silent h1 10.2.0.1
check "a gateway crashes: nor back" silent h2 10.1.0.1
check "a gateway crashes: the other waits for its down" not tunnel_up g2
check "a gateway crashes: down" tunnel_down g2
check "a gateway crashes: up" tunnel_up g2
check "a gateway crashes: the sites talk" wait_for 3 pings h1 fd02::1 1
check "a gateway crashes: in all directions" sites_talk
check "a gateway crashes: the provider sees outer packets" sees 10 isp g2 "udp port 51820"
check "a gateway crashes: the provider sees no inner address" sees_none isp g2 "$inner"

check "the first gateway goes down" tunnel_down g1
check "the second gateway goes down" tunnel_down g2
round "over IPv6" "[2001:db8:51::1]:51820" "[2001:db8:2::1]:51820" ip6
finish
