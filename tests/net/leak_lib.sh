# SPDX-License-Identifier: ISC
# What the tests of leaks share: a laptop at home, whose provider leads to everything, and a server of a tunnel that is the
# rest of the world too. So a packet around the tunnel arrives and is answered, as it would be outside. Sourced with the
# build directory as $1.
#
#   home -- isp -- far
. "$(dirname -- "$0")/net_lib.sh"

world4=203.0.113.1
world6=2001:db8:113::1
tunnel=$(if_name home)
# What home may send in the clear beside a tunnel for everything: how a link finds its neighbours.
link_talk="arp or (ip6 and ip6[6] == 0) or (icmp6 and ip6[40] >= 130 and ip6[40] <= 136)"
home_mac=02:00:00:00:00:07
clear="ether src $home_mac and not (udp port 51820) and not ($link_talk)"
everything="0.0.0.0/0, ::/0"
as_uid=
home_addresses="10.77.0.2/24, fd77::2/64"

start_leaks()
{
    start_net
    need nft nftables
    ns_new home
    router isp far
    home_wire isp 192.168.7 fd07
    wire isp far 198.51.100 2001:db8:51
    via home 192.168.7.2 default
    via home fd07::2 default
    via isp 198.51.100.2 203.0.113.0/24
    via isp 2001:db8:51::2 2001:db8:113::/64
    via far 198.51.100.1 default
    via far 2001:db8:51::1 default
    in_ns far ip address add $world4/32 dev lo
    in_ns far ip address add $world6/128 dev lo nodad
    mkdir -p "/etc/netns/$(ns_name home)"
    printf 'nameserver 192.168.7.2\nnameserver fd07::2\n' >"/etc/netns/$(ns_name home)/resolv.conf"
    keys home far
    echo_server far
    tunnel_file far <<END
[Interface]
PrivateKey = $(cat "$scratch/far.key")
ListenPort = 51820
Address = 10.77.0.1/24, fd77::1/64
Table = off

[Peer]
PublicKey = $(public home)
AllowedIPs = 10.77.0.2/32, fd77::2/128
END
    in_ns far "$vpnctl" up --tunnel "$VPN_TUNNEL" "$scratch/$(if_name far).conf" || skip "the server does not start"
}

# home_wire ROUTER IPV4 IPV6: the captures know what home sent by its card.
home_wire()
{
    wire home "$@"
    in_ns home ip link set "$1" address $home_mac
}

# at_home COMMAND...: with the files of home below /etc, and no resolvconf, which would tell the whole machine.
at_home()
{
    ip netns exec "$(ns_name home)" sh -c 'for place in /usr/sbin/resolvconf /usr/bin/resolvconf; do
        [ ! -e "$place" ] || mount --bind /dev/null "$(readlink -f "$place")"
    done
    exec "$@"' sh "$@"
}

# home_file ALLOWED LINES: the file of the laptop's tunnel.
home_file()
{
    tunnel_file home <<END
[Interface]
PrivateKey = $(cat "$scratch/home.key")
Address = $home_addresses
$2

[Peer]
PublicKey = $(public far)
AllowedIPs = $1
Endpoint = 198.51.100.2:51820
END
}

# home_ctl COMMAND [WORDS]: vpnctl and the file of home, $at saying with what around it.
at=at_home
home_ctl()
{
    home_command=$1
    shift
    $at "$vpnctl" "$home_command" "$@" "$scratch/$tunnel.conf"
}

home_up()
{
    home_ctl up --tunnel "$VPN_TUNNEL" "$@"
}

home_down()
{
    home_ctl down "$@"
}

# What a down must leave behind: nothing.
home_state()
{
    in_ns home ip -o link show | sed 's/ qdisc [^ ]*//; s/ qlen.*//'
    in_ns home ip -o address show | sed 's/ valid_lft.*//'
    in_ns home ip -4 route show table all | sort
    in_ns home ip -6 route show table all | sed 's/ expires [^ ]*//' | sort
    in_ns home ip -4 rule show
    in_ns home ip -6 rule show
    in_ns home nft list ruleset
    cat "/etc/netns/$(ns_name home)/resolv.conf"
    find /run/vpnctl -name "$tunnel.journal*"
    ls "/var/run/wireguard/$tunnel.sock" 2>/dev/null
}

remember()
{
    home_state >"$scratch/before"
}

as_before()
{
    home_state >"$scratch/after"
    diff "$scratch/before" "$scratch/after"
}

# traffic ADDRESS...: pings, datagrams, TCP and questions to each, all the time, from home; of dns:ADDRESS only questions
# are asked. With $as_uid by that user, without pings. The process is the one that is ended later, so no function stands
# between.
traffic()
{
    rm -f "$scratch/answers$as_uid"
    ip netns exec "$(ns_name home)" python3 -B "$here/../net/leak_traffic.py" "$scratch/answers$as_uid" "${as_uid:-0}" "$@" \
        >>"$scratch/traffic.log" 2>&1 &
    traffic_pid=$!
    wait_for 5 test -s "$scratch/answers$as_uid" || fail "nobody tries"
}

traffic_stop()
{
    kill "$1" || fail "somebody stopped trying"
    wait "$1" 2>/dev/null
    sleep 0.1 # the captures write what they saw
}

# flows [UID]: answers come in; stalled [UID]: soon none does for a while.
flows()
{
    flows_before=$(cat "$scratch/answers${1:-}")
    wait_for 5 more_answers "${1:-}" "$flows_before"
}

more_answers()
{
    [ "$(cat "$scratch/answers$1")" -gt "$2" ]
}

stalled()
{
    wait_for 3 no_more_answers "${1:-}"
}

no_more_answers()
{
    no_more_before=$(cat "$scratch/answers$1")
    sleep 0.3
    equal "$(cat "$scratch/answers$1")" "$no_more_before"
}

# nothing_clear [ROUTERS]: what they capture of home has nothing that goes around the tunnel.
nothing_clear()
{
    for clear_router in ${1:-isp}; do
        sees_none "$clear_router" home "$clear" || return 1
    done
}
