# SPDX-License-Identifier: ISC
# Path MTU: between hosts a and b stand routers r and s, and between these a link for each size, over which tunnels go in both
# families. Without the help of ICMP the prober finds each size, with it the sizes are learned; large transfers work all the
# while; who sends too much inside is told. What happens without vpn-tunnel's help is tried too.
. "$(dirname -- "$0")/../interop/lib.sh"

start_test
need iperf3 iperf3
need nft nftables
need python3 python3
need tcpdump tcpdump
need tshark tshark

# Each link, as MTU; each tunnel as LINK-FAMILY, and one without IPv6 inside.
links="1280 1340 1400 1492 1500"
tunnels="1280-4 1280-6 1340-4 1400-4 1400-6 1492-6 1500-4 1500-6 1280-4only"

# number NAME: of a tunnel or link in its list, from 1 on.
number()
{
    number_of=$1
    shift
    number_at=0
    for number_is in "$@"; do
        number_at=$((number_at + 1))
        [ "$number_is" != "$number_of" ] || break
    done
    echo $number_at
}

of_tunnel()
{
    # shellcheck disable=SC2086
    number "$1" $tunnels
}

of_link()
{
    # shellcheck disable=SC2086
    number "${1%%-*}" $links
}

name()
{
    if_name "$1$(of_tunnel "$2")"
}

# The networks: 10.1.x and fd01:x at a, 10.2.x and fd02:x at b, with x the number of the link that leads there.
stage()
{
    for stage_ns in a r s b; do ns_new $stage_ns; done
    for stage_ns in r s; do
        in_ns $stage_ns sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    done
    ip link add out netns "$(ns_name a)" type veth peer name near netns "$(ns_name r)"
    ip link add out netns "$(ns_name b)" type veth peer name near netns "$(ns_name s)"
    address a out 10.90.0.1/24 fd90::1/64
    address r near 10.90.0.2/24 fd90::2/64
    address b out 10.91.0.1/24 fd91::1/64
    address s near 10.91.0.2/24 fd91::2/64
    for stage_link in $links; do
        x=$(of_link "$stage_link")
        ip link add "l$x" netns "$(ns_name r)" type veth peer name "l$x" netns "$(ns_name s)"
        address r "l$x" "10.92.$x.1/24" "fd92:$x::1/64"
        address s "l$x" "10.92.$x.2/24" "fd92:$x::2/64"
        in_ns r ip link set "l$x" mtu "$stage_link"
        in_ns s ip link set "l$x" mtu "$stage_link"
        in_ns a ip address add "10.1.$x.1/32" dev lo
        in_ns a ip address add "fd01:$x::1/128" dev lo nodad
        in_ns b ip address add "10.2.$x.1/32" dev lo
        in_ns b ip address add "fd02:$x::1/128" dev lo nodad
        way a "10.2.$x.0/24" 10.90.0.2 "10.1.$x.1" "fd02:$x::/64" fd90::2 "fd01:$x::1"
        way b "10.1.$x.0/24" 10.91.0.2 "10.2.$x.1" "fd01:$x::/64" fd91::2 "fd02:$x::1"
        in_ns r ip route add "10.1.$x.0/24" via 10.90.0.1
        in_ns r ip route add "fd01:$x::/64" via fd90::1
        in_ns r ip route add "10.2.$x.0/24" via "10.92.$x.2"
        in_ns r ip route add "fd02:$x::/64" via "fd92:$x::2"
        in_ns s ip route add "10.2.$x.0/24" via 10.91.0.1
        in_ns s ip route add "fd02:$x::/64" via fd91::1
        in_ns s ip route add "10.1.$x.0/24" via "10.92.$x.1"
        in_ns s ip route add "fd01:$x::/64" via "fd92:$x::1"
    done
}

address()
{
    in_ns "$1" ip address add "$3" dev "$2"
    in_ns "$1" ip address add "$4" dev "$2" nodad
    in_ns "$1" ip link set "$2" up
}

way()
{
    in_ns "$1" ip route add "$2" via "$3" src "$4"
    in_ns "$1" ip route add "$5" via "$6" src "$7"
}

# end NS MINE OTHER TUNNEL [OPTIONS]: a daemon; addresses 10.77.N.MINE and fd77:N::MINE inside, N the tunnel's number.
end()
{
    end_ns=$1
    end_mine=$2
    end_other=$3
    end_tunnel=$4
    shift 4
    n=$(of_tunnel "$end_tunnel")
    x=$(of_link "$end_tunnel")
    end_if=$(name "$end_ns" "$end_tunnel")
    # shellcheck disable=SC2086
    LOG_LEVEL=verbose ip netns exec "$(ns_name "$end_ns")" "$VPN_TUNNEL" -f --cipher sodium "$@" "$end_if" \
        >>"$scratch/$end_ns-$end_tunnel.log" 2>&1 &
    wait_for 5 test -S "/var/run/wireguard/$end_if.sock"
    case $end_tunnel in
    1280-4only) end_allowed=10.77.$n.$end_other/32 ;;
    1340-4) end_allowed=10.77.$n.0/24,fd77:$n::/64 ;; # no address stands alone
    *) end_allowed=10.77.$n.$end_other/32,fd77:$n::$end_other/128 ;;
    esac
    case $end_tunnel in
    *-6) end_remote="[fd0$end_other:$x::1]:$((52000 + n * 10 + end_other))" ;;
    *) end_remote="10.$end_other.$x.1:$((52000 + n * 10 + end_other))" ;;
    esac
    end_peer=b
    [ "$end_ns" = a ] || end_peer=a
    wg set "$end_if" private-key "$scratch/$end_ns.key" listen-port $((52000 + n * 10 + end_mine)) \
        peer "$(public $end_peer)" endpoint "$end_remote" allowed-ips "$end_allowed"
    in_ns "$end_ns" ip address add "10.77.$n.$end_mine/24" dev "$end_if"
    in_ns "$end_ns" ip address add "fd77:$n::$end_mine/64" dev "$end_if" nodad
    in_ns "$end_ns" ip link set "$end_if" up
}

set_lines()
{
    printf 'set=1\n%s\n\n' "$2" | python3 -B "$here/../interop/uapi_client.py" raw "/var/run/wireguard/$1.sock"
}

# told NS TUNNEL KEY: what the daemon says.
told()
{
    printf 'get=libvpn\n\n' | python3 -B "$here/../interop/uapi_client.py" raw "/var/run/wireguard/$(name "$1" "$2").sock" |
        sed -n "s/^libvpn_$3=//p"
}

tells()
{
    equal "$(told "$1" "$2" "$3")" "$4"
}

# Routers that say nothing of what they cannot carry; and that do.
say_nothing()
{
    for say_ns in r s; do
        in_ns $say_ns nft -f - <<RULES
table inet silence {
    chain out {
        type filter hook output priority 0
        icmp type destination-unreachable drop
        icmpv6 type packet-too-big drop
    }
}
RULES
    done
}

say_all()
{
    for say_ns in r s; do in_ns $say_ns nft delete table inet silence; done
}

# inner TUNNEL [LINK]: what fits the link, by arithmetic: headers of 60 or 80 bytes outside, a multiple of 16 for the padding, no
# more than the MTU of the interface, and with IPv6 inside no less than 1280.
inner()
{
    inner_is=${2:-${1%%-*}}
    case $1 in
    *-6) inner_is=$((inner_is - 80)) ;;
    *) inner_is=$((inner_is - 60)) ;;
    esac
    if [ $inner_is -ge 1420 ]; then
        echo 1420
    elif [ $inner_is -lt 1280 ] && [ "$1" != 1280-4only ]; then
        echo 1280
    else
        echo $((inner_is - inner_is % 16))
    fi
}

# finds NS TUNNEL MTU: probes go where packets go.
finds()
{
    in_ns "$1" ping -n -q -c 1 -W 1 "10.77.$(of_tunnel "$2").$([ "$1" = a ] && echo 2 || echo 1)"
    tells "$1" "$2" mtu "$3"
}

completes()
{
    in_ns a ping -n -q -c 1 -W 1 "10.77.$(of_tunnel "$1").2" && tells a "$1" path_mtu_state complete
}

# iperf SECONDS TUNNEL ADDRESS [OPTIONS]: from a, and again while the server has not done with the one before.
iperf()
{
    iperf_seconds=$1
    iperf_port=$((6000 + $(of_tunnel "$2")))
    iperf_to=$3
    shift 3
    for iperf_try in 1 2 3 4 5 6 7 8 9 10; do
        iperf_said=$(in_ns a timeout "$iperf_seconds" iperf3 -c "$iperf_to" -p $iperf_port --connect-timeout 3000 "$@" 2>&1)
        iperf_status=$?
        case $iperf_said in *"server is busy"*) sleep 0.$iperf_try ;; *) break ;; esac
    done
    echo "$iperf_said"
    return $iperf_status
}

# transfer TUNNEL SECONDS: TCP in both directions over both families inside.
transfer()
{
    n=$(of_tunnel "$1")
    transfer_to=10.77.$n.2
    [ "$1" = 1280-4only ] || transfer_to="$transfer_to fd77:$n::2"
    for transfer_at in $transfer_to; do
        for transfer_way in '' -R; do
            # shellcheck disable=SC2086
            iperf "$2" "$1" "$transfer_at" -n 2M $transfer_way || return 1
        done
    done
}

# transfers WHAT: over all tunnels at once; none may take long.
transfers()
{
    for tunnel in $tunnels; do
        transfer "$tunnel" 15 >"$scratch/transfer-$tunnel.txt" 2>&1 &
        eval "transfer_$(of_tunnel "$tunnel")=$!"
    done
    transfers_pid=
    for tunnel in $tunnels; do
        eval "transfers_pid=\$transfer_$(of_tunnel "$tunnel")"
        check "$1: $tunnel: TCP, both ways, both families" ended "$transfers_pid" "$scratch/transfer-$tunnel.txt"
    done
}

# ended PID FILE: well, or what it said is shown.
ended()
{
    wait "$1" || {
        tail -n 20 "$2"
        return 1
    }
}

# for_all COMMAND...: with each tunnel as its last argument, all at once.
for_all()
{
    for_all_pids=
    for tunnel in $tunnels; do
        "$@" "$tunnel" &
        for_all_pids="$for_all_pids $!"
    done
    # shellcheck disable=SC2086
    wait $for_all_pids
}

begin()
{
    end b 2 1 "$1" --threads 1 --user nobody
    if [ "$1" = 1500-4 ]; then
        end a 1 2 "$1" --path-mtu probe
    else
        end a 1 2 "$1"
    fi
    in_ns b iperf3 -s -D -p $((6000 + $(of_tunnel "$1"))) --logfile "$scratch/iperf-$1.txt"
    pings a "10.77.$(of_tunnel "$1").2" >/dev/null
}

touch_both()
{
    in_ns a ping -n -q -c 1 -W 1 "10.77.$(of_tunnel "$1").2" >/dev/null
    in_ns b ping -n -q -c 1 -W 1 "10.77.$(of_tunnel "$1").1" >/dev/null
}

# mode WORD TUNNEL: of both ends. Where no address stands alone, one is named.
mode()
{
    for ns in a b; do
        set_lines "$(name $ns "$2")" "libvpn_probe_timer=1
libvpn_path_mtu_mode=$1"
    done >"$scratch/mode-$2.txt"
    [ "$2" = 1340-4 ] || return
    set_lines "$(name a "$2")" "public_key=$(hex b)
libvpn_probe_address=10.77.$(of_tunnel "$2").2"
    set_lines "$(name b "$2")" "public_key=$(hex a)
libvpn_probe_address=fd77:$(of_tunnel "$2")::1"
} >>"$scratch/modes.txt"

hex()
{
    base64 -d "$scratch/$1.pub" | od -A n -t x1 | tr -d ' \n'
}

# settled WHAT: all searches go on at once, and each finds what it should.
settled()
{
    for_all touch_both
    for tunnel in $tunnels; do
        for ns in a b; do
            check "$1: $tunnel: $ns finds $(inner "$tunnel")" wait_for 20 finds $ns "$tunnel" "$(inner "$tunnel")"
        done
    done
}

# shrink TUNNEL: a transfer at an even speed, and in the middle of it the link becomes narrower.
shrink()
{
    n=$(of_tunnel "$1")
    iperf 40 "$1" "10.77.$n.2" -n 20M -b 40M >"$scratch/shrink-$1.txt"
}

narrow()
{
    for ns in r s; do in_ns $ns ip link set "l$(of_link "$1")" mtu "$2"; done
}

# forget: what the hosts have learned of the ways inside.
forget()
{
    for ns in a b; do
        in_ns $ns ip -4 route flush cache
        in_ns $ns ip -6 route flush cache
    done
}

# What is carried over 1400 bytes of IPv4 or IPv6 outside: packets that may be fragmented, and who sends what may not is told.
too_big()
{
    n=$(of_tunnel "$1")
    too_big_if=$(name a "$1")
    check "$1: IPv4 that may be fragmented is carried" in_ns a ping -n -q -c 2 -i 0.05 -W 2 -M "dont" -s 1380 "10.77.$n.2"
    ip netns exec "$(ns_name a)" tcpdump -i "$too_big_if" -n --immediate-mode -U -Z root -w "$scratch/$1.pcap" 2>"$scratch/$1.tcpdump" &
    too_big_pid=$!
    wait_for 5 grep -q listening "$scratch/$1.tcpdump"
    iperf 10 "$1" "10.77.$n.2" -n 100K >/dev/null
    in_ns a ping -n -q -c 3 -i 0.05 -W 1 -M "do" -s 1380 "10.77.$n.2" >"$scratch/$1.ping4" 2>&1
    in_ns a ping -n -q -c 3 -i 0.05 -W 1 -M "do" -s 1360 "fd77:$n::2" >"$scratch/$1.ping6" 2>&1
    check "$1: the sender learns it" contains "mtu $(inner "$1")" in_ns a ip route get "10.77.$n.2"
    check "$1: and in IPv6" contains "mtu $(inner "$1")" in_ns a ip route get "fd77:$n::2"
    kill "$too_big_pid"
    wait "$too_big_pid"
    check "$1: tshark: ICMP, type, code, MTU, checksum, from and to" contains \
        "3 4 $(inner "$1") 1 10.77.$n.2 10.77.$n.1" \
        fields "$1" "icmp.type == 3" icmp.type icmp.code icmp.mtu icmp.checksum.status ip.src ip.dst
    check "$1: tshark: ICMPv6" contains "2 0 $(inner "$1") 1 fd77:$n::2 fd77:$n::1" \
        fields "$1" "icmpv6.type == 2" icmpv6.type icmpv6.code icmpv6.mtu icmpv6.checksum.status ipv6.src ipv6.dst
    check "$1: tshark: the other end's MSS fits" equal \
        "$(fields "$1" "tcp.flags.syn == 1 && tcp.flags.ack == 1" tcp.options.mss_val | sort -u)" $(($(inner "$1") - 40))
    check "$1: packets that went nowhere are counted" test "$(told a "$1" too_big)" -ge 2
    check "$1: and SYNs that were changed" test "$(told a "$1" clamped)" -ge 2
}

# fields TUNNEL FILTER FIELD...: of a capture, as tshark reads them; of a quoted packet only the outer one.
fields()
{
    fields_pcap=$scratch/$1.pcap
    fields_filter=$2
    shift 2
    fields_e=
    for fields_field in "$@"; do fields_e="$fields_e -e $fields_field"; done
    # shellcheck disable=SC2086
    tshark -n -r "$fields_pcap" -Y "$fields_filter" -T fields -E occurrence=f $fields_e 2>/dev/null | sed 's/Good/1/' | tr '\t' ' '
}

# forge TUNNEL FAMILY: from the router next to us.
forge()
{
    n=$(of_tunnel "$1")
    x=$(of_link "$1")
    case $2 in
    4) forge_words="10.90.0.2 10.1.$x.1 $((52000 + n * 10 + 1)) 10.2.$x.1 $((52000 + n * 10 + 2)) 700" ;;
    6) forge_words="fd90::2 fd01:$x::1 $((52000 + n * 10 + 1)) fd02:$x::1 $((52000 + n * 10 + 2)) 1290" ;;
    esac
    # shellcheck disable=SC2086
    in_ns r python3 -B "$here/forge_icmp.py" $forge_words
    check "forged over IPv$2: heard" wait_for 5 has_refused "$1" 20
    check "forged over IPv$2: not believed" tells a "$1" mtu 1420
}

has_refused()
{
    [ "$(told a "$1" path_mtu_refused)" -ge "$2" ]
}

stage
keys a b
for_all begin
check "--path-mtu probe" wait_for 10 completes 1500-4
say_nothing

# Without it, a link that is too narrow and says nothing swallows what is large, where routers do not fragment.
n=$(of_tunnel 1492-6)
iperf 3 1492-6 "10.77.$n.2" -n 2M >/dev/null &
hole=$!
check "off: nothing is told" equal "$(told a 1492-6 mtu)" ""
check "off: a black hole swallows a transfer" not wait $hole

# Nobody says anything, and it is found out.
for_all mode probe
settled "probes"
check "no IPv6 outside: the least MTU passes in pieces" tells a 1280-4 path_mtu_divide true
check "IPv6 outside: the least MTU passes in pieces" tells a 1280-6 path_mtu_divide true
check "the named address is told" contains "10.77.$(of_tunnel 1340-4).2" told a 1340-4 probe_address
check "the mode is told" tells a 1280-4 path_mtu_mode probe
check "the state is told" tells a 1400-4 path_mtu_state complete
for tunnel in 1500-4 1500-6; do
    shrink $tunnel &
    eval "shrink_$(of_tunnel $tunnel)=$!"
done
too_big 1400-4
too_big 1400-6
narrow 1500 1400
shrink_pid=
for tunnel in 1500-4 1500-6; do
    eval "shrink_pid=\$shrink_$(of_tunnel $tunnel)"
    check "probes: $tunnel: a transfer goes on when the link becomes narrower" ended "$shrink_pid" "$scratch/shrink-$tunnel.txt"
    check "probes: $tunnel: that is found" wait_for 20 finds a $tunnel "$(inner $tunnel 1400)"
done
narrow 1500 1500
transfers "probes"

# Routers say what they cannot carry.
say_all
forget
for_all mode errors
forge 1500-4 4
forge 1500-6 6
transfers "errors"
for tunnel in $tunnels; do
    check "errors: $tunnel: $(inner "$tunnel") is learned" tells a "$tunnel" mtu "$(inner "$tunnel")"
done
check "errors: from an error" tells a 1400-6 path_mtu_why "a router says that a packet is too big"
narrow 1500 1400
transfers "errors, narrower"
check "errors: IPv4: the narrower link is learned" tells a 1500-4 mtu "$(inner 1500-4 1400)"
check "errors: IPv6: the narrower link is learned" tells a 1500-6 mtu "$(inner 1500-6 1400)"
check "errors: IPv4 that may be fragmented is carried" in_ns a ping -n -q -c 2 -i 0.05 -W 2 -M "dont" -s 1380 "10.77.$(of_tunnel 1400-4).2"
finish
