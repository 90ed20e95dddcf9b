# SPDX-License-Identifier: ISC
# What the staged networks share: hosts and routers in namespaces, wires between them, captures, an echo service, and
# tunnels that vpnctl brings up from a file. Sourced with the build directory as $1.
#
# A wire's end is called like the host that it leads to, so that `capture isp home` is what the provider sees of home.
. "$(dirname -- "$0")/../interop/lib.sh"

case $build in /*) vpnctl=$build/examples/vpnctl ;; *) vpnctl=$PWD/$build/examples/vpnctl ;; esac
echo_port=7007

start_net()
{
    start_test
    need tcpdump tcpdump
    need python3 python3
    [ -x "$vpnctl" ] || skip "$vpnctl is not built"
}

# router NAME...: a namespace each that forwards; a host is one of ns_new.
router()
{
    for router_name in "$@"; do
        ns_new "$router_name"
        in_ns "$router_name" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    done
}

# wire A B IPV4 [IPV6]: A gets IPV4.1 and IPV6::1, B .2 and ::2, as in `wire home isp 192.0.2 2001:db8:2`.
wire()
{
    ip link add "$2" netns "$(ns_name "$1")" type veth peer name "$1" netns "$(ns_name "$2")"
    wire_end "$1" "$2" 1 "$3" "${4:-}"
    wire_end "$2" "$1" 2 "$3" "${4:-}"
    wait_for 3 contains "state UP" in_ns "$1" ip link show "$2"
    wait_for 3 contains "state UP" in_ns "$2" ip link show "$1"
}

wire_end()
{
    in_ns "$1" ip address add "$4.$3/24" dev "$2"
    [ -z "$5" ] || in_ns "$1" ip address add "$5::$3/64" dev "$2" nodad
    in_ns "$1" ip link set "$2" up
}

# via NS GATEWAY PREFIX...: routes, all of the gateway's family; a prefix may be `default`.
via()
{
    via_ns=$1
    via_gateway=$2
    case $2 in *:*) via_family=-6 ;; *) via_family=-4 ;; esac
    shift 2
    for via_prefix in "$@"; do
        in_ns "$via_ns" ip $via_family route add "$via_prefix" via "$via_gateway"
    done
}

# capture NS IF: all packets there, from now on, go to a file of its own, until the next capture at the same place.
capture()
{
    capture_stop "$1" "$2"
    capture_name=$scratch/$1-$2
    ip netns exec "$(ns_name "$1")" tcpdump -i "$2" -n -s 160 --immediate-mode -U -Z root -w "$capture_name.pcap" \
        2>"$capture_name.tcpdump" &
    echo $! >"$capture_name.pid"
    wait_for 5 grep -q listening "$capture_name.tcpdump" || fail "the capture at $1 did not begin"
}

capture_stop()
{
    capture_name=$scratch/$1-$2
    [ -f "$capture_name.pid" ] || return 0
    kill "$(cat "$capture_name.pid")"
    wait "$(cat "$capture_name.pid")"
    rm "$capture_name.pid" "$capture_name.tcpdump"
}

# captured NS IF FILTER: the packets of the capture, which may still run, that the filter takes; as text. Fails where it
# cannot be read, but for a last packet that is not all written yet.
captured()
{
    tcpdump -n -r "$scratch/$1-$2.pcap" "$3" 2>"$scratch/captured.err" && return
    grep 'truncated dump file' "$scratch/captured.err" | grep -qv 'file header' && return
    cat "$scratch/captured.err" >&2
    return 1
}

# Prints nothing, which is no number, where the capture cannot be read.
count()
{
    captured "$@" >"$scratch/captured.out" && wc -l <"$scratch/captured.out"
}

# sees NUMBER NS IF FILTER: the capture has at least so many packets, or soon will.
sees()
{
    sees_number=$1
    shift
    wait_for 3 has_counted "$sees_number" "$@" || {
        echo "$(count "$@") packets, not $sees_number"
        return 1
    }
}

has_counted()
{
    has_number=$1
    shift
    [ "$(count "$@")" -ge "$has_number" ]
}

# sees_none NS IF FILTER. That the capture works at all is for another check to show.
sees_none()
{
    equal "$(count "$@")" 0 || {
        captured "$@" | head -n 5
        return 1
    }
}

# echo_server NS: answers by TCP and UDP on $echo_port.
echo_server()
{
    ip netns exec "$(ns_name "$1")" python3 -B "$here/../net/echo.py" serve $echo_port >>"$scratch/$1.echo.log" 2>&1 &
    wait_for 10 in_ns "$1" sh -c "ss -ltn | grep -q :$echo_port && ss -lun | grep -q :$echo_port"
}

# echo_tcp NS ADDRESS BYTES [SECONDS]: all of it comes back; spread over so many seconds. Prints who the server saw.
echo_tcp()
{
    in_ns "$1" python3 -B "$here/../net/echo.py" tcp "$2" $echo_port "$3" "${4:-0}"
}

# echo_udp NS ADDRESS COUNT [TEXT]: each datagram comes back. Prints who the server saw.
echo_udp()
{
    in_ns "$1" python3 -B "$here/../net/echo.py" udp "$2" $echo_port "$3" "${4:-datagram}"
}

# tunnel_file TUNNEL: standard input becomes the file of the interface if_name TUNNEL. Tunnels are called like the
# namespace that they are in, where that has but one.
tunnel_file()
{
    (umask 077 && cat >"$scratch/$(if_name "$1").conf")
}

# tunnel_up NS [DAEMON [TUNNEL]], tunnel_down NS [TUNNEL]: by vpnctl.
tunnel_up()
{
    in_ns "$1" "$vpnctl" up --tunnel "${2:-$VPN_TUNNEL}" "$scratch/$(if_name "${3:-$1}").conf"
}

tunnel_down()
{
    in_ns "$1" "$vpnctl" down "$(if_name "${2:-$1}")"
}

# daemon_of NS [TUNNEL]: the process of vpn-tunnel there.
daemon_of()
{
    for daemon_candidate in $(ip netns pids "$(ns_name "$1")"); do
        [ "$(readlink "/proc/$daemon_candidate/exe")" = "$(readlink -f "$VPN_TUNNEL")" ] &&
            tr '\0' '\n' <"/proc/$daemon_candidate/cmdline" | grep -qx "$(if_name "${2:-$1}")" &&
            echo "$daemon_candidate"
    done
}

# silent NS ADDRESS [SIZE]: no answer from there.
silent()
{
    not in_ns "$1" ping -n -q -c 1 -W 1 -s "${3:-56}" "$2"
}

# hops NS ADDRESS NUMBER: who answers when a packet dies at the first, second... router, one a line.
hops()
{
    hop=0
    while [ $((hop += 1)) -le "$3" ]; do
        in_ns "$1" ping -n -c 1 -W 2 -t $hop "$2" |
            sed -n 's/^From \([^ ]*\) .*/\1/p; s/^[0-9]* bytes from \([^ ]*\): .*/\1/p'
    done
}

# masquerade NS IF MATCH...: whatever matches and leaves by the interface bears its address.
masquerade()
{
    masquerade_ns=$1
    masquerade_if=$2
    shift 2
    in_ns "$masquerade_ns" nft -f - <<END
table inet nat {
    chain out {
        type nat hook postrouting priority 100
$(for masquerade_match in "$@"; do echo "        oifname $masquerade_if $masquerade_match masquerade"; done)
    }
}
END
}
