# SPDX-License-Identifier: ISC
# Remote access: a laptop at home, behind a router that masquerades, and a gateway that takes it to the internet and to
# an office. Captures of the laptop's own wire prove which way each packet went, and `vpnctl explain` says the same.
#
#   laptop -- home -- isp -- gate -- office
#   printer --'         '-- web
. "$(dirname -- "$0")/net_lib.sh"
start_net
need nft nftables
ns_new laptop
ns_new printer
ns_new office
ns_new web
router home isp gate
wire laptop home 192.168.1 2001:db8:a1
in_ns laptop ip address add fdaa::1/64 dev home nodad
in_ns home ip address add fdaa::2/64 dev laptop nodad
wire printer home 192.168.9 2001:db8:a9
wire home isp 192.0.2 2001:db8:2
wire gate isp 198.51.100 2001:db8:51
wire web isp 203.0.113 2001:db8:3
wire office gate 10.3.0 fd03
via laptop 192.168.1.2 default
via laptop 2001:db8:a1::2 default
via printer 192.168.9.2 default
via printer 2001:db8:a9::2 default
via home 192.0.2.2 default
via home 2001:db8:2::2 default
via gate 198.51.100.2 default
via gate 2001:db8:51::2 default
via web 203.0.113.2 default
via web 2001:db8:3::2 default
via office 10.3.0.2 default
via office fd03::2 default
via isp 2001:db8:2::1 2001:db8:a1::/64 2001:db8:a9::/64
masquerade home isp "ip saddr 192.168.0.0/16"
masquerade gate isp "ip saddr 10.77.0.0/24" "ip6 saddr fd77::/64"
for host in web office printer home; do
    echo_server $host
done
keys laptop gate

tunnel_file gate <<END
[Interface]
PrivateKey = $(cat "$scratch/gate.key")
ListenPort = 51820
Address = 10.77.0.1/24, fd77::1/64

[Peer]
PublicKey = $(public laptop)
AllowedIPs = 10.77.0.2/32, fd77::2/128
END
check "the gateway goes up" tunnel_up gate

# laptop_up ALLOWED LINES
laptop_up()
{
    tunnel_file laptop <<END
[Interface]
PrivateKey = $(cat "$scratch/laptop.key")
Address = 10.77.0.2/32, fd77::2/128
$2

[Peer]
PublicKey = $(public gate)
AllowedIPs = $1
Endpoint = 198.51.100.1:51820
END
    tunnel_up laptop
}

# seen_as SEEN ADDRESS: whom the host at the address sees when the laptop asks, by UDP and by TCP.
seen_as()
{
    seen_udp=$(echo_udp laptop "$2" 5) && seen_tcp=$(echo_tcp laptop "$2" 100000) && echo "$seen_udp, $seen_tcp" &&
        equal "${seen_udp% *}" "$1" && equal "${seen_tcp% *}" "$1"
}

explained()
{
    contains "$2" in_ns laptop "$vpnctl" explain --json "$scratch/$(if_name laptop).conf" to "$1"
}

# Outer packets as large as what is asked; small ones, keepalives and what the kernel solicits, come at any time.
data="udp port 51820 and greater 1000"

# inside WHAT ADDRESS SEEN: it is reached through the tunnel and seen as that address.
inside()
{
    capture laptop home
    check "$round: $1 sees the tunnel" seen_as "$3" "$2"
    check "$round: $1: outer packets" sees 5 laptop home "$data and host 198.51.100.1"
    check "$round: $1: nothing else" sees_none laptop home "not (udp port 51820) and not arp and not icmp6"
    check "$round: $1: explained" explained "$2" '"tunnel"'
}

# beside WHAT ADDRESS SEEN: it is reached around the tunnel.
beside()
{
    capture laptop home
    check "$round: $1 sees the laptop" seen_as "$3" "$2"
    check "$round: $1: packets in the clear" sees 20 laptop home "host $2 and port $echo_port"
    check "$round: $1: no outer packets" sees_none laptop home "$data"
    check "$round: $1: explained" explained "$2" '"local"'
}

# lost WHAT ADDRESS: it belongs into the tunnel, at whose other end nobody knows it.
lost()
{
    capture laptop home
    check "$round: $1 is not reached" silent laptop "$2" 1000
    check "$round: $1: an outer packet" sees 1 laptop home "$data"
    check "$round: $1: nothing in the clear" sees_none laptop home "host $2"
    check "$round: $1: explained" explained "$2" '"tunnel"'
}

# held WHAT ADDRESS: it goes nowhere. A LAN of public addresses could be anybody's, so with a full tunnel it is no LAN.
held()
{
    capture laptop home
    check "$round: $1 is not reached" silent laptop "$2"
    check "$round: $1: nothing in the clear" sees_none laptop home "host $2 and icmp6 and ip6[40] == 128"
    check "$round: $1: explained" explained "$2" '"blocked"'
}

laptop_down()
{
    check "$round: down" tunnel_down laptop
}

round="no tunnel"
check "$round: the web sees the router at home" seen_as 192.0.2.1 203.0.113.1
check "$round: the web sees the laptop by IPv6" seen_as 2001:db8:a1::1 2001:db8:3::1
check "$round: the office is not reached" silent laptop 10.3.0.1

round="full tunnel"
check "$round: up" laptop_up "0.0.0.0/0, ::/0" "FailMode = closed"
inside "the web" 203.0.113.1 198.51.100.1
inside "the web by IPv6" 2001:db8:3::1 2001:db8:51::1
inside "the office" 10.3.0.1 10.77.0.2
inside "the office by IPv6" fd03::1 fd77::2
beside "the router at home" 192.168.1.2 192.168.1.1
beside "the router at home by IPv6" fdaa::2 fdaa::1
held "the router at home by a public address" 2001:db8:a1::2
lost "the printer" 192.168.9.1
check "$round: the hops" equal "$(hops laptop 203.0.113.1 3 | xargs)" "10.77.0.1 198.51.100.2 203.0.113.1"
laptop_down

round="all but the printer"
exclude="Exclude = 192.168.9.0/24, 2001:db8:a9::/64"
check "$round: up" laptop_up "0.0.0.0/0, ::/0" "$exclude
FailMode = closed"
inside "the web" 203.0.113.1 198.51.100.1
beside "the printer" 192.168.9.1 192.168.1.1
beside "the printer by IPv6" 2001:db8:a9::1 2001:db8:a1::1
beside "the router at home" 192.168.1.2 192.168.1.1
laptop_down

round="without LAN access"
check "$round: up" laptop_up "0.0.0.0/0, ::/0" "$exclude
LanAccess = false
FailMode = closed"
inside "the web by IPv6" 2001:db8:3::1 2001:db8:51::1
beside "the printer" 192.168.9.1 192.168.1.1
lost "the router at home" 192.168.1.2
laptop_down

round="the office alone"
check "$round: up" laptop_up "10.77.0.0/24, 10.3.0.0/24, fd77::/64, fd03::/64" "FailMode = closed"
inside "the office" 10.3.0.1 10.77.0.2
beside "the web" 203.0.113.1 192.0.2.1
beside "the web by IPv6" 2001:db8:3::1 2001:db8:a1::1
beside "the printer" 192.168.9.1 192.168.1.1
laptop_down
finish
