# SPDX-License-Identifier: ISC
# Two sites with two providers and a tunnel over each, through which BIRD speaks BGP. What a LAN has is learned at the
# other site; BFD sees a tunnel die, the other one takes over in the middle of a transfer, and gives back.
#
#          ,- ispa -.
#   h1 -- g1        g2 -- h2
#          '- ispb -'
. "$(dirname -- "$0")/net_lib.sh"
start_net
need bird bird2
ns_new h1
ns_new h2
router g1 ispa ispb g2
wire h1 g1 10.1.0 fd01
wire h2 g2 10.2.0 fd02
wire g1 ispa 192.0.2
wire g2 ispa 198.51.100
wire g1 ispb 203.0.113
wire g2 ispb 100.64.2
via h1 10.1.0.2 default
via h1 fd01::2 default
via h2 10.2.0.2 default
via h2 fd02::2 default
via g1 192.0.2.2 198.51.100.0/24
via g2 198.51.100.2 192.0.2.0/24
via g1 203.0.113.2 100.64.2.0/24
via g2 100.64.2.2 203.0.113.0/24
keys g1 g2
echo_server h2

# tunnel SITE OTHER LETTER NUMBER ENDPOINT: no routes but those that BGP brings, so everything is allowed.
tunnel()
{
    tunnel_file "g$1$3" <<END
[Interface]
PrivateKey = $(cat "$scratch/g$1.key")
ListenPort = 5182$4
Address = 10.77.$4.$1/24, fd77:$4::$1/64
Table = off

[Peer]
PublicKey = $(public "g$2")
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = $5:5182$4
END
    tunnel_up "g$1" "$VPN_TUNNEL" "g$1$3"
}

# session NAME FAMILY NEIGHBOUR AS PREFERENCE
session()
{
    cat <<END
protocol bgp $1 from site {
    neighbor $3 as $4;
    $2 {
        import filter { bgp_local_pref = $5; accept; };
        export where source = RTS_DEVICE;
        next hop self;
    };
}
END
}

# speaker SITE OTHER: its LAN is announced through both tunnels, and the first is preferred.
speaker()
{
    cat >"$scratch/g$1.bird" <<END
log stderr all;
debug protocols { states };
router id 10.77.1.$1;
protocol device { scan time 1; }
protocol direct { ipv4; ipv6; interface "h$1"; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol bfd { interface "*" { interval 250 ms; multiplier 8; }; }
template bgp site {
    local as 6500$1;
    bfd on;
    hold time 30;
    connect delay time 1;
    connect retry time 1;
    error wait time 1, 2;
}
$(session a4 ipv4 "10.77.1.$2" "6500$2" 200)
$(session a6 ipv6 "fd77:1::$2" "6500$2" 200)
$(session b4 ipv4 "10.77.2.$2" "6500$2" 100)
$(session b6 ipv6 "fd77:2::$2" "6500$2" 100)
END
    ip netns exec "$(ns_name "g$1")" bird -f -c "$scratch/g$1.bird" -s "$scratch/g$1.ctl" >"$scratch/g$1.log" 2>&1 &
}

# by NS PREFIX TUNNEL: the route leads through it.
by()
{
    case $2 in *:*) by_family=-6 ;; *) by_family=-4 ;; esac
    contains "dev $(if_name "$3")" in_ns "$1" ip "$by_family" route show "$2"
}

# all_by LETTER: both sites send both families there.
all_by()
{
    by g1 10.2.0.0/24 "g1$1" && by g1 fd02::/64 "g1$1" && by g2 10.1.0.0/24 "g2$1" && by g2 fd01::/64 "g2$1"
}

# settled: all sessions of both sites are there, as BFD sees it too. One that just came may fall once more before that.
settled()
{
    for site in 1 2; do
        equal "$(birdc -s "$scratch/g$site.ctl" show protocols | grep -c Established)" 4 &&
            equal "$(birdc -s "$scratch/g$site.ctl" show bfd sessions | grep -cw Up)" 4 || return 1
    done
}

# all_is_well: as before anything failed.
all_is_well()
{
    settled && all_by a
}

# carries LETTER NUMBER OTHER: data and who answers on the way; nothing of it goes by the other provider.
carries()
{
    capture "isp$1" g1
    capture "isp$3" g1
    check "$round: TCP" echo_tcp h1 10.2.0.1 500000
    check "$round: TCP by IPv6" echo_tcp h1 fd02::1 500000
    check "$round: the hops" equal "$(hops h1 10.2.0.1 3 | xargs)" "10.1.0.2 10.77.$2.2 10.2.0.1"
    check "$round: the hops by IPv6" equal "$(hops h1 fd02::1 3 | xargs)" "fd01::2 fd77:$2::2 fd02::1"
    check "$round: the provider carries it" sees 20 "isp$1" g1 "udp port 5182$2 and greater 1000"
    check "$round: the other does not" sees_none "isp$3" g1 "greater 1000"
}

# moves LETTER: from one tunnel to the other while TCP runs, after COMMAND.
moves()
{
    moves_to=$1
    shift
    echo_tcp h1 10.2.0.1 600000 2 >"$scratch/transfer.log" 2>&1 &
    transfer=$!
    wait_for 5 test -s "$scratch/transfer.log"
    check "$round" "$@"
    check "$round: routes move" wait_for 10 all_by "$moves_to"
    check "$round: the transfer arrives" wait $transfer
}

link_of_a()
{
    in_ns ispa ip link set g2 "$1"
}

round="first"
check "$round: tunnels" eval 'tunnel 1 2 a 1 198.51.100.1 && tunnel 2 1 a 1 192.0.2.1 &&
    tunnel 1 2 b 2 100.64.2.1 && tunnel 2 1 b 2 203.0.113.1'
check "$round: no way yet" silent h1 10.2.0.1
speaker 1 2
speaker 2 1
check "$round: routes are learned" wait_for 15 all_is_well
carries a 1 b

in_ns g2 ip address add 10.2.9.2/24 dev h2
in_ns h2 ip address add 10.2.9.1/24 dev g2
check "a prefix more: it is learned" wait_for 5 by g1 10.2.9.0/24 g1a
check "a prefix more: it is reached" pings h1 10.2.9.1
in_ns g2 ip address del 10.2.9.2/24 dev h2
check "a prefix less: it is forgotten" wait_for 5 not by g1 10.2.9.0/24 g1a

# The first site sees no link go down.
round="the first provider fails"
moves b link_of_a down
carries b 2 a
round="the first provider is back"
moves a link_of_a up
check "$round: all sessions are" wait_for 15 all_is_well
carries a 1 b

round="a daemon crashes"
moves b kill -9 "$(daemon_of g2 g2a)"
round="the daemon is back"
check "$round: down" tunnel_down g2 g2a
moves a tunnel_up g2 "$VPN_TUNNEL" g2a
check "$round: all sessions are" wait_for 15 all_is_well
carries a 1 b
finish
